//! `plugins`: what a node runs, loading it again, and what it says.

mod limits;
mod logs;

use clap::{Args, ValueEnum};
use hive_client::types::{Breaker, PluginState, PluginStatus, Reload};

use super::{Ask, Voice, exit::Fault, output};

/// List a node's plugins, load them again, or print what they say.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hive-node plugins
  hive-node plugins list greet             also what it may cost, and which limits it has reached
  hive-node plugins reload greet
  hive-node plugins logs greet --follow --level warn

A changed file is loaded by itself; `reload` is for when that is not enough.")]
pub(super) struct Plugins {
    /// What to do.
    #[arg(default_value = "list")]
    action: Action,
    /// Only this plugin [default: all].
    name: Option<String>,
    #[command(flatten)]
    lines: logs::Lines,
    #[command(flatten)]
    ask: Ask,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Action {
    /// List them.
    List,
    /// Load a plugin's file again, changed or not; without a name, look at every folder again.
    Reload,
    /// Print what a plugin said last: its log, its stderr, and calls that broke.
    Logs,
}

impl Plugins {
    pub(super) async fn run(self) -> Result<(), Fault> {
        match self.action {
            Action::List => list(self.name.as_deref(), &self.ask).await,
            Action::Reload => reload(self.name.as_deref(), &self.ask).await,
            Action::Logs => match &self.name {
                Some(name) => logs::run(name, &self.lines, &self.ask).await,
                None => Err(Fault::usage("whose lines are to be shown?").hint("name the plugin")),
            },
        }
    }
}

async fn list(name: Option<&str>, ask: &Ask) -> Result<(), Fault> {
    let mut plugins = ask.client()?.plugins().await?;
    if let Some(name) = name {
        plugins.plugins.retain(|plugin| plugin.name == name);
        if plugins.plugins.is_empty() {
            return Err(Fault::no(format!("no plugin is called `{name}`")));
        }
    }
    if ask.json {
        return output::json(&plugins);
    }
    let head = ["NAME", "STATE", "GENERATION", "HANDLED", "DEAD", "QUEUED", "LISTENS TO"];
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
    }
    Ok(())
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
        plugin.work.handled.to_string(),
        plugin.work.dead.to_string(),
        plugin.work.queued.to_string(),
        output::one_line(&wants.join(", ")).into_owned(),
    ]
}

/// Whether a plugin takes events, in a word.
pub(super) fn in_a_word(plugin: &PluginStatus) -> &'static str {
    match (plugin.state, plugin.breaker) {
        (PluginState::Running, Breaker::Open) => "paused",
        (PluginState::Running, Breaker::HalfOpen) => "trying",
        (other, _) => state(other),
    }
}

fn state(state: PluginState) -> &'static str {
    match state {
        PluginState::Loading => "loading",
        PluginState::Running => "running",
        PluginState::Draining => "draining",
        PluginState::Failed => "failed",
        PluginState::Unknown => "unknown",
    }
}

async fn reload(name: Option<&str>, ask: &Ask) -> Result<(), Fault> {
    let done = ask.client()?.reload(name).await?;
    if ask.json {
        output::json(&done)?;
    } else {
        for plugin in done.plugins.iter().filter(|plugin| plugin.problem.is_none()) {
            output::line(&format!("{} generation {}", plugin.name, plugin.generation))?;
        }
    }
    refused(&done)
}

fn refused(done: &Reload) -> Result<(), Fault> {
    let problem = |plugin: &hive_client::types::Reloaded| {
        Some(format!("{}: {}", plugin.name, plugin.problem.as_ref()?))
    };
    let problems: Vec<_> = done.plugins.iter().filter_map(problem).collect();
    if problems.is_empty() { Ok(()) } else { Err(Fault::no(problems.join("\n"))) }
}
