//! Findings for the tests of this module.

use crate::model::{
    Confidence, Finding, Fingerprint, Location, ObjectId, Occurrence, Proof, Report, RuleInfo,
    Secret, Severity, Span, SuppressedBy, Where,
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
        path: path.trim_start_matches('!').into(),
        member: None,
        location: Location {
            start_line: 1,
            start_column: 1,
            end_line: 1,
            end_column: 9,
            start_character: 1,
            end_character: 9,
        },
        span: Span::new(0, 9),
        encoding: Vec::new(),
        blob: ObjectId::from_bytes(&[1; 20]).unwrap(),
        place: Where::Head,
        introduced: None,
        also_introduced_in: Vec::new(),
        last_seen: None,
        last_seen_seconds: None,
        refs: Vec::new(),
        parts: Vec::new(),
        allowed_by: path.starts_with('!').then_some(SuppressedBy::Comment),
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
