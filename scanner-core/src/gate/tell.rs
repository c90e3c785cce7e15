//! From a verdict to what people are told and what is recorded.

use super::{
    audit::{AuditBypass, AuditFinding, AuditVerdict},
    break_glass::{Way, ways},
    message::Outcome as Shown,
    message::{Action, CommitFacts, Exceptions, Incomplete, Message, Server, Shortfall, Told},
    policy::{Effective, LargeBlobs},
    verdict::{Cause, Judged, Outcome, Ruling, Verdict},
};
use crate::model::{CommitId, IssueKind, PushReport, ScanIssue};

/// Most issues that a text is given to choose from.
const MOST_DETAILS: usize = 20;

/// Most files that a note names.
const MOST_FILES: usize = 3;

/// Whom a text is for.
#[derive(Debug, Clone, Copy)]
pub struct Audience<'a> {
    /// The authenticated user, where the server says who it is.
    pub user: Option<&'a str>,
    /// Whether client and server agreed to have push options.
    pub push_options_negotiated: bool,
    /// Where it is shown.
    pub server: Server,
}

/// Makes the text of a verdict.
pub fn message(
    effective: &Effective,
    verdict: &Verdict,
    push: &PushReport,
    audience: Audience<'_>,
) -> Message {
    let mut message = Message::new(shown(&verdict.outcome));
    message.server = audience.server;
    let facts = |id: &CommitId| {
        let at = push
            .named
            .binary_search_by_key(id, |commit| commit.id)
            .ok()?;
        let commit = &push.named[at];
        Some(CommitFacts {
            seconds: commit.seconds,
            parents: commit.parents,
        })
    };
    for (finding, judged) in push.report.findings.iter().zip(&verdict.findings) {
        let action = match judged.ruling {
            Ruling::Block => Action::Blocked,
            Ruling::Warn => Action::Warned,
            Ruling::OldNote => Action::Old,
            Ruling::Off | Ruling::Allowed(_) | Ruling::InlineAllowed => continue,
        };
        let mut counted = finding.clone();
        counted.occurrences = judged
            .occurrences
            .iter()
            .filter_map(|&at| finding.occurrences.get(at).cloned())
            .collect();
        message
            .findings
            .push(Told::new(&counted, action, &push.tips, &facts));
    }
    message.limit = verdict.causes.iter().find_map(|cause| match cause {
        Cause::TooLarge { bytes, most } => Some(format!(
            "it brings {} of new objects, and the policy of this server takes at most {}",
            size(*bytes),
            size(*most)
        )),
        Cause::LargeBlobs => Some(format!(
            "it brings files of more than {}, which cannot be scanned in full: {}",
            size(effective.max_blob_bytes),
            large_files(verdict.unscanned.large, push)
        )),
        Cause::Secrets | Cause::Deadline | Cause::Unreadable => None,
    });
    message.incomplete = incomplete(effective, verdict, push);
    message.notes = notes(effective, verdict, push);
    for way in ways(effective, audience.user, audience.push_options_negotiated) {
        match way {
            Way::PushOption(name) => message.exceptions.push_option = Some(name),
            Way::Trailer(key) => message.exceptions.trailer = Some(key),
            Way::Contact(contact) => message.contact = Some(contact),
        }
    }
    message.exceptions = Exceptions {
        inline_comments: effective.inline_comments,
        ..message.exceptions
    };
    message
}

fn shown(outcome: &Outcome) -> Shown {
    match outcome {
        Outcome::Allowed | Outcome::AllowedWithWarnings | Outcome::AllowedIncomplete => {
            Shown::Passed
        }
        Outcome::Blocked | Outcome::BlockedIncomplete => Shown::Blocked,
        Outcome::WouldBlock => Shown::AuditOnly,
        Outcome::Bypassed(bypass) => Shown::LetThrough {
            way: bypass.by.as_str().replace('-', " "),
            reason: bypass.reason.as_str().into(),
        },
    }
}

