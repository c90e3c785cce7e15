//! Globs over paths, repositories, users and rule ids.
//!
//! A hook runs for every push and asks most globs once, so nothing is compiled before it may
//! match: what stands before the first special character is compared first.

use bstr::ByteSlice;
use globset::{Candidate, GlobBuilder, GlobMatcher};
use std::sync::OnceLock;

/// Longest glob in bytes. None that short is too large to compile.
const MAX_GLOB_BYTES: usize = 512;

/// What a `*` may stand for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Star {
    /// Anything but a slash; `**` for whole directories. For paths and repositories.
    WithinSlashes,
    /// Anything. For names without structure.
    Anything,
}

/// A text that is no glob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// It is empty.
    #[error("an empty glob matches nothing: remove it")]
    Empty,
    /// It is too long.
    #[error("longer than {MAX_GLOB_BYTES} bytes: shorten it, or write several")]
    TooLong,
    /// It is none.
    #[error("not a glob: {0}")]
    Syntax(String),
}

/// Some globs, any of which may match.
#[derive(Debug, Clone, Default)]
pub struct Globs(Vec<LazyGlob>);

#[derive(Debug, Clone)]
struct LazyGlob {
    source: String,
    star: Star,
    /// Bytes of `source` that stand for themselves at its beginning.
    literal_bytes: usize,
    compiled: OnceLock<Option<GlobMatcher>>,
}

impl Globs {
    /// Makes globs over names of repositories: `*` stops at a slash, `**` stands for whole
    /// directories.
    ///
    /// # Errors
    /// What is wrong with each text that is no glob, in order.
    pub fn of_repositories<'a>(
        sources: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, Vec<String>> {
        let mut globs = Self::default();
        let mut wrong = Vec::new();
        for source in sources {
            if let Err(error) = globs.push(source, Star::WithinSlashes) {
                wrong.push(format!("{source:?}: {error}"));
            }
        }
        if wrong.is_empty() {
            Ok(globs)
        } else {
            Err(wrong)
        }
    }

    /// Adds a glob.
    ///
    /// # Errors
    /// Where the text is none.
    pub fn push(&mut self, source: &str, star: Star) -> Result<(), GlobError> {
        if source.is_empty() {
            return Err(GlobError::Empty);
        }
        if source.len() > MAX_GLOB_BYTES {
            return Err(GlobError::TooLong);
        }
        builder(source, star)
            .build()
            .map_err(|error| GlobError::Syntax(error.kind().to_string()))?;
        let special = |c| matches!(c, b'*' | b'?' | b'[' | b']' | b'{' | b'}' | b'\\' | b',');
        self.0.push(LazyGlob {
            source: source.to_owned(),
            star,
            literal_bytes: source.bytes().position(special).unwrap_or(source.len()),
            compiled: OnceLock::new(),
        });
        Ok(())
    }

    /// Whether any matches the whole of `text`.
    pub fn is_match(&self, text: impl AsRef<[u8]>) -> bool {
        let text = text.as_ref();
        self.0.iter().any(|glob| glob.is_match(text))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The globs as written.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|glob| glob.source.as_str())
    }
}

impl LazyGlob {
    fn is_match(&self, text: &[u8]) -> bool {
        let literal = &self.source.as_bytes()[..self.literal_bytes];
        if literal.len() == self.source.len() {
            return literal == text;
        }
        // A glob never compiled matches nothing; its limit of length leaves none such.
        text.starts_with(literal)
            && self
                .compiled
                .get_or_init(|| {
                    let glob = builder(&self.source, self.star).build().ok()?;
                    Some(glob.compile_matcher())
                })
                .as_ref()
                .is_some_and(|glob| {
                    glob.is_match_candidate(&Candidate::from_bytes(text.as_bytes()))
                })
    }
}

fn builder(source: &str, star: Star) -> GlobBuilder<'_> {
    let mut builder = GlobBuilder::new(source);
    builder
        .literal_separator(star == Star::WithinSlashes)
        .backslash_escape(true);
    builder
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn globs(star: Star, sources: &[&str]) -> Globs {
        let mut globs = Globs::default();
        for source in sources {
            globs.push(source, star).unwrap();
        }
        globs
    }

    #[test]
    fn stars_of_paths_stop_at_slashes_and_stars_of_names_do_not() {
        let path = |glob: &str, text: &str| globs(Star::WithinSlashes, &[glob]).is_match(text);
        assert!(path("PROJ/*", "PROJ/repo"));
        assert!(!path("PROJ/*", "PROJ/sub/repo"));
        assert!(!path("PROJ/*", "OTHER/repo"));
        assert!(path("group/sub/**", "group/sub/a/b"));
        assert!(!path("group/sub/**", "group/sub"));
        assert!(path("~alice/*", "~alice/x"));
        assert!(path("**/*.lock", "Cargo.lock") && path("**/*.lock", "a/b/x.lock"));
        assert!(path("a/**/b", "a/b") && path("a/**/b", "a/x/y/b"));
        assert!(path("{a,b}/x", "b/x") && !path("{a,b}/x", "c/x"));
        assert!(path("plain/name", "plain/name") && !path("plain/name", "plain/names"));
        assert!(globs(Star::Anything, &["team-*"]).is_match("team-a/b"));
        assert!(globs(Star::WithinSlashes, &["**"]).is_match(b"\xff\xfe/x"));
    }

    #[test]
    fn what_is_no_glob_is_refused() {
        let mut globs = Globs::default();
        for (source, reason) in [
            ("", "remove it"),
            ("a[", "not a glob"),
            ("{a", "not a glob"),
            (&"x".repeat(MAX_GLOB_BYTES + 1), "shorten"),
        ] {
            let error = globs.push(source, Star::Anything).unwrap_err().to_string();
            assert!(error.contains(reason), "{source}: {error}");
        }
        assert!(globs.is_empty());
    }

    proptest! {
        /// Looking at the literal beginning first changes nothing.
        #[test]
        fn shortcuts_agree_with_the_glob_alone(
            source in r"[ab/*?{},\[\]\\!-]{1,8}",
            text in "[ab/,]{0,8}",
            names in any::<bool>(),
        ) {
            let star = if names { Star::Anything } else { Star::WithinSlashes };
            let mut globs = Globs::default();
            if globs.push(&source, star).is_ok() {
                let plain = builder(&source, star).build().unwrap().compile_matcher();
                prop_assert_eq!(globs.is_match(&text), plain.is_match(&text));
            }
        }

        /// The longest globs compile.
        #[test]
        fn no_glob_is_too_large(source in r"[ab/*?{},\[\]!-]{100,512}") {
            let mut globs = Globs::default();
            if globs.push(&source, Star::WithinSlashes).is_ok() {
                builder(&source, Star::WithinSlashes).build().unwrap().compile_matcher();
            }
        }
    }
}
