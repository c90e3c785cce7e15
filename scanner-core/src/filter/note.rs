//! What a check learns beside whether it holds: whose a secret is, what it opens, when it ends.
//!
//! Worked out for findings alone, once each, when the scan is over: matching has no use for it.
//! Notes are shown as they are, so they hold only what is no secret in itself, in printable ASCII.

use super::validate::{armor_body, decode};
use crate::{model::rfc3339, rules::Validator};
use serde_json::Value;

/// What was learned of a secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    /// Short sentences without a full stop.
    pub texts: Vec<String>,
    /// Whether it has ended already.
    pub expired: bool,
}

/// Longest text of a token that a note shows.
const MOST_SHOWN: usize = 80;

/// Collects what `checks` learn of a secret. `now` is the time in seconds since 1970, if anyone
/// wants to know what has expired by then.
pub fn notes(checks: &[Validator], secret: &[u8], now: Option<i64>) -> Notes {
    let mut notes = Notes::default();
    for check in checks {
        match check {
            Validator::AwsKeyId => notes.texts.extend(aws_account(secret)),
            Validator::AzureIdentifiableKey => notes.texts.extend(azure_service(secret)),
            Validator::Base64Pem => {
                let text = decode(secret).unwrap_or_default();
                notes.texts.extend(private_key(&text));
            }
            Validator::JfrogReferenceToken => {
                let text = decode(secret).unwrap_or_default();
                let end = text.strip_prefix(b"reftkn:01:").and_then(number);
                // Zero stands for a token without end.
                notes.expiry(end.filter(|end| *end > 0), now);
            }
            Validator::Jwt => notes.jwt(secret, now),
            Validator::Pem => notes.texts.extend(private_key(secret)),
            Validator::RcloneObscured => notes
                .texts
                .push("obscured, not encrypted: `rclone reveal` shows it".to_owned()),
            _ => {}
        }
    }
    notes
}

impl Notes {
    fn expiry(&mut self, end: Option<i64>, now: Option<i64>) {
        let Some(end) = end else { return };
        let Some(date) = rfc3339(end, 0) else { return };
        let day = &date[..date.len().min(10)];
        self.expired |= now.is_some_and(|now| end < now);
        let verb = if now.is_some_and(|now| end < now) {
            "expired"
        } else {
            "expires"
        };
        self.texts.push(format!("{verb} on {day}"));
    }

    fn jwt(&mut self, secret: &[u8], now: Option<i64>) {
        let mut parts = secret.split(|&b| b == b'.');
        let mut object =
            || -> Option<Value> { serde_json::from_slice(&decode(parts.next()?)?).ok() };
        let (header, claims) = (object(), object());
        let text = |value: &Option<Value>, key: &str| -> Option<String> {
            shown(value.as_ref()?.get(key)?.as_str()?.as_bytes())
        };
        if text(&header, "alg").is_some_and(|alg| alg.eq_ignore_ascii_case("none")) {
            self.texts.push("not signed".to_owned());
        }
        if let Some(issuer) = text(&claims, "iss") {
            self.texts.push(format!("issued by {issuer}"));
        }
        let end = claims.as_ref().and_then(|claims| claims.get("exp"));
        // Fractions are allowed (RFC 7519 section 2), and of no interest.
        let end = end.and_then(|end| end.as_i64().or_else(|| Some(end.as_f64()? as i64)));
        match end {
            Some(end) => self.expiry(Some(end), now),
            None if claims.is_some() => self.texts.push("never expires".to_owned()),
            None => {}
        }
    }
}

fn shown(text: &[u8]) -> Option<String> {
    let fits = (1..=MOST_SHOWN).contains(&text.len()) && text.iter().all(u8::is_ascii_graphic);
    // What follows a user's name in a URL may be a password.
    (fits && !text.contains(&b'@')).then(|| String::from_utf8_lossy(text).into_owned())
}

fn number(text: &[u8]) -> Option<i64> {
    let digits = text.iter().take_while(|b| b.is_ascii_digit()).count();
    std::str::from_utf8(&text[..digits]).ok()?.parse().ok()
}

