//! Sets of rules: loading, merging, selecting.
//!
//! The only place of the core that reads rule files. Which files to read is the caller's choice.

use super::{
    file::{self, RuleFile},
    hash::{rules_hash, set_hash},
    problem::{Problem, RuleErrors, suggestion},
    resolve::{Draft, RuleExamples},
    rule::{Allowlist, Outline, Rule},
};
use crate::builtin::{self, DistinctLiterals};
use std::{
    cmp::Ordering,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

/// Files beyond this are no rule files.
const MAX_FILE_BYTES: u64 = 16 << 20;
/// Configurations that extend each other by path, one after the other.
const MAX_EXTEND_DEPTH: usize = 8;

/// A validated selection of rules.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    rules: Rules,
    allowlists: Vec<Allowlist>,
}

/// The rules of a set, sorted by id. The built-in ones, as long as they are taken as they are, stay
/// packed: unpacking all takes longer than many a scan.
#[derive(Debug, Clone)]
enum Rules {
    BuiltIn,
    Own(Arc<[Rule]>),
}

impl Default for Rules {
    fn default() -> Self {
        Self::Own(Arc::default())
    }
}

/// Rules from files, and what is worth saying about them.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The rules.
    pub rules: RuleSet,
    /// Things that are allowed and may not be meant, sorted by file and line.
    pub warnings: Vec<Problem>,
    /// Where each rule of the files is written and how it proves itself, in the files' order.
    pub examples: Vec<RuleExamples>,
}

/// Rule ids, or patterns of them, that name no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct UnknownRules(Vec<String>);

impl RuleSet {
    /// Makes a set of rules that are valid already: ids unique.
    pub fn new(mut rules: Vec<Rule>, allowlists: Vec<Allowlist>) -> Self {
        rules.sort_by(|a, b| a.info.id.cmp(&b.info.id));
        Self {
            rules: Rules::Own(rules.into()),
            allowlists,
        }
    }

    /// The rules that come with the library. Costs next to nothing: no text is parsed, no expression
    /// is compiled, and a rule is put together when it is asked for.
    pub fn builtin() -> Self {
        Self {
            rules: Rules::BuiltIn,
            allowlists: builtin::allowlists(),
        }
    }

    /// The texts by which the built-in rules prove themselves, sorted by file and line.
    pub fn builtin_examples() -> Vec<RuleExamples> {
        builtin::examples()
    }

    /// Reads rules from the text of a rule file; `name` stands for it in messages.
    ///
    /// # Errors
    /// All problems of the text. `[extend]` is one: see [`RuleSet::load_config`].
    pub fn parse(text: &str, name: &str) -> Result<Loaded, RuleErrors> {
        let mut draft = Draft::default();
        match file::parse(text, name).and_then(refuse_extend) {
            Ok(file) => draft.add(file),
            Err(problems) => draft.problems.extend(problems),
        }
        finish(draft)
    }

    /// Reads a rule file, or every `*.toml` directly in a directory, in order of their names.
    ///
    /// # Errors
    /// All problems of all files; a rule id used twice is one.
    pub fn load(path: &Path) -> Result<Loaded, RuleErrors> {
        let mut draft = Draft::default();
        let files = if path.is_dir() {
            toml_files(path)
        } else {
            Ok(vec![path.to_owned()])
        };
        for file in files.map_err(|problem| RuleErrors::new(vec![problem]))? {
            match read(&file).and_then(refuse_extend) {
                Ok(file) => draft.add(file),
                Err(problems) => draft.problems.extend(problems),
            }
        }
        finish(draft)
    }

