//! Shows all of some rules.

use super::{effective, is_json, origins};
use crate::{
    args::ShowArgs,
    exit::{CliError, ExitStatus},
    output::Role,
    plan::RulesPlan,
};
use scanner_core::{
    inspect,
    model::RuleInfo,
    report::{Redactor, printable},
    rules::{
        Allowlist, Condition, Example, Plan, RegexTarget, Rule, RuleExamples, RuleSet, SecretGroup,
    },
};
use serde::Serialize;
use std::fmt::Write as _;

/// Column at which values begin.
const LABEL_WIDTH: usize = 14;
/// Stop words and paths shown of an allowlist for people; JSON has all.
const PARTS_SHOWN: usize = 12;

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    info: &'a RuleInfo,
    file: Option<&'a str>,
    line: Option<u32>,
    expression: &'a str,
    unicode: bool,
    /// Group that is the secret; 0 is the whole match, null the first group that is not empty.
    secret_group: Option<u32>,
    entropy: f64,
    path: Option<&'a str>,
    search: Search,
    checks: Vec<&'static str>,
    drop_if_invalid: bool,
    generic: bool,
    allowlists: Vec<ShownAllowlist<'a>>,
    examples: Vec<String>,
    negative_examples: Vec<String>,
}

/// How candidates are found.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case", tag = "by")]
enum Search {
    Literals {
        literals: Vec<ShownLiteral>,
        max_match_bytes: u32,
    },
    WholeBlob {
        keywords: Vec<String>,
    },
}

#[derive(Serialize)]
struct ShownLiteral {
    text: String,
    ignore_case: bool,
    before_min: u32,
    before_max: u32,
}

#[derive(Serialize)]
struct ShownAllowlist<'a> {
    description: &'a str,
    condition: &'static str,
    regex_target: &'static str,
    regexes: Vec<String>,
    stopwords: Vec<String>,
    paths: &'a [String],
    commits: &'a [String],
}

pub(super) fn run(plan: &RulesPlan, args: &ShowArgs) -> Result<ExitStatus, CliError> {
    let loaded = effective(plan)?;
    let origins = origins(&loaded);
    let chosen = loaded
        .rules
        .select(&args.ids, &[])
        .map_err(|e| CliError::Usage(e.to_string()))?;
    let mut shown: Vec<Shown<'_>> = chosen
        .rules()
        .iter()
        .map(|rule| shown(rule, origins.get(rule.info.id.as_str()).copied()))
        .collect();
    redact(&loaded.rules, &mut shown)?;
    if is_json(plan) {
        return plan.to.write_json(&shown);
    }
    let mut out = String::new();
    for (at, rule) in shown.iter().enumerate() {
        if at > 0 {
            out.push('\n');
        }
        human(plan, rule, &mut out);
    }
    plan.to.write_all(out.as_bytes())
}

fn shown<'a>(rule: &'a Rule, own: Option<&'a RuleExamples>) -> Shown<'a> {
    let redacted = |examples: &[Example]| {
        let show = |example: &Example| inspect::redacted_example(rule, &example.template);
        examples.iter().map(show).collect()
    };
    Shown {
        info: &rule.info,
        file: own.map(|o| o.file.as_str()),
        line: own.map(|o| o.line),
        expression: &rule.regex,
        unicode: rule.unicode,
        secret_group: match rule.secret_group {
            SecretGroup::Group(n) => Some(n),
            SecretGroup::FirstNonEmpty => None,
        },
        entropy: rule.entropy,
        path: rule.path.as_deref(),
        search: search(&rule.plan),
        checks: rule.validate.iter().map(|v| v.name()).collect(),
        drop_if_invalid: rule.drop_if_invalid,
        generic: rule.generic,
        allowlists: rule.allowlists.iter().map(allowlist).collect(),
        examples: own.map_or_else(Vec::new, |o| redacted(&o.examples)),
        negative_examples: own.map_or_else(Vec::new, |o| redacted(&o.negative_examples)),
    }
}

/// Hides what any rule finds in the texts of these: teams put real secrets into allowlists.
fn redact(rules: &RuleSet, shown: &mut [Shown<'_>]) -> Result<(), CliError> {
    let mut all = Vec::new();
    let mut texts: Vec<&mut String> = Vec::new();
    for rule in shown {
        texts.extend(rule.examples.iter_mut());
        texts.extend(rule.negative_examples.iter_mut());
        for list in &mut rule.allowlists {
            texts.extend(list.regexes.iter_mut());
            texts.extend(list.stopwords.iter_mut());
        }
    }
    for text in &texts {
        all.extend_from_slice(text.as_bytes());
        all.push(b'\n');
    }
    let secrets = inspect::secrets_in(rules, &all).map_err(|e| CliError::Usage(e.to_string()))?;
    let redactor = Redactor::new(secrets);
    for text in texts {
        let redacted = redactor.redact(text.as_bytes()).into_owned();
        *text = String::from_utf8_lossy(&redacted).into_owned();
    }
    Ok(())
}

fn search(plan: &Plan) -> Search {
    match plan {
        Plan::Literals {
            literals,
            max_match_bytes,
        } => Search::Literals {
            literals: literals
                .iter()
                .map(|l| ShownLiteral {
                    text: printable(&l.bytes),
                    ignore_case: l.ignore_case,
                    before_min: l.before_min,
                    before_max: l.before_max,
                })
                .collect(),
            max_match_bytes: *max_match_bytes,
        },
        Plan::WholeBlob { gate } => Search::WholeBlob {
            keywords: gate.iter().map(|word| printable(word)).collect(),
        },
    }
}

fn allowlist(list: &Allowlist) -> ShownAllowlist<'_> {
    ShownAllowlist {
        description: &list.description,
        condition: match list.condition {
            Condition::Or => "or",
            Condition::And => "and",
        },
        regex_target: match list.regex_target {
            RegexTarget::Secret => "secret",
            RegexTarget::Match => "match",
            RegexTarget::Line => "line",
        },
        regexes: list.regexes.clone(),
        stopwords: list.stopwords.clone(),
        paths: &list.paths,
        commits: &list.commits,
    }
}

