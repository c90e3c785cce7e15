//! SARIF 2.1.0 (OASIS), which code-scanning services and editors read.
//!
//! One result a finding, with every place among its `locations`: a secret is put right once, by
//! revoking it, and services then show one alert for it, not one for each copy. Results are written
//! as they come and what they refer to (rules, notifications) after them, so that a large report
//! costs no memory; SARIF leaves the order of properties open.
//!
//! Findings that do not count are results with a suppression: SARIF has a place for them.

mod location;
mod rule;

use super::{
    Redactor, ReportMeta, Reporter, ShowsSuppressed, document::write_json, printable, wording,
};
use crate::model::{Finding, IssueKind, Receipt, RuleInfo, SuppressedBy, Suppression};
use serde_json::{Map, Value, json};
use std::{
    collections::HashMap,
    io::{self, Write},
    sync::Arc,
};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// GitHub refuses a file in which a result has more.
const LOCATIONS_OF_A_RESULT: usize = 1000;
/// GitHub refuses a file in which a run has more results. What is more goes into further runs, each
/// with a category of its own: runs of one category in one file are refused as well.
const RESULTS_OF_A_RUN: usize = 25_000;
/// Places whose history is told in `codeFlows`; the first is that of the result's first location.
const HISTORIES_OF_A_RESULT: usize = 50;

/// Writes SARIF.
#[derive(Debug)]
pub struct SarifReporter<W> {
    out: W,
    redactor: Redactor,
    tool: String,
    version: String,
    repository: Option<String>,
    /// The rules met, by the index that results name them with.
    rules: Vec<Arc<RuleInfo>>,
    indices: HashMap<String, usize>,
    /// Results of the run that is written.
    results: usize,
    /// Runs that are finished.
    runs: usize,
}

impl<W: Write> SarifReporter<W> {
    /// Writes to `out`, unbuffered.
    pub fn new(out: W, redactor: Redactor) -> Self {
        Self {
            out,
            redactor,
            tool: String::new(),
            version: String::new(),
            repository: None,
            rules: Vec::new(),
            indices: HashMap::new(),
            results: 0,
            runs: 0,
        }
    }

    fn rule_index(&mut self, rule: &Arc<RuleInfo>) -> usize {
        if let Some(index) = self.indices.get(&rule.id) {
            return *index;
        }
        let index = self.rules.len();
        self.rules.push(Arc::clone(rule));
        self.indices.insert(rule.id.clone(), index);
        index
    }

    fn result(&self, finding: &Finding, rule_index: usize) -> Value {
        let redactor = &self.redactor;
        let shown = &finding.occurrences[..finding.occurrences.len().min(LOCATIONS_OF_A_RESULT)];
        let locations: Vec<Value> = shown
            .iter()
            .map(|o| location::of_occurrence(redactor, o))
            .collect();
        let fingerprint = finding.fingerprint.as_str();
        let (version, hex) = fingerprint.rsplit_once(':').unwrap_or(("v1", fingerprint));
        let mut prints = Map::new();
        // The version ends the key (3.5.4), so that readers never compare across versions.
        prints.insert(format!("gitsieve/{version}"), hex.into());
        // GitHub tells alerts apart by it. Without, it hashes the line, and a move is a new alert.
        prints.insert("primaryLocationLineHash".into(), format!("{hex}:1").into());
        if let Some(first) = finding.occurrences.first() {
            let place = location::fingerprint(redactor, finding, first);
            prints.insert("gitsieveLocation/v1".into(), place.into());
        }
        let mut properties = json!({
            "severity": finding.rule.severity,
            "confidence": finding.confidence,
            "proof": finding.proof,
            "redacted": finding.secret.redacted(),
            "occurrences": finding.occurrences.len(),
        });
        if !finding.notes.is_empty() {
            let notes = finding.notes.iter();
            let notes: Vec<String> = notes
                .map(|n| wording::text(redactor, n.as_bytes()))
                .collect();
            properties["notes"] = notes.into();
        }
        if redactor.reveals() {
            properties["secret"] = printable(finding.secret.reveal()).into();
        }
        let mut out = json!({
            "ruleId": finding.rule.id,
            "ruleIndex": rule_index,
            "level": rule::level(finding.rule.severity),
            "message": message(&wording::sentence(redactor, finding)),
            "locations": locations,
            "partialFingerprints": prints,
            // Empty where nothing is suppressed: absent would mean "unknown" (3.27.23).
            "suppressions": finding
                .suppression
                .iter()
                .map(|s| self.suppression(s))
                .collect::<Vec<_>>(),
            "properties": properties,
        });
        let parts = finding
            .occurrences
            .first()
            .map(|o| location::of_parts(redactor, o));
        if let Some(parts) = parts.filter(|parts| !parts.is_empty()) {
            out["relatedLocations"] = parts.into();
        }
        let flows: Vec<Value> = shown
            .iter()
            .filter_map(|o| location::history(redactor, o))
            .take(HISTORIES_OF_A_RESULT)
            .map(|flow| json!({ "threadFlows": [flow] }))
            .collect();
        if !flows.is_empty() {
            out["codeFlows"] = flows.into();
        }
        out
    }

    fn suppression(&self, suppression: &Suppression) -> Value {
        let mut out = json!({
            "kind": match suppression.by {
                SuppressedBy::Comment => "inSource",
                SuppressedBy::IgnoreFile | SuppressedBy::Baseline => "external",
            },
            "status": "accepted",
            "justification": wording::suppression(&self.redactor, suppression),
            "properties": { "by": suppression.by, "status": suppression.status },
        });
        for (key, value) in [
            ("owner", Some(&suppression.owner).filter(|o| !o.is_empty())),
            ("expires", suppression.expires.as_ref()),
        ] {
            if let Some(value) = value {
                out["properties"][key] = wording::text(&self.redactor, value.as_bytes()).into();
            }
        }
        out
    }

