//! Values of passwords that people choose.
//!
//! Where the syntax says that a value is a password (`IDENTIFIED BY`, `--password`), little is
//! left to ask of the value: that it is one, and not a stand-in for one. Weak passwords are
//! passwords, so randomness is not asked for.

use super::validate::plausible_if;
use crate::model::Proof;

/// Texts that stand where a password would, once digits and punctuation at the ends are gone.
const STAND_INS: &[&[u8]] = &[
    b"a",
    b"abc",
    b"abcd",
    b"admin",
    b"any",
    b"asdf",
    b"auth",
    b"bar",
    b"baz",
    b"changeit",
    b"changeme",
    b"changethis",
    b"credentials",
    b"default",
    b"demo",
    b"dummy",
    b"empty",
    b"example",
    b"fake",
    b"false",
    b"foo",
    b"foobar",
    b"guest",
    b"hidden",
    b"hunter",
    b"insert",
    b"key",
    b"letmein",
    b"login",
    b"mock",
    b"mypass",
    b"mypassword",
    b"mypwd",
    b"mysecret",
    b"name",
    b"new",
    b"newpass",
    b"newpassword",
    b"nil",
    b"notasecret",
    b"none",
    b"null",
    b"old",
    b"oldpassword",
    b"p@ss",
    b"p@ssword",
    b"p@ssw0rd",
    b"pa",
    b"pass",
    b"passphrase",
    b"passwd",
    b"password",
    b"passwort",
    b"placeholder",
    b"prompt",
    b"pw",
    b"pwd",
    b"qwerty",
    b"redacted",
    b"removed",
    b"root",
    b"sample",
    b"secret",
    b"some",
    b"somepassword",
    b"something",
    b"string",
    b"test",
    b"testing",
    b"testpass",
    b"testpassword",
    b"text",
    b"todo",
    b"token",
    b"true",
    b"undefined",
    b"unset",
    b"user",
    b"userpassword",
    b"username",
    b"value",
    b"x",
    b"xxx",
    b"your",
];
/// Parts that only stand-ins have.
const TELLTALES: &[&[u8]] = &[
    b"your",
    b"example",
    b"changeme",
    b"change_me",
    b"change-me",
    b"replace",
    b"placeholder",
    b"redacted",
    b"<",
    b">",
    b"${",
    b"{{",
    b"#{",
    b"<%",
    b"$(",
    b"%(",
    b"...",
    b"***",
    b"xxxx",
    b"\xe2\x80\xa6",
    b"_here",
    b"-here",
    b"getenv",
    b"environ",
    b"process.env",
    b"secrets.",
];
/// Ends of names that stand for a password: `db_password`.
const SUFFIXES: &[&[u8]] = &[b"password", b"passwd", b"passwort", b"passphrase", b"pwd"];
/// Shortest password told from the syntax of other things.
const MIN_BYTES: usize = 4;

pub(super) fn password_value(secret: &[u8]) -> Proof {
    let text = std::str::from_utf8(secret).is_ok_and(|t| !t.chars().any(char::is_control));
    plausible_if(text && secret.len() >= MIN_BYTES && !is_stand_in(secret))
}

/// Whether a value is a placeholder, a variable, a template or a format.
pub(super) fn is_stand_in(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    let has = |part: &[u8]| memchr::memmem::find(&lower, part).is_some();
    let from = lower.iter().position(u8::is_ascii_alphabetic);
    let from = from.unwrap_or(lower.len());
    let to = lower.iter().rposition(u8::is_ascii_alphabetic);
    let to = to.map_or(from, |at| at + 1);
    let core: Vec<u8> = lower[from..to]
        .iter()
        .copied()
        .filter(|b| !matches!(b, b'_' | b'-' | b' ' | b'.'))
        .collect();
    let same = lower.windows(2).all(|pair| pair[0] == pair[1]);
    let steps = lower
        .windows(2)
        .all(|pair| pair[1] == pair[0].wrapping_add(1));
    matches!(
        lower.first(),
        None | Some(b'$' | b'%' | b'&' | b'{' | b'[' | b'(' | b':' | b'?')
    ) || same
        || steps
        || STAND_INS.contains(&&core[..])
        || SUFFIXES.iter().any(|suffix| core.ends_with(suffix))
        || TELLTALES.iter().any(|part| has(part))
        // A shell or SQL variable, a constant's name: letters in one case with underscores.
        || (lower.contains(&b'_')
            && value.iter().all(|b| b.is_ascii_uppercase() || *b == b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stand_ins_are_told_from_passwords_however_weak() {
        for stand_in in [
            "",
            "$PASS",
            "${DB_PASS}",
            "<password>",
            "password",
            "Password1",
            "my-password",
            "your_password_here",
            "xxxxxxxx",
            "********",
            "changeme!",
            "%s",
            "{{ pass }}",
            "secret",
            "DB_PASSWORD",
            "12345",
            "aaaa",
            "test123",
            "...",
            "?",
            ":password",
            "$(cat file)",
            "@Secret",
            "process.env.PASS",
            "abcdefgh",
        ] {
            assert_eq!(
                password_value(stand_in.as_bytes()),
                Proof::Failed,
                "{stand_in}"
            );
        }
        for password in [
            "Sommer2019",
            "kd8#mQ2p",
            "tiger-lily",
            "S3cure!Pass",
            "correct horse",
            "Gandalf",
            "zaq1xsw2",
            "welcome-to-acme",
        ] {
            assert_eq!(
                password_value(password.as_bytes()),
                Proof::Plausible,
                "{password}"
            );
        }
    }
}
