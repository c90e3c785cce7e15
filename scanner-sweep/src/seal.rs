//! Values of findings, sealed for an organisation: whoever has its public key can seal, and only its
//! private key opens.
//!
//! A sealed value is libsodium's `crypto_box_seal` (X25519, XSalsa20-Poly1305) of one JSON object,
//! with spaces after it up to a multiple of [`BLOCK_BYTES`], so that lengths tell little:
//!
//! ```json
//! {"format":1,"fingerprint":"v1:...","rule":"...","value":"BASE64","parts":[{"rule":"...","value":"BASE64"}]}
//! ```
//!
//! Values are in base64 because they may be any bytes. `parts` are other halves of the credential
//! that stood nearby, such as its user or key id: who replaces it needs them. How a value was written
//! where it stood encoded is left out: it is replaced by what it is, and its places are in the report.
//!
//! The fingerprint is inside so that a row of a store cannot pass for another. It is no signature:
//! sealing takes the public key alone, so who can write to a store can put in values of their own
//! making. [`Opened::matches_fingerprint`] finds that out.

use crate::discover::hex;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use crypto_box::aead::{OsRng, rand_core::RngCore as _};
use scanner_core::model::{Finding, Fingerprint, FingerprintKey, Secret};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{borrow::Cow, collections::BTreeSet, fmt};
use zeroize::{Zeroize as _, Zeroizing};

/// What the length of sealed content is a multiple of.
pub const BLOCK_BYTES: usize = 64;
/// Other halves of a credential that are sealed with it, at most.
pub const MAX_PARTS: usize = 16;

/// Version of what is sealed.
const FORMAT: u32 = 1;
/// Bytes of a key.
const KEY_BYTES: usize = crypto_box::KEY_SIZE;
/// First words of the files that hold keys.
const PUBLIC_MARK: &str = "# gitsieve public key";
const PRIVATE_MARK: &str = "# gitsieve private key";

/// Why a text gives no key, or none can be made. Never holds any of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no key in it.
    #[error(
        "it holds no key: a key is one line of base64, of 32 bytes, as `gitsieve sweep key` makes it"
    )]
    NoKey,
    /// A private key where a public one is wanted.
    #[error(
        "it holds a private key: values are sealed with the public one (the file that ends in .pub), \
         and the private one is better kept away from where sweeps run"
    )]
    IsPrivate,
    /// A public key where a private one is wanted.
    #[error(
        "it holds a public key, which opens nothing: the private one is in the file without .pub"
    )]
    IsPublic,
    /// The system gives no randomness.
    #[error("the system gives no random bytes: {0}")]
    NoRandomness(String),
}

/// Why a sealed value cannot be had.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another key is needed.
    #[error("it is sealed for the key {0}, which is not this one")]
    OtherKey(KeyId),
    /// It is not what was sealed, or for another key than it says.
    #[error("it is damaged, or not sealed for this key: nothing can be had of it")]
    Damaged,
    /// It was sealed for another finding.
    #[error("it is the value of another finding: rows of the store were changed")]
    Swapped,
    /// What is sealed cannot be read.
    #[error("a gitsieve that is newer than this one sealed it, or another program")]
    Unknown,
}

/// Tells keys apart: the first 16 hexadecimal digits of the public key's SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId(String);

impl KeyId {
    fn of(key: &crypto_box::PublicKey) -> Self {
        let digest = Sha256::digest(key.as_bytes());
        Self(hex(&digest[..8]))
    }

    /// Takes what a store holds as one, whatever it is.
    pub(crate) fn stored(text: String) -> Self {
        Self(text)
    }

    /// Returns the digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The key that seals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: crypto_box::PublicKey,
    id: KeyId,
}

