//! Makes the secrets of the corpus and puts each into surroundings of its own kind.

use crate::{
    Outcome,
    content::{File, Hosts},
    keys::{Joined, KEYS, PLACES},
    rng::Rng,
    sample::{Group, Sample, is_aside},
    syntax::{BARE_PLACES, FORMS, SYNTAXES, Syntax, Written},
    values::{self, Value, Wanted},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use scanner_core::{filter::example, model::Confidence};
use serde::Deserialize;
use std::{fs, ops::Range};

/// Samples of each syntax with generic values, of each credential kind, and of each key in each place.
const EACH_SYNTAX: usize = 24;
const EACH_KIND: usize = 5;
const EACH_FORM: usize = 8;
/// Lines kept of a host on either side.
const AROUND: usize = 9;
/// Of a hundred positives, those that may stand under a path that says test, example or documentation.
const ASIDE_PERCENT: usize = 20;

/// Makes positives.
#[derive(Debug)]
pub struct Maker<'a> {
    pub hosts: &'a Hosts,
    pub repositories: &'a [String],
    pub rng: Rng,
}

/// Text with the place of the value in it.
struct Placed {
    text: String,
    value: Range<usize>,
}

/// Puts a value into a template.
fn place(template: &str, name: &str, user: &str, value: &str) -> Placed {
    let text = template.replace("{n}", name).replace("{u}", user);
    let start = text.find("{v}").unwrap_or(text.len());
    let text = text.replacen("{v}", value, 1);
    Placed {
        value: start..(start + value.len()).min(text.len()),
        text,
    }
}

fn written(value: &str, user: &str, how: Written) -> String {
    match how {
        Written::Bare | Written::Quoted => value.to_owned(),
        Written::Percent => value
            .bytes()
            .map(|b| match b {
                b'A'..=b'Z'
                | b'a'..=b'z'
                | b'0'..=b'9'
                | b'-'
                | b'.'
                | b'_'
                | b'~'
                | b'!'
                | b'*' => char::from(b).to_string(),
                other => format!("%{other:02X}"),
            })
            .collect(),
        Written::Base64 => STANDARD.encode(value),
        Written::Pair => STANDARD.encode(format!("{user}:{value}")),
    }
}

