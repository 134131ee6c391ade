//! Which changes of interest every neighbour has confirmed, over all networks and in order.

use std::collections::BTreeMap;

/// Tickets of the bus that some network has not confirmed yet.
#[derive(Debug, Default)]
pub(super) struct Tickets {
    /// How many networks still have to confirm each.
    open: BTreeMap<u64, usize>,
    newest: u64,
}

impl Tickets {
    /// A change was told to one network more.
    pub(super) fn told(&mut self, ticket: u64) {
        *self.open.entry(ticket).or_default() += 1;
        self.newest = self.newest.max(ticket);
    }

    /// One network has confirmed it. Returns up to which ticket everything is confirmed.
    pub(super) fn confirmed(&mut self, ticket: u64) -> u64 {
        if let Some(networks) = self.open.get_mut(&ticket) {
            *networks = networks.saturating_sub(1);
            if *networks == 0 {
                self.open.remove(&ticket);
            }
        }
        self.open.keys().next().map_or(self.newest, |oldest| oldest.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_counts_once_all_before_it_do() {
        let mut tickets = Tickets::default();
        [3, 3, 5].into_iter().for_each(|ticket| tickets.told(ticket));
        assert_eq!(tickets.confirmed(5), 2);
        assert_eq!(tickets.confirmed(3), 2);
        assert_eq!(tickets.confirmed(3), 5);
        assert_eq!(tickets.confirmed(9), 5);
    }
}
