//! Secrets that are written in another form, which everybody can undo.

use super::{
    placeholder,
    validate::{decode, pem},
};
use crate::model::Proof;
use aes::{
    Aes256,
    cipher::{BlockCipherEncrypt as _, KeyInit as _},
};

/// A PEM private key in base64, as kubeconfig files hold it.
pub(super) fn base64_pem(secret: &[u8]) -> Proof {
    match decode(secret) {
        Some(text) if memchr::memmem::find(&text, b"PRIVATE KEY-----").is_some() => pem(&text),
        _ => Proof::Failed,
    }
}

/// The key under which every rclone obscures passwords. It is in its source, and no secret: it
/// keeps passwords from being read over a shoulder.
const RCLONE_KEY: [u8; 32] = [
    0x9c, 0x93, 0x5b, 0x48, 0x73, 0x0a, 0x55, 0x4d, 0x6b, 0xfd, 0x7c, 0x63, 0xc8, 0x86, 0xa9, 0x2b,
    0xd3, 0x90, 0x19, 0x8e, 0xb8, 0x12, 0x8a, 0xfb, 0xf4, 0xde, 0x16, 0x2b, 0x8b, 0x95, 0xf6, 0x38,
];
/// Longest text looked at, in characters.
const MOST_OBSCURED: usize = 2048;

/// 16 bytes of initial counter, then text under AES-256 in counter mode, all in base64url. That
/// text comes out is no accident from four characters on; shorter ones may be one.
pub(super) fn rclone_obscured(secret: &[u8]) -> Proof {
    if secret.len() > MOST_OBSCURED {
        return Proof::Failed;
    }
    let bytes = decode(secret).unwrap_or_default();
    let Some((iv, hidden)) = bytes.split_first_chunk::<16>() else {
        return Proof::Failed;
    };
    let text = aes_ctr(iv, hidden);
    let readable = std::str::from_utf8(&text).is_ok_and(|t| !t.chars().any(char::is_control));
    match text.len() {
        0 => Proof::Failed,
        _ if !readable || placeholder::reason(&text).is_some() => Proof::Failed,
        1..=3 => Proof::Plausible,
        _ => Proof::Proven,
    }
}

/// The reverse, for examples.
pub(super) fn rclone_obscure(text: &[u8], iv: &[u8]) -> Vec<u8> {
    let mut counter = [0; 16];
    for (to, from) in counter.iter_mut().zip(iv) {
        *to = *from;
    }
    [&counter[..], &aes_ctr(&counter, text)].concat()
}

fn aes_ctr(iv: &[u8; 16], text: &[u8]) -> Vec<u8> {
    let cipher = Aes256::new(&RCLONE_KEY.into());
    let mut counter = u128::from_be_bytes(*iv);
    let mut out = Vec::with_capacity(text.len());
    for chunk in text.chunks(16) {
        let mut block = counter.to_be_bytes().into();
        cipher.encrypt_block(&mut block);
        out.extend(chunk.iter().zip(&block).map(|(a, b)| a ^ b));
        counter = counter.wrapping_add(1);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::example;
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    #[test]
    fn obscured_passwords_are_those_of_rclone_itself() {
        // Values that `rclone obscure` gives for a fixed initial counter.
        for (byte, wanted) in [
            (b'a', "YWFhYWFhYWFhYWFhYWFhYXMaGgIlEQ"),
            (b'b', "YmJiYmJiYmJiYmJiYmJiYp3gcEWbAw"),
        ] {
            let obscured = rclone_obscure(b"potato", &[byte; 16]);
            assert_eq!(URL_SAFE_NO_PAD.encode(obscured), wanted);
            assert_eq!(rclone_obscured(wanted.as_bytes()), Proof::Proven);
        }
        let long = example::expand("{{rclone:40}}", 1).expect("a valid template");
        assert_eq!(rclone_obscured(&long), Proof::Proven);
        for seed in 0..50 {
            let random = example::expand("{{base64url:43}}", seed).expect("a valid template");
            assert_eq!(rclone_obscured(&random), Proof::Failed, "{seed}");
        }
    }

    #[test]
    fn a_key_in_base64_is_whole_or_none() {
        let key = |body: &str| {
            let text = format!(
                "{{{{encode:base64}}}}-----BEGIN{{{{}}}} RSA PRIVATE KEY-----\n{body}\
                 -----END RSA PRIVATE KEY-----\n{{{{end}}}}"
            );
            example::expand(&text, 2).expect("a valid template")
        };
        assert_eq!(
            base64_pem(&key("{{encode:lines}}{{der:600}}{{end}}")),
            Proof::Proven
        );
        assert_eq!(base64_pem(&key("...\n")), Proof::Failed);
        assert_eq!(base64_pem(b"bm8ga2V5"), Proof::Failed);
    }
}
