//! The log of sweeps.

use super::{
    Store, StoreError,
    database::{Row, Value, first},
    leases::{self, Worker},
};
use serde::{Deserialize, Serialize};

/// Names a sweep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SweepId(pub(super) i64);

/// What a sweep did, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SweepCounts {
    /// Repositories that were to be swept.
    pub repositories: u64,
    /// In which nothing had changed.
    pub unchanged: u64,
    /// In which something was scanned.
    pub scanned: u64,
    /// Of `scanned`, those that could not be scanned in full.
    pub incomplete: u64,
    /// That could not be scanned at all.
    pub failed: u64,
    /// That the sweep did not come to: it was stopped, or its time was over.
    pub left: u64,
    /// That another worker has scanned meanwhile.
    pub elsewhere: u64,
    /// Known from before and there no more.
    pub gone: u64,
    /// Objects scanned.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Findings that no sweep had met before.
    pub new_findings: u64,
    /// Findings that are in their repository no more.
    pub gone_findings: u64,
    /// Milliseconds.
    pub milliseconds: u64,
}

/// A sweep in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SweepRow {
    /// Its number.
    pub number: i64,
    /// When it began, in seconds since 1970.
    pub started: i64,
    /// When it ended; `None` while it runs, and where it was killed.
    pub finished: Option<i64>,
    /// On which machine.
    pub host: String,
    /// By which version of gitsieve.
    pub version: String,
    /// Hash of its rules.
    pub ruleset_hash: String,
    /// What it did; `None` like `finished`.
    pub counts: Option<SweepCounts>,
}

impl Store {
    /// Begins a sweep. Where another worker's runs, it is of the same round.
    ///
    /// # Errors
    /// When the database fails; so with all that follow.
    pub fn begin_sweep(
        &self,
        now: i64,
        host: &str,
        version: &str,
        ruleset_hash: &str,
        worker: &Worker,
    ) -> Result<SweepId, StoreError> {
        self.transaction(|database| {
            let round = leases::round(database)?;
            let rows = database.rows(
                "INSERT INTO sweep (started, host, version, ruleset_hash, round)
                 VALUES ($1, $2, $3, $4, $5)
                 RETURNING id",
                &[
                    now.into(),
                    host.into(),
                    version.into(),
                    ruleset_hash.into(),
                    round.into(),
                ],
            )?;
            let id: i64 = first(rows)?.ok_or(StoreError::Content("a sweep got no number"))?;
            leases::alive(database, worker, SweepId(id))?;
            if round.is_none() {
                database.run(
                    "UPDATE sweep SET round = $1 WHERE id = $1",
                    &[Value::Int(id)],
                )?;
            }
            Ok(SweepId(id))
        })
    }

    /// Ends a sweep. `outcome` is a word for how.
    pub fn finish_sweep(
        &self,
        sweep: SweepId,
        now: i64,
        outcome: &str,
        counts: &SweepCounts,
    ) -> Result<(), StoreError> {
        let counts = serde_json::to_string(counts)
            .map_err(|_| StoreError::Content("counts cannot be written"))?;
        self.run(
            "UPDATE sweep SET finished = $1, outcome = $2, counts = $3 WHERE id = $4",
            &[
                now.into(),
                outcome.into(),
                (&counts).into(),
                Value::Int(sweep.0),
            ],
        )
        .map(drop)
    }

    /// The last sweep.
    pub fn last_sweep(&self) -> Result<Option<SweepId>, StoreError> {
        let rows = self.rows("SELECT MAX(id) FROM sweep", &[])?;
        let last: Option<i64> = first(rows)?.flatten();
        Ok(last.map(SweepId))
    }

    /// The last sweeps, the latest first.
    pub fn sweeps(&self, most: u64) -> Result<Vec<SweepRow>, StoreError> {
        let rows = self.rows(
            "SELECT id, started, finished, host, version, ruleset_hash, counts
             FROM sweep ORDER BY id DESC LIMIT $1",
            &[most.into()],
        )?;
        let read = |mut row: Row| {
            Ok(SweepRow {
                number: row.next()?,
                started: row.next()?,
                finished: row.next()?,
                host: row.next()?,
                version: row.next()?,
                ruleset_hash: row.next()?,
                counts: row
                    .next::<Option<String>>()?
                    .map(|text| serde_json::from_str(&text))
                    .transpose()
                    .map_err(|_| StoreError::Content("counts of a sweep are not readable"))?,
            })
        };
        rows.into_iter().map(read).collect()
    }
}
