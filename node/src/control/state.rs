//! Looking at what a plugin keeps: which keys, and what is seen there.

use bytes::Bytes;
use tokio::sync::oneshot;

use super::{Control, ControlError, ControlSender, leaving};

/// A look at what a plugin keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateLook {
    /// The plugin's name.
    pub plugin: String,
    /// What is looked at.
    pub at: StateKeys,
}

/// Keys of what a plugin keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateKeys {
    /// This one, with its whole value.
    One(String),
    /// A page of them in order, with the beginnings of their values.
    Page {
        /// What they begin with.
        prefix: String,
        /// The one that they are behind.
        after: Option<String>,
        /// How many, at most.
        most: usize,
    },
}

/// What is seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatePage {
    /// The keys, in order.
    pub entries: Vec<StateEntry>,
    /// Keys behind the last one.
    pub more: u64,
    /// There are more than those: they were not counted to their end.
    pub is_more_uncounted: bool,
    /// Bytes of all keys and values of the plugin.
    pub bytes: u64,
    /// What it may keep.
    pub quota_bytes: u64,
}

/// One key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateEntry {
    /// It.
    pub key: String,
    /// Its value, or the beginning of a large one.
    pub value: Bytes,
    /// Bytes of the whole value.
    pub size_bytes: u64,
    /// From when on it is not there any more, in milliseconds since the Unix epoch; none: it stays.
    pub ends_ms: Option<u64>,
}

/// What may be meant by a key that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NearKey {
    /// Others, which begin with it.
    Begins,
    /// This one.
    Is(String),
    /// Nothing is near.
    Nothing,
}

impl ControlSender {
    /// Asks what a plugin keeps, as it is seen at this moment.
    ///
    /// # Errors
    /// When no plugin has that name, it keeps nothing there, that cannot be read, or the node is leaving.
    pub async fn state(&self, look: StateLook) -> Result<StatePage, ControlError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Control::State { look, reply }).await?;
        answer.await.unwrap_or_else(|_| Err(leaving()))
    }
}
