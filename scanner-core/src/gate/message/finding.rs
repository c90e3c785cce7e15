//! What a text says of one finding.

use super::lines::{Block, Fields};
use crate::model::{CommitId, Finding, ObjectId, Occurrence, PushedTip, Severity, Where};
use bstr::{BString, ByteSlice};

/// Most places shown of a finding; the others are counted.
const MAX_PLACES: usize = 3;
/// Digits shown of an id: enough to be unique in any repository.
const ID_DIGITS: usize = 10;

/// What a finding means for the push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// It refuses the push.
    Blocked,
    /// It is told.
    Warned,
    /// It stood there before, and is told.
    Old,
}

/// A finding as it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What it means for the push.
    pub action: Action,
    /// The rule's id.
    pub rule_id: String,
    /// What was found, such as `AWS secret access key`.
    pub what: String,
    /// How bad it is.
    pub severity: Severity,
    /// The secret, redacted.
    pub redacted: String,
    /// Its stable name, for those who give exceptions.
    pub fingerprint: String,
    /// How to revoke it; may be empty.
    pub remediation: String,
    /// Where it stands; never empty.
    pub places: Vec<Place>,
}

/// What holds a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spot {
    /// A file of a tree.
    File,
    /// A blob that no tree of the push names.
    Object,
    /// A commit's message.
    CommitMessage,
    /// An annotated tag's message.
    TagMessage,
}

/// A place where a secret stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What holds it.
    pub spot: Spot,
    /// The file's path, with the member where it is a container; the tag's name; else empty.
    pub name: BString,
    /// Line, counted from 1.
    pub line: u64,
    /// The blob, or the commit or tag whose message it is.
    pub object: ObjectId,
    /// The commits that bring it here, the one to name first; empty for tags and bare blobs.
    pub commits: Vec<PlaceCommit>,
    /// A ref of the push that holds it.
    pub pushed_as: Option<String>,
}

/// A commit that brings a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaceCommit {
    /// Its id.
    pub id: CommitId,
    /// Whether it is the tip of each ref of the push that holds it.
    pub is_tip: bool,
    /// What else is known of it.
    pub facts: Option<CommitFacts>,
}

/// What a text needs of a commit to say how it is rewritten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommitFacts {
    /// Committer's date in seconds since 1970.
    pub seconds: i64,
    /// How many parents it has.
    pub parents: usize,
}

impl Told {
    /// Says of a finding what it means. `tips` are those of the push; `facts` says what is known
    /// of a commit, and `None` costs the advice some precision, no more.
    pub fn new(
        finding: &Finding,
        action: Action,
        tips: &[PushedTip],
        facts: &dyn Fn(&CommitId) -> Option<CommitFacts>,
    ) -> Self {
        let place = |occurrence: &Occurrence| Place::new(occurrence, tips, facts);
        Self {
            action,
            rule_id: finding.rule.id.clone(),
            what: finding.rule.description.clone(),
            severity: finding.rule.severity,
            redacted: finding.secret.redacted(),
            fingerprint: finding.fingerprint.to_string(),
            remediation: finding.rule.remediation.clone(),
            places: finding.occurrences.iter().map(place).collect(),
        }
    }

    /// The lines on this finding; with how to revoke it, which need not be said for every secret of
    /// a kind, where `revoke`.
    pub(super) fn block(&self, number: usize, revoke: bool, fields: &Fields<'_>) -> Block {
        let mut block = Block::default();
        let label = match self.action {
            Action::Blocked => "",
            Action::Warned => "warning: ",
            Action::Old => "not new: ",
        };
        let (what, redacted) = (fields.name(&self.what), fields.name(&self.redacted));
        let severity = self.severity;
        block.line(format!("{number}. {label}{what} ({severity}): {redacted}"));
        for place in self.places.iter().take(MAX_PLACES) {
            let at = place.at(fields);
            block.line(match &place.pushed_as {
                Some(name) => format!("   {at}, {}", fields.path(name.as_bytes())),
                None => format!("   {at}"),
            });
        }
        if let Some(more) = self.places.len().checked_sub(MAX_PLACES).filter(|n| *n > 0) {
            block.line(format!("   ... and {}", counted(more as u64, "more place")));
        }
        let (rule, id) = (fields.name(&self.rule_id), fields.name(&self.fingerprint));
        block.line(format!("   rule {rule}, id {id}"));
        if revoke && !self.remediation.is_empty() {
            block.line(format!("   {}", fields.sentence(&self.remediation)));
        }
        block
    }
}

