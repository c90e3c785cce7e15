//! Rules of Nosey Parker: `rules:`, a list of `name`, `id`, `pattern`, `examples`,
//! `negative_examples`, `references`, `categories`, `description`.

use super::{
    Foreign, Reading,
    pattern::Pattern,
    yaml::{self, Node},
};

/// Keys of a rule that need no word: carried by [`common`].
pub(super) const CARRIED: &[&str] = &[
    "name",
    "id",
    "pattern",
    "description",
    "examples",
    "negative_examples",
    "references",
    "categories",
];

pub(super) fn read(text: &str) -> Result<Reading, (u32, String)> {
    read_rules(text, |_, key, _| {
        if CARRIED.contains(&key) {
            None
        } else {
            Some(format!("key {key:?} is not known and not carried"))
        }
    })
}

/// Reads the rules of a file of Nosey Parker's form. `more` takes every key of a rule, puts what
/// it can into the rule and says of the rest why it is not carried.
pub(super) fn read_rules(
    text: &str,
    more: impl Fn(&mut Foreign, &str, &Node) -> Option<String>,
) -> Result<Reading, (u32, String)> {
    let mut out = Reading::default();
    let mut found = false;
    for document in yaml::read(text)? {
        for (key, line, value) in document.entries() {
            match (key, value.list()) {
                ("rules", Some(rules)) => {
                    found = true;
                    for node in rules {
                        match common(node) {
                            Ok(mut rule) => {
                                for (key, _, value) in node.entries() {
                                    let note = more(&mut rule, key, value);
                                    rule.notes.extend(note);
                                }
                                out.rules.push(rule);
                            }
                            Err(message) => out.left_out.push((node.line, message)),
                        }
                    }
                }
                _ => out
                    .notes
                    .push((line, format!("key {key:?} holds no rules"))),
            }
        }
    }
    if found {
        Ok(out)
    } else {
        Err((0, "holds no list under the key \"rules\"".to_owned()))
    }
}

/// What every rule of this family has.
fn common(node: &Node) -> Result<Foreign, String> {
    let text = |key: &str| node.get(key).and_then(Node::scalar).unwrap_or_default();
    let list = |key: &str| node.get(key).map_or_else(Vec::new, Node::scalars);
    let id = if text("id").is_empty() {
        super::slug(text("name"))
    } else {
        text("id").to_owned()
    };
    let named = |message: &str| format!("rule {id:?}: {message}");
    if text("pattern").is_empty() {
        return Err(named("it has no pattern"));
    }
    let pattern = Pattern::of_rust(text("pattern")).map_err(|e| named(&e))?;
    let mut rule = Foreign {
        line: node.line,
        description: match text("name") {
            "" => id.clone(),
            name => name.trim_end_matches('.').to_owned(),
        },
        tags: list("categories"),
        references: list("references"),
        examples: list("examples"),
        negative_examples: list("negative_examples"),
        ..Foreign::default()
    };
    if pattern.groups() > 1 {
        rule.notes.push(format!(
            "its expression has {} groups: the first that is not empty is the secret",
            pattern.groups()
        ));
    }
    rule.pattern = Some(pattern);
    rule.id = id;
    Ok(rule)
}
