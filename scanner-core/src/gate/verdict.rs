//! Judges a push: what each finding does, and what becomes of the push.
//!
//! Everything here only ever adds: a finding more, a stricter action or a tighter limit never
//! lets a push pass that was blocked without it. A finding made is a finding made, however much
//! of the push was not scanned.

pub use super::break_glass::JudgeContext;
use super::{
    break_glass::{Bypass, Decision, decide},
    policy::{Action, AllowEntry, AtDeadline, Effective, LargeBlobs, Mode, OldSecrets, OnError},
};
use crate::model::{Finding, IssueKind, Novelty, PushReport, ScanIssue, SkipReason};

/// What a finding does to a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ruling {
    /// It blocks.
    Block,
    /// It is shown.
    Warn,
    /// It stood there before the push: mentioned, no more.
    OldNote,
    /// The policy has no interest in it.
    Off,
    /// Every place is covered by allow entries; holds the first one's reason.
    Allowed(String),
    /// A comment on the line asks to let it pass wherever no allow entry does.
    InlineAllowed,
}

/// A finding, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What it does.
    pub ruling: Ruling,
    /// Its occurrences that count, by index, sorted; those that are allowed are left out. Empty
    /// where none counts.
    pub occurrences: Vec<usize>,
}

/// What becomes of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It passes, and nothing need be said.
    Allowed,
    /// It passes, and something must be said.
    AllowedWithWarnings,
    /// It passes although not all of it was scanned, as the policy has it.
    AllowedIncomplete,
    /// It is blocked, by findings or a limit.
    Blocked,
    /// It is blocked because not all of it could be scanned.
    BlockedIncomplete,
    /// It would be blocked, and passes because someone who may broke the glass.
    Bypassed(Bypass),
    /// It would be blocked, were the policy in force.
    WouldBlock,
}

impl Outcome {
    /// Whether the push passes.
    pub fn passes(&self) -> bool {
        self.exit_status() == 0
    }

    /// Returns the hook's exit status: 0 to let pass, 1 for findings and limits, 2 for what could
    /// not be scanned.
    pub fn exit_status(&self) -> u8 {
        match self {
            Self::Allowed
            | Self::AllowedWithWarnings
            | Self::AllowedIncomplete
            | Self::Bypassed(_)
            | Self::WouldBlock => 0,
            Self::Blocked => 1,
            Self::BlockedIncomplete => 2,
        }
    }

    /// Returns the name used in records.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::AllowedWithWarnings => "allowed_with_warnings",
            Self::AllowedIncomplete => "allowed_incomplete",
            Self::Blocked => "blocked",
            Self::BlockedIncomplete => "blocked_incomplete",
            Self::Bypassed(_) => "bypassed",
            Self::WouldBlock => "would_block",
        }
    }
}

/// A cause why a push is blocked, or would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Findings.
    Secrets,
    /// It brings more bytes than the policy takes: `bytes` where `most` are allowed, compressed.
    TooLarge {
        /// What it brings.
        bytes: u64,
        /// What is allowed.
        most: u64,
    },
    /// Content was too large to scan in full.
    LargeBlobs,
    /// Time ran out.
    Deadline,
    /// Something is damaged, absent or cannot be read.
    Unreadable,
}

/// How many findings did what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// [`Ruling::Block`].
    pub blocking: u64,
    /// [`Ruling::Warn`].
    pub warnings: u64,
    /// [`Ruling::OldNote`].
    pub old: u64,
    /// [`Ruling::Off`].
    pub off: u64,
    /// [`Ruling::Allowed`].
    pub allowed: u64,
    /// [`Ruling::InlineAllowed`].
    pub inline_allowed: u64,
}

/// What was not scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Unscanned {
    /// Commits that time ran out for.
    pub commits: u64,
    /// Whether time ran out.
    pub deadline: bool,
    /// Contents that a limit of size left out or cut off; at least so many.
    pub large: u64,
    /// Whether anything is damaged, absent or cannot be read.
    pub unreadable: bool,
}

