//! How a version that fails is left again: by itself while it is on probation, or because somebody asks.
//!
//! What it owns: what is kept of the version before, and what is remembered of the one that was left. It must not know what
//! counts as a failure.

use std::{sync::Arc, time::Duration};

use super::{Life, Origin, Refusal, swap::Content};
use crate::{
    plugin::{
        probation::{PROBATION, Probation, Verdict},
        records::PassedOver,
    },
    status::LineLevel,
};

/// A version that is on probation, and the one before.
pub(super) struct Trial {
    pub(super) probation: Arc<Probation>,
    /// What the version before was loaded from.
    content: Content,
    /// The content of the one before that.
    before: Option<String>,
}

impl Life {
    /// The trial of a version with this content that is to take over: none where there is nothing to go back to, or only
    /// the same.
    pub(super) fn trial(&self, content: &Content) -> Option<Trial> {
        let lasts = self.config.probation.unwrap_or(PROBATION);
        let live = self.live.as_ref().filter(|live| !live.content.hash.is_empty())?;
        if lasts == Duration::ZERO || live.content.hash == content.hash {
            return None;
        }
        let probation = Probation::begin(Arc::clone(&live.version), lasts);
        Some(Trial { probation, content: live.content.clone(), before: self.record().before })
    }

    /// Waits for what comes of the live version's probation; for ever when it is on none.
    pub(super) async fn judged(&self) -> Verdict {
        match self.live.as_ref().and_then(|live| live.trial.as_ref()) {
            Some(trial) => trial.probation.judged().await,
            None => std::future::pending().await,
        }
    }

    /// A probation is over.
    pub(super) async fn judge(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Passed => {
                self.say_passed();
                self.end_trial();
            }
            Verdict::Failed(why) => drop(self.go_back(Some(&why)).await),
        }
    }

    fn say_passed(&self) {
        let Some(trial) = self.live.as_ref().and_then(|live| live.trial.as_ref()) else { return };
        let (plugin, number) = (&*self.name, self.number());
        let (broken, calls) = trial.probation.breaks();
        if broken == 0 {
            tracing::debug!(plugin, "generation {number} has passed its probation");
            return;
        }
        let said = format!(
            "generation {number} has passed its probation, in which {broken} of {calls} calls broke: `plugins rollback \
             {plugin}` brings the one before back"
        );
        self.say(LineLevel::Warn, &said);
    }

    /// The live version stays, whatever it does; what was before is let go.
    pub(super) fn end_trial(&mut self) {
        let Some(trial) = self.live.as_mut().and_then(|live| live.trial.take()) else { return };
        trial.probation.close();
        if let Some(before) = trial.before {
            self.forget(&before);
        }
    }

    /// Somebody wants the version before. Returns why that cannot be.
    pub(super) async fn roll_back(&mut self) -> Option<String> {
        if self.live.as_ref().is_some_and(|live| live.trial.is_some()) {
            return self.go_back(None).await;
        }
        let record = self.record();
        let Some(before) = record.before else { return Some("no version before this one is kept".into()) };
        if let Err(why) = self.bring_kept(&before).await {
            return Some(format!("the version before does not run: {why}"));
        }
        let why = "somebody asked for the one before";
        self.pass_over(record.live, before, None, why);
        None
    }

    /// The version before takes over again. It is compiled, linked and described: this takes no time. `failure`: why;
    /// none: somebody asked for it.
    async fn go_back(&mut self, failure: Option<&str>) -> Option<String> {
        let left = self.number();
        let live = self.live.as_mut()?;
        let trial = live.trial.take()?;
        let old = trial.probation.old()?;
        let hash = live.content.hash.clone();
        if let Err(refusal) = self.subscribe_both(&old).await {
            // It goes on with what it has of them.
            tracing::warn!(plugin = &*self.name, "{refusal}");
        }
        self.stand_down(&old).await;
        let first = self.hand_over(&old, None).await.unwrap_or_else(|error| {
            tracing::warn!(plugin = &*self.name, "what generation {left} remembers is lost: {error}");
            None
        });
        self.take_over(Arc::clone(&old), trial.content.clone(), first, None);
        self.card.live(&old, &trial.content);
        self.subscribe_new(&old).await;
        let why =
            format!("generation {left} was rolled back: {}", failure.unwrap_or("somebody asked for it"));
        let number = self.number();
        let level = if failure.is_some() { LineLevel::Error } else { LineLevel::Info };
        self.say(level, &format!("{why}; generation {number} goes on"));
        self.pass_over(Some(hash), trial.content.hash, trial.before, &why);
        None
    }

    /// Remembers that a content was left for another. Its file is not to be loaded again by itself, nor is one that was left
    /// for it before.
    fn pass_over(&self, left: Option<String>, live: String, before: Option<String>, why: &str) {
        let plugin = &*self.name;
        self.card.refused(&self.until_it_changes(why), true);
        self.shared.records.change(plugin, |record| {
            (record.live, record.before) = (Some(live), before);
            let file = record.passed_over.take().map(|passed| passed.hash).or_else(|| left.clone());
            record.passed_over = file.map(|hash| PassedOver { hash, why: why.to_owned() });
        });
        if let Some(left) = left {
            self.forget(&left);
        }
    }

    /// Why a file is passed over, and what ends that.
    fn until_it_changes(&self, why: &str) -> String {
        let plugin = &self.name;
        format!(
            "{why}; its file is not loaded again until it changes, or somebody says `plugins reload {plugin}`"
        )
    }

    /// Why a content is not to be loaded by itself, if it is not.
    pub(super) fn passed_over(&self, hash: &str) -> Option<String> {
        let passed = self.record().passed_over.filter(|passed| passed.hash == hash)?;
        if self.live.is_some() || !self.shared.starts_newest {
            return Some(self.until_it_changes(&passed.why));
        }
        let why = passed.why;
        tracing::info!(plugin = &*self.name, "its file runs again; before this start it did not, as {why}");
        None
    }

    /// The version that was live when the node ran last goes on, as the file is not to be loaded.
    pub(super) async fn go_on_with(&mut self, kept: &str, refusal: &Refusal) {
        let brought = self.bring_kept(kept).await;
        let plugin = &*self.name;
        match brought {
            Err(why) => tracing::warn!(plugin, "the version that was live last does not run: {why}"),
            // It was said when the node ran last.
            Ok(()) if matches!(refusal, Refusal::PassedOver(_)) => {
                self.say(LineLevel::Warn, &format!("an older version runs: {refusal}"));
            }
            Ok(()) => {}
        }
    }

    /// Loads a version that was live before.
    pub(super) async fn bring_kept(&mut self, hash: &str) -> Result<(), Refusal> {
        let (shared, wanted) = (Arc::clone(&self.shared), hash.to_owned());
        let reading = tokio::task::spawn_blocking(move || shared.versions.component(&wanted));
        let component = reading.await.ok().flatten().ok_or(Refusal::Forgotten)?;
        self.bring(component, Origin::Kept).await
    }

    /// Nobody goes back to a content any more, unless another plugin does.
    pub(super) fn forget(&self, hash: &str) {
        self.shared.records.change(&self.name, |record| record.forget(hash));
        if !self.shared.records.contents().contains(hash) {
            self.shared.versions.forget(hash);
        }
    }
}
