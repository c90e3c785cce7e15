//! What is decided about a finding.

use scanner_core::{
    model::TriageStatus,
    report::printable,
    triage::{BaselineEntry, Decision, InvalidDay},
};
use std::fmt;

/// What an entry of the baseline says of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) status: TriageStatus,
    pub(crate) reason: String,
    pub(crate) owner: String,
    /// The last day, `YYYY-MM-DD`, UTC.
    pub(crate) expires: Option<String>,
}

impl From<&BaselineEntry> for Verdict {
    fn from(entry: &BaselineEntry) -> Self {
        Self {
            status: entry.status,
            reason: entry.reason.clone(),
            owner: entry.owner.clone(),
            expires: entry.expires.clone(),
        }
    }
}

impl Verdict {
    /// The same, as a baseline takes it.
    ///
    /// # Errors
    /// Where the last day is none.
    pub(crate) fn decision(&self) -> Result<Decision, InvalidDay> {
        Decision::new(
            self.status,
            self.reason.clone(),
            self.owner.clone(),
            self.expires.clone(),
        )
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.status.as_str())?;
        for (before, text) in [
            (": ", Some(&self.reason)),
            ("; owner ", Some(&self.owner)),
            ("; until ", self.expires.as_ref()),
        ] {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                write!(f, "{before}{}", printable(text.as_bytes()))?;
            }
        }
        Ok(())
    }
}