impl PublicKey {
    /// Takes the content of a file: one line of base64, beside comments (`#`) and empty lines.
    ///
    /// # Errors
    /// [`KeyError`] where it holds no key, or a private one; and where the system gives no random
    /// bytes, without which nothing can be sealed.
    pub fn parse(text: &[u8]) -> Result<Self, KeyError> {
        let bytes = key_in(text, PRIVATE_MARK, &KeyError::IsPrivate)?;
        // What is sealed later asks for more, and has no way to say that there is none.
        random()?;
        Ok(Self::new(crypto_box::PublicKey::from_bytes(*bytes)))
    }

    fn new(key: crypto_box::PublicKey) -> Self {
        let id = KeyId::of(&key);
        Self { key, id }
    }

    /// What tells it from others.
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The file that holds it.
    pub fn to_text(&self) -> String {
        format!(
            "{PUBLIC_MARK} {}: `gitsieve sweep --seal-values` seals values with it; it opens none\n{}\n",
            self.id,
            STANDARD.encode(self.key.as_bytes())
        )
    }

    /// Seals the value of a finding.
    pub fn seal(&self, finding: &Finding) -> Vec<u8> {
        let parts: BTreeSet<(&str, &Secret)> = finding
            .occurrences
            .iter()
            .flat_map(|occurrence| &occurrence.parts)
            .map(|part| (part.rule.id.as_str(), &part.secret))
            .collect();
        self.seal_parts(
            finding.fingerprint.as_str(),
            &finding.rule.id,
            &finding.secret,
            parts.into_iter().take(MAX_PARTS),
        )
    }

    fn seal_parts<'a>(
        &self,
        fingerprint: &str,
        rule: &str,
        value: &Secret,
        parts: impl Iterator<Item = (&'a str, &'a Secret)>,
    ) -> Vec<u8> {
        let written = |secret: &Secret| Zeroizing::new(STANDARD.encode(secret.reveal()));
        let value = written(value);
        let parts: Vec<(&str, Zeroizing<String>)> = parts
            .map(|(rule, secret)| (rule, written(secret)))
            .collect();
        let content = Content {
            format: FORMAT,
            fingerprint: fingerprint.into(),
            rule: rule.into(),
            value: value.as_str().into(),
            parts: parts
                .iter()
                .map(|(rule, value)| PartContent {
                    rule: (*rule).into(),
                    value: value.as_str().into(),
                })
                .collect(),
        };
        // Room for all of it, so that no copy is left behind where it grew.
        let room: usize = parts
            .iter()
            .map(|(rule, v)| 6 * rule.len() + v.len() + 64)
            .sum();
        let room = room + 6 * (fingerprint.len() + rule.len()) + value.len() + 256;
        let mut text = Zeroizing::new(Vec::with_capacity(room));
        serde_json::to_writer(&mut *text, &content)
            .expect("because plain text is written to memory");
        let padded = text.len().next_multiple_of(BLOCK_BYTES);
        text.resize(padded, b' ');
        self.key
            .seal(&mut OsRng, &text)
            .expect("because the cipher takes more bytes than memory holds")
    }
}

/// The key that opens.
pub struct PrivateKey {
    key: crypto_box::SecretKey,
    public: PublicKey,
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.public.id)
    }
}

impl PrivateKey {
    /// Makes a new one.
    ///
    /// # Errors
    /// [`KeyError::NoRandomness`].
    pub fn generate() -> Result<Self, KeyError> {
        Ok(Self::new(&*random()?))
    }

    /// Takes the content of a file, as [`PublicKey::parse`] does; what it was read into is cleared.
    ///
    /// # Errors
    /// [`KeyError`] where it holds no key, or a public one.
    pub fn parse(mut text: Vec<u8>) -> Result<Self, KeyError> {
        let key = key_in(&text, PUBLIC_MARK, &KeyError::IsPublic).map(|bytes| Self::new(&bytes));
        text.zeroize();
        key
    }

    fn new(bytes: &[u8; KEY_BYTES]) -> Self {
        let key = crypto_box::SecretKey::from_bytes(*bytes);
        let public = PublicKey::new(key.public_key());
        Self { key, public }
    }

