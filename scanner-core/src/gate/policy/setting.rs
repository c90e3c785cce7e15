//! The values that a policy sets, and what holds where it says nothing.
//!
//! A policy's text is a base and overrides, each a list of [`Setting`]s. What holds for a
//! repository is the default with the base's settings applied, then those of each override that
//! names it, in the order of the file. So there is one place that says what a setting does.

use super::{AllowEntry, BreakGlass, Grant, RuleSelection};
use crate::{
    config::Globs,
    model::{Confidence, Severity},
};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// Declares a choice of a few words.
macro_rules! choice {
    (
        $(#[$about:meta])*
        $name:ident { $( $(#[$what:meta])* $variant:ident = $text:literal ),+ $(,)? }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
        pub enum $name { $( $(#[$what])* #[serde(rename = $text)] $variant ),+ }

        impl $name {
            /// Every choice, as a policy writes it.
            pub(super) const ALL: &[(&str, Self)] = &[$(($text, Self::$variant)),+];

            /// Returns the word that a policy uses.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }
    };
}

choice! {
    /// Whether the gate is in force.
    Mode {
        /// Nothing is scanned.
        Off = "off",
        /// Judges and logs, and lets every push pass.
        Audit = "audit",
        /// Blocks.
        Enforce = "enforce",
    }
}
choice! {
    /// What happens to a push that could not be scanned in time.
    AtDeadline {
        /// It passes.
        Open = "open",
        /// It passes after its newest commits were scanned; the others are scanned later.
        NewestFirst = "newest-first",
        /// It is blocked.
        Closed = "closed",
    }
}
choice! {
    /// What happens to a push of which something cannot be read or is damaged.
    OnError {
        /// It passes.
        Open = "open",
        /// It is blocked.
        Closed = "closed",
    }
}
choice! {
    /// What becomes of a secret that stood in a changed file before.
    OldSecrets {
        /// It is not mentioned.
        Off = "off",
        /// It is mentioned.
        Note = "note",
        /// It is treated like one that the push brings.
        Block = "block",
    }
}
choice! {
    /// What happens to a push with content that a limit of size cut off.
    LargeBlobs {
        /// It passes, and the content is mentioned.
        Note = "note",
        /// It is blocked.
        Block = "block",
    }
}
choice! {
    /// What a secret does to a push, from the mildest.
    Action {
        /// Nothing.
        Off = "off",
        /// It is shown.
        Warn = "warn",
        /// It blocks the push.
        Block = "block",
    }
}

/// What each severity and confidence does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VerdictTable([[Action; 3]; 4]);

/// Severities in the order of the table.
pub(in crate::gate) const SEVERITIES: [Severity; 4] = [
    Severity::Critical,
    Severity::High,
    Severity::Medium,
    Severity::Low,
];
/// Confidences in the order of the table.
pub(in crate::gate) const CONFIDENCES: [Confidence; 3] =
    [Confidence::High, Confidence::Medium, Confidence::Low];

impl Default for VerdictTable {
    /// Whatever is at least medium in both blocks; low severities warn, guesses are left out.
    fn default() -> Self {
        let block = [Action::Block, Action::Block, Action::Off];
        Self([
            block,
            block,
            block,
            [Action::Warn, Action::Warn, Action::Off],
        ])
    }
}

impl VerdictTable {
    /// Returns what a secret of these levels does.
    pub fn action(&self, severity: Severity, confidence: Confidence) -> Action {
        self.0[row(severity)][column(confidence)]
    }

    /// Returns the least confidence that does anything, which a scan must report from.
    pub fn least_confidence(&self) -> Confidence {
        let used = |column: usize| self.0.iter().any(|row| row[column] != Action::Off);
        match (used(2), used(1)) {
            (true, _) => Confidence::Low,
            (false, true) => Confidence::Medium,
            (false, false) => Confidence::High,
        }
    }

    fn set(&mut self, severity: Severity, confidence: Confidence, action: Action) {
        self.0[row(severity)][column(confidence)] = action;
    }
}

fn row(severity: Severity) -> usize {
    match severity {
        Severity::Critical => 0,
        Severity::High => 1,
        Severity::Medium => 2,
        Severity::Low => 3,
    }
}

fn column(confidence: Confidence) -> usize {
    match confidence {
        Confidence::High => 0,
        Confidence::Medium => 1,
        Confidence::Low => 2,
    }
}

/// What holds for one repository.
#[derive(Debug, Clone)]
pub struct Effective {
    /// Whether the gate is in force.
    pub mode: Mode,
    /// Longest time for a scan.
    pub deadline: Duration,
    /// What happens when it is over.
    pub at_deadline: AtDeadline,
    /// What happens when something cannot be read.
    pub on_error: OnError,
    /// What becomes of secrets that stood there before.
    pub old_secrets: OldSecrets,
    /// What becomes of content too large to scan.
    pub large_blobs: LargeBlobs,
    /// Largest content that is scanned, in bytes.
    pub max_blob_bytes: u64,
    /// Most bytes of new objects, compressed, that a push may bring; `None` for any number.
    pub max_push_bytes: Option<u64>,
    /// Threads of a scan, at least 1.
    pub threads: usize,
    /// Whether what an alternate's refs reach counts as known.
    pub trust_alternate_refs: bool,
    /// Whether `gitsieve:allow` on a secret's line lets it pass.
    pub inline_comments: bool,
    /// Whether the configuration of the default branch, as it was before the push, adds
    /// allowlists.
    pub repository_config: bool,
    /// Where what a deadline cut off is put down for later; there whenever `at_deadline` is
    /// [`AtDeadline::NewestFirst`].
    pub spool: Option<PathBuf>,
    /// Whom to ask, shown to people who are blocked. One line.
    pub contact: Option<String>,
    /// What each severity and confidence does.
    pub verdicts: VerdictTable,
    /// Which rules are used.
    pub rules: RuleSelection,
    /// The allow entries that may apply here, in the order of the file; expired ones are among
    /// them.
    pub allow: Vec<Arc<AllowEntry>>,
    /// How a blocked push can pass all the same.
    pub break_glass: BreakGlass,
    /// Lines of the `[[override]]` tables that applied, in that order.
    pub overrides: Vec<u32>,
}

impl Default for Effective {
    fn default() -> Self {
        Self {
            mode: Mode::Enforce,
            deadline: Duration::from_secs(4),
            at_deadline: AtDeadline::Closed,
            on_error: OnError::Closed,
            old_secrets: OldSecrets::Note,
            large_blobs: LargeBlobs::Note,
            max_blob_bytes: 50 << 20,
            max_push_bytes: None,
            threads: 4,
            trust_alternate_refs: false,
            inline_comments: false,
            repository_config: false,
            spool: None,
            contact: None,
            verdicts: VerdictTable::default(),
            rules: RuleSelection::default(),
            allow: Vec::new(),
            break_glass: BreakGlass::default(),
            overrides: Vec::new(),
        }
    }
}

/// One thing that a policy says.
#[derive(Debug, Clone)]
pub(super) enum Setting {
    Mode(Mode),
    Deadline(Duration),
    AtDeadline(AtDeadline),
    OnError(OnError),
    OldSecrets(OldSecrets),
    LargeBlobs(LargeBlobs),
    MaxBlobBytes(u64),
    MaxPushBytes(Option<u64>),
    Threads(usize),
    TrustAlternateRefs(bool),
    InlineComments(bool),
    RepositoryConfig(bool),
    Spool(PathBuf),
    Contact(String),
    Verdict(Severity, Confidence, Action),
    RuleConfig(PathBuf),
    RuleFiles(Vec<PathBuf>),
    OnlyRules(Vec<String>),
    ExcludeRules(Vec<String>),
    Allow(Arc<AllowEntry>),
    /// None where it is empty.
    PushOption(String),
    /// None where it is empty.
    Trailer(String),
    Users(Globs),
    PerDay(u32),
    Ledger(PathBuf),
    Grant(Arc<Grant>),
}

impl Setting {
    /// Makes it hold. Lists of exceptions grow; everything else is replaced.
    pub(super) fn apply(&self, to: &mut Effective) {
        match self.clone() {
            Self::Mode(mode) => to.mode = mode,
            Self::Deadline(deadline) => to.deadline = deadline,
            Self::AtDeadline(at_deadline) => to.at_deadline = at_deadline,
            Self::OnError(on_error) => to.on_error = on_error,
            Self::OldSecrets(old_secrets) => to.old_secrets = old_secrets,
            Self::LargeBlobs(large_blobs) => to.large_blobs = large_blobs,
            Self::MaxBlobBytes(bytes) => to.max_blob_bytes = bytes,
            Self::MaxPushBytes(bytes) => to.max_push_bytes = bytes,
            Self::Threads(threads) => to.threads = threads,
            Self::TrustAlternateRefs(trust) => to.trust_alternate_refs = trust,
            Self::InlineComments(count) => to.inline_comments = count,
            Self::RepositoryConfig(read) => to.repository_config = read,
            Self::Spool(path) => to.spool = Some(path),
            Self::Contact(contact) => to.contact = Some(contact),
            Self::Verdict(severity, confidence, action) => {
                to.verdicts.set(severity, confidence, action);
            }
            Self::RuleConfig(path) => to.rules.config = Some(path),
            Self::RuleFiles(paths) => to.rules.files = paths,
            Self::OnlyRules(ids) => to.rules.only = ids,
            Self::ExcludeRules(ids) => to.rules.exclude = ids,
            Self::Allow(entry) => to.allow.push(entry),
            Self::PushOption(name) => {
                to.break_glass.push_option = Some(name).filter(|name| !name.is_empty());
            }
            Self::Trailer(key) => to.break_glass.trailer = Some(key).filter(|key| !key.is_empty()),
            Self::Users(users) => to.break_glass.users = users,
            Self::PerDay(uses) => to.break_glass.per_day = Some(uses),
            Self::Ledger(path) => to.break_glass.ledger = Some(path),
            Self::Grant(grant) => to.break_glass.grants.push(grant),
        }
    }

    /// Whether it changes which rules are used.
    pub(super) fn is_about_rules(&self) -> bool {
        matches!(
            self,
            Self::RuleConfig(_) | Self::RuleFiles(_) | Self::OnlyRules(_) | Self::ExcludeRules(_)
        )
    }
}
