//! trufflehog: one finding a line. It has no decisions: whoever migrates its findings accepts
//! them.

use super::{Foreign, ForeignEntry, ForeignError, records};
use crate::model::{Secret, TriageStatus};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    detector_name: String,
    #[serde(default)]
    raw: String,
    /// Where a credential has two halves: both, joined.
    #[serde(default)]
    raw_v2: String,
    #[serde(default)]
    verified: bool,
    source_metadata: Option<Metadata>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    /// By kind of source: `Git`, `Filesystem`, ...
    #[serde(default)]
    data: BTreeMap<String, Place>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Place {
    file: String,
    line: u64,
    commit: String,
}

pub(super) fn read(content: &[u8]) -> Result<Foreign, ForeignError> {
    let mut out = Foreign::default();
    let all: Vec<Found> = records::read(content, &mut out)?;
    for (number, found) in (1..).zip(all) {
        let places = found.source_metadata.map(|m| m.data).unwrap_or_default();
        let place = places.into_values().next().unwrap_or_default();
        let known = [found.raw, found.raw_v2].into_iter();
        let note = if found.verified {
            "verified as live"
        } else {
            ""
        };
        out.entries.push(ForeignEntry {
            number,
            path: place.file,
            line: place.line,
            commit: (!place.commit.is_empty()).then(|| place.commit.to_ascii_lowercase()),
            rule: found.detector_name,
            secrets: known
                .filter(|s| !s.is_empty())
                .map(|s| Secret::new(s.as_bytes()))
                .collect(),
            status: Some(TriageStatus::Accepted),
            note: note.to_owned(),
            ..ForeignEntry::default()
        });
    }
    Ok(out)
}
