//! How the command ends.

mod profile;

pub(crate) use profile::ExitProfile;

use scanner_core::{
    model::{Receipt, Report, Severity},
    scan::ScanError,
};
use scanner_sweep::store::StoreError;
use std::io;

/// Exit status for findings unless `--exit-code` says otherwise.
pub(crate) const FINDINGS: u8 = 1;

/// What the exit status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitStatus {
    /// Nothing that counts was found, and everything was looked at.
    Clean,
    /// Secrets were found; holds `--exit-code`.
    Findings(u8),
    /// Arguments that are none, or that contradict each other.
    Misuse,
    /// Configuration or usage is wrong, or something cannot be opened or written.
    Usage,
    /// Something could not be looked at, so that "clean" cannot be said.
    Incomplete,
    /// A fault of this program.
    Internal,
}

impl ExitStatus {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::Findings(code) => code,
            Self::Misuse | Self::Usage => 2,
            Self::Incomplete => 3,
            Self::Internal => 4,
        }
    }

    /// For something that counts as a finding, under `--exit-code`: 0 never fails because of one.
    pub(crate) fn for_findings(code: u8) -> Self {
        if code == 0 {
            Self::Clean
        } else {
            Self::Findings(code)
        }
    }

    /// Judges a report. Findings win over incompleteness: both stop a gate, and a finding is
    /// what someone can act on; the report says `complete: false` either way. Under
    /// `--exit-code 0`, and for findings below `--fail-on`, incompleteness still shows.
    pub(crate) fn of_report(report: &Report, policy: ExitPolicy) -> Self {
        let counts = report
            .open()
            .any(|finding| finding.rule.severity >= policy.fail_on);
        if counts && policy.findings_code != 0 {
            Self::for_findings(policy.findings_code)
        } else {
            Self::of_receipt(&report.receipt, policy)
        }
    }

    /// Judges what was looked at, whatever was found. Content absent by the repository's own
    /// declaration costs the status on demand only.
    pub(crate) fn of_receipt(receipt: &Receipt, policy: ExitPolicy) -> Self {
        let excused = !policy.require_complete && receipt.lacks_only_what_is_missing();
        if receipt.complete || excused {
            Self::Clean
        } else {
            Self::Incomplete
        }
    }
}

/// What the exit status depends on besides the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExitPolicy {
    /// Status for findings; 0 to never fail because of them.
    pub(crate) findings_code: u8,
    /// Least severity that counts.
    pub(crate) fail_on: Severity,
    /// Whether content that the repository itself declares absent costs the status too.
    pub(crate) require_complete: bool,
}

/// Why the command could not do its work. Messages say what failed and what to do, and hold no
/// content.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// Arguments or configuration that make no sense, or an input that cannot be opened.
    #[error("{0}")]
    Usage(String),
    /// The library refused.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// What sweeps remember cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Standard input cannot be read.
    #[error("cannot read standard input: {0}")]
    Input(#[source] io::Error),
    /// The report cannot be written.
    #[error("cannot write {place}: {source}")]
    Output {
        /// Where to.
        place: String,
        /// Why.
        source: io::Error,
    },
}

impl CliError {
    pub(crate) fn status(&self) -> ExitStatus {
        match self {
            Self::Usage(_)
            | Self::Input(_)
            | Self::Store(_)
            | Self::Output { .. }
            | Self::Scan(ScanError::Input(_) | ScanError::Engine(_)) => ExitStatus::Usage,
            Self::Scan(_) => ExitStatus::Internal,
        }
    }
}

/// Makes a panic say where it happened and nothing else: its message may hold scanned content.
pub(crate) fn quieten_panics() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map_or_else(
            || "an unknown place".to_owned(),
            |at| format!("{}:{}", at.file(), at.line()),
        );
        crate::output::notice(&format!(
            "internal error at {place} (version {}); nothing can be said about the input. Please \
             report this line",
            env!("CARGO_PKG_VERSION")
        ));
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::fixture;
    use scanner_core::model::{IssueKind, ScanIssue, SkipReason};

    const POLICY: ExitPolicy = ExitPolicy {
        findings_code: FINDINGS,
        fail_on: Severity::Low,
        require_complete: false,
    };

    fn report(complete: bool, kinds: &[IssueKind]) -> Report {
        let issues = kinds.iter().map(|&kind| ScanIssue {
            kind,
            object: None,
            path: None,
            message: "something".into(),
        });
        Report {
            findings: Vec::new(),
            receipt: Receipt {
                complete,
                issues: issues.collect(),
                ..Receipt::default()
            },
        }
    }

    #[test]
    fn damaged_unreadable_and_limited_content_costs_status_3() {
        for kind in [IssueKind::Corrupt, IssueKind::Unreadable, IssueKind::Limit] {
            let report = report(false, &[IssueKind::Missing, kind]);
            assert_eq!(
                ExitStatus::of_report(&report, POLICY),
                ExitStatus::Incomplete
            );
        }
        let mut skipped = report(false, &[IssueKind::Missing]);
        skipped.receipt.blobs.skipped = 1;
        skipped.receipt.blobs.skipped_by_reason = [(SkipReason::TooLarge, 1)].into();
        assert_eq!(
            ExitStatus::of_report(&skipped, POLICY),
            ExitStatus::Incomplete
        );
        let unexplained = report(false, &[]);
        assert_eq!(
            ExitStatus::of_report(&unexplained, POLICY),
            ExitStatus::Incomplete
        );
    }

    #[test]
    fn declared_absence_costs_status_3_on_demand_only() {
        let missing = report(false, &[IssueKind::Missing]);
        assert_eq!(ExitStatus::of_report(&missing, POLICY), ExitStatus::Clean);
        let strict = ExitPolicy {
            require_complete: true,
            ..POLICY
        };
        assert_eq!(
            ExitStatus::of_report(&missing, strict),
            ExitStatus::Incomplete
        );
        let note = report(true, &[IssueKind::Note]);
        assert_eq!(ExitStatus::of_report(&note, strict), ExitStatus::Clean);
    }

    #[test]
    fn findings_win_over_incompleteness_unless_they_do_not_count() {
        let mut found = fixture::report();
        found.receipt.complete = false;
        assert_eq!(
            ExitStatus::of_report(&found, POLICY),
            ExitStatus::Findings(1)
        );
        let never = ExitPolicy {
            findings_code: 0,
            ..POLICY
        };
        assert_eq!(ExitStatus::of_report(&found, never), ExitStatus::Incomplete);
        found
            .findings
            .retain(|f| f.rule.severity < Severity::Critical);
        let critical_only = ExitPolicy {
            fail_on: Severity::Critical,
            ..POLICY
        };
        assert!(!found.findings.is_empty());
        assert_eq!(
            ExitStatus::of_report(&found, critical_only),
            ExitStatus::Incomplete
        );
    }
}
