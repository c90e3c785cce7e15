//! Whether a value given to a secret's name is a secret: what it cannot be, and how much it looks like
//! one.

use super::{placeholder, wordlike::random_bits};
use crate::{decode::decode, extract::Form, model::Encoding, rules::NameKind};
use base64::Engine as _;

/// What is known of a value besides its bytes.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// The name it was given to.
    pub name: &'a [u8],
    /// What the name says.
    pub kind: NameKind,
    /// How it was given.
    pub form: Form,
    /// Whether it stood in quotes.
    pub quoted: bool,
    /// Whether to tell what only stands for a secret.
    pub placeholders: bool,
}

impl Setting<'_> {
    fn placeholder(&self, value: &[u8]) -> Option<&'static str> {
        self.placeholders.then(|| placeholder::reason(value))?
    }
}

/// Points for a value, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Points {
    /// For (above 0) or against the candidate.
    pub points: i32,
    /// For people.
    pub reason: &'static str,
}

/// Shortest password, in bytes.
const MIN_PASSWORD_BYTES: usize = 4;
/// Shortest key or token, in bytes.
const MIN_KEY_BYTES: usize = 8;

/// Judges a value; `Err` says what it is instead of a secret.
///
/// # Errors
/// The value refers to something, is a template, or is of another kind: a path, an address, a number.
pub fn judge(value: &[u8], setting: &Setting<'_>) -> Result<Points, &'static str> {
    match percent_decoded(value) {
        Some(text) => judge_plain(&text, setting),
        None => judge_plain(value, setting),
    }
}

fn judge_plain(value: &[u8], setting: &Setting<'_>) -> Result<Points, &'static str> {
    let least = match setting.kind {
        NameKind::Password => MIN_PASSWORD_BYTES,
        NameKind::Key => MIN_KEY_BYTES,
    };
    if value.len() < least {
        return Err("too short");
    }
    if value.iter().any(|b| !b.is_ascii_graphic()) {
        return Err("holds spaces or other characters that secrets do not hold");
    }
    let bits = random_bits(value);
    if is_template(value, bits) {
        return Err("a template or a variable");
    }
    if is_address(value, bits) {
        return Err("a path, an address or a name of a file");
    }
    if is_stored_elsewhere(value) {
        return Err("encrypted, hashed, or the name of a secret kept elsewhere");
    }
    if value.starts_with(b"`") || matches!(value, [b'\\', b'u' | b'x' | b'0', ..]) {
        return Err("marks or an escape of the language");
    }
    if is_number(value, setting.kind) {
        return Err("a number, a version, an address or marks");
    }
    if !setting.quoted && is_code(value, bits, setting) {
        return Err("a name or an expression of the program");
    }
    if is_constant(value, bits, setting.kind) {
        return Err("words joined by marks, as constants and keys are");
    }
    if is_expression(value, bits) {
        return Err("a regular expression or a piece of a program");
    }
    if setting.kind == NameKind::Key && is_key_id(value, setting.name) {
        return Err("the id of a key");
    }
    if is_public_key(value) {
        return Err("a public key");
    }
    if setting.name.eq_ignore_ascii_case(b"key") && value.iter().all(u8::is_ascii_hexdigit) {
        return Err("a hash that some key names");
    }
    if let Some(reason) = setting.placeholder(value) {
        return Ok(Points {
            points: -50,
            reason,
        });
    }
    if repeats_name(value, setting.name) {
        return Ok(Points {
            points: -50,
            reason: "says what it is rather than being it",
        });
    }
    if let Some(text) = decoded_text(value) {
        // Base64 of text, as Kubernetes keeps all values: what counts is the text, and of what a header
        // holds, `user:password`, the second half.
        let text = match memchr::memchr(b':', &text) {
            Some(colon) if setting.name.is_empty() => text[colon + 1..].to_vec(),
            _ => text,
        };
        let bits = random_bits(&text);
        if text.len() < MIN_PASSWORD_BYTES || is_template(&text, bits) || is_address(&text, bits) {
            return Err("base64 of something else than a secret");
        }
        if setting.placeholder(&text).is_some() || repeats_name(&text, setting.name) {
            return Ok(Points {
                points: -50,
                reason: "base64 of a placeholder",
            });
        }
        return Ok(of_password(&text, bits));
    }
    Ok(match setting.kind {
        NameKind::Password => of_password(value, bits),
        NameKind::Key => of_key(value, bits),
    })
}

/// How random a key or token has to look.
fn of_key(value: &[u8], bits: f64) -> Points {
    let (points, reason) = match bits {
        b if b >= 40.0 => (30, "random beyond doubt"),
        b if b >= 20.0 => (22, "looks random"),
        b if b >= 10.0 => (8, "may be random"),
        b if b >= 0.0 => (-12, "hardly random"),
        _ => (-45, "reads like words"),
    };
    let points = if value.len() < 16 && bits < 25.0 {
        points - 8
    } else {
        points
    };
    Points { points, reason }
}

/// How much like a password: people choose words, but rarely bare ones.
fn of_password(value: &[u8], bits: f64) -> Points {
    let has = |class: fn(&u8) -> bool| value.iter().any(class);
    let classes = [
        has(u8::is_ascii_lowercase),
        has(u8::is_ascii_uppercase),
        has(u8::is_ascii_digit),
        has(u8::is_ascii_punctuation),
    ];
    let classes = classes.into_iter().filter(|c| *c).count();
    let (points, reason) = match (bits, classes) {
        (b, _) if b >= 20.0 => (25, "looks random"),
        (b, 3..) if b >= -10.0 => (18, "letters, digits and marks mixed"),
        (b, 2..) if b >= 5.0 => (15, "looks random"),
        (_, 3..) if has(u8::is_ascii_digit) => (5, "words with digits and marks"),
        (b, 2) if b >= -12.0 && has(u8::is_ascii_digit) => (3, "a word with digits"),
        (b, 1) if b >= 8.0 => (5, "letters that are no word"),
        (_, 2..) if has(u8::is_ascii_digit) => (-8, "words with digits"),
        _ => (-30, "reads like words"),
    };
    let points = if value.len() < 6 { points - 10 } else { points };
    Points { points, reason }
}

/// Digits and marks alone: no key is written so, and passwords are digits without marks at most.
fn is_number(value: &[u8], kind: NameKind) -> bool {
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    let joints = value
        .iter()
        .any(|b| matches!(b, b'.' | b'|' | b'^' | b':' | b'/' | b','));
    if let Some(digits) = value.strip_prefix(b"0x")
        && digits.len() <= 16
        && digits.iter().all(u8::is_ascii_hexdigit)
    {
        return true;
    }
    // A date and a time have the letters T and Z.
    let date = value.len() >= 10
        && value[4] == b'-'
        && value[7] == b'-'
        && value[..4].iter().all(u8::is_ascii_digit);
    let letters = value
        .iter()
        .any(|b| b.is_ascii_alphabetic() && !(date && matches!(b, b'T' | b'Z')));
    !letters && (kind == NameKind::Key || digits < 6 || joints)
}

fn contains(value: &[u8], any: &[&str]) -> bool {
    any.iter()
        .any(|part| memchr::memmem::find(value, part.as_bytes()).is_some())
}

/// `${X}`, `{{ x }}`, `%s`, `<x>`, `$x`, `:x`, `@x@` and their kin.
fn is_template(value: &[u8], bits: f64) -> bool {
    const PAIRS: &[(&str, &str)] = &[
        ("${", "}"),
        ("#{", "}"),
        ("@{", "}"),
        ("$(", ")"),
        ("$[", "]"),
        ("%(", ")"),
        ("[[", "]]"),
        ("{%", "%}"),
        ("<%", "%>"),
        ("<?", "?>"),
    ];
    let pair = |(open, close): &(&str, &str)| {
        memchr::memmem::find(value, open.as_bytes())
            .is_some_and(|at| memchr::memmem::find(&value[at..], close.as_bytes()).is_some())
    };
    let identifier = |text: &[u8]| {
        text.iter().all(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b'[' | b']' | b':' | b'$')
        }) && text.iter().any(u8::is_ascii_alphabetic)
    };
    match *value {
        // What a quote or a space cut short begins like this too.
        []
        | [b'$', b'{' | b'(', ..]
        | [b'{', b'{', ..]
        | [b'<', b'%' | b'?', ..]
        | [b'<', .., b'>']
        | [b'{', .., b'}']
        | [b'[', .., b']']
        | [b'(', .., b')']
        | [b'%', .., b'%']
        | [b'@', .., b'@'] => return true,
        [b'$' | b':' | b'@' | b'%', ref rest @ ..] if identifier(rest) && bits < 12.0 => {
            return true;
        }
        _ => {}
    }
    // Two braces are no accident, however random what surrounds them.
    pair(&("{{", "}}"))
        || value.ends_with(b"{{")
        || PAIRS.iter().any(pair) && bits < 40.0
        || contains(value, &["%s", "%d", "%v", "{}", "{0}", "%@"]) && bits < 20.0
        || value
            .iter()
            .all(|b| matches!(b, b'*' | b'.' | b'x' | b'X' | b'-' | b'_' | b'#' | b'?'))
}

