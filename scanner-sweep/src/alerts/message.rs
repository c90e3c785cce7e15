//! What a message says.
//!
//! Secrets are redacted in what the store keeps. Everything else that a message shows of a repository
//! (names, paths, people, first lines of commit messages) was written by others: in text for people
//! it is made printable, and each format sees to it that it stays text.

mod chat;
mod link;

use super::config::Flavor;
use crate::store::Alert;
use scanner_core::{
    model::Severity,
    report::{Template, TemplateError, printable},
};
use serde::Serialize;
use serde_json::Value;
use std::cmp::Reverse;

/// Version of [`Document`]: raised when a reader written for an older one would fail.
const VERSION: u32 = 1;
/// Longest piece of such text in a message for people, in characters.
const MAX_TEXT_CHARS: usize = 200;

/// The text of a mail where nobody gave another one.
const MAIL: &str = include_str!("message/mail.txt");

/// What a message is about: what a web server gets as JSON, and what templates see.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Document {
    version: u32,
    tool: &'static str,
    tool_version: &'static str,
    /// Whether this is a trial and nothing was found.
    test: bool,
    channel: String,
    /// The mail address, or nothing.
    recipient: String,
    /// Number of the sweep.
    sweep: i64,
    /// Findings in all.
    total: usize,
    /// Those of them that are not listed.
    more: usize,
    findings: Vec<Entry>,
}

/// A finding in one repository.
#[derive(Debug, Clone, Serialize)]
struct Entry {
    repository: String,
    /// Page of the finding, or of the repository, where one is known.
    link: Option<String>,
    /// As in a JSON report.
    finding: Value,
}

impl Document {
    /// Tells of an alert; at most `shown` findings are listed, the gravest first.
    pub(super) fn new(channel: &str, alert: &Alert, shown: usize) -> Self {
        let mut findings: Vec<(Option<Severity>, Entry)> = Vec::new();
        for one in &alert.findings {
            let mut finding = serde_json::from_str(&one.document).unwrap_or(Value::Null);
            if let Some(fields) = finding.as_object_mut() {
                // What tells lines of a JSON Lines report apart.
                fields.remove("type");
            }
            let entry = Entry {
                repository: one.repository.clone(),
                link: (one.web_url.as_deref()).and_then(|page| link::to(page, &finding)),
                finding,
            };
            findings.push((one.tracked.severity.parse().ok(), entry));
        }
        findings.sort_by_key(|(severity, _)| Reverse(*severity));
        let total = findings.len();
        findings.truncate(shown);
        Self {
            version: VERSION,
            tool: "gitsieve",
            tool_version: env!("CARGO_PKG_VERSION"),
            test: false,
            channel: channel.to_owned(),
            recipient: alert.recipient.clone(),
            sweep: alert.sweep,
            total,
            more: total - findings.len(),
            findings: findings.into_iter().map(|(_, entry)| entry).collect(),
        }
    }

    /// A trial.
    pub(super) fn test(channel: &str, recipient: &str) -> Self {
        let finding = serde_json::json!({
            "rule_id": "test",
            "description": "A test of gitsieve's alerts; nothing was found",
            "severity": "low",
            "confidence": "low",
            "fingerprint": "v1:00000000000000000000000000000000",
            "redacted": "********",
            "proof": "plausible",
            "remediation": "Nothing is to be done.",
            "occurrences": [{
                "path": "path/of/a/file",
                "start_line": 1, "start_column": 1, "end_line": 1, "end_column": 9,
                "byte_start": 0, "byte_end": 8,
                "blob": "0000000000000000000000000000000000000000",
                "where": "head",
                "introduced": null,
                "also_introduced_in": [],
                "last_seen": null,
                "refs": [],
            }],
        });
        Self {
            version: VERSION,
            tool: "gitsieve",
            tool_version: env!("CARGO_PKG_VERSION"),
            test: true,
            channel: channel.to_owned(),
            recipient: recipient.to_owned(),
            sweep: 0,
            total: 1,
            more: 0,
            findings: vec![Entry {
                repository: "PROJECT/repository".to_owned(),
                link: None,
                finding,
            }],
        }
    }

