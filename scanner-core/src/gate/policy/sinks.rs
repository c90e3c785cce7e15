//! `[audit]`: where runs are put down.

use crate::model::Secret;
use std::{fmt, path::PathBuf, time::Duration};

/// Where runs are put down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditSettings {
    /// File of JSON lines, as written; see [`Self::path_on`].
    pub path: Option<PathBuf>,
    /// Whether a line that cannot be written blocks the push.
    pub required: bool,
    /// A log service that gets each line too.
    pub syslog: Option<Syslog>,
    /// An address that gets each line too.
    pub webhook: Option<Webhook>,
    /// Longest time for `syslog` and `webhook` together.
    pub budget: Duration,
}

impl Default for AuditSettings {
    fn default() -> Self {
        Self {
            path: None,
            required: false,
            syslog: None,
            webhook: None,
            budget: Duration::from_millis(200),
        }
    }
}

impl AuditSettings {
    /// Returns the file on a host: `{host}` is replaced by its name, in which whatever is not a
    /// letter, digit, dot or dash shows as `_`.
    pub fn path_on(&self, host: &str) -> Option<PathBuf> {
        let path = self.path.as_ref()?.to_str()?;
        let plain = |c: char| {
            if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') {
                c
            } else {
                '_'
            }
        };
        let host: String = host.chars().map(plain).collect();
        Some(PathBuf::from(path.replace("{host}", &host)))
    }
}

/// Where a log service listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Syslog {
    /// A socket of this machine.
    Unix(PathBuf),
    /// `host:port`, one datagram a line.
    Udp(String),
    /// `host:port`, one connection a line.
    Tcp(String),
}

impl fmt::Display for Syslog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Udp(address) => write!(f, "udp://{address}"),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

/// Where each line is posted. Addresses and headers of webhooks hold credentials, so both print
/// redacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The address, `https` except to this machine.
    pub url: Secret,
    /// Scheme and host of the address, which may be shown.
    pub shown: String,
    /// A header to send along: its name and value.
    pub header: Option<(String, Secret)>,
    /// Certificates to trust besides the system's: a file in PEM form.
    pub ca: Option<PathBuf>,
}
