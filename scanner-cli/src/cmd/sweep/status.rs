//! Shows what a store knows.

use crate::{
    cmd::scan::now,
    exit::{CliError, ExitStatus},
    output::{Destination, Role, Style},
};
use scanner_core::report::{printable, rfc3339};
use scanner_sweep::{
    store::{LastReceipt, Store, SweepRow, Totals},
    trend::{self, Week},
};
use serde::Serialize;
use std::{collections::BTreeMap, fmt::Write as _};

/// Sweeps that are listed.
const SWEEPS: u64 = 10;
/// Repositories with trouble that are listed for people.
const TROUBLES: usize = 20;

/// What there is to say.
#[derive(Serialize)]
struct Status<'a> {
    store: &'a str,
    totals: &'a Totals,
    /// Mean days from the commit that introduced a finding to that which took it out of the tip, or
    /// to the sweep that found it gone.
    mean_days_to_removal: Option<f64>,
    weeks: &'a [Week],
    sweeps: &'a [SweepRow],
    troubles: Vec<Trouble<'a>>,
}

#[derive(Serialize)]
struct Trouble<'a> {
    repository: &'a str,
    problem: &'a str,
}

pub(super) fn show(
    store: &Store,
    weeks: u32,
    json: bool,
    to: &Destination,
    style: Style,
) -> Result<ExitStatus, CliError> {
    let totals = store.totals()?;
    let sweeps = store.sweeps(SWEEPS)?;
    let weeks = trend::weeks(store, now().unwrap_or_default(), weeks)?;
    let receipts = store.receipts()?;
    let trouble = |one: &'_ LastReceipt| !one.complete;
    let troubles: Vec<Trouble<'_>> = receipts
        .iter()
        .filter(|one| trouble(one))
        .map(|one| Trouble {
            repository: &one.name,
            problem: one.error.as_deref().unwrap_or("not scanned yet"),
        })
        .collect();
    let status = Status {
        store: store.name(),
        totals: &totals,
        mean_days_to_removal: store.mean_days_to_removal()?,
        weeks: &weeks,
        sweeps: &sweeps,
        troubles,
    };
    if json {
        return to.write_json(&status);
    }
    to.write_all(human(&status, style).as_bytes())
}

/// From the gravest.
const SEVERITIES: [&str; 4] = ["critical", "high", "medium", "low"];

fn human(status: &Status<'_>, style: Style) -> String {
    let mut text = String::new();
    let Status { totals, .. } = status;
    let by_severity = |counts: &BTreeMap<String, u64>| {
        let some = SEVERITIES.iter().filter_map(|s| Some((counts.get(*s)?, s)));
        let listed: Vec<String> = some.map(|(n, s)| format!("{n} {s}")).collect();
        if listed.is_empty() {
            "none".to_owned()
        } else {
            listed.join(", ")
        }
    };
    let _ = writeln!(
        text,
        "{}\n  repositories   {} ({} not scanned in full)\n  open findings  {}\n  still in tips  {}\n  \
         suppressed     {}\n  gone           {}",
        style.paint(Role::Strong, printable(status.store.as_bytes())),
        totals.repositories,
        totals.incomplete,
        by_severity(&totals.open),
        by_severity(&totals.in_head),
        totals.suppressed,
        totals.gone,
    );
    if let Some(days) = status.mean_days_to_removal {
        let _ = writeln!(text, "  mean time from commit to removal: {days:.1} days");
    }
    if !status.weeks.is_empty() {
        let head = format!(
            "{:<12} {:>8} {:>8} {:>8}",
            "Week until", "new", "removed", "in tips"
        );
        let _ = writeln!(text, "\n{}", style.paint(Role::Strong, head));
    }
    for week in status.weeks {
        let until = rfc3339(week.until, 0).unwrap_or_default();
        let day = until.get(..10).unwrap_or_default();
        let Week {
            new,
            removed,
            in_tips,
            ..
        } = week;
        let _ = writeln!(text, "  {day:<10} {new:>8} {removed:>8} {in_tips:>8}");
    }
    if !status.sweeps.is_empty() {
        let _ = writeln!(text, "\n{}", style.paint(Role::Strong, "Last sweeps"));
    }
    for sweep in status.sweeps {
        let began = rfc3339(sweep.started, 0).unwrap_or_default();
        let _ = match &sweep.counts {
            Some(counts) => writeln!(
                text,
                "  {:>5}  {began}  {:>8.1} s  {} repositories, {} scanned, {} failed, {} new, {} gone",
                sweep.number,
                counts.milliseconds as f64 / 1000.0,
                counts.repositories,
                counts.scanned,
                counts.failed + counts.incomplete,
                counts.new_findings,
                counts.gone_findings,
            ),
            None => writeln!(text, "  {:>5}  {began}  running, or killed", sweep.number),
        };
    }
    if !status.troubles.is_empty() {
        let _ = writeln!(
            text,
            "\n{}",
            style.paint(Role::Strong, "Not scanned in full")
        );
    }
    for trouble in status.troubles.iter().take(TROUBLES) {
        let _ = writeln!(
            text,
            "  {}: {}",
            printable(trouble.repository.as_bytes()),
            printable(trouble.problem.as_bytes())
        );
    }
    if status.troubles.len() > TROUBLES {
        let more = status.troubles.len() - TROUBLES;
        let _ = writeln!(text, "  and {more} more (--format json lists all)");
    }
    text
}
