//! The file that says whom to tell of what.

use lettre::message::Mailbox;
use scanner_core::{
    config::{Entry, Globs, Problems, Reader, Star, Table, is_this_machine},
    model::{Confidence, Severity},
};
use std::{path::PathBuf, time::Duration};

/// Largest file in bytes. A reader need not read further to see that it is refused.
pub const MAX_CONFIG_BYTES: usize = 1 << 20;
/// Longest name of a channel.
const MAX_NAME_BYTES: usize = 40;

const TOP: &[&str] = &["limits", "smtp", "channel"];
const LIMITS: &[&str] = &["per-hour", "shown", "attempts", "give-up-days", "time"];
const SMTP: &[&str] = &[
    "host",
    "port",
    "security",
    "from",
    "user",
    "password-file",
    "password-env",
    "ca",
];
const CHANNEL: &[&str] = &[
    "name",
    "kind",
    "min-severity",
    "min-confidence",
    "repositories",
    "template",
    "to",
    "owner-domains",
    "fallback",
    "url-file",
    "url-env",
    "header-file",
    "ca",
];
const OF_MAIL: &[&str] = &["to", "owner-domains", "fallback"];
const OF_WEB: &[&str] = &["url-file", "url-env", "header-file", "ca"];

/// A valid file. Holds no secret, only where each is.
#[derive(Debug, Clone)]
pub struct Config {
    pub(super) limits: Limits,
    pub(super) smtp: Option<Smtp>,
    pub(super) channels: Vec<Channel>,
}

/// What sending may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    /// Messages of one channel in an hour.
    pub(super) per_hour: u32,
    /// Findings that a message for people lists.
    pub(super) shown: u32,
    /// Attempts to send one message, each in another sweep.
    pub(super) attempts: u32,
    /// Age at which a message is given up.
    pub(super) give_up: Duration,
    /// Time for all sending of one sweep.
    pub(super) time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            per_hour: 100,
            shown: 20,
            attempts: 20,
            give_up: Duration::from_secs(7 * 86_400),
            time: Duration::from_secs(5 * 60),
        }
    }
}

/// How the connection to a mail server is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Security {
    /// TLS is asked for after connecting; nothing is sent without it.
    StartTls,
    /// TLS from the first byte on.
    Tls,
    /// Not at all.
    None,
}

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    File(PathBuf),
    Variable(String),
}

/// A mail server.
#[derive(Debug, Clone)]
pub(super) struct Smtp {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
    pub(super) from: Mailbox,
    pub(super) user: Option<(String, Place)>,
    pub(super) ca: Option<PathBuf>,
}

/// Whom to tell.
#[derive(Debug, Clone)]
pub(super) struct Channel {
    pub(super) name: String,
    /// Where it stands.
    pub(super) line: u32,
    pub(super) kind: Kind,
    pub(super) min_severity: Severity,
    pub(super) min_confidence: Confidence,
    /// Repositories it is for; all when empty.
    pub(super) repositories: Globs,
    pub(super) template: Option<PathBuf>,
}

/// By which means.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Mail(To),
    Web {
        flavor: Flavor,
        url: Place,
        header: Option<PathBuf>,
        ca: Option<PathBuf>,
    },
}

/// Who gets a mail. Addresses are in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum To {
    /// Always these.
    These(Vec<String>),
    /// Author and committer, those of them that have an address in one of the domains; `fallback`
    /// where none has.
    Owners {
        domains: Vec<String>,
        fallback: Vec<String>,
    },
}

/// What a web server takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavor {
    Slack,
    Teams,
    Json,
}

#[derive(Debug, Clone, Copy)]
enum KindWord {
    Mail,
    Web(Flavor),
}

const KINDS: &[(&str, KindWord)] = &[
    ("mail", KindWord::Mail),
    ("slack", KindWord::Web(Flavor::Slack)),
    ("teams", KindWord::Web(Flavor::Teams)),
    ("webhook", KindWord::Web(Flavor::Json)),
];
const SECURITIES: &[(&str, Security)] = &[
    ("starttls", Security::StartTls),
    ("tls", Security::Tls),
    ("none", Security::None),
];
const SEVERITIES: &[(&str, Severity)] = &[
    ("low", Severity::Low),
    ("medium", Severity::Medium),
    ("high", Severity::High),
    ("critical", Severity::Critical),
];
const CONFIDENCES: &[(&str, Confidence)] = &[
    ("low", Confidence::Low),
    ("medium", Confidence::Medium),
    ("high", Confidence::High),
];

