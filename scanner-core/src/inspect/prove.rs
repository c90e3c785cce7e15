//! Tries rules on their own examples, under every engine.

use super::single::{OneRule, bare};
use crate::{
    confirm::Match,
    engine::{self, Engine, EngineError, EngineKind, Hit},
    filter::{example, score},
    model::{Confidence, Proof, Secret},
    report::Redactor,
    rules::{Allowlist, Example, Problem, Rule, RuleExamples, RuleSet},
};
use rayon::prelude::*;
use std::{collections::BTreeMap, sync::Arc};

/// Every engine of this build.
pub const ENGINES: &[EngineKind] = &[
    EngineKind::Literal,
    EngineKind::AhoCorasick,
    EngineKind::Reference,
    #[cfg(feature = "hyperscan")]
    EngineKind::Hyperscan,
];

/// Times that a template is expanded, each time with other random text.
const SEEDS: u64 = 5;

/// What came out of trying rules on their examples.
#[derive(Debug, Clone, Default)]
pub struct Proven {
    /// How many examples were tried, negative ones included.
    pub examples: usize,
    /// What is wrong, sorted by file and line.
    pub problems: Vec<Problem>,
}

/// Tries each rule of the set on its examples: under every engine of `engines` each example must
/// hold a match whose checks do not fail, and each negative example none. Examples of rules that
/// the set does not hold are left out.
///
/// # Errors
/// When an engine cannot be made.
pub fn prove(
    rules: &RuleSet,
    examples: &[RuleExamples],
    engines: &[EngineKind],
) -> Result<Proven, EngineError> {
    let by_id: BTreeMap<&str, &Rule> = rules
        .rules()
        .iter()
        .map(|rule| (rule.info.id.as_str(), rule))
        .collect();
    let parts: Vec<Proven> = examples
        .par_iter()
        .filter_map(|own| Some((by_id.get(own.rule_id.as_str())?, own)))
        .map(|(rule, own)| Ok(Trial::new(rule, rules.allowlists(), engines)?.run(own)))
        .collect::<Result<_, EngineError>>()?;
    let mut all = Proven::default();
    for part in parts {
        all.examples += part.examples;
        all.problems.extend(part.problems);
    }
    all.problems.sort();
    Ok(all)
}

/// Returns an example as it may be shown: what `rule` finds in the template itself is redacted.
/// (A template whose directives make the secret holds none, and is returned as it is.)
pub fn redacted_example(rule: &Rule, template: &str) -> String {
    let mut rule = OneRule::new(&bare(rule), &[]);
    let mut hits = Vec::new();
    let content = template.as_bytes();
    for (literal, _) in rule.literals().literals().iter().enumerate() {
        let literal = literal as u32;
        hits.extend(
            (0..content.len())
                .filter(|at| rule.literals().stands_at(literal, content, *at))
                .map(|at| Hit {
                    start: at as u32,
                    literal,
                }),
        );
    }
    let secrets = rule
        .matches(content, &hits)
        .into_iter()
        .map(|m| Secret::new(&content[m.secret_start..m.secret_end]));
    let redacted = Redactor::new(secrets).redact(content).into_owned();
    String::from_utf8_lossy(&redacted).into_owned()
}

/// A rule under trial.
struct Trial<'a> {
    rule: &'a Rule,
    allowlists: &'a [Allowlist],
    one: OneRule,
    engines: Vec<Box<dyn Engine>>,
}

/// What the engines say of a text.
enum Verdict {
    Found,
    /// Found, and a check says that it is not genuine.
    Failed,
    NotFound,
    Disagree(String),
}