    /// One line that says it all.
    pub(super) fn subject(&self) -> String {
        if self.test {
            return "gitsieve: test of alerts".to_owned();
        }
        let first = self.findings.first();
        let first = first.map_or_else(String::new, |one| cut(&one.repository));
        let same = |one: &Entry| cut(&one.repository) == first;
        let others = if self.more == 0 && self.findings.iter().all(same) {
            ""
        } else {
            " and others"
        };
        let plural = if self.total == 1 { "" } else { "s" };
        format!(
            "gitsieve: {} new secret{plural} in {first}{others}",
            self.total
        )
    }

    fn lines(&self) -> impl Iterator<Item = Line> {
        self.findings.iter().map(Line::new)
    }
}

/// What people are told of a finding. Every text is printable and short.
#[derive(Debug)]
struct Line {
    what: String,
    severity: String,
    repository: String,
    link: Option<String>,
    place: String,
    secret: String,
    /// `id by AUTHOR on DATE: SUMMARY`.
    commit: Option<String>,
}

impl Line {
    fn new(entry: &Entry) -> Self {
        let text = |value: &Value| cut(value.as_str().unwrap_or_default());
        let finding = &entry.finding;
        let first = &finding["occurrences"][0];
        let path = text(&first["path"]);
        let line = first["start_line"].as_u64().unwrap_or_default();
        let place = if path.is_empty() {
            format!("{}, line {line}", text(&first["where"]))
        } else {
            format!("{path}:{line}")
        };
        let commit = &first["introduced"];
        let commit = commit["commit"].as_str().map(|id| {
            let id: String = id.chars().take(12).collect();
            let (author, summary) = (text(&commit["author"]), text(&commit["summary"]));
            let date: String = text(&commit["date"]).chars().take(10).collect();
            format!("{id} by {author} on {date}: {summary}")
        });
        Self {
            what: text(&finding["description"]),
            severity: text(&finding["severity"]),
            repository: cut(&entry.repository),
            link: entry.link.clone(),
            place,
            secret: text(&finding["redacted"]),
            commit,
        }
    }
}

/// Text that others wrote, fit to be shown.
fn cut(text: &str) -> String {
    let text = printable(text.as_bytes());
    match text.char_indices().nth(MAX_TEXT_CHARS) {
        None => text,
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}

/// Writes messages of one channel.
#[derive(Debug)]
pub(super) struct Writer {
    template: Option<Template>,
}

/// Why a message cannot be written. Holds nothing of a finding.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unwritten {
    #[error(transparent)]
    Template(#[from] TemplateError),
    #[error("the template gives no JSON, which is what this channel's server takes")]
    NotJson,
}

impl Writer {
    /// For mails; `template` is a file's name and text.
    pub(super) fn of_mail(template: Option<(String, String)>) -> Result<Self, Unwritten> {
        let (name, text) = template.unwrap_or_else(|| ("mail.txt".to_owned(), MAIL.to_owned()));
        let writer = Self {
            template: Some(Template::parse(&name, text)?),
        };
        // What a template asks for and no message has is told now, not when something was found.
        writer.mail(&Document::test("test", "test@example.org"))?;
        Ok(writer)
    }

    /// For a web server.
    pub(super) fn of_web(
        flavor: Flavor,
        template: Option<(String, String)>,
    ) -> Result<Self, Unwritten> {
        let template = template.map(|(name, text)| Template::parse(&name, text));
        let writer = Self {
            template: template.transpose()?,
        };
        writer.web(flavor, &Document::test("test", ""))?;
        Ok(writer)
    }

    /// The text of a mail.
    pub(super) fn mail(&self, document: &Document) -> Result<String, Unwritten> {
        match &self.template {
            Some(template) => Ok(template.render(document)?),
            None => Ok(String::new()),
        }
    }

    /// The body for a web server.
    pub(super) fn web(&self, flavor: Flavor, document: &Document) -> Result<Vec<u8>, Unwritten> {
        if let Some(template) = &self.template {
            let text = template.render(document)?;
            serde_json::from_str::<serde::de::IgnoredAny>(&text).map_err(|_| Unwritten::NotJson)?;
            return Ok(text.into_bytes());
        }
        let body = match flavor {
            Flavor::Slack => serde_json::to_vec(&chat::slack(document)),
            Flavor::Teams => serde_json::to_vec(&chat::teams(document)),
            Flavor::Json => serde_json::to_vec(document),
        };
        body.map_err(|_| Unwritten::NotJson)
    }
}

#[cfg(test)]
pub(super) mod tests;
