//! TLS 1.3 between nodes: raw public keys (RFC 7250), both ends verified, no tickets and no 0-RTT.
//!
//! The certificate is the node's ed25519 key and nothing else, so there is no authority, no name and no date to get
//! wrong. Any key is accepted here; whether its owner may come in is admission's question.

use std::sync::Arc;

use hive_proto::id::NodeId;
use quinn::{
    ConnectionError, TransportErrorCode,
    crypto::rustls::{QuicClientConfig, QuicServerConfig},
};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme,
    client::{
        AlwaysResolvesClientRawPublicKeys, Resumption,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls13_signature_with_raw_key},
    pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime},
    server::{
        AlwaysResolvesServerRawPublicKeys, NoServerSessionStorage,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    sign::CertifiedKey,
    version::TLS13,
};

use crate::trust::identity::Identity;

/// The protocol's name in TLS; its number changes when old and new nodes cannot talk.
const ALPN: &[u8] = b"hive/1";
/// [`ALPN`] for people.
pub(super) fn protocol() -> &'static str {
    str::from_utf8(ALPN).unwrap_or_default()
}

/// Whether a handshake ended because the two ends have no protocol in common (RFC 7301 §3.2, RFC 9001 §4.8).
pub(super) fn is_other_protocol(error: &ConnectionError) -> bool {
    const NO_APPLICATION_PROTOCOL: u8 = 120;
    let code = match error {
        ConnectionError::TransportError(error) => error.code,
        ConnectionError::ConnectionClosed(close) => close.error_code,
        _ => return false,
    };
    code == TransportErrorCode::crypto(NO_APPLICATION_PROTOCOL)
}

/// TLS wants a name to connect to. It is not sent and not checked.
pub(super) const SERVER_NAME: &str = "hive";
/// The fixed beginning of an ed25519 SubjectPublicKeyInfo (RFC 8410): the key's 32 bytes follow.
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// How this node dials.
///
/// # Errors
/// When the TLS stack does not take the key.
pub(super) fn client(identity: &Identity) -> Result<QuicClientConfig, Error> {
    let verifier = Arc::new(RawKeys::new());
    let mut config = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(certified(identity)?)));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.enable_sni = false;
    config.resumption = Resumption::disabled();
    QuicClientConfig::try_from(config).map_err(|e| Error::General(e.to_string()))
}

/// How this node answers.
///
/// # Errors
/// When the TLS stack does not take the key.
pub(super) fn server(identity: &Identity) -> Result<QuicServerConfig, Error> {
    let mut config = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])?
        .with_client_cert_verifier(Arc::new(RawKeys::new()))
        .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(certified(identity)?)));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    QuicServerConfig::try_from(config).map_err(|e| Error::General(e.to_string()))
}

/// The key the other end has proved to hold; none before the handshake's end.
pub(super) fn proved_peer(connection: &quinn::Connection) -> Option<NodeId> {
    let certificates = connection.peer_identity()?.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    match certificates.as_slice() {
        [only] => node_id(only),
        _ => None,
    }
}

/// The node id in a raw public key, if it is an ed25519 one.
fn node_id(spki: &[u8]) -> Option<NodeId> {
    spki.strip_prefix(&SPKI_PREFIX)?.try_into().ok().map(NodeId)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn certified(identity: &Identity) -> Result<Arc<CertifiedKey>, Error> {
    let der = identity.pkcs8_der();
    let key = ring::sign::any_eddsa_type(&PrivatePkcs8KeyDer::from(der.as_slice()))?;
    let spki = [&SPKI_PREFIX[..], &identity.node_id().0].concat();
    Ok(Arc::new(CertifiedKey::new(vec![CertificateDer::from(spki)], key)))
}

/// Takes any ed25519 key whose owner signs the handshake with it.
#[derive(Debug)]
struct RawKeys {
    algorithms: WebPkiSupportedAlgorithms,
}

impl RawKeys {
    fn new() -> Self {
        Self { algorithms: ring::default_provider().signature_verification_algorithms }
    }

    fn check_key(end_entity: &CertificateDer<'_>, others: &[CertificateDer<'_>]) -> Result<(), Error> {
        match node_id(end_entity) {
            Some(_) if others.is_empty() => Ok(()),
            _ => Err(Error::InvalidCertificate(CertificateError::BadEncoding)),
        }
    }

    fn check_signature(
        &self,
        message: &[u8],
        key: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let spki = SubjectPublicKeyInfoDer::from(key.as_ref());
        verify_tls13_signature_with_raw_key(message, &spki, signature, &self.algorithms)
    }
}

/// TLS 1.2 is never negotiated; its signatures are refused all the same.
fn no_tls12() -> Error {
    Error::General("TLS 1.2 is not spoken here".into())
}

impl ServerCertVerifier for RawKeys {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Self::check_key(end_entity, intermediates).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

impl ClientCertVerifier for RawKeys {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Self::check_key(end_entity, intermediates).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(no_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.check_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_presented() {
        let identity = Identity::ephemeral();
        let certified = certified(&identity).expect("a key TLS takes");
        assert_eq!(node_id(&certified.cert[0]), Some(identity.node_id()));
        let signer = certified.key.public_key().expect("a public key");
        assert_eq!(signer.as_ref(), certified.cert[0].as_ref(), "what is presented is what signs");
    }

    proptest! {
        #[test]
        fn only_ed25519_keys_are_keys(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let taken = RawKeys::check_key(&CertificateDer::from(bytes.clone()), &[]).is_ok();
            prop_assert_eq!(taken, bytes.len() == 44 && bytes.starts_with(&SPKI_PREFIX));
        }
    }
}
