//! Checks what is about to be committed.

use super::{decisions, scan::scanner};
use crate::{
    exit::{CliError, ExitStatus},
    interrupt,
    output::{self, Destination, Staged, StagedOptions},
    plan::ScanPlan,
};
use scanner_core::scan::{NoObserver, StagedInput};
use std::{
    io::{self, Write},
    sync::atomic::Ordering,
    time::Instant,
};

pub(crate) fn run(plan: &ScanPlan, input: &StagedInput) -> Result<ExitStatus, CliError> {
    let started = Instant::now();
    let scanner = scanner(plan)?;
    let interrupted = interrupt::on_signal();
    let key = scanner.fingerprint_key().id();
    let triage = decisions::load(&plan.triage, key.as_deref())?;
    let mut found = scanner.scan_staged(input, &NoObserver, &interrupted)?;
    let outcome = triage.apply(&mut found.report);
    if interrupted.load(Ordering::Relaxed) && !plan.quiet {
        output::notice("interrupted: saying what was found so far");
    }
    let staged = Staged::new(found);
    let status = ExitStatus::of_report(staged.introduced(), plan.exit);
    // Every commit passes here: there is nothing to say about one that is as it should be.
    let silent = status == ExitStatus::Clean && (plan.quiet || !staged.is_worth_a_word());
    if silent && !plan.verbose {
        return Ok(status);
    }
    for notice in &plan.notices {
        output::notice(notice);
    }
    decisions::tell(&outcome, &plan.triage, staged.introduced(), plan.verbose);
    let options = StagedOptions {
        style: plan.style,
        verbose: plan.verbose,
        stopped: status != ExitStatus::Clean,
        least: plan.exit.fail_on,
        elapsed: started.elapsed(),
    };
    let mut text = Vec::new();
    // In one piece: git and other hooks write to the same place.
    staged
        .write(&mut text, options)
        .and_then(|()| io::stderr().write_all(&text))
        .map_err(|error| Destination::Stdout.error(error))?;
    Ok(status)
}
