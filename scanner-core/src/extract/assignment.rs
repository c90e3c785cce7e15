//! Finds the value that is given to a name.
//!
//! One parser for every language, on purpose: content is searched before anyone knows its path, a
//! YAML file holds shell lines and a Python file holds JSON. What is common to them is little: a
//! name, in quotes or not; a sign that gives it a value; the value, in quotes or not. The parser takes
//! all signs it knows and says which *form* it met, and the filters decide how much each form is worth.
//! Expressions were tried first and refused: nested quotes, type annotations, element text and values
//! on the next line made one that nobody could read, and it backtracked.
//!
//! It looks at a bounded window around a word, so that a verdict holds in every version of a file that
//! copies the window.

use std::ops::Range;

/// Most bytes ahead of the word that are looked at.
pub const BEFORE_BYTES: usize = 160;
/// Most bytes after the word's start that are looked at.
pub const AFTER_BYTES: usize = 800;

/// Longest name, in bytes.
const MAX_NAME_BYTES: usize = 80;
/// Longest value, in bytes.
const MAX_VALUE_BYTES: usize = 520;
/// Longest alignment between a name, its sign and its value, in bytes.
const MAX_SPACES: usize = 48;

/// How a value was given to its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Form {
    /// `name = "value"`, `"name": "value"`: a literal in quotes.
    Quoted,
    /// `NAME=value` on a line of its own: dotenv, shell, INI, properties.
    Line,
    /// `name: value` on a line of its own, without quotes: YAML.
    Plain,
    /// `name=value` amid other text, without quotes: URL parameters, connection strings, code.
    Inline,
    /// `name=value` within a text in quotes, or between other parameters.
    Parameter,
    /// `<name>value</name>`.
    Element,
    /// `key="name" value="value"`, or `name: NAME` with `value: value` on the next line.
    Pair,
    /// `f("name", "value")`.
    Argument,
    /// `setName("value")`.
    Call,
    /// `name == "value"`.
    Comparison,
    /// `name || "value"`, `${NAME:-value}`.
    Default,
    /// `--name value`, `ENV NAME value`.
    Option,
    /// `name "value"`: configuration files whose sign is a space.
    Spaced,
    /// `the name is value`, `| name | value |`: prose and tables.
    Prose,
}

impl Form {
    /// Returns the name that explanations use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Quoted => "quoted",
            Self::Line => "line",
            Self::Plain => "plain",
            Self::Inline => "inline",
            Self::Parameter => "parameter",
            Self::Element => "element",
            Self::Pair => "pair",
            Self::Argument => "argument",
            Self::Call => "call",
            Self::Comparison => "comparison",
            Self::Default => "default",
            Self::Option => "option",
            Self::Spaced => "spaced",
            Self::Prose => "prose",
        }
    }
}

/// A name and the value given to it: ranges of the window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The name, without quotes and leading marks.
    pub name: Range<usize>,
    /// The value, without quotes; never empty.
    pub value: Range<usize>,
    /// How the one was given to the other.
    pub form: Form,
    /// Whether the value stood in quotes.
    pub quoted: bool,
    /// Whether more text is joined to the literal, as in `"abc" + d`.
    pub joined: bool,
}

/// Finds the value given to the name that `word` is a part of, in `window`.
///
/// What follows the last letter or digit of `word` does not count as a part of it.
///
/// `None` where there is no name, no sign, or nothing that could be a literal value. Costs time linear
/// in the bytes looked at and allocates nothing.
pub fn assignment(window: &[u8], word: Range<usize>) -> Option<Assignment> {
    let letters = window.get(word.clone())?;
    let last = letters.iter().rposition(u8::is_ascii_alphanumeric)?;
    let word = word.start..word.start + last + 1;
    let name = name(window, &word)?;
    let parser = Parser {
        text: window,
        name: name.clone(),
    };
    let found = parser.after_name()?;
    let value = found.value.clone();
    (!value.is_empty() && value.len() <= MAX_VALUE_BYTES).then_some(Assignment { name, ..found })
}

fn is_name_byte(b: u8) -> bool {
    b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'$')
}

