//! Keys of fingerprints.

use base64::{
    Engine as _,
    alphabet::{Alphabet, STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use std::fmt;

/// The key under which fingerprints are made.
///
/// A fingerprint is a hash of a secret, and baselines hold fingerprints. Under the default key,
/// which everybody knows, whoever reads a baseline can try guesses of a weak password until one
/// gives its fingerprint. Under an organisation's own key nobody can who does not have the key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FingerprintKey([u8; 32]);

/// Key used unless an organisation gives its own: it only separates our hashes from others'.
const DEFAULT: [u8; 32] = *b"gitsieve fingerprint key, v1    ";

/// Separates the keys made of other texts from whatever else those are used for.
const CONTEXT: &str = "gitsieve 2026-11 fingerprint key from the bytes of a file";

/// Fewest bytes of a key that is no 32 bytes in hexadecimal or base64.
const MIN_BYTES: usize = 16;

/// A text that is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a key of less than {MIN_BYTES} bytes could be guessed as the secrets could: make one of 32 \
     random bytes, such as by `openssl rand -hex 32`"
)]
pub struct FingerprintKeyError;

impl FingerprintKey {
    /// Takes the content of a key file: 32 bytes as hexadecimal digits or base64 (standard or
    /// URL-safe), or any other bytes, which are hashed. White space at both ends is no part of it.
    ///
    /// # Errors
    /// [`FingerprintKeyError`] for less than 16 bytes.
    pub fn of_file(content: &[u8]) -> Result<Self, FingerprintKeyError> {
        let text = content.trim_ascii();
        if text.len() < MIN_BYTES {
            return Err(FingerprintKeyError);
        }
        let key = hexadecimal(text).or_else(|| base64(text));
        let key = key.unwrap_or_else(|| blake3::derive_key(CONTEXT, text));
        Ok(Self(key))
    }

    /// What tells keys apart and says nothing of them: 8 hexadecimal digits; `None` for the
    /// default key.
    pub fn id(&self) -> Option<String> {
        let hash = || blake3::keyed_hash(&self.0, b"gitsieve fingerprint key id");
        (self.0 != DEFAULT).then(|| hash().to_hex()[..8].to_owned())
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Default for FingerprintKey {
    fn default() -> Self {
        Self(DEFAULT)
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id();
        write!(f, "FingerprintKey({})", id.as_deref().unwrap_or("default"))
    }
}

fn hexadecimal(text: &[u8]) -> Option<[u8; 32]> {
    let id = super::ObjectId::from_hex(text).ok()?;
    id.as_bytes().try_into().ok()
}

fn base64(text: &[u8]) -> Option<[u8; 32]> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let read = |alphabet: &Alphabet| {
        let engine = GeneralPurpose::new(alphabet, LENIENT);
        engine.decode(text).ok()?.try_into().ok()
    };
    read(&STANDARD).or_else(|| read(&URL_SAFE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Fingerprint, Secret};

    #[test]
    fn a_key_is_the_same_however_it_is_written() {
        let bytes: Vec<u8> = (0..32u8)
            .map(|i| i.wrapping_mul(37).wrapping_sub(5))
            .collect();
        let hex = super::super::ObjectId::from_bytes(&bytes)
            .unwrap()
            .to_string();
        let key = FingerprintKey::of_file(hex.as_bytes()).unwrap();
        assert_eq!(&key.0[..], &bytes[..]);
        let standard = base64::engine::general_purpose::STANDARD.encode(&bytes);
        let url = standard.replace('+', "-").replace('/', "_");
        for text in [
            hex.to_uppercase(),
            format!(" {hex}\r\n"),
            standard.trim_end_matches('=').to_owned(),
            url,
            standard,
        ] {
            assert_eq!(FingerprintKey::of_file(text.as_bytes()), Ok(key), "{text}");
        }
    }

    #[test]
    fn any_other_bytes_are_hashed_and_few_are_refused() {
        let key = |text: &str| FingerprintKey::of_file(text.as_bytes());
        assert_ne!(
            key("correct horse battery"),
            key("correct horse battery staple")
        );
        assert_eq!(key("correct horse battery\n"), key("correct horse battery"));
        assert_eq!(key("fifteen bytes.."), Err(FingerprintKeyError));
        assert_eq!(key(&" ".repeat(40)), Err(FingerprintKeyError));
    }

    #[test]
    fn keys_make_other_fingerprints_and_do_not_show() {
        let (one, two) = (FingerprintKey([1; 32]), FingerprintKey([2; 32]));
        let secret = Secret::new(b"abc");
        let of = |key| Fingerprint::keyed(&key, "rule", &secret);
        assert_ne!(of(one), of(two));
        assert_eq!(
            of(FingerprintKey::default()),
            Fingerprint::new("rule", &secret)
        );
        assert_eq!(FingerprintKey::default().id(), None);
        assert_ne!(one.id(), two.id());
        assert_eq!(format!("{one:?}").len(), "FingerprintKey()".len() + 8);
        assert_eq!(Fingerprint::parse(of(one).as_str()), Some(of(one)));
        for text in [
            "",
            "v1:",
            "v2:00000000000000000000000000000000",
            "v1:0000000000000000000000000000000G",
        ] {
            assert_eq!(Fingerprint::parse(text), None);
        }
    }
}
