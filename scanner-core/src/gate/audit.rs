//! What is recorded of each run of the gate: one line of JSON.
//!
//! The record outlives the push: a blocked push leaves nothing else on the server. So it says who
//! wanted what, what was decided and on which grounds, and never holds a secret. Paths, refs,
//! reasons and messages come from whoever pushes; each passes the [`Redactor`], is made printable
//! and cut. Lists are cut, too, and say what of: a line is appended with one write, and stays
//! small enough for any log to carry.
//!
//! Described by `schema/audit.schema.json`; a change here is a change there.

use crate::{
    gate::text::{clean, cut_end},
    model::{
        CommitId, Confidence, Finding, Fingerprint, IssueKind, Novelty, ObjectId, Receipt,
        RefUpdate, ScanIssue, Severity, SkipReason,
    },
    report::{Redactor, rfc3339},
};
use bstr::BString;
use serde::Serialize;
use std::{collections::BTreeMap, time::SystemTime};

/// Version of the record: raised when a reader written for an older one would fail.
pub const AUDIT_VERSION: u32 = 1;

/// The JSON Schema (draft 2020-12) of a line.
pub const AUDIT_SCHEMA: &str = include_str!("../../schema/audit.schema.json");

/// Most refs recorded of a push.
const MAX_REFS: usize = 200;
/// Most findings recorded.
const MAX_FINDINGS: usize = 200;
/// Most issues recorded.
const MAX_ISSUES: usize = 20;
/// Most bytes of a text.
const MAX_TEXT_BYTES: usize = 1000;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditVerdict {
    /// The push passes; everything was looked at.
    Allowed,
    /// The push passes, and not everything was looked at.
    AllowedIncomplete,
    /// The push passes because of an exception.
    AllowedBypass,
    /// The push passes because the policy only audits; it would be refused.
    AllowedAudit,
    /// The push is refused for what it brings.
    Blocked,
    /// The push is refused because not everything could be looked at.
    BlockedIncomplete,
    /// The push is refused because the gate itself failed.
    Error,
}

/// Whom the run was for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AuditOrigin {
    /// The machine's name.
    pub host: String,
    /// The repository's name on the server, or its directory.
    pub repository: String,
    /// The authenticated user, where the server says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What kind of server called, such as `bitbucket`, `gitlab` or `git`.
    pub server: String,
    /// What caused the call, where the server says: `push`, `pull-request-merge`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// The hook: `pre-receive`, `post-receive`.
    pub hook: String,
    /// Whether the server only asks what would be.
    pub dry_run: bool,
}

/// An exception that was asked for and given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditBypass {
    /// The way it was asked for: `push-option`, `trailer`, `grant`.
    pub kind: String,
    /// The reason given.
    pub reason: String,
    /// Who used it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// What the run cost, and how it was run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AuditRun {
    /// Wall time in milliseconds.
    pub duration_ms: u64,
    /// The policy's limit, where it has one, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deadline_ms: Option<u64>,
    /// Bytes of content scanned, expanded.
    pub bytes_expanded: u64,
    /// Bytes of new objects as they came, compressed; 0 where they did not lie apart.
    pub bytes_stored: u64,
    /// Most memory held, in KiB, where the system tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_rss_kib: Option<u64>,
    /// Threads used.
    pub threads: usize,
    /// What kept the process from doing more than scan, such as `landlock-v7+seccomp+rlimit`; `off`
    /// where that was not asked for.
    pub sandbox: String,
}

/// What is recorded of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditFinding {
    /// The rule's id.
    pub rule: String,
    /// The stable name of rule and secret.
    pub fingerprint: Fingerprint,
    /// How bad it is.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// Whether the push brings it.
    pub novelty: Novelty,
    /// What the policy said: `block`, `warn`, `note`, `allow`.
    pub action: String,
    /// The first place's path; empty for messages.
    pub path: BString,
    /// Its line, counted from 1.
    pub line: u64,
    /// The commit that brings it, where there is one; of a message, the commit or tag.
    pub commit: Option<CommitId>,
    /// In how many places it stands.
    pub places: usize,
}

