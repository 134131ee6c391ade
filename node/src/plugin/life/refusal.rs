//! Why a file did not become the live version.

use std::path::Path;

use super::{Life, handover::HandoverError};
use crate::{
    bus::SubscribeError,
    plugin::{folder::ReadError, loader::LoadError, wants::Wants},
    status::LineLevel,
};

#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Subscribe(#[from] SubscribeError),
    #[error(transparent)]
    HandOver(#[from] HandoverError),
    /// It wants more than what was approved.
    #[error("it waits to be approved: it wants to {}", .0.join(", to "))]
    Waits(Vec<String>),
    /// It was live, failed, and is what it was.
    #[error("{0}")]
    PassedOver(String),
    /// A version that was live.
    #[error("it is not kept any more")]
    Forgotten,
}

impl Life {
    /// Says why a file is not loaded. Returns that.
    pub(super) fn refuse(&mut self, file: &Path, refusal: &Refusal) -> String {
        let (plugin, why) = (&*self.name, refusal.to_string());
        let still = match &self.live {
            Some(_) => format!("; generation {} goes on", self.number()),
            None => String::new(),
        };
        match refusal {
            Refusal::PassedOver(_) => tracing::debug!(plugin, "{} is passed over{still}", file.display()),
            Refusal::Waits(_) => {
                self.say(LineLevel::Warn, &format!("{} is not loaded: {why}{still}", file.display()));
            }
            _ => self.say(LineLevel::Error, &format!("{} is not loaded: {why}{still}", file.display())),
        }
        let hint = match refusal {
            Refusal::Load(error) => error.hint().map(str::to_owned),
            Refusal::Waits(_) => Some(format!("`plugins approve {plugin}` lets it have that")),
            _ => None,
        };
        if let Some(hint) = hint {
            tracing::info!(plugin, "hint: {hint}");
        }
        match refusal {
            Refusal::Waits(wants) => self.card.waits(wants, self.live.is_some()),
            _ => {
                self.waiting = Wants::default();
                self.card.refused(&why, self.live.is_some());
            }
        }
        why
    }
}
