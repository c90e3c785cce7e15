//! Offline checks: what a secret proves about itself without asking its issuer.
//!
//! A checksum that holds makes a finding as good as certain; one that does not is a sample value,
//! a typo or a format newer than this code, and the rule says which (`drop_if_invalid`). Every
//! check takes arbitrary bytes and never panics: the text comes from whatever was committed.
//! Formats and where they are documented: `patterns/README.md`.

use super::{azure, disguise, entropy, wallet};
use crate::model::Proof;
use crate::rules::Validator;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::Value;

/// Checks a secret: the bytes that the rule's secret group captured, prefix included.
pub fn check(validator: Validator, secret: &[u8]) -> Proof {
    match validator {
        Validator::AgeKey | Validator::NostrNsec => bech32(secret),
        Validator::ApifyCrc32 => tail(secret, 6, |body| base62_lower_first(crc32(body))),
        Validator::AtlassianCrc32 => atlassian_crc32(secret),
        Validator::AtlassianDcToken => atlassian_dc_token(secret),
        Validator::AwsBedrockKey => aws_bedrock_key(secret),
        Validator::AwsKeyId => aws_key_id(secret),
        Validator::AzureAnnotatedKey => azure::annotated_key(secret),
        Validator::AzureDevopsPat => azure_devops_pat(secret),
        Validator::AzureIdentifiableKey => azure_identifiable_key(secret),
        Validator::AzureSasSignature => azure::sas_signature(secret),
        Validator::AzureStorageKey => azure_storage_key(secret),
        Validator::Base58check => wallet::base58check(secret),
        Validator::Base64Pem => disguise::base64_pem(secret),
        Validator::BasicAuth => basic_auth(secret),
        Validator::CanvaCrc32 => tail(secret, 8, |body| hex(crc32(body))),
        Validator::CloudflareCrc32 => after_prefix(secret, 40, |body| hex(crc32(body))),
        Validator::DiscordToken => discord_token(secret),
        Validator::EntraSecret => azure::entra_secret(secret),
        Validator::GithubCrc32 | Validator::NpmCrc32 => {
            after_prefix(secret, 30, |body| base62(crc32(body)))
        }
        Validator::GitlabRoutableCrc => gitlab_routable(secret),
        Validator::GrafanaApiKey => json_object(secret, &["k", "n", "id"]),
        Validator::GrafanaCloudToken => match secret.strip_prefix(b"glc_") {
            Some(body) => json_object(body, &["o", "n", "k"]),
            None => Proof::Failed,
        },
        Validator::GrafanaCrc32 => grafana_crc32(secret),
        Validator::JfrogReferenceToken => jfrog_reference_token(secret),
        Validator::Jwt => jwt(secret),
        Validator::LaravelAppKey => laravel_app_key(secret),
        Validator::MixedCaseDigits => mixed_case_digits(secret),
        Validator::OnepasswordToken => match secret.strip_prefix(b"ops_") {
            Some(body) => json_object(body, &["secretKey"]),
            None => Proof::Failed,
        },
        Validator::Pem => pem(secret),
        Validator::PgpArmor => pgp_armor(secret),
        Validator::PolarCrc32 => after_last_underscore(secret, 37, |body| base62(crc32(body))),
        Validator::PuttyKey => putty_key(secret),
        Validator::PypiMacaroon => pypi_macaroon(secret),
        Validator::RandomValue => random_value(secret),
        Validator::RcloneObscured => disguise::rclone_obscured(secret),
        Validator::SaladcloudCrc32 => saladcloud_crc32(secret),
        Validator::SanctumCrc32 => sanctum_crc32(secret),
        Validator::SentryOrgToken => sentry_org_token(secret),
        Validator::StellarSeed => stellar_seed(secret),
        Validator::VercelCrc32 => after_prefix(secret, 50, |body| base62(crc32(body))),
        Validator::ZuploCrc32 => zuplo_crc32(secret),
    }
}

pub(super) fn proven_if(holds: bool) -> Proof {
    if holds { Proof::Proven } else { Proof::Failed }
}

pub(super) fn plausible_if(holds: bool) -> Proof {
    if holds {
        Proof::Plausible
    } else {
        Proof::Failed
    }
}

/// CRC-32 as in zlib (reflected polynomial `0xEDB88320`). Written out because the crate that the
/// Git source uses is optional here.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0u32; 256];
        let mut i = 0;
        while i < 256 {
            let mut value = i as u32;
            let mut bit = 0;
            while bit < 8 {
                value = if value & 1 == 1 {
                    0xEDB8_8320 ^ (value >> 1)
                } else {
                    value >> 1
                };
                bit += 1;
            }
            table[i] = value;
            i += 1;
        }
        table
    };
    !bytes.iter().fold(!0u32, |crc, &byte| {
        TABLE[usize::from((crc as u8) ^ byte)] ^ (crc >> 8)
    })
}

/// CRC-24 of OpenPGP armor (RFC 9580 section 6.1).
pub(crate) fn crc24(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x00B7_04CE, |mut crc, &byte| {
        crc ^= u32::from(byte) << 16;
        for _ in 0..8 {
            crc <<= 1;
            if crc & 0x0100_0000 != 0 {
                crc ^= 0x0186_4CFB;
            }
        }
        crc & 0x00FF_FFFF
    })
}

/// Marvin32 of the data under a seed, folded to 32 bits as Azure's identifiable keys do.
pub(crate) fn marvin32(data: &[u8], seed: u64) -> u32 {
    let (mut p0, mut p1) = (seed as u32, (seed >> 32) as u32);
    let mut block = |word: u32| {
        p0 = p0.wrapping_add(word);
        p1 ^= p0;
        p0 = p0.rotate_left(20).wrapping_add(p1);
        p1 = p1.rotate_left(9) ^ p0;
        p0 = p0.rotate_left(27).wrapping_add(p1);
        p1 = p1.rotate_left(19);
    };
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        block(u32::from_le_bytes(*word));
    }
    let mut last = [0u8; 4];
    for (to, from) in last.iter_mut().zip(rest.iter().chain(&[0x80])) {
        *to = *from;
    }
    block(u32::from_le_bytes(last));
    block(0);
    p0 ^ p1
}

