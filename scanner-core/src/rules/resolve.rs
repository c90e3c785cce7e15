//! From what rule files say to rules: defaults, what a configuration takes over from its base,
//! plans, and the checks that need more than one value.

use super::{
    file::{At, GlobalAllowlist, RuleDraft, RuleFile},
    literals,
    problem::{Problem, suggestion},
    rule::{Allowlist, Plan, Rule, SecretGroup},
    run::Run,
};
use crate::model::{Confidence, RuleInfo, Severity};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Rules by id and allowlists over all of them, while files are added one by one.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) rules: BTreeMap<String, Rule>,
    pub(crate) allowlists: Vec<Allowlist>,
    pub(crate) examples: Vec<RuleExamples>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) warnings: Vec<Problem>,
    /// File and line of each rule's last definition.
    origins: BTreeMap<String, (String, u32)>,
    /// Allowlists over all rules: their file, whether it extends another, and the list.
    pending: Vec<(String, bool, GlobalAllowlist)>,
    /// Where files name companions: file, the rule, and the companion's id.
    links: Vec<(String, String, At<String>)>,
    /// Where files silence rules.
    silenced: BTreeMap<String, (String, u32)>,
}

/// Where a rule is written, and the texts by which it proves itself (there may be none).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleExamples {
    /// The rule.
    pub rule_id: String,
    /// The file's name as given to the loader.
    pub file: String,
    /// Line of the rule's id, 1-based.
    pub line: u32,
    /// Texts that hold a match.
    pub examples: Vec<Example>,
    /// Texts that hold none.
    pub negative_examples: Vec<Example>,
}

/// One example: a template of [`crate::filter::example`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// The template.
    pub template: String,
    /// Its line in the file, 1-based.
    pub line: u32,
}

impl Draft {
    /// Starts from rules that are valid already.
    pub(crate) fn on(rules: &[Rule], allowlists: &[Allowlist]) -> Self {
        Self {
            rules: rules
                .iter()
                .map(|rule| (rule.info.id.clone(), rule.clone()))
                .collect(),
            allowlists: allowlists.to_vec(),
            ..Self::default()
        }
    }

    /// Adds the rules of a file. A rule that is there already from a base is changed by what the
    /// file gives; one from another file added to this draft is a problem.
    pub(crate) fn add(&mut self, file: RuleFile) {
        let name = file.name;
        let extends = file.extend.is_some();
        if let Some(extend) = file.extend {
            for id in extend.value.disabled_rules {
                if self.rules.remove(&id.value).is_none() {
                    let near = suggestion(&id.value, self.rules.keys().map(String::as_str));
                    let message = format!("disabledRules: there is no rule {:?}{near}", id.value);
                    self.warn(&name, id.line, message);
                }
            }
        }
        for rule in file.rules {
            let id = rule.id.clone();
            if let Some((file, line)) = self.origins.get(&id.value) {
                let message = format!("rule {:?} is defined at {file}:{line} too", id.value);
                self.fail(&name, id.line, message);
                continue;
            }
            self.origins
                .insert(id.value.clone(), (name.clone(), id.line));
            if let Some(skip) = rule.skip_report.as_ref().filter(|skip| skip.value) {
                let place = (name.clone(), skip.line);
                self.silenced.insert(id.value.clone(), place);
            }
            let base = self.rules.remove(&id.value);
            if base.is_none() && extends && rule.regex.is_none() && rule.path.is_none() {
                let near = suggestion(&id.value, self.rules.keys().map(String::as_str));
                let message = format!(
                    "rule {:?} is not in the extended rules, so there is nothing to change{near}",
                    id.value
                );
                self.warn(&name, id.line, message);
                continue;
            }
            self.rule(&name, rule, base);
        }
        self.pending.extend(
            file.allowlists
                .into_iter()
                .map(|g| (name.clone(), extends, g)),
        );
    }

