//! Templates of the examples in rule files.
//!
//! A rule proves itself on examples, and an example that looks like a secret would be one to every
//! scanner that reads our repository. So rule files hold templates, and the text is made when a
//! test needs it. Outside `{{` and `}}` a template is literal text; the directives are:
//!
//! | directive | gives |
//! |---|---|
//! | `{{}}` | nothing: splits a prefix, as in `ghp{{}}_` |
//! | `{{open}}` | the two characters that open a directive |
//! | `{{CLASS:N}}` | N random characters of a class below |
//! | `{{secret}}` | nothing: a check covers the text from here (else from the start) |
//! | `{{check:NAME}}` | the checksum that the validator NAME expects next |
//! | `{{encode:HOW}}`..`{{end}}` | the text between, encoded; nests |
//! | `{{der:N}}` | an ASN.1 SEQUENCE of N random bytes (N at least 256) |
//! | `{{openssh:CIPHER:N}}` | an OpenSSH private key of N random bytes |
//! | `{{age-key}}` | an age identity with its checksum |
//! | `{{nostr-nsec}}` | a Nostr private key with its checksum |
//! | `{{bitcoin-wif}}` | a Bitcoin private key with its checksum |
//! | `{{base58check:VERSION:N}}` | base58 of VERSION (hexadecimal), N random bytes and their checksum |
//! | `{{rclone:N}}` | a password of N characters as rclone obscures it |
//! | `{{stellar-seed}}` | a Stellar secret seed with its checksum |
//! | `{{azure-key:SIGNATURE}}` | an Azure identifiable key with its checksum |
//! | `{{azure-devops-pat}}` | a 52-character Azure DevOps token with its checksum |
//! | `{{zero}}` | a zero byte |
//! | `{{byte:N}}` | the byte with that decimal value |
//!
//! Classes: `base62 alpha lower upper digits hex HEX base36 base32 base32lower base58 base64
//! base64url bytes`. Encodings: `base64`, `base64url` (no padding), `lines` (base64 in lines of
//! 64), `escaped` (the same with `\n` as two characters), `armor` (`lines` and a CRC-24 line),
//! `hex`.
//!
//! The same template and seed give the same bytes on every machine.

use crate::filter::validate::{
    ADO_CHECKSUM_BYTES, ADO_USER_MASK, AZURE_KINDS, BECH32, STELLAR_SEED_VERSION, base36, base62,
    base62_lower_first, bech32_expand, bech32_step, crc16, crc24, crc32, gitlab_payload, hex,
    marvin32,
};
use crate::filter::{disguise, wallet};
use crate::rules::Validator;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

/// Most bytes that one directive makes: a limit on rule files from elsewhere.
const MAX_RANDOM_BYTES: usize = 1 << 16;

/// Why a template is not one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// An opening `{{` without its `}}`.
    #[error("the example has `{{{{` without `}}}}`; write `{{{{open}}}}` for the characters")]
    Unclosed,
    /// A directive that does not exist.
    #[error("the example's directive `{0}` is not known; patterns/README.md lists them")]
    Unknown(String),
    /// A directive whose number is missing, not a number or out of range.
    #[error("the example's directive `{0}` needs a number in range")]
    Number(String),
    /// A check for which no text can be made, or which the text so far does not fit.
    #[error("the example's check `{0}` cannot be made here")]
    Check(String),
    /// `{{end}}` without `{{encode:..}}` or the reverse.
    #[error("the example's `{{{{encode:..}}}}` and `{{{{end}}}}` do not pair up")]
    Unpaired,
}

