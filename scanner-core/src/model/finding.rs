//! Findings and where they stand.

use super::{
    BlobId, CommitId, Encoding, FingerprintKey, Location, Receipt, RuleInfo, Secret, Span,
    SuppressedBy, Suppression,
};
use bstr::BString;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};

/// A stable name of one rule with one secret: `v1:` and 32 hexadecimal digits of BLAKE3, keyed.
/// Independent of commit, path and line.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// Hashes a rule's id and a secret under the default key.
    pub fn new(rule_id: &str, secret: &Secret) -> Self {
        Self::keyed(&FingerprintKey::default(), rule_id, secret)
    }

    /// Hashes a rule's id and a secret under an organisation's key.
    pub fn keyed(key: &FingerprintKey, rule_id: &str, secret: &Secret) -> Self {
        let mut hasher = blake3::Hasher::new_keyed(key.bytes());
        hasher.update(&(rule_id.len() as u64).to_le_bytes());
        hasher.update(rule_id.as_bytes());
        hasher.update(secret.reveal());
        Self(format!("v1:{}", &hasher.finalize().to_hex()[..32]))
    }

    /// Takes a text that is one: `v1:` and 32 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("v1:")?;
        let is_digit = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        (digits.len() == 32 && digits.bytes().all(is_digit)).then(|| Self(text.to_owned()))
    }

    /// Returns the text form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where an occurrence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Where {
    /// In the tree of `HEAD`.
    Head,
    /// Staged in the index and not in `HEAD`.
    Index,
    /// In the working tree and neither staged nor in `HEAD`.
    Worktree,
    /// In the history of some ref, not in the tree of `HEAD`.
    Ref,
    /// In a commit's message.
    CommitMessage,
    /// In an annotated tag's message.
    TagMessage,
    /// In a note (`refs/notes/*`).
    Note,
    /// In an object that no ref reaches: dangling, or held by a reflog alone.
    Unreachable,
    /// In a plain file.
    File,
    /// On standard input or in memory.
    Stdin,
}

impl Where {
    /// Returns the name used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Index => "index",
            Self::Worktree => "worktree",
            Self::Ref => "ref",
            Self::CommitMessage => "commit-message",
            Self::TagMessage => "tag-message",
            Self::Note => "note",
            Self::Unreachable => "unreachable",
            Self::File => "file",
            Self::Stdin => "stdin",
        }
    }
}

/// What a report shows of a commit (or of an annotated tag, for its message).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommitInfo {
    /// Its id.
    pub commit: CommitId,
    /// Author's name, as stored.
    pub author: BString,
    /// Author's mail address, as stored.
    pub email: BString,
    /// Committer's mail address, as stored. No report tells it: it is empty in what is read of one,
    /// and for tags.
    pub committer_email: BString,
    /// Author's date in seconds since 1970, UTC.
    pub seconds: i64,
    /// Offset of the author's clock from UTC, in minutes.
    pub offset_minutes: i32,
    /// First line of the message. A secret in it is redacted by whoever made this value.
    pub summary: BString,
}

/// One place where a secret stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// Path in the repository or file system; empty when unknown (a blob in no tree) and for
    /// messages.
    pub path: BString,
    /// Where the content is a container and the secret stands in a member of it: the names that
    /// lead there, from the outermost container inwards, joined by `!/`.
    pub member: Option<BString>,
    /// Lines and columns of the secret; in a commit or tag, counted from the message's start, in a
    /// member from the member's.
    pub location: Location,
    /// Bytes of the secret in the content as stored; counted from where `location` counts.
    pub span: Span,
    /// How the secret is encoded there, from the outermost encoding: `[Base64, Utf16Le]` is UTF-16
    /// in base64. Empty where it stands as it is.
    pub encoding: Vec<Encoding>,
    /// The content's id: the blob, or the commit or tag object whose message it is.
    pub blob: BlobId,
    /// Where it stands.
    pub place: Where,
    /// The commit that introduced this blob at this path: its tree holds it there and no
    /// parent's does. The earliest by committer date where there are several.
    pub introduced: Option<Arc<CommitInfo>>,
    /// Other commits that introduced the same blob at the same path (another branch, a revert of
    /// its removal), sorted.
    pub also_introduced_in: Vec<CommitId>,
    /// The latest commit whose tree still holds it: `HEAD`'s where it stands there, else by
    /// committer date. `None` outside history.
    pub last_seen: Option<CommitId>,
    /// When that was committed: its committer's date in seconds since 1970, UTC.
    pub last_seen_seconds: Option<i64>,
    /// Refs whose history holds `introduced`, most important first, at most 16.
    pub refs: Vec<String>,
    /// Other halves of the credential that stand nearby, by position: its key id, its user.
    pub parts: Vec<Part>,
    /// Who asks to let this one pass. A scan says so of comments, whether they are to count or
    /// not; triage settles it, and suppresses a finding all of whose occurrences are allowed.
    pub allowed_by: Option<SuppressedBy>,
}

/// Another half of a credential, in the same content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The rule that found it.
    pub rule: Arc<RuleInfo>,
    /// It may be no secret by itself, and is treated as one.
    pub secret: Secret,
    /// As in an [`Occurrence`].
    pub location: Location,
    /// As in an [`Occurrence`].
    pub span: Span,
}

/// What an offline check said of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// A checksum or structure that cannot match by accident holds.
    Proven,
    /// Nothing to check, or the check says little.
    Plausible,
    /// A checksum or structure does not hold: confidence drops by one level.
    Failed,
}

impl Proof {
    /// Returns the name used in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Plausible => "plausible",
            Self::Failed => "failed",
        }
    }
}

/// One rule with one secret, and every place where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: Arc<RuleInfo>,
    /// The rule's confidence, moved by the proof.
    pub confidence: Confidence,
    /// Stable name.
    pub fingerprint: Fingerprint,
    /// The credential.
    pub secret: Secret,
    /// The bytes that write it where it is encoded: as good as the secret itself, and to be
    /// redacted like it. Sorted.
    pub written: Vec<Secret>,
    /// What an offline check said.
    pub proof: Proof,
    /// What the offline checks learned, such as an account or an expiry. Never secret.
    pub notes: Vec<String>,
    /// Never empty; sorted: place, path, member, position, blob.
    pub occurrences: Vec<Occurrence>,
    /// Why it does not count, where someone decided so. Set after a scan, by triage.
    pub suppression: Option<Suppression>,
}

/// The result of a scan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Sorted: severity from the highest, then rule id, then first occurrence.
    pub findings: Vec<Finding>,
    /// What was looked at.
    pub receipt: Receipt,
}

impl Report {
    /// Returns the findings that count, in the report's order.
    pub fn open(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|f| f.suppression.is_none())
    }
}

use super::Confidence;
