//! Rules for `git filter-repo --replace-text` and `--replace-message`.
//!
//! A rule is one line, its search and replacement parted by `==>`. What a line cannot hold as it
//! is (line breaks, control characters, bytes that are no text, `==>` itself) becomes a regular
//! expression in which every byte but letters and digits is written `\xNN`: it means the same under
//! Python's `re` whatever surrounds it, and can hold neither a line break nor the separator.
//!
//! filter-repo applies literals first and expressions after them, each in the file's order. A long
//! secret must go before a short one that it holds, or what is left of it is found no more: rules
//! are sorted by length, and a literal that stands inside an expression's secret becomes an
//! expression too.

use crate::model::{BlobId, Encoding, Finding, Fingerprint, Secret, Where};
use aho_corasick::AhoCorasick;
use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashSet},
    fmt::{self, Write as _},
};

/// What replaces a secret: filter-repo's own default, written out.
const REPLACEMENT: &str = "***REMOVED***";
/// Shorter secrets are left to people: they stand everywhere in a history by chance.
const SHORTEST_BYTES: usize = 4;
/// Shorter secrets are replaced only where they stand alone, as reports redact them.
const ANYWHERE_FROM_BYTES: usize = 8;
/// The other half of a credential is replaced too where it is at least this long: an id made by a
/// machine. Shorter ones are names of users and hosts, which stand in prose.
const PART_FROM_BYTES: usize = 16;

/// Rules, and what no rule can do. Holds secrets in clear.
#[derive(Default)]
pub struct Replacements {
    text: Vec<u8>,
    rules: usize,
    by_hand: Vec<ByHand>,
    blobs: BTreeSet<BlobId>,
}

/// A secret that has no rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByHand {
    /// Whose.
    pub fingerprint: Fingerprint,
    /// Why not, in one line without the secret.
    pub why: &'static str,
}

impl fmt::Debug for Replacements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replacements")
            .field("rules", &self.rules)
            .field("by_hand", &self.by_hand)
            .field("blobs", &self.blobs)
            .finish_non_exhaustive()
    }
}

impl Replacements {
    /// Makes the rules of findings: one for each secret, each form in which it is written where
    /// it is encoded, and each long other half. The findings must come from a scan: a report that
    /// was read back holds redacted secrets.
    pub fn of<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Self {
        let mut made = Self::default();
        let mut all: HashSet<&[u8]> = HashSet::new();
        for finding in findings {
            let secret = finding.secret.reveal();
            if secret.len() < SHORTEST_BYTES {
                made.by_hand.push(ByHand {
                    fingerprint: finding.fingerprint.clone(),
                    why: "shorter than 4 bytes: a rule would hit text that has nothing to do with it",
                });
            } else {
                all.insert(secret);
            }
            let written = finding.written.iter().map(Secret::reveal);
            all.extend(written.filter(|w| w.len() >= SHORTEST_BYTES));
            let parts = finding.occurrences.iter().flat_map(|o| &o.parts);
            let parts = parts.map(|part| part.secret.reveal());
            all.extend(parts.filter(|part| part.len() >= PART_FROM_BYTES));
            made.strip(finding);
        }
        let mut all: Vec<&[u8]> = all.into_iter().collect();
        all.sort_unstable_by_key(|secret| (Reverse(secret.len()), *secret));
        made.rules = all.len();
        made.write(&all);
        made
    }

    /// Notes blobs that rules for text leave as they are.
    fn strip(&mut self, finding: &Finding) {
        for o in &finding.occurrences {
            let in_history = matches!(o.place, Where::Head | Where::Ref | Where::Unreachable);
            let wide = [Encoding::Utf16Le, Encoding::Utf16Be];
            // UTF-16 has zero bytes, and filter-repo takes such content for binary.
            let opaque = o.member.is_some() || o.encoding.first().is_some_and(|e| wide.contains(e));
            if in_history && opaque {
                self.blobs.insert(o.blob);
            }
        }
    }

    fn write(&mut self, all: &[&[u8]]) {
        let literals: Vec<&[u8]> = all.iter().copied().filter(|s| fits_a_line(s)).collect();
        let mut inside: HashSet<&[u8]> = HashSet::new();
        // Building fails only for gigabytes of secrets. Then the order alone must do.
        if literals.len() < all.len()
            && let Ok(search) = AhoCorasick::new(&literals)
        {
            for secret in all.iter().filter(|s| !fits_a_line(s)) {
                let hits = search.find_overlapping_iter(secret);
                inside.extend(hits.map(|hit| literals[hit.pattern().as_usize()]));
            }
        }
        for secret in all {
            if fits_a_line(secret) && !inside.contains(secret) {
                self.text.extend_from_slice(b"literal:");
                self.text.extend_from_slice(secret);
            } else {
                self.text.extend_from_slice(expression(secret).as_bytes());
            }
            self.text.extend_from_slice(b"==>");
            self.text.extend_from_slice(REPLACEMENT.as_bytes());
            self.text.push(b'\n');
        }
    }

