//! Addresses that something is posted to.

use crate::model::Secret;
use std::path::PathBuf;

/// A web server to post to. Addresses and headers of webhooks hold credentials, so both print
/// redacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// The address, `https` except to this machine.
    pub url: Secret,
    /// Scheme and host of the address, which may be shown.
    pub shown: String,
    /// A header to send along: its name and value.
    pub header: Option<(String, Secret)>,
    /// Certificates to trust instead of those of the web: a file in PEM form.
    pub ca: Option<PathBuf>,
}

/// What is wrong with an address. Holds nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// It is none.
    #[error("expected an address, such as https://HOST/PATH")]
    Syntax,
    /// A name or password stands before its host.
    #[error("must not hold a user's name or password: use a header")]
    Credentials,
    /// Anyone on the way could read what is sent there.
    #[error("must begin with https:// (http:// is for localhost alone)")]
    Plain,
}

impl Webhook {
    /// Takes an address, without a header and without certificates.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(url: &str) -> Result<Self, BadAddress> {
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\');
        if host.is_empty() || !url.chars().all(plain) {
            return Err(BadAddress::Syntax);
        }
        if host.contains('@') {
            return Err(BadAddress::Credentials);
        }
        if scheme != "https" && !(scheme == "http" && is_this_machine(host)) {
            return Err(BadAddress::Plain);
        }
        Ok(Self {
            url: Secret::new(url.as_bytes()),
            shown: format!("{scheme}://{host}"),
            header: None,
            ca: None,
        })
    }

    /// Takes a header, `NAME: VALUE` on one line; `None` for what is none.
    pub fn parse_header(text: &str) -> Option<(String, Secret)> {
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let (name, value) = text.split_once(':')?;
        let value = value.trim();
        let printable = value.chars().all(|c| c.is_ascii_graphic() || c == ' ');
        let is_one = !name.is_empty() && name.chars().all(token) && !value.is_empty() && printable;
        is_one.then(|| (name.to_owned(), Secret::new(value.as_bytes())))
    }
}

/// Whether a host, with or without a port, is this machine.
pub fn is_this_machine(host: &str) -> bool {
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| {
        let port = host.strip_prefix(name);
        port.is_some_and(|port| port.is_empty() || port.starts_with(':'))
    })
}
