//! Finds secrets in Git history.
//!
//! # Vocabulary
//! A *rule* says what to look for. A *candidate* is a place where a rule may match; a *match* is
//! exact: rule, span and captured *secret*. One rule with one secret is a *finding*; every place
//! where it stands is an *occurrence*. A *source* produces content (Git object databases, files,
//! memory), an *engine* produces candidates, the *confirm* stage turns candidates into matches,
//! *history* says which commits brought them, and a *reporter* writes the result.
#![deny(missing_docs)]

mod builtin;
pub mod confirm;
pub mod decode;
pub mod engine;
pub mod filter;
#[cfg(feature = "git")]
pub mod history;
pub mod model;
pub mod report;
pub mod rules;
pub mod scan;
pub mod source;
