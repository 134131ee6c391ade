//! `bridge`: two networks joined for as long as it runs.
//!
//! What it owns: the flags, which say what an entry of `bridges: {hive: […]}` says, waiting for both ends, and what is told
//! of them. The joining is done by a node of its own that is in both networks and has that bridge alone, so that what
//! crosses carries where it has been, as with bridges that a configuration makes.

#[cfg(test)]
mod tests;
mod there;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use hive_proto::{
    channel::NetworkIndex,
    pattern::{Pattern, PatternError},
};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout_at};

use self::there::{End, addrs, changed, is_no, is_there, trouble};
use super::{
    Voice,
    check::report_problems,
    exit::Fault,
    output,
    run::{shutdown, signals, until_asked_to_leave},
};
use crate::{
    config::{self, Flags, Loaded, Request, Source},
    node::{Builder, Node},
    status::{BridgeCard, BridgeState, Obstacle, TroubleCard},
    units,
};

/// What the second network is called here where both have one name.
const OTHER: &str = "~to";
/// What the configuration is called that the flags stand for.
const FLAGS: &str = "flags";

/// Join two networks, for as long as it runs.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hive-node bridge farm@10.0.0.2 city@10.1.0.7              everything, both ways
  hive-node bridge farm city --export 'harvest/**' --import 'prices/*'
  hive-node bridge farm city --prefix city                  what is in city is city/… in farm
  hive-node bridge farm city --to-secret-file city.secret --timeout 1h --json

It is a node in both networks until SIGINT, SIGTERM or --timeout, and says then what crossed.
Without --export, --import and --calls everything crosses, but calls do not. Events carry where
they have been: of several bridges beside each other, or in a ring, each event comes once. For
good, say it in the configuration of a node that is in both: bridges: {hive: [{from: farm, …}]}.
Two networks of one name are told apart by their secrets.

Exit codes: 0 it ended as it should, 1 a network does not let it in, 2 usage, 3 nobody is there.")]
pub(super) struct Bridge {
    /// A network, and a node of it where mDNS finds none: NETWORK or NETWORK@HOST[:PORT].
    from: End,
    /// The other one.
    to: End,
    /// What goes from FROM to TO; may be given several times.
    #[arg(long, value_name = "PATTERN", value_parser = pattern)]
    export: Vec<Pattern>,
    /// What comes from TO to FROM; may be given several times.
    #[arg(long, value_name = "PATTERN", value_parser = pattern)]
    import: Vec<Pattern>,
    /// What is asked in FROM and answered in TO; may be given several times.
    #[arg(long, value_name = "PATTERN", value_parser = pattern)]
    calls: Vec<Pattern>,
    /// What names that come in begin with in FROM; what goes out from under it loses it.
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// Nothing comes in.
    #[arg(long, conflicts_with = "import")]
    proxy: bool,
    /// A file with the secret of FROM; without one it is open.
    #[arg(long, value_name = "FILE")]
    from_secret_file: Option<PathBuf>,
    /// A file with the secret of TO.
    #[arg(long, value_name = "FILE")]
    to_secret_file: Option<PathBuf>,
    /// Where to keep the bridge's key, for networks with a list of their nodes [default: nowhere].
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where to take links, over UDP [default: port 7182 of all addresses, or the next free one].
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Do not look for nodes on the LAN.
    #[arg(long)]
    no_mdns: bool,
    /// How long to look for a node of each network.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = units::duration)]
    wait: Duration,
    /// End after so much time.
    #[arg(long, value_name = "TIME", value_parser = units::duration)]
    timeout: Option<Duration>,
    /// Print what crossed as JSON.
    #[arg(long)]
    json: bool,
}

fn pattern(text: &str) -> Result<Pattern, PatternError> {
    Pattern::parse(text)
}

impl Bridge {
    pub(super) async fn run(self, voice: &Voice) -> Result<(), Fault> {
        voice.start_log("error")?;
        let node = self.start().await?;
        let mut signals = signals()?;
        let mut carried = Ok(());
        let carrying = async { carried = self.carry(&node, voice).await };
        until_asked_to_leave(&node, carrying, &mut signals, voice).await;
        let card = card(&node);
        shutdown(node, &mut signals, voice).await?;
        carried?;
        self.report(card.as_ref())
    }

    /// A node in both networks, with the bridge.
    async fn start(&self) -> Result<Node, Fault> {
        self.check()?;
        let settings = self.settings()?.settings;
        let named = Builder::of(&settings).map_err(Fault::configuration)?;
        let mut builder = match &self.data_dir {
            Some(_) => named,
            None => named.nowhere(),
        };
        for (network, end) in self.ends() {
            if let Some(at) = &end.at {
                builder = builder.peer_in(network, at.clone());
            }
        }
        builder.start().await.map_err(|error| {
            let hint = error.hint();
            let fault =
                if error.is_configuration() { Fault::configuration(error) } else { Fault::failed(error) };
            fault.maybe_hint(hint)
        })
    }

