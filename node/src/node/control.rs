//! Executes what people ask of a running node through its API.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{apply, letters};
use crate::{
    bus::Bus,
    control::{Control, ControlError},
    mesh::{Asker, visit::Visitor},
    plugin::Plugins,
    shutdown::Part,
};

/// Takes requests until the root stops, or until nobody is left to send one.
pub(super) async fn run(
    mut requests: mpsc::Receiver<Control>,
    (plugins, bus, configure): (Plugins, Bus, Option<mpsc::Sender<apply::Ask>>),
    (asker, visitor): (Option<Asker>, Option<Visitor>),
    leave: CancellationToken,
    root: Part,
) {
    while let Some(Some(request)) = root.stop().run_until_cancelled(requests.recv()).await {
        match request {
            // Whoever asked may have gone; then nobody waits for the reply.
            Control::Stop { reply } => {
                leave.cancel();
                let _ = reply.send(());
            }
            // Without a mesh there is nobody to be reached.
            Control::Graph { reply } => match asker.clone() {
                Some(asker) => {
                    root.spawn("graph", async move { drop(reply.send(asker.places().await)) });
                }
                None => drop(reply.send(Vec::new())),
            },
            Control::Trace { route, reply } => match asker.clone() {
                Some(asker) => {
                    root.spawn("trace", async move { drop(reply.send(asker.ways(route).await)) });
                }
                None => drop(reply.send(Vec::new())),
            },
            Control::Visit { addr, reply } => match visitor.clone() {
                Some(visitor) => {
                    root.spawn("visit", async move { drop(reply.send(visitor.visit(addr).await)) });
                }
                None => drop(reply.send(Vec::new())),
            },
            Control::Replay { replay, reply } => {
                let (plugins, bus) = (plugins.clone(), bus.clone());
                let replaying = async move { letters::replay(&plugins, &bus, replay).await };
                root.spawn("replay", async move { drop(reply.send(replaying.await)) });
            }
            Control::Configure { check, reply } => match &configure {
                None => {
                    let why = "it was not started from a configuration that can be read again";
                    drop(reply.send(Err(ControlError::Unavailable(why.into()))));
                }
                Some(asks) => {
                    if let Err(error) = asks.try_send(apply::Ask { check, reply }) {
                        let apply::Ask { reply, .. } = error.into_inner();
                        let why = "it reads its configuration just now, and others wait for that";
                        drop(reply.send(Err(ControlError::Unavailable(why.into()))));
                    }
                }
            },
            // Compiling takes its time; asking the node to stop must not wait for it.
            Control::Reload { plugin, reply } => {
                let plugins = plugins.clone();
                root.spawn("reload", async move { drop(reply.send(plugins.reload(plugin).await)) });
            }
            Control::Plugin { verb, plugin, reply } => {
                let plugins = plugins.clone();
                root.spawn("plugin", async move { drop(reply.send(plugins.change(verb, plugin).await)) });
            }
            // Reading the store takes its time, too.
            Control::State { look, reply } => {
                let plugins = plugins.clone();
                root.spawn("state", async move { drop(reply.send(plugins.look(look).await)) });
            }
        }
    }
}
