//! Rules of other scanners, written again in our format.
//!
//! A format's file turns its rules into `Foreign` ones; what they have in common is here and in
//! `write`: expressions are made to mean in our reading what they mean in theirs, unbounded ones
//! get a longest match, examples become templates, and every rule has to pass the loader by itself
//! before it goes into the result. What cannot be carried is said, rule by rule, and written into
//! the file as comments beside the rule.

mod bitbucket;
mod kingfisher;
mod noseyparker;
mod pattern;
mod write;
mod yaml;

use super::{Problem, RuleErrors, RuleSet, rule::DEFAULT_MAX_MATCH_BYTES};
use crate::model::Confidence;
use std::collections::BTreeSet;

/// Whose rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportFormat {
    /// Nosey Parker: YAML.
    NoseyParker,
    /// Kingfisher 1: YAML, a superset of Nosey Parker's.
    Kingfisher,
    /// Bitbucket Data Center's secret scanning: the JSON of its REST resources.
    Bitbucket,
}

impl ImportFormat {
    fn name(self) -> &'static str {
        match self {
            Self::NoseyParker => "noseyparker",
            Self::Kingfisher => "kingfisher",
            Self::Bitbucket => "bitbucket",
        }
    }
}

/// The result of an import.
#[derive(Debug, Clone)]
pub struct Imported {
    /// A rule file that the loader takes.
    pub text: String,
    /// How many rules are in it.
    pub rules: usize,
    /// How many rules were left out.
    pub left_out: usize,
    /// What was left out or changed, by file and line (0 where the format tells none). Holds no
    /// text of an expression or example.
    pub notes: Vec<Problem>,
}

/// A rule in the making.
#[derive(Debug, Default)]
struct Foreign {
    id: String,
    line: u32,
    description: String,
    pattern: Option<pattern::Pattern>,
    secret_group: Option<u32>,
    entropy: Option<f64>,
    path: Option<String>,
    confidence: Option<Confidence>,
    tags: Vec<String>,
    references: Vec<String>,
    examples: Vec<String>,
    negative_examples: Vec<String>,
    /// Expressions on the secret: what one matches is dropped.
    dropped_secrets: Vec<String>,
    /// Words: a secret that holds one is dropped.
    stopwords: Vec<String>,
    /// What was changed or is missing.
    notes: Vec<String>,
}

/// What one file gives.
#[derive(Debug, Default)]
struct Reading {
    rules: Vec<Foreign>,
    /// Line, and why the rule or part there is not carried.
    left_out: Vec<(u32, String)>,
    /// Line, and what else is worth saying.
    notes: Vec<(u32, String)>,
}

/// Converts rule files, each a name for messages and a text.
///
/// # Errors
/// Files that are not of the format at all.
pub fn import(format: ImportFormat, files: &[(String, String)]) -> Result<Imported, RuleErrors> {
    let mut ids = BTreeSet::new();
    let mut body = String::new();
    let mut rules = 0;
    let mut left_out = 0;
    let mut notes = Vec::new();
    let mut errors = Vec::new();
    for (name, text) in files {
        let note = |(line, message)| Problem {
            file: name.clone(),
            line,
            message,
        };
        let reading = match format {
            ImportFormat::NoseyParker => noseyparker::read(text),
            ImportFormat::Kingfisher => kingfisher::read(text),
            ImportFormat::Bitbucket => bitbucket::read(text),
        };
        let reading = match reading {
            Ok(reading) => reading,
            Err(error) => {
                errors.push(note(error));
                continue;
            }
        };
        left_out += reading.left_out.len();
        for (_, message) in &reading.left_out {
            body.push_str(&write::comment(&format!("Left out: {message}")));
            body.push('\n');
        }
        notes.extend(reading.left_out.into_iter().map(note));
        notes.extend(reading.notes.into_iter().map(note));
        for mut rule in reading.rules {
            rule.id = unused_id(&rule.id, &mut ids);
            bound(&mut rule);
            let written = write::rule(&rule);
            let at = |message: &str| (rule.line, format!("rule {:?}: {message}", rule.id));
            // By itself, so that one bad rule costs no other.
            match RuleSet::parse(&written, name) {
                Ok(_) => {
                    notes.extend(rule.notes.iter().map(|n| note(at(n))));
                    body.push_str(&written);
                    body.push('\n');
                    rules += 1;
                }
                Err(refused) => {
                    for problem in refused.problems() {
                        let message = at(&format!("left out: {}", problem.message));
                        body.push_str(&write::comment(&message.1));
                        body.push('\n');
                        notes.push(note(message));
                    }
                    left_out += 1;
                }
            }
        }
    }
    if !errors.is_empty() {
        return Err(RuleErrors::new(errors));
    }
    let text = write::file(format.name(), rules, left_out, &body);
    RuleSet::parse(&text, "the converted rules")?;
    notes.sort();
    Ok(Imported {
        text,
        rules,
        left_out,
        notes,
    })
}

/// An id that our files take and that no other rule has.
fn unused_id(wanted: &str, taken: &mut BTreeSet<String>) -> String {
    let usable = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    let mut id: String = wanted
        .chars()
        .map(|c| if usable(c) { c } else { '-' })
        .collect();
    if id.is_empty() {
        id.push_str("rule");
    }
    let plain = id.clone();
    let mut number = 2;
    while !taken.insert(id.clone()) {
        id = format!("{plain}-{number}");
        number += 1;
    }
    id
}

/// Says what a bound changes.
fn bound(rule: &mut Foreign) {
    if let Some(pattern) = &mut rule.pattern
        && pattern.max_length.is_none()
        && pattern.is_unbounded()
    {
        pattern.max_length = Some(DEFAULT_MAX_MATCH_BYTES);
        rule.notes.push(format!(
            "its expression has no longest match: bounded to {DEFAULT_MAX_MATCH_BYTES} bytes \
             (max_length)"
        ));
    }
}

/// Lower-case words of a name, joined by dashes.
fn slug(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    out.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests;
