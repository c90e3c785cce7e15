//! What a policy comes to, for whoever wrote it.
//!
//! Shows what holds after every override, for a repository and a user, and what deserves a
//! second look. Credentials of the policy (a webhook's address and header) are left out.

use super::{
    break_glass::{Way, ways},
    expiry::Expiry,
    policy::{
        Action, AtDeadline, CONFIDENCES, LargeBlobs, Mode, OldSecrets, OnError, Policy,
        RuleSelection, SEVERITIES,
    },
};
use crate::{
    config::Globs,
    model::{Confidence, Severity},
};
use bstr::ByteSlice;
use serde::Serialize;
use std::{path::PathBuf, time::Duration};

/// What holds by a policy. Serialises as documented by its fields' names; sizes are bytes, times
/// milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Description {
    /// [`Policy::hash`].
    pub policy_hash: String,
    /// The repository asked about; without one, overrides are not applied and exceptions of every
    /// repository are shown.
    pub repository: Option<String>,
    /// The user asked about.
    pub user: Option<String>,
    /// Whether the gate is in force.
    pub mode: Mode,
    /// What each severity does.
    pub verdict: Vec<Row>,
    /// What becomes of secrets that stood there before.
    pub old_secrets: OldSecrets,
    /// Longest time for a scan.
    pub deadline_ms: u64,
    /// What happens when it is over.
    pub at_deadline: AtDeadline,
    /// What happens when something cannot be read.
    pub on_error: OnError,
    /// What happens to content too large to scan.
    pub large_blobs: LargeBlobs,
    /// Largest content that is scanned.
    pub max_blob_bytes: u64,
    /// Most bytes of a push.
    pub max_push_bytes: Option<u64>,
    /// Threads of a scan.
    pub threads: usize,
    /// Whether what an alternate's refs reach counts as known.
    pub trust_alternate_refs: bool,
    /// Whether comments on a secret's line count.
    pub inline_comments: bool,
    /// Whether the default branch's configuration adds allowlists.
    pub repository_config: bool,
    /// Where what a deadline cut off is put down.
    pub spool: Option<PathBuf>,
    /// Whom to ask.
    pub contact: Option<String>,
    /// Which rules are used.
    pub rules: Rules,
    /// Allow entries.
    pub allow: Vec<Exception>,
    /// How a blocked push may pass.
    pub break_glass: BreakGlass,
    /// Where runs are put down.
    pub audit: Audit,
    /// Every override of the policy.
    pub overrides: Vec<Override>,
    /// What deserves a second look.
    pub notes: Vec<String>,
}

/// What a severity does, by confidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The severity.
    pub severity: Severity,
    /// At high confidence.
    pub high: Action,
    /// At medium confidence.
    pub medium: Action,
    /// At low confidence.
    pub low: Action,
}

/// See [`RuleSelection`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rules {
    /// A configuration in place of the built-in rules.
    pub config: Option<PathBuf>,
    /// More rules.
    pub files: Vec<PathBuf>,
    /// Rules to use.
    pub only: Vec<String>,
    /// Rules to leave out.
    pub exclude: Vec<String>,
}

/// An allow entry or a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exception {
    /// Where it stands in the policy.
    pub line: u32,
    /// Why.
    pub reason: String,
    /// Its last day, or the moment it ends.
    pub expires: Option<String>,
    /// Whether it has ended.
    pub expired: bool,
}

/// How a blocked push may pass.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BreakGlass {
    /// Name of the push option.
    pub push_option: Option<String>,
    /// Key of the trailer.
    pub trailer: Option<String>,
    /// Who may use either.
    pub users: Vec<String>,
    /// Uses of a user in 24 hours.
    pub per_day: Option<u32>,
    /// Where uses are put down.
    pub ledger: Option<PathBuf>,
    /// What administrators granted.
    pub grants: Vec<Exception>,
    /// The ways that exist for the user asked about, where push options are to be had; `None`
    /// where no user was asked about.
    pub ways_of_user: Option<Vec<Way>>,
}

