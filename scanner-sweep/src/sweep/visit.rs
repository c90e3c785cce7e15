//! Scans what is new in one repository.

use super::{Identity, MakeScanner, Settings, SweepError, Task, Visited, now};
use crate::{
    store::{
        ObjectMemory, RepositoryId, RulesetId, Store, StoreError, SweepId, Visit, VisitOutcome,
    },
    sweep::survey::Survey,
};
use scanner_core::{
    model::{IssueKind, Receipt, Report},
    rules::RuleChange,
    scan::{Checkpoint, NoObserver, ScanError, ScannedObjects, Scanner},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// Times that a repository is scanned again at once because it was repacked during the scan.
const MOST_TRIES: usize = 3;

/// What is remembered of pools, while repositories are visited that share them.
pub(super) type Memories = HashMap<String, ObjectMemory>;

/// Scanners by whether they use all threads, and by rules.
type Subsets = HashMap<(bool, Vec<String>), Arc<Scanner>>;

/// Visits repositories.
pub(super) struct Visitor<'a> {
    pub(super) store: &'a Store,
    pub(super) settings: &'a Settings<'a>,
    pub(super) scanners: &'a dyn MakeScanner,
    /// With one thread.
    pub(super) one: Scanner,
    /// With all threads, where there are more.
    pub(super) all: Option<Scanner>,
    pub(super) identity: Identity,
    pub(super) ruleset: RulesetId,
    pub(super) shaping: String,
    pub(super) sweep: SweepId,
    /// What pools are called: keys of the repositories whose own they are. Others are called by
    /// their paths.
    pub(super) pools: HashMap<PathBuf, String>,
    /// Scanners with some of the rules.
    pub(super) subsets: Mutex<Subsets>,
    /// What changed since other rules searched.
    pub(super) changes: Mutex<BTreeMap<RulesetId, RuleChange>>,
}

