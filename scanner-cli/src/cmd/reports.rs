//! Writes the reports of a scan, or of an earlier report.

use crate::{
    args::Format,
    exit::CliError,
    output::{Destination, HumanOptions, HumanReporter},
    plan::{ReportPlan, ReportsPlan},
};
use scanner_core::{
    model::Report,
    report::{
        CsvReporter, GithubReporter, GitlabReporter, GitleaksCsvReporter, GitleaksJsonReporter,
        HtmlReporter, JsonReporter, JsonlReporter, JunitReporter, MarkdownReporter, Redactor,
        ReportMeta, Reporter, SarifReporter, Suppressed, Template, TemplateReporter, write_report,
    },
};
use std::{
    fs,
    io::{self, Write},
    time::Duration,
};

/// What reports say besides what was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    /// What scanned; the repository's address comes from the plan.
    pub(super) maker: ReportMeta<'a>,
    /// What was scanned, for people.
    pub(super) subject: &'a str,
    /// What one piece of content is called.
    pub(super) unit: &'static str,
    /// How long it took, where that is known.
    pub(super) elapsed: Option<Duration>,
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
    plan: &ReportsPlan,
    template: Option<&Template>,
    facts: &Facts<'_>,
) -> Result<(), CliError> {
    let redactor = if plan.show_secrets {
        Redactor::reveal()
    } else {
        Redactor::of_report(report)
    };
    let mut all: Vec<&ReportPlan> = plan.others.iter().chain([&plan.first]).collect();
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
    plan: &ReportsPlan,
    one: &ReportPlan,
    template: Option<&Template>,
    facts: &Facts<'_>,
    redactor: Redactor,
) -> Result<(), CliError> {
    let mut out = one.to.open(plan.show_secrets)?;
    let meta = ReportMeta {
        repository: plan.repository.as_deref(),
        ..facts.maker
    };
    let suppressed = if plan.show_suppressed {
        Suppressed::Shown
    } else {
        Suppressed::LeftOut
    };
    let mut reporter = reporter(report, plan, one, template, facts, redactor, &mut out);
    let written = write_report(reporter.as_mut(), &meta, report, suppressed);
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
    plan: &ReportsPlan,
    one: &ReportPlan,
    template: Option<&'o Template>,
    facts: &Facts<'_>,
    redactor: Redactor,
    out: W,
) -> Box<dyn Reporter + 'o> {
    match (one.format, template) {
        (Format::Json, _) => Box::new(JsonReporter::new(out, redactor)),
        (Format::Jsonl, _) => Box::new(JsonlReporter::new(out, redactor)),
        (Format::Sarif, _) => Box::new(SarifReporter::new(out, redactor)),
        (Format::Csv, _) => Box::new(CsvReporter::new(out, redactor)),
        (Format::Junit, _) => Box::new(JunitReporter::new(out, redactor)),
        (Format::Gitlab, _) => {
            Box::new(GitlabReporter::new(out, redactor, facts.began, facts.ended))
        }
        (Format::Github, _) => Box::new(GithubReporter::new(out, redactor)),
        (Format::Html, _) => Box::new(HtmlReporter::new(out, redactor)),
        (Format::Markdown, _) => Box::new(MarkdownReporter::new(out, redactor)),
        (Format::GitleaksJson, _) => Box::new(GitleaksJsonReporter::new(out, redactor)),
        (Format::GitleaksCsv, _) => Box::new(GitleaksCsvReporter::new(out, redactor)),
        (Format::Template, Some(template)) => {
            Box::new(TemplateReporter::new(out, redactor, template))
        }
        // No plan has a template's format without a template.
        (Format::Human | Format::Template, _) => Box::new(HumanReporter::new(
            out,
            redactor,
            HumanOptions {
                style: one.style,
                verbose: plan.verbose,
                subject: facts.subject.to_owned(),
                unit: facts.unit,
                elapsed: facts.elapsed,
                uncommitted: false,
                suppressed: report.receipt.triage.suppressed.values().sum(),
            },
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::Style;
    use clap::ValueEnum;

    #[test]
    fn formats_and_their_reporters_agree_on_what_does_not_count() {
        let template = Template::parse("t", String::new()).unwrap();
        let facts = Facts {
            maker: ReportMeta {
                tool: "t",
                version: "1",
                repository: None,
            },
            subject: "",
            unit: "",
            elapsed: None,
            began: 0,
            ended: 0,
        };
        for &format in Format::value_variants() {
            let one = || ReportPlan {
                format,
                to: Destination::Stdout,
                style: Style::Plain,
            };
            let plan = ReportsPlan {
                first: one(),
                others: Vec::new(),
                template: None,
                show_suppressed: false,
                show_secrets: false,
                verbose: false,
                repository: None,
            };
            let (report, none) = (Report::default(), Redactor::default());
            let template = (format == Format::Template).then_some(&template);
            let made = reporter(&report, &plan, &one(), template, &facts, none, io::sink());
            assert_eq!(
                made.shows_suppressed(),
                format.shows_suppressed(),
                "{format:?}"
            );
        }
    }
}
