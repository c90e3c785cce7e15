//! What a cache may and may not change.

use super::*;
use std::{collections::BTreeMap, sync::Mutex};

/// A cache in memory that counts what is stored.
#[derive(Debug, Default)]
struct Memory {
    entries: Mutex<BTreeMap<String, Vec<u8>>>,
    stored: Mutex<usize>,
}

impl Memory {
    fn stored(&self) -> usize {
        *self.stored.lock().unwrap()
    }

    /// The only entry.
    fn only(&self) -> Vec<u8> {
        let entries = self.entries.lock().unwrap();
        assert_eq!(entries.len(), 1);
        entries.values().next().unwrap().clone()
    }

    /// Puts other bytes in the place of every entry.
    fn spoil(&self, bytes: &[u8]) {
        for entry in self.entries.lock().unwrap().values_mut() {
            *entry = bytes.to_vec();
        }
    }
}

impl CompiledCache for Memory {
    fn load(&self, key: &str) -> Option<Vec<u8>> {
        self.entries.lock().unwrap().get(key).cloned()
    }

    fn store(&self, key: &str, compiled: &[u8]) {
        assert_eq!(key.len(), 64);
        assert!(
            key.bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        );
        *self.stored.lock().unwrap() += 1;
        let entry = (key.to_owned(), compiled.to_vec());
        self.entries.lock().unwrap().extend([entry]);
    }
}

fn set(literals: &[(&str, bool)]) -> Arc<LiteralSet> {
    Arc::new(LiteralSet::from_literals(
        literals.iter().map(|(l, i)| (l.as_bytes().to_vec(), *i)),
    ))
}

fn hits(set: &Arc<LiteralSet>, cache: Option<&dyn CompiledCache>) -> Vec<Hit> {
    let content = b"a token, a Token, a secret_\0\0key and tok";
    let engine = HyperscanEngine::new(Arc::clone(set), cache).unwrap();
    let mut out = Vec::new();
    engine.worker().hits(content, 0..content.len(), &mut out);
    out
}

const LITERALS: [(&str, bool); 4] = [
    ("\0\0key", false),
    ("Token", false),
    ("secret_", true),
    ("token", true),
];

#[test]
fn a_second_engine_takes_what_the_first_compiled_and_finds_the_same() {
    let (set, cache) = (set(&LITERALS), Memory::default());
    let expected = hits(&set, None);
    assert_eq!(expected.len(), 5);
    for _ in 0..3 {
        assert_eq!(hits(&set, Some(&cache)), expected);
        assert_eq!(cache.stored(), 1);
    }
}

#[test]
fn no_literals_leave_nothing_behind() {
    let cache = Memory::default();
    assert_eq!(hits(&set(&[]), Some(&cache)), []);
    assert_eq!(cache.stored(), 0);
}

#[test]
fn each_set_of_literals_has_a_key_of_its_own() {
    let cache = Memory::default();
    let sets = [
        &[("token", true)][..],
        &[("token", false)],
        &[("toke", true)],
        &[("tok", true), ("en", true)],
        &[("tokens", true)],
    ];
    for literals in sets {
        let set = set(literals);
        let expected = hits(&set, None);
        assert_eq!(hits(&set, Some(&cache)), expected, "{literals:?}");
    }
    assert_eq!(cache.entries.lock().unwrap().len(), sets.len());
}

#[test]
fn what_is_damaged_or_anothers_is_compiled_anew_and_replaced() {
    let (set, cache) = (set(&LITERALS), Memory::default());
    let expected = hits(&set, Some(&cache));
    let good = cache.only();
    let other = {
        let cache = Memory::default();
        hits(&self::set(&LITERALS[1..]), Some(&cache));
        cache.only()
    };
    let flipped = (0..good.len()).step_by(good.len() / 200 + 1).map(|at| {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        bytes
    });
    let cut =
        [0, 1, 7, 8, 40, 71, 72, good.len() / 2, good.len() - 1].map(|end| good[..end].to_vec());
    let longer = [&good[..], b"\0"].concat();
    let mut stored = 1;
    for bad in flipped.chain(cut).chain([other, longer]) {
        cache.spoil(&bad);
        assert_eq!(hits(&set, Some(&cache)), expected);
        stored += 1;
        assert_eq!(cache.stored(), stored);
        assert_ne!(cache.only(), bad);
    }
    assert_eq!(hits(&set, Some(&cache)), expected);
    assert_eq!(cache.stored(), stored);
}
