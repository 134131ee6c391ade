//! What goes out: taken from the bridge's queue in batches, named, and kept from going back to where it was.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use hive_proto::channel::{Channel, NetworkIndex};

use super::{Desk, Rules};
use crate::{
    bus::{Delivery, Event, Request, SubscribeError, Subscription, Trail},
    status::BridgeDrop,
};

/// Events taken from the queue at a time.
const TAKE_MAX: usize = 256;

/// The events of the mesh that the rules let out.
#[derive(Debug)]
pub struct Exporter {
    desk: Desk,
    /// None while the bridge is not the active one, and where nothing goes out.
    subscription: Option<Subscription>,
    taken: VecDeque<Delivery>,
    /// Events wait, and nothing was carried yet.
    held: bool,
    /// The name of the last channel, which the next event mostly shares.
    last: Option<(NetworkIndex, Channel, bool, Option<Arc<str>>)>,
    /// Given to the kind and not known to be written.
    handed: u64,
}

/// What waits for the other side while a bridge is begun anew: it has gone nowhere yet.
#[derive(Debug)]
pub(super) struct Waiting {
    subscription: Subscription,
    taken: VecDeque<Delivery>,
    /// The other side has what is kept.
    has_kept: bool,
}

impl Waiting {
    /// The same for somebody who has nothing of it yet.
    pub(super) fn for_another_side(self) -> Self {
        Self { has_kept: false, ..self }
    }

    /// What is published from here on waits by these rules, behind what waited before. None where nothing goes out, or may:
    /// that is seen to when the bridge is opened.
    pub(super) async fn under(self, rules: &Rules) -> Option<Self> {
        let wanted: Vec<_> = rules.wanted().collect();
        let is_set = !wanted.is_empty() && self.subscription.set(wanted).await.is_ok();
        is_set.then_some(self)
    }
}

/// Something that goes out.
#[derive(Debug)]
pub struct Export {
    /// Its name beyond, as a channel is written.
    pub name: Arc<str>,
    /// The event. What is `retained` is to be kept beyond; without a payload it is to be cleared.
    pub event: Event,
    /// Somebody waits for an answer from beyond.
    pub request: Option<Request>,
    /// What goes out in the place of what it says, where that is sealed.
    sealed: Option<Bytes>,
}

impl Export {
    /// The bytes that go out.
    #[must_use]
    pub fn payload(&self) -> &Bytes {
        self.sealed.as_ref().unwrap_or(&self.event.message.payload)
    }

    /// Whether nothing else may go out with them.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.sealed.is_some()
    }

    /// Where it has been, for a medium that can say so.
    #[must_use]
    pub fn trail(&self, desk: &Desk) -> Option<Trail> {
        Trail::of(&self.event).from(desk.bus().mark(self.event.network)).ok()
    }
}

impl Exporter {
    pub(super) fn new(desk: Desk) -> Self {
        Self { desk, subscription: None, taken: VecDeque::new(), held: false, last: None, handed: 0 }
    }

    pub(super) fn at(&mut self, desk: Desk) {
        self.desk = desk;
    }

    /// From now on events wait here; kept values come first. The second time those come again, as the other side may
    /// have lost them.
    pub(super) async fn open(&mut self) -> Result<(), SubscribeError> {
        match &self.subscription {
            Some(_) if std::mem::take(&mut self.held) => return Ok(()),
            Some(subscription) => {
                subscription.kept_again();
                return Ok(());
            }
            None => {}
        }
        let wanted: Vec<_> = self.desk.rules().wanted().collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let subscription = self.desk.subscription();
        subscription.set(wanted).await?;
        self.subscription = Some(subscription);
        Ok(())
    }

    /// The same before it is known whether this node is to carry them.
    pub(super) async fn hold(&mut self) -> Result<(), SubscribeError> {
        self.open().await?;
        self.held = self.subscription.is_some();
        Ok(())
    }

    /// What waited before goes out first.
    pub(super) fn go_on_with(&mut self, before: Waiting) {
        let Waiting { subscription, taken, has_kept } = before;
        (self.subscription, self.taken, self.held) = (Some(subscription), taken, has_kept);
    }

