//! Whom bridges believe when they speak TLS, and connections of those whose libraries make none.
//!
//! What it owns: the certificates that are trusted, the system's or those of a file instead, and the one provider of
//! cryptography. It must not know what is said.

use std::{fmt, io, path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::either::Either;

/// A connection to a server, plain or not.
pub(super) type Stream = Either<TcpStream, TlsStream<TcpStream>>;

/// Connects to a server: with TLS where it is said whom to believe.
///
/// # Errors
/// When it cannot be reached, or shows no certificate for its host that is believed.
pub(super) async fn dial((host, port): (&str, u16), tls: Option<&Trusted>) -> io::Result<Stream> {
    let socket = TcpStream::connect((host, port)).await?;
    socket.set_nodelay(true)?;
    let Some(trusted) = tls else { return Ok(Either::Left(socket)) };
    let config = trusted.client().map_err(io::Error::other)?;
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    Ok(Either::Right(TlsConnector::from(config).connect(name, socket).await?))
}

/// Whose certificates are believed: those of a file, else those that the system trusts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trusted(pub Option<PathBuf>);

/// Why nobody can be believed.
#[derive(Debug)]
pub struct TrustError {
    /// None: the system's own certificates.
    path: Option<PathBuf>,
    why: String,
}

impl fmt::Display for TrustError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.path {
            Some(path) => write!(f, "the certificates in {} cannot be used: {}", path.display(), self.why),
            None => write!(f, "the system's certificates cannot be used: {}", self.why),
        }
    }
}

impl std::error::Error for TrustError {}

impl Trusted {
    /// As the client of somebody.
    ///
    /// # Errors
    /// When there are none.
    pub fn client(&self) -> Result<Arc<ClientConfig>, TrustError> {
        let failed = |why: String| TrustError { path: self.0.clone(), why };
        let roots = self.roots()?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(error.to_string()))?;
        Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
    }

    fn roots(&self) -> Result<RootCertStore, TrustError> {
        let failed = |why: String| TrustError { path: self.0.clone(), why };
        let mut roots = RootCertStore::empty();
        match &self.0 {
            Some(path) => {
                let certificates = CertificateDer::pem_file_iter(path);
                for certificate in certificates.map_err(|error| failed(error.to_string()))? {
                    let certificate = certificate.map_err(|error| failed(error.to_string()))?;
                    roots.add(certificate).map_err(|error| failed(error.to_string()))?;
                }
            }
            None => {
                // Single ones that cannot be read are left out: systems have strange ones.
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        if roots.is_empty() { Err(failed("there are none".to_owned())) } else { Ok(roots) }
    }
}