/// The account stands in the bits after the first of the base32 part; key ids made before 2019
/// have no account, and begin with `I` or `J` there.
fn aws_account(secret: &[u8]) -> Option<String> {
    let body = secret.get(4..14)?;
    if matches!(body[0], b'I' | b'J') {
        return None;
    }
    let mut bits: u64 = 0;
    for byte in body {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            _ => return None,
        };
        bits = (bits << 5) | u64::from(value);
    }
    // Ten characters are 50 bits, of which the first 48 are whole bytes.
    let account = ((bits >> 2) & 0x7fff_ffff_ff80) >> 7;
    (account < 1_000_000_000_000).then(|| format!("AWS account {account:012}"))
}

fn azure_service(secret: &[u8]) -> Option<String> {
    const SERVICES: &[(usize, &[u8], &str)] = &[
        (76, b"+ASt", "Storage"),
        (76, b"ACDb", "Cosmos DB"),
        (76, b"+ABa", "Batch"),
        (76, b"+AMC", "Machine Learning"),
        (76, b"APIM", "API Management"),
        (33, b"AzCa", "Cache for Redis"),
        (33, b"+ASb", "Service Bus"),
        (33, b"+AEh", "Event Hubs"),
        (33, b"+ARm", "Relay"),
        (33, b"AIoT", "IoT"),
        (33, b"AZEG", "Event Grid"),
        (42, b"+ACR", "Container Registry"),
        (42, b"AzSe", "AI Search"),
        (44, b"AzFu", "Functions"),
    ];
    let (_, _, name) = SERVICES
        .iter()
        .find(|(at, mark, _)| secret.get(*at..).is_some_and(|rest| rest.starts_with(mark)))?;
    Some(format!("key of Azure {name}"))
}

