use super::*;
use crate::{
    gate::policy::Policy,
    model::{
        BlobId, CommitId, Confidence, Fingerprint, Occurrence, Proof, PushedTip, RuleInfo, Secret,
        Severity, Where, testing,
    },
};
use bstr::BString;
use proptest::prelude::*;
use std::sync::Arc;

const NOW: i64 = 1_796_000_000;

fn effective(text: &str) -> Effective {
    Policy::parse(text, "p").unwrap().for_repository(b"P/r")
}

fn judged(policy: &str, push: &PushReport) -> Verdict {
    let context = JudgeContext {
        now_seconds: NOW,
        user: Some("alice"),
        push_options: None,
        ledger: None,
    };
    judge(&effective(policy), push, &context)
}

fn outcome(policy: &str, push: &PushReport) -> Outcome {
    judged(policy, push).outcome
}

fn occurrence(path: &str) -> Occurrence {
    Occurrence {
        place: Where::Ref,
        ..testing::occurrence(path)
    }
}

fn id(byte: u8) -> BlobId {
    BlobId::from_bytes(&[byte; 20]).unwrap()
}

fn finding(rule: &str, severity: Severity, confidence: Confidence, paths: &[&str]) -> Finding {
    let secret = Secret::new(rule.as_bytes());
    Finding {
        rule: Arc::new(RuleInfo {
            id: rule.to_owned(),
            description: String::new(),
            severity,
            confidence,
            remediation: String::new(),
            references: Vec::new(),
            tags: Vec::new(),
        }),
        confidence,
        fingerprint: Fingerprint::new(rule, &secret),
        secret,
        written: Vec::new(),
        proof: Proof::Plausible,
        notes: Vec::new(),
        occurrences: paths.iter().map(|path| occurrence(path)).collect(),
        suppression: None,
    }
}

/// A push that was scanned in full and brought these.
fn push(findings: Vec<Finding>) -> PushReport {
    let mut push = PushReport {
        novelty: vec![Novelty::Introduced; findings.len()],
        inline_allowed: findings
            .iter()
            .map(|f| vec![false; f.occurrences.len()])
            .collect(),
        ..PushReport::default()
    };
    push.report.findings = findings;
    push.report.receipt.complete = true;
    push
}

fn critical(paths: &[&str]) -> PushReport {
    push(vec![finding(
        "github-pat",
        Severity::Critical,
        Confidence::High,
        paths,
    )])
}

fn issue(kind: IssueKind, object: bool) -> ScanIssue {
    ScanIssue {
        kind,
        object: object.then(|| id(2)),
        path: None,
        message: "x".to_owned(),
    }
}

/// A push in which a scan met this.
fn incomplete(issue: ScanIssue) -> PushReport {
    let mut push = push(Vec::new());
    push.report.receipt.complete = false;
    push.report.receipt.issues = vec![issue];
    push
}

#[test]
fn levels_decide_what_a_finding_does() {
    assert_eq!(outcome("", &push(Vec::new())), Outcome::Allowed);
    let of = |policy: &str, severity, confidence| {
        let push = push(vec![finding("r", severity, confidence, &["a"])]);
        let verdict = judged(policy, &push);
        (verdict.outcome.clone(), verdict.findings[0].ruling.clone())
    };
    let (critical, low) = (Severity::Critical, Severity::Low);
    let (sure, guess) = (Confidence::High, Confidence::Low);
    assert_eq!(of("", critical, sure), (Outcome::Blocked, Ruling::Block));
    assert_eq!(of("", critical, guess), (Outcome::Allowed, Ruling::Off));
    assert_eq!(
        of("", low, sure),
        (Outcome::AllowedWithWarnings, Ruling::Warn)
    );
    let strict = "[verdict]\nlow = { low = \"block\" }";
    assert_eq!(of(strict, low, guess), (Outcome::Blocked, Ruling::Block));
    assert_eq!(
        of("mode = \"audit\"", critical, sure),
        (Outcome::WouldBlock, Ruling::Block)
    );
    assert_eq!(
        of("mode = \"off\"", critical, sure),
        (Outcome::Allowed, Ruling::Off)
    );
}

#[test]
fn old_secrets_do_what_the_policy_says() {
    let mut push = critical(&["a"]);
    push.novelty = vec![Novelty::Old];
    let of = |policy: &str| {
        (
            outcome(policy, &push),
            judged(policy, &push).findings[0].ruling.clone(),
        )
    };
    assert_eq!(of(""), (Outcome::AllowedWithWarnings, Ruling::OldNote));
    assert_eq!(of("old-secrets = \"off\""), (Outcome::Allowed, Ruling::Off));
    assert_eq!(
        of("old-secrets = \"block\""),
        (Outcome::Blocked, Ruling::Block)
    );
    assert_eq!(
        of("[verdict]\ncritical = \"off\""),
        (Outcome::Allowed, Ruling::Off)
    );
    push.novelty.clear();
    assert_eq!(outcome("", &push), Outcome::Blocked);
}

