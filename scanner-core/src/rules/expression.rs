//! Expressions as rule files write them.
//!
//! Teams bring expressions in Go's syntax (RE2), ours are written the same way. The Rust syntax
//! is nearly that, but some texts mean something else in it (`[[]`, `[a&&b]`, `\<`) or nothing at all
//! (`{` as itself, `\Q...\E`, octal escapes). So every expression is read as Go would and written
//! again for Rust; where the author's own text has the same meaning in both, it is kept. Trying
//! Rust's syntax first was refused: it would silently change the meaning of some.
//!
//! `(?x)` does not exist in Go: an expression that sets it is Rust's already and is left alone.

use regex_syntax::{
    ParserBuilder,
    hir::{Class, Hir, HirKind},
};

/// States that an expression may expand to. Far above what real rules need, and far below the
/// default size limit of the regex engine, so that later compilation cannot fail.
const MAX_STATES: u64 = 100_000;

/// A parsed expression.
#[derive(Debug, Clone)]
pub(crate) struct Expression {
    /// The expression in Rust's syntax.
    pub(crate) source: String,
    /// Whether it parses with Unicode classes only.
    pub(crate) unicode: bool,
    /// Its structure.
    pub(crate) hir: Hir,
}

impl Expression {
    /// Reads an expression in Go's or Rust's syntax. `unicode` fixes the mode; without it,
    /// ASCII classes are tried first.
    ///
    /// # Errors
    /// Says what is wrong with it, without quoting it.
    pub(crate) fn parse(text: &str, unicode: Option<bool>) -> Result<Self, String> {
        let translated = translate(text)?;
        let (mode, hir) = parse_either(&translated, unicode)?;
        let kept =
            translated == text || parse_hir(text, mode).is_ok_and(|original| original == hir);
        if hir.properties().minimum_len().is_none() {
            return Err("the expression can never match".to_owned());
        }
        let states = expanded_states(&hir);
        if states > MAX_STATES {
            return Err(format!(
                "the expression is too large: its repetitions expand to {states} states, at most \
                 {MAX_STATES} are allowed"
            ));
        }
        Ok(Self {
            source: if kept { text.to_owned() } else { translated },
            unicode: mode,
            hir,
        })
    }

    /// Number of capture groups besides the whole match.
    pub(crate) fn groups(&self) -> usize {
        self.hir.properties().explicit_captures_len()
    }
}

/// Whether an expression in Rust's syntax needs Unicode classes to parse.
pub(crate) fn needs_unicode(source: &str) -> bool {
    parse_hir(source, false).is_err()
}

fn parse_either(text: &str, unicode: Option<bool>) -> Result<(bool, Hir), String> {
    if let Some(mode) = unicode {
        let hir = parse_hir(text, mode).map_err(|e| describe(&e))?;
        return Ok((mode, hir));
    }
    match parse_hir(text, false) {
        Ok(hir) => Ok((false, hir)),
        Err(first) => match parse_hir(text, true) {
            Ok(hir) => Ok((true, hir)),
            Err(_) => Err(describe(&first)),
        },
    }
}

/// The one place that says how expressions are read; whoever compiles them uses the same
/// settings.
pub(crate) fn parse_hir(text: &str, unicode: bool) -> Result<Hir, Box<regex_syntax::Error>> {
    ParserBuilder::new()
        .unicode(unicode)
        .utf8(false)
        .build()
        .parse(text)
        .map_err(Box::new)
}

/// What is wrong, and at which character, but not the expression itself.
fn describe(error: &regex_syntax::Error) -> String {
    let (kind, span) = match error {
        regex_syntax::Error::Parse(e) => (e.kind().to_string(), e.span()),
        regex_syntax::Error::Translate(e) => (e.kind().to_string(), e.span()),
        _ => return "not a regular expression".to_owned(),
    };
    let advice = if kind.contains("look-around") {
        NO_LOOK_AROUND
    } else {
        ""
    };
    format!("{kind} (near character {}){advice}", span.start.offset + 1)
}