pub(crate) fn hex(value: u32) -> String {
    format!("{value:08x}")
}

/// Six digits, most significant first, in the order `0-9A-Za-z`, padded with `0`.
pub(crate) fn base62(value: u32) -> String {
    digits(
        value,
        6,
        b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
    )
}

/// As [`base62`] in the order `0-9a-zA-Z`.
pub(crate) fn base62_lower_first(value: u32) -> String {
    digits(
        value,
        6,
        b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    )
}

/// Digits in `0-9a-z`, padded with `0` to a width.
pub(crate) fn base36(value: u32, width: usize) -> String {
    digits(value, width, b"0123456789abcdefghijklmnopqrstuvwxyz")
}

fn digits(mut value: u32, width: usize, alphabet: &[u8]) -> String {
    let base = alphabet.len() as u32;
    let mut out = vec!['0'; width];
    for digit in out.iter_mut().rev() {
        *digit = char::from(alphabet[(value % base) as usize]);
        value /= base;
    }
    out.into_iter().collect()
}

/// The last `width` characters are the check of all the others.
fn tail(secret: &[u8], width: usize, check: impl Fn(&[u8]) -> String) -> Proof {
    match secret.len().checked_sub(width) {
        Some(at) if at > 0 => proven_if(check(&secret[..at]).as_bytes() == &secret[at..]),
        _ => Proof::Failed,
    }
}

/// A prefix up to the first `_`, `body` characters, then the check of those. Another length is
/// another generation of the format, of which nothing is known.
fn after_prefix(secret: &[u8], body: usize, check: impl Fn(&[u8]) -> String) -> Proof {
    match secret.iter().position(|&b| b == b'_') {
        Some(at) => body_and_check(&secret[at + 1..], body, check),
        None => Proof::Failed,
    }
}

/// As [`after_prefix`] where the prefix itself holds `_`.
fn after_last_underscore(secret: &[u8], body: usize, check: impl Fn(&[u8]) -> String) -> Proof {
    match secret.iter().rposition(|&b| b == b'_') {
        Some(at) => body_and_check(&secret[at + 1..], body, check),
        None => Proof::Failed,
    }
}

fn body_and_check(rest: &[u8], body: usize, check: impl Fn(&[u8]) -> String) -> Proof {
    match rest.split_at_checked(body) {
        Some((text, sum)) => {
            let expected = check(text);
            if expected.len() == sum.len() {
                proven_if(expected.as_bytes() == sum)
            } else {
                Proof::Plausible
            }
        }
        None => Proof::Failed,
    }
}

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Decodes base64 in either alphabet, padded or not.
pub(crate) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let engine = if text.iter().any(|b| matches!(b, b'-' | b'_')) {
        &URL_SAFE
    } else {
        &STANDARD
    };
    engine.decode(text).ok()
}

fn json_object(text: &[u8], keys: &[&str]) -> Proof {
    let object = decode(text).and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    proven_if(object.is_some_and(|value| keys.iter().all(|key| value.get(key).is_some())))
}

/// The alphabet of bech32 (BIP-173).
pub(crate) const BECH32: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";

fn bech32(secret: &[u8]) -> Proof {
    let text = secret.to_ascii_lowercase();
    let Some(at) = text.iter().rposition(|&b| b == b'1') else {
        return Proof::Failed;
    };
    let (human, data) = (&text[..at], &text[at + 1..]);
    let mut sum = bech32_expand(human);
    for byte in data {
        match BECH32.iter().position(|c| c == byte) {
            Some(value) => sum = bech32_step(sum, value as u32),
            None => return Proof::Failed,
        }
    }
    proven_if(data.len() > 6 && sum == 1)
}

/// The bech32 polynomial's state after the human-readable part (BIP-173).
pub(crate) fn bech32_expand(human: &[u8]) -> u32 {
    let high = human
        .iter()
        .fold(1, |sum, b| bech32_step(sum, u32::from(b >> 5)));
    let zero = bech32_step(high, 0);
    human
        .iter()
        .fold(zero, |sum, b| bech32_step(sum, u32::from(b & 31)))
}

/// One five-bit step of the bech32 polynomial.
pub(crate) fn bech32_step(sum: u32, value: u32) -> u32 {
    const GENERATOR: [u32; 5] = [
        0x3b6a_57b2,
        0x2650_8e6d,
        0x1ea1_19fa,
        0x3d42_33dd,
        0x2a14_62b3,
    ];
    let top = sum >> 25;
    let next = ((sum & 0x01ff_ffff) << 5) ^ value;
    GENERATOR
        .iter()
        .enumerate()
        .filter(|(bit, _)| (top >> bit) & 1 == 1)
        .fold(next, |sum, (_, generator)| sum ^ generator)
}

fn atlassian_crc32(secret: &[u8]) -> Proof {
    let sum = |body: &[u8]| hex(crc32(body)).to_ascii_uppercase();
    // The `=` ahead of the check is escaped in URLs and property files; the check covers it bare.
    let Some((body, check)) = secret.split_last_chunk::<8>() else {
        return Proof::Failed;
    };
    let bare = [&b"%3D"[..], b"%3d", b"\\="]
        .iter()
        .find_map(|mark| body.strip_suffix(*mark));
    match bare {
        Some(bare) => tail(&[bare, b"=", check].concat(), 8, sum),
        None => tail(secret, 8, sum),
    }
}

fn atlassian_dc_token(secret: &[u8]) -> Proof {
    let body = secret.strip_prefix(b"BBDC-").unwrap_or(secret);
    let Some(bytes) = decode(body) else {
        return Proof::Failed;
    };
    let id = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    proven_if((1..=20).contains(&id) && bytes.get(id) == Some(&b':') && bytes.len() >= id + 17)
}

fn aws_bedrock_key(secret: &[u8]) -> Proof {
    let body = secret.strip_prefix(b"ABSK").unwrap_or(secret);
    proven_if(decode(body).is_some_and(|bytes| bytes.starts_with(b"BedrockAPIKey-")))
}