#[test]
fn allow_entries_take_away_places_and_only_all_of_them_a_finding() {
    let push = critical(&["src/a.rs", "tests/fixtures/b", ""]);
    let entry = |text: &str| judged(&format!("[[allow]]\nreason = \"INC\"\n{text}"), &push);
    let paths = entry("paths = [\"tests/fixtures/**\"]");
    assert_eq!(
        (paths.outcome, &*paths.findings[0].occurrences),
        (Outcome::Blocked, &[0, 2][..])
    );
    // What has no path is on no list of paths.
    assert_eq!(entry("paths = [\"**\"]").findings[0].occurrences, [2]);
    let rule = entry("rules = [\"github-*\"]");
    assert_eq!(rule.outcome, Outcome::Allowed);
    assert_eq!(rule.findings[0].ruling, Ruling::Allowed("INC".to_owned()));
    assert_eq!(rule.counts.allowed, 1);
    let print = push.report.findings[0].fingerprint.as_str();
    let by_print = |more: &str| entry(&format!("fingerprints = [\"{print}\"]\n{more}")).outcome;
    assert_eq!(by_print(""), Outcome::Allowed);
    assert_eq!(by_print("expires = 2026-11-30"), Outcome::Allowed);
    assert_eq!(by_print("expires = 2026-11-29"), Outcome::Blocked);
    assert_eq!(by_print("rules = [\"other\"]"), Outcome::Blocked);
    assert_eq!(by_print("repositories = [\"P/*\"]"), Outcome::Allowed);
    assert_eq!(by_print("repositories = [\"Q/*\"]"), Outcome::Blocked);
    let other = "fingerprints = [\"v1:00000000000000000000000000000000\"]";
    assert_eq!(entry(other).outcome, Outcome::Blocked);
}

#[test]
fn paths_are_tried_with_and_without_the_member() {
    let mut push = critical(&["lib/a.jar"]);
    push.report.findings[0].occurrences[0].member = Some("conf/x".into());
    let of = |glob: &str| {
        outcome(
            &format!("[[allow]]\nreason = \"INC\"\npaths = [\"{glob}\"]"),
            &push,
        )
    };
    assert_eq!(of("lib/*.jar"), Outcome::Allowed);
    assert_eq!(of("lib/a.jar!/conf/x"), Outcome::Allowed);
    assert_eq!(of("conf/x"), Outcome::Blocked);
}

#[test]
fn comments_count_only_where_the_policy_has_them_count() {
    let mut push = critical(&["a", "b"]);
    push.inline_allowed = vec![vec![true, false]];
    let policy = "inline-comments = true";
    assert_eq!(judged(policy, &push).findings[0].occurrences, [1]);
    push.inline_allowed = vec![vec![true, true]];
    let verdict = judged(policy, &push);
    assert_eq!(
        (verdict.outcome, verdict.counts.inline_allowed),
        (Outcome::Allowed, 1)
    );
    assert_eq!(outcome("", &push), Outcome::Blocked);
    push.inline_allowed.clear();
    assert_eq!(outcome(policy, &push), Outcome::Blocked);
}

