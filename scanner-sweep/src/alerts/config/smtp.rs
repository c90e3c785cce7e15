//! `[smtp]`: the server that takes mail.

use super::{Place, place};
use lettre::message::Mailbox;
use scanner_core::config::{Entry, Reader, is_this_machine};
use std::path::PathBuf;

/// Keys of the table.
pub(super) const KEYS: &[&str] = &[
    "host",
    "port",
    "security",
    "from",
    "user",
    "password-file",
    "password-env",
    "ca",
];

/// How the connection to a mail server is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::alerts) enum Security {
    /// TLS is asked for after connecting; nothing is sent without it.
    StartTls,
    /// TLS from the first byte on.
    Tls,
    /// Not at all.
    None,
}

/// A mail server.
#[derive(Debug, Clone)]
pub(in crate::alerts) struct Smtp {
    pub(in crate::alerts) host: String,
    pub(in crate::alerts) port: u16,
    pub(in crate::alerts) security: Security,
    pub(in crate::alerts) from: Mailbox,
    pub(in crate::alerts) user: Option<(String, Place)>,
    pub(in crate::alerts) ca: Option<PathBuf>,
}

const SECURITIES: &[(&str, Security)] = &[
    ("starttls", Security::StartTls),
    ("tls", Security::Tls),
    ("none", Security::None),
];

/// Reads the table.
pub(super) fn smtp(reader: &mut Reader<'_>, entry: Entry<'_, '_>) -> Option<Smtp> {
    let line = entry.line;
    let table = reader.table(entry)?;
    let (mut host, mut port, mut from, mut user) = (None, None, None, None);
    let (mut security, mut ca) = (Some(Security::StartTls), None);
    let entries = reader.entries(table);
    let has = |key: &str| entries.iter().any(|entry| entry.key == key);
    for &entry in &entries {
        match entry.key {
            "host" => {
                let named = reader.text(entry)?;
                let plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
                if named.is_empty() || !named.chars().all(plain) {
                    reader.wrong(entry, "expected the name or address of a mail server");
                }
                host = Some(named.to_owned());
            }
            "port" => port = reader.integer(entry, 1..65_536),
            "security" => security = reader.choice(entry, SECURITIES),
            "from" => {
                let parsed = reader.text(entry)?.parse::<Mailbox>().ok();
                if parsed.is_none() {
                    reader.wrong(entry, "expected \"NAME <ADDRESS>\" or an address");
                }
                from = parsed;
            }
            "user" => user = reader.sentence(entry),
            "password-file" | "password-env" => {}
            "ca" => ca = reader.path(entry),
            _ => reader.unknown(entry, KEYS, "[smtp]"),
        }
    }
    let password = place(reader, &entries, "password-file", "password-env");
    for key in ["host", "from"] {
        if !has(key) {
            reader.problem(line, format!("[smtp] without {key:?}"));
        }
    }
    if has("user") != password.is_some() && !reader.has_problems() {
        reader.problem(
            line,
            "[smtp] needs \"user\" and one of \"password-file\" and \"password-env\", or none of them",
        );
    }
    if security == Some(Security::None)
        && password.is_some()
        && !host.as_deref().is_some_and(is_this_machine)
    {
        reader.problem(
            line,
            "[smtp] would send a password that anyone on the way can read: security = \"starttls\" \
             or \"tls\"",
        );
    }
    let security = security?;
    let usual = match security {
        Security::StartTls => 587,
        Security::Tls => 465,
        Security::None => 25,
    };
    Some(Smtp {
        host: host?,
        port: port.map_or(usual, |port| port as u16),
        security,
        from: from?,
        user: user.zip(password),
        ca,
    })
}
