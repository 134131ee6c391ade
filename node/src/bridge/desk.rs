//! A bridge's desk: what it may use of the node, what it is told, and what it says of itself.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use tokio_util::sync::CancellationToken;

use super::{Importer, Limits, Rules, Seals};
use crate::{
    bus::{Actor, Bus, Event, Holder, Letter, Mark, Message, Subscription},
    shutdown::Part,
    status::{Boards, BridgeCard, BridgeDrop, BridgeState, BridgeTraffic},
};

/// Dead letters of one bridge in a second; beyond them what cannot cross is only counted. Whoever sends nothing else must
/// not fill logs.
const LETTERS_PER_SECOND: u32 = 100;

/// A bridge's means. Clones are the same desk.
#[derive(Debug, Clone)]
pub struct Desk {
    shared: Arc<Shared>,
    /// Cancelled when the connection in hand shall end.
    stop: CancellationToken,
    /// Of what is on the other side.
    mark: Mark,
}

/// Who a bridge is.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) name: String,
    pub(super) kind: &'static str,
    pub(super) rules: Rules,
    pub(super) limits: Limits,
    /// Set when what crosses is sealed; with none where there is no secret, so that nothing crosses.
    pub(super) seals: Option<Option<Arc<Seals>>>,
    pub(super) traffic: Arc<BridgeTraffic>,
}

#[derive(Debug)]
struct Shared {
    setup: Setup,
    bus: Bus,
    boards: Arc<Boards>,
    part: Part,
    /// When the second began, and the dead letters in it. Held for a look.
    letters: Mutex<Option<(Instant, u32)>>,
}

impl Desk {
    pub(super) fn new(setup: Setup, (bus, boards, part): (&Bus, &Arc<Boards>, &Part)) -> Self {
        let (bus, boards, part) = (bus.clone(), Arc::clone(boards), part.clone());
        let (stop, mark) = (part.stop().clone(), Mark([0; 8]));
        Self { shared: Arc::new(Shared { setup, bus, boards, part, letters: Mutex::default() }), stop, mark }
    }

    /// The same for one connection with a medium.
    pub(super) fn at(&self, stop: CancellationToken, mark: Mark) -> Self {
        Self { shared: Arc::clone(&self.shared), stop, mark }
    }

    /// The bridge's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.shared.setup.name
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        self.shared.setup.kind
    }

    /// What crosses it.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.shared.setup.rules
    }

    /// What it carries at most.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.shared.setup.limits
    }

    /// What seals what crosses, where it is to be sealed; none in there: there is no secret to seal with.
    pub(super) fn seals(&self) -> Option<Option<&Seals>> {
        self.shared.setup.seals.as_ref().map(Option::as_deref)
    }

    /// The data plane.
    #[must_use]
    pub fn bus(&self) -> &Bus {
        &self.shared.bus
    }

    /// What went over it.
    #[must_use]
    pub fn traffic(&self) -> &BridgeTraffic {
        &self.shared.setup.traffic
    }

    /// The mark of what is on the other side.
    #[must_use]
    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// Cancelled when the connection in hand shall end.
    #[must_use]
    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// When the bridge itself shall end, whatever connection it has.
    pub(super) fn end(&self) -> &CancellationToken {
        self.shared.part.stop()
    }

    /// Whether this node's view of its home network is complete.
    pub(super) fn is_ready(&self) -> bool {
        self.shared.boards.networks.read().first().is_none_or(|home| home.ready)
    }

    /// Starts a task of the bridge's part, which should watch [`Desk::stop`].
    pub fn spawn<F>(&self, task: &'static str, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.shared.part.spawn(task, future);
    }

    /// It is connected, or listens: with whom or where, in a few words.
    pub fn up(&self, with: impl Into<String>) {
        let with = with.into();
        tracing::info!(bridge = self.name(), "up: {with}");
        self.card(|card| {
            (card.state, card.problem, card.since) = (BridgeState::Up, None, Some(SystemTime::now()));
            card.with.clone_from(&with);
        });
    }

    pub(super) fn state(&self, state: BridgeState) {
        self.card(|card| (card.state, card.since) = (state, None));
    }

    pub(super) fn problem(&self, state: BridgeState, why: &str) {
        self.card(|card| (card.state, card.since, card.problem) = (state, None, Some(why.to_owned())));
    }

    pub(super) fn read_card(&self) -> Option<BridgeCard> {
        self.shared.boards.bridges.read().get(self.name()).cloned()
    }

    fn card(&self, mut change: impl FnMut(&mut BridgeCard)) {
        self.shared.boards.bridges.change(|bridges| {
            if let Some(card) = bridges.get_mut(&self.shared.setup.name) {
                change(card);
            }
        });
    }

    /// Whom the rules are asked about.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::from(&self.holder())
    }

    fn holder(&self) -> Holder {
        Holder::Bridge(self.name().to_owned())
    }

    /// A subscription of the bridge that wants nothing yet, within its bounds: for a client that connects to it.
    #[must_use]
    pub fn subscription(&self) -> Subscription {
        self.bus().holding(self.holder(), self.limits().queue())
    }

    /// One more place to put what comes in: for a client that connects to the bridge. Each waits for slow consumers by
    /// itself.
    #[must_use]
    pub fn importer(&self) -> Importer {
        Importer::new(self.clone())
    }

    /// Counts events that did not cross.
    pub fn dropped(&self, reason: BridgeDrop, events: u64) {
        self.traffic().dropped(reason, events);
    }

    /// An event cannot be said on the other side: it is counted, and a dead letter.
    pub async fn cannot(&self, event: &Event, reason: BridgeDrop, why: &str) {
        self.dropped(reason, 1);
        if self.may_write() {
            let letter = Letter::now(event.clone(), None, why, "");
            self.bus().bury(self.name(), letter, None).await;
        }
    }

    /// What came in cannot be said here: it is counted, and a dead letter under the name it has there.
    pub(super) async fn cannot_here(&self, name: &str, message: Message, reason: BridgeDrop, why: &str) {
        self.dropped(reason, 1);
        if self.may_write() {
            self.bus().bury_foreign(self.name(), name, message, why).await;
        }
    }

    fn may_write(&self) -> bool {
        let mut letters = self.shared.letters.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let (began, count) = letters.get_or_insert((now, 0));
        if now.duration_since(*began) >= Duration::from_secs(1) {
            (*began, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count <= LETTERS_PER_SECOND
    }
}
