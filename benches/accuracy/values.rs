//! Values and names that people and programs give to secrets, and what stands in their place.

use crate::rng::Rng;

const BASE62: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const HEX: &[u8] = b"0123456789abcdef";
const BASE36: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64URL: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// Letters, digits and symbols that no syntax below has to escape.
const MIXED: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!@%^*_+-=.~";
/// With symbols that only quotes can hold.
const MIXED_QUOTED: &[u8] =
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!@%^*_+-=.~#$&()[]{}|;:,?";

/// What may stand in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// What a person or a generator makes as a password.
    Password,
    /// What a service hands out.
    Token,
    /// Either.
    Any,
}

/// A value and what it is.
#[derive(Debug, Clone)]
pub struct Value {
    pub text: String,
    pub kind: &'static str,
    /// Whether the value's name should say password rather than key or token.
    pub password: bool,
}

const WORDS: &[&str] = &[
    "blue", "horse", "summer", "winter", "dragon", "coffee", "river", "tiger", "garden", "rocket",
    "monkey", "silver", "castle", "orange", "forest", "guitar", "shadow", "hunter", "market",
    "window", "planet", "butter", "copper", "falcon", "maple", "thunder", "kitten", "pepper",
    "marble", "cactus", "lemon", "puzzle", "velvet", "anchor", "bridge", "candle", "desert",
    "engine", "flower", "globe",
];
const KEYBOARD: &[&str] = &[
    "qwerty", "asdfgh", "zxcvbn", "1qaz2wsx", "qazwsx", "poiuyt", "qweasd",
];
const SYMBOLS: &[u8] = b"!@*%_-.";

fn capital(word: &str) -> String {
    word[..1].to_ascii_uppercase() + &word[1..]
}

/// A password as people make them: words, digits, a symbol.
fn human(rng: &mut Rng) -> (String, &'static str) {
    let word = |rng: &mut Rng| *rng.pick(WORDS);
    let symbol = |rng: &mut Rng| *rng.pick(SYMBOLS) as char;
    match rng.below(6) {
        0 => {
            let (a, b) = (capital(word(rng)), capital(word(rng)));
            (
                format!("{a}{b}{}{}", rng.below(1000), symbol(rng)),
                "words-digits-symbol",
            )
        }
        1 => (
            format!(
                "{}{}{}",
                capital(word(rng)),
                1990 + rng.below(35),
                symbol(rng)
            ),
            "word-year-symbol",
        ),
        2 => {
            let leet: String = format!("{}{}", word(rng), word(rng))
                .chars()
                .map(|c| match c {
                    'a' => '4',
                    'e' => '3',
                    'i' => '1',
                    'o' => '0',
                    's' => '$',
                    other => other,
                })
                .collect();
            (format!("{}{}", leet.replace('$', "5"), symbol(rng)), "leet")
        }
        3 => {
            let run = rng.pick(KEYBOARD);
            (
                format!("{}{}{}", capital(run), symbol(rng), rng.below(10_000)),
                "keyboard",
            )
        }
        4 => {
            let (a, b) = (word(rng), word(rng));
            (
                format!("{a}{}{b}{}", symbol(rng), 10 + rng.below(90)),
                "words-symbol-digits",
            )
        }
        _ => {
            let (a, b, c) = (word(rng), word(rng), word(rng));
            (format!("{a}-{b}-{c}-{}", rng.below(100)), "passphrase")
        }
    }
}

/// A secret that no provider's form gives away. `quoted` says that symbols may be used that need quotes.
pub fn generic(wanted: Wanted, quoted: bool, rng: &mut Rng) -> Value {
    let password = match wanted {
        Wanted::Password => true,
        Wanted::Token => false,
        Wanted::Any => rng.percent(50),
    };
    let (text, kind) = if password {
        match rng.below(10) {
            0..5 => human(rng),
            5..8 => {
                let length = 8 + rng.below(13);
                (rng.text(BASE62, length), "password-base62")
            }
            _ => {
                let length = 10 + rng.below(15);
                let alphabet = if quoted { MIXED_QUOTED } else { MIXED };
                // Where the first character is a symbol, formats differ in what they make of it.
                let head = rng.text(BASE62, 1);
                (head + &rng.text(alphabet, length), "password-symbols")
            }
        }
    } else {
        match rng.below(10) {
            0..3 => {
                let length = *rng.pick(&[16, 20, 24, 32, 40, 48, 64]);
                (rng.text(BASE62, length), "base62")
            }
            3..6 => {
                let length = *rng.pick(&[32, 32, 40, 48, 64]);
                (rng.text(HEX, length), "hex")
            }
            6 => {
                let bytes = *rng.pick(&[18, 24, 30, 48]);
                (rng.text(BASE64, bytes / 3 * 4), "base64")
            }
            7 => (rng.text(BASE64, 43) + "=", "base64-padded"),
            8 => {
                let length = 20 + rng.below(24);
                (
                    rng.text(BASE62, 1) + &rng.text(BASE64URL, length),
                    "base64url",
                )
            }
            _ => {
                let length = 20 + rng.below(13);
                (rng.text(BASE36, length), "base36")
            }
        }
    };
    Value {
        text,
        kind,
        password,
    }
}

