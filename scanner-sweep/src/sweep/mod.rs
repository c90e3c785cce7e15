//! One sweep: looks at every repository, scans what is new in those that changed, and takes down
//! what is found.
//!
//! First all repositories are *surveyed*: refs, packs and loose objects are listed, which takes about
//! a millisecond. Where that list is what it was and the settings too, nothing is done. The others
//! are grouped into *families* that share objects, so that a fork comes after what it was forked
//! from and finds its objects scanned. Large repositories are then scanned one after the other by
//! all threads, small ones one a thread.

mod family;
mod survey;
mod visit;

use crate::{
    discover::Discovered,
    seal::PublicKey,
    store::{
        RepositoryId, RepositoryRow, Store, StoreError, SweepCounts, SweepId, Taken, VisitOutcome,
        Worker,
    },
};
use family::Family;
use scanner_core::{
    rules::{RuleIdentities, RuleSet},
    scan::{self, ScanError, Scanner},
    triage::Triage,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use survey::{Survey, Surveyed};
use visit::Visitor;

/// How often threads are told that time is over, at most.
const WATCH: Duration = Duration::from_millis(50);

/// How often those that other workers have are tried again, at most.
const TURN: Duration = Duration::from_millis(500);

/// Bytes of packs from which on a family is scanned by all threads together.
const LARGE_BYTES: u64 = 64 << 20;

/// Makes scanners that differ in their rules and number of threads and in nothing else.
pub trait MakeScanner: Sync {
    /// Makes one.
    ///
    /// # Errors
    /// As [`scan::ScannerBuilder::build`] does.
    fn scanner(&self, rules: RuleSet, threads: usize) -> Result<Scanner, ScanError>;
}

/// What a sweep goes by.
#[derive(Debug)]
pub struct Settings<'a> {
    /// The rules.
    pub rules: &'a RuleSet,
    /// Decisions of people that count in every repository.
    pub triage: &'a Triage,
    /// A text that differs whenever decisions, levels or keys do: all that shapes findings beside
    /// rules and content.
    pub shaping: String,
    /// Levels of encoding that scanners see through.
    pub decode_depth: u32,
    /// Whether scanners open archives.
    pub archives: bool,
    /// Threads, at least 1.
    pub threads: usize,
    /// Whether to scan everything again.
    pub full: bool,
    /// When to begin no more.
    pub deadline: Option<Instant>,
    /// How often to take down how far the scan of a repository has come.
    pub checkpoint_every: Duration,
    /// Name of this machine, for the log; where several share a store, those that see the same
    /// directories share the name.
    pub host: String,
    /// Name of this process, and how long others wait for it, where several share a store.
    pub worker: Worker,
    /// What to seal the values of findings with, where they are to be kept.
    pub seal: Option<&'a PublicKey>,
    /// Whether a repository that is known and was not found is gone, if there is none at its path:
    /// not where some place could not be looked at.
    pub found_everything: bool,
}

/// Told of a sweep's progress; every method may be called from several threads at once.
pub trait SweepObserver: Sync {
    /// So many repositories are to be looked at.
    fn surveying(&self, repositories: usize) {
        let _ = repositories;
    }
    /// So many of them changed and are to be scanned.
    fn scanning(&self, repositories: usize) {
        let _ = repositories;
    }
    /// The scan of one begins.
    fn begun(&self, name: &str) {
        let _ = name;
    }
    /// The scan of one ended.
    fn ended(&self, name: &str, visited: &Visited) {
        let _ = (name, visited);
    }
}

/// Takes no notice.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSweepObserver;

impl SweepObserver for NoSweepObserver {}

/// How the scan of one repository went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visited {
    /// Whether everything could be scanned.
    pub outcome: VisitOutcome,
    /// Objects scanned.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Findings that are new, and those that are gone.
    pub findings: (u64, u64),
    /// What went wrong, for people.
    pub message: Option<String>,
}

/// What a sweep did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Swept {
    /// Its number in the log.
    pub sweep: SweepId,
    /// In numbers.
    pub counts: SweepCounts,
    /// Whether it was stopped before its end.
    pub stopped: bool,
    /// Repositories that could not be scanned (in full), and why, by name.
    pub troubles: BTreeMap<String, String>,
}

