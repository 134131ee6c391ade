//! The bridge as a server: connectors connect to it, and mDNS says where it is.

use std::time::Duration;

use tokio::sync::mpsc;

use super::{
    Form, Listen, found, give,
    hub::{Hub, Published},
    take,
};
use crate::bridge::{Desk, Exporter, Importer, Lost, Port, listening};

/// Publications that wait to be let in; who publishes more waits.
const WAITING_MAX: usize = 256;
/// How long another server is looked for before there is one here: as long as EventHive looks.
const LOOK_TIME: Duration = Duration::from_secs(5);
/// How often it is looked whether the other is still there.
const LOOK_EVERY: Duration = Duration::from_secs(15);

/// Serves until the desk stops.
pub(super) async fn carry(listen: &Listen, form: &Form, port: &mut Port) -> Result<(), Lost> {
    let Port { desk, exporter, importer } = port;
    if let Some(network) = &listen.unless
        && let Some(endpoint) = look(network).await?
    {
        return stand_by(network, &endpoint.to_string(), desk).await;
    }
    let listener = listening::listen(listen.addr).await?;
    let addr = listener.local_addr().map_err(|error| Lost::at("listening", &error))?;
    let announced = match &listen.announce {
        Some(network) => Some(
            found::announce(network, addr, &listen.path)
                .map_err(|error| Lost::at("announcing it", &error))?,
        ),
        None => None,
    };
    desk.up(format!("ws://{addr}{}", listen.path));
    let hub = Hub::new(desk.limits());
    let (published, coming) = mpsc::channel(WAITING_MAX);
    let ended = tokio::select! {
        error = hub.serve(&listener, &listen.path, &published) => Err(Lost::at("listening", &error)),
        () = outward(&hub, form, desk, exporter) => Ok(()),
        () = inward(coming, form, desk, importer) => Ok(()),
        () = listening::account(desk, || (hub.connected(), hub.lost())) => Ok(()),
    };
    if let Some((mdns, announced)) = announced {
        mdns.stop(Some(announced)).await;
    }
    ended
}

async fn outward(hub: &Hub, form: &Form, desk: &Desk, exporter: &mut Exporter) {
    while let Some(mut export) = exporter.next().await {
        let Some(text) = give(&mut export, form, desk, exporter).await else { continue };
        hub.notify(&export.name, &text);
        exporter.sent();
    }
}

async fn inward(mut coming: mpsc::Receiver<Published>, form: &Form, desk: &Desk, importer: &mut Importer) {
    // One that only serves its clients lets nothing in, and need not read it.
    let lets_in = !desk.rules().import.is_empty();
    while let Some(published) = coming.recv().await {
        if lets_in {
            take(&published, form, desk, importer).await;
        }
    }
}

async fn look(network: &str) -> Result<Option<super::Endpoint>, Lost> {
    found::find(network, LOOK_TIME).await.map_err(|error| Lost::at("looking for another server", &error))
}

/// Waits while another is the network's server.
async fn stand_by(network: &str, endpoint: &str, desk: &Desk) -> Result<(), Lost> {
    desk.up(format!("nothing: the network {network} has a server at {endpoint}"));
    loop {
        tokio::select! {
            () = desk.stop().cancelled() => return Ok(()),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        // One answer may be lost.
        if look(network).await?.is_none() && look(network).await?.is_none() {
            return Err(Lost::new(format!("the server of the network {network} is gone")));
        }
    }
}