    /// The key that seals for this one.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The file that holds it: to be readable by its owner alone.
    pub fn to_text(&self) -> Zeroizing<String> {
        let bytes = Zeroizing::new(self.key.to_bytes());
        let line = Zeroizing::new(STANDARD.encode(*bytes));
        Zeroizing::new(format!(
            "{PRIVATE_MARK} {}: opens what was sealed with the public one; keep it away from where \
             sweeps run, and keep a copy\n{}\n",
            self.public.id, *line
        ))
    }

    /// Opens the value of a finding.
    ///
    /// # Errors
    /// [`OpenError`] where it cannot be opened, or is not of this finding.
    pub fn open(&self, sealed: &[u8], fingerprint: &str, rule: &str) -> Result<Opened, OpenError> {
        let text = self.key.unseal(sealed).map_err(|_| OpenError::Damaged)?;
        let text = Zeroizing::new(text);
        let content: Content<'_> = serde_json::from_slice(&text).map_err(|_| OpenError::Unknown)?;
        if content.format != FORMAT {
            return Err(OpenError::Unknown);
        }
        if content.fingerprint != fingerprint || content.rule != rule {
            return Err(OpenError::Swapped);
        }
        let read = |text: &str| {
            let bytes = STANDARD.decode(text).map_err(|_| OpenError::Unknown)?;
            Ok(Secret::new(&Zeroizing::new(bytes)))
        };
        let part =
            |part: &PartContent<'_>| Ok((part.rule.clone().into_owned(), read(&part.value)?));
        Ok(Opened {
            value: read(&content.value)?,
            parts: content.parts.iter().map(part).collect::<Result<_, _>>()?,
        })
    }
}

/// What was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The value of the finding.
    pub value: Secret,
    /// Other halves of the credential, by the rules that found them.
    pub parts: Vec<(String, Secret)>,
}

impl Opened {
    /// Whether this is the value that was found, as far as this key made its fingerprint.
    pub fn matches_fingerprint(&self, key: &FingerprintKey, rule: &str, fingerprint: &str) -> bool {
        Fingerprint::keyed(key, rule, &self.value).as_str() == fingerprint
    }
}

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Content<'a> {
    format: u32,
    #[serde(borrow)]
    fingerprint: Cow<'a, str>,
    #[serde(borrow)]
    rule: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
    #[serde(borrow, default)]
    parts: Vec<PartContent<'a>>,
}

#[derive(Serialize, Deserialize)]
struct PartContent<'a> {
    #[serde(borrow)]
    rule: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
}

/// Writes bytes as what is sealed holds them.
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

fn random() -> Result<Zeroizing<[u8; KEY_BYTES]>, KeyError> {
    let mut bytes = Zeroizing::new([0; KEY_BYTES]);
    match OsRng.try_fill_bytes(&mut *bytes) {
        Ok(()) => Ok(bytes),
        Err(error) => Err(KeyError::NoRandomness(error.to_string())),
    }
}

