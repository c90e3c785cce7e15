//! How the formats for other programs word what they show: one voice, and one place where text of
//! a repository is made fit to be shown (redacted first, printable second).

use super::{Redactor, printable, rfc3339};
use crate::model::{
    CommitInfo, Finding, ObjectId, Occurrence, Proof, Receipt, RuleInfo, ScanIssue, Severity,
    SkipReason, Suppression, Where,
};
use std::fmt::Write as _;

/// From the worst.
pub(super) const SEVERITIES: [Severity; 4] = [
    Severity::Critical,
    Severity::High,
    Severity::Medium,
    Severity::Low,
];

/// Hexadecimal digits of an id where people read it.
const ID_DIGITS: usize = 12;

/// A repository's text, fit to be shown.
pub(super) fn text(redactor: &Redactor, bytes: &[u8]) -> String {
    printable(&redactor.redact(bytes))
}

/// The credential: in full only where that was asked for.
pub(super) fn secret(redactor: &Redactor, secret: &crate::model::Secret) -> String {
    if redactor.reveals() {
        printable(secret.reveal())
    } else {
        secret.redacted()
    }
}

/// What a rule finds, without a full stop. Rules come from files, which need not be anyone's own.
pub(super) fn title(rule: &RuleInfo) -> String {
    let title = printable(rule.description.trim_end_matches('.').as_bytes());
    if title.is_empty() {
        printable(rule.id.as_bytes())
    } else {
        title
    }
}

/// What to do about a finding; never empty.
pub(super) fn remedy(rule: &RuleInfo) -> String {
    if rule.remediation.is_empty() {
        "Revoke the credential where it was issued, and keep its successor out of the repository."
            .to_owned()
    } else {
        printable(rule.remediation.as_bytes())
    }
}

/// The pages about a rule that can be linked to.
pub(super) fn pages(rule: &RuleInfo) -> impl Iterator<Item = &str> {
    let is_link = |page: &&str| {
        (page.starts_with("https://") || page.starts_with("http://"))
            && page
                .bytes()
                .all(|b| b.is_ascii_graphic() && !b"<>\"`\\^{}|".contains(&b))
    };
    rule.references.iter().map(String::as_str).filter(is_link)
}

pub(super) fn short(id: &ObjectId) -> String {
    let mut text = id.to_string();
    text.truncate(ID_DIGITS);
    text
}

/// The name of the content in which an occurrence stands: its path, or what it is where it has
/// none, and the member of a container.
pub(super) fn name(redactor: &Redactor, occurrence: &Occurrence) -> String {
    let mut name = if occurrence.path.is_empty() {
        unnamed(occurrence)
    } else {
        text(redactor, &occurrence.path)
    };
    if let Some(member) = &occurrence.member {
        name.push_str("!/");
        name.push_str(&text(redactor, member));
    }
    name
}

/// What content without a path is called.
pub(super) fn unnamed(occurrence: &Occurrence) -> String {
    let id = short(&occurrence.blob);
    match occurrence.place {
        Where::CommitMessage => format!("message of commit {id}"),
        Where::TagMessage => format!("message of tag {id}"),
        Where::Note => format!("note {id}"),
        Where::Stdin => "standard input".to_owned(),
        _ => format!("blob {id}"),
    }
}

/// Returns where an occurrence stands, `path:line:column` in bytes, redacted and printable; what it
/// stands in is named where that has no path.
pub fn position(redactor: &Redactor, occurrence: &Occurrence) -> String {
    let at = occurrence.location;
    let name = name(redactor, occurrence);
    format!("{name}:{}:{}", at.start_line, at.start_column)
}

/// Where an occurrence stands, after "it is".
pub(super) fn standing(place: Where) -> &'static str {
    match place {
        Where::Head => "still in HEAD",
        Where::Index => "staged, not committed yet",
        Where::Worktree => "in the working tree, not staged",
        Where::Ref => "not in HEAD, but in the history of a ref",
        Where::CommitMessage => "in a commit's message",
        Where::TagMessage => "in a tag's message",
        Where::Note => "in a note",
        Where::Unreachable => "unreachable: no ref leads to it, but the object is still there",
        Where::File => "in a file",
        Where::Stdin => "on standard input",
    }
}

/// `abc123 on 2024-02-29 by Ada <ada@example.com>`.
pub(super) fn commit(redactor: &Redactor, commit: &CommitInfo) -> String {
    let mut out = short(&commit.commit);
    if let Some(date) = rfc3339(commit.seconds, commit.offset_minutes) {
        let _ = write!(out, " on {}", &date[..10]);
    }
    let author = text(redactor, &commit.author);
    let email = text(redactor, &commit.email);
    let _ = write!(out, " by {author} <{email}>");
    out
}

