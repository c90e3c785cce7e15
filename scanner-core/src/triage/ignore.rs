//! `.gitsieveignore`: one secret or path a line.
//!
//! ```text
//! # What a line may be:
//! v1:2121c1bcce8fd92ea1b9a6331ee5110d  any words after it are a comment
//! path:docs/**
//! rule:url-credentials path:*.example  # of one rule only
//! ```
//! A pattern is read as in a `.gitignore`: without a slash in it, it matches at any depth; with
//! one, from the root; what it names covers all below it. It has to be said that it is a path, so
//! that a mistyped fingerprint is a mistake and not a file that never exists. What is taken back
//! (`!`) is not, because the order of lines would then matter.

use super::TriageFileError;
use crate::model::{Fingerprint, Problem};
use globset::{Candidate, GlobBuilder, GlobSet, GlobSetBuilder};
use std::collections::HashMap;

/// Most problems that are told of one file.
const MOST_PROBLEMS: usize = 100;
/// Most lines with paths: they are one large expression, and what takes more is better said by
/// fingerprints, which cost nothing.
const MOST_PATHS: usize = 1_000;
/// Longest pattern in bytes.
const MAX_PATTERN_BYTES: usize = 512;

/// An ignore file that was read.
#[derive(Debug, Clone)]
pub struct IgnoreFile {
    name: String,
    lines: Vec<IgnoreLine>,
    by_fingerprint: HashMap<Fingerprint, usize>,
    globs: GlobSet,
    /// The line of each glob.
    of_glob: Vec<usize>,
}

#[derive(Debug, Clone)]
struct IgnoreLine {
    number: u32,
    /// What it is about, as people would write it.
    about: String,
    /// The rule that a path is limited to.
    rule: Option<String>,
}

impl IgnoreFile {
    /// Reads a file; `name` is what messages call it.
    ///
    /// # Errors
    /// Every line that is none of those above, with its number and none of its text: what somebody
    /// takes for a fingerprint may be the secret.
    pub fn parse(content: &[u8], name: &str) -> Result<Self, TriageFileError> {
        let mut file = Self {
            name: name.to_owned(),
            lines: Vec::new(),
            by_fingerprint: HashMap::new(),
            globs: GlobSet::empty(),
            of_glob: Vec::new(),
        };
        let mut globs = GlobSetBuilder::new();
        let mut problems = Vec::new();
        let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
        for (number, line) in (1..).zip(content.split(|b| *b == b'\n')) {
            if let Err(message) = file.line(number, line, &mut globs) {
                let file = name.to_owned();
                let line = number;
                problems.push(Problem {
                    file,
                    line,
                    message,
                });
                if problems.len() >= MOST_PROBLEMS {
                    break;
                }
            }
        }
        match globs.build() {
            _ if !problems.is_empty() => Err(TriageFileError(problems)),
            Ok(globs) => Ok(Self { globs, ..file }),
            Err(_) => Err(TriageFileError(vec![Problem {
                file: name.to_owned(),
                line: 0,
                message: "the paths together are too much: use fewer or simpler ones".to_owned(),
            }])),
        }
    }

    fn line(&mut self, number: u32, line: &[u8], globs: &mut GlobSetBuilder) -> Result<(), String> {
        let line = std::str::from_utf8(line)
            .map_err(|_| "not UTF-8".to_owned())?
            .trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        if word.starts_with("v1:") {
            let fingerprint = Fingerprint::parse(word).ok_or(
                "not a whole fingerprint: v1: and 32 hexadecimal digits, as reports write it",
            )?;
            let at = self.lines.len();
            self.lines.push(IgnoreLine {
                number,
                about: word.to_owned(),
                rule: None,
            });
            // Said twice is said once; the first line stands for both.
            self.by_fingerprint.entry(fingerprint).or_insert(at);
            return Ok(());
        }
        let (rule, path) = match word.strip_prefix("rule:") {
            Some("") => return Err("rule: without the id of a rule".to_owned()),
            Some(id) => (Some(id.to_owned()), rest.trim_start()),
            None => (None, line),
        };
        let Some(pattern) = path.strip_prefix("path:") else {
            return Err(match rule {
                Some(_) => "rule: needs a path: after it; --exclude-rule and an allowlist in the \
                            configuration leave out a rule everywhere"
                    .to_owned(),
                None => "neither a fingerprint (v1:...), nor path:PATTERN, nor rule:ID \
                         path:PATTERN, nor a comment (#)"
                    .to_owned(),
            });
        };
        let pattern = without_comment(pattern);
        if self.of_glob.len() >= 2 * MOST_PATHS {
            return Err(format!(
                "more than {MOST_PATHS} lines with paths: use fewer patterns, or fingerprints"
            ));
        }
        let at = self.lines.len();
        for glob in globs_of(pattern)? {
            let glob = GlobBuilder::new(&glob)
                .literal_separator(true)
                .backslash_escape(true)
                .build()
                .map_err(|error| format!("not a pattern: {}", error.kind()))?;
            globs.add(glob);
            self.of_glob.push(at);
        }
        let of_rule = rule.iter().map(|id| format!("rule:{id} "));
        let about = of_rule.collect::<String>() + "path:" + pattern;
        self.lines.push(IgnoreLine {
            number,
            about,
            rule,
        });
        Ok(())
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    /// Number and subject of a line that says something.
    pub(super) fn told(&self, at: usize) -> (u32, &str) {
        (self.lines[at].number, &self.lines[at].about)
    }

    /// The line about a fingerprint. Of several the first, and the others are never needed.
    pub(super) fn about(&self, fingerprint: &Fingerprint) -> Option<usize> {
        self.by_fingerprint.get(fingerprint).copied()
    }

    /// Whether any line is about a path.
    pub(super) fn has_paths(&self) -> bool {
        !self.of_glob.is_empty()
    }

    /// The lines whose pattern matches a path, whatever their rule.
    pub(super) fn matching(&self, path: &[u8]) -> Vec<usize> {
        let matches = self.globs.matches_candidate(&Candidate::from_bytes(path));
        let mut lines: Vec<usize> = matches.into_iter().map(|glob| self.of_glob[glob]).collect();
        lines.sort_unstable();
        lines.dedup();
        lines
    }

    /// Whether a line with a path speaks of a rule.
    pub(super) fn speaks_of(&self, at: usize, rule_id: &str) -> bool {
        let rule = &self.lines[at].rule;
        rule.as_ref().is_none_or(|id| id == rule_id)
    }
}

/// The pattern before ` #`.
fn without_comment(pattern: &str) -> &str {
    let comment = pattern
        .match_indices('#')
        .find(|(at, _)| pattern[..*at].ends_with(char::is_whitespace));
    comment.map_or(pattern, |(at, _)| &pattern[..at]).trim()
}

/// The globs that a pattern of a `.gitignore` stands for: what it names, and all below that.
fn globs_of(pattern: &str) -> Result<[String; 2], String> {
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(format!("a pattern of more than {MAX_PATTERN_BYTES} bytes"));
    }
    if pattern.starts_with('!') {
        return Err("a pattern cannot be taken back by `!`: write narrower ones".to_owned());
    }
    let rooted = pattern.strip_prefix('/');
    let body = rooted.unwrap_or(pattern).trim_end_matches('/');
    let body = body.strip_suffix("/**").unwrap_or(body);
    if matches!(body, "" | "*" | "**") {
        return Err("a pattern that covers everything would hide everything".to_owned());
    }
    let anywhere = rooted.is_none() && !body.contains('/');
    // `dir/**` names a directory at the root: it had a slash.
    let anywhere = anywhere && !pattern.ends_with("/**");
    let prefix = if anywhere { "**/" } else { "" };
    Ok([format!("{prefix}{body}"), format!("{prefix}{body}/**")])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Secret;

