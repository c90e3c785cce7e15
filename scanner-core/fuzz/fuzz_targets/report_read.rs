//! Stored reports: any bytes are a report or refused, and what was read is written and read again
//! to the same end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scanner_core::{
    report::{
        JsonReporter, JsonlReporter, Redactor, ReportMeta, Suppressed, read_report, write_report,
    },
    triage::ReportDiff,
};

fuzz_target!(|data: &[u8]| {
    let Ok(read) = read_report(data) else {
        return;
    };
    let meta = ReportMeta {
        tool: &read.tool,
        version: &read.version,
        repository: None,
    };
    let (mut json, mut jsonl) = (Vec::new(), Vec::new());
    let redactor = || Redactor::default();
    write_report(&mut JsonReporter::new(&mut json, redactor()), &meta, &read.report, Suppressed::Shown)
        .expect("memory takes everything");
    write_report(&mut JsonlReporter::new(&mut jsonl, redactor()), &meta, &read.report, Suppressed::Shown)
        .expect("memory takes everything");
    let again = read_report(&json).expect("what is written is read");
    assert_eq!(read_report(&jsonl).expect("what is written is read"), again);
    let diff = ReportDiff::new(&again.report, &again.report);
    assert!(diff.all.iter().all(|changed| changed.left.is_empty()));
});
