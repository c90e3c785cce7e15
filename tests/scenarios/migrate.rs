//! Decisions made with other scanners: after a migration a scan is clean, another secret in the
//! same place is new, and what was not carried is told.

use crate::support::{
    Repo, Scan, Sieve,
    sieve::{Run, leaks},
};
use serde_json::{Value, json};
use std::{fmt::Write as _, fs};

const BASELINE: &str = ".gitsieve-baseline.jsonl";

/// A repository with a secret in line 2 of a file, the secret, and the commit that brought it.
fn planted() -> (Repo, String, String) {
    let repo = Repo::init();
    let token = repo.plant();
    repo.commit_file("other", "x\n", "start");
    let commit = repo.commit_file("conf/a.env", file(&token), "add");
    (repo, token, commit)
}

fn file(token: &str) -> String {
    format!("first = 1\nkey = {token}\n")
}

fn migrate(repo: &Repo, args: &[&str]) -> Run {
    let run = Sieve::new(&[&["migrate"], args].concat())
        .current_dir(repo.path())
        .hiding(repo.planted())
        .run();
    if let Ok(bytes) = fs::read(repo.path().join(BASELINE)) {
        let shown = repo.planted().iter().any(|token| leaks(&bytes, token));
        assert!(!shown, "the baseline shows a secret");
    }
    run
}

fn scan(repo: &Repo) -> Scan {
    Sieve::git(repo, &[]).scan()
}

