//! Explains candidates.

use super::{decisions, scan::now};
use crate::{
    exit::{CliError, ExitStatus},
    interrupt,
    output::{self, Role},
    plan::{Clue, ExplainPlan, Limits},
    rules,
};
use scanner_core::{
    inspect::{self, Corpus, Explained, Explanation, Place},
    model::{Confidence, Encoding, Fingerprint, IssueKind, Proof, Secret, Severity},
    report::{Redactor, printable},
    scan::{GitInput, HistoryScope, Input, NoObserver, Scanner, ScannerBuilder},
    source::VisitContext,
};
use serde::Serialize;
use std::{
    fmt::Write as _,
    fs::File,
    io::{self, Read},
    path::Path,
    sync::atomic::AtomicBool,
    time::Instant,
};

/// Lines around the one asked for whose candidates are told of.
const LINES_AROUND: u64 = 1;

#[derive(Serialize)]
struct Json<'a> {
    path: String,
    candidates: Vec<JsonCandidate<'a>>,
    /// Whether there are more than are listed.
    more: bool,
    issues: Vec<JsonIssue>,
}

#[derive(Serialize)]
struct JsonIssue {
    kind: IssueKind,
    message: String,
}

#[derive(Serialize)]
struct JsonCandidate<'a> {
    rule_id: &'a str,
    severity: Severity,
    member: Option<String>,
    encoding: &'a [Encoding],
    line: u64,
    column: u64,
    secret: Option<String>,
    fingerprint: Option<&'a str>,
    proof: Option<Proof>,
    confidence: Option<Confidence>,
    kept: bool,
    steps: Vec<JsonStep<'a>>,
}

#[derive(Serialize)]
struct JsonStep<'a> {
    filter: &'a str,
    value: &'a str,
    threshold: &'a str,
    kept: bool,
}

/// What to explain, found.
struct Subject {
    /// Path to show.
    name: Vec<u8>,
    /// Path for rules and allowlists; empty where it is not known.
    path: Vec<u8>,
    bytes: Vec<u8>,
    member: Option<String>,
    line: Option<u64>,
}

pub(crate) fn run(plan: &ExplainPlan) -> Result<ExitStatus, CliError> {
    for notice in &plan.notices {
        output::notice(notice);
    }
    let (rules, warnings) = rules::load(&plan.rules)?;
    if !plan.quiet {
        for warning in warnings {
            output::notice(&format!("warning: {warning}"));
        }
    }
    let mut scanner = Scanner::builder()
        .rules(rules)
        .fingerprint_key(decisions::key(plan.key_file.as_deref())?)
        .threads(plan.limits.threads)
        .max_memory_bytes(plan.limits.max_memory_bytes)
        .max_decode_depth(plan.max_decode_depth)
        .max_archive_depth(plan.max_archive_depth)
        .max_archive_bytes(plan.max_archive_bytes);
    if let Some(now) = now() {
        scanner = scanner.now(now);
    }
    let subject = match &plan.clue {
        Clue::File {
            file,
            path,
            member,
            line,
        } => Subject {
            name: file.as_os_str().as_encoded_bytes().to_vec(),
            path: path.as_encoded_bytes().to_vec(),
            bytes: read(file, plan.limits.max_memory_bytes)?,
            member: member.clone(),
            line: *line,
        },
        Clue::Fingerprint { repository, text } => find(plan, &scanner, repository, text)?,
    };
    let place = Place {
        path: &subject.path,
        member: subject.member.as_deref().map(str::as_bytes),
        commit: None,
        lines: subject
            .line
            .map(|line| line.saturating_sub(LINES_AROUND)..=line.saturating_add(LINES_AROUND)),
        fingerprint: match &plan.clue {
            Clue::Fingerprint { text, .. } => Some(text),
            Clue::File { .. } => None,
        },
        min_confidence: plan.min_confidence,
    };
    let told = inspect::explain(&scanner, &subject.bytes, &place)?;
    // A path may hold the secret too.
    let secrets = told.candidates.iter();
    let secrets = secrets.flat_map(|e| [e.secret.clone(), e.written.clone()]);
    let redactor = Redactor::new(secrets.flatten());
    let shown = |bytes: &[u8]| printable(&redactor.redact(bytes));
    if plan.json {
        let json = Json {
            path: shown(&subject.name),
            candidates: told.candidates.iter().map(|e| json(e, &shown)).collect(),
            more: told.more,
            issues: told
                .issues
                .iter()
                .map(|issue| JsonIssue {
                    kind: issue.kind,
                    message: shown(issue.message.as_bytes()),
                })
                .collect(),
        };
        return plan.to.write_json(&json);
    }
    plan.to
        .write_all(human(plan, &subject.name, &told, &shown).as_bytes())
}

fn read(file: &Path, most: u64) -> Result<Vec<u8>, CliError> {
    let failed =
        |error: io::Error| CliError::Usage(format!("cannot read {}: {error}", file.display()));
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|open| open.take(most.saturating_add(1)).read_to_end(&mut bytes))
        .map_err(failed)?;
    if bytes.len() as u64 > most {
        return Err(failed(io::Error::other("larger than --max-memory")));
    }
    Ok(bytes)
}