    /// What no configuration could say.
    fn check(&self) -> Result<(), Fault> {
        let is_open = self.from_secret_file.is_none() && self.to_secret_file.is_none();
        if self.share_a_name() && is_open {
            let from = &self.from.network;
            let fault =
                Fault::usage(format!("both ends are the network `{from}`: it would be joined with itself"));
            return Err(fault.hint(format!(
                "nodes of one network need no bridge: `{} run --peer HOST` links them; two networks of one name \
                 have different secrets: --from-secret-file, --to-secret-file",
                output::program()
            )));
        }
        match self.ends().into_iter().find(|(_, end)| self.no_mdns && end.at.is_none()) {
            Some((_, end)) => {
                let fault =
                    Fault::usage(format!("with --no-mdns nobody looks for a node of `{}`", end.network));
                Err(fault.hint(format!("name one: {}@HOST[:PORT]", end.network)))
            }
            None => Ok(()),
        }
    }

    /// Whether the two are told apart by their secrets alone.
    fn share_a_name(&self) -> bool {
        self.from.network == self.to.network
    }

    /// An end, for people.
    fn said(&self, end: &End) -> String {
        match &end.at {
            Some(at) if self.share_a_name() => format!("{}@{at}", end.network),
            _ => end.network.to_string(),
        }
    }

    fn ends(&self) -> [(NetworkIndex, &End); 2] {
        [(NetworkIndex(0), &self.from), (NetworkIndex(1), &self.to)]
    }

    /// The flags as a configuration. What the environment says is for nodes of another kind.
    fn settings(&self) -> Result<Loaded, Fault> {
        let gone = |error| Fault::failed(anyhow::Error::new(error).context("the working folder is gone"));
        let directory = std::env::current_dir().map_err(gone)?;
        let flags = Flags {
            name: Some("bridge".to_owned()),
            data_dir: self.data_dir.clone(),
            listen: self.listen.clone(),
            no_mdns: self.no_mdns,
            ..Flags::default()
        };
        // Without a folder that was given nothing is kept, wherever it would be.
        let default_data_dir = Some(directory.clone());
        let request = Request { flags, directory, default_data_dir, ..Request::default() };
        let source = Arc::new(Source::new(PathBuf::from(FLAGS), self.configuration()));
        config::check_text(Some(&source), &request).map_err(report_problems)
    }

    /// Where something is wrong with it, its lines are shown.
    fn configuration(&self) -> String {
        let [from, mut to] = [&self.from, &self.to].map(|end| json!(end.network.as_str()));
        let mut called = json!({});
        if self.share_a_name() {
            called = json!({ "called": std::mem::replace(&mut to, json!(OTHER)) });
        }
        let secret = |file: &Option<PathBuf>, mut keys: Value| {
            match file {
                Some(file) => keys["secret"] = json!({ "file": file.to_string_lossy() }),
                None => keys["open"] = json!(true),
            }
            keys
        };
        let mut bridge = vec![("from", from.clone()), ("to", to.clone())];
        bridge.extend(self.rules());
        let bridge: Vec<String> =
            bridge.iter().map(|(key, value)| format!("      {key}: {value}\n")).collect();
        format!(
            "version: 1\nnetworks:\n  {from}: {}\n  {to}: {}\nbridges:\n  hive:\n    -\n{}",
            secret(&self.from_secret_file, json!({})),
            secret(&self.to_secret_file, called),
            bridge.concat(),
        )
    }

    /// What crosses, in the configuration's words.
    fn rules(&self) -> Vec<(&'static str, Value)> {
        let list = |patterns: &[Pattern]| json!(patterns.iter().map(Pattern::as_str).collect::<Vec<_>>());
        let (mut export, mut import) = (list(&self.export), list(&self.import));
        if [&self.export, &self.import, &self.calls].iter().all(|list| list.is_empty()) {
            let all_out = self.prefix.as_deref().filter(|prefix| !prefix.is_empty());
            export = json!([all_out.map_or_else(|| "**".to_owned(), |prefix| format!("{prefix}/**"))]);
            import = if self.proxy { json!([]) } else { json!(["**"]) };
        }
        let mut rules = vec![("export", export), ("calls", list(&self.calls))];
        match self.proxy {
            true => rules.push(("proxy", json!(true))),
            false => rules.push(("import", import)),
        }
        rules.extend(self.prefix.as_ref().map(|prefix| ("prefix", json!(prefix))));
        rules
    }