fn human(plan: &RulesPlan, rule: &Shown<'_>, out: &mut String) {
    let style = plan.style;
    let info = rule.info;
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "{}  {}",
        style.paint(Role::Strong, printable(info.id.as_bytes())),
        printable(info.description.as_bytes())
    );
    let mut line = |label: &str, value: &str| {
        let padding = " ".repeat(LABEL_WIDTH.saturating_sub(label.len()));
        let _ = writeln!(
            out,
            "  {}{padding}{}",
            style.paint(Role::Dim, label),
            printable(value.as_bytes())
        );
    };
    line("severity", info.severity.as_str());
    line("confidence", info.confidence.as_str());
    if let (Some(file), Some(at)) = (rule.file, rule.line) {
        line("written in", &format!("{file}:{at}"));
    }
    match &rule.search {
        Search::Literals {
            literals,
            max_match_bytes,
        } => {
            for (at, literal) in literals.iter().enumerate() {
                let case = if literal.ignore_case {
                    ", either case"
                } else {
                    ""
                };
                let ahead = match (literal.before_min, literal.before_max) {
                    (0, 0) => "begins the match".to_owned(),
                    (min, max) if min == max => format!("{min} bytes into the match"),
                    (min, max) => format!("{min} to {max} bytes into the match"),
                };
                let label = if at == 0 { "literals" } else { "" };
                line(label, &format!("{:?}  {ahead}{case}", literal.text));
            }
            line("longest match", &format!("{max_match_bytes} bytes"));
        }
        Search::WholeBlob { keywords } if keywords.is_empty() => {
            line("literals", "none: all content is searched, which is slow");
        }
        Search::WholeBlob { keywords } => {
            line("keywords", &keywords.join(", "));
            line(
                "",
                "all content with one of them is searched, which is slow",
            );
        }
    }
    line("expression", rule.expression);
    line(
        "secret",
        &match rule.secret_group {
            Some(0) => "the whole match".to_owned(),
            Some(n) => format!("group {n}"),
            None => "the first group that is not empty, else the whole match".to_owned(),
        },
    );
    if rule.entropy > 0.0 {
        line("entropy", &format!("at least {} bits a byte", rule.entropy));
    }
    if let Some(path) = rule.path {
        line("path", path);
    }
    if !rule.checks.is_empty() {
        let failing = if rule.drop_if_invalid {
            "what fails is dropped"
        } else {
            "what fails loses confidence"
        };
        line("checks", &format!("{} ({failing})", rule.checks.join(", ")));
    }
    if rule.generic {
        line(
            "generic",
            "gives way to a rule that is not, where secrets overlap",
        );
    }
    for list in &rule.allowlists {
        human_allowlist(list, &mut line);
    }
    for (at, example) in rule.examples.iter().enumerate() {
        line(if at == 0 { "finds" } else { "" }, example);
    }
    for (at, example) in rule.negative_examples.iter().enumerate() {
        line(if at == 0 { "not" } else { "" }, example);
    }
    if !info.tags.is_empty() {
        line("tags", &info.tags.join(", "));
    }
    for (at, reference) in info.references.iter().enumerate() {
        line(if at == 0 { "references" } else { "" }, reference);
    }
    if !info.remediation.is_empty() {
        line("to do", &info.remediation);
    }
}

fn human_allowlist(list: &ShownAllowlist<'_>, line: &mut impl FnMut(&str, &str)) {
    let join = if list.condition == "and" {
        "all of"
    } else {
        "any of"
    };
    line("leaves out", &format!("{} ({join})", list.description));
    let mut parts = |what: &str, texts: &[String]| {
        for text in texts.iter().take(PARTS_SHOWN) {
            line("", &format!("{what} {text}"));
        }
        if texts.len() > PARTS_SHOWN {
            line("", &format!("and {} more", texts.len() - PARTS_SHOWN));
        }
    };
    parts(&format!("{} like", list.regex_target), &list.regexes);
    parts("path like", list.paths);
    parts("commit", list.commits);
    if !list.stopwords.is_empty() {
        let shown = &list.stopwords[..list.stopwords.len().min(PARTS_SHOWN)];
        let rest = list.stopwords.len() - shown.len();
        let more = if rest > 0 {
            format!(" and {rest} more")
        } else {
            String::new()
        };
        line("", &format!("secret with {}{more}", shown.join(", ")));
    }
}