fn aws_key_id(secret: &[u8]) -> Proof {
    let base32 = |b: &u8| matches!(b, b'A'..=b'Z' | b'2'..=b'7');
    plausible_if(
        secret.len() == 20
            && secret[..4].iter().all(u8::is_ascii_alphanumeric)
            && secret[4..].iter().all(base32)
            && !secret.ends_with(b"EXAMPLE"),
    )
}

/// Positions in the 32 decoded bytes of an Azure DevOps token that hold its checksum, least
/// significant byte first; the others are the token.
pub(crate) const ADO_CHECKSUM_BYTES: [usize; 4] = [22, 8, 7, 2];
/// What the checksum of a user's token is combined with.
pub(crate) const ADO_USER_MASK: u32 = 0xE0B9_692D;
const ADO_APPLICATION_MASK: u32 = 0x1019_F92E;

fn azure_devops_pat(secret: &[u8]) -> Proof {
    let Some(bytes) = decode_base32_lower(secret) else {
        return Proof::Failed;
    };
    if bytes.len() != 32 {
        return Proof::Failed;
    }
    let stored = u32::from_le_bytes(ADO_CHECKSUM_BYTES.map(|at| bytes[at]));
    let token: Vec<u8> = (0..32)
        .filter(|at| !ADO_CHECKSUM_BYTES.contains(at))
        .map(|at| bytes[at])
        .collect();
    let sum = crc32(&token);
    proven_if(stored == sum ^ ADO_USER_MASK || stored == sum ^ ADO_APPLICATION_MASK)
}

fn decode_base32_lower(text: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() * 5 / 8);
    let (mut bits, mut held) = (0u32, 0);
    for &byte in text {
        let value = match byte {
            b'a'..=b'z' => byte - b'a',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5) | u32::from(value);
        held += 5;
        if held >= 8 {
            held -= 8;
            out.push((bits >> held) as u8);
        }
    }
    Some(out)
}

/// One kind of Azure identifiable key.
pub(crate) struct AzureKind {
    /// Four characters that stand just ahead of the checksum.
    pub(crate) signature: &'static str,
    /// Where they stand in the base64 text.
    pub(crate) at: usize,
    /// Decoded length in bytes, checksum included.
    pub(crate) bytes: usize,
    /// Seeds in use; none where they are not public.
    pub(crate) seeds: &'static [u64],
}

/// The kinds of Azure identifiable keys that rules name.
pub(crate) const AZURE_KINDS: &[AzureKind] = &[
    azure("+ASt", 76, 64, &[0x4465_6661_756c_7430]),
    azure(
        "ACDb",
        76,
        64,
        &[0x4d61_7374_5257_3030, 0x4d61_7374_524f_3030],
    ),
    azure("+ABa", 76, 64, &[0x4162_4163_6374_3030]),
    azure("+AMC", 76, 64, &[0x436c_6173_7369_6330]),
    azure(
        "APIM",
        76,
        64,
        &[
            0x5465_6e61_6e74_3030,
            0x4761_7465_7761_7930,
            0x4769_744b_6579_3030,
        ],
    ),
    azure("AzCa", 33, 32, &[0x4163_6365_7373_3030]),
    azure("+ASb", 33, 32, SERVICE_BUS_SEEDS),
    azure("+AEh", 33, 32, SERVICE_BUS_SEEDS),
    azure("+ARm", 33, 32, SERVICE_BUS_SEEDS),
    azure(
        "AIoT",
        33,
        32,
        &[
            0x496f_5448_7562_3030,
            0x4465_7669_6365_3030,
            0x4470_734b_6579_3030,
        ],
    ),
    azure("AZEG", 33, 32, &[]),
    azure("+ACR", 42, 39, &[0x4143_5244_666c_7430]),
    azure(
        "AzSe",
        42,
        39,
        &[0x5175_6572_7930_3030, 0x5041_646d_696e_3030],
    ),
    azure(
        "AzFu",
        44,
        40,
        &[
            0x4d61_7374_6572_3030,
            0x5379_7374_656d_3030,
            0x4675_6e63_7469_3030,
        ],
    ),
];

const SERVICE_BUS_SEEDS: &[u64] = &[
    0x5379_7374_656d_3030,
    0x5365_6e64_3030_3030,
    0x4d61_6e61_6765_3030,
    0x4c69_7374_656e_3030,
];

const fn azure(
    signature: &'static str,
    at: usize,
    bytes: usize,
    seeds: &'static [u64],
) -> AzureKind {
    AzureKind {
        signature,
        at,
        bytes,
        seeds,
    }
}

fn azure_identifiable_key(secret: &[u8]) -> Proof {
    let kind = AZURE_KINDS.iter().find(|kind| {
        secret
            .get(kind.at..)
            .is_some_and(|rest| rest.starts_with(kind.signature.as_bytes()))
    });
    let (Some(kind), Some(bytes)) = (kind, decode(secret)) else {
        return Proof::Failed;
    };
    let Some((data, stored)) = bytes.split_last_chunk::<4>() else {
        return Proof::Failed;
    };
    if bytes.len() != kind.bytes {
        return Proof::Failed;
    }
    if kind.seeds.is_empty() {
        return Proof::Plausible;
    }
    let stored = u32::from_le_bytes(*stored);
    proven_if(
        kind.seeds
            .iter()
            .any(|&seed| marvin32(data, seed) == stored),
    )
}

fn azure_storage_key(secret: &[u8]) -> Proof {
    match decode(secret) {
        Some(bytes) if bytes.len() == 64 => {
            if secret.get(76..80) == Some(b"+ASt") {
                azure_identifiable_key(secret)
            } else {
                plausible_if(entropy::distinct(&bytes) > 32)
            }
        }
        _ => Proof::Failed,
    }
}

fn basic_auth(secret: &[u8]) -> Proof {
    let Some(text) = decode(secret) else {
        return Proof::Failed;
    };
    let Some(colon) = text.iter().position(|&b| b == b':') else {
        return Proof::Failed;
    };
    let password = &text[colon + 1..];
    proven_if(
        password.len() >= 4
            && text.iter().all(|b| (0x20..0x7f).contains(b))
            && !is_placeholder(password),
    )
}