/// How names are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Upper,
    Snake,
    Camel,
    Pascal,
    Kebab,
    Dotted,
}

const OWNERS: &[&str] = &[
    "db",
    "smtp",
    "admin",
    "redis",
    "mysql",
    "postgres",
    "mongo",
    "ldap",
    "ftp",
    "root",
    "rabbitmq",
    "mail",
    "database",
    "keystore",
    "user",
    "sa",
    "proxy",
    "elastic",
    "spring datasource",
    "app",
    "service",
    "backup",
    "jenkins",
];
const PASSWORDS: &[&str] = &[
    "password",
    "password",
    "password",
    "passwd",
    "pass",
    "pwd",
    "passphrase",
];
const TOKENS: &[&str] = &[
    "api key",
    "api key",
    "apikey",
    "client secret",
    "client secret",
    "secret key",
    "access token",
    "auth token",
    "secret",
    "token",
    "encryption key",
    "signing key",
    "webhook token",
    "webhook secret",
    "jwt secret",
    "session secret",
    "refresh token",
    "bearer token",
    "access key",
    "app secret",
    "private token",
    "api token",
    "api secret",
    "hmac key",
    "shared secret",
    "deploy token",
    "service token",
    "master key",
    "consumer secret",
    "cookie secret",
    "license key",
];

/// A name for a value.
pub fn name(password: bool, style: Style, rng: &mut Rng) -> String {
    let text = if password {
        let suffix = *rng.pick(PASSWORDS);
        if rng.percent(25) && suffix.len() > 4 {
            suffix.to_owned()
        } else {
            format!("{} {suffix}", rng.pick(OWNERS))
        }
    } else if rng.percent(30) {
        format!(
            "{} {}",
            rng.pick(&["acme", "payment", "billing", "crm", "geo", "push"]),
            rng.pick(TOKENS)
        )
    } else {
        (*rng.pick(TOKENS)).to_owned()
    };
    let words = text.split(' ');
    match style {
        Style::Upper => text.replace(' ', "_").to_ascii_uppercase(),
        Style::Snake => text.replace(' ', "_"),
        Style::Kebab => text.replace(' ', "-"),
        Style::Dotted => text.replace(' ', "."),
        Style::Pascal => words.map(capital).collect(),
        Style::Camel => words
            .enumerate()
            .map(|(at, word)| {
                if at == 0 {
                    word.to_owned()
                } else {
                    capital(word)
                }
            })
            .collect(),
    }
}

/// A user's name.
pub fn user(rng: &mut Rng) -> &'static str {
    const USERS: &[&str] = &[
        "deploy",
        "app",
        "svc_backup",
        "jdoe",
        "reporting",
        "admin",
        "batch",
        "acme",
    ];
    USERS[rng.below(USERS.len())]
}

