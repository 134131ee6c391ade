//! How a plugin that is a process gets another section of the configuration: the next process is started under it.
//!
//! It must not know where sections come from.

use std::sync::Arc;

use super::Life;
use crate::plugin::{rules, settings::PluginConfig};

impl Life {
    /// From here on processes are started, and events are tried again, under this section. Whether it is another one.
    pub(super) fn configure(&mut self, section: &PluginConfig) -> bool {
        if self.config == *section {
            return false;
        }
        // What was started under the section before would not be what is wanted.
        self.give_up_coming("its section of the configuration is another now");
        self.config = section.clone();
        self.allowance = self.card.allowance(&self.config.limits());
        if let Some(lanes) = &self.lanes {
            lanes.obey(self.config.policy());
            self.shared.counts.follow(lanes, self.card.work(), Arc::clone(&self.allowance));
        }
        true
    }

    /// Whether the rules leave the live process something that they did not when it came.
    pub(super) fn is_let_more(&self) -> bool {
        let live = self.live.as_ref();
        live.is_some_and(|live| rules::allow_more(&live.wishes, &self.actor(), &self.shared.bus))
    }
}
