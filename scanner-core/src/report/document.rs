//! The shape of the JSON formats: what is shown of the model, under which names.
//!
//! Kept apart from the model so that a change of the model never changes the format unseen.
//! Described by `schema/report.schema.json`; a change here is a change there.

use super::{FORMAT_VERSION, Redactor, ReportMeta, printable::is_disruptive, rfc3339};
use crate::model::{
    BlobCounts, CommitId, CommitInfo, Encoding, Finding, IssueKind, Location, ObjectId, Occurrence,
    Part, Receipt, Span, SuppressedBy, Suppression, TriageCounts, TriageStatus, Where,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::ser::Formatter;
use std::{
    borrow::Cow,
    collections::BTreeMap,
    io::{self, Write},
};

#[derive(Serialize)]
pub(super) struct MetaDocument<'a> {
    tool: &'a str,
    version: &'a str,
    format_version: u32,
}

impl<'a> MetaDocument<'a> {
    pub(super) fn new(meta: &ReportMeta<'a>) -> Self {
        Self {
            tool: meta.tool,
            version: meta.version,
            format_version: FORMAT_VERSION,
        }
    }
}

#[derive(Serialize)]
pub(super) struct FindingDocument<'a> {
    rule_id: &'a str,
    description: &'a str,
    severity: &'static str,
    confidence: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_confidence: Option<&'static str>,
    fingerprint: &'a str,
    redacted: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_bytes: Option<String>,
    proof: crate::model::Proof,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<Cow<'a, str>>,
    remediation: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    references: &'a [String],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tags: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    suppression: Option<SuppressionDocument<'a>>,
    occurrences: Vec<OccurrenceDocument<'a>>,
}

impl<'a> FindingDocument<'a> {
    pub(super) fn new(finding: &'a Finding, redactor: &'a Redactor) -> Self {
        let shown = redactor.reveals().then(|| finding.secret.reveal());
        Self {
            rule_id: &finding.rule.id,
            description: &finding.rule.description,
            severity: finding.rule.severity.as_str(),
            confidence: finding.confidence.as_str(),
            rule_confidence: (finding.rule.confidence != finding.confidence)
                .then(|| finding.rule.confidence.as_str()),
            fingerprint: finding.fingerprint.as_str(),
            redacted: finding.secret.redacted(),
            secret: shown.map(String::from_utf8_lossy),
            secret_bytes: shown.and_then(bytes_if_lossy),
            proof: finding.proof,
            notes: finding
                .notes
                .iter()
                .map(|note| redactor.redact_str(note))
                .collect(),
            remediation: &finding.rule.remediation,
            references: &finding.rule.references,
            tags: &finding.rule.tags,
            suppression: finding
                .suppression
                .as_ref()
                .map(|suppression| SuppressionDocument::new(suppression, redactor)),
            occurrences: finding
                .occurrences
                .iter()
                .map(|occurrence| OccurrenceDocument::new(occurrence, redactor))
                .collect(),
        }
    }
}

#[derive(Serialize)]
struct SuppressionDocument<'a> {
    by: SuppressedBy,
    status: TriageStatus,
    #[serde(skip_serializing_if = "str::is_empty")]
    reason: Cow<'a, str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    owner: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<&'a str>,
}

impl<'a> SuppressionDocument<'a> {
    fn new(suppression: &'a Suppression, redactor: &Redactor) -> Self {
        Self {
            by: suppression.by,
            status: suppression.status,
            reason: redactor.redact_str(&suppression.reason),
            owner: redactor.redact_str(&suppression.owner),
            expires: suppression.expires.as_deref(),
        }
    }
}

#[derive(Serialize)]
struct OccurrenceDocument<'a> {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member_bytes: Option<String>,
    #[serde(flatten)]
    position: PositionDocument,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    encoding: &'a [Encoding],
    blob: ObjectId,
    #[serde(rename = "where")]
    place: Where,
    introduced: Option<CommitDocument<'a>>,
    also_introduced_in: &'a [CommitId],
    last_seen: Option<CommitId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_seen_date: Option<String>,
    refs: Vec<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<PartDocument<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed_by: Option<SuppressedBy>,
}

impl<'a> OccurrenceDocument<'a> {
    fn new(occurrence: &'a Occurrence, redactor: &Redactor) -> Self {
        // Redacted as bytes first: the exact form must not give away what the text form hides.
        let path = redactor.redact(&occurrence.path);
        let member = occurrence.member.as_deref().map(|m| redactor.redact(m));
        Self {
            path: String::from_utf8_lossy(&path).into_owned(),
            path_bytes: bytes_if_lossy(&path),
            member: member
                .as_deref()
                .map(|m| String::from_utf8_lossy(m).into_owned()),
            member_bytes: member.as_deref().and_then(bytes_if_lossy),
            position: PositionDocument::new(occurrence.location, occurrence.span),
            encoding: &occurrence.encoding,
            blob: occurrence.blob,
            place: occurrence.place,
            introduced: occurrence
                .introduced
                .as_deref()
                .map(|commit| CommitDocument::new(commit, redactor)),
            also_introduced_in: &occurrence.also_introduced_in,
            last_seen: occurrence.last_seen,
            last_seen_date: occurrence
                .last_seen_seconds
                .and_then(|seconds| rfc3339(seconds, 0)),
            refs: occurrence
                .refs
                .iter()
                .map(|name| redactor.redact_str(name))
                .collect(),
            parts: occurrence
                .parts
                .iter()
                .map(|part| PartDocument::new(part, redactor))
                .collect(),
            allowed_by: occurrence.allowed_by,
        }
    }
}

