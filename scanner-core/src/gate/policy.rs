//! The policy of a server: one TOML file that says what blocks a push.
//!
//! A file is either understood as a whole or refused with every problem it has, each with its
//! line: a policy of which half holds would let pass what its author meant to block. What a key
//! means is said once, in `setting`; `parse` turns the text into settings.

mod exceptions;
mod parse;
mod sections;
mod setting;
mod sinks;
#[cfg(test)]
mod tests;

pub use exceptions::{AllowEntry, BreakGlass, Grant};
pub use setting::{
    Action, AtDeadline, Effective, LargeBlobs, Mode, OldSecrets, OnError, VerdictTable,
};
pub(in crate::gate) use setting::{CONFIDENCES, SEVERITIES};
pub use sinks::{AuditSettings, Syslog};

/// Everything wrong with a policy.
pub use crate::config::Problems as PolicyErrors;
pub use crate::config::Webhook;

use crate::config::Globs;
use setting::Setting;
use std::path::PathBuf;

/// Largest policy in bytes. A reader need not read further to see that it is refused.
pub const MAX_POLICY_BYTES: usize = 1 << 20;

/// Which rules a scan uses, as the options of a scan say it. Relative paths of the file are
/// joined to its directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleSelection {
    /// A configuration in place of the built-in rules.
    pub config: Option<PathBuf>,
    /// Files and directories of more rules.
    pub files: Vec<PathBuf>,
    /// Ids or globs of the rules to use; all when empty.
    pub only: Vec<String>,
    /// Ids or globs of the rules to leave out.
    pub exclude: Vec<String>,
}

/// A valid policy.
#[derive(Debug, Clone)]
pub struct Policy {
    hash: String,
    base: Vec<Setting>,
    overrides: Vec<Override>,
    audit: AuditSettings,
}

/// Settings for some repositories.
#[derive(Debug, Clone)]
struct Override {
    line: u32,
    repositories: Globs,
    settings: Vec<Setting>,
}

impl Default for Policy {
    /// The policy of an empty file.
    fn default() -> Self {
        Self {
            hash: hash_of(""),
            base: Vec::new(),
            overrides: Vec::new(),
            audit: AuditSettings::default(),
        }
    }
}

impl Policy {
    /// Reads a policy. `origin` is the file's path: it names the file in messages, and relative
    /// paths in the text start from its directory.
    ///
    /// # Errors
    /// Everything that is wrong with it. A policy of which any part cannot be used is refused.
    pub fn parse(text: &str, origin: &str) -> Result<Self, PolicyErrors> {
        parse::parse(text, origin)
    }

    /// Returns 64 hexadecimal digits of BLAKE3 over the text, which name it in audit records.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// Returns where runs are put down. No override changes it.
    pub fn audit(&self) -> &AuditSettings {
        &self.audit
    }

    /// Returns what holds for a repository, by the name that its server gives it.
    pub fn for_repository(&self, repository: &[u8]) -> Effective {
        let mut effective = self.for_all_others();
        for part in &self.overrides {
            if part.repositories.is_match(repository) {
                apply(&part.settings, &mut effective);
                effective.overrides.push(part.line);
            }
        }
        let here = |only: &Globs| only.is_empty() || only.is_match(repository);
        effective.allow.retain(|entry| here(&entry.repositories));
        effective
            .break_glass
            .grants
            .retain(|grant| here(&grant.repositories));
        effective
    }

    /// Returns what holds where no override applies, with the exceptions of every repository.
    pub fn for_all_others(&self) -> Effective {
        let mut effective = Effective::default();
        apply(&self.base, &mut effective);
        effective
    }

    /// Returns every choice of rules that the policy makes, with the line of the override that
    /// makes it; 0 for the base.
    pub fn rule_selections(&self) -> Vec<(u32, RuleSelection)> {
        let base = self.for_all_others();
        let mut selections = vec![(0, base.rules.clone())];
        for part in &self.overrides {
            if part.settings.iter().any(Setting::is_about_rules) {
                let mut changed = base.clone();
                apply(&part.settings, &mut changed);
                selections.push((part.line, changed.rules));
            }
        }
        selections
    }

    /// Returns whether anything is ever left to be finished after a push, for some repository.
    pub fn has_spool(&self) -> bool {
        self.all_settings()
            .any(|setting| matches!(setting, Setting::Spool(_)))
    }

    /// The overrides: each one's line and the globs of its repositories.
    pub(super) fn overrides(&self) -> impl Iterator<Item = (u32, &Globs)> {
        self.overrides
            .iter()
            .map(|part| (part.line, &part.repositories))
    }

    /// Every allow entry, wherever it stands.
    pub(super) fn all_allow_entries(&self) -> impl Iterator<Item = &AllowEntry> {
        self.all_settings().filter_map(|setting| match setting {
            Setting::Allow(entry) => Some(&**entry),
            _ => None,
        })
    }

    /// Every grant, wherever it stands.
    pub(super) fn all_grants(&self) -> impl Iterator<Item = &Grant> {
        self.all_settings().filter_map(|setting| match setting {
            Setting::Grant(grant) => Some(&**grant),
            _ => None,
        })
    }

    fn all_settings(&self) -> impl Iterator<Item = &Setting> {
        let of_overrides = self.overrides.iter().flat_map(|part| &part.settings);
        self.base.iter().chain(of_overrides)
    }
}

fn apply(settings: &[Setting], to: &mut Effective) {
    for setting in settings {
        setting.apply(to);
    }
}

fn hash_of(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}
