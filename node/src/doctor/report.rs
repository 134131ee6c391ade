//! What an examination found: one finding a probe, and the cause that explains most of them.
//!
//! What it owns: the words for verdicts and causes, which programs read in JSON, and which cause comes first. It must
//! not know how anything is found out or printed.

use hive_client::types::V1;
use serde::Serialize;

/// One probe's result: one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub probe: Probe,
    /// Which one, where there are several: an interface, an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// How it is.
    pub verdict: Verdict,
    /// What was seen, in words.
    pub seen: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// What keeps the hosts apart, if this does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
}

/// What a probe looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Probe {
    /// Whether a node runs here.
    Node,
    /// Its key and its data directory.
    Data,
    /// The host's network interfaces.
    Interface,
    /// The UDP port the node takes links on.
    Port,
    /// Whether multicast works, by which nodes find each other.
    Multicast,
    /// Whom the node is connected to.
    Neighbours,
    /// Who was turned away lately.
    Refused,
    /// What the other's name stands for.
    Address,
    /// Whether UDP gets to the other and back.
    Way,
    /// Whether the other speaks the same protocol.
    Version,
    /// Whether the other is in the same network.
    Network,
    /// Whether both are connected, and find each other by themselves.
    Link,
    /// How far the clocks are apart.
    Clock,
}

impl Probe {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Data => "data",
            Self::Interface => "interface",
            Self::Port => "port",
            Self::Multicast => "multicast",
            Self::Neighbours => "neighbours",
            Self::Refused => "refused",
            Self::Address => "address",
            Self::Way => "way",
            Self::Version => "version",
            Self::Network => "network",
            Self::Link => "link",
            Self::Clock => "clock",
        }
    }
}

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Nothing to judge by.
    Skipped,
    /// Not as one would expect; by itself it keeps nobody apart.
    Warn,
    /// This keeps hosts apart.
    Fail,
}

/// What keeps hosts apart; what comes first here explains what comes later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// No network interface is up and has an address.
    Interface,
    /// The node's key or data directory cannot be used.
    Data,
    /// This node's own port is taken, does not answer, or only takes links from this host.
    Listen,
    /// The other's name has no address.
    Name,
    /// The address is this host's own.
    Myself,
    /// This host has no way to the address.
    Route,
    /// No host answers at the address.
    Host,
    /// Nothing listens on that port there.
    Port,
    /// UDP is dropped on the way.
    Firewall,
    /// The other speaks another version, or is no node.
    Version,
    /// The other is in another network.
    Network,
    /// The other has another secret, or none.
    Secret,
    /// The other admits nobody now.
    Busy,
    /// No node runs here.
    NotRunning,
    /// Multicast does not get through, so the two do not find each other.
    Multicast,
    /// The clocks are too far apart.
    Clock,
}

impl Cause {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Interface => "interface",
            Self::Data => "data",
            Self::Listen => "listen",
            Self::Name => "name",
            Self::Myself => "myself",
            Self::Route => "route",
            Self::Host => "host",
            Self::Port => "port",
            Self::Firewall => "firewall",
            Self::Version => "version",
            Self::Network => "network",
            Self::Secret => "secret",
            Self::Busy => "busy",
            Self::NotRunning => "not-running",
            Self::Multicast => "multicast",
            Self::Clock => "clock",
        }
    }
}

impl Finding {
    fn new(probe: Probe, verdict: Verdict, seen: String) -> Self {
        Self { probe, about: None, verdict, seen, hint: None, cause: None }
    }

    /// All is as it should be.
    pub(super) fn ok(probe: Probe, seen: impl Into<String>) -> Self {
        Self::new(probe, Verdict::Ok, seen.into())
    }

    /// There was nothing to judge by.
    pub(super) fn skipped(probe: Probe, seen: impl Into<String>) -> Self {
        Self::new(probe, Verdict::Skipped, seen.into())
    }