/// The whole name around a word.
fn name(text: &[u8], word: &Range<usize>) -> Option<Range<usize>> {
    let floor = word.start.saturating_sub(MAX_NAME_BYTES);
    let mut start = word.start;
    while start > floor && is_name_byte(text[start - 1]) {
        start -= 1;
    }
    if start == floor && floor > 0 {
        return None;
    }
    // An escape ahead of the name is no part of it: `\npassword=`.
    if start > 0
        && text[start - 1] == b'\\'
        && start < word.start
        && matches!(text[start], b'n' | b't' | b'r')
    {
        start += 1;
    }
    let ceiling = (start + MAX_NAME_BYTES).min(text.len());
    let mut end = word.end;
    while end < ceiling && is_name_byte(text[end]) {
        end += 1;
    }
    if end == ceiling && end < text.len() && is_name_byte(text[end]) {
        return None;
    }
    while start < word.start && matches!(text[start], b'-' | b'.' | b'$') {
        start += 1;
    }
    // `name->`, `name.` and `name-` end in marks that belong to what follows.
    while end > word.end && matches!(text[end - 1], b'-' | b'.' | b'$') {
        end -= 1;
    }
    Some(start..end)
}

/// Ways to write a quote, longest first.
const QUOTES: [&[u8]; 13] = [
    b"&quot;",
    b"&apos;",
    b"&#34;",
    b"&#39;",
    b"\\u0022",
    b"\\u0027",
    b"\\\\\\\"",
    b"%22",
    b"%27",
    b"\\\"",
    b"\\'",
    b"\"",
    b"'",
];

/// The quote at a position, if one stands there.
fn quote_at(text: &[u8], at: usize) -> Option<&'static [u8]> {
    let rest = text.get(at..)?;
    // Most bytes that are asked about begin none.
    match rest.first()? {
        b'`' => Some(b"`"),
        b'&' | b'\\' | b'%' | b'"' | b'\'' => QUOTES.into_iter().find(|q| rest.starts_with(q)),
        _ => None,
    }
}

/// What may stand ahead of a literal's opening quote and keeps the text as it is: prefixes and
/// constructors.
const PREFIXES: &[&[u8]] = &[
    b"b",
    b"u",
    b"r",
    b"f",
    b"L",
    b"@",
    b"br",
    b"rb",
    b"u8",
    b"$",
    b"r#",
    b"_(",
    b"N",
    b"E",
    b"q",
    b"Some(",
    b"String(",
    b"string(",
    b"str(",
    b"new String(",
    b"[]byte(",
    b"Buffer.from(",
    b"bytes(",
    b"String::from(",
    b"Secret::new(",
    b"SecretString::from(",
    b"SecretString::new(",
    b"std::string(",
    b"NSString(",
    b"(string)",
    b"(char*)",
    b"(const char *)",
    b"const_cast<char*>(",
    b"Array(",
    b"[",
    b"{ ",
];

struct Parser<'a> {
    text: &'a [u8],
    name: Range<usize>,
}

/// A value without its name.
fn bare(value: Range<usize>, form: Form, quoted: bool) -> Assignment {
    Assignment {
        name: 0..0,
        value,
        form,
        quoted,
        joined: false,
    }
}

