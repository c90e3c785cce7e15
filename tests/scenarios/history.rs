//! A secret anywhere in a history is found, placed to the byte and attributed to the commit that
//! brought it.

use crate::support::{
    Repo, Sieve,
    oracle::{self, histories},
    sieve::{Expected, Scan, assert_position, position},
};

/// A file that holds a token on its second line.
pub fn file_with(token: &str) -> String {
    format!("# settings\ntoken = \"{token}\"\nverbose = true\n")
}

/// Scans the history and the working set, and compares the receipt with git's counts.
fn scan_all(repo: &Repo) -> Scan {
    let scan = Sieve::git(repo, &[]).scan();
    assert_counts(repo, &scan);
    scan
}

/// Fails unless the receipt's counts are git's.
pub fn assert_counts(repo: &Repo, scan: &Scan) {
    let counts = oracle::count_all(repo);
    assert_eq!(
        scan.receipt("/blobs/scanned"),
        counts.blobs,
        "blobs scanned"
    );
    assert_eq!(scan.receipt("/blobs/seen"), counts.blobs, "blobs seen");
    assert_eq!(scan.receipt("/trees"), counts.trees, "trees");
    assert_eq!(scan.receipt("/commits"), counts.commits, "commits");
    assert_eq!(scan.receipt("/tags"), counts.tags, "tags");
}

#[test]
fn file_at_head() {
    let repo = Repo::init();
    repo.commit_file("README", "hello\n", "start");
    let token = repo.plant();
    let content = file_with(&token);
    let added = repo.commit_file("conf/app.toml", &content, "configure");
    let last = repo.commit_file("README", "hello again\n", "say more");
    let scan = scan_all(&repo);
    scan.assert_exactly(&[&token]);
    scan.assert_found(
        &token,
        &Expected {
            place: "head",
            path: "conf/app.toml",
            content: content.as_bytes(),
            blob: &repo.blob_id(&content),
            introduced: Some(&added),
            last_seen: Some(&last),
        },
    );
    let introduced = &scan.only(&token)["introduced"];
    assert_eq!(introduced["author"], "A. Author");
    assert_eq!(introduced["email"], "author@example.org");
    assert_eq!(introduced["summary"], "configure");
    let date = introduced["date"].as_str().expect("a date");
    let seconds = repo.git(&["log", "-1", "--format=%aI", &added]);
    assert_eq!(
        date, seconds,
        "the author's date, ISO 8601, as git writes it strictly"
    );
    assert!(
        scan.only(&token)["refs"].to_string().contains("main"),
        "refs name the branch: {:#}",
        scan.only(&token)
    );
}

#[test]
fn file_deleted_later() {
    let repo = Repo::init();
    let token = repo.plant();
    let content = file_with(&token);
    let added = repo.commit_file("secret.env", &content, "add");
    let kept = repo.commit_file("other", "x\n", "meanwhile");
    repo.remove("secret.env");
    repo.commit("remove it again");
    let scan = scan_all(&repo);
    scan.assert_exactly(&[&token]);
    scan.assert_found(
        &token,
        &Expected {
            place: "ref",
            path: "secret.env",
            content: content.as_bytes(),
            blob: &repo.blob_id(&content),
            introduced: Some(&added),
            last_seen: Some(&kept),
        },
    );
}

#[test]
fn versions_of_one_file_are_occurrences_of_one_finding() {
    let repo = Repo::init();
    let token = repo.plant();
    let mut blobs = Vec::new();
    for version in 0..3 {
        let content = format!("version = {version}\n{}", file_with(&token));
        repo.commit_file("app.toml", &content, "edit");
        blobs.push(repo.blob_id(&content));
    }
    let scan = scan_all(&repo);
    scan.assert_exactly(&[&token]);
    let mut places: Vec<(String, String)> = scan
        .occurrences(&token)
        .iter()
        .map(|o| {
            let text = |key: &str| o[key].as_str().expect("text").to_owned();
            (text("blob"), text("where"))
        })
        .collect();
    places.sort();
    let mut expected: Vec<(String, String)> = vec![
        (blobs[0].clone(), "ref".into()),
        (blobs[1].clone(), "ref".into()),
        (blobs[2].clone(), "head".into()),
    ];
    expected.sort();
    assert_eq!(places, expected);
}

