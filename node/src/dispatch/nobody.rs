//! Why nobody answers on a channel: what the plugins of this node have to do with it, for whoever asks in vain.
//!
//! It must not know other nodes' plugins: they say their patterns, not what they are.

use std::sync::Arc;

use hive_proto::channel::Address;

use crate::{
    bus::Bus,
    status::{Boards, PluginCard, PluginState, WantCard},
    units::nearest,
};

/// What may help whoever asks there, `channel` as he wrote it.
#[must_use]
pub fn hint(boards: &Boards, bus: &Bus, channel: &str, to: &Address) -> String {
    let plugins = boards.plugins.read();
    let is_there = |want: &&WantCard| {
        let scope = bus.names().scope(&want.pattern);
        scope.is_ok_and(|scope| scope.network == to.network && scope.pattern.matches(&to.channel))
    };
    let listening = |(name, card): (&Arc<str>, &Arc<PluginCard>)| {
        let answers = card.wants.iter().filter(is_there).map(|want| want.answers).max()?;
        Some(said(name, card.state, answers))
    };
    if let Some(said) = plugins.iter().find_map(listening) {
        return said;
    }
    let answered = plugins.values().flat_map(|card| &card.wants).filter(|want| want.answers);
    let names = answered.map(|want| want.pattern.as_str()).filter(|name| !name.contains('*'));
    let unknown = |state| {
        let is = |card: &PluginCard| card.state == state && card.wants.is_empty();
        plugins.iter().find(|(_, card)| is(card)).map(|(name, _)| name)
    };
    match (nearest(channel, names), unknown(PluginState::Loading)) {
        (Some(near), _) => format!("did you mean `{near}`?"),
        (None, Some(name)) => format!("`{name}` is not ready yet, and may answer there"),
        (None, None) => match unknown(PluginState::Failed) {
            Some(name) => format!("`{name}` may answer there, and has failed; `plugins` says why"),
            None if to.channel.is_local() => {
                "a channel of one segment never leaves this node, and no handler here answers on it".into()
            }
            None => "is the handler that answers there running, and its node a peer?".into(),
        },
    }
}

/// What a plugin has to do with a channel that it listens to, or would.
fn said(name: &str, state: PluginState, answers: bool) -> String {
    match state {
        _ if !answers => format!("`{name}` listens there and gives no answers; `publish` is for that"),
        PluginState::Disabled => format!("`{name}` answers there, and is off; `plugins enable {name}`"),
        PluginState::Waiting => format!("`{name}` answers there, and waits for `plugins approve {name}`"),
        PluginState::Failed => format!("`{name}` answers there, and has failed; `plugins` says why"),
        PluginState::Loading => format!("`{name}` answers there, and is being loaded"),
        PluginState::Running | PluginState::Draining => format!("`{name}` answers there; ask again"),
    }
}