/// A push, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What becomes of it.
    pub outcome: Outcome,
    /// Why it is blocked or would be, sorted; empty where nothing is against it.
    pub causes: Vec<Cause>,
    /// One for each finding of the report, at the same index.
    pub findings: Vec<Judged>,
    /// How many findings did what.
    pub counts: Counts,
    /// What was not scanned.
    pub unscanned: Unscanned,
    /// What was asked for and did not open; looked at only where the push would be blocked in
    /// force.
    pub break_glass: Decision,
}

/// Judges a push by what holds for its repository.
pub fn judge(effective: &Effective, push: &PushReport, context: &JudgeContext<'_>) -> Verdict {
    let findings: Vec<Judged> = (0..push.report.findings.len())
        .map(|at| judge_finding(effective, push, at, context.now_seconds))
        .collect();
    let counts = count(&findings);
    let unscanned = unscanned(push);
    let mut verdict = Verdict {
        outcome: Outcome::Allowed,
        causes: Vec::new(),
        findings,
        counts,
        unscanned,
        break_glass: Decision::default(),
    };
    if effective.mode == Mode::Off {
        return verdict;
    }
    verdict.causes = causes(effective, push, &verdict);
    verdict.outcome = if verdict.causes.is_empty() {
        passing(effective, &verdict)
    } else if effective.mode == Mode::Audit {
        Outcome::WouldBlock
    } else {
        verdict.break_glass = decide(effective, context, &push.tips);
        match verdict.break_glass.bypass.clone() {
            Some(bypass) => Outcome::Bypassed(bypass),
            None if verdict.causes.iter().any(Cause::is_the_pushers) => Outcome::Blocked,
            None => Outcome::BlockedIncomplete,
        }
    };
    verdict
}

impl Cause {
    /// Whether the push itself is at fault, and not the scan.
    fn is_the_pushers(&self) -> bool {
        match self {
            Self::Secrets | Self::TooLarge { .. } | Self::LargeBlobs => true,
            Self::Deadline | Self::Unreadable => false,
        }
    }
}

fn causes(effective: &Effective, push: &PushReport, verdict: &Verdict) -> Vec<Cause> {
    let mut causes = Vec::new();
    if verdict.counts.blocking > 0 {
        causes.push(Cause::Secrets);
    }
    if let Some(most) = effective.max_push_bytes
        && push.stored_bytes > most
    {
        causes.push(Cause::TooLarge {
            bytes: push.stored_bytes,
            most,
        });
    }
    let unscanned = verdict.unscanned;
    if unscanned.large > 0 && effective.large_blobs == LargeBlobs::Block {
        causes.push(Cause::LargeBlobs);
    }
    if unscanned.deadline && effective.at_deadline == AtDeadline::Closed {
        causes.push(Cause::Deadline);
    }
    if unscanned.unreadable && effective.on_error == OnError::Closed {
        causes.push(Cause::Unreadable);
    }
    causes
}

/// What is said of a push that nothing is against.
fn passing(effective: &Effective, verdict: &Verdict) -> Outcome {
    let Verdict {
        counts, unscanned, ..
    } = verdict;
    if unscanned.deadline || unscanned.unreadable {
        Outcome::AllowedIncomplete
    } else if counts.warnings > 0
        || counts.old > 0
        || (unscanned.large > 0 && effective.large_blobs == LargeBlobs::Note)
    {
        Outcome::AllowedWithWarnings
    } else {
        Outcome::Allowed
    }
}

