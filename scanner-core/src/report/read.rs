//! Reads our own JSON and JSON Lines reports back into the model, so that whatever works on a
//! scan's result (reporters, triage, a comparison) works on a stored one.
//!
//! A report holds secrets redacted; those forms stand for the secrets in what is read: redacting
//! them once more changes nothing. In a report made with `--show-secrets` the secrets are
//! forgotten here and replaced wherever else they stand, so nothing read can give one away. What
//! is read and written again, in this format or another, is the same bytes as a scan would write,
//! but for what no report tells: secrets that were shown, how random a secret is, dates outside the
//! calendar, and which bytes stood in a name or subject that is not UTF-8.
//!
//! A report may come from anywhere: what is no report is refused with the place where, and never
//! with a piece of it.

mod model;
mod wire;

use super::{FORMAT_VERSION, Redactor};
use crate::model::{Report, Secret};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use wire::{Document, Line, Shown};

/// A report that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadReport {
    /// Name of the program that wrote it.
    pub tool: String,
    /// Its version.
    pub version: String,
    /// Findings and receipt. Secrets are their redacted forms. A stream of JSON Lines that was cut
    /// off has a receipt that says so and is not complete.
    pub report: Report,
}

/// Why something is no report. Holds nothing of it but numbers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Not JSON, or not what a report holds.
    #[error("line {line}, column {column}: {problem}")]
    Json {
        /// Line, 1-based.
        line: usize,
        /// Column in bytes, 1-based.
        column: usize,
        /// What is wrong there.
        problem: &'static str,
    },
    /// Written by a version whose reports this one does not know.
    #[error(
        "format version {0}, and this gitsieve reads version {FORMAT_VERSION}: use the one that \
         wrote the report"
    )]
    Version(u32),
    /// Lines of JSON Lines that come in no order of a report.
    #[error("line {line}: {problem}")]
    Order {
        /// Line, 1-based.
        line: usize,
        /// What is wrong there.
        problem: &'static str,
    },
    /// A value that cannot be.
    #[error("finding {number}: {problem}")]
    Finding {
        /// Which one, 1-based.
        number: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A value that cannot be.
    #[error("the receipt: {0}")]
    Receipt(&'static str),
}

/// Reads a report that `-f json` or `-f jsonl` wrote. Takes time and memory in proportion to its
/// size.
///
/// # Errors
/// [`ReadError`] where it is none.
pub fn read_report(bytes: &[u8]) -> Result<ReadReport, ReadError> {
    let first = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let (meta, mut findings, receipt) = if serde_json::from_slice::<Line>(first).is_ok() {
        lines(bytes)?
    } else {
        let document: Document = serde_json::from_slice(bytes).map_err(|e| json(&e, 0))?;
        (document.meta, document.findings, Some(document.receipt))
    };
    if meta.format_version != FORMAT_VERSION {
        return Err(ReadError::Version(meta.format_version));
    }
    let redactor = Redactor::new(shown(&mut findings));
    let mut reader = model::Reader::new(&redactor);
    let number = |(index, finding): (usize, wire::Finding)| {
        let number = index + 1;
        let error = |problem| ReadError::Finding { number, problem };
        reader.finding(finding).map_err(error)
    };
    let findings = findings.into_iter().enumerate().map(number);
    let findings = findings.collect::<Result<Vec<_>, _>>()?;
    let receipt = match receipt {
        Some(receipt) => model::receipt(receipt, &redactor).map_err(ReadError::Receipt)?,
        None => model::cut_off(),
    };
    Ok(ReadReport {
        tool: redactor.redact_str(&meta.tool).into_owned(),
        version: redactor.redact_str(&meta.version).into_owned(),
        report: Report { findings, receipt },
    })
}

type Parts = (wire::Meta, Vec<wire::Finding>, Option<wire::Receipt>);

/// Reads JSON Lines.
fn lines(bytes: &[u8]) -> Result<Parts, ReadError> {
    let (mut meta, mut findings, mut receipt) = (None, Vec::new(), None);
    for (index, text) in bytes.split(|b| *b == b'\n').enumerate() {
        if text.trim_ascii().is_empty() {
            continue;
        }
        let wrong = |problem| ReadError::Order {
            line: index + 1,
            problem,
        };
        let line = serde_json::from_slice(text).map_err(|e| json(&e, index))?;
        match line {
            _ if receipt.is_some() => return Err(wrong("a report ends with its receipt")),
            Line::Meta(one) if meta.is_none() => meta = Some(one),
            Line::Meta(_) => return Err(wrong("a report has one line `meta`")),
            _ if meta.is_none() => return Err(wrong("a report begins with its line `meta`")),
            Line::Finding(finding) => findings.push(*finding),
            Line::Receipt(one) => receipt = Some(*one),
        }
    }
    let missing = ReadError::Order {
        line: 1,
        problem: "a report begins with its line `meta`",
    };
    Ok((meta.ok_or(missing)?, findings, receipt))
}

/// Takes the secrets that are shown in full, which are then in no finding any more.
fn shown(findings: &mut [wire::Finding]) -> Vec<Secret> {
    let mut secrets = Vec::new();
    let mut take = |shown: &mut Shown| {
        let Shown {
            secret,
            secret_bytes,
        } = std::mem::take(shown);
        let exact = secret_bytes.and_then(|text| STANDARD.decode(text).ok());
        let text = secret.map(String::into_bytes);
        secrets.extend([exact, text].into_iter().flatten().map(|b| Secret::new(&b)));
    };
    for finding in findings {
        take(&mut finding.shown);
        let parts = finding.occurrences.iter_mut().flat_map(|o| &mut o.parts);
        parts.for_each(|part| take(&mut part.shown));
    }
    secrets
}

/// What serde says of an error may hold a value, so that only the place is told.
fn json(error: &serde_json::Error, lines_before: usize) -> ReadError {
    use serde_json::error::Category;
    ReadError::Json {
        line: error.line() + lines_before,
        column: error.column(),
        problem: match error.classify() {
            Category::Data => {
                "not what a report of gitsieve holds there (it reads what -f json and -f jsonl \
                 write)"
            }
            Category::Eof => "ends too early: was it cut off?",
            Category::Syntax | Category::Io => "not JSON",
        },
    }
}

#[cfg(test)]
mod tests;