#[test]
fn what_was_not_scanned_is_judged_by_its_cause() {
    let mut late = incomplete(ScanIssue::interrupted());
    late.unscanned = vec![CommitId::from_bytes(&[3; 20]).unwrap()];
    for (deadline, expected) in [
        ("closed", Outcome::BlockedIncomplete),
        ("open", Outcome::AllowedIncomplete),
        ("newest-first", Outcome::AllowedIncomplete),
    ] {
        let policy = format!("spool = \"/s\"\non-error = \"closed\"\nat-deadline = \"{deadline}\"");
        assert_eq!(outcome(&policy, &late), expected, "{deadline}");
        // A finding already made always blocks.
        let mut found = critical(&["a"]);
        found.report.receipt = late.report.receipt.clone();
        found.unscanned.clone_from(&late.unscanned);
        assert_eq!(outcome(&policy, &found), Outcome::Blocked);
    }
    // Where it is not known which commits are left, all of them are put down for later.
    let newest = "spool = \"/s\"\nat-deadline = \"newest-first\"";
    let unknown = incomplete(ScanIssue::interrupted());
    assert_eq!(outcome(newest, &unknown), Outcome::AllowedIncomplete);

    for kind in [
        IssueKind::Corrupt,
        IssueKind::Unreadable,
        IssueKind::Missing,
    ] {
        let damaged = incomplete(issue(kind, true));
        let policy = "on-error = \"open\"";
        assert_eq!(
            judged("at-deadline = \"open\"", &damaged).causes,
            [Cause::Unreadable]
        );
        assert_eq!(outcome(policy, &damaged), Outcome::AllowedIncomplete);
    }
    assert_eq!(
        outcome("", &incomplete(issue(IssueKind::Limit, false))),
        Outcome::BlockedIncomplete
    );

    let mut large = incomplete(issue(IssueKind::Limit, true));
    large.report.receipt.blobs.skipped_by_reason = [(SkipReason::TooLarge, 1)].into();
    assert_eq!(outcome("", &large), Outcome::AllowedWithWarnings);
    assert_eq!(judged("", &large).unscanned.large, 1);
    assert_eq!(outcome("large-blobs = \"block\"", &large), Outcome::Blocked);

    let mut silent = push(Vec::new());
    silent.report.receipt.complete = false;
    assert_eq!(outcome("", &silent), Outcome::BlockedIncomplete);
    let noted = incomplete(issue(IssueKind::Note, true));
    assert_eq!(outcome("mode = \"audit\"", &noted), Outcome::WouldBlock);
    silent.report.receipt.complete = true;
    silent.report.receipt.issues = noted.report.receipt.issues;
    assert_eq!(outcome("", &silent), Outcome::Allowed);
}

#[test]
fn a_push_beyond_the_size_allowed_is_blocked() {
    let mut push = push(Vec::new());
    push.stored_bytes = 1025;
    let verdict = judged("max-push-size = \"1K\"", &push);
    assert_eq!(verdict.outcome, Outcome::Blocked);
    assert_eq!(
        verdict.causes,
        [Cause::TooLarge {
            bytes: 1025,
            most: 1024
        }]
    );
    push.stored_bytes = 1024;
    assert_eq!(outcome("max-push-size = \"1K\"", &push), Outcome::Allowed);
}

#[test]
fn breaking_the_glass_opens_what_is_blocked_and_nothing_else() {
    let grant =
        "[[break-glass.grants]]\nusers = [\"alice\"]\nreason = \"INC\"\nexpires = 2027-01-01";
    let Outcome::Bypassed(bypass) = outcome(grant, &critical(&["a"])) else {
        panic!("a grant opens");
    };
    assert_eq!(bypass.reason, "INC");
    let damaged = incomplete(issue(IssueKind::Corrupt, true));
    assert!(matches!(outcome(grant, &damaged), Outcome::Bypassed(_)));
    assert_eq!(outcome(grant, &push(Vec::new())), Outcome::Allowed);
    let audit = judged(&format!("mode = \"audit\"\n{grant}"), &critical(&["a"]));
    assert_eq!(
        (audit.outcome, audit.break_glass),
        (Outcome::WouldBlock, Decision::default())
    );
    let asked = "[break-glass]\ntrailer = \"Skip\"\nusers = [\"bob\"]";
    let mut refused = critical(&["a"]);
    refused.tips = vec![PushedTip {
        name: "refs/heads/a".into(),
        commit: CommitId::from_bytes(&[1; 20]),
        message: BString::from("S\n\nSkip: x\nSigned-off-by: A"),
    }];
    let verdict = judged(asked, &refused);
    assert_eq!(
        (verdict.outcome, verdict.break_glass.refused.len()),
        (Outcome::Blocked, 1)
    );
}

#[test]
fn statuses_and_names_are_the_documented_ones() {
    for (outcome, status, name) in [
        (Outcome::Allowed, 0, "allowed"),
        (Outcome::AllowedIncomplete, 0, "allowed_incomplete"),
        (Outcome::WouldBlock, 0, "would_block"),
        (Outcome::Blocked, 1, "blocked"),
        (Outcome::BlockedIncomplete, 2, "blocked_incomplete"),
    ] {
        assert_eq!((outcome.exit_status(), outcome.as_str()), (status, name));
        assert_eq!(outcome.passes(), status == 0);
    }
}

/// How far an outcome stands from letting pass.
fn strictness(outcome: &Outcome) -> u8 {
    outcome.exit_status().min(1)
}

