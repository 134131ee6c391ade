//! Who of several nodes at one medium is active: of those that claim it in the home network, the one with the smallest
//! id.
//!
//! A claim is a membership in a group, which all nodes of a network know of and which ends when its node is gone. Nothing
//! is sent for it. Two nodes that do not know each other yet, or any longer, are both active.

use std::{sync::Arc, time::Duration};

use hive_proto::{channel::Address, group::GroupName};
use tokio::sync::watch;

use super::Desk;
use crate::bus::{Bus, Mark, Subscription, Wanted};

/// How often it is looked who claims. A node that is gone without a word is missed after 3 s.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long a node that has just begun looks for others before it is active.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// A claim, and whether it is the one that counts.
#[derive(Debug)]
pub(super) struct Election {
    /// The claim ends with it.
    _claim: Arc<Subscription>,
    /// None until it was looked for the first time.
    seen: watch::Receiver<Option<Seen>>,
}

/// What was seen the last time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    /// This node is the active one.
    pub(super) won: bool,
    /// Nobody else claims.
    pub(super) alone: bool,
}

impl Election {
    /// Claims a medium for the rules of a bridge. None when the bridge shall end, or may not claim: then it is active.
    pub(super) async fn enter(desk: &Desk, medium: &str) -> Option<Self> {
        let claim = format!("{} {medium} {:?}", desk.kind(), desk.rules());
        let channel = format!("hive-bridge/{}/{}", desk.kind(), Mark::of(&claim));
        let (Ok(to), Ok(scope), Ok(group)) =
            (desk.bus().address(&channel), desk.bus().scope(&channel), GroupName::parse("bridges"))
        else {
            return None;
        };
        let subscription = desk.subscription();
        let wanted = Wanted { scope, answers: false, group: Some(group.clone()) };
        if let Err(error) = subscription.set([wanted]).await {
            tracing::warn!(bridge = desk.name(), "other nodes are not told that it is active: {error}");
            return None;
        }
        let (say, seen) = watch::channel(None);
        let bus = desk.bus().clone();
        let (claim, looking) = (Arc::new(subscription), desk.clone());
        desk.spawn("election", async move {
            let end = looking.end().clone();
            let _ = end.run_until_cancelled(first_look(&looking)).await;
            let _ = end.run_until_cancelled(look(&bus, &to, &group, &say)).await;
        });
        Some(Self { _claim: claim, seen })
    }

    pub(super) fn is_won(&self) -> bool {
        self.seen.borrow().is_some_and(|seen| seen.won)
    }

    /// Waits for the first look: at most so long as a node that has just begun looks for others.
    pub(super) async fn first_look(&self) -> Seen {
        match self.seen.clone().wait_for(Option::is_some).await.map(|seen| *seen) {
            Ok(Some(seen)) => seen,
            // Who looks has ended: so does everything.
            _ => std::future::pending().await,
        }
    }

    /// Waits until this node is the active one.
    pub(super) async fn won(&self) {
        self.until(true).await;
    }

    /// Waits until another node is.
    pub(super) async fn lost(&self) {
        self.until(false).await;
    }

    async fn until(&self, won: bool) {
        // Who looks has ended: so does everything.
        let is = |seen: &Option<Seen>| seen.is_some_and(|seen| seen.won == won);
        if self.seen.clone().wait_for(is).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Waits until the home network's view is complete.
async fn first_look(desk: &Desk) {
    let ready = async {
        while !desk.is_ready() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let _ = tokio::time::timeout(FIRST_LOOK, ready).await;
}

async fn look(bus: &Bus, to: &Address, group: &GroupName, say: &watch::Sender<Option<Seen>>) {
    let mut beat = tokio::time::interval(LOOK_EVERY);
    beat.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        beat.tick().await;
        let wanting = bus.wanting(to);
        let others = wanting.peers.iter().filter(|peer| peer.groups.contains(group));
        let first = others.map(|peer| peer.node).min();
        let now = Some(Seen { won: first.is_none_or(|first| first > bus.node()), alone: first.is_none() });
        say.send_if_modified(|seen| std::mem::replace(seen, now) != now);
    }
}
