//! Captured credentials, which never print themselves.

use std::fmt;

/// The bytes of a captured credential. `Debug` and `Display` show the redacted form only; the
/// bytes are had by [`Secret::reveal`] alone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Secret(Box<[u8]>);

/// Shortest secret of which any character is shown.
const SHOW_FROM_BYTES: usize = 12;
/// Characters shown at each end at most.
const SHOWN_EACH_END: usize = 4;

impl Secret {
    /// Keeps a copy of the bytes.
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// Returns the credential itself. Call it only to write what `--show-secrets` asks for, or to
    /// hash it.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }

    /// Returns a form safe to print: up to four characters at both ends where the secret is long
    /// enough (never more than a third of it in all), `*` for the rest, and at most 24
    /// characters whatever the length. Characters that are not printable ASCII show as `*`.
    pub fn redacted(&self) -> String {
        let n = self.0.len();
        let shown = if n < SHOW_FROM_BYTES {
            0
        } else {
            (n / 6).min(SHOWN_EACH_END)
        };
        let hidden = (n - 2 * shown).clamp(3, 16);
        let show = |b: &u8| {
            if b.is_ascii_graphic() {
                *b as char
            } else {
                '*'
            }
        };
        let mut out: String = self.0[..shown].iter().map(show).collect();
        out.extend(std::iter::repeat_n('*', hidden));
        out.extend(self.0[n - shown..].iter().map(show));
        out
    }

    /// Whether this is a redacted form itself, as what is read of a report is.
    pub fn is_redacted(&self) -> bool {
        self.redacted().as_bytes() == &*self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({})", self.redacted())
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.redacted())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_secrets_show_nothing_and_long_ones_at_most_a_third() {
        assert_eq!(Secret::new(b"hunter2hunt").redacted(), "***********");
        for n in 0..200 {
            let shown = Secret::new(&vec![b'x'; n]).redacted().matches('x').count();
            assert!(shown * 3 <= n && shown <= 8, "{n} bytes show {shown}");
            let secret = Secret::new(&vec![b'x'; n]);
            assert!(!secret.is_redacted());
            assert!(Secret::new(secret.redacted().as_bytes()).is_redacted());
        }
        let secret = Secret::new(b"abcdefghijklmnopqrstuvwxyz");
        assert_eq!(format!("{secret:?} {secret}").matches('e').count() - 2, 0);
        assert_eq!(secret.redacted(), "abcd****************wxyz");
    }

    #[test]
    fn control_characters_never_survive_redaction() {
        let secret = Secret::new(b"\x1b[31mabcdefghijklmnopqrst\xff\x00\n");
        assert!(secret.redacted().chars().all(|c| c.is_ascii_graphic()));
    }
}