/// Endings of files and of hosts.
const ENDINGS: &[&str] = &[
    "js", "ts", "py", "rb", "go", "rs", "java", "json", "yml", "yaml", "toml", "xml", "html",
    "htm", "txt", "md", "pem", "key", "crt", "cer", "p12", "pfx", "jks", "conf", "cfg", "ini",
    "env", "sh", "log", "csv", "png", "svg", "php", "tpl", "com", "org", "net", "io", "dev",
    "local", "pub", "asc", "gpg", "h", "c", "cpp", "cs", "css", "vue", "tsx", "jsx",
];

/// Addresses, paths, names of files and media types.
fn is_address(value: &[u8], bits: f64) -> bool {
    if contains(value, &["://", "\\\\"]) || matches!(value, [b'/' | b'.' | b'~', b'/' | b'.', ..]) {
        return true;
    }
    let slashes = memchr::memchr_iter(b'/', value).count();
    if slashes > 0 && (value[0] == b'/' || slashes > 1 || bits < 5.0) && bits < 15.0 {
        return true;
    }
    if let Some(at) = memchr::memchr(b'@', value)
        && at > 0
        && memchr::memchr(b'.', &value[at..]).is_some()
        && value[at + 1..]
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
        && value.last().is_some_and(u8::is_ascii_alphabetic)
    {
        return true;
    }
    let Some(dot) = memchr::memrchr(b'.', value) else {
        return false;
    };
    let ending = value[dot + 1..].to_ascii_lowercase();
    ENDINGS.iter().any(|e| e.as_bytes() == ending)
        && value[..dot]
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'/' | b'*'))
        && random_bits(&value[..dot]) < 15.0
}

