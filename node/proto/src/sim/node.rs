//! A simulated node: the state machine, and what a driver would keep beside it.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    time::Duration,
};

use super::{
    bus::Bus,
    chance::Chance,
    clock::{Clock, EPOCH_MS},
    keys::Stamp,
    scenario::{Oddities, Scenario},
};
use crate::{
    core::{Core, CoreConfig},
    id::{Incarnation, NodeId},
    io::{Attempt, LinkId, Outbox, Timer},
    record::Archive,
    time::Now,
};

/// One node through all its lives.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) id: NodeId,
    /// Where it can be dialled.
    pub(super) addrs: Vec<SocketAddr>,
    /// Counts its lives.
    pub(super) life: u64,
    /// What this life has; none when it is dead.
    pub(super) alive: Option<Alive>,
    /// The connections it has an end of, in whichever life.
    pub(super) connections: BTreeSet<u64>,
    /// Its own time.
    pub(super) clock: Clock,
    /// Whether it lies as a relay.
    pub(super) lies: bool,
    /// How late it notices what happened, at most.
    pub(super) slow_by: Duration,
}

/// What one life of a node has.
#[derive(Debug)]
pub(super) struct Alive {
    pub(super) core: Core,
    /// It has been told to leave.
    pub(super) leaving: bool,
    /// The timers that are armed: those of which there is one, and the others.
    timers: [Option<Armed>; 6],
    others: BTreeMap<Timer, Armed>,
    /// The connections that are up, and which of their ends is here: by the numbers of their links, which are given out
    /// in order.
    links: Vec<Option<(u64, usize)>>,
    /// Dials that were given up before they ended.
    pub(super) abandoned: BTreeSet<Attempt>,
    /// The data plane, where there are events.
    pub(super) bus: Option<Box<Bus>>,
    /// When the queue calls for the data plane.
    pub(super) bus_called: Option<Now>,
}

/// A timer that is armed.
#[derive(Debug)]
struct Armed {
    /// When it is due.
    at: Now,
    /// When the queue calls for it: a timer that is put off is asked for once, not each time.
    called: Now,
}

impl Node {
    /// A node that was never started. Ids are in another order than the numbers; some have two addresses.
    pub(super) fn new(number: usize, oddities: &Oddities, chance: &mut Chance) -> Self {
        let id = NodeId(std::array::from_fn(|_| u8::try_from(chance.below(256)).unwrap_or(0)));
        let host = u8::try_from(number % 250).unwrap_or(0);
        let net = u8::try_from(number / 250).unwrap_or(0);
        let interfaces = if number.is_multiple_of(3) { 2 } else { 1 };
        let addrs = (0..interfaces).map(|i| SocketAddr::from(([10, i, net, host], 7182))).collect();
        let clock = Clock::new(oddities, chance);
        let slow = oddities.slow_percent > 0 && chance.percent(oddities.slow_percent);
        Self {
            id,
            addrs,
            life: 0,
            alive: None,
            connections: BTreeSet::new(),
            clock,
            lies: oddities.lies.share > 0 && chance.percent(oddities.lies.share),
            slow_by: if slow { oddities.slow_by } else { Duration::ZERO },
        }
    }

    /// This life of it, unless it is over.
    pub(super) fn living(&mut self, life: u64) -> Option<&mut Alive> {
        self.alive.as_mut().filter(|_| self.life == life)
    }

    /// Begins the next life.
    pub(super) fn start(
        &mut self,
        now: Now,
        name: String,
        archive: &Archive,
        (scenario, seed): (&Scenario, u64),
        out: &mut Outbox,
    ) {
        self.life += 1;
        let config = CoreConfig {
            node: self.id,
            incarnation: incarnation(self.life),
            name,
            addrs: self.addrs.clone(),
            networks: 1,
            max_neighbours: scenario.neighbours,
            unix_ms: self.clock.unix_ms,
            seed,
        };
        let keys = Box::new(Stamp::new(self.id));
        self.alive = Some(Alive {
            core: Core::new(self.clock.here(now), config, keys, out).with_archive(archive.clone()),
            leaving: false,
            timers: [const { None }; 6],
            others: BTreeMap::new(),
            links: Vec::new(),
            abandoned: BTreeSet::new(),
            bus: scenario.has_events().then(|| Box::new(Bus::new(self.id, self.life))),
            bus_called: None,
        });
    }
}

