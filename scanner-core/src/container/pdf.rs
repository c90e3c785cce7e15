//! PDF documents (ISO 32000-1): what their compressed streams hold; of page descriptions, the
//! text that they show.
//!
//! Streams are found by their keyword and not by the cross-reference table: a damaged or
//! incremental document, whose older content is still there, is read the same way. The text of a
//! page is put together from the operands of the operators that show text, in the order of the
//! file; moving to another line ends a line. Codes are taken as characters, so text in a font
//! that numbers glyphs in its own way stays unread.

use super::{
    Relation,
    expansion::{Expansion, Flow},
    text::Text,
    trouble::Kind,
};
use flate2::bufread::ZlibDecoder;
use memchr::memmem;

/// Bytes that a stream's dictionary may have.
const DICTIONARY_BYTES: usize = 16 << 10;
/// Bytes of strings that one operator may show.
const MOST_OPERANDS: usize = 64 << 10;
/// A gap in a line wider than this, in thousandths of the text's size, is a space.
const SPACE_FROM: f32 = 180.0;

pub(super) fn expand(content: &[u8], out: &mut Expansion<'_>) -> Flow {
    if memmem::find(content, b"/Encrypt").is_some_and(|at| is_key(content, at + 8)) {
        out.note(Kind::Encrypted, b"", String::new);
        return Flow::Continue(());
    }
    let keyword = memmem::Finder::new(b"stream");
    let mut from = 0;
    while let Some(found) = content.get(from..).and_then(|rest| keyword.find(rest)) {
        out.go_on()?;
        let at = from + found;
        from = at + 6;
        let Some(stream) = Stream::at(content, at) else {
            continue;
        };
        from = stream.end;
        let name = format!("object {}", stream.number);
        let name = name.as_bytes();
        let data = &content[stream.start..stream.end];
        match stream.coding {
            Coding::None => page(name, data, false, out)?,
            Coding::Flate => {
                let then = |out: &mut Expansion<'_>, bytes: &[u8]| page(name, bytes, true, out);
                out.decoded(name, &mut ZlibDecoder::new(data), then)?;
            }
            Coding::Picture => {}
            Coding::Unknown => out.note(Kind::Unsupported, name, || {
                "a stream coded with filters that are not read".to_owned()
            }),
        }
    }
    Flow::Continue(())
}

/// Whether a name ends at this byte.
fn is_key(content: &[u8], end: usize) -> bool {
    content
        .get(end)
        .is_some_and(|b| !(b.is_ascii_alphanumeric() || *b == b'_'))
}

/// How a stream is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    None,
    Flate,
    /// An image, font program or table: no text.
    Picture,
    Unknown,
}

/// A stream and what its dictionary says.
#[derive(Debug)]
struct Stream {
    number: u32,
    coding: Coding,
    /// Its bytes in the document.
    start: usize,
    end: usize,
}

impl Stream {
    /// The stream whose keyword stands at `at`; `None` where it is another word.
    fn at(content: &[u8], at: usize) -> Option<Self> {
        let before = &content[at.saturating_sub(DICTIONARY_BYTES)..at];
        if !before.trim_ascii_end().ends_with(b">>") {
            return None;
        }
        let start = match &content[at + 6..] {
            [b'\r', b'\n', ..] => at + 8,
            [b'\n' | b'\r', ..] => at + 7,
            _ => return None,
        };
        let object = memmem::rfind(before, b" obj")?;
        let dictionary = &before[object + 4..];
        let number = number_before(&before[..object])?;
        let rest = &content[start..];
        let len = direct_length(dictionary)
            .filter(|len| {
                let after = rest.get(*len..).unwrap_or_default();
                let after = &after[..after.len().min(32)];
                after.trim_ascii_start().starts_with(b"endstream")
            })
            .or_else(|| memmem::find(rest, b"endstream"))
            .unwrap_or(rest.len());
        Some(Self {
            number,
            coding: coding(dictionary),
            start,
            end: start + len,
        })
    }
}

/// The object's number in `N G obj`, given what stands before ` obj`.
fn number_before(text: &[u8]) -> Option<u32> {
    let mut words = text.rsplit(|b| !b.is_ascii_digit());
    words.next()?;
    std::str::from_utf8(words.next()?).ok()?.parse().ok()
}

/// What follows a key of a dictionary.
fn value<'a>(dictionary: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    memmem::find_iter(dictionary, key)
        .find(|at| is_key(dictionary, at + key.len()))
        .map(|at| dictionary[at + key.len()..].trim_ascii_start())
}