/// What is safe to see: ciphertext of known tools, hashes, names in a secret store.
fn is_stored_elsewhere(value: &[u8]) -> bool {
    const BEGINNINGS: &[&str] = &[
        "ENC[",
        "ENC(",
        "{cipher}",
        "!vault",
        "$ANSIBLE_VAULT",
        "vault:",
        "arn:",
        "AQICAH",
        "projects/",
        "ssm:",
        "sm://",
        "op://",
        "secretsmanager",
        "keyvault",
        "@Microsoft.KeyVault",
        "secret:",
        "secrets.",
        "env.",
        "env:",
        "file:",
        "$2a$",
        "$2b$",
        "$2y$",
        "$argon2",
        "$6$",
        "$5$",
        "$1$",
        "$apr1$",
        "pbkdf2",
        "{SSHA}",
        "{SHA}",
        "{bcrypt}",
        "scrypt",
        "scram-sha",
        "sha256:",
        "sha1:",
        "sha512:",
        "sha1$",
        "sha256$",
        "sha256-",
        "sha384-",
        "sha512-",
        "sha1-",
        "md5:",
        "md5-",
        "bcrypt",
        "ssh-rsa",
        "ssh-ed25519",
        "-----BEGIN PUBLIC",
        "-----BEGIN CERT",
        "MIIBIjAN",
        "AgA",
        "v1:",
        "urn:",
        "data:",
        "#/",
    ];
    BEGINNINGS.iter().any(|b| value.starts_with(b.as_bytes()))
        && !(value.starts_with(b"AgA") && value.len() < 200)
}