/// All that a line says. Texts are taken as they are: [`AuditRecord::to_line`] redacts them.
#[derive(Debug, Clone)]
pub struct AuditRecord<'a> {
    /// When the run began.
    pub time: SystemTime,
    /// Names this run among all others, for the logs of sinks.
    pub run_id: String,
    /// Version of the program.
    pub tool_version: String,
    /// Whom it was for.
    pub origin: AuditOrigin,
    /// What the push asks for.
    pub refs: &'a [RefUpdate],
    /// What was looked at, where a scan was made.
    pub receipt: Option<&'a Receipt>,
    /// New commits.
    pub commits: u64,
    /// New commits that were not scanned in full.
    pub unscanned: u64,
    /// How it ended.
    pub verdict: AuditVerdict,
    /// The exit status.
    pub exit: u8,
    /// The policy's mode: `enforce`, `audit`, `off`.
    pub mode: String,
    /// Hash of the policy in force.
    pub policy_hash: String,
    /// What it cost.
    pub run: AuditRun,
    /// The exception, where one was used.
    pub bypass: Option<AuditBypass>,
    /// Findings that an allow list, comment or the verdict's `off` let pass unseen.
    pub suppressed: u64,
    /// What was found: see [`AuditFinding::new`].
    pub findings: &'a [AuditFinding],
    /// What kept the gate from working, where something did.
    pub error: Option<String>,
}

impl AuditFinding {
    /// Takes from a finding what is recorded. `action` is what the policy said.
    pub fn new(finding: &Finding, novelty: Novelty, action: &str) -> Self {
        let first = finding.occurrences.first();
        let path = first.map_or_else(Vec::new, |occurrence| match &occurrence.member {
            Some(member) => [occurrence.path.as_slice(), b"!/", member].concat(),
            None => occurrence.path.to_vec(),
        });
        let commit = first.and_then(|occurrence| match &occurrence.introduced {
            Some(commit) => Some(commit.commit),
            None if occurrence.path.is_empty() => Some(occurrence.blob),
            None => None,
        });
        Self {
            rule: finding.rule.id.clone(),
            fingerprint: finding.fingerprint.clone(),
            severity: finding.rule.severity,
            confidence: finding.confidence,
            novelty,
            action: action.to_owned(),
            path: path.into(),
            line: first.map_or(0, |occurrence| occurrence.location.start_line),
            commit,
            places: finding.occurrences.len(),
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    version: u32,
    time: String,
    run_id: String,
    tool: Tool,
    #[serde(flatten)]
    origin: AuditOrigin,
    refs: Vec<RefLine>,
    refs_total: usize,
    verdict: AuditVerdict,
    exit: u8,
    mode: String,
    counts: Counts,
    #[serde(flatten)]
    run: AuditRun,
    ruleset_hash: &'a str,
    policy_hash: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    bypass: Option<AuditBypass>,
    findings: Vec<FindingLine<'a>>,
    issues: Vec<IssueLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: String,
}

#[derive(Serialize)]
struct RefLine {
    #[serde(rename = "ref")]
    name: String,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
    change: &'static str,
}

#[derive(Serialize)]
struct Counts {
    commits: u64,
    commits_unscanned: u64,
    tags: u64,
    blobs_scanned: u64,
    blobs_skipped: u64,
    skipped_by_reason: BTreeMap<SkipReason, u64>,
    findings: usize,
    suppressed: u64,
    issues: usize,
}

#[derive(Serialize)]
struct FindingLine<'a> {
    rule: String,
    fingerprint: &'a Fingerprint,
    severity: Severity,
    confidence: Confidence,
    novelty: &'static str,
    action: String,
    path: String,
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<CommitId>,
    places: usize,
}

#[derive(Serialize)]
struct IssueLine {
    kind: IssueKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<ObjectId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    message: String,
}

impl AuditRecord<'_> {
    /// Writes the record as one line that ends in the only line feed it holds. `redactor` must
    /// know all secrets of the push.
    ///
    /// # Panics
    /// Never: a record is plain data, which always has a JSON form.
    pub fn to_line(&self, redactor: &Redactor) -> Vec<u8> {
        let clean = Cleaner { redactor };
        let nothing = Receipt::default();
        let receipt = self.receipt.unwrap_or(&nothing);
        let origin = &self.origin;
        let line = Line {
            version: AUDIT_VERSION,
            time: rfc3339_millis(self.time),
            run_id: clean.text(&self.run_id),
            tool: Tool {
                name: "gitsieve",
                version: clean.text(&self.tool_version),
            },
            origin: AuditOrigin {
                host: clean.text(&origin.host),
                repository: clean.text(&origin.repository),
                user: clean.some(origin.user.as_ref()),
                server: clean.text(&origin.server),
                trigger: clean.some(origin.trigger.as_ref()),
                hook: clean.text(&origin.hook),
                dry_run: origin.dry_run,
            },
            refs: self
                .refs
                .iter()
                .take(MAX_REFS)
                .map(|r| clean.update(r))
                .collect(),
            refs_total: self.refs.len(),
            verdict: self.verdict,
            exit: self.exit,
            mode: clean.text(&self.mode),
            counts: Counts {
                commits: self.commits,
                commits_unscanned: self.unscanned,
                tags: receipt.tags,
                blobs_scanned: receipt.blobs.scanned,
                blobs_skipped: receipt.blobs.skipped,
                skipped_by_reason: receipt.blobs.skipped_by_reason.clone(),
                findings: self.findings.len(),
                suppressed: self.suppressed,
                issues: receipt.issues.len(),
            },
            run: AuditRun {
                sandbox: clean.text(&self.run.sandbox),
                ..self.run.clone()
            },
            ruleset_hash: &receipt.ruleset_hash,
            policy_hash: clean.text(&self.policy_hash),
            bypass: self.bypass.as_ref().map(|bypass| AuditBypass {
                kind: clean.text(&bypass.kind),
                reason: clean.text(&bypass.reason),
                by: clean.some(bypass.by.as_ref()),
            }),
            findings: self
                .findings
                .iter()
                .take(MAX_FINDINGS)
                .map(|f| clean.finding(f))
                .collect(),
            issues: receipt
                .issues
                .iter()
                .take(MAX_ISSUES)
                .map(|i| clean.issue(i))
                .collect(),
            error: clean.some(self.error.as_ref()),
        };
        let mut out =
            serde_json::to_vec(&line).expect("a record has text for keys, and no failing parts");
        out.push(b'\n');
        out
    }
}

