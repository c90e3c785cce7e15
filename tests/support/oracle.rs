//! What git itself says: counts of objects, what a range holds, and which commits introduced a
//! blob.

use super::Repo;
use std::collections::{BTreeMap, BTreeSet};

/// Unique objects by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub blobs: u64,
    pub trees: u64,
    pub commits: u64,
    pub tags: u64,
}

impl Counts {
    fn add(&mut self, kind: &str) {
        match kind {
            "blob" => self.blobs += 1,
            "tree" => self.trees += 1,
            "commit" => self.commits += 1,
            "tag" => self.tags += 1,
            other => panic!("unknown kind of object {other}"),
        }
    }
}

/// Every object of the repository and its alternates: id and kind.
pub fn all_objects(repo: &Repo) -> Vec<(String, String)> {
    repo.git(&[
        "cat-file",
        "--batch-all-objects",
        "--batch-check=%(objectname) %(objecttype)",
    ])
    .lines()
    .map(|line| {
        let (id, kind) = line.split_once(' ').expect("id and kind");
        (id.to_owned(), kind.to_owned())
    })
    .collect()
}

/// Counts every object of the repository and its alternates.
pub fn count_all(repo: &Repo) -> Counts {
    let mut counts = Counts::default();
    for (_, kind) in all_objects(repo) {
        counts.add(&kind);
    }
    counts
}

/// Counts what `git rev-list --objects ARGS` lists.
pub fn count_listed(repo: &Repo, args: &[&str]) -> Counts {
    let mut list = vec!["rev-list", "--objects"];
    list.extend(args);
    let listed = repo.git(&list);
    let mut ids = String::new();
    for line in listed.lines() {
        ids.push_str(line.split(' ').next().expect("an id"));
        ids.push('\n');
    }
    let kinds = repo.git_with(&["cat-file", "--batch-check=%(objecttype)"], ids.as_bytes());
    let mut counts = Counts::default();
    for kind in String::from_utf8(kinds).expect("kinds").lines() {
        counts.add(kind);
    }
    counts
}

/// One commit and everything its tree holds.
#[derive(Debug, Clone)]
pub struct CommitTree {
    pub id: String,
    pub parents: Vec<String>,
    pub committed: i64,
    /// Path and blob of every file.
    pub files: BTreeSet<(String, String)>,
}

/// Every commit object of the repository, reachable or not.
pub fn all_commits(repo: &Repo) -> Vec<CommitTree> {
    all_objects(repo)
        .into_iter()
        .filter(|(_, kind)| kind == "commit")
        .map(|(id, _)| {
            let line = repo.git(&["log", "-1", "--format=%ct %P", &id]);
            let (time, parents) = line.split_once(' ').unwrap_or((&line, ""));
            let listing = repo.git_with(&["ls-tree", "-r", "-z", &id], b"");
            let files = String::from_utf8(listing)
                .expect("fixtures have UTF-8 paths")
                .split_terminator('\0')
                .filter_map(|entry| {
                    let (info, path) = entry.split_once('\t').expect("a tab");
                    let mut info = info.split(' ').skip(1);
                    let kind = info.next().expect("a kind");
                    let blob = info.next().expect("an id");
                    (kind == "blob").then(|| (path.to_owned(), blob.to_owned()))
                })
                .collect();
            CommitTree {
                id,
                parents: parents.split_whitespace().map(str::to_owned).collect(),
                committed: time.parse().expect("a time"),
                files,
            }
        })
        .collect()
}

/// Commits that introduced a blob at a path, and the last commit that holds it there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// Sorted by time of commit, then id.
    pub introduced: Vec<(i64, String)>,
    /// Greatest by time of commit, then id.
    pub last_seen: (i64, String),
}

/// Walks every commit: one introduces a blob at a path when its tree holds it there and no
/// parent's tree does.
pub fn histories(commits: &[CommitTree]) -> BTreeMap<(String, String), History> {
    let by_id: BTreeMap<&str, &CommitTree> = commits.iter().map(|c| (c.id.as_str(), c)).collect();
    let mut out: BTreeMap<(String, String), History> = BTreeMap::new();
    for commit in commits {
        for file in &commit.files {
            let history = out.entry(file.clone()).or_default();
            let now = (commit.committed, commit.id.clone());
            let inherited = commit
                .parents
                .iter()
                .filter_map(|parent| by_id.get(parent.as_str()))
                .any(|parent| parent.files.contains(file));
            if !inherited {
                history.introduced.push(now.clone());
            }
            history.last_seen = history.last_seen.clone().max(now);
        }
    }
    for history in out.values_mut() {
        history.introduced.sort();
    }
    out
}

/// The commit that a report names as the last to hold what stands at `place`: `HEAD` for what
/// is still there, whatever other branches did later.
pub fn last_seen(repo: &Repo, place: &str, history: &History) -> String {
    if place == "head" {
        repo.rev("HEAD")
    } else {
        history.last_seen.1.clone()
    }
}
