//! From a policy's text to its settings.

use super::{
    AuditSettings, MAX_POLICY_BYTES, Override, Policy, hash_of,
    setting::{
        Action, AtDeadline, CONFIDENCES, LargeBlobs, Mode, OldSecrets, OnError, SEVERITIES, Setting,
    },
};
use crate::{
    config::{Entry, Globs, Problems, Reader, Star, Table},
    model::{Confidence, Severity},
};

const SETTINGS: &[&str] = &[
    "mode",
    "deadline",
    "at-deadline",
    "on-error",
    "old-secrets",
    "large-blobs",
    "max-blob-size",
    "max-push-size",
    "threads",
    "trust-alternate-refs",
    "inline-comments",
    "repository-config",
    "spool",
    "contact",
    "verdict",
    "rules",
    "allow",
    "break-glass",
    "audit",
    "override",
    "repositories",
];

/// Reads a policy.
///
/// # Errors
/// Every problem of the text.
pub(super) fn parse(text: &str, origin: &str) -> Result<Policy, Problems> {
    let (mut reader, root) = Reader::parse(text, origin, MAX_POLICY_BYTES, "policy")?;
    let mut policy = Policy {
        hash: hash_of(text),
        ..Policy::default()
    };
    let mut overrides = Vec::new();
    let mut base = Layer::of_file();
    for entry in reader.entries(&root) {
        match entry.key {
            "audit" => policy.audit = reader.audit(entry),
            "override" => overrides = reader.tables(entry, "[[override]]"),
            "repositories" => reader.unknown(entry, &[], "a policy"),
            _ => reader.setting(&mut base, entry),
        }
    }
    reader.check(&base, None);
    for (line, table) in overrides {
        policy
            .overrides
            .extend(reader.override_table(line, table, &base));
    }
    policy.base = base.settings;
    reader.finish(policy)
}

/// The settings of a file's top level or of one override, and where those stand that need others.
#[derive(Default)]
pub(super) struct Layer {
    pub(super) settings: Vec<Setting>,
    /// What it is called in messages.
    pub(super) place: &'static str,
    pub(super) is_override: bool,
    /// Line of `at-deadline = "newest-first"`.
    newest_first: Option<u32>,
    /// Line of a push option or trailer.
    pub(super) asks: Option<u32>,
    /// Line of `per-day`.
    pub(super) per_day: Option<u32>,
    has_spool: bool,
    pub(super) has_users: bool,
    pub(super) has_ledger: bool,
}

impl Layer {
    fn of_file() -> Self {
        Self {
            place: "a policy",
            ..Self::default()
        }
    }

    fn of_override() -> Self {
        Self {
            place: "[[override]]",
            is_override: true,
            ..Self::default()
        }
    }
}

