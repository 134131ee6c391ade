//! The journal's thread: sends what waits, in order and without waiting for each, and says what became of it.
//!
//! What it owns: which position each event is sent for. Each message says which sequence number must be the last before
//! it, so that its position is known when it is sent, nothing is stored out of order, and whatever comes twice or late is
//! refused. When an answer is missing or says no, everything on its way is doubtful: then the stream's end is asked for,
//! what is found there under its id is settled, and the rest is sent again. It must not know who waits.

mod flying;
mod patience;
mod saving;

use std::{sync::Arc, time::Duration};

use async_nats::{Message, Subscriber};
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture};
use tokio::{
    sync::{oneshot, watch},
    time::Instant,
};

use flying::Flights;
use saving::Saves;

use super::{
    api::{self, Api, Fault, taken},
    connect::{self, Link, Refused},
    keep::{self, Look},
    state::{Shared, Trouble},
};
use crate::journal::{OpenError, cursors::Cursors};

/// How long opening waits for the servers before the node goes on without them.
pub(super) const OPENING: Duration = Duration::from_secs(5);
/// Between two attempts after trouble.
const PAUSE: Duration = Duration::from_millis(100);
/// The same while nobody can say when it will pass.
const LONG_PAUSE: Duration = Duration::from_secs(2);
/// How long a stream may end before what was acknowledged until that is believed: a new leader may be behind for a while.
const GONE_BACK: Duration = Duration::from_secs(10);

/// Who hears how opening went: what a person should know, or why it cannot be.
pub(super) type Opening = oneshot::Sender<Result<Option<String>, OpenError>>;

/// The thread's own.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    /// Until it was told.
    opening: Option<Opening>,
    flights: Flights,
    saves: Saves,
    /// When what is kept is to be looked at.
    look_at: Instant,
    /// Since when the stream has ended too early.
    gone_back: Option<Instant>,
}

/// Why sending stopped.
#[derive(Debug)]
enum Stop {
    /// Everything is stored or refused, and nothing more comes.
    Done,
    /// What is on its way is doubtful. In words.
    Doubt(String),
    /// So it is, as one was refused that others were to follow.
    Step,
    /// It does not pass by waiting.
    Broken(String),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Doubt(fault.to_string())
    }
}

impl Writer {
    pub(super) fn new(shared: Arc<Shared>, opening: Opening) -> Self {
        let (flights, saves) = (Flights::default(), Saves::default());
        let look_at = Instant::now();
        Self { shared, opening: Some(opening), flights, saves, look_at, gone_back: None }
    }

