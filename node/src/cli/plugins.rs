//! `plugins`: what a node runs, what people do with it, and what it says.

mod limits;
mod logs;
mod state;

use std::ffi::OsStr;

use clap::{
    Arg, Args, Command, ValueEnum,
    builder::{PossibleValue, StringValueParser, TypedValueParser},
};
use hive_client::types::{self, AbsentPlugin, Breaker, PauseStatus, PluginState, PluginStatus, Reload};

use super::{Ask, Voice, exit::Fault, output};
use crate::units::nearest;

/// Hex digits of a content's hash that are shown.
const HASH_DIGITS: usize = 8;

/// List a node's plugins, switch them, go back, approve, or print what they say and keep.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hive-node plugins
  hive-node plugins greet                  also what it may cost, and which limits it has reached
  hive-node plugins reload greet
  hive-node plugins rollback greet
  hive-node plugins logs greet --follow --level warn
  hive-node plugins state ledger --prefix balance/    what it keeps: a line a key
  hive-node plugins state ledger balance/ada          one value

A changed file is loaded by itself. A version that breaks while it is new is left for the one before
by itself; one that wants more than the one before waits until it is approved.

GENERATION counts the files that were loaded, VERSION is what a handler says of itself. HANDLED is
since the node started, calls among it; DEAD are the dead letters that are kept: `replay NAME` lists
them. What waits for a plugin that is paused is dead letters, too, once it is disabled.")]
pub(super) struct Plugins {
    /// What to do; the name of a plugin lists that one.
    #[arg(default_value = "list", value_parser = FirstWord)]
    action: Word,
    /// Only this plugin [default: all, with `list` and `reload`].
    name: Option<String>,
    #[command(flatten)]
    keys: state::Keys,
    #[command(flatten)]
    lines: logs::Lines,
    #[command(flatten)]
    ask: Ask,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Action {
    /// List them.
    List,
    /// Load a plugin's file again, changed or not, or start its process anew; without a name, all.
    Reload,
    /// Go back to the version before; the file is not loaded again until it changes.
    Rollback,
    /// Let a new version have what it wants beyond the one before, and go live.
    Approve,
    /// Let a plugin run again.
    Enable,
    /// Let a plugin finish what it has, and not run until it is enabled, whatever is restarted.
    Disable,
    /// Print what a plugin said last: its log, its stderr, calls that broke, and why events are gone.
    Logs,
    /// Print what a plugin keeps on its node: its keys, or the value of one.
    State,
}

/// What stands first.
#[derive(Debug, Clone)]
enum Word {
    Action(Action),
    /// What is no action.
    Other(String),
}

/// Takes what is no action for a name, and knows the actions for the help and for completions.
#[derive(Debug, Clone)]
struct FirstWord;

impl TypedValueParser for FirstWord {
    type Value = Word;

    fn parse_ref(&self, command: &Command, _: Option<&Arg>, value: &OsStr) -> Result<Word, clap::Error> {
        let word = StringValueParser::new().parse_ref(command, None, value)?;
        Ok(Action::from_str(&word, false).map_or_else(|_| Word::Other(word), Word::Action))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Action::value_variants().iter().filter_map(Action::to_possible_value)))
    }
}

impl Plugins {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let Self { action, name, keys, lines, ask } = self;
        let (action, name) = match (action, name) {
            (Word::Action(action), name) => (action, name),
            (Word::Other(name), None) => (Action::List, Some(name)),
            (Word::Other(word), Some(_)) => return Err(no_action(&word)),
        };
        let name = name.as_deref();
        if let (Some(key), false) = (&keys.key, matches!(action, Action::State)) {
            return Err(Fault::usage(format!("`plugins {}` takes no key, such as `{key}`", verb(action))));
        }
        let client = || ask.client();
        let done = match (action, name) {
            (Action::List, _) => return list(name, &ask).await,
            (Action::Logs, Some(name)) => return logs::run(name, &lines, &ask).await,
            (Action::State, Some(name)) => return state::run(name, &keys, &ask).await,
            (Action::Reload, _) => client()?.reload(name).await?,
            (Action::Rollback, Some(name)) => client()?.rollback(name).await?,
            (Action::Approve, Some(name)) => client()?.approve(name).await?,
            (Action::Enable, Some(name)) => client()?.enable(name).await?,
            (Action::Disable, Some(name)) => client()?.disable(name).await?,
            (_, None) => {
                let fault = Fault::usage(format!("`plugins {}` needs the name of a plugin", verb(action)));
                return Err(fault.hint("`plugins` lists them"));
            }
        };
        said(&done, action, &ask)
    }
}

fn no_action(word: &str) -> Fault {
    let all: Vec<_> = Action::value_variants().iter().copied().map(verb).collect();
    let fault = Fault::usage(format!("`{word}` is nothing that `plugins` does: {}", all.join(", ")));
    let near = nearest(word, all.iter().map(String::as_str));
    fault.maybe_hint(near.map(|near| format!("did you mean `plugins {near}`?")))
}

