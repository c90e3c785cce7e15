//! Checks rule files.
//!
//! Prints one line a problem in the form that editors and build servers know (`file:line: ...`),
//! on standard output, because here they are the result.

use super::is_json;
use crate::{
    args::CheckArgs,
    exit::{CliError, ExitStatus},
    output::{Destination, Role},
    plan::RulesPlan,
    rules,
};
use scanner_core::{
    inspect::{self, RuleCost},
    report::printable,
    rules::{Loaded, Plan, Problem, Rule, RuleErrors, RuleExamples, RuleSet},
};
use serde::Serialize;
use std::{collections::BTreeMap, fmt::Write as _, path::Path};

/// A rule is worth a warning when it costs this share of the search for all built-in literals.
const SLOW_SHARE: f64 = 0.25;

#[derive(Default)]
struct Outcome {
    rules: usize,
    examples: usize,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

pub(super) fn run(plan: &RulesPlan, args: &CheckArgs) -> Result<ExitStatus, CliError> {
    let mut outcome = Outcome::default();
    if args.paths.is_empty() {
        let loaded = rules::load_with_examples(&plan.rules, RuleSet::builtin_examples())?;
        outcome.take(loaded)?;
    }
    for path in &args.paths {
        match load(path) {
            Ok(loaded) => outcome.take(selected(plan, loaded)?)?,
            Err(errors) => outcome.problems.extend_from_slice(errors.problems()),
        }
    }
    outcome.problems.sort();
    outcome.warnings.sort();
    if is_json(plan) {
        plan.to.write_json(&Json::of(&outcome))?;
    } else {
        outcome.write(plan, &plan.to)?;
    }
    Ok(if outcome.problems.is_empty() {
        ExitStatus::Clean
    } else {
        ExitStatus::Usage
    })
}

/// A file may be a configuration that extends another; a directory holds rule files.
fn load(path: &Path) -> Result<Loaded, RuleErrors> {
    if path.is_dir() {
        RuleSet::load(path)
    } else {
        RuleSet::load_config(path, &RuleSet::builtin())
    }
}

/// What `--rule` and `--exclude-rule` leave of a file's rules.
fn selected(plan: &RulesPlan, mut loaded: Loaded) -> Result<Loaded, CliError> {
    loaded.rules = loaded
        .rules
        .select(&plan.rules.only, &plan.rules.exclude)
        .map_err(|e| CliError::Usage(e.to_string()))?;
    Ok(loaded)
}

impl Outcome {
    /// Proves rules that loaded, and finds out what the suspicious ones cost.
    fn take(&mut self, loaded: Loaded) -> Result<(), CliError> {
        let proven = inspect::prove(&loaded.rules, &loaded.examples, inspect::ENGINES)
            .map_err(|e| CliError::Usage(e.to_string()))?;
        self.examples += proven.examples;
        self.problems.extend(proven.problems);
        self.warnings.extend(loaded.warnings);
        let by_id: BTreeMap<&str, &RuleExamples> = loaded
            .examples
            .iter()
            .map(|own| (own.rule_id.as_str(), own))
            .collect();
        let whole_search = inspect::literal_search_ns_per_mb();
        for rule in loaded.rules.rules() {
            // Rules of a base that the file does not touch are not the file's.
            let Some(own) = by_id.get(rule.info.id.as_str()) else {
                continue;
            };
            self.rules += 1;
            let cost = inspect::estimate(rule);
            let is_slow = cost.ns_per_mb > SLOW_SHARE * whole_search;
            // What is warned of for another reason is told its price too.
            let is_warned = |w: &Problem| w.file == own.file && w.line == own.line;
            if is_slow || self.warnings.iter().any(is_warned) {
                self.warnings.push(Problem {
                    file: own.file.clone(),
                    line: own.line,
                    message: price(rule, &cost, whole_search, is_slow),
                });
            }
        }
        Ok(())
    }

    fn write(&self, plan: &RulesPlan, to: &Destination) -> Result<(), CliError> {
        let mut out = String::new();
        let mut line = |role, kind: &str, problem: &Problem| {
            let place = match problem.line {
                0 => problem.file.clone(),
                line => format!("{}:{line}", problem.file),
            };
            // Writing to a string cannot fail.
            let _ = writeln!(
                out,
                "{}: {} {}",
                printable(place.as_bytes()),
                plan.style.paint(role, format!("{kind}:")),
                printable(problem.message.as_bytes())
            );
        };
        for problem in &self.problems {
            line(Role::Bad, "error", problem);
        }
        if !plan.quiet {
            for warning in &self.warnings {
                line(Role::Dim, "warning", warning);
            }
            let _ = writeln!(
                out,
                "{} rules and {} examples under {} engines: {} problems, {} warnings",
                self.rules,
                self.examples,
                inspect::ENGINES.len(),
                self.problems.len(),
                self.warnings.len()
            );
        }
        to.write_all(out.as_bytes()).map(drop)
    }
}

/// What a rule costs, and what would make it cheaper.
fn price(rule: &Rule, cost: &RuleCost, whole_search: f64, is_slow: bool) -> String {
    let ms = |ns: f64| format!("{:.2} ms", ns / 1e6);
    let why = match rule.plan {
        Plan::WholeBlob { .. } => {
            "it has no literal that leads to its matches, so the expression runs over all content; \
             put a fixed text of 4 bytes or more into it"
                .to_owned()
        }
        Plan::Literals { .. } => format!(
            "its literals stand about {:.0} times in a megabyte of text and each costs {:.1} us; \
             a rarer literal, or fewer bytes between it and the match's ends, make it cheaper",
            cost.hits_per_mb,
            cost.ns_per_hit / 1e3
        ),
    };
    format!(
        "rule {:?} {}: about {} a megabyte of content, where the search for all built-in literals \
         takes {}: {why}",
        rule.info.id,
        if is_slow { "is slow" } else { "has its price" },
        ms(cost.ns_per_mb),
        ms(whole_search)
    )
}

#[derive(Serialize)]
struct Json<'a> {
    rules: usize,
    examples: usize,
    engines: usize,
    problems: Vec<JsonProblem<'a>>,
    warnings: Vec<JsonProblem<'a>>,
}

#[derive(Serialize)]
struct JsonProblem<'a> {
    file: &'a str,
    line: u32,
    message: &'a str,
}

impl<'a> Json<'a> {
    fn of(outcome: &'a Outcome) -> Self {
        let list = |problems: &'a [Problem]| {
            let one = |p: &'a Problem| JsonProblem {
                file: &p.file,
                line: p.line,
                message: &p.message,
            };
            problems.iter().map(one).collect()
        };
        Self {
            rules: outcome.rules,
            examples: outcome.examples,
            engines: inspect::ENGINES.len(),
            problems: list(&outcome.problems),
            warnings: list(&outcome.warnings),
        }
    }
}