impl Config {
    /// Reads the file's text. `origin` is its path: it names it in messages, and relative paths in
    /// the text start from its directory.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(text: &str, origin: &str) -> Result<Self, Problems> {
        let (mut reader, root) = Reader::parse(text, origin, MAX_CONFIG_BYTES, "file of alerts")?;
        let mut config = Self {
            limits: Limits::default(),
            smtp: None,
            channels: Vec::new(),
        };
        let mut has_smtp = false;
        for entry in reader.entries(&root) {
            match entry.key {
                "limits" => config.limits = limits(&mut reader, entry),
                "smtp" => {
                    has_smtp = true;
                    config.smtp = smtp(&mut reader, entry);
                }
                "channel" => {
                    for (line, table) in reader.tables(entry, "[[channel]]") {
                        let one = channel(&mut reader, line, table);
                        config.channels.extend(one);
                    }
                }
                _ => reader.unknown(entry, TOP, "a file of alerts"),
            }
        }
        for (at, channel) in config.channels.iter().enumerate() {
            if config.channels[..at].iter().any(|c| c.name == channel.name) {
                let name = &channel.name;
                reader.problem(
                    channel.line,
                    format!("a second channel {name:?}: the queue tells them apart by name"),
                );
            }
            if matches!(channel.kind, Kind::Mail(_)) && !has_smtp {
                reader.problem(
                    channel.line,
                    "kind \"mail\" needs [smtp]: say which server takes mail",
                );
            }
        }
        if config.channels.is_empty() && !reader.has_problems() {
            reader.problem(0, "no [[channel]]: say whom to tell");
        }
        reader.finish(config)
    }

    /// Names of the channels, in the order of the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.channels.iter().map(|channel| channel.name.as_str())
    }
}

fn limits(reader: &mut Reader<'_>, entry: Entry<'_, '_>) -> Limits {
    let mut limits = Limits::default();
    let Some(table) = reader.table(entry) else {
        return limits;
    };
    for entry in reader.entries(table) {
        let number = |reader: &mut Reader<'_>, most: u32| reader.integer(entry, 1..most + 1);
        match entry.key {
            "per-hour" => limits.per_hour = number(reader, 1_000_000).unwrap_or_default(),
            // A message of Slack has 50 blocks at most.
            "shown" => limits.shown = number(reader, 40).unwrap_or_default(),
            "attempts" => limits.attempts = number(reader, 1_000).unwrap_or_default(),
            "give-up-days" => {
                let days = number(reader, 1_000).unwrap_or_default();
                limits.give_up = Duration::from_secs(u64::from(days) * 86_400);
            }
            "time" => limits.time = reader.duration(entry).unwrap_or_default(),
            _ => reader.unknown(entry, LIMITS, "[limits]"),
        }
    }
    limits
}

