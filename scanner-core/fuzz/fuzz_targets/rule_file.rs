//! Any text is a rule file or a list of problems, and rules that load can be searched for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scanner_core::{
    rules::RuleSet,
    scan::{Input, NoObserver, Scanner},
};
use std::sync::atomic::AtomicBool;

fuzz_target!(|text: &str| {
    let Ok(loaded) = RuleSet::parse(text, "fuzz.toml") else {
        return;
    };
    let Ok(scanner) = Scanner::builder().rules(loaded.rules).threads(1).build() else {
        return;
    };
    let input = Input::Memory {
        path: b"fuzz.toml".to_vec(),
        bytes: text.as_bytes().to_vec(),
    };
    scanner
        .scan(&input, &NoObserver, &AtomicBool::new(false))
        .expect("content in memory can always be opened");
});
