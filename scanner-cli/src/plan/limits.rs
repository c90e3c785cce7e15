//! Limits of whatever reads content outside of a scan.

use crate::args::Options;
use std::time::Duration;

/// Limits of whatever reads content outside of a scan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// 0 for one a core.
    pub(crate) threads: usize,
    pub(crate) max_memory_bytes: u64,
    pub(crate) max_blob_bytes: Option<u64>,
    pub(crate) timeout: Option<Duration>,
}

impl Limits {
    pub(super) fn of(options: &Options) -> Self {
        Self {
            threads: usize::from(options.threads),
            max_memory_bytes: options.max_memory.0,
            max_blob_bytes: options.max_blob_size.map(|size| size.0),
            timeout: options.timeout.map(|duration| duration.0),
        }
    }
}

/// How many threads a number of them stands for.
pub(crate) fn threads(given: usize) -> usize {
    match given {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        some => some,
    }
}