/// A life as nodes name it: as large a number as one that comes from a clock, because it is in every notice.
pub(super) fn incarnation(life: u64) -> Incarnation {
    Incarnation(EPOCH_MS.saturating_add(life))
}

/// The life that nodes name so.
pub(super) fn life(incarnation: Incarnation) -> u64 {
    incarnation.0.saturating_sub(EPOCH_MS)
}

impl Alive {
    /// A connection is up, of which this end is here.
    pub(super) fn link_up(&mut self, connection: u64, end: usize) -> LinkId {
        self.links.push(Some((connection, end)));
        LinkId(self.links.len() as u64)
    }

    pub(super) fn link_down(&mut self, link: LinkId) {
        if let Some(known) = place(link).and_then(|at| self.links.get_mut(at)) {
            *known = None;
        }
    }

    /// The connection of a link, and which of its ends is here.
    pub(super) fn end_of(&self, link: LinkId) -> Option<(u64, usize)> {
        *self.links.get(place(link)?)?
    }

    /// Arms a timer. When the queue has to call for it, unless it will anyway.
    pub(super) fn arm(&mut self, timer: Timer, at: Now) -> Option<Now> {
        match self.armed(timer) {
            Some(armed) if armed.called <= at => {
                armed.at = at;
                return None;
            }
            Some(armed) => *armed = Armed { at, called: at },
            None => self.set(timer, Armed { at, called: at }),
        }
        Some(at)
    }

    /// The queue calls for a timer: whether it is due, and when to call again otherwise.
    pub(super) fn ring(&mut self, now: Now, timer: Timer) -> (bool, Option<Now>) {
        match self.armed(timer) {
            Some(armed) if armed.called != now => (false, None),
            Some(armed) if armed.at > now => {
                armed.called = armed.at;
                (false, Some(armed.at))
            }
            Some(_) => {
                self.disarm(timer);
                (true, None)
            }
            None => (false, None),
        }
    }

    fn armed(&mut self, timer: Timer) -> Option<&mut Armed> {
        match only(timer) {
            Some(which) => self.timers[which].as_mut(),
            None => self.others.get_mut(&timer),
        }
    }

    fn set(&mut self, timer: Timer, armed: Armed) {
        match only(timer) {
            Some(which) => self.timers[which] = Some(armed),
            None => _ = self.others.insert(timer, armed),
        }
    }

    fn disarm(&mut self, timer: Timer) {
        match only(timer) {
            Some(which) => self.timers[which] = None,
            None => _ = self.others.remove(&timer),
        }
    }
}

/// Which of the timers it is of which there is one in the one network of a run.
fn only(timer: Timer) -> Option<usize> {
    match timer {
        Timer::Say(_) => Some(0),
        Timer::Reach(_) => Some(1),
        Timer::Gossip(_) => Some(2),
        Timer::Compare(_) => Some(3),
        Timer::Dial => Some(4),
        Timer::Ready(_) => Some(5),
        Timer::Greeting(_) | Timer::Exchange(..) | Timer::Trace(_) => None,
    }
}

fn place(link: LinkId) -> Option<usize> {
    usize::try_from(link.0.checked_sub(1)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::NetworkIndex;

    #[test]
    fn a_timer_rings_once_when_it_is_due_last() {
        let at = |ms| Now(Duration::from_millis(ms));
        let timer = Timer::Ready(NetworkIndex::HOME);
        let mut node = Node::new(1, &Oddities::default(), &mut Chance::new(1));
        node.start(at(0), "one".into(), &Archive::default(), (&Scenario::default(), 1), &mut Outbox::new());
        let alive = node.living(1).expect("it was started");
        assert_eq!(alive.arm(timer, at(10)), Some(at(10)));
        assert_eq!(alive.arm(timer, at(20)), None);
        assert_eq!(alive.ring(at(10), timer), (false, Some(at(20))));
        // Sooner again: the later call is not heard.
        assert_eq!(alive.arm(timer, at(15)), Some(at(15)));
        assert_eq!(alive.ring(at(15), timer), (true, None));
        assert_eq!(alive.ring(at(20), timer), (false, None));
    }
}
