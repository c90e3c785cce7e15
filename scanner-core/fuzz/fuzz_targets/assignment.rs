//! The parser of assignments and the judges of names and values take any bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scanner_core::{
    extract::assignment,
    filter::{
        name,
        value::{self, Setting},
    },
};

fuzz_target!(|input: (usize, usize, &[u8])| {
    let (start, length, text) = input;
    let start = start % (text.len() + 1);
    let word = start..(start + length % 16).min(text.len());
    let Some(found) = assignment(text, word) else {
        return;
    };
    let name = &text[found.name.clone()];
    if let Ok(verdict) = name::judge(name) {
        let setting = Setting {
            name,
            kind: verdict.kind,
            form: found.form,
            quoted: found.quoted,
            placeholders: true,
        };
        let _ = value::judge(&text[found.value], &setting);
    }
});
