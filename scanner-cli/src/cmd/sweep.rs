//! `gitsieve sweep`.

#[cfg(feature = "alerts")]
mod alerts;
mod keys;
mod places;
mod progress;
mod status;
mod values;

use super::{
    decisions, reports,
    scan::{self, META, now},
};
use crate::{
    exit::{CliError, ExitStatus},
    interrupt, output,
    plan::{ReportsPlan, ScanPlan, StorePlace, SweepPlan, SweepRun, Wanted, threads},
    rules,
};
use progress::Told;
use scanner_core::{
    model::Report,
    rules::RuleSet,
    scan::{ScanError, Scanner},
};
use scanner_sweep::{
    discover::Select,
    metrics, report,
    store::{Patience, Store, SweepCounts, TrackedFinding, Which, Worker},
    sweep::{MakeScanner, Settings, SweepError, sweep},
};
use std::{
    collections::BTreeSet,
    fmt::Write as _,
    hash::{DefaultHasher, Hash, Hasher},
    process::{Command, Stdio},
    sync::Arc,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

pub(crate) fn run(plan: SweepPlan) -> Result<ExitStatus, CliError> {
    match plan {
        SweepPlan::Run(plan) => run_sweep(&plan),
        SweepPlan::Status {
            store,
            weeks,
            json,
            to,
            style,
        } => status::show(&open(&store, Patience::none())?, weeks, json, &to, style),
        #[cfg(feature = "alerts")]
        SweepPlan::Alerts(plan) => alerts::run(&plan),
        SweepPlan::Key { file, quiet } => keys::make(&file, quiet),
        SweepPlan::Values(plan) => values::show(&plan),
        SweepPlan::Report {
            store,
            which,
            select,
            reports,
        } => stored(&open(&store, Patience::none())?, which, &select, &reports),
    }
}

fn open(place: &StorePlace, patience: Patience) -> Result<Store, CliError> {
    Ok(match place {
        StorePlace::File(path) => {
            // Nobody comes back to it.
            drop(patience);
            Store::open(path)?
        }
        #[cfg(feature = "postgres")]
        StorePlace::Server(address) => Store::connect(address, patience)?,
    })
}

/// Makes scanners as a plan says.
struct Make<'a>(&'a ScanPlan);

impl MakeScanner for Make<'_> {
    fn scanner(&self, rules: RuleSet, threads: usize) -> Result<Scanner, ScanError> {
        let builder =
            scan::configure(self.0, rules).map_err(|error| ScanError::Input(error.to_string()))?;
        builder.threads(threads).build()
    }
}

fn run_sweep(plan: &SweepRun) -> Result<ExitStatus, CliError> {
    let scan = &plan.scan;
    for notice in &scan.notices {
        output::notice(notice);
    }
    let template = reports::template(&scan.reports)?;
    let began = now().unwrap_or_default();
    let clock = Instant::now();
    let rules = rules::load_telling(&scan.rules, scan.quiet)?;
    let key = decisions::key(scan.triage.key_file.as_deref())?;
    let triage = decisions::load(&scan.triage, key.id().as_deref())?;
    #[cfg(feature = "alerts")]
    let alerts = plan.alerts.as_deref().map(alerts::open).transpose()?;
    let seal = plan.seal_values.as_deref().map(keys::public).transpose()?;
    let interrupted = interrupt::on_signal();
    let quiet = scan.quiet;
    let patience = Patience {
        wait: plan.store_wait,
        stop: Arc::clone(&interrupted),
        told: Box::new(move |why| {
            if !quiet {
                output::notice(&format!("{why}; waiting for it"));
            }
        }),
    };
    let store = open(&plan.store, patience)?;
    let _lock = store.lock()?;
    #[cfg(feature = "alerts")]
    if let Some(alerts) = &alerts {
        alerts::begin(alerts, &store)?;
    }
    if plan.nice {
        be_nice();
    }
    let found = places::find(&plan.places, &interrupted, scan.quiet)?;
    let told = Told::new(scan.progress, scan.verbose, scan.quiet);
    let host = plan.host.clone().unwrap_or_else(host);
    let settings = Settings {
        rules: &rules,
        triage: &triage,
        shaping: shaping(scan, key.id().as_deref())?,
        decode_depth: scan.max_decode_depth,
        archives: scan.max_archive_depth > 0,
        threads: threads(scan.threads),
        full: plan.full,
        deadline: plan.deadline.map(|time| clock + time),
        checkpoint_every: plan.checkpoint,
        worker: Worker {
            name: worker(),
            lease: plan.lease,
        },
        host,
        seal: seal.as_ref(),
        found_everything: found.everything,
    };
    let swept = sweep(
        &store,
        &found.repositories,
        &settings,
        &Make(scan),
        &told,
        &interrupted,
    );
    drop(told);
    let swept = swept.map_err(|error| match error {
        SweepError::Scan(error) => CliError::Scan(error),
        error => CliError::Usage(format!(
            "{error}; the sweep ended early, and what it had done is kept"
        )),
    })?;
    #[cfg(feature = "alerts")]
    if let Some(alerts) = &alerts {
        alerts::queue(alerts, &store, swept.sweep);
    }
    let new = store.findings(Which::NewIn(swept.sweep))?;
    let mut report = report::findings(&new)?;
    let swept_here: BTreeSet<&str> = found.repositories.iter().map(|f| f.key.as_str()).collect();
    report.receipt = report::receipt(&store, |one| swept_here.contains(&*one.key))?;
    let facts = reports::Facts {
        maker: META,
        subject: &scan.subject,
        unit: scan.unit,
        elapsed: Some(clock.elapsed()),
        began,
        ended: now().unwrap_or_default(),
    };
    let written = reports::write(&report, &scan.reports, template.as_ref(), &facts);
    if !scan.quiet {
        output::notice(&summary(&swept.counts, store.totals()?.open.values().sum()));
    }
    #[cfg(feature = "alerts")]
    if let Some(alerts) = &alerts {
        alerts::send(alerts, &store, &interrupted, scan.quiet);
    }
    if let Some(path) = &plan.metrics {
        let text = metrics::prometheus(&store)?;
        crate::output::Destination::new(Some(path)).write_all(text.as_bytes())?;
    }
    written?;
    let status = ExitStatus::of_report(&report, scan.exit);
    Ok(match status {
        ExitStatus::Clean if swept.stopped || !found.everything => ExitStatus::Incomplete,
        status => status,
    })
}

