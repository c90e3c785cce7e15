//! What `git commit` lets through with the hook in place: the content that git is about to commit
//! decides, and only what it brings.
#![cfg(unix)]

use super::history::file_with;
use crate::support::{
    ObjectFormat, Repo, containers,
    sieve::{binary, clear_environment},
};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::{Command, Output},
};

/// A repository with one commit and the hook.
fn clone() -> Repo {
    clone_as(ObjectFormat::Sha1)
}

fn clone_as(format: ObjectFormat) -> Repo {
    let repo = Repo::init_as(format);
    repo.commit_file("a", "one\n", "start");
    install(repo.path());
    repo
}

fn gitsieve(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(binary());
    clear_environment(&mut command);
    command
        .args(args)
        .current_dir(dir)
        .env("HOME", "/nonexistent")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap()
}

fn install(dir: &Path) {
    let installed = gitsieve(dir, &["hook", "install", "--pre-commit"]);
    assert!(installed.status.success(), "{installed:?}");
}

/// What is said; never a secret.
fn said(repo: &Repo, output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr].concat();
    let text = String::from_utf8(text).unwrap();
    for secret in repo.planted() {
        assert!(!text.contains(&secret[4..secret.len() - 4]), "{text}");
    }
    text
}

/// Runs `git commit`, which the hook must stop, and returns what it says.
fn stopped(repo: &Repo, args: &[&str]) -> String {
    let output = repo.try_git(&[&["commit", "-q", "-m", "x"], args].concat(), b"");
    let text = said(repo, &output);
    assert!(!output.status.success(), "went through: {text}");
    assert!(text.contains("stopped"), "{text}");
    text
}

/// Runs `git commit`, which must go through, and returns what is said.
fn passes(repo: &Repo, args: &[&str]) -> String {
    let output = repo.try_git(&[&["commit", "-q", "-m", "x"], args].concat(), b"");
    let text = said(repo, &output);
    assert!(output.status.success(), "{text}");
    text
}

/// Commits everything, unchecked.
fn slip_in(repo: &Repo) {
    repo.git(&["add", "-A"]);
    repo.git(&["commit", "-q", "-m", "x", "--no-verify"]);
}

#[test]
fn what_is_staged_counts_and_not_what_the_file_holds_by_now() {
    let repo = clone();
    let token = repo.plant();
    repo.write("deploy/app.env", file_with(&token));
    repo.git(&["add", "."]);
    repo.write("deploy/app.env", "nothing\n");
    let text = stopped(&repo, &[]);
    for part in [
        "CRITICAL",
        "[github-pat]",
        "deploy/app.env:",
        "git restore --staged deploy/app.env",
        "git add -p",
        "--no-verify",
        "fingerprint",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("Revoke"), "{text}");

    repo.git(&["add", "."]);
    repo.write("deploy/app.env", file_with(&token));
    assert_eq!(passes(&repo, &[]), "");
}

#[test]
fn a_commit_of_some_files_is_judged_by_those() {
    let repo = clone();
    let token = repo.plant();
    repo.write("dirty", file_with(&token));
    repo.git(&["add", "dirty"]);
    repo.write("a", "two\n");
    assert_eq!(passes(&repo, &["a"]), "");
    repo.write("a", file_with(&token));
    let text = stopped(&repo, &["a"]);
    assert!(
        text.contains("where       a:") && !text.contains("dirty"),
        "{text}"
    );
    stopped(&repo, &[]);
}

#[test]
fn commit_all_stages_and_is_judged() {
    let repo = clone();
    repo.write("a", file_with(&repo.plant()));
    stopped(&repo, &["-a"]);
    repo.write("a", "two\n");
    assert_eq!(passes(&repo, &["-a"]), "");
}

#[test]
fn amending_is_judged_by_what_it_changes() {
    let repo = clone();
    let token = repo.plant();
    repo.write("a", file_with(&token));
    repo.git(&["add", "a"]);
    stopped(&repo, &["--amend"]);
    slip_in(&repo);
    repo.write("b", "b\n");
    repo.git(&["add", "b"]);
    assert_eq!(passes(&repo, &["--amend"]), "");
}