/// What to do instead: RE2's syntax has neither, because neither can be searched in linear time.
const NO_LOOK_AROUND: &str = "; write what stands around the secret into the expression and put the \
                              secret into a group, or drop what must not match with an allowlist";
const NO_BACK_REFERENCES: &str = "back references are not supported: no search in linear time has \
                                  them; write the repeated part out, or match it with a class";

/// An estimate from above of the states that compiling the expression makes.
fn expanded_states(hir: &Hir) -> u64 {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(Class::Bytes(_)) => 1,
        HirKind::Literal(literal) => literal.0.len() as u64,
        HirKind::Class(Class::Unicode(class)) => 2 + 2 * class.ranges().len() as u64,
        HirKind::Capture(capture) => expanded_states(&capture.sub).saturating_add(2),
        HirKind::Concat(subs) | HirKind::Alternation(subs) => subs
            .iter()
            .fold(1, |sum: u64, sub| sum.saturating_add(expanded_states(sub))),
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min).max(1);
            expanded_states(&repetition.sub)
                .saturating_add(1)
                .saturating_mul(u64::from(times))
        }
    }
}

/// Writes an expression of Go's syntax in Rust's.
fn translate(text: &str) -> Result<String, String> {
    let mut reader = Translator {
        rest: text,
        out: String::with_capacity(text.len() + 8),
    };
    if reader.run()? {
        Ok(reader.out)
    } else {
        Ok(text.to_owned())
    }
}

struct Translator<'a> {
    rest: &'a str,
    out: String,
}

impl<'a> Translator<'a> {
    /// Returns `false` where the expression is Rust's already.
    fn run(&mut self) -> Result<bool, String> {
        while let Some(c) = self.rest.chars().next() {
            match c {
                '\\' => self.escape()?,
                '[' => self.class()?,
                '(' if self.rest.starts_with("(?") => {
                    if !self.group() {
                        return Ok(false);
                    }
                }
                '{' => match repetition_len(self.rest) {
                    Some(len) => self.copy(len),
                    None => self.literal(c),
                },
                _ => self.copy(c.len_utf8()),
            }
        }
        Ok(true)
    }

    /// Moves `len` bytes on, unchanged.
    fn copy(&mut self, len: usize) {
        let text = self.skip(len);
        self.out.push_str(text);
    }

