//! Allowlists and path conditions, compiled.
//!
//! Content is judged before it is known where in a history it stands, so an allowlist is asked in
//! two steps: [`CompiledAllowlists::content_verdict`] settles what secret, match and lines can
//! settle and says what is left open; [`CompiledAllowlists::final_verdict`] settles that once path
//! and commit are known, and needs the content no more.
//!
//! Most rules never match and most matches meet no allowlist, so everything is compiled when first
//! asked for.

use crate::{
    model::CommitId,
    rules::{Allowlist, Condition, RegexTarget, expression::needs_unicode},
};
use aho_corasick::AhoCorasick;
use regex_automata::{meta::Regex, util::syntax};
use std::sync::OnceLock;

/// What an allowlist may look at of a match.
pub struct MatchText<'a> {
    /// The secret.
    pub secret: &'a [u8],
    /// The whole match.
    pub matched: &'a [u8],
    /// Returns the lines that the match touches, in full. Called only if an allowlist wants them.
    pub lines: &'a dyn Fn() -> &'a [u8],
}

impl std::fmt::Debug for MatchText<'_> {
    /// Shows lengths only: the texts are secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MatchText")
            .field("secret_bytes", &self.secret.len())
            .field("matched_bytes", &self.matched.len())
            .finish_non_exhaustive()
    }
}

/// What content alone says of a match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContentVerdict {
    /// An allowlist covers it, wherever it stands.
    Drop,
    /// No allowlist covers it, wherever it stands.
    Keep,
    /// Path or commit decides.
    NeedsPathOrCommit(OpenAllowlists),
}

/// The allowlists that path or commit may still make hold, by index.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct OpenAllowlists(Box<[u32]>);

/// Allowlists that apply together: those of a rule, or those over all rules. A match that any of
/// them covers is dropped.
#[derive(Debug, Default)]
pub struct CompiledAllowlists {
    lists: Vec<CompiledAllowlist>,
}

impl CompiledAllowlists {
    /// Prepares the allowlists; compiles nothing yet.
    pub fn new(allowlists: &[Allowlist]) -> Self {
        Self {
            lists: allowlists.iter().map(CompiledAllowlist::new).collect(),
        }
    }

    /// Whether there are none, so that [`Self::content_verdict`] is always
    /// [`ContentVerdict::Keep`].
    pub fn is_empty(&self) -> bool {
        self.lists.is_empty()
    }

    /// Judges a match by its content.
    pub fn content_verdict(&self, text: &MatchText<'_>) -> ContentVerdict {
        let mut open = Vec::new();
        for (index, list) in self.lists.iter().enumerate() {
            match list.content(text) {
                Part::Holds => return ContentVerdict::Drop,
                Part::Fails => {}
                Part::Open => open.push(index as u32),
            }
        }
        if open.is_empty() {
            ContentVerdict::Keep
        } else {
            ContentVerdict::NeedsPathOrCommit(OpenAllowlists(open.into()))
        }
    }

    /// Returns whether a match that [`Self::content_verdict`] left `open` is dropped at this
    /// place. A path or commit that is not known (`None`) is on no list. `open` must be of these
    /// allowlists.
    pub fn final_verdict(
        &self,
        open: &OpenAllowlists,
        path: Option<&[u8]>,
        commit: Option<&CommitId>,
    ) -> bool {
        open.0
            .iter()
            .filter_map(|index| self.lists.get(*index as usize))
            .any(|list| list.place(path, commit))
    }
}

/// What one allowlist says of a match, and which of its parts says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Whether the allowlist holds, so that the match is dropped.
    pub holds: bool,
    /// Every part that it has, with the number of the entry that is met; for people. Names no entry's
    /// text, which may be a secret.
    pub parts: String,
}