#[test]
fn two_secrets_in_one_blob_are_two_findings() {
    let repo = Repo::init();
    let (one, two) = (repo.plant(), repo.plant());
    let content = format!("first = {one}\nsecond = {two} # third: {one}\n");
    repo.commit_file("tokens", &content, "add");
    let scan = scan_all(&repo);
    scan.assert_exactly(&[&one, &two]);
    assert_eq!(scan.occurrences(&one).len(), 2, "twice in the blob");
    assert_position(scan.only(&two), content.as_bytes(), two.as_bytes());
}

/// A repository whose branch `feature` (one commit with a token) was deleted.
fn with_deleted_branch() -> (Repo, String, String, String) {
    let repo = Repo::init();
    repo.commit_file("README", "hello\n", "start");
    repo.git(&["checkout", "-q", "-b", "feature"]);
    let token = repo.plant();
    let content = file_with(&token);
    let added = repo.commit_file("f.env", &content, "work on the feature");
    repo.git(&["checkout", "-q", "main"]);
    repo.git(&["branch", "-q", "-D", "feature"]);
    (repo, token, content, added)
}

fn assert_unreachable(repo: &Repo, token: &str, content: &str, added: &str) {
    let scan = scan_all(repo);
    scan.assert_exactly(&[token]);
    scan.assert_found(
        token,
        &Expected {
            place: "unreachable",
            path: "f.env",
            content: content.as_bytes(),
            blob: &repo.blob_id(content),
            introduced: Some(added),
            last_seen: Some(added),
        },
    );
}

#[test]
fn deleted_branch_held_by_the_reflog_alone() {
    let (repo, token, content, added) = with_deleted_branch();
    assert!(
        repo.git(&["reflog", "--format=%H"]).contains(&added),
        "the fixture's point"
    );
    assert_unreachable(&repo, &token, &content, &added);
}

#[test]
fn deleted_branch_that_nothing_holds() {
    let (repo, token, content, added) = with_deleted_branch();
    repo.expire_reflogs();
    let dangling = repo.git(&["fsck", "--no-reflogs", "--no-progress"]);
    assert!(dangling.contains(&added), "the fixture's point");
    assert_unreachable(&repo, &token, &content, &added);
    repo.pack_all();
    assert_unreachable(&repo, &token, &content, &added);
}

#[test]
fn stash() {
    let repo = Repo::init();
    repo.commit_file("app.toml", "verbose = true\n", "start");
    let token = repo.plant();
    let content = file_with(&token);
    repo.write("app.toml", &content);
    repo.git(&["stash", "-q"]);
    let stashed = repo.rev("refs/stash");
    let scan = scan_all(&repo);
    scan.assert_exactly(&[&token]);
    scan.assert_found(
        &token,
        &Expected {
            place: "ref",
            path: "app.toml",
            content: content.as_bytes(),
            blob: &repo.blob_id(&content),
            introduced: Some(&stashed),
            last_seen: Some(&stashed),
        },
    );
    assert!(
        scan.only(&token)["refs"].to_string().contains("stash"),
        "{:#}",
        scan.only(&token)
    );
}

#[test]
fn older_stash_held_by_the_stash_reflog_alone() {
    let repo = Repo::init();
    repo.commit_file("app.toml", "verbose = true\n", "start");
    let token = repo.plant();
    let content = file_with(&token);
    repo.write("app.toml", &content);
    repo.git(&["stash", "-q"]);
    let stashed = repo.rev("refs/stash");
    repo.write("app.toml", "verbose = false\n");
    repo.git(&["stash", "-q"]);
    let scan = scan_all(&repo);
    scan.assert_exactly(&[&token]);
    let occurrence = scan.only(&token);
    assert_eq!(
        occurrence["where"], "unreachable",
        "no ref reaches it: {occurrence:#}"
    );
    assert_eq!(occurrence["introduced"]["commit"], stashed);
}

