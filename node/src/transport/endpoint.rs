//! The node's one UDP endpoint: it binds the port, dials, and hands out who arrives.
//!
//! A stranger costs little: few at a time, few from one source, and none of them holds up another. What the node does
//! with an admitted session is not known here.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use hive_proto::{
    frame::admission::{Refusal, RefusalReason},
    id::NodeId,
};
use quinn::{
    ClientConfig, ConnectError, ConnectionError, EndpointConfig, MtuDiscoveryConfig, ServerConfig,
    TokioRuntime, TransportConfig, TransportErrorCode,
};
use tokio::time::timeout;

use super::{
    AdmitError, AdmitFailure, CloseCode, DialError, Membership, Session,
    admission::{self, Admitted, ProveError},
    bind::{BindError, Listen, bind_socket, reachable_addrs},
    limits::{
        ADMISSION_TIME, CONNECTIONS_MAX, Gate, IDLE_TIMEOUT, INITIAL_RTT, KEEP_ALIVE, MTU_MAX,
        PENDING_TRUSTING, Pass, SEND_WINDOW, STRANGER_WINDOW, STREAM_WINDOW,
    },
    plain, tls,
};
use crate::trust::identity::Identity;

/// How long closing waits until the other ends have been told.
const GOODBYE_TIME: Duration = Duration::from_secs(1);

/// The node's socket, and both sides of its TLS. Clones share it.
#[derive(Debug, Clone)]
pub struct Endpoint {
    quinn: quinn::Endpoint,
    /// This node, so that it does not connect to itself.
    own: NodeId,
    local_addr: SocketAddr,
    /// Counts who is being admitted.
    gate: Arc<Gate>,
    /// Time for TLS and admission together.
    patience: Duration,
}

impl Endpoint {
    /// Binds the socket. Needs a tokio runtime, where the endpoint's driver lives until [`Self::close`].
    ///
    /// # Errors
    /// When the address is taken or not of this machine, or the system gives no socket.
    pub fn bind(listen: Listen, identity: &Identity) -> Result<Self, BindError> {
        let socket = bind_socket(listen)?;
        let failed = |source: io::Error| BindError::Socket { source };
        let local_addr = socket.local_addr().map_err(failed)?;
        let tls_failed = |e: rustls::Error| failed(io::Error::other(e));
        let transport = Arc::new(transport_config());
        let mut server = ServerConfig::with_crypto(Arc::new(tls::server(identity).map_err(tls_failed)?));
        server.transport_config(Arc::clone(&transport));
        // quinn's own queue is only for the moment until `accept` looks at it.
        server.max_incoming(256).incoming_buffer_size(64 << 10).incoming_buffer_size_total(2 << 20);
        let mut client = ClientConfig::new(Arc::new(tls::client(identity).map_err(tls_failed)?));
        client.transport_config(transport);
        let mut config = EndpointConfig::default();
        config.max_udp_payload_size(MTU_MAX).map_err(|e| failed(io::Error::other(e)))?;
        let runtime = Arc::new(TokioRuntime);
        let mut quinn = quinn::Endpoint::new(config, Some(server), socket, runtime).map_err(failed)?;
        quinn.set_default_client_config(client);
        Ok(Self {
            quinn,
            own: identity.node_id(),
            local_addr,
            gate: Arc::default(),
            patience: ADMISSION_TIME,
        })
    }

    /// The same with another limit for TLS and admission together; 5 s is the default.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Where it listens, with the port that was really bound.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Where other nodes can dial it: the address that was asked for, or those of this machine's interfaces, without
    /// loopback.
    #[must_use]
    pub fn reachable_addrs(&self) -> Vec<SocketAddr> {
        reachable_addrs(self.local_addr)
    }

    /// This node.
    #[must_use]
    pub fn node_id(&self) -> NodeId {
        self.own
    }

    /// Connects to an address and proves membership of one network there. `expect`: who has to be there, if known.
    ///
    /// # Errors
    /// When nobody answers in 5 s, somebody else does, or one side does not believe the other.
    pub async fn dial(
        &self,
        addr: SocketAddr,
        membership: &Membership,
        expect: Option<NodeId>,
    ) -> Result<Session, DialError> {
        let dialling = self.dial_patiently(addr, membership, expect);
        timeout(self.patience, dialling).await.unwrap_or_else(|_| {
            let why = format!("no answer in {:?}", self.patience);
            Err(DialError::Unreachable { addr, why })
        })
    }

