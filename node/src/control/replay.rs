//! Having dead letters handled again: which, and what became of them.

use std::time::Duration;

use tokio::sync::oneshot;

use super::{Control, ControlError, ControlSender, leaving};

/// Dead letters to be handled again, by the plugin or the group whose they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// Its name.
    pub plugin: String,
    /// The numbers of the letters.
    pub letters: Vec<u64>,
    /// How long to wait for what becomes of them.
    pub patience: Duration,
}

/// What became of a dead letter that was to be handled again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Its number.
    pub letter: u64,
    /// What became of it.
    pub outcome: ReplayedAs,
}

/// What became of one letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplayedAs {
    /// It was handled, and is gone.
    Handled,
    /// It died again, and stays: the reason.
    DiedAgain(String),
    /// It was let go.
    Dropped,
    /// The plugin is still at it.
    AtWork,
    /// There is none of that number.
    Missing,
    /// It was not given to the plugin, or the plugin has not looked at it; it stays: the reason.
    Refused(String),
}

impl ControlSender {
    /// Asks for dead letters to be handled again, and waits for what becomes of them, as long as it says.
    ///
    /// # Errors
    /// When no plugin of that name runs, or the node is leaving.
    pub async fn replay(&self, replay: Replay) -> Result<Vec<Replayed>, ControlError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Control::Replay { replay, reply }).await?;
        answer.await.unwrap_or_else(|_| Err(leaving()))
    }
}
