//! Puts the stages together: sources push content through engine and confirm stage into a
//! collector; what hit is attributed; a report comes out.

mod assemble;
mod collect;
mod compose;
#[cfg(feature = "git")]
mod git;
mod observe;
mod plain;
mod scanner;
mod worker;

pub use crate::engine::EngineKind;
pub use observe::{NoObserver, Observer, Phase};
#[cfg(feature = "git")]
pub use scanner::{GitInput, HistoryScope};
pub use scanner::{Input, PathsInput, ScanError, Scanner, ScannerBuilder};
