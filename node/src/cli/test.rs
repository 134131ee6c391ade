//! `test`: a component against events, without a mesh.
//!
//! What it owns: which cases are run, what is said of each, and whether it is what was expected.

use std::{
    env,
    path::{Path, PathBuf},
};

use clap::Args;
use hive_client::{
    locate,
    types::{ApiError, V1},
};
use hive_proto::event::Message;
use serde::Serialize;
use serde_json::Value as Json;

use super::{
    Voice, build,
    build::Tools,
    check::report_problems,
    exit::{self, Fault},
    output,
    run::pair,
};
use crate::{
    config::{self, Ends, Expected, How, Trial, TrialFile},
    toolchain::{
        build::{self as building, Built, project::folders_with, shop::Said},
        case::{Answerer, Arrival, CaseError, Done, Given, PluginConfig, Subject},
    },
};

mod came;
mod judge;

use came::Came;

/// The cases of a folder.
const CASES: &str = "cases.yaml";

/// What handlers say is part of what is seen here, and why it takes long.
const LOG: &str = "warn,handler=trace,hive_node::plugin::loader=info";

/// Run a component against events, without a mesh.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  hive-node test                                  builds what is in this folder, runs its cases.yaml
  hive-node test samples                          all handlers in a folder and below that have cases
  hive-node test greeter.wasm --event e.json      one event, and what came of it
  hive-node test --event '{\"call\": \"greet/hello\", \"data\": \"Ada\"}' --expect '\"Hello, Ada!\"'
  hive-node test more-cases.yaml

An event says how it comes: `event: CHANNEL`, `call: CHANNEL`, or `tick: NAME` of a timer with a
schedule (one that the handler sets itself comes as `event: $timer/NAME`). It says what it brings:
`data` in JSON, `text` as it is, or bytes: as `base64`, or by the name of a `file` beside this one;
`content-type`, `key`, `headers`, `attempt`, `retained`.

A case says, too, what is to come of it: `answer` (of bytes `answer-base64` or `answer-file`),
`rejects` or `retries` with a part of the reason, `publishes` with a list of channels or of
{channel, data}, where `base64` or `file` may stand for `data`. A file of cases has beside `cases`
the plugin's `config` and `secrets`, its `component`, and `answers`: who answers what the handler
asks, by pattern.
Cases run one after the other: what the handler keeps, in its state or in memory, goes on from one
to the next, and begins empty.

Exit codes: 0 all as expected, 1 something was not, 2 usage.")]
pub(super) struct Test {
    /// A component, a folder that is built or has several of these below, or a file of cases.
    #[arg(value_name = "FILE", default_value = ".")]
    path: PathBuf,
    /// One event: a file with JSON or YAML, `-` for stdin, or the JSON itself.
    #[arg(long, value_name = "FILE|JSON")]
    event: Option<PathBuf>,
    /// The answer that is expected to it, as JSON.
    #[arg(long, value_name = "JSON", requires = "event", value_parser = json_value)]
    expect: Option<Json>,
    /// A value of the plugin's configuration; may be given several times.
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    config: Vec<(String, String)>,
    #[command(flatten)]
    tools: Tools,
    /// Print JSON, a line a case, and one for each handler that cannot be tried or has no cases.
    #[arg(long)]
    json: bool,
}

/// As wide as `FAILED` and what is between it and a case's name.
const DETAIL: &str = "        ";

fn json_value(text: &str) -> Result<Json, String> {
    serde_json::from_str(text).map_err(|error| format!("it is no JSON: {error}"))
}

/// `test --json`, of one case.
#[derive(Serialize)]
struct Line<'a> {
    v: V1,
    plugin: &'a str,
    case: &'a str,
    /// Whether it was as expected; nothing was expected: true.
    ok: bool,
    /// What was not as expected.
    problems: Vec<String>,
    /// None: it could not be given to the component.
    #[serde(flatten)]
    came: Option<Came>,
}

/// The same of a handler of which no case was run.
#[derive(Serialize)]
struct Untried<'a> {
    v: V1,
    plugin: &'a str,
    ok: bool,
    /// None: it could have been.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ApiError>,
    /// How many cases it has, where that is why.
    #[serde(skip_serializing_if = "Option::is_none")]
    cases: Option<usize>,
}