fn any_finding() -> impl Strategy<Value = (Finding, Novelty, Vec<bool>)> {
    let severity = prop::sample::select(vec![Severity::Low, Severity::Medium, Severity::Critical]);
    let confidence =
        prop::sample::select(vec![Confidence::Low, Confidence::Medium, Confidence::High]);
    let novelty = prop::sample::select(vec![Novelty::Introduced, Novelty::Old]);
    let paths = prop::collection::vec(prop::sample::select(vec!["", "src/a", "tests/b"]), 1..4);
    let rule = prop::sample::select(vec!["a-key", "b-key"]);
    (
        severity,
        confidence,
        novelty,
        paths,
        rule,
        any::<[bool; 4]>(),
    )
        .prop_map(|(severity, confidence, novelty, paths, rule, inline)| {
            let inline = inline[..paths.len()].to_vec();
            (finding(rule, severity, confidence, &paths), novelty, inline)
        })
}

fn of_parts(parts: &[(Finding, Novelty, Vec<bool>)], issues: &[u8]) -> PushReport {
    let mut push = push(parts.iter().map(|part| part.0.clone()).collect());
    push.novelty = parts.iter().map(|part| part.1).collect();
    push.inline_allowed = parts.iter().map(|part| part.2.clone()).collect();
    push.report.receipt.complete = issues.is_empty();
    push.report.receipt.issues = issues
        .iter()
        .map(|&i| match i {
            0 => ScanIssue::interrupted(),
            1 => issue(IssueKind::Limit, true),
            2 => issue(IssueKind::Corrupt, true),
            _ => issue(IssueKind::Missing, false),
        })
        .collect();
    push
}

const WORDS: [&str; 3] = ["off", "warn", "block"];

/// A policy whose every choice is one of these, from the mildest.
fn policy_of(choices: [usize; 8]) -> String {
    let [low, medium, critical, guess, old, deadline, error, large] = choices;
    format!(
        "old-secrets = \"{}\"\nat-deadline = \"{}\"\non-error = \"{}\"\nlarge-blobs = \"{}\"\n\
         inline-comments = true\n[verdict]\nlow = {{ high = \"{}\" }}\nmedium = {{ medium = \"{}\" }}\n\
         critical = {{ high = \"{}\", medium = \"{}\", low = \"{}\" }}\n\
         [[allow]]\nrules = [\"a-*\"]\npaths = [\"tests/**\"]\nreason = \"INC\"\n",
        ["off", "note", "block"][old],
        ["open", "closed", "closed"][deadline],
        ["open", "closed", "closed"][error],
        ["note", "block", "block"][large],
        WORDS[low],
        WORDS[medium],
        WORDS[critical],
        WORDS[critical],
        WORDS[guess],
    )
}

proptest! {
    #[test]
    fn more_findings_and_stricter_choices_never_let_pass(
        parts in prop::collection::vec(any_finding(), 0..6),
        fewer in 0usize..6,
        issues in prop::collection::vec(0u8..4, 0..3),
        choices in any::<[u8; 8]>(),
        stricter in (0usize..8, 0usize..3),
    ) {
        let choices = choices.map(|c| usize::from(c % 3));
        let policy = policy_of(choices);
        let all = judged(&policy, &of_parts(&parts, &issues));
        let some = judged(&policy, &of_parts(&parts[..fewer.min(parts.len())], &issues));
        prop_assert!(strictness(&all.outcome) >= strictness(&some.outcome));
        let mut raised = choices;
        raised[stricter.0] = raised[stricter.0].max(stricter.1);
        let strict = judged(&policy_of(raised), &of_parts(&parts, &issues));
        prop_assert!(strictness(&strict.outcome) >= strictness(&all.outcome));
        prop_assert_eq!(all.outcome == Outcome::Blocked, all.causes.iter().any(Cause::is_the_pushers));
    }

    #[test]
    fn the_order_of_findings_and_issues_does_not_matter(
        parts in prop::collection::vec(any_finding(), 0..6),
        issues in prop::collection::vec(0u8..4, 0..4),
        choices in any::<[u8; 8]>(),
        by in 0usize..6,
    ) {
        let policy = policy_of(choices.map(|c| usize::from(c % 3)));
        let one = judged(&policy, &of_parts(&parts, &issues));
        let (mut turned, mut other) = (parts.clone(), issues.clone());
        turned.rotate_left(by.min(parts.len()));
        other.reverse();
        let two = judged(&policy, &of_parts(&turned, &other));
        prop_assert_eq!(&one.outcome, &two.outcome);
        prop_assert_eq!(one.counts, two.counts);
        prop_assert_eq!(&one.causes, &two.causes);
        let mut back = two.findings;
        back.rotate_right(by.min(parts.len()));
        prop_assert_eq!(one.findings, back);
    }
}
