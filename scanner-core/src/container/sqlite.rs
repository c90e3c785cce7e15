//! SQLite databases (sqlite.org/fileformat2.html): the text and blob values of every table's rows,
//! each with its column's name.
//!
//! In the file itself a long value is cut into pages, UTF-16 is usual for some programs, and a
//! column's name stands nowhere near its values. Indexes are left out: they repeat values of
//! tables. Deleted rows are not looked for: where their bytes are still there in one piece, the
//! search of the file itself sees them.

use super::{
    Relation,
    expansion::{Expansion, Flow},
    text::Text,
    trouble::Kind,
};

const FILE_HEADER: usize = 100;
/// Most columns of a table that SQLite can be built for.
const MOST_COLUMNS: usize = 32_767;
/// Most tables told.
const MOST_TABLES: usize = 10_000;

struct Database<'a> {
    content: &'a [u8],
    page_size: usize,
    /// A page without what extensions reserve at its end.
    usable: usize,
    encoding: Encoding,
    /// Pages met, so that no page is read twice, whatever points to it.
    met: Vec<bool>,
    /// Payload bytes that may still be read. A sound file holds no more than its size; one whose
    /// rows share their overflow pages could have any amount.
    payload_left: usize,
    damaged: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    Utf16Le,
    Utf16Be,
}

/// A table, as the schema tells it.
struct Table {
    name: Vec<u8>,
    root: u32,
    columns: Vec<Vec<u8>>,
}

