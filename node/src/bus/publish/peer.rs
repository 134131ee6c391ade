//! One copy for a peer that had no room, or whose link was just lost.

use hive_proto::{
    channel::Address,
    frame::{batch::Entry, relay::Destinations},
    plane::{account::DropReason, pace::Pace},
};

use crate::bus::{
    Shared,
    outbox::{Appended, ChannelNumber},
    routes::Peer,
};

impl Shared {
    /// Encodes one copy for a peer, waiting if the pace allows. Returns how many were queued.
    pub(super) async fn send(
        &self,
        peer: &Peer,
        number: ChannelNumber,
        to: &Address,
        entry: &Entry<'_>,
        pace: &mut Pace,
    ) -> u32 {
        let outbox = &peer.outbox;
        let mut appended = outbox.append(number, &to.channel, entry);
        if appended == Appended::Full && !outbox.is_lagging() {
            let now = self.clock.now();
            appended = outbox.append_within(number, &to.channel, entry, pace.allowance(now)).await;
            pace.spend(self.clock.now().0.saturating_sub(now.0));
        }
        match appended {
            Appended::Taken => {}
            Appended::Full => {
                let dropped = outbox.force(number, &to.channel, entry);
                self.account.dropped(DropReason::SlowConsumer, dropped);
            }
            Appended::Closed => return self.send_around(peer, to, entry),
        }
        self.account.sent(1);
        1
    }

    /// One copy for a peer whose link was just lost: another way if it can still be reached, else nowhere.
    fn send_around(&self, peer: &Peer, to: &Address, entry: &Entry<'_>) -> u32 {
        let audience = self.audience(peer.network, Destinations::one(peer.node));
        let reachable = self.routes.is_reachable(peer.network, peer.node);
        match audience.filter(|_| reachable).map(|audience| self.append(&audience, &to.channel, entry)) {
            Some(Appended::Taken) => {
                self.account.sent(1);
                1
            }
            Some(Appended::Full) => {
                self.account.dropped(DropReason::SlowConsumer, 1);
                0
            }
            Some(Appended::Closed) | None => {
                self.account.dropped(DropReason::LostLink, 1);
                0
            }
        }
    }
}
