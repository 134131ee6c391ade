//! All answers to a call that went to everybody.

use serde::{Deserialize, Serialize};

use super::{ApiError, V1};
use crate::message::Message;

/// What everybody answered, from `POST /v1/call/CHANNEL?mode=all`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gathered {
    /// The document's version.
    pub v: V1,
    /// One entry a responder, in the order in which they answered.
    pub answers: Vec<Answer>,
    /// Nodes that were asked and had not answered when time ran out.
    pub missing: Vec<Responder>,
}

/// What one responder answered: a message or an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// Who.
    #[serde(flatten)]
    pub responder: Responder,
    /// The answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Message>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ApiError>,
}

/// A node with responders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Responder {
    /// Its public key: 64 hex digits.
    pub node: String,
    /// What it calls itself.
    pub name: String,
}
