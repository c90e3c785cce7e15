//! Numbers of a store in Prometheus' text format, for a textfile collector.
//!
//! Format: Prometheus' "Exposition formats", text format 0.0.4.

use crate::store::{AlertState, Store, StoreError};
use std::{collections::BTreeMap, fmt::Write as _};

/// Writes all metrics.
///
/// # Errors
/// When the store fails.
pub fn prometheus(store: &Store) -> Result<String, StoreError> {
    let mut out = String::new();
    let mut metric = |name: &str, help: &str, values: &[(String, String)]| {
        let _ = writeln!(
            out,
            "# HELP gitsieve_{name} {help}\n# TYPE gitsieve_{name} gauge"
        );
        for (labels, value) in values {
            let _ = writeln!(out, "gitsieve_{name}{labels} {value}");
        }
    };
    let one = |value: u64| vec![(String::new(), value.to_string())];
    let totals = store.totals()?;
    metric(
        "repositories",
        "Repositories known and not gone.",
        &one(totals.repositories),
    );
    metric(
        "repositories_incomplete",
        "Repositories in which not everything could be scanned.",
        &one(totals.incomplete),
    );
    let by_severity: BTreeMap<&str, u64> = ["low", "medium", "high", "critical"]
        .into_iter()
        .map(|severity| (severity, 0))
        .collect();
    let counts = |found: &BTreeMap<String, u64>| -> Vec<(String, String)> {
        let all = by_severity.keys().map(|severity| {
            let count = found.get(*severity).copied().unwrap_or(0);
            (format!("{{severity=\"{severity}\"}}"), count.to_string())
        });
        all.collect()
    };
    metric(
        "findings_open",
        "Findings that count, by severity.",
        &counts(&totals.open),
    );
    metric(
        "findings_in_head",
        "Findings that count and that the tip of a repository holds, by severity.",
        &counts(&totals.in_head),
    );
    metric(
        "findings_suppressed",
        "Findings that do not count.",
        &one(totals.suppressed),
    );
    metric(
        "findings_gone",
        "Findings that are in their repository no more.",
        &one(totals.gone),
    );
    let alerts = store.count_alerts()?;
    for (name, help, state) in [
        (
            "alerts_queued",
            "Alerts that wait to be sent.",
            AlertState::Queued,
        ),
        (
            "alerts_dead",
            "Alerts that were given up.",
            AlertState::Dead,
        ),
    ] {
        metric(name, help, &one(alerts.get(&state).copied().unwrap_or(0)));
    }
    let last = store.sweeps(1)?.into_iter().next();
    if let Some(sweep) = last.as_ref() {
        let seconds = |n: i64| vec![(String::new(), n.to_string())];
        metric(
            "sweep_started_seconds",
            "When the last sweep began.",
            &seconds(sweep.started),
        );
        if let (Some(finished), Some(counts)) = (sweep.finished, sweep.counts.as_ref()) {
            metric(
                "sweep_finished_seconds",
                "When the last sweep ended.",
                &seconds(finished),
            );
            let milliseconds = counts.milliseconds as f64 / 1000.0;
            metric(
                "sweep_duration_seconds",
                "How long the last sweep took.",
                &[(String::new(), format!("{milliseconds:.3}"))],
            );
            let label =
                |outcome: &str, n: u64| (format!("{{outcome=\"{outcome}\"}}"), n.to_string());
            metric(
                "sweep_repositories",
                "Repositories of the last sweep, by what became of them.",
                &[
                    label("unchanged", counts.unchanged),
                    label("complete", counts.scanned.saturating_sub(counts.incomplete)),
                    label("incomplete", counts.incomplete),
                    label("failed", counts.failed),
                    label("left", counts.left),
                    label("gone", counts.gone),
                ],
            );
            metric(
                "sweep_objects",
                "Objects that the last sweep scanned.",
                &one(counts.objects),
            );
            metric(
                "sweep_bytes",
                "Bytes that the last sweep scanned.",
                &one(counts.bytes),
            );
            metric(
                "sweep_new_findings",
                "Findings that the last sweep met first.",
                &one(counts.new_findings),
            );
        }
    }
    Ok(out)
}
