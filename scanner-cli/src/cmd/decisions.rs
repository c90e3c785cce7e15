//! Reads what people decided, and says what became of it.

use super::scan::now;
use crate::{
    exit::CliError,
    output,
    plan::{ReportSource, TriagePlan},
};
use scanner_core::{
    model::{FingerprintKey, Report},
    report::{ReadReport, Redactor, read_report},
    triage::{Baseline, Entry, IgnoreFile, Outcome, Triage},
};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// Largest ignore file.
const MAX_IGNORE_BYTES: u64 = 64 << 20;
/// Largest baseline: a million entries.
const MAX_BASELINE_BYTES: u64 = 512 << 20;
/// Largest report that is read back.
const MAX_REPORT_BYTES: u64 = 2 << 30;
/// Largest file of another scanner.
const MAX_FOREIGN_BYTES: u64 = 512 << 20;
/// Largest key file.
pub(super) const MAX_KEY_BYTES: u64 = 1 << 20;
/// Entries that are named unless all are asked for.
const ENTRIES_SHOWN: usize = 10;

/// Reads the files of decisions. What is wrong with one stops before a long scan.
pub(super) fn load(plan: &TriagePlan, key_id: Option<&str>) -> Result<Triage, CliError> {
    let mut triage = Triage::new(now());
    if !plan.comments {
        triage = triage.without_comments();
    }
    if let Some(path) = &plan.ignore_file {
        let content = read(path, MAX_IGNORE_BYTES)?;
        let file = IgnoreFile::parse(&content, &path.display().to_string());
        triage = triage.ignore_file(file.map_err(|e| CliError::Usage(e.to_string()))?);
    }
    for path in &plan.baselines {
        triage = triage.baseline(baseline(path, key_id)?);
    }
    Ok(triage)
}

/// Reads a baseline, whose fingerprints must have been made under the key in use.
pub(super) fn baseline(path: &Path, key_id: Option<&str>) -> Result<Baseline, CliError> {
    let baseline = baseline_of(path, key_id)?;
    for problem in baseline.repeated() {
        output::notice(&format!("warning: {problem}"));
    }
    Ok(baseline)
}

/// The same, without a word about what is odd in it.
pub(super) fn baseline_of(path: &Path, key_id: Option<&str>) -> Result<Baseline, CliError> {
    let content = read(path, MAX_BASELINE_BYTES)?;
    let baseline = Baseline::parse(&content, &path.display().to_string())
        .map_err(|error| CliError::Usage(error.to_string()))?;
    if baseline.key_id() == key_id {
        return Ok(baseline);
    }
    let name = |id: Option<&str>| id.map_or("the default key".into(), |id| format!("key {id}"));
    Err(CliError::Usage(format!(
        "{}: its fingerprints were made under {}, and these under {}: no entry could match \
         (--fingerprint-key-file says which key)",
        path.display(),
        name(baseline.key_id()),
        name(key_id)
    )))
}

/// Reads the key of fingerprints.
pub(super) fn key(plan: Option<&Path>) -> Result<FingerprintKey, CliError> {
    let Some(path) = plan else {
        return Ok(FingerprintKey::default());
    };
    FingerprintKey::of_file(&read(path, MAX_KEY_BYTES)?)
        .map_err(|error| CliError::Usage(format!("{}: {error}", path.display())))
}

/// Reads a report that this program wrote.
pub(super) fn report(path: &Path) -> Result<ReadReport, CliError> {
    let content = read(path, MAX_REPORT_BYTES)?;
    read_report(&content).map_err(|error| {
        CliError::Usage(format!(
            "cannot read the report {}: {error}",
            path.display()
        ))
    })
}

/// Reads a report that this program wrote, from a file or from standard input.
pub(super) fn report_of(source: &ReportSource) -> Result<ReadReport, CliError> {
    let ReportSource::File(path) = source else {
        let content = bounded(io::stdin().lock(), MAX_REPORT_BYTES).map_err(CliError::Input)?;
        return read_report(&content).map_err(|error| {
            CliError::Usage(format!("cannot read the report on standard input: {error}"))
        });
    };
    report(path)
}

/// Reads a file of another scanner.
pub(super) fn foreign(path: &Path) -> Result<Vec<u8>, CliError> {
    read(path, MAX_FOREIGN_BYTES)
}

/// Reads a file that is to be held in memory.
pub(super) fn read(path: &Path, max_bytes: u64) -> Result<Vec<u8>, CliError> {
    let refuse = |why: &dyn std::fmt::Display| {
        CliError::Usage(format!("cannot read {}: {why}", path.display()))
    };
    let file = File::open(path).map_err(|error| refuse(&error))?;
    bounded(file, max_bytes).map_err(|error| refuse(&error))
}

fn bounded(from: impl Read, max_bytes: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    from.take(max_bytes + 1).read_to_end(&mut content)?;
    if content.len() as u64 > max_bytes {
        return Err(io::Error::other(format!(
            "larger than {} MiB",
            max_bytes >> 20
        )));
    }
    Ok(content)
}

/// Says which decisions ended, and which are about nothing.
pub(super) fn tell(outcome: &Outcome, plan: &TriagePlan, report: &Report, all: bool) {
    let redactor = Redactor::of_report(report);
    let say = |entries: &[Entry], one: &str, many: &str, hint: &str| {
        if entries.is_empty() {
            return;
        }
        let shown = if all { entries.len() } else { ENTRIES_SHOWN };
        let what = match entries.len() {
            1 => format!("1 entry {one}"),
            n => format!("{n} entries {many}"),
        };
        let mut text = format!("{what} ({hint}):");
        for entry in entries.iter().take(shown) {
            // One entry is one line, whatever is in it.
            let line = scanner_core::report::printable(entry.to_string().as_bytes());
            text = format!("{text}\n{}", redactor.redact_str(&line));
        }
        if entries.len() > shown {
            text = format!("{text}\nand {} more (-v lists them)", entries.len() - shown);
        }
        output::notice(&text);
    };
    say(
        &outcome.expired,
        "ended, so its secret counts again",
        "ended, so their secrets count again",
        "decide anew in the baseline",
    );
    // What was not looked at may hold what an entry is about.
    if plan.tell_unused && report.receipt.complete {
        say(
            &outcome.unused,
            "is about nothing found",
            "are about nothing found",
            "`gitsieve baseline prune` takes them out of a baseline",
        );
    }
}
