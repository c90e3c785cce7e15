//! Comma-separated values, one row for each place where a secret stands, for spreadsheets and
//! databases.

use super::{Redactor, ReportMeta, Reporter, ShowsSuppressed, rfc3339, table::write_row, wording};
use crate::model::{Finding, Occurrence, Receipt};
use std::{
    borrow::Cow,
    io::{self, Write},
};

/// Names of the columns. New ones are added at the end only.
const COLUMNS: [&str; 27] = [
    "severity",
    "confidence",
    "rule_id",
    "description",
    "secret",
    "proof",
    "fingerprint",
    "path",
    "member",
    "start_line",
    "start_column",
    "end_line",
    "end_column",
    "where",
    "encoding",
    "blob",
    "commit",
    "author",
    "email",
    "date",
    "summary",
    "last_seen",
    "refs",
    "remediation",
    "suppressed_by",
    "suppression_status",
    "suppression_reason",
];

/// Writes a header and one row an occurrence. What could not be scanned has no place here: look
/// at the exit status, or write another report beside it.
#[derive(Debug)]
pub struct CsvReporter<W> {
    out: W,
    redactor: Redactor,
}

impl<W: Write> CsvReporter<W> {
    /// Writes to `out`, unbuffered.
    pub fn new(out: W, redactor: Redactor) -> Self {
        Self { out, redactor }
    }

    fn row(&mut self, finding: &Finding, occurrence: &Occurrence) -> io::Result<()> {
        let Self { out, redactor, .. } = self;
        let commit = occurrence.introduced.as_deref();
        let text = |bytes: &[u8]| String::from_utf8_lossy(&redactor.redact(bytes)).into_owned();
        let of_commit = |bytes: Option<&bstr::BString>| bytes.map(|b| text(b)).unwrap_or_default();
        let encoding: Vec<&str> = occurrence.encoding.iter().map(|e| e.as_str()).collect();
        let refs: Vec<Cow<'_, str>> = occurrence
            .refs
            .iter()
            .map(|name| redactor.redact_str(name))
            .collect();
        let at = occurrence.location;
        let suppression = finding.suppression.as_ref();
        let fields: [Cow<'_, str>; COLUMNS.len()] = [
            finding.rule.severity.as_str().into(),
            finding.confidence.as_str().into(),
            finding.rule.id.as_str().into(),
            finding.rule.description.as_str().into(),
            wording::secret(redactor, &finding.secret).into(),
            finding.proof.as_str().into(),
            finding.fingerprint.as_str().into(),
            // Made printable as bytes: what is not UTF-8 then shows which bytes it was.
            wording::text(redactor, &occurrence.path).into(),
            occurrence
                .member
                .as_deref()
                .map(|member| wording::text(redactor, member))
                .unwrap_or_default()
                .into(),
            at.start_line.to_string().into(),
            at.start_column.to_string().into(),
            at.end_line.to_string().into(),
            at.end_column.to_string().into(),
            occurrence.place.as_str().into(),
            encoding.join(" ").into(),
            occurrence.blob.to_string().into(),
            commit
                .map(|c| c.commit.to_string())
                .unwrap_or_default()
                .into(),
            of_commit(commit.map(|c| &c.author)).into(),
            of_commit(commit.map(|c| &c.email)).into(),
            commit
                .and_then(|c| rfc3339(c.seconds, c.offset_minutes))
                .unwrap_or_default()
                .into(),
            of_commit(commit.map(|c| &c.summary)).into(),
            occurrence
                .last_seen
                .map(|id| id.to_string())
                .unwrap_or_default()
                .into(),
            refs.join(" ").into(),
            finding.rule.remediation.as_str().into(),
            suppression.map_or("", |s| s.by.as_str()).into(),
            suppression.map_or("", |s| s.status.as_str()).into(),
            suppression.map_or(Cow::Borrowed(""), |s| redactor.redact_str(&s.reason)),
        ];
        write_row(out, fields.iter().map(|field| &**field))
    }
}

impl<W: Write> Reporter for CsvReporter<W> {
    fn begin(&mut self, _: &ReportMeta<'_>) -> io::Result<()> {
        write_row(&mut self.out, COLUMNS)
    }

    fn shows_suppressed(&self) -> ShowsSuppressed {
        ShowsSuppressed::OnDemand
    }

    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        for occurrence in &finding.occurrences {
            self.row(finding, occurrence)?;
        }
        Ok(())
    }

    fn finish(&mut self, _: &Receipt) -> io::Result<()> {
        self.out.flush()
    }
}