impl Visitor<'_> {
    /// Scans what is new in a repository and takes down what is found.
    pub(super) fn visit(
        &self,
        task: &Task,
        all_threads: bool,
        memories: &mut Memories,
        stop: &AtomicBool,
    ) -> Result<Visited, SweepError> {
        let (started, clock) = (now(), Instant::now());
        let pools: Vec<String> = task
            .survey
            .objects
            .iter()
            .map(|dir| self.pool(dir))
            .collect();
        for pool in &pools {
            if !memories.contains_key(pool) {
                let memory = self.recall(task, pool, all_threads, stop)?;
                memories.insert(pool.clone(), memory);
            }
        }
        let mut survey = None;
        let mut tries = 0;
        let (result, objects, state) = loop {
            let state = survey.as_ref().unwrap_or(&task.survey).state.clone();
            let mut known = ObjectMemory::default();
            for memory in memories.values() {
                known.merge(memory.clone());
            }
            known.clean.remove(&known.marked);
            let recorder = self.recorder(known);
            let scanner = self
                .all
                .as_ref()
                .filter(|_| all_threads)
                .unwrap_or(&self.one);
            let (path, clean) = (&task.found.path, &recorder.known.clean);
            let result = scanner.scan_new(path, clean, &recorder, &NoObserver, stop);
            let (fresh, objects) = recorder.finish()?;
            for (pool, more) in fresh {
                memories.entry(pool).or_default().merge(more);
            }
            tries += 1;
            let troubled = result
                .as_ref()
                .map_or(true, |report| !is_exhaustive(&report.receipt));
            let again = troubled && tries < MOST_TRIES && !stop.load(Ordering::Relaxed);
            match Survey::of(path).ok().filter(|_| again) {
                // What was not to be read may just have moved.
                Some(now) if now.state.digest != state.digest => survey = Some(now),
                _ => break (result, objects, state),
            }
        };
        let mut report = match result {
            Ok(report) => report,
            Err(error) => return self.failed_after(task.id, started, clock, &error.to_string()),
        };
        self.settings.triage.apply(&mut report);
        let exhaustive = is_exhaustive(&report.receipt);
        let outcome = if exhaustive {
            VisitOutcome::Complete
        } else {
            VisitOutcome::Incomplete
        };
        let message = trouble(&report);
        let findings = self.store.visited(&Visit {
            sweep: self.sweep,
            repository: task.id,
            worker: &self.settings.worker,
            started,
            milliseconds: clock.elapsed().as_millis() as u64,
            outcome,
            state: exhaustive.then_some(&state.digest),
            settings: &self.shaping,
            objects,
            report: Some(&report),
            exhaustive,
            seal: self.settings.seal,
            message: message.as_deref(),
        })?;
        for pool in &pools {
            self.store.settle(pool, self.ruleset, exhaustive)?;
        }
        let visited = Visited {
            outcome,
            objects,
            bytes: report.receipt.bytes,
            findings: (0, 0),
            message,
        };
        Ok(visited.with(findings))
    }

    /// Takes down that a repository cannot be scanned at all.
    pub(super) fn failed(&self, id: RepositoryId, message: &str) -> Result<Visited, SweepError> {
        self.failed_after(id, now(), Instant::now(), message)
    }

    fn failed_after(
        &self,
        id: RepositoryId,
        started: i64,
        clock: Instant,
        message: &str,
    ) -> Result<Visited, SweepError> {
        let findings = self.store.visited(&Visit {
            sweep: self.sweep,
            repository: id,
            worker: &self.settings.worker,
            started,
            milliseconds: clock.elapsed().as_millis() as u64,
            outcome: VisitOutcome::Failed,
            state: None,
            settings: &self.shaping,
            objects: 0,
            report: None,
            exhaustive: false,
            seal: None,
            message: Some(message),
        })?;
        let visited = Visited {
            outcome: VisitOutcome::Failed,
            objects: 0,
            bytes: 0,
            findings: (0, 0),
            message: Some(message.to_owned()),
        };
        Ok(visited.with(findings))
    }

    /// What a pool is called.
    fn pool(&self, dir: &Path) -> String {
        let named = self.pools.get(dir).cloned();
        named.unwrap_or_else(|| dir.to_string_lossy().into_owned())
    }

    fn recorder(&self, known: ObjectMemory) -> Recorder<'_, '_> {
        Recorder {
            visitor: self,
            known,
            fresh: Mutex::default(),
            objects: AtomicU64::new(0),
            error: Mutex::default(),
        }
    }

    /// What is known of a pool under the rules of this sweep: where others searched it last, those
    /// rules that changed search it now.
    fn recall(
        &self,
        task: &Task,
        pool: &str,
        all_threads: bool,
        stop: &AtomicBool,
    ) -> Result<ObjectMemory, SweepError> {
        if self.settings.full {
            self.store.forget(pool)?;
            return Ok(ObjectMemory::default());
        }
        let mut memory = self.store.memory(pool, self.ruleset)?;
        for ruleset in self.store.other_rulesets(pool, self.ruleset)? {
            let change = self.change_since(ruleset)?;
            if change == RuleChange::All {
                continue;
            }
            let mut old = self.store.memory(pool, ruleset)?;
            old.clean.remove(&memory.clean.blobs);
            old.clean.remove(&memory.clean.messages);
            old.clean.remove(&memory.marked);
            if let RuleChange::Rules(ids) = change {
                let scanner = self.subset(ids, all_threads)?;
                let recorder = self.recorder(ObjectMemory::default());
                let path = &task.found.path;
                // Where it cannot be opened, the scan that follows says so.
                drop(scanner.search_again(path, &old.clean, &recorder, &NoObserver, stop));
                recorder.finish()?;
            } else {
                self.remember(
                    pool,
                    ObjectMemory {
                        clean: old.clean,
                        ..ObjectMemory::default()
                    },
                )?;
            }
            self.remember(
                pool,
                ObjectMemory {
                    marked: old.marked,
                    ..ObjectMemory::default()
                },
            )?;
            memory = self.store.memory(pool, self.ruleset)?;
        }
        Ok(memory)
    }

    /// What is to be searched again where other rules have searched.
    fn change_since(&self, ruleset: RulesetId) -> Result<RuleChange, StoreError> {
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(change) = changes.get(&ruleset) {
            return Ok(change.clone());
        }
        let identity = self.store.identity(ruleset)?;
        // What an older version cannot have written was written by a newer one.
        let change = serde_json::from_str(&identity).map_or(RuleChange::All, |old: Identity| {
            let sees_the_same = old.generation == self.identity.generation
                && old.decode_depth == self.identity.decode_depth
                && old.archives == self.identity.archives;
            if sees_the_same {
                self.settings.rules.changed_since(&old.rules)
            } else {
                RuleChange::All
            }
        });
        changes.insert(ruleset, change.clone());
        Ok(change)
    }

    fn remember(&self, pool: &str, memory: ObjectMemory) -> Result<(), StoreError> {
        let scanned = ScannedObjects {
            directory: PathBuf::new(),
            clean: memory.clean,
            marked: memory.marked,
        };
        self.store.remember(pool, self.ruleset, &scanned)
    }

    /// A scanner with these rules alone.
    fn subset(&self, ids: Vec<String>, all_threads: bool) -> Result<Arc<Scanner>, ScanError> {
        let mut subsets = self.subsets.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (all_threads, ids);
        if let Some(scanner) = subsets.get(&key) {
            return Ok(Arc::clone(scanner));
        }
        let rules = self.settings.rules.select(&key.1, &[]);
        let rules = rules.map_err(|error| ScanError::Input(error.to_string()))?;
        let threads = if all_threads {
            self.settings.threads
        } else {
            1
        };
        let scanner = Arc::new(self.scanners.scanner(rules, threads)?);
        subsets.insert(key, Arc::clone(&scanner));
        Ok(scanner)
    }
}