#[test]
fn untracked_files_of_a_stash() {
    let repo = Repo::init();
    repo.commit_file("README", "hello\n", "start");
    let token = repo.plant();
    let content = file_with(&token);
    repo.write("new.env", &content);
    repo.git(&["stash", "-q", "--include-untracked"]);
    let untracked = repo.rev("refs/stash^3");
    let scan = scan_all(&repo);
    scan.assert_exactly(&[&token]);
    let occurrence = scan.at_path(&token, "new.env");
    assert_eq!(occurrence["where"], "ref", "{occurrence:#}");
    assert_eq!(occurrence["introduced"]["commit"], untracked);
}

#[test]
fn dangling_blob() {
    let repo = Repo::init();
    repo.commit_file("README", "hello\n", "start");
    let token = repo.plant();
    let content = file_with(&token);
    let blob = repo.dangling_blob(&content);
    let scan = scan_all(&repo);
    scan.assert_exactly(&[&token]);
    scan.assert_found(
        &token,
        &Expected {
            place: "unreachable",
            path: "",
            content: content.as_bytes(),
            blob: &blob,
            introduced: None,
            last_seen: None,
        },
    );
}

#[test]
fn blob_named_by_a_tag_alone() {
    let repo = Repo::init();
    repo.commit_file("README", "hello\n", "start");
    let token = repo.plant();
    let content = file_with(&token);
    let blob = repo.dangling_blob(&content);
    repo.git(&["tag", "public-key", &blob]);
    let scan = scan_all(&repo);
    scan.assert_exactly(&[&token]);
    let occurrence = scan.only(&token);
    assert_eq!(
        occurrence["where"], "ref",
        "a ref reaches it: {occurrence:#}"
    );
    assert_eq!(occurrence["blob"], blob);
}

#[test]
fn annotated_tag_message() {
    let repo = Repo::init();
    repo.commit_file("README", "hello\n", "start");
    let token = repo.plant();
    repo.git(&[
        "tag",
        "-a",
        "v1",
        "-m",
        &format!("release\n\nuploaded with {token} by hand"),
    ]);
    let tag = repo.rev("refs/tags/v1");
    let raw = repo.git_with(&["cat-file", "tag", &tag], b"");
    let headers = position(&raw, b"\n\n").unwrap() + 2;
    let scan = scan_all(&repo);
    scan.assert_exactly(&[&token]);
    let occurrence = scan.only(&token);
    assert_eq!(occurrence["where"], "tag-message", "{occurrence:#}");
    assert_eq!(occurrence["blob"], tag, "{occurrence:#}");
    assert_position(occurrence, &raw[headers..], token.as_bytes());
}

#[test]
fn commit_message_even_in_its_first_line() {
    let repo = Repo::init();
    repo.commit_file("README", "hello\n", "start");
    let (first, body) = (repo.plant(), repo.plant());
    let one = repo.commit_file("README", "a\n", &format!("log in as {first} for now"));
    let two = repo.commit_file("README", "b\n", &format!("more\n\nkey: {body}\n"));
    let scan = scan_all(&repo);
    scan.assert_exactly(&[&first, &body]);
    for (token, commit) in [(&first, &one), (&body, &two)] {
        let occurrence = scan.only(token);
        let message = repo.git_with(&["log", "-1", "--format=%B", commit], b"");
        assert_eq!(occurrence["where"], "commit-message", "{occurrence:#}");
        assert_eq!(occurrence["blob"], **commit, "{occurrence:#}");
        assert_eq!(
            occurrence["introduced"]["commit"], **commit,
            "{occurrence:#}"
        );
        assert_position(occurrence, &message, token.as_bytes());
    }
}