/// The key in a file, unless a comment says that it is of the other kind.
fn key_in(
    text: &[u8],
    other: &str,
    is_other: &KeyError,
) -> Result<Zeroizing<[u8; KEY_BYTES]>, KeyError> {
    let mut lines = text
        .split(|b| *b == b'\n')
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty());
    let mut key = None;
    let one = lines.try_for_each(|line| {
        if line.starts_with(other.as_bytes()) {
            return Err(is_other.clone());
        }
        if line.starts_with(b"#") {
            return Ok(());
        }
        match key.replace(line) {
            None => Ok(()),
            Some(_) => Err(KeyError::NoKey),
        }
    });
    one?;
    let bytes = STANDARD
        .decode(key.ok_or(KeyError::NoKey)?)
        .map_err(|_| KeyError::NoKey)?;
    let bytes = Zeroizing::new(bytes);
    let key: [u8; KEY_BYTES] = bytes.as_slice().try_into().map_err(|_| KeyError::NoKey)?;
    // What is no key to anything, and what a file that was never filled may hold.
    if key == [0; KEY_BYTES] {
        return Err(KeyError::NoKey);
    }
    Ok(Zeroizing::new(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What PyNaCl 1.6.2 (libsodium) made of the content that is expected below, for the key of the
    /// bytes 1 to 32: `SealedBox(key.public_key).encrypt(content)`.
    const BOX: [&str; 6] = [
        "dc74f84754b2b42f7306e1468cc10e74d315fd2ab900d574e4be78c9f8292c715d56531473359caf",
        "81c4728d82e0e901d6c8948ab7183ed1302942f4809d9b9e489b1bc29375fa61a15343ab0b4d3799",
        "03a44954a6547b11d045ca465530791560804be66f2f33947212666a22036008c8a46cc7c8dfb48c",
        "84917abde3b13adaa6978b114e88bc76e63ec8626a983d020c7ec0186f592ff28fdd2165b37f3f7d",
        "0bfafc416314de17682931b09fe50648f948ffffd6930f79cd2ef165cfc46443db996e38cdad1c51",
        "63107186c91c062945b89f2e98cb77fab71a4de8635a2fde7a65b3982adb52eab9e01bffd4f34caf",
    ];

    fn key_of(first: u8) -> PrivateKey {
        PrivateKey::new(&std::array::from_fn(|n| first + n as u8))
    }

    fn seal(key: &PrivateKey, value: &[u8]) -> Vec<u8> {
        let none = std::iter::empty();
        key.public()
            .seal_parts("v1:f", "acme", &Secret::new(value), none)
    }

    #[test]
    fn what_libsodium_seals_is_opened() {
        let digits = BOX.concat();
        let byte = |n: usize| u8::from_str_radix(&digits[2 * n..2 * n + 2], 16).unwrap();
        let sealed: Vec<u8> = (0..digits.len() / 2).map(byte).collect();
        let fingerprint = format!("v1:{}", "0123456789abcdef".repeat(2));
        let key = key_of(1);
        let opened = key.open(&sealed, &fingerprint, "acme").unwrap();
        assert_eq!(opened.value.reveal(), b"caf\xc3\xa9 \xff");
        assert_eq!(
            opened.parts,
            [("acme-user".to_owned(), Secret::new(b"ada"))]
        );
        // By `hashlib.sha256(bytes(key.public_key))`.
        assert_eq!(key.public().id().as_str(), "aaa8fff703b50b22");
    }

    #[test]
    fn what_is_sealed_is_libsodiums_construction() {
        use blake2::{
            Blake2bVar,
            digest::{Update as _, VariableOutput as _},
        };
        use crypto_box::{SalsaBox, aead::Aead as _};
        let key = key_of(1);
        let sealed = seal(&key, b"value");
        // ephemeral_pk || box(m, recipient_pk, ephemeral_sk, nonce = blake2b(ephemeral_pk ||
        // recipient_pk)), with a nonce of 24 bytes:
        // https://doc.libsodium.org/public-key_cryptography/sealed_boxes
        let (ephemeral, boxed) = sealed.split_at(32);
        let mut hasher = Blake2bVar::new(24).unwrap();
        hasher.update(ephemeral);
        hasher.update(key.public().key.as_bytes());
        let mut nonce = [0; 24];
        hasher.finalize_variable(&mut nonce).unwrap();
        let ephemeral = crypto_box::PublicKey::from_slice(ephemeral).unwrap();
        let text = SalsaBox::new(&ephemeral, &key.key)
            .decrypt(&nonce.into(), boxed)
            .unwrap();
        let expected =
            r#"{"format":1,"fingerprint":"v1:f","rule":"acme","value":"dmFsdWU=","parts":[]}"#;
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text.trim_end_matches(' '), expected);
        assert_eq!(text.len(), 128);
    }

    #[test]
    fn lengths_tell_little_and_no_two_boxes_are_the_same() {
        let key = key_of(1);
        let lengths: BTreeSet<usize> = (0..=30).map(|n| seal(&key, &vec![b'x'; n]).len()).collect();
        assert_eq!(lengths, BTreeSet::from([128 + 48]));
        assert_ne!(seal(&key, b"x"), seal(&key, b"x"));
    }

    #[test]
    fn only_what_was_sealed_for_this_key_and_finding_is_opened() {
        let (key, other) = (key_of(1), key_of(2));
        let sealed = seal(&key, b"value");
        assert_eq!(
            key.open(&sealed, "v1:f", "acme").unwrap().value.reveal(),
            b"value"
        );
        assert_eq!(other.open(&sealed, "v1:f", "acme"), Err(OpenError::Damaged));
        assert_eq!(key.open(&sealed, "v1:g", "acme"), Err(OpenError::Swapped));
        assert_eq!(key.open(&sealed, "v1:f", "acne"), Err(OpenError::Swapped));
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert_eq!(
                key.open(&damaged, "v1:f", "acme"),
                Err(OpenError::Damaged),
                "{at}"
            );
            assert_eq!(
                key.open(&sealed[..at], "v1:f", "acme"),
                Err(OpenError::Damaged),
                "{at}"
            );
        }
        for text in [
            "",
            "value",
            r#"{"format":2,"fingerprint":"v1:f","rule":"acme","value":""}"#,
        ] {
            let sealed = key.public().key.seal(&mut OsRng, text.as_bytes()).unwrap();
            assert_eq!(
                key.open(&sealed, "v1:f", "acme"),
                Err(OpenError::Unknown),
                "{text}"
            );
        }
    }

    #[test]
    fn a_value_is_held_against_its_fingerprint() {
        let value = Secret::new(b"value");
        let opened = Opened {
            value: value.clone(),
            parts: Vec::new(),
        };
        let fingerprint = Fingerprint::new("acme", &value);
        let key = FingerprintKey::default();
        assert!(opened.matches_fingerprint(&key, "acme", fingerprint.as_str()));
        assert!(!opened.matches_fingerprint(&key, "acne", fingerprint.as_str()));
        let own = FingerprintKey::of_file(b"sixteen bytes or more").unwrap();
        assert!(!opened.matches_fingerprint(&own, "acme", fingerprint.as_str()));
    }

    #[test]
    fn keys_survive_their_files_and_are_not_taken_for_each_other() {
        let key = PrivateKey::generate().unwrap();
        let (private, public) = (key.to_text(), key.public().to_text());
        let again = PrivateKey::parse(private.as_bytes().to_vec()).unwrap();
        assert_eq!(again.key, key.key);
        assert_eq!(&PublicKey::parse(public.as_bytes()).unwrap(), key.public());
        assert_eq!(
            PublicKey::parse(private.as_bytes()),
            Err(KeyError::IsPrivate)
        );
        let wrong = PrivateKey::parse(public.into_bytes()).unwrap_err();
        assert_eq!(wrong, KeyError::IsPublic);
        // As other programs write one.
        let bare = STANDARD.encode([7; 32]);
        assert!(PublicKey::parse(format!("\r\n{bare}\r\n").as_bytes()).is_ok());
        for wrong in [
            String::new(),
            "# nothing".into(),
            format!("{bare}\n{bare}"),
            bare[..40].to_owned(),
            STANDARD.encode([0; 32]),
            "\u{1f511}".into(),
        ] {
            assert_eq!(
                PublicKey::parse(wrong.as_bytes()),
                Err(KeyError::NoKey),
                "{wrong}"
            );
        }
        let shown = format!("{key:?}");
        assert_eq!(shown, format!("PrivateKey({})", key.public().id()));
    }
}
