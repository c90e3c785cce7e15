use super::*;
use crate::{
    model::{Report, Secret, SuppressedBy, TriageStatus},
    report::Redactor,
    triage::{
        Triage, TriageFileError,
        testing::{finding, fingerprint, report},
    },
};
use proptest::prelude::*;

/// 2026-11-24, noon.
const NOW: Option<i64> = Some(1_795_521_600);

fn accepted(reason: &str, expires: Option<&str>) -> Decision {
    let expires = expires.map(str::to_owned);
    Decision::new(TriageStatus::Accepted, reason.into(), "me".into(), expires).unwrap()
}

fn made_of(secrets: &[&str]) -> Baseline {
    let mut baseline = Baseline::new("b", None);
    baseline.update(&report(secrets), &accepted("first", None), NOW);
    baseline
}

fn text(baseline: &Baseline) -> String {
    String::from_utf8(baseline.text()).unwrap()
}

fn parse(text: &str) -> Result<Baseline, TriageFileError> {
    Baseline::parse(text.as_bytes(), "b")
}

#[test]
fn an_entry_is_a_line_that_shows_no_secret() {
    let secret = "acme_0123456789abcdefghijklmn";
    let mut found = Report::default();
    found
        .findings
        .push(finding(secret, &[&format!("x/{secret}/\u{202e}\x1b[2J")]));
    let mut baseline = Baseline::new("b", Some("0badcafe"));
    baseline.update(
        &found,
        &accepted("a \"reason\"\nof two lines", Some("2027-01-31")),
        NOW,
    );
    let form = Secret::new(secret.as_bytes()).redacted();
    let wanted = format!(
        "{{\"fingerprint_key\":\"0badcafe\",\"gitsieve_baseline\":1}}\n\
         {{\"fingerprint\":\"{}\",\"rule_id\":\"acme-token\",\"status\":\"accepted\",\
         \"reason\":\"a \\\"reason\\\"\\nof two lines\",\"owner\":\"me\",\
         \"expires\":\"2027-01-31\",\"added\":\"2026-11-24\",\"redacted\":\"{form}\",\
         \"path\":\"x/{form}/\\\\u{{202e}}\\\\u{{1b}}[2J\"}}\n",
        fingerprint(secret)
    );
    assert_eq!(text(&baseline), wanted);
    let read = parse(&wanted).unwrap();
    assert_eq!(read.key_id(), Some("0badcafe"));
    assert_eq!(text(&read), wanted);
}

#[test]
fn unknown_keys_and_what_people_wrote_survive_an_update() {
    let line = format!(
        "{{\"x_ticket\":{{\"id\":[1,2]}},\"status\":\"test\",\"fingerprint\":\"{}\",\
         \"reason\":\"ours\"}}",
        fingerprint("a")
    );
    let head = "{\"note\":\"by hand\",\"gitsieve_baseline\":1}";
    let mut baseline = parse(&format!("\u{feff}{head}\r\n\r\n{line}\r\n")).unwrap();
    let done = baseline.update(&report(&["b", "a"]), &accepted("new", None), NOW);
    assert_eq!((done.added, done.ended), (1, 0));
    let old = baseline.get(&fingerprint("a")).unwrap();
    assert_eq!((old.status, &*old.reason), (TriageStatus::Test, "ours"));
    assert_eq!(baseline.get(&fingerprint("b")).unwrap().reason, "new");
    let text = text(&baseline);
    assert!(text.contains("\"x_ticket\":{\"id\":[1,2]}"), "{text}");
    assert!(text.contains("\"note\":\"by hand\""), "{text}");
}

#[test]
fn what_ended_stays_until_somebody_decides() {
    let mut baseline = Baseline::new("b", None);
    baseline.update(&report(&["a"]), &accepted("x", Some("2026-11-23")), NOW);
    let before = text(&baseline);
    let done = baseline.update(&report(&["a"]), &accepted("y", None), NOW);
    assert_eq!((done.added, done.ended), (0, 1));
    assert_eq!(text(&baseline), before);
}