/// An action as it is typed.
fn verb(action: Action) -> String {
    action.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

async fn list(name: Option<&str>, ask: &Ask) -> Result<(), Fault> {
    let all = ask.client()?.plugins().await?;
    let mut plugins = all.clone();
    if let Some(name) = name {
        plugins.plugins.retain(|plugin| plugin.name == name);
        plugins.absent.retain(|plugin| plugin.name == name);
        if plugins.plugins.is_empty() {
            return Err(unknown(name, &all, ""));
        }
    }
    if ask.json {
        return output::json(&plugins);
    }
    let head = ["NAME", "STATE", "GENERATION", "VERSION", "HASH", "HANDLED", "DEAD", "QUEUED", "LISTENS TO"];
    let mut rows = vec![head.map(String::from).to_vec()];
    rows.extend(plugins.plugins.iter().map(row));
    output::bytes(output::table(&rows).as_bytes())?;
    if let (Some(_), [plugin]) = (name, plugins.plugins.as_slice()) {
        output::bytes(output::table(&limits::rows(plugin)).as_bytes())?;
    }
    for plugin in &plugins.plugins {
        if let Some(problem) = &plugin.problem {
            output::note(&Voice::default(), &format!("{}: {problem}", plugin.name));
        }
        if let Some(pause) = &plugin.pause {
            output::note(&Voice::default(), &format!("{}: {}", plugin.name, pause_text(pause)));
        }
        if !plugin.waits.is_empty() {
            let (name, wants) = (&plugin.name, plugin.waits.join(", to "));
            let program = output::program();
            let what = format!("{name}: its new version waits, as it wants to {wants}; ");
            output::note(&Voice::default(), &format!("{what}`{program} plugins approve {name}` lets it"));
        }
    }
    for plugin in &plugins.absent {
        output::note(&Voice::default(), &format!("{}: {}", plugin.name, absence(plugin)));
    }
    Ok(())
}

/// What there is to say of a name that no plugin has, with what else is true of it.
pub(super) fn unknown(name: &str, all: &types::Plugins, and: &str) -> Fault {
    let near = || nearest(name, all.plugins.iter().map(|plugin| plugin.name.as_str()));
    let hint = match all.absent.iter().find(|plugin| plugin.name == name) {
        Some(absent) => absence(absent),
        None => match near() {
            Some(near) => format!("did you mean `{near}`?"),
            None if all.plugins.is_empty() => "this node runs no plugins".to_owned(),
            None => "`plugins` lists those that are here".to_owned(),
        },
    };
    Fault::no(format!("no plugin is called `{name}`{and}")).hint(hint).elsewhere()
}

/// Why a plugin is paused, since when, and when it is tried next.
pub(super) fn pause_text(PauseStatus { why, since_ms, until_ms }: &PauseStatus) -> String {
    let next = match until_ms.map(output::left_ms) {
        None => "one event is being tried".to_owned(),
        Some(0) => "the next event is tried".to_owned(),
        Some(left) => format!("one event is tried in {}", output::span(left)),
    };
    let since = output::span(output::age_ms(*since_ms));
    format!("{} (for {since} now); {next}", output::first_line(why))
}

/// What there is to say of a plugin that is known by its section in the configuration alone.
pub(super) fn absence(AbsentPlugin { nearest, .. }: &AbsentPlugin) -> String {
    let meant = nearest.as_ref().map(|nearest| format!("; did you mean `{nearest}`?"));
    format!("it has a section in the configuration, and is not here{}", meant.unwrap_or_default())
}

fn row(plugin: &PluginStatus) -> Vec<String> {
    let wants = plugin.wants.iter().map(|want| match want.answers {
        true => format!("{} (answers)", want.pattern),
        false => want.pattern.clone(),
    });
    let wants: Vec<_> = wants.collect();
    vec![
        plugin.name.clone(),
        in_a_word(plugin).into(),
        plugin.generation.to_string(),
        output::one_line(&plugin.version).into_owned(),
        plugin.hash.chars().take(HASH_DIGITS).collect(),
        plugin.work.handled.to_string(),
        plugin.letters.to_string(),
        plugin.work.queued.to_string(),
        output::one_line(&wants.join(", ")).into_owned(),
    ]
}

/// Whether a plugin takes events, in a word.
pub(super) fn in_a_word(plugin: &PluginStatus) -> &'static str {
    match (plugin.state, plugin.breaker) {
        (PluginState::Running, Breaker::Open) => "paused",
        (PluginState::Running, Breaker::HalfOpen) => "trying",
        (other, _) => named(other),
    }
}

fn named(state: PluginState) -> &'static str {
    match state {
        PluginState::Loading => "loading",
        PluginState::Running => "running",
        PluginState::Draining => "draining",
        PluginState::Failed => "failed",
        PluginState::Disabled => "disabled",
        PluginState::Waiting => "waiting",
        PluginState::Unknown => "unknown",
    }
}

/// Prints what a verb did; says no when something was in its way.
fn said(done: &Reload, action: Action, ask: &Ask) -> Result<(), Fault> {
    if ask.json {
        output::json(done)?;
    } else {
        for plugin in done.plugins.iter().filter(|plugin| plugin.problem.is_none()) {
            let is = match (action, plugin.generation) {
                (Action::Disable, _) => "disabled".to_owned(),
                (_, generation) => format!("generation {generation}"),
            };
            output::line(&format!("{} {is}", plugin.name))?;
        }
    }
    refused(done)
}

fn refused(done: &Reload) -> Result<(), Fault> {
    let problem = |plugin: &types::Reloaded| Some(format!("{}: {}", plugin.name, plugin.problem.as_ref()?));
    let problems: Vec<_> = done.plugins.iter().filter_map(problem).collect();
    if problems.is_empty() { Ok(()) } else { Err(Fault::no(problems.join("\n"))) }
}
