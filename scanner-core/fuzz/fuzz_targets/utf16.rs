//! Decoded UTF-16 is UTF-8, and every part of it stands somewhere in the original, in order.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scanner_core::decode::utf16::{Mapping, decode, detect};

fuzz_target!(|bytes: &[u8]| {
    let Some(kind) = detect(bytes) else {
        return;
    };
    let mut text = Vec::new();
    decode(bytes, kind, &mut text);
    let text = std::str::from_utf8(&text).expect("decoded text is UTF-8");
    let mut mapping = Mapping::new(bytes, kind);
    let mut end = 0;
    for (start, character) in text.char_indices() {
        let original = mapping.original(start..start + character.len_utf8());
        assert!(original.start >= end && original.end > original.start);
        assert!(original.end <= bytes.len());
        end = original.end;
    }
});