#[test]
fn pruning_takes_what_is_not_found_and_what_ended_on_demand() {
    let mut baseline = Baseline::new("b", None);
    baseline.update(&report(&["a", "gone"]), &accepted("x", None), NOW);
    baseline.update(&report(&["old"]), &accepted("x", Some("2026-11-23")), NOW);
    let found = report(&["a", "old"]);
    let mut some = baseline.clone();
    let done = some.prune(&found, Prune::Unused, NOW);
    assert_eq!((done.unused, done.ended, some.entries().len()), (1, 0, 2));
    let done = baseline.prune(&found, Prune::UnusedAndEnded, NOW);
    assert_eq!((done.unused, done.ended), (1, 1));
    assert!(baseline.get(&fingerprint("a")).is_some());
    assert_eq!(baseline.entries().len(), 1);
}

#[test]
fn a_diff_tells_what_joined_what_left_and_what_ended() {
    let mut baseline = made_of(&["a", "gone"]);
    baseline.update(&report(&["old"]), &accepted("x", Some("2026-11-23")), NOW);
    let mut found = report(&["a", "old", "new"]);
    found.findings.push(finding("beside", &["!x"]));
    Triage::new(NOW).apply(&mut found);
    let diff = baseline.diff(&found, NOW);
    let added: Vec<_> = diff.added.iter().map(|f| &f.fingerprint).collect();
    assert_eq!(added, [&fingerprint("new")], "not what a comment lets pass");
    let entries = |list: &[&BaselineEntry]| -> Vec<Fingerprint> {
        list.iter().map(|e| e.fingerprint.clone()).collect()
    };
    assert_eq!(entries(&diff.removed), [fingerprint("gone")]);
    assert_eq!(entries(&diff.ended), [fingerprint("old")]);
}

#[test]
fn what_is_found_and_does_not_count_is_neither_added_nor_pruned() {
    let mut found = Report::default();
    found.findings.push(finding("a", &["!x"]));
    Triage::new(NOW).apply(&mut found);
    assert_eq!(
        found.findings[0].suppression.as_ref().unwrap().by,
        SuppressedBy::Comment
    );
    let mut baseline = Baseline::new("b", None);
    let done = baseline.update(&found, &accepted("x", None), NOW);
    assert_eq!(done.added, 0);
    let mut baseline = made_of(&["a"]);
    let done = baseline.prune(&found, Prune::UnusedAndEnded, NOW);
    assert_eq!(done, Pruned::default());
}

#[test]
fn what_a_merge_leaves_is_read_and_the_later_line_counts() {
    let one = text(&made_of(&["a", "b"]));
    let two = one.replace("first", "second");
    let merged = format!("{one}{two}");
    let baseline = parse(&merged).unwrap();
    assert_eq!(baseline.entries().len(), 2);
    assert!(baseline.entries().iter().all(|e| e.reason == "second"));
    let told = baseline.repeated()[0].to_string();
    assert!(
        told.starts_with("b:5: a second entry") && told.contains("line 2"),
        "{told}"
    );
    assert!(parse(&format!("{one}{one}")).unwrap().repeated().is_empty());
    assert_eq!(text(&parse(&format!("{one}{one}")).unwrap()), one);
}

#[test]
fn mistakes_are_named_by_line_and_never_quoted() {
    let good = text(&made_of(&["a"]));
    let entry = good.lines().nth(1).unwrap();
    for (line, said) in [
        ("s3cr3t".to_owned(), "not JSON, at column 1"),
        ("[\"s3cr3t\"]".to_owned(), "not an entry"),
        (
            entry.replace("accepted", "s3cr3t"),
            "accepted, false-positive",
        ),
        (entry.replace("v1:", "s3cr3t"), "`fingerprint` is not"),
        (
            entry.replace("2026-11-24", "2026-02-30"),
            "`added` is not a day",
        ),
        (
            entry.replace("\"added\"", "\"expires\":\"s3cr3t\",\"added\""),
            "`expires` is not",
        ),
        (
            "<<<<<<< HEAD s3cr3t".to_owned(),
            "merge that is not finished",
        ),
        ("=======".to_owned(), "merge that is not finished"),
    ] {
        let shown = parse(&format!("{good}{line}\n")).unwrap_err().to_string();
        assert!(
            shown.starts_with("b:3: ") && shown.contains(said),
            "{said}: {shown}"
        );
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }
    for (text, said) in [
        ("", "empty"),
        ("\n\n", "empty"),
        ("[]\n[]\n", "b:1: not a baseline"),
        (entry, "not a baseline"),
        ("{\"gitsieve_baseline\":2}", "another version"),
        (
            "{\"gitsieve_baseline\":1,\"fingerprint_key\":1}",
            "is no text",
        ),
    ] {
        let TriageFileError(problems) = parse(text).unwrap_err();
        assert_eq!(problems.len(), 1, "{text}");
        assert!(problems[0].to_string().contains(said), "{problems:?}");
    }
}

