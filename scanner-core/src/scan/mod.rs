//! Puts the stages together.

mod observe;

pub use observe::{NoObserver, Observer, Phase};

mod scanner;
pub use scanner::{EngineKind, Input, PathsInput, ScanError, Scanner, ScannerBuilder};
#[cfg(feature = "git")]
pub use scanner::{GitInput, HistoryScope};