    /// The next connection attempt worth looking at; none once closed. Who is too many is turned away here.
    pub async fn accept(&self) -> Option<Arrival> {
        loop {
            let incoming = self.quinn.accept().await?;
            if self.quinn.open_connections() >= CONNECTIONS_MAX {
                incoming.refuse();
                continue;
            }
            let wary = self.gate.pending() >= PENDING_TRUSTING;
            if wary && !incoming.remote_address_validated() && incoming.may_retry() {
                // It comes back, if its address is really its own.
                let _ = incoming.retry();
                continue;
            }
            match self.gate.enter(incoming.remote_address().ip()) {
                Some(pass) => {
                    return Some(Arrival { incoming, pass, own: self.own, patience: self.patience });
                }
                None => incoming.refuse(),
            }
        }
    }

    /// Closes every connection, says why to the other ends, and stops listening. Waits up to 1 s until they know.
    pub async fn close(&self, reason: &str) {
        self.quinn.close(CloseCode::Leaving.into(), reason.as_bytes());
        // Who has not heard it by then finds out by the silence.
        let _ = timeout(GOODBYE_TIME, self.quinn.wait_idle()).await;
    }

    async fn dial_patiently(
        &self,
        addr: SocketAddr,
        membership: &Membership,
        expect: Option<NodeId>,
    ) -> Result<Session, DialError> {
        if let Some(peer) = expect.filter(|expected| !membership.allow.has(*expected)) {
            return Err(DialError::NotListed { addr, peer });
        }
        let connecting = self.quinn.connect(addr, tls::SERVER_NAME).map_err(|e| match e {
            ConnectError::InvalidRemoteAddress(_) if addr.is_ipv6() => {
                DialError::Unreachable { addr, why: "this node listens on IPv4 only".into() }
            }
            other => DialError::Unreachable { addr, why: other.to_string() },
        })?;
        let connection = connecting.await.map_err(|e| connect_failed(addr, &e))?;
        let Some(peer) = tls::proved_peer(&connection) else {
            connection.close(CloseCode::Protocol.into(), b"no raw public key");
            return Err(DialError::NotHive { addr, why: "it shows no node key".into() });
        };
        if peer == self.own {
            connection.close(CloseCode::WrongNode.into(), b"this is the dialling node itself");
            return Err(DialError::Own { addr });
        }
        if let Some(expected) = expect.filter(|expected| *expected != peer) {
            connection.close(CloseCode::WrongNode.into(), b"another node was expected");
            return Err(DialError::WrongNode { addr, expected, found: peer });
        }
        if !membership.allow.has(peer) {
            connection
                .close(CloseCode::Refused.into(), b"this node is not on its list of the network's nodes");
            return Err(DialError::NotListed { addr, peer });
        }
        match admission::prove(&connection, membership, self.own, peer).await {
            Ok(admitted) => Ok(session(connection, (peer, true), admitted)),
            Err(e) => {
                connection.close(CloseCode::Protocol.into(), b"admission failed");
                Err(not_admitted(addr, membership, e))
            }
        }
    }
}

/// Somebody who wants in. Dropped, it is turned away.
#[derive(Debug)]
pub struct Arrival {
    incoming: quinn::Incoming,
    /// Its place among the pending, held until it is in or out.
    pass: Pass,
    own: NodeId,
    patience: Duration,
}

impl Arrival {
    /// Where it comes from.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        plain(self.incoming.remote_address())
    }

    /// Lets TLS prove who it is, and tries its proof against the networks.
    ///
    /// # Errors
    /// When TLS fails, the proof fits no network, or both are not there in 5 s.
    pub async fn admit(self, memberships: &[Membership]) -> Result<Session, AdmitError> {
        let Self { incoming, pass, own, patience } = self;
        let addr = plain(incoming.remote_address());
        // Who it is, as soon as TLS knows: said in the refusal even when time runs out.
        let mut peer = None;
        let admitting = admit_patiently(incoming, own, memberships, &mut peer);
        let admitted = timeout(patience, admitting).await.unwrap_or(Err(AdmitFailure::Silent(patience)));
        drop(pass);
        admitted.map_err(|why| AdmitError { addr, peer, why })
    }
}

