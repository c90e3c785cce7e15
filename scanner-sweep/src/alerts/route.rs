//! Which findings go to whom.

use super::config::{Channel, Flavor, Kind, To};
use crate::store::{NewFinding, Queued};
use std::collections::{BTreeMap, BTreeSet};

/// Findings in one document of a webhook: programs get all of them, in several documents.
const MOST_IN_A_DOCUMENT: usize = 100;
/// Longest mail address (RFC 5321).
const MAX_ADDRESS_BYTES: usize = 254;

/// Takes a mail address that can be written to without doubt, in lower case: anyone can write
/// anything into a commit. One in which a secret was redacted has asterisks, and is none.
pub(super) fn address(text: &str) -> Option<String> {
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@')?;
    let plain = |c: char| c.is_ascii_alphanumeric() || "._+-='".contains(c);
    let label = |label: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !label.is_empty() && label.chars().all(inner) && !label.starts_with('-')
    };
    let is_one = text.len() <= MAX_ADDRESS_BYTES
        && !local.is_empty()
        && local.len() <= 64
        && local.chars().all(plain)
        && domain.split('.').all(label)
        && text.parse::<lettre::Address>().is_ok();
    is_one.then(|| text.to_ascii_lowercase())
}

/// What a channel is to send about findings that are new to it.
pub(super) fn plan(channel: &Channel, new: &[NewFinding]) -> Vec<Queued> {
    let wanted: Vec<usize> = (0..new.len())
        .filter(|&at| wants(channel, &new[at]))
        .collect();
    let all = |recipient: String| Queued {
        recipient,
        findings: wanted.clone(),
    };
    match &channel.kind {
        _ if wanted.is_empty() => Vec::new(),
        Kind::Mail(To::These(addresses)) => addresses.iter().cloned().map(all).collect(),
        Kind::Mail(To::Owners { domains, fallback }) => {
            let mut by_recipient: BTreeMap<String, Vec<usize>> = BTreeMap::new();
            for at in wanted {
                for recipient in owners(&new[at], domains, fallback) {
                    by_recipient.entry(recipient).or_default().push(at);
                }
            }
            let one = |(recipient, findings)| Queued {
                recipient,
                findings,
            };
            by_recipient.into_iter().map(one).collect()
        }
        Kind::Web {
            flavor: Flavor::Json,
            ..
        } => {
            let chunk = |findings: &[usize]| Queued {
                recipient: String::new(),
                findings: findings.to_vec(),
            };
            wanted.chunks(MOST_IN_A_DOCUMENT).map(chunk).collect()
        }
        Kind::Web { .. } => vec![all(String::new())],
    }
}

fn wants(channel: &Channel, finding: &NewFinding) -> bool {
    // A level that this version does not know is better told than not.
    finding
        .severity
        .parse()
        .map_or(true, |s| channel.min_severity <= s)
        && finding
            .confidence
            .parse()
            .map_or(true, |c| channel.min_confidence <= c)
        && (channel.repositories.is_empty() || channel.repositories.is_match(&finding.repository))
}

fn owners(finding: &NewFinding, domains: &[String], fallback: &[String]) -> BTreeSet<String> {
    let inside = |address: &String| {
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
        domains.iter().any(|known| known == domain)
    };
    let people = finding.people.iter().filter_map(|text| address(text));
    let owners: BTreeSet<String> = people.filter(inside).collect();
    if owners.is_empty() {
        fallback.iter().cloned().collect()
    } else {
        owners
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_addresses_are_written_to() {
        assert_eq!(
            address(" Ada.L+x@Example.ORG ").as_deref(),
            Some("ada.l+x@example.org")
        );
        for bad in [
            "",
            "ada",
            "@example.org",
            "a@",
            "a b@example.org",
            "a@b@example.org",
            "ab****cd@example.org",
            "\"x\"@example.org",
            "a@example.org\r\nBcc: x@y.z",
            "a@[127.0.0.1]",
            "a@-x.org",
            "a@x..org",
            "zo\u{eb}@example.org",
            "<a@example.org>",
            "a..b@example.org,c@example.org",
        ] {
            assert_eq!(address(bad), None, "{bad}");
        }
        assert_eq!(address(&format!("{}@example.org", "a".repeat(65))), None);
    }
}
