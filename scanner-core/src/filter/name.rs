//! Whether a name says that its value is a secret, and how loudly.

use super::wordlike::random_bits;
use crate::rules::NameKind;

/// What a name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameVerdict {
    /// Of what kind the secret is.
    pub kind: NameKind,
    /// Points for the score.
    pub points: i32,
}

/// Words that say password by themselves, and in any longer word.
const PASSWORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passwort",
    "kennwort",
    "passcode",
];
/// Words that say password when they stand alone or end a word.
const SHORT_PASSWORDS: &[&str] = &["pass", "pwd", "psw"];
/// Words ahead of `key` that make it a secret one.
const SECRET_KEYS: &[&str] = &[
    "api",
    "access",
    "secret",
    "private",
    "auth",
    "account",
    "encryption",
    "encrypt",
    "signing",
    "master",
    "service",
    "storage",
    "client",
    "consumer",
    "app",
    "application",
    "license",
    "crypto",
    "aes",
    "hmac",
    "jwt",
    "session",
    "shared",
    "webhook",
    "deploy",
    "admin",
    "security",
    "rsa",
    "subscription",
    "integration",
    "write",
    "ssh",
    "server",
    "cipher",
    "decryption",
    "decrypt",
    "rest",
    "functions",
    "host",
    "maps",
    "project",
    "team",
    "bot",
    "user",
];
/// Words ahead of `token` or `secret` that leave no doubt.
const LOUD: &[&str] = &[
    "access", "auth", "api", "refresh", "bearer", "bot", "personal", "deploy", "client", "app",
    "shared", "consumer", "jwt", "session", "cookie", "oauth", "user", "admin", "service",
    "webhook", "signing", "id", "account", "secret", "bearer", "publish", "push", "registry",
];
/// Words at a name's end for something about a secret rather than the secret.
const ABOUT: &[&str] = &[
    "hash",
    "hashed",
    "hashes",
    "digest",
    "file",
    "filename",
    "files",
    "path",
    "paths",
    "dir",
    "directory",
    "folder",
    "url",
    "urls",
    "uri",
    "endpoint",
    "host",
    "name",
    "names",
    "id",
    "ids",
    "type",
    "types",
    "field",
    "fields",
    "param",
    "params",
    "parameter",
    "parameters",
    "label",
    "labels",
    "hint",
    "length",
    "len",
    "size",
    "count",
    "counter",
    "num",
    "number",
    "max",
    "min",
    "limit",
    "policy",
    "expiry",
    "expire",
    "expires",
    "expiration",
    "expired",
    "ttl",
    "lifetime",
    "age",
    "timeout",
    "regex",
    "regexp",
    "pattern",
    "placeholder",
    "prefix",
    "suffix",
    "input",
    "title",
    "message",
    "msg",
    "error",
    "errors",
    "reset",
    "required",
    "strength",
    "algorithm",
    "algo",
    "alg",
    "version",
    "format",
    "encoder",
    "encoding",
    "provider",
    "manager",
    "service",
    "store",
    "storage",
    "header",
    "headers",
    "issuer",
    "env",
    "var",
    "variable",
    "column",
    "property",
    "properties",
    "index",
    "ref",
    "reference",
    "arn",
    "selector",
    "kind",
    "mode",
    "validator",
    "validation",
    "class",
    "style",
    "styles",
    "dialog",
    "page",
    "view",
    "button",
    "icon",
    "form",
    "template",
    "link",
    "text",
    "description",
    "desc",
    "info",
    "state",
    "status",
    "scope",
    "scopes",
    "grant",
    "generator",
    "factory",
    "handler",
    "helper",
    "callback",
    "function",
    "method",
    "changed",
    "updated",
    "created",
    "at",
    "date",
    "time",
    "timestamp",
    "test",
    "tests",
    "spec",
    "example",
    "comment",
    "note",
    "doc",
    "docs",
    "option",
    "options",
    "setting",
    "confirmation",
    "confirm",
    "mismatch",
    "prompt",
    "filter",
    "parser",
    "lexer",
    "kinds",
    "position",
    "offset",
    "start",
    "end",
    "begin",
    "stream",
    "list",
    "map",
    "set",
    "table",
    "group",
    "pair",
    "tag",
    "source",
    "target",
    "key_id",
    "fingerprint",
    "thumbprint",
    "visibility",
    "enabled",
    "disabled",
    "exists",
    "valid",
    "invalid",
    "missing",
    "permission",
    "permissions",
    "role",
    "roles",
    "rotation",
    "metadata",
    "annotations",
    "namespace",
    "mount",
    "volume",
    "request",
    "response",
    "event",
    "action",
    "command",
    "cmd",
    "agent",
    "helper",
    "api",
    "app",
    "client",
    "server",
    "user",
    "username",
    "login",
    "email",
    "domain",
    "cost",
    "rounds",
    "iterations",
    "bits",
    "bytes",
    "char",
    "chars",
    "character",
    "characters",
    "image",
    "img",
    "color",
    "width",
    "height",
    "order",
    "level",
    "rule",
    "rules",
    "check",
    "used",
    "mtime",
    "ctime",
    "last",
    "since",
    "within",
    "after",
    "before",
    "until",
    "mgr",
    "modified",
    "days",
    "hours",
    "minutes",
    "seconds",
    "history",
    "attempts",
    "retries",
    "identifier",
    "audience",
    "claim",
    "claims",
    "usage",
    "review",
];
/// Words ahead of the secret's that make it public, or something else altogether.
const PUBLIC: &[&str] = &[
    "csrf",
    "xsrf",
    "public",
    "pub",
    "publishable",
    "next",
    "page",
    "pagination",
    "continuation",
    "cancel",
    "cancellation",
    "sync",
    "shift",
    "syntax",
    "lex",
    "lexer",
    "parse",
    "parser",
    "primary",
    "foreign",
    "cache",
    "partition",
    "sort",
    "cursor",
    "checksum",
    "integrity",
    "stop",
    "pad",
    "eos",
    "bos",
    "mask",
    "sep",
    "cls",
    "unk",
    "special",
    "start",
    "end",
    "authenticity",
    "resume",
    "sharding",
    "hash",
    "anon",
    "anonymous",
    "blinded",
    "fake",
    "nextpage",
    "input",
    "output",
    "first",
    "last",
    "current",
    "keyword",
    "operator",
    "comment",
    "string",
    "word",
    "eof",
    "punctuation",
    "invalidates",
    "verification",
    "forgery",
    "antiforgery",
    "design",
    "css",
    "theme",
    "color",
    "request",
    "change",
    "action",
    "grant",
    "idempotency",
    "badge",
    "deletion",
];
/// Words that mark a value as made up.
const MADE_UP: &[&str] = &[
    "test", "tests", "testing", "example", "dummy", "mock", "sample", "wrong", "bad", "expected",
    "demo", "invalid",
];

