//! What is staged, and what it takes the place of: the content of the next commit and of `HEAD`.
//! The working tree is not looked at.

use super::{Compare, Item, Lookup, Place, TREE_DEPTH, WorkingSet, ours};
use crate::source::git::{Repository, RepositoryError};
use bstr::{BString, ByteSlice};
use gix::index::{
    Entry, File,
    entry::{Mode, Stage},
    extension::Tree,
};
use std::path::Path;

impl WorkingSet {
    /// Finds what an index holds that `HEAD` does not have at its path. `index` is the
    /// repository's own unless given; without such a file nothing is staged, as for Git.
    ///
    /// Left out: submodules, and files that are only intended to be added. The sides of a conflict
    /// count as staged, all of them. An index that cannot be read is an issue.
    ///
    /// # Errors
    /// [`RepositoryError::NoWorkingTree`] for a directory of objects.
    pub fn staged_only(
        repository: &Repository,
        index: Option<&Path>,
    ) -> Result<Self, RepositoryError> {
        let (mut set, index) = Self::with_index(repository, index)?;
        if let Some(index) = &index {
            set.add_staged(index, repository.head());
        }
        set.settle();
        Ok(set)
    }

    /// Finds what `HEAD` holds that the index does not have at its path: what a commit removes or
    /// changes. [`Self::visit`] shows that content.
    pub(crate) fn replaced(
        repository: &Repository,
        index: Option<&Path>,
    ) -> Result<Self, RepositoryError> {
        let (mut set, index) = Self::with_index(repository, index)?;
        if let Some(index) = &index {
            let mut compare = set.compare(index);
            let tree = repository.head().and_then(|head| compare.tree_of(head));
            if let Some(tree) = tree {
                compare.replaced(index.entries(), b"", tree, index.tree(), 0);
            }
        }
        set.settle();
        Ok(set)
    }

    fn with_index(
        repository: &Repository,
        index: Option<&Path>,
    ) -> Result<(Self, Option<File>), RepositoryError> {
        let Some(git_dir) = repository.git_dir() else {
            return Err(RepositoryError::NoWorkingTree {
                path: repository.path().to_path_buf(),
            });
        };
        let mut set = Self {
            // No file is read, so that it matters to nobody.
            root: repository.worktree().unwrap_or(git_dir).to_path_buf(),
            hash: repository.hash(),
            promisor: repository.is_promisor(),
            objects: Lookup::default(),
            items: Vec::new(),
            issues: Vec::new(),
        };
        set.objects = Lookup::open(repository.object_dirs(), repository.hash(), &mut set.issues);
        let own = git_dir.join("index");
        let index = set.read_index(index.unwrap_or(&own), "nothing staged could be looked at");
        Ok((set, index))
    }

    fn settle(&mut self) {
        self.items
            .sort_by(|a, b| (&a.path, a.place).cmp(&(&b.path, b.place)));
        self.items.dedup();
        self.issues.sort_unstable();
        self.issues.dedup();
    }
}

