//! Nothing but the content decides what a report says: not the threads, not the engine, not how
//! the objects are stored or named.

use super::fixtures::{every_place, every_place_as};
use crate::support::{ObjectFormat, Repo, Sieve};
use serde_json::Value;
use std::{collections::BTreeSet, ffi::OsStr};

/// The report's bytes; the scan must be complete.
pub fn report(repo: &Repo, args: &[&str]) -> String {
    let scan = Sieve::git(repo, args).scan();
    scan.assert_complete();
    assert!(scan.findings().len() > 10, "the fixture has many findings");
    String::from_utf8(scan.run.stdout).unwrap()
}

/// Fails with the first lines that differ.
pub fn assert_same(what: &str, expected: &str, found: &str) {
    if expected == found {
        return;
    }
    let pretty = |text: &str| {
        let json: Value = serde_json::from_str(text).unwrap();
        serde_json::to_string_pretty(&json).unwrap()
    };
    let (expected, found) = (pretty(expected), pretty(found));
    let at = expected
        .lines()
        .zip(found.lines())
        .take_while(|(a, b)| a == b)
        .count();
    let part = |text: &str| {
        let lines: Vec<&str> = text.lines().skip(at.saturating_sub(12)).take(30).collect();
        lines.join("\n")
    };
    panic!(
        "{what}: expected\n{}\n--- found\n{}",
        part(&expected),
        part(&found)
    );
}

#[test]
fn threads_do_not_change_a_byte() {
    let repo = every_place();
    let one = report(&repo, &["--threads", "1"]);
    for threads in ["2", "4", "16"] {
        let many = report(&repo, &["--threads", threads]);
        assert_same(&format!("{threads} threads"), &one, &many);
    }
    repo.gc_aggressive();
    let packed = report(&repo, &["--threads", "4"]);
    assert_same("packed, 4 threads", &one, &packed);
}

#[test]
fn storage_does_not_change_a_byte() {
    let repo = every_place();
    let loose = report(&repo, &[]);

    repo.gc_aggressive();
    assert_same("after git gc --aggressive", &loose, &report(&repo, &[]));

    repo.pack_all();
    let packs = repo.pack_files();
    assert!(
        repo.git(&["count-objects"]).starts_with("0 objects"),
        "everything is packed"
    );
    assert_same(
        "one pack with all, dangling too",
        &loose,
        &report(&repo, &[]),
    );

    // A second pack that repeats some of the objects, as deltas against others of them.
    let all = repo.git(&[
        "cat-file",
        "--batch-all-objects",
        "--batch-check=%(objectname)",
    ]);
    let some = all.lines().step_by(2).collect::<Vec<_>>().join("\n") + "\n";
    let base = repo.objects().join("pack/pack");
    let args: [&OsStr; 5] = [
        "pack-objects".as_ref(),
        "-q".as_ref(),
        "--no-reuse-delta".as_ref(),
        "--window=50".as_ref(),
        base.as_os_str(),
    ];
    repo.git_with(&args, some.as_bytes());
    assert!(
        repo.pack_files().len() > packs.len(),
        "the fixture's point: two packs"
    );
    assert_same("two packs with duplicates", &loose, &report(&repo, &[]));

    repo.git(&["multi-pack-index", "write"]);
    assert!(repo.objects().join("pack/multi-pack-index").exists());
    assert_same("with a multi-pack-index", &loose, &report(&repo, &[]));

    repo.unpack_to_loose();
    assert!(repo.pack_files().is_empty());
    assert_same("all loose again", &loose, &report(&repo, &[]));
}

#[test]
fn bitmaps_commit_graphs_and_reverse_indexes_do_not_change_a_byte() {
    let repo = every_place();
    let loose = report(&repo, &[]);
    repo.git(&["config", "pack.writeReverseIndex", "true"]);
    repo.git(&["repack", "-q", "-A", "-d", "--write-bitmap-index"]);
    repo.git(&["commit-graph", "write", "--reachable", "--changed-paths"]);
    repo.git(&["pack-refs", "--all"]);
    assert_same("with every side file", &loose, &report(&repo, &[]));
}

#[test]
fn objects_in_several_packs_by_age() {
    let repo = Repo::init();
    let mut planted = Vec::new();
    let mut text = super::fixtures::prose(&mut crate::support::rng::Rng::new(3), 200);
    for round in 0..12 {
        let token = repo.plant();
        text.insert(10 + round * 7, format!("key {token}"));
        planted.push(token);
        repo.commit_file("text", text.join("\n"), "edit");
        repo.git(&["repack", "-q", "-d"]);
    }
    assert!(
        repo.pack_files().len() >= 24,
        "the fixture's point: a dozen packs"
    );
    let many = report(&repo, &[]);
    repo.git(&["repack", "-q", "-a", "-d", "-f"]);
    assert_same("one pack", &many, &report(&repo, &[]));
    for token in &planted {
        let scan: Value = serde_json::from_str(&many).unwrap();
        assert!(scan.to_string().contains(&token[token.len() - 4..]));
    }
}

