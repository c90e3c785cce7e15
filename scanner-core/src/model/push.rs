//! What a push asks for, and what a scan of it found.

use super::{CommitId, ObjectId, Report};
use bstr::BString;

/// One ref that a push creates, moves or deletes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RefUpdate {
    /// Full name, such as `refs/heads/main`.
    pub name: BString,
    /// What it pointed at; `None` where it is new.
    pub old: Option<ObjectId>,
    /// What it is to point at, which may be an annotated tag, a tree or a blob; `None` where it
    /// is deleted.
    pub new: Option<ObjectId>,
}

/// Whether a push brings a secret or only touches content that held it before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Novelty {
    /// Nothing that the push replaces or removes held it.
    Introduced,
    /// It stood in what the push changed or moved already.
    Old,
}

/// A ref of a push, and what it will point at once tags are peeled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushedTip {
    /// The ref's full name.
    pub name: BString,
    /// The commit that it ends at; `None` for a tree or blob.
    pub commit: Option<CommitId>,
    /// That commit's message, cut at 64 KiB; a trailer in it may ask for an exception. Empty where
    /// the commit is not new: somebody else's message must not speak for this push.
    pub message: BString,
}

/// What is known of a new commit that brings a finding, beside what the finding says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PushedCommit {
    /// Its id.
    pub id: CommitId,
    /// Committer's date in seconds since 1970.
    pub seconds: i64,
    /// How many parents it has.
    pub parents: usize,
}

/// What a scan of a push found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PushReport {
    /// The findings in what is new, and the receipt. An occurrence's `refs` are refs of the push.
    pub report: Report,
    /// One for each finding of `report`, at the same index.
    pub novelty: Vec<Novelty>,
    /// For each finding, one for each occurrence: whether a comment on the secret's line asks to
    /// let it pass (`gitsieve:allow`).
    pub inline_allowed: Vec<Vec<bool>>,
    /// The refs that the push creates or moves, in the order given.
    pub tips: Vec<PushedTip>,
    /// The new commits that findings name, sorted by id.
    pub named: Vec<PushedCommit>,
    /// How many commits are new.
    pub commits: u64,
    /// Bytes of the new objects as they came, compressed; 0 where they do not lie apart.
    pub stored_bytes: u64,
    /// New commits whose content was not scanned in full because time ran out, newest first.
    pub unscanned: Vec<CommitId>,
}
