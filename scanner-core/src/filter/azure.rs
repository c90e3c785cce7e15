//! Microsoft's checks that were read but not tried on real values.
//!
//! The vendor's description leaves the order of a check's digits open. So these work one way only:
//! a check that holds proves the secret, and one that does not says nothing.

use super::{
    entropy,
    validate::{base62, base62_lower_first, decode, marvin32, plausible_if},
};
use crate::model::Proof;
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Seed of the keys that all services share.
const ANNOTATED_SEED: u64 = 0x4465_6661_756c_7430;
/// Characters ahead of an annotated key's check.
const ANNOTATED_BODY: usize = 80;
const ENTRA_SEED: u64 = 0x4161_6450_7764_3030;
/// Digits of an application secret's check.
const ENTRA_DIGITS: &[u8; 66] =
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ1234567890.-_~";

pub(super) fn annotated_key(secret: &[u8]) -> Proof {
    let Some((body, check)) = secret.split_at_checked(ANNOTATED_BODY) else {
        return Proof::Plausible;
    };
    let Some(data) = decode(body) else {
        return Proof::Failed;
    };
    let sum = marvin32(&data, ANNOTATED_SEED);
    let bytes = sum.to_le_bytes();
    let holds = [
        STANDARD.encode(&bytes[..3]),
        STANDARD.encode(bytes),
        base62(sum)[..4].to_owned(),
        base62_lower_first(sum)[..4].to_owned(),
    ]
    .iter()
    .any(|expected| expected.as_bytes() == check);
    if holds {
        Proof::Proven
    } else {
        Proof::Plausible
    }
}

pub(super) fn entra_secret(secret: &[u8]) -> Proof {
    let Some((body, check)) = secret.split_last_chunk::<3>() else {
        return Proof::Failed;
    };
    let mut rest = marvin32(body, ENTRA_SEED);
    let mut digits = [0; 6];
    for digit in &mut digits {
        *digit = ENTRA_DIGITS[(rest % 66) as usize];
        rest /= 66;
    }
    let [a, b, c, d, e, f] = digits;
    if *check == [a, b, c] || *check == [f, e, d] {
        Proof::Proven
    } else {
        Proof::Plausible
    }
}

/// An HMAC-SHA-256 in base64, `+`, `/` and `=` of which are percent-encoded in a URL.
pub(super) fn sas_signature(secret: &[u8]) -> Proof {
    let mut text = Vec::with_capacity(secret.len());
    let mut rest = secret;
    while let Some((&byte, tail)) = rest.split_first() {
        let digits = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let escaped = digits.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let (b'%', Some(value)) = (byte, escaped) {
            text.push(value);
            rest = &tail[2..];
        } else {
            text.push(byte);
            rest = tail;
        }
    }
    let bytes = decode(&text).unwrap_or_default();
    plausible_if(bytes.len() == 32 && entropy::distinct(&bytes) > 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::example;

    #[test]
    fn a_check_that_holds_proves_and_another_says_nothing() {
        let body = example::expand("{{base62:52}}JQ{{}}QJ99BD{{base62:12}}AZDO{{base62:4}}", 3);
        let body = body.expect("a valid template");
        let sum = marvin32(&decode(&body[..80]).expect("base64"), ANNOTATED_SEED);
        let key = [
            &body[..80],
            STANDARD.encode(&sum.to_le_bytes()[..3]).as_bytes(),
        ]
        .concat();
        assert_eq!(annotated_key(&key), Proof::Proven);
        assert_eq!(
            annotated_key(&[&body[..80], b"AAAA"].concat()),
            Proof::Plausible
        );

        let body = example::expand("{{base62:3}}8{{}}Q~{{base62:31}}", 4).expect("a template");
        let sum = marvin32(&body, ENTRA_SEED);
        let digit = |place: u32| ENTRA_DIGITS[(sum / 66_u32.pow(place) % 66) as usize];
        let secret = [&body[..], &[digit(5), digit(4), digit(3)]].concat();
        assert_eq!(entra_secret(&secret), Proof::Proven);
        assert_eq!(
            entra_secret(&[&body[..], b"~~~"].concat()),
            Proof::Plausible
        );
    }

    #[test]
    fn a_signature_is_a_hash_however_it_is_escaped() {
        let signature = |template| example::expand(template, 5).expect("a valid template");
        let plain = signature("{{encode:base64}}{{bytes:32}}{{end}}");
        assert_eq!(sas_signature(&plain), Proof::Plausible);
        let text = String::from_utf8(plain).expect("ASCII");
        let escaped = text.replace('=', "%3D").replace('+', "%2b");
        assert_eq!(sas_signature(escaped.as_bytes()), Proof::Plausible);
        for wrong in [
            "{{base62:40}}",
            "{{encode:base64}}{{bytes:31}}{{end}}",
            "%%%4",
            "",
        ] {
            assert_eq!(sas_signature(&signature(wrong)), Proof::Failed, "{wrong}");
        }
    }
}