    /// Ends a group of files that may name each other's rules: gives allowlists to the rules that
    /// they name, and forgets where rules were defined, as files that come next may change them.
    pub(crate) fn seal(&mut self) {
        for (name, extends, global) in std::mem::take(&mut self.pending) {
            if global.target_rules.is_empty() {
                self.allowlists.push(global.allowlist);
                continue;
            }
            for At { value: id, line } in global.target_rules {
                if let Some(rule) = self.rules.get_mut(&id) {
                    rule.allowlists.push(global.allowlist.clone());
                } else if !self.origins.contains_key(&id) {
                    let near = suggestion(&id, self.rules.keys().map(String::as_str));
                    let message = format!("targetRules: there is no rule {id:?}{near}");
                    if extends {
                        self.warn(&name, line, message);
                    } else {
                        self.fail(&name, line, message);
                    }
                }
            }
        }
        self.origins.clear();
    }

    /// Ends the draft: every companion must be a rule, and rules that nobody reads are left out.
    pub(crate) fn link(&mut self) {
        for (file, rule, At { value: id, line }) in std::mem::take(&mut self.links) {
            if id == rule {
                let message = format!("rule {rule:?} cannot require itself");
                self.fail(&file, line, message);
            } else if !self.rules.contains_key(&id) {
                let near = suggestion(&id, self.rules.keys().map(String::as_str));
                let message = format!("rule {rule:?} requires {id:?}, which is no rule{near}");
                self.fail(&file, line, message);
            }
        }
        // What a base requires may have been disabled since.
        let ids: BTreeSet<String> = self.rules.keys().cloned().collect();
        let mut required = BTreeSet::new();
        for rule in self.rules.values_mut() {
            rule.companions
                .retain(|c| !c.optional || ids.contains(&c.id));
            required.extend(rule.companions.iter().map(|c| c.id.clone()));
        }
        let unread: Vec<String> = self
            .rules
            .iter()
            .filter(|(id, rule)| rule.silent && !required.contains(*id))
            .map(|(id, _)| id.clone())
            .collect();
        for id in unread {
            self.rules.remove(&id);
            if let Some((file, line)) = self.silenced.remove(&id) {
                let message = format!(
                    "rule {id:?} has skipReport = true and no rule requires it: it reports \
                     nothing and is left out"
                );
                self.warn(&file, line, message);
            }
        }
    }

    fn fail(&mut self, file: &str, line: u32, message: String) {
        self.problems.push(Problem {
            file: file.to_owned(),
            line,
            message,
        });
    }

    fn warn(&mut self, file: &str, line: u32, message: String) {
        self.warnings.push(Problem {
            file: file.to_owned(),
            line,
            message,
        });
    }