fn discord_token(secret: &[u8]) -> Proof {
    let first = secret.split(|&b| b == b'.').next().unwrap_or_default();
    let digits = decode(first)
        .is_some_and(|id| (16..=20).contains(&id.len()) && id.iter().all(u8::is_ascii_digit));
    proven_if(digits)
}

/// The part of a routable GitLab token that its length field counts: what stands between the
/// prefix (`glpat-`, `glrt-t1_`) and the first dot.
pub(crate) fn gitlab_payload(token: &[u8]) -> Option<&[u8]> {
    let start = token.iter().position(|&b| b == b'-')? + 1;
    let rest = &token[start..];
    let rest = match rest {
        [b't', digit, b'_', tail @ ..] if token.starts_with(b"glrt-") && digit.is_ascii_digit() => {
            tail
        }
        _ => rest,
    };
    rest.split(|&b| b == b'.').next()
}

fn gitlab_routable(secret: &[u8]) -> Proof {
    let Some(payload) = gitlab_payload(secret) else {
        return Proof::Failed;
    };
    let length = base36(payload.len() as u32, 2);
    let field = secret
        .len()
        .checked_sub(9)
        .and_then(|at| secret.get(at..at + 2));
    match tail(secret, 7, |body| base36(crc32(body), 7)) {
        Proof::Proven => proven_if(field == Some(length.as_bytes())),
        other => other,
    }
}

fn grafana_crc32(secret: &[u8]) -> Proof {
    match secret.iter().rposition(|&b| b == b'_') {
        Some(at) => {
            let expected = hex(crc32(&secret[..at]).swap_bytes());
            proven_if(expected.as_bytes() == &secret[at + 1..])
        }
        None => Proof::Failed,
    }
}

fn jfrog_reference_token(secret: &[u8]) -> Proof {
    let Some(text) = decode(secret) else {
        return Proof::Failed;
    };
    let expiry = text.strip_prefix(b"reftkn:01:").unwrap_or_default();
    let digits = expiry.iter().take_while(|b| b.is_ascii_digit()).count();
    proven_if(digits > 0 && expiry.get(digits) == Some(&b':'))
}

fn jwt(secret: &[u8]) -> Proof {
    let mut parts = secret.splitn(3, |&b| b == b'.');
    let mut object = || -> Option<Value> {
        let value: Value = serde_json::from_slice(&decode(parts.next()?)?).ok()?;
        value.is_object().then_some(value)
    };
    let (Some(header), Some(_)) = (object(), object()) else {
        return Proof::Failed;
    };
    match header.get("alg").and_then(Value::as_str) {
        Some(alg) if alg.eq_ignore_ascii_case("none") => Proof::Plausible,
        Some(_) => Proof::Proven,
        None => plausible_if(header.get("typ").is_some()),
    }
}

fn laravel_app_key(secret: &[u8]) -> Proof {
    let body = secret.strip_prefix(b"base64:").unwrap_or(secret);
    match decode(body) {
        Some(key) => plausible_if(
            matches!(key.len(), 16 | 32) && entropy::distinct(&key) > 8 && !key.is_ascii(),
        ),
        None => Proof::Failed,
    }
}

fn mixed_case_digits(secret: &[u8]) -> Proof {
    plausible_if(
        secret.iter().any(u8::is_ascii_lowercase)
            && secret.iter().any(u8::is_ascii_uppercase)
            && secret.iter().any(u8::is_ascii_digit),
    )
}

/// Takes the base64 text out of an armored block: header lines, quotes, comment signs and the
/// escapes of source code (`\n` as two characters) left out. Stops at the END line.
pub(super) fn armor_body(block: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(block.len());
    let mut bytes = block.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte == b'\\' {
            while bytes.next_if_eq(&b'\\').is_some() {}
            match bytes.next() {
                Some(b'"' | b'\'') => text.push(b'"'),
                Some(b'/') => text.push(b'/'),
                _ => text.push(b'\n'),
            }
        } else {
            text.push(byte);
        }
    }
    let mut body = Vec::with_capacity(text.len());
    let mut begun = false;
    for line in text.split(|&b| matches!(b, b'\n' | b'\r')) {
        let line = line.trim_ascii();
        // A line of code may begin with the sign that joins it to the one before.
        let line = line
            .strip_prefix(b"+ ")
            .map_or(line, <[u8]>::trim_ascii_start);
        if contains(line, b"-----END") {
            let head = line.split(|&b| b == b'-').next().unwrap_or_default();
            push_base64(&mut body, head);
            break;
        }
        if !begun {
            // The BEGIN line may hold the body's first characters, where escapes were lost.
            begun = contains(line, b"-----BEGIN");
            continue;
        }
        if !contains(line, b": ") {
            push_base64(&mut body, line);
        }
    }
    body
}

/// Adds the base64 characters with which a line begins, once what source code puts ahead of
/// them is gone.
fn push_base64(body: &mut Vec<u8>, line: &[u8]) {
    let quoted = line.iter().position(|b| matches!(b, b'"' | b'\'' | b'`'));
    let text = match quoted {
        Some(at) if at + 1 < line.len() && at < 4 => &line[at + 1..],
        Some(at) => &line[..at],
        None => {
            let signs = |b: &u8| matches!(b, b'#' | b'*' | b'>' | b'|' | b';' | b' ' | b'\t');
            &line[line.iter().take_while(|b| signs(b)).count()..]
        }
    };
    let alphabet = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    body.extend(text.iter().copied().take_while(alphabet));
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find(text, word).is_some()
}

pub(super) fn pem(secret: &[u8]) -> Proof {
    let body = armor_body(secret);
    let Some(bytes) = decode(&body) else {
        return Proof::Failed;
    };
    if let Some(rest) = bytes.strip_prefix(b"openssh-key-v1\0") {
        return openssh(rest);
    }
    if contains(secret, b"Proc-Type") {
        // The traditional encrypted form: the body is ciphertext, in whole cipher blocks.
        return plausible_if(bytes.len() >= 32 && bytes.len().is_multiple_of(8));
    }
    match der_sequence_bytes(&bytes) {
        Some(total) if total == bytes.len() => Proof::Proven,
        Some(total) if total < bytes.len() => Proof::Plausible,
        _ => Proof::Failed,
    }
}

