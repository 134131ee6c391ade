//! What neighbours say of their kept values, and what is said to them: at once when a link comes up, and every few
//! seconds after that.

use std::time::Duration;

use bytes::Bytes;
use hive_proto::{
    channel::NetworkIndex,
    frame::kept::{Kept, KeptSaid},
    id::NodeId,
    plane::{account::DropReason, kept::KeptOutcome},
    record::Keys,
};
use tokio_util::sync::CancellationToken;

use super::{Network, wall_ms};
use crate::{
    bus::{Bus, Shared, outbox::Outbox},
    trust::may::{Action, Principal},
};

/// How often neighbours compare.
const COMPARE_EVERY: Duration = Duration::from_secs(5);
/// A clock further off than this from the median of the neighbours' is this node's fault.
const CLOCK_OFF_MS: i64 = 500;

impl Bus {
    /// Compares kept values with the neighbours from time to time, until told to stop.
    pub async fn compare_kept(&self, stop: CancellationToken) {
        let mut beat = tokio::time::interval(COMPARE_EVERY);
        beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = beat.tick() => self.0.compare_all(),
            }
        }
    }
}

impl Shared {
    fn compare_all(&self) {
        let local = self.keeping.networks.len().saturating_sub(1);
        for at in (0_u8..).take(local) {
            let network = NetworkIndex(at);
            let neighbours = self.routes.neighbours(network);
            let mut kept = self.keeping.of(network, false);
            kept.ahead.retain(|node, _| neighbours.iter().any(|(neighbour, _)| neighbour == node));
            kept.say_if_off();
            let forgotten = kept.values.forget_cleared(wall_ms());
            let root = kept.values.root(wall_ms()).encode();
            drop(kept);
            if let Some(keep) = self.keeping.keep.get() {
                forgotten.iter().for_each(|channel| keep.forget(Some(network), channel));
            }
            for (_, outbox) in neighbours {
                // Without room it is said the next time.
                outbox.answer(root.clone());
            }
        }
    }

    /// A link came up: what either lacks is found out at once.
    pub(in crate::bus) fn begin_comparing(&self, network: NetworkIndex, outbox: &Outbox) {
        let root = self.keeping.of(network, false).values.root(wall_ms()).encode();
        outbox.answer(root);
    }

    /// A neighbour says something of its kept values.
    pub(in crate::bus) fn heard_of_kept(&self, network: NetworkIndex, from: NodeId, said: &KeptSaid) {
        match said {
            KeptSaid::Live(value) => self.take_kept(network, from, value, true),
            KeptSaid::Values(values) => {
                values.iter().for_each(|value| self.take_kept(network, from, value, false));
            }
            _ => {}
        }
        let mut kept = self.keeping.of(network, false);
        if let KeptSaid::Root(_, theirs) = said {
            let ahead = i64::try_from(*theirs).unwrap_or(i64::MAX).saturating_sub_unsigned(wall_ms());
            kept.ahead.insert(from, ahead);
            kept.say_if_off();
        }
        let answers = kept.values.answer(said);
        drop(kept);
        let Some(outbox) = self.routes.outbox(network, from) else { return };
        for answer in answers {
            // Without room the rest is found out the next time.
            if !outbox.answer(answer.encode()) {
                return;
            }
        }
    }

    fn take_kept(&self, network: NetworkIndex, from: NodeId, bytes: &Bytes, live: bool) {
        let drop_for = |reason| self.account.dropped(reason, 1);
        let Ok(read) = Kept::read(bytes) else { return drop_for(DropReason::Forged) };
        // Most come more than once, and a signature costs more than a look.
        if self.keeping.of(network, false).values.head(&read.channel) >= Some(read.head()) {
            return;
        }
        let Some(keys) = self.relays.signer() else { return };
        let keys: &dyn Keys = keys;
        let Ok(kept) = Kept::verify(keys, network, bytes) else { return drop_for(DropReason::Forged) };
        if !self.rules.load().may(Principal::Node(kept.id.origin), Action::Retain, network, &kept.channel) {
            return drop_for(DropReason::Denied);
        }
        let mut values = self.keeping.of(network, false);
        match values.values.take(kept.clone(), wall_ms()) {
            KeptOutcome::Known => return,
            KeptOutcome::Older => return drop_for(DropReason::Superseded),
            KeptOutcome::Future => return drop_for(DropReason::Future),
            KeptOutcome::Full => return drop_for(DropReason::SlowConsumer),
            KeptOutcome::New => {}
        }
        self.clock.saw(kept.time);
        self.keeping.store(network, &kept);
        self.hand_to_subscribers(&kept, network, !live);
        self.spread(network, &kept, Some(from), live);
    }
}

impl Network {
    /// How far the neighbours' clocks are ahead when this node's is the one that is wrong, in milliseconds.
    pub(super) fn clock_is_off(&self) -> Option<i64> {
        // Of two clocks nobody knows which one is wrong.
        let mut ahead: Vec<i64> = self.ahead.values().copied().collect();
        ahead.sort_unstable();
        let median = *ahead.get(ahead.len() / 2).filter(|_| ahead.len() > 1)?;
        (median.abs() > CLOCK_OFF_MS).then_some(median)
    }

    fn say_if_off(&mut self) {
        let off = self.clock_is_off();
        if let (Some(ahead_ms), false) = (off, self.complained) {
            tracing::error!(
                "this host's clock is {} ms {} the neighbours': values cannot be kept until it is right",
                ahead_ms.abs(),
                if ahead_ms > 0 { "behind" } else { "ahead of" },
            );
        }
        self.complained = off.is_some();
    }
}