    /// Something is odd.
    pub(super) fn warn(probe: Probe, seen: impl Into<String>) -> Self {
        Self::new(probe, Verdict::Warn, seen.into())
    }

    /// Hosts are kept apart.
    pub(super) fn fail(probe: Probe, cause: Cause, seen: impl Into<String>) -> Self {
        Self { cause: Some(cause), ..Self::new(probe, Verdict::Fail, seen.into()) }
    }

    /// With what to do about it.
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// With what it is about.
    pub(super) fn about(self, about: impl Into<String>) -> Self {
        Self { about: Some(about.into()), ..self }
    }
}

/// Everything that was found, in the order in which it was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// One entry a probe.
    pub findings: Vec<Finding>,
}

/// A report as a document.
#[derive(Debug, Serialize)]
struct Document<'a> {
    v: V1,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<MainCause<'a>>,
    findings: &'a [Finding],
}

#[derive(Debug, Serialize)]
struct MainCause<'a> {
    code: Cause,
    #[serde(skip_serializing_if = "Option::is_none")]
    about: Option<&'a str>,
    seen: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

impl Report {
    /// The finding that most likely explains why hosts do not see each other, and its cause; none when nothing does.
    #[must_use]
    pub fn cause(&self) -> Option<(Cause, &Finding)> {
        let failed = self.findings.iter().filter(|finding| finding.verdict == Verdict::Fail);
        failed.filter_map(|finding| Some((finding.cause?, finding))).min_by_key(|(cause, _)| *cause)
    }

    /// How many findings are odd.
    #[must_use]
    pub fn warnings(&self) -> usize {
        self.findings.iter().filter(|finding| finding.verdict == Verdict::Warn).count()
    }

    /// The report as a document with `"v":1`.
    #[must_use]
    pub fn document(&self) -> impl Serialize + '_ {
        let cause = self.cause().map(|(code, finding)| MainCause {
            code,
            about: finding.about.as_deref(),
            seen: &finding.seen,
            hint: finding.hint.as_deref(),
        });
        Document { v: V1, ok: cause.is_none(), cause, findings: &self.findings }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_is_what_explains_the_rest() {
        let mut report = Report::default();
        assert_eq!(report.cause(), None);
        report.findings.push(Finding::warn(Probe::Neighbours, "none"));
        assert_eq!((report.cause(), report.warnings()), (None, 1));
        report.findings.push(Finding::fail(Probe::Way, Cause::Route, "no way").about("10.0.0.2:7182"));
        report.findings.push(Finding::fail(Probe::Interface, Cause::Interface, "eth0 is down").hint("up"));
        let (cause, finding) = report.cause().expect("a cause");
        assert_eq!((cause, finding.seen.as_str()), (Cause::Interface, "eth0 is down"));
        let document = serde_json::to_value(report.document()).expect("a document");
        assert_eq!((&document["v"], &document["ok"]), (&1.into(), &false.into()));
        assert_eq!(document["cause"]["code"], "interface");
        assert_eq!(document["cause"]["hint"], "up");
        assert_eq!(document["findings"][1]["about"], "10.0.0.2:7182");
        assert_eq!(document["findings"][0].as_object().expect("an object").len(), 3, "{document}");
    }

    #[test]
    fn names_are_the_same_in_text_and_in_documents() {
        let causes = [
            Cause::Interface,
            Cause::Data,
            Cause::Listen,
            Cause::Name,
            Cause::Myself,
            Cause::Route,
            Cause::Host,
            Cause::Port,
            Cause::Firewall,
            Cause::Version,
            Cause::Network,
            Cause::Secret,
            Cause::Busy,
            Cause::NotRunning,
            Cause::Multicast,
            Cause::Clock,
        ];
        for cause in causes {
            assert_eq!(serde_json::to_value(cause).expect("a name"), cause.name());
        }
        for probe in [Probe::Node, Probe::Neighbours, Probe::Way, Probe::Version, Probe::Clock] {
            assert_eq!(serde_json::to_value(probe).expect("a name"), probe.name());
        }
    }
}