/// Without quotes: a variable, a member, a call, a type, a literal of the language.
fn is_code(value: &[u8], bits: f64, setting: &Setting<'_>) -> bool {
    const SIGNS: &[&str] = &["->", "::", "==", "=>", "&&", "||", "+=", "..."];
    let brackets = value
        .iter()
        .any(|b| matches!(b, b'(' | b')' | b'[' | b']' | b'{' | b'}'));
    if contains(value, SIGNS) || brackets && bits < 25.0 {
        return true;
    }
    let value = match value {
        [b'&' | b'*' | b'!' | b'$', rest @ ..] => rest,
        whole => whole,
    };
    let number = value.iter().take_while(|b| b.is_ascii_digit()).count();
    if number > 0 && value[number..].first() == Some(&b'.') && bits < 10.0 {
        // `6.hours`.
        return true;
    }
    let member = |part: &[u8]| {
        !part.is_empty()
            && !part[0].is_ascii_digit()
            && part
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'$'))
    };
    let parts = value.split(|b| *b == b'.').count();
    if !value.split(|b| *b == b'.').all(member) {
        return false;
    }
    if parts > 1 {
        return bits < 20.0;
    }
    if !value.iter().any(u8::is_ascii_digit) {
        return bits < 10.0;
    }
    let tail = value
        .iter()
        .rev()
        .skip_while(|b| b.is_ascii_punctuation())
        .take_while(|b| b.is_ascii_digit())
        .count();
    let of_settings = matches!(
        setting.form,
        Form::Line | Form::Plain | Form::Option | Form::Parameter
    );
    // `DB_PASSWORD=Window1993_`; names of variables rarely end so.
    if setting.kind == NameKind::Password && of_settings && (tail >= 2 || bits > -4.0) {
        return false;
    }
    bits < if of_settings { -4.0 } else { 6.0 }
}

/// Words joined by marks, as keys of translations, routes, rules of validation, CSS classes and
/// constants are written. Numbers among them do not make a key of it; at the end of three words and
/// more they may make a password.
fn is_constant(value: &[u8], bits: f64, kind: NameKind) -> bool {
    let joints = |b: &u8| matches!(b, b'_' | b'-' | b'.' | b':' | b'|' | b',' | b'/');
    let begins = value[0].is_ascii_alphabetic() || value[0] == b'_';
    if !begins || !value.iter().all(|b| b.is_ascii_alphanumeric() || joints(b)) {
        return false;
    }
    let joined = value.iter().filter(|b| joints(b)).count();
    let digits = value.iter().filter(|b| b.is_ascii_digit()).count();
    if joined == 0 || bits >= 10.0 {
        return false;
    }
    if digits == 0 {
        return true;
    }
    let numbered = joined >= 2 && bits < -4.0;
    let passphrase = kind == NameKind::Password
        && joined >= 3
        && value
            .iter()
            .all(|b| !matches!(b, b'.' | b':' | b'|' | b',' | b'/'))
        && value.last().is_some_and(u8::is_ascii_digit)
        && !value
            .split(joints)
            .any(|word| is_made_of(&word.to_ascii_lowercase(), NAME_WORDS));
    numbered && !passphrase
}

/// A regular expression, or a piece of a program that two quotes of other literals enclose.
fn is_expression(value: &[u8], bits: f64) -> bool {
    const SIGNS: &[&str] = &[
        "[a-z", "[A-Z", "[0-9", "[a-f", "[^", "\\d", "\\w", "\\s", "(?", ".*", ".+", ".split(",
    ];
    contains(value, SIGNS) && bits < 40.0
        || contains(value, &[")[", "]("]) && bits < 15.0
        || memchr::memchr2(b'(', b')', value).is_some() && bits < 5.0
}

/// The id or the fingerprint of an OpenPGP key: 8, 16 or 40 hexadecimal digits in capitals.
fn is_key_id(value: &[u8], name: &[u8]) -> bool {
    let digits = value.strip_prefix(b"0x").unwrap_or(value);
    let name = name.to_ascii_lowercase();
    matches!(digits.len(), 8 | 16 | 40)
        && digits
            .iter()
            .all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(b))
        && contains(&name, &["sign", "gpg", "pgp"])
}

