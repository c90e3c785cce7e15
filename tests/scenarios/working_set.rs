//! What is not committed yet: index, working tree and untracked files.

use super::history::{assert_counts, file_with};
use crate::support::{
    Repo, Sieve,
    sieve::{Expected, Scan},
};

fn scan(repo: &Repo) -> Scan {
    Sieve::git(repo, &[]).scan()
}

fn assert_uncommitted(repo: &Repo, token: &str, path: &str, content: &str, place: &str) {
    let scan = scan(repo);
    scan.assert_exactly(&[token]);
    assert_eq!(
        scan.occurrences(token).len(),
        1,
        "{:#}",
        scan.json["findings"]
    );
    scan.assert_found(
        token,
        &Expected {
            place,
            path,
            content: content.as_bytes(),
            blob: &repo.blob_id(content),
            introduced: None,
            last_seen: None,
        },
    );
}

#[test]
fn clean_working_tree_adds_nothing() {
    let repo = Repo::init();
    let token = repo.plant();
    repo.commit_file("app.env", file_with(&token), "add");
    let scan = scan(&repo);
    scan.assert_exactly(&[&token]);
    assert_eq!(scan.only(&token)["where"], "head");
    assert_counts(&repo, &scan);
}

#[test]
fn staged_and_not_committed() {
    let repo = Repo::init();
    repo.commit_file("app.env", "x = 1\n", "start");
    let token = repo.plant();
    let content = file_with(&token);
    repo.write("app.env", &content);
    repo.git(&["add", "app.env"]);
    assert_uncommitted(&repo, &token, "app.env", &content, "index");
}

#[test]
fn staged_and_changed_again_since() {
    let repo = Repo::init();
    repo.commit_file("app.env", "x = 1\n", "start");
    let token = repo.plant();
    let content = file_with(&token);
    repo.write("app.env", &content);
    repo.git(&["add", "app.env"]);
    repo.write("app.env", "x = 2\n");
    assert_uncommitted(&repo, &token, "app.env", &content, "index");
}

#[test]
fn staged_before_the_first_commit() {
    let repo = Repo::init();
    let token = repo.plant();
    let content = file_with(&token);
    repo.write("app.env", &content);
    repo.git(&["add", "app.env"]);
    assert_uncommitted(&repo, &token, "app.env", &content, "index");
}

#[test]
fn edited_and_not_staged() {
    let repo = Repo::init();
    repo.commit_file("sub/app.env", "x = 1\n", "start");
    let token = repo.plant();
    let content = file_with(&token);
    repo.write("sub/app.env", &content);
    assert_uncommitted(&repo, &token, "sub/app.env", &content, "worktree");
}

#[test]
fn untracked_file() {
    let repo = Repo::init();
    repo.commit_file("README", "x\n", "start");
    let token = repo.plant();
    let content = file_with(&token);
    repo.write("new/dir/.env", &content);
    assert_uncommitted(&repo, &token, "new/dir/.env", &content, "worktree");
}

#[test]
fn ignored_file_is_left_out_unless_it_is_tracked() {
    let repo = Repo::init();
    repo.write(".gitignore", "*.local\nbuild/\n");
    repo.commit_file("README", "x\n", "start");
    for path in ["a.local", "build/out", "sub/b.local"] {
        repo.write(path, file_with(&repo.plant()));
    }
    scan(&repo).assert_exactly(&[]);

    let tracked = repo.plant();
    repo.write("tracked.local", "x\n");
    repo.git(&["add", "-f", "tracked.local"]);
    repo.git(&["commit", "-q", "-m", "track it anyway"]);
    repo.write("tracked.local", file_with(&tracked));
    let scan = scan(&repo);
    scan.assert_exactly(&[&tracked]);
    assert_eq!(scan.only(&tracked)["where"], "worktree");
}

#[test]
fn working_tree_is_left_out_on_request_and_in_bare_repositories() {
    let repo = Repo::init();
    repo.commit_file("README", "x\n", "start");
    repo.write("new.env", file_with(&repo.plant()));
    let scan = Sieve::git(&repo, &["--no-working-tree"]).scan();
    scan.assert_exactly(&[]);
    assert_counts(&repo, &scan);
}

#[test]
fn nested_repository_is_not_part_of_the_working_tree() {
    let repo = Repo::init();
    repo.commit_file("README", "x\n", "start");
    let inner = repo.path().join("vendor/inner");
    repo.git(&["init", "-q", inner.to_str().unwrap()]);
    repo.write("vendor/inner/secret.env", file_with(&repo.plant()));
    scan(&repo).assert_exactly(&[]);
}
