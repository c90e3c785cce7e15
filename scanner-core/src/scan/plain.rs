//! Scans files, directories and memory.

use super::{
    Phase,
    assemble::{Assembly, Located},
    collect::{Collector, Origin},
    scanner::{PathsInput, Run, ScanError},
    worker::Visitors,
};
use crate::{
    model::{Report, ScanIssue, Where},
    source::{HashKind, fs::Files, memory::Memory},
};
use bstr::BString;
use std::collections::BTreeMap;

/// Joins an error and what caused it.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Scans files and directories.
pub(super) fn paths(run: &Run<'_>, input: &PathsInput) -> Result<Report, ScanError> {
    run.observer.phase(Phase::Files, 0, 0);
    let files = Files::list(&input.roots, input.honour_ignore_files, run.context.threads)
        .map_err(|e| ScanError::Input(with_causes(&e)))?;
    run.observer.phase(Phase::Files, files.len() as u64, 0);
    let collector = Collector::default();
    files.visit(run.context, &visitors(run, &collector));
    Ok(report(run, collector, |number| {
        (files.path(number).into(), Where::File)
    }))
}

/// Scans one piece of content.
pub(super) fn memory(run: &Run<'_>, path: &[u8], bytes: &[u8]) -> Report {
    let collector = Collector::default();
    Memory { path, bytes }.visit(run.context, &visitors(run, &collector));
    report(run, collector, |_| (path.into(), Where::Stdin))
}

fn visitors<'a>(run: &'a Run<'_>, collector: &'a Collector) -> Visitors<'a> {
    Visitors {
        scanner: run.scanner,
        collector,
        observer: run.observer,
        context: run.context,
        origin: Origin::Plain,
        hash: HashKind::Sha1,
        uncounted: None,
        #[cfg(feature = "git")]
        ledger: None,
    }
}

fn report(run: &Run<'_>, collector: Collector, place: impl Fn(u32) -> (BString, Where)) -> Report {
    let (mut collected, findings) = collector.finish();
    if run.context.stopped() {
        collected.issue(ScanIssue::interrupted());
    }
    let mut assembly = Assembly::new(run.scanner, findings);
    for o in std::mem::take(&mut collected.occurrences) {
        let (path, place) = place(o.number);
        assembly.add(&o, Located::at(path, place));
    }
    assembly.finish(collected, BTreeMap::new())
}
