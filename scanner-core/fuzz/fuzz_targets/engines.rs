//! Every engine finds the same in any content.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scanner_core::{
    model::Finding,
    rules::RuleSet,
    scan::{EngineKind, Input, NoObserver, Scanner},
};
use std::sync::{LazyLock, atomic::AtomicBool};

static SCANNERS: LazyLock<Vec<Scanner>> = LazyLock::new(|| {
    [
        EngineKind::Reference,
        EngineKind::Literal,
        EngineKind::AhoCorasick,
    ]
    .into_iter()
    .map(|engine| {
        Scanner::builder()
            .rules(RuleSet::builtin())
            .engine(engine)
            .threads(1)
            .build()
            .expect("the built-in rules can be used")
    })
    .collect()
});

fn findings(scanner: &Scanner, bytes: &[u8]) -> Vec<Finding> {
    let input = Input::Memory {
        path: b"fuzz".to_vec(),
        bytes: bytes.to_vec(),
    };
    scanner
        .scan(&input, &NoObserver, &AtomicBool::new(false))
        .expect("content in memory can always be opened")
        .findings
}

fuzz_target!(|bytes: &[u8]| {
    let expected = findings(&SCANNERS[0], bytes);
    for scanner in &SCANNERS[1..] {
        assert_eq!(findings(scanner, bytes), expected);
    }
});
