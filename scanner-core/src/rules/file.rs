//! The syntax of rule files: a superset of the gitleaks configuration format, in TOML.
//!
//! A file is read as a tree with positions and walked by hand. Deriving the walk with serde was
//! refused: it stops at the first problem, and a person who corrects a file wants all of them, each
//! with its line. Nothing is ever ignored silently: a key that is not known, or known and not
//! supported, is a problem.
//!
//! Names of keys are compared without case, as gitleaks does.

use super::{
    expression::Expression,
    literals::MAX_MATCH_BYTES,
    problem::{Problem, suggestion},
    rule::{Allowlist, Companion, Condition, DEFAULT_COMPANION_LINES, NameKind, RegexTarget},
    validator::Validator,
};
use crate::model::{Confidence, Severity};
use std::{collections::BTreeMap, ops::Range, str::FromStr};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// A value and the line where it stands.
#[derive(Debug, Clone)]
pub(crate) struct At<T> {
    pub(crate) value: T,
    pub(crate) line: u32,
}

/// What a rule file says, each value valid by itself.
#[derive(Debug)]
pub(crate) struct RuleFile {
    /// Name for messages.
    pub(crate) name: String,
    pub(crate) extend: Option<At<Extend>>,
    pub(crate) allowlists: Vec<GlobalAllowlist>,
    pub(crate) rules: Vec<RuleDraft>,
}

/// `[extend]`: what a configuration builds on.
#[derive(Debug, Default)]
pub(crate) struct Extend {
    pub(crate) use_default: Option<At<bool>>,
    pub(crate) path: Option<At<String>>,
    pub(crate) disabled_rules: Vec<At<String>>,
}

/// An allowlist over all rules, or over those that it names.
#[derive(Debug)]
pub(crate) struct GlobalAllowlist {
    pub(crate) allowlist: Allowlist,
    /// Rule ids; all rules when empty.
    pub(crate) target_rules: Vec<At<String>>,
}

/// A rule as written: in a configuration that extends another, one that leaves out what it takes
/// over.
#[derive(Debug)]
pub(crate) struct RuleDraft {
    pub(crate) id: At<String>,
    pub(crate) description: Option<String>,
    pub(crate) regex: Option<At<Expression>>,
    pub(crate) keywords: Option<At<Vec<String>>>,
    pub(crate) entropy: Option<f64>,
    pub(crate) secret_group: Option<At<u32>>,
    pub(crate) path: Option<At<String>>,
    pub(crate) tags: Vec<String>,
    pub(crate) skip_report: Option<At<bool>>,
    pub(crate) required: Vec<At<Companion>>,
    pub(crate) allowlists: Vec<Allowlist>,
    pub(crate) severity: Option<Severity>,
    pub(crate) confidence: Option<Confidence>,
    pub(crate) validate: Option<Vec<Validator>>,
    pub(crate) drop_if_invalid: Option<bool>,
    pub(crate) generic: Option<bool>,
    pub(crate) assignment: Option<NameKind>,
    pub(crate) judge: Option<NameKind>,
    pub(crate) remediation: Option<String>,
    pub(crate) references: Option<Vec<String>>,
    pub(crate) examples: Vec<At<String>>,
    pub(crate) negative_examples: Vec<At<String>>,
    pub(crate) max_length: Option<u32>,
}