/// Judges a name. `Err` says why its value is no secret.
///
/// # Errors
/// The name holds no word for a secret, or is about one, or its secret is public.
pub fn judge(name: &[u8]) -> Result<NameVerdict, &'static str> {
    // Where base64 holds the letters by chance, what surrounds them is no name.
    if name.len() >= 20 && random_bits(name) > 25.0 {
        return Err("random text rather than a name");
    }
    let words = words(name);
    let word = |i: usize| words.get(i).map_or("", String::as_str);
    let found = (0..words.len()).rev().find_map(|i| {
        let ahead = i.checked_sub(1).map_or("", word);
        role(word(i), ahead).map(|role| (i, role))
    });
    let Some((at, (kind, mut points))) = found else {
        return Err("the name does not say secret");
    };
    for after in &words[at + 1..] {
        if ABOUT.contains(&after.as_str()) {
            return Err("the name is about a secret");
        }
        if after.bytes().any(|b| b.is_ascii_alphabetic()) && after.len() > 2 {
            points -= 5;
        }
    }
    // `public_key`, `csrf_token`, but not `public_api_secret`.
    let near = at.saturating_sub(2)..at;
    if words[near].iter().any(|w| PUBLIC.contains(&w.as_str())) && kind == NameKind::Key {
        return Err("what the name calls for is public");
    }
    if words.iter().any(|w| MADE_UP.contains(&w.as_str())) {
        points -= 15;
    }
    Ok(NameVerdict { kind, points })
}