/// Expands a template. The same seed gives the same bytes.
///
/// # Errors
/// [`TemplateError`] says which directive is at fault.
pub fn expand(template: &str, seed: u64) -> Result<Vec<u8>, TemplateError> {
    let mut random = Random(seed);
    let mut out = Vec::with_capacity(template.len());
    let mut secret_at = 0;
    // Encodings that are open: how, where their text starts, and the secret's start outside.
    let mut open: Vec<(&str, usize)> = Vec::new();
    let mut rest = template;
    while let Some(at) = rest.find("{{") {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let tail = &rest[at + 2..];
        let close = tail.find("}}").ok_or(TemplateError::Unclosed)?;
        let directive = &tail[..close];
        rest = &tail[close + 2..];
        let (name, argument) = directive.split_once(':').unwrap_or((directive, ""));
        match name {
            "" => {}
            "open" => out.extend_from_slice(b"{{"),
            "zero" => out.push(0),
            "secret" => secret_at = out.len(),
            "check" => {
                let sum = checksum(argument, out.get(secret_at..).unwrap_or_default())?;
                out.extend_from_slice(sum.as_bytes());
            }
            "encode" => open.push((argument, out.len())),
            "end" => {
                let (how, start) = open.pop().ok_or(TemplateError::Unpaired)?;
                let encoded = encode(how, &out[start..])
                    .ok_or_else(|| TemplateError::Unknown(format!("encode:{how}")))?;
                out.truncate(start);
                out.extend_from_slice(&encoded);
            }
            _ => make(directive, name, argument, &mut random, &mut out)?,
        }
    }
    if !open.is_empty() {
        return Err(TemplateError::Unpaired);
    }
    out.extend_from_slice(rest.as_bytes());
    Ok(out)
}

/// Directives that make bytes from random ones.
fn make(
    directive: &str,
    name: &str,
    argument: &str,
    random: &mut Random,
    out: &mut Vec<u8>,
) -> Result<(), TemplateError> {
    let number = |text: &str| match text.parse() {
        Ok(n) if n <= MAX_RANDOM_BYTES => Ok(n),
        _ => Err(TemplateError::Number(directive.to_owned())),
    };
    match name {
        "age-key" => {
            let key = bech32_key("age-secret-key-", random);
            out.extend_from_slice(key.to_ascii_uppercase().as_bytes());
        }
        "azure-devops-pat" => out.extend_from_slice(&azure_devops_pat(random)),
        "azure-key" => {
            let key = azure_key(argument, random)
                .ok_or_else(|| TemplateError::Unknown(directive.to_owned()))?;
            out.extend_from_slice(&key);
        }
        "byte" => match argument.parse() {
            Ok(byte) => out.push(byte),
            Err(_) => return Err(TemplateError::Number(directive.to_owned())),
        },
        "der" => {
            let content = number(argument)?;
            let length = u16::try_from(content)
                .ok()
                .filter(|&n| n >= 256)
                .ok_or_else(|| TemplateError::Number(directive.to_owned()))?;
            out.extend_from_slice(&[0x30, 0x82]);
            out.extend_from_slice(&length.to_be_bytes());
            out.extend((0..content).map(|_| random.byte()));
        }
        "nostr-nsec" => out.extend_from_slice(bech32_key("nsec", random).as_bytes()),
        "bitcoin-wif" => {
            let mut key = vec![0x80];
            key.extend((0..32).map(|_| random.byte()));
            key.push(1);
            out.extend_from_slice(wallet::encode(&key).as_bytes());
        }
        "base58check" => {
            let (version, count) = argument.split_once(':').unwrap_or((argument, ""));
            let mut payload = from_hexadecimal(version)
                .filter(|version| version.len() <= wallet::MOST_CHARACTERS)
                .ok_or_else(|| TemplateError::Unknown(directive.to_owned()))?;
            // The time that it takes grows with the square of the length.
            let count = number(count)?;
            if count > wallet::MOST_CHARACTERS {
                return Err(TemplateError::Number(directive.to_owned()));
            }
            payload.extend((0..count).map(|_| random.byte()));
            out.extend_from_slice(wallet::encode(&payload).as_bytes());
        }
        "rclone" => {
            let count = number(argument)?;
            let text = class("base62").unwrap_or_default();
            let iv: Vec<u8> = (0..16).map(|_| random.byte()).collect();
            let password: Vec<u8> = (0..count).map(|_| random.pick(text)).collect();
            let obscured = disguise::rclone_obscure(&password, &iv);
            out.extend_from_slice(URL_SAFE_NO_PAD.encode(obscured).as_bytes());
        }
        "stellar-seed" => out.extend_from_slice(&stellar_seed(random)),
        "openssh" => {
            let (cipher, count) = argument.split_once(':').unwrap_or((argument, ""));
            out.extend_from_slice(&openssh_key(cipher, number(count)?, random));
        }
        "bytes" => {
            let count = number(argument)?;
            out.extend((0..count).map(|_| random.byte()));
        }
        _ => {
            let class = class(name).ok_or_else(|| TemplateError::Unknown(directive.to_owned()))?;
            let count = number(argument)?;
            out.extend((0..count).map(|_| random.pick(class)));
        }
    }
    Ok(())
}

