//! `gitsieve explain` and `gitsieve rules bench`.

use crate::{gitsieve, stderr, stdout};
use std::{fs, path::Path, process::Command};

const RULES: &str = "[[rules]]\nid = 'acme'\nconfidence = 'high'\nregex = '''acme_([a-z0-9]{12})'''\n\
                     entropy = 2.5\n[[rules.allowlists]]\ndescription = 'samples'\n\
                     stopwords = ['sample']\n";
const CONTENT: &str =
    "first\nkey: acme_q7wz81mkx2vd\nno: acme_aaaaaaaaaaaa\nno: acme_sampleq7wz81\n";

fn directory() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("r.toml"), RULES).unwrap();
    fs::write(dir.path().join("app.env"), CONTENT).unwrap();
    dir
}

fn json(dir: &Path, args: &[&str]) -> serde_json::Value {
    let output = gitsieve(dir, &[&["-c", "r.toml", "-f", "json"], args].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_candidate_of_a_file_is_told_of_and_no_secret_shown() {
    let dir = directory();
    let told = json(dir.path(), &["explain", "app.env"]);
    let candidates = told["candidates"].as_array().unwrap();
    let ends: Vec<(u64, bool, &str)> = candidates
        .iter()
        .map(|c| {
            let steps = c["steps"].as_array().unwrap();
            let dropped = steps.iter().find(|s| s["kept"] == false);
            (
                c["line"].as_u64().unwrap(),
                c["kept"].as_bool().unwrap(),
                dropped.map_or("", |s| s["filter"].as_str().unwrap()),
            )
        })
        .collect();
    assert_eq!(
        ends,
        [
            (2, true, ""),
            (3, false, "entropy"),
            (4, false, "allowlist")
        ]
    );
    let human = gitsieve(dir.path(), &["-c", "r.toml", "explain", "app.env"]);
    let text = stdout(&human);
    assert!(text.contains("app.env:2:11  acme  reported"), "{text}");
    assert!(text.contains("0.00 bits a byte  (at least 2.5)"), "{text}");
    assert!(
        text.contains("(samples): stop words: number 1 of 1 holds"),
        "{text}"
    );
    assert!(
        !text.contains("wz81mk") && !text.contains("eq7wz81"),
        "{text}"
    );
}

#[test]
fn a_line_narrows_what_is_told() {
    let dir = directory();
    let told = json(dir.path(), &["explain", "app.env:1"]);
    assert_eq!(told["candidates"].as_array().unwrap().len(), 1, "{told:#}");
    let none = gitsieve(dir.path(), &["-c", "r.toml", "explain", "app.env:40"]);
    assert!(stdout(&none).contains("no candidate here"), "{none:?}");
    for (args, says) in [
        (&["explain", "absent.env:3"][..], "cannot open absent.env"),
        (&["explain", "."], "is a directory"),
        (&["explain", "v1:0123"], "--repo"),
        (
            &["explain", "v1:0123", "--repo", "."],
            "not a Git repository",
        ),
        (
            &["explain", "app.env", "--fail-on", "high"],
            "has no use for",
        ),
    ] {
        let output = gitsieve(dir.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(
            stderr(&output).contains(says),
            "{args:?}: {}",
            stderr(&output)
        );
    }
}

fn git(dir: &Path, args: &[&str]) {
    let output = Command::new("git")
        .args(["-c", "user.name=n", "-c", "user.email=e@example.org"])
        .args(args)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_fingerprint_is_looked_up_in_history_reported_or_not() {
    let dir = directory();
    let all = json(dir.path(), &["explain", "app.env"]);
    git(dir.path(), &["init", "-q"]);
    git(dir.path(), &["add", "app.env"]);
    git(dir.path(), &["commit", "-q", "-m", "add"]);
    fs::remove_file(dir.path().join("app.env")).unwrap();
    git(dir.path(), &["commit", "-q", "-a", "-m", "remove"]);
    for candidate in all["candidates"].as_array().unwrap() {
        let fingerprint = candidate["fingerprint"].as_str().unwrap();
        let told = json(dir.path(), &["explain", fingerprint, "--repo", "."]);
        let found = &told["candidates"][0];
        assert_eq!(found["fingerprint"], candidate["fingerprint"]);
        assert_eq!(found["kept"], candidate["kept"]);
        if candidate["kept"] == true {
            assert_eq!(told["path"], "app.env");
        }
    }
    let wrong = gitsieve(
        dir.path(),
        &["-c", "r.toml", "explain", "v1:00", "--repo", "."],
    );
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        stderr(&wrong).contains("nothing in it has this fingerprint"),
        "{wrong:?}"
    );
}

#[test]
fn bench_counts_candidates_confirms_and_matches() {
    let dir = directory();
    let measured = json(dir.path(), &["rules", "bench", "app.env"]);
    assert_eq!(
        (&measured["contents"], &measured["skipped"]),
        (&1.into(), &0.into())
    );
    let rule = &measured["rules"][0];
    assert_eq!(rule["id"], "acme");
    let counts = [&rule["candidates"], &rule["confirms"], &rule["matches"]];
    assert_eq!(counts, [&serde_json::json!(3), &3.into(), &1.into()]);
    assert_eq!(
        rule["literals"][0],
        serde_json::json!({"text": "acme_", "hits": 3})
    );
    let human = gitsieve(dir.path(), &["-c", "r.toml", "rules", "bench", "app.env"]);
    assert!(stdout(&human).contains("\"acme_\" 3"), "{human:?}");
}
