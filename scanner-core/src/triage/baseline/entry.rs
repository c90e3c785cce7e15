//! One entry of a baseline.

use crate::model::{Fingerprint, Secret, SuppressedBy, Suppression, TriageStatus, day_of, rfc3339};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What was decided about a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaselineEntry {
    /// The secret and its rule.
    pub fingerprint: Fingerprint,
    /// The rule's id, for people: the fingerprint holds it too.
    pub rule_id: String,
    /// What it is.
    pub status: TriageStatus,
    /// Why, in somebody's words; may be empty.
    pub reason: String,
    /// Who answers for it; may be empty.
    pub owner: String,
    /// The last day on which it holds, `YYYY-MM-DD`, UTC.
    pub expires: Option<String>,
    /// The day when it was added.
    pub added: Option<String>,
    /// The secret's redacted form.
    pub redacted: String,
    /// One path where it stood when it was added; may be empty.
    pub path: String,
    /// The line it was read from, 1-based; 0 where it was in no file.
    pub line: u32,
    /// Keys that this version does not know.
    pub(super) more: Map<String, Value>,
}

/// A text that is no day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a day of the calendar, written YYYY-MM-DD")]
pub struct InvalidDay;

impl BaselineEntry {
    /// Whether its last day is over, UTC. What ends is taken to have ended where the time is not
    /// known.
    pub fn has_ended(&self, now_seconds: Option<i64>) -> bool {
        let last = self.expires.as_deref().and_then(day_of);
        last.is_some_and(|last| now_seconds.is_none_or(|now| now.div_euclid(86_400) > last))
    }

    pub(in super::super) fn suppression(&self) -> Suppression {
        Suppression {
            by: SuppressedBy::Baseline,
            status: self.status,
            reason: self.reason.clone(),
            owner: self.owner.clone(),
            expires: self.expires.clone(),
        }
    }
}

/// Checks that a text is a day, `YYYY-MM-DD`.
pub(super) fn day(text: String) -> Result<String, InvalidDay> {
    day_of(&text).map(|_| text).ok_or(InvalidDay)
}

/// The day of a time in seconds since 1970, UTC.
pub(super) fn day_at(seconds: i64) -> Option<String> {
    let mut text = rfc3339(seconds, 0)?;
    text.truncate("2026-12-31".len());
    Some(text)
}

/// An entry as it is written. Keys without a value are left out, but for those that people are to
/// fill in.
#[derive(Serialize, Deserialize)]
struct Written {
    fingerprint: String,
    #[serde(default)]
    rule_id: String,
    status: TriageStatus,
    #[serde(default)]
    reason: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    owner: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    added: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    redacted: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    path: String,
    #[serde(flatten)]
    more: Map<String, Value>,
}

impl Serialize for BaselineEntry {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entry = self.clone();
        Written {
            fingerprint: entry.fingerprint.to_string(),
            rule_id: entry.rule_id,
            status: entry.status,
            reason: entry.reason,
            owner: entry.owner,
            expires: entry.expires,
            added: entry.added,
            redacted: entry.redacted,
            path: entry.path,
            more: entry.more,
        }
        .serialize(serializer)
    }
}

/// Reads a line.
pub(super) fn read(line: &str, number: u32) -> Result<BaselineEntry, String> {
    // What serde says may hold a value, so that only the column is told.
    let entry: Written = serde_json::from_str(line).map_err(|error| {
        if error.is_data() {
            "not an entry: it needs `fingerprint`, and a `status` of accepted, false-positive, \
             revoked or test; all else is text"
                .to_owned()
        } else {
            format!("not JSON, at column {}", error.column())
        }
    })?;
    let of = |key: &'static str| move |error: InvalidDay| format!("`{key}` is {error}");
    Ok(BaselineEntry {
        fingerprint: Fingerprint::parse(&entry.fingerprint)
            .ok_or("`fingerprint` is not v1: and 32 hexadecimal digits, as reports write it")?,
        rule_id: entry.rule_id,
        status: entry.status,
        reason: entry.reason,
        owner: entry.owner,
        expires: entry.expires.map(day).transpose().map_err(of("expires"))?,
        added: entry.added.map(day).transpose().map_err(of("added"))?,
        // Somebody may have put more there than belongs there.
        redacted: match &*entry.redacted {
            "" => String::new(),
            text => Secret::new(text.as_bytes()).redacted(),
        },
        path: entry.path,
        line: number,
        more: entry.more,
    })
}
