//! Lines of ordinary repositories that look like secrets and are none.
//!
//! The repositories are presumed clean; what a review found to be a credential, or made to look like one, is listed in
//! `exceptions.txt` by repository, blob and line, without the value.

use crate::{
    content::File,
    sample::{Sample, fnv1a},
};
use regex_automata::meta::Regex;
use scanner_core::filter::entropy;
use std::collections::HashSet;

/// Most negatives of one file and of one repository.
const PER_FILE: usize = 6;
const PER_REPOSITORY: usize = 600;
/// Lines kept on either side.
const AROUND: usize = 8;
/// Longer lines are cut around what was found.
const LINE_BYTES: usize = 2000;

/// A name that says secret, given something.
const NAMED: &str = r#"(?i)(?:secret|token|passw|pwd|passphrase|api[_.-]?key|auth|credential|private[_.-]?key|access[_.-]?key|encrypt\w*key|sign\w*key)[\w.-]{0,24}["'`\])]{0,3}\s{0,8}(?:=>|:=|==|=|:|,|>)\s{0,4}["'`]?[^\s"'`,;)(]{5}"#;
/// A run of characters long enough to be a token.
const RUN: &str = r"[A-Za-z0-9+/_=.-]{20,}";

/// Finds negatives.
#[derive(Debug)]
pub struct Finder {
    named: Regex,
    run: Regex,
    exceptions: HashSet<String>,
    seen: HashSet<String>,
}

impl Finder {
    pub fn new() -> crate::Outcome<Self> {
        let exceptions = include_str!("exceptions.txt")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| {
                let mut words = line.split_whitespace();
                Some(format!(
                    "{} {} {}",
                    words.next()?,
                    words.next()?,
                    words.next()?
                ))
            })
            .collect();
        Ok(Self {
            named: Regex::new(NAMED)?,
            run: Regex::new(RUN)?,
            exceptions,
            seen: HashSet::new(),
        })
    }

    /// The negatives of one repository's files.
    pub fn find(&mut self, files: &[File]) -> Vec<Sample> {
        let mut all = Vec::new();
        for file in files {
            let mut of_file = self.of_file(file);
            keep(&mut of_file, PER_FILE);
            all.append(&mut of_file);
        }
        keep(&mut all, PER_REPOSITORY);
        all
    }

    fn of_file(&mut self, file: &File) -> Vec<Sample> {
        let mut out = Vec::new();
        let lines: Vec<&str> = file.text.lines().collect();
        let mut in_key = false;
        for (at, line) in lines.iter().enumerate() {
            // A private key in an ordinary repository is one all the same.
            in_key |= line.contains("-----BEGIN") && line.contains("PRIVATE KEY");
            let key = in_key;
            in_key &= !line.contains("-----END");
            if key {
                continue;
            }
            let Some((kind, found)) = self.suspicious(line) else {
                continue;
            };
            let excepted = format!("{} {} {}", file.repository, &file.blob[..12], at + 1);
            if self.exceptions.contains(&excepted) || !self.seen.insert(line.trim().to_owned()) {
                continue;
            }
            out.push(around(file, &lines, at, found, kind));
        }
        out
    }

    /// What makes a line a hard negative, and where in it.
    fn suspicious(&self, line: &str) -> Option<(&'static str, std::ops::Range<usize>)> {
        if let Some(found) = self.named.find(line) {
            return Some(("named", found.range()));
        }
        let found = self.run.find_iter(line).find(|run| {
            let text = &line[run.range()];
            let digits = text.bytes().filter(u8::is_ascii_digit).count();
            let letters = text.bytes().filter(u8::is_ascii_alphabetic).count();
            digits >= 2 && letters >= 4 && entropy::shannon(text.as_bytes()) >= 3.2
        })?;
        let text = &line[found.range()];
        let kind = if text.bytes().all(|b| b.is_ascii_hexdigit()) {
            "hexadecimal"
        } else if text.len() == 36 && text.bytes().filter(|b| *b == b'-').count() == 4 {
            "uuid"
        } else {
            "random-looking"
        };
        Some((kind, found.range()))
    }
}

/// Keeps some, chosen by their text alone, so that an exception more or less changes nothing else.
fn keep(samples: &mut Vec<Sample>, most: usize) {
    samples.sort_by_cached_key(|s| fnv1a(s.content[s.label.clone()].as_bytes()));
    samples.truncate(most);
}

fn around(
    file: &File,
    lines: &[&str],
    at: usize,
    found: std::ops::Range<usize>,
    kind: &str,
) -> Sample {
    let mut content = String::new();
    let mut label = 0..0;
    let last = (at + AROUND + 1).min(lines.len());
    for (number, line) in lines
        .iter()
        .enumerate()
        .take(last)
        .skip(at.saturating_sub(AROUND))
    {
        let focus = if number == at { found.start } else { 0 };
        let mut from = focus.saturating_sub(LINE_BYTES / 2);
        let mut to = (focus + LINE_BYTES / 2).min(line.len());
        if line.len() <= LINE_BYTES {
            (from, to) = (0, line.len());
        }
        while !line.is_char_boundary(from) {
            from -= 1;
        }
        while !line.is_char_boundary(to) {
            to += 1;
        }
        if number == at {
            label = content.len()..content.len() + (to - from);
        }
        content.push_str(&line[from..to]);
        content.push('\n');
    }
    Sample {
        repository: file.repository.clone(),
        path: file.path.clone(),
        content,
        label,
        secret: false,
        group: None,
        kind: format!("line-{kind}"),
        syntax: format!("{} {}", &file.blob[..12], at + 1),
        rule: String::new(),
    }
}
