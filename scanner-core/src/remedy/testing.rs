//! Findings for the tests of this module.

use crate::model::{
    Confidence, Finding, Fingerprint, Location, ObjectId, Occurrence, Proof, RuleInfo, Secret,
    Severity, Span, Where,
};
use std::sync::Arc;

/// A secret of a rule at a path of `HEAD`.
pub(super) fn finding(rule: &str, secret: &[u8], path: &str) -> Finding {
    let secret = Secret::new(secret);
    let occurrence = Occurrence {
        path: path.into(),
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
        also_introduced_in: vec![ObjectId::from_bytes(&[2; 20]).unwrap()],
        last_seen: Some(ObjectId::from_bytes(&[3; 20]).unwrap()),
        last_seen_seconds: None,
        refs: vec!["refs/heads/main".into(), "refs/tags/v1".into()],
        parts: Vec::new(),
        allowed_by: None,
    };
    Finding {
        fingerprint: Fingerprint::new(rule, &secret),
        rule: Arc::new(RuleInfo {
            id: rule.into(),
            description: "Acme access token".into(),
            severity: Severity::High,
            confidence: Confidence::High,
            remediation: "Revoke it at https://acme.example/tokens.".into(),
            references: vec!["https://acme.example/docs".into()],
            tags: Vec::new(),
        }),
        confidence: Confidence::High,
        secret,
        written: Vec::new(),
        proof: Proof::Plausible,
        notes: Vec::new(),
        occurrences: vec![occurrence],
        suppression: None,
    }
}
