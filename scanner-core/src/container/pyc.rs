//! Compiled Python: the strings among the constants of each code object, with the name they are
//! assigned to where the bytecode does that at once (`NAME = "value"`).
//!
//! The header differs by version, the code objects' layout too, and both only in what is skipped.
//! Opcodes are known for 2.7 and 3.6 to 3.13; of other versions the constants are told without
//! names.

use super::{
    Relation,
    expansion::{Expansion, Flow},
    text::Text,
    trouble::Kind,
};

/// Code objects, tuples and the like inside each other that are read.
const MOST_DEPTH: u32 = 64;
/// Objects that later ones may refer to; references beyond stay unresolved.
const MOST_REFS: usize = 1 << 18;
/// Elements of one tuple that an instruction can name without a prefix.
const MOST_INDEXED: usize = 256;

/// Whether content begins as compiled Python: a magic number that a version from 2.3 on has, and
/// the line end that guards it.
pub(super) fn is_pyc(content: &[u8]) -> bool {
    content.len() > 16 && content[2..4] == *b"\r\n" && Version::of(content).is_some()
}

/// What differs between versions.
#[derive(Debug, Clone, Copy)]
struct Version {
    header_bytes: usize,
    /// 32-bit numbers that a code object begins with.
    numbers: usize,
    /// Whether a code object ends with six more objects (3.11) or with what came before.
    tables: bool,
    instructions: Option<Instructions>,
}

/// The instructions that assign a constant.
#[derive(Debug, Clone, Copy)]
struct Instructions {
    load_const: u8,
    store_name: u8,
    store_global: u8,
    store_fast: u8,
    store_attr: u8,
    /// The first one with an argument, where others are a single byte (before 3.6).
    have_argument: Option<u8>,
}

const UNTIL_3_12: Instructions = Instructions {
    load_const: 100,
    store_name: 90,
    store_global: 97,
    store_fast: 125,
    store_attr: 95,
    have_argument: None,
};

impl Version {
    fn of(content: &[u8]) -> Option<Self> {
        let magic = u16::from_le_bytes([content[0], content[1]]);
        // Lib/importlib/_bootstrap_external.py lists them.
        let (header_bytes, numbers) = match magic {
            62_011..=62_219 => (8, 4),
            3000..=3189 => (8, 5),
            3190..=3389 => (12, 5),
            3400..=3449 => (16, 6),
            3390..=3999 => (16, 5),
            _ => return None,
        };
        let instructions = match magic {
            62_011..=62_219 => Some(Instructions {
                have_argument: Some(90),
                ..UNTIL_3_12
            }),
            3379..=3549 => Some(UNTIL_3_12),
            3571..=3599 => Some(Instructions {
                load_const: 83,
                store_name: 114,
                store_global: 113,
                store_fast: 110,
                store_attr: 108,
                have_argument: None,
            }),
            _ => None,
        };
        Some(Self {
            header_bytes,
            numbers,
            tables: (3450..=3999).contains(&magic),
            instructions,
        })
    }
}

pub(super) fn expand(content: &[u8], out: &mut Expansion<'_>) -> Flow {
    let Some(version) = Version::of(content) else {
        return Flow::Continue(());
    };
    let text = Text::new(content.len(), out);
    let mut marshal = Marshal {
        rest: &content[version.header_bytes..],
        version,
        refs: Vec::new(),
        interned: Vec::new(),
        text,
    };
    let whole = marshal.object(MOST_DEPTH, Role::Other).is_some();
    if !whole {
        let left = marshal.rest.len();
        out.note(Kind::Damaged, b"", || {
            format!("the last {left} bytes are no code of a known form")
        });
    }
    marshal.text.finish(b"constants", Relation::Extracted, out)
}

/// What an object is for, which decides whether its strings are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The constants of a code object: their strings are handed up.
    Constants,
    /// Part of a constant: its strings are told at once.
    Constant,
    /// Names and bytecode.
    Other,
}

