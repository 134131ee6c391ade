//! How one version takes over from another: what is there while one is live, and the change between two.
//!
//! What it owns: the workers of the live version, and the order in which interest, workers and clocks change hands. It must
//! not know where a version comes from, or why it shall be live.

use std::sync::{Arc, Weak};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{Life, Refusal, rollback::Trial};
use crate::{
    bus::{Holder, Wanted},
    dispatch::{self, Lanes},
    plugin::{
        crew::Hire,
        instances::{Fault, Instance, Mode},
        probation::{OnTrial, Probation},
        worker::{Version, Worker},
    },
};

/// What is there while a version is live.
pub(super) struct Live {
    pub(super) lanes: Arc<Lanes>,
    pub(super) version: Arc<Version>,
    /// What it was loaded from.
    pub(super) content: Content,
    /// Its file is gone, or it was switched off: it only finishes what it has.
    pub(super) leaving: bool,
    /// Whether the version has to prove itself; ends with the probation.
    pub(super) trial: Option<Trial>,
    /// Cancelled when this version takes no more events; its workers finish what they have.
    pub(super) stop: CancellationToken,
    pub(super) workers: TaskTracker,
}

/// A component's content.
#[derive(Debug, Clone, Default)]
pub(super) struct Content {
    /// Its BLAKE3 hash in hex.
    pub(super) hash: String,
    pub(super) size_bytes: u64,
}

impl Live {
    /// Starts a worker of a version beside the others; it ends when `stop` is cancelled.
    fn employ(&self, worker: Worker, stop: CancellationToken) {
        let (lanes, version) = (Arc::clone(&self.lanes), Arc::clone(worker.version()));
        let probation = self.trial.as_ref().map(|trial| Arc::clone(&trial.probation));
        let work = work(lanes, worker, probation, stop);
        drop(version.engine.threads().spawn(self.workers.track_future(work)));
    }

    /// Starts a worker whenever one waits for somebody else.
    fn hire(&self, version: &Arc<Version>) -> Hire {
        let (version, lanes) = (Arc::downgrade(version), Arc::clone(&self.lanes));
        let workers = self.workers.clone();
        let probation = self.trial.as_ref().map(|trial| Arc::downgrade(&trial.probation));
        Arc::new(move |end| {
            let Some(version) = version.upgrade() else { return };
            let worker = Worker::new(Arc::clone(&version), None);
            let probation = probation.as_ref().and_then(Weak::upgrade);
            let work = work(Arc::clone(&lanes), worker, probation, end);
            drop(version.engine.threads().spawn(workers.track_future(work)));
        })
    }
}

async fn work(
    lanes: Arc<Lanes>,
    mut worker: Worker,
    probation: Option<Arc<Probation>>,
    stop: CancellationToken,
) {
    match probation {
        None => dispatch::run(&lanes, &stop, &mut worker).await,
        Some(probation) => dispatch::run(&lanes, &stop, &mut OnTrial::new(worker, probation)).await,
    }
}

impl Life {
    /// A component with a `start` must pass it before it goes live; that instance then takes the first event.
    pub(super) async fn first_instance(&self, version: &Arc<Version>) -> Result<Option<Instance>, Fault> {
        if !version.blueprint.has_start() {
            return Ok(None);
        }
        let keeps = version.wishes.mode != Mode::Fresh;
        let starting = Arc::clone(version);
        match version.engine.threads().spawn(async move { starting.instance().await }).await {
            Ok(made) => made.map(|instance| keeps.then_some(instance)),
            Err(_) => Err(Fault::NoRoom("the node is stopping".into())),
        }
    }

    /// From here on events come for the old version and for the new one.
    pub(super) async fn subscribe_both(&mut self, version: &Arc<Version>) -> Result<(), Refusal> {
        let new = wanted(version);
        if let Some(live) = &self.live {
            live.lanes.subscription().set(wanted(&live.version).chain(new)).await?;
            return Ok(());
        }
        let holder = Holder::Plugin(self.name.to_string());
        let subscription = self.shared.bus.subscribe(holder, new).await?;
        let lanes = Lanes::new(&*self.name, subscription, self.config.policy(), self.shared.bus.clone());
        self.shared.counts.follow(&lanes, self.card.work(), Arc::clone(&self.allowance));
        self.shots.begin_anew();
        // No worker takes an event before the swap.
        let (stop, workers) = (CancellationToken::new(), TaskTracker::new());
        let (version, content) = (Arc::clone(version), Content::default());
        self.live = Some(Live { lanes, version, content, leaving: false, trial: None, stop, workers });
        Ok(())
    }

    /// The live version takes no more events; what it has begun it finishes. Returns when that is done, where the two must
    /// not handle events side by side.
    pub(super) async fn stand_down(&mut self, version: &Arc<Version>) {
        let Some(live) = &mut self.live else { return };
        live.stop.cancel();
        live.workers.close();
        if version.wishes.mode == Mode::Single || live.version.wishes.mode == Mode::Single {
            live.workers.wait().await;
        }
    }

    /// From here on this version takes the events. The one before has stood down.
    pub(super) fn take_over(
        &mut self,
        version: Arc<Version>,
        content: Content,
        first: Option<Instance>,
        trial: Option<Trial>,
    ) {
        let Some(live) = &mut self.live else { return };
        live.stop = CancellationToken::new();
        live.workers = TaskTracker::new();
        live.trial = trial;
        let mut first = first;
        for _ in 0..version.wishes.mode.width(self.config.pool_size) {
            live.employ(Worker::new(Arc::clone(&version), first.take()), live.stop.clone());
        }
        if version.wishes.mode != Mode::Single {
            version.place.crew.stand_in(live.hire(&version), live.stop.clone());
        }
        for timer in &version.wishes.timers {
            let (lanes, bus, stop) = (Arc::clone(&live.lanes), self.shared.bus.clone(), live.stop.clone());
            live.workers.spawn(timer.clone().run(lanes, bus, stop));
        }
        let (lanes, bus, stop) = (Arc::clone(&live.lanes), self.shared.bus.clone(), live.stop.clone());
        live.workers.spawn(Arc::clone(&self.shots).run(lanes, bus, stop));
        (live.version, live.content, live.leaving) = (version, content, false);
        live.lanes.begin_anew();
        self.obey_section();
    }

    /// Only the new version's patterns from here on. It wants no more than before, so this is never refused.
    pub(super) async fn subscribe_new(&self, version: &Arc<Version>) {
        let Some(live) = &self.live else { return };
        if let Err(error) = live.lanes.subscription().set(wanted(version)).await {
            tracing::warn!(plugin = &*self.name, "{error}");
        }
    }
}

fn wanted(version: &Version) -> impl Iterator<Item = Wanted> {
    version.wishes.wanted()
}
