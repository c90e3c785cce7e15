//! The lines that git gives hooks: none are passed over, and what is read is what stands there.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scanner_core::{
    gate::updates::{parse, parse_pre_push},
    model::ObjectId,
};

fuzz_target!(|bytes: &[u8]| {
    let lines = bytes.split_inclusive(|&byte| byte == b'\n').count();
    if let Ok(updates) = parse_pre_push(bytes) {
        assert_eq!(updates.len(), lines);
    }
    let Ok(updates) = parse(bytes) else {
        return;
    };
    assert_eq!(updates.len(), lines);
    let mut written = Vec::new();
    for update in &updates {
        let digits = [update.old, update.new].into_iter().flatten().next();
        let none = "0".repeat(digits.map_or(40, |id| id.to_string().len()));
        let text = |id: Option<ObjectId>| id.map_or_else(|| none.clone(), |id| id.to_string());
        written.extend(format!("{} {} ", text(update.old), text(update.new)).bytes());
        written.extend_from_slice(&update.name);
        // A name that ends in CR needs one to give away.
        written.extend(b"\r\n");
    }
    match parse(&written) {
        Ok(again) => assert_eq!(again, updates),
        // A deletion of nothing does not say which hash its zeros were of.
        Err(_) => assert!(updates.iter().any(|u| u.old.is_none() && u.new.is_none())),
    }
});