/// Findings without what a hash decides.
fn without_ids(text: &str) -> BTreeSet<String> {
    let json: Value = serde_json::from_str(text).unwrap();
    let mut out = BTreeSet::new();
    for finding in json["findings"].as_array().unwrap() {
        for occurrence in finding["occurrences"].as_array().unwrap() {
            let mut occurrence = occurrence.clone();
            let fields = occurrence.as_object_mut().unwrap();
            for name in ["blob", "last_seen", "also_introduced_in"] {
                fields.remove(name);
            }
            if let Some(commit) = fields.get_mut("introduced").and_then(Value::as_object_mut) {
                commit.remove("commit");
            }
            // Notes are filed under the id of what they annotate.
            if fields["where"] == "note" {
                fields.remove("path");
            }
            let name = |key: &str| finding[key].as_str().unwrap().to_owned();
            out.insert(format!(
                "{} {} {} {occurrence}",
                name("rule_id"),
                name("fingerprint"),
                name("confidence")
            ));
        }
    }
    out
}

#[test]
fn sha256_repositories_give_the_same_findings() {
    let sha1 = every_place();
    let sha256 = every_place_as(ObjectFormat::Sha256);
    assert_eq!(sha256.rev("HEAD").len(), 64);
    let expected = without_ids(&report(&sha1, &[]));
    let loose = report(&sha256, &[]);
    let found = without_ids(&loose);
    assert_eq!(found, expected);

    sha256.gc_aggressive();
    assert_same("packed", &loose, &report(&sha256, &["--threads", "1"]));
    sha256.pack_all();
    assert_same(
        "one pack with all",
        &loose,
        &report(&sha256, &["--engine", "reference"]),
    );
    sha256.git(&["multi-pack-index", "write"]);
    assert_same("with a multi-pack-index", &loose, &report(&sha256, &[]));
}

/// Names of engines that `--engine` takes in this build, other than the default.
pub fn engines() -> Vec<&'static str> {
    let mut names = vec!["reference", "aho-corasick"];
    if Sieve::new(&["stdin", "--engine", "hyperscan"]).run().status == 0 {
        names.push("hyperscan");
    }
    names
}

#[test]
fn engines_do_not_change_a_finding() {
    let repo = every_place();
    for layout in ["loose", "packed"] {
        if layout == "packed" {
            repo.gc_aggressive();
        }
        let expected = Sieve::git(&repo, &[]).scan();
        for engine in engines() {
            let other = Sieve::git(&repo, &["--engine", engine]).scan();
            assert_same(
                &format!("{layout}, {engine}"),
                &expected.json["findings"].to_string(),
                &other.json["findings"].to_string(),
            );
            for key in ["blobs", "commits", "trees", "tags", "bytes", "complete"] {
                let (a, b) = (&expected.json["receipt"][key], &other.json["receipt"][key]);
                assert_eq!(a, b, "{layout}, {engine}: receipt's {key}");
            }
        }
    }
}

#[test]
fn bytes_in_the_receipt_are_those_git_counts() {
    let repo = every_place();
    repo.gc_aggressive();
    let scan = Sieve::git(&repo, &[]).scan();
    let sizes = repo.git(&[
        "cat-file",
        "--batch-all-objects",
        "--batch-check=%(objecttype) %(objectsize)",
    ]);
    let expected: u64 = sizes
        .lines()
        .filter_map(|line| {
            let (kind, size) = line.split_once(' ').unwrap();
            (kind != "tree").then(|| size.parse::<u64>().unwrap())
        })
        .sum();
    assert_eq!(scan.receipt("/bytes"), expected);
}

#[test]
fn tips_in_the_receipt_are_the_refs() {
    let repo = every_place();
    let scan = Sieve::git(&repo, &[]).scan();
    let tips = scan.json["receipt"]["tips"]
        .as_object()
        .expect("`tips` is an object");
    let listed = repo.git(&["for-each-ref", "--format=%(refname) %(objectname)"]);
    for line in listed.lines() {
        let (name, id) = line.split_once(' ').unwrap();
        assert_eq!(
            tips.get(name).and_then(Value::as_str),
            Some(id),
            "{name} in {tips:#?}"
        );
    }
    assert_eq!(tips["HEAD"], repo.rev("HEAD"));
    assert_eq!(tips.len(), listed.lines().count() + 1);
}
