//! Acceptance tests of the push gate: real `git push` to real bare repositories whose
//! pre-receive hook is the command under test.
//!
//! [`server`] has the repository and what is checked after every push, whatever the test is
//! about; the other files hold the scenarios, by what they are about.
//!
//! `GITSIEVE_TEST_BIN` runs them on another binary (a release build).
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(
    unreachable_pub,
    reason = "a test target is not a library: nothing is reachable"
)]

#[allow(
    dead_code,
    unused_imports,
    reason = "shared with test targets that use other parts of it"
)]
#[path = "../support/mod.rs"]
mod support;

mod audit;
mod checks;
mod http;
mod server;

mod content;
mod documentation;
mod evasion;
mod exceptions;
mod failures;
mod installed;
mod load;
mod objects;
mod refs;
mod web;

/// A test file that no `mod` names would never run.
#[test]
fn every_file_of_this_directory_is_compiled() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/push");
    let main = std::fs::read_to_string(here.join("main.rs")).unwrap();
    for entry in std::fs::read_dir(here).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.strip_suffix(".rs").expect("only Rust files here");
        assert!(
            module == "main" || main.contains(&format!("mod {module};")),
            "{name} is not compiled"
        );
    }
}