async fn admit_patiently(
    incoming: quinn::Incoming,
    own: NodeId,
    memberships: &[Membership],
    peer: &mut Option<NodeId>,
) -> Result<Session, AdmitFailure> {
    let handshake = |e: ConnectionError| match e {
        e if tls::is_other_protocol(&e) => AdmitFailure::OtherProtocol,
        // It saw whom it has before this side saw the end of the handshake.
        e @ ConnectionError::ApplicationClosed(_) => admission::gone(e),
        e => AdmitFailure::Handshake(e.to_string()),
    };
    // Closes the connection whichever way this ends, also when the caller's patience does.
    let connection = incoming.accept().map_err(handshake)?.await.map_err(handshake)?;
    let mut guard = CloseUnlessKept { connection: &connection, kept: false };
    let Some(proved) = tls::proved_peer(&connection) else {
        return Err(AdmitFailure::Handshake("it shows no node key".into()));
    };
    *peer = Some(proved);
    if proved == own {
        return Err(AdmitFailure::Own);
    }
    let admitted = admission::check(&connection, memberships, own, proved).await?;
    guard.kept = true;
    drop(guard);
    Ok(session(connection, (proved, false), admitted))
}

fn session(connection: quinn::Connection, (peer, dialled): (NodeId, bool), admitted: Admitted) -> Session {
    let Admitted { network, control: (control_send, control_recv), standing } = admitted;
    let (addr, standing) = (plain(connection.remote_address()), Arc::new(standing));
    Session { peer, network, dialled, addr, connection, control_send, control_recv, standing }
}

/// Closes a connection that came to nothing, also when the future that was busy with it is dropped.
struct CloseUnlessKept<'a> {
    connection: &'a quinn::Connection,
    kept: bool,
}

impl Drop for CloseUnlessKept<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.connection.close(CloseCode::Timeout.into(), b"not admitted");
        }
    }
}

fn transport_config() -> TransportConfig {
    let mut mtu = MtuDiscoveryConfig::default();
    mtu.upper_bound(MTU_MAX);
    let mut config = TransportConfig::default();
    config
        .max_concurrent_bidi_streams(1_u32.into())
        // Raised on admission, as is the window: a stranger sends its proof and nothing else.
        .max_concurrent_uni_streams(0_u32.into())
        .receive_window(STRANGER_WINDOW.into())
        .stream_receive_window(STREAM_WINDOW.into())
        .send_window(SEND_WINDOW)
        .datagram_receive_buffer_size(None)
        .max_idle_timeout(IDLE_TIMEOUT.try_into().ok())
        .keep_alive_interval(Some(KEEP_ALIVE))
        .initial_rtt(INITIAL_RTT)
        .mtu_discovery_config(Some(mtu));
    config
}

fn connect_failed(addr: SocketAddr, error: &ConnectionError) -> DialError {
    match error {
        error if tls::is_other_protocol(error) => DialError::OtherProtocol { addr },
        ConnectionError::ConnectionClosed(close)
            if close.error_code == TransportErrorCode::CONNECTION_REFUSED =>
        {
            let why = "it admits as many connections as it can right now".into();
            DialError::Refused { addr, reason: RefusalReason::Busy, why }
        }
        ConnectionError::TransportError(_)
        | ConnectionError::ConnectionClosed(_)
        | ConnectionError::VersionMismatch => DialError::NotHive { addr, why: error.to_string() },
        ConnectionError::TimedOut => DialError::Unreachable { addr, why: "no answer".into() },
        other => DialError::Unreachable { addr, why: other.to_string() },
    }
}

fn not_admitted(addr: SocketAddr, membership: &Membership, error: ProveError) -> DialError {
    match error {
        ProveError::Refused(refusal) => {
            let why = refusal_in_words(&refusal, membership);
            DialError::Refused { addr, reason: refusal.reason, why }
        }
        ProveError::Unproved => DialError::Unproved { addr },
        ProveError::Malformed(why) => DialError::NotHive { addr, why },
        ProveError::Lost(e) => DialError::Unreachable { addr, why: e.to_string() },
    }
}

/// The reason in our words where we know it; the peer's own words are cut to what a log line bears.
fn refusal_in_words(refusal: &Refusal, membership: &Membership) -> String {
    match refusal.reason {
        RefusalReason::NoSuchNetwork if membership.key.is_open() => {
            "it is in no open network with this name".into()
        }
        RefusalReason::NoSuchNetwork => "it is in no network with this name and secret".into(),
        RefusalReason::Busy => "it admits as many connections as it can right now".into(),
        RefusalReason::Epoch => {
            format!("it has another epoch of this network's secret: {}", words(refusal))
        }
        RefusalReason::NotListed => "this node is not on its list of the network's nodes".into(),
        RefusalReason::Version | RefusalReason::Malformed | RefusalReason::Other(_) => words(refusal),
    }
}

fn words(refusal: &Refusal) -> String {
    match refusal.text.replace(char::is_control, " ") {
        text if text.trim().is_empty() => "it gave no reason".into(),
        text => text,
    }
}

#[cfg(test)]
mod tests;
