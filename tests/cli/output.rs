//! Where reports go.

use crate::{gitsieve, gitsieve_with, stdout};
use serde_json::Value;
use std::fs;

#[test]
fn every_input_gives_a_report_in_every_format() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file.txt"), "nothing to see\n").unwrap();
    for input in [
        &["dir", "."][..],
        &["file.txt"],
        &["stdin", "--path", "a.txt"],
    ] {
        let run = |format| {
            let args = [input, &["--format", format]].concat();
            let output = gitsieve_with(dir.path(), &args, b"nothing to see\n");
            assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
            assert!(output.stderr.is_empty(), "{output:?}");
            stdout(&output)
        };
        assert!(run("human").starts_with("No secrets found."));
        let document: Value = serde_json::from_str(&run("json")).unwrap();
        assert_eq!(document["meta"]["tool"], "gitsieve");
        assert_eq!(document["receipt"]["complete"], true);
        assert_eq!(run("jsonl").lines().count(), 2);
        for format in [
            "sarif", "csv", "junit", "gitlab", "github", "html", "markdown",
        ] {
            assert!(!run(format).is_empty(), "{format}");
        }
        assert_eq!(run("gitleaks-json"), "[]\n");
        assert_eq!(run("gitleaks-csv").lines().count(), 1);
    }
}

#[test]
fn a_report_in_a_file_is_whole_and_alone() {
    let dir = tempfile::tempdir().unwrap();
    let out = tempfile::tempdir().unwrap();
    let report = out.path().join("report.json");
    fs::write(&report, "something longer that must not survive").unwrap();
    let args = ["dir", ".", "-f", "json", "-o", report.to_str().unwrap()];
    let output = gitsieve(dir.path(), &args);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stdout.is_empty());
    let text = fs::read_to_string(&report).unwrap();
    serde_json::from_str::<Value>(&text).unwrap();
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 1);
}

#[test]
fn a_refused_run_leaves_the_old_report_alone() {
    let dir = tempfile::tempdir().unwrap();
    let report = dir.path().join("report.json");
    fs::write(&report, "old").unwrap();
    let output = gitsieve(
        dir.path(),
        &["-o", "report.json", "--rule", "no-such-rule", "."],
    );
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(fs::read_to_string(&report).unwrap(), "old");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn standard_input_beyond_the_memory_allowed_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let output = gitsieve_with(dir.path(), &["stdin", "--max-memory", "1K"], &[b'x'; 1025]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stdout.is_empty());
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_not_an_error() {
    use std::process::{Command, Stdio};
    let dir = tempfile::tempdir().unwrap();
    for args in [
        &["--help"][..],
        &["completions", "bash"],
        &["dir", ".", "-f", "json"],
    ] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_gitsieve"))
            .args(args)
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
        assert!(output.stderr.is_empty(), "{args:?}: {output:?}");
    }
}