    /// Reads a configuration as gitleaks has it. With `useDefault = true` in its `[extend]` it
    /// builds on `default`; with `path` on another configuration, looked for beside this one, and
    /// then, as gitleaks does, from the working directory; otherwise its rules stand alone. A
    /// rule with the id of one that it builds on changes what it gives and adds to keywords, tags
    /// and allowlists.
    ///
    /// Ids in `disabledRules`, `targetRules` and rules without an expression may name rules that
    /// `default` does not have: that is a warning.
    ///
    /// # Errors
    /// All problems of the files.
    pub fn load_config(path: &Path, default: &Self) -> Result<Loaded, RuleErrors> {
        let mut chain = Vec::new();
        let mut problems = Vec::new();
        let mut next = Some(path.to_owned());
        while let Some(path) = next.take() {
            match read(&path) {
                Ok(file) => {
                    if let Some(parent) = file.extend.as_ref().and_then(|e| e.value.path.as_ref()) {
                        if chain.len() == MAX_EXTEND_DEPTH {
                            problems.push(Problem {
                                file: file.name.clone(),
                                line: parent.line,
                                message: format!(
                                    "key \"path\": more than {MAX_EXTEND_DEPTH} files extend one \
                                     another"
                                ),
                            });
                            break;
                        }
                        let beside = path.with_file_name(&parent.value);
                        next = Some(if beside.exists() {
                            beside
                        } else {
                            PathBuf::from(&parent.value)
                        });
                    }
                    chain.push(file);
                }
                Err(found) => {
                    if let Some(RuleFile {
                        name,
                        extend: Some(extend),
                        ..
                    }) = chain.last()
                    {
                        problems.push(Problem {
                            file: name.clone(),
                            line: extend.line,
                            message: "the configuration that this one extends has problems"
                                .to_owned(),
                        });
                    }
                    problems.extend(found);
                }
            }
        }
        let on_default = chain
            .last()
            .and_then(|file| file.extend.as_ref()?.value.use_default.as_ref())
            .is_some_and(|use_default| use_default.value);
        let mut draft = if on_default {
            Draft::on(default.rules(), &default.allowlists)
        } else {
            Draft::default()
        };
        for file in chain.into_iter().rev() {
            draft.add(file);
            draft.seal();
        }
        draft.problems.extend(problems);
        finish(draft)
    }

    /// Adds the rules and allowlists of `other`; a rule of it takes the place of one with the same
    /// id.
    #[must_use]
    pub fn merge(self, other: Self) -> Self {
        let mut rules: BTreeMap<String, Rule> = BTreeMap::new();
        for rule in self.rules().iter().chain(other.rules()) {
            rules.insert(rule.info.id.clone(), rule.clone());
        }
        Self {
            rules: Rules::Own(rules.into_values().collect()),
            allowlists: [self.allowlists, other.allowlists].concat(),
        }
    }

    /// Adds allowlists over all rules.
    #[must_use]
    pub fn with_allowlists(mut self, more: &[Allowlist]) -> Self {
        self.allowlists.extend_from_slice(more);
        self
    }

    /// Keeps the rules that one of `only` names (all if empty) and none of `except`. `*` in a name
    /// stands for any text: `github-*`. Companions of what is kept stay too, and report nothing by
    /// themselves.
    ///
    /// # Errors
    /// Names every id or pattern that no rule of this set answers to.
    pub fn select(&self, only: &[String], except: &[String]) -> Result<Self, UnknownRules> {
        let ids = || self.rules().iter().map(|rule| rule.info.id.as_str());
        let unknown: Vec<String> = only
            .iter()
            .chain(except)
            .filter(|pattern| !ids().any(|id| glob_matches(pattern, id)))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .map(|pattern| format!("there is no rule {pattern:?}{}", suggestion(pattern, ids())))
            .collect();
        if !unknown.is_empty() {
            return Err(UnknownRules(unknown));
        }
        let names = |patterns: &[String], id: &str| patterns.iter().any(|p| glob_matches(p, id));
        let mut rules: Vec<Rule> = self.rules().to_vec();
        for rule in &mut rules {
            let id = &rule.info.id;
            let chosen = (only.is_empty() || names(only, id)) && !names(except, id);
            rule.silent |= !chosen;
        }
        // Searched in silence is what a chosen rule needs, and what completes it unless excluded.
        let needed: BTreeSet<String> = rules
            .iter()
            .filter(|rule| !rule.silent)
            .flat_map(|rule| &rule.companions)
            .filter(|c| !c.optional || !names(except, &c.id))
            .map(|c| c.id.clone())
            .collect();
        rules.retain(|rule| !rule.silent || needed.contains(&rule.info.id));
        let kept: BTreeSet<String> = rules.iter().map(|rule| rule.info.id.clone()).collect();
        for rule in &mut rules {
            rule.companions
                .retain(|c| !c.optional || kept.contains(&c.id));
        }
        Ok(Self {
            rules: Rules::Own(rules.into()),
            allowlists: self.allowlists.clone(),
        })
    }