    /// The bridge ends: what was not taken by its kind is left for who comes after it.
    pub(super) fn leave(&mut self) -> Option<Waiting> {
        let (subscription, taken) = (self.subscription.take()?, std::mem::take(&mut self.taken));
        Some(Waiting { subscription, taken, has_kept: true })
    }

    /// Another node is active: nothing waits here any more.
    pub(super) fn close(&mut self) {
        (self.subscription, self.taken, self.held) = (None, VecDeque::new(), false);
    }

    /// The connection has ended, and what was not known to be written may be lost.
    pub(super) fn broken(&mut self) {
        self.desk.dropped(BridgeDrop::LostLink, std::mem::take(&mut self.handed));
    }

    /// The next event, as soon as there is one. None once the connection shall end. Cancel-safe.
    pub async fn next(&mut self) -> Option<Export> {
        loop {
            if let Some(export) = self.more().await {
                return Some(export);
            }
            let Some(subscription) = &self.subscription else {
                self.desk.stop().cancelled().await;
                return None;
            };
            tokio::select! {
                biased;
                () = self.desk.stop().cancelled() => return None,
                open = subscription.readable() => if !open { return None },
            }
        }
    }

    /// The next event if there is one now: for whoever writes many and then flushes.
    pub async fn more(&mut self) -> Option<Export> {
        loop {
            if self.taken.is_empty() {
                let subscription = self.subscription.as_ref()?;
                let missed = subscription.take(TAKE_MAX, &mut self.taken);
                if missed > 0 {
                    self.desk.dropped(BridgeDrop::Slow, missed);
                }
            }
            let delivery = self.taken.pop_front()?;
            if let Some(export) = self.check(delivery).await {
                if export.request.is_none() {
                    self.handed = self.handed.saturating_add(1);
                }
                return Some(export);
            }
        }
    }

    /// Everything that was given out so far is written.
    pub fn sent(&mut self) {
        self.desk.traffic().exported.add(std::mem::take(&mut self.handed));
    }

    /// What was given out last does not cross: it is counted.
    pub fn dropped(&mut self, reason: BridgeDrop) {
        self.handed = self.handed.saturating_sub(1);
        self.desk.dropped(reason, 1);
    }

    /// What was given out last cannot be said on the other side: it is counted, and a dead letter.
    pub async fn cannot(&mut self, export: &Export, reason: BridgeDrop, why: &str) {
        self.handed = self.handed.saturating_sub(1);
        self.desk.cannot(&export.event, reason, why).await;
    }

    async fn check(&mut self, delivery: Delivery) -> Option<Export> {
        let Delivery { event, request, .. } = delivery;
        if Trail::of_has(&event, self.desk.mark()) {
            self.desk.dropped(BridgeDrop::Loop, 1);
            return None;
        }
        let Some(name) = self.name(&event, request.is_some()) else {
            self.desk.dropped(BridgeDrop::NoRule, 1);
            return None;
        };
        let (bytes, most) = (event.message.payload.len(), self.desk.limits().payload_bytes);
        if bytes > most {
            let why = format!("it has {bytes} bytes; this bridge carries at most {most}");
            self.desk.cannot(&event, BridgeDrop::TooLarge, &why).await;
            return None;
        }
        let sealed = match self.desk.seals() {
            None => None,
            Some(seals) => {
                let trail = seals.and_then(|seals| Some((seals, seals.trail(&event, &self.desk)?)));
                let sealed = trail.and_then(|(seals, trail)| seals.seal(&name, &event, &trail));
                if sealed.is_none() {
                    self.desk.cannot(&event, BridgeDrop::Content, "it cannot be sealed").await;
                    return None;
                }
                sealed
            }
        };
        Some(Export { name, event, request, sealed })
    }

    fn name(&mut self, event: &Event, is_request: bool) -> Option<Arc<str>> {
        if let Some((network, channel, of_request, name)) = &self.last
            && (*network, *of_request) == (event.network, is_request)
            && *channel == event.channel
        {
            return name.clone();
        }
        let rules = self.desk.rules();
        let name = match is_request {
            true => rules.asked(event.network, &event.channel),
            false => rules.outward(event.network, &event.channel),
        };
        let name: Option<Arc<str>> = name.map(Into::into);
        self.last = Some((event.network, event.channel.clone(), is_request, name.clone()));
        name
    }
}
