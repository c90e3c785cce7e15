//! Parts of a history: what they hold is what `git rev-list --objects` lists.

use super::history::file_with;
use crate::support::{Repo, Sieve, oracle};

/// A history with a token per commit: a line of five commits on `main`, a side branch from its
/// second commit merged into the fourth, and a branch that is not merged.
struct Fixture {
    repo: Repo,
    /// Commits of `main`, oldest first; the fourth is the merge.
    main: Vec<String>,
    /// Tokens that the commits of `main` brought; the merge's is none.
    tokens: Vec<String>,
    side: String,
    other: String,
    dangling: String,
}

fn fixture() -> Fixture {
    let repo = Repo::init();
    let mut main = Vec::new();
    let mut tokens = Vec::new();
    let commit = |name: &str| {
        let token = repo.plant();
        let id = repo.commit_file(&format!("{name}.env"), file_with(&token), name);
        (id, token)
    };
    for name in ["m1", "m2", "m3"] {
        let (id, token) = commit(name);
        main.push(id);
        tokens.push(token);
    }
    repo.git(&["checkout", "-q", "-b", "side", &main[1]]);
    let (_, side) = commit("side");
    repo.git(&["checkout", "-q", "-b", "other", &main[0]]);
    let (_, other) = commit("other");
    repo.git(&["tag", "-a", "-m", "tagged", "v1"]);
    repo.git(&["checkout", "-q", "main"]);
    repo.git(&["merge", "-q", "--no-ff", "-m", "merge", "side"]);
    main.push(repo.rev("HEAD"));
    let (last, token) = commit("m5");
    main.push(last);
    tokens.push(token);
    let dangling = repo.plant();
    repo.dangling_blob(file_with(&dangling));
    Fixture {
        repo,
        main,
        tokens,
        side,
        other,
        dangling,
    }
}

impl Fixture {
    /// Scans with `args`, and expects these tokens and what `git rev-list --objects LISTED`
    /// lists.
    fn check(&self, args: &[&str], listed: &[&str], expected: &[&str]) {
        let mut all = vec!["--no-working-tree"];
        all.extend(args);
        let scan = Sieve::git(&self.repo, &all).scan();
        let known: Vec<&String> = self
            .tokens
            .iter()
            .chain([&self.side, &self.other, &self.dangling])
            .collect();
        for token in known {
            let wanted = expected.contains(&token.as_str());
            assert_eq!(scan.found(token), wanted, "{args:?}: {:#}", scan.json);
        }
        scan.assert_exactly(expected);
        let counts = oracle::count_listed(&self.repo, listed);
        assert_eq!(
            scan.receipt("/blobs/scanned"),
            counts.blobs,
            "{args:?}: blobs"
        );
        assert_eq!(
            scan.receipt("/commits"),
            counts.commits,
            "{args:?}: commits"
        );
        assert_eq!(scan.receipt("/trees"), counts.trees, "{args:?}: trees");
        assert_eq!(scan.receipt("/tags"), counts.tags, "{args:?}: tags");
    }
}

#[test]
fn range_holds_what_its_commits_brought() {
    let f = fixture();
    let range = format!("{}..{}", f.main[1], f.main[3]);
    f.check(&["--range", &range], &[&range], &[&f.tokens[2], &f.side]);
    let range = format!("{}..main", f.main[2]);
    f.check(&["--range", &range], &[&range], &[&f.side, &f.tokens[3]]);
    f.check(&["--range", "main..other"], &["main..other"], &[&f.other]);
    f.check(&["--range", "main..main"], &["main..main"], &[]);
}

#[test]
fn range_attributes_to_the_commit_that_brought_it() {
    let f = fixture();
    let range = format!("{}..main", f.main[1]);
    let scan = Sieve::git(&f.repo, &["--range", &range, "--no-working-tree"]).scan();
    let occurrence = scan.only(&f.tokens[2]);
    assert_eq!(
        occurrence["introduced"]["commit"], f.main[2],
        "{occurrence:#}"
    );
    assert_eq!(occurrence["path"], "m3.env");
    assert_eq!(occurrence["where"], "head");
}

