//! `gitsieve explain` and `gitsieve rules bench`.

use crate::{gitsieve, stderr, stdout};
use base64::{Engine as _, engine::general_purpose::STANDARD};
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
    // Under either name.
    assert_eq!(told, json(dir.path(), &["rules", "explain", "app.env:1"]));
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

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_ustar();
        header.set_size(bytes.len() as u64);
        out.append_data(&mut header, name, *bytes).unwrap();
    }
    out.into_inner().unwrap()
}

#[test]
fn what_is_encoded_in_a_member_is_told_where_a_report_says_and_found_by_fingerprint() {
    let dir = directory();
    let encoded = STANDARD.encode("the key is acme_q7wz81mkx2vd, and not acme_aaaaaaaaaaaa");
    let member = format!("\nword: {encoded}\n");
    let archive = tar(&[
        ("conf/a.env", member.as_bytes()),
        ("b.txt", b"acme_v4tn60hrp9sj"),
    ]);
    fs::write(dir.path().join("app.tar"), &archive).unwrap();
    let human = gitsieve(dir.path(), &["-c", "r.toml", "explain", "app.tar"]);
    let text = stdout(&human);
    let line = "app.tar!/conf/a.env:2:";
    assert!(
        text.contains(line) && text.contains("decoded from base64"),
        "{text}"
    );
    assert!(
        text.contains("told in the member b.txt at line 1"),
        "{text}"
    );
    for secret in ["wz81mk", "tn60hr", &encoded[20..30]] {
        assert!(!text.contains(secret), "{text}");
    }
    let told = json(dir.path(), &["explain", "app.tar!/conf/a.env:2"]);
    let candidates = told["candidates"].as_array().unwrap();
    assert_eq!(candidates.len(), 2, "{told:#}");
    for (candidate, kept) in candidates.iter().zip([true, false]) {
        assert_eq!(candidate["member"], "conf/a.env");
        assert_eq!(candidate["encoding"], serde_json::json!(["base64"]));
        assert_eq!(candidate["kept"], kept);
    }
    let closed = json(
        dir.path(),
        &["explain", "app.tar", "--max-archive-depth", "0"],
    );
    let mut own = closed["candidates"].as_array().unwrap().iter();
    assert!(own.all(|c| c["member"].is_null()), "{closed:#}");
    let nested = tar(&[("in.tar", &archive)]);
    fs::write(dir.path().join("nested.tar"), nested).unwrap();
    let args = ["explain", "nested.tar", "--max-archive-depth", "1"];
    let shallow = json(dir.path(), &args);
    assert_eq!(shallow["issues"][0]["kind"], "limit", "{shallow:#}");
    let human = gitsieve(dir.path(), &[&["-c", "r.toml"], &args[..]].concat());
    assert!(stdout(&human).contains("nested.tar: incomplete: not opened: in.tar"));
    let flat = json(
        dir.path(),
        &["explain", "app.tar!/conf/a.env", "--max-decode-depth", "0"],
    );
    assert!(
        flat["candidates"].as_array().unwrap().is_empty(),
        "{flat:#}"
    );

    git(dir.path(), &["init", "-q"]);
    git(dir.path(), &["add", "app.tar"]);
    git(dir.path(), &["commit", "-q", "-m", "add"]);
    for candidate in candidates {
        let fingerprint = candidate["fingerprint"].as_str().unwrap();
        let found = json(dir.path(), &["explain", fingerprint, "--repo", "."]);
        // The archive's own bytes show it too, for it is not compressed.
        let found = found["candidates"].as_array().unwrap();
        assert!(found.contains(candidate), "{found:#?}");
        assert!(found.iter().all(|f| f["fingerprint"] == fingerprint));
    }
}

#[test]
fn what_explain_calls_reported_is_what_a_scan_reports_at_each_confidence() {
    let dir = tempfile::tempdir().unwrap();
    let rules = "[[rules]]\nid = 'acme'\nregex = 'acme_([a-z0-9]{12})'\nconfidence = 'medium'\n\
                 [[rules.required]]\nid = 'user'\noptional = true\n\
                 [[rules]]\nid = 'user'\nregex = 'user_([a-z0-9]{6})'\nconfidence = 'low'\n";
    fs::write(dir.path().join("r.toml"), rules).unwrap();
    let encoded = STANDARD.encode("the user_h3mx2v has acme_v4tn60hrp9sj in here");
    let text = format!(
        "acme_q7wz81mkx2vd\nuser_w8k2d5\n{encoded}\n{}acme_j5x2hn8wq0rz\n{}user_b7c4m1\n",
        "\n".repeat(20),
        "\n".repeat(20),
    );
    let docs = dir.path().join("docs");
    fs::create_dir(&docs).unwrap();
    fs::write(docs.join("a.md"), &text).unwrap();
    fs::write(
        dir.path().join("a.tar"),
        tar(&[("x/a.env", text.as_bytes())]),
    )
    .unwrap();
    let fingerprints = |list: &serde_json::Value, kept: bool| -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = list
            .as_array()
            .unwrap()
            .iter()
            .filter(|f| !kept || f["kept"] == true)
            .map(|f| {
                let text = |key: &str| f[key].as_str().unwrap().to_owned();
                (text("fingerprint"), text("confidence"))
            })
            .collect();
        all.sort();
        all.dedup();
        all
    };
    let mut counts = Vec::new();
    for file in ["docs/a.md", "a.tar"] {
        for least in ["low", "medium", "high"] {
            let least = ["--min-confidence", least];
            let told = json(dir.path(), &[&["explain", file], &least[..]].concat());
            let args = ["-c", "r.toml", "-f", "json", "dir", file];
            let scan = gitsieve(dir.path(), &[&args, &least[..]].concat());
            let report: serde_json::Value = serde_json::from_slice(&scan.stdout).unwrap();
            let kept = fingerprints(&told["candidates"], true);
            assert_eq!(
                kept,
                fingerprints(&report["findings"], false),
                "{file} {least:?}"
            );
            counts.push(kept.len());
        }
    }
    assert_eq!(counts, [4, 3, 0, 4, 3, 2]);
    let told = json(dir.path(), &["explain", "docs/a.md:2"]);
    assert!(
        told.to_string().contains("a part of acme at line 1"),
        "{told:#}"
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
