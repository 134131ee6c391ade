//! How a plugin gets another section of the configuration while it runs: its live version takes over from itself.
//!
//! What it owns: what of a section holds with the next version, and what at once. It must not know where sections come from.

use std::path::Path;

use super::{Life, Refusal};
use crate::plugin::{rules, settings::PluginConfig, state};

impl Life {
    /// From here on versions are made under this section. Whether it is another one.
    pub(super) fn configure(&mut self, section: &PluginConfig) -> bool {
        if self.config == *section {
            return false;
        }
        self.config = section.clone();
        self.allowance = self.card.allowance(&self.config.limits());
        true
    }

    /// What is said of the plugin as a whole holds from here on: a version that was made under its section takes over.
    pub(super) fn obey_section(&mut self) {
        let Some(live) = &self.live else { return };
        let quota = self.config.state.unwrap_or(state::QUOTA);
        live.lanes.obey(self.config.policy());
        self.shared.counts.follow(&live.lanes, self.card.work(), std::sync::Arc::clone(&self.allowance));
        self.state.allow(quota);
        self.card.quota(quota);
    }

    /// Has the content that is live take over from itself under the present section and rules, then looks at the file.
    /// Returns what is in the way; the version before goes on then, as it was made.
    pub(super) async fn renew(&mut self, file: &Path) -> Option<String> {
        let live = self.live.as_ref().filter(|live| !live.leaving).map(|live| live.content.hash.clone());
        let Some(hash) = live else { return self.load(file, false).await };
        match self.bring_kept(&hash).await {
            Ok(()) => self.load(file, false).await,
            Err(Refusal::Forgotten) => self.load(file, true).await,
            Err(refusal) => Some(self.refuse(file, &refusal)),
        }
    }

    /// Whether the rules leave the live version something that they did not when it was loaded.
    pub(super) fn is_let_more(&self) -> bool {
        let live = self.live.as_ref();
        live.is_some_and(|live| {
            rules::allow_more(&live.version.wishes, &live.version.place.actor, &self.shared.bus)
        })
    }
}
