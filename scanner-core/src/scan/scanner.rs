//! The scanner: from inputs to a report.

#[cfg(feature = "git")]
use super::staged::StagedInput;
#[cfg(feature = "containers")]
use super::worker::Opening;
use super::{Observer, worker::Mode};
#[cfg(feature = "containers")]
use crate::container;
#[cfg(feature = "git")]
use crate::model::StagedReport;
use crate::{
    confirm::Confirmer,
    engine::{self, Engine, EngineError, EngineKind, LiteralSet},
    filter::without::Filter,
    model::{Confidence, Fingerprint, FingerprintKey, Report, Secret},
    rules::RuleSet,
    source::VisitContext,
};
use std::{
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

/// What to scan.
#[derive(Debug, Clone)]
pub enum Input {
    /// A Git repository.
    #[cfg(feature = "git")]
    Git(GitInput),
    /// Files and directories.
    Paths(PathsInput),
    /// One piece of content, with the path to show.
    Memory {
        /// Path to show and to try path expressions on; may be empty.
        path: Vec<u8>,
        /// The content.
        bytes: Vec<u8>,
    },
}

/// Files and directories to scan.
#[derive(Debug, Clone, Default)]
pub struct PathsInput {
    /// What to scan; directories are walked.
    pub roots: Vec<PathBuf>,
    /// Whether to leave out what `.gitignore` and its kin name.
    pub honour_ignore_files: bool,
}

/// A Git repository and the part of it to scan.
#[cfg(feature = "git")]
#[derive(Debug, Clone, Default)]
pub struct GitInput {
    /// A clone, worktree, bare repository or object directory.
    pub path: PathBuf,
    /// What part of the history.
    pub history: HistoryScope,
    /// Whether to scan the index and the working tree too, where there is one.
    pub working_tree: bool,
}

/// What part of a history to scan.
#[cfg(feature = "git")]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum HistoryScope {
    /// Every object, reachable or not.
    #[default]
    All,
    /// What these tips reach, as `git rev-list --objects` would list it.
    Reachable {
        /// Revisions to start from (`A..B` gives `B`); all refs and `HEAD` when empty.
        include: Vec<String>,
        /// Revisions whose history is left out (`A..B` gives `A`).
        exclude: Vec<String>,
        /// Most commits to walk from each tip, newest first.
        max_depth: Option<usize>,
    },
    /// No history at all: the working set alone.
    Nothing,
}

/// Why a scan could not be made at all. Problems with single objects are issues in the receipt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError {
    /// The input cannot be opened or understood; the message says what to do.
    #[error("{0}")]
    Input(String),
    /// The engine cannot be made.
    #[error("cannot prepare the search: {0}")]
    Engine(String),
}

/// Levels of encoding that a scan sees through unless told otherwise.
pub const DEFAULT_DECODE_DEPTH: u32 = 3;
/// Most levels of encoding that a scan sees through.
pub const MAX_DECODE_DEPTH: u32 = 8;
/// Most containers inside each other that can be asked for: each takes stack.
#[cfg(feature = "containers")]
const MOST_ARCHIVE_DEPTH: u32 = 32;

/// Configures a [`Scanner`].
#[derive(Debug, Clone)]
pub struct ScannerBuilder {
    rules: RuleSet,
    threads: usize,
    max_blob_bytes: u64,
    max_memory_bytes: u64,
    timeout: Option<Duration>,
    engine: EngineKind,
    delta_aware: bool,
    min_confidence: Confidence,
    without: Option<Filter>,
    max_decode_depth: u32,
    now: Option<i64>,
    fingerprint_key: FingerprintKey,
    #[cfg(feature = "hyperscan")]
    compiled_cache: Option<Arc<dyn engine::CompiledCache>>,
    #[cfg(feature = "containers")]
    archives: container::Limits,
}

/// Scans inputs with one set of rules. Use one for many inputs: what it prepares is shared.
#[derive(Debug)]
pub struct Scanner {
    config: ScannerBuilder,
    confirmer: Arc<Confirmer>,
    engine: Box<dyn Engine>,
    ruleset_hash: String,
    #[cfg(feature = "containers")]
    opening: Opening,
}

