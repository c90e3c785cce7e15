//! Where SARIF says that a secret stands, and since when.
//!
//! Paths of a repository are relative to `%SRCROOT%`, which whoever reads the file knows and we do
//! not tell. Content without a path (a message, a blob that no tree names) has no physical place
//! by the letter of the standard, and GitHub refuses a whole file for one result without: it gets a
//! name under a base of its own, and a logical location that says what it is.

use super::message;
use crate::{
    model::{CommitId, Finding, Location, Occurrence, Part, Span, Where},
    report::{Redactor, wording},
};
use serde_json::{Value, json};

/// The root of the repository's files.
pub(super) const ROOT: &str = "%SRCROOT%";
/// Content that has no path.
const OBJECTS: &str = "%GITOBJECTS%";

/// Other commits that brought the same, as far as a history tells them.
const RETURNS_SHOWN: usize = 20;
/// Parts of a credential shown with it.
const PARTS_SHOWN: usize = 50;

/// `originalUriBaseIds` (3.14.14): described, and without an address.
pub(super) fn bases() -> Value {
    json!({
        ROOT: { "description": { "text": "The root of the repository's files." } },
        OBJECTS: { "description": { "text":
            "Content that has no path in the repository: commits, tags, notes and blobs by their id."
        } },
    })
}

/// A `location` (3.28).
pub(super) fn of_occurrence(redactor: &Redactor, occurrence: &Occurrence) -> Value {
    let mut out = json!({
        "physicalLocation": physical(redactor, occurrence, occurrence.location, occurrence.span),
        "message": message(wording::standing(occurrence.place)),
    });
    if let Some(logical) = logical(redactor, occurrence) {
        out["logicalLocations"] = json!([logical]);
    }
    out
}

/// The other halves of the credential at a place.
pub(super) fn of_parts(redactor: &Redactor, occurrence: &Occurrence) -> Vec<Value> {
    let part = |(at, part): (usize, &Part)| {
        let secret = wording::secret(redactor, &part.secret);
        json!({
            "id": at + 1,
            "physicalLocation": physical(redactor, occurrence, part.location, part.span),
            "message": message(&format!("{}: {secret}", wording::title(&part.rule))),
        })
    };
    let parts = occurrence.parts.iter().take(PARTS_SHOWN);
    parts.enumerate().map(part).collect()
}

/// A `threadFlow` (3.37) from the commit that brought the secret to the last that holds it;
/// `None` for content that is in no commit.
pub(super) fn history(redactor: &Redactor, occurrence: &Occurrence) -> Option<Value> {
    let introduced = occurrence.introduced.as_deref()?;
    let summary = wording::text(redactor, &introduced.summary);
    let commit = wording::commit(redactor, introduced);
    let mut steps = vec![(
        introduced.commit,
        format!("introduced in {commit}: {summary}"),
    )];
    for id in occurrence.also_introduced_in.iter().take(RETURNS_SHOWN) {
        steps.push((*id, format!("introduced again in {}", wording::short(id))));
    }
    if let Some(last) = occurrence.last_seen {
        let text = match occurrence.place {
            Where::Head => format!("still there in {}, which is HEAD", wording::short(&last)),
            _ => format!("last seen in {}", wording::short(&last)),
        };
        steps.push((last, text));
    }
    let place = physical(redactor, occurrence, occurrence.location, occurrence.span);
    let step = |(commit, text): (CommitId, String)| {
        json!({ "location": {
            "physicalLocation": place,
            "message": message(&text),
            "properties": { "commit": commit },
        } })
    };
    let locations: Vec<Value> = steps.into_iter().map(step).collect();
    Some(json!({
        "message": message(&format!("History of {}", wording::name(redactor, occurrence))),
        "locations": locations,
    }))
}

/// Tells the places of one secret apart, whatever the line: 32 hexadecimal digits of BLAKE3 of
/// what the report shows.
pub(super) fn fingerprint(
    redactor: &Redactor,
    finding: &Finding,
    occurrence: &Occurrence,
) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in [
        finding.fingerprint.as_str(),
        &wording::name(redactor, occurrence),
    ] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_owned()
}

fn physical(redactor: &Redactor, occurrence: &Occurrence, at: Location, span: Span) -> Value {
    let mut out = json!({ "artifactLocation": artifact(redactor, occurrence) });
    // Lines of a container's member are none of the container's.
    if occurrence.member.is_none() {
        out["region"] = region(at, span);
    }
    out
}

/// A `region` (3.30): from 1, in code points, the end column one past the last character.
fn region(at: Location, span: Span) -> Value {
    json!({
        "startLine": at.start_line,
        "startColumn": at.start_character,
        "endLine": at.end_line,
        "endColumn": at.end_character + 1,
        "byteOffset": span.start,
        "byteLength": span.len(),
    })
}

/// An `artifactLocation` (3.4).
fn artifact(redactor: &Redactor, occurrence: &Occurrence) -> Value {
    let path = redactor.redact(&occurrence.path);
    let in_object =
        |kind: &str| json!({ "uri": format!("{kind}/{}", occurrence.blob), "uriBaseId": OBJECTS });
    match occurrence.place {
        Where::CommitMessage => in_object("commits"),
        Where::TagMessage => in_object("tags"),
        Where::Note => in_object("notes"),
        Where::Stdin if path.is_empty() => json!({ "uri": "stdin" }),
        _ if path.is_empty() => in_object("blobs"),
        Where::File | Where::Stdin => match path.strip_prefix(b"/") {
            Some(rest) => json!({ "uri": format!("file:///{}", percent(rest)) }),
            None => json!({ "uri": percent(path.strip_prefix(b"./").unwrap_or(&path)) }),
        },
        _ => json!({ "uri": percent(&path), "uriBaseId": ROOT }),
    }
}

/// Says what content is that is no plain file.
fn logical(redactor: &Redactor, occurrence: &Occurrence) -> Option<Value> {
    let name = wording::name(redactor, occurrence);
    let kind = match occurrence.place {
        Where::CommitMessage => "commit message",
        Where::TagMessage => "tag message",
        Where::Note => "note",
        _ if occurrence.member.is_some() => "resource",
        Where::Stdin => return None,
        _ if occurrence.path.is_empty() => "blob",
        _ => return None,
    };
    let own = match &occurrence.member {
        Some(member) => wording::text(redactor, member),
        None => name.clone(),
    };
    Some(json!({ "name": own, "fullyQualifiedName": name, "kind": kind }))
}

/// A path as a relative reference (RFC 3986, 4.2): of what may stand in a segment, only what can
/// be mistaken for nothing else stays as it is, and no colon, which could end a scheme.
fn percent(path: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(path.len());
    for &byte in path {
        if byte.is_ascii_alphanumeric() || b"/-._~*+,=@!$".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::percent;

    #[test]
    fn every_path_is_one_relative_reference() {
        assert_eq!(percent(b"src/a-b_c.rs"), "src/a-b_c.rs");
        assert_eq!(percent(b"a b#c?d%e:f\\g"), "a%20b%23c%3Fd%25e%3Af%5Cg");
        assert_eq!(percent("é\n\u{202e}".as_bytes()), "%C3%A9%0A%E2%80%AE");
        assert_eq!(percent(b"\xff<>"), "%FF%3C%3E");
    }
}
