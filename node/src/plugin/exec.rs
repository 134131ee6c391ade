//! The life of a plugin that is a process: one that the node starts and starts again, or one that comes by itself.
//!
//! What it owns: the plugin's lanes, which outlive its processes, its workers, and its card on the board. Exists so that
//! a process is a plugin as a component is: nothing is given to it before it is ready, nothing accepted is lost when it
//! ends, and what it had in hand is tried again. It must not know what is said over its connection.

mod away;
mod claim;
mod coming;
mod configure;
mod leave;
mod pause;
mod process;
#[cfg(test)]
mod tests;
mod turn;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, watch};
use tokio_util::task::TaskTracker;

use self::{
    coming::Coming,
    pause::Pause,
    process::{Process, Surroundings},
    turn::{Turn, next},
};
use super::{
    allowance::Allowance,
    description::Wishes,
    life::{Card, Fulfilled, Shared, Wish},
    settings::PluginConfig,
};
use crate::{
    bus::Actor,
    control::Reloaded,
    dispatch::{
        self, Lanes,
        process::{Hand, Knock, Session},
    },
    trust::random_bytes,
    units::duration_rough,
};

/// How long the place of a process that came by itself is kept for it when it goes.
const AWAY_MAX: Duration = Duration::from_secs(30);
/// How long the end of a process is waited for when its connection has ended, which is what a crash begins with: the one
/// says more than the other.
const ENDING: Duration = Duration::from_secs(1);

/// One plugin that is a process.
pub(super) struct Life {
    name: Arc<str>,
    config: PluginConfig,
    shared: Arc<Shared>,
    card: Card,
    /// What it may do to the node in a second, whichever process it is.
    allowance: Arc<Allowance>,
    /// Where its processes find the node.
    socket: Arc<Path>,
    /// Its events; none before the first process came, and when it is off.
    lanes: Option<Arc<Lanes>>,
    live: Option<Live>,
    coming: Option<Coming>,
    /// When the next process is started; of one that came by itself, when its place is given up.
    again_at: Option<Instant>,
    /// From when on who asks is told that there is none, while there is none.
    told_from: Instant,
    pause: Pause,
    /// Somebody wanted the next process, or the one that is coming: it is not one that follows one that ended.
    is_anew: bool,
    /// Processes that were live so far.
    generation: u64,
    /// What was in the way of the last process.
    problem: Option<String>,
    /// Processes that were live, and finish what they have in hand.
    leaving: TaskTracker,
}

/// The process that is given events.
struct Live {
    session: Arc<Session>,
    wishes: Wishes,
    /// None: it came by itself.
    process: Option<Process>,
    workers: TaskTracker,
    since: Instant,
}

impl Life {
    /// A plugin without a process.
    pub(super) fn new(name: &str, config: PluginConfig, shared: Arc<Shared>, socket: Arc<Path>) -> Self {
        let card = Card::new(name, Arc::clone(&shared), crate::units::ByteSize(0));
        let allowance = card.allowance(&config.limits());
        Self {
            name: name.into(),
            config,
            shared,
            card,
            allowance,
            socket,
            lanes: None,
            live: None,
            coming: None,
            again_at: None,
            told_from: Instant::now(),
            pause: Pause::default(),
            is_anew: false,
            generation: 0,
            problem: None,
            leaving: TaskTracker::new(),
        }
    }

    /// Sees to wishes, and to processes that come and go, until nobody can have any wish or its place is given up.
    pub(super) async fn run(
        mut self,
        mut wishes: watch::Receiver<Wish>,
        fulfilled: watch::Sender<Fulfilled>,
        mut knocks: mpsc::Receiver<Knock>,
    ) {
        let (mut seen, mut refusal) = (0, None);
        loop {
            let turn = tokio::select! {
                changed = wishes.changed() => if changed.is_ok() { Turn::Wish } else { Turn::Gone },
                Some(knock) = knocks.recv() => Turn::Knock(knock),
                never = away::tell(self.away()) => match never {},
                turn = next(&mut self.coming, &mut self.live, self.again_at) => turn,
            };
            match turn {
                Turn::Gone => break,
                Turn::Wish => {
                    let wish = wishes.borrow_and_update().clone();
                    refusal = self.fulfil(&wish, seen).await;
                    seen = wish.number;
                }
                Turn::Knock(knock) => self.answer(knock).await,
                Turn::Came(Ok(())) => self.go_live(&wishes).await,
                Turn::Came(Err(why)) => self.did_not_come(why).await,
                Turn::Over(why) => self.lost(why, &wishes).await,
                Turn::Again if self.config.exec.is_some() => {
                    self.card.work().restarts.one();
                    self.start_next();
                }
                Turn::Again => break,
            }
            if self.coming.is_none() && seen > fulfilled.borrow().number {
                // Whether a guest is there is not up to the node.
                let problem = self.problem.clone().filter(|_| self.config.exec.is_some());
                let problem = refusal.take().or(problem);
                let result = Reloaded { plugin: self.name.to_string(), generation: self.number(), problem };
                fulfilled.send_replace(Fulfilled { number: seen, result });
            }
        }
        self.leave().await;
    }