impl Test {
    pub(super) async fn run(self, voice: &Voice) -> Result<(), Fault> {
        voice.start_log(LOG)?;
        let several = self.several();
        if several.is_empty() {
            return self.tried(voice).await;
        }
        for (plugin, sources) in building::handlers(&self.path).await {
            if !several.iter().any(|folder| folder.starts_with(&sources)) {
                self.untried(&plugin, None)?;
                output::note(voice, &format!("{plugin}: no cases"));
            }
        }
        let mut all = Ok(());
        for path in several {
            output::note(voice, &format!("{}:", build::shown(&path)));
            // What is wrong with one is no reason to leave the others out.
            if let Err(fault) = (Self { path, ..self.clone() }).tried(voice).await {
                fault.report();
                all = Err(Fault::silent(exit::NO));
            }
        }
        all
    }

    /// The folders below the one that is meant that have cases, where it has none itself.
    fn several(&self) -> Vec<PathBuf> {
        let is_one = self.event.is_some() || !self.path.is_dir() || self.path.join(CASES).is_file();
        if is_one { Vec::new() } else { folders_with(&self.path, CASES) }
    }

    /// Runs the cases of one component, and says why none were run where that is so.
    async fn tried(&self, voice: &Voice) -> Result<(), Fault> {
        let outcome = self.one(voice).await;
        let fault = outcome.as_ref().err().filter(|_| self.json);
        if let Some(error) = fault.and_then(Fault::document) {
            self.untried(&self.plugin().await, Some(error))?;
        }
        outcome
    }

    fn untried(&self, plugin: &str, error: Option<ApiError>) -> Result<(), Fault> {
        let cases = error.is_none().then_some(0);
        let line = Untried { v: V1, plugin, ok: error.is_none(), error, cases };
        if self.json { output::json(&line) } else { Ok(()) }
    }

    /// What the plugin would be called that is meant.
    async fn plugin(&self) -> String {
        let is_cases = self.path.extension().is_some_and(|end| end == "yaml" || end == "yml");
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let place = if is_cases { folder.unwrap_or(Path::new(".")) } else { &self.path };
        let place = place.canonicalize().unwrap_or_else(|_| self.path.clone());
        match &building::handlers(&place).await[..] {
            [(name, _)] => name.clone(),
            _ => place.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        }
    }

    /// Runs the cases of one component.
    async fn one(&self, voice: &Voice) -> Result<(), Fault> {
        let here = env::current_dir().map_err(anyhow::Error::new)?;
        let (place, mut file) = self.read(&here)?;
        file.config.extend(self.config.iter().cloned());
        if let (Some(expect), [trial]) = (&self.expect, &mut file.trials[..]) {
            trial.ends = Some(Ends::Answer(Expected::Value(expect.clone())));
        }
        let (plugin, component) = self.component(&place, voice).await?;
        let (config, secrets) = (file.config.into_iter().collect(), file.secrets.into_iter().collect());
        let config = PluginConfig { config, secrets, ..PluginConfig::default() };
        let answer = |(pattern, answer): (String, Json)| Answerer { pattern, answer: message_of(&answer) };
        let answerers = file.answers.into_iter().map(answer).collect();
        // What the node that runs here by default has compiled, it need not compile again, and the other way round.
        let cache = locate::default_data_dir();
        let subject = Subject::load(&plugin, &component, &config, answerers, cache.as_deref());
        let mut subject = subject.await.map_err(fault)?;
        let alone = self.event.is_some();
        let mut wrong = 0_u64;
        for trial in &file.trials {
            let (done, problems) = match subject.handle(&given(trial)).await {
                Ok(done) => {
                    let problems = judge::problems(trial, &done);
                    (Some(done), problems)
                }
                // A mistake in one case is no reason to leave the others out.
                Err(error @ (CaseError::Name { .. } | CaseError::Nobody { .. })) if !alone => {
                    (None, vec![error.to_string()])
                }
                Err(error) => return Err(fault(error)),
            };
            wrong += u64::from(!problems.is_empty());
            self.say((&plugin, trial), done.as_ref(), problems, alone)?;
        }
        let all = u64::try_from(file.trials.len()).unwrap_or(u64::MAX);
        if !alone {
            output::note(voice, &format!("{} passed, {wrong} failed", all - wrong));
        }
        if wrong == 0 { Ok(()) } else { Err(Fault::silent(1)) }
    }