/// What a word of a name says, given the word ahead of it.
fn role(word: &str, ahead: &str) -> Option<(NameKind, i32)> {
    let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
    if PASSWORDS.iter().any(|p| word.contains(p)) && !word.starts_with("passwordless") {
        return Some((NameKind::Password, 20));
    }
    if SHORT_PASSWORDS.contains(&word) || word == "pw" && !ahead.is_empty() {
        return Some((NameKind::Password, 15));
    }
    if word.len() > 4
        && (word.ends_with("pwd") || word.ends_with("pass"))
        && !matches!(word, "bypass" | "compass")
    {
        return Some((NameKind::Password, 12));
    }
    let loud = LOUD.contains(&ahead);
    match word {
        "secret" | "secrets" => Some((NameKind::Key, if loud { 20 } else { 15 })),
        "token" => Some((NameKind::Key, if loud { 18 } else { 10 })),
        "apikey" | "secretkey" | "privatekey" | "accesskey" | "authkey" | "appkey"
        | "masterkey" | "encryptionkey" | "signingkey" | "accountkey" | "clientsecret"
        | "appsecret" | "apisecret" | "secretaccesskey" => Some((NameKind::Key, 20)),
        "key" if SECRET_KEYS.contains(&ahead) => Some((
            NameKind::Key,
            if matches!(ahead, "user" | "host" | "project" | "team") {
                8
            } else {
                18
            },
        )),
        // Most keys open nothing: only one that is random beyond doubt counts.
        "key" if ahead.is_empty() => Some((NameKind::Key, -20)),
        "credential" | "credentials" | "cred" | "creds" => Some((NameKind::Key, 10)),
        "auth" | "authorization" => Some((NameKind::Key, 5)),
        _ if word.ends_with("secret")
            || word.ends_with("token") && !word.ends_with("tokentoken") =>
        {
            Some((NameKind::Key, 12))
        }
        _ if word.ends_with("apikey") => Some((NameKind::Key, 18)),
        _ => None,
    }
}

/// Splits a name into its words, in lower case: at marks, and where the case changes.
fn words(name: &[u8]) -> Vec<String> {
    let mut words = vec![String::new()];
    for (i, &byte) in name.iter().enumerate() {
        let ahead = i.checked_sub(1).map_or(0, |i| name[i]);
        let next = name.get(i + 1).copied().unwrap_or(0);
        let begins = byte.is_ascii_uppercase()
            && (ahead.is_ascii_lowercase()
                || ahead.is_ascii_digit()
                || ahead.is_ascii_uppercase() && next.is_ascii_lowercase());
        if begins || !byte.is_ascii_alphanumeric() {
            words.push(String::new());
        }
        if byte.is_ascii_alphanumeric()
            && let Some(word) = words.last_mut()
        {
            word.push(byte.to_ascii_lowercase() as char);
        }
    }
    words.retain(|w| !w.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_told_from_names_about_them() {
        let kind = |name: &str| judge(name.as_bytes()).map(|v| v.kind);
        for name in [
            "password",
            "DB_PASSWORD",
            "smtpPass",
            "spring.datasource.password",
            "adminPwd1",
            "userpassword",
        ] {
            assert_eq!(kind(name), Ok(NameKind::Password), "{name}");
        }
        for name in [
            "clientSecret",
            "API_KEY",
            "x-api-key",
            "GITHUB_TOKEN",
            "SECRET_KEY_BASE",
            "appsecret",
            "authToken",
        ] {
            assert_eq!(kind(name), Ok(NameKind::Key), "{name}");
        }
        for name in [
            "password_hash",
            "passwordField",
            "secretName",
            "token_url",
            "csrf_token",
            "public_key",
            "next_token",
            "author",
            "tokenizer",
            "monkey",
            "primaryKey",
            "secret_key_path",
        ] {
            assert!(judge(name.as_bytes()).is_err(), "{name}");
        }
    }
}
