//! Every built-in rule proves itself on its own examples. Reads the files as they are, apart from
//! the loader, so that a fault in one does not hide in the other.

use super::{entropy, example, validate};
use crate::model::{Confidence, Proof, Severity};
use crate::rules::Validator;
use regex_automata::{meta::Regex, util::syntax};
use regex_syntax::hir::literal::Extractor;
use serde::Deserialize;
use std::{collections::BTreeSet, fs, path::PathBuf};

/// Times that each example is expanded.
const SEEDS: u64 = 20;
const DEFAULT_MAX_LENGTH: usize = 8192;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rules: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    description: String,
    severity: String,
    confidence: String,
    regex: String,
    #[serde(rename = "secretGroup")]
    secret_group: Option<usize>,
    #[serde(default)]
    entropy: f64,
    max_length: Option<usize>,
    #[serde(default)]
    validate: Vec<String>,
    #[serde(default)]
    drop_if_invalid: bool,
    #[serde(default, rename = "generic")]
    _generic: bool,
    /// Rules of assignments have no secret in their expression; `confirm` tests them.
    assignment: Option<String>,
    /// `confirm` tests what the value filters drop.
    judge: Option<String>,
    #[serde(default, rename = "skipReport")]
    skip_report: bool,
    #[serde(default)]
    required: Vec<Required>,
    path: Option<String>,
    remediation: String,
    #[serde(default)]
    references: Vec<String>,
    tags: Vec<String>,
    examples: Vec<String>,
    negative_examples: Vec<String>,
    #[serde(default)]
    allowlists: Vec<Allow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Allow {
    description: String,
    #[serde(default, rename = "regexTarget")]
    regex_target: String,
    #[serde(default)]
    regexes: Vec<String>,
    #[serde(default)]
    stopwords: Vec<String>,
    #[serde(default)]
    paths: Vec<String>,
}

/// Another rule; the loader checks that it exists.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Required {
    #[serde(rename = "id")]
    _id: String,
    #[serde(rename = "withinLines")]
    _within_lines: Option<u32>,
    #[serde(rename = "withinColumns")]
    _within_columns: Option<u32>,
    optional: bool,
}

struct Compiled {
    entry: Entry,
    regex: Regex,
    validators: Vec<Validator>,
    allow: Vec<(String, Vec<Regex>, Vec<String>)>,
}

fn compile(pattern: &str) -> Regex {
    Regex::builder()
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .configure(Regex::config().utf8_empty(false))
        .build(pattern)
        .unwrap_or_else(|error| panic!("{pattern}: {error}"))
}

fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../patterns")
}

fn files() -> Vec<(String, String)> {
    let mut files: Vec<_> = fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn entries() -> Vec<(String, Vec<Entry>)> {
    let parse = |(name, text): (String, String)| {
        let file: File = toml::from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        (name, file.rules)
    };
    files().into_iter().map(parse).collect()
}

fn rules() -> Vec<Compiled> {
    entries()
        .into_iter()
        .flat_map(|(_, entries)| entries)
        .filter(|entry| entry.assignment.is_none() && entry.judge.is_none())
        .map(|entry| Compiled {
            regex: compile(&entry.regex),
            validators: entry
                .validate
                .iter()
                .map(|name| Validator::from_name(name).unwrap_or_else(|| panic!("{name}")))
                .collect(),
            allow: entry
                .allowlists
                .iter()
                .map(|allow| {
                    let regexes = allow.regexes.iter().map(|r| compile(r)).collect();
                    (allow.regex_target.clone(), regexes, allow.stopwords.clone())
                })
                .collect(),
            entry,
        })
        .collect()
}

impl Compiled {
    /// The secrets that the rule reports in a text, with what the checks say of each.
    fn accepted<'t>(&self, text: &'t [u8]) -> Vec<(&'t [u8], Vec<Proof>)> {
        let mut found = Vec::new();
        for captures in self.regex.captures_iter(text) {
            let whole = captures.get_match().unwrap();
            let group = match self.entry.secret_group {
                Some(group) => captures.get_group(group),
                None => (1..captures.group_len())
                    .filter_map(|group| captures.get_group(group))
                    .find(|span| !span.is_empty())
                    .or(captures.get_group(0)),
            };
            let group = group.unwrap_or_else(|| panic!("{}: no group", self.entry.id));
            let secret = &text[group.range()];
            let limit = self.entry.max_length.unwrap_or(DEFAULT_MAX_LENGTH);
            let proofs: Vec<_> = self
                .validators
                .iter()
                .map(|&v| validate::check(v, secret))
                .collect();
            let line_start = memchr::memrchr(b'\n', &text[..whole.start()]).map_or(0, |at| at + 1);
            let line_end = memchr::memchr(b'\n', &text[whole.end()..])
                .map_or(text.len(), |at| whole.end() + at);
            let allowed = self.allow.iter().any(|(target, regexes, stopwords)| {
                let on = match target.as_str() {
                    "match" => &text[whole.range()],
                    "line" => &text[line_start..line_end],
                    _ => secret,
                };
                let lower = secret.to_ascii_lowercase();
                regexes.iter().any(|r| r.is_match(on))
                    || stopwords
                        .iter()
                        .any(|w| memchr::memmem::find(&lower, w.as_bytes()).is_some())
            });
            if !secret.is_empty()
                && whole.len() <= limit
                && entropy::shannon(secret) >= self.entry.entropy
                && !(self.entry.drop_if_invalid && proofs.contains(&Proof::Failed))
                && !allowed
            {
                found.push((secret, proofs));
            }
        }
        found
    }
}

