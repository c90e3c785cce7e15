//! Writes the reports of a scan.

use super::scan::META;
use crate::{
    args::Format,
    exit::CliError,
    output::{Destination, HumanOptions, HumanReporter},
    plan::{ReportPlan, ReportsPlan, ScanPlan},
};
use scanner_core::{
    model::Report,
    report::{
        CsvReporter, GithubReporter, GitlabReporter, GitleaksCsvReporter, GitleaksJsonReporter,
        HtmlReporter, JsonReporter, JsonlReporter, JunitReporter, MarkdownReporter, Redactor,
        ReportMeta, Reporter, SarifReporter, Template, TemplateReporter, write_report,
    },
};
use std::{
    fs,
    io::{self, Write},
    time::Duration,
};

/// What reports say of a scan's time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    pub(super) elapsed: Duration,
    /// In seconds since 1970.
    pub(super) began: i64,
    /// In seconds since 1970.
    pub(super) ended: i64,
}

/// Reads the template, if a report needs one: before the scan, so that a mistake in it is told at
/// once.
pub(super) fn template(plan: &ReportsPlan) -> Result<Option<Template>, CliError> {
    let Some(path) = &plan.template else {
        return Ok(None);
    };
    let text = fs::read_to_string(path).map_err(|error| {
        CliError::Usage(format!("cannot read template {}: {error}", path.display()))
    })?;
    Template::parse(&path.to_string_lossy(), text)
        .map(Some)
        .map_err(|error| CliError::Usage(error.to_string()))
}

/// Writes all reports. Files first and standard output last: who reads it may go away. Where one
/// cannot be written, the others still are; the first failure is told.
pub(super) fn write(
    report: &Report,
    plan: &ScanPlan,
    template: Option<&Template>,
    facts: Facts,
) -> Result<(), CliError> {
    let redactor = if plan.show_secrets {
        Redactor::reveal()
    } else {
        Redactor::of_report(report)
    };
    let reports = &plan.reports;
    let mut all: Vec<&ReportPlan> = reports.others.iter().chain([&reports.first]).collect();
    all.sort_by_key(|one| one.to == Destination::Stdout);
    let mut outcome = Ok(());
    for one in all {
        let written = write_one(report, plan, one, template, facts, redactor.clone());
        outcome = outcome.and(written);
    }
    outcome
}

fn write_one(
    report: &Report,
    plan: &ScanPlan,
    one: &ReportPlan,
    template: Option<&Template>,
    facts: Facts,
    redactor: Redactor,
) -> Result<(), CliError> {
    let mut out = one.to.open(plan.show_secrets)?;
    let meta = ReportMeta {
        repository: plan.reports.repository.as_deref(),
        ..META
    };
    let mut reporter = reporter(report, plan, one, template, facts, redactor, &mut out);
    let written = write_report(reporter.as_mut(), &meta, report);
    drop(reporter);
    match written.and_then(|()| out.commit()) {
        // Whoever reads has seen enough; the exit status still tells what was found.
        Err(error)
            if error.kind() == io::ErrorKind::BrokenPipe && one.to == Destination::Stdout =>
        {
            Ok(())
        }
        Err(error) => Err(one.to.error(error)),
        Ok(()) => Ok(()),
    }
}

fn reporter<'o, W: Write + 'o>(
    report: &Report,
    plan: &ScanPlan,
    one: &ReportPlan,
    template: Option<&'o Template>,
    facts: Facts,
    redactor: Redactor,
    out: W,
) -> Box<dyn Reporter + 'o> {
    let all = plan.reports.show_suppressed;
    match (one.format, template) {
        (Format::Json, _) => Box::new(JsonReporter::new(out, redactor).with_suppressed(all)),
        (Format::Jsonl, _) => Box::new(JsonlReporter::new(out, redactor).with_suppressed(all)),
        (Format::Sarif, _) => Box::new(SarifReporter::new(out, redactor)),
        (Format::Csv, _) => Box::new(CsvReporter::new(out, redactor).with_suppressed(all)),
        (Format::Junit, _) => Box::new(JunitReporter::new(out, redactor).with_suppressed(all)),
        (Format::Gitlab, _) => {
            Box::new(GitlabReporter::new(out, redactor, facts.began, facts.ended))
        }
        (Format::Github, _) => Box::new(GithubReporter::new(out, redactor)),
        (Format::Html, _) => Box::new(HtmlReporter::new(out, redactor)),
        (Format::Markdown, _) => {
            Box::new(MarkdownReporter::new(out, redactor).with_suppressed(all))
        }
        (Format::GitleaksJson, _) => Box::new(GitleaksJsonReporter::new(out, redactor)),
        (Format::GitleaksCsv, _) => Box::new(GitleaksCsvReporter::new(out, redactor)),
        (Format::Template, Some(template)) => {
            Box::new(TemplateReporter::new(out, redactor, template).with_suppressed(all))
        }
        // No plan has a template's format without a template.
        (Format::Human | Format::Template, _) => Box::new(HumanReporter::new(
            out,
            redactor,
            HumanOptions {
                style: one.style,
                verbose: plan.verbose,
                subject: plan.subject.clone(),
                unit: plan.unit,
                elapsed: Some(facts.elapsed),
                uncommitted: false,
                suppressed: report.findings.len() as u64 - report.open().count() as u64,
                show_suppressed: all,
            },
        )),
    }
}