fn smtp(reader: &mut Reader<'_>, entry: Entry<'_, '_>) -> Option<Smtp> {
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
            _ => reader.unknown(entry, SMTP, "[smtp]"),
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

fn channel(reader: &mut Reader<'_>, line: u32, table: &Table<'_>) -> Option<Channel> {
    let entries = reader.entries(table);
    let find = |key: &str| entries.iter().copied().find(|entry| entry.key == key);
    let name = find("name").and_then(|entry| {
        let name = reader.text(entry)?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.chars().all(plain) {
            reader.wrong(
                entry,
                "expected a short name of letters, digits, dashes, dots and underscores",
            );
        }
        Some(name.to_owned())
    });
    let kind = find("kind").and_then(|entry| reader.choice(entry, KINDS));
    for key in ["name", "kind"] {
        if find(key).is_none() {
            reader.problem(line, format!("[[channel]] without {key:?}"));
        }
    }
    let (mut min_severity, mut min_confidence) = (Severity::Low, Confidence::Low);
    let (mut repositories, mut template) = (Globs::default(), None);
    for &entry in &entries {
        let foreign = match kind {
            Some(KindWord::Mail) => OF_WEB.contains(&entry.key),
            Some(KindWord::Web(flavor)) => {
                OF_MAIL.contains(&entry.key)
                    || (entry.key == "header-file" && flavor != Flavor::Json)
            }
            None => false,
        };
        match entry.key {
            _ if foreign => reader.wrong(entry, "is for channels of another kind"),
            "min-severity" => {
                min_severity = reader.choice(entry, SEVERITIES).unwrap_or(min_severity);
            }
            "min-confidence" => {
                min_confidence = reader.choice(entry, CONFIDENCES).unwrap_or(min_confidence);
            }
            "repositories" => repositories = reader.globs(entry, Star::WithinSlashes),
            "template" => template = reader.path(entry),
            key if CHANNEL.contains(&key) => {}
            _ => reader.unknown(entry, CHANNEL, "[[channel]]"),
        }
    }
    let kind = match kind? {
        KindWord::Mail => Kind::Mail(recipients(reader, line, &entries)?),
        KindWord::Web(flavor) => {
            let url = place(reader, &entries, "url-file", "url-env");
            if url.is_none() {
                reader.problem(
                    line,
                    "[[channel]] needs \"url-file\" or \"url-env\": the address is a secret",
                );
            }
            Kind::Web {
                flavor,
                url: url?,
                header: find("header-file").and_then(|entry| reader.path(entry)),
                ca: find("ca").and_then(|entry| reader.path(entry)),
            }
        }
    };
    Some(Channel {
        name: name?,
        line,
        kind,
        min_severity,
        min_confidence,
        repositories,
        template,
    })
}

fn recipients(reader: &mut Reader<'_>, line: u32, entries: &[Entry<'_, '_>]) -> Option<To> {
    let find = |key: &str| entries.iter().copied().find(|entry| entry.key == key);
    let Some(to) = find("to") else {
        reader.problem(
            line,
            "[[channel]] without \"to\": give \"owners\" or an array of addresses",
        );
        return None;
    };
    if !to.is_text() {
        for entry in [find("owner-domains"), find("fallback")]
            .into_iter()
            .flatten()
        {
            reader.wrong(entry, "is for to = \"owners\"");
        }
        return Some(To::These(addresses(reader, to)));
    }
    if reader.text(to)? != "owners" {
        reader.wrong(to, "expected \"owners\" or an array of addresses");
        return None;
    }
    let mut domains = Vec::new();
    if let Some(entry) = find("owner-domains") {
        for (line, text) in reader.strings(entry) {
            let plain = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
            if text.is_empty() || !text.chars().all(plain) {
                reader.problem(
                    line,
                    "key \"owner-domains\": expected domains such as example.org",
                );
            }
            domains.push(text.to_ascii_lowercase());
        }
    } else {
        reader.problem(
            line,
            "to = \"owners\" needs \"owner-domains\": anyone can write any address into a commit",
        );
    }
    let fallback = if let Some(entry) = find("fallback") {
        addresses(reader, entry)
    } else {
        reader.problem(
            line,
            "to = \"owners\" needs \"fallback\": who is told where no owner can be",
        );
        Vec::new()
    };
    Some(To::Owners { domains, fallback })
}

fn addresses(reader: &mut Reader<'_>, entry: Entry<'_, '_>) -> Vec<String> {
    let mut all = Vec::new();
    for (line, text) in reader.strings(entry) {
        if let Some(address) = super::route::address(text) {
            all.push(address);
        } else {
            let key = entry.key;
            reader.problem(line, format!("key {key:?}: expected a plain mail address"));
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// Where a secret is, by one of two keys.
fn place(
    reader: &mut Reader<'_>,
    entries: &[Entry<'_, '_>],
    file: &str,
    variable: &str,
) -> Option<Place> {
    let find = |key: &str| entries.iter().copied().find(|entry| entry.key == key);
    match (find(file), find(variable)) {
        (Some(_), Some(entry)) => {
            reader.wrong(entry, &format!("cannot stand beside {file:?}: give one"));
            None
        }
        (Some(entry), None) => reader.path(entry).map(Place::File),
        (None, Some(entry)) => {
            let name = reader.text(entry)?;
            if name.is_empty() || name.contains(['=', '\0']) {
                reader.wrong(entry, "expected the name of an environment variable");
            }
            Some(Place::Variable(name.to_owned()))
        }
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests;
