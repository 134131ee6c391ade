//! Which events a client is to have of those that match: all of them, its share of a group's, or the past as well.

use hive_proto::{channel::ChannelError, group::GroupName, id::NodeId};

use crate::{
    api::refusal::{Refusal, bad_group, bad_reader, invalid},
    trust::random_bytes,
};

/// What a client says of it; at most one of them.
#[derive(Debug, Default)]
pub(super) struct Share {
    pub(super) group: Option<String>,
    pub(super) since_ms: Option<u64>,
    pub(super) durable: Option<String>,
}

impl Share {
    /// The group a client is in: one that it names, or one of its own.
    pub(super) fn group(self, node: NodeId) -> Result<Option<GroupName>, Refusal> {
        match self {
            Self { group: None, since_ms: None, durable: None } => Ok(None),
            Self { group: None, since_ms: Some(ms), durable: None } => {
                Ok(Some(GroupName::replay(ms, u64::from_be_bytes(random_bytes()))))
            }
            Self { group: None, since_ms: None, durable: Some(name) } => {
                GroupName::reader(&name, node).map(Some).map_err(|error| bad_reader(&name, &error))
            }
            Self { group: Some(name), since_ms: None, durable: None } => {
                match GroupName::parse(&name).map_err(|error| bad_group(&name, &error))? {
                    group if group.as_str().starts_with('~') => {
                        Err(bad_group(&name, &ChannelError::Character('~')))
                    }
                    group => Ok(Some(group)),
                }
            }
            _ => Err(invalid(
                "a group and a reader begin where they left off, not at a time; and one is not the other",
            )),
        }
    }
}