/// Differs whenever findings of the same rules in the same repository might.
fn shaping(plan: &ScanPlan, key: Option<&str>) -> Result<String, CliError> {
    let mut hasher = DefaultHasher::new();
    (env!("CARGO_PKG_VERSION"), plan.min_confidence.as_str(), key).hash(&mut hasher);
    (
        plan.max_blob_bytes,
        plan.max_memory_bytes,
        plan.max_archive_depth,
    )
        .hash(&mut hasher);
    (plan.max_archive_bytes, plan.triage.comments).hash(&mut hasher);
    for path in plan.triage.ignore_file.iter().chain(&plan.triage.baselines) {
        let content = std::fs::read(path)
            .map_err(|error| CliError::Usage(format!("cannot read {}: {error}", path.display())))?;
        content.hash(&mut hasher);
    }
    // Entries of baselines end, at the start of a day.
    let day = now().unwrap_or_default() / 86_400;
    let ends = !plan.triage.baselines.is_empty();
    ends.then_some(day).hash(&mut hasher);
    Ok(format!("{:016x}", hasher.finish()))
}

/// One line about a sweep. `open` is how many findings of all sweeps count.
fn summary(counts: &SweepCounts, open: u64) -> String {
    let seconds = counts.milliseconds as f64 / 1000.0;
    let mut text = format!(
        "{} repositories in {seconds:.1} s: {} unchanged, {} scanned ({} objects), {} new findings, {} gone, {open} \
         open in all",
        counts.repositories,
        counts.unchanged,
        counts.scanned,
        counts.objects,
        counts.new_findings,
        counts.gone_findings,
    );
    let more = [
        (counts.incomplete, "not scanned in full"),
        (counts.failed, "not scanned at all"),
        (counts.elsewhere, "scanned by other workers"),
        (counts.left, "left for the next sweep"),
        (counts.gone, "there no more"),
    ];
    for (n, what) in more.into_iter().filter(|(n, _)| *n > 0) {
        let _ = write!(text, "; {n} {what}");
    }
    text
}

/// Reports what the store knows.
fn stored(
    store: &Store,
    wanted: Wanted,
    select: &Select,
    plan: &ReportsPlan,
) -> Result<ExitStatus, CliError> {
    let template = reports::template(plan)?;
    let which = match (wanted, store.last_sweep()?) {
        (Wanted::New, Some(sweep)) => Which::NewInRoundOf(sweep),
        (Wanted::All, _) => Which::All,
        (Wanted::Since(since), _) => Which::NewSince(since),
        (Wanted::Present | Wanted::New, _) => Which::Present,
    };
    let mut found: Vec<TrackedFinding> = store.findings(which)?;
    found.retain(|finding| select.wants(&finding.repository));
    let report = Report {
        receipt: report::receipt(store, |one| select.wants(&one.name))?,
        ..report::findings(&found)?
    };
    let now = now().unwrap_or_default();
    let facts = reports::Facts {
        maker: META,
        subject: &format!("the repositories of {}", store.name()),
        unit: "blob",
        elapsed: None,
        began: now,
        ended: now,
    };
    reports::write(&report, plan, template.as_ref(), &facts)?;
    Ok(ExitStatus::Clean)
}

/// The name of this machine, for the log.
fn host() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

/// A name that no other process has or had: machines may share their name, and containers their
/// process numbers.
fn worker() -> String {
    let nanos = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_nanos();
    format!("{} {} {nanos}", host(), std::process::id())
}

/// Lets everything else on the machine go first. What cannot be had is no reason not to sweep.
fn be_nice() {
    let _ = rustix::process::nice(19);
    let pid = std::process::id().to_string();
    let mut ionice = Command::new("ionice");
    ionice.args(["-c", "3", "-p", &pid]);
    let _ = ionice
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}
