//! `--exit-profile`: the numbers of other scanners, end to end.

use crate::{gitsieve, stderr};
use std::fs;

fn statuses(profile: &str, commands: &[&[&str]]) -> Vec<Option<i32>> {
    let dir = tempfile::tempdir().unwrap();
    // Put together here so that no scanner takes this file for a leak.
    let key = ["AKIA", "Y3QF6ZRL2WTK", "7VHM"].concat();
    fs::write(
        dir.path().join("a.ini"),
        format!("aws_access_key_id = {key}\n"),
    )
    .unwrap();
    fs::write(dir.path().join("clean.txt"), "nothing to see\n").unwrap();
    let run = |args: &&[&str]| {
        let all = [args, &["--exit-profile", profile][..]].concat();
        gitsieve(dir.path(), &all).status.code()
    };
    commands.iter().map(run).collect()
}

const FOUND: &[&str] = &["dir", "a.ini"];
const CLEAN: &[&str] = &["dir", "clean.txt"];
const UNKNOWN_FLAG: &[&str] = &["dir", "a.ini", "--no-such-flag"];
const ABSENT: &[&str] = &["dir", "absent"];
const INCOMPLETE: &[&str] = &["dir", "clean.txt", "--max-blob-size", "5"];

#[test]
fn gitleaks() {
    let all = [FOUND, CLEAN, UNKNOWN_FLAG, ABSENT, INCOMPLETE];
    let wanted = [1, 0, 126, 1, 1].map(Some);
    assert_eq!(statuses("gitleaks", &all), wanted);
}

#[test]
fn trufflehog() {
    let failing = [FOUND, &["--fail"]].concat();
    let all = [FOUND, &failing, CLEAN, UNKNOWN_FLAG, ABSENT, INCOMPLETE];
    let wanted = [0, 183, 0, 1, 1, 1].map(Some);
    assert_eq!(statuses("trufflehog", &all), wanted);
}

#[test]
fn kingfisher() {
    let all = [FOUND, CLEAN, UNKNOWN_FLAG, ABSENT, INCOMPLETE];
    let wanted = [200, 0, 1, 1, 1].map(Some);
    assert_eq!(statuses("kingfisher", &all), wanted);
}

#[test]
fn a_profile_and_a_number_contradict_each_other() {
    let dir = tempfile::tempdir().unwrap();
    for args in [
        &[
            "dir",
            ".",
            "--exit-profile",
            "kingfisher",
            "--exit-code",
            "7",
        ][..],
        &["dir", ".", "--fail"],
        &["--exit-profile", "none", "."],
    ] {
        let output = gitsieve(dir.path(), args);
        assert!(stderr(&output).contains("error:"), "{args:?}");
        assert_ne!(output.status.code(), Some(0), "{args:?}");
    }
    let misplaced = statuses("kingfisher", &[&["dir", ".", "--fail"]]);
    assert_eq!(misplaced, [Some(1)]);
}
