//! Measures rules on a corpus.

use super::{effective, is_json};
use crate::{
    args::BenchArgs,
    exit::{CliError, ExitStatus},
    interrupt,
    output::{self, Role},
    plan::{InputPlan, RulesPlan},
};
use scanner_core::{
    inspect::{self, Corpus, Measured, RuleMeasured},
    scan::Input,
    source::VisitContext,
};
use serde::Serialize;
use std::{fmt::Write as _, time::Instant};

/// Rules shown unless all are asked for.
const RULES_SHOWN: usize = 10;
/// Literals shown of a rule, the most frequent ones.
const LITERALS_SHOWN: usize = 4;

#[derive(Serialize)]
struct Json<'a> {
    contents: u64,
    bytes: u64,
    skipped: u64,
    search_ns: u64,
    confirm_ns: u64,
    rules: Vec<JsonRule<'a>>,
}

#[derive(Serialize)]
struct JsonRule<'a> {
    id: &'a str,
    candidates: u64,
    confirms: u64,
    matches: u64,
    confirm_ns: u64,
    ns_per_mb: f64,
    literals: Vec<JsonLiteral<'a>>,
}

#[derive(Serialize)]
struct JsonLiteral<'a> {
    text: &'a str,
    hits: u64,
}

pub(super) fn run(plan: &RulesPlan, args: &BenchArgs) -> Result<ExitStatus, CliError> {
    let loaded = effective(plan)?;
    let corpus = match &plan.corpus {
        Some(InputPlan::Library(Input::Git(git))) => Corpus::Git(git.path.clone()),
        Some(InputPlan::Library(Input::Paths(paths))) => Corpus::Paths(paths.roots.clone()),
        _ => return Err(CliError::Usage("there is nothing to measure on".to_owned())),
    };
    let limits = plan.limits;
    let interrupted = interrupt::on_signal();
    let context = VisitContext {
        threads: crate::plan::threads(limits.threads),
        max_blob_bytes: limits.max_blob_bytes.unwrap_or(u64::MAX),
        max_memory_bytes: limits.max_memory_bytes,
        interrupt: &interrupted,
        deadline: limits.timeout.map(|timeout| Instant::now() + timeout),
    };
    let measured = inspect::bench(&loaded.rules, &corpus, &context)
        .map_err(|e| CliError::Usage(e.to_string()))?;
    if context.stopped() && !plan.quiet {
        output::notice("stopped early: what follows is of a part of the corpus");
    }
    let met = measured.rules.iter().filter(|r| r.candidates > 0);
    let shown: Vec<&RuleMeasured> = if args.all {
        met.collect()
    } else {
        met.take(RULES_SHOWN).collect()
    };
    if is_json(plan) {
        return plan.to.write_json(&json(&measured, &shown));
    }
    plan.to.write_all(human(plan, &measured, &shown).as_bytes())
}

/// All rules' time in the confirm stage.
fn confirm_ns(measured: &Measured) -> u64 {
    measured.rules.iter().map(|r| r.confirm_ns).sum()
}

fn per_mb(ns: u64, measured: &Measured) -> f64 {
    ns as f64 / (measured.bytes.max(1) as f64 / 1e6)
}

fn json<'a>(measured: &Measured, shown: &[&'a RuleMeasured]) -> Json<'a> {
    let rule = |rule: &&'a RuleMeasured| JsonRule {
        id: &rule.rule_id,
        candidates: rule.candidates,
        confirms: rule.confirms,
        matches: rule.matches,
        confirm_ns: rule.confirm_ns,
        ns_per_mb: per_mb(rule.confirm_ns, measured),
        literals: rule
            .literals
            .iter()
            .map(|(text, hits)| JsonLiteral { text, hits: *hits })
            .collect(),
    };
    Json {
        contents: measured.contents,
        bytes: measured.bytes,
        skipped: measured.skipped,
        search_ns: measured.search_ns,
        confirm_ns: confirm_ns(measured),
        rules: shown.iter().map(rule).collect(),
    }
}

fn human(plan: &RulesPlan, measured: &Measured, shown: &[&RuleMeasured]) -> String {
    let mut out = String::new();
    let head = format!(
        "{:>10}  {:>9}  {:>10}  {:>8}  {:>6}  rule (literals with their hits)",
        "ns a MB", "candidates", "confirms", "matches", "share"
    );
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{}", plan.style.paint(Role::Dim, head));
    let all = confirm_ns(measured).max(1) as f64;
    for rule in shown {
        let literals: Vec<String> = rule
            .literals
            .iter()
            .filter(|(_, hits)| *hits > 0)
            .take(LITERALS_SHOWN)
            .map(|(text, hits)| format!("{text:?} {hits}"))
            .collect();
        let _ = writeln!(
            out,
            "{:>10.0}  {:>10}  {:>10}  {:>8}  {:>5.1}%  {}{}",
            per_mb(rule.confirm_ns, measured),
            rule.candidates,
            rule.confirms,
            rule.matches,
            100.0 * rule.confirm_ns as f64 / all,
            plan.style.paint(Role::Strong, &rule.rule_id),
            if literals.is_empty() {
                String::new()
            } else {
                format!("  ({})", literals.join(", "))
            },
        );
    }
    if !plan.quiet {
        let _ = writeln!(
            out,
            "\n{} contents, {:.1} MB, {} skipped. A megabyte takes {:.0} ns of search for literals and {:.0} ns \
             of confirming, by {} of {} rules.",
            measured.contents,
            measured.bytes as f64 / 1e6,
            measured.skipped,
            per_mb(measured.search_ns, measured),
            per_mb(confirm_ns(measured), measured),
            measured.rules.iter().filter(|r| r.candidates > 0).count(),
            measured.rules.len(),
        );
    }
    out
}