/// Makes texts fit to be kept.
struct Cleaner<'a> {
    redactor: &'a Redactor,
}

impl Cleaner<'_> {
    fn bytes(&self, bytes: &[u8]) -> String {
        cut_end(clean(self.redactor, bytes), MAX_TEXT_BYTES)
    }

    fn text(&self, text: &str) -> String {
        self.bytes(text.as_bytes())
    }

    fn some(&self, text: Option<&String>) -> Option<String> {
        text.map(|text| self.text(text))
    }

    fn update(&self, update: &RefUpdate) -> RefLine {
        RefLine {
            name: self.bytes(&update.name),
            old: update.old,
            new: update.new,
            change: match (update.old, update.new) {
                (None, Some(_)) => "create",
                (Some(_), Some(_)) => "update",
                (_, None) => "delete",
            },
        }
    }

    fn finding<'f>(&self, finding: &'f AuditFinding) -> FindingLine<'f> {
        FindingLine {
            rule: self.text(&finding.rule),
            fingerprint: &finding.fingerprint,
            severity: finding.severity,
            confidence: finding.confidence,
            novelty: match finding.novelty {
                Novelty::Introduced => "introduced",
                Novelty::Old => "old",
            },
            action: self.text(&finding.action),
            path: self.bytes(&finding.path),
            line: finding.line,
            commit: finding.commit,
            places: finding.places,
        }
    }

    fn issue(&self, issue: &ScanIssue) -> IssueLine {
        IssueLine {
            kind: issue.kind,
            object: issue.object,
            path: self.some(issue.path.as_ref()),
            message: self.text(&issue.message),
        }
    }
}