#[test]
fn note() {
    let repo = Repo::init();
    let noted = repo.commit_file("README", "hello\n", "start");
    let token = repo.plant();
    repo.git(&[
        "notes",
        "add",
        "-m",
        &format!("deployed with {token}"),
        "HEAD",
    ]);
    let blob = repo.git(&["notes", "list", &noted]);
    let content = repo.git_with(&["cat-file", "blob", &blob], b"");
    let scan = scan_all(&repo);
    scan.assert_exactly(&[&token]);
    let occurrence = scan.only(&token);
    assert_eq!(occurrence["where"], "note", "{occurrence:#}");
    assert_eq!(occurrence["blob"], blob);
    assert_eq!(
        occurrence["introduced"]["commit"],
        repo.rev("refs/notes/commits")
    );
    assert_position(occurrence, &content, token.as_bytes());
}

#[test]
fn objects_of_an_alternate() {
    let source = Repo::init();
    let token = source.plant();
    let content = file_with(&token);
    let added = source.commit_file("app.toml", &content, "add");
    let dangling = source.plant();
    source.dangling_blob(file_with(&dangling));
    source.commit_file("app.toml", "clean\n", "remove it");
    let fork = Repo::clone_of(&source, &["--shared"]);
    let own = fork.plant();
    let head = fork.commit_file("own.toml", file_with(&own), "own work");
    let local = fork.git(&["count-objects", "-v"]);
    assert!(
        local.starts_with("count: 3\n") && local.contains("in-pack: 0\n"),
        "the fixture's point: {local}"
    );
    let scan = scan_all(&fork);
    scan.assert_exactly(&[&token, &dangling, &own]);
    assert_eq!(scan.only(&token)["introduced"]["commit"], added);
    assert_eq!(scan.only(&token)["where"], "ref");
    assert_eq!(scan.only(&dangling)["where"], "unreachable");
    assert_eq!(scan.only(&own)["introduced"]["commit"], head);
}

#[test]
fn alternate_of_an_alternate_given_by_a_relative_path() {
    let source = Repo::init();
    let token = source.plant();
    source.commit_file("app.toml", file_with(&token), "add");
    let fork = Repo::clone_of(&source, &["--shared", "--bare"]);
    let third = fork.beside("third.git");
    fork.git(&["init", "-q", "--bare", third.to_str().unwrap()]);
    std::fs::write(
        third.join("objects/info/alternates"),
        "# fork\n../../clone/objects\n",
    )
    .unwrap();
    let args = [third.as_os_str(), "-f".as_ref(), "json".as_ref()];
    let scan = Sieve::new(&args).hiding(source.planted()).scan();
    scan.assert_exactly(&[&token]);
    assert_eq!(scan.receipt("/blobs/scanned"), 1);
    assert_eq!(
        scan.only(&token)["where"],
        "unreachable",
        "the third has no refs"
    );
}

#[test]
fn merge_resolution_that_neither_parent_held() {
    let repo = Repo::init();
    repo.commit_file("f", "one\n", "start");
    repo.git(&["checkout", "-q", "-b", "side"]);
    repo.commit_file("f", "two\n", "side");
    repo.git(&["checkout", "-q", "main"]);
    repo.commit_file("f", "three\n", "main");
    let merge = repo.try_git(&["merge", "-q", "side"], b"");
    assert!(!merge.status.success(), "the fixture's point: a conflict");
    let (token, unrelated) = (repo.plant(), repo.plant());
    let content = file_with(&token);
    repo.write("f", &content);
    repo.write("slipped-in", file_with(&unrelated));
    let merged = repo.commit("merge side");
    assert_eq!(
        repo.git(&["log", "-1", "--format=%P"]).split(' ').count(),
        2
    );
    let scan = scan_all(&repo);
    scan.assert_exactly(&[&token, &unrelated]);
    scan.assert_found(
        &token,
        &Expected {
            place: "head",
            path: "f",
            content: content.as_bytes(),
            blob: &repo.blob_id(&content),
            introduced: Some(&merged),
            last_seen: Some(&merged),
        },
    );
    assert_eq!(scan.only(&unrelated)["introduced"]["commit"], merged);
}

