//! Commands about rules rather than about content.

mod bench;
mod check;
mod import;
mod list;
mod show;

use crate::{
    args::{Format, RulesCommand},
    exit::{CliError, ExitStatus},
    output,
    plan::RulesPlan,
    rules,
};
use scanner_core::rules::{Loaded, RuleExamples, RuleSet};
use std::collections::BTreeMap;

pub(crate) fn run(plan: &RulesPlan) -> Result<ExitStatus, CliError> {
    for notice in &plan.notices {
        output::notice(notice);
    }
    match &plan.command {
        RulesCommand::List(args) => list::run(plan, args),
        RulesCommand::Show(args) => show::run(plan, args),
        RulesCommand::Check(args) => check::run(plan, args),
        RulesCommand::Import(args) => import::run(plan, args),
        RulesCommand::Bench(args) => bench::run(plan, args),
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

/// Whether JSON is asked for.
fn is_json(plan: &RulesPlan) -> bool {
    plan.format == Format::Json
}