/// An object, as far as it matters.
#[derive(Debug, Clone)]
enum Object<'a> {
    Bytes(&'a [u8]),
    /// The strings of a tuple, with their indexes.
    Strings(Vec<(usize, &'a [u8])>),
    /// A string that stood elsewhere before.
    Again(&'a [u8]),
    Other,
}

impl<'a> Object<'a> {
    fn bytes(&self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) | Self::Again(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// Reads Python's marshal format (Python/marshal.c).
struct Marshal<'a> {
    rest: &'a [u8],
    version: Version,
    /// What `r` refers to; empty where that is no string.
    refs: Vec<&'a [u8]>,
    /// What `R` refers to (Python 2).
    interned: Vec<&'a [u8]>,
    text: Text,
}

impl<'a> Marshal<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<usize> {
        self.take(1).map(|b| usize::from(b[0]))
    }

    fn number(&mut self) -> Option<i32> {
        self.take(4)
            .map(|b| i32::from_le_bytes([b[0], b[1], b[2], b[3]]))
    }

    fn size(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    /// Reads one object; `None` where there is none, or nothing that can be read on from.
    fn object(&mut self, depth: u32, role: Role) -> Option<Object<'a>> {
        const FLAG_REF: u8 = 0x80;
        let depth = depth.checked_sub(1)?;
        let kind = self.byte()? as u8;
        let slot = (kind & FLAG_REF != 0 && self.refs.len() < MOST_REFS).then(|| {
            self.refs.push(&[]);
            self.refs.len() - 1
        });
        let object = match kind & !FLAG_REF {
            b'0' | b'N' | b'F' | b'T' | b'S' | b'.' => Object::Other,
            b'i' => self.skip(4)?,
            b'I' | b'g' => self.skip(8)?,
            b'y' => self.skip(16)?,
            b'f' => {
                let len = self.byte()?;
                self.skip(len)?
            }
            b'x' => {
                for _ in 0..2 {
                    let len = self.byte()?;
                    self.skip(len)?;
                }
                Object::Other
            }
            b'l' => {
                let digits = self.number()?.unsigned_abs() as usize;
                self.skip(digits.checked_mul(2)?)?
            }
            b's' | b'u' | b'a' | b'A' => {
                let len = self.size()?;
                Object::Bytes(self.take(len)?)
            }
            b't' => {
                let len = self.size()?;
                let bytes = self.take(len)?;
                if self.interned.len() < MOST_REFS {
                    self.interned.push(bytes);
                }
                Object::Bytes(bytes)
            }
            b'z' | b'Z' => {
                let len = self.byte()?;
                Object::Bytes(self.take(len)?)
            }
            b'r' => {
                let index = self.size()?;
                Object::Again(self.refs.get(index).copied().unwrap_or_default())
            }
            b'R' => {
                let index = self.size()?;
                Object::Again(self.interned.get(index).copied().unwrap_or_default())
            }
            b')' => {
                let len = self.byte()?;
                self.sequence(len, depth, role)?
            }
            b'(' | b'[' | b'<' | b'>' => {
                let len = self.size()?;
                self.sequence(len, depth, role)?
            }
            b':' => self.sequence(3, depth, role)?,
            b'{' => {
                // Ends with a null object in place of a key.
                while *self.rest.first()? != b'0' {
                    self.sequence(2, depth, role)?;
                }
                self.skip(1)?
            }
            b'c' => self.code(depth)?,
            _ => return None,
        };
        if let (Some(slot), Object::Bytes(bytes)) = (slot, &object) {
            self.refs[slot] = bytes;
        }
        if let (Role::Constant, Object::Bytes(bytes)) = (role, &object) {
            self.line(bytes);
        }
        Some(object)
    }

    fn skip(&mut self, len: usize) -> Option<Object<'a>> {
        self.take(len).map(|_| Object::Other)
    }

    fn line(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.text.push(bytes);
            self.text.push(b"\n");
        }
    }

    fn sequence(&mut self, len: usize, depth: u32, role: Role) -> Option<Object<'a>> {
        let inner = match role {
            Role::Constants => Role::Other,
            other => other,
        };
        let mut strings = Vec::new();
        for index in 0..len {
            // A tuple among the constants is a constant.
            let is_nested = role == Role::Constants
                && self
                    .rest
                    .first()
                    .is_some_and(|kind| matches!(kind & 0x7f, b'(' | b')' | b'<' | b'>' | b':'));
            let inner = if is_nested { Role::Constant } else { inner };
            let object = self.object(depth, inner)?;
            match (role, &object) {
                (Role::Constants, Object::Bytes(bytes)) => {
                    if index < MOST_INDEXED {
                        strings.push((index, *bytes));
                    } else {
                        self.line(bytes);
                    }
                }
                (Role::Other | Role::Constants, object) if index < MOST_INDEXED => {
                    if let Some(bytes) = object.bytes() {
                        strings.push((index, bytes));
                    }
                }
                _ => {}
            }
        }
        Some(Object::Strings(strings))
    }

    fn code(&mut self, depth: u32) -> Option<Object<'a>> {
        self.take(4 * self.version.numbers)?;
        let code = self.object(depth, Role::Other)?;
        let constants = self.object(depth, Role::Constants)?;
        let names = self.object(depth, Role::Other)?;
        let variables = self.object(depth, Role::Other)?;
        // What is assigned is told before what the rest may break off.
        self.tell(&code, &constants, &names, &variables);
        let (before, after) = if self.version.tables {
            (4, 2) // kinds, file, name, qualified name; lines, exceptions
        } else {
            (4, 1) // free and cell variables, file, name; lines
        };
        for _ in 0..before {
            self.object(depth, Role::Other)?;
        }
        self.take(4)?;
        for _ in 0..after {
            self.object(depth, Role::Other)?;
        }
        Some(Object::Other)
    }

    /// Tells the constants of a code object, those first that it assigns.
    fn tell(
        &mut self,
        code: &Object<'a>,
        constants: &Object<'a>,
        names: &Object<'a>,
        variables: &Object<'a>,
    ) {
        let Object::Strings(constants) = constants else {
            return;
        };
        let mut told = vec![false; constants.len()];
        if let (Some(known), Some(code)) = (self.version.instructions, code.bytes()) {
            for (constant, name, is_variable) in assignments(code, known) {
                let table = if is_variable { variables } else { names };
                let at = constants.binary_search_by_key(&usize::from(constant), |c| c.0);
                if let (Ok(at), Some(name)) = (at, lookup(table, usize::from(name)))
                    && !told[at]
                {
                    self.text.assignment(name, constants[at].1);
                    told[at] = true;
                }
            }
        }
        for (constant, told) in constants.iter().zip(told) {
            if !told {
                self.line(constant.1);
            }
        }
    }
}

