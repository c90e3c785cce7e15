//! The tables of a policy: `[rules]`, `[[allow]]`, `[break-glass]`, `[audit]`.

use super::{
    AllowEntry, AuditSettings, Grant, Syslog, Webhook,
    parse::Layer,
    read::{Entry, Reader},
    setting::Setting,
};
use crate::{
    gate::{
        expiry::Expiry,
        glob::{Globs, Star},
    },
    model::Secret,
};
use std::{path::PathBuf, sync::Arc};
use toml::de::DeTable;

const RULES: &[&str] = &["config", "files", "only", "exclude"];
const ALLOW: &[&str] = &[
    "fingerprints",
    "rules",
    "paths",
    "repositories",
    "reason",
    "expires",
];
const BREAK_GLASS: &[&str] = &[
    "push-option",
    "trailer",
    "users",
    "per-day",
    "ledger",
    "grants",
];
const GRANT: &[&str] = &["users", "repositories", "reason", "expires"];
const AUDIT: &[&str] = &[
    "path",
    "required",
    "syslog",
    "webhook",
    "webhook-header",
    "webhook-ca",
    "budget",
];

impl Reader<'_> {
    pub(super) fn rules(&mut self, layer: &mut Layer, entry: Entry<'_, '_>) {
        let Some(table) = self.table(entry) else {
            return;
        };
        for entry in self.entries(table) {
            let setting = match entry.key {
                "config" => self.path(entry).map(Setting::RuleConfig),
                "files" => {
                    let paths = self.strings(entry);
                    let paths = paths.into_iter().map(|(_, path)| self.beside_policy(path));
                    Some(Setting::RuleFiles(paths.collect()))
                }
                "only" => Some(Setting::OnlyRules(self.ids(entry))),
                "exclude" => Some(Setting::ExcludeRules(self.ids(entry))),
                _ => {
                    self.unknown(entry, RULES, "[rules]");
                    None
                }
            };
            layer.settings.extend(setting);
        }
    }

    fn ids(&mut self, entry: Entry<'_, '_>) -> Vec<String> {
        let strings = self.strings(entry);
        strings.into_iter().map(|(_, id)| id.to_owned()).collect()
    }

    pub(super) fn allow(&mut self, layer: &mut Layer, entry: Entry<'_, '_>) {
        for (line, table) in self.tables(entry, "[[allow]]") {
            let entry = self.allow_entry(line, table);
            layer
                .settings
                .extend(entry.map(|entry| Setting::Allow(Arc::new(entry))));
        }
    }

    fn allow_entry(&mut self, line: u32, table: &DeTable<'_>) -> Option<AllowEntry> {
        let mut allow = AllowEntry {
            line,
            reason: String::new(),
            expires: None,
            repositories: Globs::default(),
            fingerprints: Vec::new(),
            rules: Globs::default(),
            paths: Globs::default(),
        };
        let mut has_reason = false;
        let mut selects = false;
        for entry in self.entries(table) {
            match entry.key {
                "fingerprints" => allow.fingerprints = self.fingerprints(entry),
                "rules" => allow.rules = self.globs(entry, Star::Anything),
                "paths" => allow.paths = self.globs(entry, Star::WithinSlashes),
                "repositories" => allow.repositories = self.globs(entry, Star::WithinSlashes),
                "reason" => {
                    has_reason = true;
                    allow.reason = self.sentence(entry).unwrap_or_default();
                }
                "expires" => allow.expires = self.expiry(entry),
                _ => self.unknown(entry, ALLOW, "[[allow]]"),
            }
            selects |= matches!(
                entry.key,
                "fingerprints" | "rules" | "paths" | "repositories"
            );
        }
        if !has_reason {
            self.problem(line, "[[allow]] without \"reason\": say why, or who agreed");
        }
        if !selects {
            self.problem(
                line,
                "[[allow]] would allow everything: give \"fingerprints\", \"rules\", \"paths\" or \
                 \"repositories\"",
            );
        }
        // Only an entry whose every part was understood is kept: what is left out would count as
        // "any". The policy is refused anyhow; this keeps that from depending on it.
        self.problems.is_empty().then_some(allow)
    }

    fn fingerprints(&mut self, entry: Entry<'_, '_>) -> Vec<String> {
        let mut out = Vec::new();
        for (line, text) in self.strings(entry) {
            let is_one = text.strip_prefix("v1:").is_some_and(|digits| {
                digits.len() == 32
                    && digits
                        .bytes()
                        .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
            });
            if is_one {
                out.push(text.to_owned());
            } else {
                self.problem(
                    line,
                    "key \"fingerprints\": expected \"v1:\" and 32 hexadecimal digits, as reports \
                     show them",
                );
            }
        }
        out.sort_unstable();
        out
    }

    fn expiry(&mut self, entry: Entry<'_, '_>) -> Option<Expiry> {
        let date = self.date(entry)?;
        let expiry = Expiry::of(&date);
        if expiry.is_none() {
            self.wrong(
                entry,
                "a time needs a date and an offset, such as 2026-12-01T12:00:00Z",
            );
        }
        expiry
    }

    pub(super) fn break_glass(&mut self, layer: &mut Layer, entry: Entry<'_, '_>) {
        let Some(table) = self.table(entry) else {
            return;
        };
        for entry in self.entries(table) {
            let setting = match entry.key {
                "push-option" => self
                    .way(
                        layer,
                        entry,
                        is_option_name,
                        "an option's name without spaces or \"=\"",
                    )
                    .map(Setting::PushOption),
                "trailer" => self
                    .way(
                        layer,
                        entry,
                        is_trailer_key,
                        "a trailer's key of letters, digits and dashes, other than Signed-off-by",
                    )
                    .map(Setting::Trailer),
                "users" => {
                    layer.has_users = true;
                    Some(Setting::Users(self.globs(entry, Star::Anything)))
                }
                "per-day" => {
                    layer.per_day = Some(entry.line);
                    self.integer(entry, 1..10_001).map(Setting::PerDay)
                }
                "ledger" if layer.is_override => {
                    self.problem(
                        entry.line,
                        "key \"ledger\" cannot stand in [[override]]: uses are counted together; \
                         move it to the top level's [break-glass]",
                    );
                    None
                }
                "ledger" => {
                    layer.has_ledger = true;
                    self.absolute_path(entry).map(Setting::Ledger)
                }
                "grants" => {
                    for (line, table) in self.tables(entry, "[[break-glass.grants]]") {
                        let grant = self.grant(line, table);
                        layer
                            .settings
                            .extend(grant.map(|grant| Setting::Grant(Arc::new(grant))));
                    }
                    None
                }
                _ => {
                    self.unknown(entry, BREAK_GLASS, "[break-glass]");
                    None
                }
            };
            layer.settings.extend(setting);
        }
    }

    /// The name of a push option or trailer; an empty one turns off what the base has.
    fn way(
        &mut self,
        layer: &mut Layer,
        entry: Entry<'_, '_>,
        is_name: fn(&str) -> bool,
        wanted: &str,
    ) -> Option<String> {
        let name = self.text(entry)?;
        if name.is_empty() {
            return Some(String::new());
        }
        if !is_name(name) {
            self.wrong(entry, &format!("expected {wanted}"));
            return None;
        }
        layer.asks = Some(entry.line);
        Some(name.to_owned())
    }

    fn grant(&mut self, line: u32, table: &DeTable<'_>) -> Option<Grant> {
        const PLACE: &str = "[[break-glass.grants]]";
        let mut users = Globs::default();
        let mut repositories = Globs::default();
        let mut reason = None;
        let mut expires = None;
        let entries = self.entries(table);
        for &entry in &entries {
            match entry.key {
                "users" => users = self.globs(entry, Star::Anything),
                "repositories" => repositories = self.globs(entry, Star::WithinSlashes),
                "reason" => reason = self.sentence(entry),
                "expires" => expires = self.expiry(entry),
                _ => self.unknown(entry, GRANT, PLACE),
            }
        }
        let has = |key: &str| entries.iter().any(|entry| entry.key == key);
        if !has("reason") {
            self.problem(line, format!("{PLACE} without \"reason\": say why"));
        }
        if !has("expires") {
            self.problem(
                line,
                format!("{PLACE} without \"expires\": a grant must end; give a date"),
            );
        }
        if !has("users") && !has("repositories") {
            self.problem(
                line,
                format!("{PLACE} would open every push: give \"users\" or \"repositories\""),
            );
        }
        Some(Grant {
            line,
            users,
            repositories,
            reason: reason?,
            expires: expires?,
        })
        .filter(|_| self.problems.is_empty())
    }

    pub(super) fn audit_table(&mut self, line: u32, table: &DeTable<'_>) -> AuditSettings {
        let mut audit = AuditSettings::default();
        let mut header = None;
        let mut ca = None;
        let entries = self.entries(table);
        for &entry in &entries {
            match entry.key {
                "path" => audit.path = self.absolute_path(entry),
                "required" => audit.required = self.boolean(entry).unwrap_or_default(),
                "syslog" => audit.syslog = self.syslog(entry),
                "webhook" => audit.webhook = self.webhook(entry),
                "webhook-header" => header = self.header(entry),
                "webhook-ca" => ca = self.path(entry),
                "budget" => audit.budget = self.duration(entry).unwrap_or(audit.budget),
                _ => self.unknown(entry, AUDIT, "[audit]"),
            }
        }
        let has = |key: &str| entries.iter().any(|entry| entry.key == key);
        if audit.required && !has("path") {
            self.problem(
                line,
                "[audit] key \"required\" needs \"path\": only a file's line can be required",
            );
        }
        for &entry in &entries {
            if matches!(entry.key, "webhook-header" | "webhook-ca") && !has("webhook") {
                self.wrong(entry, "needs \"webhook\", the address it is for");
            }
            if entry.key == "budget" && !has("webhook") && !has("syslog") {
                self.wrong(
                    entry,
                    "is the time of \"syslog\" and \"webhook\": give one, or remove it",
                );
            }
        }
        if let Some(webhook) = &mut audit.webhook {
            webhook.header = header;
            webhook.ca = ca;
        }
        audit
    }

    fn syslog(&mut self, entry: Entry<'_, '_>) -> Option<Syslog> {
        let text = self.text(entry)?;
        let syslog = if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            path.is_absolute().then_some(Syslog::Unix(path))
        } else if let Some(address) = text.strip_prefix("udp://") {
            has_port(address).then(|| Syslog::Udp(address.to_owned()))
        } else if let Some(address) = text.strip_prefix("tcp://") {
            has_port(address).then(|| Syslog::Tcp(address.to_owned()))
        } else {
            None
        };
        if syslog.is_none() {
            self.wrong(
                entry,
                "expected unix:/dev/log, udp://HOST:PORT or tcp://HOST:PORT",
            );
        }
        syslog
    }

    fn webhook(&mut self, entry: Entry<'_, '_>) -> Option<Webhook> {
        let url = self.text(entry)?;
        let (scheme, rest) = url.split_once("://").unwrap_or_default();
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\');
        if host.is_empty() || !url.chars().all(plain) {
            self.wrong(entry, "expected an address, such as https://HOST/PATH");
        } else if host.contains('@') {
            self.wrong(
                entry,
                "must not hold a user's name or password: use \"webhook-header\"",
            );
        } else if scheme == "https" || (scheme == "http" && is_this_machine(host)) {
            return Some(Webhook {
                url: Secret::new(url.as_bytes()),
                shown: format!("{scheme}://{host}"),
                header: None,
                ca: None,
            });
        } else {
            self.wrong(
                entry,
                "must begin with https:// (http:// is for localhost alone): audit lines tell who \
                 pushed secrets where",
            );
        }
        None
    }

    fn header(&mut self, entry: Entry<'_, '_>) -> Option<(String, Secret)> {
        let text = self.text(entry)?;
        let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        let parts = text
            .split_once(':')
            .map(|(name, value)| (name, value.trim()));
        let valid = parts.filter(|(name, value)| {
            let printable = value.chars().all(|c| c.is_ascii_graphic() || c == ' ');
            !name.is_empty() && name.chars().all(token) && !value.is_empty() && printable
        });
        if valid.is_none() {
            self.wrong(entry, "expected NAME: VALUE on one line");
        }
        valid.map(|(name, value)| (name.to_owned(), Secret::new(value.as_bytes())))
    }
}

fn is_option_name(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_graphic() && c != '=')
}

/// As git takes it.
fn is_trailer_key(key: &str) -> bool {
    key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !key.eq_ignore_ascii_case("signed-off-by")
}

fn has_port(address: &str) -> bool {
    address.rsplit_once(':').is_some_and(|(host, port)| {
        let host_is_plain = host.chars().all(|c| c.is_ascii_graphic() && c != '/');
        !host.is_empty() && host_is_plain && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

/// Whether a URL's `host:port` is this machine's.
fn is_this_machine(host: &str) -> bool {
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|name| {
        let port = host.strip_prefix(name);
        port.is_some_and(|port| port.is_empty() || port.starts_with(':'))
    })
}
