//! From the shape of the format to the model.

use super::super::Redactor;
use super::wire;
use crate::model::{
    CommitInfo, Finding, Fingerprint, Location, ObjectId, Occurrence, Part, Receipt, RuleInfo,
    ScanIssue, Secret, Severity, Span, Suppression, parse_rfc3339,
};
use crate::model::{Confidence, IssueKind};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bstr::BString;
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

/// Stands for a date that the report could not tell: no report can tell it again.
const UNKNOWN_DATE: i64 = i64::MAX;

type Read<T> = Result<T, &'static str>;

/// Reads findings. What many have in common is kept once.
pub(super) struct Reader<'a> {
    redactor: &'a Redactor,
    rules: HashMap<(String, String, Severity, Confidence), Arc<RuleInfo>>,
    commits: HashSet<Arc<CommitInfo>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(redactor: &'a Redactor) -> Self {
        Self {
            redactor,
            rules: HashMap::new(),
            commits: HashSet::new(),
        }
    }

    pub(super) fn finding(&mut self, from: wire::Finding) -> Read<Finding> {
        let fingerprint = Fingerprint::parse(&from.fingerprint)
            .ok_or("`fingerprint` is not v1: and 32 hexadecimal digits")?;
        if from.occurrences.is_empty() {
            return Err("`occurrences` is empty");
        }
        let texts = |all: &[String]| all.iter().map(|one| self.text(one)).collect();
        let mut rule = RuleInfo {
            severity: from.severity,
            confidence: from.rule_confidence.unwrap_or(from.confidence),
            remediation: self.text(&from.remediation),
            references: texts(&from.references),
            tags: texts(&from.tags),
            ..rule(self.text(&from.rule_id), self.text(&from.description))
        };
        if rule.id.is_empty() {
            return Err("`rule_id` is empty");
        }
        let key = (
            rule.id.clone(),
            rule.description.clone(),
            rule.severity,
            rule.confidence,
        );
        let rule = match self.rules.get(&key) {
            Some(known) if **known == rule => Arc::clone(known),
            _ => {
                rule.remediation.shrink_to_fit();
                let rule = Arc::new(rule);
                self.rules.insert(key, Arc::clone(&rule));
                rule
            }
        };
        let occurrences = from.occurrences.into_iter().map(|o| self.occurrence(o));
        let occurrences = occurrences.collect::<Read<Vec<_>>>()?;
        Ok(Finding {
            rule,
            confidence: from.confidence,
            fingerprint,
            secret: redacted(&from.redacted),
            written: Vec::new(),
            proof: from.proof,
            notes: from.notes.iter().map(|note| self.text(note)).collect(),
            occurrences,
            suppression: from.suppression.map(|s| Suppression {
                reason: self.text(&s.reason),
                owner: self.text(&s.owner),
                expires: s.expires.map(|day| self.text(&day)),
                ..s
            }),
        })
    }

    fn occurrence(&mut self, from: wire::Occurrence) -> Read<Occurrence> {
        let (location, span) = position(from.position)?;
        let member = match (from.member, from.member_bytes) {
            (None, _) => None,
            (Some(text), exact) => Some(self.exact(text, exact)?),
        };
        Ok(Occurrence {
            path: self.exact(from.path, from.path_bytes)?,
            member,
            location,
            span,
            encoding: from.encoding,
            blob: id(&from.blob)?,
            place: from.place,
            introduced: match from.introduced {
                Some(commit) => Some(self.commit(&commit)?),
                None => None,
            },
            also_introduced_in: from
                .also_introduced_in
                .iter()
                .map(|text| id(text))
                .collect::<Read<_>>()?,
            last_seen: from.last_seen.as_deref().map(id).transpose()?,
            last_seen_seconds: from
                .last_seen_date
                .as_deref()
                .and_then(parse_rfc3339)
                .map(|(seconds, _)| seconds),
            refs: from.refs.iter().map(|name| self.text(name)).collect(),
            parts: from
                .parts
                .iter()
                .map(|part| self.part(part))
                .collect::<Read<_>>()?,
            allowed_by: from.allowed_by,
        })
    }

    fn part(&self, from: &wire::Part) -> Read<Part> {
        let (location, span) = position(from.position)?;
        Ok(Part {
            rule: Arc::new(rule(self.text(&from.rule_id), self.text(&from.description))),
            secret: redacted(&from.redacted),
            location,
            span,
        })
    }

    fn commit(&mut self, from: &wire::Commit) -> Read<Arc<CommitInfo>> {
        let (seconds, offset_minutes) = match &from.date {
            Some(date) => parse_rfc3339(date).ok_or("`date` is no date")?,
            None => (UNKNOWN_DATE, 0),
        };
        let commit = Arc::new(CommitInfo {
            commit: id(&from.id)?,
            author: self.text(&from.author).into(),
            email: self.text(&from.email).into(),
            committer_email: BString::default(),
            seconds,
            offset_minutes,
            summary: self.text(&from.summary).into(),
        });
        if let Some(known) = self.commits.get(&commit) {
            return Ok(Arc::clone(known));
        }
        self.commits.insert(Arc::clone(&commit));
        Ok(commit)
    }

    fn text(&self, text: &str) -> String {
        self.redactor.redact_str(text).into_owned()
    }

    /// A text of which the exact bytes may stand beside it.
    fn exact(&self, text: String, exact: Option<String>) -> Read<BString> {
        let bytes = match exact {
            Some(exact) => STANDARD
                .decode(exact)
                .map_err(|_| "`path_bytes` or `member_bytes` is not base64")?,
            None => text.into_bytes(),
        };
        Ok(self.redactor.redact(&bytes).into_owned().into())
    }
}

