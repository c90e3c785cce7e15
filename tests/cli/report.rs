//! `gitsieve report`: what is written of an earlier report is what the scan would have written.

use crate::{
    every_format::{FORMATS, text},
    gitsieve, gitsieve_with, report_fixture, stderr, stdout,
    support::Repo,
};
use scanner_core::{
    model::{CommitInfo, Report},
    report::{Redactor, read_report},
};
use std::{fs, path::Path, sync::Arc};

/// The shared report without the bytes of which JSON holds no exact form: authors and summaries
/// that are not UTF-8.
fn told_in_full() -> Report {
    let mut report = report_fixture::report();
    for occurrence in report.findings.iter_mut().flat_map(|f| &mut f.occurrences) {
        if let Some(commit) = &mut occurrence.introduced {
            *commit = Arc::new(CommitInfo {
                author: commit.author.to_string().replace('\u{fffd}', "o").into(),
                ..CommitInfo::clone(commit)
            });
        }
    }
    report
}

#[test]
fn what_every_reporter_writes_of_a_report_read_back_is_the_same() {
    let report = told_in_full();
    for stored in ["json", "jsonl"] {
        let stored = text(stored, &report, Redactor::of_report(&report));
        let read = read_report(stored.as_bytes()).unwrap().report;
        for format in FORMATS {
            let wanted = text(format, &report, Redactor::of_report(&report));
            let mut got = text(format, &read, Redactor::of_report(&read));
            if format == "gitleaks-json" {
                // Of a secret that is not known there is no entropy: the one thing that differs.
                let entropy = |line: &str| line.contains("\"Entropy\":0.0");
                assert!(got.lines().filter(|l| l.contains("RuleID")).all(entropy));
                got = without_entropy(&got);
                assert_eq!(got, without_entropy(&wanted));
                continue;
            }
            assert_eq!(got, wanted, "{format}");
        }
    }
}

