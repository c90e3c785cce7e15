//! What SARIF says of a rule.

use crate::{
    model::{Confidence, RuleInfo, Severity},
    report::{printable, wording},
};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// GitHub takes no more of a rule.
const TAGS: usize = 20;

/// A `reportingDescriptor` (3.49). `security-severity`, `precision` and `tags` are what GitHub reads
/// of its properties.
pub(super) fn descriptor(rule: &RuleInfo) -> Value {
    let title = wording::title(rule);
    let remedy = wording::remedy(rule);
    let mut text = remedy.clone();
    let mut markdown = remedy.replace('<', "&lt;");
    for page in wording::pages(rule) {
        let _ = write!(text, "\nSee {page}");
        let _ = write!(markdown, "\n\nSee <{page}>");
    }
    let mut tags = vec!["security".to_owned(), "secret".to_owned()];
    for tag in &rule.tags {
        let tag = printable(tag.as_bytes());
        if tags.len() < TAGS && !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    let mut out = json!({
        "id": rule.id,
        "shortDescription": { "text": title },
        "fullDescription": { "text": format!("{title}. {remedy}") },
        "help": { "text": text, "markdown": markdown },
        "defaultConfiguration": { "level": level(rule.severity) },
        "properties": {
            "tags": tags,
            "precision": match rule.confidence {
                Confidence::High => "very-high",
                Confidence::Medium => "high",
                Confidence::Low => "medium",
            },
            // In the middle of GitHub's bands for the four severities.
            "security-severity": match rule.severity {
                Severity::Critical => "9.5",
                Severity::High => "8.0",
                Severity::Medium => "5.5",
                Severity::Low => "2.0",
            },
        },
    });
    let page = wording::pages(rule).next();
    if let Some(page) = page {
        out["helpUri"] = page.into();
    }
    out
}

pub(super) fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}
