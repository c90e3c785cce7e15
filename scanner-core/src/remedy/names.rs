//! Names of variables for the values that take a secret's place.
//!
//! A name is taken from what the code already calls the secret, else from what the provider's own
//! tools read, else from the rule and the file. Names are `[A-Z_][A-Z0-9_]*`, and each is given once.

use crate::{model::Finding, report::Redactor};
use std::collections::HashMap;

/// Longest name, in characters.
const MAX_CHARS: usize = 64;

/// Names that tools of the provider, or their documentation, read. By the beginning of a rule's id.
const KNOWN: &[(&str, &str)] = &[
    ("aws-secret-access-key", "AWS_SECRET_ACCESS_KEY"),
    ("aws-session-token", "AWS_SESSION_TOKEN"),
    ("aws-access-key-id", "AWS_ACCESS_KEY_ID"),
    ("azure-client-secret", "AZURE_CLIENT_SECRET"),
    ("azure-storage-key", "AZURE_STORAGE_KEY"),
    ("azure-openai-key", "AZURE_OPENAI_API_KEY"),
    ("anthropic-", "ANTHROPIC_API_KEY"),
    ("bitbucket-", "BITBUCKET_TOKEN"),
    ("cloudflare-", "CLOUDFLARE_API_TOKEN"),
    ("gcp-service-account-key", "GOOGLE_APPLICATION_CREDENTIALS"),
    ("github-", "GITHUB_TOKEN"),
    ("gitlab-", "GITLAB_TOKEN"),
    ("heroku-", "HEROKU_API_KEY"),
    ("huggingface-", "HF_TOKEN"),
    ("npm", "NPM_TOKEN"),
    ("openai-", "OPENAI_API_KEY"),
    ("postgres", "DATABASE_URL"),
    ("sendgrid-", "SENDGRID_API_KEY"),
    ("slack-bot-token", "SLACK_BOT_TOKEN"),
    ("slack-webhook", "SLACK_WEBHOOK_URL"),
    ("stripe-secret-key", "STRIPE_SECRET_KEY"),
    ("vault-", "VAULT_TOKEN"),
];

/// Rules about any secret of a form: the file tells more than the rule.
const ABOUT_ANYTHING: &[&str] = &[
    "generic-",
    "url-credentials",
    "connection-string-",
    "dsn-",
    "jdbc-",
    "sql-",
    "private-key",
];

/// Words that say what a thing is and not which one.
const VAGUE: &[&str] = &[
    "KEY", "TOKEN", "SECRET", "PASSWORD", "PASS", "PWD", "PASSWD", "VALUE", "DATA", "AUTH",
    "STRING", "DEFAULT", "NAME", "API_KEY", "APIKEY", "K", "X",
];

/// Variables that shells and loaders act on.
const TAKEN_BY_SYSTEMS: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "SHELL",
    "IFS",
    "ENV",
    "BASH_ENV",
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "PYTHONPATH",
    "NODE_OPTIONS",
    "PS1",
    "TERM",
    "LANG",
];

/// Gives names, each once.
#[derive(Debug, Default)]
pub struct VariableNames {
    given: HashMap<String, u32>,
}

impl VariableNames {
    /// Returns a name for the new value of a finding's secret. `near` is what the code calls it,
    /// where that is known ([`name_before`]).
    pub fn next(&mut self, finding: &Finding, near: Option<&str>, redactor: &Redactor) -> String {
        // A name that holds a secret of the report is none.
        let harmless = |name: &str| redactor.redact(name.as_bytes()) == name.as_bytes();
        let near = near.filter(|name| harmless(name)).map(upper_snake);
        let wanted = near
            .filter(|name| is_telling(name))
            .or_else(|| known(&finding.rule.id))
            .unwrap_or_else(|| of_rule_and_path(finding, redactor));
        self.unique(valid(wanted))
    }

    fn unique(&mut self, name: String) -> String {
        let mut number = self.given.get(&name).copied().unwrap_or(0);
        let mut candidate = name.clone();
        loop {
            number += 1;
            if number > 1 {
                candidate = format!("{name}_{number}");
            }
            if number == 1 || !self.given.contains_key(&candidate) {
                break;
            }
        }
        self.given.insert(name, number);
        self.given.entry(candidate.clone()).or_insert(1);
        candidate
    }
}

/// Returns what the text before a secret calls it: `GITHUB_TOKEN` of `export GITHUB_TOKEN="`.
/// Looks at the last line alone. `None` where nothing is assigned.
pub fn name_before(text: &[u8]) -> Option<String> {
    let line = text.rsplit(|b| *b == b'\n').next()?;
    let blank = |b: &u8| matches!(b, b' ' | b'\t' | b'"' | b'\'' | b'`');
    let line = trim_end(line, blank);
    let assigned = trim_end(line, |b| matches!(b, b'=' | b':' | b'>'));
    if assigned.len() == line.len() {
        return None;
    }
    let before = trim_end(assigned, blank);
    let part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let name = &before[trim_end(before, part).len()..];
    // The user of a URL is no name of its password.
    if before[..before.len() - name.len()].ends_with(b"/") {
        return None;
    }
    let last = name.rsplit(|b| *b == b'.').next()?;
    let named = last.first().is_some_and(u8::is_ascii_alphabetic) && last.len() <= MAX_CHARS;
    named.then(|| String::from_utf8_lossy(last).into_owned())
}