fn incomplete(effective: &Effective, verdict: &Verdict, push: &PushReport) -> Option<Incomplete> {
    let unscanned = verdict.unscanned;
    let why = if unscanned.deadline {
        Shortfall::Deadline
    } else if unscanned.unreadable {
        Shortfall::Unreadable
    } else {
        return None;
    };
    let issues = push.report.receipt.issues.iter();
    let grave = issues.filter(|issue| issue.kind != IssueKind::Note);
    let later = effective.spool.is_some() && verdict.outcome.passes() && unscanned.deadline;
    Some(Incomplete {
        why,
        unscanned: unscanned.commits,
        commits: push.commits,
        details: grave.take(MOST_DETAILS).map(detail).collect(),
        later,
    })
}

fn detail(issue: &ScanIssue) -> String {
    match &issue.object {
        Some(object) => format!("object {object}: {}", issue.message),
        None => issue.message.clone(),
    }
}

fn notes(effective: &Effective, verdict: &Verdict, push: &PushReport) -> Vec<String> {
    let mut notes = Vec::new();
    let large = verdict.unscanned.large;
    if large > 0 && effective.large_blobs == LargeBlobs::Note {
        notes.push(format!(
            "not scanned in full, for more than {}: {}",
            size(effective.max_blob_bytes),
            large_files(large, push)
        ));
    }
    for (by, refused) in &verdict.break_glass.refused {
        let way = by.as_str().replace('-', " ");
        notes.push(format!("the exception by {way} was not given: {refused}"));
    }
    notes
}

/// Names some of the files that were too large.
fn large_files(large: u64, push: &PushReport) -> String {
    let issues = push.report.receipt.issues.iter();
    let limits = issues.filter(|issue| issue.kind == IssueKind::Limit);
    let files: Vec<&str> = limits.filter_map(|issue| issue.path.as_deref()).collect();
    let shown = &files[..files.len().min(MOST_FILES)];
    match (shown.is_empty(), large.saturating_sub(shown.len() as u64)) {
        (true, 1) => "one file".to_owned(),
        (true, _) => format!("{large} files"),
        (false, 0) => shown.join(", "),
        (false, more) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A size for people.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let text = format!("{value:.1}");
    format!(
        "{} {}",
        text.strip_suffix(".0").unwrap_or(&text),
        UNITS[unit]
    )
}

/// What is recorded of each finding.
pub fn audit_findings(verdict: &Verdict, push: &PushReport) -> Vec<AuditFinding> {
    let findings = push.report.findings.iter().zip(&push.novelty);
    findings
        .zip(&verdict.findings)
        .map(|((finding, novelty), judged)| AuditFinding::new(finding, *novelty, action(judged)))
        .collect()
}

fn action(judged: &Judged) -> &'static str {
    match judged.ruling {
        Ruling::Block => "block",
        Ruling::Warn => "warn",
        Ruling::OldNote => "note",
        Ruling::Off => "off",
        Ruling::Allowed(_) => "allow",
        Ruling::InlineAllowed => "inline-allow",
    }
}

/// What is recorded of the outcome.
pub fn audit_verdict(outcome: &Outcome) -> AuditVerdict {
    match outcome {
        Outcome::Allowed | Outcome::AllowedWithWarnings => AuditVerdict::Allowed,
        Outcome::AllowedIncomplete => AuditVerdict::AllowedIncomplete,
        Outcome::Bypassed(_) => AuditVerdict::AllowedBypass,
        Outcome::WouldBlock => AuditVerdict::AllowedAudit,
        Outcome::Blocked => AuditVerdict::Blocked,
        Outcome::BlockedIncomplete => AuditVerdict::BlockedIncomplete,
    }
}

/// What is recorded of an exception that was used by a user.
pub fn audit_bypass(outcome: &Outcome, user: Option<&str>) -> Option<AuditBypass> {
    let Outcome::Bypassed(bypass) = outcome else {
        return None;
    };
    Some(AuditBypass {
        kind: bypass.by.as_str().to_owned(),
        reason: bypass.reason.clone(),
        by: user.map(str::to_owned),
    })
}