/// One or two sentences on a finding, for formats that have one text for it.
pub(super) fn sentence(redactor: &Redactor, finding: &Finding) -> String {
    let title = title(&finding.rule);
    let mut out = format!("{title}: {}", secret(redactor, &finding.secret));
    out.push_str(match finding.proof {
        Proof::Proven => ", proven genuine by its own structure.",
        Proof::Plausible => ".",
        Proof::Failed => ", which fails the check of its structure.",
    });
    if let Some(first) = finding.occurrences.first() {
        let _ = write!(out, " At {}, ", position(redactor, first));
        out.push_str(standing(first.place));
        if let Some(by) = &first.introduced {
            let _ = write!(out, "; introduced in {}", commit(redactor, by));
        }
        out.push('.');
    }
    let others = finding.occurrences.len().saturating_sub(1);
    if others > 0 {
        let _ = write!(out, " Also in {}.", count(others as u64, "other place"));
    }
    out
}

/// Why a finding does not count, in a few words.
pub(super) fn suppression(redactor: &Redactor, suppression: &Suppression) -> String {
    let mut out = format!("{} ({})", suppression.status, by(suppression));
    if !suppression.reason.is_empty() {
        let _ = write!(out, ": {}", text(redactor, suppression.reason.as_bytes()));
    }
    if !suppression.owner.is_empty() {
        let _ = write!(
            out,
            ", says {}",
            text(redactor, suppression.owner.as_bytes())
        );
    }
    if let Some(day) = &suppression.expires {
        let _ = write!(out, ", until {}", printable(day.as_bytes()));
    }
    out
}

fn by(suppression: &Suppression) -> &'static str {
    use crate::model::SuppressedBy;
    match suppression.by {
        SuppressedBy::Comment => "a comment on its line",
        SuppressedBy::IgnoreFile => "an ignore file",
        SuppressedBy::Baseline => "a baseline",
    }
}

/// One problem of a receipt, in a line.
pub(super) fn issue(redactor: &Redactor, issue: &ScanIssue) -> String {
    let mut out = issue.kind.as_str().to_owned();
    if let Some(object) = &issue.object {
        let _ = write!(out, " {object}");
    }
    if let Some(path) = &issue.path {
        let _ = write!(out, " {}", text(redactor, path.as_bytes()));
    }
    let _ = write!(out, ": {}", text(redactor, issue.message.as_bytes()));
    out
}

/// What an incomplete scan left out, in a sentence; `None` for a complete one.
pub(super) fn left_out(receipt: &Receipt) -> Option<String> {
    if receipt.complete {
        return None;
    }
    let mut out = "Not everything could be scanned".to_owned();
    for (at, (reason, n)) in receipt.blobs.skipped_by_reason.iter().enumerate() {
        let _ = write!(out, "{} {n} ", if at == 0 { ":" } else { "," });
        out.push_str(match reason {
            SkipReason::TooLarge => "too large",
            SkipReason::Corrupt => "corrupt",
            SkipReason::Missing => "missing",
            SkipReason::Interrupted => "cut off by time or interruption",
            SkipReason::Unreadable => "unreadable",
        });
    }
    out.push('.');
    Some(out)
}

pub(super) fn count(n: u64, noun: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{plural}")
}

/// How many findings and places a report holds.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    by_severity: [u64; 4],
    places: u64,
}

impl Tally {
    pub(super) fn add(&mut self, finding: &Finding) {
        let severity = finding.rule.severity;
        let at = SEVERITIES.iter().position(|s| *s == severity);
        self.by_severity[at.unwrap_or_default()] += 1;
        self.places += finding.occurrences.len() as u64;
    }

    pub(super) fn findings(&self) -> u64 {
        self.by_severity.iter().sum()
    }

    pub(super) fn by_severity(&self) -> impl Iterator<Item = (Severity, u64)> {
        SEVERITIES.into_iter().zip(self.by_severity)
    }

    /// `2 secrets found in 3 places: 1 critical, 1 low`, or that there are none.
    pub(super) fn sentence(&self, receipt: &Receipt) -> String {
        match self.findings() {
            0 if receipt.complete => "No secrets found".to_owned(),
            0 => "No secrets found in what could be scanned".to_owned(),
            n => {
                let shares: Vec<String> = self
                    .by_severity()
                    .filter(|(_, n)| *n > 0)
                    .map(|(severity, n)| format!("{n} {severity}"))
                    .collect();
                let places = count(self.places, "place");
                format!(
                    "{} found in {places}: {}",
                    count(n, "secret"),
                    shares.join(", ")
                )
            }
        }
    }
}