impl CompiledAllowlists {
    /// Says of each allowlist what it makes of a match at a place, part by part.
    pub fn tell(
        &self,
        text: &MatchText<'_>,
        path: Option<&[u8]>,
        commit: Option<&CommitId>,
    ) -> Vec<Told> {
        let tell = |list: &CompiledAllowlist| Told {
            holds: match list.content(text) {
                Part::Holds => true,
                Part::Fails => false,
                Part::Open => list.place(path, commit),
            },
            parts: list.parts(text, path, commit),
        };
        self.lists.iter().map(tell).collect()
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Holds,
    Fails,
    Open,
}

#[derive(Debug)]
struct CompiledAllowlist {
    condition: Condition,
    regex_target: RegexTarget,
    regexes: Vec<LazyRegex>,
    stopwords: Vec<String>,
    stopword_finder: OnceLock<Option<AhoCorasick>>,
    paths: Vec<LazyRegex>,
    commits: Vec<CommitId>,
}

impl CompiledAllowlist {
    fn new(allowlist: &Allowlist) -> Self {
        let lazy = |sources: &[String]| sources.iter().map(|s| LazyRegex::new(s)).collect();
        let mut commits: Vec<CommitId> = allowlist
            .commits
            .iter()
            .filter_map(|hex| CommitId::from_hex(hex.as_bytes()).ok())
            .collect();
        commits.sort_unstable();
        Self {
            condition: allowlist.condition,
            regex_target: allowlist.regex_target,
            regexes: lazy(&allowlist.regexes),
            stopwords: allowlist.stopwords.clone(),
            stopword_finder: OnceLock::new(),
            paths: lazy(&allowlist.paths),
            commits,
        }
    }

    fn content(&self, text: &MatchText<'_>) -> Part {
        let regexes = (!self.regexes.is_empty()).then(|| {
            let target = match self.regex_target {
                RegexTarget::Secret => text.secret,
                RegexTarget::Match => text.matched,
                RegexTarget::Line => (text.lines)(),
            };
            any_matches(&self.regexes, target)
        });
        let has_place = !self.paths.is_empty() || !self.commits.is_empty();
        match self.condition {
            Condition::Or => {
                if regexes == Some(true) || self.has_stopword(text.secret) == Some(true) {
                    Part::Holds
                } else if has_place {
                    Part::Open
                } else {
                    Part::Fails
                }
            }
            Condition::And => {
                let stopwords = self.has_stopword(text.secret);
                if regexes == Some(false) || stopwords == Some(false) {
                    Part::Fails
                } else if has_place {
                    Part::Open
                } else if regexes.is_none() && stopwords.is_none() {
                    // Without any part there is nothing that could hold.
                    Part::Fails
                } else {
                    Part::Holds
                }
            }
        }
    }

    fn parts(
        &self,
        text: &MatchText<'_>,
        path: Option<&[u8]>,
        commit: Option<&CommitId>,
    ) -> String {
        let mut parts = Vec::new();
        let mut part = |what: &str, of: usize, met: Option<usize>| {
            if of > 0 {
                let said = match met {
                    Some(at) => format!("{what}: number {} of {of} holds", at + 1),
                    None => format!("{what}: none of {of} holds"),
                };
                parts.push(said);
            }
        };
        let (target, on) = match self.regex_target {
            RegexTarget::Secret => (text.secret, "expressions on the secret"),
            RegexTarget::Match => (text.matched, "expressions on the match"),
            RegexTarget::Line if self.regexes.is_empty() => (text.secret, "expressions"),
            RegexTarget::Line => ((text.lines)(), "expressions on the line"),
        };
        let first = |regexes: &[LazyRegex], text| regexes.iter().position(|r| r.is_match(text));
        part(on, self.regexes.len(), first(&self.regexes, target));
        let lower = text.secret.to_ascii_lowercase();
        let word = |word: &String| memchr::memmem::find(&lower, word.as_bytes()).is_some();
        part(
            "stop words",
            self.stopwords.len(),
            self.stopwords.iter().position(word),
        );
        part(
            if path.is_some() {
                "paths"
            } else {
                "paths (not known)"
            },
            self.paths.len(),
            path.and_then(|path| first(&self.paths, path)),
        );
        part(
            if commit.is_some() {
                "commits"
            } else {
                "commits (not known)"
            },
            self.commits.len(),
            commit.and_then(|commit| self.commits.binary_search(commit).ok()),
        );
        parts.join(match self.condition {
            Condition::Or => "; or ",
            Condition::And => "; and ",
        })
    }

    /// Whether path and commit make an allowlist hold whose content leaves it open.
    fn place(&self, path: Option<&[u8]>, commit: Option<&CommitId>) -> bool {
        let paths = (!self.paths.is_empty())
            .then(|| path.is_some_and(|path| any_matches(&self.paths, path)));
        let commits = (!self.commits.is_empty())
            .then(|| commit.is_some_and(|commit| self.commits.binary_search(commit).is_ok()));
        match self.condition {
            Condition::Or => paths == Some(true) || commits == Some(true),
            Condition::And => paths != Some(false) && commits != Some(false),
        }
    }

