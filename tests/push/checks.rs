//! What is checked after every push and every run of the hook by hand.

use crate::{
    audit::Line,
    server::Server,
    support::{ObjectFormat, Repo, Sieve, sieve::leaks},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
};

/// Most that the pusher may be told, in bytes: what servers pass on.
const LONGEST_MESSAGE: usize = 16 << 10;

/// Longest line of the message, in characters: one that names a path and a commit. Those that
/// name neither are shorter.
const LONGEST_LINE: usize = 256;

/// Files larger than this are compared by their size alone.
const HASHED_UP_TO: u64 = 1 << 20;

/// What other ways to scan the pushed commits find, compared with the hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doors {
    /// The same findings.
    Equal,
    /// More: the policy lets some pass, or the push has more than commits.
    More,
    /// Nothing to compare: the hook did not look at everything.
    Closed,
}

/// Every file below a directory, with its size and a hash of its content.
pub fn snapshot(dir: &Path) -> BTreeMap<PathBuf, (u64, u64)> {
    let mut files = BTreeMap::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        // What goes away meanwhile is not there.
        let Ok(entries) = fs::read_dir(dir) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            let Ok(info) = path.symlink_metadata() else {
                continue;
            };
            if info.is_dir() {
                dirs.push(path);
                continue;
            }
            let mut hasher = DefaultHasher::new();
            if info.len() <= HASHED_UP_TO {
                fs::read(&path).unwrap_or_default().hash(&mut hasher);
            }
            files.insert(path, (info.len(), hasher.finish()));
        }
    }
    files
}

/// Fails unless both snapshots are of the same files.
pub fn unchanged(before: &BTreeMap<PathBuf, (u64, u64)>, after: &BTreeMap<PathBuf, (u64, u64)>) {
    let names = |one: &BTreeMap<PathBuf, (u64, u64)>, other: &BTreeMap<PathBuf, (u64, u64)>| {
        one.iter()
            .filter(|(path, content)| other.get(*path) != Some(content))
            .map(|(path, _)| path.clone())
            .collect::<Vec<_>>()
    };
    assert_none(&names(after, before), "new or changed");
    assert_none(&names(before, after), "gone or changed");
}

fn assert_none(files: &[PathBuf], what: &str) {
    assert!(files.is_empty(), "{what}: {files:?}");
}

/// Fails if a secret shows in one of these texts, or in a file below one of these directories.
pub fn no_leaks(secrets: &[String], texts: &[&[u8]], dirs: &[&Path]) {
    for secret in secrets {
        for text in texts {
            assert!(
                !leaks(text, secret),
                "a secret shows in: {}",
                String::from_utf8_lossy(text)
            );
        }
    }
    for dir in dirs {
        for path in snapshot(dir).keys() {
            let bytes = fs::read(path).unwrap_or_default();
            for secret in secrets {
                assert!(
                    !leaks(&bytes, secret),
                    "a secret shows in {}",
                    path.display()
                );
            }
        }
    }
}

/// Fails unless the directory is empty.
pub fn empty(dir: &Path) {
    let left: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_none(&left, "left behind");
}

/// Fails if the repository still holds a quarantine.
pub fn no_quarantine(repository: &Path) {
    for entry in fs::read_dir(repository.join("objects")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(!name.contains("incoming"), "left behind: objects/{name}");
    }
}

/// The only entry of a directory.
pub fn only_entry(dir: &Path, context: &str) -> PathBuf {
    let entries = fs::read_dir(dir).map_or_else(
        |_| Vec::new(),
        |entries| entries.map(|e| e.unwrap().path()).collect(),
    );
    assert_eq!(entries.len(), 1, "runs of the hook; git said: {context}");
    entries.into_iter().next().unwrap()
}

