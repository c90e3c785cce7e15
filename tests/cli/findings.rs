//! Options that change what a report of findings says, and how the command then ends.

use crate::{gitsieve, gitsieve_with, stderr, stdout};
use scanner_core::report::JSON_SCHEMA;
use serde_json::Value;
use std::fs;

/// A key of AWS's form (severity `medium`), put together here so that no scanner takes this file
/// for a leak.
fn key() -> String {
    ["AKIA", "Y3QF6ZRL2WTK", "7VHM"].concat()
}

fn planted() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join("a.ini"),
        format!("aws_access_key_id = {}\n", key()),
    )
    .unwrap();
    fs::write(dir.path().join("b.txt"), "nothing to see\n").unwrap();
    dir
}

fn status(args: &[&str]) -> Option<i32> {
    let dir = planted();
    gitsieve(dir.path(), &[&["dir", "."], args].concat())
        .status
        .code()
}

#[test]
fn findings_decide_the_exit_status_as_asked() {
    assert_eq!(status(&[]), Some(1));
    assert_eq!(status(&["--exit-code", "7"]), Some(7));
    assert_eq!(status(&["--exit-code", "0"]), Some(0));
    assert_eq!(status(&["--fail-on", "medium"]), Some(1));
    assert_eq!(status(&["--fail-on", "high"]), Some(0));
    assert_eq!(status(&["--rule", "aws-access-key-id"]), Some(1));
    assert_eq!(status(&["--rule", "github-pat"]), Some(0));
    assert_eq!(
        status(&["--exclude-rule", "aws-*", "--exclude-rule", "generic-*"]),
        Some(0)
    );
}

#[test]
fn content_that_a_limit_leaves_out_costs_status_3_unless_there_are_findings() {
    assert_eq!(status(&["--max-blob-size", "5"]), Some(3));
    assert_eq!(status(&["--max-blob-size", "20"]), Some(3));
    let dir = planted();
    fs::write(dir.path().join("long.txt"), vec![b'.'; 2048]).unwrap();
    let output = gitsieve(
        dir.path(),
        &["dir", ".", "--max-blob-size", "1K", "-f", "json"],
    );
    assert_eq!(output.status.code(), Some(1));
    let document: Value = serde_json::from_str(&stdout(&output)).unwrap();
    assert_eq!(document["receipt"]["complete"], false);
    let output = gitsieve(
        dir.path(),
        &["dir", ".", "--max-blob-size", "1K", "--exit-code", "0"],
    );
    assert_eq!(output.status.code(), Some(3));
    assert!(stdout(&output).contains("INCOMPLETE"));
}

#[test]
fn a_secret_is_shown_on_demand_only() {
    let dir = planted();
    for format in ["human", "json", "jsonl"] {
        let args = ["dir", ".", "-f", format];
        let output = gitsieve(dir.path(), &args);
        let (out, err) = (stdout(&output), stderr(&output));
        assert!(out.contains("a.ini") && !out.contains(&key()), "{out}");
        assert!(!err.contains(&key()));
        let shown = gitsieve(dir.path(), &[&args[..], &["--show-secrets"]].concat());
        assert!(stdout(&shown).contains(&key()));
    }
}

#[test]
fn a_report_of_a_real_scan_is_what_the_schema_says_and_always_the_same() {
    let dir = planted();
    let run = |threads| {
        stdout(&gitsieve(
            dir.path(),
            &["dir", ".", "-f", "json", "--threads", threads],
        ))
    };
    let text = run("1");
    let document: Value = serde_json::from_str(&text).unwrap();
    let schema: Value = serde_json::from_str(JSON_SCHEMA).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let errors: Vec<_> = validator.iter_errors(&document).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    assert_eq!(document["findings"].as_array().unwrap().len(), 1);
    for _ in 0..5 {
        assert_eq!(run("4"), text);
    }
}

#[test]
fn standard_input_shows_under_the_name_given() {
    let dir = tempfile::tempdir().unwrap();
    let input = format!("aws_access_key_id = {}\n", key());
    let args = ["stdin", "--path", "conf/x.ini", "-f", "jsonl"];
    let output = gitsieve_with(dir.path(), &args, input.as_bytes());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let finding: Value = serde_json::from_str(stdout(&output).lines().nth(1).unwrap()).unwrap();
    assert_eq!(finding["occurrences"][0]["path"], "conf/x.ini");
    assert_eq!(finding["occurrences"][0]["where"], "stdin");
    assert_eq!(finding["occurrences"][0]["byte_start"], 20);
}

#[test]
fn colours_come_on_demand_and_never_with_no_color() {
    let dir = planted();
    let coloured = |args: &[&str]| {
        stdout(&gitsieve(dir.path(), &[&["dir", "."], args].concat())).contains('\x1b')
    };
    assert!(!coloured(&[]));
    assert!(!coloured(&["--no-color"]));
    assert!(coloured(&["--color", "always"]));
}