    /// Whether the secret holds a stop word; `None` where there are no stop words.
    fn has_stopword(&self, secret: &[u8]) -> Option<bool> {
        if self.stopwords.is_empty() {
            return None;
        }
        let finder = self.stopword_finder.get_or_init(|| {
            AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .build(&self.stopwords)
                .ok()
        });
        Some(match finder {
            Some(finder) => finder.is_match(secret),
            // Only sets beyond 2 GiB cannot be built: search word by word.
            None => self.stopwords.iter().any(|word| {
                secret
                    .windows(word.len().max(1))
                    .any(|w| w.eq_ignore_ascii_case(word.as_bytes()))
            }),
        })
    }
}

/// A rule's condition on the path, compiled when first asked.
#[derive(Debug)]
pub struct PathCondition(LazyRegex);

impl PathCondition {
    /// Prepares the expression of [`Rule::path`](crate::rules::Rule::path).
    pub fn new(source: &str) -> Self {
        Self(LazyRegex::new(source))
    }

    /// Whether a rule of this condition applies to content at `path`.
    pub fn holds(&self, path: &[u8]) -> bool {
        self.0.is_match(path)
    }
}

fn any_matches(regexes: &[LazyRegex], text: &[u8]) -> bool {
    regexes.iter().any(|regex| regex.is_match(text))
}

/// An expression that the loader has accepted.
#[derive(Debug)]
struct LazyRegex {
    source: String,
    regex: OnceLock<Option<Regex>>,
}

impl LazyRegex {
    fn new(source: &str) -> Self {
        Self {
            source: source.to_owned(),
            regex: OnceLock::new(),
        }
    }