/// Looks a fingerprint up: in the blobs, else in the files of the working tree; and then the path of
/// the blob, by a scan with its rule alone.
fn find(
    plan: &ExplainPlan,
    scanner: &ScannerBuilder,
    repository: &Path,
    fingerprint: &str,
) -> Result<Subject, CliError> {
    let interrupted = interrupt::on_signal();
    let Limits {
        threads,
        max_memory_bytes,
        max_blob_bytes,
        timeout,
    } = plan.limits;
    let context = VisitContext {
        threads: crate::plan::threads(threads),
        max_blob_bytes: max_blob_bytes.unwrap_or(u64::MAX),
        max_memory_bytes,
        interrupt: &interrupted,
        deadline: timeout.map(|timeout| Instant::now() + timeout),
    };
    let whole = scanner.clone().build()?;
    let corpora = [
        Corpus::Git(repository.to_owned()),
        Corpus::Paths(vec![repository.to_owned()]),
    ];
    for corpus in corpora {
        let found = inspect::find(&whole, &corpus, fingerprint, &context)
            .map_err(|e| CliError::Usage(e.to_string()))?;
        let Some(found) = found else { continue };
        let mut path = found.path;
        if let Some(blob) = found.blob {
            let only = [found.rule_id.clone()];
            let (rules, _) = rules::load(&plan.rules)?;
            let rule = rules
                .select(&only, &[])
                .map_err(|e| CliError::Usage(e.to_string()))?;
            let narrow = scanner.clone().rules(rule);
            let scanner = narrow.min_confidence(Confidence::Low).build()?;
            let input = Input::Git(GitInput {
                path: repository.to_owned(),
                history: HistoryScope::All,
                working_tree: false,
            });
            let report = scanner.scan(&input, &NoObserver, &AtomicBool::new(false))?;
            let occurrences = report.findings.iter().flat_map(|f| &f.occurrences);
            path = occurrences
                .filter(|o| o.blob == blob)
                .map(|o| o.path.to_vec())
                .next()
                .unwrap_or_default();
        }
        let name = match (&found.blob, path.is_empty()) {
            (Some(blob), true) => format!("blob {blob}").into_bytes(),
            _ => path.clone(),
        };
        return Ok(Subject {
            name,
            path,
            bytes: found.bytes,
            member: None,
            line: None,
        });
    }
    let why = if context.stopped() {
        "the search was stopped before it was found"
    } else {
        "nothing in it has this fingerprint under these rules"
    };
    Err(CliError::Usage(format!("{}: {why}", repository.display())))
}

fn json<'a>(explained: &'a Explained, shown: &dyn Fn(&[u8]) -> String) -> JsonCandidate<'a> {
    JsonCandidate {
        rule_id: &explained.rule.id,
        severity: explained.rule.severity,
        member: explained.member.as_deref().map(shown),
        encoding: &explained.encoding,
        line: explained.location.start_line,
        column: explained.location.start_column,
        secret: explained.secret.as_ref().map(Secret::redacted),
        fingerprint: explained.fingerprint.as_ref().map(Fingerprint::as_str),
        proof: explained.proof,
        confidence: explained.confidence,
        kept: explained.kept,
        steps: explained
            .steps
            .iter()
            .map(|s| JsonStep {
                filter: s.filter,
                value: &s.value,
                threshold: &s.threshold,
                kept: s.kept,
            })
            .collect(),
    }
}

fn human(
    plan: &ExplainPlan,
    name: &[u8],
    told: &Explanation,
    shown: &dyn Fn(&[u8]) -> String,
) -> String {
    let style = plan.style;
    let mut out = String::new();
    for candidate in &told.candidates {
        let name = match &candidate.member {
            Some(member) => shown(&[name, b"!/", member].concat()),
            None => shown(name),
        };
        let verdict = if candidate.kept {
            style.paint(Role::Good, "reported")
        } else {
            style.paint(Role::Bad, "dropped")
        };
        let at = candidate.location;
        let secret = candidate
            .secret
            .as_ref()
            .map_or_else(String::new, |s| format!("  {}", s.redacted()));
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "{name}:{}:{}  {}  {verdict}{secret}",
            at.start_line,
            at.start_column,
            style.paint(Role::Strong, &candidate.rule.id),
        );
        for step in &candidate.steps {
            let mark = if step.kept {
                style.paint(Role::Good, "+")
            } else {
                style.paint(Role::Bad, "-")
            };
            let _ = writeln!(
                out,
                "  {mark} {:<11} {}  {}",
                step.filter,
                printable(step.value.as_bytes()),
                style.paint(
                    Role::Dim,
                    format!("({})", printable(step.threshold.as_bytes()))
                ),
            );
        }
        if let Some(fingerprint) = &candidate.fingerprint {
            let _ = writeln!(out, "    {}", style.paint(Role::Dim, fingerprint));
        }
    }
    for issue in &told.issues {
        let what = match issue.kind {
            IssueKind::Note => "note",
            _ => "incomplete",
        };
        let message = shown(issue.message.as_bytes());
        let _ = writeln!(out, "{}: {what}: {message}", shown(name));
    }
    let all = &told.candidates;
    if all.is_empty() {
        let _ = writeln!(
            out,
            "{}: no candidate here: no literal of any rule stands on the lines asked for",
            shown(name)
        );
    } else if !plan.quiet {
        let kept = all.iter().filter(|e| e.kept).count();
        let more = if told.more {
            " There are more; name a line or a member."
        } else {
            ""
        };
        let _ = writeln!(out, "\n{} candidates, {kept} reported.{more}", all.len());
    }
    out
}
