//! Puts the rules of a scan together.
//!
//! The built-in rules, or what a configuration makes of them; then the rules of `--rules`; then
//! the selection. A scan without any rule would call everything clean, so it is refused.

use crate::{exit::CliError, output, plan::RulePlan};
use scanner_core::rules::{Loaded, RuleExamples, RuleSet};
use std::{collections::BTreeMap, fmt::Display};

/// Loads what the plan asks for, and what is worth saying about it.
pub(crate) fn load(plan: &RulePlan) -> Result<(RuleSet, Vec<String>), CliError> {
    let loaded = load_with_examples(plan, Vec::new())?;
    let warnings = loaded.warnings.iter().map(ToString::to_string).collect();
    Ok((loaded.rules, warnings))
}

/// The same; what is worth saying is said, unless `quiet`.
pub(crate) fn load_telling(plan: &RulePlan, quiet: bool) -> Result<RuleSet, CliError> {
    let (rules, warnings) = load(plan)?;
    for warning in warnings.iter().filter(|_| !quiet) {
        output::notice(&format!("warning: {warning}"));
    }
    Ok(rules)
}

/// The same as [`load`], with where each rule is written and how it proves itself; `built_in` says so of the
/// built-in ones.
pub(crate) fn load_with_examples(
    plan: &RulePlan,
    built_in: Vec<RuleExamples>,
) -> Result<Loaded, CliError> {
    let mut warnings = Vec::new();
    let mut examples = built_in;
    let mut rules = RuleSet::builtin();
    let mut add = |loaded: Loaded| {
        warnings.extend(loaded.warnings);
        examples.extend(loaded.examples);
        loaded.rules
    };
    if let Some(path) = &plan.config {
        rules = add(RuleSet::load_config(path, &rules).map_err(|e| refused(&e))?);
    }
    for path in &plan.files {
        rules = rules.merge(add(RuleSet::load(path).map_err(|e| refused(&e))?));
    }
    if rules.is_empty() {
        let cause = plan.config.as_ref().map_or_else(String::new, |path| {
            format!(
                ": {} holds none (`useDefault = true` under [extend] adds the built-in ones)",
                path.display()
            )
        });
        return Err(CliError::Usage(format!("no rules to scan with{cause}")));
    }
    if !plan.only.is_empty() || !plan.exclude.is_empty() {
        rules = rules
            .select(&plan.only, &plan.exclude)
            .map_err(|e| CliError::Usage(e.to_string()))?;
        if rules.is_empty() {
            return Err(CliError::Usage(
                "no rules to scan with: --exclude-rule leaves none".to_owned(),
            ));
        }
    }
    Ok(Loaded {
        examples: of_rules(&rules, examples),
        rules,
        warnings,
    })
}

/// What is said of the rules of a set, once for each, sorted by rule id. Of a rule that is written
/// in several files the last one counts, and for its examples the last one that has any.
fn of_rules(rules: &RuleSet, all: Vec<RuleExamples>) -> Vec<RuleExamples> {
    let mut by_id: BTreeMap<String, RuleExamples> = BTreeMap::new();
    for own in all {
        let bare = own.examples.is_empty() && own.negative_examples.is_empty();
        if !(bare && by_id.contains_key(&own.rule_id)) {
            by_id.insert(own.rule_id.clone(), own);
        }
    }
    by_id.retain(|id, _| rules.number_of(id).is_some());
    by_id.into_values().collect()
}

fn refused(problems: &dyn Display) -> CliError {
    CliError::Usage(format!("the rules cannot be used:\n{problems}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, path::PathBuf};

    const RULE: &str = "[[rules]]\nid = \"own-token\"\ndescription = \"Own token\"\n\
                        regex = '''own_[a-z0-9]{20}'''\nkeywords = [\"own_\"]\n";

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a temporary directory can be made");
        let path = dir.path().join("rules.toml");
        fs::write(&path, text).expect("a file can be written there");
        (dir, path)
    }

    fn ids(plan: &RulePlan) -> Result<Vec<String>, String> {
        let (rules, _) = load(plan).map_err(|e| e.to_string())?;
        let ids = rules.rules().iter().map(|rule| rule.info.id.clone());
        Ok(ids.collect())
    }

    #[test]
    fn a_configuration_stands_alone_and_rule_files_add() {
        let built_in = ids(&RulePlan::default()).expect("built-in rules load");
        assert!(!built_in.is_empty());
        let (_dir, path) = file(RULE);
        let alone = RulePlan {
            config: Some(path.clone()),
            ..RulePlan::default()
        };
        assert_eq!(ids(&alone), Ok(vec!["own-token".to_owned()]));
        let added = RulePlan {
            files: vec![path],
            ..RulePlan::default()
        };
        let added = ids(&added).expect("the rule is valid");
        assert_eq!(added.len(), built_in.len() + 1);
        assert!(added.contains(&"own-token".to_owned()));
    }

    #[test]
    fn a_scan_without_rules_is_refused() {
        let (_dir, path) = file("title = \"nothing\"\n");
        let none = RulePlan {
            config: Some(path),
            ..RulePlan::default()
        };
        assert!(ids(&none).is_err_and(|e| e.contains("useDefault")));
        let excluded = RulePlan {
            exclude: vec!["*".into()],
            ..RulePlan::default()
        };
        assert!(ids(&excluded).is_err_and(|e| e.contains("leaves none")));
    }

    #[test]
    fn problems_name_their_place() {
        let (_dir, path) = file("[[rules]]\nid = \"x\"\nregex = '''(''' \nunheard_of = 1\n");
        let plan = RulePlan {
            files: vec![path],
            ..RulePlan::default()
        };
        let error = ids(&plan).expect_err("the expression is broken and a key unknown");
        assert!(error.contains("rules.toml:"), "{error}");
        let unknown = RulePlan {
            only: vec!["no-such-rule".into()],
            ..RulePlan::default()
        };
        assert!(ids(&unknown).is_err_and(|e| e.contains("no-such-rule")));
    }
}
