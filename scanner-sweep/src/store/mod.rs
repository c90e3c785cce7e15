//! What sweeps remember: which objects were scanned under which rules, what was found, and what
//! each sweep did.
//!
//! No secret is stored: a finding is kept as its line of a report, in which secrets are redacted,
//! under its fingerprint, which is a keyed hash. What stood in an object is found again by scanning
//! that object again.

mod database;
mod findings;
mod objects;
mod repositories;
mod schema;
mod sweeps;

pub use findings::{Totals, Tracked, TrackedFinding, Which};
pub use objects::{ObjectMemory, RulesetId};
pub use repositories::{LastReceipt, RepositoryId, RepositoryRow, Visit, VisitOutcome};
pub use sweeps::{SweepCounts, SweepId, SweepRow};

use database::{Database, Sqlite};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Why a store cannot be used. Never holds a secret, nor the password of a database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It cannot be opened.
    #[error("cannot open the store {store}: {cause}")]
    Open {
        /// Which one.
        store: String,
        /// Why.
        cause: String,
    },
    /// Another sweep is writing to it.
    #[error(
        "another sweep is using the store {0}: wait for it to end, or give this one a store of its own"
    )]
    InUse(String),
    /// A newer version made it.
    #[error(
        "the store has version {found} and this gitsieve knows versions up to {known}: use the \
         gitsieve that made it, or a newer one"
    )]
    Newer {
        /// Its version.
        found: usize,
        /// The newest that is known.
        known: usize,
    },
    /// A statement failed.
    #[error("the store failed: {0}")]
    Database(String),
    /// What it holds makes no sense.
    #[error("the store is damaged: {0}; restore it from a backup, or move it away and sweep anew")]
    Content(&'static str),
}

/// A store. Threads may share it; each statement or transaction has it to itself.
pub struct Store {
    database: Mutex<Box<dyn Database>>,
    name: String,
    /// Held while a sweep writes.
    lock_path: Option<PathBuf>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Keeps other sweeps from a store as long as it lives.
#[derive(Debug)]
pub struct SweepLock(#[expect(dead_code, reason = "closing the file unlocks it")] Option<fs::File>);

impl Store {
    /// Opens the store in a file, making it where there is none, and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError`] where that fails.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let mut database = Sqlite::open(path)?;
        schema::migrate(&mut database)?;
        let mut lock = path.as_os_str().to_owned();
        lock.push(".lock");
        Ok(Self {
            database: Mutex::new(Box::new(database)),
            name: path.display().to_string(),
            lock_path: Some(lock.into()),
        })
    }

    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Keeps other sweeps away until what is returned is dropped, or the process ends.
    ///
    /// # Errors
    /// [`StoreError::InUse`] where one is running.
    pub fn lock(&self) -> Result<SweepLock, StoreError> {
        let Some(path) = &self.lock_path else {
            return Ok(SweepLock(None));
        };
        let cannot = |error: &io::Error| StoreError::Open {
            store: path.display().to_string(),
            cause: error.to_string(),
        };
        let mut options = fs::OpenOptions::new();
        let file = options
            .create(true)
            .append(true)
            .open(path)
            .map_err(|e| cannot(&e))?;
        match file.try_lock() {
            Ok(()) => Ok(SweepLock(Some(file))),
            Err(fs::TryLockError::WouldBlock) => Err(StoreError::InUse(self.name.clone())),
            Err(fs::TryLockError::Error(error)) => Err(cannot(&error)),
        }
    }

    fn database(&self) -> MutexGuard<'_, Box<dyn Database>> {
        // A transaction that a panic cut short is rolled back by whoever comes next: see
        // `transaction`.
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does all of something or nothing.
    fn transaction<T>(
        &self,
        work: impl FnOnce(&mut dyn Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut database = self.database();
        if self.database.is_poisoned() {
            // Fails where there is none to roll back.
            drop(database.batch("ROLLBACK"));
            self.database.clear_poison();
        }
        let begin = if database.is_postgres() {
            "BEGIN"
        } else {
            "BEGIN IMMEDIATE"
        };
        database.batch(begin)?;
        match work(database.as_mut()) {
            Ok(value) => {
                database.batch("COMMIT")?;
                Ok(value)
            }
            Err(error) => {
                // The first error says more than one of the rollback would.
                drop(database.batch("ROLLBACK"));
                Err(error)
            }
        }
    }
}
