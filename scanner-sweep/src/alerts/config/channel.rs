//! `[[channel]]`: whom to tell, and by which means.

use super::{Place, place};
use crate::alerts::route;
use scanner_core::{
    config::{Entry, Globs, Reader, Star, Table},
    model::{Confidence, Severity},
};
use std::path::PathBuf;

/// Longest name of a channel.
const MAX_NAME_BYTES: usize = 40;

/// Keys of the table.
pub(super) const KEYS: &[&str] = &[
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

/// Whom to tell.
#[derive(Debug, Clone)]
pub(in crate::alerts) struct Channel {
    pub(in crate::alerts) name: String,
    /// Where it stands.
    pub(in crate::alerts) line: u32,
    pub(in crate::alerts) kind: Kind,
    pub(in crate::alerts) min_severity: Severity,
    pub(in crate::alerts) min_confidence: Confidence,
    /// Repositories it is for; all when empty.
    pub(in crate::alerts) repositories: Globs,
    pub(in crate::alerts) template: Option<PathBuf>,
}

/// By which means.
#[derive(Debug, Clone)]
pub(in crate::alerts) enum Kind {
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
pub(in crate::alerts) enum To {
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
pub(in crate::alerts) enum Flavor {
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

/// Reads one table.
pub(super) fn channel(reader: &mut Reader<'_>, line: u32, table: &Table<'_>) -> Option<Channel> {
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
            key if KEYS.contains(&key) => {}
            _ => reader.unknown(entry, KEYS, "[[channel]]"),
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
        if let Some(address) = route::address(text) {
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