/// Where runs are put down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Audit {
    /// The file, as written.
    pub path: Option<PathBuf>,
    /// Whether a line that cannot be written blocks.
    pub required: bool,
    /// A log service.
    pub syslog: Option<String>,
    /// Scheme and host of the webhook.
    pub webhook: Option<String>,
    /// Longest time for both.
    pub budget_ms: u64,
}

/// An override.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Override {
    /// Where it stands in the policy.
    pub line: u32,
    /// Where it holds.
    pub repositories: Vec<String>,
    /// Whether it holds for the repository asked about.
    pub applied: bool,
}

/// Describes what holds for a repository and a user.
pub fn describe(
    policy: &Policy,
    repository: Option<&[u8]>,
    user: Option<&str>,
    now_seconds: i64,
) -> Description {
    let effective = repository.map_or_else(
        || policy.for_all_others(),
        |repository| policy.for_repository(repository),
    );
    let exception = |line, reason: &str, expires: Option<Expiry>| Exception {
        line,
        reason: reason.to_owned(),
        expires: expires.map(Expiry::text),
        expired: expires.is_some_and(|expiry| expiry.has_passed(now_seconds)),
    };
    let row = |severity| {
        let [high, medium, low] = CONFIDENCES
            .map(|confidence: Confidence| effective.verdicts.action(severity, confidence));
        Row {
            severity,
            high,
            medium,
            low,
        }
    };
    let glass = &effective.break_glass;
    let audit = policy.audit();
    Description {
        policy_hash: policy.hash().to_owned(),
        repository: repository.map(|name| name.to_str_lossy().into_owned()),
        user: user.map(str::to_owned),
        mode: effective.mode,
        verdict: SEVERITIES.map(row).to_vec(),
        old_secrets: effective.old_secrets,
        deadline_ms: milliseconds(effective.deadline),
        at_deadline: effective.at_deadline,
        on_error: effective.on_error,
        large_blobs: effective.large_blobs,
        max_blob_bytes: effective.max_blob_bytes,
        max_push_bytes: effective.max_push_bytes,
        threads: effective.threads,
        trust_alternate_refs: effective.trust_alternate_refs,
        inline_comments: effective.inline_comments,
        repository_config: effective.repository_config,
        spool: effective.spool.clone(),
        contact: effective.contact.clone(),
        rules: rules(&effective.rules),
        allow: effective
            .allow
            .iter()
            .map(|entry| exception(entry.line, &entry.reason, entry.expires))
            .collect(),
        break_glass: BreakGlass {
            push_option: glass.push_option.clone(),
            trailer: glass.trailer.clone(),
            users: texts(&glass.users),
            per_day: glass.per_day,
            ledger: glass.ledger.clone(),
            grants: glass
                .grants
                .iter()
                .map(|grant| exception(grant.line, &grant.reason, Some(grant.expires)))
                .collect(),
            ways_of_user: user.map(|user| ways(&effective, Some(user), true)),
        },
        audit: Audit {
            path: audit.path.clone(),
            required: audit.required,
            syslog: audit.syslog.as_ref().map(ToString::to_string),
            webhook: audit.webhook.as_ref().map(|webhook| webhook.shown.clone()),
            budget_ms: milliseconds(audit.budget),
        },
        overrides: policy
            .overrides()
            .map(|(line, repositories)| Override {
                line,
                repositories: texts(repositories),
                applied: effective.overrides.contains(&line),
            })
            .collect(),
        notes: notes(policy, effective.mode, now_seconds),
    }
}

fn rules(selection: &RuleSelection) -> Rules {
    let RuleSelection {
        config,
        files,
        only,
        exclude,
    } = selection.clone();
    Rules {
        config,
        files,
        only,
        exclude,
    }
}