    /// Waits for both ends, and then for the end of its time; says who comes and goes.
    async fn carry(&self, node: &Node, voice: &Voice) -> Result<(), Fault> {
        self.both_there(node).await?;
        let [from, to] = [&self.from, &self.to].map(|end| self.said(end));
        output::note(voice, &format!("{from} and {to} are joined"));
        let end = async {
            match self.timeout {
                Some(timeout) => sleep(timeout).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = end => Ok(()),
            failed = self.watch(node, voice) => Err(failed),
        }
    }

    /// Says who comes and goes, until the bridge fails.
    async fn watch(&self, node: &Node, voice: &Voice) -> Fault {
        let mut there = [true; 2];
        loop {
            let changed = changed(node);
            for ((network, end), was) in self.ends().into_iter().zip(&mut there) {
                let is = is_there(node, network);
                if std::mem::replace(was, is) != is {
                    let now = if is { "somebody is there again" } else { "nobody is there any more" };
                    output::note(voice, &format!("{}: {now}", self.said(end)));
                }
            }
            if let Some(BridgeCard { state: BridgeState::Failed, problem, .. }) = card(node) {
                return Fault::no(problem.unwrap_or_default());
            }
            changed.await;
        }
    }

    async fn both_there(&self, node: &Node) -> Result<(), Fault> {
        let deadline = Instant::now() + self.wait;
        let places = [addrs(&self.from).await, addrs(&self.to).await];
        let missing = || {
            let ends = self.ends().into_iter().zip(&places);
            ends.map(|((network, end), addrs)| (network, end, addrs)).find(|(of, ..)| !is_there(node, *of))
        };
        loop {
            let changed = changed(node);
            let Some((network, end, addrs)) = missing() else { return Ok(()) };
            let is_over = Instant::now() >= deadline;
            match trouble(node, network, addrs) {
                // Of those that mDNS finds another one may let it in.
                Some(trouble) if is_no(&trouble) && (end.at.is_some() || is_over) => {
                    return Err(self.refused(end, &trouble));
                }
                trouble if is_over => return Err(self.nobody(end, trouble)),
                _ => {}
            }
            // Over or not is seen above.
            let _ = timeout_at(deadline, changed).await;
        }
    }

    /// Somebody is there, and it does not help to try again.
    fn refused(&self, end: &End, trouble: &TroubleCard) -> Fault {
        let network = self.said(end);
        let fault =
            Fault::no(format!("the network `{network}` does not let this bridge in: {}", trouble.why));
        match trouble.obstacle {
            Obstacle::Network | Obstacle::Epoch => {
                let side = if *end == self.from { "from" } else { "to" };
                fault.hint(format!("its name and its secret must be right: --{side}-secret-file FILE"))
            }
            Obstacle::NotListed => fault.hint(format!(
                "keep the bridge's key with --data-dir DIR, and `allow` in that network what `{} id --data-dir DIR` prints",
                output::program()
            )),
            _ => fault,
        }
    }

    fn nobody(&self, end: &End, trouble: Option<TroubleCard>) -> Fault {
        let (network, wait) = (&end.network, units::duration_text(self.wait));
        let (said, hint) = match &end.at {
            Some(at) => (
                format!("no node of the network `{network}` answered at {at} within {wait}"),
                format!("`{} doctor {at}` says what is in the way", output::program()),
            ),
            None => (
                format!("no node of the network `{network}` was found on this LAN within {wait}"),
                format!("name one: {network}@HOST[:PORT]"),
            ),
        };
        let fault = match trouble {
            Some(trouble) => anyhow::Error::msg(trouble.why).context(said),
            None => anyhow::Error::msg(said),
        };
        Fault::no_node(fault).hint(hint)
    }

    fn report(&self, card: Option<&BridgeCard>) -> Result<(), Fault> {
        let traffic = card.map(|card| Arc::clone(&card.traffic)).unwrap_or_default();
        let dropped: BTreeMap<&str, u64> =
            traffic.drops().map(|(reason, count)| (reason.name(), count)).collect();
        let [from, to] = [&self.from, &self.to].map(|end| self.said(end));
        let (exported, imported) = (traffic.exported.value(), traffic.imported.value());
        let crossed = Crossed { v: 1, from, to, exported, imported, dropped };
        if self.json { output::json(&crossed) } else { output::line(&crossed.line()) }
    }
}

/// What crossed.
#[derive(Debug, Serialize)]
struct Crossed<'r> {
    /// The version of this document.
    v: u32,
    from: String,
    to: String,
    /// Events that went from `from` to `to`.
    exported: u64,
    /// And the other way.
    imported: u64,
    /// Those that did not cross, by reason.
    dropped: BTreeMap<&'r str, u64>,
}

impl Crossed<'_> {
    fn line(&self) -> String {
        let Self { from, to, exported, imported, dropped, .. } = self;
        let mut text = format!(
            "{} from {from} to {to}, {imported} from {to} to {from}",
            output::count(*exported, "event")
        );
        let reasons: Vec<String> =
            dropped.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        if !reasons.is_empty() {
            text.push_str(&format!(", dropped {}", reasons.join(", ")));
        }
        text
    }
}

/// What its one bridge says of itself.
fn card(node: &Node) -> Option<BridgeCard> {
    node.boards().bridges.read().values().next().cloned()
}