    fn skip(&mut self, len: usize) -> &'a str {
        let (head, tail) = self.rest.split_at(len);
        self.rest = tail;
        head
    }

    /// Moves one character on, escaped.
    fn literal(&mut self, c: char) {
        self.skip(c.len_utf8());
        self.out.push('\\');
        self.out.push(c);
    }

    /// `(?flags)`, `(?flags:`, `(?P<name>`. Returns `false` where the flags hold `x`.
    fn group(&mut self) -> bool {
        let flags_len = self.rest[2..]
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(self.rest.len() - 2);
        let verbose = self.rest[2..2 + flags_len].contains('x');
        self.copy(2 + flags_len);
        !verbose
    }

    /// An escape outside a class.
    fn escape(&mut self) -> Result<(), String> {
        let Some(c) = self.rest[1..].chars().next() else {
            return Err("a backslash ends the expression".to_owned());
        };
        match c {
            'Q' => {
                self.skip(2);
                let len = self.rest.find("\\E").unwrap_or(self.rest.len());
                let quoted = self.skip(len);
                self.out.push_str(&regex_syntax::escape(quoted));
                self.skip(self.rest.len().min(2));
            }
            'C' => {
                self.skip(2);
                self.out.push_str("(?s-u:.)");
            }
            _ => {
                let escaped = self.escaped_char()?;
                self.out.push_str(&escaped);
            }
        }
        Ok(())
    }

    /// An escape that stands for one character or class, in or outside a class. Takes it off the
    /// text and returns it in Rust's syntax.
    fn escaped_char(&mut self) -> Result<String, String> {
        let Some(c) = self.rest[1..].chars().next() else {
            return Err("a backslash ends the expression".to_owned());
        };
        match c {
            '<' | '>' => {
                self.skip(2);
                Ok(c.to_string())
            }
            '0'..='7' => {
                let digits = self.rest[1..]
                    .bytes()
                    .take(3)
                    .take_while(|b| (b'0'..=b'7').contains(b))
                    .count();
                if c != '0' && digits == 1 {
                    return Err(NO_BACK_REFERENCES.to_owned());
                }
                let octal = &self.skip(1 + digits)[1..];
                let value = u32::from_str_radix(octal, 8)
                    .map_err(|_| "an octal escape out of range".to_owned())?;
                Ok(format!("\\x{{{value:x}}}"))
            }
            'p' | 'P' | 'x' | 'u' | 'U' if self.rest[2..].starts_with('{') => {
                let Some(len) = self.rest.find('}') else {
                    return Err(format!("\\{c}{{ is not closed"));
                };
                let text = self.skip(len + 1);
                Ok(match text[3..].strip_prefix('^') {
                    Some(name) if c == 'p' => format!("\\P{{{name}"),
                    Some(name) if c == 'P' => format!("\\p{{{name}"),
                    _ => text.to_owned(),
                })
            }
            _ => Ok(self.skip(1 + c.len_utf8()).to_owned()),
        }
    }

    /// A bracketed class, item by item, as Go reads it: `[` in it is itself unless it starts
    /// `[:name:]`, and there are no set operations.
    fn class(&mut self) -> Result<(), String> {
        self.copy(1);
        if self.rest.starts_with('^') {
            self.copy(1);
        }
        let mut first = true;
        loop {
            let Some(c) = self.rest.chars().next() else {
                return Err("a character class is not closed".to_owned());
            };
            if c == ']' && !first {
                self.copy(1);
                return Ok(());
            }
            first = false;
            if let Some(len) = posix_len(self.rest) {
                self.copy(len);
                continue;
            }
            let is_class = is_class_escape(self.rest);
            let low = self.class_char(c)?;
            self.out.push_str(&low);
            let mut ahead = self.rest.chars();
            let ranges = ahead.next() == Some('-') && !matches!(ahead.next(), Some(']') | None);
            if ranges && !is_class {
                self.copy(1);
                let Some(c) = self.rest.chars().next() else {
                    return Err("a character class is not closed".to_owned());
                };
                if is_class_escape(self.rest) {
                    return Err("a range in a character class ends in a class".to_owned());
                }
                let high = self.class_char(c)?;
                self.out.push_str(&high);
            }
        }
    }

    fn class_char(&mut self, c: char) -> Result<String, String> {
        if c == '\\' {
            return self.escaped_char();
        }
        let text = self.skip(c.len_utf8());
        Ok(if matches!(c, '[' | ']' | '^' | '-' | '&' | '~') {
            format!("\\{c}")
        } else {
            text.to_owned()
        })
    }
}

/// Whether `text` starts with an escape that stands for several characters.
fn is_class_escape(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next() == Some('\\')
        && matches!(
            chars.next(),
            Some('d' | 'D' | 's' | 'S' | 'w' | 'W' | 'p' | 'P')
        )
}

/// Bytes of `[:name:]` at the start of `text`.
fn posix_len(text: &str) -> Option<usize> {
    let name = text.strip_prefix("[:")?;
    name.find(":]").map(|end| end + 4)
}

