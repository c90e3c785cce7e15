//! Rules of Bitbucket Data Center's secret scanning: `name`, `lineRegex`, `pathRegex`, as its REST
//! resource `secret-scanning/rules` gives them: a page with `values`, an array, or single rules,
//! any number of them one after the other.
//!
//! Expressions are RE2J's and are tried on one line at a time. Some versions match the whole line,
//! so that portable rules begin and end in `.*`: that is taken off. A rule without it is taken to
//! match anywhere in a line, which finds whatever any version would find.

use super::{Foreign, Reading, pattern::Pattern};
use serde_json::Value;

pub(super) fn read(text: &str) -> Result<Reading, (u32, String)> {
    let mut out = Reading::default();
    let mut found = false;
    for document in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
        // The parser's own message may quote what it read.
        let document = document.map_err(|e| {
            let message = format!("not valid JSON (column {})", e.column());
            (e.line() as u32, message)
        })?;
        let rules = match &document {
            Value::Object(page) if page.contains_key("values") => {
                if page.get("isLastPage") == Some(&Value::Bool(false)) {
                    let message = "is not the last page: import the following ones too";
                    out.notes.push((0, message.to_owned()));
                }
                page["values"].as_array().map_or(&[][..], Vec::as_slice)
            }
            Value::Array(rules) => rules,
            rule => std::slice::from_ref(rule),
        };
        for rule in rules.iter().filter_map(Value::as_object) {
            found = true;
            match convert(rule) {
                Ok(rule) => out.rules.push(rule),
                Err(message) => out.left_out.push((0, message)),
            }
        }
    }
    if found {
        Ok(out)
    } else {
        Err((
            0,
            "holds no rule: expected what GET .../secret-scanning/rules answers".to_owned(),
        ))
    }
}

fn convert(rule: &serde_json::Map<String, Value>) -> Result<Foreign, String> {
    let text = |key: &str| rule.get(key).and_then(Value::as_str).unwrap_or_default();
    let name = text("name");
    let named = |message: &str| format!("rule {name:?}: {message}");
    if text("lineRegex").is_empty() {
        return Err(named(
            "it has no lineRegex; rules that report files by their path alone are not supported",
        ));
    }
    let (pattern, was_open) =
        Pattern::of_re2_line(text("lineRegex")).map_err(|e| named(&format!("lineRegex: {e}")))?;
    let mut out = Foreign {
        id: super::slug(name),
        description: name.to_owned(),
        tags: vec!["bitbucket".to_owned()],
        ..Foreign::default()
    };
    if !was_open {
        out.notes.push(
            "it is found anywhere in a line; a Bitbucket that matches whole lines finds it only \
             where it fills the line"
                .to_owned(),
        );
    }
    if pattern.groups() > 1 {
        out.notes.push(format!(
            "its expression has {} groups: the first that is not empty is the secret",
            pattern.groups()
        ));
    }
    out.pattern = Some(pattern);
    if !text("pathRegex").is_empty() {
        let (path, _) = Pattern::of_re2_line(text("pathRegex"))
            .map_err(|e| named(&format!("pathRegex: {e}")))?;
        out.path = Some(path.source);
        out.notes
            .push("both lineRegex and pathRegex have to match".to_owned());
    }
    let scope = rule.get("scope").and_then(|s| s.get("type"));
    if let Some(scope) = scope.and_then(Value::as_str).filter(|s| *s != "GLOBAL") {
        out.notes.push(format!(
            "its scope ({}) is not carried: it applies to all that is scanned with it",
            scope.to_ascii_lowercase()
        ));
    }
    Ok(out)
}