const TOP_KEYS: &[&str] = &[
    "title",
    "description",
    "minVersion",
    "extend",
    "allowlist",
    "allowlists",
    "rules",
];
const EXTEND_KEYS: &[&str] = &["useDefault", "path", "url", "disabledRules"];
const ALLOWLIST_KEYS: &[&str] = &[
    "description",
    "condition",
    "regexTarget",
    "regexes",
    "stopwords",
    "paths",
    "commits",
];
const GLOBAL_ALLOWLIST_KEYS: &[&str] = &[
    "description",
    "condition",
    "regexTarget",
    "regexes",
    "stopwords",
    "paths",
    "commits",
    "targetRules",
];
const REQUIRED_KEYS: &[&str] = &["id", "withinLines", "withinColumns", "optional"];
const RULE_KEYS: &[&str] = &[
    "id",
    "description",
    "regex",
    "keywords",
    "entropy",
    "secretGroup",
    "path",
    "tags",
    "skipReport",
    "required",
    "allowlist",
    "allowlists",
    "severity",
    "confidence",
    "validate",
    "drop_if_invalid",
    "generic",
    "assignment",
    "judge",
    "remediation",
    "references",
    "examples",
    "negative_examples",
    "max_length",
    "unicode",
];

/// Largest distance that a companion rule can be given, in lines or columns.
const MAX_COMPANION_DISTANCE: u32 = 1_000_000_000;

/// Reads the text of a rule file named `name` in messages.
///
/// # Errors
/// Every problem of the file.
pub(crate) fn parse(text: &str, name: &str) -> Result<RuleFile, Vec<Problem>> {
    let mut reader = Reader {
        name,
        line_starts: std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect(),
        problems: Vec::new(),
    };
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let line = error.span().map_or(0, |span| reader.line(&span));
        reader.problem(line, format!("not valid TOML: {}", error.message()));
    }
    // What a broken file seems to say is no base for more messages.
    if !reader.problems.is_empty() {
        return Err(reader.problems);
    }
    let file = reader.file(root.get_ref());
    if reader.problems.is_empty() {
        Ok(file)
    } else {
        reader.problems.sort();
        Err(reader.problems)
    }
}

/// The entries of a table by known key: the key as the file writes it, its line, and the value.
type Entries<'t, 'i> = BTreeMap<&'static str, Entry<'t, 'i>>;

struct Entry<'t, 'i> {
    key: &'static str,
    line: u32,
    value: &'t Spanned<DeValue<'i>>,
}

