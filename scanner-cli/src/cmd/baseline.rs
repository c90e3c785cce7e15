//! `gitsieve baseline`: writes a baseline, or compares it with what is found.

use super::{decisions, scan};
use crate::{
    exit::{CliError, ExitStatus},
    output::{self, Destination, Role, Style},
    plan::{BaselineAction, BaselinePlan, Origin, Show},
};
use scanner_core::{
    model::Finding,
    report::{Redactor, printable},
    triage::{Baseline, BaselineDiff, BaselineEntry},
};
use serde::Serialize;
use std::fmt::Write as _;

pub(crate) fn run(plan: BaselinePlan) -> Result<ExitStatus, CliError> {
    let BaselinePlan {
        file,
        action,
        origin,
        show,
    } = plan;
    let name = file.display().to_string();
    let existing = |key_id: Option<&str>| match &action {
        BaselineAction::Create(_) => Ok(None),
        _ => decisions::baseline(&file, key_id).map(Some),
    };
    let (report, old) = match origin {
        Origin::Scan(mut plan) => {
            // A mistake in the file is told before a long scan.
            let key = decisions::key(plan.triage.key_file.as_deref())?;
            let old = existing(key.id().as_deref())?;
            (scan::found(&mut plan)?.0, old)
        }
        Origin::Report { from, triage } => {
            let mut report = decisions::report_of(&from)?.report;
            let key_id = report.receipt.fingerprint_key.clone();
            let old = existing(key_id.as_deref())?;
            decisions::load(&triage, key_id.as_deref())?.apply(&mut report);
            (report, old)
        }
    };
    let key_id = report.receipt.fingerprint_key.as_deref();
    let mut baseline = old.unwrap_or_else(|| Baseline::new(&name, key_id));
    let now = scan::now();
    let said = match action {
        BaselineAction::Create(decision) | BaselineAction::Update(decision) => {
            let done = baseline.update(&report, &decision, now);
            let mut said = format!(
                "{name}: {} added, {} in all",
                done.added,
                baseline.entries().len()
            );
            if done.ended > 0 {
                let _ = write!(
                    said,
                    "; {} ended and stay as they are: decide about them anew",
                    done.ended
                );
            }
            said
        }
        BaselineAction::Prune(what) => {
            if !report.receipt.complete {
                return Err(CliError::Usage(
                    "not everything was looked at, so that nothing can be said to be gone; the \
                     baseline stays as it is (`gitsieve` tells what is missing)"
                        .into(),
                ));
            }
            let done = baseline.prune(&report, what, now);
            let left = baseline.entries().len();
            format!(
                "{name}: {} about nothing found and {} ended taken out, {left} left",
                done.unused, done.ended
            )
        }
        BaselineAction::Diff => {
            let diff = baseline.diff(&report, now);
            return tell(&diff, &show, &Redactor::of_report(&report));
        }
    };
    Destination::File(file).write_all(&baseline.text())?;
    if !show.quiet {
        output::notice(&said);
    }
    let status = ExitStatus::of_receipt(&report.receipt, show.exit);
    if status == ExitStatus::Incomplete {
        output::notice("INCOMPLETE: not everything was looked at, so there may be more");
    }
    Ok(status)
}

#[derive(Serialize)]
struct Json<'a> {
    added: Vec<JsonFinding<'a>>,
    removed: Vec<JsonEntry<'a>>,
    expired: Vec<JsonEntry<'a>>,
}

#[derive(Serialize)]
struct JsonFinding<'a> {
    fingerprint: &'a str,
    rule_id: &'a str,
    severity: &'a str,
    redacted: String,
    path: String,
}

#[derive(Serialize)]
struct JsonEntry<'a> {
    fingerprint: &'a str,
    rule_id: &'a str,
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<&'a str>,
    path: String,
}

fn json(finding: &Finding, path: String) -> JsonFinding<'_> {
    JsonFinding {
        fingerprint: finding.fingerprint.as_str(),
        rule_id: &finding.rule.id,
        severity: finding.rule.severity.as_str(),
        redacted: finding.secret.redacted(),
        path,
    }
}

fn json_entry(entry: &BaselineEntry, path: String) -> JsonEntry<'_> {
    JsonEntry {
        fingerprint: entry.fingerprint.as_str(),
        rule_id: &entry.rule_id,
        status: entry.status.as_str(),
        expires: entry.expires.as_deref(),
        path,
    }
}

fn tell(diff: &BaselineDiff<'_>, show: &Show, redactor: &Redactor) -> Result<ExitStatus, CliError> {
    let first = |finding: &Finding| printable(&redactor.redact(&finding.occurrences[0].path));
    let stood = |entry: &BaselineEntry| printable(&redactor.redact(entry.path.as_bytes()));
    if show.json {
        show.to.write_json(&Json {
            added: diff.added.iter().map(|f| json(f, first(f))).collect(),
            removed: diff
                .removed
                .iter()
                .map(|e| json_entry(e, stood(e)))
                .collect(),
            expired: diff.ended.iter().map(|e| json_entry(e, stood(e))).collect(),
        })?;
    } else {
        let mut text = String::new();
        for finding in &diff.added {
            let role = Role::Severity(finding.rule.severity);
            line(
                &mut text,
                show.style,
                role,
                "added",
                &finding.fingerprint.to_string(),
            );
            let rule = printable(finding.rule.id.as_bytes());
            let redacted = finding.secret.redacted();
            let _ = writeln!(text, "[{rule}]  {redacted}  {}", first(finding));
        }
        let entries = diff
            .removed
            .iter()
            .map(|entry| ("removed", Role::Dim, entry));
        let ended = diff.ended.iter().map(|entry| ("expired", Role::Bad, entry));
        for (word, role, entry) in entries.chain(ended) {
            line(
                &mut text,
                show.style,
                role,
                word,
                &entry.fingerprint.to_string(),
            );
            let rule = printable(entry.rule_id.as_bytes());
            let until = entry.expires.as_ref().map(|day| format!(", until {day}"));
            let until = until.unwrap_or_default();
            let _ = writeln!(text, "[{rule}]  {}{until}  {}", entry.status, stood(entry));
        }
        let _ = writeln!(
            text,
            "{} added, {} removed, {} expired.",
            diff.added.len(),
            diff.removed.len(),
            diff.ended.len()
        );
        show.to.write_all(text.as_bytes())?;
    }
    // What counts is what a scan with this baseline would report.
    let severe = |f: &&Finding| f.rule.severity >= show.exit.fail_on;
    if diff.added.iter().any(severe) || !diff.ended.is_empty() {
        return Ok(ExitStatus::for_findings(show.exit.findings_code));
    }
    Ok(ExitStatus::Clean)
}

/// Starts a line: a word, and what it is about.
fn line(text: &mut String, style: Style, role: Role, word: &str, about: &str) {
    let padded = format!("{word:8}");
    let _ = write!(text, "{} {about}  ", style.paint(role, padded));
}
