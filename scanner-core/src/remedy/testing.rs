//! Findings for the tests of this module.

use crate::model::{
    Confidence, Finding, Fingerprint, ObjectId, Occurrence, Proof, RuleInfo, Secret, Severity,
    testing::occurrence,
};
use std::sync::Arc;

/// A secret of a rule at a path of `HEAD`.
pub(super) fn finding(rule: &str, secret: &[u8], path: &str) -> Finding {
    let secret = Secret::new(secret);
    let id = |fill| ObjectId::from_bytes(&[fill; 20]).unwrap();
    let occurrence = Occurrence {
        also_introduced_in: vec![id(2)],
        last_seen: Some(id(3)),
        refs: vec!["refs/heads/main".into(), "refs/tags/v1".into()],
        ..occurrence(path)
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
