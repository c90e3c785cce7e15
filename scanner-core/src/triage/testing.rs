//! Findings for the tests of this module.

use crate::model::{
    Confidence, Finding, Fingerprint, Occurrence, Proof, Report, RuleInfo, Secret, Severity,
    SuppressedBy, testing::occurrence,
};
use std::sync::Arc;

pub(super) const RULE: &str = "acme-token";

/// The fingerprint of a secret.
pub(super) fn fingerprint(secret: &str) -> Fingerprint {
    Fingerprint::new(RULE, &Secret::new(secret.as_bytes()))
}

/// A secret at some paths. One that starts with `!` is let pass by a comment.
pub(super) fn finding(secret: &str, paths: &[&str]) -> Finding {
    let secret = Secret::new(secret.as_bytes());
    let rule = RuleInfo {
        id: RULE.into(),
        description: "Acme access token".into(),
        severity: Severity::High,
        confidence: Confidence::High,
        remediation: String::new(),
        references: Vec::new(),
        tags: Vec::new(),
    };
    let occurrence = |path: &&str| Occurrence {
        allowed_by: path.starts_with('!').then_some(SuppressedBy::Comment),
        ..occurrence(path.trim_start_matches('!'))
    };
    Finding {
        fingerprint: Fingerprint::new(RULE, &secret),
        rule: Arc::new(rule),
        confidence: Confidence::High,
        secret,
        written: Vec::new(),
        proof: Proof::Plausible,
        notes: Vec::new(),
        occurrences: paths.iter().map(occurrence).collect(),
        suppression: None,
    }
}

/// A report with each secret at a path of its own.
pub(super) fn report(secrets: &[&str]) -> Report {
    let mut report = Report::default();
    for secret in secrets {
        report
            .findings
            .push(finding(secret, &[&format!("dir/{secret}.env")]));
    }
    report
}
