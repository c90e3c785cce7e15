//! What was found.

use super::{
    Store, StoreError, SweepId, Visit,
    database::{Database, MOST_ROWS, Row, Value, insert, parameters},
};
use scanner_core::{
    model::{Finding, Receipt, Report, Where},
    report::{JsonlReporter, Redactor, ReportMeta, Reporter},
};
use std::{collections::BTreeMap, io};

/// A finding as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackedFinding {
    /// Name of the repository.
    pub repository: String,
    /// Page of the repository, where one is known.
    pub web_url: Option<String>,
    /// What it is tracked by.
    pub tracked: Tracked,
    /// Its line of a JSON Lines report.
    pub document: String,
}

/// When a finding came and went. Times are in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracked {
    /// Its fingerprint.
    pub fingerprint: String,
    /// Its rule.
    pub rule: String,
    /// The rule's severity.
    pub severity: String,
    /// Who decided that it does not count, if someone did.
    pub suppressed: Option<String>,
    /// Whether the tip of the repository holds it.
    pub in_head: bool,
    /// When the first commit that holds it was made, by its author's clock.
    pub introduced_at: Option<i64>,
    /// When the last commit that held it was made, where the tip does not.
    pub left_head_at: Option<i64>,
    /// When a sweep met it first.
    pub first_seen: i64,
    /// Since when it is not in the repository any more, history included.
    pub gone_at: Option<i64>,
    /// Mail address of the author of the commit that introduced it.
    pub email: Option<String>,
}

/// The lines of a JSON Lines report: meta, one a finding, receipt. Secrets are redacted.
pub(super) fn lines(report: &Report, redactor: &Redactor) -> Result<Vec<String>, StoreError> {
    let meta = ReportMeta {
        tool: "gitsieve",
        version: env!("CARGO_PKG_VERSION"),
        repository: None,
    };
    let mut bytes = Vec::new();
    let mut reporter = JsonlReporter::new(&mut bytes, redactor.clone());
    // Tips are kept once, beside the receipt.
    let receipt = Receipt {
        tips: BTreeMap::new(),
        ..report.receipt.clone()
    };
    let mut write = || {
        reporter.begin(&meta)?;
        let mut findings = report.findings.iter();
        findings.try_for_each(|finding| reporter.finding(finding))?;
        reporter.finish(&receipt)
    };
    write().map_err(|_: io::Error| StoreError::Content("a report cannot be written"))?;
    let text = String::from_utf8(bytes).map_err(|_| StoreError::Content("a report is no text"))?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// Makes what was found in a repository what `report` says. `lines` are its lines; `sealed` the
/// values of its findings, where they are to be kept. What a commit says may hold a secret itself:
/// lines have them redacted, and `redactor` knows them.
pub(super) fn replace(
    database: &mut dyn Database,
    visit: &Visit<'_>,
    report: &Report,
    redactor: &Redactor,
    lines: &[String],
    sealed: &[Vec<u8>],
) -> Result<(u64, u64), StoreError> {
    let id = Value::Int(visit.repository.0);
    let rows = database.rows(
        "SELECT fingerprint, gone_at FROM finding WHERE repository = $1",
        std::slice::from_ref(&id),
    )?;
    let read = |mut row: Row| Ok((row.next()?, row.next()?));
    let mut known: BTreeMap<String, Option<i64>> = rows
        .into_iter()
        .map(read)
        .collect::<Result<_, StoreError>>()?;
    let mut new = 0;
    let mut sealed = sealed.iter();
    let mut values = Vec::with_capacity(report.findings.len() * COLUMNS);
    for (finding, line) in report.findings.iter().zip(lines.iter().skip(1)) {
        if known.remove(finding.fingerprint.as_str()).is_none() {
            new += 1;
        }
        values.extend(columns(visit, finding, line, redactor, sealed.next()));
    }
    insert(
        database,
        "INSERT INTO finding (repository, fingerprint, rule, severity, confidence, suppressed,
             in_head, occurrences, introduced_at, introduced_in, author, email, left_head_at,
             first_seen, first_sweep, document, committer_email, sealed, sealed_for)",
        COLUMNS,
        &values,
        "ON CONFLICT (repository, fingerprint) DO UPDATE SET
             severity = excluded.severity, confidence = excluded.confidence,
             suppressed = excluded.suppressed, in_head = excluded.in_head,
             occurrences = excluded.occurrences, introduced_at = excluded.introduced_at,
             introduced_in = excluded.introduced_in, author = excluded.author,
             email = excluded.email, left_head_at = excluded.left_head_at, gone_at = NULL,
             document = excluded.document, committer_email = excluded.committer_email,
             sealed = COALESCE(excluded.sealed, finding.sealed),
             sealed_for = COALESCE(excluded.sealed_for, finding.sealed_for)",
    )?;
    let mut gone = 0;
    if visit.exhaustive {
        known.retain(|_, gone_at| gone_at.is_none());
        let left: Vec<Value> = known.keys().map(Value::from).collect();
        for some in left.chunks(MOST_ROWS) {
            // Repeated up to a power of two, so that there are few texts to prepare.
            let count = some.len().next_power_of_two();
            let some = some.iter().cycle().take(count).cloned();
            let values: Vec<Value> = [visit.started.into(), id.clone()]
                .into_iter()
                .chain(some)
                .collect();
            gone += database.run(
                &format!(
                    "UPDATE finding SET gone_at = $1, in_head = 0
                     WHERE repository = $2 AND fingerprint IN ({})",
                    parameters(3, count)
                ),
                &values,
            )?;
        }
    }
    Ok((new, gone))
}

