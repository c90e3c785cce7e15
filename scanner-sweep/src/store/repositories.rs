//! Repositories, and what sweeps did in them.

use super::{
    Store, StoreError, SweepId,
    database::{Database, Row, Value, first, insert},
    findings,
    leases::{self, Worker},
};
use crate::{discover::Discovered, seal::PublicKey};
use scanner_core::{model::Report, report::Redactor};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// Names a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RepositoryId(pub(super) i64);

/// What is remembered of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryRow {
    /// Its number in the store.
    pub id: RepositoryId,
    /// What it is known by.
    pub key: String,
    /// What people call it.
    pub name: String,
    /// Where it was last.
    pub path: PathBuf,
    /// Digest of what it was when its findings were last worked out; `None` if they are to be
    /// worked out anew.
    pub state: Option<String>,
    /// Digest of what else the findings depended on.
    pub settings: Option<String>,
    /// When it was last looked at, in seconds since 1970.
    pub last_swept: Option<i64>,
    /// When anything was last scanned in it.
    pub last_scanned: Option<i64>,
    /// Since when it is there no more.
    pub gone_since: Option<i64>,
    /// Whether everything in it was scanned.
    pub complete: bool,
    /// Why it could not be scanned, the last time.
    pub error: Option<String>,
    /// The machine that swept it last.
    pub host: Option<String>,
}

/// What the last scan of a repository looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastReceipt {
    /// What the repository is known by.
    pub key: String,
    /// Name of the repository.
    pub name: String,
    /// Whether that was everything.
    pub complete: bool,
    /// The receipt, as a line of a JSON Lines report; `None` where it was never scanned.
    pub receipt: Option<String>,
    /// Why it could not be scanned, or not in full.
    pub error: Option<String>,
}

/// How a sweep fared in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VisitOutcome {
    /// Everything in it is scanned.
    Complete,
    /// Not everything could be.
    Incomplete,
    /// It could not be scanned at all.
    Failed,
    /// Another worker took it over, and nothing was taken down.
    TakenOver,
}

impl VisitOutcome {
    /// The word for it in the store and in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
            Self::TakenOver => "taken over",
        }
    }
}

/// What a sweep did in a repository.
#[derive(Debug)]
pub struct Visit<'a> {
    /// Which sweep.
    pub sweep: SweepId,
    /// Which repository.
    pub repository: RepositoryId,
    /// Who did it; of a shared store, whoever leased the repository.
    pub worker: &'a Worker,
    /// When, in seconds since 1970.
    pub started: i64,
    /// For how long.
    pub milliseconds: u64,
    /// How it went.
    pub outcome: VisitOutcome,
    /// Digest of the repository before the scan, where the result may be relied on as long as it is
    /// the same.
    pub state: Option<&'a str>,
    /// Digest of what else the findings depend on.
    pub settings: &'a str,
    /// Objects that were scanned.
    pub objects: u64,
    /// What was found, triaged; `None` where nothing could be scanned.
    pub report: Option<&'a Report>,
    /// Whether what is not in the report is not in the repository.
    pub exhaustive: bool,
    /// What to seal the values of findings with, where they are to be kept.
    pub seal: Option<&'a PublicKey>,
    /// What went wrong, for people.
    pub message: Option<&'a str>,
}

impl Store {
    /// All repositories that are known, by key.
    ///
    /// # Errors
    /// When the database fails; so with all that follow.
    pub fn repositories(&self) -> Result<BTreeMap<String, RepositoryRow>, StoreError> {
        let rows = self.rows(
            "SELECT id, key, name, path, state, settings, last_swept, last_scanned, gone_since,
                    complete, error, host
             FROM repository",
            &[],
        )?;
        let read = |mut row: Row| {
            let row = RepositoryRow {
                id: RepositoryId(row.next()?),
                key: row.next()?,
                name: row.next()?,
                path: row.next::<String>()?.into(),
                state: row.next()?,
                settings: row.next()?,
                last_swept: row.next()?,
                last_scanned: row.next()?,
                gone_since: row.next()?,
                complete: row.next()?,
                error: row.next()?,
                host: row.next()?,
            };
            Ok((row.key.clone(), row))
        };
        rows.into_iter().map(read).collect()
    }