impl Parser<'_> {
    fn byte(&self, at: usize) -> u8 {
        self.text.get(at).copied().unwrap_or(0)
    }

    fn starts(&self, at: usize, with: &[u8]) -> bool {
        self.text
            .get(at..)
            .is_some_and(|rest| rest.starts_with(with))
    }

    /// Skips spaces and tabs.
    fn blanks(&self, at: usize) -> usize {
        let most = (at + MAX_SPACES).min(self.text.len());
        (at..most)
            .find(|&i| !matches!(self.text[i], b' ' | b'\t'))
            .unwrap_or(most)
    }

    /// `| name | value |`.
    fn rest_of_cell(&self, at: usize) -> Option<Assignment> {
        let at = at + usize::from(self.byte(at) == b'`');
        let found = self.inline(at, Form::Prose)?;
        let end = found.value.end;
        let after = self.blanks(end + usize::from(self.byte(end) == b'`'));
        (self.byte(after) == b'|').then_some(found)
    }

    /// `variable "name" { ... default = "value" }`.
    fn block_default(&self, at: usize) -> Option<Assignment> {
        let block = self.text.get(at..self.text.len().min(at + 300))?;
        let block = &block[..memchr::memchr(b'}', block).unwrap_or(block.len())];
        let word = at + memchr::memmem::find(block, b"default")? + b"default".len();
        let sign = self.blanks(word);
        (self.byte(sign) == b'=').then(|| self.literal(self.blanks(sign + 1), Form::Default))?
    }

    /// `x.y || "value"` after a sign: what stands in for a value that is missing.
    fn fallback(&self, at: usize) -> Option<Assignment> {
        let of_path = |b: u8| {
            b.is_ascii_alphanumeric()
                || matches!(b, b'_' | b'.' | b'$' | b'[' | b']' | b'?' | b'"' | b'\'')
        };
        let most = self.text.len().min(at + MAX_NAME_BYTES);
        let end = (at..most).find(|&i| !of_path(self.text[i]))?;
        let sign = self.blanks(end);
        let or = [&b"||"[..], b"??", b"or "]
            .into_iter()
            .find(|or| end > at && self.starts(sign, or))?;
        self.literal(self.blanks(sign + or.len()), Form::Default)
    }

    /// Skips spaces, tabs and ends of lines.
    fn space(&self, at: usize) -> usize {
        let most = (at + MAX_SPACES).min(self.text.len());
        (at..most)
            .find(|&i| !self.text[i].is_ascii_whitespace())
            .unwrap_or(most)
    }

    /// Whether the name is the first thing on its line, but for words that introduce a setting.
    fn begins_line(&self) -> bool {
        let head = &self.text[..self.name.start];
        let head = memchr::memrchr(b'\n', head).map_or(head, |at| &head[at + 1..]);
        let head = head.trim_ascii_start();
        let marks = |b: &u8| {
            matches!(
                b,
                b'-' | b' ' | b'\t' | b'#' | b'"' | b'\'' | b';' | b'/' | b'*'
            )
        };
        if head.iter().all(marks) {
            return true;
        }
        let word = head.split(|b| matches!(b, b' ' | b'\t')).next();
        let rest = &head[word.map_or(0, <[u8]>::len)..];
        word.is_some_and(|word| {
            [
                &b"export"[..],
                b"set",
                b"setx",
                b"SET",
                b"ENV",
                b"env",
                b"ARG",
                b"local",
                b"declare",
                b"readonly",
                b"-",
                b"-e",
                b"--env",
                b"--set",
                b"--build-arg",
                b"$env:",
                b"setenv",
            ]
            .contains(&word)
        }) && rest.iter().all(marks)
    }

    fn after_name(&self) -> Option<Assignment> {
        let mut at = self.name.end;
        let mut quoted_name = false;
        let opening = self.name.start.checked_sub(1).map(|i| self.text[i]);
        if let Some(quote) = quote_at(self.text, at) {
            // A quote that opens here begins the value: `password "x"` without the space.
            at += quote.len();
            quoted_name = true;
        }
        let mut brackets = 0;
        while brackets < 2 && matches!(self.byte(at), b']' | b')') {
            at += 1;
            brackets += 1;
        }
        if self.byte(at) == b'[' {
            // `char password[] =`, `password[16] =`.
            let close = memchr::memchr(b']', self.text.get(at..at + 8)?)?;
            if !self.text[at + 1..at + close].iter().all(u8::is_ascii_digit) {
                return None;
            }
            at += close + 1;
        }
        if !quoted_name && opening == Some(b'<') {
            return self.element(at);
        }
        let sign = self.blanks(at);
        self.sign(at, sign, quoted_name)
    }

    /// `<name ...>value<`.
    fn element(&self, at: usize) -> Option<Assignment> {
        let open = memchr::memchr2(b'>', b'\n', self.text.get(at..)?)? + at;
        if self.text[open] != b'>' || self.text[open - 1] == b'/' {
            // `<password value="x"/>` is a pair of its own.
            return self.attribute(at);
        }
        // `<password value="x">`: an attribute comes before text.
        self.attribute(at).or_else(|| self.element_text(open + 1))
    }

    fn element_text(&self, at: usize) -> Option<Assignment> {
        let mut start = self.space(at);
        let cdata = b"<![CDATA[";
        if self.starts(start, cdata) {
            start += cdata.len();
        }
        let end = start + memchr::memchr2(b'<', b']', self.text.get(start..)?)?;
        let value = trimmed(self.text, start..end);
        Some(bare(value, Form::Element, false))
    }

    /// `... value="x"` after a name, on the same line or in the same tag.
    fn attribute(&self, at: usize) -> Option<Assignment> {
        let mut at = self.space(at);
        if self.byte(at) == b',' {
            at = self.space(at + 1);
        }
        let quote = quote_at(self.text, at).map_or(0, <[u8]>::len);
        let word_end = (at + quote..self.text.len().min(at + quote + 16))
            .find(|&i| !self.text[i].is_ascii_alphabetic())?;
        let word = &self.text[at + quote..word_end];
        let known = [
            &b"value"[..],
            b"val",
            b"content",
            b"default",
            b"defaultValue",
            b"secret",
            b"data",
        ];
        if !known.iter().any(|k| k.eq_ignore_ascii_case(word)) {
            return None;
        }
        let closing = quote_at(self.text, word_end).map_or(0, <[u8]>::len);
        let sign = self.blanks(word_end + closing);
        if !matches!(self.byte(sign), b'=' | b':') || self.byte(sign + 1) == b'=' {
            return None;
        }
        let start = self.blanks(sign + 1);
        let mut found = self.literal(start, Form::Pair).or_else(|| {
            let plain = self.byte(sign) == b':';
            plain
                .then(|| self.rest_of_line(start, Form::Pair))
                .flatten()
        })?;
        found.form = Form::Pair;
        Some(found)
    }

    /// What comes after the name and its closing marks: a sign and a value. `after` is where the name's
    /// marks end, `at` where the blanks after it do.
    fn sign(&self, after: usize, at: usize, quoted_name: bool) -> Option<Assignment> {
        let two = |with: &[u8]| self.starts(at, with);
        for comparison in [&b"==="[..], b"!==", b"==", b"!=", b"-eq ", b"-ne ", b"eq "] {
            if two(comparison) {
                return self.literal(self.blanks(at + comparison.len()), Form::Comparison);
            }
        }
        for give in [
            &b"||="[..],
            b"??=",
            b"::=",
            b":=",
            b"?=",
            b"=>",
            b"<-",
            b"+=",
            b"=",
        ] {
            if two(give) {
                let value = at + give.len();
                if give == b"=" && matches!(self.byte(value), b'~' | b'=') {
                    return None;
                }
                return self.given(value);
            }
        }
        for or in [&b"||"[..], b"??", b"or "] {
            if two(or) {
                return self.literal(self.blanks(at + or.len()), Form::Default);
            }
        }
        match self.byte(at) {
            b':' => self.colon(at, quoted_name),
            b',' if quoted_name => self.argument(at),
            b',' if self.compares_text() => self.literal(self.space(at + 1), Form::Comparison),
            b'(' if at == after && !quoted_name => self.call(at),
            b'>' if quoted_name => self.element_text(at + 1),
            b'|' => self.rest_of_cell(self.blanks(at + 1)),
            b'{' if quoted_name => self.block_default(at + 1),
            b'\n' | b'\r' => self.attribute(at),
            b'%' if self.starts(at, b"%3D") || self.starts(at, b"%3d") => {
                self.inline(at + 3, Form::Inline)
            }
            b'\\' if self.starts(at, b"\\u003d") || self.starts(at, b"\\u003D") => self
                .literal(at + 6, Form::Quoted)
                .or_else(|| self.inline(at + 6, Form::Inline)),
            _ if at > after => self.spaced(at, quoted_name),
            _ => None,
        }
    }

    /// After a sign that gives a value.
    fn given(&self, at: usize) -> Option<Assignment> {
        let start = self.blanks(at);
        if matches!(self.byte(start), b'\n' | b'\r' | b'\\' | b'(') {
            // A literal may begin on the next line.
            let wrapped = self.space(start + usize::from(matches!(self.byte(start), b'\\' | b'(')));
            if wrapped > start && quote_at(self.text, wrapped).is_some() {
                return self.literal(wrapped, Form::Quoted);
            }
            if self.byte(start) != b'(' && quote_at(self.text, start).is_none() {
                return None;
            }
        }
        if let Some(found) = self.literal(start, Form::Quoted) {
            return Some(found);
        }
        if quote_at(self.text, start).is_some() {
            return None;
        }
        if let Some(found) = self.fallback(start) {
            return Some(found);
        }
        let form = if self.begins_line() {
            Form::Line
        } else {
            Form::Inline
        };
        if form == Form::Line {
            return self.rest_of_word(start, form);
        }
        self.inline(start, form)
    }

    /// After `name:`.
    fn colon(&self, at: usize, quoted_name: bool) -> Option<Assignment> {
        if self.byte(at + 1) == b':' {
            return None;
        }
        let template =
            self.name.start >= 2 && &self.text[self.name.start - 2..self.name.start] == b"${";
        if template {
            // `${NAME:-value}` of shells, `${NAME:value}` of Spring.
            let start = at + 1 + usize::from(matches!(self.byte(at + 1), b'-' | b'='));
            let end = start + memchr::memchr2(b'}', b'\n', self.text.get(start..)?)?;
            return (self.text[end] == b'}').then(|| bare(start..end, Form::Default, false));
        }
        if let Some(value) = self.after_type(at + 1) {
            return self.literal(value, Form::Quoted);
        }
        let mut start = self.blanks(at + 1);
        if self.starts(start, b"!!str ") || self.starts(start, b"!!binary ") {
            start = self.blanks(start + 6 + 3 * usize::from(self.byte(start + 2) == b'b'));
        }
        if matches!(self.byte(start), b'|' | b'>') && self.begins_line() {
            // A YAML block: its first line is the value.
            let line = start
                + memchr::memchr(
                    b'\n',
                    self.text.get(start..(start + 8).min(self.text.len()))?,
                )?;
            return self.rest_of_line(self.blanks(line + 1), Form::Plain);
        }
        if matches!(self.byte(start), b'\n' | b'\r') {
            let wrapped = self.space(start);
            return quote_at(self.text, wrapped).and_then(|_| self.literal(wrapped, Form::Quoted));
        }
        if let Some(found) = self.literal(start, Form::Quoted) {
            return Some(found);
        }
        if quote_at(self.text, start).is_some() {
            return None;
        }
        if !quoted_name && start > at + 1 && self.begins_line() {
            return self.rest_of_line(start, Form::Plain);
        }
        self.inline(start, Form::Inline)
    }

    /// Where the value starts after a type annotation (`: String = `) that begins at `at`.
    fn after_type(&self, at: usize) -> Option<usize> {
        let start = self.blanks(at);
        let of_types = |b: u8| {
            b.is_ascii_alphanumeric()
                || matches!(
                    b,
                    b'_' | b'&'
                        | b'<'
                        | b'>'
                        | b'['
                        | b']'
                        | b'?'
                        | b'.'
                        | b'|'
                        | b'*'
                        | b' '
                        | b':'
                )
        };
        let first = self.byte(start);
        if !(first.is_ascii_alphabetic() || matches!(first, b'&' | b'[')) {
            return None;
        }
        let end = (start..(start + 48).min(self.text.len())).find(|&i| {
            let b = self.text[i];
            // A lifetime is the one quote in a type.
            !(of_types(b)
                || b == b'\'' && self.byte(i + 1).is_ascii_alphabetic() && self.text[i - 1] == b'&')
        })?;
        let sign = self.text[end] == b'='
            && self.text[end - 1] == b' '
            && !matches!(self.byte(end + 1), b'=' | b'>');
        sign.then(|| self.space(end + 1))
    }

    /// `"name", "value"`: an argument, unless the value is a name in its turn.
    fn argument(&self, at: usize) -> Option<Assignment> {
        let start = self.space(at + 1);
        if let Some(pair) = self.attribute(at) {
            return Some(pair);
        }
        let (found, end) = self.literal_and_end(start, Form::Argument)?;
        // `"a", "b": 1` and `["a", "b", "c"]` are lists and tables.
        let after = self.space(end);
        let list = matches!(self.byte(after), b':' | b']') || self.starts(after, b"=>");
        let call = self.name.start.checked_sub(2).is_some_and(|i| {
            matches!(self.text[i], b'(' | b' ' | b',') && !matches!(self.text[i], b'[' | b'{')
        });
        (!list && call && matches!(self.byte(after), b')' | b',' | b';' | b'.')).then_some(found)
    }

    /// Whether the name is an argument of a function that compares texts.
    fn compares_text(&self) -> bool {
        let head = &self.text[..self.name.start];
        let head = head.trim_ascii_end();
        [
            &b"strcmp("[..],
            b"strncmp(",
            b"strcasecmp(",
            b"equals(",
            b"equal(",
            b"Equal(",
            b"Equals(",
        ]
        .iter()
        .any(|f| head.ends_with(f))
    }

    /// `setName("value")`: the literal is the first argument, and the last.
    fn call(&self, at: usize) -> Option<Assignment> {
        // `name.equals("value")`: a dot is part of a name.
        let method = self.text[self.name.clone()].rsplit(|b| *b == b'.').next();
        let form = match method {
            Some(b"equals" | b"equalsIgnoreCase" | b"eq" | b"compareTo" | b"isEqualTo") => {
                Form::Comparison
            }
            _ => Form::Call,
        };
        let (found, end) = self.literal_and_end(self.space(at + 1), form)?;
        let after = self.space(end);
        matches!(self.byte(after), b')' | b',').then_some(found)
    }

    /// After a name and a space.
    fn spaced(&self, at: usize, quoted_name: bool) -> Option<Assignment> {
        if quoted_name {
            // `<add key="name" value="x"/>`.
            return self.attribute(at);
        }
        // Go and SQL name the type between name and sign: `password string = "x"`.
        for kind in [&b"string"[..], b"[]byte", b"String", b"text", b"varchar"] {
            let sign = self.blanks(at + kind.len());
            if self.starts(at, kind) && self.byte(sign) == b'=' && self.byte(sign + 1) != b'=' {
                return self.literal(self.blanks(sign + 1), Form::Quoted);
            }
        }
        let head = &self.text[..self.name.start];
        if head.ends_with(b"--") {
            return self
                .literal(at, Form::Option)
                .or_else(|| self.rest_of_word(at, Form::Option));
        }
        let line = memchr::memrchr(b'\n', head)
            .map_or(head, |n| &head[n + 1..])
            .trim_ascii();
        if matches!(line, b"ENV" | b"ARG" | b"setx" | b"setenv" | b"env") {
            return self
                .literal(at, Form::Option)
                .or_else(|| self.rest_of_word(at, Form::Option));
        }
        if self.starts(at, b"is ") || self.starts(at, b"is: ") {
            let start = self.blanks(at + 2 + usize::from(self.byte(at + 2) == b':'));
            return self
                .literal(start, Form::Prose)
                .or_else(|| self.inline(start, Form::Prose))
                .map(|mut found| {
                    // A full stop ends the sentence.
                    while found.value.len() > 1 && self.text[found.value.end - 1] == b'.' {
                        found.value.end -= 1;
                    }
                    found
                });
        }
        self.literal(at, Form::Spaced)
    }

    fn literal(&self, at: usize, form: Form) -> Option<Assignment> {
        self.literal_and_end(at, form).map(|found| found.0)
    }

    /// A literal in quotes at `at`, with what may stand ahead of the quote in one language or another,
    /// and the first byte after its closing quote.
    fn literal_and_end(&self, at: usize, form: Form) -> Option<(Assignment, usize)> {
        let start = self.opening(at)?;
        let quote = quote_at(self.text, start)?;
        let triple = quote.len() == 1
            && self.byte(start + 1) == quote[0]
            && self.byte(start + 2) == quote[0];
        let from = start + if triple { 3 } else { quote.len() };
        let from = if triple && self.byte(from) == b'\n' {
            self.space(from)
        } else {
            from
        };
        let limit = self.text.len().min(from + MAX_VALUE_BYTES + 1);
        let mut end = from;
        loop {
            if end >= limit {
                return None;
            }
            if self.text[end..].starts_with(quote) {
                break;
            }
            match self.text[end] {
                b'\n' if !triple => return None,
                b'\n' => break,
                // An escape that is part of the text, unless escapes are how this quote is written.
                b'\\' if quote.len() == 1 => end += 2,
                _ => end += 1,
            }
        }
        let closed = (end + quote.len()).min(self.text.len());
        let mut after = self.blanks(closed);
        if self.byte(after) == b'\n' {
            after = self.space(after);
        }
        let joined = match self.byte(after) {
            b'+' | b'%' => true,
            b'.' => {
                self.byte(after + 1) == b' '
                    || self.starts(after, b".format")
                    || self.starts(after, b".replace")
            }
            _ => false,
        };
        let mut found = bare(from..end, form, true);
        found.joined = joined;
        Some((found, closed))
    }

    /// The opening quote of a literal: behind prefixes of string literals and constructors that keep the
    /// text as it is. Any other call makes the value something that was computed.
    fn opening(&self, at: usize) -> Option<usize> {
        if quote_at(self.text, at).is_some() {
            return Some(at);
        }
        let rest = self.text.get(at..)?;
        let first = *rest.first()?;
        let prefixes = PREFIXES.iter().filter(|prefix| prefix[0] == first);
        for prefix in prefixes {
            let start = at + prefix.len();
            if rest.starts_with(prefix) && quote_at(self.text, start).is_some() {
                return Some(start);
            }
        }
        None
    }

    /// The rest of a line, as YAML reads it: to a comment or the end.
    fn rest_of_line(&self, at: usize, form: Form) -> Option<Assignment> {
        let limit = self.text.len().min(at + MAX_VALUE_BYTES + 1);
        let end = (at..limit)
            .find(|&i| {
                self.text[i] == b'\n' || self.text[i] == b'#' && i > at && self.text[i - 1] == b' '
            })
            .or((limit == self.text.len()).then_some(limit))?;
        let value = trimmed(self.text, at..end);
        // In code a member ends in a comma, a statement in a semicolon.
        let value = match self.text.get(value.end.wrapping_sub(1)) {
            Some(b',' | b';') if value.len() > 1 => value.start..value.end - 1,
            _ => value,
        };
        Some(bare(value, form, false))
    }

    /// A word to the next space or quote, as shells and dotenv read it.
    fn rest_of_word(&self, at: usize, form: Form) -> Option<Assignment> {
        let limit = self.text.len().min(at + MAX_VALUE_BYTES + 1);
        let end = (at..limit)
            .find(|&i| {
                self.text[i].is_ascii_whitespace() || matches!(self.text[i], b'"' | b'\'' | b'`')
            })
            .or((limit == self.text.len()).then_some(limit))?;
        if matches!(self.byte(end), b'"' | b'\'' | b'`')
            && end > at
            && form == Form::Line
            && self.byte(end) != b'"'
        {
            return None;
        }
        let mut end = end;
        while end > at && matches!(self.text[end - 1], b',' | b';') {
            end -= 1;
        }
        Some(bare(at..end, form, false))
    }

    /// A value amid other text: to the first sign that could end it. Where a quote ends it, or the next
    /// parameter follows, it is a parameter of a text rather than a name of the program.
    fn inline(&self, at: usize, form: Form) -> Option<Assignment> {
        let limit = self.text.len().min(at + MAX_VALUE_BYTES + 1);
        let end = (at..limit)
            .find(|&i| {
                let b = self.text[i];
                b.is_ascii_whitespace()
                    || matches!(
                        b,
                        b'"' | b'\''
                            | b'`'
                            | b'<'
                            | b'>'
                            | b'\\'
                            | b','
                            | b';'
                            | b'&'
                            | b'}'
                            | b']'
                            | b')'
                            | b'|'
                    )
            })
            .or((limit == self.text.len()).then_some(limit))?;
        let next = self.byte(end + 1);
        let form = match self.byte(end) {
            b'"' | b'\'' | b'`' | b'&' if form == Form::Inline => Form::Parameter,
            b';' | b',' if form == Form::Inline && next.is_ascii_alphabetic() => Form::Parameter,
            _ => form,
        };
        Some(bare(at..end, form, false))
    }
}