impl Compare<'_> {
    /// Adds the blobs of a tree, a directory whose path is `prefix` (with a slash at its end), that
    /// `entries`, the index's share of that directory, do not have at their path.
    fn replaced(
        &mut self,
        entries: &[Entry],
        prefix: &[u8],
        tree: gix::ObjectId,
        cached: Option<&Tree>,
        depth: usize,
    ) {
        if cached.is_some_and(|cached| cached.num_entries.is_some() && cached.id == tree) {
            return;
        }
        let mut buffer = Vec::new();
        let Some(head) = self.tree(&tree, &mut buffer) else {
            return;
        };
        for old in &head.entries {
            let mut path = BString::from([prefix, old.filename].concat());
            if old.mode.is_commit() {
                continue;
            }
            if !old.mode.is_tree() {
                let from = entries.partition_point(|entry| entry.path(self.index) < path.as_bstr());
                let mut same = entries[from..]
                    .iter()
                    .take_while(|entry| entry.path(self.index) == path.as_bstr());
                if !same.any(|entry| entry.stage() == Stage::Unconflicted && entry.id == old.oid) {
                    self.items.push(Item {
                        place: Place::Staged(ours(old.oid)),
                        path,
                    });
                }
                continue;
            }
            path.push(b'/');
            let from = entries.partition_point(|entry| entry.path(self.index) < path.as_bstr());
            let inside = entries[from..]
                .iter()
                .take_while(|entry| entry.path(self.index).starts_with(&path));
            let inside = &entries[from..from + inside.count()];
            let whole = inside.first().filter(|first| first.mode == Mode::DIR);
            if let Some(sparse) = whole {
                self.trees(path.as_bstr(), Some(sparse.id), old.oid.to_owned());
            } else if inside.is_empty() || depth >= TREE_DEPTH {
                self.trees(path.as_bstr(), None, old.oid.to_owned());
            } else {
                let cached = cached.and_then(|cached| {
                    let named = |child: &&Tree| child.name[..] == *old.filename;
                    cached.children.iter().find(named)
                });
                self.replaced(inside, &path, old.oid.to_owned(), cached, depth + 1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{
        git::testing::Lab,
        testing::{Collect, context},
    };

    fn open(lab: &Lab) -> Repository {
        Repository::open(&lab.path("clone")).unwrap()
    }

    fn paths(set: &WorkingSet) -> Vec<String> {
        let staged = set.staged();
        staged
            .map(|(path, _)| path.to_str_lossy().into_owned())
            .collect()
    }

    fn diff(lab: &Lab, filter: &str) -> Vec<String> {
        let filter = format!("--diff-filter={filter}");
        let arguments = ["diff", "--cached", "--name-only", "--no-renames", &filter];
        let names = lab.git("clone", &[&arguments[..], &["HEAD"]].concat());
        names.lines().map(ToOwned::to_owned).collect()
    }

    #[test]
    fn what_is_staged_and_what_it_replaces_are_those_of_git_diff() {
        let lab = Lab::new();
        lab.repository("clone");
        for n in 0..60 {
            lab.write(&format!("clone/d{}/e{}/f{n}", n % 3, n % 5), format!("{n}"));
            lab.write(&format!("clone/gone/{}/{n}", n % 4), format!("gone {n}"));
        }
        lab.write("clone/x", "a file");
        lab.write("clone/y/z", "a directory");
        lab.commit("clone");
        for n in (0..60).step_by(7) {
            lab.write(&format!("clone/d{}/e{}/f{n}", n % 3, n % 5), "changed");
            lab.write(&format!("clone/d{}.x", n % 4), "added");
        }
        lab.git("clone", &["rm", "-q", "-r", "gone", "x", "y"]);
        lab.write("clone/x/z", "a directory now");
        lab.write("clone/y", "a file now");
        lab.git("clone", &["add", "-A"]);
        lab.git("clone", &["mv", "d1/e1", "d1/moved"]);
        lab.write("clone/a", "not staged");
        for arguments in [
            &["update-index", "--index-version", "2"][..],
            &["update-index", "--index-version", "4"],
            &["update-index", "--split-index"],
            &["write-tree"],
        ] {
            lab.git("clone", arguments);
            let repository = open(&lab);
            let staged = WorkingSet::staged_only(&repository, None).unwrap();
            assert_eq!(paths(&staged), diff(&lab, "AMT"), "{arguments:?}");
            let replaced = WorkingSet::replaced(&repository, None).unwrap();
            assert_eq!(paths(&replaced), diff(&lab, "DMT"), "{arguments:?}");
            assert_eq!((staged.issues(), replaced.issues()), (&[][..], &[][..]));
            let collect = Collect::default();
            replaced.visit(&context(2), &&collect);
            let seen = collect.into_seen();
            assert_eq!(seen.blobs.len(), replaced.len());
            for (path, id) in staged.staged() {
                let name = format!(":{}", path.to_str_lossy());
                let stored = lab.git("clone", &["rev-parse", &name]);
                assert_eq!(id.to_string(), stored.trim_end());
            }
        }
    }

    #[test]
    fn another_index_is_read_and_an_absent_one_is_empty() {
        let lab = Lab::new();
        lab.repository("clone");
        std::fs::copy(lab.path("clone/.git/index"), lab.path("other")).unwrap();
        lab.write("clone/b", "b");
        lab.git("clone", &["add", "b"]);
        let repository = open(&lab);
        let staged = |index: Option<&str>| {
            let index = index.map(|index| lab.path(index));
            let set = WorkingSet::staged_only(&repository, index.as_deref()).unwrap();
            assert_eq!(set.issues(), []);
            paths(&set)
        };
        assert_eq!(staged(None), ["b"]);
        assert_eq!(staged(Some("other")), [""; 0]);
        assert_eq!(staged(Some("absent")), [""; 0]);
        lab.write("damaged", "DIRC");
        let damaged = lab.path("damaged");
        let set = WorkingSet::staged_only(&repository, Some(&damaged)).unwrap();
        assert_eq!(set.issues().len(), 1);
        assert!(set.issues()[0].message.contains("nothing staged could be"));
    }

    #[test]
    fn a_sparse_index_shows_what_its_directories_replace() {
        let lab = Lab::new();
        lab.repository("clone");
        lab.write("clone/in/x", "x");
        lab.write("clone/out/y", "y");
        lab.write("clone/out/deep/z", "z");
        lab.commit("clone");
        lab.write("clone/out/deep/z", "Z");
        lab.git("clone", &["rm", "-q", "--cached", "out/y"]);
        lab.git("clone", &["commit", "-q", "-am", "message"]);
        lab.git("clone", &["checkout", "-q", "-f", "HEAD"]);
        let set = ["sparse-checkout", "set", "--cone", "--sparse-index", "in"];
        lab.git("clone", &set);
        lab.git("clone", &["reset", "-q", "--soft", "HEAD^"]);
        let repository = open(&lab);
        let staged = WorkingSet::staged_only(&repository, None).unwrap();
        assert_eq!(paths(&staged), ["out/deep/z"]);
        let replaced = WorkingSet::replaced(&repository, None).unwrap();
        assert_eq!(paths(&replaced), ["out/deep/z", "out/y"]);
    }
}