/// Why a sweep cannot go on. Problems with single repositories are told in [`Swept`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// The store failed. What was done until then stays.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A scanner cannot be made.
    #[error(transparent)]
    Scan(#[from] ScanError),
}

/// What decides whether anything is found in an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    generation: u32,
    decode_depth: u32,
    archives: bool,
    rules: RuleIdentities,
}

/// A repository that has to be scanned.
#[derive(Debug)]
struct Task {
    found: Discovered,
    id: RepositoryId,
    survey: Survey,
}

/// Sweeps `found`.
///
/// # Errors
/// [`SweepError`] when the store fails or a scanner cannot be made.
pub fn sweep(
    store: &Store,
    found: &[Discovered],
    settings: &Settings<'_>,
    scanners: &dyn MakeScanner,
    observer: &dyn SweepObserver,
    interrupt: &AtomicBool,
) -> Result<Swept, SweepError> {
    let began = Instant::now();
    let ruleset_hash = settings.rules.hash();
    let identity = Identity {
        generation: scan::GENERATION,
        decode_depth: settings.decode_depth,
        archives: settings.archives,
        rules: settings.rules.identities(),
    };
    let text = serde_json::to_string(&identity)
        .map_err(|_| StoreError::Content("rules cannot be written"))?;
    let ruleset = store.ruleset(&text)?;
    let shaping = format!("{ruleset_hash} {} {}", text.len(), settings.shaping);
    let number = store.begin_sweep(
        now(),
        &settings.host,
        env!("CARGO_PKG_VERSION"),
        &ruleset_hash,
        &settings.worker,
    )?;
    let known = store.repositories()?;
    let all: Vec<&Discovered> = found.iter().collect();
    let ids = store.register(&all, &settings.host, now())?;
    let mut counts = SweepCounts {
        repositories: found.len() as u64,
        ..SweepCounts::default()
    };
    observer.surveying(found.len());
    let unsealed = match settings.seal {
        Some(key) => store.unsealed(key.id())?,
        None => BTreeSet::new(),
    };
    let is_unchanged = |one: &Discovered, state: &str| {
        let same = |row: &RepositoryRow| {
            row.gone_since.is_none()
                && !unsealed.contains(&row.id)
                && row.state.as_deref() == Some(state)
                && row.settings.as_deref() == Some(&*shaping)
        };
        !settings.full && known.get(&one.key).is_some_and(same)
    };
    let Surveyed {
        tasks,
        unchanged,
        failures,
        pools,
    } = survey::all(found, &ids, settings.threads, &is_unchanged, interrupt);
    store.unchanged(&unchanged, now())?;
    counts.unchanged = unchanged.len() as u64;
    counts.left = (found.len() - tasks.len() - unchanged.len() - failures.len()) as u64;
    if settings.found_everything {
        let names: BTreeSet<&str> = found.iter().map(|f| f.key.as_str()).collect();
        counts.gone = forget_vanished(
            store,
            &settings.host,
            &known,
            &names,
            &mut counts.gone_findings,
        )?;
    }
    observer.scanning(tasks.len());

    let run = Run {
        store,
        settings,
        observer,
        sweep: number,
        visitor: Visitor {
            store,
            settings,
            scanners,
            one: scanners.scanner(settings.rules.clone(), 1)?,
            all: if settings.threads > 1 {
                Some(scanners.scanner(settings.rules.clone(), settings.threads)?)
            } else {
                None
            },
            identity,
            ruleset,
            shaping,
            sweep: number,
            pools,
            subsets: Mutex::default(),
            changes: Mutex::default(),
        },
        counts: Mutex::new(counts),
        troubles: Mutex::default(),
        error: Mutex::default(),
        unsealed,
        interrupt,
        stop: AtomicBool::new(false),
    };
    for (name, id, message) in failures {
        if run.is_mine(id)? {
            let visited = run.visitor.failed(id, &message)?;
            run.note(&name, &visited);
        }
    }
    let families = family::group(tasks, settings.deadline.is_some());
    run.all(families);
    run.finish(began)
}