/// What came from the server's side of a push.
pub fn remote_lines(client: &str) -> String {
    client
        .lines()
        .filter_map(|line| line.strip_prefix("remote:"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned() + "\n")
        .collect()
}

/// The lines of a message, without the space that git fills them up with.
pub fn lines(message: &str) -> Vec<&str> {
    message.lines().map(str::trim_end).collect()
}

/// Fails unless a terminal, a web page and a log can show the message.
pub fn message(text: &str) {
    assert!(
        text.len() < LONGEST_MESSAGE,
        "{} bytes of message",
        text.len()
    );
    for line in text.lines() {
        assert!(
            line.chars().count() <= LONGEST_LINE,
            "a long line in the message: {line}"
        );
        let bad = line
            .chars()
            .find(|c| c.is_control() || ('\u{2028}'..='\u{202e}').contains(c));
        assert_eq!(bad, None, "in the message: {line:?}");
    }
    assert!(!text.contains("panicked"), "{text}");
}

/// The commits that refs point at, tags peeled, by what git says.
pub fn tips(repo: &Repo) -> Vec<String> {
    let refs = repo.git(&["for-each-ref", "--format=%(objectname)^{commit}"]);
    commits(repo, &refs)
}

/// Those of these revisions that are commits.
fn commits(repo: &Repo, revisions: &str) -> Vec<String> {
    let out = repo.git_with(&["cat-file", "--batch-check"], revisions.as_bytes());
    let text = String::from_utf8(out).unwrap();
    let found: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.split_once(" commit "))
        .map(|(id, _)| id.to_owned())
        .collect();
    found.into_iter().collect()
}

/// Fails unless the hook's findings are those of a scan of the same commits as a range, and of
/// a scan of the whole clone that was pushed from.
pub fn other_doors(
    doors: Doors,
    server: &Server,
    client: &Repo,
    known: &[String],
    stdin: &str,
    audit: &Line,
) {
    if doors == Doors::Closed {
        return;
    }
    let hook = audit.fingerprints();
    let sweep = fingerprints(Sieve::git(
        client,
        &["--no-working-tree", "--no-inline-allow"],
    ));
    let unseen: Vec<_> = hook.difference(&sweep).collect();
    assert!(unseen.is_empty(), "not found in the clone: {unseen:?}");

    let new: Vec<String> = stdin
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .filter(|id| id.bytes().any(|b| b != b'0'))
        .map(|id| format!("{id}^{{commit}}"))
        .collect();
    let new = new.join(
        "
",
    );
    let format = server.repo.git(&["rev-parse", "--show-object-format"]);
    let format = match format.as_str() {
        "sha1" => ObjectFormat::Sha1,
        _ => ObjectFormat::Sha256,
    };
    let scratch = Repo::init_bare("range.git", format);
    scratch.adopt_secrets(client);
    let alternates: String = [client, &server.repo]
        .map(|repo| format!("{}\n", repo.objects().display()))
        .concat();
    fs::create_dir_all(scratch.objects().join("info")).unwrap();
    fs::write(scratch.objects().join("info/alternates"), alternates).unwrap();
    // A range has two ends: a commit that joins all that is known, and one that joins all that
    // is pushed.
    let empty_tree = String::from_utf8(scratch.git_with(&["mktree"], b"")).unwrap();
    let join = |parents: &[String], message: &str| {
        let mut args = vec!["commit-tree", "-m", message];
        for parent in parents {
            args.extend(["-p", parent]);
        }
        args.push(empty_tree.trim_end());
        scratch.git(&args)
    };
    let known = join(known, "known");
    let pushed = join(&commits(&scratch, &new), "pushed");
    let range = format!("{known}..{pushed}");
    let ranged = fingerprints(Sieve::git(
        &scratch,
        &["--range", &range, "--no-inline-allow"],
    ));
    match doors {
        Doors::Equal => assert_eq!(hook, ranged, "findings of the hook, and of the range"),
        Doors::More => {
            let unseen: Vec<_> = ranged.difference(&sweep).collect();
            assert!(unseen.is_empty(), "not found in the clone: {unseen:?}");
        }
        Doors::Closed => {}
    }
}

/// Fingerprints of what a scan reports.
fn fingerprints(scan: Sieve) -> BTreeSet<String> {
    scan.scan()
        .findings()
        .iter()
        .map(|finding| finding["fingerprint"].as_str().unwrap().to_owned())
        .collect()
}
