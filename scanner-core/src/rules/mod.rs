//! What to look for.
//!
//! `file` reads the syntax, `expression` the regular expressions in it, `literals` derives how
//! candidates are found, `resolve` makes [`Rule`]s of it all, and [`RuleSet`] is what the rest of
//! the library works with. All but the last is shared with the build script, which packs the
//! built-in rules.

pub(crate) mod expression;
mod file;
pub(crate) mod frequency;
pub(crate) mod gram;
pub(crate) mod hash;
mod identity;
#[cfg(feature = "import")]
pub mod import;
mod literals;
mod problem;
mod resolve;
mod rule;
pub(crate) mod run;
mod set;
mod validator;

pub use identity::{RuleChange, RuleIdentities};
pub use problem::{Problem, RuleErrors};
pub use resolve::{Example, RuleExamples};
pub use rule::{
    Allowlist, Companion, Condition, DEFAULT_COMPANION_LINES, DEFAULT_MAX_MATCH_BYTES,
    LOOK_AROUND_BYTES, Literal, MAX_LITERAL_BYTES, MIN_LITERAL_BYTES, NameKind, Outline, Plan,
    RegexTarget, Rule, SecretGroup, UnknownNameKind,
};
pub use run::Run;
pub use set::{Loaded, RuleSet, UnknownRules};
pub use validator::Validator;
