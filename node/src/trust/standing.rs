//! What the two ends of one connection have proved of their network's secret, and may prove again on it.
//!
//! A link outlives the epoch it was admitted with: when the secret is rotated, each side proves the new epoch, and the
//! link stays. Nothing here knows how proofs travel, or what is done with a link whose standing is gone.

use std::sync::{Mutex, MutexGuard, PoisonError};

use hive_proto::frame::admission::Proved;

use super::network::{Binding, NetworkKey, Role};

/// The standing of one connection.
#[derive(Debug)]
pub struct Standing {
    key: NetworkKey,
    binding: Binding,
    /// This side's role.
    role: Role,
    /// Held for one lookup or proof. Written by who drives the link, when something is proved.
    state: Mutex<State>,
}

#[derive(Debug, Clone)]
struct State {
    /// The newest epoch that the other end has proved.
    theirs: u32,
    /// The newest epoch that this side has proved.
    ours: u32,
    /// A proof that cannot be verified yet: its epoch is not known here. One at most, the last.
    waiting: Option<Proved>,
}

/// What became of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// The other end knows this epoch.
    Proved(u32),
    /// It is of an epoch that is not known here, and is looked at again when that is.
    Unknown(u32),
    /// This side has another secret of the same epoch.
    Differs(u32),
}

impl Standing {
    /// After admission: what each side has proved, and what the other end has proved beyond it.
    #[must_use]
    pub(crate) fn new(
        (key, binding, role): (NetworkKey, Binding, Role),
        (theirs, ours): (u32, u32),
        waiting: Option<Proved>,
    ) -> Self {
        let waiting = waiting.filter(|proof| proof.epoch > theirs);
        Self { key, binding, role, state: Mutex::new(State { theirs, ours, waiting }) }
    }

    /// The newest epoch that the other end has proved.
    #[must_use]
    pub fn epoch(&self) -> u32 {
        self.lock().theirs
    }

    /// Whether what the other end has proved still admits; otherwise why not.
    ///
    /// # Errors
    /// Says which epochs admit, for a link that has to be cut.
    pub fn check(&self) -> Result<(), Expired> {
        let epoch = self.epoch();
        match self.key.admits(epoch) {
            true => Ok(()),
            false => Err(Expired { epoch, admitted: self.key.admitted() }),
        }
    }

    /// What to prove to the other end: the newest epoch, unless that was proved to it already.
    #[must_use]
    pub fn proof(&self) -> Option<Proved> {
        let mut state = self.lock();
        let epoch = self.key.newest();
        let tag = (epoch > state.ours).then(|| self.key.proof(epoch, self.role, &self.binding)).flatten()?;
        state.ours = epoch;
        Some(Proved { epoch, tag })
    }

    /// The other end proves an epoch.
    pub fn heard(&self, proof: Proved) -> Heard {
        let mut state = self.lock();
        let (epoch, role) = (proof.epoch, self.role.other());
        if self.key.verify(epoch, role, &self.binding, &proof.tag) {
            state.theirs = state.theirs.max(epoch);
            return Heard::Proved(epoch);
        }
        if self.key.admits(epoch) {
            return Heard::Differs(epoch);
        }
        state.waiting = Some(proof);
        Heard::Unknown(epoch)
    }

    /// This side knows other epochs than before: looks again at what could not be verified.
    pub fn renewed(&self) -> Option<Heard> {
        let waiting = self.lock().waiting.take()?;
        Some(self.heard(waiting))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a link may not stay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("epoch {epoch} of the network's secret is the newest it has proved, and this node admits {admitted}")]
pub struct Expired {
    /// The newest epoch that the other end has proved.
    pub epoch: u32,
    /// The epochs that admit, in words.
    pub admitted: String,
}

#[cfg(test)]
mod tests {
    use hive_proto::{channel::NetworkName, id::NodeId};

    use super::*;
    use crate::trust::{ring::Ring, secret::Secret};

    /// Two nodes with these rings, admitted with epoch 0.
    fn pair(rings: [&Ring; 2]) -> [(NetworkKey, Standing); 2] {
        let name = NetworkName::parse("farm").expect("a network");
        let binding = Binding { exporter: [5; 32], dialler: NodeId([1; 32]), listener: NodeId([2; 32]) };
        let mut roles = [Role::Dialler, Role::Listener].into_iter().zip(rings);
        std::array::from_fn(|_| {
            let (role, ring) = roles.next().expect("two");
            let key = NetworkKey::from_ring(&name, ring).expect("one network");
            (key.clone(), Standing::new((key, binding, role), (0, 0), None))
        })
    }

    fn rings() -> [Ring; 3] {
        let name = NetworkName::parse("farm").expect("a network");
        let zero = Ring::from(Secret::generate());
        let one = zero.rotated(&name).expect("epoch 1");
        let two = one.rotated(&name).expect("epoch 2");
        [zero, one, two]
    }

    #[test]
    fn a_link_stays_while_one_side_after_the_other_is_rotated() {
        let [zero, one, two] = rings();
        let [(key, here), (other_key, there)] = pair([&zero, &zero]);
        assert_eq!((here.proof(), there.proof()), (None, None), "nothing is new");

        key.renew(&one).expect("renewed");
        let proof = here.proof().expect("a new epoch");
        assert_eq!(here.proof(), None, "once");
        assert_eq!(there.heard(proof), Heard::Unknown(1));
        assert_eq!((here.check(), there.check()), (Ok(()), Ok(())));

        other_key.renew(&one).expect("renewed");
        assert_eq!(there.renewed(), Some(Heard::Proved(1)));
        assert_eq!(here.heard(there.proof().expect("a new epoch")), Heard::Proved(1));
        assert_eq!((here.epoch(), there.epoch(), there.renewed()), (1, 1, None));

        key.renew(&two).expect("renewed");
        assert_eq!((here.check(), there.check()), (Ok(()), Ok(())), "epoch 1 still admits");
    }

    #[test]
    fn who_misses_two_rotations_has_no_standing() {
        let [zero, one, two] = rings();
        let [(key, here), (_, there)] = pair([&zero, &zero]);
        key.renew(&one).expect("renewed");
        here.proof().map(|proof| there.heard(proof)).expect("a new epoch");
        key.renew(&two).expect("renewed");
        let expired = here.check().expect_err("epoch 0 does not admit any more");
        assert_eq!(
            expired.to_string(),
            "epoch 0 of the network's secret is the newest it has proved, and this node admits epochs 2 and 1"
        );
    }

    #[test]
    fn no_other_proof_counts_and_two_secrets_of_one_epoch_are_noticed() {
        let [zero, one, _] = rings();
        let name = NetworkName::parse("farm").expect("a network");
        let other_one = zero.rotated(&name).expect("another epoch 1");
        let [(_, here), (_, there)] = pair([&one, &other_one]);
        let proof = here.proof().expect("a new epoch");
        assert_eq!(there.heard(proof.clone()), Heard::Differs(1));
        assert_eq!(here.heard(proof), Heard::Differs(1), "not its own, turned round");
        assert_eq!(here.heard(Proved { epoch: 0, tag: [0; 32] }), Heard::Differs(0));
        assert_eq!((here.epoch(), there.epoch()), (0, 0));
    }
}