    /// The component or folder that is meant, and the cases.
    fn read(&self, here: &Path) -> Result<(PathBuf, TrialFile), Fault> {
        let is_cases = self.path.extension().is_some_and(|end| end == "yaml" || end == "yml");
        if let Some(event) = &self.event {
            if is_cases {
                return Err(Fault::usage(
                    "--event goes with a component or a folder, not with a file of cases",
                ));
            }
            let stdin = Path::new("/dev/stdin");
            let file = match event.to_str() {
                Some("-") => config::read_event(stdin, here),
                Some(text) if text.trim_start().starts_with('{') => config::event_of(text),
                _ => config::read_event(event, here),
            };
            return Ok((self.path.clone(), file.map_err(report_problems)?));
        }
        let cases = match () {
            () if is_cases => self.path.clone(),
            () if self.path.is_dir() => self.path.join(CASES),
            () => self.path.with_file_name(CASES),
        };
        if !self.path.exists() {
            let message = format!("{} is not there", self.path.display());
            return Err(
                Fault::usage(message).hint("name a component, a folder with a handler, or a file of cases")
            );
        }
        if !cases.is_file() {
            let message = format!("there are no cases: {} is not there", cases.display());
            return Err(Fault::usage(message).hint("give one event with --event, or write some cases"));
        }
        let file = config::read_trials(&cases, here).map_err(report_problems)?;
        let folder = cases.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let place = match (&file.component, is_cases) {
            (Some(component), true) => folder.join(component),
            (None, true) => folder.to_path_buf(),
            (_, false) => self.path.clone(),
        };
        Ok((place, file))
    }

    /// The component and what the plugin is called, built where its sources are meant.
    async fn component(&self, place: &Path, voice: &Voice) -> Result<(String, PathBuf), Fault> {
        if !place.is_dir() {
            let name = place.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            return Ok((name, place.to_path_buf()));
        }
        let say = |said: Said<'_>| build::saying(voice, said);
        let folders = [place.to_path_buf()];
        let built = building::build(&folders, self.tools.options(), &say, build::HEARD).await;
        let built = built.map_err(build::fault)?;
        let Built { artifacts, failures, .. } = built;
        build::all_of(&failures)?;
        match &artifacts[..] {
            [one] => Ok((one.name.clone(), one.file.clone())),
            several => {
                let names: Vec<&str> = several.iter().map(|artifact| artifact.name.as_str()).collect();
                let message =
                    format!("there are several handlers in {}: {}", place.display(), names.join(", "));
                Err(Fault::usage(message).hint("name the folder of one of them"))
            }
        }
    }

    fn say(
        &self,
        (plugin, trial): (&str, &Trial),
        done: Option<&Done>,
        problems: Vec<String>,
        alone: bool,
    ) -> Result<(), Fault> {
        if self.json {
            let came = done.map(Came::of);
            return output::json(&Line {
                v: V1,
                plugin,
                case: &trial.name,
                ok: problems.is_empty(),
                problems,
                came,
            });
        }
        let name = output::one_line(&trial.name);
        for problem in &problems {
            output::line(&format!("FAILED  {name}: {problem}"))?;
        }
        if let Some(done) = done.filter(|_| !alone && problems.is_empty()) {
            output::line(&format!("ok      {name} ({})", output::rough(done.took)))?;
        }
        if let Some(done) = done.filter(|_| alone || !problems.is_empty()) {
            let text = came::told(done);
            // What belongs to a line stands below it, set in.
            let text = if problems.is_empty() {
                text
            } else {
                format!("{DETAIL}{}", text.replace('\n', &format!("\n{DETAIL}")))
            };
            output::line(&text)?;
        }
        Ok(())
    }
}

fn fault(error: CaseError) -> Fault {
    let hint = error.hint();
    let fault = match &error {
        CaseError::Read { .. } | CaseError::Name { .. } | CaseError::Nobody { .. } => {
            Fault::configuration(error)
        }
        _ => Fault::failed(error),
    };
    fault.maybe_hint(hint)
}

fn given(trial: &Trial) -> Given {
    let mut message = Message::new(trial.payload.clone());
    if let Some(content_type) = &trial.content_type {
        message = message.with_content_type(content_type.as_str());
    }
    if let Some(key) = &trial.key {
        message = message.with_key(key.as_str());
    }
    for (name, value) in &trial.headers {
        message = message.with_header(name, value.as_str());
    }
    let arrival = match trial.how {
        How::Event => Arrival::Event,
        How::Call => Arrival::Call,
        How::Tick => Arrival::Tick,
    };
    let (channel, attempt, retained) = (trial.channel.clone(), trial.attempt, trial.retained);
    Given { arrival, channel, message, attempt, retained }
}

fn message_of(value: &Json) -> Message {
    Message::new(value.to_string()).with_content_type("application/json")
}
