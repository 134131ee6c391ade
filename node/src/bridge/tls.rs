//! Whom bridges believe when they speak TLS.
//!
//! What it owns: the certificates that are trusted, the system's or those of a file instead, and the one provider of
//! cryptography. It must not know who is called.

use std::{fmt, path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject as _},
};

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
