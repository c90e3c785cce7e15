//! Several reports of one scan, templates, and where they go.

use crate::{gitsieve, stderr, stdout};
use serde_json::Value;
use std::{fs, path::Path};

/// A key of AWS's form, put together here so that no scanner takes this file for a leak.
fn key() -> String {
    ["AKIA", "Y3QF6ZRL2WTK", "7VHM"].concat()
}

fn planted() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("in")).unwrap();
    let line = format!("é aws_access_key_id = {}\n", key());
    fs::write(dir.path().join("in/a.ini"), line).unwrap();
    dir
}

fn read(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join(name)).unwrap()
}

#[test]
fn one_scan_writes_as_many_reports_as_are_asked_for() {
    let dir = planted();
    let output = gitsieve(
        dir.path(),
        &[
            "dir",
            "in",
            "--report",
            "sarif=r.sarif",
            "--report",
            "csv=r.csv",
            "--report",
            "gitlab=r.gitlab.json",
            "--report",
            "json=r.json",
        ],
    );
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stdout(&output).contains("1 secret found"));
    let sarif: Value = serde_json::from_str(&read(dir.path(), "r.sarif")).unwrap();
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "in/a.ini");
    // `é` is two bytes and one character.
    assert_eq!(place["region"]["startColumn"], 23);
    assert_eq!(place["region"]["endColumn"], 43);
    let json: Value = serde_json::from_str(&read(dir.path(), "r.json")).unwrap();
    assert_eq!(json["findings"][0]["occurrences"][0]["start_column"], 24);
    assert_eq!(read(dir.path(), "r.csv").lines().count(), 2);
    let gitlab: Value = serde_json::from_str(&read(dir.path(), "r.gitlab.json")).unwrap();
    assert_ne!(gitlab["scan"]["start_time"], "1970-01-01T00:00:00");
    for name in ["r.sarif", "r.csv", "r.gitlab.json", "r.json"] {
        assert!(!read(dir.path(), name).contains(&key()), "{name}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 5);
}

#[test]
fn no_report_is_touched_where_one_cannot_be_written() {
    let dir = planted();
    fs::write(dir.path().join("r.csv"), "old").unwrap();
    let args = [
        "dir",
        "in",
        "--report",
        "csv=r.csv",
        "--report",
        "json=absent/r.json",
    ];
    let output = gitsieve(dir.path(), &args);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(stderr(&output).contains("absent/r.json"));
    assert_eq!(read(dir.path(), "r.csv"), "old");
}

#[cfg(unix)]
#[test]
fn reports_that_show_secrets_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = planted();
    let args = [
        "dir",
        "in",
        "--show-secrets",
        "--report",
        "csv=r.csv",
        "-o",
        "r.txt",
    ];
    gitsieve(dir.path(), &args);
    for name in ["r.csv", "r.txt"] {
        assert!(read(dir.path(), name).contains(&key()), "{name}");
        let mode = fs::metadata(dir.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_template_makes_the_report_or_a_further_one() {
    let dir = planted();
    fs::write(
        dir.path().join("t.txt"),
        "{% for f in findings %}{{ f.rule_id }} {{ f.redacted }}\n{% endfor %}",
    )
    .unwrap();
    let wanted = "aws-access-key-id AKI**************VHM\n";
    let output = gitsieve(dir.path(), &["dir", "in", "--template", "t.txt"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(stdout(&output), wanted);
    let args = [
        "dir",
        "in",
        "--template",
        "t.txt",
        "--report",
        "template=r.txt",
    ];
    let output = gitsieve(dir.path(), &args);
    assert!(stdout(&output).contains("1 secret found"));
    assert_eq!(read(dir.path(), "r.txt"), wanted);
}

#[test]
fn a_mistake_in_a_template_is_told_with_its_line_and_leaves_no_report() {
    let dir = planted();
    fs::write(dir.path().join("syntax.txt"), "a\n{% if %}\n").unwrap();
    fs::write(
        dir.path().join("name.txt"),
        "a\n\n{{ findings[0].secrets }}\n",
    )
    .unwrap();
    for (template, wanted) in [
        ("syntax.txt", "template syntax.txt:2: "),
        ("name.txt", "template name.txt:3: undefined value"),
    ] {
        let args = ["dir", "in", "--template", template, "-o", "r.txt"];
        let output = gitsieve(dir.path(), &args);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(wanted), "{output:?}");
        assert!(!dir.path().join("r.txt").exists());
    }
}

#[test]
fn the_address_of_the_repository_is_shown_and_may_hold_no_password() {
    let dir = planted();
    let password = ["hun", "ter2"].concat();
    let with = |url: &str| {
        gitsieve(
            dir.path(),
            &["dir", "in", "-f", "sarif", "--repository-url", url],
        )
    };
    assert_eq!(with("https://git.example.org/app").status.code(), Some(1));
    let refused = with(&format!("https://ada:{password}@git.example.org/app"));
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("leave out the user and password"));
    assert!(!stderr(&refused).contains(&password));
}

#[test]
fn a_suppressed_finding_is_in_sarif_always_and_elsewhere_on_demand() {
    let dir = planted();
    let line = format!("aws_access_key_id = {} # gitsieve:allow\n", key());
    fs::write(dir.path().join("in/a.ini"), line).unwrap();
    let run = |args: &[&str]| {
        let output = gitsieve(dir.path(), &[&["dir", "in", "-q"], args].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        stdout(&output)
    };
    let human = run(&[]);
    assert!(!human.contains("a.ini"), "{human}");
    let last = "1 suppressed finding not shown (--show-suppressed shows all).\n";
    assert!(human.ends_with(last), "{human}");
    let human = run(&["--show-suppressed"]);
    assert!(
        human.starts_with("suppressed medium  AWS access key id"),
        "{human}"
    );
    assert!(human.contains("No secrets found."), "{human}");

    let sarif: Value = serde_json::from_str(&run(&["-f", "sarif"])).unwrap();
    let suppressions = &sarif["runs"][0]["results"][0]["suppressions"];
    assert_eq!(suppressions[0]["kind"], "inSource");
    for (format, mark) in [
        ("json", "\"suppression\""),
        ("jsonl", "\"suppression\""),
        ("csv", "\"comment\""),
        ("junit", "<skipped"),
        ("markdown", "**Suppressed**"),
    ] {
        assert!(!run(&["-f", format]).contains(mark), "{format}");
        assert!(
            run(&["-f", format, "--show-suppressed"]).contains(mark),
            "{format}"
        );
    }
}
