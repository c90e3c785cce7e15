//! No offline check and no note panics, whatever the secret, and notes can be printed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scanner_core::{
    filter::{note::notes, validate::check},
    rules::Validator,
};

fuzz_target!(|secret: &[u8]| {
    for validator in Validator::ALL {
        check(*validator, secret);
    }
    for text in notes(Validator::ALL, secret, Some(0)).texts {
        assert!(!text.chars().any(char::is_control));
    }
});
