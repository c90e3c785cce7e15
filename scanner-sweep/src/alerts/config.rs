//! The file that says whom to tell of what.

mod channel;
mod smtp;

pub(super) use channel::{Channel, Flavor, Kind, To};
pub(super) use smtp::{Security, Smtp};

use scanner_core::config::{Entry, Problems, Reader};
use std::{path::PathBuf, time::Duration};

/// Largest file in bytes. A reader need not read further to see that it is refused.
pub const MAX_CONFIG_BYTES: usize = 1 << 20;

const TOP: &[&str] = &["limits", "smtp", "channel"];
const LIMITS: &[&str] = &["per-hour", "shown", "attempts", "give-up-days", "time"];

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

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    File(PathBuf),
    Variable(String),
}

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
                    config.smtp = smtp::smtp(&mut reader, entry);
                }
                "channel" => {
                    for (line, table) in reader.tables(entry, "[[channel]]") {
                        let one = channel::channel(&mut reader, line, table);
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