    /// Returns the file's content, secrets in clear. Write it where nobody else reads.
    pub fn reveal(&self) -> &[u8] {
        &self.text
    }

    /// Number of rules.
    pub fn rules(&self) -> usize {
        self.rules
    }

    /// Secrets without a rule.
    pub fn by_hand(&self) -> &[ByHand] {
        &self.by_hand
    }

    /// Blobs of the history that hold a secret where rules for text do not reach (in a member of
    /// a container, in UTF-16), for `--strip-blobs-with-ids`.
    pub fn blobs(&self) -> &BTreeSet<BlobId> {
        &self.blobs
    }
}

/// Whether a secret can be a literal: a line of text that stays itself, replaced anywhere.
fn fits_a_line(secret: &[u8]) -> bool {
    secret.len() >= ANYWHERE_FROM_BYTES
        && str::from_utf8(secret).is_ok_and(|text| {
            text.trim() == text && !text.contains("==>") && !text.contains(char::is_control)
        })
}

fn expression(secret: &[u8]) -> String {
    let mut text = String::from("regex:");
    let alone = secret.len() < ANYWHERE_FROM_BYTES;
    if alone {
        text.push_str("(?<![A-Za-z0-9])");
    }
    for &byte in secret {
        if byte.is_ascii_alphanumeric() {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    if alone {
        text.push_str("(?![A-Za-z0-9])");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::testing::finding;
    use super::*;

    fn lines(secrets: &[&[u8]]) -> Vec<String> {
        let findings: Vec<Finding> = secrets.iter().map(|s| finding("r", s, "p")).collect();
        let made = Replacements::of(&findings);
        let text = String::from_utf8(made.reveal().to_vec()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn what_fits_a_line_is_a_literal_and_all_else_an_expression() {
        for (secret, wanted) in [
            (&b"regex:plain\\d"[..], "literal:regex:plain\\d"),
            (b"one\ntwo\r\nend", "regex:one\\x0atwo\\x0d\\x0aend"),
            (b"abc==>defgh", "regex:abc\\x3d\\x3d\\x3edefgh"),
            (b"\xff\xfe345678", "regex:\\xff\\xfe345678"),
            (b" spaced out ", "regex:\\x20spaced\\x20out\\x20"),
            ("gehe\u{ed}mnis".as_bytes(), "literal:gehe\u{ed}mnis"),
            (b"s3cr!t", "regex:(?<![A-Za-z0-9])s3cr\\x21t(?![A-Za-z0-9])"),
        ] {
            assert_eq!(lines(&[secret]), [format!("{wanted}==>***REMOVED***")]);
        }
    }

    #[test]
    fn a_secret_inside_another_goes_after_it() {
        let found = lines(&[b"inner-literal", b"an inner-literal here", b"inner-literal"]);
        assert_eq!(found.len(), 2, "one rule a secret: {found:?}");
        assert!(found[0].starts_with("literal:an inner"), "{found:?}");
        let found = lines(&[b"inner-literal", b"BEGIN\ninner-literal\nEND"]);
        assert!(found[0].starts_with("regex:BEGIN"), "{found:?}");
        assert!(found[1].starts_with("regex:inner"), "{found:?}");
    }

    #[test]
    fn written_forms_have_rules_and_what_has_none_is_listed() {
        let mut encoded = finding("r", b"long-enough-secret", "p");
        encoded.written = vec![Secret::new(b"bG9uZy1lbm91Z2g=")];
        encoded.occurrences[0].encoding = vec![Encoding::Utf16Le];
        let short = finding("r", b"abc", "p");
        let made = Replacements::of([&encoded, &short]);
        assert_eq!(made.rules(), 2);
        assert_eq!(made.by_hand().len(), 1);
        assert_eq!(made.by_hand()[0].fingerprint, short.fingerprint);
        let blob = encoded.occurrences[0].blob;
        assert_eq!(made.blobs().iter().collect::<Vec<_>>(), [&blob]);
    }
}
