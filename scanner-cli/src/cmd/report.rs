//! `gitsieve report`: writes an earlier report in other formats.

use super::{decisions, reports, scan::now};
use crate::{
    exit::{CliError, ExitStatus},
    output,
    plan::{ConvertPlan, ReportSource},
};
use scanner_core::{
    model::{Receipt, Report, Where},
    report::{ReportMeta, printable},
};

pub(crate) fn run(plan: &ConvertPlan) -> Result<ExitStatus, CliError> {
    let template = reports::template(&plan.reports)?;
    let read = decisions::report_of(&plan.from)?;
    let report = &read.report;
    let lacking = suppressed(&report.receipt).saturating_sub(held(report));
    if !plan.quiet && lacking > 0 && plan.reports.wants_suppressed() {
        output::notice(&format!(
            "{lacking} suppressed findings are not in the report: scan with --show-suppressed for \
             one that holds them"
        ));
    }
    // No report tells when its scan was.
    let now = now().unwrap_or_default();
    let (tool, version) = (
        printable(read.tool.as_bytes()),
        printable(read.version.as_bytes()),
    );
    let facts = reports::Facts {
        maker: ReportMeta {
            tool: &tool,
            version: &version,
            repository: None,
        },
        subject: &match &plan.from {
            ReportSource::Stdin => "what the report on standard input is about".to_owned(),
            ReportSource::File(path) => format!("what {} is about", path.display()),
        },
        unit: unit(report),
        elapsed: None,
        began: now,
        ended: now,
    };
    reports::write(report, &plan.reports, template.as_ref(), &facts)?;
    Ok(ExitStatus::Clean)
}

/// Findings that did not count when the report was made.
fn suppressed(receipt: &Receipt) -> u64 {
    receipt.triage.suppressed.values().sum()
}

/// Those of them that the report holds.
fn held(report: &Report) -> u64 {
    report.findings.len() as u64 - report.open().count() as u64
}

/// What one piece of content is called: reports do not tell, but their counts and places do.
fn unit(report: &Report) -> &'static str {
    let receipt = &report.receipt;
    let places = || report.findings.iter().flat_map(|f| &f.occurrences);
    if receipt.commits > 0 || receipt.trees > 0 || !receipt.tips.is_empty() {
        "blob"
    } else if places().any(|o| o.place == Where::Stdin) {
        "input"
    } else {
        "file"
    }
}
