//! Dead letters: what no handler could handle, and what became of having it handled again.

use serde::{Deserialize, Serialize};

use super::V1;
use crate::message::Event;

/// The dead letters of one handler, from `GET /v1/dead/NAME`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadLetters {
    /// The document's version.
    pub v: V1,
    /// Whose: a plugin's name, or a group's.
    pub name: String,
    /// Those that were asked for, oldest first.
    pub letters: Vec<DeadLetter>,
    /// Those that the node cannot read, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<UnreadableLetter>,
    /// How many there are.
    pub kept: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many found no room since the node started, or gave way to newer ones.
    pub let_go: u64,
    /// The number of the last that was kept since the node started, or was there then; 0: there was none.
    #[serde(default)]
    pub last: u64,
}

/// A dead letter that the node cannot read, as one of a network that it is no member of any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadableLetter {
    /// Its number, by which it is named.
    pub letter: u64,
    /// Why not.
    pub reason: String,
}

/// One dead letter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Its number, by which it is named.
    pub letter: u64,
    /// When it died, in milliseconds since the Unix epoch.
    pub died_ms: u64,
    /// Why.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The group as whose member the handler had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What the handler wrote last to its stderr, up to 4 KiB.
    #[serde(default)]
    pub last_words: String,
    /// The event's id.
    pub id: String,
    /// Its channel.
    pub channel: String,
    /// Its network.
    pub network: String,
    /// The id of the node that published it.
    pub origin: String,
    /// When it was published, by its origin's clock.
    pub time_ms: u64,
    /// Bytes of its payload.
    pub payload_bytes: u64,
    /// The whole event, where one letter was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<Event>,
}

/// What became of dead letters, from `POST /v1/dead/NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replay {
    /// The document's version.
    pub v: V1,
    /// Whose they are.
    pub name: String,
    /// One entry a letter.
    pub letters: Vec<Replayed>,
}

/// What became of one dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replayed {
    /// Its number.
    pub letter: u64,
    /// What became of it.
    pub outcome: ReplayOutcome,
    /// Why, where it is not what was wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReplayOutcome {
    /// It was handled, and is gone.
    Handled,
    /// It died again, and stays.
    DiedAgain,
    /// The handler is still at it; it goes when it is handled.
    AtWork,
    /// It was let go.
    Dropped,
    /// Nobody has looked at it, and it stays.
    Refused,
    /// There is none of that number.
    Missing,
    /// What a newer node says.
    #[serde(other)]
    Unknown,
}