fn lookup<'a>(table: &Object<'a>, index: usize) -> Option<&'a [u8]> {
    let Object::Strings(strings) = table else {
        return None;
    };
    let at = strings.binary_search_by_key(&index, |s| s.0).ok()?;
    Some(strings[at].1)
}

/// Constants that are stored at once: their index, the name's, and whether that is a variable's.
fn assignments(code: &[u8], known: Instructions) -> impl Iterator<Item = (u8, u8, bool)> {
    let mut at = 0;
    let instructions = std::iter::from_fn(move || {
        let op = *code.get(at)?;
        let arg = code.get(at + 1).copied().unwrap_or_default();
        at += match known.have_argument {
            None => 2,
            Some(first) if op < first => 1,
            Some(_) => 3,
        };
        Some((op, arg))
    });
    let mut last = [(0, 0); 2];
    instructions.filter_map(move |(op, arg)| {
        let [before_last, previous] = last;
        last = [previous, (op, arg)];
        let loaded = |(op, arg)| (op == known.load_const).then_some(arg);
        if op == known.store_name || op == known.store_global {
            loaded(previous).map(|constant| (constant, arg, false))
        } else if op == known.store_fast {
            loaded(previous).map(|constant| (constant, arg, true))
        } else if op == known.store_attr {
            // Between them the object is loaded.
            loaded(before_last).map(|constant| (constant, arg, false))
        } else {
            None
        }
    })
}
