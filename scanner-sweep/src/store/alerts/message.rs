//! Messages about findings, in the queue and on their way.

use super::super::{StoreError, TrackedFinding};
use serde::Serialize;

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertState {
    /// To be sent.
    Queued,
    /// Sent.
    Sent,
    /// Given up.
    Dead,
    /// Not sent, because all that it was about had been suppressed by then.
    Withdrawn,
}

impl AlertState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Sent, Self::Dead, Self::Withdrawn];

    /// The word for it in the store and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Dead => "dead",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// A finding that a channel has not considered yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFinding {
    /// Name of the repository.
    pub repository: String,
    /// The rule's severity.
    pub severity: String,
    /// How sure it is.
    pub confidence: String,
    /// Mail addresses of author and committer of the commit that introduced it, as far as they are
    /// known.
    pub people: Vec<String>,
    pub(super) repository_id: i64,
    pub(super) fingerprint: String,
}

/// A message to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queued {
    /// A mail address, or nothing.
    pub recipient: String,
    /// Which of the findings it is about.
    pub findings: Vec<usize>,
}

/// A message that was claimed, to be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its number.
    pub number: i64,
    /// A mail address, or nothing.
    pub recipient: String,
    /// The sweep that queued it.
    pub sweep: i64,
    /// When it was queued, in seconds since 1970.
    pub queued_at: i64,
    /// Attempts to send it so far.
    pub attempts: u64,
    /// What it is about, without what was suppressed meanwhile.
    pub findings: Vec<TrackedFinding>,
}

/// How much may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Messages of one channel in an hour.
    pub per_hour: u64,
}

/// What there is to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// This.
    Alert(Box<Alert>),
    /// Nothing that is due.
    Nothing,
    /// Something, and no more may be sent in this hour.
    Limited,
}

/// How an attempt went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is sent.
    Sent,
    /// It failed, and is due again at this time, in seconds since 1970. Never holds a secret.
    Later(String, i64),
    /// It failed for good. Never holds a secret.
    Dead(String),
    /// There was nothing left to say.
    Withdrawn,
}

/// A message in the queue, as it is listed. Times are in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlertRow {
    /// Its number.
    pub number: i64,
    /// Its channel.
    pub channel: String,
    /// A mail address, or nothing.
    pub recipient: String,
    /// The sweep that queued it.
    pub sweep: i64,
    /// What became of it.
    pub state: AlertState,
    /// How many findings it is about.
    pub findings: u64,
    /// When it was queued.
    pub queued_at: i64,
    /// When it is to be sent, or tried again.
    pub due_at: i64,
    /// Attempts to send it.
    pub attempts: u64,
    /// When it was sent.
    pub sent_at: Option<i64>,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// Reads the word of a state.
pub(super) fn state_of(word: &str) -> Result<AlertState, StoreError> {
    let mut states = AlertState::ALL.into_iter();
    states
        .find(|state| state.as_str() == word)
        .ok_or(StoreError::Content("an alert is in no known state"))
}
