//! What `dev` says to try, once its handlers run.
//!
//! Exists so that whoever runs a handler for the first time sees it answer. It must not know how handlers are built.

use std::time::Duration;

use super::{
    super::{Voice, output},
    examples::Example,
};
use crate::{
    node::Node,
    status::{PluginCard, PluginState},
};

/// How long handlers get to be compiled and tried before the person is told what to try.
const LOAD_PATIENCE: Duration = Duration::from_secs(30);

/// Waits until the plugins are loaded, among them those of these names, and says what to try with them, beginning with the
/// path this program was started by.
pub(super) async fn suggest(node: &Node, names: &[String], examples: &[Example], voice: &Voice) {
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
    say_absent(node, voice);
    let node_argument = node.api().and_then(|api| api.node_argument());
    let cards = plugins.read();
    let lines = suggestions(cards.values().map(AsRef::as_ref), examples, node_argument.as_deref());
    output::note(
        voice,
        &format!(
            "\nTry, in another terminal:\n{}\n\nThe data are examples. Save a file to rebuild; Ctrl-C ends.",
            lines.join("\n")
        ),
    );
}

/// Says whose section of the configuration nobody has, now that the handlers are there.
pub(super) fn say_absent(node: &Node, voice: &Voice) {
    node.boards().absentees().iter().for_each(|line| output::note(voice, line));
}

/// Handlers of which a call is suggested.
const CALLED_MAX: usize = 4;

/// Something to send to the first handler that answers, or only listens, for which there is an example or which has a
/// literal channel.
fn first(card: &PluginCard, examples: &[Example], answers: bool) -> Option<(String, Option<String>)> {
    card.wants.iter().filter(|want| want.answers == answers).find_map(|want| {
        match Example::at(examples, &want.pattern, answers) {
            Some(example) => Some((example.channel.to_string(), Some(example.data.clone()))),
            None => (!want.pattern.contains('*')).then(|| (want.pattern.clone(), None)),
        }
    })
}

/// A call of each of some handlers that answer, a publish to what listens, and a look at everything. A node does not know
/// what data a handler takes where there is no example; one that takes none ignores it, and one that takes other says so.
fn suggestions<'a>(
    cards: impl Iterator<Item = &'a PluginCard>,
    examples: &[Example],
    node: Option<&str>,
) -> Vec<String> {
    let cards: Vec<_> = cards.filter(|card| card.state == PluginState::Running).collect();
    let program = output::program();
    let node = node.map(|node| format!(" --node {}", output::quoted(node))).unwrap_or_default();
    let line = |verb: &str, channel: &str, data: &str| {
        let data = if data.is_empty() { String::new() } else { format!(" {}", output::quoted(data)) };
        format!("  {program} {verb}{node} {}{data}", output::quoted(channel))
    };
    let send = |verb: &str, (channel, data): (String, Option<String>), usual: &str| {
        line(verb, &channel, data.as_deref().unwrap_or(usual))
    };
    let calls = cards.iter().filter_map(|card| first(card, examples, true)).take(CALLED_MAX);
    let calls = calls.map(|found| send("call", found, "\"Ada\""));
    let listens = cards.iter().find_map(|card| first(card, examples, false));
    let publish = listens.map(|found| send("publish", found, "1"));
    let mut lines: Vec<String> = calls.chain(publish).collect();
    lines.push(line("subscribe", "**", ""));
    lines
}

#[cfg(test)]
mod tests {
    use std::{path::PathBuf, sync::Arc};

    use super::*;
    use crate::status::WantCard;

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
        let lines = suggestions(cards.iter(), &[], Some("my node"));
        let want = [
            "call --node 'my node' counter/total '\"Ada\"'",
            "call --node 'my node' greet/hello '\"Ada\"'",
            "publish --node 'my node' counter/add 1",
            "subscribe --node 'my node' '**'",
        ];
        assert_eq!(lines, want.map(|line| format!("  {program} {line}")));
    }

    #[test]
    fn what_cases_say_of_a_channel_is_what_is_suggested() {
        let folder = tempfile::tempdir().expect("a folder");
        let cases = "cases:\n\
                     - { call: order/place, data: { item: tea } }\n\
                     - { call: order/open }\n\
                     - { event: sensor/attic/reading, text: it is cold }\n";
        std::fs::write(folder.path().join("cases.yaml"), cases).expect("written");
        let wants = [("sensor/*/reading", false), ("order/any", false), ("order/place", true)];
        let cards = [card(&wants, PluginState::Running), card(&[("order/open", true)], PluginState::Running)];
        let lines = suggestions(cards.iter(), &Example::all(folder.path()), None);
        let program = output::program();
        let want = [
            "call order/place '{\"item\":\"tea\"}'",
            "call order/open",
            "publish sensor/attic/reading 'it is cold'",
            "subscribe '**'",
        ];
        assert_eq!(lines, want.map(|line| format!("  {program} {line}")));
    }
}