/// Names of the formats, and a file in each about the secret at its place.
fn foreign(token: &str, commit: &str) -> [(&'static str, String); 5] {
    let sha1 = sha1_hex(token);
    [
        (
            ".gitleaksignore",
            format!("# looked at\n{commit}:conf/a.env:github-pat:2\n"),
        ),
        (
            "gitleaks.json",
            json!([{"RuleID": "github-pat", "File": "conf/a.env", "Commit": commit,
                "StartLine": 2, "Secret": "REDACTED", "Match": "REDACTED",
                "Fingerprint": format!("{commit}:conf/a.env:github-pat:2")}])
            .to_string(),
        ),
        (
            ".secrets.baseline",
            json!({"version": "1.5.0", "plugins_used": [], "filters_used": [], "results":
                {"conf/a.env": [{"type": "GitHub Token", "filename": "conf/a.env",
                    "hashed_secret": sha1, "is_verified": false, "line_number": 2,
                    "is_secret": false}]}})
            .to_string(),
        ),
        (
            "trufflehog.json",
            json!({"SourceMetadata": {"Data": {"Git": {"commit": commit, "file": "conf/a.env",
                "line": 2}}}, "DetectorName": "Github", "Verified": false, "Raw": token,
                "Redacted": ""})
            .to_string(),
        ),
        (
            "kingfisher.yml",
            "ExactFindings:\n  matches:\n  - filepath: conf/a.env\n    fingerprint: '1'\n    \
             linenum: 2\n"
                .to_owned(),
        ),
    ]
}

fn sha1_hex(text: &str) -> String {
    let mut hasher = sha1dc::Hasher::new();
    hasher.update(text.as_bytes());
    let digest: [u8; 20] = hasher
        .finalize()
        .expect("made to collide with nothing")
        .into();
    let mut out = String::new();
    for byte in digest {
        write!(out, "{byte:02x}").unwrap();
    }
    out
}

#[test]
fn after_a_migration_a_scan_is_clean_and_another_secret_in_the_place_is_new() {
    for which in 0..5 {
        let (repo, token, commit) = planted();
        let (name, text) = &foreign(&token, &commit)[which];
        // Beside the repository: what holds the secret would be found in it.
        let path = repo.beside(name);
        fs::write(&path, text).unwrap();
        let run = migrate(&repo, &[path.to_str().unwrap()]);
        assert_eq!(run.status, 0, "{name}: {}", run.stderr);
        assert!(run.stderr.contains("1 carried, 1 added"), "{}", run.stderr);
        let entries = fs::read_to_string(repo.path().join(BASELINE)).unwrap();
        let entry: Value = serde_json::from_str(entries.lines().nth(1).unwrap()).unwrap();
        let status = match *name {
            ".secrets.baseline" => "false-positive",
            _ => "accepted",
        };
        assert_eq!(entry["status"], status, "{name}");
        let reason = entry["reason"].as_str().unwrap();
        assert!(reason.starts_with("migrated from "), "{reason}");
        scan(&repo).assert_exactly(&[]);

        let new = repo.plant();
        repo.commit_file("conf/a.env", file(&new), "another");
        scan(&repo).assert_exactly(&[&new]);
        // The old entry says nothing of what stands there now: nothing new is carried.
        let before = entries;
        let again = migrate(&repo, &[path.to_str().unwrap()]);
        let now = fs::read_to_string(repo.path().join(BASELINE)).unwrap();
        if *name == "kingfisher.yml" {
            // It knows a place and nothing else, so that it is about what stands there.
            assert!(again.stderr.contains("1 added"), "{}", again.stderr);
        } else {
            assert!(
                again.stderr.contains("0 added, 1 kept"),
                "{name}: {}",
                again.stderr
            );
            assert_eq!(now, before, "{name}");
        }
    }
}

#[test]
fn what_is_not_carried_is_told_and_decides_the_status() {
    let (repo, token, commit) = planted();
    let gone = repo.plant();
    let ignore = repo.beside("x.gitleaksignore");
    let other = commit.chars().rev().collect::<String>();
    let text = format!(
        "{commit}:conf/a.env:github-pat:2\n{other}:conf/a.env:github-pat:2\n\
         conf/none.env:github-pat:7\n"
    );
    fs::write(&ignore, text).unwrap();
    let report = repo.beside("report.json");
    let text = json!([{"RuleID": "github-pat", "File": format!("{gone}.env"), "Commit": "",
        "StartLine": 2, "Secret": gone}]);
    fs::write(&report, text.to_string()).unwrap();
    let files = [ignore.to_str().unwrap(), report.to_str().unwrap()];
    let run = migrate(&repo, &[&files[..], &["-f", "json"]].concat());
    assert_eq!(run.status, 1, "{}", run.stderr);
    let summary: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(summary["carried"], 1);
    assert_eq!(summary["complete"], true);
    let left = summary["not_carried"].as_array().unwrap();
    assert_eq!(left.len(), 3, "{left:#?}");
    assert_eq!(left[0]["line"], 2);
    let message = left[0]["message"].as_str().unwrap();
    assert!(
        message.contains("did not come with that commit"),
        "{message}"
    );
    assert!(run.stderr.contains("3 not carried:"), "{}", run.stderr);
    scan(&repo).assert_exactly(&[]);
    assert!(repo.planted().contains(&token));
}

#[test]
fn the_baseline_goes_where_it_is_told_and_keeps_what_people_wrote() {
    let (repo, token, commit) = planted();
    let path = repo.beside("known.json");
    fs::write(&path, &foreign(&token, &commit)[3].1).unwrap();
    let file = path.to_str().unwrap();
    let out = migrate(&repo, &[file, "--from", "trufflehog", "-o", "-"]);
    assert_eq!(out.status, 0, "{}", out.stderr);
    assert!(!repo.path().join(BASELINE).exists());
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(text.lines().count(), 2, "{text}");
    let ours = text.replace("migrated from trufflehog", "our own words");
    repo.write(BASELINE, &ours);
    let run = migrate(&repo, &[file]);
    assert!(
        run.stderr.contains("1 carried, 0 added, 1 kept"),
        "{}",
        run.stderr
    );
    assert_eq!(
        fs::read_to_string(repo.path().join(BASELINE)).unwrap(),
        ours
    );
    // Of a bare repository, into a directory.
    let bare = Repo::clone_of(&repo, &["--bare"]);
    let directory = repo.beside("out");
    fs::create_dir(&directory).unwrap();
    let at = bare.path().to_str().unwrap();
    let refused = migrate(&repo, &[file, "--repo", at]);
    assert_eq!(refused.status, 2, "{}", refused.stderr);
    let run = migrate(
        &repo,
        &[file, "--repo", at, "-o", directory.to_str().unwrap()],
    );
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert_eq!(fs::read_to_string(directory.join(BASELINE)).unwrap(), text);
}

#[test]
fn a_configuration_is_said_to_load_as_it_is_and_unknown_files_are_refused() {
    let (repo, ..) = planted();
    repo.write(".gitleaks.toml", "[extend]\nuseDefault = true\n");
    let run = migrate(&repo, &[".gitleaks.toml"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(run.stderr.contains("loads as it is"), "{}", run.stderr);
    assert!(!repo.path().join(BASELINE).exists());
    repo.write(".gitleaks.toml", "[[rules]]\nid = \"x\"\nregex = '''('''\n");
    let run = migrate(&repo, &[".gitleaks.toml"]);
    assert_eq!(run.status, 1, "{}", run.stderr);
    assert!(run.stderr.contains("1 not carried"), "{}", run.stderr);
    repo.write("notes.txt", "hello\n");
    for (args, said) in [
        (&["notes.txt"][..], "--from"),
        (
            &["notes.txt", "--from", "gitleaks"],
            "cannot be read as gitleaks",
        ),
        (&["none.json"], "none.json"),
        (&["notes.txt", "-f", "json", "-o", "-"], "-o DIR"),
        (&["notes.txt", "-f", "jsonl"], "human and json"),
        (&["notes.txt", "-o", "notes.txt"], "not a directory"),
    ] {
        let run = migrate(&repo, args);
        assert_eq!(run.status, 2, "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains(said), "{said}: {}", run.stderr);
    }
}
