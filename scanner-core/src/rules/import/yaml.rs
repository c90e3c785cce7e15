//! YAML as a small tree with lines.
//!
//! Made from the parser's events on a stack of our own: a rule file is untrusted, and neither its
//! depth nor its aliases (which can make a short file stand for gigabytes) may cost more than its
//! length.

use saphyr_parser::{Event, Parser};

/// Deepest nesting; rule files have four levels.
const MAX_DEPTH: usize = 32;

/// A value and the line where it starts, 1-based.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) line: u32,
    pub(super) value: Value,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Any scalar, as written; its type is the reader's business.
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Node {
    pub(super) fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// The values of a list, or the one value that stands for it.
    pub(super) fn scalars(&self) -> Vec<String> {
        match &self.value {
            Value::Scalar(text) => vec![text.clone()],
            Value::List(items) => items
                .iter()
                .filter_map(|item| item.scalar().map(str::to_owned))
                .collect(),
            Value::Map(_) => Vec::new(),
        }
    }

    pub(super) fn list(&self) -> Option<&[Node]> {
        match &self.value {
            Value::List(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a map whose keys are scalars: key, its line, value.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&str, u32, &Node)> {
        let entries = match &self.value {
            Value::Map(entries) => entries.as_slice(),
            _ => &[],
        };
        entries
            .iter()
            .filter_map(|(key, value)| Some((key.scalar()?, key.line, value)))
    }

    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.entries().find(|(key, ..)| *key == name).map(|e| e.2)
    }
}

/// Reads every document of a text.
///
/// # Errors
/// Line, and what is wrong.
pub(super) fn read(text: &str) -> Result<Vec<Node>, (u32, String)> {
    let mut documents = Vec::new();
    // Collections that are open, each with the values so far.
    let mut open: Vec<(u32, bool, Vec<Node>)> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|e| {
            (
                e.marker().line() as u32,
                format!("not valid YAML: {}", e.info()),
            )
        })?;
        let line = span.start.line() as u32;
        let node = match event {
            Event::Scalar(text, ..) => Node {
                line,
                value: Value::Scalar(text.into_owned()),
            },
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                if open.len() == MAX_DEPTH {
                    return Err((line, format!("nests deeper than {MAX_DEPTH} levels")));
                }
                open.push((line, matches!(event, Event::MappingStart(..)), Vec::new()));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some((line, is_map, items)) = open.pop() else {
                    continue;
                };
                let value = if is_map {
                    map(items)
                } else {
                    Value::List(items)
                };
                Node { line, value }
            }
            Event::Alias(_) => {
                let message = "YAML aliases are not supported: write the value out";
                return Err((line, message.to_owned()));
            }
            _ => continue,
        };
        match open.last_mut() {
            Some((_, _, items)) => items.push(node),
            None => documents.push(node),
        }
    }
    Ok(documents)
}

fn map(items: Vec<Node>) -> Value {
    let mut entries = Vec::with_capacity(items.len() / 2);
    let mut items = items.into_iter();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        entries.push((key, value));
    }
    Value::Map(entries)
}