fn trim_end(text: &[u8], drop: impl Fn(&u8) -> bool) -> &[u8] {
    let end = text.iter().rposition(|b| !drop(b)).map_or(0, |at| at + 1);
    &text[..end]
}

fn is_telling(name: &str) -> bool {
    name.len() >= 3 && !VAGUE.contains(&name)
}

fn known(rule_id: &str) -> Option<String> {
    let entry = KNOWN.iter().find(|(start, _)| rule_id.starts_with(start));
    entry.map(|(_, name)| (*name).to_owned())
}

fn of_rule_and_path(finding: &Finding, redactor: &Redactor) -> String {
    let id = &finding.rule.id;
    if !ABOUT_ANYTHING.iter().any(|start| id.starts_with(start)) {
        return upper_snake(id);
    }
    let path = redactor.redact(&finding.occurrences[0].path);
    let file = path.rsplit(|b| *b == b'/').next().unwrap_or_default();
    let mut pieces = file.split(|b| *b == b'.').filter(|piece| !piece.is_empty());
    let stem = upper_snake(&String::from_utf8_lossy(pieces.next().unwrap_or_default()));
    let kind = match id.as_str() {
        "url-credentials" => "PASSWORD".to_owned(),
        id if id.starts_with("private-key") => "PRIVATE_KEY".to_owned(),
        id => upper_snake(id.rsplit('-').next().unwrap_or(id)),
    };
    if stem.is_empty() {
        return upper_snake(id);
    }
    format!("{stem}_{kind}")
}

/// `apiToken`, `api-token` and `api.token` as `API_TOKEN`; letters and digits of ASCII alone stay.
fn upper_snake(text: &str) -> String {
    let mut name = String::with_capacity(text.len() + 4);
    let mut was_lower = false;
    for c in text.chars() {
        if !c.is_ascii_alphanumeric() {
            was_lower = false;
            if !name.is_empty() && !name.ends_with('_') {
                name.push('_');
            }
            continue;
        }
        if c.is_ascii_uppercase() && was_lower {
            name.push('_');
        }
        was_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        name.push(c.to_ascii_uppercase());
    }
    name.truncate(MAX_CHARS);
    name.trim_end_matches('_').to_owned()
}

fn valid(name: String) -> String {
    if name.is_empty() {
        return "SECRET".into();
    }
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        return format!("SECRET_{name}");
    }
    if TAKEN_BY_SYSTEMS.contains(&name.as_str()) {
        return format!("{name}_SECRET");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::super::testing::finding;
    use super::*;

    fn name(rule: &str, path: &str, near: Option<&str>) -> String {
        let finding = finding(rule, b"long-enough-secret", path);
        VariableNames::default().next(&finding, near, &Redactor::default())
    }

    #[test]
    fn names_come_from_the_code_then_the_provider_then_rule_and_file() {
        for (rule, path, near, wanted) in [
            ("github-pat", "a.sh", None, "GITHUB_TOKEN"),
            ("github-pat", "a.sh", Some("deployToken"), "DEPLOY_TOKEN"),
            ("github-pat", "a.sh", Some("token"), "GITHUB_TOKEN"),
            ("aws-secret-access-key", "", None, "AWS_SECRET_ACCESS_KEY"),
            ("acme-api-key", "x", None, "ACME_API_KEY"),
            ("generic-password", "etc/db.prod.env", None, "DB_PASSWORD"),
            ("url-credentials", ".env", None, "ENV_PASSWORD"),
            ("generic-secret", "\u{65e5}\u{672c}", None, "GENERIC_SECRET"),
            ("2fa-key", "x", None, "SECRET_2FA_KEY"),
            ("acme-key", "x", Some("PATH"), "PATH_SECRET"),
        ] {
            assert_eq!(name(rule, path, near), wanted, "{rule} {path} {near:?}");
        }
    }

    #[test]
    fn each_name_is_given_once_also_where_one_looks_like_a_counted_one() {
        let mut names = VariableNames::default();
        let mut next = |near| {
            let found = finding("r", b"long-enough-secret", "p");
            names.next(&found, Some(near), &Redactor::default())
        };
        assert_eq!(next("DB_HOST"), "DB_HOST");
        assert_eq!(next("DB_HOST_2"), "DB_HOST_2");
        assert_eq!(next("DB_HOST"), "DB_HOST_3");
        assert_eq!(next("DB_HOST_3"), "DB_HOST_3_2");
        assert_eq!(next("DB_HOST"), "DB_HOST_4");
    }

    #[test]
    fn the_name_before_a_secret_is_what_it_is_assigned_to() {
        for (text, wanted) in [
            ("x\nexport GITHUB_TOKEN=\"", Some("GITHUB_TOKEN")),
            ("  \"apiToken\": \"", Some("apiToken")),
            ("spring.mail.password = ", Some("password")),
            ("key => '", Some("key")),
            ("Authorization: Bearer ", None),
            ("postgres://app:", None),
            ("TOKEN=\n", None),
            ("", None),
        ] {
            assert_eq!(name_before(text.as_bytes()).as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn a_name_that_holds_a_secret_is_not_used() {
        let found = finding("acme-key", b"hunter2hunter2", "p");
        let redactor = Redactor::new([found.secret.clone()]);
        let name = VariableNames::default().next(&found, Some("a_hunter2hunter2"), &redactor);
        assert_eq!(name, "ACME_KEY");
    }
}