#[test]
fn merge_does_not_take_the_blame_for_what_a_parent_brought() {
    let repo = Repo::init();
    repo.commit_file("README", "hello\n", "start");
    let mut planted = Vec::new();
    for branch in ["one", "two", "three"] {
        repo.git(&["checkout", "-q", "-b", branch, "main"]);
        let token = repo.plant();
        let added = repo.commit_file(branch, file_with(&token), "work");
        planted.push((token, added));
    }
    repo.git(&["checkout", "-q", "main"]);
    repo.git(&[
        "merge", "-q", "--no-ff", "-m", "octopus", "one", "two", "three",
    ]);
    assert_eq!(
        repo.git(&["log", "-1", "--format=%P"]).split(' ').count(),
        4,
        "an octopus"
    );
    let scan = scan_all(&repo);
    for (token, added) in &planted {
        assert_eq!(scan.only(token)["introduced"]["commit"], **added);
        assert_eq!(scan.only(token)["where"], "head");
        assert_eq!(scan.only(token)["last_seen"], repo.rev("HEAD"));
    }
    scan.assert_exactly(
        &planted
            .iter()
            .map(|(token, _)| token.as_str())
            .collect::<Vec<_>>(),
    );
}

#[test]
fn orphan_branch() {
    let repo = Repo::init();
    repo.commit_file("README", "hello\n", "start");
    repo.git(&["checkout", "-q", "--orphan", "pages"]);
    repo.git(&["rm", "-q", "-rf", "."]);
    let token = repo.plant();
    let content = file_with(&token);
    let added = repo.commit_file("index.html", &content, "pages");
    repo.git(&["checkout", "-q", "main"]);
    let scan = scan_all(&repo);
    scan.assert_exactly(&[&token]);
    scan.assert_found(
        &token,
        &Expected {
            place: "ref",
            path: "index.html",
            content: content.as_bytes(),
            blob: &repo.blob_id(&content),
            introduced: Some(&added),
            last_seen: Some(&added),
        },
    );
    assert!(scan.only(&token)["refs"].to_string().contains("pages"));
}

#[test]
fn rename_gives_every_path_its_own_commit() {
    let repo = Repo::init();
    let token = repo.plant();
    let content = file_with(&token);
    let blob = repo.blob_id(&content);
    let added = repo.commit_file("old/name.env", &content, "add");
    repo.git(&["mv", "old/name.env", "name.env"]);
    let renamed = repo.commit("rename");
    let scan = scan_all(&repo);
    scan.assert_exactly(&[&token]);
    assert_eq!(scan.occurrences(&token).len(), 2);
    for (path, place, commit) in [
        ("old/name.env", "ref", &added),
        ("name.env", "head", &renamed),
    ] {
        let expected = Expected {
            place,
            path,
            content: content.as_bytes(),
            blob: &blob,
            introduced: Some(commit),
            last_seen: Some(commit),
        };
        scan.assert_found(&token, &expected);
    }
}

#[test]
fn removal_and_revert_of_the_removal_name_both_commits() {
    let repo = Repo::init();
    repo.commit_file("README", "hello\n", "start");
    let token = repo.plant();
    let content = file_with(&token);
    let added = repo.commit_file("app.env", &content, "add");
    repo.remove("app.env");
    let removed = repo.commit("remove");
    repo.git(&["revert", "--no-edit", &removed]);
    let again = repo.rev("HEAD");
    let scan = scan_all(&repo);
    scan.assert_exactly(&[&token]);
    scan.assert_found(
        &token,
        &Expected {
            place: "head",
            path: "app.env",
            content: content.as_bytes(),
            blob: &repo.blob_id(&content),
            introduced: Some(&added),
            last_seen: Some(&again),
        },
    );
    let also = scan.only(&token)["also_introduced_in"].to_string();
    assert!(
        also.contains(&again) && !also.contains(&added),
        "{:#}",
        scan.only(&token)
    );
}

