//! What sweeps remember: which objects were scanned under which rules, what was found, and what
//! each sweep did.
//!
//! No secret is stored in clear: a finding is kept as its line of a report, in which secrets are
//! redacted, under its fingerprint, which is a keyed hash. Its value is there only where a sweep was
//! given a key to seal it with (see [`crate::seal`]). What stood in an object is found again by scanning
//! that object again.

mod alerts;
mod database;
mod findings;
mod leases;
mod objects;
mod repositories;
mod schema;
mod sweeps;
mod values;

pub use alerts::{Alert, AlertRow, AlertState, Allowance, NewFinding, Next, Outcome, Queued};
#[cfg(feature = "postgres")]
pub use database::Address;
pub use findings::{Lifetime, Totals, Tracked, TrackedFinding, Which};
pub use leases::{Taken, Worker};
pub use objects::{ObjectMemory, RulesetId};
pub use repositories::{LastReceipt, RepositoryId, RepositoryRow, Visit, VisitOutcome};
pub use sweeps::{SweepCounts, SweepId, SweepRow};
pub use values::SealedValue;

#[cfg(feature = "postgres")]
use database::Postgres;
use database::{Database, Row, Sqlite, Value};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Pauses before a lost connection is tried anew: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));
/// What a pause is cut into, to hear of an interruption.
const NAP: Duration = Duration::from_millis(100);

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
    /// The connection to its server is lost, and did not come back in time.
    #[error("the store cannot be reached: {0}")]
    Lost(String),
    /// A statement failed.
    #[error("the store failed: {0}")]
    Database(String),
    /// What it holds makes no sense.
    #[error("the store is damaged: {0}; restore it from a backup, or move it away and sweep anew")]
    Content(&'static str),
}

/// What to do while the server of a store does not answer.
pub struct Patience {
    /// How long to wait for it.
    pub wait: Duration,
    /// Ends the waiting when set.
    pub stop: Arc<AtomicBool>,
    /// Told once each time that the waiting begins, and why.
    pub told: Box<dyn Fn(&str) + Send + Sync>,
}

impl std::fmt::Debug for Patience {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Patience")
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}

impl Patience {
    /// Waits for nothing.
    pub fn none() -> Self {
        Self {
            wait: Duration::ZERO,
            stop: Arc::default(),
            told: Box::new(|_| ()),
        }
    }

    /// Connects anew, waiting as long as is allowed. Fails as the last try did.
    fn wait_for(
        &self,
        connect: &mut dyn FnMut() -> Result<(), StoreError>,
        first: StoreError,
        until: &mut Option<Instant>,
    ) -> Result<(), StoreError> {
        let mut last = first;
        let until = *until.get_or_insert_with(|| {
            if !self.wait.is_zero() {
                (self.told)(&last.to_string());
            }
            Instant::now() + self.wait
        });
        let (mut pause, longest) = PAUSES;
        loop {
            let resume = until.min(Instant::now() + pause);
            while Instant::now() < resume && !self.stop.load(Ordering::Relaxed) {
                thread::sleep(NAP.min(resume.saturating_duration_since(Instant::now())));
            }
            if Instant::now() >= until || self.stop.load(Ordering::Relaxed) {
                return Err(last);
            }
            match connect() {
                Err(error @ StoreError::Lost(_)) => last = error,
                result => return result,
            }
            pause = longest.min(pause * 2);
        }
    }
}

/// A store. Threads may share it; each statement or transaction has it to itself.
pub struct Store {
    database: Mutex<Box<dyn Database>>,
    name: String,
    /// Held while a sweep writes.
    lock_path: Option<PathBuf>,
    patience: Patience,
    /// Whether it did not come back in time: nobody waits for it again.
    given_up: AtomicBool,
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
            patience: Patience::none(),
            given_up: AtomicBool::new(false),
        })
    }

    /// Opens the store in a database, making its tables where there are none, and brings them up to
    /// date. Where the connection is lost, each call waits for it as `patience` says.
    ///
    /// # Errors
    /// [`StoreError`] where that fails.
    #[cfg(feature = "postgres")]
    pub fn connect(address: &Address, patience: Patience) -> Result<Self, StoreError> {
        let mut database = None;
        let mut connect = || {
            database = Some(Postgres::connect(address)?);
            Ok(())
        };
        match connect() {
            Err(error @ StoreError::Lost(_)) => {
                patience.wait_for(&mut connect, error, &mut None)?;
            }
            result => result?,
        }
        let Some(database) = database else {
            return Err(StoreError::Content("it is not there"));
        };
        let store = Self {
            database: Mutex::new(Box::new(database)),
            name: address.to_string(),
            lock_path: None,
            patience,
            given_up: AtomicBool::new(false),
        };
        store.patiently(|database| schema::migrate(database))?;
        Ok(store)
    }

    /// Whether several workers may sweep with it at once.
    pub fn is_shared(&self) -> bool {
        self.lock_path.is_none()
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

    /// Does something, and again where the connection was lost over it: so what it does may happen
    /// twice.
    fn patiently<T>(
        &self,
        mut work: impl FnMut(&mut dyn Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut database = self.database();
        let mut until = None;
        loop {
            match work(database.as_mut()) {
                Err(error @ StoreError::Lost(_)) if self.given_up.load(Ordering::Relaxed) => {
                    return Err(error);
                }
                Err(error @ StoreError::Lost(_)) => {
                    let mut connect = || database.reconnect();
                    let back = self.patience.wait_for(&mut connect, error, &mut until);
                    self.given_up.store(back.is_err(), Ordering::Relaxed);
                    back?;
                }
                result => return result,
            }
        }
    }

    /// Runs one statement; returns how many rows it changed.
    fn run(&self, statement: &str, values: &[Value]) -> Result<u64, StoreError> {
        self.patiently(|database| database.run(statement, values))
    }

    /// Runs one statement and returns its rows.
    fn rows(&self, statement: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.patiently(|database| database.rows(statement, values))
    }

    /// Does all of something or nothing.
    fn transaction<T>(
        &self,
        mut work: impl FnMut(&mut dyn Database) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if self.database.is_poisoned() {
            // Fails where there is none to roll back.
            drop(self.database().batch("ROLLBACK"));
            self.database.clear_poison();
        }
        self.patiently(|database| {
            let begin = if database.is_postgres() {
                "BEGIN"
            } else {
                "BEGIN IMMEDIATE"
            };
            database.batch(begin)?;
            match work(database) {
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
        })
    }
}