impl Maker<'_> {
    /// All positives but those made of the rules' own examples.
    pub fn all(&mut self) -> Vec<Sample> {
        let mut out = Vec::new();
        for syntax in SYNTAXES {
            for _ in 0..EACH_SYNTAX {
                let value = values::generic(
                    syntax.wanted,
                    syntax.written == Written::Quoted,
                    &mut self.rng,
                );
                out.push(self.sample(syntax, &value, syntax.group, ""));
            }
        }
        for (seed, line) in kinds().enumerate() {
            let (kind, template) = line;
            for turn in 0..EACH_KIND {
                let value = expand(template, (seed * EACH_KIND + turn) as u64);
                out.push(self.provider(kind, value));
            }
        }
        for (id, path, text, template) in FORMS {
            for turn in 0..EACH_FORM {
                let value = expand(template, turn as u64);
                let placed = place(text, "", "", &value);
                let mut sample = self.own_file(path, placed);
                (*id).clone_into(&mut sample.kind);
                sample.syntax = format!("form-{id}");
                sample.group = Some(Group::Generic);
                out.push(sample);
            }
        }
        for (key, template) in KEYS {
            for (seed, (id, path, joined, text)) in PLACES.iter().enumerate() {
                for turn in 0..2 {
                    let armour = expand(template, (seed * 2 + turn) as u64);
                    let placed = place(text, "", "", &join(&armour, *joined));
                    let mut sample = self.own_file(path, placed);
                    (*key).clone_into(&mut sample.kind);
                    sample.syntax = format!("key-{id}");
                    sample.group = Some(Group::PrivateKey);
                    out.push(sample);
                }
            }
        }
        out
    }

    /// Makes one positive of each built-in rule from its own examples: what they show beyond the rules' tests is
    /// whether the whole path from content to report keeps them, and which rule answers.
    pub fn of_rules(&mut self, rules: &[(String, Group, String)]) -> Vec<Sample> {
        let mut out = Vec::new();
        for (seed, (id, group, template)) in rules.iter().enumerate() {
            let Ok(bytes) = example::expand(template, seed as u64) else {
                continue;
            };
            let Ok(text) = String::from_utf8(bytes) else {
                continue;
            };
            let length = text.len();
            let host = self.host(&["txt", "md", "conf", "sh"]);
            let mut sample = self.within(
                host,
                &Placed {
                    text,
                    value: 0..length,
                },
            );
            sample.kind.clone_from(id);
            sample.rule.clone_from(id);
            "rule-example".clone_into(&mut sample.syntax);
            sample.group = Some(*group);
            out.push(sample);
        }
        out
    }

    /// What is no secret, written like one.
    pub fn placeholders(&mut self, count: usize) -> Vec<Sample> {
        let syntaxes: Vec<_> = SYNTAXES
            .iter()
            .filter(|s| s.written != Written::Pair)
            .collect();
        (0..count)
            .map(|at| {
                let syntax = syntaxes[at % syntaxes.len()];
                let value = values::placeholder(&mut self.rng);
                let mut sample = self.sample(syntax, &value, syntax.group, "");
                sample.secret = false;
                sample.group = None;
                sample.kind = format!("placeholder-{}", value.kind);
                sample
            })
            .collect()
    }

    fn provider(&mut self, kind: &str, value: String) -> Sample {
        // A template that brings its own name, as `DD_API_KEY=..` does, stands on a line of its own.
        let alone = value.contains(['=', ' ', '/', ':', '$', '{']) || value.contains("--");
        let value = Value {
            text: value,
            kind: "",
            password: false,
        };
        let syntaxes: Vec<&Syntax> = if alone {
            BARE_PLACES
                .iter()
                .filter(|s| s.id == "prose-token" || s.id == "comment")
                .collect()
        } else {
            let fits = |s: &&Syntax| {
                s.group == Group::Generic
                    && s.wanted != Wanted::Password
                    && s.written != Written::Base64
            };
            BARE_PLACES
                .iter()
                .chain(SYNTAXES.iter().filter(fits))
                .chain(SYNTAXES.iter().filter(|s| s.id.starts_with("bearer")))
                .collect()
        };
        let syntax = *self.rng.pick(&syntaxes);
        self.sample(syntax, &value, Group::Provider, kind)
    }

    fn sample(&mut self, syntax: &Syntax, value: &Value, group: Group, kind: &str) -> Sample {
        let user = values::user(&mut self.rng);
        let name = values::name(value.password, syntax.style, &mut self.rng);
        let placed = place(
            syntax.text,
            &name,
            user,
            &written(&value.text, user, syntax.written),
        );
        let mut sample = if syntax.hosts.is_empty() {
            self.own_file(syntax.path, placed)
        } else {
            let host = self.host(syntax.hosts);
            self.within(host, &placed)
        };
        if kind.is_empty() { value.kind } else { kind }.clone_into(&mut sample.kind);
        syntax.id.clone_into(&mut sample.syntax);
        sample.group = Some(group);
        sample
    }

    fn host(&mut self, types: &[&str]) -> Option<File> {
        let mut found = None;
        for _ in 0..20 {
            found = self.hosts.pick(types, &mut self.rng);
            let aside = found.is_some_and(|file| is_aside(&file.path));
            if !aside || self.rng.percent(ASIDE_PERCENT) {
                break;
            }
        }
        found.cloned()
    }

    /// A file that is nobody's, attributed to a repository chosen by chance so that it belongs to a half.
    fn own_file(&mut self, path: &str, placed: Placed) -> Sample {
        Sample {
            repository: self.rng.pick(self.repositories).clone(),
            path: path.to_owned(),
            content: placed.text,
            label: placed.value,
            secret: true,
            group: None,
            kind: String::new(),
            syntax: String::new(),
            rule: String::new(),
        }
    }

    /// Between lines of a host, indented as they are.
    fn within(&mut self, host: Option<File>, placed: &Placed) -> Sample {
        let Some(host) = host else {
            let text = Placed {
                text: placed.text.clone(),
                value: placed.value.clone(),
            };
            return self.own_file("notes.txt", text);
        };
        let lines: Vec<&str> = host.text.lines().collect();
        let at = self.rng.below(lines.len().max(1));
        let ahead = &lines[at.saturating_sub(AROUND)..at];
        let behind = &lines[at..(at + AROUND).min(lines.len())];
        let like = behind.first().or(ahead.last()).unwrap_or(&"");
        let indent: String = like
            .chars()
            .take_while(|c| *c == ' ' || *c == '\t')
            .collect();
        let mut content = String::new();
        for line in ahead {
            content.push_str(line);
            content.push('\n');
        }
        // The label moves by what is put ahead of it.
        let mut start = content.len();
        let mut taken = 0;
        let mut label_start = None;
        for line in placed.text.split('\n') {
            content.push_str(&indent);
            start += indent.len();
            if label_start.is_none() && placed.value.start <= taken + line.len() {
                label_start = Some(start + placed.value.start - taken);
            }
            content.push_str(line);
            content.push('\n');
            start += line.len() + 1;
            taken += line.len() + 1;
        }
        let label_start = label_start.unwrap_or(start);
        let label_end = if placed.text[placed.value.clone()].contains('\n') {
            content.len()
        } else {
            label_start + placed.value.len()
        };
        for line in behind {
            content.push_str(line);
            content.push('\n');
        }
        Sample {
            repository: host.repository,
            path: host.path,
            content,
            label: label_start..label_end,
            secret: true,
            group: None,
            kind: String::new(),
            syntax: String::new(),
            rule: String::new(),
        }
    }
}

