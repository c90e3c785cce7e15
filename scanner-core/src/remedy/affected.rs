//! What a secret touches: paths, commits, branches, tags, pull requests.

use crate::{
    model::{
        Finding, Receipt,
        Where::{CommitMessage, File, Head, Index, Stdin, TagMessage, Worktree},
        rfc3339,
    },
    report::{Redactor, printable},
};
use serde::Serialize;
use std::{
    collections::BTreeSet,
    io::{self, Write},
};

/// Most refs that a report names for an occurrence.
const REFS_NAMED: usize = 16;
/// Where hosts keep the commits of proposed changes: no push of branches rewrites these.
const CHANGE_REFS: &[&str] = &[
    "refs/pull-requests/",
    "refs/pull/",
    "refs/merge-requests/",
    "refs/changes/",
];

/// What one secret touches. Texts are redacted and printable; lists are sorted.
#[derive(Debug, Clone, Serialize)]
pub struct Affected {
    /// Whose.
    pub fingerprint: String,
    /// Id of the rule.
    pub rule_id: String,
    /// The rule's sentence.
    #[serde(skip)]
    pub description: String,
    /// The rule's severity.
    pub severity: &'static str,
    /// The secret's redacted form.
    pub redacted: String,
    /// Where to store the value that takes its place.
    pub variable: String,
    /// The rule's way to revoke; may be empty.
    pub revoke: String,
    /// Pages about it.
    pub references: Vec<String>,
    /// Kinds of places, as reports name them.
    pub places: BTreeSet<&'static str>,
    /// Paths, with `!/` and the member inside a container.
    pub paths: BTreeSet<String>,
    /// Those of them that hold it now: in `HEAD`, the index, the working tree, or plain files.
    pub current_paths: BTreeSet<String>,
    /// Commits that introduced it first, one for each content and path.
    pub introduced: BTreeSet<String>,
    /// Date of the earliest author of those, RFC 3339.
    pub since: Option<String>,
    /// Other commits that introduced the same.
    pub also_introduced: BTreeSet<String>,
    /// Latest commits that hold it.
    pub last_seen: BTreeSet<String>,
    /// Blobs, and commits and tags whose message holds it.
    pub objects: BTreeSet<String>,
    /// Branches and other refs.
    pub refs: BTreeSet<String>,
    /// Tags.
    pub tags: BTreeSet<String>,
    /// Refs of pull requests and their like.
    pub pull_requests: BTreeSet<String>,
    /// Whether there may be more refs than are named (a report names 16 at most).
    pub more_refs: bool,
    /// Whether it is in the history, in some object that git keeps.
    pub in_history: bool,
    /// Whether it is in a message of a commit or tag.
    pub in_messages: bool,
}

impl Affected {
    /// Gathers what a finding touches.
    pub fn of(finding: &Finding, variable: String, redactor: &Redactor) -> Self {
        let shown = |text: &[u8]| printable(&redactor.redact(text));
        let rule = &finding.rule;
        let mut of = Self {
            fingerprint: finding.fingerprint.to_string(),
            rule_id: shown(rule.id.as_bytes()),
            description: shown(rule.description.as_bytes()),
            severity: rule.severity.as_str(),
            redacted: finding.secret.redacted(),
            variable,
            revoke: shown(rule.remediation.as_bytes()),
            references: rule
                .references
                .iter()
                .map(|r| shown(r.as_bytes()))
                .collect(),
            places: BTreeSet::new(),
            paths: BTreeSet::new(),
            current_paths: BTreeSet::new(),
            introduced: BTreeSet::new(),
            since: None,
            also_introduced: BTreeSet::new(),
            last_seen: BTreeSet::new(),
            objects: BTreeSet::new(),
            refs: BTreeSet::new(),
            tags: BTreeSet::new(),
            pull_requests: BTreeSet::new(),
            more_refs: false,
            in_history: false,
            in_messages: false,
        };
        let mut earliest: Option<(i64, i32)> = None;
        for o in &finding.occurrences {
            of.places.insert(o.place.as_str());
            let mut path = shown(&o.path);
            if let Some(member) = &o.member {
                path = format!("{path}!/{}", shown(member));
            }
            if matches!(o.place, Head | Index | Worktree | File) {
                of.current_paths.insert(path.clone());
            }
            if !path.is_empty() {
                of.paths.insert(path);
            }
            of.in_messages |= matches!(o.place, CommitMessage | TagMessage);
            if !matches!(o.place, Index | Worktree | File | Stdin) {
                of.in_history = true;
                of.objects.insert(o.blob.to_string());
            }
            if let Some(commit) = &o.introduced {
                of.introduced.insert(commit.commit.to_string());
                let when = (commit.seconds, commit.offset_minutes);
                earliest = Some(earliest.map_or(when, |other| other.min(when)));
            }
            let also = o.also_introduced_in.iter().map(ToString::to_string);
            of.also_introduced.extend(also);
            of.last_seen.extend(o.last_seen.map(|id| id.to_string()));
            of.more_refs |= o.refs.len() >= REFS_NAMED;
            for name in &o.refs {
                let list = if name.starts_with("refs/tags/") {
                    &mut of.tags
                } else if is_change(name) {
                    &mut of.pull_requests
                } else {
                    &mut of.refs
                };
                list.insert(shown(name.as_bytes()));
            }
        }
        of.since = earliest.and_then(|(seconds, offset)| rfc3339(seconds, offset));
        of
    }
}

