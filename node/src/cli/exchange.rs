//! `exchange`: EventHive's command line, with its flags, its output and its exit codes.
//!
//! What it owns: the template of the configuration, the time that it runs, and what is printed. The exchange itself is
//! done by a node of its own, with the bridges that the configuration stands for and nothing else.

use std::{path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use hive_client::locate;
use serde_json::value::RawValue;

use super::{Voice, check::report_problems, exit::Fault, output};
use crate::{
    Event, Message,
    bridge::{
        Kind,
        eventhive::{Fields, Layout, METADATA_HEADER, dumps},
    },
    config::{self, Flags, Request, Severity, Source},
    node::Node,
    status::BridgeState,
};

/// What EventHive's own tool takes for "nothing came".
const FALLBACK: &str = "{\"no\":\"output\"}";
/// The secret that a template has when none is given: EventHive's own.
const NO_SECRET: &str = "None";

/// Try an EventHive configuration: publish one event, print the last that came.
#[derive(Debug, Args)]
#[command(after_help = "\
The configuration is EventHive's YAML, or hive-node's own. `{network}`, `{receiver}` and `{secret}`
in it stand for what the flags say. It runs for --timeout seconds, publishes at half of them, and
prints the last event that came for RECEIVER/EVENT to stdout, with its metadata.

Examples:
  hive-node exchange --config eventhive.yaml --network my-hive --receiver cli
  hive-node exchange --config eventhive.yaml --json-data '{\"a\": 1}' --target-event my-hive/worker/do

Exit codes: 0 something came, 1 nothing did: --json-fallback is printed, 2 usage or configuration.")]
pub(super) struct Exchange {
    /// The network of events, the first part of their names.
    #[arg(long, default_value = "eventhive")]
    network: String,
    /// The receiver of events, the second part.
    #[arg(long, default_value = "cli")]
    receiver: String,
    /// The event, the third part.
    #[arg(long, default_value = "do")]
    event: String,
    /// Publish this JSON object to NETWORK/RECEIVER/EVENT.
    #[arg(long, value_name = "JSON", value_parser = object)]
    json_data: Option<String>,
    /// Publish it as this event instead.
    #[arg(long, value_name = "NAME")]
    target_event: Option<String>,
    /// What is printed when nothing came.
    #[arg(long, value_name = "JSON", default_value = FALLBACK)]
    json_fallback: String,
    /// The configuration.
    #[arg(long, value_name = "FILE", default_value = ".eventhive-config.yaml")]
    config: PathBuf,
    /// How many seconds it runs.
    #[arg(long, value_name = "SECONDS", default_value_t = 6, value_parser = clap::value_parser!(u64).range(0..=86_400))]
    timeout: u64,
    /// What `{secret}` in the configuration stands for.
    #[arg(long)]
    secret: Option<String>,
    /// Say everything on stderr.
    #[arg(short, long)]
    debug: bool,
}

/// What EventHive carries.
fn object(text: &str) -> Result<String, String> {
    match serde_json::from_str::<Fields>(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(error) if error.is_data() => {
            Err("EventHive carries JSON objects only, such as {\"hello\": 1}".to_owned())
        }
        Err(error) => Err(format!("it is no JSON: {error}")),
    }
}

impl Exchange {
    pub(super) async fn run(self, voice: &Voice) -> Result<(), Fault> {
        voice.start_log(if self.debug { "debug" } else { "warn" })?;
        let settings = self.settings(voice)?;
        let metadata_key = settings.bridges.iter().find_map(|bridge| match &bridge.kind {
            Kind::Eventhive(eventhive) => Some(eventhive.form.metadata_key.clone()),
            _ => None,
        });
        let node = Node::builder().offline().bridges(settings).start().await.map_err(Fault::failed)?;
        let outcome = self.exchange(&node, &metadata_key.unwrap_or_default(), voice).await;
        if matches!(outcome, Ok(None)) {
            problems(&node, voice);
        }
        node.shutdown().await;
        let received = outcome?;
        output::line(received.as_ref().unwrap_or(&self.json_fallback))?;
        match received {
            Some(received) if received != self.json_fallback => Ok(()),
            _ => Err(Fault::silent(1)),
        }
    }

    /// The bridges that the configuration stands for.
    fn settings(&self, voice: &Voice) -> Result<crate::bridge::Config, Fault> {
        let request = Request::of_process(None, Flags::default(), [].into(), locate::default_data_dir())
            .map_err(|error| {
                Fault::failed(anyhow::Error::new(error).context("the working folder is gone"))
            })?;
        let template = config::read_file(&self.config, &request.directory).map_err(report_problems)?;
        let secret = self.secret.as_deref().unwrap_or(NO_SECRET);
        if self.secret.is_none() && template.text().contains("{secret}") {
            output::note(voice, "[CLI] no --secret: `{secret}` stands for `None`, as it does in EventHive");
        }
        let fields = [("network", self.network.as_str()), ("receiver", &self.receiver), ("secret", secret)];
        let text = fill(template.text(), &fields);
        let source = Arc::new(Source::new(self.config.clone(), text));
        let loaded = config::check_text(Some(&source), &request).map_err(report_problems)?;
        for warning in loaded.warnings.iter().filter(|_| !voice.quiet) {
            anstream::eprintln!("{}", warning.render(Severity::Warning, false));
        }
        if loaded.settings.bridges.bridges.is_empty() {
            output::note(voice, "[CLI] the configuration has no connectors");
        }
        Ok(loaded.settings.bridges)
    }

    /// The last that came, as EventHive prints it.
    async fn exchange(
        &self,
        node: &Node,
        metadata_key: &str,
        voice: &Voice,
    ) -> Result<Option<String>, Fault> {
        let (name, half) =
            (format!("{}/{}", self.receiver, self.event), Duration::from_secs(self.timeout) / 2);
        let wrong = |error: &dyn std::fmt::Display| Fault::usage(error.to_string());
        let mut events = node.subscribe(&name).await.map_err(|error| wrong(&error))?;
        output::note(voice, &format!("[CLI] Waiting for: '{name}'"));
        let mut last = None;
        let mut listen = async |time: Duration| {
            let listening = async {
                while let Some(delivery) = events.next().await {
                    let text = printed(&delivery.event, metadata_key);
                    output::note(voice, &format!("[CLI] Received: '{text}'"));
                    last = Some(text);
                }
            };
            // It ends with its time.
            let _ = tokio::time::timeout(time, listening).await;
        };
        listen(half).await;
        if let Some(data) = &self.json_data {
            let usual = format!("{}/{name}", self.network);
            let target = self.target_event.as_ref().unwrap_or(&usual);
            output::note(voice, &format!("[CLI] Publishing to '{target}': '{data}'"));
            let message = Message::from(data.as_str()).with_content_type("application/json");
            node.publish(target, message).await.map_err(|error| wrong(&error))?;
        }
        listen(half).await;
        Ok(last)
    }
}

/// Why nothing may have come.
fn problems(node: &Node, voice: &Voice) {
    for (name, card) in &*node.boards().bridges.read() {
        match &card.problem {
            Some(problem) => output::note(voice, &format!("[CLI] {name}: {problem}")),
            None if card.state != BridgeState::Up => {
                output::note(voice, &format!("[CLI] {name}: not connected"));
            }
            None => {}
        }
    }
}

/// An event with its metadata, as Python's `json.dumps` writes it.
fn printed(event: &Event, metadata_key: &str) -> String {
    let whole = || {
        let mut fields: Fields = serde_json::from_slice(&event.message.payload).ok()?;
        let metadata = event.message.headers().iter().find(|(name, _)| name == METADATA_HEADER);
        if let Some((_, metadata)) = metadata {
            fields.insert(metadata_key.to_owned(), RawValue::from_string(metadata.clone()).ok()?);
        }
        dumps(&fields, Layout::Printed).ok()
    };
    whole().unwrap_or_else(|| String::from_utf8_lossy(&event.message.payload).into_owned())
}

/// A template with its fields filled in. As Python's `format` does it, `{{` is a brace; where a template has braces that
/// `format` would stumble over, which are YAML's own, only the fields are looked at.
fn fill(template: &str, fields: &[(&str, &str)]) -> String {
    strictly(template, fields).unwrap_or_else(|| {
        fields
            .iter()
            .fold(template.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    })
}

fn strictly(template: &str, fields: &[(&str, &str)]) -> Option<String> {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        out.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(brace) {
            out.push_str(brace);
            rest = after;
            continue;
        }
        let (name, after) = rest.split_once('}').filter(|_| brace == "{")?;
        out.push_str(fields.iter().find(|(field, _)| *field == name)?.1);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled_in_as_python_does_it() {
        let check = |template: &str, want: &str| {
            assert_eq!(fill(template, &[("network", "net"), ("receiver", "cli"), ("secret", "a{b}")]), want);
        };
        check("{network}:\n  input_channel: {receiver}", "net:\n  input_channel: cli");
        check("init: {{host: x}} # {network}", "init: {host: x} # net");
        check("secret: '{secret}'", "secret: 'a{b}'");
        // Python gives up here.
        check("{network}: { init: { host: x } }", "net: { init: { host: x } }");
        check("{network}: {init: {host: x}}", "net: {init: {host: x}}");
        check("} {network}", "} net");
        check("{unknown} {network}", "{unknown} net");
    }

    #[test]
    fn only_objects_are_published() {
        assert!(object("{\"a\": 1}").is_ok());
        assert!(object("[1]").is_err_and(|said| said.contains("objects only")));
        assert!(object("{").is_err_and(|said| said.contains("no JSON")));
    }
}