/// Takes note of repositories that are there no more. What another machine has swept may be there.
fn forget_vanished(
    store: &Store,
    host: &str,
    known: &BTreeMap<String, RepositoryRow>,
    found: &BTreeSet<&str>,
    gone_findings: &mut u64,
) -> Result<u64, StoreError> {
    let mut gone = 0;
    for row in known.values() {
        let there = found.contains(row.key.as_str()) || row.gone_since.is_some();
        let elsewhere = store.is_shared() && row.host.as_deref() != Some(host);
        if !there && !elsewhere && survey::objects_of(&row.path).is_none() {
            *gone_findings += store.gone(row.id, now())?;
            store.forget(&row.key)?;
            gone += 1;
        }
    }
    Ok(gone)
}

/// The second half of a sweep.
struct Run<'a> {
    store: &'a Store,
    settings: &'a Settings<'a>,
    observer: &'a dyn SweepObserver,
    sweep: SweepId,
    visitor: Visitor<'a>,
    counts: Mutex<SweepCounts>,
    troubles: Mutex<BTreeMap<String, String>>,
    error: Mutex<Option<SweepError>>,
    /// Repositories that are to be scanned for the sake of values that are not sealed.
    unsealed: BTreeSet<RepositoryId>,
    /// Set from outside to stop.
    interrupt: &'a AtomicBool,
    /// Tells a running scan to stop.
    stop: AtomicBool,
}

