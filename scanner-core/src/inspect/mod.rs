//! Looks at rules rather than for secrets: whether they hold what they promise, and what they
//! cost.
//!
//! All of it drives the same engines and the same confirm stage as a scan does, from outside and
//! rule by rule, so that a scan itself carries no counters and no timers.

mod bench;
mod corpus;
mod cost;
mod explain;
mod find;
mod layers;
mod prove;
mod single;

pub use bench::{Measured, RuleMeasured, bench};
pub use corpus::{Corpus, CorpusError};
pub use cost::{RuleCost, estimate, literal_search_ns_per_mb};
pub use explain::{Explained, Explanation, Place, explain, secrets_in};
pub use find::{FoundAt, find};
pub use prove::{ENGINES, Proven, prove, redacted_example};