impl<'a> Trial<'a> {
    fn new(
        rule: &'a Rule,
        allowlists: &'a [Allowlist],
        engines: &[EngineKind],
    ) -> Result<Self, EngineError> {
        let one = OneRule::new(rule, allowlists);
        let engines = engines
            .iter()
            .map(|kind| engine::build(*kind, Arc::clone(one.literals())))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            rule,
            allowlists,
            one,
            engines,
        })
    }

    fn run(mut self, own: &RuleExamples) -> Proven {
        let mut out = Proven::default();
        for (list, wanted) in [(&own.examples, true), (&own.negative_examples, false)] {
            for example in list {
                out.examples += 1;
                if let Some(message) = self.fault(example, wanted) {
                    out.problems.push(Problem {
                        file: own.file.clone(),
                        line: example.line,
                        message: format!("rule {:?}: {message}", own.rule_id),
                    });
                }
            }
        }
        out
    }

    /// What is wrong with an example, if anything is.
    fn fault(&mut self, example: &Example, wanted: bool) -> Option<String> {
        for seed in 0..SEEDS {
            let text = match example::expand(&example.template, seed) {
                Ok(text) => text,
                Err(error) => return Some(error.to_string()),
            };
            let message = match (self.verdict(&text), wanted) {
                (Verdict::Found, true) | (Verdict::NotFound, false) => continue,
                (Verdict::Disagree(how), _) => {
                    format!("the engines disagree on the example, a fault of gitsieve: {how}")
                }
                (Verdict::Failed, true) => {
                    let checks: Vec<&str> = self.rule.validate.iter().map(|v| v.name()).collect();
                    format!(
                        "the example is found, but fails a check ({})",
                        checks.join(", ")
                    )
                }
                (Verdict::Found | Verdict::Failed, false) => {
                    "the negative example is found".to_owned()
                }
                (Verdict::NotFound, true) => {
                    format!("the example is not found: {}", self.why(&text))
                }
            };
            return Some(message);
        }
        None
    }

    fn verdict(&mut self, text: &[u8]) -> Verdict {
        let mut first: Option<(&'static str, Vec<Match>)> = None;
        for engine in &self.engines {
            let mut hits = Vec::new();
            engine.worker().hits(text, 0..text.len(), &mut hits);
            let found = self.one.matches(text, &hits);
            match &first {
                None => first = Some((engine.name(), found)),
                Some((name, known)) if *known != found => {
                    return Verdict::Disagree(format!(
                        "{name} finds {}, {} finds {}",
                        known.len(),
                        engine.name(),
                        found.len()
                    ));
                }
                Some(_) => {}
            }
        }
        let mut found = first.map_or_else(Vec::new, |(_, found)| found);
        // What a rule of assignments holds for unlikely is not reported unless asked for.
        found.retain(|m| m.form.is_none() || score::confidence(m.points) >= Confidence::Medium);
        if found.is_empty() {
            Verdict::NotFound
        } else if found.iter().all(|m| m.proof == Proof::Failed) {
            Verdict::Failed
        } else {
            Verdict::Found
        }
    }

    /// Which part of the rule stands in the way: the first without which the text is found.
    fn why(&self, text: &[u8]) -> &'static str {
        let mut rule = self.rule.clone();
        let finds = |rule: &Rule, allowlists: &[Allowlist]| {
            let mut one = OneRule::new(rule, allowlists);
            let Some(engine) = self.engines.first() else {
                return false;
            };
            let mut hits = Vec::new();
            engine.worker().hits(text, 0..text.len(), &mut hits);
            !one.matches(text, &hits).is_empty()
        };
        if finds(&rule, &[]) && !self.allowlists.is_empty() {
            return "an allowlist over all rules covers it";
        }
        rule.allowlists.clear();
        if finds(&rule, &[]) {
            return "an allowlist of the rule covers it";
        }
        rule.drop_if_invalid = false;
        if finds(&rule, &[]) {
            return "a check drops it";
        }
        rule.entropy = 0.0;
        if finds(&rule, &[]) {
            return "its secret has less entropy than the rule asks for";
        }
        "the expression does not match it"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let loaded = RuleSet::parse(text, "f.toml").unwrap_or_else(|e| panic!("{e}"));
        let proven = prove(&loaded.rules, &loaded.examples, ENGINES).expect("engines are made");
        proven.problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_fault_of_an_example_is_named_with_its_line_and_cause() {
        let rule = |more: &str| {
            problems(&format!(
                "[[rules]]\nid = 'acme'\nregex = '''acme_[a-z0-9]{{8}}'''\n{more}"
            ))
        };
        assert_eq!(
            rule("examples = ['acme_{{base36:8}}']\nnegative_examples = ['acme_']"),
            [""; 0]
        );
        for (more, says) in [
            (
                "examples = ['acme']",
                "f.toml:4: rule \"acme\": the example is not found: the expression",
            ),
            (
                "entropy = 5.0\nexamples = ['acme_{{base36:8}}']",
                "f.toml:5: rule \"acme\": the example is not found: its secret has less entropy",
            ),
            (
                "examples = ['acme_{{base36:8}}']\n[[rules.allowlists]]\nstopwords = ['acme']",
                "an allowlist of the rule covers it",
            ),
            (
                "examples = ['acme_{{base36:8}}']\n[[allowlists]]\nregexes = ['acme']\nregexTarget = 'line'",
                "an allowlist over all rules covers it",
            ),
            (
                "negative_examples = ['acme_{{base36:8}}']",
                "the negative example is found",
            ),
            ("examples = ['acme_{{base36:8']", "without `}}`"),
            (
                "validate = ['github-crc32']\nexamples = ['acme_{{base36:8}}']",
                "fails a check (github-crc32)",
            ),
            (
                "validate = ['github-crc32']\ndrop_if_invalid = true\nexamples = ['acme_{{base36:8}}']",
                "a check drops it",
            ),
        ] {
            let found = rule(more);
            assert_eq!(found.len(), 1, "{more}: {found:?}");
            assert!(found[0].contains(says), "{more}: {found:?}");
        }
    }

    #[test]
    fn rules_without_literals_are_proven_too() {
        let rule = "[[rules]]\nid = 'pin'\nregex = '''\\b[0-9]{4}-[0-9]{4}\\b'''\n\
                    examples = ['{{digits:4}}-{{digits:4}}']\nnegative_examples = ['none']";
        assert_eq!(problems(rule), [""; 0]);
    }

    #[test]
    fn examples_are_shown_as_templates_or_redacted() {
        let text = "[[rules]]\nid = 'acme'\nregex = '''acme_[a-z0-9]{12}'''\nentropy = 7.9";
        let loaded = RuleSet::parse(text, "f.toml").unwrap_or_else(|e| panic!("{e}"));
        let rule = &loaded.rules.rules()[0];
        let template = "key: acme{{}}_{{base36:12}}";
        assert_eq!(redacted_example(rule, template), template);
        let shown = redacted_example(rule, "key: acme_abcdef012345");
        assert!(
            shown.starts_with("key: ac") && !shown.contains("cdef0123"),
            "{shown}"
        );
    }
}
