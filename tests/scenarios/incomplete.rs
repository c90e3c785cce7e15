//! Clones that do not hold everything say so, and cost a status only where completeness is
//! required.

use super::history::file_with;
use crate::support::{Repo, Sieve};

/// A repository that lets itself be cloned in part, with one token in an old commit and one in
/// the newest.
fn source() -> (Repo, String, String) {
    let repo = Repo::init();
    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    let (old, new) = (repo.plant(), repo.plant());
    repo.commit_file("old.env", file_with(&old), "old");
    repo.remove("old.env");
    repo.commit_file("sub/x", "x\n", "middle");
    repo.commit_file("new.env", file_with(&new), "new");
    (repo, old, new)
}

#[test]
fn shallow_clone_is_scanned_and_said_to_be_incomplete() {
    let (source, old, new) = source();
    let clone = Repo::clone_of(&source, &["--depth", "1"]);
    let scan = Sieve::git(&clone, &[]).scan();
    assert!(scan.found(&new) && !scan.found(&old));
    assert_eq!(
        scan.run.status, 1,
        "missing by declaration costs no status of its own"
    );
    assert_eq!(scan.json["receipt"]["complete"], false);
    assert!(
        scan.issues().iter().any(|i| i["kind"] == "missing"),
        "{:#}",
        scan.json["receipt"]
    );
    assert_eq!(scan.only(&new)["introduced"]["commit"], clone.rev("HEAD"));

    let strict = Sieve::git(&clone, &["--require-complete"]).scan();
    assert_eq!(strict.run.status, 3, "{}", strict.run.stderr);
    assert!(strict.found(&new), "what is there is reported all the same");
}

#[test]
fn clean_shallow_clone_is_clean() {
    let (source, ..) = source();
    source.remove("new.env");
    source.commit("clean");
    let clone = Repo::clone_of(&source, &["--depth", "1"]);
    let scan = Sieve::git(&clone, &[]).scan();
    assert_eq!(scan.run.status, 0, "{}", scan.run.stderr);
    assert_eq!(scan.json["receipt"]["complete"], false);
    let strict = Sieve::git(&clone, &["--require-complete"]).scan();
    assert_eq!(strict.run.status, 3);
}

#[test]
fn partial_clone_counts_what_it_lacks() {
    let (source, ..) = source();
    let clone = Repo::clone_of(&source, &["--bare", "--filter=blob:none"]);
    let listed = clone.git(&["rev-list", "--objects", "--all", "--missing=print"]);
    let missing = listed.lines().filter(|line| line.starts_with('?')).count() as u64;
    assert_eq!(missing, 3, "the fixture's point: blobs are absent");
    let scan = Sieve::git(&clone, &[]).scan();
    assert_eq!(scan.run.status, 0, "{}", scan.run.stderr);
    assert_eq!(scan.json["receipt"]["complete"], false);
    assert_eq!(scan.receipt("/blobs/scanned"), 0);
    assert_eq!(scan.receipt("/blobs/skipped"), missing);
    assert_eq!(scan.receipt("/blobs/skipped_by_reason/missing"), missing);
    assert_eq!(scan.receipt("/blobs/seen"), missing);
    assert!(
        scan.issues().iter().any(|i| i["kind"] == "missing"),
        "{:#}",
        scan.json["receipt"]
    );
    let after = clone.git(&["rev-list", "--objects", "--all", "--missing=print"]);
    assert_eq!(after, listed, "nothing was fetched");
    let strict = Sieve::git(&clone, &["--require-complete"]).scan();
    assert_eq!(strict.run.status, 3, "{}", strict.run.stderr);
}

#[test]
fn partial_clone_with_a_checkout_finds_what_it_has() {
    let (source, old, new) = source();
    let clone = Repo::clone_of(&source, &["--filter=blob:none"]);
    let scan = Sieve::git(&clone, &[]).scan();
    assert!(scan.found(&new) && !scan.found(&old));
    assert_eq!(scan.run.status, 1, "{}", scan.run.stderr);
    assert_eq!(scan.json["receipt"]["complete"], false);
    assert_eq!(scan.receipt("/blobs/skipped_by_reason/missing"), 1);
    assert_eq!(scan.only(&new)["where"], "head");
}

#[test]
fn treeless_clone_says_that_trees_are_missing() {
    let (source, ..) = source();
    let clone = Repo::clone_of(&source, &["--bare", "--filter=tree:0"]);
    let scan = Sieve::git(&clone, &[]).scan();
    assert_eq!(scan.run.status, 0, "{}", scan.run.stderr);
    assert_eq!(scan.json["receipt"]["complete"], false);
    assert!(
        scan.issues().iter().any(|i| i["kind"] == "missing"),
        "{:#}",
        scan.json["receipt"]
    );
}

#[test]
fn alternate_that_is_gone_is_a_problem_and_not_a_clean_scan() {
    let (source, ..) = source();
    let fork = Repo::clone_of(&source, &["--shared", "--bare"]);
    let gone = fork.beside("gone/objects");
    std::fs::write(
        fork.objects().join("info/alternates"),
        format!("{}\n", gone.display()),
    )
    .unwrap();
    let run = Sieve::git(&fork, &[]).run();
    assert!(
        [2, 3].contains(&run.status),
        "status {}: {}",
        run.status,
        run.stderr
    );
    let said = String::from_utf8_lossy(&run.stdout).into_owned() + &run.stderr;
    assert!(said.contains("gone/objects"), "{said}");
}

#[test]
fn object_missing_without_a_promise_costs_the_status() {
    let (source, old, new) = source();
    let blob = source.rev("HEAD:sub/x");
    std::fs::remove_file(source.loose_file(&blob)).unwrap();
    let scan = Sieve::git(&source, &["--no-working-tree"]).scan();
    assert!(
        scan.found(&old) && scan.found(&new),
        "everything readable is scanned"
    );
    assert_eq!(
        scan.json["receipt"]["complete"], false,
        "{:#}",
        scan.json["receipt"]
    );
}

#[test]
fn deadline_that_passes_costs_the_status() {
    let (source, ..) = source();
    let run = Sieve::git(&source, &["--timeout", "1ns"]).run();
    assert!(
        [2, 3].contains(&run.status),
        "status {}: {}",
        run.status,
        run.stderr
    );
}
