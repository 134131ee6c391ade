//! What a plugin keeps on its node.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::V1;
use crate::message::payload;

/// What a plugin keeps, from `GET /v1/plugins/NAME/state`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateEntries {
    /// The document's version.
    pub v: V1,
    /// The plugin.
    pub name: String,
    /// Its keys in order, as many as were asked for. Of one that was asked for: it, with its whole value.
    pub entries: Vec<StateEntry>,
    /// How many keys follow the last one: what to ask for `after` it.
    pub more: u64,
    /// There are even more than that; they were not counted to their end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more_uncounted: bool,
    /// Bytes of all keys and values that the plugin keeps.
    pub bytes: u64,
    /// What it may keep.
    pub quota_bytes: u64,
}

/// One key of what a plugin keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateEntry {
    /// It.
    pub key: String,
    /// Bytes of its whole value.
    pub size_bytes: u64,
    /// Its value, as payloads are written; in a list the beginning of a large one.
    #[serde(with = "payload")]
    pub value: Bytes,
    /// The value goes on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// From when on the key is not there any more, in milliseconds since the Unix epoch; absent: it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_ms: Option<u64>,
}
