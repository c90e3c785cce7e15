//! Values that stand for a secret rather than being one.

use super::entropy;

/// Words that people write where a secret belongs, in any kind of token. Lower case; four letters and
/// more, so that random text does not hold them by chance.
const WORDS: &[&str] = &[
    "example",
    "sample",
    "placeholder",
    "changeme",
    "change-me",
    "change_me",
    "changeit",
    "dummy",
    "your",
    "xxxx",
    "redacted",
    "fake",
    "insert",
    "replace",
    "foobar",
    "lorem",
    "ipsum",
    "deadbeef",
    "cafebabe",
    "todo",
    "fixme",
    "undefined",
    "notreal",
    "not-real",
    "not_real",
    "invalid",
    "removed",
    "omitted",
    "hidden",
    "masked",
    "censored",
    "goes-here",
    "goeshere",
    "goes_here",
    "put-",
    "enter-",
    "<key",
    "<token",
    "<pass",
    "....",
    "****",
    "____",
    "----",
    "tobeset",
    "to-be-",
    "to_be_",
    "mysecret",
    "my-secret",
    "my_secret",
    "mytoken",
    "my-token",
    "my_token",
    "mypass",
    "my-pass",
    "my_pass",
    "myapikey",
    "my-api",
    "my_api",
    "mykey",
    "my-key",
    "my_key",
    "somesecret",
    "some-secret",
    "some_secret",
    "sometoken",
    "some-token",
    "some_token",
    "somepass",
    "some-pass",
    "some_pass",
    "somekey",
    "some-key",
    "some_key",
    "abcdefgh",
    "hunter2",
    "letmein",
    "blahblah",
    "foo-",
    "foo_",
    "foobaz",
    "bogus",
    "unused",
    "notasecret",
    "not-a-",
    "not_a_",
];

/// Longest value that is searched for words, in bytes: words stand in short values, and a long random text, such as
/// the body of a key, holds four given letters by chance.
const MAX_WORDS_BYTES: usize = 256;

/// Why a value is a placeholder, if it is one.
///
/// Looks at the value alone; linear in its length.
pub fn reason(value: &[u8]) -> Option<&'static str> {
    // Tokens of some kinds begin with a run: it has to be a good part of the value.
    if value.len() >= 8 && longest_run(value) * 2 >= value.len()
        || longest_run(value) >= 7 && longest_run(value) * 4 >= value.len()
    {
        return Some("one character again and again");
    }
    if value.len() >= 8 && longest_sequence(value) * 2 >= value.len()
        || longest_sequence(value) >= 8
    {
        return Some("a sequence");
    }
    if is_interleaved(value) {
        return Some("letters and numbers in turn");
    }
    if value.ends_with(b"...") {
        return Some("cut short");
    }
    if value.len() >= 12 && (2..=value.len() / 2).any(|period| is_periodic(value, period)) {
        return Some("a short pattern again and again");
    }
    if value.len() >= 20 && entropy::distinct(value) <= 5 {
        return Some("few different characters");
    }
    if value.len() > MAX_WORDS_BYTES {
        return None;
    }
    let lower = value.to_ascii_lowercase();
    let stands = |word: &&str| {
        let mut from = 0;
        while let Some(at) = memchr::memmem::find(&lower[from..], word.as_bytes()) {
            let start = from + at;
            if word.len() > SHORT_WORD || is_written(&value[start..start + word.len()]) {
                return true;
            }
            from = start + 1;
        }
        false
    };
    WORDS
        .iter()
        .any(stands)
        .then_some("a word that stands for a secret")
}

/// Words up to so many bytes have to be written as people write words: random text of both cases holds
/// `fAkE` in one of 20,000 tokens.
const SHORT_WORD: usize = 5;