/// Length in bytes, header included, that the DER SEQUENCE at the start says it has.
fn der_sequence_bytes(der: &[u8]) -> Option<usize> {
    match *der {
        [0x30, 0x82, high, low, ..] => Some(4 + usize::from(u16::from_be_bytes([high, low]))),
        [0x30, 0x81, length, ..] => Some(3 + usize::from(length)),
        [0x30, length @ 0x20..=0x7f, ..] => Some(2 + usize::from(length)),
        _ => None,
    }
}

/// Checks an OpenSSH private key behind its magic: the fields fit, and where the key is not
/// encrypted its two check numbers agree.
fn openssh(fields: &[u8]) -> Proof {
    fn field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
        let (length, tail) = rest.split_first_chunk::<4>()?;
        let (value, tail) = tail.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        *rest = tail;
        Some(value)
    }
    let parse = || -> Option<bool> {
        let mut rest = fields;
        let cipher = field(&mut rest)?;
        field(&mut rest)?;
        field(&mut rest)?;
        rest = rest.get(4..)?;
        field(&mut rest)?;
        let private = field(&mut rest)?;
        let (first, tail) = private.split_first_chunk::<4>()?;
        let (second, _) = tail.split_first_chunk::<4>()?;
        Some(cipher != b"none" || first == second)
    };
    proven_if(parse() == Some(true))
}

fn pgp_armor(secret: &[u8]) -> Proof {
    let body = armor_body(secret);
    // The checksum is a line of its own: `=` and four characters, after the body's padding.
    let sum_at = body.len().saturating_sub(5);
    let (data, sum) = if body.get(sum_at) == Some(&b'=') {
        (&body[..sum_at], Some(&body[sum_at + 1..]))
    } else {
        (&body[..], None)
    };
    let Some(bytes) = decode(data) else {
        return Proof::Failed;
    };
    if bytes.len() < 32 || bytes[0] & 0x80 == 0 {
        return Proof::Failed;
    }
    match sum.map(decode) {
        Some(Some(sum)) => proven_if(sum[..] == crc24(&bytes).to_be_bytes()[1..]),
        Some(None) => Proof::Failed,
        // The checksum is optional since RFC 9580.
        None => Proof::Plausible,
    }
}

fn putty_key(secret: &[u8]) -> Proof {
    let mut lines = secret.split(|&b| b == b'\n').map(<[u8]>::trim_ascii);
    let count = lines
        .by_ref()
        .find_map(|line| line.strip_prefix(b"Private-Lines: "))
        .and_then(|n| std::str::from_utf8(n).ok()?.parse::<usize>().ok());
    let Some(count) = count.filter(|count| (1..=200).contains(count)) else {
        return Proof::Failed;
    };
    let mut body = Vec::new();
    let mut taken = 0;
    for line in lines.by_ref().take(count) {
        body.extend_from_slice(line);
        taken += 1;
    }
    let ends = lines
        .next()
        .is_some_and(|line| line.starts_with(b"Private-MAC"));
    plausible_if(taken == count && ends && decode(&body).is_some_and(|key| key.len() >= 16))
}

/// Reads one field of a version 2 macaroon: its kind and its bytes. Kind 0 ends a section and has
/// no bytes; lengths are variable-width, seven bits at a time.
fn macaroon_field<'a>(rest: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&kind, mut tail) = rest.split_first()?;
    let mut length = 0;
    if kind != 0 {
        for shift in [0, 7, 14] {
            let (&byte, after) = tail.split_first()?;
            tail = after;
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
    }
    let (value, tail) = tail.split_at_checked(length)?;
    *rest = tail;
    Some((kind, value))
}

fn pypi_macaroon(secret: &[u8]) -> Proof {
    let body = secret.strip_prefix(b"pypi-").unwrap_or(secret);
    let parse = || -> Option<bool> {
        let bytes = decode(body)?;
        let mut rest = bytes.strip_prefix(&[2])?;
        let (kind, location) = macaroon_field(&mut rest)?;
        let mut last = (kind, location);
        while !rest.is_empty() {
            last = macaroon_field(&mut rest)?;
        }
        // A location comes first, a signature of 32 bytes last.
        Some(kind == 1 && location.ends_with(b"pypi.org") && last.0 == 6 && last.1.len() == 32)
    };
    proven_if(parse() == Some(true))
}

fn saladcloud_crc32(secret: &[u8]) -> Proof {
    match secret.iter().rposition(|&b| b == b'_') {
        Some(at) => tail(&secret[at + 1..], 6, |body| base62(crc32(body))),
        None => Proof::Failed,
    }
}

fn sanctum_crc32(secret: &[u8]) -> Proof {
    let token = secret.splitn(2, |&b| b == b'|').nth(1).unwrap_or_default();
    match token.split_at_checked(40) {
        Some((_, [])) => mixed_case_digits(token),
        Some((random, sum)) => proven_if(hex(crc32(random)).as_bytes() == sum),
        None => Proof::Failed,
    }
}

fn sentry_org_token(secret: &[u8]) -> Proof {
    let body = secret.strip_prefix(b"sntrys_").unwrap_or(secret);
    match body.iter().rposition(|&b| b == b'_') {
        Some(at) => json_object(&body[..at], &["iat", "url", "org"]),
        None => Proof::Failed,
    }
}

/// CRC-16 of XModem (polynomial `0x1021`, nothing reflected).
pub(crate) fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |sum, &byte| {
        (0..8).fold(sum ^ (u16::from(byte) << 8), |sum, _| {
            (sum << 1) ^ if sum & 0x8000 == 0 { 0 } else { 0x1021 }
        })
    })
}

/// First of the 35 bytes that a Stellar secret seed decodes to.
pub(crate) const STELLAR_SEED_VERSION: u8 = 18 << 3;

fn stellar_seed(secret: &[u8]) -> Proof {
    let decoded = decode_base32_lower(&secret.to_ascii_lowercase());
    proven_if(decoded.is_some_and(|bytes| {
        matches!(bytes.split_last_chunk(), Some((body, sum))
            if bytes.len() == 35
                && body[0] == STELLAR_SEED_VERSION
                && crc16(body) == u16::from_le_bytes(*sum))
    }))
}

