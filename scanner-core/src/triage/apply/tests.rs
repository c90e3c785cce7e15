use super::*;
use crate::triage::{
    BaselineEntry,
    testing::{finding, fingerprint, report},
};

/// 2026-11-24, noon.
const NOW: i64 = 1_795_521_600;

fn ignore(text: &str) -> IgnoreFile {
    IgnoreFile::parse(text.as_bytes(), "ignore").unwrap()
}

fn baseline(lines: &[String]) -> Baseline {
    let text = format!("{{\"gitsieve_baseline\":1}}\n{}\n", lines.join("\n"));
    Baseline::parse(text.as_bytes(), "baseline").unwrap()
}

fn entry(secret: &str, more: &str) -> String {
    let fingerprint = fingerprint(secret);
    format!(
        "{{\"fingerprint\":\"{fingerprint}\",\"rule_id\":\"acme-token\",\"status\":\"revoked\",\
         \"reason\":\"OPS-1\"{more}}}"
    )
}

fn of(findings: Vec<Finding>) -> Report {
    Report {
        findings,
        ..Report::default()
    }
}

fn by(report: &Report) -> Vec<Option<SuppressedBy>> {
    let of = |f: &Finding| f.suppression.as_ref().map(|s| s.by);
    report.findings.iter().map(of).collect()
}

#[test]
fn a_comment_counts_only_where_every_occurrence_has_one() {
    let mut report = of(vec![
        finding("a", &["!x", "!y"]),
        finding("b", &["!x", "y"]),
    ]);
    let outcome = Triage::new(Some(NOW)).apply(&mut report);
    assert_eq!(by(&report), [Some(SuppressedBy::Comment), None]);
    assert_eq!(outcome, Outcome::default());
    assert_eq!(
        report.receipt.triage.suppressed,
        [(SuppressedBy::Comment, 1)].into()
    );
    let marks = report.findings[1].occurrences.iter();
    let marks: Vec<_> = marks.map(|o| o.allowed_by).collect();
    assert_eq!(marks, [Some(SuppressedBy::Comment), None]);
    assert_eq!(report.open().count(), 1);
}

#[test]
fn comments_do_not_count_where_they_are_not_believed() {
    let mut report = of(vec![finding("a", &["!x"])]);
    Triage::new(Some(NOW)).without_comments().apply(&mut report);
    assert_eq!(by(&report), [None]);
    assert_eq!(report.findings[0].occurrences[0].allowed_by, None);
}

#[test]
fn an_ignore_file_is_about_secrets_and_about_paths_of_a_rule() {
    let text = format!(
        "{}\n{}\npath:docs/**\nrule:other path:lib\nrule:acme-token path:test # x\n",
        fingerprint("a"),
        fingerprint("never seen")
    );
    let mut report = of(vec![
        finding("a", &["anywhere"]),
        finding("b", &["docs/x", "docs/y/z"]),
        finding("c", &["docs/x", "src/x"]),
        finding("d", &["lib"]),
        finding("e", &["x/test/y"]),
        finding("f", &["!src/x", "docs/x"]),
    ]);
    let triage = Triage::new(Some(NOW)).ignore_file(ignore(&text));
    let outcome = triage.apply(&mut report);
    let file = Some(SuppressedBy::IgnoreFile);
    assert_eq!(by(&report), [file, file, None, None, file, file]);
    let unused: Vec<String> = outcome.unused.iter().map(ToString::to_string).collect();
    assert_eq!(
        unused,
        [
            format!("ignore:2: {}", fingerprint("never seen")),
            "ignore:4: rule:other path:lib".to_owned()
        ]
    );
    assert_eq!(report.receipt.triage.unused, 2);
    // The secret stays open, and where it is let pass is told apart.
    let marks = report.findings[2].occurrences.iter();
    assert_eq!(
        marks.map(|o| o.allowed_by).collect::<Vec<_>>(),
        [file, None]
    );
}

#[test]
fn a_path_covers_members_of_a_container_and_may_name_them() {
    let mut inside = finding("a", &["dist/app.zip"]);
    inside.occurrences[0].member = Some("conf/x.env".into());
    for (pattern, covered) in [
        ("path:dist/**", true),
        ("path:dist/app.zip!/conf/*.env", true),
        ("path:dist/app.zip!/other/*", false),
        ("path:/conf/x.env", false),
    ] {
        let mut report = of(vec![inside.clone()]);
        Triage::new(None)
            .ignore_file(ignore(pattern))
            .apply(&mut report);
        assert_eq!(report.open().count() == 0, covered, "{pattern}");
    }
}

#[test]
fn a_baseline_says_what_was_decided_until_its_last_day_is_over() {
    for (now, holds) in [
        (Some(NOW), true),
        // The last second of that day, and the first of the next.
        (Some(NOW + 43_199), true),
        (Some(NOW + 43_200), false),
        (None, false),
    ] {
        let mut report = of(vec![finding("a", &["x"])]);
        let lines = [entry("a", ",\"expires\":\"2026-11-24\",\"owner\":\"ops\"")];
        let triage = Triage::new(now).baseline(baseline(&lines));
        let outcome = triage.apply(&mut report);
        let suppression = report.findings[0].suppression.as_ref();
        assert_eq!(suppression.is_some(), holds, "{now:?}");
        assert_eq!(outcome.expired.len(), usize::from(!holds));
        assert!(outcome.unused.is_empty(), "what ended is about something");
        if let Some(suppression) = suppression {
            assert_eq!(suppression.status, TriageStatus::Revoked);
            assert_eq!(
                (&*suppression.reason, &*suppression.owner),
                ("OPS-1", "ops")
            );
            assert_eq!(suppression.expires.as_deref(), Some("2026-11-24"));
        }
    }
}

#[test]
fn another_decision_still_holds_where_one_ended_and_all_count_as_used() {
    let ended = baseline(&[entry("a", ",\"expires\":\"2020-01-01\"")]);
    let holds = baseline(&[entry("a", ""), entry("gone", ",\"expires\":\"2020-01-01\"")]);
    let mut report = of(vec![finding("a", &["!x"])]);
    let triage = Triage::new(Some(NOW))
        .baseline(ended)
        .baseline(holds)
        .ignore_file(ignore(&format!("{}\npath:x", fingerprint("a"))));
    let outcome = triage.apply(&mut report);
    assert_eq!(by(&report), [Some(SuppressedBy::Baseline)]);
    // An entry is unused or has ended, never both.
    assert_eq!((outcome.expired.len(), outcome.unused.len()), (1, 1));
    let again = triage.apply(&mut report.clone());
    assert_eq!(again, outcome);
}

/// Each finding is looked up, and no entry is gone through: this would take hours.
#[test]
fn as_many_findings_as_entries_take_one_look_up_each() {
    const MANY: usize = 100_000;
    let names: Vec<String> = (0..MANY).map(|n| format!("secret{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut report = report(&names);
    let entries: Vec<String> = names.iter().map(|name| entry(name, "")).collect();
    let fingerprints: Vec<String> = names.iter().map(|n| fingerprint(n).to_string()).collect();
    let triage = Triage::new(Some(NOW))
        .baseline(baseline(&entries))
        .ignore_file(ignore(&format!(
            "{}\npath:docs/**",
            fingerprints.join("\n")
        )));
    let outcome = triage.apply(&mut report);
    assert_eq!(report.open().count(), 0);
    assert_eq!(outcome.unused.len(), 1);
    let old: &BaselineEntry = triage.baselines[0].get(&fingerprint("secret7")).unwrap();
    assert_eq!(old.reason, "OPS-1");
}
