//! Handing the memory of a `single` plugin from the version that is live to the one that takes over.
//!
//! What it owns: the order of saving and restoring, and what goes on when one of the two fails. It must not know what the
//! memory is, or why the versions change.

use std::sync::Arc;

use super::Life;
use crate::plugin::{
    instances::{Fault, Instance, Mode, snapshot::SnapshotError},
    worker::Version,
};

/// Why a version did not get the memory of the one before.
#[derive(Debug, thiserror::Error)]
pub(super) enum HandoverError {
    #[error("the version before does not hand its memory over: {0}")]
    Save(SnapshotError),
    #[error("it does not take over the memory of the version before: {0}")]
    Restore(SnapshotError),
    #[error("`start` failed: it {0}")]
    Start(Fault),
    #[error("the node is stopping")]
    Stopping,
}

impl Life {
    /// The instance that a version begins with: with the memory of the live one, where both are about that. The live one has
    /// stood down; its own instance stays as it is, so that it can go on.
    pub(super) async fn hand_over(
        &self,
        to: &Arc<Version>,
        first: Option<Instance>,
    ) -> Result<Option<Instance>, HandoverError> {
        let Some(live) = self.live.as_ref().filter(|live| hands_over(&live.version) && hands_over(to)) else {
            return Ok(first);
        };
        let Some(old) = live.version.take_kept() else {
            // It has not handled anything yet, or has lost its memory with a call that broke.
            tracing::debug!(plugin = &*self.name, "there is no memory to hand over");
            return Ok(first);
        };
        let (from, to) = (Arc::clone(&live.version), Arc::clone(to));
        let threads = Arc::clone(&to.engine);
        let handed = threads.threads().spawn(async move { handed(&from, old, &to, first).await });
        handed.await.unwrap_or(Err(HandoverError::Stopping)).map(Some)
    }

    /// The live version, which has stood down for another, goes on as it was.
    pub(super) async fn resume(&mut self) {
        let Some(live) = &mut self.live else { return };
        let (version, content, trial) = (Arc::clone(&live.version), live.content.clone(), live.trial.take());
        self.take_over(Arc::clone(&version), content, None, trial);
        self.subscribe_new(&version).await;
    }
}

fn hands_over(version: &Version) -> bool {
    let wishes = &version.wishes;
    wishes.mode == Mode::Single && wishes.hands_over && version.blueprint.has_snapshot()
}

async fn handed(
    from: &Version,
    mut old: Instance,
    to: &Version,
    first: Option<Instance>,
) -> Result<Instance, HandoverError> {
    let saved = old.save(&from.limits).await;
    if !matches!(saved, Err(SnapshotError::Broken(_))) {
        from.keep(old);
    }
    let saved = saved.map_err(HandoverError::Save)?;
    let mut new = match first {
        Some(instance) => instance,
        None => to.instance().await.map_err(HandoverError::Start)?,
    };
    let restored = new.restore(&from.wishes.version, &saved, &to.limits).await;
    restored.map_err(HandoverError::Restore)?;
    // What it remembered of an earlier turn is older than this.
    drop(to.take_kept());
    Ok(new)
}