fn is_change(name: &str) -> bool {
    CHANGE_REFS.iter().any(|start| name.starts_with(start))
}

/// What else holds the repository's objects. Texts are redacted and printable.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Surroundings {
    /// Object directories that the repository borrows from: a fork's parent.
    pub alternates: Vec<String>,
    /// All refs of pull requests and their like, whether they hold a secret or not.
    pub pull_request_refs: Vec<String>,
}

impl Surroundings {
    /// Takes the refs from a receipt, and the alternates as their file names them.
    pub fn new(receipt: &Receipt, alternates: &[Vec<u8>], redactor: &Redactor) -> Self {
        let shown = |text: &[u8]| printable(&redactor.redact(text));
        let changes = receipt.tips.keys().filter(|name| is_change(name));
        Self {
            alternates: alternates.iter().map(|path| shown(path)).collect(),
            pull_request_refs: changes.map(|name| shown(name.as_bytes())).collect(),
        }
    }
}

/// Writes all as one JSON document, an element at a time.
///
/// # Errors
/// What the writer says.
pub fn write_affected(
    out: &mut dyn Write,
    affected: &[Affected],
    surroundings: &Surroundings,
) -> io::Result<()> {
    out.write_all(b"{\"gitsieve_affected\":1,\"surroundings\":")?;
    serde_json::to_writer(&mut *out, surroundings)?;
    out.write_all(b",\"findings\":[")?;
    for (n, one) in affected.iter().enumerate() {
        out.write_all(if n == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut *out, one)?;
    }
    out.write_all(b"\n]}\n")
}

#[cfg(test)]
mod tests {
    use super::super::testing::finding;
    use super::*;

    #[test]
    fn refs_are_sorted_by_kind_and_no_secret_shows() {
        let secret = b"long-enough-secret";
        let mut found = finding("r", secret, "a/long-enough-secret.env");
        let refs = ["refs/heads/long-enough-secret", "refs/pull-requests/7/from"];
        found.occurrences[0].refs.extend(refs.map(str::to_owned));
        let redactor = Redactor::new([found.secret.clone()]);
        let affected = Affected::of(&found, "R".into(), &redactor);
        let pulls: Vec<_> = affected.pull_requests.iter().collect();
        assert_eq!(pulls, ["refs/pull-requests/7/from"]);
        assert!(affected.tags.contains("refs/tags/v1") && affected.refs.len() == 2);
        assert!(affected.in_history && !affected.in_messages && !affected.more_refs);
        let mut json = Vec::new();
        write_affected(&mut json, &[affected], &Surroundings::default()).unwrap();
        let text = String::from_utf8(json).unwrap();
        assert!(!text.contains("long-enough-secret"), "{text}");
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["findings"][0]["variable"], "R");
    }
}
