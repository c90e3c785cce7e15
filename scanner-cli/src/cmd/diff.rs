//! `gitsieve diff`: what became of findings from one report to the next.

use super::decisions;
use crate::{
    exit::{CliError, ExitStatus},
    output::Role,
    plan::{DiffPlan, Show},
};
use scanner_core::{
    model::{Occurrence, Severity},
    report::{ReadReport, printable},
    triage::{Change, Changed, ReportDiff},
};
use serde::Serialize;
use std::fmt::Write as _;

/// Places listed for each finding unless all are asked for.
const PLACES_SHOWN: usize = 3;

pub(crate) fn run(plan: &DiffPlan) -> Result<ExitStatus, CliError> {
    let old = decisions::report(&plan.old)?;
    let new = decisions::report(&plan.new)?;
    let key = |read: &ReadReport| read.report.receipt.fingerprint_key.clone();
    if key(&old) != key(&new) {
        return Err(CliError::Usage(
            "the reports' fingerprints were made under different keys, so that nothing in them \
             compares: scan again with the same --fingerprint-key-file"
                .into(),
        ));
    }
    let diff = ReportDiff::new(&old.report, &new.report);
    let show = &plan.show;
    if show.json {
        show.to.write_json(&json(&diff))?;
    } else {
        let mut text = human(&diff, show);
        for (name, report) in [(&plan.old, &old), (&plan.new, &new)] {
            if !report.report.receipt.complete {
                let name = printable(name.as_os_str().as_encoded_bytes());
                let _ = writeln!(
                    text,
                    "INCOMPLETE: {name} is of a scan that did not see all."
                );
            }
        }
        show.to.write_all(text.as_bytes())?;
    }
    let counts =
        |c: &Changed<'_>| c.change == Change::New && c.finding.rule.severity >= show.exit.fail_on;
    if diff.all.iter().any(counts) {
        return Ok(ExitStatus::for_findings(show.exit.findings_code));
    }
    Ok(ExitStatus::Clean)
}

/// In the order in which they matter.
const CHANGES: [Change; 4] = [Change::New, Change::Gone, Change::Moved, Change::Unchanged];

fn human(diff: &ReportDiff<'_>, show: &Show) -> String {
    let mut text = String::new();
    for change in CHANGES {
        if change == Change::Unchanged && !show.verbose {
            continue;
        }
        for changed in diff.all.iter().filter(|c| c.change == change) {
            finding(&mut text, changed, show);
        }
    }
    let counts = CHANGES.map(|change| format!("{} {}", diff.count(change), change.as_str()));
    let _ = writeln!(text, "{}.", counts.join(", "));
    text
}

fn finding(text: &mut String, changed: &Changed<'_>, show: &Show) {
    let found = changed.finding;
    let severity = found.rule.severity;
    let role = match changed.change {
        Change::New => Role::Severity(severity),
        Change::Moved => Role::Strong,
        Change::Gone => Role::Good,
        Change::Unchanged => Role::Dim,
    };
    let word = format!("{:9}", changed.change.as_str());
    let _ = writeln!(
        text,
        "{} {}  {}  [{}]  {}",
        show.style.paint(role, word),
        severity.as_str().to_uppercase(),
        printable(found.rule.description.trim_end_matches('.').as_bytes()),
        printable(found.rule.id.as_bytes()),
        found.secret.redacted()
    );
    let _ = writeln!(text, "          {}", found.fingerprint);
    for (mark, places) in [('+', &changed.came), ('-', &changed.left)] {
        let shown = if show.verbose {
            places.len()
        } else {
            PLACES_SHOWN
        };
        for place in places.iter().take(shown) {
            let at = place.location;
            let _ = writeln!(
                text,
                "        {mark} {}:{}:{}",
                path(place),
                at.start_line,
                at.start_column
            );
        }
        if places.len() > shown {
            let more = places.len() - shown;
            let _ = writeln!(
                text,
                "        {mark} and {more} more places (-v lists them)"
            );
        }
    }
}

/// Where an occurrence stands, printable. The reports hold no secret.
fn path(occurrence: &Occurrence) -> String {
    if occurrence.path.is_empty() {
        return format!("{} {}", occurrence.place.as_str(), occurrence.blob);
    }
    let path = printable(&occurrence.path);
    match &occurrence.member {
        Some(member) => format!("{path}!/{}", printable(member)),
        None => path,
    }
}

#[derive(Serialize)]
struct Json<'a> {
    new: usize,
    gone: usize,
    moved: usize,
    unchanged: usize,
    findings: Vec<JsonChanged<'a>>,
}

#[derive(Serialize)]
struct JsonChanged<'a> {
    change: &'static str,
    rule_id: &'a str,
    description: &'a str,
    severity: Severity,
    fingerprint: &'a str,
    redacted: String,
    came: Vec<JsonPlace>,
    left: Vec<JsonPlace>,
}

#[derive(Serialize)]
struct JsonPlace {
    path: String,
    #[serde(rename = "where")]
    place: &'static str,
    blob: String,
    line: u64,
    column: u64,
}

fn json<'a>(diff: &'a ReportDiff<'a>) -> Json<'a> {
    let place = |o: &&Occurrence| JsonPlace {
        path: path(o),
        place: o.place.as_str(),
        blob: o.blob.to_string(),
        line: o.location.start_line,
        column: o.location.start_column,
    };
    let changed = |c: &'a Changed<'a>| JsonChanged {
        change: c.change.as_str(),
        rule_id: &c.finding.rule.id,
        description: &c.finding.rule.description,
        severity: c.finding.rule.severity,
        fingerprint: c.finding.fingerprint.as_str(),
        redacted: c.finding.secret.redacted(),
        came: c.came.iter().map(place).collect(),
        left: c.left.iter().map(place).collect(),
    };
    Json {
        new: diff.count(Change::New),
        gone: diff.count(Change::Gone),
        moved: diff.count(Change::Moved),
        unchanged: diff.count(Change::Unchanged),
        findings: diff.all.iter().map(changed).collect(),
    }
}
