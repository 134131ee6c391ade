//! What is known to exist and was not got yet, and who is asked for it.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use crate::{limits::MEMBERS_MAX, membership::Prefix, record::Head, time::Now};

/// What was mentioned is on its way by another neighbour, mostly: only then is it asked for.
pub(super) const GRACE: Duration = Duration::from_millis(150);
/// Who does not answer by then is not waited for any more.
const PATIENCE: Duration = Duration::from_secs(1);
/// Neighbours that are remembered as sources of one member's statements.
const SOURCES_MAX: usize = 8;

/// All of them, by the member's prefix. Neighbours go by their places.
#[derive(Debug, Default)]
pub(super) struct Pulls {
    pulls: BTreeMap<Prefix, Pull>,
    /// Nothing is due before this.
    next: Option<Now>,
}

#[derive(Debug)]
struct Pull {
    want: Head,
    /// Who has it, the next to be asked first.
    sources: VecDeque<usize>,
    /// When somebody is asked, or the next one.
    due: Now,
    /// Nobody pushes this member's statements here: who is asked shall.
    graft: bool,
}

/// One question.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) prefix: Prefix,
    pub(super) of: usize,
    pub(super) graft: bool,
}

impl Pulls {
    /// A neighbour has something between what is known and what it pushed: it is asked at once.
    pub(super) fn want(&mut self, prefix: Prefix, head: Head, source: usize, now: Now) {
        self.note(prefix, head, source, (now, false));
    }

    /// A neighbour mentioned something newer: it is asked if it does not come by itself.
    pub(super) fn mentioned(&mut self, prefix: Prefix, head: Head, source: usize, now: Now) {
        self.note(prefix, head, source, (now.after(GRACE), true));
    }

    /// A neighbour has something newer that nobody else will push: it is asked at once, and for what follows.
    pub(super) fn unheard(&mut self, prefix: Prefix, head: Head, source: usize, now: Now) {
        self.note(prefix, head, source, (now, true));
    }

    fn note(&mut self, prefix: Prefix, head: Head, source: usize, (due, graft): (Now, bool)) {
        if self.pulls.len() >= MEMBERS_MAX && !self.pulls.contains_key(&prefix) {
            return;
        }
        let fresh = || Pull { want: head, sources: VecDeque::new(), due, graft };
        let pull = self.pulls.entry(prefix).or_insert_with(fresh);
        pull.want = pull.want.max(head);
        if !pull.sources.contains(&source) && pull.sources.len() < SOURCES_MAX {
            pull.sources.push_back(source);
        }
        let due = pull.due;
        self.next = Some(self.next.map_or(due, |next| next.min(due)));
    }

    /// A member is known up to here. True when nothing of it is missing any more and something was.
    pub(super) fn got(&mut self, prefix: Prefix, head: Head) -> bool {
        let done = self.pulls.get(&prefix).is_some_and(|pull| pull.want <= head);
        if done {
            self.pulls.remove(&prefix);
        }
        done
    }

    /// A neighbour is gone and will not be asked any more. What nobody else has is given up when it is due.
    pub(super) fn part(&mut self, peer: usize) {
        for pull in self.pulls.values_mut() {
            pull.sources.retain(|source| *source != peer);
        }
    }

    /// Whom to ask now, and what nobody is left to be asked for.
    pub(super) fn due(&mut self, now: Now) -> (Vec<Question>, Vec<Prefix>) {
        let (mut questions, mut given_up) = (Vec::new(), Vec::new());
        if self.next.is_none_or(|next| next > now) {
            return (questions, given_up);
        }
        for (prefix, pull) in self.pulls.iter_mut().filter(|(_, pull)| pull.due <= now) {
            match pull.sources.pop_front() {
                Some(of) => questions.push(Question { prefix: *prefix, of, graft: pull.graft }),
                None => given_up.push(*prefix),
            }
            pull.due = now.after(PATIENCE);
        }
        given_up.iter().for_each(|prefix| _ = self.pulls.remove(prefix));
        self.next = self.pulls.values().map(|pull| pull.due).min();
        (questions, given_up)
    }

    /// When somebody is to be asked next.
    pub(super) fn next(&self) -> Option<Now> {
        self.next.filter(|_| !self.pulls.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Incarnation;

    const PREFIX: Prefix = 7;

    fn asked_of_one_and_parted_from_the_other() -> (Pulls, Head) {
        let (mut pulls, head) = (Pulls::default(), Head { incarnation: Incarnation(1), version: 3 });
        let [asked, other] = [1, 2];
        [asked, other].into_iter().for_each(|source| pulls.want(PREFIX, head, source, Now::default()));
        let question = Question { prefix: PREFIX, of: asked, graft: false };
        assert_eq!(pulls.due(Now::default()), (vec![question], vec![]));
        pulls.part(other);
        (pulls, head)
    }

    /// Else whoever waits for it would wait for ever.
    #[test]
    fn what_one_source_was_asked_for_outlasts_another_source() {
        let (mut pulls, head) = asked_of_one_and_parted_from_the_other();
        assert!(pulls.got(PREFIX, head));
        let (mut pulls, _) = asked_of_one_and_parted_from_the_other();
        assert_eq!(pulls.due(Now::default().after(PATIENCE)), (vec![], vec![PREFIX]));
    }
}