fn zuplo_crc32(secret: &[u8]) -> Proof {
    let body = secret.strip_prefix(b"zpka_").unwrap_or(secret);
    match body.split_at_checked(32) {
        Some((text, [b'_', sum @ ..])) => proven_if(hex(crc32(text)).as_bytes() == sum),
        _ => Proof::Failed,
    }
}

/// Words that stand in values meant as examples. Lower case.
const PLACEHOLDERS: &[&[u8]] = &[
    b"example",
    b"sample",
    b"placeholder",
    b"changeme",
    b"change-me",
    b"change_me",
    b"dummy",
    b"your",
    b"xxxx",
    b"redacted",
    b"fake",
    b"p@ss",
    b"test",
    b"mock",
    b"todo",
    b"insert",
    b"default",
    b"undefined",
    b"foobar",
    b"secret",
    b"passw",
    b"token",
    b"qwerty",
    b"letmein",
    b"asdf",
    b"1234",
    b"abcd",
    b"0000",
    b"....",
    b"****",
    b"hunter2",
    b"deadbeef",
    b"cafebabe",
    b"lorem",
];

fn is_placeholder(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    PLACEHOLDERS.iter().any(|word| contains(&lower, word))
        || matches!(
            &lower[..],
            b"pass" | b"pwd" | b"none" | b"null" | b"true" | b"false"
        )
}

/// For each letter, the letters that often follow it in English words and in identifiers: 227 of
/// the 676 pairs, which make up 88 % of the pairs in the words of three large code bases but
/// 34 % of those in random text.
const FOLLOWERS: [&[u8]; 26] = [
    b"abcdfgilmnprstuv",
    b"abeilorsu",
    b"acehiklortu",
    b"abcdeilorsu",
    b"abcdefgilmnprstvwxy",
    b"aefiloru",
    b"aehinors",
    b"aeio",
    b"abcdefglmnoprstvz",
    b"",
    b"eis",
    b"adeilostuy",
    b"abeimopsu",
    b"acdefgiknostuv",
    b"abcdfgilmnoprstuvw",
    b"aeiloprstu",
    b"u",
    b"acdegilmnorstuy",
    b"acehilopstu",
    b"acehilorstuy",
    b"abceilmnprst",
    b"aei",
    b"aeio",
    b"",
    b"p",
    b"e",
];

/// Share of the bytes that stand in runs of letters that read like words: three letters and more
/// with at least three quarters of the neighbours common. A capital after a small letter starts
/// a new run, as in `camelCase`.
fn wordlike_share(value: &[u8]) -> f64 {
    let mut wordlike = 0;
    let mut start = 0;
    while start < value.len() {
        let mut end = start;
        while end < value.len()
            && value[end].is_ascii_alphabetic()
            && !(end > start
                && value[end].is_ascii_uppercase()
                && value[end - 1].is_ascii_lowercase())
        {
            end += 1;
        }
        let run = &value[start..end];
        if run.len() >= 3 {
            let common = run
                .windows(2)
                .filter(|pair| {
                    let [a, b] = [pair[0], pair[1]].map(|b| b.to_ascii_lowercase());
                    FOLLOWERS[usize::from(a - b'a')].contains(&b)
                })
                .count();
            if common * 4 >= (run.len() - 1) * 3 {
                wordlike += run.len();
            }
        }
        start = end.max(start + 1);
    }
    wordlike as f64 / value.len() as f64
}

/// Fewest bytes of a value that the generic rule takes.
const MIN_RANDOM_BYTES: usize = 8;
/// Share of word-like bytes from which a value is taken for an identifier. Random base62 of 20
/// characters stays below in 99 of 100 cases.
const MAX_WORDLIKE_SHARE: f64 = 0.45;

fn random_value(value: &[u8]) -> Proof {
    let count = |class: fn(&u8) -> bool| value.iter().filter(|b| class(b)).count();
    let digits = count(u8::is_ascii_digit);
    let letters = count(u8::is_ascii_alphabetic);
    let marks = count(|b| matches!(b, b'-' | b':' | b'.' | b'/' | b'_' | b' '));
    let steps = value
        .windows(2)
        .filter(|pair| pair[1] == pair[0] || pair[1] == pair[0].wrapping_add(1))
        .count();
    let template = matches!(
        value.first(),
        Some(b'$' | b'<' | b'%' | b'{' | b'(' | b'[' | b'&' | b'*')
    ) || [&b"${"[..], b"{{", b"#{", b"<%", b"%(", b"$(", b"://"]
        .iter()
        .any(|t| contains(value, t));
    let hash = [
        &b"sha1-"[..],
        b"sha256-",
        b"sha384-",
        b"sha512-",
        b"sha256:",
        b"md5-",
    ]
    .iter()
    .any(|t| value.starts_with(t));
    plausible_if(
        value.len() >= MIN_RANDOM_BYTES
            && !template
            && !hash
            && digits > 0
            && letters > 1
            && (digits + marks) * 6 <= value.len() * 5
            && steps * 2 < value.len()
            && entropy::distinct(value) >= 6
            && entropy::normalised(value) >= 0.8
            && !is_placeholder(value)
            && !is_short_hex(value)
            && !encodes_placeholder(value)
            && wordlike_share(value) < max_wordlike_share(value),
    )
}

/// Small letters with separators are how identifiers are written, dots how parts of them are
/// reached: fewer words betray those.
fn max_wordlike_share(value: &[u8]) -> f64 {
    let has = |marks: &[u8]| value.iter().any(|b| marks.contains(b));
    if has(b".") || (has(b"_-/") && !value.iter().any(u8::is_ascii_uppercase)) {
        MAX_WORDLIKE_SHARE * 2.0 / 3.0
    } else {
        MAX_WORDLIKE_SHARE
    }
}

/// Hexadecimal digits too few for a key: an abbreviated commit, a colour, an identifier.
fn is_short_hex(value: &[u8]) -> bool {
    value.len() < 16 && value.iter().all(u8::is_ascii_hexdigit)
}

