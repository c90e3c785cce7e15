use super::*;
use crate::{
    model::{CommitInfo, ObjectId, Where},
    triage::testing::{finding, fingerprint},
};
use proptest::prelude::*;
use std::sync::Arc;

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A secret at a line of `a.env`, brought by [`COMMIT`].
fn at(secret: &str, line: u64) -> Finding {
    let mut found = finding(secret, &["a.env"]);
    let commit = ObjectId::from_hex(COMMIT.as_bytes()).unwrap();
    for occurrence in &mut found.occurrences {
        occurrence.location.start_line = line;
        occurrence.introduced = Some(Arc::new(CommitInfo {
            commit,
            author: "a".into(),
            email: "a@example.org".into(),
            committer_email: "".into(),
            seconds: 0,
            offset_minutes: 0,
            summary: "s".into(),
        }));
    }
    found
}

fn of_rule(mut found: Finding, id: &str) -> Finding {
    let mut rule = (*found.rule).clone();
    id.clone_into(&mut rule.id);
    found.rule = Arc::new(rule);
    found.fingerprint = crate::model::Fingerprint::new(id, &found.secret);
    found
}

fn report(findings: Vec<Finding>) -> Report {
    Report {
        findings,
        ..Report::default()
    }
}

fn migrate(report: &Report, kind: ForeignKind, text: &str) -> (Baseline, Migrated) {
    let mut baseline = Baseline::new("b", None);
    let mut migration = Migration::new(report, vec!["/work/repo".to_owned()]);
    migration.add("f", kind, &kind.read(text.as_bytes()).unwrap());
    let migrated = migration.finish(&mut baseline, Some(0));
    (baseline, migrated)
}

/// Why one entry was not carried.
fn refusal(report: &Report, kind: ForeignKind, text: &str) -> String {
    let (baseline, migrated) = migrate(report, kind, text);
    assert!(baseline.entries().is_empty(), "{:?}", baseline.entries());
    assert_eq!((migrated.carried, migrated.left.len()), (0, 1), "{text}");
    migrated.left[0].to_string()
}

fn secret(n: u32) -> String {
    format!("acme_{n:024}")
}

#[test]
fn a_gitleaks_ignore_line_is_about_what_that_commit_brought_there() {
    let two = report(vec![at(&secret(1), 3), at(&secret(2), 4)]);
    let text = format!("# why\r\n\n{COMMIT}:a.env:acme-token:3\r\na.env:acme-token:4\n");
    let (baseline, migrated) = migrate(&two, ForeignKind::GitleaksIgnore, &text);
    assert_eq!((migrated.carried, migrated.added), (2, 2));
    assert_eq!(migrated.left, []);
    let entry = baseline.get(&fingerprint(&secret(1))).unwrap();
    assert_eq!(entry.status, TriageStatus::Accepted);
    assert_eq!(entry.reason, "migrated from gitleaks");

    let other = COMMIT.replace('0', "f");
    let kind = ForeignKind::GitleaksIgnore;
    for (line, said) in [
        (
            format!("{other}:a.env:acme-token:3"),
            "did not come with that commit",
        ),
        ("a.env:acme-token:9".into(), "nothing is found there"),
        ("b.env:acme-token:3".into(), "nothing is found there"),
        ("a.env:slack-bot-token:3".into(), "of another kind"),
        ("just words".into(), "neither COMMIT:PATH"),
        ("a.env:acme-token:x".into(), "neither COMMIT:PATH"),
    ] {
        let told = refusal(&two, kind, &format!("\n{line}\n"));
        assert!(told.starts_with("f:2: ") && told.contains(said), "{told}");
    }
}

#[test]
fn paths_are_read_with_colons_below_the_root_and_inside_archives() {
    let mut odd = at(&secret(1), 1);
    odd.occurrences[0].path = "a:b/c.env".into();
    let mut inside = at(&secret(2), 1);
    inside.occurrences[0].path = "x.tar".into();
    inside.occurrences[0].member = Some("in.zip!/k.env".into());
    let two = report(vec![odd, inside]);
    let text = "./a:b/c.env:acme-token:1\n/work/repo/a:b/c.env:acme-token:1\n\
                x.tar!in.zip!k.env:acme-token:1\na:b\\c.env:acme-token:1\n";
    let (_, migrated) = migrate(&two, ForeignKind::GitleaksIgnore, text);
    assert_eq!((migrated.carried, migrated.added), (4, 2));
}

