//! Who waits for a request, on this node: a request that comes back to somebody who waits and can take only one call
//! would never end, and is refused at once.

use std::sync::Arc;

use crate::bus::Actor;

/// Nested requests that wait for each other, at most.
const LENGTH_MAX: u32 = 16;

/// Whoever asks, and whoever asked them.
#[derive(Debug, PartialEq, Eq)]
pub struct Chain {
    plugin: Arc<str>,
    /// It can take nothing else while it waits.
    takes_one: bool,
    length: u32,
    before: Option<Arc<Chain>>,
}

impl Chain {
    /// A plugin asks, while it handles what `before` asked, or an event.
    #[must_use]
    pub fn of(plugin: &Arc<str>, takes_one: bool, before: Option<&Arc<Self>>) -> Arc<Self> {
        let length = before.map_or(1, |before| before.length.saturating_add(1));
        Arc::new(Self { plugin: Arc::clone(plugin), takes_one, length, before: before.map(Arc::clone) })
    }

    /// Whether more wait for each other than ever makes sense.
    pub(super) fn is_too_long(&self) -> bool {
        self.length > LENGTH_MAX
    }

    /// Whether somebody is among those who wait, and can take nothing before they have their answer.
    pub(super) fn holds_up(&self, actor: &Actor) -> bool {
        let Actor::Plugin(name) = actor else { return false };
        let mut link = Some(self);
        while let Some(Self { plugin, takes_one, before, .. }) = link {
            if *takes_one && plugin == name {
                return true;
            }
            link = before.as_deref();
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_takes_one_call_holds_up_what_comes_back_and_chains_end() {
        let (single, pool): (Arc<str>, Arc<str>) = ("single".into(), "pool".into());
        let first = Chain::of(&single, true, None);
        let second = Chain::of(&pool, false, Some(&first));
        let holds_up = |chain: &Chain, name: &Arc<str>| chain.holds_up(&Actor::Plugin(Arc::clone(name)));
        assert!(holds_up(&first, &single) && holds_up(&second, &single));
        assert!(!holds_up(&second, &pool) && !second.holds_up(&Actor::Local));
        let mut chain = second;
        for _ in 3..=LENGTH_MAX {
            chain = Chain::of(&pool, false, Some(&chain));
            assert!(!chain.is_too_long());
        }
        assert!(Chain::of(&pool, false, Some(&chain)).is_too_long());
    }
}
