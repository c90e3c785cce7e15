//! Opens the sealed values of a store.

use super::{super::decisions, keys, open};
use crate::{
    exit::{CliError, ExitStatus},
    output,
    plan::ValuesPlan,
};
use scanner_core::{
    model::{Fingerprint, FingerprintKey, Secret},
    report::printable,
};
use scanner_sweep::{
    seal::{Opened, PrivateKey},
    store::{Patience, SealedValue},
};
use serde::Serialize;
use std::{collections::BTreeSet, fmt::Write as _};

/// What is printed. Holds secrets: it has no `Debug`.
#[derive(Default, Serialize)]
struct Values {
    values: Vec<One>,
    not_opened: Vec<Closed>,
}

/// One value.
#[derive(Serialize)]
struct One {
    fingerprint: String,
    rule: String,
    /// Repositories that hold it, or held it.
    repositories: Vec<String>,
    /// Whether none of them holds it any more.
    gone: bool,
    /// Whether the fingerprint is of this very value. Under another key of fingerprints, it is not.
    matches_fingerprint: bool,
    #[serde(flatten)]
    value: Shown,
    /// Other halves of the credential.
    parts: Vec<Part>,
}

#[derive(PartialEq, Eq, Serialize)]
struct Part {
    rule: String,
    #[serde(flatten)]
    value: Shown,
}

/// A value as text, where it is one.
#[derive(PartialEq, Eq, Serialize)]
enum Shown {
    #[serde(rename = "value")]
    Text(String),
    #[serde(rename = "value_base64")]
    Bytes(String),
}

/// A value that could not be opened.
#[derive(Serialize)]
struct Closed {
    fingerprint: String,
    rule: Option<String>,
    repositories: Vec<String>,
    problem: String,
}

pub(super) fn show(plan: &ValuesPlan) -> Result<ExitStatus, CliError> {
    let key = keys::private(&plan.key)?;
    let fingerprints = decisions::key(plan.fingerprint_key.as_deref())?;
    let mut sealed = open(&plan.store, Patience::none())?.sealed_values()?;
    let only: BTreeSet<&str> = plan.only.iter().map(Fingerprint::as_str).collect();
    sealed.retain(|one| only.is_empty() || only.contains(&*one.fingerprint));
    if sealed.is_empty() && only.is_empty() {
        output::notice("the store holds no values: sweeps with --seal-values keep them");
    }
    let mut all = opened(&sealed, &key, &fingerprints);
    let there: BTreeSet<&str> = sealed.iter().map(|one| &*one.fingerprint).collect();
    all.not_opened
        .extend(only.difference(&there).map(|fingerprint| Closed {
            fingerprint: (*fingerprint).to_owned(),
            rule: None,
            repositories: Vec::new(),
            problem: "the store holds no value of it".into(),
        }));
    if plan.json {
        plan.to.write_private_json(&all)?;
    } else {
        plan.to.write_private(human(&all.values).as_bytes())?;
    }
    for one in &all.not_opened {
        let mut place = one.fingerprint.clone();
        if let Some(rule) = &one.rule {
            let _ = write!(place, " [{rule}] of {}", one.repositories.join(", "));
        }
        output::notice(&format!("{place}: {}", one.problem));
    }
    Ok(if all.not_opened.is_empty() {
        ExitStatus::Clean
    } else {
        ExitStatus::Incomplete
    })
}

/// Opens what can be opened. A secret of several repositories is there once.
fn opened(sealed: &[SealedValue], key: &PrivateKey, fingerprints: &FingerprintKey) -> Values {
    let mut all = Values::default();
    for one in sealed {
        let repository = one.repository.clone();
        match one.open(key) {
            Ok(opened) => {
                let Opened { value, parts } = &opened;
                let text = shown(value);
                let parts = parts.iter().map(|(rule, value)| Part {
                    rule: rule.clone(),
                    value: shown(value),
                });
                // They come by fingerprint.
                let same =
                    |known: &&mut One| known.fingerprint == one.fingerprint && known.value == text;
                if let Some(known) = all.values.last_mut().filter(same) {
                    known.repositories.push(repository);
                    known.gone &= one.gone;
                    for part in parts {
                        if !known.parts.contains(&part) {
                            known.parts.push(part);
                        }
                    }
                    continue;
                }
                all.values.push(One {
                    matches_fingerprint: opened.matches_fingerprint(
                        fingerprints,
                        &one.rule,
                        &one.fingerprint,
                    ),
                    fingerprint: one.fingerprint.clone(),
                    rule: one.rule.clone(),
                    repositories: vec![repository],
                    gone: one.gone,
                    parts: parts.collect(),
                    value: text,
                });
            }
            Err(error) => {
                let problem = error.to_string();
                let same = |known: &&mut Closed| {
                    known.fingerprint == one.fingerprint && known.problem == problem
                };
                if let Some(known) = all.not_opened.last_mut().filter(same) {
                    known.repositories.push(repository);
                    continue;
                }
                all.not_opened.push(Closed {
                    fingerprint: one.fingerprint.clone(),
                    rule: Some(one.rule.clone()),
                    repositories: vec![repository],
                    problem,
                });
            }
        }
    }
    all
}

fn shown(value: &Secret) -> Shown {
    let bytes = value.reveal();
    match std::str::from_utf8(bytes) {
        Ok(text) => Shown::Text(text.to_owned()),
        Err(_) => Shown::Bytes(scanner_sweep::seal::base64(bytes)),
    }
}

fn human(values: &[One]) -> String {
    let mut text = String::new();
    let clean = |text: &str| printable(text.as_bytes());
    let value = |value: &Shown| match value {
        Shown::Text(text) => clean(text),
        Shown::Bytes(base64) => format!("{base64} (base64)"),
    };
    for one in values {
        let gone = if one.gone { " (gone)" } else { "" };
        let _ = writeln!(
            text,
            "{}  {}\n  in     {}{gone}\n  value  {}",
            clean(&one.fingerprint),
            clean(&one.rule),
            clean(&one.repositories.join(", ")),
            value(&one.value)
        );
        for part in &one.parts {
            let _ = writeln!(
                text,
                "  with   {} [{}]",
                value(&part.value),
                clean(&part.rule)
            );
        }
        if !one.matches_fingerprint {
            let _ = writeln!(
                text,
                "  UNSURE: the fingerprint is not of this value, unless it was made under another \
                 --fingerprint-key-file"
            );
        }
    }
    text
}
