//! The JSON formats as they are read: the shape of `schema/report.schema.json`. Keys that this
//! version does not know are left out, because a format version may gain keys.

use crate::model::{
    BlobCounts, Confidence, Encoding, IssueKind, Proof, Severity, SuppressedBy, Suppression,
    TriageCounts, Where,
};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
pub(super) struct Document {
    pub(super) meta: Meta,
    pub(super) findings: Vec<Finding>,
    pub(super) receipt: Receipt,
}

/// A line of JSON Lines.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Line {
    Meta(Meta),
    Finding(Box<Finding>),
    Receipt(Box<Receipt>),
}

#[derive(Debug, Deserialize)]
pub(super) struct Meta {
    pub(super) tool: String,
    pub(super) version: String,
    pub(super) format_version: u32,
}

#[derive(Debug, Deserialize)]
pub(super) struct Finding {
    pub(super) rule_id: String,
    pub(super) description: String,
    pub(super) severity: Severity,
    pub(super) confidence: Confidence,
    #[serde(default)]
    pub(super) rule_confidence: Option<Confidence>,
    pub(super) fingerprint: String,
    pub(super) redacted: String,
    #[serde(flatten)]
    pub(super) shown: Shown,
    pub(super) proof: Proof,
    #[serde(default)]
    pub(super) notes: Vec<String>,
    pub(super) remediation: String,
    #[serde(default)]
    pub(super) references: Vec<String>,
    #[serde(default)]
    pub(super) tags: Vec<String>,
    pub(super) occurrences: Vec<Occurrence>,
    #[serde(default)]
    pub(super) suppression: Option<Suppression>,
}

/// What `--show-secrets` adds. Read only to be redacted wherever else it stands.
#[derive(Deserialize, Default)]
pub(super) struct Shown {
    #[serde(default)]
    pub(super) secret: Option<String>,
    #[serde(default)]
    pub(super) secret_bytes: Option<String>,
}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown(..)")
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Occurrence {
    pub(super) path: String,
    #[serde(default)]
    pub(super) path_bytes: Option<String>,
    #[serde(default)]
    pub(super) member: Option<String>,
    #[serde(default)]
    pub(super) member_bytes: Option<String>,
    #[serde(flatten)]
    pub(super) position: Position,
    #[serde(default)]
    pub(super) encoding: Vec<Encoding>,
    pub(super) blob: String,
    #[serde(rename = "where")]
    pub(super) place: Where,
    #[serde(default)]
    pub(super) introduced: Option<Commit>,
    #[serde(default)]
    pub(super) also_introduced_in: Vec<String>,
    #[serde(default)]
    pub(super) last_seen: Option<String>,
    #[serde(default)]
    pub(super) last_seen_date: Option<String>,
    #[serde(default)]
    pub(super) refs: Vec<String>,
    #[serde(default)]
    pub(super) parts: Vec<Part>,
    #[serde(default)]
    pub(super) allowed_by: Option<SuppressedBy>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct Position {
    pub(super) start_line: u64,
    pub(super) start_column: u64,
    pub(super) end_line: u64,
    pub(super) end_column: u64,
    #[serde(default)]
    pub(super) start_character: Option<u64>,
    #[serde(default)]
    pub(super) end_character: Option<u64>,
    pub(super) byte_start: u64,
    pub(super) byte_end: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Part {
    pub(super) rule_id: String,
    pub(super) description: String,
    pub(super) redacted: String,
    #[serde(flatten)]
    pub(super) shown: Shown,
    #[serde(flatten)]
    pub(super) position: Position,
}

#[derive(Debug, Deserialize)]
pub(super) struct Commit {
    #[serde(rename = "commit")]
    pub(super) id: String,
    pub(super) author: String,
    pub(super) email: String,
    pub(super) date: Option<String>,
    pub(super) summary: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Receipt {
    pub(super) blobs: BlobCounts,
    pub(super) commits: u64,
    pub(super) trees: u64,
    pub(super) tags: u64,
    pub(super) bytes: u64,
    pub(super) tips: BTreeMap<String, String>,
    pub(super) ruleset_hash: String,
    #[serde(default)]
    pub(super) below_confidence: u64,
    #[serde(default)]
    pub(super) max_decode_depth: u32,
    #[serde(default)]
    pub(super) fingerprint_key: Option<String>,
    #[serde(default)]
    pub(super) triage: TriageCounts,
    pub(super) complete: bool,
    pub(super) issues: Vec<Issue>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Issue {
    pub(super) kind: IssueKind,
    #[serde(default)]
    pub(super) object: Option<String>,
    #[serde(default)]
    pub(super) path: Option<String>,
    pub(super) message: String,
}
