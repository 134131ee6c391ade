//! `doctor`: why two hosts do not see each other, a line a probe and the cause in the last one.

use std::path::PathBuf;

use clap::Args;
use clap::builder::styling::{AnsiColor, Style};
use hive_client::{Error, locate::LocateError};

use super::{Ask, exit::Fault, output};
use crate::{
    config::{self, Flags, PeerAddress, Settings},
    doctor::{self, Cause, Finding, Report, Subject, Verdict},
};

/// Find out why two hosts do not see each other.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hive-node doctor                     this host, and nodes that are near and not connected
  hive-node doctor 10.0.0.2            the whole way to another host
  hive-node doctor kitchen.lan:7183    by its name, where its node has another port

A line is a verdict (ok, --, warn, FAIL), what was looked at, and what was seen; the last line is
the most likely cause. Run it on both hosts: each sees only its own side. The exit code is 0 when
nothing keeps the hosts apart, and 1 when something does. It takes some seconds and changes
nothing. A node that runs is asked to look with its own port, key and secret; without one, the
configuration of `run` counts.")]
pub(super) struct Doctor {
    /// The other host: an address or a name, with a port if it is not 7182; or a neighbour's name.
    #[arg(value_name = "ADDRESS", value_parser = address)]
    target: Option<PeerAddress>,
    /// Without a running node: the configuration file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Without a running node: where it would keep its key and state.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Without a running node: the home network.
    #[arg(long, value_name = "NAME")]
    network: Option<String>,
    /// Without a running node: a file with the home network's secret.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    #[command(flatten)]
    ask: Ask,
}

fn address(text: &str) -> Result<PeerAddress, config::PeerAddressError> {
    text.parse()
}

impl Doctor {
    pub(super) async fn run(self) -> Result<(), Fault> {
        let subject = self.subject().await?;
        let mut unsaid = None;
        let say = |finding: &Finding| {
            if !self.ask.json && unsaid.is_none() {
                unsaid = output::line(&text(finding)).err();
            }
        };
        let report =
            doctor::examine(&subject, self.target.as_ref(), say).await.map_err(Fault::configuration)?;
        if let Some(fault) = unsaid {
            return Err(fault);
        }
        match self.ask.json {
            true => output::json(&report.document())?,
            false => output::line(&verdict(&report))?,
        }
        if report.cause().is_some() { Err(Fault::silent(1)) } else { Ok(()) }
    }

    /// The node that runs here, or the one that would be started. Who names a node means that one.
    async fn subject(&self) -> Result<Subject, Fault> {
        let named = self.ask.node.as_deref().is_some_and(|node| !node.is_empty());
        let client = match self.ask.client() {
            Ok(client) => client,
            Err(fault) if named => return Err(fault),
            Err(_) => return self.planned(),
        };
        match client.status().await {
            Ok(status) => Ok(Subject::Running { client, status: Box::new(status) }),
            Err(Error::Unreachable { .. } | Error::Locate(LocateError::NoneHere(_))) if !named => {
                self.planned()
            }
            Err(error) => Err(error.into()),
        }
    }

    fn planned(&self) -> Result<Subject, Fault> {
        Ok(Subject::Planned(Box::new(self.settings()?)))
    }

    fn settings(&self) -> Result<Settings, Fault> {
        let flags = Flags {
            data_dir: self.data_dir.clone(),
            network: self.network.clone(),
            secret_file: self.secret_file.clone(),
            ..Flags::default()
        };
        super::run::load(self.config.clone(), flags, Vec::new()).map(|loaded| loaded.settings)
    }
}

/// A finding, and its hint below it.
fn text(finding: &Finding) -> String {
    let (word, color) = match finding.verdict {
        Verdict::Ok => ("ok", Some(AnsiColor::Green)),
        Verdict::Skipped => ("--", None),
        Verdict::Warn => ("warn", Some(AnsiColor::Yellow)),
        Verdict::Fail => ("FAIL", Some(AnsiColor::Red)),
    };
    let style = Style::new().bold().fg_color(color.map(Into::into));
    let about = finding.about.as_deref().map(|about| format!("{about}: ")).unwrap_or_default();
    let seen = format!("{about}{}", finding.seen);
    let line =
        format!("{style}{word:<4}{style:#}  {:<10}  {}", finding.probe.name(), output::one_line(&seen));
    match &finding.hint {
        Some(hint) => format!("{line}\n{:18}hint: {}", "", output::one_line(hint)),
        None => line,
    }
}

/// The last line.
fn verdict(report: &Report) -> String {
    let Some((cause, finding)) = report.cause() else {
        let warnings = u64::try_from(report.warnings()).unwrap_or(u64::MAX);
        return match warnings {
            0 => "all is well".into(),
            _ => format!(
                "nothing keeps hosts apart that can be seen from here; {}",
                output::count(warnings, "warning")
            ),
        };
    };
    let about = finding.about.as_deref().map(|about| format!("{about}: ")).unwrap_or_default();
    let seen = output::one_line(&finding.seen).into_owned();
    format!("cause: {}: {about}{seen}", Cause::name(cause))
}
