//! The ordinary repositories: their files at one commit.

use crate::{Outcome, rng::Rng};
use gix::bstr::ByteSlice as _;
use std::{collections::BTreeMap, path::Path};

/// Larger files are left out: they are data, bundles or generated.
const MAX_FILE_BYTES: usize = 400_000;
/// Most files of one type kept of one repository as surroundings of positives.
const HOSTS_PER_TYPE: usize = 60;

/// `owner/name` and the commit whose files are used.
#[derive(Debug, Clone)]
pub struct Repository {
    pub name: String,
    pub commit: String,
}

/// A text file of a repository.
#[derive(Debug, Clone)]
pub struct File {
    pub repository: String,
    pub path: String,
    /// The blob's id.
    pub blob: String,
    pub text: String,
}

/// The repositories that the corpus is built from.
pub fn repositories() -> Vec<Repository> {
    include_str!("repositories.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
        .map(|(name, commit)| Repository {
            name: name.to_owned(),
            commit: commit.to_owned(),
        })
        .collect()
}

impl Repository {
    /// Reads the text files of the commit.
    pub fn files(&self, clones: &Path) -> Outcome<Vec<File>> {
        let path = clones.join(&self.name);
        let failed = |what: &str| format!("{}: {what}", path.display());
        let repository = gix::open(&path).map_err(|e| failed(&e.to_string()))?;
        let id = gix::ObjectId::from_hex(self.commit.as_bytes())?;
        let tree = repository
            .find_commit(id)
            .map_err(|e| failed(&e.to_string()))?
            .tree()?;
        let mut files = Vec::new();
        for entry in tree.traverse().breadthfirst.files()? {
            if !entry.mode.is_blob() {
                continue;
            }
            // A partial clone lacks some.
            let Ok(object) = repository.find_object(entry.oid) else {
                continue;
            };
            let bytes = &object.data;
            if bytes.len() > MAX_FILE_BYTES || bytes.contains(&0) {
                continue;
            }
            let (Ok(text), Ok(path)) = (bytes.to_str(), entry.filepath.to_str()) else {
                continue;
            };
            files.push(File {
                repository: self.name.clone(),
                path: path.to_owned(),
                blob: entry.oid.to_hex().to_string(),
                text: text.to_owned(),
            });
        }
        Ok(files)
    }
}

/// A file's type: its extension, or its name where it has none.
pub fn file_type(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.') {
        Some((stem, extension)) if !stem.is_empty() => extension,
        _ => name,
    }
}

/// Files that lend their lines to positives, by type.
#[derive(Debug, Default)]
pub struct Hosts(BTreeMap<String, Vec<File>>);

impl Hosts {
    /// Keeps some of a repository's files.
    pub fn add(&mut self, files: &[File], rng: &mut Rng) {
        let mut by_type = BTreeMap::<&str, Vec<&File>>::new();
        for file in files {
            let lines = file.text.lines().count();
            if (8..5000).contains(&lines) && file.text.len() / lines < 120 {
                by_type.entry(file_type(&file.path)).or_default().push(file);
            }
        }
        for (kind, mut files) in by_type {
            while files.len() > HOSTS_PER_TYPE {
                files.swap_remove(rng.below(files.len()));
            }
            let kept = self.0.entry(kind.to_owned()).or_default();
            kept.extend(files.into_iter().cloned());
        }
    }

    /// A file of one of these types; `None` where there is none.
    pub fn pick(&self, types: &[&str], rng: &mut Rng) -> Option<&File> {
        let lists: Vec<_> = types.iter().filter_map(|t| self.0.get(*t)).collect();
        let total: usize = lists.iter().map(|list| list.len()).sum();
        let mut at = (total > 0).then(|| rng.below(total))?;
        for list in lists {
            if at < list.len() {
                return Some(&list[at]);
            }
            at -= list.len();
        }
        None
    }
}
