//! Who of this node publishes, asks and listens: what the rules are asked about.

use std::sync::Arc;

use hive_proto::channel::{Address, Channel, NetworkIndex, Scope};

use super::{Bus, Holder, PublishError, Shared, fault::Denial, queue::Queue};
use crate::trust::may::{Action, Principal};

/// Somebody of this node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Actor {
    /// A client, or the node itself.
    #[default]
    Local,
    /// A plugin.
    Plugin(Arc<str>),
}

impl Actor {
    /// Who it is in the rules.
    #[must_use]
    pub fn principal(&self) -> Principal<'_> {
        match self {
            Self::Local => Principal::Local,
            Self::Plugin(name) => Principal::Plugin(name),
        }
    }
}

impl From<&Holder> for Actor {
    fn from(holder: &Holder) -> Self {
        match holder {
            Holder::Client(_) => Self::Local,
            Holder::Plugin(name) => Self::Plugin(name.as_str().into()),
        }
    }
}

impl Bus {
    /// What the rules refuse to somebody of this node on channels of a pattern: the lines of the configuration that would
    /// allow it, and whether they refuse all of it.
    #[must_use]
    pub fn refusals(&self, who: &Actor, action: Action, scope: &Scope) -> (Vec<String>, bool) {
        let (refusing, all) = self.0.rules.refusals(who.principal(), action, scope);
        let name = who.principal().name().unwrap_or_default();
        let lines = refusing.iter().map(|rule| rule.line_with(action, name, self.names()));
        (lines.collect(), all)
    }
}

impl Shared {
    /// Whether somebody of this node may do something.
    ///
    /// # Errors
    /// With the line of the configuration that would allow it.
    pub(super) fn permit(
        &self,
        who: Principal<'_>,
        action: Action,
        to: &Address,
    ) -> Result<(), PublishError> {
        let Some(rule) = self.rules.refusing(who, action, to.network, &to.channel) else { return Ok(()) };
        let line = rule.line_with(action, who.name().unwrap_or_default(), &self.names);
        let plugin = match who {
            Principal::Plugin(name) => Some(name.to_owned()),
            Principal::Local | Principal::Node(_) => None,
        };
        Err(PublishError::Denied(Box::new(Denial { action, channel: to.channel.clone(), plugin, line })))
    }

    /// Whether the holder of a queue here may have what is published on a channel: for itself, or as a member of a group.
    pub(super) fn may_have(
        &self,
        queue: &Queue,
        action: Action,
        network: NetworkIndex,
        channel: &Channel,
    ) -> bool {
        // What the node says of itself no rule is about.
        channel.is_reserved() || self.rules.may(queue.actor().principal(), action, network, channel)
    }

    /// Whether the holder of a queue here may be given something as a member of a group.
    pub(super) fn may_join_here(&self, queue: &Queue, network: NetworkIndex, channel: &Channel) -> bool {
        self.may_have(queue, Action::Group, network, channel)
    }
}