proptest! {
    /// In whatever order lines come, and however often: the file is the same.
    #[test]
    fn the_text_is_a_fixed_point(
        secrets in prop::collection::vec("[a-z]{1,3}", 0..20),
        reason in any::<String>(),
        rotate in any::<prop::sample::Index>(),
    ) {
        let mut baseline = Baseline::new("b", None);
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        baseline.update(&report(&secrets), &accepted(&reason, None), NOW);
        let first = text(&baseline);
        let mut lines: Vec<&str> = first.lines().skip(1).collect();
        if !lines.is_empty() {
            let by = rotate.index(lines.len());
            lines.rotate_left(by);
        }
        let mixed = format!("{}\n{}\n", first.lines().next().unwrap(), lines.join("\n"));
        prop_assert_eq!(text(&parse(&mixed).unwrap()), first);
    }

    #[test]
    fn any_bytes_are_read_or_refused(content in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Baseline::parse(&content, "b");
        let _ = crate::triage::IgnoreFile::parse(&content, "i");
    }
}

#[test]
fn a_decision_made_anew_changes_its_entry_and_no_other() {
    let secrets = [
        "one-secret-of-some-length",
        "two-secrets-of-some-length",
        "three",
    ];
    let found = report(&secrets);
    let mut baseline = made_of(&secrets[..2]);
    let line = text(&baseline);
    let line = line
        .lines()
        .find(|l| l.contains(fingerprint(secrets[0]).as_str()));
    // A key that a later version may write.
    let with_more = text(&baseline).replace(
        line.unwrap(),
        &line
            .unwrap()
            .replace(",\"reason\"", ",\"ticket\":7,\"reason\""),
    );
    baseline = parse(&with_more).unwrap();
    let untouched = baseline.get(&fingerprint(secrets[1])).unwrap().clone();
    let find = |secret: &str| {
        let wanted = fingerprint(secret);
        found
            .findings
            .iter()
            .find(|f| f.fingerprint == wanted)
            .unwrap()
    };
    let revoked = Decision::new(
        TriageStatus::Revoked,
        "rotated".into(),
        "you".into(),
        Some("2027-02-28".into()),
    )
    .unwrap();
    let redactor = Redactor::of_report(&found);
    let changes = [
        (find(secrets[0]), Some(&revoked)),
        (find(secrets[2]), Some(&revoked)),
    ];
    baseline.revise(changes, &redactor, NOW);
    assert_eq!(baseline.entries().len(), 3);
    let changed = baseline.get(&fingerprint(secrets[0])).unwrap();
    assert_eq!(
        (changed.status, &*changed.reason),
        (TriageStatus::Revoked, "rotated")
    );
    assert_eq!(
        (&*changed.owner, changed.expires.as_deref()),
        ("you", Some("2027-02-28"))
    );
    assert_eq!(baseline.get(&fingerprint(secrets[1])), Some(&untouched));
    assert!(text(&baseline).contains("\"ticket\":7"));
    assert!(parse(&text(&baseline)).is_ok());
    let gone = [(find(secrets[1]), None), (find(secrets[2]), None)];
    baseline.revise(gone, &redactor, NOW);
    assert_eq!(baseline.entries().len(), 1);
    assert!(baseline.get(&fingerprint(secrets[0])).is_some());
    // Where there is nothing, there is nothing to take away.
    baseline.revise([(find(secrets[2]), None)], &redactor, NOW);
    assert_eq!(baseline.entries().len(), 1);
}
