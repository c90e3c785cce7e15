//! Content to look at: a repository's blobs, or files.

use crate::{
    engine::EngineError,
    source::{
        VisitContext, WorkerFactory,
        fs::{Files, FilesError},
    },
};
use std::path::PathBuf;

/// What to look at.
#[derive(Debug, Clone)]
pub enum Corpus {
    /// All blobs of a Git repository.
    #[cfg(feature = "git")]
    Git(PathBuf),
    /// Files, and directories with all that is below them but ignored files.
    Paths(Vec<PathBuf>),
}

/// Why nothing can be looked at.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CorpusError {
    /// The repository cannot be opened.
    #[cfg(feature = "git")]
    #[error(transparent)]
    Repository(#[from] crate::source::git::RepositoryError),
    /// A file or directory cannot be opened.
    #[error(transparent)]
    Files(#[from] FilesError),
    /// The engine cannot be made.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Corpus {
    /// Visits every content once. Git's are visited in no particular order.
    pub(super) fn visit<F: WorkerFactory>(
        &self,
        context: &VisitContext<'_>,
        workers: &F,
    ) -> Result<(), CorpusError> {
        match self {
            #[cfg(feature = "git")]
            Self::Git(path) => {
                use crate::source::{
                    ContentKind,
                    git::{LooseKinds, ObjectStore, Repository, Selection},
                };
                let repository = Repository::open(path)?;
                let store = ObjectStore::open(repository.object_dirs(), repository.hash().into());
                let kinds = LooseKinds::new(&store);
                let blobs = [ContentKind::Blob];
                store.traverse(&blobs, Selection::All, &kinds, context, workers);
            }
            Self::Paths(roots) => {
                Files::list(roots, true, context.threads)?.visit(context, workers);
            }
        }
        Ok(())
    }
}
