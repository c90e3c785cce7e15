//! Puts the stages together.

mod observe;

pub use observe::{NoObserver, Observer, Phase};

mod scanner;
pub use crate::engine::EngineKind;
#[cfg(feature = "git")]
pub use scanner::{GitInput, HistoryScope};
pub use scanner::{Input, PathsInput, ScanError, Scanner, ScannerBuilder};