/// How far a scan looks into content.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Depths {
    /// Levels of encoding.
    pub(crate) decode: u32,
    /// Limits of containers.
    #[cfg(feature = "containers")]
    pub(crate) archives: container::Limits,
}

/// One scan.
pub(super) struct Run<'a> {
    pub(super) scanner: &'a Scanner,
    pub(super) observer: &'a dyn Observer,
    pub(super) context: &'a VisitContext<'a>,
}

impl Scanner {
    /// Starts configuring: all cores, no limits but 1 GiB of content buffers, no rules.
    pub fn builder() -> ScannerBuilder {
        ScannerBuilder {
            rules: RuleSet::default(),
            threads: 0,
            max_blob_bytes: u64::MAX,
            max_memory_bytes: 1 << 30,
            timeout: None,
            engine: EngineKind::default(),
            delta_aware: true,
            min_confidence: Confidence::Medium,
            without: None,
            max_decode_depth: DEFAULT_DECODE_DEPTH,
            now: None,
            fingerprint_key: FingerprintKey::default(),
            #[cfg(feature = "hyperscan")]
            compiled_cache: None,
            #[cfg(feature = "containers")]
            archives: container::Limits::default(),
        }
    }

    /// Scans one input. `observer` is told of progress ([`super::NoObserver`] for none); setting
    /// `interrupt` stops the scan, whose report then says that it is incomplete.
    ///
    /// # Errors
    /// Where nothing can be scanned at all.
    pub fn scan(
        &self,
        input: &Input,
        observer: &dyn Observer,
        interrupt: &AtomicBool,
    ) -> Result<Report, ScanError> {
        self.run(observer, interrupt, |run| match input {
            #[cfg(feature = "git")]
            Input::Git(git) => super::git::scan(run, git),
            Input::Paths(paths) => super::plain::paths(run, paths),
            Input::Memory { path, bytes } => Ok(super::plain::memory(run, path, bytes)),
        })
    }

    /// Scans what is staged in a clone, as a commit would take it, and tells what the commit brings
    /// from what `HEAD` has already. Costs what is staged, whatever the history holds.
    ///
    /// # Errors
    /// Where there is no repository, or no index in it.
    #[cfg(feature = "git")]
    pub fn scan_staged(
        &self,
        input: &StagedInput,
        observer: &dyn Observer,
        interrupt: &AtomicBool,
    ) -> Result<StagedReport, ScanError> {
        self.run(observer, interrupt, |run| super::staged::scan(run, input))
    }

    /// Scans the whole history of the repository at `path` as [`Input::Git`] does, but for objects
    /// that are clean from earlier scans with the same rules and depth of decoding. The report is
    /// that of a full scan, clean objects counted as scanned and only the number of bytes being that of this one.
    ///
    /// # Errors
    /// Where the repository cannot be opened.
    #[cfg(feature = "git")]
    pub fn scan_new(
        &self,
        path: &std::path::Path,
        clean: &super::CleanObjects,
        checkpoint: &dyn super::Checkpoint,
        observer: &dyn Observer,
        interrupt: &AtomicBool,
    ) -> Result<Report, ScanError> {
        self.run(observer, interrupt, |run| {
            super::increment::scan_new(run, path, clean, checkpoint)
        })
    }

    /// Searches only objects that are clean under other rules than this scanner's, to find out
    /// which of them are clean under its rules too: `checkpoint` is told. Reports no findings; the
    /// receipt says what was read, and whether all of it was.
    ///
    /// # Errors
    /// Where the repository cannot be opened.
    #[cfg(feature = "git")]
    pub fn search_again(
        &self,
        path: &std::path::Path,
        clean: &super::CleanObjects,
        checkpoint: &dyn super::Checkpoint,
        observer: &dyn Observer,
        interrupt: &AtomicBool,
    ) -> Result<Report, ScanError> {
        self.run(observer, interrupt, |run| {
            super::increment::search_again(run, path, clean, checkpoint)
        })
    }

