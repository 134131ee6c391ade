//! A process on its way to be live: started, let in, and ready in time, or not.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Life, claim::Licence, process::Process};
use crate::{
    bus::{Holder, SubscribeError},
    dispatch::{
        Lanes,
        process::{Claim, Knock, Seat, Session, Stage, Words},
    },
    plugin::{description::Wishes, settings::READY_WITHIN},
    units::duration_text,
};

/// A process that is not ready yet.
pub(super) struct Coming {
    /// None: it came by itself.
    pub(super) process: Option<Process>,
    /// Set when it was let in.
    pub(super) session: Option<(Arc<Session>, Wishes)>,
    /// When it was started, or came.
    pub(super) since: Instant,
    /// When it has to be ready.
    pub(super) until: Instant,
    /// How long that was.
    pub(super) within: Duration,
}

impl Coming {
    /// Waits until it is ready.
    ///
    /// # Errors
    /// Why it will not be.
    pub(super) async fn came(&mut self) -> Result<(), String> {
        let Self { process, session, until, within, .. } = self;
        let ended = async {
            match process {
                Some(process) => process.ended().await,
                None => std::future::pending().await,
            }
        };
        let joined = session.is_some();
        let settled = async {
            let Some((session, _)) = session else { return std::future::pending().await };
            let mut stage = session.stage();
            match stage.wait_for(|stage| *stage != Stage::Joined).await.as_deref() {
                Ok(Stage::Over(why)) => Err(why.clone()),
                _ => Ok(()),
            }
        };
        tokio::select! {
            why = ended => Err(format!("before it was ready {why}")),
            settled = settled => settled,
            () = tokio::time::sleep_until((*until).into()) => {
                let within = duration_text(*within);
                Err(match joined {
                    true => format!("it did not say `ready` within {within}"),
                    false => format!("it did not connect to $HIVE_NODE and say `join` within {within}"),
                })
            }
        }
    }
}

impl Life {
    /// Answers a process that wants to be this plugin.
    pub(super) async fn answer(&mut self, Knock { claim, reply }: Knock) {
        let seat = self.admit(&claim).await;
        if let Err(why) = &seat {
            tracing::warn!(plugin = &*self.name, "a process is not let in: {why}");
            if self.lanes.is_none() && self.config.exec.is_none() && !self.is_disabled() {
                // Nothing of it is here that would have to be kept.
                self.again_at = Some(Instant::now());
            }
        }
        // Who knocked may have gone; then its session is over before it began.
        if let Err(Ok(seat)) = reply.send(seat) {
            seat.session.over("it went before it was let in");
        }
    }

    async fn admit(&mut self, claim: &Claim) -> Result<Seat, String> {
        let name = &self.name;
        if self.is_disabled() {
            return Err(format!("the plugin `{name}` is disabled; `plugins enable {name}` lets it run"));
        }
        let words = self.expected(claim)?;
        let wishes = self.wishes(claim).map_err(|problems| problems.to_string())?;
        let window = usize::try_from(claim.window).unwrap_or(1);
        let session = Session::new(Arc::clone(name), window, words);
        let licence = Licence {
            grants: wishes.grants.clone(),
            allowance: Arc::clone(&self.allowance),
            payload: self.config.limits().payload,
        };
        self.subscribe_both(&wishes).await.map_err(|error| error.to_string())?;
        let config = self.config.config.clone();
        let seat =
            Seat { session: Arc::clone(&session), actor: self.actor(), permit: Arc::new(licence), config };
        match &mut self.coming {
            Some(coming) => coming.session = Some((session, wishes)),
            None => {
                let (since, within) = (Instant::now(), READY_WITHIN);
                self.card.looking_at(&self.program(), self.live.is_some());
                self.again_at = None;
                let session = Some((session, wishes));
                self.coming = Some(Coming { process: None, session, since, until: since + within, within });
            }
        }
        Ok(seat)
    }

    /// Whether a process is the one that is waited for. Returns where its last words are, if the node started it.
    fn expected(&self, claim: &Claim) -> Result<Option<Arc<Words>>, String> {
        let name = &self.name;
        if self.config.exec.is_none() {
            let is_there = self.live.is_some() || self.coming.is_some();
            let taken = || format!("another process is the plugin `{name}`; one name is one process");
            return if is_there { Err(taken()) } else { Ok(None) };
        }
        let coming = self.coming.as_ref().filter(|coming| coming.session.is_none());
        let process = coming.and_then(|coming| coming.process.as_ref());
        match process.filter(|process| claim.token.as_ref() == Some(&process.token)) {
            Some(process) => Ok(Some(Arc::clone(&process.words))),
            None => Err(format!(
                "the node starts the plugin `{name}` itself: only that process can be it, with its $HIVE_TOKEN, once"
            )),
        }
    }

    /// From here on events come for the live process and for the one that is on its way.
    async fn subscribe_both(&mut self, wishes: &Wishes) -> Result<(), SubscribeError> {
        let new = wishes.wanted();
        match (&self.lanes, &self.live) {
            (Some(lanes), Some(live)) => lanes.subscription().set(live.wishes.wanted().chain(new)).await,
            (Some(lanes), None) => lanes.subscription().set(new).await,
            (None, _) => {
                let holder = Holder::Plugin(self.name.to_string());
                let subscription = self.shared.bus.subscribe(holder, new).await?;
                let lanes =
                    Lanes::new(&*self.name, subscription, self.config.policy(), self.shared.bus.clone());
                self.shared.counts.follow(&lanes, self.card.work(), Arc::clone(&self.allowance));
                self.lanes = Some(lanes);
                Ok(())
            }
        }
    }

    /// What was coming is not ready, and will not be.
    pub(super) async fn did_not_come(&mut self, why: String) {
        let Some(Coming { process, session, .. }) = self.coming.take() else { return };
        let why = match &process {
            // It is the last thing it did, and says more than that it was not ready.
            Some(process) if why.contains("`ready`") || why.contains("`join`") => {
                match process.words.last() {
                    Some(last) => format!("{why}; it said last: {last}"),
                    None => why,
                }
            }
            _ => why,
        };
        if let Some((session, _)) = session {
            session.over(why.clone());
        }
        if let Some(process) = process {
            self.leaving.spawn(process.end(self.grace()));
        }
        if let (Some(lanes), Some(live)) = (&self.lanes, &self.live)
            && let Err(error) = lanes.subscription().set(live.wishes.wanted()).await
        {
            tracing::warn!(plugin = &*self.name, "{error}");
        }
        self.failed(why);
    }

    fn is_disabled(&self) -> bool {
        self.shared.records.of(&self.name).disabled
    }
}