/// Leaves out white space at both ends.
fn trimmed(text: &[u8], range: Range<usize>) -> Range<usize> {
    let inside = &text[range.clone()];
    let front = inside.len() - inside.trim_ascii_start().len();
    let start = range.start + front;
    start..start + inside.trim_ascii().len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The value given to the first name in `text` that holds `secret`, and its form.
    fn given(text: &str) -> Option<(&str, Form)> {
        let lower = text.to_ascii_lowercase();
        let start = lower.find("secret")?;
        let found = assignment(text.as_bytes(), start..start + "secret".len())?;
        Some((&text[found.value], found.form))
    }

    #[test]
    fn values_are_found_in_the_syntaxes_of_programs_and_configuration() {
        let mut wrong = Vec::new();
        for (text, value, form) in [
            ("secret = \"v1\"", "v1", Form::Quoted),
            ("client_secret: 'v1',", "v1", Form::Quoted),
            ("  \"clientSecret\": \"v1\",", "v1", Form::Quoted),
            ("\\\"secret\\\": \\\"v1\\\"", "v1", Form::Quoted),
            ("&quot;secret&quot;: &quot;v1&quot;", "v1", Form::Quoted),
            ("secret := `v1`", "v1", Form::Quoted),
            ("$secret = 'v1';", "v1", Form::Quoted),
            ("config['secret'] = 'v1'", "v1", Form::Quoted),
            (":secret => 'v1'", "v1", Form::Quoted),
            ("secret <- \"v1\"", "v1", Form::Quoted),
            ("val secret: String = \"v1\"", "v1", Form::Quoted),
            ("let secret: &'static str = \"v1\";", "v1", Form::Quoted),
            ("char secret[] = \"v1\";", "v1", Form::Quoted),
            ("var secret string = \"v1\"", "v1", Form::Quoted),
            ("secret = b'v1'", "v1", Form::Quoted),
            ("secret = String::from(\"v1\")", "v1", Form::Quoted),
            ("secret = \"\"\"\nv1\n\"\"\"", "v1", Form::Quoted),
            ("secret = (\n  'v1'\n)", "v1", Form::Quoted),
            ("secret = 'it\\'s'", "it\\'s", Form::Quoted),
            ("export SECRET=v1 # note", "v1", Form::Line),
            ("SECRET=v1\nNEXT=2", "v1", Form::Line),
            ("secret: v1 # note", "v1", Form::Plain),
            ("secret: |\n  v1\nnext: 2", "v1", Form::Plain),
            ("?a=1&secret=v1&b=2", "v1", Form::Parameter),
            ("Server=x;Secret=v1;Y=z", "v1", Form::Parameter),
            ("f(a, secret=v1, b)", "v1", Form::Inline),
            ("<secret>v1</secret>", "v1", Form::Element),
            (
                "<secret type=\"x\"><![CDATA[v1]]></secret>",
                "v1",
                Form::Element,
            ),
            ("<add key=\"Secret\" value=\"v1\"/>", "v1", Form::Pair),
            ("<string name=\"secret\">v1</string>", "v1", Form::Element),
            ("- name: SECRET\n  value: v1\n", "v1", Form::Pair),
            (
                "{\"name\": \"SECRET\", \"value\": \"v1\"}",
                "v1",
                Form::Pair,
            ),
            ("define('SECRET', 'v1');", "v1", Form::Argument),
            ("os.getenv(\"SECRET\", \"v1\")", "v1", Form::Argument),
            ("x.setSecret(\"v1\")", "v1", Form::Call),
            ("if secret == 'v1' {", "v1", Form::Comparison),
            ("if (secret.equals(\"v1\"))", "v1", Form::Comparison),
            ("strcmp(secret, \"v1\")", "v1", Form::Comparison),
            ("secret || 'v1'", "v1", Form::Default),
            ("secret = process.env.S || 'v1'", "v1", Form::Default),
            ("${SECRET:-v1}", "v1", Form::Default),
            (
                "variable \"secret\" {\n  default = \"v1\"\n}",
                "v1",
                Form::Default,
            ),
            ("run --secret v1 --next", "v1", Form::Option),
            ("ENV SECRET v1", "v1", Form::Option),
            ("secret \"v1\"", "v1", Form::Spaced),
            ("The secret is v1.", "v1", Form::Prose),
            ("| secret | v1 |", "v1", Form::Prose),
            ("secret%3Dv1%26", "v1%26", Form::Inline),
        ] {
            if given(text) != Some((value, form)) {
                wrong.push(format!("{text:?}: {:?}", given(text)));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn what_gives_no_value_is_left_alone() {
        for text in [
            "secret",
            "secret()",
            "secret::new()",
            "secret = ",
            "[\"secret\", \"v1\", \"x\"]",
            "{\"secret\", \"v1\": 1}",
            "secret =~ 'v1'",
            "secret = 'v1",
            "a secret of his",
            "std::secret::x",
        ] {
            assert_eq!(given(text), None, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        /// Whatever stands around a word, ranges are in bounds and the name holds the word.
        #[test]
        fn any_bytes_are_safe_and_ranges_in_bounds(
            head in prop::collection::vec(any::<u8>(), 0..40),
            tail in "[ -~\n]{0,80}",
        ) {
            let mut text = head.clone();
            text.extend_from_slice(b"Secret");
            text.extend_from_slice(tail.as_bytes());
            let word = head.len()..head.len() + 6;
            if let Some(found) = assignment(&text, word.clone()) {
                prop_assert!(found.name.start <= word.start && found.name.end >= word.end);
                prop_assert!(!found.value.is_empty() && found.value.end <= text.len());
            }
        }
    }
}
