//! The content that an occurrence stands in: an object of the repository by its id, or a file of the
//! working tree that has the id still.

use bstr::ByteSlice;
use scanner_core::{
    model::{Occurrence, Where},
    source::{
        HashKind, blob_id,
        git::{ObjectReader, Repository},
    },
};
use std::{
    fs::File,
    io::Read,
    path::{Component, Path, PathBuf},
};

/// Largest content that is read.
const MAX_BYTES: u64 = 256 << 20;

/// Reads content.
#[derive(Debug)]
pub(crate) struct ContentReader {
    objects: Option<ObjectReader>,
    /// What paths of findings start from.
    root: Option<PathBuf>,
}

impl ContentReader {
    /// Reads from the repository, or else the directory, at `root`.
    pub(crate) fn new(root: Option<&Path>) -> Self {
        let repository = root.and_then(|root| Repository::open(root).ok());
        let tree = repository.as_ref().and_then(Repository::worktree);
        let files = tree.or(root.filter(|_| repository.is_none()));
        Self {
            root: files.map(Path::to_owned),
            objects: repository.as_ref().map(ObjectReader::open),
        }
    }

    /// Reads the whole content, also where the occurrence is in a member of it.
    ///
    /// # Errors
    /// Why it cannot be had, for people, without a secret.
    pub(crate) fn read(&mut self, occurrence: &Occurrence) -> Result<Vec<u8>, String> {
        let id = &occurrence.blob;
        let read = match &mut self.objects {
            Some(objects) => objects.read(id, MAX_BYTES).map_err(|e| e.to_string()),
            None => Err("no repository is known to read it from (--repo PATH names one)".into()),
        };
        match (read, occurrence.place) {
            (Ok(content), _) => Ok(content),
            (Err(_), Where::Stdin) => Err("it was read from standard input".to_owned()),
            (Err(why), Where::Worktree | Where::File) => self.file(occurrence).ok_or(why),
            (Err(why), _) => Err(why),
        }
    }

    /// A file that has the content still.
    fn file(&self, occurrence: &Occurrence) -> Option<Vec<u8>> {
        let path = self.path(occurrence)?;
        let file = File::open(path).ok()?;
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        let mut content = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut content).ok()?;
        let hash = match occurrence.blob.as_bytes().len() {
            32 => HashKind::Sha256,
            _ => HashKind::Sha1,
        };
        (blob_id(&content, hash) == occurrence.blob).then_some(content)
    }

    /// The file of an occurrence, where there is one below the root. A report may name any path, so
    /// that one that leads elsewhere is refused.
    pub(crate) fn path(&self, occurrence: &Occurrence) -> Option<PathBuf> {
        let path = occurrence.path.to_path().ok()?;
        let below = path
            .components()
            .all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
        if !below || occurrence.path.is_empty() {
            return None;
        }
        let root = self.root.as_deref().unwrap_or(Path::new("."));
        let here = || Some(PathBuf::from(path)).filter(|_| occurrence.place == Where::File);
        let found = [Some(root.join(path)), here()].into_iter().flatten();
        found.into_iter().find(|path| path.is_file())
    }
}