/// The length where it is a number and not a reference to one.
fn direct_length(dictionary: &[u8]) -> Option<usize> {
    let value = value(dictionary, b"/Length")?;
    let digits = value.iter().take_while(|b| b.is_ascii_digit()).count();
    let after = value[digits..].trim_ascii_start();
    if after.first().is_some_and(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(&value[..digits]).ok()?.parse().ok()
}

fn coding(dictionary: &[u8]) -> Coding {
    let is = |key: &[u8], name: &[u8]| {
        value(dictionary, key).is_some_and(|v| v.starts_with(name) && is_key(v, name.len()))
    };
    // Font programs are small languages of outlines.
    let fonts: [&[u8]; 3] = [b"/Type1C", b"/CIDFontType0C", b"/OpenType"];
    if is(b"/Subtype", b"/Image")
        || fonts.iter().any(|name| is(b"/Subtype", name))
        || is(b"/Type", b"/XRef")
        || value(dictionary, b"/Length1").is_some()
    {
        return Coding::Picture;
    }
    let Some(filter) = value(dictionary, b"/Filter") else {
        return Coding::None;
    };
    let names = if let Some(list) = filter.strip_prefix(b"[") {
        list.split(|b| *b == b']').next().unwrap_or_default()
    } else {
        let mut rest = filter.iter().skip(1);
        let end = rest.position(|b| !b.is_ascii_alphanumeric());
        &filter[..end.map_or(filter.len(), |end| end + 1)]
    };
    let mut names = names.split(|b| *b == b'/').map(<[u8]>::trim_ascii);
    names.next();
    match (names.next(), names.next()) {
        (None, _) => Coding::None,
        (Some(b"FlateDecode" | b"Fl"), None) => Coding::Flate,
        (Some(b"DCTDecode" | b"JPXDecode" | b"CCITTFaxDecode" | b"JBIG2Decode"), _) => {
            Coding::Picture
        }
        _ => Coding::Unknown,
    }
}

/// Pushes a stream: the text that it shows if it describes a page, else its bytes, if the search
/// of the document has not seen them.
fn page(name: &[u8], bytes: &[u8], was_hidden: bool, out: &mut Expansion<'_>) -> Flow {
    if begin_text(bytes).is_some() {
        let mut text = Text::new(bytes.len(), out);
        show(bytes, &mut text);
        if !text.is_empty() {
            return text.finish(name, Relation::Extracted, out);
        }
    }
    if was_hidden {
        out.member(name, bytes, Relation::Decoded)
    } else {
        Flow::Continue(())
    }
}

/// Where the first text object begins, past its operator.
fn begin_text(bytes: &[u8]) -> Option<usize> {
    let is_space = |b: Option<&u8>| b.is_none_or(u8::is_ascii_whitespace);
    let found = memmem::find_iter(bytes, b"BT").find(|at| {
        let after = bytes.get(at + 2);
        let starts = at.checked_sub(1).is_none_or(|at| is_space(bytes.get(at)));
        starts && (is_space(after) || matches!(after, Some(b'/' | b'[' | b'(' | b'<')))
    });
    found.map(|at| at + 2)
}

/// Puts together the text that a page description shows: what its text objects (`BT` to `ET`)
/// say. The drawing between them, by far the most of many pages, is not read at all.
fn show(bytes: &[u8], text: &mut Text) {
    let mut rest = bytes;
    while let Some(at) = begin_text(rest) {
        rest = show_object(&rest[at..], text);
    }
    text.end_line();
}

/// Reads one text object; returns what follows it.
fn show_object<'a>(bytes: &'a [u8], text: &mut Text) -> &'a [u8] {
    let mut lexer = Lexer { bytes, at: 0 };
    // What the strings since the last operator say, and the last numbers.
    let mut pending = Vec::new();
    let mut numbers = [0.0_f32; 2];
    let mut baseline = None;
    while let Some(token) = lexer.next() {
        let operator = match token {
            Token::String(string) => {
                let room = MOST_OPERANDS.saturating_sub(pending.len());
                pending.extend_from_slice(&string[..string.len().min(room)]);
                continue;
            }
            Token::Number(number) => {
                numbers = [numbers[1], number];
                // In an array of strings, a number moves what follows to the left.
                if number < -SPACE_FROM && pending.last().is_some_and(|last| *last != b' ') {
                    pending.push(b' ');
                }
                continue;
            }
            Token::Mark => continue,
            Token::Operator(operator) => operator,
        };
        let [_, y] = numbers;
        match operator {
            b"Tj" | b"TJ" => text.push(&pending),
            b"'" | b"\"" => {
                text.end_line();
                text.push(&pending);
            }
            b"Td" | b"TD" if y == 0.0 => text.push(b" "),
            b"Tm" if baseline == Some(y.to_bits()) => text.push(b" "),
            b"Td" | b"TD" | b"T*" => text.end_line(),
            b"ET" => {
                text.end_line();
                break;
            }
            b"Tm" => {
                baseline = Some(y.to_bits());
                text.end_line();
            }
            _ => {}
        }
        pending.clear();
    }
    &lexer.bytes[lexer.at..]
}

