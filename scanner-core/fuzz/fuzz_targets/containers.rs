//! Any bytes may stand where a container is looked for: opening them ends, without a panic, within
//! the limits, and gives the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scanner_core::container::{Limits, Member, Visitor, expand};
use std::time::Duration;

/// Members as they were visited, by path and size.
#[derive(Default)]
struct Sizes {
    members: Vec<(Vec<u8>, usize)>,
    most_memory: u64,
}

impl Visitor for Sizes {
    fn member(&mut self, member: &Member<'_>) {
        assert!(member.parent < member.number);
        self.members.push((member.path.to_vec(), member.bytes.len()));
    }
    fn memory(&mut self, bytes: u64) {
        self.most_memory = self.most_memory.max(bytes);
    }
}

fuzz_target!(|content: &[u8]| {
    let limits = Limits {
        max_bytes: 8 << 20,
        max_memory_bytes: 4 << 20,
        max_members: 2000,
        max_time: Duration::from_secs(60),
        ..Limits::default()
    };
    let mut first = Sizes::default();
    let issues = expand(content, &limits, &mut first);
    assert!(first.members.iter().map(|m| m.1).sum::<usize>() <= 8 << 20);
    // Decoded content, and text of as many bytes that was extracted from it.
    assert!(first.most_memory <= 2 * limits.max_memory_bytes + content.len() as u64);
    let mut second = Sizes::default();
    assert_eq!(expand(content, &limits, &mut second), issues);
    assert_eq!(second.members, first.members);
});
