//! Rules of Kingfisher 1: Nosey Parker's form, with `min_entropy`, `confidence`, `visible`,
//! `pattern_requirements`, `depends_on_rule`, `validation` and `revocation`.

use super::{
    Foreign, Reading,
    noseyparker::{self, CARRIED},
    yaml::Node,
};

/// Group whose capture is the secret, where a rule has it.
const SECRET_GROUP: &str = "TOKEN";

pub(super) fn read(text: &str) -> Result<Reading, (u32, String)> {
    let mut out = noseyparker::read_rules(text, take)?;
    let (kept, hidden): (Vec<_>, Vec<_>) = std::mem::take(&mut out.rules)
        .into_iter()
        .partition(|rule| !rule.tags.iter().any(|tag| tag == HIDDEN));
    out.rules = kept;
    out.left_out.extend(hidden.into_iter().map(|rule| {
        let message = "visible is false: it only feeds other rules, which are not joined here";
        (rule.line, format!("rule {:?}: {message}", rule.id))
    }));
    for rule in &mut out.rules {
        rule.secret_group = rule.pattern.as_ref().and_then(|p| p.group(SECRET_GROUP));
        if rule.secret_group.is_some() {
            rule.notes
                .retain(|note| !note.contains("groups: the first"));
        }
    }
    Ok(out)
}

/// Marks a rule that is not reported, between reading and sorting out; no category has a space.
const HIDDEN: &str = "not visible";

/// Takes what Kingfisher adds; returns why a key is not carried.
fn take(rule: &mut Foreign, key: &str, value: &Node) -> Option<String> {
    if CARRIED.contains(&key) {
        return None;
    }
    let text = value.scalar().unwrap_or_default();
    match key {
        "min_entropy" => match text.parse() {
            Ok(bits) => rule.entropy = Some(bits),
            Err(_) => return Some("min_entropy is not a number, and not carried".to_owned()),
        },
        "confidence" => match text.to_ascii_lowercase().parse() {
            Ok(level) => rule.confidence = Some(level),
            Err(_) => return Some("confidence is of no known level, and not carried".to_owned()),
        },
        "visible" => {
            if text == "false" {
                rule.tags.push(HIDDEN.to_owned());
            }
        }
        "prevalidated" => {
            // True of secrets that need no live check, and none is ever made here.
        }
        "pattern_requirements" => {
            for (key, _, value) in value.entries() {
                if let Err(why) = requirement(rule, key, value) {
                    rule.notes
                        .push(format!("pattern_requirements.{key} is not carried: {why}"));
                }
            }
        }
        "validation" | "revocation" => {
            return Some(format!(
                "{key} is not carried: nothing here calls the network"
            ));
        }
        "depends_on_rule" => {
            return Some(
                "depends_on_rule is not carried: it is found whether or not the other half is"
                    .to_owned(),
            );
        }
        _ => return Some(format!("key {key:?} is not known and not carried")),
    }
    None
}

/// Most characters that a requirement may ask for: more would make a huge expression.
const MAX_REQUIRED: u32 = 64;

/// A least number of characters of a kind is an allowlist of secrets with fewer.
fn requirement(rule: &mut Foreign, key: &str, value: &Node) -> Result<(), &'static str> {
    let class = match key {
        "min_digits" => "0-9",
        "min_uppercase" => "A-Z",
        "min_lowercase" => "a-z",
        "min_special_chars" => r"!-/:-@\[-`\{-~",
        "special_chars" => return Err("any ASCII punctuation counts as special"),
        "ignore_if_contains" => {
            let words = value.scalars().into_iter().map(|w| w.to_lowercase());
            rule.stopwords.extend(words.filter(|w| !w.is_empty()));
            return Ok(());
        }
        "checksum" => return Err("a check is code here: name one with `validate` if there is one"),
        _ => return Err("it is not known"),
    };
    let least: u32 = value
        .scalar()
        .and_then(|n| n.parse().ok())
        .filter(|n| *n <= MAX_REQUIRED)
        .ok_or("it is not a small number")?;
    if let Some(fewer) = least.checked_sub(1) {
        rule.dropped_secrets.push(format!(
            "^(?:[^{class}]*[{class}]){{0,{fewer}}}[^{class}]*$"
        ));
    }
    Ok(())
}
