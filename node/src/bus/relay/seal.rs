//! The one task that seals: it takes what the audiences have gathered, signs it, and gives it to the relay, in the
//! order in which the audiences got it. It also watches the time for what waits.

use std::{sync::Arc, time::Duration};

use hive_proto::{
    channel::NetworkIndex,
    plane::{pace::Pace, relay::Set},
    record::Keys,
};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{super::Bus, Audience, Network, Ordering};
use crate::trust::sign::Signer;

/// How often the time is looked at while something waits.
const TICK: Duration = Duration::from_millis(50);

impl Bus {
    /// What leaves this node is signed with this key; set once.
    pub fn signed_by(&self, signer: Signer) {
        // Set before only by somebody else with the same key.
        let _ = self.0.relays.signer.set(signer);
    }

    /// Sends what is published for peers that are no neighbours, until told to stop; what is queued then is still
    /// sent. Until this runs it waits.
    pub async fn relay(&self, signer: Signer, stop: CancellationToken) {
        let relays = &self.0.relays;
        // Set before only if somebody else seals already, with the same key.
        let signer = relays.signer.get_or_init(|| signer);
        let mut pace = Pace::default();
        loop {
            let watching = relays.watching.load(Ordering::Relaxed);
            let stopped = tokio::select! {
                () = stop.cancelled() => true,
                () = relays.wake.notified() => false,
                () = tokio::time::sleep(TICK), if watching => false,
            };
            self.seal_all(signer, &mut pace).await;
            self.watch_time().await;
            if stopped {
                return;
            }
        }
    }

    async fn seal_all(&self, signer: &Signer, pace: &mut Pace) {
        for (index, network) in (0_u8..).map(NetworkIndex).zip(&self.0.relays.networks) {
            loop {
                let audience = network.open().front().cloned();
                let Some(audience) = audience else { break };
                self.wait_for_room(network, index, audience.set(), pace).await;
                self.seal(signer, index, &audience);
                // Only now: who looks whether everything was sealed looks here.
                network.open().pop_front();
                // Signing takes its time, and others share the thread.
                tokio::task::yield_now().await;
            }
        }
    }

    fn seal(&self, signer: &Signer, network: NetworkIndex, audience: &Arc<Audience>) {
        let set = audience.set();
        for (inner, events) in audience.take() {
            let unsigned = self.0.relaying(network, |relay, _| relay.seal(set, &inner, events));
            let Some(unsigned) = unsigned else { return };
            let signature = signer.sign(network, unsigned.message());
            let sealed = unsigned.sign(&signature);
            self.0.relaying(network, |relay, at| relay.send(at, set, sealed));
        }
        self.0.relays.watch();
    }

    /// Waits while a neighbour on the way is slow and the pace allows. After that the relay drops the oldest of what
    /// that neighbour has not taken, and only of that.
    async fn wait_for_room(&self, network: &Network, index: NetworkIndex, set: &Set, pace: &mut Pace) {
        loop {
            let space = network.space.notified();
            let crowded = self.0.relaying(index, |relay, _| relay.crowded(set)).flatten();
            let now = self.0.clock.now();
            let allowance = pace.allowance(now);
            if crowded.is_none() || allowance.is_zero() {
                return;
            }
            let waited = timeout(allowance, space).await;
            pace.spend(self.0.clock.now().0.saturating_sub(now.0));
            if waited.is_err() {
                return;
            }
        }
    }

    /// Hands over what has waited long enough, and looks whether more does.
    async fn watch_time(&self) {
        let relays = &self.0.relays;
        relays.watching.store(false, Ordering::Relaxed);
        for (index, network) in (0_u8..).map(NetworkIndex).zip(&relays.networks) {
            if network.lock().relay.next_due().is_none() {
                continue;
            }
            relays.watching.store(true, Ordering::Relaxed);
            self.take_turn(index, |relay, at| relay.tick(at)).await;
        }
    }
}
