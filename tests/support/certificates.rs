//! A certificate authority of a test's own, and a server's certificate from it.

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

/// Files of certificates and keys in PEM.
#[derive(Debug, Clone)]
pub struct Certificates {
    /// The authority's certificate, that others are checked against.
    pub authority: PathBuf,
    /// The server's certificate.
    pub server: PathBuf,
    /// The server's key.
    pub key: PathBuf,
}

impl Certificates {
    /// Makes them in a directory, for a server of these names (`DNS:localhost,IP:127.0.0.1`). `None`
    /// where OpenSSL is not installed, which in CI is a failure.
    pub fn make(dir: &Path, names: &str) -> Option<Self> {
        Self::make_by(dir, names, || Command::new("openssl"))
    }

    /// The same, by another call of OpenSSL.
    pub fn make_by(dir: &Path, names: &str, call: impl Fn() -> Command) -> Option<Self> {
        let openssl = |args: &str| {
            let mut command = call();
            let command = command.args(args.split(' ')).current_dir(dir);
            command.output().is_ok_and(|output| output.status.success())
        };
        fs::write(dir.join("names"), format!("subjectAltName={names}")).unwrap();
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
        let made = openssl(&format!(
            "req -x509 {key} -keyout ca.key -out ca.pem -subj /CN=ca -days 2"
        )) && openssl(&format!(
            "req {key} -keyout server.key -out server.csr -subj /CN=server"
        )) && openssl(
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem \
             -days 2 -extfile names",
        );
        assert!(
            made || env::var_os("CI").is_none(),
            "OpenSSL is not installed"
        );
        made.then(|| Self {
            authority: dir.join("ca.pem"),
            server: dir.join("server.pem"),
            key: dir.join("server.key"),
        })
    }

    /// How a server speaks TLS that has them.
    pub fn tls(&self) -> Arc<ServerConfig> {
        let chain = CertificateDer::pem_file_iter(&self.server).unwrap();
        let chain: Vec<_> = chain.map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_file(&self.key).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        Arc::new(config)
    }
}