fn texts(globs: &Globs) -> Vec<String> {
    globs.sources().map(str::to_owned).collect()
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn notes(policy: &Policy, mode: Mode, now_seconds: i64) -> Vec<String> {
    let mut notes = Vec::new();
    match mode {
        Mode::Off => notes.push("mode \"off\": nothing is scanned".to_owned()),
        Mode::Audit => notes.push("mode \"audit\": nothing is blocked".to_owned()),
        Mode::Enforce => {}
    }
    let ended = |line: u32, what: &str, expires: Expiry| {
        let date = expires.text();
        format!("line {line}: this {what} ended ({date}); remove it, or give it another date")
    };
    for entry in policy.all_allow_entries() {
        if let Some(expires) = entry.expires.filter(|e| e.has_passed(now_seconds)) {
            notes.push(ended(entry.line, "allow entry", expires));
        }
    }
    for grant in policy.all_grants() {
        if grant.expires.has_passed(now_seconds) {
            notes.push(ended(grant.line, "grant", grant.expires));
        }
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_796_000_000;

    const TEXT: &str = r#"
        [[allow]]
        rules = ["a"]
        reason = "for long"
        expires = 2026-01-01
        [[allow]]
        rules = ["a"]
        repositories = ["Q/*"]
        reason = "elsewhere"
        [break-glass]
        trailer = "Skip"
        users = ["alice"]
        [[break-glass.grants]]
        users = ["bob"]
        reason = "for a day"
        expires = 2026-01-01T00:00:00Z
        [audit]
        webhook = "https://log.example.org/sesame"
        webhook-header = "Authorization: sesame"
        [[override]]
        repositories = ["P/*"]
        mode = "audit"
        [[override]]
        repositories = ["Q/*"]
        mode = "off"
    "#;

    #[test]
    fn what_holds_for_a_repository_and_user_is_told() {
        let policy = Policy::parse(TEXT, "p").unwrap();
        let told = describe(&policy, Some(b"P/r"), Some("alice"), NOW);
        assert_eq!(told.mode, Mode::Audit);
        let applied: Vec<bool> = told.overrides.iter().map(|o| o.applied).collect();
        assert_eq!(applied, [true, false]);
        assert_eq!(told.overrides[1].repositories, ["Q/*"]);
        assert_eq!((told.allow.len(), told.allow[0].expired), (1, true));
        assert_eq!(told.allow[0].expires.as_deref(), Some("2026-01-01"));
        let ways = told.break_glass.ways_of_user.as_deref();
        assert_eq!(ways, Some(&[Way::Trailer("Skip".to_owned())][..]));
        assert_eq!(told.notes.len(), 3, "{:?}", told.notes);
        assert!(told.notes[1].starts_with("line 2: this allow entry ended (2026-01-01)"));
        assert!(told.notes[2].starts_with("line 13: this grant ended"));

        let all = describe(&policy, None, None, NOW);
        assert_eq!((all.mode, all.allow.len()), (Mode::Enforce, 2));
        assert!(all.overrides.iter().all(|o| !o.applied) && all.notes.len() == 2);
        assert_eq!(all.break_glass.ways_of_user, None);
    }

    #[test]
    fn the_json_form_has_words_as_a_policy_has_them_and_no_credentials() {
        let policy = Policy::parse(TEXT, "p").unwrap();
        let json = serde_json::to_value(describe(&policy, Some(b"P/\xff"), Some("alice"), NOW));
        let json = json.unwrap();
        assert_eq!(json["at_deadline"], "closed");
        assert_eq!(json["verdict"][0]["severity"], "critical");
        assert_eq!(json["verdict"][3]["high"], "warn");
        assert_eq!(json["break_glass"]["ways_of_user"][0]["trailer"], "Skip");
        assert_eq!(json["audit"]["webhook"], "https://log.example.org");
        assert!(!json.to_string().contains("sesame"));
    }
}
