//! The command line: a file a verb, and what all verbs share.
//!
//! What it owns: flags, help, what is printed where, and exit codes (0 done, 1 asked and the answer is no, 2 usage or
//! configuration, 3 no node reachable). stdout is data; everything else is stderr. It must not know how a node does
//! anything: verbs that look at one ask it through hive-client.

use std::process::ExitCode;

use clap::{ArgAction, ArgMatches, Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::telemetry;

mod bench;
mod bridge;
mod build;
mod call;
mod check;
mod coming;
mod component;
mod config;
mod dev;
mod doctor;
mod exchange;
mod exec;
mod exit;
mod habits;
mod id;
mod keygen;
mod message;
mod network;
mod new;
mod output;
mod peers;
mod plugins;
mod publish;
mod replay;
mod run;
mod sim;
mod status;
mod subscribe;
mod test;
mod trace;
mod value;

use exit::Fault;

/// Columns of help at most, however wide the terminal is.
const WIDTH_MAX: usize = 100;

/// A peer-to-peer event mesh that carries events into sandboxed WebAssembly handlers.
#[derive(Debug, Parser)]
#[command(name = "hive-node", version, max_term_width = WIDTH_MAX, after_help = EXAMPLES, subcommand_required = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    voice: Voice,
}

const EXAMPLES: &str = "\
Examples:
  hive-node run --plugins ./plugins        a node that runs the handlers in ./plugins
  hive-node new greeter --lang python      a handler to begin with
  hive-node dev samples                    build handlers, run them, rebuild on save
  hive-node subscribe 'orders/**'          see what happens
  hive-node publish orders/new '{\"id\":7}'  let something happen
  hive-node call greet/hello '\"Ada\"'       ask a handler

Exit codes: 0 done, 1 asked and the answer is no, 2 usage or configuration, 3 no node reachable.";

/// How much is said on stderr.
#[derive(Debug, Clone, Default, Args)]
struct Voice {
    /// Say more on stderr; twice for everything.
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet", display_order = 900)]
    verbose: u8,
    /// Say nothing on stderr but errors.
    #[arg(short, long, global = true, display_order = 901)]
    quiet: bool,
}

impl Voice {
    /// Starts to log; `usual` is what is logged when nobody says.
    fn start_log(&self, usual: &str) -> Result<(), Fault> {
        self.start_log_of(None, usual, false)
    }

    /// The same for a verb with `--log`, which says more exactly than `-q` and `-v` what is meant. `unfolds`: people read it,
    /// wherever it goes.
    fn start_log_of(&self, flag: Option<&str>, usual: &str, unfolds: bool) -> Result<(), Fault> {
        let log = flag.map(str::to_owned).or_else(|| self.quiet.then(|| "error".to_owned()));
        let fallback = Some(usual.to_owned());
        let options = telemetry::Options { log, verbose: self.verbose, fallback, unfolds };
        telemetry::start(&options).map_err(|error| Fault::usage(error.to_string()))
    }
}

/// What a verb that asks a running node needs.
#[derive(Debug, Clone, Args)]
struct Ask {
    /// Which node to ask: its name, its data directory, the project that `dev` runs or its socket [default: the node that runs
    /// here, in a project its own].
    #[arg(long, env = "HIVE_NODE", value_name = "NODE", display_order = 800)]
    node: Option<String>,
    /// Print JSON: one document, or one line an event, with "v":1; a failure is one with "error".
    #[arg(long, display_order = 801)]
    json: bool,
}

impl Ask {
    fn client(&self) -> Result<hive_client::Client, Fault> {
        let named = self.node.clone().filter(|node| !node.is_empty());
        let of_project = || coming::of_project()?.to_str().map(str::to_owned);
        Ok(hive_client::Client::find(named.or_else(of_project).as_deref())?)
    }
}

#[derive(Debug, Subcommand)]
enum Verb {
    Run(run::Run),
    Dev(dev::Dev),
    New(new::New),
    Build(build::Build),
    Test(test::Test),
    Check(check::Check),
    Publish(publish::Publish),
    Subscribe(subscribe::Subscribe),
    Call(call::Call),
    Status(status::Status),
    Peers(peers::Peers),
    Plugins(plugins::Plugins),
    Replay(replay::Replay),
    Trace(trace::Trace),
    Doctor(doctor::Doctor),
    Id(id::Id),
    Keygen(keygen::Keygen),
    Network(network::Network),
    Config(config::Config),
    Bridge(bridge::Bridge),
    Exchange(exchange::Exchange),
    Bench(bench::Bench),
    Sim(sim::Sim),
}