    fn invocation(&self, receipt: &Receipt) -> Value {
        let mut notifications: Vec<Value> = Vec::new();
        if let Some(left_out) = wording::left_out(receipt) {
            notifications.push(json!({
                "descriptor": { "id": "incomplete" },
                "level": "warning",
                "message": message(&left_out),
            }));
        }
        notifications.extend(receipt.issues.iter().map(|issue| {
            json!({
                "descriptor": { "id": issue.kind.as_str() },
                "level": notification_level(issue.kind),
                "message": message(&wording::issue(&self.redactor, issue)),
            })
        }));
        json!({
            // What a clone declares absent is no failure of the run, as it is none for the exit status.
            "executionSuccessful": receipt.complete || receipt.lacks_only_what_is_missing(),
            "toolExecutionNotifications": notifications,
            "properties": { "complete": receipt.complete },
        })
    }

    /// Ends a run with what its results refer to, and with what is said in the last one alone.
    fn end_run(&mut self, last: Vec<(&str, Value)>) -> io::Result<()> {
        let mut rest = vec![
            ("tool", json!({ "driver": self.driver() })),
            ("originalUriBaseIds", location::bases()),
        ];
        let is_last = !last.is_empty();
        if self.runs > 0 || !is_last {
            let category = format!("{}/part-{}/", self.tool, self.runs + 1);
            rest.push(("automationDetails", json!({ "id": category })));
        }
        rest.extend(last);
        let end: &[u8] = if self.results > 0 { b"\n]" } else { b"]" };
        self.out.write_all(end)?;
        for (key, value) in rest {
            write!(self.out, ",\n\"{key}\":")?;
            write_json(&mut self.out, &value)?;
        }
        self.runs += 1;
        self.results = 0;
        self.rules.clear();
        self.indices.clear();
        self.out.write_all(b"}")
    }

    fn driver(&self) -> Value {
        let rules: Vec<Value> = self.rules.iter().map(|r| rule::descriptor(r)).collect();
        let kinds = [
            ("incomplete", "Not everything in scope was scanned."),
            ("corrupt", "Content is there but damaged."),
            ("unreadable", "Content is there but could not be read."),
            (
                "limit",
                "A limit of size, memory or time cut something off.",
            ),
            (
                "missing",
                "Content is absent by the repository's own declaration.",
            ),
            ("note", "Worth knowing; costs nothing."),
        ];
        let notifications: Vec<Value> = kinds
            .iter()
            .map(|(id, text)| json!({ "id": id, "shortDescription": { "text": text } }))
            .collect();
        json!({
            "name": self.tool,
            "version": self.version,
            "semanticVersion": self.version,
            "rules": rules,
            "notifications": notifications,
        })
    }
}

impl<W: Write> Reporter for SarifReporter<W> {
    fn begin(&mut self, meta: &ReportMeta<'_>) -> io::Result<()> {
        meta.tool.clone_into(&mut self.tool);
        meta.version.clone_into(&mut self.version);
        self.repository = meta.repository.map(str::to_owned);
        write!(
            self.out,
            "{{\"$schema\":\"{SCHEMA}\",\n\"version\":\"2.1.0\",\n\"runs\":["
        )?;
        self.out.write_all(RUN)
    }

    fn shows_suppressed(&self) -> ShowsSuppressed {
        ShowsSuppressed::Always
    }

    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        if self.results == RESULTS_OF_A_RUN {
            self.end_run(Vec::new())?;
            self.out.write_all(b",\n")?;
            self.out.write_all(RUN)?;
        }
        let rule_index = self.rule_index(&finding.rule);
        let between: &[u8] = if self.results > 0 { b",\n" } else { b"\n" };
        self.out.write_all(between)?;
        self.results += 1;
        let result = self.result(finding, rule_index);
        write_json(&mut self.out, &result)
    }

    fn finish(&mut self, receipt: &Receipt) -> io::Result<()> {
        let head = receipt.tips.get("HEAD");
        let mut properties = json!({ "rulesetHash": receipt.ruleset_hash });
        if let Some(head) = head {
            properties["revisionId"] = json!(head);
        }
        let mut rest = vec![
            ("invocations", json!([self.invocation(receipt)])),
            ("properties", properties),
        ];
        // The address of the repository is a must there (3.23.3).
        if let (Some(repository), Some(head)) = (&self.repository, head) {
            let details = json!({
                "repositoryUri": repository,
                "revisionId": head,
                "mappedTo": { "uriBaseId": location::ROOT },
            });
            rest.push(("versionControlProvenance", json!([details])));
        }
        self.end_run(rest)?;
        self.out.write_all(b"]}\n")?;
        self.out.flush()
    }
}

/// What a run begins with. Our columns count code points (3.14.17).
const RUN: &[u8] = b"{\"columnKind\":\"unicodeCodePoints\",\n\"results\":[";

/// A `message` (3.11) that says just this: in its text, brackets make links (3.11.6) and braces
/// placeholders (3.11.5), neither of which a path may make.
fn message(text: &str) -> Value {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '[' | ']' => out.extend(['\\', c]),
            '{' | '}' => out.extend([c, c]),
            c => out.push(c),
        }
    }
    json!({ "text": out })
}

fn notification_level(kind: IssueKind) -> &'static str {
    match kind {
        IssueKind::Corrupt | IssueKind::Unreadable | IssueKind::Limit => "error",
        IssueKind::Missing => "warning",
        IssueKind::Note => "note",
    }
}
