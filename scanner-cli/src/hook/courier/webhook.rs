//! Posting a line to a web server. Nothing that fails is told with the address or the header,
//! which may hold a token.

use scanner_core::{gate::policy, model::Secret};
use serde::{Deserialize, Serialize};
use std::{fmt, path::PathBuf, time::Instant};

/// Where to post, as the child is told. Its address and header are secrets.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Address {
    url: String,
    header: Option<(String, String)>,
    /// Certificates that the server's is checked against, instead of those of the web.
    ca: Option<PathBuf>,
}

impl Address {
    pub(super) fn new(webhook: &policy::Webhook) -> Self {
        let text = |secret: &Secret| String::from_utf8_lossy(secret.reveal()).into_owned();
        let header = webhook.header.as_ref();
        Self {
            url: text(&webhook.url),
            header: header.map(|(name, value)| (name.clone(), text(value))),
            ca: webhook.ca.clone(),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address")
            .field("ca", &self.ca)
            .finish_non_exhaustive()
    }
}

/// A web server to post to.
#[cfg(feature = "webhook")]
#[derive(Debug)]
pub(super) struct Webhook {
    agent: ureq::Agent,
    address: Address,
}

#[cfg(feature = "webhook")]
impl Webhook {
    /// Reads what is needed to post: the certificates above all.
    pub(super) fn new(address: &Address) -> Result<Self, String> {
        use ureq::tls::{RootCerts, TlsConfig};

        let mut tls = TlsConfig::builder();
        if let Some(path) = &address.ca {
            let certificates = certificates(path)
                .map_err(|why| format!("webhook: cannot read {}: {why}", path.display()))?;
            tls = tls.root_certs(RootCerts::new_with_certs(&certificates));
        }
        let agent = ureq::Agent::config_builder()
            .tls_config(tls.build())
            // An audit line goes where it is meant to go, and nowhere else.
            .max_redirects(0)
            .user_agent(concat!("gitsieve/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            agent: agent.into(),
            address: address.clone(),
        })
    }

    /// Posts a line. Any answer but 2xx is a failure.
    pub(super) fn send(&self, line: &[u8], until: Instant) -> Result<(), String> {
        let left = until.saturating_duration_since(Instant::now());
        let mut request = self
            .agent
            .post(&self.address.url)
            .header("Content-Type", "application/json")
            .config()
            .timeout_global(Some(left))
            .build();
        if let Some((name, value)) = &self.address.header {
            request = request.header(name, value);
        }
        request.send(line).map(drop).map_err(|error| what(&error))
    }
}

#[cfg(feature = "webhook")]
fn certificates(path: &std::path::Path) -> Result<Vec<ureq::tls::Certificate<'static>>, String> {
    use ureq::tls::PemItem;

    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let mut certificates = Vec::new();
    for item in ureq::tls::parse_pem(&bytes) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(_) => return Err("it is not PEM".to_owned()),
        }
    }
    if certificates.is_empty() {
        return Err("it holds no certificate".to_owned());
    }
    Ok(certificates)
}

#[cfg(feature = "webhook")]
fn what(error: &ureq::Error) -> String {
    use ureq::Error;

    match error {
        Error::StatusCode(_)
        | Error::Io(_)
        | Error::Timeout(_)
        | Error::HostNotFound
        | Error::ConnectionFailed
        | Error::TooManyRedirects
        | Error::Rustls(_)
        | Error::Tls(_) => error.to_string(),
        // The others may quote what was sent.
        _ => "the request cannot be made".to_owned(),
    }
}

/// Stands for a web server where the program was built without the means to reach one.
#[cfg(not(feature = "webhook"))]
#[derive(Debug)]
pub(super) enum Webhook {}

#[cfg(not(feature = "webhook"))]
impl Webhook {
    /// Says so.
    pub(super) fn new(_address: &Address) -> Result<Self, String> {
        Err("webhook: this program was built without the feature `webhook`".to_owned())
    }

    pub(super) fn send(&self, _line: &[u8], _until: Instant) -> Result<(), String> {
        match *self {}
    }
}
