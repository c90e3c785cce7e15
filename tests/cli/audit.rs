//! Lines of the push gate's audit log are what their schema says.

use crate::report_fixture;
use scanner_core::{
    gate::audit::{
        AUDIT_SCHEMA, AuditBypass, AuditFinding, AuditOrigin, AuditRecord, AuditRun, AuditVerdict,
    },
    model::{IssueKind, Novelty, ObjectId, Receipt, RefUpdate, ScanIssue, SkipReason},
    report::Redactor,
};
use serde_json::Value;
use std::time::SystemTime;

fn record<'a>(
    refs: &'a [RefUpdate],
    receipt: Option<&'a Receipt>,
    findings: &'a [AuditFinding],
) -> AuditRecord<'a> {
    AuditRecord {
        time: SystemTime::UNIX_EPOCH,
        run_id: "1-2-3".into(),
        tool_version: "1.2.3".into(),
        origin: AuditOrigin::default(),
        refs,
        receipt,
        commits: 3,
        unscanned: 1,
        verdict: AuditVerdict::Allowed,
        exit: 0,
        mode: "enforce".into(),
        policy_hash: "abc".into(),
        run: AuditRun::default(),
        bypass: None,
        suppressed: 2,
        findings,
        error: None,
    }
}

fn errors(line: &[u8]) -> Vec<String> {
    let schema: Value = serde_json::from_str(AUDIT_SCHEMA).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let instance: Value = serde_json::from_slice(line).unwrap();
    validator
        .iter_errors(&instance)
        .map(|e| format!("{}: {e}", e.instance_path))
        .collect()
}

#[test]
fn the_shortest_and_the_fullest_line_are_what_the_schema_says() {
    let report = report_fixture::report();
    let redactor = Redactor::of_report(&report);
    let short = record(&[], None, &[]).to_line(&redactor);
    assert_eq!(errors(&short), [""; 0]);

    let id = |n: u8, len| ObjectId::from_bytes(&vec![n; len]);
    let update = |old, new| RefUpdate {
        name: "refs/heads/\u{1f980}".repeat(100).into(),
        old,
        new,
    };
    let refs = [
        update(None, id(1, 20)),
        update(id(1, 32), id(2, 32)),
        update(id(1, 20), None),
    ];
    let mut receipt = report.receipt.clone();
    let reasons = [
        SkipReason::TooLarge,
        SkipReason::Corrupt,
        SkipReason::Missing,
        SkipReason::Interrupted,
        SkipReason::Unreadable,
    ];
    receipt.blobs.skipped_by_reason = reasons.into_iter().map(|reason| (reason, 1)).collect();
    let kinds = [
        IssueKind::Corrupt,
        IssueKind::Unreadable,
        IssueKind::Limit,
        IssueKind::Missing,
        IssueKind::Note,
    ];
    receipt.issues = kinds
        .map(|kind| ScanIssue {
            kind,
            object: id(3, 20),
            path: Some("pack".into()),
            message: "x".repeat(2000),
        })
        .into();
    receipt.ruleset_hash = "ab".repeat(32);
    let found = report.findings.iter();
    let findings: Vec<AuditFinding> = found
        .flat_map(|f| [Novelty::Introduced, Novelty::Old].map(|n| AuditFinding::new(f, n, "block")))
        .collect();
    assert!(findings.len() > 2);
    let verdicts = [
        AuditVerdict::Allowed,
        AuditVerdict::AllowedIncomplete,
        AuditVerdict::AllowedBypass,
        AuditVerdict::AllowedAudit,
        AuditVerdict::Blocked,
        AuditVerdict::BlockedIncomplete,
        AuditVerdict::Error,
    ];
    for verdict in verdicts {
        let mut full = record(&refs, Some(&receipt), &findings);
        full.verdict = verdict;
        full.origin.user = Some("alice".into());
        full.origin.trigger = Some("push".into());
        full.run.deadline_ms = Some(4000);
        full.run.peak_rss_kib = Some(1);
        full.error = Some("x".into());
        full.bypass = Some(AuditBypass {
            kind: "push-option".into(),
            reason: "INC-42".into(),
            by: Some("alice".into()),
        });
        assert_eq!(errors(&full.to_line(&redactor)), [""; 0]);
    }
}

#[test]
fn the_schema_is_closed() {
    let line = record(&[], None, &[]).to_line(&Redactor::default());
    let mut value: Value = serde_json::from_slice(&line).unwrap();
    value["secret"] = "x".into();
    assert_eq!(errors(value.to_string().as_bytes()).len(), 1);
    value.as_object_mut().unwrap().remove("secret");
    value["counts"]["other"] = 1.into();
    assert_eq!(errors(value.to_string().as_bytes()).len(), 1);
}