    /// Works until the journal is closed and everything is stored or refused.
    pub(super) async fn run(mut self) {
        let Some((api, mut link)) = self.connected().await else { return };
        loop {
            let stop = match self.begin(&api).await {
                Ok(()) => self.serve(&api, &mut link).await,
                Err(stop) => stop,
            };
            self.doubt();
            let pause = match stop {
                Stop::Done => return,
                Stop::Step => continue,
                Stop::Doubt(why) => {
                    let complaint = link.borrow().complaint.clone();
                    let why = complaint.map_or(why.clone(), |complaint| format!("{why}: {complaint}"));
                    self.trouble(why, false);
                    PAUSE
                }
                Stop::Broken(why) => {
                    self.trouble(why, true);
                    LONG_PAUSE
                }
            };
            if self.meanwhile(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
        }
    }

    /// The first connection. None when the journal was closed before there was one.
    async fn connected(&mut self) -> Option<(Api, watch::Receiver<Link>)> {
        let (config, name) = (self.shared.config.clone(), self.shared.names.events.clone());
        let began = Instant::now();
        loop {
            let refused = match self.meanwhile(connect::connect(&config, &name)).await? {
                Ok((api, link)) => {
                    // Nobody else sets it.
                    let _ = self.shared.api.set(api.clone());
                    return Some((api, link));
                }
                Err(refused) => refused,
            };
            self.refused(refused, began)?;
            self.meanwhile(tokio::time::sleep(PAUSE * 5)).await?;
        }
    }

    /// The servers cannot be used. None when that is for good and whoever opens is told, so that nothing is left to do.
    fn refused(&mut self, refused: Refused, began: Instant) -> Option<()> {
        match refused {
            Refused::ForNow(why) => {
                self.trouble(why.clone(), false);
                if began.elapsed() >= OPENING
                    && let Some(opening) = self.opening.take()
                {
                    let servers = self.shared.config.named();
                    let note = format!("the journal's servers at {servers} cannot be used yet: {why}");
                    // Who opens may have gone.
                    let _ = opening.send(Ok(Some(note)));
                }
                Some(())
            }
            Refused::ForGood(error) => match self.opening.take() {
                Some(opening) => {
                    let _ = opening.send(Err(error));
                    None
                }
                // The node runs already. Somebody may mend it.
                None => {
                    self.trouble(error.to_string(), false);
                    Some(())
                }
            },
        }
    }

    /// Finds out where the stream ends, and what became of what was on its way.
    async fn begin(&mut self, api: &Api) -> Result<(), Stop> {
        if !*self.shared.opened.borrow() {
            self.open(api).await?;
        }
        let shared = Arc::clone(&self.shared);
        let asking = async {
            let info = api.info(&shared.names.events).await;
            info.map(|info| info.state)
        };
        let state = match self.meanwhile(asking).await.ok_or(Stop::Done)? {
            Err(fault) if fault.is_no_stream() => {
                return Err(Stop::Broken(format!("the stream {} is gone", shared.names.events)));
            }
            state => state?,
        };
        let known = *shared.durable.borrow();
        if state.last_seq < known {
            return Err(self.ends_early(state.last_seq, known));
        }
        self.gone_back = None;
        let last = self.settle_doubts(api, state.last_seq).await?;
        self.flights.begin(last);
        self.recover_saves(api).await?;
        let mut state = self.shared.lock();
        if let Some(Trouble { since, .. }) = state.trouble.take()
            && since.elapsed() > PAUSE * 5
        {
            tracing::info!("the journal's servers at {} take events again", self.shared.config.named());
        }
        Ok(())
    }

    /// The stream ends before what was acknowledged.
    fn ends_early(&mut self, last: u64, known: u64) -> Stop {
        let since = *self.gone_back.get_or_insert_with(Instant::now);
        if since.elapsed() < GONE_BACK {
            return Stop::Doubt(format!("the stream ends at {last}, and {known} was acknowledged"));
        }
        Stop::Broken(format!(
            "the stream {} ends at {last}, and {known} was acknowledged: they have lost what they had stored; \
             start the node again to go on with what is left",
            self.shared.names.events
        ))
    }

    /// Makes the streams and reads the cursors, for the first time.
    async fn open(&mut self, api: &Api) -> Result<(), Stop> {
        let shared = Arc::clone(&self.shared);
        let began = Instant::now();
        let (info, read) = loop {
            let (config, settings, names) = (&shared.config, &shared.settings, &shared.names);
            let making = async {
                let info = connect::make_streams(api, config, settings, names).await?;
                let read = connect::read_cursors(api, names).await;
                Ok((info, read.map_err(|fault| Refused::ForNow(fault.to_string()))?))
            };
            match self.meanwhile(making).await.ok_or(Stop::Done)? {
                Ok((info, read)) if !self.ends_before_cursors(&info, &read) => break (info, read),
                Ok((info, _)) => {
                    let why = format!("the stream ends at {}, before a cursor", info.state.last_seq);
                    self.refused(Refused::ForNow(why), began).ok_or(Stop::Done)?;
                }
                Err(refused) => self.refused(refused, began).ok_or(Stop::Done)?,
            }
            self.meanwhile(tokio::time::sleep(PAUSE * 5)).await.ok_or(Stop::Done)?;
        };
        let cursors = self.saves.read(read, info.state.last_seq);
        let mut state = shared.lock();
        state.cursors = Cursors::read(cursors);
        state.kept.last = info.state.last_seq;
        keep::note(&mut state, &Look::of(&info.state, None));
        drop(state);
        shared.durable.send_replace(info.state.last_seq);
        shared.opened.send_replace(true);
        if let Some(opening) = self.opening.take() {
            let _ = opening.send(Ok(connect::weakness(&info, &shared.config)));
        }
        Ok(())
    }

    /// Whether a cursor is behind the stream's end, and its leader may yet catch up.
    fn ends_before_cursors(&mut self, info: &api::Info, read: &[connect::ReadCursor]) -> bool {
        let furthest = read.iter().filter_map(|(change, _)| connect::tracked(change));
        let furthest = furthest.map(|tracked| tracked.cursor.floor()).max().unwrap_or(0);
        if furthest <= info.state.last_seq {
            return false;
        }
        let since = *self.gone_back.get_or_insert_with(Instant::now);
        since.elapsed() < GONE_BACK
    }

    /// Sends, and hears what became of it, until something stops it.
    async fn serve(&mut self, api: &Api, link: &mut watch::Receiver<Link>) -> Stop {
        let lost = link.borrow_and_update().lost;
        let (inbox, mut answers) = match api.inbox().await {
            Ok(inbox) => inbox,
            Err(fault) => return fault.into(),
        };
        let mut look: BoxFuture<'static, Result<Look, Fault>> = std::future::pending().boxed();
        let mut looks = false;
        loop {
            if let Err(stop) = self.send(api, &inbox, link).await {
                return stop;
            }
            if self.is_done() {
                return Stop::Done;
            }
            if !looks && self.look_at <= Instant::now() {
                (look, looks) = (keep::look(api.clone(), Arc::clone(&self.shared)).boxed(), true);
            }
            let next = if looks { self.deadline() } else { self.deadline().min(self.look_at) };
            tokio::select! {
                answer = answers.next() => {
                    let Some(answer) = answer else { return Fault::Silent.into() };
                    if let Err(stop) = self.heard(answer, &mut answers, &inbox) {
                        return stop;
                    }
                }
                changed = link.changed() => {
                    if changed.is_err() || link.borrow_and_update().lost != lost {
                        return Stop::Doubt("the connection was lost".into());
                    }
                }
                looked = &mut look, if looks => {
                    looks = false;
                    self.look_at = Instant::now() + keep::until_next(&self.shared.settings);
                    match looked {
                        Ok(look) => self.looked(&look),
                        Err(fault) => tracing::debug!("cannot look at the journal's stream: {fault}"),
                    }
                }
                () = self.shared.work.notified() => {}
                () = tokio::time::sleep_until(next) => {
                    self.fail_overdue();
                    if self.flights.is_silent() || self.saves.is_silent() {
                        return Fault::Silent.into();
                    }
                }
            }
            if !looks && self.shared.lock().is_short(&self.shared.settings) {
                self.look_at = self.look_at.min(Instant::now() + PAUSE);
            }
        }
    }

    async fn send(&mut self, api: &Api, inbox: &str, link: &mut watch::Receiver<Link>) -> Result<(), Stop> {
        let lost = link.borrow().lost;
        let sending = async {
            self.saves.send(api, &self.shared, inbox).await?;
            self.flights.send(api, &self.shared, inbox).await
        };
        // While there is no connection the client takes only so much, and then waits.
        tokio::select! {
            sent = sending => Ok(sent?),
            _ = link.wait_for(|link| link.lost != lost) => {
                Err(Stop::Doubt("the connection was lost".into()))
            }
        }
    }

    /// Takes an answer, and all that have come with it.
    fn heard(&mut self, first: Message, answers: &mut Subscriber, inbox: &str) -> Result<(), Stop> {
        let mut next = Some(first);
        while let Some(answer) = next {
            let place = answer.subject.strip_prefix(inbox).unwrap_or_default();
            let outcome = taken(&answer).map(|taken| taken.seq);
            match place.strip_prefix(".e.").or(place.strip_prefix(".c.")).map(str::parse::<u64>) {
                Some(Ok(position)) if place.starts_with(".e.") => self.flights.answered(position, outcome),
                Some(Ok(index)) => self.saves.answered(index, outcome),
                _ => {}
            }
            next = answers.next().now_or_never().flatten();
        }
        let settled = self.flights.settle(&self.shared);
        self.saves.settle(&self.shared)?;
        settled
    }

    fn looked(&mut self, look: &Look) {
        let mut state = self.shared.lock();
        keep::note(&mut state, look);
        let lost = state.cursors.pass_over(look.kept.first.saturating_sub(1));
        drop(state);
        for (name, lost) in lost.into_iter().filter(|(_, lost)| *lost > 0) {
            tracing::warn!("`{name}` lost {lost} events that grew too old in the journal");
        }
    }

    /// What was on its way waits again, and nobody knows what became of it.
    fn doubt(&mut self) {
        self.flights.doubt(&self.shared);
        self.saves.doubt(&self.shared);
    }
}
