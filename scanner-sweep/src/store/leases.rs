//! Which worker scans what, where several share a store.
//!
//! A worker *leases* a repository: it says until when it will have said again that it lives. Where
//! it does not, another takes the repository over; whoever was late finds its lease gone when it
//! comes to write, and writes nothing. Time is that of the database's server, so that clocks of
//! workers need not agree.
//!
//! Sweeps that run at the same time are of one *round*, and what one of them has scanned the others
//! need not scan again.

use super::{
    RepositoryId, Store, StoreError, SweepId,
    database::{Database, Value, first},
};
use std::time::Duration;

/// Held while a sweep finds out which round it is of.
const LOCK: i64 = 0x0067_6974_7369_6577;

/// The server's clock, in seconds since 1970.
const NOW: &str = "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS BIGINT)";

/// One process among those that share a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Worker {
    /// What it is called; no other is or was called so.
    pub name: String,
    /// For how long the others wait for a sign of life.
    pub lease: Duration,
}

impl Worker {
    fn lease(&self) -> Value {
        self.lease.as_secs().max(1).into()
    }
}

/// A repository that was leased, as others left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// As [`super::RepositoryRow::state`].
    pub state: Option<String>,
    /// As [`super::RepositoryRow::settings`].
    pub settings: Option<String>,
    /// Whether another sweep of this round was in it.
    pub visited: bool,
}

/// The round of sweeps that run now, if one does. Sweeps that begin at once wait for each other.
pub(super) fn round(database: &mut dyn Database) -> Result<Option<i64>, StoreError> {
    if !database.is_postgres() {
        return Ok(None);
    }
    let lock = [Value::Int(LOCK)];
    database.rows("SELECT pg_advisory_xact_lock($1) IS NULL", &lock)?;
    let rows = database.rows(
        &format!(
            "SELECT round FROM sweep WHERE finished IS NULL AND alive_until >= {NOW}
             ORDER BY id DESC LIMIT 1"
        ),
        &[],
    )?;
    Ok(first(rows)?.flatten())
}

/// Says that a sweep goes on.
pub(super) fn alive(
    database: &mut dyn Database,
    worker: &Worker,
    sweep: SweepId,
) -> Result<(), StoreError> {
    if !database.is_postgres() {
        return Ok(());
    }
    database
        .run(
            &format!("UPDATE sweep SET alive_until = {NOW} + $1 WHERE id = $2"),
            &[worker.lease(), Value::Int(sweep.0)],
        )
        .map(drop)
}

/// Whether a worker may write what it has found in a repository. Keeps others from it until the
/// transaction ends.
pub(super) fn holds(
    database: &mut dyn Database,
    worker: &Worker,
    repository: RepositoryId,
) -> Result<bool, StoreError> {
    if !database.is_postgres() {
        return Ok(true);
    }
    let rows = database.rows(
        "SELECT worker FROM repository WHERE id = $1 FOR UPDATE",
        &[Value::Int(repository.0)],
    )?;
    let holder: Option<String> = first(rows)?.flatten();
    Ok(holder.as_deref() == Some(&*worker.name))
}

/// Which of some repositories are to be scanned; `None` where another worker has one of those, or,
/// with a `lock`, is about to.
fn look(
    database: &mut dyn Database,
    worker: &Worker,
    sweep: SweepId,
    repositories: &[RepositoryId],
    is_done: &dyn Fn(RepositoryId, &Taken) -> bool,
    lock: &str,
) -> Result<Option<Vec<RepositoryId>>, StoreError> {
    let mut open = Vec::with_capacity(repositories.len());
    for id in repositories {
        let rows = database.rows(
            &format!(
                "SELECT r.state, r.settings, EXISTS (
                     SELECT 1 FROM visit v JOIN sweep s ON s.id = v.sweep
                     WHERE v.repository = r.id AND s.id <> $3
                         AND s.round = (SELECT round FROM sweep WHERE id = $3)),
                     r.leased_until >= {NOW} AND r.worker <> $2
                 FROM repository r WHERE r.id = $1 {lock}"
            ),
            &[
                Value::Int(id.0),
                worker.name.as_str().into(),
                Value::Int(sweep.0),
            ],
        )?;
        let Some(mut row) = rows.into_iter().next() else {
            return Ok(None);
        };
        let taken = Taken {
            state: row.next()?,
            settings: row.next()?,
            visited: row.next()?,
        };
        let has_another: Option<bool> = row.next()?;
        if is_done(*id, &taken) {
            continue;
        }
        if has_another == Some(true) {
            return Ok(None);
        }
        open.push(*id);
    }
    Ok(Some(open))
}

impl Store {
    /// Leases those of some repositories that `is_done` does not say of that nothing is to be done in
    /// them; says which those are, or `None` where another worker has one. To be called for shared
    /// stores alone.
    ///
    /// # Errors
    /// When the database fails; so with all that follow.
    pub fn take(
        &self,
        worker: &Worker,
        sweep: SweepId,
        repositories: &[RepositoryId],
        is_done: &dyn Fn(RepositoryId, &Taken) -> bool,
    ) -> Result<Option<Vec<RepositoryId>>, StoreError> {
        // Most are found done, or taken: that needs no transaction.
        let seen =
            self.patiently(|database| look(database, worker, sweep, repositories, is_done, ""))?;
        match seen {
            Some(open) if !open.is_empty() => {}
            nothing => return Ok(nothing),
        }
        self.transaction(|database| {
            let lock = "FOR UPDATE OF r SKIP LOCKED";
            let Some(open) = look(database, worker, sweep, repositories, is_done, lock)? else {
                // Locks of the others end with the transaction; nothing was written.
                return Ok(None);
            };
            for id in &open {
                database.run(
                    &format!(
                        "UPDATE repository SET worker = $1, leased_until = {NOW} + $2
                         WHERE id = $3"
                    ),
                    &[
                        worker.name.as_str().into(),
                        worker.lease(),
                        Value::Int(id.0),
                    ],
                )?;
            }
            Ok(Some(open))
        })
    }

    /// Says that a worker lives.
    pub fn keep(&self, worker: &Worker, sweep: SweepId) -> Result<(), StoreError> {
        self.run(
            &format!("UPDATE repository SET leased_until = {NOW} + $1 WHERE worker = $2"),
            &[worker.lease(), worker.name.as_str().into()],
        )?;
        self.patiently(|database| alive(database, worker, sweep))
    }

    /// Gives back all that a worker still has.
    pub fn give_back(
        &self,
        worker: &Worker,
        repositories: &[RepositoryId],
    ) -> Result<(), StoreError> {
        for id in repositories {
            self.run(
                "UPDATE repository SET worker = NULL, leased_until = NULL
                 WHERE id = $1 AND worker = $2",
                &[Value::Int(id.0), worker.name.as_str().into()],
            )?;
        }
        Ok(())
    }
}