    /// The rules, sorted by id. Rules are numbered in this order, from 0.
    pub fn rules(&self) -> &[Rule] {
        match &self.rules {
            Rules::BuiltIn => builtin::all(),
            Rules::Own(rules) => rules,
        }
    }

    /// How many rules there are.
    pub fn len(&self) -> usize {
        match &self.rules {
            Rules::BuiltIn => builtin::outlines().len(),
            Rules::Own(rules) => rules.len(),
        }
    }

    /// Whether there is no rule.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns a rule by number, without putting together any other.
    ///
    /// # Panics
    /// When no rule has that number.
    pub fn rule(&self, number: u32) -> Rule {
        match &self.rules {
            Rules::BuiltIn => builtin::rule(number),
            Rules::Own(rules) => rules[number as usize].clone(),
        }
    }

    /// Returns the number of the rule that has this id.
    pub fn number_of(&self, id: &str) -> Option<u32> {
        let id_of = |number: u32| match &self.rules {
            Rules::BuiltIn => builtin::id(number),
            Rules::Own(rules) => rules[number as usize].info.id.as_str(),
        };
        let (mut low, mut high) = (0, self.len() as u32);
        while low < high {
            let middle = u32::midpoint(low, high);
            match id_of(middle).cmp(id) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Some(middle),
            }
        }
        None
    }

    /// The outlines of all rules, by number.
    pub(crate) fn outlines(&self) -> Vec<Outline> {
        match &self.rules {
            Rules::BuiltIn => builtin::outlines().to_vec(),
            Rules::Own(rules) => rules.iter().map(Outline::of).collect(),
        }
    }

    /// The distinct literals of the rules where they have been worked out already.
    pub(crate) fn distinct_literals(&self) -> Option<DistinctLiterals> {
        matches!(self.rules, Rules::BuiltIn).then(builtin::literals)
    }

    /// Allowlists over all rules.
    pub fn allowlists(&self) -> &[Allowlist] {
        &self.allowlists
    }

    /// Returns 64 hexadecimal digits of BLAKE3 over everything that decides what is found and how
    /// it is rated: two sets of the same hash give the same findings. The order of files and of
    /// lists, and texts for people, do not count.
    pub fn hash(&self) -> String {
        match &self.rules {
            Rules::BuiltIn => set_hash(builtin::hash(), &self.allowlists),
            Rules::Own(rules) => set_hash(&rules_hash(rules), &self.allowlists),
        }
    }
}

fn finish(mut draft: Draft) -> Result<Loaded, RuleErrors> {
    draft.seal();
    draft.link();
    if !draft.problems.is_empty() {
        return Err(RuleErrors::new(draft.problems));
    }
    draft.warnings.sort();
    Ok(Loaded {
        rules: RuleSet::new(draft.rules.into_values().collect(), draft.allowlists),
        warnings: draft.warnings,
        examples: draft.examples,
    })
}

/// Rule files stand for themselves; only configurations extend.
fn refuse_extend(file: RuleFile) -> Result<RuleFile, Vec<Problem>> {
    match &file.extend {
        None => Ok(file),
        Some(extend) => Err(vec![Problem {
            file: file.name.clone(),
            line: extend.line,
            message: "key \"extend\" is for configurations (--config), not for rule files"
                .to_owned(),
        }]),
    }
}

fn read(path: &Path) -> Result<RuleFile, Vec<Problem>> {
    let name = path.display().to_string();
    let problem = |message: String| {
        vec![Problem {
            file: name.clone(),
            line: 0,
            message,
        }]
    };
    let metadata = fs::metadata(path).map_err(|e| problem(format!("cannot be read: {e}")))?;
    if metadata.len() > MAX_FILE_BYTES {
        return Err(problem(
            "is over 16 MiB, too large for a rule file".to_owned(),
        ));
    }
    let bytes = fs::read(path).map_err(|e| problem(format!("cannot be read: {e}")))?;
    let text = String::from_utf8(bytes).map_err(|_| problem("is not UTF-8 text".to_owned()))?;
    file::parse(&text, &name)
}

