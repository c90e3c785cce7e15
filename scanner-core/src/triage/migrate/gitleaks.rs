//! gitleaks: ignore files and reports.

use super::{Foreign, ForeignEntry, ForeignError, records};
use crate::model::{Secret, TriageStatus};
use serde::Deserialize;

/// Reads a `.gitleaksignore`. Paths may hold colons, so that fields are counted from the end.
pub(super) fn ignore(content: &[u8]) -> Foreign {
    let mut out = Foreign::default();
    for (number, line) in (1..).zip(content.split(|b| *b == b'\n')) {
        let line = String::from_utf8_lossy(line);
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match fingerprint(line) {
            Some(entry) => out.entries.push(ForeignEntry { number, ..entry }),
            None => out.notes.push((
                number,
                "neither COMMIT:PATH:RULE:LINE nor PATH:RULE:LINE".to_owned(),
            )),
        }
    }
    out
}

fn fingerprint(text: &str) -> Option<ForeignEntry> {
    let mut fields = text.rsplitn(3, ':');
    let line = fields.next()?.parse().ok()?;
    let rule = fields.next()?;
    let place = fields.next()?;
    let (commit, path) = match place.split_once(':') {
        Some((commit, path)) if is_commit(commit) => (Some(commit.to_ascii_lowercase()), path),
        _ => (None, place),
    };
    let entry = ForeignEntry {
        path: path.to_owned(),
        line,
        commit,
        rule: rule.to_owned(),
        status: Some(TriageStatus::Accepted),
        ..ForeignEntry::default()
    };
    (!path.is_empty() && !rule.is_empty() && line > 0).then_some(entry)
}

fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Finding {
    #[serde(rename = "RuleID")]
    rule: String,
    file: String,
    commit: String,
    start_line: u64,
    secret: String,
}

/// Reads a report.
pub(super) fn report(content: &[u8]) -> Result<Foreign, ForeignError> {
    let mut out = Foreign::default();
    // A report of nothing may be `null`.
    let findings: Option<Vec<Finding>> = if content.trim_ascii() == b"null" {
        None
    } else {
        Some(records::read(content, &mut out)?)
    };
    for (number, finding) in (1..).zip(findings.into_iter().flatten()) {
        out.entries.push(ForeignEntry {
            number,
            path: finding.file,
            line: finding.start_line,
            commit: is_commit(&finding.commit).then(|| finding.commit.to_ascii_lowercase()),
            rule: finding.rule,
            secrets: if is_redacted(&finding.secret) {
                Vec::new()
            } else {
                vec![Secret::new(finding.secret.as_bytes())]
            },
            status: Some(TriageStatus::Accepted),
            ..ForeignEntry::default()
        });
    }
    Ok(out)
}

/// Whether a report shows nothing of a secret, or its start alone.
fn is_redacted(secret: &str) -> bool {
    secret.is_empty() || secret == "REDACTED" || secret.ends_with("...")
}
