//! Lists rules.

use super::{effective, is_json, origins};
use crate::{
    args::{Format, ListArgs},
    exit::{CliError, ExitStatus},
    output::Role,
    plan::RulesPlan,
};
use scanner_core::{
    model::{Confidence, Severity},
    report::printable,
    rules::{Rule, RuleExamples},
};
use serde::Serialize;
use std::{collections::BTreeMap, fmt::Write as _, path::Path};

/// One rule in a list.
#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    description: &'a str,
    severity: Severity,
    confidence: Confidence,
    /// The offline checks, any of which can prove or refute a secret.
    checks: Vec<&'static str>,
    generic: bool,
    tags: &'a [String],
    file: Option<&'a str>,
    line: Option<u32>,
}

pub(super) fn run(plan: &RulesPlan, args: &ListArgs) -> Result<ExitStatus, CliError> {
    let loaded = effective(plan)?;
    let origins = origins(&loaded);
    let chosen = |rule: &&Rule| {
        let tags = &rule.info.tags;
        (args.tag.is_empty() || args.tag.iter().any(|tag| tags.contains(tag)))
            && (args.severity.is_empty() || args.severity.contains(&rule.info.severity))
    };
    let rules: Vec<&Rule> = loaded.rules.rules().iter().filter(chosen).collect();
    if rules.is_empty() {
        return Err(CliError::Usage(
            "no rule has what --tag and --severity ask for".to_owned(),
        ));
    }
    let rows: Vec<Row<'_>> = rules.iter().map(|rule| row(rule, &origins)).collect();
    if is_json(plan) {
        return plan.to.write_json(&rows);
    }
    let text = match plan.format {
        Format::Markdown => markdown(rows),
        _ => human(plan, &rows),
    };
    plan.to.write_all(text.as_bytes())
}

fn row<'a>(rule: &'a Rule, origins: &BTreeMap<&str, &'a RuleExamples>) -> Row<'a> {
    let info = &rule.info;
    let origin = origins.get(info.id.as_str());
    Row {
        id: &info.id,
        description: &info.description,
        severity: info.severity,
        confidence: info.confidence,
        checks: rule.validate.iter().map(|v| v.name()).collect(),
        generic: rule.generic,
        tags: &info.tags,
        file: origin.map(|o| o.file.as_str()),
        line: origin.map(|o| o.line),
    }
}

fn human(plan: &RulesPlan, rows: &[Row<'_>]) -> String {
    // A few long ids must not push all descriptions out of sight.
    let width = rows.iter().map(|r| r.id.len()).max().unwrap_or(0).min(40);
    let mut out = String::new();
    for row in rows {
        let severity = format!("{:<8}", row.severity);
        let checks = if row.checks.is_empty() {
            String::new()
        } else {
            format!("  [{}]", row.checks.join(", "))
        };
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{}  {:<6}  {:<width$}  {}{}",
            plan.style.paint(Role::Severity(row.severity), severity),
            row.confidence,
            plan.style.paint(Role::Strong, printable(row.id.as_bytes())),
            printable(row.description.as_bytes()),
            plan.style.paint(Role::Dim, checks),
        );
    }
    if !plan.quiet {
        let _ = writeln!(
            out,
            "\n{} rules: severity, confidence, id, description [checks that can prove a secret]",
            rows.len()
        );
    }
    out
}

/// A table ordered by provider, which is what the rules' files are named after.
fn markdown(rows: Vec<Row<'_>>) -> String {
    let mut by_provider: BTreeMap<String, Vec<Row<'_>>> = BTreeMap::new();
    for row in rows {
        let stem = row.file.and_then(|file| Path::new(file).file_stem());
        let provider = stem.map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        by_provider.entry(provider).or_default().push(row);
    }
    let mut out = String::from(
        "| provider | rule | description | severity | confidence | proof |\n|---|---|---|---|---|---|\n",
    );
    for (provider, rows) in &by_provider {
        for (at, row) in rows.iter().enumerate() {
            let checks: Vec<String> = row.checks.iter().map(|c| format!("`{c}`")).collect();
            let _ = writeln!(
                out,
                "| {} | `{}` | {} | {} | {} | {} |",
                if at == 0 {
                    cell(provider)
                } else {
                    String::new()
                },
                cell(row.id),
                cell(row.description),
                row.severity,
                row.confidence,
                checks.join(" ")
            );
        }
    }
    out
}

/// Text that stays within a cell and means nothing to Markdown.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in printable(text.as_bytes()).chars() {
        if matches!(c, '|' | '\\' | '*' | '_' | '<' | '`' | '[') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