    /// What the last scan of each repository that is not gone looked at, by name.
    pub fn receipts(&self) -> Result<Vec<LastReceipt>, StoreError> {
        let rows = self.rows(
            "SELECT key, name, complete, receipt, error FROM repository
             WHERE gone_since IS NULL ORDER BY name, id",
            &[],
        )?;
        let read = |mut row: Row| {
            Ok(LastReceipt {
                key: row.next()?,
                name: row.next()?,
                complete: row.next()?,
                receipt: row.next()?,
                error: row.next()?,
            })
        };
        rows.into_iter().map(read).collect()
    }

    /// Notes that these repositories exist on a machine; returns their numbers, in their order.
    pub fn register(
        &self,
        repositories: &[&Discovered],
        host: &str,
        now: i64,
    ) -> Result<Vec<RepositoryId>, StoreError> {
        let values: Vec<Value> = repositories
            .iter()
            .flat_map(|found| {
                [
                    (&found.key).into(),
                    (&found.name).into(),
                    found.project.as_ref().into(),
                    found.path.to_string_lossy().as_ref().into(),
                    found.family.as_ref().into(),
                    found.web_url.as_ref().into(),
                    now.into(),
                    host.into(),
                ]
            })
            .collect();
        let rows = self.transaction(|database| {
            insert(
                database,
                "INSERT INTO repository
                     (key, name, project, path, family, web_url, first_seen, host)",
                8,
                &values,
                "ON CONFLICT (key) DO UPDATE SET name = excluded.name,
                     project = excluded.project, path = excluded.path, family = excluded.family,
                     web_url = excluded.web_url, host = excluded.host, gone_since = NULL
                 RETURNING key, id",
            )
        })?;
        // They may come in any order.
        let read = |mut row: Row| Ok((row.next()?, RepositoryId(row.next()?)));
        let ids: BTreeMap<String, RepositoryId> = rows
            .into_iter()
            .map(read)
            .collect::<Result<_, StoreError>>()?;
        let id = |found: &&Discovered| {
            let id = ids.get(&found.key).copied();
            id.ok_or(StoreError::Content("a repository got no number"))
        };
        repositories.iter().map(id).collect()
    }

    /// Notes that nothing has changed in these repositories.
    pub fn unchanged(&self, repositories: &[RepositoryId], now: i64) -> Result<(), StoreError> {
        self.transaction(|database| {
            // Numbers alone, so that a thousand take one way to a server and back.
            for some in repositories.chunks(1_000) {
                let ids: Vec<String> = some.iter().map(|id| id.0.to_string()).collect();
                let ids = ids.join(", ");
                database.batch(&format!(
                    "UPDATE repository SET last_swept = {now} WHERE id IN ({ids})"
                ))?;
            }
            Ok(())
        })
    }

    /// Notes that a repository is there no more, and its findings with it. Returns how many those
    /// are.
    pub fn gone(&self, repository: RepositoryId, now: i64) -> Result<u64, StoreError> {
        self.transaction(|database| {
            let id = Value::Int(repository.0);
            database.run(
                "UPDATE repository SET gone_since = $1, state = NULL WHERE id = $2",
                &[now.into(), id.clone()],
            )?;
            database.run(
                "UPDATE finding SET gone_at = $1 WHERE repository = $2 AND gone_at IS NULL",
                &[now.into(), id],
            )
        })
    }