impl Run<'_> {
    /// Scans all families. Those that another worker has are tried again until it is done with
    /// them, or lives no more.
    fn all(&self, families: Vec<Family>) {
        let (over, is_over) = mpsc::channel::<()>();
        let (done, is_done) = mpsc::channel::<()>();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                while is_over.recv_timeout(WATCH) == Err(mpsc::RecvTimeoutError::Timeout) {
                    if self.is_over() {
                        self.stop.store(true, Ordering::Relaxed);
                    }
                }
            });
            if self.store.is_shared() {
                let worker = &self.settings.worker;
                scope.spawn(move || {
                    let pause = worker.lease / 3;
                    while is_done.recv_timeout(pause) == Err(mpsc::RecvTimeoutError::Timeout) {
                        // Whoever writes next hears of a store that fails.
                        drop(self.store.keep(worker, self.sweep));
                    }
                });
            }
            // Dropped at the end, however that comes.
            let _ends = (over, done);
            let mut rest = self.families(families);
            while !rest.is_empty() {
                std::thread::sleep(WATCH.max(TURN.min(self.settings.worker.lease / 3)));
                rest = self.families(rest);
            }
        });
    }

    /// Scans the large families one by one, then the small ones side by side. Returns those that
    /// another worker has.
    fn families(&self, families: Vec<Family>) -> Vec<Family> {
        let (large, small): (Vec<Family>, Vec<Family>) = families
            .into_iter()
            .partition(|family| family.bytes >= LARGE_BYTES && self.settings.threads > 1);
        let large = large.into_iter();
        let mut taken: Vec<Family> = large.filter_map(|f| self.family(f, true)).collect();
        let queue = Mutex::new(small.into_iter());
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
        let others = Mutex::new(Vec::new());
        let work = || {
            while let Some(family) = next() {
                if let Some(family) = self.family(family, false) {
                    let mut others = others.lock().unwrap_or_else(PoisonError::into_inner);
                    others.push(family);
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..self.settings.threads {
                scope.spawn(work);
            }
            work();
        });
        taken.append(&mut others.into_inner().unwrap_or_else(PoisonError::into_inner));
        taken
    }

    /// Scans a family, or gives it back where another worker has one of it.
    fn family(&self, mut family: Family, all_threads: bool) -> Option<Family> {
        let leases = self.store.is_shared() && !self.is_over();
        if leases {
            match self.lease(&mut family) {
                Ok(true) => {}
                Ok(false) => return Some(family),
                Err(error) => self.fail(error.into()),
            }
        }
        let mut memory = HashMap::new();
        let mut left = Vec::new();
        for task in &family.tasks {
            if self.is_over() {
                left.push(task.id);
                continue;
            }
            self.observer.begun(&task.found.name);
            match self
                .visitor
                .visit(task, all_threads, &mut memory, &self.stop)
            {
                Ok(visited) => self.note(&task.found.name, &visited),
                Err(error) => {
                    left.push(task.id);
                    self.fail(error);
                }
            }
        }
        self.counts().left += left.len() as u64;
        if leases && !left.is_empty() {
            // Where it cannot be had now, it is once the lease is over.
            drop(self.store.give_back(&self.settings.worker, &left));
        }
        None
    }

    /// Leases what of a family is to be scanned, and leaves out what another worker has scanned
    /// since this one looked at it. Returns whether it could be had.
    fn lease(&self, family: &mut Family) -> Result<bool, StoreError> {
        let ids: Vec<RepositoryId> = family.tasks.iter().map(|task| task.id).collect();
        let is_done = |id: RepositoryId, taken: &Taken| {
            let mut tasks = family.tasks.iter().filter(|task| task.id == id);
            tasks.any(|task| self.is_done(task, taken))
        };
        let worker = &self.settings.worker;
        let Some(open) = self.store.take(worker, self.sweep, &ids, &is_done)? else {
            return Ok(false);
        };
        self.counts().elsewhere += (ids.len() - open.len()) as u64;
        family.tasks.retain(|task| open.contains(&task.id));
        Ok(true)
    }

    fn is_done(&self, task: &Task, taken: &Taken) -> bool {
        let same = taken.state.as_deref() == Some(&*task.survey.state.digest)
            && taken.settings.as_deref() == Some(&*self.visitor.shaping);
        // What could not be scanned a moment ago cannot be now.
        taken.visited && (same || self.settings.full || taken.state.is_none())
            || same && !self.settings.full && !self.unsealed.contains(&task.id)
    }

    /// Leases a repository that cannot be opened, so that one worker says so.
    fn is_mine(&self, id: RepositoryId) -> Result<bool, StoreError> {
        if !self.store.is_shared() {
            return Ok(true);
        }
        let is_done = |_, taken: &Taken| taken.visited;
        let worker = &self.settings.worker;
        let taken = self.store.take(worker, self.sweep, &[id], &is_done)?;
        let mine = taken.is_some_and(|open| !open.is_empty());
        if !mine {
            self.counts().elsewhere += 1;
        }
        Ok(mine)
    }

    /// Ends the sweep: nothing more can be taken down; what was is not lost.
    fn fail(&self, error: SweepError) {
        let mut first = self.error.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert(error);
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Whether to begin no more.
    fn is_over(&self) -> bool {
        self.settings.deadline.is_some_and(|d| Instant::now() >= d)
            || self.interrupt.load(Ordering::Relaxed)
            || self.stop.load(Ordering::Relaxed)
    }

    fn counts(&self) -> std::sync::MutexGuard<'_, SweepCounts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, name: &str, visited: &Visited) {
        {
            let mut counts = self.counts();
            match visited.outcome {
                VisitOutcome::Complete => counts.scanned += 1,
                VisitOutcome::Incomplete => {
                    counts.scanned += 1;
                    counts.incomplete += 1;
                }
                VisitOutcome::Failed => counts.failed += 1,
                VisitOutcome::TakenOver => counts.elsewhere += 1,
            }
            counts.objects += visited.objects;
            counts.bytes += visited.bytes;
            counts.new_findings += visited.findings.0;
            counts.gone_findings += visited.findings.1;
        }
        if let Some(message) = &visited.message {
            let mut troubles = self.troubles.lock().unwrap_or_else(PoisonError::into_inner);
            troubles.insert(name.to_owned(), message.clone());
        }
        self.observer.ended(name, visited);
    }

    fn finish(self, began: Instant) -> Result<Swept, SweepError> {
        let mut counts = self
            .counts
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        counts.milliseconds = began.elapsed().as_millis() as u64;
        if let Some(error) = self
            .error
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
        {
            // The log says so if it still can.
            drop(
                self.store
                    .finish_sweep(self.sweep, now(), "failed", &counts),
            );
            return Err(error);
        }
        let stopped = self.interrupt.load(Ordering::Relaxed) || counts.left > 0;
        let outcome = if stopped { "stopped" } else { "complete" };
        self.store
            .finish_sweep(self.sweep, now(), outcome, &counts)?;
        Ok(Swept {
            sweep: self.sweep,
            counts,
            stopped,
            troubles: self
                .troubles
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner),
        })
    }
}

/// The time in seconds since 1970; 0 where the clock is before that.
fn now() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(now.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