    /// Sees to one wish. Returns why it cannot be.
    async fn fulfil(&mut self, wish: &Wish, seen: u64) -> Option<String> {
        let is_other = self.configure(&wish.section);
        let is_renewed = is_other || (wish.ruled > seen && self.is_let_more());
        let name = &self.name;
        if self.shared.records.of(name).disabled {
            let asked = wish.again.max(wish.back).max(wish.approved) > seen;
            let refusal = asked.then(|| format!("it is disabled; `plugins enable {name}` lets it run"));
            self.unload().await;
            (self.again_at, self.problem) = (None, None);
            self.card.disabled(&self.program());
            return refusal;
        }
        if wish.back > seen {
            return Some("of a process no version before this one is kept".into());
        }
        if wish.approved > seen {
            return Some("nothing of it waits to be approved".into());
        }
        let is_there = self.live.is_some() || self.coming.is_some();
        match (&self.config.exec, wish.again > seen || is_renewed) {
            (None, true) if is_renewed => {
                return Some("it came by itself: what is new for it holds when it comes again".into());
            }
            (Some(_), true) => {
                // It is another one, whatever became of those before.
                (self.pause, self.is_anew) = (Pause::default(), true);
                // What is on its way was started from what there was before.
                self.give_up_coming("it is started anew");
                self.start_next();
            }
            (Some(_), false) if !is_there && self.again_at.is_none() => self.start_next(),
            (None, true) => return Some("it came by itself, and the node cannot start it again".into()),
            (None, false) if !is_there && self.again_at.is_none() => self.keep_place("it has not come yet"),
            _ => {}
        }
        None
    }

    /// Starts a process, unless one is on its way; a live one goes on until that is ready.
    fn start_next(&mut self) {
        let Some(exec) = self.config.exec.as_ref().filter(|_| self.coming.is_none()) else { return };
        self.again_at = None;
        self.card.looking_at(&self.program(), self.live.is_some());
        let env = &self.config.openings.env;
        let around = Surroundings { plugin: &self.name, socket: &self.socket, env };
        match Process::start(exec, &around, &self.allowance) {
            Ok(process) => {
                let (since, within) = (Instant::now(), exec.ready_within);
                let (process, until) = (Some(process), since + within);
                self.coming = Some(Coming { process, session: None, since, until, within });
            }
            Err(error) if !exec.folder.is_dir() => {
                self.failed(format!("it cannot be started in the folder {}: {error}", exec.folder.display()));
            }
            Err(error) => {
                self.failed(format!("the program `{}` cannot be started: {error}", self.program().display()));
            }
        }
    }

    /// What was coming is ready: from here on it takes the events, and the one before finishes what it has.
    async fn go_live(&mut self, wished: &watch::Receiver<Wish>) {
        let Some(Coming { process, session: Some((session, wishes)), .. }) = self.coming.take() else {
            return;
        };
        let Some(lanes) = self.lanes.clone() else { return };
        if let Some(before) = &self.live {
            before.session.stop().cancel();
            // What takes one event at a time does so over its processes.
            if session.window() == 1 || before.session.window() == 1 {
                let finished = tokio::time::timeout(self.drain_limit(), before.workers.wait());
                tokio::select! {
                    _ = finished => {}
                    () = leave::is_over(wished) => {}
                }
            }
        }
        let workers = TaskTracker::new();
        for _ in 0..session.window() {
            let (lanes, stop) = (Arc::clone(&lanes), session.stop().clone());
            let heard = (wishes.wanted(), self.config.policy().deadline);
            let mut hand = Hand::new(Arc::clone(&session), Arc::clone(&lanes), self.card.work(), heard);
            workers.spawn(async move { dispatch::run(&lanes, &stop, &mut hand).await });
        }
        workers.close();
        self.generation = self.generation.saturating_add(1);
        self.card.process(self.generation, &wishes, session.window());
        (self.again_at, self.problem) = (None, None);
        self.say_live(&wishes);
        if std::mem::take(&mut self.is_anew) {
            lanes.begin_anew();
        }
        if let Err(error) = lanes.subscription().set(wishes.wanted()).await {
            tracing::warn!(plugin = &*self.name, "{error}");
        }
        let live = Live { session, wishes, process, workers, since: Instant::now() };
        if let Some(before) = self.live.replace(live) {
            self.leaving.spawn(before.finish(self.grace(), self.drain_limit()));
        }
    }

