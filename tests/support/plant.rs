//! Secrets made at run time, so that no file of this repository holds anything that looks like
//! one.

use super::rng::Rng;

const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The rule that finds what [`github_token`] makes.
pub const GITHUB_RULE: &str = "github-pat";

/// A GitHub personal access token in the classic format, with the checksum that GitHub gives it.
pub fn github_token(rng: &mut Rng) -> String {
    let body = rng.text(BASE62, 30);
    let mut sum = u64::from(crc32(body.as_bytes()));
    let mut check = [0; 6];
    for digit in check.iter_mut().rev() {
        *digit = BASE62[(sum % 62) as usize];
        sum /= 62;
    }
    let check = std::str::from_utf8(&check).expect("base 62 is ASCII");
    format!("{}{body}{check}", concat!("gh", "p_"))
}

/// Text that other rules react to (keys of several providers, credentials in URLs, generic
/// assignments, blocks over many lines), for tests that compare engines and layouts and need no
/// exact expectation. `which` chooses the kind.
pub fn anything(rng: &mut Rng, which: usize) -> String {
    let upper = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    match which % 8 {
        0 => format!(
            "aws_access_key_id = {}{}",
            concat!("AK", "IA"),
            rng.text(upper, 16)
        ),
        1 => format!("password = \"{}\"", rng.text(BASE62, 24)),
        2 => format!(
            "url = https://{}:{}@db.example.org/main",
            rng.text(b"abcdefgh", 6),
            rng.text(BASE62, 20)
        ),
        3 => {
            let body: Vec<String> = (0..12).map(|_| rng.text(BASE62, 64)).collect();
            format!(
                "{dashes}BEGIN RSA {kind}{dashes}\n{}\n{dashes}END RSA {kind}{dashes}",
                body.join("\n"),
                kind = concat!("PRIVATE", " KEY"),
                dashes = "-----"
            )
        }
        4 => format!("{}{}", concat!("glp", "at-"), rng.text(BASE62, 20)),
        5 => format!("api_secret: '{}'", rng.text(b"0123456789abcdef", 40)),
        6 => format!(
            "aws_access_key_id = {}{}\naws_secret_access_key = {}",
            concat!("AK", "IA"),
            rng.text(upper, 16),
            rng.text(BASE62, 40)
        ),
        _ => format!("slack {}{}", concat!("xo", "xb-"), {
            let digits = b"0123456789";
            [
                rng.text(digits, 12),
                rng.text(digits, 12),
                rng.text(BASE62, 24),
            ]
            .join("-")
        }),
    }
}

/// CRC-32 as in zlib and gzip.
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & 0u32.wrapping_sub(crc & 1))
        })
    })
}

#[test]
fn crc32_gives_the_published_check_value() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
}