#[test]
fn a_place_with_several_secrets_is_settled_by_the_kind_or_not_at_all() {
    let other = of_rule(at(&secret(2), 3), "globex-key");
    let same_secret = of_rule(at(&secret(1), 3), "generic-secret");
    let three = report(vec![at(&secret(1), 3), other, same_secret]);
    let kind = ForeignKind::GitleaksIgnore;
    let (baseline, migrated) = migrate(&three, kind, "a.env:acme-token:3\n");
    assert_eq!(
        (migrated.carried, migrated.added),
        (1, 2),
        "both rules of one secret"
    );
    assert!(baseline.entries().iter().all(|e| e.rule_id != "globex-key"));
    let told = refusal(&three, kind, "a.env:initech-token:3\n");
    assert!(
        told.contains("of another kind") || told.contains("secrets are found"),
        "{told}"
    );
    let twins = report(vec![at(&secret(1), 3), at(&secret(2), 3)]);
    let told = refusal(&twins, kind, "a.env:acme-token:3\n");
    assert!(told.contains("2 secrets are found there"), "{told}");
}

#[test]
fn what_stands_at_a_place_now_goes_before_what_stood_there() {
    let mut old = at(&secret(1), 3);
    old.occurrences[0].place = Where::Ref;
    let two = report(vec![old, at(&secret(2), 3)]);
    let (baseline, _) = migrate(&two, ForeignKind::GitleaksIgnore, "a.env:acme-token:3\n");
    assert!(baseline.get(&fingerprint(&secret(2))).is_some());
    assert_eq!(baseline.entries().len(), 1);
}

#[test]
fn a_gitleaks_report_is_about_its_secrets_where_it_shows_them() {
    let kind = ForeignKind::GitleaksReport;
    let found = report(vec![at(&secret(1), 3)]);
    let finding = |secret: &str, line: u32| {
        format!(
            "[{{\"RuleID\":\"acme-token\",\"File\":\"a.env\",\"Commit\":\"{COMMIT}\",\
             \"StartLine\":{line},\"Secret\":\"{secret}\",\"Tags\":[],\"Fingerprint\":\"x\"}}]"
        )
    };
    for (shown, line) in [
        (secret(1), 99),
        ("REDACTED".into(), 3),
        ("acme...".into(), 3),
        (format!("key={}", secret(1)), 3),
    ] {
        let (baseline, migrated) = migrate(&found, kind, &finding(&shown, line));
        assert_eq!(migrated.left, [], "{shown}");
        assert!(baseline.get(&fingerprint(&secret(1))).is_some());
    }
    let told = refusal(&found, kind, &finding(&secret(2), 3));
    assert!(
        told.starts_with("f: entry 1, 0123456789ab:a.env:3 [acme-token]: another secret"),
        "{told}"
    );
    assert_eq!(migrate(&found, kind, "null").1, Migrated::default());
    assert_eq!(migrate(&found, kind, "[]").1, Migrated::default());
}

#[test]
fn detect_secrets_names_secrets_by_hash_wherever_they_went() {
    assert_eq!(
        hex(&sha1(b"abc")),
        "a9993e364706816aba3e25717850c26c9cd0d89d"
    );
    let found = report(vec![at(&secret(1), 3), at(&secret(2), 4)]);
    let text = |secret: &str, more: &str| {
        let hash = hex(&sha1(secret.as_bytes()));
        format!(
            "{{\"version\":\"1\",\"plugins_used\":[],\"filters_used\":[{{\"path\":\"a.b.x\"}}],\
             \"results\":{{\"old.env\":[{{\"type\":\"Secret Keyword\",\"filename\":\"old.env\",\
             \"hashed_secret\":\"{hash}\",\"line_number\":77{more}}}]}}}}"
        )
    };
    let kind = ForeignKind::DetectSecrets;
    let (baseline, _) = migrate(&found, kind, &text(&secret(2), ",\"is_secret\":false"));
    let entry = baseline.get(&fingerprint(&secret(2))).unwrap();
    assert_eq!(entry.status, TriageStatus::FalsePositive);
    assert!(entry.reason.ends_with("no secret"), "{}", entry.reason);
    let (baseline, _) = migrate(&found, kind, &text(&secret(2), ""));
    assert_eq!(baseline.entries()[0].status, TriageStatus::Accepted);
    let elsewhere = text(&secret(7), "")
        .replace("old.env", "a.env")
        .replace("77", "3");
    let told = refusal(&found, kind, &elsewhere);
    assert!(told.contains("another secret stands there"), "{told}");
    let filtered = text(&secret(2), "").replace("\"a.b.x\"", "\"a.b.x\",\"pattern\":[\"p\"]");
    let (_, migrated) = migrate(&found, kind, &filtered);
    assert_eq!(migrated.carried, 1);
    assert!(
        migrated.left[0].message.contains("filter x"),
        "{:?}",
        migrated.left
    );
}

fn sha1(bytes: &[u8]) -> [u8; 20] {
    let mut hasher = sha1dc::Hasher::new();
    hasher.update(bytes);
    hasher.finalize().unwrap().into()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut out = String::new();
    for byte in bytes {
        write!(out, "{byte:02x}").unwrap();
    }
    out
}

