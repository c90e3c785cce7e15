//! Ctrl-C and `kill`: the first asks for a partial report, the second ends the program.

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};
use std::sync::{Arc, atomic::AtomicBool};

/// Returns a flag that the first signal sets. A system that refuses to have its signals handled
/// keeps their ordinary effect.
pub(crate) fn on_signal() -> Arc<AtomicBool> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // Actions run in the order of registration: this one finds the flag set only from the
        // second signal on.
        let _ = flag::register_conditional_default(signal, Arc::clone(&interrupted));
        let _ = flag::register(signal, Arc::clone(&interrupted));
    }
    interrupted
}
