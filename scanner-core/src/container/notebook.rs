//! Jupyter notebooks: the source and the text output of each cell, as its author sees them.
//!
//! The file itself is JSON in which each line is a string of its own, so a secret of several
//! lines is in pieces there and a quoted one is escaped.

use super::{
    Relation,
    expansion::{Expansion, Flow},
    text::Text,
    trouble::Kind,
};
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use std::{borrow::Cow, fmt};

/// First keys that a notebook's top level may have.
const FIRST_KEYS: [&[u8]; 5] = [
    b"\"cells\"",
    b"\"metadata\"",
    b"\"nbformat\"",
    b"\"nbformat_minor\"",
    b"\"worksheets\"",
];

/// Bytes of white space looked over around the first brace.
const MOST_SPACE: usize = 64;

/// Whether content begins as a notebook and names itself one.
pub(super) fn is_notebook(content: &[u8]) -> bool {
    let start = content[..content.len().min(MOST_SPACE)].trim_ascii_start();
    let Some(start) = start.strip_prefix(b"{") else {
        return false;
    };
    let start = start.trim_ascii_start();
    FIRST_KEYS.iter().any(|key| start.starts_with(key))
        && memchr::memmem::find(content, b"\"nbformat\"").is_some()
}

#[derive(Deserialize)]
struct Notebook<'a> {
    #[serde(borrow, default)]
    cells: Vec<Cell<'a>>,
    /// Where format 3 has its cells.
    #[serde(borrow, default)]
    worksheets: Vec<Worksheet<'a>>,
}

#[derive(Deserialize)]
struct Worksheet<'a> {
    #[serde(borrow, default)]
    cells: Vec<Cell<'a>>,
}

#[derive(Deserialize)]
struct Cell<'a> {
    #[serde(borrow, default, alias = "input")]
    source: Lines<'a>,
    #[serde(borrow, default)]
    outputs: Vec<Output<'a>>,
}

#[derive(Deserialize)]
struct Output<'a> {
    #[serde(borrow, default)]
    text: Lines<'a>,
    #[serde(borrow, default)]
    data: Data<'a>,
}

#[derive(Deserialize, Default)]
struct Data<'a> {
    #[serde(borrow, default, rename = "text/plain")]
    plain: Lines<'a>,
}

/// A text, or a list of its lines. Anything else that stands in its place is no text.
#[derive(Default)]
struct Lines<'a>(Vec<Cow<'a, str>>);

impl Lines<'_> {
    fn join(&self, text: &mut Text) {
        for line in &self.0 {
            text.push(line.as_bytes());
        }
        text.end_line();
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Lines<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LinesVisitor)
    }
}

struct LinesVisitor;

impl<'de> Visitor<'de> for LinesVisitor {
    type Value = Lines<'de>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("lines of text")
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Lines(vec![Cow::Borrowed(text)]))
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Lines(vec![Cow::Owned(text.to_owned())]))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut lines = Lines::default();
        while let Some(piece) = list.next_element::<Lines<'de>>()? {
            lines.0.extend(piece.0);
        }
        Ok(lines)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Lines::default())
    }
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Lines::default())
    }
    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Lines::default())
    }
    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Lines::default())
    }
    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Lines::default())
    }
    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Lines::default())
    }
}

pub(super) fn expand(content: &[u8], out: &mut Expansion<'_>) -> Flow {
    out.about_to_hold(content.len());
    let notebook: Notebook<'_> = match serde_json::from_slice(content) {
        Ok(notebook) => notebook,
        Err(error) => {
            // Its message may quote the content.
            let (line, column) = (error.line(), error.column());
            out.note(Kind::Damaged, b"", || {
                format!("no notebook from line {line}, column {column} on")
            });
            return Flow::Continue(());
        }
    };
    let sheets = notebook.worksheets.iter().flat_map(|sheet| &sheet.cells);
    for (index, cell) in notebook.cells.iter().chain(sheets).enumerate() {
        let name = format!("cell {}", index + 1);
        let mut text = Text::new(0, out);
        cell.source.join(&mut text);
        text.finish(name.as_bytes(), Relation::Rejoined, out)?;
        let mut text = Text::new(0, out);
        for output in &cell.outputs {
            output.text.join(&mut text);
            output.data.plain.join(&mut text);
        }
        let name = format!("{name} output");
        text.finish(name.as_bytes(), Relation::Rejoined, out)?;
    }
    Flow::Continue(())
}