#[test]
fn trufflehog_findings_are_accepted_and_broken_lines_told() {
    let found = report(vec![at(&secret(1), 3)]);
    let line = |raw: &str| {
        format!(
            "{{\"SourceMetadata\":{{\"Data\":{{\"Git\":{{\"commit\":\"{COMMIT}\",\"file\":\"a.env\",\
             \"line\":3}}}}}},\"DetectorName\":\"Acme\",\"Verified\":true,\"Raw\":\"{raw}\",\
             \"RawV2\":\"\",\"Redacted\":\"\"}}\n"
        )
    };
    let kind = ForeignKind::Trufflehog;
    let text = format!("{}{}", line(&secret(1)), line("").trim_end());
    let (baseline, migrated) = migrate(&found, kind, &text);
    assert_eq!((migrated.carried, migrated.added), (2, 1));
    assert_eq!(
        baseline.entries()[0].reason,
        "migrated from trufflehog: verified as live"
    );
    let (_, migrated) = migrate(&found, kind, &format!("{}{{\"Detec\n", line(&secret(1))));
    assert_eq!(migrated.left[0].line, 2);
    assert!(kind.read(b"{\"Detec").is_err());
}

#[test]
fn nosey_parker_rejections_are_carried_and_acceptances_stay_open() {
    let found = report(vec![at(&secret(1), 3)]);
    let text = |groups: &str, statuses: &str| {
        format!(
            "[{{\"finding_id\":\"x\",\"rule_name\":\"Acme Token\",\"groups\":{groups},\
             \"statuses\":{statuses},\"comment\":\"{} is a sample\",\"matches\":[{{\"provenance\":\
             [{{\"kind\":\"git_repo\",\"first_commit\":{{\"blob_path\":\"a.env\",\
             \"commit_metadata\":{{\"commit_id\":\"{COMMIT}\"}}}}}}],\"location\":{{\"source_span\":\
             {{\"start\":{{\"line\":3,\"column\":1}}}}}}}}]}}]",
            secret(1)
        )
    };
    let plain = format!("[\"{}\"]", secret(1));
    let coded = {
        use base64::{Engine, prelude::BASE64_STANDARD};
        format!("[\"{}\"]", BASE64_STANDARD.encode(secret(1)))
    };
    let kind = ForeignKind::NoseyParker;
    for groups in [plain.as_str(), coded.as_str(), "[]"] {
        let (baseline, _) = migrate(&found, kind, &text(groups, "[\"reject\"]"));
        let entry = baseline.get(&fingerprint(&secret(1))).unwrap();
        assert_eq!(entry.status, TriageStatus::FalsePositive);
        assert!(entry.reason.ends_with("is a sample"), "{}", entry.reason);
        assert!(!entry.reason.contains(&secret(1)), "{}", entry.reason);
    }
    for (statuses, said) in [
        ("[\"accept\"]", "a real finding"),
        ("[]", "nothing is decided"),
        ("[\"accept\",\"reject\"]", "decide anew"),
    ] {
        let told = refusal(&found, kind, &text(&plain, statuses));
        assert!(told.contains(said), "{told}");
    }
}

#[cfg(feature = "import")]
#[test]
fn kingfisher_entries_are_places() {
    let found = report(vec![at(&secret(1), 3)]);
    let kind = ForeignKind::Kingfisher;
    let text = "ExactFindings:\n  matches:\n  - filepath: a.env/\n    fingerprint: '38916'\n    \
                linenum: 3\n    lastupdated: Mon, 14 Jul 2025 10:17:56 -0700\n    \
                more: {filepath: [x], y: z}\n";
    let (baseline, migrated) = migrate(&found, kind, text);
    assert_eq!(migrated.left, []);
    assert_eq!(baseline.entries()[0].reason, "migrated from Kingfisher");
    let told = refusal(&found, kind, &text.replace("linenum: 3", "linenum: 4"));
    assert!(told.starts_with("f:3: a.env:4: nothing"), "{told}");
    let told = refusal(&found, kind, &text.replace("linenum: 3", "linenum: x"));
    assert!(told.contains("without the line"), "{told}");
    for bad in ["a: *b", &"[".repeat(40), "a: [", "\u{0}"] {
        let _ = kind.read(bad.as_bytes());
    }
    assert!(
        kind.read(b"a: &x 1\nb: *x\n")
            .unwrap_err()
            .message
            .contains("aliases")
    );
    assert!(
        kind.read("[".repeat(40).as_bytes())
            .unwrap_err()
            .message
            .contains("deeper")
    );
}

