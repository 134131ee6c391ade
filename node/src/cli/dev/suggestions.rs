//! What `dev` says to try, once its handlers run.
//!
//! Exists so that whoever runs a handler for the first time sees it answer. It must not know how handlers are built.

use std::time::Duration;

use super::super::{Voice, output};
use crate::{
    node::Node,
    status::{PluginCard, PluginState, WantCard},
};

/// How long handlers get to be compiled and tried before the person is told what to try.
const LOAD_PATIENCE: Duration = Duration::from_secs(30);

/// Waits until the plugins are loaded, among them those of these names, and says what to try with them, beginning with the path this program was
/// started by.
pub(super) async fn suggest(node: &Node, names: &[String], voice: &Voice) {
    let plugins = &node.boards().plugins;
    let loaded = async {
        // Boards are read, not watched; compiling takes far longer than one look.
        while plugins.read().is_empty()
            || names.iter().any(|name| !plugins.read().contains_key(name.as_str()))
            || plugins.read().values().any(|card| card.state == PluginState::Loading)
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    if tokio::time::timeout(LOAD_PATIENCE, loaded).await.is_err() {
        output::note(voice, "the handlers are not loaded yet; `plugins` shows how they fare");
    }
    let node_argument = node.api().and_then(|api| api.node_argument());
    let lines = suggestions(plugins.read().values().map(AsRef::as_ref), node_argument.as_deref());
    output::note(
        voice,
        &format!(
            "\nTry, in another terminal:\n{}\n\nThe data are examples. Save a file to rebuild; Ctrl-C ends.",
            lines.join("\n")
        ),
    );
}

/// Handlers of which a call is suggested.
const CALLED_MAX: usize = 4;

/// The first literal channel where a handler answers, or only listens.
fn first(card: &PluginCard, answers: bool) -> Option<&WantCard> {
    card.wants.iter().find(|want| want.answers == answers && !want.pattern.contains('*'))
}

/// A call of each of some handlers that answer, a publish to what listens, and a look at everything. A node does not know
/// what data a handler takes; one that takes none ignores it, and one that takes other says so.
fn suggestions<'a>(cards: impl Iterator<Item = &'a PluginCard>, node: Option<&str>) -> Vec<String> {
    let cards: Vec<_> = cards.filter(|card| card.state == PluginState::Running).collect();
    let program = output::program();
    let node = node.map(|node| format!(" --node {}", output::quoted(node))).unwrap_or_default();
    let line = |verb: &str, channel: &str, data: &str| {
        format!("  {program} {verb}{node} {}{data}", output::quoted(channel))
    };
    let calls = cards.iter().filter_map(|card| first(card, true)).take(CALLED_MAX);
    let calls = calls.map(|want| line("call", &want.pattern, " '\"Ada\"'"));
    let listens = cards.iter().find_map(|card| first(card, false));
    let publish = listens.map(|want| line("publish", &want.pattern, " 1"));
    let mut lines: Vec<String> = calls.chain(publish).collect();
    lines.push(line("subscribe", "**", ""));
    lines
}

#[cfg(test)]
mod tests {
    use std::{path::PathBuf, sync::Arc};

    use super::*;

    fn card(wants: &[(&str, bool)], state: PluginState) -> PluginCard {
        PluginCard {
            file: PathBuf::new(),
            state,
            generation: 1,
            hash: String::new(),
            size_bytes: 0,
            version: String::new(),
            instances: String::new(),
            wants: wants
                .iter()
                .map(|(pattern, answers)| WantCard { pattern: (*pattern).into(), answers: *answers })
                .collect(),
            loaded: None,
            problem: None,
            waits: Vec::new(),
            limits: None,
            state_quota_bytes: 0,
            work: Arc::default(),
            lines: Arc::default(),
        }
    }

    #[test]
    fn what_to_try_begins_with_this_program_and_fits_the_handlers() {
        let cards = [
            card(
                &[("counter/add", false), ("counter/total", true), ("counter/least", true)],
                PluginState::Running,
            ),
            card(&[("broken/call", true)], PluginState::Failed),
            card(&[("greet/*", true), ("greet/hello", true)], PluginState::Running),
            card(&[("sensor/*/reading", false)], PluginState::Running),
        ];
        let program = output::program();
        let lines = suggestions(cards.iter(), Some("my node"));
        let want = [
            "call --node 'my node' counter/total '\"Ada\"'",
            "call --node 'my node' greet/hello '\"Ada\"'",
            "publish --node 'my node' counter/add 1",
            "subscribe --node 'my node' '**'",
        ];
        assert_eq!(lines, want.map(|line| format!("  {program} {line}")));
    }
}