    /// An expression that cannot be compiled matches nothing: then a match is kept, never lost.
    /// The loader's limit on size leaves none such.
    fn is_match(&self, text: &[u8]) -> bool {
        self.regex
            .get_or_init(|| {
                Regex::builder()
                    .syntax(
                        syntax::Config::new()
                            .unicode(needs_unicode(&self.source))
                            .utf8(false),
                    )
                    .configure(regex_automata::meta::Config::new().utf8_empty(false))
                    .build(&self.source)
                    .ok()
            })
            .as_ref()
            .is_some_and(|regex| regex.is_match(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn list(condition: Condition, target: RegexTarget, regexes: &[&str]) -> Allowlist {
        Allowlist {
            condition,
            regex_target: target,
            regexes: regexes.iter().map(|s| (*s).to_owned()).collect(),
            ..Allowlist::default()
        }
    }

    fn verdict(allowlists: &[Allowlist]) -> ContentVerdict {
        let text = MatchText {
            secret: b"abc-EXAMPLE-def",
            matched: b"token=abc-EXAMPLE-def",
            lines: &|| b"  token=abc-EXAMPLE-def # fixture",
        };
        CompiledAllowlists::new(allowlists).content_verdict(&text)
    }

    /// Whether a match is dropped at a place, in both steps.
    fn dropped(allowlist: &Allowlist, path: Option<&str>, commit: Option<u8>) -> bool {
        let compiled = CompiledAllowlists::new(std::slice::from_ref(allowlist));
        let text = MatchText {
            secret: b"abc-EXAMPLE-def",
            matched: b"",
            lines: &|| b"",
        };
        let commit = commit.and_then(|b| CommitId::from_bytes(&[b; 20]));
        match compiled.content_verdict(&text) {
            ContentVerdict::Drop => true,
            ContentVerdict::Keep => false,
            ContentVerdict::NeedsPathOrCommit(open) => {
                compiled.final_verdict(&open, path.map(str::as_bytes), commit.as_ref())
            }
        }
    }

    #[test]
    fn expressions_are_tried_on_their_target_only() {
        for (regex, secret, matched, line) in [
            ("^abc", true, false, false),
            ("^token", false, true, false),
            ("fixture$", false, false, true),
            ("EXAMPLE", true, true, true),
        ] {
            for (target, expected) in [
                (RegexTarget::Secret, secret),
                (RegexTarget::Match, matched),
                (RegexTarget::Line, line),
            ] {
                let verdict = verdict(&[list(Condition::Or, target, &[regex])]);
                assert_eq!(
                    verdict == ContentVerdict::Drop,
                    expected,
                    "{regex} {target:?}"
                );
                assert_eq!(verdict == ContentVerdict::Keep, !expected);
            }
        }
    }

    #[test]
    fn stop_words_ignore_case_and_look_at_the_secret_only() {
        let stop = |word: &str| Allowlist {
            stopwords: vec![word.to_owned()],
            ..Allowlist::default()
        };
        assert_eq!(verdict(&[stop("example")]), ContentVerdict::Drop);
        assert_eq!(verdict(&[stop("token")]), ContentVerdict::Keep);
        assert_eq!(verdict(&[]), ContentVerdict::Keep);
        assert_eq!(verdict(&[Allowlist::default()]), ContentVerdict::Keep);
        let empty_and = list(Condition::And, RegexTarget::Secret, &[]);
        assert_eq!(verdict(&[empty_and]), ContentVerdict::Keep);
    }

    #[test]
    fn and_needs_every_part_and_or_needs_one() {
        let full = |condition| Allowlist {
            condition,
            regexes: vec!["^abc".to_owned()],
            stopwords: vec!["example".to_owned()],
            paths: vec!["(?:^|/)vendor/".to_owned()],
            commits: vec!["11".repeat(20)],
            ..Allowlist::default()
        };
        let all = full(Condition::And);
        assert!(dropped(&all, Some("a/vendor/b"), Some(0x11)));
        assert!(!dropped(&all, Some("a/vendor/b"), Some(0x12)));
        assert!(!dropped(&all, Some("a/b"), Some(0x11)));
        assert!(!dropped(&all, None, Some(0x11)));
        assert!(!dropped(&all, Some("a/vendor/b"), None));
        let mut other = all.clone();
        other.stopwords = vec!["nothing".to_owned()];
        assert!(!dropped(&other, Some("a/vendor/b"), Some(0x11)));
        assert!(dropped(&full(Condition::Or), None, None));
        other.condition = Condition::Or;
        other.regexes.clear();
        assert!(dropped(&other, Some("vendor/b"), None));
        assert!(dropped(&other, Some("b"), Some(0x11)));
        assert!(!dropped(&other, Some("b"), Some(0x12)));
        assert!(!dropped(&other, None, None));
    }

    #[test]
    fn only_lists_that_a_place_can_settle_stay_open() {
        let mut hopeless = list(Condition::And, RegexTarget::Secret, &["^nothing"]);
        hopeless.paths = vec!["x".to_owned()];
        assert_eq!(
            verdict(std::slice::from_ref(&hopeless)),
            ContentVerdict::Keep
        );
        let open = Allowlist {
            paths: vec!["x".to_owned()],
            ..Allowlist::default()
        };
        let expected = ContentVerdict::NeedsPathOrCommit(OpenAllowlists(Box::new([1])));
        assert_eq!(verdict(&[hopeless, open.clone()]), expected);
        let covers = list(Condition::Or, RegexTarget::Secret, &["^abc"]);
        assert_eq!(verdict(&[open, covers]), ContentVerdict::Drop);
    }

    #[test]
    fn lines_are_not_asked_for_without_need() {
        let asked = Cell::new(0);
        let text = MatchText {
            secret: b"abc",
            matched: b"abc",
            lines: &|| {
                asked.set(asked.get() + 1);
                b"abc"
            },
        };
        let secret = list(Condition::Or, RegexTarget::Secret, &["x"]);
        let line = list(Condition::Or, RegexTarget::Line, &["x"]);
        CompiledAllowlists::new(&[secret]).content_verdict(&text);
        assert_eq!(asked.get(), 0);
        CompiledAllowlists::new(&[line]).content_verdict(&text);
        assert_eq!(asked.get(), 1);
    }

    #[test]
    fn paths_need_not_be_unicode_and_debug_shows_no_secret() {
        let condition = PathCondition::new(r"(?i)\.env(?:\.[a-z]+)?$");
        assert!(condition.holds(b"a/\xff\xfe/.ENV.local"));
        assert!(!condition.holds(b"a/environment.rs"));
        let text = MatchText {
            secret: b"hunter2",
            matched: b"hunter2",
            lines: &|| b"hunter2",
        };
        assert!(!format!("{text:?}").contains("hunter2"));
    }
}