    fn rule(&mut self, name: &str, draft: RuleDraft, base: Option<Rule>) {
        let At { value: id, line } = draft.id;
        let changes_matches = draft.regex.is_some() || draft.max_length.is_some();
        let keywords = draft.keywords.map_or_else(Vec::new, |k| k.value);
        self.examples.push(RuleExamples {
            rule_id: id.clone(),
            file: name.to_owned(),
            line,
            examples: examples(draft.examples),
            negative_examples: examples(draft.negative_examples),
        });
        let is_new = base.is_none();
        let mut rule = match (base, &draft.regex) {
            (Some(base), _) => base,
            (None, Some(regex)) => new_rule(&id, regex.value.unicode),
            (None, None) => {
                let message = if let Some(path) = &draft.path {
                    let message = format!(
                        "rule {id:?} has key \"path\" and no \"regex\": rules that report files by \
                         their name are not supported"
                    );
                    (path.line, message)
                } else {
                    (line, format!("rule {id:?} needs key \"regex\""))
                };
                self.fail(name, message.0, message.1);
                return;
            }
        };
        let inherited = rule.plan.clone();
        let expression = match draft.regex {
            Some(regex) => {
                rule.regex.clone_from(&regex.value.source);
                rule.unicode = regex.value.unicode;
                Some(regex.value)
            }
            // Parsed before, so it parses again; an error would have been one then.
            None => super::expression::Expression::parse(&rule.regex, Some(rule.unicode)).ok(),
        };
        if let Some(expression) = &expression {
            rule.run = Run::of(&expression.hir);
            if changes_matches {
                // Keywords of the base are not known any more, so only a rule of its own is gated.
                let own: &[String] = if is_new { &keywords } else { &[] };
                let (plan, warning) = literals::plan(&expression.hir, draft.max_length, own);
                rule.plan = plan;
                if let Some(warning) = warning {
                    self.warn(name, line, format!("rule {id:?}: {warning}"));
                }
            } else if let Plan::WholeBlob { gate } = inherited
                && !gate.is_empty()
            {
                let more = literals::gate(&keywords);
                let gate = if more.is_empty() && !keywords.is_empty() {
                    more
                } else {
                    let mut words = [gate, more].concat();
                    words.sort();
                    words.dedup();
                    words
                };
                rule.plan = Plan::WholeBlob { gate };
            }
            let group = match &draft.secret_group {
                Some(At { value: 0, .. }) => {
                    rule.secret_group = SecretGroup::FirstNonEmpty;
                    0
                }
                Some(At { value, .. }) => {
                    rule.secret_group = SecretGroup::Group(*value);
                    *value
                }
                None => match rule.secret_group {
                    SecretGroup::Group(n) => n,
                    SecretGroup::FirstNonEmpty => 0,
                },
            };
            if group as usize > expression.groups() {
                let line = draft.secret_group.as_ref().map_or(line, |g| g.line);
                let message = format!(
                    "rule {id:?}: secretGroup is {group}, but the expression has {} groups",
                    expression.groups()
                );
                self.fail(name, line, message);
            }
            if changes_matches && expression.hir.properties().minimum_len() == Some(0) {
                let message = format!("rule {id:?}: the expression matches the empty text");
                self.warn(name, line, message);
            }
        }
        let info = Arc::make_mut(&mut rule.info);
        set(&mut info.description, draft.description);
        set(&mut info.severity, draft.severity);
        set(&mut info.confidence, draft.confidence);
        set(&mut info.remediation, draft.remediation);
        set(&mut info.references, draft.references);
        for tag in draft.tags {
            if !info.tags.contains(&tag) {
                info.tags.push(tag);
            }
        }
        set(&mut rule.entropy, draft.entropy);
        set(&mut rule.validate, draft.validate);
        set(&mut rule.drop_if_invalid, draft.drop_if_invalid);
        set(&mut rule.generic, draft.generic);
        if draft.judge.is_some() {
            rule.judge = draft.judge;
        }
        if draft.assignment.is_some() {
            rule.assignment = draft.assignment;
        }
        if rule.assignment.is_some() && matches!(rule.plan, Plan::WholeBlob { .. }) {
            let message = format!(
                "rule {id:?}: with key \"assignment\" the expression finds words of names, and needs \
                 one of at least three letters in every branch"
            );
            self.fail(name, line, message);
        }
        if let Some(path) = draft.path {
            rule.path = Some(path.value);
        }
        rule.allowlists.extend(draft.allowlists);
        set(&mut rule.silent, draft.skip_report.map(|skip| skip.value));
        for At { value, line } in draft.required {
            rule.companions.retain(|c| c.id != value.id);
            let companion = At {
                value: value.id.clone(),
                line,
            };
            self.links.push((name.to_owned(), id.clone(), companion));
            rule.companions.push(value);
        }
        if rule.drop_if_invalid && rule.validate.is_empty() {
            let message = format!("rule {id:?}: drop_if_invalid needs key \"validate\"");
            self.fail(name, line, message);
        }
        self.rules.insert(id, rule);
    }
}

fn examples(texts: Vec<At<String>>) -> Vec<Example> {
    let example = |text: At<String>| Example {
        template: text.value,
        line: text.line,
    };
    texts.into_iter().map(example).collect()
}

fn set<T>(target: &mut T, given: Option<T>) {
    if let Some(value) = given {
        *target = value;
    }
}

/// A rule of defaults; its expression is still to be set.
fn new_rule(id: &str, unicode: bool) -> Rule {
    Rule {
        info: Arc::new(RuleInfo {
            id: id.to_owned(),
            description: id.to_owned(),
            severity: Severity::Medium,
            confidence: Confidence::Medium,
            remediation: String::new(),
            references: Vec::new(),
            tags: Vec::new(),
        }),
        regex: String::new(),
        unicode,
        run: None,
        secret_group: SecretGroup::FirstNonEmpty,
        entropy: 0.0,
        plan: Plan::WholeBlob { gate: Vec::new() },
        path: None,
        allowlists: Vec::new(),
        validate: Vec::new(),
        drop_if_invalid: false,
        generic: false,
        assignment: None,
        judge: None,
        builtin: false,
        companions: Vec::new(),
        silent: false,
    }
}