#[test]
fn entries_that_are_there_stay_and_contradictions_are_told() {
    let found = report(vec![at(&secret(1), 3)]);
    let hash = hex(&sha1(secret(1).as_bytes()));
    let kept = |baseline: &mut Baseline| {
        let ignore = ForeignKind::GitleaksIgnore;
        let audit = ForeignKind::DetectSecrets;
        let mut migration = Migration::new(&found, Vec::new());
        migration.add("one", ignore, &ignore.read(b"a.env:acme-token:3").unwrap());
        let text = format!(
            "{{\"results\":{{\"a.env\":[{{\"hashed_secret\":\"{hash}\",\"is_secret\":false}}]}}}}"
        );
        migration.add("two", audit, &audit.read(text.as_bytes()).unwrap());
        migration.finish(baseline, Some(0))
    };
    let mut baseline = Baseline::new("b", None);
    let first = kept(&mut baseline);
    assert_eq!((first.carried, first.added, first.kept), (1, 1, 0));
    assert!(
        first.left[0].to_string().contains("the first one stays"),
        "{:?}",
        first.left
    );
    let before = baseline.text();
    let second = kept(&mut baseline);
    assert_eq!((second.added, second.kept), (0, 1));
    assert_eq!(baseline.text(), before);
}

#[test]
fn nothing_that_is_told_holds_a_secret_or_disturbs_a_terminal() {
    let found = report(vec![at(&secret(1), 3)]);
    let text = format!(
        "[{{\"RuleID\":\"\\u001b[2J\",\"File\":\"{}/{}\\u202e\",\"StartLine\":1,\"Secret\":\"{}\"}}]",
        secret(1),
        secret(2),
        secret(2)
    );
    let told = refusal(&found, ForeignKind::GitleaksReport, &text);
    assert!(
        !told.contains(&secret(1)) && !told.contains(&secret(2)),
        "{told}"
    );
    assert!(!told.contains(['\u{1b}', '\u{202e}']), "{told}");
    for kind in ForeignKind::ALL {
        if let Err(error) = kind.read(format!("{{\"{}\": [", secret(1)).as_bytes()) {
            assert!(!error.to_string().contains(&secret(1)), "{error}");
        }
    }
}

#[test]
fn kinds_are_told_from_names_and_contents() {
    let detect = |name: &str, text: &str| ForeignKind::detect(name, text.as_bytes());
    assert_eq!(
        detect("x/.gitleaksignore", ""),
        Some(ForeignKind::GitleaksIgnore)
    );
    assert_eq!(
        detect(".secrets.baseline", "{}"),
        Some(ForeignKind::DetectSecrets)
    );
    assert_eq!(
        detect("a.json", "[{\"RuleID\": 1}]"),
        Some(ForeignKind::GitleaksReport)
    );
    assert_eq!(
        detect("a.json", "\n{\"DetectorName\":1}"),
        Some(ForeignKind::Trufflehog)
    );
    assert_eq!(
        detect("a.json", "{\"plugins_used\":[]}"),
        Some(ForeignKind::DetectSecrets)
    );
    assert_eq!(
        detect("a.json", "[{\"finding_id\":1}]"),
        Some(ForeignKind::NoseyParker)
    );
    #[cfg(feature = "import")]
    assert_eq!(
        detect("a.yml", "ExactFindings:\n"),
        Some(ForeignKind::Kingfisher)
    );
    assert_eq!(detect("a.json", "[]"), None);
    assert_eq!(detect("notes.txt", "RuleID"), None);
}

/// A hundred thousand entries about as many secrets at few places take no time worth naming: with
/// a search through all findings for each, this would take hours.
#[test]
fn the_cost_grows_with_the_entries_and_not_with_findings_times_entries() {
    let n = 100_000;
    let mut many = Vec::with_capacity(n);
    for i in 0..n {
        many.push(at(&secret(i as u32), 1 + i as u64 % 10));
    }
    let all = report(many);
    let mut foreign = Foreign::default();
    for i in 0..n {
        foreign.entries.push(ForeignEntry {
            number: i as u32,
            path: "a.env".into(),
            line: 1 + i as u64 % 10,
            secrets: (i % 2 == 0)
                .then(|| Secret::new(secret(i as u32).as_bytes()))
                .into_iter()
                .collect(),
            status: Some(TriageStatus::Accepted),
            ..ForeignEntry::default()
        });
    }
    let mut migration = Migration::new(&all, Vec::new());
    migration.add("f", ForeignKind::GitleaksReport, &foreign);
    let migrated = migration.finish(&mut Baseline::new("b", None), Some(0));
    assert_eq!((migrated.carried, migrated.left.len()), (n / 2, n / 2));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(content in prop::collection::vec(any::<u8>(), 0..300)) {
        for kind in ForeignKind::ALL {
            let _ = kind.read(&content);
        }
        let _ = ForeignKind::detect("x", &content);
    }
}
