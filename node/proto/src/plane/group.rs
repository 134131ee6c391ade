//! Which member of a group gets an event: by its key where it has one, else near and idle first.
//!
//! Every origin chooses alike for a key, so that it stays with one member while the members stay. What becomes of the
//! event then is not known here.

use crate::mix::scatter;

/// What is still with a member before it counts as busy.
const BUSY: usize = 64;

/// Somebody who may get the event.
pub trait Candidate {
    /// A number of its own that everybody knows it by.
    fn number(&self) -> u64;

    /// What it was given and has not settled yet.
    fn load(&self) -> usize;

    /// Whether it is as near as can be.
    fn is_near(&self) -> bool;
}

/// The position of the member for an event; none when there are none. `draw` is any number that differs from event to
/// event.
pub fn choose<C: Candidate>(candidates: &[C], key: Option<&str>, draw: u64) -> Option<usize> {
    match key {
        Some(key) => by_key(candidates, key),
        None => by_load(candidates, draw),
    }
}

/// Rendezvous hashing (Thaler, Ravishankar 1998): a member that comes takes over its share, one that goes leaves the
/// others' shares alone.
fn by_key<C: Candidate>(candidates: &[C], key: &str) -> Option<usize> {
    let hash = blake3::hash(key.as_bytes());
    let seed = hash.as_bytes().first_chunk().map_or(0, |first| u64::from_le_bytes(*first));
    let weight = |candidate: &C| (scatter(seed ^ scatter(candidate.number())), candidate.number());
    let heaviest = candidates.iter().enumerate().max_by_key(|(_, candidate)| weight(candidate));
    heaviest.map(|(at, _)| at)
}

/// The nearest unless all near ones are busy; of several the better of two drawn ones.
fn by_load<C: Candidate>(candidates: &[C], draw: u64) -> Option<usize> {
    let idle = |(at, candidate): (usize, &C)| (candidate.is_near() && candidate.load() < BUSY).then_some(at);
    let near: Vec<usize> = candidates.iter().enumerate().filter_map(idle).collect();
    match near.as_slice() {
        [] if candidates.len() == 1 => Some(0),
        [] => better_of_two(&(0..candidates.len()).collect::<Vec<_>>(), candidates, draw),
        [one] => Some(*one),
        several => better_of_two(several, candidates, draw),
    }
}

fn better_of_two<C: Candidate>(among: &[usize], candidates: &[C], draw: u64) -> Option<usize> {
    let drawn = |draw: u64| {
        let at = usize::try_from(scatter(draw) % (among.len() as u64).max(1)).ok()?;
        among.get(at).copied()
    };
    let (one, other) = (drawn(draw)?, drawn(!draw)?);
    let load = |at: usize| candidates.get(at).map_or(usize::MAX, Candidate::load);
    Some(if load(other) < load(one) { other } else { one })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq)]
    struct Member(u64, usize, bool);

    impl Candidate for Member {
        fn number(&self) -> u64 {
            self.0
        }

        fn load(&self) -> usize {
            self.1
        }

        fn is_near(&self) -> bool {
            self.2
        }
    }

    fn members(count: u64) -> Vec<Member> {
        (1..=count).map(|n| Member(n * 7919, 0, false)).collect()
    }

    #[test]
    fn a_key_stays_with_its_member_and_moves_only_when_that_goes() {
        let all = members(10);
        let mut shares = [0; 10];
        for n in 0..2_000 {
            let key = format!("customer {n}");
            let at = choose(&all, Some(&key), n).expect("a member");
            assert_eq!(choose(&all, Some(&key), n + 1), Some(at));
            shares[at] += 1;
            let gone = usize::try_from(n % 10).expect("small");
            let mut left = all.clone();
            left.remove(gone);
            let then = left[choose(&left, Some(&key), n).expect("a member")];
            assert!(gone == at || then == all[at], "{key} moved though its member stayed");
            let mut turned = all.clone();
            turned.reverse();
            assert_eq!(turned[choose(&turned, Some(&key), n).expect("a member")], all[at]);
        }
        assert!(shares.iter().all(|share| (100..320).contains(share)), "{shares:?}");
    }

    #[test]
    fn without_a_key_the_near_one_comes_first_until_it_is_busy() {
        let mut all = members(4);
        all[2].2 = true;
        assert!((0..100).all(|draw| choose(&all, None, draw) == Some(2)));
        all[2].1 = BUSY;
        let chosen: Vec<usize> = (0..400).filter_map(|draw| choose(&all, None, draw)).collect();
        assert!(!(0..4).any(|at| at != 2 && !chosen.contains(&at)), "everyone has a share");
        let busy = chosen.iter().filter(|at| **at == 2).count();
        assert!(busy < 60, "the busy one only where it was drawn twice, not {busy} times");
        assert_eq!(choose(&[] as &[Member], None, 1), None);
        assert_eq!(choose(&all[..1], None, 1), Some(0));
    }
}
