//! Plain files, directories and standard input.

use super::history::file_with;
use crate::support::{
    Repo, Sieve,
    sieve::{Expected, Scan, assert_position},
};
use std::{ffi::OsStr, path::Path};

fn scan_dir(repo: &Repo, path: &Path, args: &[&str]) -> Scan {
    let mut all = vec![
        OsStr::new("dir"),
        path.as_os_str(),
        "-f".as_ref(),
        "json".as_ref(),
    ];
    all.extend(args.iter().map(OsStr::new));
    Sieve::new(&all).hiding(repo.planted()).scan()
}

#[test]
fn directory_honours_ignore_files_unless_told_otherwise() {
    let repo = Repo::init();
    let (plain, hidden, ignored) = (repo.plant(), repo.plant(), repo.plant());
    repo.write(".gitignore", "*.local\n");
    repo.write("sub/app.env", file_with(&plain));
    repo.write(".config/.env", file_with(&hidden));
    repo.write("x.local", file_with(&ignored));
    let scan = scan_dir(&repo, repo.path(), &[]);
    scan.assert_exactly(&[&plain, &hidden]);
    assert_eq!(scan.only(&plain)["where"], "file");
    let scan = scan_dir(&repo, repo.path(), &["--no-ignore"]);
    scan.assert_exactly(&[&plain, &hidden, &ignored]);
}

#[test]
fn directory_outside_of_any_repository() {
    let repo = Repo::init();
    let token = repo.plant();
    let content = file_with(&token);
    let dir = repo.beside("plain");
    std::fs::create_dir_all(dir.join("sub")).unwrap();
    std::fs::write(dir.join("sub/app.env"), &content).unwrap();
    std::fs::write(dir.join("clean"), "x\n").unwrap();
    for args in [vec!["dir".as_ref()], vec![]] {
        let mut all: Vec<&OsStr> = args;
        all.extend([dir.as_os_str(), "-f".as_ref(), "json".as_ref()]);
        let scan = Sieve::new(&all).hiding(repo.planted()).scan();
        scan.assert_exactly(&[&token]);
        let occurrence = scan.only(&token);
        assert_eq!(occurrence["where"], "file");
        assert_eq!(occurrence["blob"], repo.blob_id(&content));
        let path = occurrence["path"].as_str().unwrap();
        assert!(path.ends_with("sub/app.env"), "{path}");
        assert_position(occurrence, content.as_bytes(), token.as_bytes());
        assert_eq!(scan.receipt("/blobs/scanned"), 2);
    }
}

#[test]
fn single_file_and_several_paths() {
    let repo = Repo::init();
    let (one, two, three) = (repo.plant(), repo.plant(), repo.plant());
    repo.write("a.env", file_with(&one));
    repo.write("d/b.env", file_with(&two));
    repo.write("c.env", file_with(&three));
    let run = |paths: &[&str]| {
        let mut args = vec!["dir"];
        args.extend(paths);
        args.extend(["-f", "json"]);
        Sieve::new(&args)
            .current_dir(repo.path())
            .hiding(repo.planted())
            .scan()
    };
    run(&["a.env"]).assert_exactly(&[&one]);
    run(&["a.env", "d"]).assert_exactly(&[&one, &two]);
    let args = ["a.env", "-f", "json"];
    let bare = Sieve::new(&args)
        .current_dir(repo.path())
        .hiding(repo.planted())
        .scan();
    bare.assert_exactly(&[&one]);
}

#[test]
#[cfg(unix)]
fn links_out_of_the_directory_are_not_followed() {
    let repo = Repo::init();
    std::fs::write(repo.beside("outside"), file_with(&repo.plant())).unwrap();
    std::os::unix::fs::symlink("../outside", repo.path().join("way-out")).unwrap();
    std::os::unix::fs::symlink("..", repo.path().join("loop")).unwrap();
    scan_dir(&repo, repo.path(), &[]).assert_exactly(&[]);
}

#[test]
#[cfg(unix)]
fn unreadable_kinds_of_files_do_not_hang_the_scan() {
    let repo = Repo::init();
    let token = repo.plant();
    repo.write("app.env", file_with(&token));
    let fifo = repo.path().join("fifo");
    let made = std::process::Command::new("mkfifo")
        .arg(&fifo)
        .status()
        .unwrap();
    assert!(made.success());
    scan_dir(&repo, repo.path(), &[]).assert_exactly(&[&token]);
}

#[test]
fn missing_path_is_a_usage_error() {
    let run = Sieve::new(&["dir", "/nonexistent/gitsieve"]).run();
    assert_eq!(run.status, 2, "{}", run.stderr);
    assert!(
        run.stderr.contains("/nonexistent/gitsieve"),
        "{}",
        run.stderr
    );
}

#[test]
fn standard_input() {
    let repo = Repo::init();
    let token = repo.plant();
    let content = file_with(&token);
    let run = Sieve::new(&["stdin", "--path", "conf/app.env", "-f", "json"])
        .input(content.as_bytes())
        .hiding(repo.planted());
    let scan = run.scan();
    scan.assert_exactly(&[&token]);
    scan.assert_found(
        &token,
        &Expected {
            place: "stdin",
            path: "conf/app.env",
            content: content.as_bytes(),
            blob: &repo.blob_id(&content),
            introduced: None,
            last_seen: None,
        },
    );
    let clean = Sieve::new(&["stdin", "-f", "json"])
        .input("nothing here\n")
        .scan();
    clean.assert_exactly(&[]);
    assert_eq!(clean.receipt("/blobs/scanned"), 1);
}