/// What stands where a secret would, and is none.
pub fn placeholder(rng: &mut Rng) -> Value {
    const FIXED: &[(&str, &str)] = &[
        ("<your-key>", "angle"),
        ("<API_KEY>", "angle"),
        ("<insert password here>", "angle"),
        ("${X}", "reference"),
        ("${DB_PASSWORD}", "reference"),
        ("${env:API_TOKEN}", "reference"),
        ("$DB_PASSWORD", "reference"),
        ("%(password)s", "reference"),
        ("%DB_PASSWORD%", "reference"),
        ("{{ vault_password }}", "reference"),
        ("{{.Values.password}}", "reference"),
        ("${{ secrets.API_KEY }}", "reference"),
        ("#{db_password}", "reference"),
        ("@db.password@", "reference"),
        ("$(cat /run/secrets/token)", "reference"),
        ("ENC[AES256_GCM,data:redacted]", "encrypted"),
        ("file:///run/secrets/db_password", "path"),
        ("/run/secrets/db_password", "path"),
        (
            "arn:aws:secretsmanager:us-east-1:123456789012:secret:db",
            "path",
        ),
        ("vault:secret/data/app#password", "path"),
        ("changeme", "word"),
        ("ChangeMe123", "word"),
        ("change-me-in-production", "word"),
        ("REPLACE_ME", "word"),
        ("replace_with_your_key", "word"),
        ("your_api_key_here", "word"),
        ("your-secret-key", "word"),
        ("YOUR_CLIENT_SECRET", "word"),
        ("my-secret-token", "word"),
        ("insert_token_here", "word"),
        ("todo", "word"),
        ("example", "word"),
        ("example-password", "word"),
        ("password", "word"),
        ("password123", "word"),
        ("secret", "word"),
        ("supersecret", "word"),
        ("s3cr3t", "word"),
        ("test", "word"),
        ("testpassword", "word"),
        ("dummy", "word"),
        ("dummy-token", "word"),
        ("fake-api-key", "word"),
        ("not-a-real-key", "word"),
        ("placeholder", "word"),
        ("redacted", "word"),
        ("REDACTED", "word"),
        ("hidden", "word"),
        ("none", "word"),
        ("undefined", "word"),
        ("foobar", "word"),
        ("lorem-ipsum-dolor", "word"),
        ("correcthorsebatterystaple", "word"),
        ("********", "masked"),
        ("••••••••", "masked"),
        ("...", "masked"),
        ("xxxxxxxx", "masked"),
        ("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "masked"),
        ("XXXXXXXXXXXXXXXXXXXX", "masked"),
        ("xxxx-xxxx-xxxx-xxxx", "masked"),
        ("00000000000000000000000000000000", "repeated"),
        ("aaaaaaaaaaaaaaaaaaaaaaaa", "repeated"),
        ("11111111-1111-1111-1111-111111111111", "repeated"),
        ("00000000-0000-0000-0000-000000000000", "repeated"),
        ("abababababababababab", "repeated"),
        ("deadbeefdeadbeefdeadbeefdeadbeef", "repeated"),
        ("1234567890", "sequence"),
        ("12345678901234567890123456789012", "sequence"),
        ("0123456789abcdef0123456789abcdef", "sequence"),
        ("abcdefghijklmnopqrstuvwxyz123456", "sequence"),
        ("abcdefghijklmnop", "sequence"),
        ("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "sequence"),
        ("abc123def456ghi789jkl012mno345pq", "sequence"),
        ("1a2b3c4d5e6f7g8h9i0j", "sequence"),
    ];
    // Token forms with a filling that says example; the prefix is split so that no scanner sees a whole one.
    const FORMS: &[(&str, usize)] = &[
        (concat!("gh", "p_"), 36),
        (concat!("glp", "at-"), 20),
        (concat!("sk_te", "st_"), 24),
        (concat!("sk_li", "ve_"), 24),
        (concat!("xo", "xb-"), 40),
        (concat!("AK", "IA"), 16),
        (concat!("AI", "za"), 35),
        (concat!("np", "m_"), 36),
        (concat!("sk", "-"), 48),
        (concat!("h", "f_"), 34),
        (concat!("do", "p_v1_"), 64),
        (concat!("S", "G."), 40),
    ];
    if rng.percent(75) {
        let (text, kind) = *rng.pick(FIXED);
        return Value {
            text: text.to_owned(),
            kind,
            password: rng.percent(50),
        };
    }
    let (prefix, length) = *rng.pick(FORMS);
    let (body, kind) = match rng.below(6) {
        0 => ("x".repeat(length), "token-masked"),
        1 => ("X".repeat(length), "token-masked"),
        2 => (
            "1234567890abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123".to_owned(),
            "token-sequence",
        ),
        3 => ("your_token_here".to_owned(), "token-words"),
        4 => ("EXAMPLE".repeat(length / 7 + 1), "token-example"),
        _ => ("0123456789abcdef".repeat(length / 16 + 1), "token-sequence"),
    };
    let body: String = body.chars().take(length).collect();
    Value {
        text: format!("{prefix}{body}"),
        kind,
        password: false,
    }
}