fn toml_files(directory: &Path) -> Result<Vec<PathBuf>, Problem> {
    let problem = |message: String| Problem {
        file: directory.display().to_string(),
        line: 0,
        message,
    };
    let mut files = Vec::new();
    let entries = fs::read_dir(directory).map_err(|e| problem(format!("cannot be listed: {e}")))?;
    for entry in entries {
        let path = entry
            .map_err(|e| problem(format!("cannot be listed: {e}")))?
            .path();
        if path
            .extension()
            .is_some_and(|extension| extension == "toml")
            && path.is_file()
        {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(problem("holds no rule files (*.toml)".to_owned()));
    }
    files.sort();
    Ok(files)
}

/// Whether `*` and plain characters of `pattern` match all of `text`.
fn glob_matches(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(rest) = text.strip_prefix(head) else {
        return false;
    };
    (0..=rest.len())
        .filter(|at| rest.is_char_boundary(*at))
        .any(|at| glob_matches(tail, &rest[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{Confidence, Severity},
        rules::{Plan, SecretGroup},
    };

    fn set(text: &str) -> RuleSet {
        match RuleSet::parse(text, "f.toml") {
            Ok(loaded) => loaded.rules,
            Err(errors) => panic!("{errors}"),
        }
    }

    fn errors(text: &str) -> String {
        RuleSet::parse(text, "f.toml")
            .err()
            .map_or_else(String::new, |e| e.to_string())
    }

    fn ids(set: &RuleSet) -> Vec<&str> {
        set.rules().iter().map(|r| r.info.id.as_str()).collect()
    }

    fn rule<'a>(set: &'a RuleSet, id: &str) -> &'a Rule {
        let found = set.rules().iter().find(|r| r.info.id == id);
        found.unwrap_or_else(|| panic!("{id} is in the set"))
    }

    /// Loads `text` as a configuration on top of `default`.
    fn config(text: &str, default: &RuleSet) -> Result<Loaded, RuleErrors> {
        let dir = tempfile::tempdir().expect("a directory can be made");
        let path = dir.path().join("c.toml");
        fs::write(&path, text).expect("a file can be written");
        RuleSet::load_config(&path, default)
    }

    const BASE: &str = r"
[[rules]]
id = 'alpha-key'
description = 'Alpha'
regex = '''alpha_([a-z0-9]{16})'''
keywords = ['alpha_']
entropy = 3.0
tags = ['a']
severity = 'high'
[[rules.allowlists]]
stopwords = ['example']
[[rules]]
id = 'beta-key'
regex = '''[0-9a-f]{32}'''
keywords = ['beta']
[[rules]]
id = 'alpha-other'
regex = '''alpha-other-[a-z]{4}'''
[[allowlists]]
paths = ['''\.lock$''']
";

    #[test]
    fn rules_get_defaults_and_are_sorted() {
        let set = set(BASE);
        assert_eq!(ids(&set), ["alpha-key", "alpha-other", "beta-key"]);
        let beta = rule(&set, "beta-key");
        assert_eq!(beta.info.severity, Severity::Medium);
        assert_eq!(beta.info.confidence, Confidence::Medium);
        assert_eq!(beta.secret_group, SecretGroup::FirstNonEmpty);
        let gate = vec![b"beta".to_vec()];
        assert_eq!(beta.plan, Plan::WholeBlob { gate });
        let Plan::Literals {
            literals,
            max_match_bytes,
        } = &rule(&set, "alpha-key").plan
        else {
            panic!("a prefix is a literal")
        };
        assert_eq!(literals[0].bytes, b"alpha_");
        assert_eq!(*max_match_bytes, 22);
    }

    #[test]
    fn checks_over_several_values_name_the_line() {
        for (text, says) in [
            (
                "[[rules]]\nid='a'\nregex='abcd(e)'\nsecretGroup=2",
                "f.toml:4: rule \"a\": secretGroup is 2, but the expression has 1 groups",
            ),
            (
                "[[rules]]\nid='a'",
                "f.toml:2: rule \"a\" needs key \"regex\"",
            ),
            (
                "[[rules]]\nid='a'\npath='x'",
                "f.toml:3: rule \"a\" has key \"path\" and no",
            ),
            (
                "[[rules]]\nid='a'\nregex='abcd'\n[[rules]]\nid='a'\nregex='abcd'",
                "f.toml:5: rule \"a\" is defined at f.toml:2 too",
            ),
            (
                "[[rules]]\nid='a'\nregex='abcd'\ndrop_if_invalid=true",
                "f.toml:2: rule \"a\": drop_if_invalid needs key \"validate\"",
            ),
            (
                "[[rules]]\nid='abc'\nregex='abcd'\n[[allowlists]]\ntargetRules=['abd']\npaths=['x']",
                "f.toml:5: targetRules: there is no rule \"abd\"; did you mean \"abc\"?",
            ),
            (
                "[extend]\nuseDefault=true",
                "f.toml:1: key \"extend\" is for configurations",
            ),
        ] {
            let errors = errors(text);
            assert!(errors.contains(says), "{text}: {errors}");
            assert_eq!(errors.lines().count(), 1, "{errors}");
        }
    }

    #[test]
    fn warnings_name_what_is_slow_unbounded_or_left_out() {
        let text = "[[rules]]\nid='a'\nregex='abcd.+'\n[[rules]]\nid='b'\nregex='[0-9]{9}'\n\
                    [[rules]]\nid='c'\nregex='abcd'\nskipReport=true\n\
                    [[rules]]\nid='d'\nregex='(?:abcd)?'";
        let loaded = RuleSet::parse(text, "f.toml").expect("it is valid");
        let lines: Vec<u32> = loaded.warnings.iter().map(|w| w.line).collect();
        assert_eq!(lines, [2, 5, 10, 12, 12], "{:?}", loaded.warnings);
        assert_eq!(ids(&loaded.rules), ["a", "b", "d"]);
    }

    #[test]
    fn companions_are_rules_and_silent_rules_serve_some_rule() {
        let text = "[[rules]]\nid='id'\nregex='abcd'\nskipReport=true\n\
                    [[rules]]\nid='key'\nregex='efgh'\n\
                    [[rules.required]]\nid='id'\nwithinLines=2";
        let loaded = RuleSet::parse(text, "f.toml").expect("it is valid");
        assert!(loaded.warnings.is_empty(), "{:?}", loaded.warnings);
        assert!(rule(&loaded.rules, "id").silent);
        let companion = &rule(&loaded.rules, "key").companions[0];
        assert_eq!(
            (companion.within_lines, companion.optional),
            (Some(2), false)
        );
        for (from, to, says) in [
            (
                "[[rules.required]]\nid='id'",
                "[[rules.required]]\nid='ib'",
                "f.toml:9: rule \"key\" requires \"ib\", which is no rule; did you mean \"id\"?",
            ),
            (
                "[[rules.required]]\nid='id'",
                "[[rules.required]]\nid='key'",
                "f.toml:9: rule \"key\" cannot require itself",
            ),
        ] {
            let errors = errors(&text.replacen(from, to, 1));
            assert!(errors.contains(says), "{errors}");
        }
    }

    #[test]
    fn a_chosen_rule_keeps_its_companions_in_silence() {
        let base = set(
            "[[rules]]\nid='id'\nregex='abcd'\n[[rules]]\nid='more'\nregex='ijkl'\n\
             [[rules]]\nid='key'\nregex='efgh'\n[[rules.required]]\nid='id'\n\
             [[rules.required]]\nid='more'\noptional=true",
        );
        let select = |only: &[&str], except: &[&str]| {
            let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
            let set = base.select(&owned(only), &owned(except));
            let set = set.expect("all names are known");
            set.rules()
                .iter()
                .map(|r| format!("{}{}", r.info.id, if r.silent { "*" } else { "" }))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(select(&["key"], &[]), "id* key more*");
        assert_eq!(select(&[], &["more"]), "id key");
        assert_eq!(select(&[], &["id"]), "id* key more");
        assert_eq!(select(&["id"], &[]), "id");
    }

    #[test]
    fn a_configuration_changes_what_it_gives_and_adds_to_lists() {
        let base = set(BASE);
        let loaded = config(
            r"
[extend]
useDefault = true
disabledRules = ['alpha-other', 'alpha-othr']
[[rules]]
id = 'alpha-key'
entropy = 4.5
tags = ['b']
[rules.allowlist]
regexTarget = 'match'
regexes = ['''^x''']
[[rules]]
id = 'beta-key'
keywords = ['gamma']
[[rules]]
id = 'own'
regex = '''own_[a-z]{9}'''
[[rules]]
id = 'alpha-kye'
[[rules.allowlists]]
stopwords = ['x']
[[allowlists]]
targetRules = ['own', 'generic']
paths = ['a']
[[allowlists]]
stopwords = ['b']
",
            &base,
        )
        .expect("it is valid");
        let set = &loaded.rules;
        assert_eq!(ids(set), ["alpha-key", "beta-key", "own"]);
        let alpha = rule(set, "alpha-key");
        assert!((alpha.entropy - 4.5).abs() < f64::EPSILON);
        assert_eq!(alpha.info.tags, ["a", "b"]);
        assert_eq!(alpha.info.description, "Alpha");
        assert_eq!(alpha.info.severity, Severity::High);
        assert_eq!(alpha.allowlists.len(), 2);
        assert_eq!(alpha.plan, rule(&base, "alpha-key").plan);
        let gate = vec![b"beta".to_vec(), b"gamma".to_vec()];
        assert_eq!(rule(set, "beta-key").plan, Plan::WholeBlob { gate });
        assert_eq!(rule(set, "own").allowlists.len(), 1);
        assert_eq!(set.allowlists.len(), 2);
        let warnings: Vec<String> = loaded.warnings.iter().map(|w| w.message.clone()).collect();
        assert_eq!(warnings.len(), 3, "{warnings:?}");
        assert!(warnings[0].contains("\"alpha-othr\""), "{warnings:?}");
        assert!(
            warnings[1].contains("did you mean \"alpha-key\""),
            "{warnings:?}"
        );
        assert!(warnings[2].contains("\"generic\""), "{warnings:?}");
    }

    #[test]
    fn a_teams_configuration_loads_unchanged() {
        let loaded = config(
            r#"
title = "Team configuration"
minVersion = "v8.25.0"

[extend]
useDefault = true
disabledRules = ["beta-key"]

[[rules]]
id = "team_deploy-key"
description = "Deploy key of our platform"
regex = '''(?i)deploy[_-]?key['"]?\s*[:=]{1,2}\s*['"]?(dk{[a-z0-9]{20}})'''
entropy = 3
keywords = ["deploy_key", "deploy-key", "dk"]
secretGroup = 1
path = '''(?:^|/)(?:deploy|infra)/.*\.ya?ml$'''
    [[rules.allowlists]]
    condition = "AND"
    regexTarget = "line"
    regexes = [ '''#\s*example''', '''[[]sample]''' ]
    paths = ['''_test\.ya?ml$''']
    [[rules.required]]
    id = "alpha-key"
    withinLines = 5
    [[rules.required]]
    id = "team_region"
    withinLines = 3
    withinColumns = 80

[[rules]]
id = "team_region"
regex = '''region-[a-z]{4}'''
skipReport = true

[allowlist]
description = "all rules"
paths = [
  '''(^|/)node_modules/''',
  '''\.(?:png|jpe?g)$''',
]
commits = ["0123456789abcdef0123456789abcdef01234567"]
stopwords = ["changeme"]
"#,
            &set(BASE),
        );
        let loaded = loaded.unwrap_or_else(|errors| panic!("{errors}"));
        let rule = rule(&loaded.rules, "team_deploy-key");
        assert!(
            rule.regex.ends_with(r"(dk\{[a-z0-9]{20}})"),
            "{}",
            rule.regex
        );
        assert_eq!(rule.allowlists[0].regexes[1], r"[\[]sample]");
        assert_eq!(
            ids(&loaded.rules),
            ["alpha-key", "alpha-other", "team_deploy-key", "team_region"]
        );
        let required: Vec<_> = rule
            .companions
            .iter()
            .map(|c| (c.id.as_str(), c.within_lines, c.within_columns, c.optional))
            .collect();
        assert_eq!(
            required,
            [
                ("alpha-key", Some(5), None, false),
                ("team_region", Some(3), Some(80), false)
            ]
        );
        assert_eq!(loaded.rules.allowlists.len(), 2);
        let Plan::Literals { literals, .. } = &rule.plan else {
            panic!("there are literals")
        };
        assert!(
            literals
                .iter()
                .all(|l| l.ignore_case && l.bytes.starts_with(b"deploy"))
        );
        // The expression has no longest match.
        assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
    }

    #[test]
    fn a_new_expression_of_an_inherited_rule_gets_a_new_plan() {
        let base = set(BASE);
        let loaded = config(
            "[extend]\nuseDefault=true\n[[rules]]\nid='alpha-key'\nregex='omega_([a-z]{4})'\n\
             secretGroup=1",
            &base,
        )
        .expect("it is valid");
        let alpha = rule(&loaded.rules, "alpha-key");
        let Plan::Literals { literals, .. } = &alpha.plan else {
            panic!("a prefix is a literal")
        };
        assert_eq!(literals[0].bytes, b"omega_");
        assert_eq!(alpha.secret_group, SecretGroup::Group(1));
        let errors = config(
            "[extend]\nuseDefault=true\n[[rules]]\nid='alpha-key'\nsecretGroup=2",
            &base,
        )
        .expect_err("the expression has one group");
        assert!(errors.to_string().contains(":5: "), "{errors}");
    }

    #[test]
    fn a_configuration_without_extend_stands_alone() {
        let loaded = config("[[rules]]\nid='own'\nregex='own_[a-z]{9}'", &set(BASE));
        let loaded = loaded.expect("it is valid").rules;
        assert_eq!(ids(&loaded), ["own"]);
        assert!(loaded.allowlists.is_empty());
    }

    #[test]
    fn configurations_extend_each_other_by_path() {
        let dir = tempfile::tempdir().expect("a directory can be made");
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::write(&path, text).expect("a file can be written");
            path
        };
        write(
            "b.toml",
            "[extend]\nuseDefault=true\n[[rules]]\nid='b'\nregex='bbbb(c)'\ntags=['1']",
        );
        let a = write(
            "a.toml",
            "[extend]\npath='b.toml'\ndisabledRules=['beta-key']\n[[rules]]\nid='b'\ntags=['2']",
        );
        let loaded = RuleSet::load_config(&a, &set(BASE))
            .expect("it is valid")
            .rules;
        assert_eq!(ids(&loaded), ["alpha-key", "alpha-other", "b"]);
        assert_eq!(rule(&loaded, "b").info.tags, ["1", "2"]);

        let round = write("round.toml", "[extend]\npath='round.toml'");
        let errors = RuleSet::load_config(&round, &set(BASE)).expect_err("it never ends");
        assert!(
            errors.to_string().contains("extend one another"),
            "{errors}"
        );
        let lost = write("lost.toml", "[extend]\npath='gitsieve-no-such-file.toml'");
        let errors = RuleSet::load_config(&lost, &set(BASE)).expect_err("no such file");
        assert_eq!(errors.problems().len(), 2, "{errors}");
        assert!(errors.to_string().contains("cannot be read"), "{errors}");
    }

    #[test]
    fn a_directory_is_one_set_and_all_its_problems_are_reported() {
        let dir = tempfile::tempdir().expect("a directory can be made");
        let write = |name: &str, text: &str| {
            fs::write(dir.path().join(name), text).expect("a file can be written");
        };
        let empty = RuleSet::load(dir.path()).expect_err("there is no file");
        assert!(empty.to_string().contains("holds no rule files"), "{empty}");
        write(
            "a.toml",
            "[[allowlists]]\ntargetRules=['two']\npaths=['x']\n[[rules]]\nid='one'\nregex='aaaa'",
        );
        write(
            "b.toml",
            "[[rules]]\nid='two'\nregex='bbbb'\nexamples=['bbbb']",
        );
        write("README.md", "not a rule");
        let loaded = RuleSet::load(dir.path()).expect("it is valid");
        assert_eq!(ids(&loaded.rules), ["one", "two"]);
        assert_eq!(rule(&loaded.rules, "two").allowlists.len(), 1);
        let second = &loaded.examples[1];
        assert_eq!((second.rule_id.as_str(), second.line), ("two", 2));
        assert!(second.file.ends_with("b.toml"), "{}", second.file);
        assert_eq!(second.examples[0].line, 4);
        write("c.toml", "[[rules]]\nid='one'\nregex='cccc'");
        write("d.toml", "[[rules]]\nid='three'\nregex='('");
        let errors = RuleSet::load(dir.path()).expect_err("two files are wrong");
        assert_eq!(errors.problems().len(), 2, "{errors}");
        let missing = RuleSet::load(&dir.path().join("e.toml")).expect_err("there is no file");
        assert!(
            missing.to_string().contains("e.toml: cannot be read"),
            "{missing}"
        );
    }

    #[test]
    fn merging_replaces_rules_of_the_same_id() {
        let over = set("[[rules]]\nid='beta-key'\nregex='bbbb'\n[[allowlists]]\npaths=['x']");
        let merged = set(BASE).merge(over);
        assert_eq!(ids(&merged), ["alpha-key", "alpha-other", "beta-key"]);
        assert_eq!(rule(&merged, "beta-key").regex, "bbbb");
        assert_eq!(merged.allowlists.len(), 2);
    }

    #[test]
    fn selecting_takes_ids_and_patterns_and_refuses_unknown_ones() {
        let base = set(BASE);
        let select = |only: &[&str], except: &[&str]| {
            let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
            base.select(&owned(only), &owned(except))
        };
        let kept = |only: &[&str], except: &[&str]| {
            let set = select(only, except).expect("all names are known");
            ids(&set).join(" ")
        };
        assert_eq!(kept(&[], &[]), "alpha-key alpha-other beta-key");
        assert_eq!(kept(&["alpha-*"], &[]), "alpha-key alpha-other");
        assert_eq!(kept(&["*-key"], &["beta-key"]), "alpha-key");
        assert_eq!(kept(&[], &["*"]), "");
        let error = select(&["beta-kez"], &["zzz*"]).expect_err("both are unknown");
        assert_eq!(
            error.to_string(),
            "there is no rule \"beta-kez\"; did you mean \"beta-key\"?\nthere is no rule \"zzz*\""
        );
    }

    #[test]
    fn the_hash_follows_what_is_found_and_nothing_else() {
        let base = set(BASE);
        let hash = base.hash();
        assert_eq!(hash.len(), 64);
        let parts: Vec<&str> = BASE.split("[[rules]]").collect();
        let (last, allowlists) = parts[3].split_once("[[allowlists]]").expect("it has one");
        let reordered = format!(
            "[[allowlists]]{allowlists}[[rules]]{last}[[rules]]{}[[rules]]{}",
            parts[2], parts[1]
        );
        assert_eq!(set(&reordered).hash(), hash);
        assert_eq!(set(&BASE.replace("'Alpha'", "'Other'")).hash(), hash);
        assert_eq!(set(&BASE.replace("['a']", "['b']")).hash(), hash);
        for (from, to) in [
            ("{16}", "{17}"),
            ("3.0", "3.1"),
            ("'high'", "'low'"),
            ("'example'", "'sample'"),
            ("'beta'", "'betta'"),
            (".lock", ".sum"),
            ("id = 'alpha-other'", "id = 'alpha-xther'"),
            ("keywords = ['alpha_']", "secretGroup = 1"),
            ("keywords = ['alpha_']", "generic = true"),
            ("keywords = ['alpha_']", "path = 'x'"),
            (
                "keywords = ['alpha_']",
                "required = [{id = 'beta-key', optional = true}]",
            ),
        ] {
            assert_ne!(
                set(&BASE.replacen(from, to, 1)).hash(),
                hash,
                "{from} -> {to}"
            );
        }
        assert_ne!(base.merge(set("[[allowlists]]\npaths=['x']")).hash(), hash);
    }

    #[test]
    fn built_in_rules_are_what_their_files_say() {
        let patterns = Path::new(env!("CARGO_MANIFEST_DIR")).join("../patterns");
        let builtin = RuleSet::builtin();
        let loaded = RuleSet::load(&patterns).expect("the build has accepted them");
        let mut read = loaded.rules.rules().to_vec();
        for rule in &mut read {
            rule.builtin = true;
        }
        let read = RuleSet::new(read, loaded.rules.allowlists);
        assert_eq!(builtin.hash(), read.hash());
        assert_eq!(builtin.outlines(), read.outlines());
        for (number, read) in (0..).zip(read.rules()) {
            let ours = builtin.rule(number);
            assert_eq!(builtin.number_of(&read.info.id), Some(number));
            assert_eq!(ours.info, read.info);
            assert_eq!(ours.plan, read.plan);
        }
    }

    #[test]
    fn rules_are_found_by_id_whether_packed_or_not() {
        let base = set(BASE);
        assert_eq!(base.number_of("alpha-other"), Some(1));
        assert_eq!(base.rule(1).info.id, "alpha-other");
        for set in [&base, &RuleSet::builtin(), &RuleSet::default()] {
            for other in ["", "github", "zzzz"] {
                assert_eq!(set.number_of(other), None);
            }
        }
    }
}