fn without_entropy(text: &str) -> String {
    let line = |line: &str| match line.split_once("\"Entropy\":") {
        Some((before, rest)) => {
            let (_, after) = rest.split_once(',').unwrap();
            format!("{before}{after}\n")
        }
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// A repository with what is told apart by formats: characters of several bytes, a secret that a
/// comment lets pass, one that is gone, one in a message, half-known tokens.
fn repository() -> Repo {
    let repo = Repo::init();
    let (kept, gone, allowed, said) = (repo.plant(), repo.plant(), repo.plant(), repo.plant());
    repo.commit_file(
        "a/\u{e9}.ini",
        format!("\u{e9}\u{20ac} token = {kept}\n"),
        "Add <settings>",
    );
    repo.commit_file("b.txt", format!("{gone}\n"), "Add b");
    repo.remove("b.txt");
    let comment = concat!("gitsieve", ":allow");
    repo.commit_file(
        "c.py",
        format!("t = '{allowed}'  # {comment}\n"),
        &format!("Say {said}"),
    );
    repo
}

fn run(dir: &Path, args: &[&str], input: &str, status: i32) -> String {
    let output = gitsieve_with(dir, args, input.as_bytes());
    assert_eq!(output.status.code(), Some(status), "{args:?}: {output:?}");
    stdout(&output)
}

/// What a scan knows of itself and no report tells: lines that begin so.
fn timeless(text: &str) -> String {
    let of_scan = |line: &&str| !line.starts_with("Scanned ") && !line.starts_with("\"scan\":");
    let lines: Vec<&str> = text.lines().filter(of_scan).collect();
    lines.join("\n")
}

#[test]
fn a_report_is_written_as_the_scan_would_have_written_it() {
    let repo = repository();
    let dir = repo.path();
    let template = dir.parent().unwrap().join("t.txt");
    fs::write(
        &template,
        "{% for f in findings %}{{ f.redacted }} {{ f.tags|join(' ') }}\n{% endfor %}",
    )
    .unwrap();
    let template = template.to_str().unwrap();
    for stored in ["json", "jsonl"] {
        let stored = ["git", ".", "-q", "-f", stored, "--show-suppressed"];
        let stored = run(dir, &stored, "", 1);
        for format in FORMATS.into_iter().chain(["human"]) {
            let mut options = vec!["-f", format];
            if format == "template" {
                options.extend(["--template", template]);
            }
            if format == "sarif" {
                options.extend(["--repository-url", "https://git.example.org/app"]);
            }
            for shown in [&[][..], &["--show-suppressed"]] {
                if !shown.is_empty() && ["gitlab", "github"].contains(&format)
                    || format.starts_with("gitleaks")
                {
                    continue;
                }
                let options = [&options[..], shown].concat();
                let scanned = run(dir, &[&["git", "."], &options[..]].concat(), "", 1);
                let read = run(dir, &[&["report", "-"], &options[..]].concat(), &stored, 0);
                assert!(!scanned.is_empty(), "{format}");
                match format {
                    "human" | "gitlab" => assert_eq!(timeless(&read), timeless(&scanned)),
                    _ => assert_eq!(read, scanned, "{options:?}"),
                }
            }
        }
        // Gitleaks' formats: all but the entropy.
        let scanned = run(dir, &["git", ".", "-f", "gitleaks-json"], "", 1);
        let read = run(dir, &["report", "-", "-f", "gitleaks-json"], &stored, 0);
        assert_eq!(without_entropy(&read), without_entropy(&scanned));
        let scanned = run(dir, &["git", ".", "-f", "gitleaks-csv"], "", 1);
        let read = run(dir, &["report", "-", "-f", "gitleaks-csv"], &stored, 0);
        assert_eq!(read, scanned);
    }
}

#[test]
fn several_reports_come_of_one_and_the_file_itself_may_be_among_them() {
    let repo = repository();
    let dir = repo.path();
    let stored = run(dir, &["git", ".", "-q", "-f", "json"], "", 1);
    let out = dir.parent().unwrap();
    fs::write(out.join("r.json"), &stored).unwrap();
    let args = [
        "report",
        "r.json",
        "--report",
        "sarif=r.sarif",
        "--report",
        "csv=r.csv",
        "-f",
        "jsonl",
        "-o",
        "r.json",
    ];
    assert_eq!(run(out, &args, "", 0), "");
    for format in ["sarif", "csv"] {
        let scanned = run(dir, &["git", ".", "-f", format], "", 1);
        let file = fs::read_to_string(out.join(format!("r.{format}"))).unwrap();
        if format == "csv" {
            assert_eq!(file, scanned);
        } else {
            // The report holds no suppressed finding, and says so in its receipt.
            assert!(!file.contains("inSource") && scanned.contains("inSource"));
        }
    }
    let lines = fs::read_to_string(out.join("r.json")).unwrap();
    assert_eq!(run(out, &["report", "r.json", "-f", "json"], "", 0), stored);
    assert!(lines.starts_with("{\"type\":\"meta\""));
}

#[test]
fn what_the_report_lacks_is_said() {
    let repo = repository();
    let dir = repo.path();
    let stored = run(dir, &["git", ".", "-q", "-f", "json"], "", 1);
    let report =
        |args: &[&str]| gitsieve_with(dir, &[&["report", "-"], args].concat(), stored.as_bytes());
    let said = "1 suppressed findings are not in the report";
    for args in [&["-f", "html"][..], &["-f", "csv", "--show-suppressed"]] {
        assert!(stderr(&report(args)).contains(said), "{args:?}");
    }
    for args in [&["-f", "csv"][..], &["-f", "html", "-q"]] {
        assert_eq!(stderr(&report(args)), "", "{args:?}");
    }
    let human = stdout(&report(&[]));
    assert!(human.ends_with("1 suppressed finding not shown (--show-suppressed shows all).\n"));
    assert!(human.contains("\nScanned what the report on standard input is about: "));

    // A stream that was cut off is incomplete in every format.
    let lines = run(dir, &["git", ".", "-q", "-f", "jsonl"], "", 1);
    let (whole, _) = lines.split_once("{\"type\":\"receipt\"").unwrap();
    let human = run(dir, &["report", "-"], whole, 0);
    assert!(human.contains("INCOMPLETE:"), "{human}");
    assert!(human.contains("the report was cut off"), "{human}");
}

#[test]
fn secrets_that_a_report_shows_are_redacted_in_what_is_made_of_it() {
    let repo = repository();
    let dir = repo.path();
    let shown = run(
        dir,
        &["git", ".", "-q", "-f", "json", "--show-secrets"],
        "",
        1,
    );
    assert!(repo.planted().iter().any(|secret| shown.contains(secret)));
    let redacted = run(dir, &["git", ".", "-q", "-f", "json"], "", 1);
    assert_eq!(
        run(dir, &["report", "-", "-f", "json"], &shown, 0),
        redacted
    );
    for format in FORMATS.into_iter().filter(|f| *f != "template") {
        let text = run(dir, &["report", "-", "-f", format], &shown, 0);
        let leaked = repo.planted().iter().any(|secret| text.contains(secret));
        assert!(!leaked, "{format}");
    }
    let refused = gitsieve(dir, &["report", "x.json", "--show-secrets"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("has no use for --show-secrets"));
}

#[test]
fn what_is_no_report_is_refused_with_its_place() {
    let repo = repository();
    let dir = repo.path();
    let stored = run(dir, &["git", ".", "-q", "-f", "json"], "", 1);
    let newer = stored.replace("\"format_version\":1", "\"format_version\":7");
    let cut = &stored[..stored.len() - 20];
    for (input, wanted) in [
        ("", "ends too early"),
        ("not a report", "line 1, column"),
        (cut, "ends too early: was it cut off?"),
        (&newer, "format version 7"),
        ("{\"runs\":[]}", "not what a report of gitsieve holds there"),
    ] {
        let output = gitsieve_with(dir, &["report", "-", "-f", "csv"], input.as_bytes());
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert_eq!(stdout(&output), "");
        let said = stderr(&output);
        assert!(said.contains("the report on standard input"), "{said}");
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    let output = gitsieve(dir, &["report", "absent.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("cannot open absent.json"));
}
