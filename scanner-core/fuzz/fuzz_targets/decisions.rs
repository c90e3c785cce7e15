//! Files of decisions: any bytes are read or refused, and a baseline's text is a fixed point.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scanner_core::{
    model::{FingerprintKey, Report},
    triage::{Baseline, IgnoreFile, Triage},
};

fuzz_target!(|data: &[u8]| {
    let _ = FingerprintKey::of_file(data);
    let mut triage = Triage::new(Some(0));
    if let Ok(file) = IgnoreFile::parse(data, "ignore") {
        triage = triage.ignore_file(file);
    }
    if let Ok(baseline) = Baseline::parse(data, "baseline") {
        let text = baseline.text();
        let again = Baseline::parse(&text, "baseline").expect("what is written is read");
        assert_eq!(again.text(), text);
        triage = triage.baseline(baseline);
    }
    triage.apply(&mut Report::default());
});
