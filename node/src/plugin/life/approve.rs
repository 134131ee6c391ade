//! What a version may want: what was approved, and what is remembered of a version that has gone live.

use std::{path::Path, sync::Arc};

use bytes::Bytes;

use super::{Life, Origin, Refusal};
use crate::plugin::wants::Wants;

impl Life {
    /// What waits to be approved is, and the file is looked at again.
    pub(super) async fn approve(&mut self, file: &Path) -> Option<String> {
        if self.waiting.is_empty() {
            // What a file wants that nobody has seen is not approved.
            self.load(file, false).await;
            return Some("nothing of it waits to be approved".into());
        }
        let waited = std::mem::take(&mut self.waiting);
        self.shared.records.change(&self.name, |record| {
            record.approved = Some(record.approved.take().unwrap_or_default().and(&waited));
        });
        self.load(file, true).await
    }

    /// Whether a version wants nothing beyond what was approved. What a plugin wants that was never here is what it gets.
    pub(super) fn check_approved(&mut self, wants: &Wants) -> Result<(), Refusal> {
        let Some(approved) = self.record().approved.filter(|_| !self.shared.approve_all) else {
            return Ok(());
        };
        let more = wants.beyond(&approved, self.names());
        if more.is_empty() {
            return Ok(());
        }
        let lines = more.lines();
        self.waiting = more;
        Err(Refusal::Waits(lines))
    }

    /// Keeps what is live, so that it can be gone back to.
    pub(super) async fn remember(&self, bytes: Bytes, hash: String, (wants, from): (Wants, Origin)) {
        let (shared, kept) = (Arc::clone(&self.shared), hash.clone());
        let keeping = tokio::task::spawn_blocking(move || shared.versions.keep(&kept, &bytes));
        if let Ok(Err(error)) = keeping.await {
            tracing::warn!(plugin = &*self.name, "this version is not kept to be gone back to: {error}");
        }
        let (mut left, number) = (None, self.number());
        self.shared.records.change(&self.name, |record| {
            record.generation = record.generation.max(number);
            record.numbers.insert(hash.clone(), number);
            if record.live.as_ref() != Some(&hash) {
                left = std::mem::replace(&mut record.before, record.live.replace(hash));
            }
            record.approved = Some(match from {
                Origin::Folder => wants,
                Origin::Kept => record.approved.take().unwrap_or_default().and(&wants),
            });
        });
        let on_trial = self.live.as_ref().is_some_and(|live| live.trial.is_some());
        if let Some(left) = left.filter(|_| !on_trial) {
            self.forget(&left);
        }
    }
}
