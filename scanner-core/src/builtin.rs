//! The built-in rules.
//!
//! The build script reads `patterns/*.toml`, validates them and writes the table that is included
//! here, plans and all. At run time it is only copied into [`Rule`]s; no text is parsed.

use crate::{
    model::{Confidence, RuleInfo, Severity},
    rules::{
        Allowlist, Companion, Condition, Example, Literal, NameKind, Plan, RegexTarget, Rule,
        RuleExamples, SecretGroup, Validator,
    },
};
use std::sync::Arc;

/// A [`Rule`] of static parts.
struct RuleRow {
    id: &'static str,
    description: &'static str,
    severity: Severity,
    confidence: Confidence,
    remediation: &'static str,
    references: &'static [&'static str],
    tags: &'static [&'static str],
    regex: &'static str,
    unicode: bool,
    secret_group: SecretGroup,
    entropy: f64,
    plan: PlanRow,
    path: Option<&'static str>,
    allowlists: &'static [AllowlistRow],
    validate: &'static [&'static str],
    drop_if_invalid: bool,
    generic: bool,
    assignment: Option<NameKind>,
    judge: Option<NameKind>,
    companions: &'static [CompanionRow],
    silent: bool,
}

/// A [`Companion`]: id, most lines, most columns, whether it is optional.
type CompanionRow = (&'static str, Option<u32>, Option<u32>, bool);

/// A [`Plan`] of static parts.
#[allow(
    dead_code,
    reason = "which variants occur depends on the rules of the day"
)]
enum PlanRow {
    Literals(&'static [LiteralRow], u32),
    WholeBlob(&'static [&'static [u8]]),
}

/// A [`Literal`]: bytes, whether case is ignored, fewest and most bytes ahead.
type LiteralRow = (&'static [u8], bool, u32, u32);

/// An [`Allowlist`] of static parts.
struct AllowlistRow {
    description: &'static str,
    condition: Condition,
    regex_target: RegexTarget,
    regexes: &'static [&'static str],
    stopwords: &'static [&'static str],
    paths: &'static [&'static str],
    commits: &'static [&'static str],
}

include!(concat!(env!("OUT_DIR"), "/builtin_rules.rs"));

/// Returns the built-in rules, sorted by id, and the allowlists over all of them.
pub(crate) fn rules() -> (Vec<Rule>, Vec<Allowlist>) {
    (
        RULES.iter().map(rule).collect(),
        ALLOWLISTS.iter().map(allowlist).collect(),
    )
}

/// The examples of the built-in rules: for each rule `RS id US file US line`, then twice (what is
/// found, what is not) `GS` and for each example `FS line US template`, of ASCII's separators.
static EXAMPLES: &str = include_str!(concat!(env!("OUT_DIR"), "/builtin_examples.txt"));

/// Returns the examples of the built-in rules, sorted by file and line.
pub(crate) fn examples() -> Vec<RuleExamples> {
    EXAMPLES
        .split('\x1e')
        .filter_map(|record| {
            let mut parts = record.split('\x1d');
            let mut head = parts.next()?.split('\x1f');
            let (rule_id, file) = (head.next()?.to_owned(), head.next()?.to_owned());
            let line = head.next()?.parse().ok()?;
            let mut list = || parts.next().map_or_else(Vec::new, example_list);
            Some(RuleExamples {
                rule_id,
                file,
                line,
                examples: list(),
                negative_examples: list(),
            })
        })
        .collect()
}

fn example_list(part: &str) -> Vec<Example> {
    part.split('\x1c')
        .filter_map(|item| {
            let (line, template) = item.split_once('\x1f')?;
            Some(Example {
                template: template.to_owned(),
                line: line.parse().ok()?,
            })
        })
        .collect()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().copied().map(str::to_owned).collect()
}

fn rule(row: &RuleRow) -> Rule {
    Rule {
        info: Arc::new(RuleInfo {
            id: row.id.to_owned(),
            description: row.description.to_owned(),
            severity: row.severity,
            confidence: row.confidence,
            remediation: row.remediation.to_owned(),
            references: texts(row.references),
            tags: texts(row.tags),
        }),
        regex: row.regex.to_owned(),
        unicode: row.unicode,
        secret_group: row.secret_group,
        entropy: row.entropy,
        plan: match row.plan {
            PlanRow::Literals(literals, max_match_bytes) => Plan::Literals {
                literals: literals.iter().map(literal).collect(),
                max_match_bytes,
            },
            PlanRow::WholeBlob(gate) => Plan::WholeBlob {
                gate: gate.iter().map(|word| word.to_vec()).collect(),
            },
        },
        path: row.path.map(str::to_owned),
        allowlists: row.allowlists.iter().map(allowlist).collect(),
        validate: row
            .validate
            .iter()
            .filter_map(|name| Validator::from_name(name))
            .collect(),
        drop_if_invalid: row.drop_if_invalid,
        generic: row.generic,
        assignment: row.assignment,
        judge: row.judge,
        builtin: true,
        companions: row.companions.iter().map(companion).collect(),
        silent: row.silent,
    }
}

fn literal((bytes, ignore_case, before_min, before_max): &LiteralRow) -> Literal {
    Literal {
        bytes: bytes.to_vec(),
        ignore_case: *ignore_case,
        before_min: *before_min,
        before_max: *before_max,
    }
}

fn companion((id, within_lines, within_columns, optional): &CompanionRow) -> Companion {
    Companion {
        id: (*id).to_owned(),
        within_lines: *within_lines,
        within_columns: *within_columns,
        optional: *optional,
    }
}

fn allowlist(row: &AllowlistRow) -> Allowlist {
    Allowlist {
        description: row.description.to_owned(),
        condition: row.condition,
        regex_target: row.regex_target,
        regexes: texts(row.regexes),
        stopwords: texts(row.stopwords),
        paths: texts(row.paths),
        commits: texts(row.commits),
    }
}