fn class(name: &str) -> Option<&'static [u8]> {
    const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const BASE62: &[u8] = BASE64.split_at(62).0;
    const BASE32_LOWER: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567";
    Some(match name {
        "base62" => BASE62,
        "alpha" => &BASE62[..52],
        "upper" => &BASE62[..26],
        "lower" => &BASE62[26..52],
        "digits" => &BASE62[52..],
        "base36" => &BASE62[26..],
        "base64" => BASE64,
        "base64url" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
        "base58" => b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
        "base32" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
        "base32lower" => BASE32_LOWER,
        "hex" => b"0123456789abcdef",
        "HEX" => b"0123456789ABCDEF",
        _ => return None,
    })
}

fn encode(how: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let text = STANDARD.encode(bytes);
    let lines = |end: &str| {
        let mut out = String::new();
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, tail) = rest.split_at(rest.len().min(64));
            out.push_str(line);
            out.push_str(end);
            rest = tail;
        }
        out
    };
    let encoded = match how {
        "base64" => text,
        "base64url" => URL_SAFE_NO_PAD.encode(bytes),
        "lines" => lines("\n"),
        "escaped" => lines("\\n"),
        "armor" => {
            let sum = STANDARD.encode(&crc24(bytes).to_be_bytes()[1..]);
            format!("{}={sum}\n", lines("\n"))
        }
        "hex" => hexadecimal(bytes),
        _ => return None,
    };
    Some(encoded.into_bytes())
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|b| [digit(b >> 4), digit(b & 15)])
        .collect()
}

fn from_hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| (b as char).to_digit(16).map(|d| d as u8);
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| match *pair {
            [high, low] => Some(digit(high)? << 4 | digit(low)?),
            _ => None,
        })
        .collect()
}

/// The check that follows `text` in a secret whose rule has this validator.
fn checksum(name: &str, text: &[u8]) -> Result<String, TemplateError> {
    let wrong = || TemplateError::Check(name.to_owned());
    let after = |at: Option<usize>| at.map(|at| &text[at + 1..]).ok_or_else(wrong);
    let first = || after(text.iter().position(|&b| b == b'_'));
    let last = || after(text.iter().rposition(|&b| b == b'_'));
    Ok(match Validator::from_name(name).ok_or_else(wrong)? {
        Validator::GithubCrc32 | Validator::NpmCrc32 | Validator::VercelCrc32 => {
            base62(crc32(first()?))
        }
        Validator::PolarCrc32 | Validator::SaladcloudCrc32 => base62(crc32(last()?)),
        Validator::ApifyCrc32 => base62_lower_first(crc32(text)),
        Validator::AtlassianCrc32 => hex(crc32(text)).to_ascii_uppercase(),
        Validator::CanvaCrc32 | Validator::SanctumCrc32 => hex(crc32(text)),
        Validator::CloudflareCrc32 => hex(crc32(first()?)),
        Validator::ZuploCrc32 => format!("_{}", hex(crc32(last()?))),
        Validator::GrafanaCrc32 => format!("_{}", hex(crc32(text).swap_bytes())),
        Validator::GitlabRoutableCrc => {
            let payload = gitlab_payload(text).ok_or_else(wrong)?;
            let version_and_length = format!(".01.{}", base36(payload.len() as u32, 2));
            let covered = [text, version_and_length.as_bytes()].concat();
            format!("{version_and_length}{}", base36(crc32(&covered), 7))
        }
        _ => return Err(wrong()),
    })
}

