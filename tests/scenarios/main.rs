//! Black-box acceptance tests of the command: what it finds, where it says it stands, what it
//! says about what it could not read, and that nothing but the content decides.
//!
//! `GITSIEVE_TEST_BIN` runs them on another binary (a release build).
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(
    unreachable_pub,
    reason = "a test target is not a library: nothing is reachable"
)]

#[allow(
    dead_code,
    reason = "shared with test targets that use other parts of it"
)]
#[path = "../support/mod.rs"]
mod support;

#[cfg(feature = "hyperscan")]
mod compiled;
mod composites;
mod configuration;
mod containers;
mod content;
mod corruption;
mod encodings;
mod files;
mod fixtures;
mod history;
mod hook_install;
mod incomplete;
mod invariance;
mod migrate;
mod output;
mod pre_commit;
mod random_history;
mod ranges;
mod remediate;
mod stored_values;
mod triage;
mod working_set;

/// A test file that no `mod` names would never run.
#[test]
fn every_file_of_this_directory_is_compiled() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scenarios");
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