/// A public key or a certificate in base64.
fn is_public_key(value: &[u8]) -> bool {
    // A SubjectPublicKeyInfo of RSA or of a curve: its algorithm is followed by a bit string.
    value.starts_with(b"M")
        && contains(
            value,
            &["DQEBAQUAA4", "0CAQYIKoZIzj0DAQcDQgAE", "MCowBQYDK2VwAyEA"],
        )
        || contains(
            value,
            &["AAAAB3NzaC1yc2E", "AAAAC3NzaC1lZDI1NTE5", "AAAAE2VjZHNh"],
        )
}

/// Words that names and placeholders are made of.
const NAME_WORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passwort",
    "passcode",
    "pass",
    "pwd",
    "secret",
    "token",
    "apikey",
    "key",
    "api",
    "auth",
    "credential",
    "credentials",
    "access",
    "private",
    "client",
    "user",
    "admin",
    "root",
    "test",
    "testing",
    "my",
    "the",
    "db",
    "database",
    "default",
    "value",
    "string",
    "text",
    "none",
    "null",
    "nil",
    "true",
    "false",
    "empty",
    "foo",
    "bar",
    "baz",
    "new",
    "old",
    "some",
    "super",
    "very",
    "strong",
    "secure",
    "this",
    "that",
    "is",
    "a",
    "an",
    "here",
    "postgres",
    "postgresql",
    "mysql",
    "mariadb",
    "redis",
    "mongo",
    "mongodb",
    "rabbitmq",
    "guest",
    "minio",
    "elastic",
    "wordpress",
    "drupal",
    "app",
    "application",
    "service",
    "account",
    "login",
    "sample",
    "temp",
    "tmp",
    "dev",
    "prod",
    "local",
    "localhost",
    "not",
    "no",
    "in",
    "wrong",
    "bad",
    "good",
    "valid",
    "correct",
    "incorrect",
    "another",
    "other",
    "random",
    "hash",
    "hashed",
    "encrypted",
    "plain",
    "cleartext",
    "session",
    "cookie",
    "id",
    "name",
    "username",
    "base",
    "sekret",
    "sesame",
    "open",
    "p",
    "w",
    "pw",
    "pswd",
    "demo",
    "keyboard",
    "cat",
    "shh",
    "top",
    "topsecret",
    "hello",
    "world",
    "welcome",
    "jwt",
    "oauth",
    "bearer",
    "refresh",
    "server",
    "signing",
    "encryption",
    "master",
    "web",
    "site",
    "qwerty",
    "qwertyuiop",
    "asdf",
    "asdfgh",
    "asdfghjkl",
    "zxcvbn",
    "qaz",
    "wsx",
    "abc",
    "abcd",
    "xyz",
    "letmein",
    "iloveyou",
    "monkey",
    "dragon",
];

/// Whether a value is its own name with a short number: `DB_PASS_3_2` for `DB_PASS_3`.
fn numbers_name(value: &[u8], name: &[u8]) -> bool {
    let Some((start, number)) = value.split_at_checked(name.len()) else {
        return false;
    };
    start.eq_ignore_ascii_case(name)
        && name.iter().any(u8::is_ascii_alphabetic)
        && number.len() <= 3
        && number
            .iter()
            .all(|b| b.is_ascii_digit() || matches!(b, b'_' | b'-'))
}

/// Whether a value is made of the words of names: `db-password`, `SecretKey1`, `admin_token`; or is
/// its own name.
fn repeats_name(value: &[u8], name: &[u8]) -> bool {
    if numbers_name(value, name) {
        return true;
    }
    let lower: Vec<u8> = value
        .iter()
        .map(|b| unleet(b.to_ascii_lowercase()))
        .collect();
    let plain: Vec<u8> = value.to_ascii_lowercase();
    let name: Vec<u8> = name
        .iter()
        .filter(|b| b.is_ascii_alphanumeric())
        .map(u8::to_ascii_lowercase)
        .collect();
    [lower, plain].iter().any(|text| {
        // Digits and marks at the end do not make a password out of the word.
        let letters: Vec<u8> = text
            .iter()
            .filter(|b| b.is_ascii_alphabetic())
            .copied()
            .collect();
        let rest = text.len() - letters.len();
        if letters.is_empty() || rest > 4 {
            return false;
        }
        letters == name || is_made_of(&letters, NAME_WORDS)
    })
}