impl Visited {
    /// Findings that are new and gone, where they were taken down.
    fn with(self, findings: Option<(u64, u64)>) -> Self {
        match findings {
            Some(findings) => Self { findings, ..self },
            None => Self {
                outcome: VisitOutcome::TakenOver,
                message: None,
                ..self
            },
        }
    }
}

/// Whether what is not in a report is not in the repository either, as far as that is here.
fn is_exhaustive(receipt: &Receipt) -> bool {
    receipt.complete || receipt.lacks_only_what_is_missing()
}

/// Problems that are told at most.
const MOST_TOLD: usize = 3;

/// What could not be scanned, for people.
fn trouble(report: &Report) -> Option<String> {
    let grave: BTreeSet<&str> = report
        .receipt
        .issues
        .iter()
        .filter(|issue| issue.kind != IssueKind::Note)
        .map(|issue| issue.message.as_str())
        .collect();
    if grave.is_empty() {
        return None;
    }
    let told: Vec<&str> = grave.iter().copied().take(MOST_TOLD).collect();
    let more = grave.len() - told.len();
    let rest = if more > 0 {
        format!("; and {more} more")
    } else {
        String::new()
    };
    Some(told.join("; ") + &rest)
}

/// Takes down how far a scan has come.
struct Recorder<'a, 'v> {
    visitor: &'a Visitor<'v>,
    known: ObjectMemory,
    /// What became known, by pool.
    fresh: Mutex<Memories>,
    objects: AtomicU64,
    error: Mutex<Option<StoreError>>,
}

impl Recorder<'_, '_> {
    fn finish(self) -> Result<(Memories, u64), StoreError> {
        match self
            .error
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
        {
            Some(error) => Err(error),
            None => Ok((
                self.fresh
                    .into_inner()
                    .unwrap_or_else(PoisonError::into_inner),
                self.objects.into_inner(),
            )),
        }
    }
}

impl Checkpoint for Recorder<'_, '_> {
    fn every(&self) -> Duration {
        self.visitor.settings.checkpoint_every
    }

    fn scanned(&self, mut scanned: ScannedObjects) {
        let count = |s: &ScannedObjects| {
            (s.clean.blobs.len() + s.clean.messages.len() + s.marked.len()) as u64
        };
        self.objects.fetch_add(count(&scanned), Ordering::Relaxed);
        // What is marked is scanned each time, and need not be taken down each time.
        scanned.clean.remove(&self.known.marked);
        scanned.marked.remove(&self.known.marked);
        if count(&scanned) == 0 {
            return;
        }
        let directory = fs::canonicalize(&scanned.directory).unwrap_or(scanned.directory.clone());
        let pool = self.visitor.pool(&directory);
        let stored = self
            .visitor
            .store
            .remember(&pool, self.visitor.ruleset, &scanned);
        if let Err(error) = stored {
            let mut first = self.error.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(error);
            return;
        }
        let memory = ObjectMemory {
            clean: scanned.clean,
            marked: scanned.marked,
        };
        let mut fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        fresh.entry(pool).or_default().merge(memory);
    }
}