/// Columns that a visit writes.
const COLUMNS: usize = 19;

fn columns(
    visit: &Visit<'_>,
    finding: &Finding,
    line: &str,
    redactor: &Redactor,
    sealed: Option<&Vec<u8>>,
) -> [Value; COLUMNS] {
    let occurrences = &finding.occurrences;
    let in_head = occurrences.iter().any(|o| o.place == Where::Head);
    let introduced = occurrences
        .iter()
        .filter_map(|o| o.introduced.as_ref())
        .min_by_key(|commit| commit.seconds);
    let text = |bytes: &[u8]| {
        redactor
            .redact_str(&String::from_utf8_lossy(bytes))
            .into_owned()
    };
    let left_head_at = if in_head {
        None
    } else {
        occurrences.iter().filter_map(|o| o.last_seen_seconds).max()
    };
    [
        Value::Int(visit.repository.0),
        finding.fingerprint.as_str().into(),
        (&finding.rule.id).into(),
        finding.rule.severity.as_str().into(),
        finding.confidence.as_str().into(),
        finding.suppression.as_ref().map(|s| s.by.as_str()).into(),
        in_head.into(),
        (occurrences.len() as u64).into(),
        introduced.map(|commit| commit.seconds).into(),
        introduced
            .map(|commit| commit.commit.to_string())
            .as_ref()
            .into(),
        introduced
            .map(|commit| text(&commit.author))
            .as_ref()
            .into(),
        introduced.map(|commit| text(&commit.email)).as_ref().into(),
        left_head_at.into(),
        visit.started.into(),
        Value::Int(visit.sweep.0),
        line.into(),
        introduced
            .map(|commit| text(&commit.committer_email))
            .as_ref()
            .into(),
        sealed.map(Vec::as_slice).into(),
        sealed.and(visit.seal).map(|key| key.id().as_str()).into(),
    ]
}

/// The columns that [`tracked`] reads.
pub(super) const SELECT_TRACKED: &str =
    "SELECT r.name, r.web_url, f.fingerprint, f.rule, f.severity, f.suppressed, f.in_head,
         f.introduced_at, f.left_head_at, f.first_seen, f.gone_at, f.email, f.document
     FROM finding f JOIN repository r ON r.id = f.repository";

/// Reads a row of [`SELECT_TRACKED`].
pub(super) fn tracked(mut row: Row) -> Result<TrackedFinding, StoreError> {
    Ok(TrackedFinding {
        repository: row.next()?,
        web_url: row.next()?,
        tracked: Tracked {
            fingerprint: row.next()?,
            rule: row.next()?,
            severity: row.next()?,
            suppressed: row.next()?,
            in_head: row.next()?,
            introduced_at: row.next()?,
            left_head_at: row.next()?,
            first_seen: row.next()?,
            gone_at: row.next()?,
            email: row.next()?,
        },
        document: row.next()?,
    })
}

/// Which findings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Those that are in their repository.
    Present,
    /// Those, and those that were in it once.
    All,
    /// Those of [`Which::Present`] that this sweep met first.
    NewIn(SweepId),
    /// Those of [`Which::Present`] that this sweep met first, or one that ran at the same time.
    NewInRoundOf(SweepId),
    /// Those of [`Which::Present`] that sweeps met first at this time or later, in seconds since
    /// 1970.
    NewSince(i64),
}