#[test]
fn range_finds_what_was_added_and_removed_within_it() {
    let repo = Repo::init();
    let start = repo.commit_file("README", "x\n", "start");
    let (gone, message) = (repo.plant(), repo.plant());
    let added = repo.commit_file("gone.env", file_with(&gone), &format!("with {message}"));
    repo.remove("gone.env");
    repo.commit("remove");
    let range = format!("{start}..HEAD");
    let scan = Sieve::git(&repo, &["--range", &range, "--no-working-tree"]).scan();
    scan.assert_exactly(&[&gone, &message]);
    assert_eq!(scan.only(&gone)["introduced"]["commit"], added);
    assert_eq!(scan.only(&gone)["where"], "ref");
    assert_eq!(scan.only(&message)["where"], "commit-message");
}

#[test]
fn since_commit_leaves_its_history_out() {
    let f = fixture();
    f.repo.git(&["branch", "-q", "-D", "other", "side"]);
    f.repo.git(&["tag", "-d", "v1"]);
    let listed = format!("{}..main", f.main[2]);
    f.check(
        &["--since-commit", &f.main[2]],
        &[&listed],
        &[&f.side, &f.tokens[3]],
    );
    f.check(
        &["--since-commit", "main~1"],
        &["main~1..main"],
        &[&f.tokens[3]],
    );
}

#[test]
fn branch_leaves_other_branches_out() {
    let f = fixture();
    f.check(
        &["--branch", "other"],
        &["other"],
        &[&f.tokens[0], &f.other],
    );
    let main: Vec<&str> = f
        .tokens
        .iter()
        .chain([&f.side])
        .map(String::as_str)
        .collect();
    f.check(&["--branch", "main"], &["main"], &main);
}

#[test]
fn max_depth_walks_the_newest_commits() {
    let repo = Repo::init();
    let tokens: Vec<String> = (0..6)
        .map(|n| {
            let token = repo.plant();
            repo.commit_file("same.env", format!("{n}\n{}", file_with(&token)), "edit");
            token
        })
        .collect();
    let args = ["--branch", "main", "--max-depth", "2", "--no-working-tree"];
    let scan = Sieve::git(&repo, &args).scan();
    scan.assert_exactly(&[&tokens[4], &tokens[5]]);
    assert_eq!(scan.receipt("/commits"), 2);
    assert_eq!(scan.receipt("/blobs/scanned"), 2);
}

#[test]
fn reachable_only_leaves_dangling_objects_out() {
    let f = fixture();
    let all: Vec<&str> = f
        .tokens
        .iter()
        .chain([&f.side, &f.other])
        .map(String::as_str)
        .collect();
    f.check(&["--reachable-only"], &["--all", "HEAD"], &all);
}

#[test]
fn parts_are_the_same_packed_and_by_every_engine() {
    let f = fixture();
    let range = format!("{}..main", f.main[1]);
    let args = ["--range", range.as_str(), "--no-working-tree"];
    let loose = Sieve::git(&f.repo, &args).scan();
    f.repo.gc_aggressive();
    let packed = Sieve::git(&f.repo, &args).scan();
    assert_eq!(loose.json, packed.json);
    let reference = [&args[..], &["--engine", "reference"]].concat();
    let plain = Sieve::git(&f.repo, &reference).scan();
    assert_eq!(packed.json["findings"], plain.json["findings"]);
}

#[test]
fn revision_that_does_not_exist_is_a_usage_error_that_names_it() {
    let f = fixture();
    for args in [
        ["--range", "nowhere..main"],
        ["--since-commit", "nowhere"],
        ["--branch", "nowhere"],
    ] {
        let run = Sieve::git(&f.repo, &args).run();
        assert_eq!(run.status, 2, "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains("nowhere"), "{args:?}: {}", run.stderr);
    }
}
