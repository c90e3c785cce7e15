//! Forms of output, exit statuses and options that concern them.

use super::{fixtures::every_place, history::file_with};
use crate::support::{Repo, Sieve, sieve::contains};
use serde_json::Value;
use std::ffi::OsStr;

/// `gitsieve git REPO ARGS`, in the form for people unless the arguments say otherwise.
fn plain(repo: &Repo, args: &[&str]) -> Sieve {
    let mut all = vec![OsStr::new("git"), repo.path().as_os_str()];
    all.extend(args.iter().map(OsStr::new));
    Sieve::new(&all).hiding(repo.planted())
}

fn one_finding() -> (Repo, String, String) {
    let repo = Repo::init();
    let token = repo.plant();
    let commit = repo.commit_file("conf/app.env", file_with(&token), "configure the service");
    (repo, token, commit)
}

#[test]
fn people_see_rule_place_and_commit() {
    let (repo, token, commit) = one_finding();
    let run = plain(&repo, &[]).run();
    assert_eq!(run.status, 1, "{}", run.stderr);
    let text = String::from_utf8(run.stdout).unwrap();
    let tail = &token[token.len() - 4..];
    for part in [
        "github-pat",
        "conf/app.env:2:10",
        &commit[..7],
        "A. Author",
        "configure the service",
        tail,
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(
        !text.contains('\u{1b}'),
        "no colour where there is no terminal:\n{text:?}"
    );
}

#[test]
fn secrets_never_show_however_talkative_the_command_is() {
    let repo = every_place();
    for form in ["human", "json", "jsonl"] {
        for talk in ["-v", "-q"] {
            let args = if form == "human" {
                vec![talk]
            } else {
                vec!["-f", form, talk]
            };
            plain(&repo, &args).run();
        }
    }
    plain(&repo, &["--rule", "no-such-rule", "-v"]).run();
}

#[test]
fn secrets_show_on_request_alone() {
    let (repo, token, _) = one_finding();
    let scan = Sieve::git(&repo, &["--show-secrets"]).showing().scan();
    assert_eq!(scan.findings()[0]["secret"], token);
    let scan = Sieve::git(&repo, &[]).scan();
    assert!(
        scan.findings()[0].get("secret").is_none(),
        "{:#}",
        scan.json
    );
}

#[test]
fn json_lines_hold_what_json_holds() {
    let repo = every_place();
    let json = Sieve::git(&repo, &[]).scan();
    let lines = plain(&repo, &["-f", "jsonl"]).run();
    assert_eq!(lines.status, 1);
    let text = String::from_utf8(lines.stdout).unwrap();
    let parsed: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON on every line"))
        .collect();
    for finding in json.findings() {
        let print = finding["fingerprint"].as_str().unwrap();
        assert!(
            parsed.iter().any(|line| line.to_string().contains(print)),
            "{print}\n{text}"
        );
    }
}

#[test]
fn output_file_is_written_whole_or_not_at_all() {
    let (repo, ..) = one_finding();
    let file = repo.beside("report.json");
    let expected = Sieve::git(&repo, &[]).scan();
    std::fs::write(&file, "old").unwrap();
    let run = Sieve::git(&repo, &["-o", file.to_str().unwrap()]).run();
    assert_eq!(run.status, 1, "{}", run.stderr);
    assert!(run.stdout.is_empty());
    assert_eq!(std::fs::read(&file).unwrap(), expected.run.stdout);

    std::fs::write(&file, "old").unwrap();
    let run = Sieve::git(
        &repo,
        &["-o", file.to_str().unwrap(), "--rule", "no-such-rule"],
    )
    .run();
    assert_eq!(run.status, 2);
    assert_eq!(
        std::fs::read(&file).unwrap(),
        b"old",
        "a failed run leaves the old file"
    );

    let nowhere = repo.beside("no/such/dir/report.json");
    let run = Sieve::git(&repo, &["-o", nowhere.to_str().unwrap()]).run();
    assert_eq!(run.status, 2, "{}", run.stderr);
    assert!(run.stderr.contains("report.json"), "{}", run.stderr);
}

#[test]
fn status_is_0_when_clean_and_1_with_findings_or_as_told() {
    let (repo, ..) = one_finding();
    assert_eq!(plain(&repo, &[]).run().status, 1);
    assert_eq!(plain(&repo, &["--exit-code", "0"]).run().status, 0);
    assert_eq!(plain(&repo, &["--exit-code", "3"]).run().status, 3);
    let clean = Repo::init();
    clean.commit_file("README", "x\n", "start");
    assert_eq!(plain(&clean, &[]).run().status, 0);
}

#[test]
fn fail_on_looks_at_the_severity() {
    let (repo, ..) = one_finding();
    assert_eq!(plain(&repo, &["--fail-on", "high"]).run().status, 1);
    let file = repo.beside("low.toml");
    let rule = "[[rules]]\nid = \"word\"\ndescription = \"a word\"\nregex = '''verbose'''\n\
                keywords = [\"verbose\"]\nseverity = \"low\"\n";
    std::fs::write(&file, rule).unwrap();
    let low = |args: &[&str]| {
        let config = ["--config", file.to_str().unwrap()];
        Sieve::git(&repo, &[&config, args].concat()).scan()
    };
    assert_eq!(low(&[]).run.status, 1);
    let scan = low(&["--fail-on", "high"]);
    assert_eq!(scan.run.status, 0, "{}", scan.run.stderr);
    assert_eq!(scan.findings().len(), 1, "reported all the same");
}

#[test]
fn quiet_says_nothing_on_standard_error() {
    let (repo, ..) = one_finding();
    let run = plain(&repo, &["-q"]).run();
    assert_eq!(run.stderr, "");
    let json = Sieve::git(&repo, &[]).run();
    assert!(
        !json.stderr.contains('\r'),
        "no progress where there is no terminal"
    );
}

#[test]
fn mistakes_on_the_command_line_cost_status_2() {
    for args in [
        &["--no-such-option"][..],
        &["git", ".", "--range", "a..b", "--branch", "c"],
        &["git", ".", "--threads", "many"],
        &["-f", "yaml"],
        &["stdin", "--engine", "none"],
    ] {
        let run = Sieve::new(args).run();
        assert_eq!(run.status, 2, "{args:?}: {}", run.stderr);
        assert!(!run.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn version_help_and_completions_are_there() {
    let run = Sieve::new(&["--version"]).run();
    assert_eq!(run.status, 0);
    assert!(
        String::from_utf8(run.stdout)
            .unwrap()
            .starts_with("gitsieve ")
    );
    let run = Sieve::new(&["--help"]).run();
    assert_eq!(run.status, 0);
    for word in ["git", "dir", "stdin", "--format", "--show-secrets"] {
        assert!(contains(&run.stdout, word.as_bytes()), "{word}");
    }
    let run = Sieve::new(&["completions", "bash"]).run();
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(contains(&run.stdout, b"gitsieve"));
}