/// Whether letters are all small, all large, or small after a large one.
fn is_written(word: &[u8]) -> bool {
    let (first, rest) = word.split_at(word.len().min(1));
    let rest_has = |of: fn(&u8) -> bool| rest.iter().any(of);
    !rest_has(u8::is_ascii_uppercase)
        || !rest_has(u8::is_ascii_lowercase) && !first.iter().any(u8::is_ascii_lowercase)
}

/// Bytes of the longest stretch of one byte.
fn longest_run(value: &[u8]) -> usize {
    longest(value, |a, b| a == b)
}

/// Bytes of the longest stretch that counts up or down, as `abcdef`, `123456` and `987654` do.
fn longest_sequence(value: &[u8]) -> usize {
    let up = longest(value, |a, b| {
        b == a.wrapping_add(1) || (a, b) == (b'9', b'0')
    });
    up.max(longest(value, |a, b| a == b.wrapping_add(1)))
}

fn longest(value: &[u8], joined: impl Fn(u8, u8) -> bool) -> usize {
    let (mut best, mut run) = (usize::from(!value.is_empty()), 1);
    for pair in value.windows(2) {
        run = if joined(pair[0], pair[1]) { run + 1 } else { 1 };
        best = best.max(run);
    }
    best
}

/// `1a2b3c4d5e`, `abc123def456`: letters that go through the alphabet, and numbers that count.
fn is_interleaved(value: &[u8]) -> bool {
    let steps = |class: fn(&u8) -> bool| {
        let part: Vec<u8> = value
            .iter()
            .filter(|b| class(b))
            .map(u8::to_ascii_lowercase)
            .collect();
        let next = |a: u8, b: u8| {
            b == a.wrapping_add(1) || (a, b) == (b'9', b'0') || (a, b) == (b'z', b'a')
        };
        part.len() >= 4 && part.windows(2).all(|pair| next(pair[0], pair[1]))
    };
    value.len() >= 8 && steps(u8::is_ascii_alphabetic) && steps(u8::is_ascii_digit)
}

fn is_periodic(value: &[u8], period: usize) -> bool {
    value.len() >= 2 * period && value[period..].iter().zip(value).all(|(a, b)| a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_told_and_random_text_is_not() {
        for value in [
            "AKIAIOSFODNN7EXAMPLE",
            "ghp_xxxxxxxxxxxxxxxxxxxx",
            "sk_test_your_key",
            "1234567890abcdef",
            "00000000",
            "aaaaaaaaaaaa",
            "abcabcabcabc",
            "changeme",
            "<token-goes-here>",
            "abcdefghijklmnop",
            "1a2b3c4d5e6f7g8h9i0j",
            "abc123def456ghi789",
        ] {
            assert!(reason(value.as_bytes()).is_some(), "{value}");
        }
        // As a token may hold it by chance, and as people write it.
        for (word, is_placeholder) in [
            ("fAke", false),
            ("faKE", false),
            ("XXxx", false),
            ("xXXX", false),
            ("fake", true),
            ("Fake", true),
            ("XXXX", true),
            ("YOUR", true),
            ("ChangeMe", true),
            ("PlaceHolder", true),
        ] {
            let value = format!("q7Zm2{word}Lp0vTgR4kW");
            assert_eq!(
                reason(value.as_bytes()).is_some(),
                is_placeholder,
                "{value}"
            );
        }
        for value in ["x7Qm2LpZ0vTgR4kW", "9f86d081884c7d65", "correcthorse1"] {
            assert_eq!(reason(value.as_bytes()), None, "{value}");
        }
        // The head of a Twitter bearer token, and the frame of a key.
        let bearer = format!("{}x7Qm2LpZ0vTgR4kW", "A".repeat(21)).repeat(2);
        let key = "-----BEGIN KEY-----\n".to_owned() + &"x7Qm2LpZ0vTg4kW\n".repeat(20);
        for value in [bearer + "mF9B5f41JqM0xZ8yQ", key] {
            assert_eq!(reason(value.as_bytes()), None, "{value}");
        }
    }
}
