//! Sets of rules: loading, merging, selecting, hashing.
//!
//! The only place of the core that reads rule files. Which files to read is the caller's choice.

use super::{
    file::{self, RuleFile},
    problem::{Problem, RuleErrors, suggestion},
    resolve::{Draft, RuleExamples},
    rule::{Allowlist, Condition, Plan, RegexTarget, Rule, SecretGroup},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Files beyond this are no rule files.
const MAX_FILE_BYTES: u64 = 16 << 20;
/// Configurations that extend each other by path, one after the other.
const MAX_EXTEND_DEPTH: usize = 8;

/// A validated selection of rules.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    rules: Vec<Rule>,
    allowlists: Vec<Allowlist>,
}

/// Rules from files, and what is worth saying about them.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// The rules.
    pub rules: RuleSet,
    /// Things that are allowed and may not be meant, sorted by file and line.
    pub warnings: Vec<Problem>,
    /// The texts by which rules prove themselves, for those that have any.
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
        Self { rules, allowlists }
    }

    /// The rules that come with the library. Costs well under a millisecond: nothing is parsed and
    /// no expression is compiled.
    pub fn builtin() -> Self {
        let (rules, allowlists) = crate::builtin::rules();
        Self::new(rules, allowlists)
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
            Draft::on(&default.rules, &default.allowlists)
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
        for rule in self.rules.into_iter().chain(other.rules) {
            rules.insert(rule.info.id.clone(), rule);
        }
        Self {
            rules: rules.into_values().collect(),
            allowlists: [self.allowlists, other.allowlists].concat(),
        }
    }

    /// Keeps the rules that one of `only` names (all if empty) and none of `except`. `*` in a name
    /// stands for any text: `github-*`.
    ///
    /// # Errors
    /// Names every id or pattern that no rule of this set answers to.
    pub fn select(&self, only: &[String], except: &[String]) -> Result<Self, UnknownRules> {
        let ids = || self.rules.iter().map(|rule| rule.info.id.as_str());
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
        let rules = self
            .rules
            .iter()
            .filter(|rule| {
                let id = &rule.info.id;
                (only.is_empty() || names(only, id)) && !names(except, id)
            })
            .cloned()
            .collect();
        Ok(Self {
            rules,
            allowlists: self.allowlists.clone(),
        })
    }

    /// The rules, sorted by id.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Allowlists over all rules.
    pub fn allowlists(&self) -> &[Allowlist] {
        &self.allowlists
    }

    /// Returns 64 hexadecimal digits of BLAKE3 over everything that decides what is found and how
    /// it is rated: two sets of the same hash give the same findings. The order of files and of
    /// lists, and texts for people, do not count.
    pub fn hash(&self) -> String {
        let mut out = Canonical::default();
        out.text("gitsieve rule set 1");
        out.number(self.rules.len() as u64);
        for rule in &self.rules {
            out.rule(rule);
        }
        out.sorted(&self.allowlists, Canonical::allowlist);
        blake3::hash(&out.bytes).to_hex().to_string()
    }
}

fn finish(mut draft: Draft) -> Result<Loaded, RuleErrors> {
    draft.seal();
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

/// Bytes to hash: every value is preceded by its length or is of a fixed one, so that no two rule
/// sets give the same.
#[derive(Default)]
struct Canonical {
    bytes: Vec<u8>,
}

impl Canonical {
    fn number(&mut self, n: u64) {
        self.bytes.extend_from_slice(&n.to_le_bytes());
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        self.raw(text.as_bytes());
    }

    /// The items in an order that does not depend on theirs.
    fn sorted<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        let mut parts: Vec<Vec<u8>> = items
            .iter()
            .map(|item| {
                let mut part = Self::default();
                write(&mut part, item);
                part.bytes
            })
            .collect();
        parts.sort();
        self.number(parts.len() as u64);
        for part in parts {
            self.raw(&part);
        }
    }

    fn texts(&mut self, texts: &[String]) {
        self.sorted(texts, |out, text| out.text(text));
    }

    fn rule(&mut self, rule: &Rule) {
        let Rule {
            info,
            regex,
            unicode,
            secret_group,
            entropy,
            plan,
            path,
            allowlists,
            validate,
            drop_if_invalid,
            generic,
        } = rule;
        self.text(&info.id);
        self.text(info.severity.as_str());
        self.text(info.confidence.as_str());
        self.text(regex);
        self.number(u64::from(*unicode));
        self.number(match secret_group {
            SecretGroup::FirstNonEmpty => u64::MAX,
            SecretGroup::Group(n) => u64::from(*n),
        });
        self.number(entropy.to_bits());
        match plan {
            Plan::Literals {
                literals,
                max_match_bytes,
            } => {
                self.number(1);
                self.sorted(literals, |out, literal| {
                    out.raw(&literal.bytes);
                    out.number(u64::from(literal.ignore_case));
                    out.number(u64::from(literal.before_min));
                    out.number(u64::from(literal.before_max));
                });
                self.number(u64::from(*max_match_bytes));
            }
            Plan::WholeBlob { gate } => {
                self.number(2);
                self.sorted(gate, |out, word| out.raw(word));
            }
        }
        self.number(u64::from(path.is_some()));
        self.text(path.as_deref().unwrap_or_default());
        self.sorted(allowlists, Self::allowlist);
        self.sorted(validate, |out, validator| out.text(validator.name()));
        self.number(u64::from(*drop_if_invalid));
        self.number(u64::from(*generic));
    }

    fn allowlist(&mut self, allowlist: &Allowlist) {
        let Allowlist {
            description: _,
            condition,
            regex_target,
            regexes,
            stopwords,
            paths,
            commits,
        } = allowlist;
        self.number(match condition {
            Condition::Or => 0,
            Condition::And => 1,
        });
        self.number(match regex_target {
            RegexTarget::Secret => 0,
            RegexTarget::Match => 1,
            RegexTarget::Line => 2,
        });
        for texts in [regexes, stopwords, paths, commits] {
            self.texts(texts);
        }
    }
}