/// A word of a page description.
enum Token<'a> {
    /// A string, its escapes resolved.
    String(Vec<u8>),
    Number(f32),
    /// A name or a bracket.
    Mark,
    Operator(&'a [u8]),
}

struct Lexer<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            match byte {
                b'(' => return Some(Token::String(self.literal())),
                b'<' if self.bytes.get(self.at + 1) != Some(&b'<') => {
                    return Some(Token::String(self.hexadecimal()));
                }
                b'%' => {
                    let rest = &self.bytes[self.at..];
                    let line = rest.iter().position(|b| matches!(b, b'\n' | b'\r'));
                    self.at += line.unwrap_or(rest.len());
                }
                b'/' => {
                    self.at += 1;
                    self.regular();
                    return Some(Token::Mark);
                }
                b'[' | b']' | b'<' | b'>' | b'{' | b'}' | b')' => {
                    self.at += 1;
                    return Some(Token::Mark);
                }
                b if b.is_ascii_whitespace() || b == 0 => self.at += 1,
                _ => {
                    let word = self.regular();
                    let number = std::str::from_utf8(word).ok().and_then(|w| w.parse().ok());
                    return Some(match number {
                        Some(number) if !word[0].is_ascii_alphabetic() => Token::Number(number),
                        _ => Token::Operator(word),
                    });
                }
            }
        }
    }

    /// The characters up to the next that ends a word; at least one where the first is regular.
    fn regular(&mut self) -> &'a [u8] {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|b| {
            b.is_ascii_whitespace()
                || matches!(
                    b,
                    0 | b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%'
                )
        });
        let word = &rest[..end.unwrap_or(rest.len())];
        self.at += word.len();
        word
    }

    /// A string in parentheses (7.3.4.2).
    fn literal(&mut self) -> Vec<u8> {
        let mut string = Vec::new();
        let mut depth = 0_u32;
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            match byte {
                b'(' => {
                    depth += 1;
                    if depth > 1 {
                        string.push(byte);
                    }
                }
                b')' => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                    string.push(byte);
                }
                b'\\' => self.escape(&mut string),
                byte => string.push(byte),
            }
        }
        text_of(string)
    }

    fn escape(&mut self, string: &mut Vec<u8>) {
        let Some(&byte) = self.bytes.get(self.at) else {
            return;
        };
        self.at += 1;
        match byte {
            b'n' => string.push(b'\n'),
            b'r' => string.push(b'\r'),
            b't' => string.push(b'\t'),
            b'b' => string.push(8),
            b'f' => string.push(12),
            b'0'..=b'7' => {
                let mut code = u32::from(byte - b'0');
                for _ in 0..2 {
                    match self.bytes.get(self.at) {
                        Some(digit @ b'0'..=b'7') => code = code * 8 + u32::from(digit - b'0'),
                        _ => break,
                    }
                    self.at += 1;
                }
                string.push(code as u8);
            }
            // The line goes on.
            b'\n' => {}
            b'\r' => self.at += usize::from(self.bytes.get(self.at) == Some(&b'\n')),
            other => string.push(other),
        }
    }

    /// A string of hexadecimal digits (7.3.4.3).
    fn hexadecimal(&mut self) -> Vec<u8> {
        let mut string = Vec::new();
        let mut high = None;
        self.at += 1;
        while let Some(&byte) = self.bytes.get(self.at) {
            self.at += 1;
            let digit = match byte {
                b'>' => break,
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'f' => byte - b'a' + 10,
                b'A'..=b'F' => byte - b'A' + 10,
                _ => continue,
            };
            high = match high {
                None => Some(digit << 4),
                Some(high) => {
                    string.push(high | digit);
                    None
                }
            };
        }
        string.extend(high);
        text_of(string)
    }
}

/// Characters of a string: where it holds 16-bit codes of Latin letters alone, those.
fn text_of(string: Vec<u8>) -> Vec<u8> {
    let pairs = string.as_chunks::<2>();
    let is_wide = !string.is_empty() && pairs.1.is_empty() && pairs.0.iter().all(|p| p[0] == 0);
    if is_wide {
        pairs.0.iter().map(|pair| pair[1]).collect()
    } else {
        string
    }
}
