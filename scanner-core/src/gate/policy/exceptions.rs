//! Exceptions: what an administrator allows beforehand, and how a blocked push may pass.

use crate::{
    config::Globs,
    gate::expiry::Expiry,
    model::{Finding, Occurrence},
};
use std::path::PathBuf;

/// An `[[allow]]` entry: findings that are known and accepted. Every part that is given must
/// match.
#[derive(Debug, Clone)]
pub struct AllowEntry {
    /// Where it stands in the policy.
    pub line: u32,
    /// Why, for people and audit records.
    pub reason: String,
    /// When it ends.
    pub expires: Option<Expiry>,
    /// Repositories it holds in; all when empty.
    pub repositories: Globs,
    /// Fingerprints, sorted; any when empty.
    pub(super) fingerprints: Vec<String>,
    /// Rule ids; any when empty.
    pub(super) rules: Globs,
    /// Paths; any when empty.
    pub(super) paths: Globs,
}

impl AllowEntry {
    /// Whether it holds now.
    pub fn holds(&self, now_seconds: i64) -> bool {
        self.expires
            .is_none_or(|expiry| !expiry.has_passed(now_seconds))
    }

    /// Whether it is about this finding, as far as its fingerprint and rule say.
    pub(crate) fn is_about(&self, finding: &Finding) -> bool {
        let fingerprint = finding.fingerprint.as_str();
        let named = self.fingerprints.is_empty()
            || self
                .fingerprints
                .binary_search_by(|known| known.as_str().cmp(fingerprint))
                .is_ok();
        named && (self.rules.is_empty() || self.rules.is_match(&finding.rule.id))
    }

    /// Whether it covers a place. Paths are tried on the file's path and, in a container, on the
    /// path with the member's; what has no path (a message) is on no list of paths.
    pub(crate) fn covers(&self, occurrence: &Occurrence) -> bool {
        if self.paths.is_empty() {
            return true;
        }
        if occurrence.path.is_empty() {
            return false;
        }
        let within = || {
            let member = occurrence.member.as_deref()?;
            let whole = [&**occurrence.path, b"!/", member].concat();
            Some(self.paths.is_match(whole))
        };
        self.paths.is_match(&*occurrence.path) || within() == Some(true)
    }
}

/// How a blocked push may pass all the same.
#[derive(Debug, Clone, Default)]
pub struct BreakGlass {
    /// Name of the push option; `None` where there is none.
    pub push_option: Option<String>,
    /// Key of the trailer in commit messages; `None` where there is none.
    pub trailer: Option<String>,
    /// Users who may ask for it with either.
    pub users: Globs,
    /// Uses of a user in 24 hours; `None` for any number.
    pub per_day: Option<u32>,
    /// Where uses are put down; there whenever `per_day` is.
    pub ledger: Option<PathBuf>,
    /// What administrators granted, in the order of the file; expired ones are among them.
    pub grants: Vec<std::sync::Arc<Grant>>,
}

/// A `[[break-glass.grants]]` entry: pushes that pass until a moment. Every part that is given
/// must match.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Where it stands in the policy.
    pub line: u32,
    /// Users; any, known or not, when empty.
    pub users: Globs,
    /// Repositories; all when empty.
    pub repositories: Globs,
    /// Why, for people and audit records.
    pub reason: String,
    /// When it ends.
    pub expires: Expiry,
}

impl Grant {
    /// Whether it holds now for a user.
    pub fn holds(&self, user: Option<&str>, now_seconds: i64) -> bool {
        let of_user = || user.is_some_and(|user| self.users.is_match(user));
        !self.expires.has_passed(now_seconds) && (self.users.is_empty() || of_user())
    }
}
