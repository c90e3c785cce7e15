//! What `--engine hyperscan` keeps between runs: it makes starts quicker and changes nothing else.

use super::history::file_with;
use crate::support::{Repo, Sieve};
use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// A directory for the command to make and keep files in.
struct Cache {
    root: tempfile::TempDir,
}

impl Cache {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        Self { root }
    }

    fn path(&self) -> PathBuf {
        self.root.path().join("cache")
    }

    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path()).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }

    /// The only file, and its number, which another file in its place would not have.
    fn only(&self) -> (PathBuf, u64) {
        let files = self.files();
        assert_eq!(files.len(), 1, "{files:?}");
        (files[0].clone(), files[0].metadata().unwrap().ino())
    }

    fn scan(&self, repo: &Repo, args: &[&str]) -> Sieve {
        Sieve::git(repo, &[&["--engine", "hyperscan"], args].concat())
            .variable("GITSIEVE_CACHE_DIR", self.path())
    }

    /// Scans with the engine that compiles; returns the report's bytes.
    fn report(&self, repo: &Repo, args: &[&str]) -> Vec<u8> {
        report(self.scan(repo, args))
    }
}

/// Runs a scan that finds something and has nothing to complain about.
fn report(scan: Sieve) -> Vec<u8> {
    let run = scan.run();
    assert_eq!((run.status, run.stderr.as_str()), (1, ""));
    run.stdout
}

/// A repository with a secret, and the report that needs no cache.
fn expected() -> (Repo, Vec<u8>) {
    let repo = Repo::init();
    let token = repo.plant();
    repo.commit_file("deploy.sh", file_with(&token).as_bytes(), "add");
    let scan = Sieve::git(&repo, &["--engine", "hyperscan"]);
    let run = scan.variable("GITSIEVE_CACHE_DIR", "").run();
    let default = Sieve::git(&repo, &[]).scan();
    default.assert_exactly(&[&token]);
    assert_eq!(run.stdout, default.run.stdout);
    (repo, run.stdout)
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn the_second_scan_takes_what_the_first_compiled_and_reports_the_same() {
    let (repo, expected) = expected();
    let cache = Cache::new();
    assert_eq!(cache.report(&repo, &[]), expected);
    let first = cache.only();
    assert_eq!((mode(&cache.path()), mode(&first.0)), (0o700, 0o600));
    assert_eq!(cache.report(&repo, &[]), expected);
    assert_eq!(cache.only(), first);
}

#[test]
fn files_that_cannot_be_trusted_are_ignored_and_replaced() {
    let (repo, expected) = expected();
    let cache = Cache::new();
    // Other rules have a file of their own.
    cache.report(&repo, &["--rule", "github-pat"]);
    let (anothers, _) = cache.only();
    let anothers = fs::read(anothers).unwrap();
    fs::remove_dir_all(cache.path()).unwrap();

    cache.report(&repo, &[]);
    let (file, _) = cache.only();
    let good = fs::read(&file).unwrap();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let cases = [
        ("flipped in the header", flipped(20), 0o600),
        ("flipped", flipped(good.len() / 2), 0o600),
        ("truncated", good[..good.len() - 1].to_vec(), 0o600),
        ("empty", Vec::new(), 0o600),
        ("of other rules", anothers, 0o600),
        ("writable by the world", good.clone(), 0o602),
        ("writable by a group", good.clone(), 0o620),
    ];
    for (name, bytes, permissions) in cases {
        fs::write(&file, bytes).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(permissions)).unwrap();
        let bad = cache.only();
        assert_eq!(cache.report(&repo, &[]), expected, "{name}");
        let replaced = cache.only();
        assert_ne!(replaced, bad, "{name}");
        assert_eq!(mode(&replaced.0), 0o600, "{name}");
        // What replaced it is used.
        assert_eq!(cache.report(&repo, &[]), expected, "{name}");
        assert_eq!(cache.only(), replaced, "{name}");
    }
}

#[test]
fn processes_that_start_at_once_agree_and_leave_one_file() {
    let (repo, expected) = expected();
    let cache = Cache::new();
    std::thread::scope(|scope| {
        let scans = [(); 4].map(|()| cache.scan(&repo, &[]));
        let scans = scans.map(|scan| scope.spawn(move || report(scan)));
        for scan in scans {
            assert_eq!(scan.join().unwrap(), expected);
        }
    });
    let left = cache.only();
    assert_eq!(cache.report(&repo, &[]), expected);
    assert_eq!(cache.only(), left);
}

#[test]
fn without_a_home_nothing_is_kept() {
    let (repo, expected) = expected();
    let here = tempfile::tempdir().unwrap();
    let scan = Sieve::git(&repo, &["--engine", "hyperscan"]).current_dir(here.path());
    assert_eq!(scan.variable("HOME", "").run().stdout, expected);
    assert_eq!(fs::read_dir(here.path()).unwrap().count(), 0);
}

#[test]
fn a_place_that_cannot_be_written_is_mentioned_to_those_who_ask() {
    let (repo, expected) = expected();
    let here = tempfile::tempdir().unwrap();
    let file = here.path().join("file");
    fs::write(&file, "").unwrap();
    for (args, said) in [(&["-v"][..], true), (&[], false)] {
        let scan = Sieve::git(&repo, &[&["--engine", "hyperscan"], args].concat());
        let run = scan.variable("GITSIEVE_CACHE_DIR", &file).run();
        assert_eq!(run.stdout, expected);
        assert_eq!(
            run.stderr.contains("compiled rules"),
            said,
            "{}",
            run.stderr
        );
    }
}