fn judge_finding(effective: &Effective, push: &PushReport, at: usize, now_seconds: i64) -> Judged {
    let finding = &push.report.findings[at];
    // What is not said to be old is new.
    let old = push.novelty.get(at) == Some(&Novelty::Old);
    let ruling = match effective
        .verdicts
        .action(finding.rule.severity, finding.confidence)
    {
        _ if effective.mode == Mode::Off => Ruling::Off,
        Action::Off => Ruling::Off,
        _ if old && effective.old_secrets == OldSecrets::Off => Ruling::Off,
        _ if old && effective.old_secrets == OldSecrets::Note => Ruling::OldNote,
        Action::Warn => Ruling::Warn,
        Action::Block => Ruling::Block,
    };
    if ruling == Ruling::Off {
        return Judged {
            ruling,
            occurrences: Vec::new(),
        };
    }
    let entries: Vec<&AllowEntry> = effective
        .allow
        .iter()
        .map(|entry| &**entry)
        .filter(|entry| entry.holds(now_seconds) && entry.is_about(finding))
        .collect();
    let inline = push
        .inline_allowed
        .get(at)
        .filter(|_| effective.inline_comments);
    let exempt = |number: usize| {
        let by_comment = inline.and_then(|all| all.get(number)) == Some(&true);
        by_comment || allowed_by(&entries, finding, number).is_some()
    };
    let places = 0..finding.occurrences.len();
    let occurrences: Vec<usize> = places.clone().filter(|&number| !exempt(number)).collect();
    let ruling = if !occurrences.is_empty() || finding.occurrences.is_empty() {
        ruling
    } else {
        let entry = places
            .filter_map(|number| allowed_by(&entries, finding, number))
            .min_by_key(|entry| entry.line);
        entry.map_or(Ruling::InlineAllowed, |entry| {
            Ruling::Allowed(entry.reason.clone())
        })
    };
    Judged {
        ruling,
        occurrences,
    }
}

fn allowed_by<'e>(
    entries: &[&'e AllowEntry],
    finding: &Finding,
    occurrence: usize,
) -> Option<&'e AllowEntry> {
    let covers = |entry: &&&AllowEntry| entry.covers(&finding.occurrences[occurrence]);
    entries.iter().find(covers).copied()
}

fn count(findings: &[Judged]) -> Counts {
    let mut counts = Counts::default();
    for judged in findings {
        *match judged.ruling {
            Ruling::Block => &mut counts.blocking,
            Ruling::Warn => &mut counts.warnings,
            Ruling::OldNote => &mut counts.old,
            Ruling::Off => &mut counts.off,
            Ruling::Allowed(_) => &mut counts.allowed,
            Ruling::InlineAllowed => &mut counts.inline_allowed,
        } += 1;
    }
    counts
}

/// Sorts what a scan could not look at by what the policy has a word on.
///
/// A limit that names an object cut that content off for its size (too large, an archive that
/// expands too far): a matter of `large-blobs`. One that names none is the deadline, or something
/// about the repository as a whole, which counts as unreadable. So does an incomplete scan that
/// does not say why: nothing unknown passes a closed gate.
fn unscanned(push: &PushReport) -> Unscanned {
    let receipt = &push.report.receipt;
    let skipped = |reason| {
        let by_reason = &receipt.blobs.skipped_by_reason;
        by_reason.get(&reason).copied().unwrap_or_default()
    };
    let interrupted = ScanIssue::interrupted();
    let mut out = Unscanned {
        commits: push.unscanned.len() as u64,
        deadline: !push.unscanned.is_empty() || skipped(SkipReason::Interrupted) > 0,
        large: 0,
        unreadable: [
            SkipReason::Corrupt,
            SkipReason::Missing,
            SkipReason::Unreadable,
        ]
        .into_iter()
        .any(|reason| skipped(reason) > 0),
    };
    for issue in &receipt.issues {
        match issue.kind {
            IssueKind::Limit if *issue == interrupted => out.deadline = true,
            IssueKind::Limit if issue.object.is_some() => out.large += 1,
            IssueKind::Limit | IssueKind::Corrupt | IssueKind::Unreadable | IssueKind::Missing => {
                out.unreadable = true;
            }
            IssueKind::Note => {}
        }
    }
    out.large = out.large.max(skipped(SkipReason::TooLarge));
    let explained = out.deadline || out.unreadable || out.large > 0;
    out.unreadable |= !receipt.complete && !explained;
    out
}

#[cfg(test)]
mod tests;