/// Runs the program with the arguments of this process.
pub fn main() -> ExitCode {
    let matches = match Cli::command().try_get_matches() {
        Ok(matches) => matches,
        // Help and version are no errors: clap prints them to stdout and says 0.
        Err(mut error) => return exit::usage(&mut error),
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(mut error) => return exit::usage(&mut error),
    };
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            let verb = leaf(&matches);
            let fault = fault.asked_of(|| coming::others(verb));
            if !output::is_begun() && matches!(verb.try_get_one("json"), Ok(Some(true))) {
                fault.print();
            }
            fault.report()
        }
    }
}

/// What was said to the verb itself, and not to those above it.
fn leaf(matches: &ArgMatches) -> &ArgMatches {
    matches.subcommand().map_or(matches, |(_, below)| leaf(below))
}

fn run(cli: Cli) -> Result<(), Fault> {
    let voice = cli.voice;
    // The simulator fills its memory and is a fifth faster with huge pages; what runs for long would hold half as much
    // again for nothing. Where they cannot be switched off it does.
    if !matches!(cli.verb, Verb::Sim(_)) {
        let _ = rustix::thread::disable_transparent_huge_pages(true);
    }
    match cli.verb {
        Verb::Run(verb) => node(verb.run(&voice)),
        Verb::Dev(verb) => node(verb.run(&voice)),
        Verb::New(verb) => verb.run(&voice),
        Verb::Build(verb) => ask(&voice, verb.run(&voice)),
        Verb::Test(verb) => node(verb.run(&voice)),
        Verb::Check(verb) => ask(&voice, verb.run(&voice)),
        Verb::Publish(verb) => ask(&voice, verb.run(&voice)),
        Verb::Subscribe(verb) => ask(&voice, verb.run(&voice)),
        Verb::Call(verb) => ask(&voice, verb.run()),
        Verb::Status(verb) => ask(&voice, verb.run()),
        Verb::Peers(verb) => ask(&voice, verb.run()),
        Verb::Plugins(verb) => ask(&voice, verb.run()),
        Verb::Replay(verb) => ask(&voice, verb.run()),
        Verb::Trace(verb) => ask(&voice, verb.run()),
        Verb::Doctor(verb) => ask(&voice, verb.run()),
        Verb::Id(verb) => ask(&voice, verb.run()),
        Verb::Keygen(verb) => verb.run(),
        Verb::Network(verb) => verb.run(&voice),
        Verb::Config(verb) => ask(&voice, verb.run(&voice)),
        Verb::Bridge(verb) => node(verb.run(&voice)),
        Verb::Exchange(verb) => node(verb.run(&voice)),
        Verb::Bench(verb) => node(verb.run(&voice)),
        Verb::Sim(verb) => verb.run(&voice),
    }
}

/// Runs a verb that asks: one thread is enough, and only what is odd is logged.
fn ask(voice: &Voice, verb: impl Future<Output = Result<(), Fault>>) -> Result<(), Fault> {
    voice.start_log("warn")?;
    block_on(tokio::runtime::Builder::new_current_thread().enable_all(), verb)
}

/// Runs a verb that is a node, on all cores. It starts its own log, once it has read the configuration.
fn node(verb: impl Future<Output = Result<(), Fault>>) -> Result<(), Fault> {
    block_on(tokio::runtime::Builder::new_multi_thread().enable_all(), verb)
}

fn block_on(
    runtime: &mut tokio::runtime::Builder,
    verb: impl Future<Output = Result<(), Fault>>,
) -> Result<(), Fault> {
    let cannot = |error| Fault::failed(anyhow::Error::new(error).context("the program cannot start"));
    let runtime = runtime.build().map_err(cannot)?;
    let outcome = runtime.block_on(verb);
    // What blocks a thread (a terminal's stdin) does not hold up the end.
    runtime.shutdown_background();
    outcome
}

#[cfg(test)]
mod tests;