fn kinds() -> impl Iterator<Item = (&'static str, &'static str)> {
    include_str!("kinds.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(' '))
}

/// Expands a template of this bench's own; what is wrong in one shows in its text.
fn expand(template: &str, seed: u64) -> String {
    match example::expand(template, seed) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => format!("wrong template {template}: {error}"),
    }
}

fn join(armour: &str, joined: Joined) -> String {
    let lines = armour.lines();
    match joined {
        Joined::Indented(by) => {
            let lines: Vec<_> = lines.map(|line| " ".repeat(by) + line).collect();
            lines.join("\n")
        }
        Joined::Escaped => lines.collect::<Vec<_>>().join("\\n"),
        Joined::Literals(ahead, behind) => {
            let lines: Vec<_> = lines.map(|line| format!("{ahead}{line}{behind}")).collect();
            lines.join("\n")
        }
        Joined::Base64 => STANDARD.encode(format!("{armour}\n")),
    }
}

/// The group that a rule's answers count for, by its tags.
pub fn group_of(tags: &[String]) -> Group {
    let tagged = |tag: &str| tags.iter().any(|t| t == tag);
    if tagged("private-key") {
        Group::PrivateKey
    } else if tagged("url") || tagged("database") {
        Group::Url
    } else if tagged("http") {
        Group::AuthHeader
    } else if tagged("generic") || tagged("password") {
        Group::Generic
    } else {
        Group::Provider
    }
}

#[derive(Deserialize)]
struct PatternFile {
    rules: Vec<Pattern>,
}

#[derive(Deserialize)]
struct Pattern {
    id: String,
    confidence: Confidence,
    /// A part of a composite rule, nothing by itself.
    #[serde(default, rename = "skipReport")]
    skip_report: bool,
    tags: Vec<String>,
    examples: Vec<String>,
}

/// Id, group and one example of each built-in rule that reports by default, from the files in `patterns/`: the compiled
/// rules keep no examples. What is public by design has rules of low confidence.
pub fn rule_examples() -> Outcome<Vec<(String, Group, String)>> {
    let mut out = Vec::new();
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../patterns"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "toml") {
            let file: PatternFile = toml::from_str(&fs::read_to_string(path)?)?;
            let shown = file
                .rules
                .into_iter()
                .filter(|rule| rule.confidence > Confidence::Low && !rule.skip_report);
            for mut rule in shown {
                let group = group_of(&rule.tags);
                out.push((rule.id, group, rule.examples.swap_remove(0)));
            }
        }
    }
    out.sort();
    Ok(out)
}
