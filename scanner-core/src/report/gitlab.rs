//! GitLab's secret detection report, for `artifacts:reports:secret_detection`.
//!
//! Written to version 15.1.4 of GitLab's published schema, which every GitLab since 17.2 takes: one
//! vulnerability for each place where a secret stands, because GitLab tracks places. A place without
//! a commit of its own gets `0000000`, which GitLab's own analyzer writes for it.

use super::{
    Redactor, ReportMeta, Reporter,
    document::write_json,
    markdown::{code, prose},
    rfc3339, wording,
};
use crate::model::{Finding, IssueKind, Occurrence, Receipt, Severity};
use serde_json::{Value, json};
use std::io::{self, Write};

const SCHEMA_VERSION: &str = "15.1.4";

/// Longest texts that GitLab takes, in characters.
const NAME_CHARACTERS: usize = 255;
const SOLUTION_CHARACTERS: usize = 7000;

/// Writes GitLab's report.
#[derive(Debug)]
pub struct GitlabReporter<W> {
    out: W,
    redactor: Redactor,
    /// Begin and end of the scan, in seconds since 1970.
    times: [i64; 2],
    scanner: Value,
    any: bool,
}

impl<W: Write> GitlabReporter<W> {
    /// Writes to `out`, unbuffered. GitLab demands to know when the scan began and ended: in
    /// seconds since 1970, UTC.
    pub fn new(out: W, redactor: Redactor, began: i64, ended: i64) -> Self {
        Self {
            out,
            redactor,
            times: [began, ended],
            scanner: Value::Null,
            any: false,
        }
    }

    fn vulnerability(&self, finding: &Finding, occurrence: &Occurrence) -> Value {
        let redactor = &self.redactor;
        let rule = &finding.rule;
        let mut commit = json!({ "sha": "0000000" });
        if let Some(by) = &occurrence.introduced {
            commit = json!({
                "sha": by.commit,
                "author": format!(
                    "{} <{}>",
                    wording::text(redactor, &by.author),
                    wording::text(redactor, &by.email)
                ),
                "message": wording::text(redactor, &by.summary),
            });
            if let Some(date) = rfc3339(by.seconds, by.offset_minutes) {
                commit["date"] = date.into();
            }
        }
        let at = occurrence.location;
        let mut out = json!({
            "id": self.id(finding, occurrence),
            "name": cut(&wording::title(rule), NAME_CHARACTERS),
            // Shown as Markdown, mentions and all.
            "description": format!(
                "{}: {}. At {}, {}.",
                prose(&wording::title(rule)),
                code(&wording::secret(redactor, &finding.secret)),
                code(&wording::position(redactor, occurrence)),
                wording::standing(occurrence.place)
            ),
            "severity": match rule.severity {
                Severity::Critical => "Critical",
                Severity::High => "High",
                Severity::Medium => "Medium",
                Severity::Low => "Low",
            },
            "solution": cut(&wording::remedy(rule), SOLUTION_CHARACTERS),
            "identifiers": [{
                "type": "gitsieve_rule_id",
                "name": format!("gitsieve rule {}", rule.id),
                "value": rule.id,
            }, {
                "type": "gitsieve_fingerprint",
                "name": format!("gitsieve fingerprint {}", finding.fingerprint),
                "value": finding.fingerprint,
            }],
            "location": {
                "file": wording::name(redactor, occurrence),
                "start_line": at.start_line,
                "end_line": at.end_line,
                "commit": commit,
            },
        });
        let links: Vec<Value> = wording::pages(rule)
            .map(|url| json!({ "url": url }))
            .collect();
        if !links.is_empty() {
            out["links"] = links.into();
        }
        // GitLab revokes tokens by it; it holds a secret, so only where secrets are shown.
        if redactor.reveals() {
            let secret = String::from_utf8_lossy(finding.secret.reveal());
            out["raw_source_code_extract"] = secret.into();
        }
        out
    }

    /// An id in a UUID's form that is the same in every scan. Made of what the report shows, so
    /// that it gives no more away.
    fn id(&self, finding: &Finding, occurrence: &Occurrence) -> String {
        let mut hasher = blake3::Hasher::new();
        for part in [
            finding.fingerprint.as_str().as_bytes(),
            wording::position(&self.redactor, occurrence).as_bytes(),
            occurrence.blob.as_bytes(),
            occurrence.place.as_str().as_bytes(),
        ] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hasher.update(&occurrence.span.start.to_le_bytes());
        let hex = hasher.finalize().to_hex();
        // Version 8 (custom) and variant of RFC 9562.
        format!(
            "{}-{}-8{}-a{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..15],
            &hex[15..18],
            &hex[18..30]
        )
    }
}

impl<W: Write> Reporter for GitlabReporter<W> {
    fn begin(&mut self, meta: &ReportMeta<'_>) -> io::Result<()> {
        self.scanner = json!({
            "id": meta.tool,
            "name": meta.tool,
            "version": meta.version,
            "vendor": { "name": meta.tool },
        });
        write!(
            self.out,
            "{{\"version\":\"{SCHEMA_VERSION}\",\n\"vulnerabilities\":["
        )
    }

    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        for occurrence in &finding.occurrences {
            self.out.write_all(if self.any { b",\n" } else { b"\n" })?;
            self.any = true;
            let vulnerability = self.vulnerability(finding, occurrence);
            write_json(&mut self.out, &vulnerability)?;
        }
        Ok(())
    }

    fn finish(&mut self, receipt: &Receipt) -> io::Result<()> {
        let mut messages: Vec<Value> = Vec::new();
        if let Some(left_out) = wording::left_out(receipt) {
            messages.push(json!({ "level": "warn", "value": left_out }));
        }
        messages.extend(receipt.issues.iter().map(|issue| {
            let level = match issue.kind {
                IssueKind::Note => "info",
                _ => "warn",
            };
            json!({ "level": level, "value": wording::issue(&self.redactor, issue) })
        }));
        let [began, ended] = self.times.map(utc);
        let scan = json!({
            "analyzer": self.scanner,
            "scanner": self.scanner,
            "type": "secret_detection",
            "start_time": began,
            "end_time": ended,
            // A failed scan's findings are not taken in; what was left out stands in `messages`.
            "status": "success",
            "messages": messages,
        });
        self.out.write_all(b"\n],\n\"scan\":")?;
        write_json(&mut self.out, &scan)?;
        self.out.write_all(b"}\n")?;
        self.out.flush()
    }
}

/// `2024-02-29T23:59:59`, UTC.
fn utc(seconds: i64) -> String {
    let date = rfc3339(seconds, 0).unwrap_or_else(|| "1970-01-01T00:00:00+00:00".to_owned());
    date[..19].to_owned()
}

fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}