    fn paths(line: &str, path: &str) -> bool {
        let file = IgnoreFile::parse(line.as_bytes(), "f").unwrap();
        !file.matching(path.as_bytes()).is_empty()
    }

    #[test]
    fn patterns_are_those_of_a_gitignore() {
        for (pattern, yes, no) in [
            ("docs/**", "docs/a/b", "x/docs/a"),
            ("docs/", "x/docs/a/b", "docs.txt"),
            ("/docs", "docs/a", "x/docs"),
            ("*.example", "a/b/x.example", "a/x.example.env"),
            ("a/*.env", "a/x.env", "a/b/x.env"),
            ("**/fixtures/*", "a/b/fixtures/x/y", "fixture/x"),
            ("with space.txt", "a/with space.txt", "space.txt"),
            (r"a\[1\].txt", "a[1].txt", "a1.txt"),
            ("x.txt # why", "x.txt", "x.txt # why"),
        ] {
            let line = format!("path:{pattern}");
            assert!(paths(&line, yes), "{pattern} covers {yes}");
            assert!(!paths(&line, no), "{pattern} does not cover {no}");
        }
    }

    #[test]
    fn lines_are_secrets_paths_and_comments() {
        let secret = Fingerprint::new("rule", &Secret::new(b"one"));
        let text = format!(
            "\u{feff}# a comment\r\n\r\n  {secret}  some words\r\npath:a\nrule:r path:b # x\n{secret}\n"
        );
        let file = IgnoreFile::parse(text.as_bytes(), "f").unwrap();
        assert_eq!(file.about(&secret), Some(0));
        assert_eq!(
            file.about(&Fingerprint::new("rule", &Secret::new(b"two"))),
            None
        );
        let told: Vec<_> = (0..file.len()).map(|at| file.told(at)).collect();
        let same = secret.as_str();
        assert_eq!(
            told,
            [(3, same), (4, "path:a"), (5, "rule:r path:b"), (6, same)]
        );
        assert!(file.speaks_of(1, "any") && file.speaks_of(2, "r") && !file.speaks_of(2, "any"));
    }

    #[test]
    fn what_is_none_of_these_is_named_by_its_line_and_not_by_its_text() {
        let long = format!("path:{}", "s3cr3t".repeat(100));
        for (line, said) in [
            ("s3cr3t", "neither a fingerprint"),
            ("v1:s3cr3t", "not a whole fingerprint"),
            ("v2:0123", "neither"),
            ("rule:s3cr3t", "needs a path:"),
            ("rule: path:s3cr3t", "without the id"),
            ("path:", "would hide everything"),
            ("path:**", "would hide everything"),
            ("path:/**", "would hide everything"),
            ("path:!s3cr3t", "taken back"),
            ("path:s3cr3t[", "not a pattern"),
            (&long, "more than 512"),
        ] {
            let text = format!("# x\n{line}\npath:a\n{line}\n");
            let TriageFileError(problems) = IgnoreFile::parse(text.as_bytes(), "f").unwrap_err();
            assert_eq!(problems.len(), 2, "{line}");
            let shown = problems[1].to_string();
            assert!(
                shown.starts_with("f:4: ") && shown.contains(said),
                "{shown}"
            );
            assert!(!shown.contains("s3cr3t"), "{shown}");
        }
        let binary = IgnoreFile::parse(b"\xff\n", "f").unwrap_err().to_string();
        assert_eq!(binary, "f:1: not UTF-8");
    }
}