/// A value of a row; numbers matter only as page numbers.
#[derive(Debug, Clone, Copy)]
enum Value<'a> {
    Number(u64),
    Text(&'a [u8]),
    Blob(&'a [u8]),
    Other,
}

pub(super) fn expand(content: &[u8], out: &mut Expansion<'_>) -> Flow {
    let Some(mut database) = Database::new(content) else {
        out.note(Kind::Damaged, b"", || "bad header".to_owned());
        return Flow::Continue(());
    };
    let mut tables = Vec::new();
    database.rows(1, out, &mut |database, row| {
        if tables.len() < MOST_TABLES {
            tables.extend(database.table(row));
        }
        true
    })?;
    for table in &tables {
        let mut text = Text::new(content.len(), out);
        database.rows(table.root, out, &mut |database, row| {
            let mut any = false;
            for (index, value) in row.iter().enumerate() {
                let bytes = match value {
                    Value::Text(bytes) => database.utf8(bytes),
                    Value::Blob(bytes) => (*bytes).into(),
                    Value::Number(_) | Value::Other => continue,
                };
                if !bytes.is_empty() {
                    let column = table
                        .columns
                        .get(index)
                        .map_or(&b"value"[..], Vec::as_slice);
                    text.assignment(column, &bytes);
                    any = true;
                }
            }
            if any {
                text.push(b"\n");
            }
            !text.is_cut()
        })?;
        text.finish(&table.name, Relation::Extracted, out)?;
    }
    if database.damaged {
        out.note(Kind::Damaged, b"", || {
            "not every page is what a table's tree says it is".to_owned()
        });
    }
    Flow::Continue(())
}

impl<'a> Database<'a> {
    fn new(content: &'a [u8]) -> Option<Self> {
        let header = content.get(..FILE_HEADER)?;
        let page_size = match usize::from(u16::from_be_bytes([header[16], header[17]])) {
            1 => 65_536,
            size if size >= 512 && size.is_power_of_two() => size,
            _ => return None,
        };
        let usable = page_size - usize::from(header[20]);
        (usable >= 480).then(|| Self {
            content,
            page_size,
            usable,
            encoding: match header[59] {
                2 => Encoding::Utf16Le,
                3 => Encoding::Utf16Be,
                _ => Encoding::Utf8,
            },
            met: vec![false; content.len().div_ceil(page_size) + 1],
            payload_left: content.len(),
            damaged: false,
        })
    }

    fn page(&self, number: u32) -> Option<&'a [u8]> {
        let start = (number as usize)
            .checked_sub(1)?
            .checked_mul(self.page_size)?;
        let rest = self.content.get(start..)?;
        rest.get(..self.usable)
    }

    /// Calls `each` with every row of the tree at `root`, until it returns `false`.
    fn rows(
        &mut self,
        root: u32,
        out: &mut Expansion<'_>,
        each: &mut dyn FnMut(&Self, &[Value<'_>]) -> bool,
    ) -> Flow {
        let mut waiting = vec![root];
        while let Some(number) = waiting.pop() {
            out.go_on()?;
            let page = self.page(number);
            let known = self.met.get_mut(number as usize).filter(|met| !**met);
            let (Some(page), Some(met)) = (page, known) else {
                self.damaged = true;
                continue;
            };
            *met = true;
            match self.tree_page(number, page, &mut waiting, each) {
                None => self.damaged = true,
                Some(true) => {}
                Some(false) => break,
            }
        }
        Flow::Continue(())
    }

    /// Reads one page of a tree; `None` where it is damaged, `false` where `each` has enough.
    fn tree_page(
        &mut self,
        number: u32,
        page: &'a [u8],
        waiting: &mut Vec<u32>,
        each: &mut dyn FnMut(&Self, &[Value<'_>]) -> bool,
    ) -> Option<bool> {
        let start = if number == 1 { FILE_HEADER } else { 0 };
        let header = page.get(start..start + 8)?;
        let (is_inner, is_index) = match header[0] {
            0x02 => (true, true),
            0x05 => (true, false),
            0x0a => (false, true),
            0x0d => (false, false),
            _ => return None,
        };
        let cells = usize::from(u16::from_be_bytes([header[3], header[4]]));
        let pointers = start + if is_inner { 12 } else { 8 };
        // Children are put on the stack the other way round, so that rows come in their order.
        let mut children = Vec::new();
        for cell in 0..cells {
            let pointer = page.get(pointers + 2 * cell..pointers + 2 * cell + 2)?;
            let mut at = usize::from(u16::from_be_bytes([pointer[0], pointer[1]]));
            if is_inner {
                children.push(long(page, at)?);
                at += 4;
            }
            if is_inner && !is_index {
                continue;
            }
            let len = usize::try_from(varint(page, &mut at)?).ok()?;
            if !is_index {
                varint(page, &mut at)?;
            }
            let payload = self.payload(page, at, len, is_index)?;
            let Some(row) = record(&payload) else {
                self.damaged = true;
                continue;
            };
            if !each(self, &row) {
                return Some(false);
            }
        }
        if is_inner {
            children.push(long(page, start + 8)?);
        }
        waiting.extend(children.into_iter().rev());
        Some(true)
    }

    /// The payload of a cell, with what stands on overflow pages.
    fn payload(
        &mut self,
        page: &'a [u8],
        at: usize,
        len: usize,
        is_index: bool,
    ) -> Option<std::borrow::Cow<'a, [u8]>> {
        self.payload_left = self.payload_left.checked_sub(len)?;
        let usable = self.usable;
        // Names and formulas of the format's description.
        let x = if is_index {
            (usable - 12) * 64 / 255 - 23
        } else {
            usable - 35
        };
        if len <= x {
            return page.get(at..at + len).map(Into::into);
        }
        let m = (usable - 12) * 32 / 255 - 23;
        let k = m + (len - m) % (usable - 4);
        let local = if k <= x { k } else { m };
        let mut payload = page.get(at..at + local)?.to_vec();
        let mut next = long(page, at + local)?;
        while payload.len() < len {
            let overflow = self.page(next)?;
            next = long(overflow, 0)?;
            let piece = (len - payload.len()).min(usable - 4);
            payload.extend_from_slice(&overflow[4..4 + piece]);
        }
        Some(payload.into())
    }

    /// Reads a row of the schema: type, name, table, root page, statement.
    fn table(&self, row: &[Value<'_>]) -> Option<Table> {
        let [
            Value::Text(kind),
            Value::Text(name),
            _,
            Value::Number(root),
            Value::Text(sql),
            ..,
        ] = row
        else {
            return None;
        };
        let root = u32::try_from(*root).ok().filter(|root| *root > 0)?;
        (*self.utf8(kind) == *b"table").then(|| Table {
            name: self.utf8(name).into_owned(),
            root,
            columns: columns(&self.utf8(sql)),
        })
    }

    fn utf8<'t>(&self, text: &'t [u8]) -> std::borrow::Cow<'t, [u8]> {
        let unit = match self.encoding {
            Encoding::Utf8 => return text.into(),
            Encoding::Utf16Le => u16::from_le_bytes,
            Encoding::Utf16Be => u16::from_be_bytes,
        };
        let units = text.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
        let text: String = char::decode_utf16(units)
            .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect();
        text.into_bytes().into()
    }
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    let b = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
}

/// A variable-length number of up to nine bytes; moves `at` past it.
fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut value = 0_u64;
    for n in 0..9 {
        let byte = *bytes.get(*at)?;
        *at += 1;
        if n == 8 {
            return Some(value << 8 | u64::from(byte));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            break;
        }
    }
    Some(value)
}

/// The values of a record: a header of types, then the values.
fn record(payload: &[u8]) -> Option<Vec<Value<'_>>> {
    let mut at = 0;
    let header_len = usize::try_from(varint(payload, &mut at)?).ok()?;
    let header = payload.get(..header_len)?;
    let mut rest = &payload[header_len..];
    let mut values = Vec::new();
    while at < header_len && values.len() < MOST_COLUMNS {
        let kind = varint(header, &mut at)?;
        let len = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind as usize,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            _ => usize::try_from((kind - 12) / 2).ok()?,
        };
        let (value, after) = rest.split_at_checked(len)?;
        rest = after;
        values.push(match kind {
            1..=6 => Value::Number(value.iter().fold(0, |n, b| n << 8 | u64::from(*b))),
            9 => Value::Number(1),
            0..=11 => Value::Other,
            _ if kind % 2 == 1 => Value::Text(value),
            _ => Value::Blob(value),
        });
    }
    Some(values)
}

