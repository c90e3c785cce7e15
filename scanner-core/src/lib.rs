//! Finds secrets in Git history.
//!
//! # Vocabulary
//! A *rule* says what to look for. A *candidate* is a place where a rule may match; a *match* is
//! exact: rule, span and captured *secret*. One rule with one secret is a *finding*; every place
//! where it stands is an *occurrence*. A *source* produces content (Git object databases, files,
//! memory), an *engine* produces candidates, the *confirm* stage turns candidates into matches,
//! *history* says which commits brought them, and a *reporter* writes the result.
//!
//! # Example
//! ```
//! use scanner_core::{
//!     rules::RuleSet,
//!     scan::{Input, NoObserver, Scanner},
//! };
//! use std::sync::atomic::AtomicBool;
//!
//! // `RuleSet::builtin()` has the rules that come with the library.
//! let rules = RuleSet::parse(
//!     r#"
//!     [[rules]]
//!     id = "acme-token"
//!     description = "Acme access token"
//!     regex = '''acme_[a-z0-9]{16}'''
//!     "#,
//!     "acme.toml",
//! )?
//! .rules;
//! let scanner = Scanner::builder().rules(rules).build()?;
//!
//! let input = Input::Memory {
//!     path: b"deploy.sh".to_vec(),
//!     bytes: b"#!/bin/sh\nTOKEN=acme_0123456789abcdef deploy\n".to_vec(),
//! };
//! // Set the flag from another thread to stop a long scan.
//! let interrupt = AtomicBool::new(false);
//! let report = scanner.scan(&input, &NoObserver, &interrupt)?;
//!
//! let finding = &report.findings[0];
//! assert_eq!(finding.rule.id, "acme-token");
//! assert_eq!(finding.occurrences[0].location.start_line, 2);
//! assert!(report.receipt.complete);
//! // Secrets print redacted; `reveal` alone gives the bytes.
//! assert_eq!(finding.secret.to_string(), "acm***************def");
//! assert_eq!(finding.secret.reveal(), b"acme_0123456789abcdef");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//! `Input::Git` scans a repository, `Input::Paths` files and directories; an
//! [`Observer`](scan::Observer) is told of progress.
#![deny(missing_docs)]

mod builtin;
pub mod config;
pub mod confirm;
#[cfg(feature = "containers")]
pub mod container;
pub mod decode;
pub mod engine;
pub mod extract;
pub mod filter;
pub mod gate;
#[cfg(feature = "git")]
pub(crate) mod history;
pub mod inspect;
pub mod model;
pub mod remedy;
pub mod report;
pub mod rules;
pub mod scan;
pub mod source;
pub mod triage;
