//! Control: what people may ask a running node to do.
//!
//! What it owns: the closed list of such requests, each with a place for its reply. The local API sends them; the
//! composition root executes them. Exists so that the API needs no handle on any part. It must not know how
//! anything is done.

mod replay;
mod state;

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use hive_proto::{
    channel::{Channel, NetworkIndex},
    core::Place,
    id::NodeId,
    io::Trail,
};
pub use replay::{Replay, Replayed, ReplayedAs};
pub use state::{NearKey, StateEntry, StateKeys, StateLook, StatePage};
use tokio::sync::{mpsc, oneshot};

use crate::status::Obstacle;

/// Requests waiting for the root. They come from people, so few are enough; when it is full the asker waits.
pub const CONTROL_QUEUE: usize = 16;

/// One thing to do.
#[derive(Debug)]
pub enum Control {
    /// Load a plugin's file again (none: look at every folder again), even if it did not change.
    Reload {
        /// The plugin's name.
        plugin: Option<String>,
        /// What came of it.
        reply: oneshot::Sender<Result<Vec<Reloaded>, ControlError>>,
    },
    /// Have a plugin handle dead letters again.
    Replay {
        /// Which.
        replay: Replay,
        /// What became of each, in their order.
        reply: oneshot::Sender<Result<Vec<Replayed>, ControlError>>,
    },
    /// Do one thing with one plugin.
    Plugin {
        /// What.
        verb: PluginVerb,
        /// The plugin's name.
        plugin: String,
        /// What came of it.
        reply: oneshot::Sender<Result<Vec<Reloaded>, ControlError>>,
    },
    /// Say what a plugin keeps.
    State {
        /// What of it.
        look: StateLook,
        /// What is seen.
        reply: oneshot::Sender<Result<StatePage, ControlError>>,
    },
    /// Say who can be reached, and by which ways.
    Graph {
        /// One entry a network, home first; none without a mesh.
        reply: oneshot::Sender<Vec<Vec<Place>>>,
    },
    /// Follow the ways that events of a channel would take to some nodes.
    Trace {
        /// Which.
        route: Route,
        /// The way to each, in their order; none without a mesh.
        reply: oneshot::Sender<Vec<Trail>>,
    },
    /// Connect to an address as if it were a peer's, look who is there, and leave again.
    Visit {
        /// Where.
        addr: SocketAddr,
        /// What came of it with each network that was tried; none without a mesh.
        reply: oneshot::Sender<Vec<Visit>>,
    },
    /// Read the configuration again, and have what it says hold.
    Configure {
        /// Only say what would be done.
        check: bool,
        /// What came of it.
        reply: oneshot::Sender<Result<Configured, ControlError>>,
    },
    /// Leave the mesh and end, as SIGTERM does. The reply says it has begun.
    Stop {
        /// Sent when leaving has begun.
        reply: oneshot::Sender<()>,
    },
}

/// What can be done with one plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PluginVerb {
    /// Go back to the version before.
    Rollback,
    /// Let a new version have what it waits for.
    Approve,
    /// Let it run again.
    Enable,
    /// Let it finish what it has, and not run until it is enabled.
    Disable,
}

/// Ways to find out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// In which network.
    pub network: NetworkIndex,
    /// For events of which channel; one that leaves its node.
    pub channel: Channel,
    /// To whom.
    pub destinations: Vec<NodeId>,
    /// How long to wait for what the nodes on the way say.
    pub patience: Duration,
}

/// What came of trying to be admitted somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The network that was proved.
    pub network: String,
    /// Whether this node is in it; otherwise it is an open one that the other might be in, tried to see which.
    pub ours: bool,
    /// Who let this node in, or what was in the way.
    pub outcome: Result<Met, Missed>,
}

/// Who let this node in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// Its key.
    pub node: NodeId,
    /// What it calls itself; empty when it did not say.
    pub name: String,
    /// The minor version of the protocol it speaks.
    pub minor: u64,
    /// How far its wall clock is ahead of this host's, in milliseconds; none when it did not say.
    pub clock_ms: Option<i64>,
    /// The round trip to it.
    pub rtt: Duration,
}

/// What was in the way of being let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missed {
    /// For a program.
    pub obstacle: Obstacle,
    /// In words.
    pub why: String,
}

/// What a reload, or another verb, did to one plugin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reloaded {
    /// The plugin's name.
    pub plugin: String,
    /// The generation that is live now; 0: none is.
    pub generation: u64,
    /// What was in the way, when something was; the generation is then the old one.
    pub problem: Option<String>,
}

/// What came of reading the configuration again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configured {
    /// The file; none: there is none, and the defaults hold.
    pub file: Option<PathBuf>,
    /// What is other now, or would be.
    pub applied: Vec<Change>,
    /// What is other in the file, and holds after a restart.
    pub restart: Vec<Change>,
    /// The plugins that were touched.
    pub plugins: Vec<Reloaded>,
    /// What is doubtful in it, for people.
    pub warnings: Vec<String>,
}

/// Something in the configuration that is other than it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its key, such as `plugins.each.greet`; of a bridge with its kind and name.
    pub key: String,
    /// What has become of it.
    pub turn: Turn,
}