    /// Does something within the limits, which count from now.
    fn run<T>(
        &self,
        observer: &dyn Observer,
        interrupt: &AtomicBool,
        scan: impl FnOnce(&Run<'_>) -> T,
    ) -> T {
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let context = VisitContext {
            threads: if self.config.threads == 0 {
                cores()
            } else {
                self.config.threads
            },
            max_blob_bytes: self.config.max_blob_bytes,
            max_memory_bytes: self.config.max_memory_bytes,
            interrupt,
            deadline: self.config.timeout.map(|t| Instant::now() + t),
        };
        scan(&Run {
            scanner: self,
            observer,
            context: &context,
        })
    }

    /// Scans what a push brings: [`PushInput`](super::PushInput) says which. The report is the same for any number
    /// of threads.
    ///
    /// # Errors
    /// Where the repository cannot be opened. What cannot be read in it is an issue in the receipt.
    #[cfg(feature = "git")]
    pub fn scan_push(
        &self,
        input: &super::PushInput,
        observer: &dyn Observer,
        interrupt: &AtomicBool,
    ) -> Result<crate::model::PushReport, ScanError> {
        self.run(observer, interrupt, |run| super::push::scan(run, input))
    }

    /// The rules.
    pub(crate) fn rules(&self) -> &RuleSet {
        &self.config.rules
    }

    /// How far it looks into content.
    pub(crate) fn depths(&self) -> Depths {
        Depths {
            decode: self.config.max_decode_depth,
            #[cfg(feature = "containers")]
            archives: self.opening.limits,
        }
    }

    pub(crate) fn confirmer(&self) -> &Arc<Confirmer> {
        &self.confirmer
    }

    pub(crate) fn engine(&self) -> &dyn Engine {
        &*self.engine
    }

    pub(super) fn min_confidence(&self) -> Confidence {
        self.config.min_confidence
    }

    pub(super) fn ruleset_hash(&self) -> &str {
        &self.ruleset_hash
    }

    pub(super) fn max_decode_depth(&self) -> u32 {
        self.config.max_decode_depth
    }

    pub(crate) fn now(&self) -> Option<i64> {
        self.config.now
    }

    /// The key under which it makes fingerprints.
    pub fn fingerprint_key(&self) -> FingerprintKey {
        self.config.fingerprint_key
    }

    pub(crate) fn fingerprint(&self, rule_id: &str, secret: &Secret) -> Fingerprint {
        Fingerprint::keyed(&self.config.fingerprint_key, rule_id, secret)
    }

    #[cfg(feature = "containers")]
    pub(super) fn opening(&self) -> &Opening {
        &self.opening
    }

    pub(super) fn mode(&self) -> Mode {
        if self.config.delta_aware && self.config.engine != EngineKind::Reference {
            Mode::Incremental
        } else {
            Mode::Full
        }
    }
}

impl ScannerBuilder {
    /// Sets the rules.
    #[must_use]
    pub fn rules(mut self, rules: RuleSet) -> Self {
        self.rules = rules;
        self
    }
    /// Sets the number of threads; 0 for all cores.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads;
        self
    }
    /// Skips (and reports) content of more bytes.
    #[must_use]
    pub fn max_blob_bytes(mut self, bytes: u64) -> Self {
        self.max_blob_bytes = bytes;
        self
    }
    /// Sets the budget for content buffers: larger blobs and files are scanned part by part, what cannot be so
    /// is skipped (and reported), and content that would take a large part of the budget is decoded
    /// by one thread at a time.
    #[must_use]
    pub fn max_memory_bytes(mut self, bytes: u64) -> Self {
        self.max_memory_bytes = bytes;
        self
    }
    /// Stops a scan after this long and reports it incomplete.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
    /// Chooses the engine.
    #[must_use]
    pub fn engine(mut self, engine: EngineKind) -> Self {
        self.engine = engine;
        self
    }
    /// Says where the engine keeps what it compiles, for the engines that do
    /// ([`EngineKind::Hyperscan`]). Nowhere unless set.
    #[cfg(feature = "hyperscan")]
    #[must_use]
    pub fn compiled_cache(mut self, cache: Arc<dyn engine::CompiledCache>) -> Self {
        self.compiled_cache = Some(cache);
        self
    }
    /// Chooses whether blobs stored as deltas are searched only where they differ from their base.
    /// On by default. Off, every blob is searched in full: the findings are the same, and showing
    /// that is what this is for. [`EngineKind::Reference`] always searches in full.
    #[must_use]
    pub fn delta_aware(mut self, delta_aware: bool) -> Self {
        self.delta_aware = delta_aware;
        self
    }
    /// Leaves out findings of a lower confidence; the receipt counts them. Medium by default.
    #[must_use]
    pub fn min_confidence(mut self, least: Confidence) -> Self {
        self.min_confidence = least;
        self
    }
    /// Leaves out one filter, to measure what it is worth.
    #[doc(hidden)]
    #[must_use]
    pub fn without(mut self, filter: Filter) -> Self {
        self.without = Some(filter);
        self
    }
    /// Sets how many levels of encoding are seen through: base64, hexadecimal and escapes, one
    /// inside the other. [`DEFAULT_DECODE_DEPTH`] unless set, at most [`MAX_DECODE_DEPTH`]; 0
    /// decodes nothing. UTF-16 is always read, and is no level.
    #[must_use]
    pub fn max_decode_depth(mut self, levels: u32) -> Self {
        self.max_decode_depth = levels.min(MAX_DECODE_DEPTH);
        self
    }
    /// Says what time it is, in seconds since 1970, so that tokens that say when they end and
    /// have ended by then count as less sure. Without, all are rated alike.
    #[must_use]
    pub fn now(mut self, seconds: i64) -> Self {
        self.now = Some(seconds);
        self
    }
    /// Makes fingerprints under an organisation's key. Baselines made under another key match
    /// nothing.
    #[must_use]
    pub fn fingerprint_key(mut self, key: FingerprintKey) -> Self {
        self.fingerprint_key = key;
        self
    }
    /// Sets how many containers (archives, compressed streams, documents) inside each other are
    /// opened, 3 unless set; 0 opens none, not even formats that only hold text. What lies deeper
    /// is reported.
    #[cfg(feature = "containers")]
    #[must_use]
    pub fn max_archive_depth(mut self, depth: u32) -> Self {
        self.archives.max_depth = depth.min(MOST_ARCHIVE_DEPTH);
        self
    }
    /// Sets how many bytes all members of one container may expand to, 512 MiB unless set. What
    /// goes beyond is not scanned, and reported. The memory for decoded members is a part of
    /// [`Self::max_memory_bytes`]: a quarter for a member and those it is in, and a quarter for
    /// what other threads have open at that time.
    #[cfg(feature = "containers")]
    #[must_use]
    pub fn max_archive_bytes(mut self, bytes: u64) -> Self {
        self.archives.max_bytes = bytes;
        self
    }
    /// Makes the scanner.
    ///
    /// # Errors
    /// When the engine cannot be made of the rules' literals.
    pub fn build(self) -> Result<Scanner, ScanError> {
        let confirmer = Arc::new(Confirmer::new(&self.rules).without(self.without));
        let engine = self
            .make_engine(Arc::clone(confirmer.literals()))
            .map_err(|e| ScanError::Engine(e.to_string()))?;
        let ruleset_hash = self.rules.hash();
        #[cfg(feature = "containers")]
        let limits = container::Limits {
            max_memory_bytes: self.max_memory_bytes / 4,
            ..self.archives
        };
        Ok(Scanner {
            config: self,
            confirmer,
            engine,
            ruleset_hash,
            #[cfg(feature = "containers")]
            opening: Opening {
                limits,
                large: std::sync::Mutex::default(),
            },
        })
    }

    fn make_engine(&self, literals: Arc<LiteralSet>) -> Result<Box<dyn Engine>, EngineError> {
        #[cfg(feature = "hyperscan")]
        if let Some(cache) = &self.compiled_cache {
            return engine::build_with_cache(self.engine, literals, &**cache);
        }
        engine::build(self.engine, literals)
    }
}