/// The names of columns in a `CREATE TABLE` statement; none where rows are not in their order.
fn columns(sql: &[u8]) -> Vec<Vec<u8>> {
    let upper = sql.to_ascii_uppercase();
    let (Some(open), None) = (
        memchr::memchr(b'(', sql),
        memchr::memmem::find(&upper, b"WITHOUT ROWID"),
    ) else {
        return Vec::new();
    };
    let mut columns = Vec::new();
    let (mut depth, mut quote, mut start) = (0_u32, None, open + 1);
    for (at, byte) in sql.iter().enumerate().skip(open) {
        match (quote, byte) {
            (Some(end), byte) if end == *byte => quote = None,
            (None, b'"' | b'\'' | b'`') => quote = Some(*byte),
            (None, b'[') => quote = Some(b']'),
            (None, b'(') => depth += 1,
            (None, b',' | b')') if depth == 1 => {
                columns.extend(column(&sql[start..at]));
                start = at + 1;
                if *byte == b')' {
                    break;
                }
            }
            (None, b')') => depth -= 1,
            _ => {}
        }
    }
    columns
}

/// The name that a column's definition begins with; none for a table's constraint.
fn column(definition: &[u8]) -> Option<Vec<u8>> {
    let definition = definition.trim_ascii();
    let close = match definition.first()? {
        b'[' => Some(b']'),
        quote @ (b'"' | b'\'' | b'`') => Some(*quote),
        _ => None,
    };
    if let Some(close) = close {
        let end = memchr::memchr(close, &definition[1..])?;
        return Some(definition[1..=end].to_vec());
    }
    let end = definition
        .iter()
        .position(|b| b.is_ascii_whitespace() || *b == b'(');
    let name = &definition[..end.unwrap_or(definition.len())];
    let constraint = [
        &b"CONSTRAINT"[..],
        b"PRIMARY",
        b"UNIQUE",
        b"CHECK",
        b"FOREIGN",
    ];
    (!constraint.iter().any(|c| name.eq_ignore_ascii_case(c))).then(|| name.to_vec())
}
