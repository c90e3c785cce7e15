//! Reports under the field names of gitleaks, for programs that read those.
//!
//! One entry for each place where a secret stands, as gitleaks has it. What it does not know here:
//! the whole match (`Match` repeats the secret) and symbolic links (`SymlinkFile` is empty). Columns
//! count bytes from 1, ends are inclusive, dates are in UTC.

use super::{
    Redactor, ReportMeta, Reporter, document::write_json, rfc3339, table::write_row, wording,
};
use crate::model::{Finding, Occurrence, Receipt, Secret};
use serde::Serialize;
use std::io::{self, Write};

/// One entry. The order is that of the JSON report.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    #[serde(rename = "RuleID")]
    rule_id: String,
    description: String,
    start_line: u64,
    end_line: u64,
    start_column: u64,
    end_column: u64,
    #[serde(rename = "Match")]
    matched: String,
    secret: String,
    file: String,
    symlink_file: &'static str,
    commit: String,
    link: &'static str,
    entropy: f64,
    author: String,
    email: String,
    date: String,
    message: String,
    tags: Vec<String>,
    fingerprint: String,
}

impl Entry {
    fn new(finding: &Finding, occurrence: &Occurrence, redactor: &Redactor) -> Self {
        let rule = &finding.rule;
        let at = occurrence.location;
        let secret = wording::secret(redactor, &finding.secret);
        let file = match (&occurrence.member, occurrence.path.is_empty()) {
            (None, true) => String::new(),
            _ => wording::name(redactor, occurrence),
        };
        let introduced = occurrence.introduced.as_deref();
        let commit = introduced.map_or_else(String::new, |c| c.commit.to_string());
        // `commit:file:rule:line`, without the commit where there is none.
        let place = format!("{file}:{}:{}", rule.id, at.start_line);
        let fingerprint = if commit.is_empty() {
            place
        } else {
            format!("{commit}:{place}")
        };
        let text = |bytes: Option<&bstr::BString>| {
            bytes.map_or_else(String::new, |bytes| wording::text(redactor, bytes))
        };
        Self {
            rule_id: rule.id.clone(),
            description: rule.description.clone(),
            start_line: at.start_line,
            end_line: at.end_line,
            start_column: at.start_column,
            end_column: at.end_column,
            matched: secret.clone(),
            secret,
            file,
            symlink_file: "",
            commit,
            link: "",
            entropy: entropy(&finding.secret),
            author: text(introduced.map(|c| &c.author)),
            email: text(introduced.map(|c| &c.email)),
            date: introduced
                .and_then(|c| rfc3339(c.seconds, 0))
                .map(|date| date.replace("+00:00", "Z"))
                .unwrap_or_default(),
            message: text(introduced.map(|c| &c.summary)),
            tags: rule.tags.clone(),
            fingerprint,
        }
    }
}

/// Shannon's entropy in bits a byte, in hundredths: enough for a reader that sorts by it. 0 where the
/// secret is not known, but its redacted form alone.
fn entropy(secret: &Secret) -> f64 {
    if secret.is_redacted() {
        return 0.0;
    }
    let bytes = secret.reveal();
    let mut counts = [0_u32; 256];
    for &byte in bytes {
        counts[usize::from(byte)] += 1;
    }
    let bits: f64 = counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| {
            let share = f64::from(count) / bytes.len() as f64;
            -share * share.log2()
        })
        .sum();
    (bits * 100.0).round() / 100.0
}

/// Writes a JSON array of entries.
#[derive(Debug)]
pub struct GitleaksJsonReporter<W> {
    out: W,
    redactor: Redactor,
    any: bool,
}

impl<W: Write> GitleaksJsonReporter<W> {
    /// Writes to `out`, unbuffered.
    pub fn new(out: W, redactor: Redactor) -> Self {
        Self {
            out,
            redactor,
            any: false,
        }
    }
}

impl<W: Write> Reporter for GitleaksJsonReporter<W> {
    fn begin(&mut self, _: &ReportMeta<'_>) -> io::Result<()> {
        self.out.write_all(b"[")
    }

    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        for occurrence in &finding.occurrences {
            self.out.write_all(if self.any { b",\n" } else { b"\n" })?;
            self.any = true;
            let entry = Entry::new(finding, occurrence, &self.redactor);
            write_json(&mut self.out, &entry)?;
        }
        Ok(())
    }

    fn finish(&mut self, _: &Receipt) -> io::Result<()> {
        self.out
            .write_all(if self.any { b"\n]\n" } else { b"]\n" })?;
        self.out.flush()
    }
}

/// Writes comma-separated values: the same entries without description and entropy.
#[derive(Debug)]
pub struct GitleaksCsvReporter<W> {
    out: W,
    redactor: Redactor,
}

impl<W: Write> GitleaksCsvReporter<W> {
    /// Writes to `out`, unbuffered.
    pub fn new(out: W, redactor: Redactor) -> Self {
        Self { out, redactor }
    }
}

impl<W: Write> Reporter for GitleaksCsvReporter<W> {
    fn begin(&mut self, _: &ReportMeta<'_>) -> io::Result<()> {
        let columns = [
            "RuleID",
            "Commit",
            "File",
            "SymlinkFile",
            "Secret",
            "Match",
            "StartLine",
            "EndLine",
            "StartColumn",
            "EndColumn",
            "Author",
            "Message",
            "Date",
            "Email",
            "Fingerprint",
            "Tags",
        ];
        write_row(&mut self.out, columns)
    }

    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        for occurrence in &finding.occurrences {
            let entry = Entry::new(finding, occurrence, &self.redactor);
            let fields = [
                entry.rule_id,
                entry.commit,
                entry.file,
                entry.symlink_file.to_owned(),
                entry.secret,
                entry.matched,
                entry.start_line.to_string(),
                entry.end_line.to_string(),
                entry.start_column.to_string(),
                entry.end_column.to_string(),
                entry.author,
                entry.message,
                entry.date,
                entry.email,
                entry.fingerprint,
                entry.tags.join(" "),
            ];
            write_row(&mut self.out, fields.iter().map(String::as_str))?;
        }
        Ok(())
    }

    fn finish(&mut self, _: &Receipt) -> io::Result<()> {
        self.out.flush()
    }
}