#[test]
fn before_the_first_commit_everything_is_new() {
    let repo = Repo::init();
    install(repo.path());
    repo.write("it's here", file_with(&repo.plant()));
    repo.git(&["add", "."]);
    let text = stopped(&repo, &[]);
    assert!(text.contains("git rm --cached 'it'\\''s here'"), "{text}");
    repo.write("it's here", "nothing\n");
    repo.git(&["add", "."]);
    assert_eq!(passes(&repo, &[]), "");
}

#[test]
fn what_head_holds_already_is_a_note_and_what_joins_it_is_not() {
    let repo = clone();
    let (old, new) = (repo.plant(), repo.plant());
    repo.write("a", file_with(&old));
    slip_in(&repo);
    repo.write("a", format!("more\n{}", file_with(&old)));
    repo.git(&["add", "a"]);
    let text = passes(&repo, &[]);
    assert!(text.contains("before") && text.contains("a:"), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");

    repo.write("a", format!("{}{}", file_with(&old), file_with(&new)));
    repo.git(&["add", "a"]);
    let text = stopped(&repo, &[]);
    assert_eq!(text.matches("CRITICAL").count(), 1, "{text}");
    assert!(text.contains(&new[new.len() - 4..]), "{text}");
    // Copied from a file that the commit does not touch: it is in one more place.
    repo.git(&["reset", "-q", "--hard"]);
    repo.write("copy", file_with(&old));
    repo.git(&["add", "copy"]);
    stopped(&repo, &[]);
}

#[test]
fn what_moves_or_goes_does_not_stop_a_commit() {
    let repo = clone();
    let token = repo.plant();
    repo.write("dir/sub/app.env", file_with(&token));
    repo.write("dir/other", "x\n");
    slip_in(&repo);
    fs::create_dir(repo.path().join("new")).unwrap();
    repo.git(&["mv", "dir/sub", "new/sub"]);
    repo.write("new/sub/app.env", format!("# moved\n{}", file_with(&token)));
    repo.git(&["add", "-A"]);
    let text = passes(&repo, &[]);
    assert!(text.contains("before"), "{text}");
    // A file that becomes a directory.
    repo.git(&["mv", "new/sub/app.env", "new/x"]);
    fs::create_dir(repo.path().join("new/sub")).ok();
    repo.git(&["mv", "new/x", "new/sub/x"]);
    let text = passes(&repo, &[]);
    assert!(text.contains("before"), "{text}");
    repo.git(&["rm", "-q", "-r", "new"]);
    assert_eq!(passes(&repo, &[]), "");
}

#[test]
fn comments_and_allowlists_of_the_clone_count() {
    let repo = clone();
    let (one, two) = (repo.plant(), repo.plant());
    let line = |token: &str, comment: &str| format!("token = \"{token}\" # {comment}\n");
    repo.write(
        "a",
        line(&one, "gitsieve:allow") + &line(&two, "gitleaks:allow"),
    );
    repo.git(&["add", "a"]);
    let text = passes(&repo, &[]);
    assert!(text.contains("2 secrets let pass by a comment"), "{text}");
    // A comment lets pass what is on its line, not the same thing elsewhere.
    repo.write("b", file_with(&one));
    repo.git(&["add", "b"]);
    let text = stopped(&repo, &[]);
    assert!(text.contains("where       b:"), "{text}");

    repo.write(
        ".gitsieve.toml",
        "[extend]\nuseDefault = true\n[allowlist]\npaths = ['''^b$''']\n",
    );
    passes(&repo, &[]);
    let output = gitsieve(repo.path(), &["hook", "pre-commit", "--no-config"]);
    assert_eq!(output.status.code(), Some(0), "committed by now");
    repo.write("b2", file_with(&repo.plant()));
    repo.git(&["add", "b2"]);
    let text = stopped(&repo, &[]);
    assert!(text.contains("using the configuration"), "{text}");
}

#[test]
fn sha256_repositories_are_judged_too() {
    let repo = clone_as(ObjectFormat::Sha256);
    let token = repo.plant();
    repo.write("a", file_with(&token));
    repo.git(&["add", "a"]);
    stopped(&repo, &[]);
    slip_in(&repo);
    repo.write("a", format!("more\n{}", file_with(&token)));
    let text = passes(&repo, &["-a"]);
    assert!(text.contains("before"), "{text}");
}

#[test]
fn binaries_archives_and_links_are_content() {
    let repo = clone();
    let token = repo.plant();
    repo.write(
        "image",
        [b"\x89PNG\0\0\xff".as_slice(), token.as_bytes(), b"\0"].concat(),
    );
    repo.git(&["add", "image"]);
    stopped(&repo, &[]);
    repo.git(&["reset", "-q"]);
    let text = file_with(&token);
    let archive = containers::zip(&[("x/app.env", text.as_bytes(), containers::Packing::Deflated)]);
    repo.write("image", archive);
    repo.git(&["add", "image"]);
    let text = stopped(&repo, &[]);
    assert!(text.contains("image!/x/app.env:"), "{text}");
    repo.git(&["reset", "-q"]);
    symlink(format!("/run/{token}"), repo.path().join("link")).unwrap();
    repo.git(&["add", "link"]);
    stopped(&repo, &[]);
}

#[test]
fn what_is_only_intended_to_be_added_is_not_committed() {
    let repo = clone();
    repo.write("later", file_with(&repo.plant()));
    repo.git(&["add", "-N", "later"]);
    repo.write("a", "two\n");
    repo.git(&["add", "a"]);
    assert_eq!(passes(&repo, &[]), "");
}

#[test]
fn all_sides_of_a_conflict_are_looked_at_and_its_solution_decides() {
    let repo = clone();
    let token = repo.plant();
    repo.git(&["checkout", "-q", "-b", "other"]);
    repo.write("a", file_with(&token));
    slip_in(&repo);
    repo.git(&["checkout", "-q", "main"]);
    repo.commit_file("a", "ours\n", "ours");
    assert!(
        !repo
            .try_git(&["merge", "-q", "other"], b"")
            .status
            .success()
    );
    let output = gitsieve(repo.path(), &["hook", "pre-commit"]);
    said(&repo, &output);
    assert_eq!(output.status.code(), Some(1));
    repo.write("a", file_with(&token));
    repo.git(&["add", "a"]);
    stopped(&repo, &[]);
    repo.write("a", "both\n");
    repo.git(&["add", "a"]);
    assert_eq!(passes(&repo, &[]), "");
}

#[test]
fn sparse_and_split_indexes_are_read() {
    let repo = clone();
    let (first, second) = (repo.plant(), repo.plant());
    repo.write("in/x", "x\n");
    repo.write("out/deep/y", file_with(&first));
    slip_in(&repo);
    repo.git(&["sparse-checkout", "set", "--cone", "--sparse-index", "in"]);
    repo.write("in/x", file_with(&second));
    stopped(&repo, &["-a"]);
    // What lies outside of the checkout changes without a file.
    repo.git(&["checkout", "-q", "in/x"]);
    repo.git(&["reset", "-q", "--soft", "HEAD^"]);
    stopped(&repo, &[]);
    repo.git(&["reset", "-q", "--soft", "ORIG_HEAD"]);

    repo.git(&["sparse-checkout", "disable"]);
    repo.git(&["update-index", "--split-index"]);
    repo.write("in/x", file_with(&second));
    stopped(&repo, &["-a"]);
    repo.git(&["add", "in/x"]);
    stopped(&repo, &[]);
}

#[test]
fn linked_worktrees_and_submodules_are_judged_by_their_own_index() {
    let repo = clone();
    let token = repo.plant();
    let linked = repo.beside("linked");
    let linked = linked.to_str().unwrap();
    repo.git(&["worktree", "add", "-q", linked]);
    fs::write(Path::new(linked).join("a"), file_with(&token)).unwrap();
    let commit = |dir, args: &[&str]| {
        let args = [&["-C", dir, "commit", "-q", "-m", "x"], args].concat();
        let output = repo.try_git(&args, b"");
        (output.status.success(), said(&repo, &output))
    };
    let (passed, text) = commit(linked, &["-a"]);
    assert!(!passed && text.contains("where       a:"), "{text}");
    repo.git(&["-C", linked, "add", "a"]);
    assert!(!commit(linked, &[]).0);
    repo.write("a", "two\n");
    assert_eq!(passes(&repo, &["-a"]), "");

    let parent = clone();
    parent.git(&[
        "submodule",
        "--quiet",
        "add",
        repo.path().to_str().unwrap(),
        "sub",
    ]);
    // A submodule is a commit, and not looked into.
    assert_eq!(passes(&parent, &[]), "");
    let sub = parent.path().join("sub");
    install(&sub);
    fs::write(sub.join("a"), file_with(&token)).unwrap();
    let (passed, text) = commit(sub.to_str().unwrap(), &["-a"]);
    assert!(!passed && text.contains("where       a:"), "{text}");
}

#[test]
fn a_repository_apart_from_its_files_is_found() {
    let repo = Repo::init();
    repo.commit_file("a", "one\n", "start");
    install(repo.path());
    let token = repo.plant();
    let apart = repo.beside("apart.git");
    fs::rename(repo.git_dir(), &apart).unwrap();
    repo.write("a", file_with(&token));
    let (dir, tree) = (apart.to_str().unwrap(), repo.path().to_str().unwrap());
    let (dir, tree) = (format!("--git-dir={dir}"), format!("--work-tree={tree}"));
    let commit = [&dir, &tree, "commit", "-q", "-a", "-m", "x"];
    let output = repo.try_git(&commit, b"");
    let text = said(&repo, &output);
    assert!(
        !output.status.success() && text.contains("where       a:"),
        "{text}"
    );
    // The configuration at the root of those files counts.
    repo.write(
        ".gitsieve.toml",
        "[extend]\nuseDefault = true\n[allowlist]\npaths = ['''^a$''']\n",
    );
    assert!(repo.try_git(&commit, b"").status.success());
}

#[test]
fn what_an_earlier_hook_stages_is_judged() {
    let repo = Repo::init();
    repo.commit_file("a", "one\n", "start");
    let token = repo.plant();
    let hook = repo.git_dir().join("hooks/pre-commit");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(
        &hook,
        format!("#!/bin/sh\necho 'x = {token}' >a\ngit add a\n"),
    )
    .unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    install(repo.path());
    stopped(&repo, &["--allow-empty"]);
    repo.git(&["reset", "-q", "--hard"]);
    stopped(&repo, &["--allow-empty", "-a"]);
}

#[test]
fn options_choose_what_stops_and_content_that_is_gone_does() {
    let repo = clone();
    repo.write(
        "a",
        format!("url = https://user:{}@db.acme-corp.net/x\n", "kEq8Vw2ZpL5n"),
    );
    repo.git(&["add", "a"]);
    let run = |args: &[&str]| {
        let output = gitsieve(repo.path(), &[&["hook", "pre-commit"], args].concat());
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(output.stdout.is_empty());
        (output.status.code(), text)
    };
    assert_eq!(run(&[]).0, Some(1));
    let (status, text) = run(&["--fail-on", "critical"]);
    assert_eq!(status, Some(0), "{text}");
    assert!(text.contains("none of severity critical"), "{text}");
    assert_eq!(run(&["--exclude-rule", "*"]).0, Some(2));
    assert_eq!(run(&["--rule", "github-pat"]), (Some(0), String::new()));

    let id = repo.rev(":a");
    fs::remove_file(repo.loose_file(&id)).unwrap();
    let (status, text) = run(&[]);
    assert_eq!(status, Some(3), "{text}");
    assert!(text.contains("not all of it was checked"), "{text}");
    fs::write(repo.git_dir().join("index"), "damaged").unwrap();
    assert_eq!(run(&[]).0, Some(3));
    let outside = gitsieve(Path::new("/"), &["hook", "pre-commit"]);
    assert_eq!(outside.status.code(), Some(2));
}

#[test]
fn paths_give_no_secret_away_and_drive_no_terminal() {
    let repo = clone();
    let token = repo.plant();
    repo.write(&format!("{token}/\x1b[31m$(x)"), file_with(&token));
    repo.git(&["add", "-A"]);
    let text = stopped(&repo, &[]);
    assert!(!text.contains('\x1b'), "{text}");
    assert!(text.contains("\\u{1b}[31m$(x)'"), "{text}");
}
