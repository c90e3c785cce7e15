//! Reads values out of a TOML tree, and collects what is wrong with each, with its line.
//!
//! The tree is walked by hand: deriving the walk with serde would stop at the first problem, and
//! a person who corrects a file wants all of them. Messages never hold a value that may be a
//! credential; those that quote a value are about words out of a few.

use super::{Globs, Problems, Star};
use crate::model::{ByteSize, Problem, TimeSpan, suggestion};
use std::{
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
    value::Datetime,
};

/// A table of a file.
pub type Table<'i> = DeTable<'i>;

/// One key of a table: its name, its line and its value.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'t, 'i> {
    /// Its name.
    pub key: &'t str,
    /// Its line, 1-based.
    pub line: u32,
    value: &'t Spanned<DeValue<'i>>,
}

impl Entry<'_, '_> {
    /// Whether the value is a string, for keys that take one or something else.
    pub fn is_text(&self) -> bool {
        self.value.get_ref().is_str()
    }
}

/// Reads values, and keeps what is wrong with them.
#[derive(Debug)]
pub struct Reader<'a> {
    origin: &'a str,
    line_starts: Vec<usize>,
    pub(crate) problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// Takes a file's text apart. `origin` is the file's path: it names the file in messages, and
    /// relative paths start from its directory; `what` is what such a file is called.
    ///
    /// # Errors
    /// Where the text is no TOML, or larger than `max_bytes`.
    pub fn parse<'t>(
        text: &'t str,
        origin: &'a str,
        max_bytes: usize,
        what: &str,
    ) -> Result<(Self, Table<'t>), Problems> {
        let mut reader = Self {
            origin,
            line_starts: std::iter::once(0)
                .chain(text.match_indices('\n').map(|(at, _)| at + 1))
                .collect(),
            problems: Vec::new(),
        };
        if text.len() > max_bytes {
            let message = format!(
                "larger than {} KiB: no {what} is; give the right file",
                max_bytes >> 10
            );
            reader.problem(0, message);
            return Err(Problems::new(reader.problems));
        }
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in &errors {
            let line = error.span().map_or(0, |span| reader.line(&span));
            reader.problem(line, format!("not valid TOML: {}", error.message()));
        }
        // What a broken file seems to say is no base for more messages.
        if reader.problems.is_empty() {
            Ok((reader, root.into_inner()))
        } else {
            Err(Problems::new(reader.problems))
        }
    }

    /// Gives what was read, unless anything was wrong.
    ///
    /// # Errors
    /// All that was wrong.
    pub fn finish<T>(self, read: T) -> Result<T, Problems> {
        if self.problems.is_empty() {
            Ok(read)
        } else {
            Err(Problems::new(self.problems))
        }
    }

    /// Whether anything was wrong so far.
    pub fn has_problems(&self) -> bool {
        !self.problems.is_empty()
    }

    /// Notes a problem.
    pub fn problem(&mut self, line: u32, message: impl Into<String>) {
        self.problems.push(Problem {
            file: self.origin.to_owned(),
            line,
            message: message.into(),
        });
    }

    /// A problem with a key's value.
    pub fn wrong(&mut self, entry: Entry<'_, '_>, message: &str) {
        self.problem(entry.line, format!("key {:?}: {message}", entry.key));
    }

    /// Notes a key that no such table has, with the one that may have been meant.
    pub fn unknown(&mut self, entry: Entry<'_, '_>, known: &[&str], place: &str) {
        let near = suggestion(entry.key, known.iter().copied());
        let key = entry.key;
        self.problem(entry.line, format!("unknown key {key:?} in {place}{near}"));
    }

    /// The line of a place, 1-based.
    fn line(&self, span: &Range<usize>) -> u32 {
        self.line_starts.partition_point(|s| *s <= span.start) as u32
    }

    /// The keys of a table.
    pub fn entries<'t, 'i>(&self, table: &'t Table<'i>) -> Vec<Entry<'t, 'i>> {
        let entry = |(key, value): (&'t Spanned<_>, &'t Spanned<DeValue<'i>>)| {
            let name: &'t std::borrow::Cow<'i, str> = key.get_ref();
            Entry {
                key: name.as_ref(),
                line: self.line(&key.span()),
                value,
            }
        };
        table.iter().map(entry).collect()
    }

    fn mismatch(&mut self, entry: Entry<'_, '_>, wanted: &str) {
        let found = entry.value.get_ref().type_str();
        self.wrong(entry, &format!("is of type {found}, expected {wanted}"));
    }

    /// A string.
    pub fn text<'t>(&mut self, entry: Entry<'t, '_>) -> Option<&'t str> {
        let text = entry.value.get_ref().as_str();
        if text.is_none() {
            self.mismatch(entry, "a string");
        }
        text
    }

    /// One line that says something, for people.
    pub fn sentence(&mut self, entry: Entry<'_, '_>) -> Option<String> {
        const MOST_CHARACTERS: usize = 500;
        let text = self.text(entry)?.trim();
        if !text.chars().any(char::is_alphanumeric) {
            self.wrong(entry, "is empty: say it in words");
        } else if text.chars().any(char::is_control) {
            self.wrong(entry, "must be a single line without control characters");
        } else if text.chars().count() > MOST_CHARACTERS {
            self.wrong(
                entry,
                &format!("longer than {MOST_CHARACTERS} characters: shorten it"),
            );
        } else {
            return Some(text.to_owned());
        }
        None
    }

    /// True or false.
    pub fn boolean(&mut self, entry: Entry<'_, '_>) -> Option<bool> {
        let value = entry.value.get_ref().as_bool();
        if value.is_none() {
            self.mismatch(entry, "true or false");
        }
        value
    }

    fn number(entry: Entry<'_, '_>) -> Option<u64> {
        let number = entry.value.get_ref().as_integer()?;
        u64::from_str_radix(number.as_str(), number.radix()).ok()
    }

    /// A whole number in a range.
    pub fn integer(&mut self, entry: Entry<'_, '_>, range: Range<u32>) -> Option<u32> {
        let value = Self::number(entry)
            .and_then(|n| u32::try_from(n).ok())
            .filter(|n| range.contains(n));
        if value.is_none() {
            let last = range.end - 1;
            self.wrong(
                entry,
                &format!("expected a whole number from {} to {last}", range.start),
            );
        }
        value
    }

    /// A size in bytes; 0 is one.
    pub fn size(&mut self, entry: Entry<'_, '_>) -> Option<u64> {
        if let Some(bytes) = Self::number(entry) {
            return Some(bytes);
        }
        if entry.value.get_ref().is_integer() {
            self.wrong(entry, "expected a size, not a negative number");
            return None;
        }
        let text = self.text(entry)?;
        if text == "0" {
            return Some(0);
        }
        match text.parse::<ByteSize>() {
            Ok(size) => Some(size.0),
            Err(error) => {
                self.wrong(entry, &error.to_string());
                None
            }
        }
    }

    /// A time such as `2s` or `7d`.
    pub fn duration(&mut self, entry: Entry<'_, '_>) -> Option<Duration> {
        match self.text(entry)?.parse::<TimeSpan>() {
            Ok(span) => Some(span.0),
            Err(error) => {
                self.wrong(entry, &error.to_string());
                None
            }
        }
    }

    /// A word out of a few.
    pub fn choice<T: Copy>(
        &mut self,
        entry: Entry<'_, '_>,
        all: &[(&'static str, T)],
    ) -> Option<T> {
        let text = self.text(entry)?;
        let chosen = all.iter().find(|(word, _)| *word == text);
        if chosen.is_none() {
            let words: Vec<&str> = all.iter().map(|(word, _)| *word).collect();
            let near = suggestion(text, words.iter().copied());
            let words = words.join(", ");
            self.wrong(entry, &format!("expected one of {words}{near}"));
        }
        chosen.map(|(_, value)| *value)
    }

    /// A date, or a time of a day.
    pub(crate) fn date(&mut self, entry: Entry<'_, '_>) -> Option<Datetime> {
        let date = entry.value.get_ref().as_datetime();
        if date.is_none() {
            self.mismatch(entry, "a date without quotes, such as 2026-12-31");
        }
        date.copied()
    }

    /// The strings of an array, each with its line. An empty array is a problem: whoever writes
    /// one means "none", and a key that is left out means "any".
    pub fn strings<'t>(&mut self, entry: Entry<'t, '_>) -> Vec<(u32, &'t str)> {
        let Some(array) = entry.value.get_ref().as_array() else {
            self.mismatch(entry, "an array of strings");
            return Vec::new();
        };
        if array.is_empty() {
            self.wrong(entry, "is empty: name something, or remove the key");
        }
        let mut out = Vec::with_capacity(array.len());
        for item in array {
            let line = self.line(&item.span());
            if let Some(text) = item.get_ref().as_str() {
                out.push((line, text));
            } else {
                let found = item.get_ref().type_str();
                let key = entry.key;
                self.problem(
                    line,
                    format!("key {key:?} holds a value of type {found}, expected strings"),
                );
            }
        }
        out
    }

    /// Globs in an array.
    pub fn globs(&mut self, entry: Entry<'_, '_>, star: Star) -> Globs {
        let mut globs = Globs::default();
        for (line, source) in self.strings(entry) {
            if let Err(error) = globs.push(source, star) {
                let key = entry.key;
                self.problem(line, format!("key {key:?}: {error}"));
            }
        }
        globs
    }

    /// A path that means the same wherever the hook runs.
    pub fn absolute_path(&mut self, entry: Entry<'_, '_>) -> Option<PathBuf> {
        let path = PathBuf::from(self.text(entry)?);
        if path.is_absolute() {
            Some(path)
        } else {
            self.wrong(
                entry,
                "must be an absolute path: a hook's current directory is the repository",
            );
            None
        }
    }

    /// A path, from the file's directory where it is relative.
    pub fn path(&mut self, entry: Entry<'_, '_>) -> Option<PathBuf> {
        let text = self.text(entry)?;
        if text.is_empty() {
            self.wrong(entry, "is empty: name a file");
            return None;
        }
        Some(self.beside_file(text))
    }

    /// A path as it stands in the file, from its directory where it is relative.
    pub fn beside_file(&self, path: &str) -> PathBuf {
        match Path::new(self.origin).parent() {
            Some(directory) => directory.join(path),
            None => PathBuf::from(path),
        }
    }

    /// A table.
    pub fn table<'t, 'i>(&mut self, entry: Entry<'t, 'i>) -> Option<&'t Table<'i>> {
        let table = entry.value.get_ref().as_table();
        if table.is_none() {
            self.mismatch(entry, "a table");
        }
        table
    }

    /// Whether a value is a table, for keys that take one or a word.
    pub fn is_table(entry: Entry<'_, '_>) -> bool {
        entry.value.get_ref().is_table()
    }

    /// The tables of an array, each with the line of its header.
    pub fn tables<'t, 'i>(
        &mut self,
        entry: Entry<'t, 'i>,
        header: &str,
    ) -> Vec<(u32, &'t Table<'i>)> {
        let tables: Option<Vec<(u32, &DeTable<'_>)>> =
            entry.value.get_ref().as_array().and_then(|array| {
                array
                    .iter()
                    .map(|item| Some((self.line(&item.span()), item.get_ref().as_table()?)))
                    .collect()
            });
        tables.unwrap_or_else(|| {
            self.mismatch(entry, &format!("tables: {header}"));
            Vec::new()
        })
    }
}