/// A rule of which a report tells no more.
fn rule(id: String, description: String) -> RuleInfo {
    RuleInfo {
        id,
        description,
        severity: Severity::Low,
        confidence: Confidence::Low,
        remediation: String::new(),
        references: Vec::new(),
        tags: Vec::new(),
    }
}

/// The redacted form in place of a secret. Redacted, because a report may hold anything there.
fn redacted(text: &str) -> Secret {
    Secret::new(Secret::new(text.as_bytes()).redacted().as_bytes())
}

fn position(from: wire::Position) -> Read<(Location, Span)> {
    if from.byte_start > from.byte_end {
        return Err("`byte_end` lies before `byte_start`");
    }
    let location = Location {
        start_line: from.start_line,
        start_column: from.start_column,
        end_line: from.end_line,
        end_column: from.end_column,
        start_character: from.start_character.unwrap_or(from.start_column),
        end_character: from.end_character.unwrap_or(from.end_column),
    };
    let least = location
        .start_line
        .min(location.start_column)
        .min(location.end_column)
        .min(location.start_character)
        .min(location.end_character);
    if least == 0 || location.end_line < location.start_line {
        return Err("lines and columns count from 1, and a secret ends where it starts or later");
    }
    Ok((location, Span::new(from.byte_start, from.byte_end)))
}

fn id(text: &str) -> Read<ObjectId> {
    ObjectId::from_hex(text.as_bytes()).map_err(|_| "an object id is not 40 or 64 digits")
}

/// The receipt of a report that was cut off.
pub(super) fn cut_off() -> Receipt {
    Receipt {
        issues: vec![ScanIssue {
            kind: IssueKind::Limit,
            object: None,
            path: None,
            message: "the report was cut off: its receipt is missing".to_owned(),
        }],
        ..Receipt::default()
    }
}

pub(super) fn receipt(from: wire::Receipt, redactor: &Redactor) -> Read<Receipt> {
    let text = |text: &str| redactor.redact_str(text).into_owned();
    let tip = |(name, target): (&String, &String)| Ok((text(name), id(target)?));
    let issue = |issue: &wire::Issue| {
        Ok(ScanIssue {
            kind: issue.kind,
            object: issue.object.as_deref().map(id).transpose()?,
            path: issue.path.as_deref().map(text),
            message: text(&issue.message),
        })
    };
    Ok(Receipt {
        blobs: from.blobs,
        commits: from.commits,
        trees: from.trees,
        tags: from.tags,
        bytes: from.bytes,
        tips: from.tips.iter().map(tip).collect::<Read<_>>()?,
        ruleset_hash: text(&from.ruleset_hash),
        below_confidence: from.below_confidence,
        max_decode_depth: from.max_decode_depth,
        fingerprint_key: from.fingerprint_key.as_deref().map(text),
        triage: from.triage,
        complete: from.complete,
        issues: from.issues.iter().map(issue).collect::<Read<_>>()?,
    })
}
