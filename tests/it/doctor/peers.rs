//! Peers that no healthy node would be: one of another version, one with another clock. Real QUIC, on the loopback.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::Result;
use hive_node::{
    transport::{Endpoint, Listen, Membership},
    trust::{identity::Identity, network::NetworkKey},
};
use hive_proto::{
    channel::{NetworkIndex, NetworkName},
    frame::control::{Control, Greeting, PROTOCOL_MINOR},
    id::Incarnation,
};
use quinn::crypto::rustls::QuicServerConfig;
use rustls::{
    crypto::ring,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
    server::AlwaysResolvesServerRawPublicKeys,
    sign::CertifiedKey,
};
use tokio::task::JoinHandle;

/// A peer that answers until it is dropped.
pub(crate) struct Peer {
    addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Peer {
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A QUIC server that speaks a protocol of this name and no other.
pub(crate) fn speaking(protocol: &str) -> Result<Peer> {
    let identity = Identity::ephemeral();
    // An ed25519 key as a raw public key (RFC 8410): what nodes show each other.
    let spki = [
        &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00][..],
        &identity.node_id().0,
    ];
    let der = identity.pkcs8_der();
    let key = ring::sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(der.as_slice()))?;
    let certified = Arc::new(CertifiedKey::new(vec![CertificateDer::from(spki.concat())], key));
    let mut tls = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(certified)));
    tls.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let config = quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?));
    let endpoint = quinn::Endpoint::server(config, (Ipv4Addr::LOCALHOST, 0).into())?;
    let addr = endpoint.local_addr()?;
    let task = tokio::spawn(async move {
        while let Some(incoming) = endpoint.accept().await {
            // It fails, which is what it is for.
            let _ = incoming.await;
        }
    });
    Ok(Peer { addr, task })
}

/// A member of the network `hive` whose wall clock is so far ahead.
pub(crate) fn with_clock(name: &str, ahead_ms: u64) -> Result<Peer> {
    let endpoint = Endpoint::bind(Listen::Loopback, &Identity::ephemeral())?;
    let addr = endpoint.local_addr();
    let key = NetworkKey::open(&NetworkName::parse("hive")?);
    let membership = Membership::new(NetworkIndex(0), key);
    let name = name.to_owned();
    let task = tokio::spawn(async move {
        while let Some(arrival) = endpoint.accept().await {
            let Ok(mut session) = arrival.admit(std::slice::from_ref(&membership)).await else { continue };
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
            let greeting = Control::Greeting(Greeting {
                minor: PROTOCOL_MINOR,
                features: 0,
                incarnation: Incarnation(1),
                dial: 0,
                unix_ms: u64::try_from(now.as_millis()).unwrap_or(0) + ahead_ms,
                name: name.clone(),
            });
            let _ = session.control_send.write_all(&greeting.encode()).await;
            session.connection.closed().await;
        }
    });
    Ok(Peer { addr, task })
}