#[test]
fn reachable_commits_come_before_those_that_an_amendment_left_behind() {
    let repo = Repo::init();
    repo.commit_file("README", "hello\n", "start");
    let token = repo.plant();
    let content = file_with(&token);
    let left_behind = repo.commit_file("app.env", &content, "add");
    repo.git(&["commit", "-q", "--amend", "-m", "add, in better words"]);
    let amended = repo.rev("HEAD");
    assert_ne!(left_behind, amended);
    let mut expected = Expected {
        place: "head",
        path: "app.env",
        content: content.as_bytes(),
        blob: &repo.blob_id(&content),
        introduced: Some(&amended),
        last_seen: Some(&amended),
    };
    scan_all(&repo).assert_found(&token, &expected);
    repo.remove("app.env");
    repo.commit("remove");
    expected.place = "ref";
    scan_all(&repo).assert_found(&token, &expected);
    repo.expire_reflogs();
    scan_all(&repo).assert_found(&token, &expected);
}

#[test]
fn same_blob_at_many_paths_is_scanned_once_and_placed_everywhere() {
    let repo = Repo::init();
    let token = repo.plant();
    let content = file_with(&token);
    let paths = ["a.env", "deep/er/b.env", "deep/c.env", "ünï cödé \"x\".env"];
    for path in paths {
        repo.write(path, &content);
    }
    let added = repo.commit("add");
    let scan = scan_all(&repo);
    scan.assert_exactly(&[&token]);
    assert_eq!(scan.receipt("/blobs/scanned"), 1);
    assert_eq!(scan.occurrences(&token).len(), paths.len());
    for path in paths {
        let expected = Expected {
            place: "head",
            path,
            content: content.as_bytes(),
            blob: &repo.blob_id(&content),
            introduced: Some(&added),
            last_seen: Some(&added),
        };
        scan.assert_found(&token, &expected);
    }
}

#[test]
#[cfg(unix)]
fn target_of_a_symbolic_link_is_content_and_is_not_followed() {
    let repo = Repo::init();
    let (token, outside) = (repo.plant(), repo.plant());
    let target = format!("https/{token}/x");
    std::os::unix::fs::symlink(&target, repo.path().join("link")).unwrap();
    std::fs::write(repo.beside("outside"), file_with(&outside)).unwrap();
    std::os::unix::fs::symlink("../outside", repo.path().join("way-out")).unwrap();
    let added = repo.commit("links");
    let scan = scan_all(&repo);
    scan.assert_exactly(&[&token]);
    scan.assert_found(
        &token,
        &Expected {
            place: "head",
            path: "link",
            content: target.as_bytes(),
            blob: &repo.blob_id(&target),
            introduced: Some(&added),
            last_seen: Some(&added),
        },
    );
}

#[test]
fn submodule_is_passed_over_quietly() {
    let repo = Repo::init();
    let token = repo.plant();
    repo.write("app.env", file_with(&token));
    repo.git(&["add", "-A"]);
    let absent = "1".repeat(40);
    repo.git(&[
        "update-index",
        "--add",
        "--cacheinfo",
        &format!("160000,{absent},sub"),
    ]);
    repo.git(&["commit", "-q", "-m", "with a submodule"]);
    let scan = scan_all(&repo);
    scan.assert_exactly(&[&token]);
    assert!(!scan.run.stderr.contains(&absent), "{}", scan.run.stderr);
}

#[test]
fn detached_head_and_worktrees_count_as_tips() {
    let repo = Repo::init();
    repo.commit_file("README", "hello\n", "start");
    repo.git(&["checkout", "-q", "--detach"]);
    let token = repo.plant();
    let added = repo.commit_file("app.env", file_with(&token), "detached work");
    let scan = scan_all(&repo);
    scan.assert_exactly(&[&token]);
    assert_eq!(scan.only(&token)["where"], "head");

    repo.git(&["checkout", "-q", "main"]);
    let linked = repo.beside("linked");
    repo.git(&[
        "worktree",
        "add",
        "-q",
        "--detach",
        linked.to_str().unwrap(),
        &added,
    ]);
    repo.expire_reflogs();
    let args = [linked.as_os_str(), "-f".as_ref(), "json".as_ref()];
    let scan = Sieve::new(&args).hiding(repo.planted()).scan();
    scan.assert_exactly(&[&token]);
    assert_eq!(
        scan.only(&token)["where"],
        "head",
        "HEAD of the worktree scanned"
    );
}