#[test]
fn every_rule_finds_its_examples_and_their_checks_hold() {
    let mut faults = Vec::new();
    for rule in rules() {
        for template in &rule.entry.examples {
            for seed in 0..SEEDS {
                let text = example::expand(template, seed)
                    .unwrap_or_else(|e| panic!("{}: {template}: {e}", rule.entry.id));
                let found = rule.accepted(&text);
                let proven = found
                    .iter()
                    .any(|(_, proofs)| !proofs.contains(&Proof::Failed));
                if !proven {
                    faults.push(format!(
                        "{} seed {seed}: {template}: {:?}",
                        rule.entry.id,
                        found.iter().map(|(_, proofs)| proofs).collect::<Vec<_>>()
                    ));
                    break;
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_rule_takes_its_negative_examples() {
    let mut faults = Vec::new();
    for rule in rules() {
        for template in &rule.entry.negative_examples {
            for seed in 0..SEEDS {
                let text = example::expand(template, seed)
                    .unwrap_or_else(|e| panic!("{}: {template}: {e}", rule.entry.id));
                if !rule.accepted(&text).is_empty() {
                    faults.push(format!("{} seed {seed}: {template}", rule.entry.id));
                    break;
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn rules_are_complete_and_in_order() {
    let mut ids = BTreeSet::new();
    for (file, entries) in entries() {
        for pair in entries.windows(2) {
            assert!(
                pair[0].id < pair[1].id,
                "{file}: {} is out of order",
                pair[1].id
            );
        }
        for entry in entries {
            let id = &entry.id;
            assert!(ids.insert(id.clone()), "{id} twice");
            let kebab = |b: u8| b == b'-' || b.is_ascii_lowercase() || b.is_ascii_digit();
            assert!(
                id.bytes().all(kebab) && !id.starts_with('-') && !id.ends_with('-'),
                "{id}"
            );
            assert!(
                !entry.description.is_empty() && !entry.description.ends_with('.'),
                "{id}"
            );
            entry
                .severity
                .parse::<Severity>()
                .unwrap_or_else(|e| panic!("{id}: {e}"));
            entry
                .confidence
                .parse::<Confidence>()
                .unwrap_or_else(|e| panic!("{id}: {e}"));
            assert!(entry.examples.len() >= 3, "{id}: examples");
            assert!(
                entry.negative_examples.len() >= 3,
                "{id}: negative examples"
            );
            assert!(
                entry.remediation.ends_with('.') && !entry.remediation.contains('\n'),
                "{id}"
            );
            assert!(
                entry.references.iter().all(|r| r.starts_with("https://")),
                "{id}"
            );
            assert!(!entry.tags.is_empty(), "{id}: tags");
            assert!(entry.path.is_none_or(|path| !path.is_empty()), "{id}: path");
            assert!(
                entry.allowlists.iter().all(|a| !a.description.is_empty()),
                "{id}"
            );
            let stopwords = entry.allowlists.iter().flat_map(|a| &a.stopwords);
            assert!(
                stopwords.into_iter().all(|w| *w == w.to_ascii_lowercase()),
                "{id}"
            );
            for path in entry.allowlists.iter().flat_map(|a| &a.paths) {
                compile(path);
            }
            assert!(
                !entry.drop_if_invalid || !entry.validate.is_empty(),
                "{id}: nothing to be invalid by"
            );
            assert!(
                entry.required.iter().all(|r| r.optional),
                "{id}: a half alone is worth a word"
            );
            let guarded = entry.regex.ends_with("$)") || entry.regex.starts_with("(?:^|");
            assert!(
                !guarded || entry.secret_group != Some(0),
                "{id}: the guard is no secret"
            );
        }
    }
}

/// The engines look for literals; a rule whose expression does not begin with one is slow.
#[test]
fn every_expression_has_a_literal_near_its_start() {
    let mut faults = Vec::new();
    for rule in rules() {
        let hir = regex_syntax::ParserBuilder::new()
            .unicode(false)
            .utf8(false)
            .build()
            .parse(&rule.entry.regex)
            .unwrap();
        let prefixes = Extractor::new()
            .limit_total(4096)
            .limit_class(64)
            .extract(&hir);
        let shortest = prefixes.min_literal_len().unwrap_or(0);
        // These have their literal behind a part of fixed length.
        let inner = rule.entry.tags.iter().any(|tag| tag == "inner-literal");
        if shortest < 3 && !inner {
            faults.push(format!("{}: {shortest}", rule.entry.id));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// These files, the code that tests them and its documentation, as a scan of this repository
/// sees them.
#[test]
fn what_is_written_about_secrets_holds_none() {
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let paths = [directory(), source.join("rules"), source.join("filter")]
        .into_iter()
        .flat_map(|directory| fs::read_dir(directory).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file());
    let rules = rules();
    let mut faults = Vec::new();
    for path in paths {
        let text = fs::read(&path).unwrap();
        // What never reports alone is no secret alone.
        for rule in rules.iter().filter(|rule| !rule.entry.skip_report) {
            for (secret, _) in rule.accepted(&text) {
                let text = String::from_utf8_lossy(secret);
                faults.push(format!("{}: {}: {text}", path.display(), rule.entry.id));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
