//! The listener: takes connections, and has a task for each.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

use super::client;
use crate::{
    bridge::{Bridge, Desk, Lost, Port},
    trust::random_bytes,
};

/// Clients at a time. Further ones wait to be taken: pyspoke's clients do not survive being closed at once.
const CLIENTS_MAX: usize = 1_024;
/// How long a client that says nothing is believed to be there; then it is asked.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// A pause after a failure to accept, which is a lack of file descriptors that others may give back.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A place that spoke's clients connect to.
#[derive(Debug)]
pub(in crate::bridge) struct Listener {
    addr: SocketAddr,
}

impl Listener {
    pub(in crate::bridge) fn new(addr: SocketAddr) -> Self {
        Self { addr }
    }
}

impl Bridge for Listener {
    fn medium(&self) -> String {
        // Each listener has clients of its own.
        format!("spoke clients at {} {:016x}", self.addr, u64::from_be_bytes(random_bytes()))
    }

    fn is_exclusive(&self) -> bool {
        false
    }

    fn has_clients(&self) -> bool {
        true
    }

    async fn carry(&mut self, port: &mut Port) -> Result<(), Lost> {
        let desk = &port.desk;
        let listener = TcpListener::bind(self.addr)
            .await
            .map_err(|error| Lost::at(&format!("cannot listen on {}", self.addr), &error))?;
        let addr = listener.local_addr().map_err(|error| Lost::at("cannot listen", &error))?;
        desk.up(addr.to_string());
        let shared = Arc::new(client::Shared::default());
        let seats = Arc::new(Semaphore::new(CLIENTS_MAX));
        loop {
            let seat = tokio::select! {
                () = desk.stop().cancelled() => return Ok(()),
                seat = Arc::clone(&seats).acquire_owned() => seat.map_err(|error| Lost::at("no more seats", &error))?,
            };
            let stream = tokio::select! {
                () = desk.stop().cancelled() => return Ok(()),
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    Err(error) => {
                        tracing::warn!(bridge = desk.name(), "cannot accept a connection: {error}");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                },
            };
            let (desk, shared) = (desk.clone(), Arc::clone(&shared));
            port.desk.spawn("spoke client", async move {
                let _seat = seat;
                set_up(&desk, &stream);
                client::run(stream, desk, shared).await;
            });
        }
    }
}

/// Small frames go out at once, and a peer that is gone without a word is missed.
pub(super) fn set_up(desk: &Desk, stream: &TcpStream) {
    let keepalive = SockRef::from(stream).set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE));
    if let Err(error) = stream.set_nodelay(true).and(keepalive) {
        tracing::debug!(bridge = desk.name(), "a connection is slower than it could be: {error}");
    }
}
