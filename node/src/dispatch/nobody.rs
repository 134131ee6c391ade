//! Why nobody answers on a channel, or not in time, or hears what is published there: what the plugins of this node have to do with it, for whoever asks in
//! vain.
//!
//! It must not know other nodes' plugins: they say their patterns, not what they are.

use std::{sync::Arc, time::Duration};

use hive_proto::channel::Address;

use crate::{
    bus::{Bus, CallError},
    status::{Boards, PluginCard, PluginState, WantCard},
    units::{duration_text, nearest},
};

/// What may help whoever asked there, `channel` as he wrote it, and got this in place of an answer.
#[must_use]
pub fn help(
    boards: &Boards,
    bus: &Bus,
    (channel, to): (&str, &Address),
    error: &CallError,
    timeout: Duration,
) -> Option<String> {
    match error {
        CallError::NoResponder => Some(hint(boards, bus, channel, to)),
        CallError::Timeout => Some(late(boards, bus, to, timeout)),
        _ => None,
    }
}

/// What may help whoever waited for so long.
fn late(boards: &Boards, bus: &Bus, to: &Address, timeout: Duration) -> String {
    let plugins = boards.plugins.read();
    let answering = |(name, card): (&Arc<str>, &Arc<PluginCard>)| {
        let answers = card.wants.iter().any(|want| want.answers && is_there(want, bus, to));
        answers.then(|| Some((Arc::clone(name), card.limits.as_ref()?.deadline)))?
    };
    // Of several any may be the one that was asked.
    match plugins.iter().filter_map(answering).min_by_key(|(_, deadline)| *deadline) {
        None => "a longer timeout waits for it, if its handler's `deadline` gives it longer".into(),
        Some((name, deadline)) => {
            let has = format!("`{name}` has {} for an event", duration_text(deadline));
            match deadline > timeout {
                true => format!("{has}; a longer timeout waits for it"),
                false => format!("{has}: `deadline` in its section of the configuration gives it longer"),
            }
        }
    }
}

fn is_there(want: &WantCard, bus: &Bus, to: &Address) -> bool {
    let scope = bus.names().scope(&want.pattern);
    scope.is_ok_and(|scope| scope.network == to.network && scope.pattern.matches(&to.channel))
}

/// What may help whoever asks there, `channel` as he wrote it.
#[must_use]
pub fn hint(boards: &Boards, bus: &Bus, channel: &str, to: &Address) -> String {
    let plugins = boards.plugins.read();
    let listening = |(name, card): (&Arc<str>, &Arc<PluginCard>)| {
        let answers =
            card.wants.iter().filter(|want| is_there(want, bus, to)).map(|want| want.answers).max()?;
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

/// What may help whoever published there, `channel` as he wrote it, and reached nobody: a plugin that would listen, or a name
/// that is near.
#[must_use]
pub fn unheard(boards: &Boards, bus: &Bus, channel: &str, to: &Address) -> Option<String> {
    let plugins = boards.plugins.read();
    let would = |card: &PluginCard| card.wants.iter().any(|want| is_there(want, bus, to));
    let listening = plugins.iter().filter(|(_, card)| would(card));
    let said = listening.filter_map(|(name, card)| match card.state {
        PluginState::Disabled => Some(format!("`{name}` listens there, and is off; `plugins enable {name}`")),
        PluginState::Waiting => {
            Some(format!("`{name}` listens there, and waits for `plugins approve {name}`"))
        }
        PluginState::Failed => Some(format!("`{name}` listens there, and has failed; `plugins` says why")),
        PluginState::Loading => Some(format!("`{name}` listens there, and is being loaded")),
        PluginState::Running | PluginState::Draining => None,
    });
    let near = || {
        let heard = plugins.values().flat_map(|card| &card.wants).map(|want| want.pattern.as_str());
        nearest(channel, heard.filter(|name| !name.contains('*')))
    };
    said.into_iter().next().or_else(|| near().map(|near| format!("did you mean `{near}`?")))
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

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use hive_proto::{
        channel::{Names, NetworkName},
        id::{Incarnation, NodeId},
    };

    use super::*;
    use crate::{
        status::{LimitsCard, NodeCard},
        units::ByteSize,
    };

    fn limits(deadline: Duration) -> LimitsCard {
        let none = ByteSize(0);
        LimitsCard {
            deadline,
            cpu: deadline,
            memory: none,
            stack: none,
            payload: none,
            call_bytes: none,
            host_calls: 0,
            publishes: 0,
            log_lines: 0,
            log_bytes: none,
            subscriptions: 0,
            timers: 0,
        }
    }

    /// A plugin that answers on a pattern; of a process it is not known how long it has.
    fn card(pattern: &str, deadline: Option<Duration>) -> PluginCard {
        PluginCard {
            file: PathBuf::new(),
            state: PluginState::Running,
            generation: 1,
            hash: String::new(),
            size_bytes: 0,
            version: String::new(),
            instances: String::new(),
            wants: vec![WantCard { pattern: pattern.into(), answers: true }],
            loaded: None,
            problem: None,
            waits: Vec::new(),
            limits: deadline.map(limits),
            state_quota_bytes: 0,
            work: Arc::default(),
            lines: Arc::default(),
        }
    }

    #[test]
    fn a_longer_timeout_is_named_where_it_helps() {
        let network = NetworkName::parse("hive").expect("a network");
        let bus = Bus::new(NodeId([7; 32]), Incarnation(1), Names::new(vec![network]));
        let boards = Boards::new(NodeCard::default());
        let seconds = Duration::from_secs;
        let plugins = [("slow", card("slow/*", Some(seconds(5)))), ("process", card("other/*", None))];
        boards.plugins.set(plugins.map(|(name, card)| (name.into(), Arc::new(card))).into());
        let check = |channel: &str, timeout: Duration, want: &str| {
            let to = bus.names().address(channel).expect("a channel");
            let hint = help(&boards, &bus, (channel, &to), &CallError::Timeout, timeout);
            assert_eq!(hint.as_deref(), Some(want), "{channel} {timeout:?}");
        };
        check("slow/one", seconds(1), "`slow` has 5s for an event; a longer timeout waits for it");
        let longer =
            "`slow` has 5s for an event: `deadline` in its section of the configuration gives it longer";
        check("slow/one", seconds(5), longer);
        let unknown = "a longer timeout waits for it, if its handler's `deadline` gives it longer";
        check("other/one", seconds(1), unknown);
        check("elsewhere/one", seconds(1), unknown);
        let unheard =
            |channel: &str| unheard(&boards, &bus, channel, &bus.names().address(channel).expect(channel));
        assert_eq!((unheard("slow/one"), unheard("elsewhere/one")), (None, None));
        let to = bus.names().address("slow/one").expect("a channel");
        let failed = CallError::Failed("no".into());
        assert_eq!(help(&boards, &bus, ("slow/one", &to), &failed, seconds(1)), None);
        let off = PluginCard { state: PluginState::Disabled, ..card("orders/new", None) };
        boards.plugins.set([("shop".into(), Arc::new(off))].into());
        let want = "`shop` listens there, and is off; `plugins enable shop`";
        assert_eq!(unheard("orders/new").as_deref(), Some(want));
        assert_eq!(unheard("orders/nwe").as_deref(), Some("did you mean `orders/new`?"));
    }
}
