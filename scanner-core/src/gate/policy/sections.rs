//! Reads the tables `[rules]`, `[[allow]]` and `[break-glass]` of a policy.

use super::{AllowEntry, Grant, parse::Layer, setting::Setting};
use crate::{
    config::{Entry, Globs, Reader, Star, Table},
    gate::expiry::Expiry,
};
use std::sync::Arc;

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
                    let paths = paths.into_iter().map(|(_, path)| self.beside_file(path));
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

    fn allow_entry(&mut self, line: u32, table: &Table<'_>) -> Option<AllowEntry> {
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

    fn grant(&mut self, line: u32, table: &Table<'_>) -> Option<Grant> {
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
}

fn is_option_name(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_graphic() && c != '=')
}

/// As git takes it.
fn is_trailer_key(key: &str) -> bool {
    key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !key.eq_ignore_ascii_case("signed-off-by")
}
