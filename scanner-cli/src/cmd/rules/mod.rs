//! Commands about rules rather than about content.

mod check;
mod list;
mod show;

use crate::{
    args::{Format, RulesCommand},
    exit::{CliError, ExitStatus},
    output::{self, Destination},
    plan::RulesPlan,
    rules,
};
use scanner_core::rules::{Loaded, RuleExamples, RuleSet};
use serde::Serialize;
use std::collections::BTreeMap;

pub(crate) fn run(plan: &RulesPlan) -> Result<ExitStatus, CliError> {
    for notice in &plan.notices {
        output::notice(notice);
    }
    match &plan.command {
        RulesCommand::List(args) => list::run(plan, args),
        RulesCommand::Show(args) => show::run(plan, args),
        RulesCommand::Check(args) => check::run(plan, args),
    }
}

/// The rules that a scan would use; says what is worth a warning.
fn effective(plan: &RulesPlan) -> Result<Loaded, CliError> {
    let loaded = rules::load_with_examples(&plan.rules, RuleSet::builtin_examples())?;
    if !plan.quiet {
        for warning in &loaded.warnings {
            output::notice(&format!("warning: {warning}"));
        }
    }
    Ok(loaded)
}

/// Where rules are written, by rule id.
fn origins(loaded: &Loaded) -> BTreeMap<&str, &RuleExamples> {
    let all = loaded.examples.iter();
    all.map(|own| (own.rule_id.as_str(), own)).collect()
}

/// Writes a value as one JSON document.
fn write_json(to: &Destination, value: &impl Serialize) -> Result<ExitStatus, CliError> {
    let mut text = serde_json::to_string_pretty(value).map_err(|e| to.error(e.into()))?;
    text.push('\n');
    to.write_all(text.as_bytes())
}

/// Whether JSON is asked for.
fn is_json(plan: &RulesPlan) -> bool {
    plan.format == Format::Json
}
