//! Writes rules in our format.

use super::Foreign;
use regex_automata::{meta::Regex, util::syntax};
use std::fmt::Write as _;

/// The whole file.
pub(super) fn file(from: &str, rules: usize, left_out: usize, body: &str) -> String {
    format!(
        "# {rules} rules, converted by `gitsieve rules import --from {from}`; {left_out} could not \
         be.\n# `gitsieve rules check FILE` tries them on their examples.\n\n{body}"
    )
}

/// One line of comment.
pub(super) fn comment(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    format!("# {line}\n")
}

/// One rule, what is said of it ahead.
pub(super) fn rule(rule: &Foreign) -> String {
    let mut out = String::new();
    for note in &rule.notes {
        out.push_str(&comment(note));
    }
    out.push_str("[[rules]]\n");
    let mut key = |key: &str, value: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{key} = {value}");
    };
    key("id", string(&rule.id));
    key("description", string(&rule.description));
    if let Some(confidence) = rule.confidence {
        key("confidence", string(confidence.as_str()));
    }
    if let Some(pattern) = &rule.pattern {
        key("regex", string(&pattern.source));
        if let Some(bytes) = pattern.max_length {
            key("max_length", bytes.to_string());
        }
    }
    if let Some(group) = rule.secret_group {
        key("secretGroup", group.to_string());
    }
    if let Some(bits) = rule.entropy {
        key("entropy", format!("{bits:?}"));
    }
    if let Some(path) = &rule.path {
        key("path", string(path));
    }
    if !rule.tags.is_empty() {
        key("tags", strings(&rule.tags));
    }
    if !rule.references.is_empty() {
        key("references", strings(&rule.references));
    }
    for (name, texts) in [
        ("examples", &rule.examples),
        ("negative_examples", &rule.negative_examples),
    ] {
        if !texts.is_empty() {
            let templates: Vec<String> = texts.iter().map(|text| template(rule, text)).collect();
            key(name, strings(&templates));
        }
    }
    // Each asks for something else, so each is a list by itself.
    for regex in &rule.dropped_secrets {
        allowlist(&mut out, "too few characters of a kind", "regexes", regex);
    }
    if !rule.stopwords.is_empty() {
        let _ = writeln!(
            out,
            "[[rules.allowlists]]\ndescription = \"words of no secret\"\nstopwords = {}",
            strings(&rule.stopwords)
        );
    }
    out
}

fn allowlist(out: &mut String, description: &str, key: &str, text: &str) {
    let _ = writeln!(
        out,
        "[[rules.allowlists]]\ndescription = {}\n{key} = [{}]",
        string(description),
        string(text)
    );
}

/// An example as a template: braces mean themselves, and where the rule finds something it is
/// split, so that no scanner finds it in the file.
fn template(rule: &Foreign, text: &str) -> String {
    let escape = |text: &str| text.replace("{{", "{{open}}");
    let found = rule.pattern.as_ref().and_then(|pattern| {
        let regex = Regex::builder()
            .syntax(syntax::Config::new().unicode(false).utf8(false))
            .build(&pattern.source)
            .ok()?;
        let mut captures = regex.create_captures();
        regex.captures(text, &mut captures);
        let group = (1..captures.group_len())
            .filter_map(|n| captures.get_group(n))
            .find(|group| !group.is_empty());
        let secret = group.or(captures.get_group(0))?;
        let middle = secret.start + secret.len() / 2;
        (secret.start..=middle)
            .rev()
            .find(|at| text.is_char_boundary(*at) && !text[..*at].ends_with('{'))
    });
    match found {
        Some(at) => format!("{}{{{{}}}}{}", escape(&text[..at]), escape(&text[at..])),
        None => escape(text),
    }
}

fn strings(texts: &[String]) -> String {
    let items: Vec<String> = texts.iter().map(|text| string(text)).collect();
    if items.len() < 2 {
        return format!("[{}]", items.concat());
    }
    format!("[\n    {},\n]", items.join(",\n    "))
}

/// A TOML string: literal where it can be, because expressions are full of backslashes.
pub(super) fn string(text: &str) -> String {
    let plain = |c: char| c == '\t' || !c.is_control();
    if !text.contains('\'') && text.chars().all(plain) {
        return format!("'{text}'");
    }
    let lines = |c: char| c == '\n' || plain(c);
    if !text.contains("'''") && !text.ends_with('\'') && text.chars().all(lines) {
        // A line break right after the quotes would be dropped, so one is put there.
        let start = if text.starts_with('\n') { "\n" } else { "" };
        return format!("'''{start}{text}'''");
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