    fn say_live(&self, wishes: &Wishes) {
        let (plugin, number) = (&*self.name, self.generation);
        for warning in &wishes.warnings {
            tracing::warn!(plugin, "{warning}");
        }
        let patterns: Vec<&str> = wishes.listens.iter().map(|listen| listen.pattern.as_str()).collect();
        let heard = if patterns.is_empty() { "nothing".to_owned() } else { patterns.join(", ") };
        tracing::info!(plugin, "process {number} is ready; it listens to {heard}");
    }

    /// The live process ended, or cannot go on.
    async fn lost(&mut self, why: String, wished: &watch::Receiver<Wish>) {
        let Some(live) = self.live.take() else { return };
        let Live { session, process, workers, since, .. } = live;
        let why = match process {
            Some(mut process) => {
                let ended = tokio::time::timeout(ENDING, process.ended()).await;
                if ended.is_ok() {
                    // What it said before it went counts.
                    let _ = tokio::time::timeout(ENDING, session.ended()).await;
                }
                session.over(ended.unwrap_or(why));
                // Unless the node let it go: then that is the reason, whatever it did next.
                let why = session.ended().await;
                self.end_before_more(process, wished).await;
                why
            }
            None => why,
        };
        session.over(why.clone());
        workers.wait().await;
        if self.coming.is_some() {
            tracing::warn!(plugin = &*self.name, "{why}; the next one is on its way");
        } else if self.config.exec.is_some() {
            self.again_in(since.elapsed(), why);
        } else {
            self.keep_place(&why);
        }
    }

    /// There is no process: the next one is started after a pause.
    fn failed(&mut self, why: String) {
        if self.live.is_some() {
            tracing::error!(plugin = &*self.name, "{why}; process {} goes on", self.generation);
            self.card.refused(&why, true);
            self.problem = Some(why);
        } else if self.config.exec.is_some() {
            self.again_in(Duration::ZERO, why);
        } else {
            self.keep_place(&why);
        }
    }

    fn again_in(&mut self, lived: Duration, why: String) {
        let wait = self.pause.take(lived, u16::from_be_bytes(random_bytes()));
        let (plugin, shown) = (&*self.name, duration_rough(wait));
        // A problem is said once; that it goes on, only to who asks.
        match self.problem.as_ref() == Some(&why) {
            true => tracing::debug!(plugin, "{why}; it is started again in {shown}"),
            false => {
                tracing::error!(
                    plugin,
                    "{why}; it is started again in {shown}, then after longer and longer, or by `plugins reload {plugin}`"
                );
            }
        }
        let now = Instant::now();
        // One that is started soon is on its way long before anybody would be told.
        let told_from = if wait > away::SOON { now } else { now + wait + away::SOON };
        (self.again_at, self.told_from) = (Some(now + wait), told_from);
        self.card.refused(&why, false);
        self.problem = Some(why);
    }

    /// It came by itself, and may come again; what it listens to waits for it meanwhile.
    fn keep_place(&mut self, why: &str) {
        let why = format!("its process is away: {why}");
        tracing::warn!(plugin = &*self.name, "{why}; its events wait {} s for it", AWAY_MAX.as_secs());
        let now = Instant::now();
        (self.again_at, self.told_from) = (Some(now + AWAY_MAX), now + away::SOON);
        self.card.refused(&why, false);
        self.problem = Some(why);
    }

    fn actor(&self) -> Actor {
        Actor::Plugin(Arc::clone(&self.name))
    }

    /// How long a process, and what it has started, may take to end.
    fn grace(&self) -> Duration {
        self.config.exec.as_ref().map_or(Duration::ZERO, |exec| exec.stop_within)
    }

    /// What is started; empty when it came by itself.
    fn program(&self) -> PathBuf {
        self.config.exec.as_ref().and_then(|exec| exec.command.first()).map(PathBuf::from).unwrap_or_default()
    }

    /// The number of the live process; 0 without one.
    fn number(&self) -> u64 {
        if self.live.is_some() { self.generation } else { 0 }
    }
}

impl Live {
    /// Waits until it cannot be given events any more, and says why.
    async fn over(&mut self) -> String {
        let ended = async {
            match &mut self.process {
                Some(process) => process.ended().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            why = ended => why,
            why = self.session.ended() => why,
            () = self.session.stuck() => "it does not answer: everything it has in hand is past its deadline".into(),
        }
    }
}