/// What becomes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// It was not there.
    Added,
    /// It is not there any more.
    Removed,
    /// It says something else.
    Changed,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let turn = match self.turn {
            Turn::Added => "added",
            Turn::Removed => "removed",
            Turn::Changed => "changed",
        };
        write!(f, "{}: {turn}", self.key)
    }
}

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// No plugin has that name.
    #[error("no plugin is called `{0}`")]
    UnknownPlugin(String),
    /// What a process keeps is not here.
    #[error("`{0}` is a process: the node keeps nothing for it")]
    NoState(String),
    /// A plugin keeps nothing there.
    #[error("`{plugin}` keeps nothing under `{key}`")]
    UnknownKey {
        /// Which.
        plugin: String,
        /// Where.
        key: String,
        /// What may be meant.
        near: NearKey,
    },
    /// The node is leaving, or runs without the part that would have to do it.
    #[error("the node cannot do this now: {0}")]
    Unavailable(String),
    /// What the configuration says now cannot hold, so nothing was changed: everything that is wrong, for people.
    #[error("{0}")]
    Configuration(String),
}

/// Where the API puts requests.
#[derive(Debug, Clone)]
pub struct ControlSender(mpsc::Sender<Control>);

/// A bounded queue of requests: one end for the API, the other for the root.
#[must_use]
pub fn channel() -> (ControlSender, mpsc::Receiver<Control>) {
    let (sender, receiver) = mpsc::channel(CONTROL_QUEUE);
    (ControlSender(sender), receiver)
}

impl ControlSender {
    /// Asks for a reload and waits for what came of it.
    ///
    /// # Errors
    /// When no plugin has that name, or the node is leaving.
    pub async fn reload(&self, plugin: Option<String>) -> Result<Vec<Reloaded>, ControlError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Control::Reload { plugin, reply }).await?;
        answer.await.unwrap_or_else(|_| Err(leaving()))
    }

    /// Asks for one thing to be done with one plugin, and waits for what came of it.
    ///
    /// # Errors
    /// When no plugin has that name, or the node is leaving.
    pub async fn plugin(&self, verb: PluginVerb, plugin: String) -> Result<Vec<Reloaded>, ControlError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Control::Plugin { verb, plugin, reply }).await?;
        answer.await.unwrap_or_else(|_| Err(leaving()))
    }

    /// Asks who can be reached in each network, home first, and by which ways.
    ///
    /// # Errors
    /// When the node is leaving.
    pub async fn graph(&self) -> Result<Vec<Vec<Place>>, ControlError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Control::Graph { reply }).await?;
        answer.await.map_err(|_| leaving())
    }

    /// Asks by which ways events would go to some nodes. Takes as long as the route says, at most.
    ///
    /// # Errors
    /// When the node is leaving.
    pub async fn trace(&self, route: Route) -> Result<Vec<Trail>, ControlError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Control::Trace { route, reply }).await?;
        answer.await.map_err(|_| leaving())
    }

    /// Asks the node to look who is at an address.
    ///
    /// # Errors
    /// When the node is leaving.
    pub async fn visit(&self, addr: SocketAddr) -> Result<Vec<Visit>, ControlError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Control::Visit { addr, reply }).await?;
        answer.await.map_err(|_| leaving())
    }

    /// Asks the node to read its configuration again, and to have what it says hold; `check`: only to say what that would
    /// change.
    ///
    /// # Errors
    /// When the configuration cannot hold, the node has none to read again, or it is leaving.
    pub async fn configure(&self, check: bool) -> Result<Configured, ControlError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Control::Configure { check, reply }).await?;
        answer.await.unwrap_or_else(|_| Err(leaving()))
    }

    /// Asks the node to leave.
    ///
    /// # Errors
    /// When it is already leaving.
    pub async fn stop(&self) -> Result<(), ControlError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Control::Stop { reply }).await?;
        answer.await.map_err(|_| leaving())
    }

    async fn ask(&self, request: Control) -> Result<(), ControlError> {
        self.0.send(request).await.map_err(|_| leaving())
    }
}

fn leaving() -> ControlError {
    ControlError::Unavailable("it is leaving".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_gets_its_reply_or_says_that_the_node_leaves() {
        let (sender, mut requests) = channel();
        let root = tokio::spawn(async move {
            while let Some(request) = requests.recv().await {
                match request {
                    Control::Reload { plugin, reply } => {
                        let known = plugin.filter(|name| name == "greet");
                        let plugin = known.ok_or(ControlError::UnknownPlugin("other".into()));
                        let done =
                            plugin.map(|plugin| vec![Reloaded { plugin, generation: 2, problem: None }]);
                        let _ = reply.send(done);
                    }
                    Control::Replay { reply, .. } => drop(reply.send(Ok(Vec::new()))),
                    Control::Plugin { reply, .. } => drop(reply.send(Ok(Vec::new()))),
                    Control::State { reply, .. } => drop(reply.send(Ok(StatePage::default()))),
                    Control::Graph { reply } => drop(reply.send(Vec::new())),
                    Control::Trace { reply, .. } => drop(reply.send(Vec::new())),
                    Control::Visit { reply, .. } => drop(reply.send(Vec::new())),
                    Control::Configure { reply, .. } => drop(reply.send(Ok(Configured::default()))),
                    Control::Stop { reply } => drop(reply.send(())),
                }
            }
        });
        assert_eq!(sender.reload(Some("greet".into())).await.map(|done| done.len()), Ok(1));
        let unknown = sender.reload(Some("other".into())).await;
        assert_eq!(unknown, Err(ControlError::UnknownPlugin("other".into())));
        assert_eq!(sender.stop().await, Ok(()));
        root.abort();
        let _ = root.await;
        assert_eq!(sender.stop().await, Err(leaving()));
    }
}