impl Reader<'_> {
    fn override_table(&mut self, line: u32, table: &Table<'_>, base: &Layer) -> Option<Override> {
        let mut layer = Layer::of_override();
        let mut repositories = None;
        let entries = self.entries(table);
        for &entry in &entries {
            match entry.key {
                "repositories" => repositories = Some(self.globs(entry, Star::WithinSlashes)),
                "audit" => self.problem(
                    entry.line,
                    "key \"audit\" cannot stand in [[override]]: one log tells of all \
                     repositories; move it to the top level",
                ),
                "override" => self.problem(
                    entry.line,
                    "key \"override\" cannot stand in [[override]]: write a second one after it",
                ),
                _ => self.setting(&mut layer, entry),
            }
        }
        self.check(&layer, Some(base));
        let repositories: Option<Globs> = repositories;
        if repositories.is_none() {
            self.problem(
                line,
                "[[override]] without \"repositories\": say where it holds, or move its keys to \
                 the top level",
            );
        } else if entries.len() < 2 {
            self.problem(
                line,
                "[[override]] changes nothing: give it a key, or remove it",
            );
        }
        Some(Override {
            line,
            repositories: repositories?,
            settings: layer.settings,
        })
    }

    /// Finds what a layer needs and neither it nor the base has. No override can take away what
    /// another layer has of these, so that what holds here holds for every repository.
    fn check(&mut self, layer: &Layer, base: Option<&Layer>) {
        let has = |is: fn(&Layer) -> bool| is(layer) || base.is_some_and(is);
        if let Some(line) = layer.newest_first
            && !has(|layer| layer.has_spool)
        {
            self.problem(
                line,
                "key \"at-deadline\": \"newest-first\" needs \"spool\", a directory for what is \
                 left",
            );
        }
        if let Some(line) = layer.asks
            && !has(|layer| layer.has_users)
        {
            self.problem(
                line,
                "a push option or trailer needs \"users\" in [break-glass]: name who may use it",
            );
        }
        if let Some(line) = layer.per_day
            && !has(|layer| layer.has_ledger)
        {
            self.problem(
                line,
                "key \"per-day\" needs \"ledger\" in the top level's [break-glass], a file that \
                 counts the uses",
            );
        }
    }

    /// A key that both the top level and overrides take.
    fn setting(&mut self, layer: &mut Layer, entry: Entry<'_, '_>) {
        let setting = match entry.key {
            "mode" => self.choice(entry, Mode::ALL).map(Setting::Mode),
            "deadline" => self.duration(entry).map(Setting::Deadline),
            "at-deadline" => {
                let choice = self.choice(entry, AtDeadline::ALL);
                if choice == Some(AtDeadline::NewestFirst) {
                    layer.newest_first = Some(entry.line);
                }
                choice.map(Setting::AtDeadline)
            }
            "on-error" => self.choice(entry, OnError::ALL).map(Setting::OnError),
            "old-secrets" => self.choice(entry, OldSecrets::ALL).map(Setting::OldSecrets),
            "large-blobs" => self.choice(entry, LargeBlobs::ALL).map(Setting::LargeBlobs),
            "max-blob-size" => self.size(entry).and_then(|bytes| {
                if bytes == 0 {
                    self.wrong(entry, "0 would scan nothing; mode = \"off\" says that");
                }
                (bytes > 0).then_some(Setting::MaxBlobBytes(bytes))
            }),
            "max-push-size" => self
                .size(entry)
                .map(|bytes| Setting::MaxPushBytes((bytes > 0).then_some(bytes))),
            "threads" => self
                .integer(entry, 1..257)
                .map(|n| Setting::Threads(n as usize)),
            "trust-alternate-refs" => self.boolean(entry).map(Setting::TrustAlternateRefs),
            "inline-comments" => self.boolean(entry).map(Setting::InlineComments),
            "repository-config" => self.boolean(entry).map(Setting::RepositoryConfig),
            "spool" => {
                layer.has_spool = true;
                self.absolute_path(entry).map(Setting::Spool)
            }
            "contact" => self.sentence(entry).map(Setting::Contact),
            "verdict" => return self.verdict(layer, entry),
            "rules" => return self.rules(layer, entry),
            "allow" => return self.allow(layer, entry),
            "break-glass" => return self.break_glass(layer, entry),
            _ => return self.unknown(entry, SETTINGS, layer.place),
        };
        layer.settings.extend(setting);
    }

    /// A word for a severity stands for high and medium confidence, and low confidence is off
    /// then; a table sets the confidences that it names.
    fn verdict(&mut self, layer: &mut Layer, entry: Entry<'_, '_>) {
        let Some(table) = self.table(entry) else {
            return;
        };
        for entry in self.entries(table) {
            let Some(severity) = SEVERITIES.into_iter().find(|s| s.as_str() == entry.key) else {
                self.unknown(entry, &SEVERITIES.map(Severity::as_str), "[verdict]");
                continue;
            };
            if !Self::is_table(entry) {
                let Some(action) = self.choice(entry, Action::ALL) else {
                    continue;
                };
                for confidence in CONFIDENCES {
                    let action = match confidence {
                        Confidence::Low => Action::Off,
                        Confidence::Medium | Confidence::High => action,
                    };
                    let cell = Setting::Verdict(severity, confidence, action);
                    layer.settings.push(cell);
                }
                continue;
            }
            let Some(table) = self.table(entry) else {
                continue;
            };
            for entry in self.entries(table) {
                if let Some(confidence) = CONFIDENCES.into_iter().find(|c| c.as_str() == entry.key)
                {
                    let action = self.choice(entry, Action::ALL);
                    layer
                        .settings
                        .extend(action.map(|a| Setting::Verdict(severity, confidence, a)));
                } else {
                    let known = CONFIDENCES.map(Confidence::as_str);
                    self.unknown(entry, &known, "a severity of [verdict]");
                }
            }
        }
    }

    fn audit(&mut self, entry: Entry<'_, '_>) -> AuditSettings {
        self.table(entry)
            .map_or_else(AuditSettings::default, |table| {
                self.audit_table(entry.line, table)
            })
    }
}