    /// Takes down what a sweep did in a repository, and what is found there now. All of it becomes
    /// known at once. Returns how many findings are new, and how many are gone; `None`, and writes
    /// nothing, where another worker has taken the repository over.
    pub fn visited(&self, visit: &Visit<'_>) -> Result<Option<(u64, u64)>, StoreError> {
        // Made once: it is a search for all secrets that were found.
        let redactor = visit.report.map(Redactor::of_report).unwrap_or_default();
        let lines = match visit.report {
            Some(report) => findings::lines(report, &redactor)?,
            None => Vec::new(),
        };
        // Here and not below, which may happen twice and keeps others from the database.
        let sealed: Vec<Vec<u8>> = match (visit.report, visit.seal) {
            (Some(report), Some(key)) => report.findings.iter().map(|f| key.seal(f)).collect(),
            _ => Vec::new(),
        };
        let tips = visit.report.map(|report| shown_tips(report, &redactor));
        let written = tips
            .as_ref()
            .map(|tips| serde_json::to_string(tips).unwrap_or_default());
        let ended = visit.started + i64::try_from(visit.milliseconds / 1000).unwrap_or(0);
        self.transaction(|database| {
            if !leases::holds(database, visit.worker, visit.repository)? {
                return Ok(None);
            }
            let id = Value::Int(visit.repository.0);
            let (mut new, mut gone) = (0, 0);
            if let Some(report) = visit.report {
                (new, gone) =
                    findings::replace(database, visit, report, &redactor, &lines, &sealed)?;
            }
            let before = last_tips(database, &id)?;
            let moved = tips.as_ref().map(|tips| moved(&before, tips));
            let receipt = lines.last();
            database.run(
                "UPDATE repository SET last_swept = $1, last_scanned = $2, state = $3,
                     settings = $4, tips = COALESCE($5, tips), complete = $6,
                     receipt = COALESCE($7, receipt), error = $8,
                     worker = NULL, leased_until = NULL
                 WHERE id = $9",
                &[
                    ended.into(),
                    ended.into(),
                    visit.state.into(),
                    visit.settings.into(),
                    written.as_ref().into(),
                    (visit.outcome == VisitOutcome::Complete).into(),
                    receipt.into(),
                    visit.message.into(),
                    id.clone(),
                ],
            )?;
            let skipped = visit.report.map(|report| {
                let reasons = &report.receipt.blobs.skipped_by_reason;
                serde_json::to_string(reasons).unwrap_or_default()
            });
            database.run(
                "INSERT INTO visit (sweep, repository, started, milliseconds, outcome, moved,
                     objects, bytes, new_findings, gone_findings, skipped, message)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
                &[
                    Value::Int(visit.sweep.0),
                    id,
                    visit.started.into(),
                    visit.milliseconds.into(),
                    visit.outcome.as_str().into(),
                    moved.as_ref().into(),
                    visit.objects.into(),
                    visit.report.map_or(0, |report| report.receipt.bytes).into(),
                    new.into(),
                    gone.into(),
                    skipped.as_ref().into(),
                    visit.message.into(),
                ],
            )?;
            Ok(Some((new, gone)))
        })
    }
}

type Tips = BTreeMap<String, String>;

/// Tips as they are kept: a ref may be named after a secret.
fn shown_tips(report: &Report, redactor: &Redactor) -> Tips {
    let shown = |name: &String| redactor.redact_str(name).into_owned();
    let tips = report.receipt.tips.iter();
    tips.map(|(name, id)| (shown(name), id.to_string()))
        .collect()
}

/// Tips after the last visit.
fn last_tips(database: &mut dyn Database, id: &Value) -> Result<Tips, StoreError> {
    let id = std::slice::from_ref(id);
    let rows = database.rows("SELECT tips FROM repository WHERE id = $1", id)?;
    let text: Option<String> = first(rows)?.flatten();
    let read = |text: String| {
        serde_json::from_str(&text).map_err(|_| StoreError::Content("tips are not readable"))
    };
    text.map_or(Ok(Tips::default()), read)
}

/// What moved, as JSON: from and to by name.
fn moved(before: &Tips, after: &Tips) -> String {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let both = |name| (before.get(name), after.get(name));
    let moved: BTreeMap<&String, _> = names
        .into_iter()
        .map(|name| (name, both(name)))
        .filter(|(_, (from, to))| from != to)
        .collect();
    serde_json::to_string(&moved).unwrap_or_default()
}
