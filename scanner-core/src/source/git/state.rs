//! Tells cheaply whether anything about a repository has changed.

use super::{
    layout::{entries, loose_directories},
    open::Repository,
};
use std::path::Path;

/// What a repository is at some moment, as far as a scan of its history depends on it.
///
/// A pack never changes under its name, so names stand for what is in packs; damage that comes
/// later is not seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryState {
    /// 64 hexadecimal digits of BLAKE3 over the files of refs and reflogs, shallow commits, and the
    /// names of packs and loose objects of all object directories. The same as long as nothing
    /// changes; another one also where git has but packed refs or objects.
    pub digest: String,
    /// Bytes of packs in the repository's own object directory.
    pub pack_bytes: u64,
}

impl Repository {
    /// Lists what the repository is made of. Reads refs and directories, no object.
    ///
    /// Only a listing made before a scan may be kept with its result: what changes meanwhile then
    /// shows the next time.
    pub fn state(&self) -> RepositoryState {
        let mut hasher = blake3::Hasher::new();
        let mut add = |text: &[u8]| {
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text);
        };
        add(b"gitsieve repository state 1");
        add(format!("{:?} {}", self.hash(), self.is_promisor()).as_bytes());
        self.raw_refs(&mut |name, bytes| {
            add(name);
            add(bytes);
        });
        add(b"shallow");
        for id in self.shallow() {
            add(id.as_bytes());
        }
        for issue in self.issues() {
            add(issue.message.as_bytes());
        }
        let mut pack_bytes = 0;
        for (index, dir) in self.object_dirs().iter().enumerate() {
            add(dir.as_os_str().as_encoded_bytes());
            let packs = packs(dir);
            let loose = loose(dir);
            for (name, _) in &packs {
                add(name);
            }
            add(b"loose");
            for name in &loose {
                add(name);
            }
            if index == 0 {
                pack_bytes = packs.iter().map(|(_, bytes)| bytes).sum();
            }
        }
        RepositoryState {
            digest: hasher.finalize().to_hex().to_string(),
            pack_bytes,
        }
    }
}

/// Names of pack and index files with their sizes, sorted.
fn packs(objects: &Path) -> Vec<(Vec<u8>, u64)> {
    let mut names: Vec<_> = entries(&objects.join("pack"))
        .filter_map(|entry| {
            let name = entry.file_name().as_encoded_bytes().to_vec();
            if name.ends_with(b".pack") {
                let bytes = entry.metadata().map_or(0, |meta| meta.len());
                return Some((name, bytes));
            }
            let counts = name.ends_with(b".idx") || name.ends_with(b".promisor");
            counts.then_some((name, 0))
        })
        .collect();
    names.sort_unstable();
    names
}

/// Names of loose objects, sorted.
fn loose(objects: &Path) -> Vec<Vec<u8>> {
    let mut names = Vec::new();
    for (name, path) in loose_directories(objects) {
        for entry in entries(&path) {
            let mut full = name.clone().into_bytes();
            full.extend_from_slice(entry.file_name().as_encoded_bytes());
            names.push(full);
        }
    }
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::git::testing::Lab;

    #[test]
    fn every_change_shows_and_nothing_else() {
        let lab = Lab::new();
        lab.repository("r");
        lab.git("", &["clone", "-q", "--bare", "--shared", "r", "fork.git"]);
        let state = |dir: &str| Repository::open(&lab.path(dir)).unwrap().state();
        let mut last = (state("r").digest, state("fork.git").digest);
        assert_eq!(last.0, state("r").digest);
        let mut changes = |what: &str, fork_too: bool| {
            let now = (state("r").digest, state("fork.git").digest);
            assert_ne!(now.0, last.0, "{what}");
            assert_eq!(now.1 != last.1, fork_too, "{what}, fork");
            last = now;
        };
        lab.git("r", &["branch", "other"]);
        changes("a branch", false);
        lab.git("r", &["symbolic-ref", "HEAD", "refs/heads/other"]);
        changes("HEAD", false);
        lab.git("r", &["repack", "-q", "-a", "-d"]);
        changes("a pack instead of loose objects", true);
        lab.write("loose", "loose");
        lab.git("r", &["hash-object", "-w", "../loose"]);
        changes("a loose object", true);
        lab.git("r", &["tag", "t"]);
        changes("a tag", false);
        assert_eq!(state("r").digest, last.0);
    }
}