/// The time in UTC with milliseconds, such as `2026-11-24T12:00:00.250Z`.
fn rfc3339_millis(time: SystemTime) -> String {
    let since = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    // A clock past the year 9999 is no clock.
    let text = rfc3339(seconds, 0).unwrap_or_else(|| "9999-12-31T23:59:59".to_owned());
    let text = text.strip_suffix("+00:00").unwrap_or(&text);
    format!("{text}.{:03}Z", since.subsec_millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Proof, RuleInfo, Secret};
    use proptest::{collection::vec, prelude::*};
    use std::{sync::Arc, time::Duration};

    fn secret() -> Secret {
        Secret::new(["planted-", "0123456789abcdef"].concat().as_bytes())
    }

    fn redactor() -> Redactor {
        Redactor::new([secret()])
    }

    fn id(n: u8) -> ObjectId {
        ObjectId::from_bytes(&[n; 20]).unwrap()
    }

    fn record(receipt: &Receipt) -> AuditRecord<'_> {
        AuditRecord {
            time: SystemTime::UNIX_EPOCH + Duration::from_millis(1_709_247_599_007),
            run_id: "run".into(),
            tool_version: "1.2.3".into(),
            origin: AuditOrigin::default(),
            refs: &[],
            receipt: Some(receipt),
            commits: 0,
            unscanned: 0,
            verdict: AuditVerdict::Blocked,
            exit: 1,
            mode: "enforce".into(),
            policy_hash: String::new(),
            run: AuditRun::default(),
            bypass: None,
            suppressed: 0,
            findings: &[],
            error: None,
        }
    }

    fn found(path: &[u8]) -> AuditFinding {
        let rule = RuleInfo {
            id: "acme-token".into(),
            description: "Acme token".into(),
            severity: Severity::High,
            confidence: Confidence::Medium,
            remediation: String::new(),
            references: Vec::new(),
            tags: Vec::new(),
        };
        let finding = Finding {
            rule: Arc::new(rule),
            confidence: Confidence::High,
            fingerprint: Fingerprint::new("acme-token", &secret()),
            secret: secret(),
            written: Vec::new(),
            proof: Proof::Plausible,
            notes: Vec::new(),
            occurrences: Vec::new(),
            suppression: None,
        };
        AuditFinding {
            path: path.into(),
            ..AuditFinding::new(&finding, Novelty::Introduced, "block")
        }
    }

    fn value(line: &[u8]) -> serde_json::Value {
        assert_eq!(line.split(|b| *b == b'\n').count(), 2);
        assert_eq!(line.last(), Some(&b'\n'));
        serde_json::from_slice(line).unwrap()
    }

    #[test]
    fn times_are_utc_with_milliseconds() {
        let line = record(&Receipt::default()).to_line(&redactor());
        assert_eq!(value(&line)["time"], "2024-02-29T22:59:59.007Z");
        let past = SystemTime::UNIX_EPOCH - Duration::from_secs(1);
        assert_eq!(rfc3339_millis(past), "1970-01-01T00:00:00.000Z");
    }

    #[test]
    fn lists_are_cut_and_counted() {
        let issue = ScanIssue::interrupted();
        let receipt = Receipt {
            issues: vec![issue; 21],
            ..Receipt::default()
        };
        let update = RefUpdate {
            name: "refs/heads/x".into(),
            old: None,
            new: Some(id(1)),
        };
        let (refs, findings) = (vec![update; 201], vec![found(b"a"); 201]);
        let mut record = record(&receipt);
        record.refs = &refs;
        record.findings = &findings;
        let line = value(&record.to_line(&redactor()));
        let lens = ["refs", "findings", "issues"].map(|l| line[l].as_array().unwrap().len());
        assert_eq!(lens, [200, 200, 20]);
        assert_eq!(line["refs_total"], 201);
        assert_eq!(line["counts"]["findings"], 201);
        assert_eq!(line["counts"]["issues"], 21);
        assert_eq!(line["refs"][0]["old"], serde_json::Value::Null);
        assert_eq!(line["refs"][0]["change"], "create");
    }

    proptest! {
        #[test]
        fn no_line_holds_a_secret_or_an_inner_end(
            pieces in vec((vec(any::<u8>(), 0..12), any::<bool>()), 0..8),
        ) {
            let planted = |(mut bytes, plant): (Vec<u8>, bool)| {
                if plant {
                    bytes.extend(secret().reveal());
                }
                bytes.extend(b"\n\x1b[0m");
                bytes
            };
            let bytes: Vec<u8> = pieces.into_iter().flat_map(planted).collect();
            let text = || String::from_utf8_lossy(&bytes).into_owned();
            let receipt = Receipt {
                issues: vec![ScanIssue { message: text(), path: Some(text()), ..ScanIssue::interrupted() }],
                ..Receipt::default()
            };
            let refs = [RefUpdate { name: bytes.clone().into(), old: Some(id(1)), new: None }];
            let findings = [found(&bytes)];
            let mut record = record(&receipt);
            record.refs = &refs;
            record.findings = &findings;
            record.run_id = text();
            record.mode = text();
            record.policy_hash = text();
            record.tool_version = text();
            record.error = Some(text());
            record.run.sandbox = text();
            record.bypass = Some(AuditBypass { kind: text(), reason: text(), by: Some(text()) });
            record.origin = AuditOrigin {
                host: text(),
                repository: text(),
                user: Some(text()),
                server: text(),
                trigger: Some(text()),
                hook: text(),
                dry_run: true,
            };
            let line = record.to_line(&redactor());
            value(&line);
            let needle = secret();
            prop_assert!(!line.windows(needle.reveal().len()).any(|w| w == needle.reveal()));
            prop_assert!(line.iter().all(|b| *b == b'\n' || !b.is_ascii_control()));
        }
    }
}