impl Store {
    /// Findings by repository, rule and fingerprint, those that do not count among them.
    ///
    /// # Errors
    /// When the database fails.
    pub fn findings(&self, which: Which) -> Result<Vec<TrackedFinding>, StoreError> {
        let (gone_too, sweep, round, since) = match which {
            Which::Present => (false, -1, -1, i64::MIN),
            Which::All => (true, -1, -1, i64::MIN),
            Which::NewIn(sweep) => (false, sweep.0, -1, i64::MIN),
            Which::NewInRoundOf(sweep) => (false, -1, sweep.0, i64::MIN),
            Which::NewSince(since) => (false, -1, -1, since),
        };
        let rows = self.rows(
            &format!(
                "{SELECT_TRACKED}
                 WHERE (f.gone_at IS NULL OR $1 = 1) AND ($2 < 0 OR f.first_sweep = $2)
                     AND ($3 < 0 OR f.first_sweep IN (SELECT id FROM sweep WHERE round =
                         (SELECT round FROM sweep WHERE id = $3)))
                     AND f.first_seen >= $4
                 ORDER BY r.name, r.id, f.rule, f.fingerprint"
            ),
            &[
                gone_too.into(),
                Value::Int(sweep),
                Value::Int(round),
                Value::Int(since),
            ],
        )?;
        rows.into_iter().map(tracked).collect()
    }

    /// When each finding that counts came, and left the tip of its repository.
    ///
    /// # Errors
    /// When the database fails.
    pub fn lifetimes(&self) -> Result<Vec<Lifetime>, StoreError> {
        let rows = self.rows(
            "SELECT first_seen, in_head, COALESCE(left_head_at, gone_at) FROM finding
             WHERE suppressed IS NULL",
            &[],
        )?;
        let read = |mut row: Row| {
            let (first_seen, in_head, removed) = (row.next()?, row.next()?, row.next()?);
            let removed: Option<i64> = removed;
            let in_head: bool = in_head;
            Ok(Lifetime {
                first_seen,
                removed: removed.filter(|_| !in_head),
            })
        };
        rows.into_iter().map(read).collect()
    }

    /// Mean days from the commit that introduced a finding to the last one that held it, or to the
    /// sweep that found it gone; `None` as long as nothing was removed.
    ///
    /// # Errors
    /// When the database fails.
    pub fn mean_days_to_removal(&self) -> Result<Option<f64>, StoreError> {
        let rows = self.rows(
            "SELECT introduced_at, COALESCE(left_head_at, gone_at) FROM finding
             WHERE in_head = 0 AND suppressed IS NULL AND introduced_at IS NOT NULL
                 AND COALESCE(left_head_at, gone_at) IS NOT NULL",
            &[],
        )?;
        let (mut sum, mut count) = (0.0, 0_u32);
        for mut row in rows {
            let (introduced, removed): (i64, i64) = (row.next()?, row.next()?);
            sum += removed.saturating_sub(introduced).max(0) as f64;
            count += 1;
        }
        Ok((count > 0).then(|| sum / f64::from(count) / 86_400.0))
    }

    /// Counts what the store knows.
    ///
    /// # Errors
    /// When the database fails.
    pub fn totals(&self) -> Result<Totals, StoreError> {
        let mut totals = Totals::default();
        let rows = self.rows(
            "SELECT complete, COUNT(*) FROM repository WHERE gone_since IS NULL GROUP BY complete",
            &[],
        )?;
        for mut row in rows {
            let (complete, count): (bool, u64) = (row.next()?, row.next()?);
            totals.repositories += count;
            totals.incomplete += if complete { 0 } else { count };
        }
        let rows = self.rows(
            "SELECT severity, in_head, suppressed IS NOT NULL, gone_at IS NOT NULL, COUNT(*)
             FROM finding GROUP BY 1, 2, 3, 4",
            &[],
        )?;
        for mut row in rows {
            let severity: String = row.next()?;
            let (in_head, suppressed, gone): (bool, bool, bool) =
                (row.next()?, row.next()?, row.next()?);
            let count: u64 = row.next()?;
            if gone {
                totals.gone += count;
            } else if suppressed {
                totals.suppressed += count;
            } else {
                if in_head {
                    *totals.in_head.entry(severity.clone()).or_default() += count;
                }
                *totals.open.entry(severity).or_default() += count;
            }
        }
        Ok(totals)
    }
}

/// When a finding came and went, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// When a sweep met it first.
    pub first_seen: i64,
    /// When it left the tip of its repository, or was found gone; `None` while it is there.
    pub removed: Option<i64>,
}

/// What a store knows, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Totals {
    /// Repositories that are not gone.
    pub repositories: u64,
    /// Those of them in which not everything could be scanned.
    pub incomplete: u64,
    /// Findings that count, by severity.
    pub open: BTreeMap<String, u64>,
    /// Those of them that the tip of their repository holds, by severity.
    pub in_head: BTreeMap<String, u64>,
    /// Findings that do not count.
    pub suppressed: u64,
    /// Findings that are in their repository no more.
    pub gone: u64,
}