/// Letters that people write as digits and marks.
fn unleet(byte: u8) -> u8 {
    match byte {
        b'0' => b'o',
        b'1' | b'!' => b'i',
        b'3' => b'e',
        b'4' | b'@' => b'a',
        b'5' | b'$' => b's',
        b'7' => b't',
        other => other,
    }
}

/// Whether a text is a chain of the words.
fn is_made_of(text: &[u8], words: &[&str]) -> bool {
    if text.len() > 40 {
        return false;
    }
    let mut reachable = [false; 41];
    reachable[0] = true;
    for at in 0..text.len() {
        if reachable[at] {
            for word in words {
                if text[at..].starts_with(word.as_bytes()) {
                    reachable[at + word.len()] = true;
                }
            }
        }
    }
    reachable[text.len()]
}

/// What `%XX` in a value stand for, where they stand for text.
fn percent_decoded(value: &[u8]) -> Option<Vec<u8>> {
    memchr::memchr(b'%', value)?;
    let mut text = Vec::with_capacity(value.len());
    decode(Encoding::Percent, value, &mut text, None);
    (text.len() < value.len() && text.iter().all(u8::is_ascii_graphic)).then_some(text)
}

/// The text that a value is the base64 of, if it is.
fn decoded_text(value: &[u8]) -> Option<Vec<u8>> {
    if value.len() < 8 || !value.len().is_multiple_of(4) {
        return None;
    }
    let text = base64::engine::general_purpose::STANDARD
        .decode(value)
        .ok()?;
    let text = text.trim_ascii_end().to_vec();
    text.iter()
        .all(|b| (0x20..0x7f).contains(b))
        .then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(value: &str, kind: NameKind, quoted: bool) -> Result<i32, &'static str> {
        let setting = Setting {
            name: b"secret",
            kind,
            form: Form::Quoted,
            quoted,
            placeholders: true,
        };
        judge(value.as_bytes(), &setting).map(|p| p.points)
    }

    #[test]
    fn what_is_no_secret_is_named() {
        for value in [
            "${DB_PASSWORD}",
            "{{ password }}",
            "$PASSWORD",
            "%(password)s",
            "<your-key>",
            "https://example.org/x",
            "/run/secrets/db",
            "id_rsa.pem",
            "user.password.reset",
            "0xC00002DF",
            "\\u0000",
            "ENC[AES256,data]",
            "{SSHA}abcdef",
            "********",
        ] {
            assert!(points(value, NameKind::Password, true).is_err(), "{value}");
        }
        for value in [
            "config.password",
            "getPassword()",
            "userPassword",
            "self.token",
        ] {
            assert!(points(value, NameKind::Password, false).is_err(), "{value}");
        }
    }

    #[test]
    fn a_name_with_a_short_number_is_no_secret_and_one_with_more_may_be() {
        let repeats = |name: &str, before: &str, after: &str| {
            let value = format!("{before}{name}{after}");
            repeats_name(value.to_ascii_uppercase().as_bytes(), name.as_bytes())
        };
        for after in ["", "_2", "-12", "345"] {
            assert!(repeats("db_pass_3", "", after), "{after}");
        }
        for (before, after) in [("", "_204"), ("", "_2q"), ("2_", "")] {
            assert!(!repeats("db_pass_3", before, after), "{before} {after}");
        }
        // No name, and one without a letter.
        assert!(!repeats("", "", "_12") && !repeats("9_3", "", "_2"));
    }

    #[test]
    fn placeholders_and_words_lose_points() {
        for value in [
            "changeme",
            "password",
            "P@ssw0rd",
            "secret123",
            "mysecret",
            "postgres",
        ] {
            let points = points(value, NameKind::Password, true);
            assert!(points.is_ok_and(|p| p <= -30), "{value}: {points:?}");
        }
        assert!(points("swordfish", NameKind::Password, true).is_ok_and(|p| p < 0));
    }
}