/// Bytes of `{n}`, `{n,}` or `{n,m}` at the start of `text`; `None` where Go takes the brace as
/// itself.
fn repetition_len(text: &str) -> Option<usize> {
    let body = &text[1..text.find('}')?];
    let number = |digits: &str| {
        !digits.is_empty()
            && digits.bytes().all(|b| b.is_ascii_digit())
            && (digits.len() == 1 || !digits.starts_with('0'))
    };
    let valid = match body.split_once(',') {
        None => number(body),
        Some((low, high)) => number(low) && (high.is_empty() || number(high)),
    };
    valid.then_some(body.len() + 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex_automata::{meta::Regex, util::syntax};

    fn source(text: &str) -> String {
        Expression::parse(text, None)
            .unwrap_or_else(|e| panic!("{text}: {e}"))
            .source
    }

    fn regex(text: &str) -> Regex {
        let expression = Expression::parse(text, None).unwrap_or_else(|e| panic!("{text}: {e}"));
        Regex::builder()
            .syntax(
                syntax::Config::new()
                    .unicode(expression.unicode)
                    .utf8(false),
            )
            .build(&expression.source)
            .unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn texts_of_the_same_meaning_in_both_syntaxes_are_kept() {
        for text in [
            r"(?i)\b(ghp_[0-9a-zA-Z]{36})(?:[\x60'\x22\s;]|\\[nr]|$)",
            r"[[:alnum:]_-]{20,}",
            r"(?P<key>[a-z]+)=(?P<value>[^\s]+)",
            r"a\.b\-c\/d\_e\@f\'\x22",
            r"(?x) a [ b # comment [
              ] c",
        ] {
            assert_eq!(source(text), text);
        }
    }

    #[test]
    fn go_syntax_keeps_its_meaning() {
        for (text, matches, rejects) in [
            (
                r#"{"key": "[a-z]+"}"#,
                r#"{"key": "abc"}"#,
                r#""key": "abc""#,
            ),
            (r"a{,5}b", "a{,5}b", "aab"),
            (r"a{01}", "a{01}", "a{02}"),
            (r"^x{2}$", "xx", "x{2}"),
            (r"^[[]a]$", "[a]", "a]"),
            (r"^[[a]b]$", "[b]", "ab"),
            (r"^[a&&b]+$", "a&b", "c"),
            (r"^[+--]+$", "+,-", "."),
            (r"^[\w-.]+$", "a-.", "!"),
            (r"^[a~~b]$", "~", "c"),
            (r"^[]a]+$", "]a", "b"),
            (r"^[^]a]+$", "bc", "]"),
            (r"^[a-]+$", "a-", "b"),
            (r"\<b\>", "<b>", "b"),
            (r"^\Qa.b*\E+$", "a.b**", "aXb*"),
            (r"^\x41\102\0103$", "AB\x083", "ABC"),
            (r"^\C$", "\n", "ab"),
            (r"^\p{^Greek}$", "a", "\u{3b1}"),
            (r"^[\p{^Greek}]$", "a", "\u{3b1}"),
            (r"a\b{start}b", "a{start}b", "ab"),
            (r"^[\101-\103]$", "B", "D"),
        ] {
            assert!(regex(text).is_match(matches), "{text} finds its text");
            assert!(!regex(text).is_match(rejects), "{text} leaves others");
        }
    }

    #[test]
    fn unicode_is_the_fallback_and_can_be_fixed() {
        let parse = |text, unicode| Expression::parse(text, unicode).map(|e| e.unicode);
        assert_eq!(parse(r"\w+", None), Ok(false));
        assert_eq!(parse(r"\p{Greek}+", None), Ok(true));
        assert_eq!(parse("[\u{e4}\u{f6}]", None), Ok(true));
        assert_eq!(parse(r"\w+", Some(true)), Ok(true));
        assert!(parse(r"\p{Greek}+", Some(false)).is_err());
        assert!(regex("caf\u{e9}").is_match("caf\u{e9}"));
    }

    #[test]
    fn what_cannot_work_is_refused_without_quoting_it() {
        for (text, says) in [
            (r"(hunter2", "unclosed group"),
            (r"hunter2(?=x)", "look-around"),
            (r"(hunter2)\1", "back references"),
            (r"[hunter2", "not closed"),
            ("hunter2\\", "backslash"),
            (r"[a-\d]", "ends in a class"),
            (r"(?:hunter2{1000}){1000}", "too large"),
            (r"[^\x00-\xff]", "can never match"),
            (r"*a", "repetition operator"),
        ] {
            let error = Expression::parse(text, None).expect_err(text);
            assert!(error.contains(says), "{text}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
