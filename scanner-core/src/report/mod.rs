//! Writes results.
//!
//! A reporter owns a writer and nothing else: it opens no file, knows no terminal and reads no
//! clock, so that its output depends on the findings alone and is the same bytes for any number
//! of threads. Findings are handed over one by one, already sorted, so that a format that can
//! stream does. JSON puts the receipt last for the same reason.
//!
//! Whatever text of a repository is shown (paths, names, subjects, refs) may hold the very
//! secrets found in it. Every reporter therefore sends it through a [`Redactor`] that knows all
//! secrets of the report.

mod csv;
mod document;
mod github;
mod gitlab;
mod gitleaks;
mod html;
mod json;
mod jsonl;
mod junit;
mod markdown;
mod printable;
mod read;
mod redact;
mod sarif;
mod table;
#[cfg(feature = "template")]
mod template;
mod wording;

pub use crate::model::rfc3339;
pub use csv::CsvReporter;
pub(crate) use document::write_json;
pub use github::GithubReporter;
pub use gitlab::GitlabReporter;
pub use gitleaks::{GitleaksCsvReporter, GitleaksJsonReporter};
pub use html::HtmlReporter;
pub use json::JsonReporter;
pub use jsonl::JsonlReporter;
pub use junit::JunitReporter;
pub use markdown::MarkdownReporter;
pub use printable::{is_disruptive, printable};
pub use read::{ReadError, ReadReport, read_report};
pub use redact::Redactor;
pub use sarif::SarifReporter;
#[cfg(feature = "template")]
pub use template::{Template, TemplateError, TemplateReporter};
pub use wording::position;

use crate::model::{Finding, Receipt, Report};
use std::io;

/// Version of the report format: raised when a reader written for an older one would fail.
pub const FORMAT_VERSION: u32 = 1;

/// The JSON Schema (draft 2020-12) of the JSON document; `$defs/line` describes a line of JSONL.
pub const JSON_SCHEMA: &str = include_str!("../../schema/report.schema.json");

/// What a report says of its maker, and of what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReportMeta<'a> {
    /// Name of the program.
    pub tool: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Address of the repository on its server, where known and wanted: absolute, and without
    /// credentials. Only formats that have a place for it show it.
    pub repository: Option<&'a str>,
}

/// When a format shows findings that do not count ([`Finding::suppression`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShowsSuppressed {
    /// It has no place for them.
    Never,
    /// Where they are asked for.
    OnDemand,
    /// Its readers tell them from others and expect them.
    Always,
}

/// Whether findings that do not count are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suppressed {
    /// Only formats that always show them do.
    LeftOut,
    /// Every format that has a place for them shows them.
    Shown,
}

/// Writes a report in one format. Call `begin` once, `finding` for each finding in the report's
/// order, `finish` once.
///
/// ```
/// use scanner_core::model::Report;
/// use scanner_core::report::{JsonReporter, Redactor, ReportMeta, Suppressed, write_report};
///
/// let report = Report::default();
/// let meta = ReportMeta { tool: "example", version: "1.0", repository: None };
/// let mut out = Vec::new();
/// let mut reporter = JsonReporter::new(&mut out, Redactor::of_report(&report));
/// write_report(&mut reporter, &meta, &report, Suppressed::LeftOut)?;
/// assert!(out.starts_with(b"{\"meta\":{\"tool\":\"example\""));
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait Reporter {
    /// Starts the report.
    ///
    /// # Errors
    /// When the writer fails.
    fn begin(&mut self, meta: &ReportMeta<'_>) -> io::Result<()>;

    /// When the format shows findings that do not count. [`write_report`] hands over no others.
    fn shows_suppressed(&self) -> ShowsSuppressed {
        ShowsSuppressed::Never
    }

    /// Adds one finding.
    ///
    /// # Errors
    /// When the writer fails.
    fn finding(&mut self, finding: &Finding) -> io::Result<()>;

    /// Ends the report and flushes the writer.
    ///
    /// # Errors
    /// When the writer fails.
    fn finish(&mut self, receipt: &Receipt) -> io::Result<()>;
}

/// Hands a whole report to a reporter.
///
/// # Errors
/// When the reporter's writer fails.
pub fn write_report(
    reporter: &mut dyn Reporter,
    meta: &ReportMeta<'_>,
    report: &Report,
    suppressed: Suppressed,
) -> io::Result<()> {
    reporter.begin(meta)?;
    let all = match reporter.shows_suppressed() {
        ShowsSuppressed::Never => false,
        ShowsSuppressed::OnDemand => suppressed == Suppressed::Shown,
        ShowsSuppressed::Always => true,
    };
    let shown = |finding: &&Finding| all || finding.suppression.is_none();
    for finding in report.findings.iter().filter(shown) {
        reporter.finding(finding)?;
    }
    reporter.finish(&report.receipt)
}
