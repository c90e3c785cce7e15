//! Exit statuses of other scanners, for pipelines that were written for them.
//!
//! A profile changes numbers alone: what is a finding, and that findings win over incompleteness,
//! stays. Where a scanner has no status for incompleteness it gets that of an error: a pipeline
//! must not take for clean what was not looked at.

use super::{ExitStatus, FINDINGS};
use clap::ValueEnum;
use std::ffi::OsString;

/// Whose exit statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExitProfile {
    /// 1 for findings, errors and incompleteness, 126 for wrong usage
    Gitleaks,
    /// 0 for findings, 183 with --fail, 1 for everything that went wrong
    Trufflehog,
    /// 200 for findings, 1 for everything that went wrong
    Kingfisher,
}

impl ExitProfile {
    /// The profile that arguments name, whether they are right otherwise or not: wrong usage has a
    /// status of the profile too, and is found before arguments are understood.
    pub(crate) fn typed(args: &[OsString]) -> Option<Self> {
        let mut found = None;
        let mut args = args.iter().skip(1).map(|arg| arg.to_str().unwrap_or(""));
        while let Some(arg) = args.next() {
            let value = match arg {
                "--" => break,
                "--exit-profile" => args.next().unwrap_or(""),
                _ => match arg.strip_prefix("--exit-profile=") {
                    Some(value) => value,
                    None => continue,
                },
            };
            found = Self::from_str(value, false).ok();
        }
        found
    }

    /// The status for findings. 0 stands for "not because of findings", as in `--exit-code 0`.
    pub(crate) fn findings(self, fail: bool) -> u8 {
        match self {
            Self::Gitleaks => FINDINGS,
            Self::Trufflehog if fail => 183,
            Self::Trufflehog => 0,
            Self::Kingfisher => 200,
        }
    }

    /// The number for a status.
    pub(crate) fn code(self, status: ExitStatus) -> u8 {
        match (self, status) {
            (_, ExitStatus::Clean) => 0,
            (_, ExitStatus::Findings(code)) => code,
            (Self::Gitleaks, ExitStatus::Misuse) => 126,
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_profile_has_its_own_numbers() {
        use ExitStatus::{Clean, Findings, Incomplete, Internal, Misuse, Usage};
        let all = [Clean, Findings(9), Misuse, Usage, Incomplete, Internal];
        for (profile, wanted) in [
            (ExitProfile::Gitleaks, [0, 9, 126, 1, 1, 1]),
            (ExitProfile::Trufflehog, [0, 9, 1, 1, 1, 1]),
            (ExitProfile::Kingfisher, [0, 9, 1, 1, 1, 1]),
        ] {
            assert_eq!(all.map(|status| profile.code(status)), wanted);
        }
        assert_eq!(ExitProfile::Gitleaks.findings(false), 1);
        assert_eq!(ExitProfile::Trufflehog.findings(false), 0);
        assert_eq!(ExitProfile::Trufflehog.findings(true), 183);
        assert_eq!(ExitProfile::Kingfisher.findings(false), 200);
    }

    #[test]
    fn the_profile_is_known_also_where_other_arguments_are_wrong() {
        let typed = |words: &str| {
            let args: Vec<OsString> = words.split(' ').map(OsString::from).collect();
            ExitProfile::typed(&args)
        };
        let gitleaks = Some(ExitProfile::Gitleaks);
        assert_eq!(
            typed("gitsieve --no-such --exit-profile gitleaks ."),
            gitleaks
        );
        assert_eq!(
            typed("gitsieve --exit-profile=gitleaks --no-such"),
            gitleaks
        );
        assert_eq!(typed("gitsieve --exit-profile none"), None);
        assert_eq!(typed("gitsieve --exit-profile"), None);
        assert_eq!(typed("gitsieve dir -- --exit-profile gitleaks"), None);
    }
}