/// 32 random bytes in bech32, in lower case.
fn bech32_key(human: &str, random: &mut Random) -> String {
    let mut data: Vec<u8> = (0..52).map(|_| random.byte() & 31).collect();
    // 32 bytes are 256 bits: the 52nd character carries one of them.
    data[51] &= 16;
    let mut sum = bech32_expand(human.as_bytes());
    for &value in &data {
        sum = bech32_step(sum, u32::from(value));
    }
    sum = (0..6).fold(sum, |sum, _| bech32_step(sum, 0)) ^ 1;
    data.extend((0..6).map(|at| ((sum >> (5 * (5 - at))) & 31) as u8));
    let text: String = data
        .iter()
        .map(|&value| char::from(BECH32[usize::from(value)]))
        .collect();
    format!("{human}1{text}")
}

fn stellar_seed(random: &mut Random) -> Vec<u8> {
    let mut bytes = vec![STELLAR_SEED_VERSION];
    bytes.extend((0..32).map(|_| random.byte()));
    let sum = crc16(&bytes);
    bytes.extend(sum.to_le_bytes());
    base32_lower(&bytes, 56).to_ascii_uppercase()
}

/// The first characters of the base32 of some bytes, with zeros for bits that they lack.
fn base32_lower(bytes: &[u8], characters: usize) -> Vec<u8> {
    let alphabet = class("base32lower").unwrap_or_default();
    let bit = |at: usize| {
        bytes
            .get(at / 8)
            .map_or(0, |byte| (byte >> (7 - at % 8)) & 1)
    };
    (0..characters)
        .map(|at| (0..5).fold(0, |value, n| (value << 1) | bit(at * 5 + n)))
        .filter_map(|value| alphabet.get(usize::from(value)).copied())
        .collect()
}

fn azure_key(signature: &str, random: &mut Random) -> Option<Vec<u8>> {
    let kind = AZURE_KINDS
        .iter()
        .find(|kind| kind.signature == signature)?;
    let body = class(match signature {
        "AzSe" => "base62",
        "AzFu" => "base64url",
        _ => "base64",
    })?;
    let mut text: Vec<u8> = (0..kind.at).map(|_| random.pick(body)).collect();
    text.extend_from_slice(signature.as_bytes());
    // The checksum starts on a byte: the characters between are zero bits.
    let characters = (kind.bytes * 4).div_ceil(3);
    text.resize(characters, b'A');
    let mut bytes = crate::filter::validate::decode(&text)?;
    let data = bytes.len().checked_sub(4)?;
    let sum = marvin32(&bytes[..data], kind.seeds.first().copied().unwrap_or(0));
    bytes[data..].copy_from_slice(&sum.to_le_bytes());
    let encoded = STANDARD.encode(&bytes);
    Some(match signature {
        "AzFu" => encoded.replace('+', "-").replace('/', "_").into_bytes(),
        _ => encoded.into_bytes(),
    })
}

fn azure_devops_pat(random: &mut Random) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..32).map(|_| random.byte()).collect();
    let token: Vec<u8> = (0..32)
        .filter(|at| !ADO_CHECKSUM_BYTES.contains(at))
        .map(|at| bytes[at])
        .collect();
    let sum = crc32(&token) ^ ADO_USER_MASK;
    for (at, byte) in ADO_CHECKSUM_BYTES.iter().zip(sum.to_le_bytes()) {
        bytes[*at] = byte;
    }
    base32_lower(&bytes, 52)
}

