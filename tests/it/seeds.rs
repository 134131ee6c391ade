//! Real peers of bridges to the systems that hive-node grew out of: what their tests share.
//!
//! They bind every address, so each test has a host of its own for them.

mod event_engine;
mod eventhive;
mod hein;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use hive_client::Message;
use hive_tests::{
    hosts::{Host, Segment},
    nodes::Node,
    programs::Program,
    python::venv,
    wait::{MOMENT, until},
    workspace,
};
use serde_json::Value;

use crate::{PROGRAM, node, write};

/// EventHive, and what it needs to run: what it brings by itself does not go together any more.
const EVENTHIVE: &[&str] = &["eventhive[redis]==0.5.0", "uvicorn==0.22.0"];
const HEIN: &[&str] = &["hein==0.2.3", "pytz"];
const PYEVENTS: &[&str] = &["pyzmq", "tapis-pyevents==0.1.0"];

/// Hosts for what binds every address, and files.
struct Stage {
    segment: Segment,
    folder: tempfile::TempDir,
}

impl Stage {
    fn new(hosts: u8) -> Result<Self> {
        Ok(Self { segment: Segment::new(hosts)?, folder: tempfile::tempdir()? })
    }

    fn host(&self) -> &Host {
        &self.segment.hosts()[0]
    }

    /// A node on the first host with this configuration.
    async fn node(&self, name: &str, config: &str) -> Result<Node> {
        self.node_on(self.host(), name, config).await
    }

    async fn node_on(&self, host: &Host, name: &str, config: &str) -> Result<Node> {
        let file = write(self.folder.path(), &format!("{name}.yaml"), config)?;
        node(name).on(host).arg("--config").arg(file).start().await
    }

    /// A program of `tests/interop` on the first host.
    fn peer(&self, name: &str, packages: &[&str], script: &str, args: &[&str]) -> Result<Program> {
        let script = workspace().join("tests").join("interop").join(script);
        let mut command = self.host().command(&venv(packages).program("python"));
        command.arg(script).args(args).current_dir(self.folder.path());
        Program::start(name, command)
    }

    /// Something of the system on the first host.
    fn server(&self, name: &str, args: &[&str]) -> Result<Program> {
        let mut command = self.host().command(&found(name)?);
        command.args(args).current_dir(self.folder.path());
        Program::start(name, command)
    }

    /// The program itself on the first host.
    fn verb(&self, args: &[&str]) -> std::process::Command {
        let mut command = self.host().command(PROGRAM.as_ref());
        command.args(args).current_dir(self.folder.path());
        hive_tests::nodes::clean(&mut command, self.folder.path());
        command
    }
}

fn found(name: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(name));
    places.find(|place| place.is_file()).with_context(|| format!("no {name} on the path: install it"))
}

/// Publishes until a peer has printed a text: nobody says when somebody else's subscription holds.
async fn publish_until(
    node: &Node,
    (channel, message): (&str, &Value),
    program: &mut Program,
    text: &str,
) -> Result<()> {
    let message = Message::json(message)?;
    let what = format!("`{text}` to arrive");
    let arrived = until(&what, MOMENT, async || {
        node.client().publish(channel, &message).await.ok()?;
        program.stdout().contains(text).then_some(())
    });
    arrived.await.with_context(|| format!("{}\n{}", program.printed(), node.printed()))
}

/// Waits until a bridge of a node has a text in its line of `status`.
async fn bridge_says(node: &Node, text: &str) -> Result<()> {
    let what = format!("a bridge to say `{text}`");
    let shown = until(&what, MOMENT, async || {
        let status = node.client().status().await.ok()?;
        serde_json::to_string(&status).ok()?.contains(text).then_some(())
    });
    shown.await.with_context(|| node.printed())
}