#[test]
fn bare_repository_git_dir_and_object_store_are_accepted() {
    let repo = Repo::init();
    let token = repo.plant();
    repo.commit_file("app.env", file_with(&token), "add");
    let bare = Repo::clone_of(&repo, &["--bare"]);
    for (path, place) in [
        (repo.path().to_owned(), "head"),
        (repo.git_dir(), "head"),
        (bare.path().to_owned(), "head"),
        (repo.objects(), "unreachable"),
    ] {
        let args = [path.as_os_str(), "-f".as_ref(), "json".as_ref()];
        let scan = Sieve::new(&args).hiding(repo.planted()).scan();
        scan.assert_exactly(&[&token]);
        assert_eq!(scan.receipt("/blobs/scanned"), 1, "{}", path.display());
        assert_eq!(scan.only(&token)["where"], place, "{}", path.display());
    }
}

#[test]
fn repository_around_the_current_directory_is_scanned_without_arguments() {
    let repo = Repo::init();
    let token = repo.plant();
    repo.write("sub/dir/x", "x\n");
    repo.commit_file("app.env", file_with(&token), "add");
    for dir in [repo.path().to_owned(), repo.path().join("sub/dir")] {
        let run = Sieve::new(&["-f", "json"])
            .hiding(repo.planted())
            .current_dir(&dir)
            .scan();
        run.assert_exactly(&[&token]);
        assert_eq!(
            run.only(&token)["path"],
            "app.env",
            "from {}",
            dir.display()
        );
    }
}

#[test]
fn empty_repository_is_clean() {
    let repo = Repo::init();
    let scan = scan_all(&repo);
    scan.assert_exactly(&[]);
}

#[test]
fn odd_paths_are_reported_and_never_reach_the_terminal_raw() {
    let repo = Repo::init();
    let token = repo.plant();
    let content = file_with(&token);
    let blob = repo.dangling_blob(&content);
    let odd = "red\u{1b}[31m\nnext\tline\u{202e}";
    let tree = repo.git_with(
        &["mktree", "-z"],
        format!("100644 blob {blob}\t{odd}\0").as_bytes(),
    );
    let tree = String::from_utf8(tree).unwrap();
    let commit = repo.git(&["commit-tree", "-m", "odd", tree.trim()]);
    repo.git(&["update-ref", "refs/heads/odd", &commit]);
    let scan = Sieve::git(&repo, &["--no-working-tree"]).scan();
    scan.assert_exactly(&[&token]);
    assert_eq!(scan.only(&token)["path"], odd, "JSON gives the path itself");
    let args = ["git".as_ref(), repo.path().as_os_str()];
    let human = Sieve::new(&args).hiding(repo.planted()).run();
    let shown = String::from_utf8(human.stdout).unwrap() + &human.stderr;
    assert!(
        !shown.contains('\u{1b}') && !shown.contains('\u{202e}'),
        "{shown:?}"
    );
}

#[test]
fn introducing_commits_are_those_that_git_names() {
    let repo = super::fixtures::every_place();
    let scan = scan_all(&repo);
    let commits = oracle::all_commits(&repo);
    let histories = histories(&commits);
    let mut checked = 0;
    for finding in scan.findings() {
        for occurrence in finding["occurrences"].as_array().unwrap() {
            let place = occurrence["where"].as_str().unwrap();
            if !["head", "ref", "note"].contains(&place) {
                continue;
            }
            let text = |key: &str| occurrence[key].as_str().unwrap().to_owned();
            let Some(history) = histories.get(&(text("path"), text("blob"))) else {
                panic!("no commit holds {occurrence:#}");
            };
            assert_eq!(
                occurrence["introduced"]["commit"], history.introduced[0].1,
                "{occurrence:#}"
            );
            assert_eq!(
                occurrence["last_seen"],
                oracle::last_seen(&repo, place, history),
                "{occurrence:#}"
            );
            checked += 1;
        }
    }
    assert!(checked >= 6, "the fixture has many: {checked}");
}