impl Place {
    fn new(
        occurrence: &Occurrence,
        tips: &[PushedTip],
        facts: &dyn Fn(&CommitId) -> Option<CommitFacts>,
    ) -> Self {
        let refs = &occurrence.refs;
        let commit = |id: CommitId| PlaceCommit {
            id,
            is_tip: is_tip(id, refs, tips),
            facts: facts(&id),
        };
        let spot = match occurrence.place {
            Where::CommitMessage => Spot::CommitMessage,
            Where::TagMessage => Spot::TagMessage,
            _ if occurrence.path.is_empty() => Spot::Object,
            _ => Spot::File,
        };
        let commits = match spot {
            Spot::TagMessage => Vec::new(),
            Spot::CommitMessage => vec![commit(occurrence.blob)],
            Spot::File | Spot::Object => {
                let first = occurrence.introduced.iter().map(|info| info.commit);
                let also = occurrence.also_introduced_in.iter().copied();
                first.chain(also).map(commit).collect()
            }
        };
        let first_ref = refs.first();
        let name = match (spot, &occurrence.member) {
            (Spot::TagMessage, _) => {
                let name = first_ref.map(|name| name.strip_prefix("refs/tags/").unwrap_or(name));
                name.unwrap_or_default().into()
            }
            (Spot::File | Spot::Object, Some(member)) => {
                [occurrence.path.as_slice(), b"!/", member].concat().into()
            }
            _ => occurrence.path.clone(),
        };
        Self {
            spot,
            name,
            line: occurrence.location.start_line,
            object: occurrence.blob,
            commits,
            pushed_as: first_ref.cloned(),
        }
    }

    /// The place in a few words, such as `src/config.py:12 in commit 1a2b3c4d5e`.
    fn at(&self, fields: &Fields<'_>) -> String {
        let (name, line) = (fields.path(&self.name), self.line);
        let commit = self.commits.first().map(|commit| short(&commit.id));
        match (self.spot, commit) {
            (Spot::CommitMessage, _) => {
                format!(
                    "line {line} of the message of commit {}",
                    short(&self.object)
                )
            }
            (Spot::TagMessage, _) if name.is_empty() => {
                format!("line {line} of the message of tag {}", short(&self.object))
            }
            (Spot::TagMessage, _) => format!("line {line} of the message of tag {name}"),
            (Spot::File, Some(commit)) => format!("{name}:{line} (commit {commit})"),
            (Spot::File, None) => format!("{name}:{line}"),
            (Spot::Object, Some(commit)) => {
                format!(
                    "line {line} of blob {} (commit {commit})",
                    short(&self.object)
                )
            }
            (Spot::Object, None) => format!("line {line} of blob {}", short(&self.object)),
        }
    }
}

/// Whether a commit is where each of these refs will point. Refs of the push that hold it are
/// known for most commits; for others any tip will do.
fn is_tip(id: CommitId, refs: &[String], tips: &[PushedTip]) -> bool {
    let points = |tip: &PushedTip| tip.commit == Some(id);
    let holding = |tip: &&PushedTip| {
        refs.iter()
            .any(|name| tip.name == name.as_bytes().as_bstr())
    };
    tips.iter().any(points) && tips.iter().filter(holding).all(points)
}

/// What was found first, and how much else: `AWS secret access key in src/config.py:12 (commit
/// 1a2b3c4d5e) and 2 more secrets`.
pub(super) fn headline(told: &[&Told], fields: &Fields<'_>) -> Option<String> {
    let first = told.first()?;
    let what = fields.sentence(&first.what);
    let place = first.places.first();
    let at = place.map_or_else(String::new, |place| format!(" in {}", place.at(fields)));
    let more = match told.len() - 1 {
        0 => String::new(),
        n => format!(" and {}", counted(n as u64, "more secret")),
    };
    Some(format!("{what}{at}{more}"))
}

pub(super) fn short(id: &ObjectId) -> String {
    let mut text = id.to_string();
    text.truncate(ID_DIGITS);
    text
}

/// `1 commit`, `2 commits`.
pub(super) fn counted(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}
