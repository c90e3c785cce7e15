//! Java classes (JVM specification, chapter 4): the strings of the constant pool, those that
//! initialise a `static final` field with the field's name.

use super::{
    Relation,
    expansion::{Expansion, Flow},
    text::Text,
    trouble::Kind,
};

/// Major versions: Java 1.1 has 45. Below, the same magic begins a universal binary of macOS,
/// which counts its architectures there.
const VERSIONS: std::ops::Range<u16> = 45..256;

pub(super) fn is_class(content: &[u8]) -> bool {
    matches!(content, [0xca, 0xfe, 0xba, 0xbe, _, _, a, b, ..]
        if VERSIONS.contains(&u16::from_be_bytes([*a, *b])))
}

pub(super) fn expand(content: &[u8], out: &mut Expansion<'_>) -> Flow {
    let mut reader = Reader(&content[8..]);
    let Some(pool) = pool(&mut reader) else {
        out.note(Kind::Damaged, b"", || "bad pool of constants".to_owned());
        return Flow::Continue(());
    };
    // Fields are a bonus: the constants are told whether or not they can be read.
    let fields = fields(&mut reader, &pool).unwrap_or_default();
    let mut text = Text::new(content.len(), out);
    let mut named = vec![false; pool.len()];
    for (name, value) in fields {
        if let (Some(Constant::Utf8(name)), Some(&Constant::String(value))) =
            (pool.get(name), pool.get(value))
            && let Some(Constant::Utf8(bytes)) = pool.get(value)
        {
            text.assignment(name, bytes);
            named[value] = true;
        }
    }
    for constant in &pool {
        if let Constant::String(value) = constant
            && named.get(*value) == Some(&false)
            && let Constant::Utf8(bytes) = pool[*value]
        {
            text.push(bytes);
            text.push(b"\n");
        }
    }
    text.finish(b"constants", Relation::Extracted, out)
}

#[derive(Clone, Copy)]
enum Constant<'a> {
    Utf8(&'a [u8]),
    /// Index of its text.
    String(usize),
    Other,
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|b| b[0])
    }

    fn short(&mut self) -> Option<usize> {
        self.take(2)
            .map(|b| usize::from(u16::from_be_bytes([b[0], b[1]])))
    }

    fn long(&mut self) -> Option<usize> {
        self.take(4)
            .map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]) as usize)
    }
}

/// The constants, by index; index 0 is none.
fn pool<'a>(reader: &mut Reader<'a>) -> Option<Vec<Constant<'a>>> {
    let count = reader.short()?;
    let mut pool = vec![Constant::Other];
    while pool.len() < count {
        let constant = match reader.byte()? {
            1 => {
                let len = reader.short()?;
                Constant::Utf8(reader.take(len)?)
            }
            8 => Constant::String(reader.short()?),
            tag => {
                let bytes = match tag {
                    7 | 16 | 19 | 20 => 2,
                    15 => 3,
                    3 | 4 | 9..=12 | 17 | 18 => 4,
                    5 | 6 => 8,
                    _ => return None,
                };
                reader.take(bytes)?;
                if bytes == 8 {
                    // Takes two indexes.
                    pool.push(Constant::Other);
                }
                Constant::Other
            }
        };
        pool.push(constant);
    }
    Some(pool)
}

/// Indexes of name and constant value of the fields that have one.
fn fields(reader: &mut Reader<'_>, pool: &[Constant<'_>]) -> Option<Vec<(usize, usize)>> {
    // Access flags, this class, its parent.
    reader.take(6)?;
    let interfaces = reader.short()?;
    reader.take(2 * interfaces)?;
    let mut fields = Vec::new();
    for _ in 0..reader.short()? {
        reader.take(2)?;
        let name = reader.short()?;
        reader.take(2)?;
        for _ in 0..reader.short()? {
            let kind = reader.short()?;
            let len = reader.long()?;
            let value = reader.take(len)?;
            if let (Some(Constant::Utf8(b"ConstantValue")), [a, b]) = (pool.get(kind), value) {
                fields.push((name, usize::from(u16::from_be_bytes([*a, *b]))));
            }
        }
    }
    Some(fields)
}
