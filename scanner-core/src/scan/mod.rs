//! Puts the stages together: sources push content through engine and confirm stage into a
//! collector; what hit is attributed; a report comes out.

mod assemble;
mod cap;
mod collect;
mod compose;
mod encoded;
#[cfg(feature = "git")]
mod git;
#[cfg(feature = "git")]
mod increment;
mod inline;
mod observe;
mod overlap;
mod plain;
#[cfg(feature = "git")]
mod push;
mod scanner;
#[cfg(feature = "git")]
mod staged;
mod worker;

/// Raised whenever the same rules find something else in the same content than they did before: what
/// was scanned under an older number has to be scanned again.
pub const GENERATION: u32 = 1;

pub use crate::engine::EngineKind;
#[cfg(feature = "git")]
pub use increment::{Checkpoint, CleanObjects, ScannedObjects};
pub use observe::{NoObserver, Observer, Phase};
#[cfg(feature = "git")]
pub use push::{KnownRefs, PushInput, PushOrder};
pub(crate) use scanner::Depths;
pub use scanner::{
    DEFAULT_DECODE_DEPTH, Input, MAX_DECODE_DEPTH, PathsInput, ScanError, Scanner, ScannerBuilder,
};
#[cfg(feature = "git")]
pub use scanner::{GitInput, HistoryScope};
#[cfg(feature = "git")]
pub use staged::StagedInput;
