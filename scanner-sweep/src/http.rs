//! Web servers: one way to reach them, whoever asks.
//!
//! Certificates are checked against those of the web or those of a file, redirects are never
//! followed here, and what goes wrong is told without anything that was sent: addresses and headers
//! hold tokens.

use rustls::CertificateError;
use scanner_core::{config::Webhook, report::printable};
use std::{
    error::Error,
    fmt, io,
    path::{Path, PathBuf},
    time::Duration,
};
use ureq::{
    Agent,
    http::HeaderMap,
    tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem},
};

/// How we are called.
const USER_AGENT: &str = concat!("gitsieve/", env!("CARGO_PKG_VERSION"));

/// Why certificates cannot be taken from a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot take certificates from {file}: {reason}")]
pub struct BadCertificates {
    /// The file, as shown.
    pub file: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Why there is no answer. Holds nothing of what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct NoAnswer {
    /// Whether asking again may help.
    pub passing: bool,
    /// What went wrong.
    pub reason: String,
}

/// Makes what reaches web servers. `ca` is a PEM file with the certificates that theirs are checked
/// against, instead of those of the web.
pub(crate) fn agent(ca: Option<&Path>) -> Result<Agent, BadCertificates> {
    let mut tls = TlsConfig::builder();
    if let Some(file) = ca {
        tls = tls.root_certs(RootCerts::new_with_certs(&certificates(file)?));
    }
    let config = Agent::config_builder()
        .tls_config(tls.build())
        .http_status_as_error(false)
        .max_redirects(0)
        .user_agent(USER_AGENT)
        .build();
    Ok(config.into())
}

/// Reads the certificates of a PEM file.
pub(crate) fn certificates(file: &Path) -> Result<Vec<Certificate<'static>>, BadCertificates> {
    let bad = |reason: String| BadCertificates {
        file: printable(file.as_os_str().as_encoded_bytes()),
        reason,
    };
    let bytes = std::fs::read(file).map_err(|error| bad(error.to_string()))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&bytes) {
        match item {
            Ok(PemItem::Certificate(certificate)) => certificates.push(certificate),
            Ok(_) => {}
            Err(_) => return Err(bad("it is not PEM".to_owned())),
        }
    }
    if certificates.is_empty() {
        return Err(bad("it holds no certificate".to_owned()));
    }
    Ok(certificates)
}

/// What it means that no answer came.
pub(crate) fn no_answer(error: &ureq::Error) -> NoAnswer {
    use ureq::Error;

    // Other kinds of errors may quote what was sent.
    let (passing, reason) = match error {
        Error::Io(error) => match distrusted(error) {
            Some(told) => (false, told),
            None => (true, format!("io: {error}")),
        },
        Error::Rustls(error) => (false, distrusted(error).unwrap_or(format!("TLS: {error}"))),
        Error::Timeout(_) | Error::HostNotFound | Error::ConnectionFailed => {
            (true, error.to_string())
        }
        Error::Tls(_) => (false, error.to_string()),
        Error::Protocol(_) => (false, "it does not speak HTTP as it should".to_owned()),
        _ => (false, "the request cannot be made".to_owned()),
    };
    NoAnswer { passing, reason }
}

/// What to do where it is the server's certificate that is in the way.
pub(crate) fn distrusted(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(why)) = error.downcast_ref() {
            return Some(match why {
                CertificateError::UnknownIssuer => {
                    "no authority that is trusted here vouches for its certificate: name a PEM file \
                     with the authority's own (`ca` in a file, --ca-file as an option)"
                        .to_owned()
                }
                CertificateError::NotValidForName
                | CertificateError::NotValidForNameContext { .. } => {
                    "its certificate is for other names: reach it by a name that the certificate has"
                        .to_owned()
                }
                other => format!(
                    "its certificate is not accepted ({}): have it replaced, or set the clock right",
                    printable(other.to_string().as_bytes())
                ),
            });
        }
        next = match error.downcast_ref::<io::Error>() {
            // What such an error wraps is not among its sources.
            Some(error) => error.get_ref().map(|inner| inner as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}

/// A header's value, where it is text.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// How long a server wants us to wait. A date in place of seconds is not understood.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = text(headers, "retry-after")?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Posts documents to one address.
pub struct Poster {
    agent: Agent,
    to: Webhook,
}

/// How a server answered to a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posted {
    /// The status.
    pub status: u16,
    /// How long it wants us to wait, where it says so.
    pub retry_after: Option<Duration>,
}

impl fmt::Debug for Poster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poster")
            .field("to", &self.to.shown)
            .finish_non_exhaustive()
    }
}

impl Poster {
    /// Reads what is needed to post to an address: the certificates above all.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn new(to: Webhook) -> Result<Self, BadCertificates> {
        let ca: Option<&PathBuf> = to.ca.as_ref();
        Ok(Self {
            agent: agent(ca.map(PathBuf::as_path))?,
            to,
        })
    }

    /// Posts a JSON document; `timeout` is for all of it.
    ///
    /// # Errors
    /// [`NoAnswer`] where no answer came. One of any status is none.
    pub fn post(&self, json: &[u8], timeout: Duration) -> Result<Posted, NoAnswer> {
        let url = String::from_utf8_lossy(self.to.url.reveal());
        let mut request = self
            .agent
            .post(&*url)
            .header("Content-Type", "application/json")
            .config()
            .timeout_global(Some(timeout))
            .build();
        if let Some((name, value)) = &self.to.header {
            request = request.header(name, &*String::from_utf8_lossy(value.reveal()));
        }
        let response = request.send(json).map_err(|error| no_answer(&error))?;
        Ok(Posted {
            status: response.status().as_u16(),
            retry_after: retry_after(response.headers()),
        })
    }
}