#[derive(Serialize)]
struct PartDocument<'a> {
    rule_id: &'a str,
    description: &'a str,
    redacted: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_bytes: Option<String>,
    #[serde(flatten)]
    position: PositionDocument,
}

impl<'a> PartDocument<'a> {
    fn new(part: &'a Part, redactor: &Redactor) -> Self {
        let shown = redactor.reveals().then(|| part.secret.reveal());
        Self {
            rule_id: &part.rule.id,
            description: &part.rule.description,
            redacted: part.secret.redacted(),
            secret: shown.map(String::from_utf8_lossy),
            secret_bytes: shown.and_then(bytes_if_lossy),
            position: PositionDocument::new(part.location, part.span),
        }
    }
}

#[derive(Serialize)]
struct PositionDocument {
    start_line: u64,
    start_column: u64,
    end_line: u64,
    end_column: u64,
    // Left out where they are the columns: where all before on the line is ASCII.
    #[serde(skip_serializing_if = "Option::is_none")]
    start_character: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_character: Option<u64>,
    byte_start: u64,
    byte_end: u64,
}

impl PositionDocument {
    fn new(at: Location, span: Span) -> Self {
        let unlike = |character: u64, column: u64| (character != column).then_some(character);
        Self {
            start_line: at.start_line,
            start_column: at.start_column,
            end_line: at.end_line,
            end_column: at.end_column,
            start_character: unlike(at.start_character, at.start_column),
            end_character: unlike(at.end_character, at.end_column),
            byte_start: span.start,
            byte_end: span.end,
        }
    }
}

#[derive(Serialize)]
struct CommitDocument<'a> {
    commit: CommitId,
    author: Cow<'a, str>,
    email: Cow<'a, str>,
    date: Option<String>,
    summary: Cow<'a, str>,
}

impl<'a> CommitDocument<'a> {
    fn new(commit: &'a CommitInfo, redactor: &Redactor) -> Self {
        Self {
            commit: commit.commit,
            author: redacted_text(&commit.author, redactor),
            email: redacted_text(&commit.email, redactor),
            date: rfc3339(commit.seconds, commit.offset_minutes),
            summary: redacted_text(&commit.summary, redactor),
        }
    }
}

#[derive(Serialize)]
pub(super) struct ReceiptDocument<'a> {
    blobs: &'a BlobCounts,
    commits: u64,
    trees: u64,
    tags: u64,
    bytes: u64,
    tips: BTreeMap<Cow<'a, str>, ObjectId>,
    ruleset_hash: &'a str,
    below_confidence: u64,
    max_decode_depth: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint_key: Option<&'a str>,
    triage: &'a TriageCounts,
    complete: bool,
    issues: Vec<IssueDocument<'a>>,
}

impl<'a> ReceiptDocument<'a> {
    pub(super) fn new(receipt: &'a Receipt, redactor: &Redactor) -> Self {
        Self {
            blobs: &receipt.blobs,
            commits: receipt.commits,
            trees: receipt.trees,
            tags: receipt.tags,
            bytes: receipt.bytes,
            tips: receipt
                .tips
                .iter()
                .map(|(name, id)| (redactor.redact_str(name), *id))
                .collect(),
            ruleset_hash: &receipt.ruleset_hash,
            below_confidence: receipt.below_confidence,
            max_decode_depth: receipt.max_decode_depth,
            fingerprint_key: receipt.fingerprint_key.as_deref(),
            triage: &receipt.triage,
            complete: receipt.complete,
            issues: receipt
                .issues
                .iter()
                .map(|issue| IssueDocument {
                    kind: issue.kind,
                    object: issue.object,
                    path: issue.path.as_deref().map(|path| redactor.redact_str(path)),
                    message: redactor.redact_str(&issue.message),
                })
                .collect(),
        }
    }
}

#[derive(Serialize)]
struct IssueDocument<'a> {
    kind: IssueKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<ObjectId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<Cow<'a, str>>,
    message: Cow<'a, str>,
}

fn redacted_text<'a>(bytes: &'a [u8], redactor: &Redactor) -> Cow<'a, str> {
    match redactor.redact(bytes) {
        Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
    }
}

fn bytes_if_lossy(bytes: &[u8]) -> Option<String> {
    std::str::from_utf8(bytes)
        .is_err()
        .then(|| STANDARD.encode(bytes))
}

/// Writes a value as one line of JSON.
pub(crate) fn write_json(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(out, OneLine);
    value.serialize(&mut serializer).map_err(io::Error::from)
}

/// Compact JSON that also escapes the characters which would act on a terminal: JSON itself
/// demands that only of those below U+0020. The parsed value is the same.
struct OneLine;

impl Formatter for OneLine {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        // Nearly all: ids, names, numbers.
        if fragment.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|&(_, c)| is_disruptive(c)) {
            writer.write_all(&rest.as_bytes()[..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + c.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}