struct Reader<'a> {
    name: &'a str,
    line_starts: Vec<usize>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn problem(&mut self, line: u32, message: impl Into<String>) {
        self.problems.push(Problem {
            file: self.name.to_owned(),
            line,
            message: message.into(),
        });
    }

    fn line(&self, span: &Range<usize>) -> u32 {
        self.line_starts.partition_point(|s| *s <= span.start) as u32
    }

    /// Sorts a table's entries by known keys; what is not known is a problem.
    fn entries<'t, 'i>(
        &mut self,
        table: &'t DeTable<'i>,
        known: &'static [&'static str],
        place: &str,
    ) -> Entries<'t, 'i> {
        let mut entries = Entries::new();
        for (key, value) in table {
            let line = self.line(&key.span());
            let written = key.get_ref().as_ref();
            let Some(name) = known.iter().find(|k| k.eq_ignore_ascii_case(written)) else {
                let near = suggestion(written, known.iter().copied());
                self.problem(line, format!("unknown key {written:?} in {place}{near}"));
                continue;
            };
            let entry = Entry {
                key: name,
                line,
                value,
            };
            if entries.insert(name, entry).is_some() {
                self.problem(line, format!("key {name:?} is given twice in {place}"));
            }
        }
        entries
    }

    fn mismatch(&mut self, entry: &Entry<'_, '_>, wanted: &str) {
        let found = entry.value.get_ref().type_str();
        let message = format!("key {:?} is of type {found}, expected {wanted}", entry.key);
        self.problem(entry.line, message);
    }

    fn string(&mut self, entry: Option<&Entry<'_, '_>>) -> Option<At<String>> {
        let entry = entry?;
        let Some(text) = entry.value.get_ref().as_str() else {
            self.mismatch(entry, "a string");
            return None;
        };
        Some(At {
            value: text.to_owned(),
            line: self.line(&entry.value.span()),
        })
    }

    fn boolean(&mut self, entry: Option<&Entry<'_, '_>>) -> Option<At<bool>> {
        let entry = entry?;
        let Some(value) = entry.value.get_ref().as_bool() else {
            self.mismatch(entry, "true or false");
            return None;
        };
        Some(At {
            value,
            line: entry.line,
        })
    }

    /// A number from `range`.
    fn integer(&mut self, entry: Option<&Entry<'_, '_>>, range: Range<u32>) -> Option<At<u32>> {
        let entry = entry?;
        let value = entry
            .value
            .get_ref()
            .as_integer()
            .and_then(|n| u32::from_str_radix(n.as_str(), n.radix()).ok())
            .filter(|n| range.contains(n));
        let Some(value) = value else {
            let wanted = format!("a whole number from {} to {}", range.start, range.end - 1);
            let message = format!("key {:?}: expected {wanted}", entry.key);
            self.problem(entry.line, message);
            return None;
        };
        Some(At {
            value,
            line: entry.line,
        })
    }

    /// Bits a byte.
    fn entropy(&mut self, entry: Option<&Entry<'_, '_>>) -> Option<f64> {
        let entry = entry?;
        let value = entry.value.get_ref();
        let number: Option<f64> = value
            .as_float()
            .and_then(|n| n.as_str().parse().ok())
            .or_else(|| value.as_integer().and_then(|n| n.as_str().parse().ok()))
            .filter(|n| (0.0..=8.0).contains(n));
        if number.is_none() {
            let message = format!("key {:?}: expected a number from 0 to 8", entry.key);
            self.problem(entry.line, message);
        }
        number
    }

    fn strings(&mut self, entry: Option<&Entry<'_, '_>>) -> Vec<At<String>> {
        let Some(entry) = entry else {
            return Vec::new();
        };
        let Some(array) = entry.value.get_ref().as_array() else {
            self.mismatch(entry, "an array of strings");
            return Vec::new();
        };
        let mut out = Vec::with_capacity(array.len());
        for item in array {
            let line = self.line(&item.span());
            if let Some(text) = item.get_ref().as_str() {
                out.push(At {
                    value: text.to_owned(),
                    line,
                });
            } else {
                let found = item.get_ref().type_str();
                let key = entry.key;
                let message =
                    format!("key {key:?} holds a value of type {found}, expected strings");
                self.problem(line, message);
            }
        }
        out
    }

    fn plain_strings(&mut self, entry: Option<&Entry<'_, '_>>) -> Vec<String> {
        self.strings(entry).into_iter().map(|s| s.value).collect()
    }

    /// A value out of a few.
    fn choice<T: FromStr<Err: std::fmt::Display>>(
        &mut self,
        entry: Option<&Entry<'_, '_>>,
    ) -> Option<T> {
        let text = self.string(entry)?;
        match text.value.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                let key = entry.map_or("", |e| e.key);
                self.problem(text.line, format!("key {key:?}: {error}"));
                None
            }
        }
    }

    fn table<'t, 'i>(&mut self, entry: &Entry<'t, 'i>) -> Option<&'t DeTable<'i>> {
        let table = entry.value.get_ref().as_table();
        if table.is_none() {
            self.mismatch(entry, &format!("a table: [{}]", entry.key));
        }
        table
    }

    /// The tables of an array, each with the line of its header.
    fn tables<'t, 'i>(
        &mut self,
        entry: Option<&Entry<'t, 'i>>,
        header: &str,
    ) -> Vec<(u32, &'t DeTable<'i>)> {
        let Some(entry) = entry else {
            return Vec::new();
        };
        let tables: Option<Vec<(u32, &DeTable<'_>)>> =
            entry.value.get_ref().as_array().and_then(|array| {
                array
                    .iter()
                    .map(|item| Some((self.line(&item.span()), item.get_ref().as_table()?)))
                    .collect()
            });
        tables.unwrap_or_else(|| {
            self.mismatch(entry, &format!("an array of tables: {header}"));
            Vec::new()
        })
    }

    /// Parses an expression; its problems name the key.
    fn expression(
        &mut self,
        key: &str,
        text: &At<String>,
        unicode: Option<bool>,
    ) -> Option<Expression> {
        match Expression::parse(&text.value, unicode) {
            Ok(expression) => Some(expression),
            Err(error) => {
                self.problem(text.line, format!("key {key:?}: {error}"));
                None
            }
        }
    }

    fn expressions(&mut self, entry: Option<&Entry<'_, '_>>) -> Vec<String> {
        let key = entry.map_or("", |e| e.key);
        self.strings(entry)
            .iter()
            .filter_map(|text| self.expression(key, text, None))
            .map(|expression| expression.source)
            .collect()
    }

    fn file(&mut self, root: &DeTable<'_>) -> RuleFile {
        let entries = self.entries(root, TOP_KEYS, "a rule file");
        for key in ["title", "description", "minVersion"] {
            self.string(entries.get(key));
        }
        let extend = entries.get("extend").and_then(|entry| {
            let table = self.table(entry)?;
            Some(At {
                value: self.extend(table),
                line: entry.line,
            })
        });
        let allowlists = self
            .allowlist_tables(&entries, "")
            .into_iter()
            .filter_map(|(line, table)| self.global_allowlist(line, table))
            .collect();
        let rules = self
            .tables(entries.get("rules"), "[[rules]]")
            .into_iter()
            .map(|(line, table)| self.rule(line, table))
            .collect();
        RuleFile {
            name: self.name.to_owned(),
            extend,
            allowlists,
            rules,
        }
    }

    fn extend(&mut self, table: &DeTable<'_>) -> Extend {
        let entries = self.entries(table, EXTEND_KEYS, "[extend]");
        if let Some(url) = entries.get("url") {
            self.problem(
                url.line,
                "key \"url\" is not supported: rules are never fetched from a network; download \
                 the file and use key \"path\"",
            );
        }
        let extend = Extend {
            use_default: self.boolean(entries.get("useDefault")),
            path: self
                .string(entries.get("path"))
                .filter(|path| !path.value.is_empty()),
            disabled_rules: self.strings(entries.get("disabledRules")),
        };
        if let (Some(path), Some(At { value: true, .. })) = (&extend.path, &extend.use_default) {
            self.problem(
                path.line,
                "keys \"path\" and \"useDefault\" exclude each other: let the file at \"path\" \
                 extend the default",
            );
        }
        extend
    }

    /// The old single form or the array, never both.
    fn allowlist_tables<'t, 'i>(
        &mut self,
        entries: &Entries<'t, 'i>,
        prefix: &str,
    ) -> Vec<(u32, &'t DeTable<'i>)> {
        let mut tables = self.tables(
            entries.get("allowlists"),
            &format!("[[{prefix}allowlists]]"),
        );
        if let Some(entry) = entries.get("allowlist") {
            if entries.contains_key("allowlists") {
                self.problem(
                    entry.line,
                    "keys \"allowlist\" and \"allowlists\" exclude each other: use \"allowlists\"",
                );
            }
            if let Some(table) = self.table(entry) {
                tables.push((entry.line, table));
            }
        }
        tables
    }

    fn global_allowlist(&mut self, line: u32, table: &DeTable<'_>) -> Option<GlobalAllowlist> {
        let entries = self.entries(table, GLOBAL_ALLOWLIST_KEYS, "an allowlist");
        Some(GlobalAllowlist {
            target_rules: self.strings(entries.get("targetRules")),
            allowlist: self.allowlist(line, &entries)?,
        })
    }

    fn rule_allowlist(&mut self, line: u32, table: &DeTable<'_>) -> Option<Allowlist> {
        let entries = self.entries(table, ALLOWLIST_KEYS, "a rule's allowlist");
        self.allowlist(line, &entries)
    }

    fn allowlist(&mut self, line: u32, entries: &Entries<'_, '_>) -> Option<Allowlist> {
        let known = self.problems.len();
        let description = self
            .string(entries.get("description"))
            .map_or_else(String::new, |s| s.value);
        let condition = match self.string(entries.get("condition")) {
            None => Condition::Or,
            Some(text) => match text.value.to_ascii_uppercase().as_str() {
                "" | "OR" | "||" => Condition::Or,
                "AND" | "&&" => Condition::And,
                _ => {
                    let message = "key \"condition\": expected \"OR\" or \"AND\"";
                    self.problem(text.line, message);
                    Condition::Or
                }
            },
        };
        let regex_target = match self.string(entries.get("regexTarget")) {
            None => RegexTarget::Secret,
            Some(text) => match text.value.to_ascii_lowercase().as_str() {
                "" | "secret" => RegexTarget::Secret,
                "match" => RegexTarget::Match,
                "line" => RegexTarget::Line,
                _ => {
                    let message = "key \"regexTarget\": expected \"secret\", \"match\" or \"line\"";
                    self.problem(text.line, message);
                    RegexTarget::Secret
                }
            },
        };
        let regexes = self.expressions(entries.get("regexes"));
        let paths = self.expressions(entries.get("paths"));
        let stopwords = self.strings(entries.get("stopwords"));
        for word in &stopwords {
            if word.value.is_empty() {
                let message = "key \"stopwords\" holds an empty word, which would allow everything";
                self.problem(word.line, message);
            }
        }
        let commits = self.strings(entries.get("commits"));
        for commit in &commits {
            let id = commit.value.as_bytes();
            if !matches!(id.len(), 40 | 64) || !id.iter().all(u8::is_ascii_hexdigit) {
                let message =
                    "key \"commits\": expected full commit ids, 40 or 64 hexadecimal digits";
                self.problem(commit.line, message);
            }
        }
        let lower = |texts: Vec<At<String>>| {
            let mut texts: Vec<String> =
                texts.into_iter().map(|t| t.value.to_lowercase()).collect();
            texts.sort();
            texts.dedup();
            texts
        };
        let allowlist = Allowlist {
            description,
            condition,
            regex_target,
            regexes,
            stopwords: lower(stopwords),
            paths,
            commits: lower(commits),
        };
        if self.problems.len() > known {
            return None;
        }
        if allowlist.regexes.is_empty()
            && allowlist.stopwords.is_empty()
            && allowlist.paths.is_empty()
            && allowlist.commits.is_empty()
        {
            self.problem(
                line,
                "an allowlist needs at least one of \"regexes\", \"stopwords\", \"paths\" and \
                 \"commits\"",
            );
            return None;
        }
        Some(allowlist)
    }

    /// Problems leave gaps, which do no harm as a file with problems is refused.
    fn rule(&mut self, line: u32, table: &DeTable<'_>) -> RuleDraft {
        let entries = self.entries(table, RULE_KEYS, "a rule");
        let required = self
            .tables(entries.get("required"), "[[rules.required]]")
            .into_iter()
            .filter_map(|(line, table)| self.companion(line, table))
            .collect();
        let unicode = self.boolean(entries.get("unicode"));
        let given = |text: &At<String>| !text.value.is_empty();
        let regex = self.string(entries.get("regex")).filter(given);
        let regex = regex.and_then(|text| {
            let value = self.expression("regex", &text, unicode.as_ref().map(|u| u.value))?;
            Some(At {
                value,
                line: text.line,
            })
        });
        let path = self.string(entries.get("path")).filter(given);
        let path = path.and_then(|text| {
            let value = self.expression("path", &text, None)?.source;
            Some(At {
                value,
                line: text.line,
            })
        });
        if let (Some(unicode), None) = (&unicode, entries.get("regex")) {
            let message = "key \"unicode\" needs key \"regex\" beside it";
            self.problem(unicode.line, message);
        }
        let keywords = entries.get("keywords").map(|entry| At {
            value: self.plain_strings(Some(entry)),
            line: entry.line,
        });
        let allowlists = self
            .allowlist_tables(&entries, "rules.")
            .into_iter()
            .filter_map(|(line, table)| self.rule_allowlist(line, table))
            .collect();
        let validate = entries
            .get("validate")
            .map(|entry| self.validators(Some(entry)));
        RuleDraft {
            id: self.rule_id(line, entries.get("id")),
            description: self
                .string(entries.get("description"))
                .map(|s| s.value)
                .filter(|s| !s.is_empty()),
            regex,
            keywords,
            entropy: self.entropy(entries.get("entropy")),
            secret_group: self.integer(entries.get("secretGroup"), 0..1000),
            path,
            tags: self.plain_strings(entries.get("tags")),
            skip_report: self.boolean(entries.get("skipReport")),
            required,
            allowlists,
            severity: self.choice(entries.get("severity")),
            confidence: self.choice(entries.get("confidence")),
            validate,
            drop_if_invalid: self
                .boolean(entries.get("drop_if_invalid"))
                .map(|b| b.value),
            generic: self.boolean(entries.get("generic")).map(|b| b.value),
            assignment: self.choice(entries.get("assignment")),
            judge: self.choice(entries.get("judge")),
            remediation: self.string(entries.get("remediation")).map(|s| s.value),
            references: entries
                .get("references")
                .map(|entry| self.plain_strings(Some(entry))),
            examples: self.strings(entries.get("examples")),
            negative_examples: self.strings(entries.get("negative_examples")),
            max_length: self
                .integer(entries.get("max_length"), 1..MAX_MATCH_BYTES + 1)
                .map(|n| n.value),
        }
    }

    fn companion(&mut self, line: u32, table: &DeTable<'_>) -> Option<At<Companion>> {
        let entries = self.entries(table, REQUIRED_KEYS, "[[rules.required]]");
        let mut distance = |key| {
            let number = self.integer(entries.get(key), 0..MAX_COMPANION_DISTANCE + 1);
            number.map(|n| n.value)
        };
        let within_lines = distance("withinLines");
        let within_columns = distance("withinColumns");
        let optional = self
            .boolean(entries.get("optional"))
            .is_some_and(|optional| optional.value);
        let Some(id) = self
            .string(entries.get("id"))
            .filter(|id| !id.value.is_empty())
        else {
            if self.problems.iter().all(|p| p.line != line) {
                let message = "[[rules.required]] needs key \"id\": the id of another rule";
                self.problem(line, message);
            }
            return None;
        };
        let bounded = within_lines.is_some() || within_columns.is_some();
        Some(At {
            value: Companion {
                id: id.value,
                within_lines: within_lines
                    .or((optional && !bounded).then_some(DEFAULT_COMPANION_LINES)),
                within_columns,
                optional,
            },
            line: id.line,
        })
    }

    fn rule_id(&mut self, line: u32, entry: Option<&Entry<'_, '_>>) -> At<String> {
        if entry.is_none() {
            self.problem(line, "a rule needs key \"id\"");
        }
        let Some(id) = self.string(entry) else {
            let value = String::new();
            return At { value, line };
        };
        let usable = |c: char| !c.is_control() && !c.is_whitespace() && !matches!(c, '*' | '"');
        if id.value.is_empty() || !id.value.chars().all(usable) {
            let message = "key \"id\": expected a name without spaces, quotes and `*`, such as \
                           \"github-pat\"";
            self.problem(id.line, message);
        }
        id
    }

    fn validators(&mut self, entry: Option<&Entry<'_, '_>>) -> Vec<Validator> {
        let mut out = Vec::new();
        for name in self.strings(entry) {
            if let Some(validator) = Validator::from_name(&name.value) {
                out.push(validator);
                continue;
            }
            let known: Vec<&str> = Validator::ALL.iter().map(|v| v.name()).collect();
            let mut help = suggestion(&name.value, known.iter().copied());
            if help.is_empty() {
                help = format!("; known are {}", known.join(", "));
            }
            let message = format!("key \"validate\": unknown check {:?}{help}", name.value);
            self.problem(name.line, message);
        }
        out.sort();
        out.dedup();
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        parse(text, "f.toml")
            .err()
            .unwrap_or_default()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    fn one_problem(text: &str) -> String {
        let mut all = problems(text);
        assert_eq!(all.len(), 1, "{text}: {all:?}");
        all.remove(0)
    }

    #[test]
    fn every_key_is_read() {
        let file = parse(
            r#"
title = "All keys"
description = "for people"
minVersion = "v8.25.0"
[[allowlists]]
description = "global"
targetRules = ["a-b"]
paths = ['''\.lock$''']
[[rules]]
id = "a-b"
description = "A rule"
regex = '''tok_([a-z]{8})'''
keywords = ["tok_"]
entropy = 3
secretGroup = 1
path = '''\.env$'''
tags = ["x"]
skipReport = false
severity = "critical"
confidence = "low"
drop_if_invalid = false
generic = true
remediation = "Revoke it"
references = ["https://example.com"]
examples = ["one", """two
lines"""]
negative_examples = ["three"]
max_length = 0x40
unicode = true
    [[rules.required]]
    id = "c-d"
    withinLines = 5
    withinColumns = 7
    [[rules.required]]
    id = "e-f"
    optional = true
    [[rules.allowlists]]
    condition = "&&"
    regexTarget = "Line"
    regexes = ['a', 'b{']
    stopwords = ["Word", "word"]
    commits = ["ABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCD"]
"#,
            "f.toml",
        )
        .expect("it is valid");
        let global = &file.allowlists[0];
        assert_eq!(global.target_rules[0].value, "a-b");
        assert_eq!(global.allowlist.paths, [r"\.lock$"]);
        let rule = &file.rules[0];
        assert_eq!((rule.id.value.as_str(), rule.id.line), ("a-b", 10));
        assert_eq!(rule.entropy, Some(3.0));
        assert_eq!(rule.max_length, Some(64));
        assert_eq!(rule.severity, Some(Severity::Critical));
        assert_eq!(rule.confidence, Some(Confidence::Low));
        assert_eq!(rule.generic, Some(true));
        let examples: Vec<&str> = rule.examples.iter().map(|e| e.value.as_str()).collect();
        assert_eq!(examples, ["one", "two\nlines"]);
        assert!(
            rule.regex
                .as_ref()
                .is_some_and(|r| r.value.unicode && r.line == 12)
        );
        let [exact, optional] = &rule.required[..] else {
            panic!("two companions are given");
        };
        assert_eq!((exact.value.id.as_str(), exact.line), ("c-d", 31));
        assert_eq!(exact.value.within_lines, Some(5));
        assert_eq!(exact.value.within_columns, Some(7));
        assert!(!exact.value.optional && optional.value.optional);
        assert_eq!(optional.value.within_lines, Some(DEFAULT_COMPANION_LINES));
        assert_eq!(optional.value.within_columns, None);
        let allowlist = &rule.allowlists[0];
        assert_eq!(allowlist.condition, Condition::And);
        assert_eq!(allowlist.regex_target, RegexTarget::Line);
        assert_eq!(allowlist.regexes, ["a", r"b\{"]);
        assert_eq!(allowlist.stopwords, ["word"]);
        assert_eq!(allowlist.commits, ["abcdef".repeat(6) + "abcd"]);
    }

    #[test]
    fn all_problems_are_reported_each_at_its_line() {
        let found = problems(
            r#"titel = "x"
minVersion = 8
[[rules]]
id = "one"
regex = '''([a-z]'''
severity = "hgih"
entropy = 9
keywords = ["ok", 3]
[[rules]]
regex = "abc"
[[rules]]
id = "two three"
max_length = 0
secretGroup = -1
[rules.allowlist]
stopwords = [""]
[[rules.allowlists]]
description = "empty"
[[rules]]
id = "four"
validate = [
  "github-crc",
]
[[rules.required]]
id = ""
"#,
        );
        let places: Vec<&str> = found.iter().filter_map(|p| p.split(':').nth(1)).collect();
        assert_eq!(
            places,
            [
                "1", "2", "5", "6", "7", "8", "9", "12", "13", "14", "15", "16", "17", "22", "24"
            ],
            "{found:#?}"
        );
        assert!(found[0].contains("did you mean \"title\"?"), "{}", found[0]);
        assert!(
            found[3].contains("low, medium, high, critical"),
            "{}",
            found[3]
        );
        assert!(
            found[13].contains("did you mean \"github-crc32\"?"),
            "{}",
            found[13]
        );
    }

    #[test]
    fn what_is_not_supported_is_named() {
        for (text, says) in [
            (
                "[[rules]]\nid='a'\nregex='abc'\n[[rules.required]]\nwithinLines=1",
                "f.toml:4: [[rules.required]] needs key \"id\"",
            ),
            (
                "[[rules]]\nid='a'\nregex='abc'\n[[rules.required]]\nid='b'\nwithinlines=-1",
                "f.toml:6: key \"withinLines\": expected a whole number",
            ),
            (
                "[[rules]]\nid='a'\nregex='abc'\n[[rules.required]]\nid='b'\nwithin=1",
                "f.toml:6: unknown key \"within\" in [[rules.required]]",
            ),
            (
                "[extend]\nurl='https://example.com'",
                "f.toml:2: key \"url\" is not supported",
            ),
            (
                "[extend]\nuseDefault=true\npath='x'",
                "f.toml:3: keys \"path\" and",
            ),
            (
                "[[rules]]\nid='a'\nreport=true",
                "f.toml:3: unknown key \"report\" in a rule",
            ),
            (
                "[rules]\nid='a'",
                "f.toml:1: key \"rules\" is of type table, expected an",
            ),
            (
                "[[allowlists]]\ncommits=['abc']",
                "f.toml:2: key \"commits\": expected full",
            ),
            (
                "[[allowlists]]\ncondition='XOR'\npaths=['a']",
                "f.toml:2: key \"condition\"",
            ),
            (
                "[[allowlists]]\nregexTarget='file'\npaths=['a']",
                "f.toml:2: key \"regexTarget\"",
            ),
            (
                "[[allowlists]]\npaths=['a']\n[allowlist]\npaths=['a']",
                "f.toml:3: keys",
            ),
            (
                "[[allowlists]]\npaths=[\n'a',\n'(']",
                "f.toml:4: key \"paths\": unclosed group",
            ),
            ("title='a'\ntitle='b'", "f.toml:2: not valid TOML"),
            ("title='a'\nTitle='b'", "key \"title\" is given twice"),
            (
                "[[rules]]\nid='a'\nunicode=true",
                "f.toml:3: key \"unicode\" needs",
            ),
        ] {
            let problem = one_problem(text);
            assert!(problem.contains(says), "{text}: {problem}");
        }
    }

    #[test]
    fn several_errors_of_toml_itself_are_all_reported() {
        let found = problems("a = \nb = 1\nc = ]\n");
        assert!(found.len() >= 2, "{found:?}");
        assert!(
            found.iter().all(|p| p.contains("not valid TOML")),
            "{found:?}"
        );
    }

    #[test]
    fn keys_are_read_without_case() {
        let file = parse("[[Rules]]\nID='a'\nRegex='abcd'\nsecretgroup=0", "f.toml");
        assert_eq!(file.expect("it is valid").rules[0].id.value, "a");
    }

    #[test]
    fn problems_never_quote_expressions_or_words() {
        let text = "[[allowlists]]\nregexes=['(hunter2']\nstopwords=['hunter2', 2]\n[[rules]]\n\
                    id='a'\nregex='[hunter2'\nexamples=['hunter2', 3]";
        let found = problems(text);
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(!found.iter().any(|p| p.contains("hunter2")), "{found:?}");
    }
}