/// Kind of a private key in PEM, and whether a passphrase protects it.
fn private_key(text: &[u8]) -> Option<String> {
    const OIDS: &[(&[u8], &str)] = &[
        (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", "RSA"),
        (b"\x2a\x86\x48\xce\x3d\x02\x01", "EC"),
        (b"\x2a\x86\x48\xce\x38\x04\x01", "DSA"),
        (b"\x2b\x65\x70", "Ed25519"),
        (b"\x2b\x65\x6e", "X25519"),
    ];
    let has = |part: &[u8]| memchr::memmem::find(text, part).is_some();
    let body = decode(&armor_body(text)).unwrap_or_default();
    let (kind, encrypted) = if let Some(fields) = body.strip_prefix(b"openssh-key-v1\0") {
        let encrypted = !fields.starts_with(b"\0\0\0\x04none");
        let kinds: [(&[u8], &str); 4] = [
            (b"ssh-ed25519", "Ed25519"),
            (b"ssh-rsa", "RSA"),
            (b"ecdsa-sha2", "EC"),
            (b"ssh-dss", "DSA"),
        ];
        let head = &fields[..fields.len().min(256)];
        let kind = kinds
            .iter()
            .find(|(name, _)| memchr::memmem::find(head, name).is_some());
        (kind.map(|k| k.1), encrypted)
    } else if has(b"BEGIN RSA") || has(b"BEGIN EC") || has(b"BEGIN DSA") {
        let kind = [
            (&b"BEGIN RSA"[..], "RSA"),
            (b"BEGIN EC", "EC"),
            (b"BEGIN DSA", "DSA"),
        ];
        let kind = kind.iter().find(|(mark, _)| has(mark));
        (kind.map(|k| k.1), has(b"ENCRYPTED"))
    } else {
        // The algorithm stands ahead of the key itself in PKCS#8.
        let head = &body[..body.len().min(32)];
        let kind = OIDS
            .iter()
            .find(|(oid, _)| memchr::memmem::find(head, oid).is_some());
        (kind.map(|k| k.1), has(b"BEGIN ENCRYPTED"))
    };
    match (kind, encrypted) {
        (Some(kind), false) => Some(format!("{kind} key, not encrypted")),
        (Some(kind), true) => Some(format!("{kind} key, encrypted")),
        (None, true) => Some("encrypted".to_owned()),
        (None, false) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::example;
    use proptest::prelude::*;

    fn of(check: Validator, template: &str, now: Option<i64>) -> Notes {
        let secret = example::expand(template, 6).expect("a valid template");
        notes(&[check], &secret, now)
    }

    #[test]
    fn a_key_id_names_its_account() {
        let text = |id: &str| notes(&[Validator::AwsKeyId], id.as_bytes(), None).texts;
        let id = ["ASIA", "QNZGKIQY56JQ7WML"].concat();
        assert_eq!(text(&id), ["AWS account 029608264753"]);
        let old = ["AKIA", "IQNZGKIQY56JQ7WM"].concat();
        assert!(text(&old).is_empty());
        assert!(text("AKIA").is_empty());
    }

    #[test]
    fn a_token_tells_issuer_and_end_and_has_ended_only_by_a_clock() {
        let jwt = |claims: &str| {
            format!(
                "{{{{encode:base64url}}}}{{\"alg\":\"ES256\"}}{{{{end}}}}.\
                 {{{{encode:base64url}}}}{claims}{{{{end}}}}.{{{{base64url:40}}}}"
            )
        };
        let dated = jwt("{\"iss\":\"https://id.acme.io\",\"exp\":1600000000}");
        let without = of(Validator::Jwt, &dated, None);
        assert_eq!(
            without.texts,
            ["issued by https://id.acme.io", "expires on 2020-09-13"]
        );
        assert!(!without.expired);
        let later = of(Validator::Jwt, &dated, Some(1_600_000_001));
        assert!(later.expired && later.texts.contains(&"expired on 2020-09-13".to_owned()));
        assert!(!of(Validator::Jwt, &dated, Some(1_599_999_999)).expired);
        assert_eq!(
            of(Validator::Jwt, &jwt("{}"), Some(0)).texts,
            ["never expires"]
        );
        let odd = jwt("{\"iss\":\"https://u:p@acme.io\",\"exp\":1.6e9}");
        assert_eq!(
            of(Validator::Jwt, &odd, None).texts,
            ["expires on 2020-09-13"]
        );
    }

    #[test]
    fn keys_tell_their_kind_and_whether_they_are_encrypted() {
        let pem = |label: &str, body: &str| {
            let template = format!("-----BEGIN{{{{}}}} {label}-----\n{body}-----END {label}-----");
            of(Validator::Pem, &template, None).texts.join("")
        };
        let der = "{{encode:lines}}{{der:600}}{{end}}";
        assert_eq!(pem("RSA PRIVATE KEY", der), "RSA key, not encrypted");
        assert_eq!(pem("ENCRYPTED PRIVATE KEY", der), "encrypted");
        let openssh =
            |cipher| format!("{{{{encode:lines}}}}{{{{openssh:{cipher}:90}}}}{{{{end}}}}");
        assert_eq!(
            pem("OPENSSH PRIVATE KEY", &openssh("aes256-ctr")),
            "encrypted"
        );
        assert_eq!(pem("OPENSSH PRIVATE KEY", &openssh("none")), "");
        let ed25519 = "{{encode:lines}}{{byte:48}}{{byte:46}}{{byte:2}}{{byte:1}}{{zero}}{{byte:48}}\
                       {{byte:5}}{{byte:6}}{{byte:3}}{{byte:43}}{{byte:101}}{{byte:112}}\
                       {{byte:4}}{{byte:34}}{{byte:4}}{{byte:32}}{{bytes:32}}{{end}}";
        assert_eq!(pem("PRIVATE KEY", ed25519), "Ed25519 key, not encrypted");
    }

    #[test]
    fn a_key_with_a_signature_names_its_service() {
        let service = of(Validator::AzureIdentifiableKey, "{{azure-key:ACDb}}", None);
        assert_eq!(service.texts, ["key of Azure Cosmos DB"]);
    }

    proptest! {
        #[test]
        fn notes_are_short_and_printable_whatever_the_secret(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            claims in "\\{\"iss\":\"[ -~]{0,100}\",\"exp\":-?[0-9]{1,20}\\}",
        ) {
            use base64::{Engine as _, engine::general_purpose::STANDARD};
            let token = format!("{}.{}.x", STANDARD.encode("{}"), STANDARD.encode(claims));
            for secret in [&bytes[..], token.as_bytes()] {
                for text in notes(Validator::ALL, secret, Some(0)).texts {
                    prop_assert!(text.len() < 100 && !text.chars().any(char::is_control));
                }
            }
        }
    }
}
