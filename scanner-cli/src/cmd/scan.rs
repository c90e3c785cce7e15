//! Scans and reports.

use super::{decisions, reports, staged};
use crate::{
    exit::{CliError, ExitStatus},
    interrupt, output,
    plan::{InputPlan, ScanPlan},
    progress::Progress,
    rules,
};
#[cfg(feature = "hyperscan")]
use scanner_core::scan::EngineKind;
use scanner_core::{
    model::Report,
    report::ReportMeta,
    rules::RuleSet,
    scan::{Input, NoObserver, Observer, Scanner, ScannerBuilder},
    triage::Outcome,
};
use std::{
    io::{self, Read},
    sync::atomic::Ordering,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

pub(super) const META: ReportMeta<'static> = ReportMeta {
    tool: "gitsieve",
    version: env!("CARGO_PKG_VERSION"),
    repository: None,
};

pub(crate) fn run(mut plan: ScanPlan) -> Result<ExitStatus, CliError> {
    match &plan.input {
        InputPlan::Staged(input) => return staged::run(&plan, input),
        InputPlan::Push(push) => return super::push::run(&plan, push),
        InputPlan::Library(_) | InputPlan::Stdin { .. } => {}
    }
    let template = reports::template(&plan.reports)?;
    let (started, began) = (Instant::now(), now());
    let (report, outcome) = found(&mut plan)?;
    let facts = reports::Facts {
        maker: META,
        subject: &plan.subject,
        unit: plan.unit,
        elapsed: Some(started.elapsed()),
        began: began.unwrap_or_default(),
        ended: now().unwrap_or_default(),
    };
    reports::write(&report, &plan.reports, template.as_ref(), &facts)?;
    if !plan.quiet {
        decisions::tell(&outcome, &plan.triage, &report, plan.verbose);
    }
    let status = ExitStatus::of_report(&report, plan.exit);
    let unused = plan.triage.fail_on_unused && !outcome.unused.is_empty();
    Ok(match status {
        // Only a scan of everything can say that an entry is needed by nothing.
        ExitStatus::Clean if unused && report.receipt.complete => {
            ExitStatus::for_findings(plan.exit.findings_code)
        }
        status => status,
    })
}

/// Scans, and says of each finding whether it counts.
pub(super) fn found(plan: &mut ScanPlan) -> Result<(Report, Outcome), CliError> {
    // What is still to be read comes as an error with its path.
    let input = match std::mem::replace(&mut plan.input, InputPlan::Stdin { path: Vec::new() }) {
        InputPlan::Library(input) => Ok(input),
        InputPlan::Stdin { path } => Err(path),
        InputPlan::Staged(_) | InputPlan::Push(_) => {
            return Err(CliError::Usage("a hook has a scan of its own".into()));
        }
    };
    for notice in &plan.notices {
        output::notice(notice);
    }
    let scanner = scanner(plan)?;
    let triage = decisions::load(&plan.triage, scanner.fingerprint_key().id().as_deref())?;
    let input = input.or_else(|path| read_stdin(path, plan.max_memory_bytes))?;
    let interrupted = interrupt::on_signal();
    let mut report = {
        let progress = plan.progress.then(Progress::start);
        let observer: &dyn Observer = progress.as_ref().map_or(&NoObserver, |p| p);
        scanner.scan(&input, observer, &interrupted)?
    };
    // Taking rules and tables apart costs a millisecond that the process ends anyway.
    std::mem::forget(scanner);
    if interrupted.load(Ordering::Relaxed) && !plan.quiet {
        output::notice("interrupted: reporting what was found so far");
    }
    let outcome = triage.apply(&mut report);
    Ok((report, outcome))
}

pub(super) fn scanner(plan: &ScanPlan) -> Result<Scanner, CliError> {
    let rules = rules::load_telling(&plan.rules, plan.quiet)?;
    Ok(configure(plan, rules)?.build()?)
}

/// A scanner to be, with these rules and all else as planned.
pub(super) fn configure(plan: &ScanPlan, rules: RuleSet) -> Result<ScannerBuilder, CliError> {
    let mut builder = Scanner::builder()
        .rules(rules)
        .threads(plan.threads)
        .max_memory_bytes(plan.max_memory_bytes)
        .max_archive_depth(plan.max_archive_depth)
        .max_archive_bytes(plan.max_archive_bytes)
        .engine(plan.engine)
        .delta_aware(plan.delta_aware)
        .max_decode_depth(plan.max_decode_depth);
    if let Some(bytes) = plan.max_blob_bytes {
        builder = builder.max_blob_bytes(bytes);
    }
    builder = builder
        .min_confidence(plan.min_confidence)
        .fingerprint_key(decisions::key(plan.triage.key_file.as_deref())?);
    if let Some(now) = now() {
        builder = builder.now(now);
    }
    if let Some(timeout) = plan.timeout {
        builder = builder.timeout(timeout);
    }
    #[cfg(feature = "hyperscan")]
    if plan.engine == EngineKind::Hyperscan
        && let Some(cache) = crate::compiled::CacheDirectory::of_user(plan.verbose)
    {
        builder = builder.compiled_cache(std::sync::Arc::new(cache));
    }
    Ok(builder)
}

/// The time in seconds since 1970, where the machine's clock is right about that much.
pub(crate) fn now() -> Option<i64> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(now.as_secs()).ok()
}

/// Reads all of standard input, which is one piece of content, within the memory allowed.
fn read_stdin(path: Vec<u8>, max_bytes: u64) -> Result<Input, CliError> {
    let mut bytes = Vec::new();
    io::stdin()
        .lock()
        .take(max_bytes.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(CliError::Input)?;
    if bytes.len() as u64 > max_bytes {
        return Err(CliError::Usage(format!(
            "standard input is larger than --max-memory ({max_bytes} bytes); nothing was scanned"
        )));
    }
    Ok(Input::Memory { path, bytes })
}
