//! Keeps the secrets of a report out of its other texts.

use crate::model::{Finding, Report, Secret};
use aho_corasick::AhoCorasick;
use std::borrow::Cow;

/// A secret at least this long is replaced wherever it stands; a shorter one only where it
/// stands alone (no letter or digit on either side), or `test` would swallow half of all paths.
const ANYWHERE_FROM_BYTES: usize = 8;

/// Replaces secrets in texts by their redacted form. Knows all secrets of a report, because a
/// path or subject shown with one finding may hold the secret of another.
#[derive(Debug, Clone, Default)]
pub struct Redactor {
    secrets: Vec<Secret>,
    search: Option<AhoCorasick>,
    reveal: bool,
}

impl Redactor {
    /// Redacts the secrets of a report, also as they are written where they are encoded.
    pub fn of_report(report: &Report) -> Self {
        let of = |f: &Finding| {
            let parts = f.occurrences.iter().flat_map(|o| &o.parts);
            let parts = parts.map(|p| p.secret.clone());
            let own = std::iter::once(&f.secret).chain(&f.written).cloned();
            parts.chain(own).collect::<Vec<_>>()
        };
        Self::new(report.findings.iter().flat_map(of))
    }

    /// Redacts these secrets.
    pub fn new(secrets: impl IntoIterator<Item = Secret>) -> Self {
        let mut secrets: Vec<Secret> = secrets
            .into_iter()
            .filter(|s| !s.reveal().is_empty())
            .collect();
        secrets.sort_unstable();
        secrets.dedup();
        // Building fails only for gigabytes of secrets; then nothing is shown at all (`redact`).
        let search = AhoCorasick::new(secrets.iter().map(Secret::reveal)).ok();
        Self {
            secrets,
            search,
            reveal: false,
        }
    }

    /// Lets every secret through, for those who asked to see them.
    pub fn reveal() -> Self {
        Self {
            reveal: true,
            ..Self::default()
        }
    }

    /// Whether secrets are shown.
    pub fn reveals(&self) -> bool {
        self.reveal
    }

    /// Returns `text` with secrets replaced. Where secrets overlap, all that they cover shows as
    /// `***`.
    pub fn redact<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        if self.reveal || self.secrets.is_empty() || text.is_empty() {
            return Cow::Borrowed(text);
        }
        let Some(search) = &self.search else {
            return Cow::Borrowed(b"***");
        };
        let mut hits: Vec<(usize, usize, usize)> = search
            .find_overlapping_iter(text)
            .map(|m| (m.start(), m.end(), m.pattern().as_usize()))
            .filter(|&(start, end, _)| {
                end - start >= ANYWHERE_FROM_BYTES || stands_alone(text, start, end)
            })
            .collect();
        if hits.is_empty() {
            return Cow::Borrowed(text);
        }
        hits.sort_unstable_by_key(|&(start, end, _)| (start, std::cmp::Reverse(end)));
        let mut out = Vec::with_capacity(text.len());
        let mut done = 0;
        let mut hits = hits.into_iter().peekable();
        while let Some((start, mut end, secret)) = hits.next() {
            let whole = end;
            while let Some((_, further, _)) = hits.next_if(|next| next.0 < end) {
                end = end.max(further);
            }
            out.extend_from_slice(&text[done..start]);
            if end == whole {
                out.extend_from_slice(self.secrets[secret].redacted().as_bytes());
            } else {
                out.extend_from_slice(b"***");
            }
            done = end;
        }
        out.extend_from_slice(&text[done..]);
        Cow::Owned(out)
    }

    /// As [`Redactor::redact`] for text known to be UTF-8.
    pub fn redact_str<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.redact(text.as_bytes()) {
            Cow::Borrowed(bytes) => String::from_utf8_lossy(bytes),
            Cow::Owned(bytes) => Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }
}

fn stands_alone(text: &[u8], start: usize, end: usize) -> bool {
    let joins = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    !joins(start.checked_sub(1).and_then(|i| text.get(i))) && !joins(text.get(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redactor(secrets: &[&str]) -> Redactor {
        Redactor::new(secrets.iter().map(|s| Secret::new(s.as_bytes())))
    }

    #[test]
    fn a_secret_inside_text_is_replaced_by_its_redacted_form() {
        let r = redactor(&["abcdefghijklmnopqrstuvwx"]);
        let text = "set abcdefghijklmnopqrstuvwxyz, abcdefghijklmnopqrstuvwx!";
        assert_eq!(
            r.redact_str(text),
            "set abcd****************uvwxyz, abcd****************uvwx!"
        );
        assert!(matches!(r.redact_str("nothing here"), Cow::Borrowed(_)));
    }

    #[test]
    fn short_secrets_are_replaced_only_where_they_stand_alone() {
        let r = redactor(&["test", ""]);
        assert_eq!(
            r.redact_str("tests/test/latest_test.rs"),
            "tests/****/latest_****.rs"
        );
        assert_eq!(r.redact_str("test"), "****");
    }

    #[test]
    fn overlapping_and_nested_secrets_leave_no_rest() {
        let r = redactor(&["abcdefgh", "efghijkl", "cdefghij", "ghijklmn"]);
        assert_eq!(r.redact_str("<abcdefghijklmn>"), "<***>");
        let nested = redactor(&["abcdefghijkl", "cdefghij"]);
        assert_eq!(nested.redact_str("-abcdefghijkl-"), "-ab********kl-");
        let masked = redactor(&["test", "stsecretlong"]);
        assert!(!masked.redact_str("teststsecretlong").contains("secret"));
        assert!(!masked.redact_str("testsecretlong").contains("secret"));
    }

    #[test]
    fn bytes_that_are_no_text_are_searched_too_and_revealing_changes_nothing() {
        let secret = b"\xff\xfe\xfdabcdefgh";
        let text = [b"x/".as_slice(), secret, b"/y"].concat();
        let r = Redactor::new([Secret::new(secret)]);
        assert_eq!(&*r.redact(&text), b"x/***********/y");
        assert_eq!(&*Redactor::reveal().redact(&text), text.as_slice());
    }
}