fn openssh_key(cipher: &str, count: usize, random: &mut Random) -> Vec<u8> {
    let mut out = b"openssh-key-v1\0".to_vec();
    let mut field = |bytes: &[u8]| {
        out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
        out.extend_from_slice(bytes);
    };
    let encrypted = cipher != "none";
    field(cipher.as_bytes());
    field(if encrypted { b"bcrypt" } else { b"none" });
    field(if encrypted { b"saltsaltsaltsalt" } else { b"" });
    let public: Vec<u8> = (0..51).map(|_| random.byte()).collect();
    let check = [random.byte(), random.byte(), random.byte(), random.byte()];
    let mut private = [check, check].concat();
    private.extend((0..count).map(|_| random.byte()));
    out.extend_from_slice(&1u32.to_be_bytes());
    for bytes in [public, private] {
        out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
        out.extend_from_slice(&bytes);
    }
    out
}

/// SplitMix64: small, the same everywhere, good enough for test texts.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn byte(&mut self) -> u8 {
        (self.next() >> 56) as u8
    }

    fn pick(&mut self, class: &[u8]) -> u8 {
        class[(self.next() >> 32) as usize % class.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(template: &str) -> String {
        String::from_utf8(expand(template, 7).expect("a valid template")).expect("ASCII")
    }

    #[test]
    fn directives_expand_and_literals_stay() {
        assert_eq!(text("a{{}}b {c} }} {{open}}x}}"), "ab {c} }} {{x}}");
        assert_eq!(text("{{encode:base64}}user:{{}}pw{{end}}"), "dXNlcjpwdw==");
        assert_eq!(text("{{encode:hex}}{{byte:255}}{{zero}}{{end}}"), "ff00");
        assert_eq!(
            text("{{encode:base64url}}{{encode:base64}}a{{end}}{{end}}"),
            "WVE9PQ"
        );
        assert_eq!(text("{{encode:escaped}}abc{{end}}"), "YWJj\\n");
        for (class, n) in [("base62", 36), ("hex", 5), ("digits", 0), ("base64url", 70)] {
            assert_eq!(text(&format!("{{{{{class}:{n}}}}}")).len(), n);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_text_and_another_does_not() {
        let template = "{{base62:40}}{{bytes:10}}";
        assert_eq!(expand(template, 1), expand(template, 1));
        assert_ne!(expand(template, 1), expand(template, 2));
    }

    #[test]
    fn wrong_templates_are_named() {
        let error = |t: &str| expand(t, 0).expect_err(t);
        assert_eq!(error("{{hex:8"), TemplateError::Unclosed);
        assert_eq!(
            error("{{base61:8}}"),
            TemplateError::Unknown("base61:8".into())
        );
        assert_eq!(error("{{hex:x}}"), TemplateError::Number("hex:x".into()));
        assert_eq!(
            error("{{hex:99999999}}"),
            TemplateError::Number("hex:99999999".into())
        );
        assert_eq!(
            error("{{byte:256}}"),
            TemplateError::Number("byte:256".into())
        );
        assert_eq!(
            error("{{base58check:8:4}}"),
            TemplateError::Unknown("base58check:8:4".into())
        );
        assert_eq!(
            error("{{base58check:80:4000}}"),
            TemplateError::Number("base58check:80:4000".into())
        );
        assert_eq!(error("{{der:10}}"), TemplateError::Number("der:10".into()));
        assert_eq!(error("{{check:none}}"), TemplateError::Check("none".into()));
        assert_eq!(
            error("abc{{check:npm-crc32}}"),
            TemplateError::Check("npm-crc32".into())
        );
        assert_eq!(error("{{end}}"), TemplateError::Unpaired);
        assert_eq!(error("{{encode:hex}}"), TemplateError::Unpaired);
        assert_eq!(
            error("{{encode:rot13}}a{{end}}"),
            TemplateError::Unknown("encode:rot13".into())
        );
    }
}