/// Base64 of text that reads like words.
fn encodes_placeholder(value: &[u8]) -> bool {
    decode(value).is_some_and(|text| {
        text.len() >= 6
            && text.iter().all(|b| (0x20..0x7f).contains(b))
            && (is_placeholder(&text) || wordlike_share(&text) >= MAX_WORDLIKE_SHARE)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::example;
    use proptest::prelude::*;

    fn expand(template: &str, seed: u64) -> Vec<u8> {
        example::expand(template, seed).expect("a valid template")
    }

    #[test]
    fn checksums_give_the_published_values() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc24(b"123456789"), 0x0021_CF02);
        assert_eq!(crc16(b"123456789"), 0x31C3);
        let seed = 0x004f_b61a_001b_dbcc;
        let fold = |hash: u64| (hash >> 32) as u32 ^ hash as u32;
        assert_eq!(marvin32(&[], seed), fold(0x30ED_35C1_00CD_3C7D));
        assert_eq!(marvin32(&[0xAF], seed), fold(0x48E7_3FC7_7D75_DDC1));
        assert_eq!(marvin32(&[0xE7, 0x0F], seed), fold(0xB5F6_E1FC_485D_BFF8));
        assert_eq!(
            marvin32(&[0x37, 0xF4, 0x95], seed),
            fold(0xF0B0_7C78_9B8C_F7E8)
        );
        assert_eq!(
            marvin32(&[0x86, 0x42, 0xDC, 0x59], seed),
            fold(0x7008_F2E8_7E9C_F556)
        );
        assert_eq!(base62(0), "000000");
        assert_eq!(base62(u32::MAX), "4gfFC3");
        assert_eq!(base36(35, 2), "0z");
        // BIP-173, valid strings.
        for text in ["abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", "?1ezyfcl"] {
            let data_is_long = text.len() > 10;
            assert_eq!(bech32(text.as_bytes()) == Proof::Proven, data_is_long);
        }
    }

    /// Secrets whose last change must be noticed.
    const CHECKED: &[(Validator, &str)] = &[
        (Validator::AgeKey, "{{age-key}}"),
        (Validator::NostrNsec, "{{nostr-nsec}}"),
        (Validator::StellarSeed, "{{stellar-seed}}"),
        (
            Validator::SanctumCrc32,
            "17|{{secret}}{{base62:40}}{{check:sanctum-crc32}}",
        ),
        (
            Validator::SaladcloudCrc32,
            "salad{{}}_cloud_user_{{base62:42}}{{check:saladcloud-crc32}}",
        ),
        (
            Validator::ApifyCrc32,
            "apify{{}}_api_{{base62:30}}{{check:apify-crc32}}",
        ),
        (
            Validator::AtlassianCrc32,
            "ATATT{{}}3xFfGF0{{base64url:171}}={{check:atlassian-crc32}}",
        ),
        (Validator::AzureDevopsPat, "{{azure-devops-pat}}"),
        (Validator::AzureIdentifiableKey, "{{azure-key:ACDb}}"),
        (Validator::AzureIdentifiableKey, "{{azure-key:AzCa}}"),
        (Validator::AzureIdentifiableKey, "{{azure-key:+ACR}}"),
        (Validator::AzureIdentifiableKey, "{{azure-key:AzFu}}"),
        (
            Validator::CanvaCrc32,
            "cnv{{}}ca{{base64url:38}}{{check:canva-crc32}}",
        ),
        (
            Validator::CloudflareCrc32,
            "cfut{{}}_{{base62:40}}{{check:cloudflare-crc32}}",
        ),
        (
            Validator::GithubCrc32,
            "ghp{{}}_{{base62:30}}{{check:github-crc32}}",
        ),
        (
            Validator::GitlabRoutableCrc,
            "glpat{{}}-{{base64url:40}}{{check:gitlab-routable-crc}}",
        ),
        (
            Validator::GitlabRoutableCrc,
            "glrt{{}}-t1_{{base64url:40}}{{check:gitlab-routable-crc}}",
        ),
        (
            Validator::GrafanaCrc32,
            "glsa{{}}_{{base62:32}}{{check:grafana-crc32}}",
        ),
        (
            Validator::NpmCrc32,
            "npm{{}}_{{base62:30}}{{check:npm-crc32}}",
        ),
        (
            Validator::PolarCrc32,
            "polar{{}}_pat_{{base62:37}}{{check:polar-crc32}}",
        ),
        (
            Validator::VercelCrc32,
            "vcp{{}}_{{base62:50}}{{check:vercel-crc32}}",
        ),
        (
            Validator::ZuploCrc32,
            "zpka{{}}_{{hex:32}}{{check:zuplo-crc32}}",
        ),
    ];

    #[test]
    fn a_checksum_proves_the_secret_and_any_changed_character_refutes_it() {
        for &(validator, template) in CHECKED {
            for seed in 0..5 {
                let secret = expand(template, seed);
                assert_eq!(
                    check(validator, &secret),
                    Proof::Proven,
                    "{validator} {seed}"
                );
                let body = secret.len() / 2..secret.len() - 4;
                for at in body {
                    let mut changed = secret.clone();
                    changed[at] = if changed[at].eq_ignore_ascii_case(&b'a') {
                        b'c'
                    } else {
                        b'a'
                    };
                    assert_ne!(
                        check(validator, &changed),
                        Proof::Proven,
                        "{validator} at {at}"
                    );
                }
                assert_ne!(check(validator, &secret[..secret.len() - 4]), Proof::Proven);
            }
        }
    }

    #[test]
    fn a_github_token_of_another_length_is_not_refuted() {
        let secret = expand("ghr{{}}_{{base62:76}}", 1);
        assert_eq!(check(Validator::GithubCrc32, &secret), Proof::Plausible);
    }

    #[test]
    fn an_atlassian_token_may_have_its_equals_sign_escaped() {
        let secret = expand(
            "ATATT{{}}3xFfGF0{{base64url:171}}={{check:atlassian-crc32}}",
            2,
        );
        for mark in ["%3D", "%3d", "\\="] {
            let (head, tail) = secret.split_at(secret.len() - 9);
            let escaped = [head, mark.as_bytes(), &tail[1..]].concat();
            assert_eq!(
                check(Validator::AtlassianCrc32, &escaped),
                Proof::Proven,
                "{mark}"
            );
        }
    }

    #[test]
    fn structures_are_told_from_text_of_the_same_shape() {
        let all = |validator, good: &[&str], bad: &[&str]| {
            for template in good {
                assert_ne!(
                    check(validator, &expand(template, 3)),
                    Proof::Failed,
                    "{template}"
                );
            }
            for template in bad {
                assert_eq!(
                    check(validator, &expand(template, 3)),
                    Proof::Failed,
                    "{template}"
                );
            }
        };
        all(
            Validator::AtlassianDcToken,
            &["BBDC{{}}-{{encode:base64}}{{digits:12}}:{{bytes:20}}{{end}}"],
            &[
                "BBDC{{}}-M{{base62:43}}",
                "BBDC{{}}-{{encode:base64}}{{digits:12}}{{end}}",
            ],
        );
        all(
            Validator::BasicAuth,
            &["{{encode:base64}}deploy:{{base62:12}}{{end}}"],
            &[
                "{{encode:base64}}user:password{{end}}",
                "{{encode:base64}}{{bytes:20}}{{end}}",
                "{{encode:base64}}nocolon{{end}}",
            ],
        );
        all(
            Validator::DiscordToken,
            &["{{encode:base64url}}{{digits:18}}{{end}}.{{base62:6}}.{{base62:27}}"],
            &["M{{base62:23}}.{{base62:6}}.{{base62:27}}"],
        );
        all(
            Validator::Jwt,
            &["{{encode:base64url}}{\"alg\":\"ES256\"}{{end}}.{{encode:base64url}}{}{{end}}.x"],
            &[
                "{{encode:base64url}}{\"alg\":\"ES256\"}{{end}}",
                "a.b.c",
                "..",
                "e30.e30.x",
            ],
        );
        all(
            Validator::LaravelAppKey,
            &["base64:{{encode:base64}}{{bytes:32}}{{end}}"],
            &[
                "base64:{{encode:base64}}{{bytes:20}}{{end}}",
                "base64:{{encode:base64}}{{base62:32}}{{end}}",
            ],
        );
    }

    #[test]
    fn a_key_block_must_be_whole() {
        let pem = |body: &str| {
            expand(
                &format!("-----BEGIN{{{{}}}} PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----"),
                5,
            )
        };
        let whole = pem("{{encode:lines}}{{der:600}}{{end}}");
        assert_eq!(check(Validator::Pem, &whole), Proof::Proven);
        let escaped = pem("{{encode:escaped}}{{der:600}}{{end}}");
        assert_eq!(check(Validator::Pem, &escaped), Proof::Proven);
        let truncated =
            pem("{{encode:lines}}{{byte:48}}{{byte:130}}{{byte:4}}{{zero}}{{bytes:500}}{{end}}");
        assert_eq!(check(Validator::Pem, &truncated), Proof::Failed);
        let openssh = pem("{{encode:lines}}{{openssh:none:100}}{{end}}");
        assert_eq!(check(Validator::Pem, &openssh), Proof::Proven);
        assert_eq!(check(Validator::Pem, &pem("...\n")), Proof::Failed);
    }

    #[test]
    fn names_paths_and_samples_are_not_random_values() {
        for value in [
            "my-database-credentials-v2",
            "tokenizer.next_token_value1",
            "application/x-www-form-urlencoded2",
            "utf8mb4_general_ci",
            "/run/secrets/db_credentials_v1",
            "${AWS_SECRET_V1}",
            "{{ .Values.key1 }}",
            "2024-01-01T00:00:00Z",
            "00000000-0000-0000-0000-000000000000",
            "0123456789abcdef0123456789abcdef",
            "aaaaaaaaaaaaaaaaaaaa1",
            "AKIAIOSFODNN7EXAMPLE",
            "correct-horse-battery-staple-9",
            "sha256-abcdef1234567890abcdef1234567890",
            "deadbeefdeadbeef01",
            "0279bf37a1",
            "https://example.org/a1b2c3d4",
            "process.env.API_KEY_2",
            "ed25519.Ed25519PrivateKey",
            "getSecretValueFromVault2",
        ] {
            assert_eq!(
                check(Validator::RandomValue, value.as_bytes()),
                Proof::Failed,
                "{value}"
            );
        }
        let encoded = expand("{{encode:base64}}alice:secret-password{{end}}", 0);
        assert_eq!(check(Validator::RandomValue, &encoded), Proof::Failed);
    }

    #[test]
    fn nearly_all_random_values_are_taken_for_random() {
        for (template, at_least) in [
            ("{{hex:32}}", 97),
            ("{{hex:40}}", 97),
            ("{{hex:64}}", 97),
            ("{{base62:20}}", 90),
            ("{{base62:32}}", 95),
            ("{{base64url:40}}", 97),
            ("{{base64:60}}", 97),
            ("{{base36:26}}", 93),
            ("{{hex:8}}-{{hex:4}}-4{{hex:3}}-a{{hex:3}}-{{hex:12}}", 92),
        ] {
            let taken = (0..1000)
                .filter(|&seed| {
                    check(Validator::RandomValue, &expand(template, seed)) != Proof::Failed
                })
                .count();
            assert!(taken >= at_least * 10, "{template}: {taken} of 1000");
        }
    }

    proptest! {
        #[test]
        fn no_check_panics_on_any_bytes(
            prefix in prop::sample::select(vec![
                "", "ghp_", "glpat-", "glrt-t1_", "AKIA", "BBDC-", "ops_", "pypi-", "base64:",
                "-----BEGIN PRIVATE KEY-----\n", "PuTTY-User-Key-File-3: x\nPrivate-Lines: 1\n",
                "sntrys_", "zpka_", "AgEIcHlwaS5vcmc", "b3BlbnNzaC1rZXktdjEA", "eyJ.eyJ.", "\\",
            ]),
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            text in "[A-Za-z0-9+/=_.\\\\\n\":-]{0,200}",
        ) {
            for secret in [
                [prefix.as_bytes(), &bytes[..]].concat(),
                [prefix.as_bytes(), text.as_bytes()].concat(),
            ] {
                for &validator in Validator::ALL {
                    check(validator, &secret);
                }
            }
        }
    }
}
