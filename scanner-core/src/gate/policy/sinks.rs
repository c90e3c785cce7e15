//! `[audit]`: where runs are put down.

use crate::{
    config::{BadAddress, Entry, Reader, Table, Webhook},
    model::Secret,
};
use std::{fmt, path::PathBuf, time::Duration};

const AUDIT: &[&str] = &[
    "path",
    "required",
    "syslog",
    "webhook",
    "webhook-header",
    "webhook-ca",
    "budget",
];

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

impl Reader<'_> {
    pub(super) fn audit_table(&mut self, line: u32, table: &Table<'_>) -> AuditSettings {
        let mut audit = AuditSettings::default();
        let mut header = None;
        let mut ca = None;
        let entries = self.entries(table);
        for &entry in &entries {
            match entry.key {
                "path" => audit.path = self.absolute_path(entry),
                "required" => audit.required = self.boolean(entry).unwrap_or_default(),
                "syslog" => audit.syslog = self.syslog(entry),
                "webhook" => audit.webhook = self.webhook(entry),
                "webhook-header" => header = self.header(entry),
                "webhook-ca" => ca = self.path(entry),
                "budget" => audit.budget = self.duration(entry).unwrap_or(audit.budget),
                _ => self.unknown(entry, AUDIT, "[audit]"),
            }
        }
        let has = |key: &str| entries.iter().any(|entry| entry.key == key);
        if audit.required && !has("path") {
            self.problem(
                line,
                "[audit] key \"required\" needs \"path\": only a file's line can be required",
            );
        }
        for &entry in &entries {
            if matches!(entry.key, "webhook-header" | "webhook-ca") && !has("webhook") {
                self.wrong(entry, "needs \"webhook\", the address it is for");
            }
            if entry.key == "budget" && !has("webhook") && !has("syslog") {
                self.wrong(
                    entry,
                    "is the time of \"syslog\" and \"webhook\": give one, or remove it",
                );
            }
        }
        if let Some(webhook) = &mut audit.webhook {
            webhook.header = header;
            webhook.ca = ca;
        }
        audit
    }

    fn syslog(&mut self, entry: Entry<'_, '_>) -> Option<Syslog> {
        let text = self.text(entry)?;
        let syslog = if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            path.is_absolute().then_some(Syslog::Unix(path))
        } else if let Some(address) = text.strip_prefix("udp://") {
            has_port(address).then(|| Syslog::Udp(address.to_owned()))
        } else if let Some(address) = text.strip_prefix("tcp://") {
            has_port(address).then(|| Syslog::Tcp(address.to_owned()))
        } else {
            None
        };
        if syslog.is_none() {
            self.wrong(
                entry,
                "expected unix:/dev/log, udp://HOST:PORT or tcp://HOST:PORT",
            );
        }
        syslog
    }

    fn webhook(&mut self, entry: Entry<'_, '_>) -> Option<Webhook> {
        let parsed = Webhook::parse(self.text(entry)?);
        match parsed {
            Ok(webhook) => return Some(webhook),
            Err(BadAddress::Credentials) => self.wrong(
                entry,
                "must not hold a user's name or password: use \"webhook-header\"",
            ),
            Err(BadAddress::Plain) => self.wrong(
                entry,
                "must begin with https:// (http:// is for localhost alone): audit lines tell who \
                 pushed secrets where",
            ),
            Err(error) => self.wrong(entry, &error.to_string()),
        }
        None
    }

    fn header(&mut self, entry: Entry<'_, '_>) -> Option<(String, Secret)> {
        let header = Webhook::parse_header(self.text(entry)?);
        if header.is_none() {
            self.wrong(entry, "expected NAME: VALUE on one line");
        }
        header
    }
}

fn has_port(address: &str) -> bool {
    address.rsplit_once(':').is_some_and(|(host, port)| {
        let host_is_plain = host.chars().all(|c| c.is_ascii_graphic() && c != '/');
        !host.is_empty() && host_is_plain && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}
