//! Which objects were scanned under which rules.
//!
//! Ids are kept by *pool*, a directory of objects, which repositories may share through alternates.
//! New ones are added as a row of their own; rows are put together when there are many.

use super::{
    Store, StoreError,
    database::{Database, Value, first},
};
use crate::discover::hex;
use scanner_core::{
    model::IdSet,
    scan::{CleanObjects, ScannedObjects},
};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Names a set of rules, and what content they see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RulesetId(pub(super) i64);

/// What is remembered of the objects of some pools.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ObjectMemory {
    /// Nothing was found in these.
    pub clean: CleanObjects,
    /// Something was, or is to be said of them.
    pub marked: IdSet,
}

impl ObjectMemory {
    /// Adds all of another one.
    pub fn merge(&mut self, other: Self) {
        self.clean.merge(other.clean);
        self.marked.merge(other.marked);
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.clean.blobs.is_empty() && self.clean.messages.is_empty() && self.marked.is_empty()
    }
}

const CLEAN_BLOBS: i64 = 0;
const CLEAN_MESSAGES: i64 = 1;
const MARKED: i64 = 2;

/// Rows of one pool, rules and kind from which on they are put together.
const MOST_ROWS: usize = 8;

impl Store {
    /// The number of a set of rules that has this identity: a text that differs whenever something
    /// else may be found.
    ///
    /// # Errors
    /// When the database fails; so with all that follow.
    pub fn ruleset(&self, identity: &str) -> Result<RulesetId, StoreError> {
        let digest = hex(&Sha256::digest(identity));
        self.run(
            "INSERT INTO rules (digest, identity) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING",
            &[(&digest).into(), identity.into()],
        )?;
        let digest = [(&digest).into()];
        let rows = self.rows("SELECT id FROM rules WHERE digest = $1", &digest)?;
        let id = first(rows)?.ok_or(StoreError::Content("a rule set is missing"))?;
        Ok(RulesetId(id))
    }

    /// Rule sets other than this one under which objects of a pool were scanned, the last one
    /// first.
    pub fn other_rulesets(
        &self,
        pool: &str,
        than: RulesetId,
    ) -> Result<Vec<RulesetId>, StoreError> {
        let rows = self.rows(
            "SELECT DISTINCT ruleset FROM scanned WHERE pool = $1 AND ruleset <> $2
             ORDER BY ruleset DESC",
            &[pool.into(), Value::Int(than.0)],
        )?;
        let read = |mut row: super::database::Row| Ok(RulesetId(row.next()?));
        rows.into_iter().map(read).collect()
    }

    /// The identity of a set of rules.
    pub fn identity(&self, ruleset: RulesetId) -> Result<String, StoreError> {
        let id = [Value::Int(ruleset.0)];
        let rows = self.rows("SELECT identity FROM rules WHERE id = $1", &id)?;
        first(rows)?.ok_or(StoreError::Content("a rule set is missing"))
    }

    /// What is remembered of a pool's objects.
    pub fn memory(&self, pool: &str, ruleset: RulesetId) -> Result<ObjectMemory, StoreError> {
        self.patiently(|database| Ok(read(database, pool, ruleset)?.0))
    }

    /// Remembers more.
    pub fn remember(
        &self,
        pool: &str,
        ruleset: RulesetId,
        scanned: &ScannedObjects,
    ) -> Result<(), StoreError> {
        self.transaction(|database| {
            add(database, pool, ruleset, CLEAN_BLOBS, &scanned.clean.blobs)?;
            add(
                database,
                pool,
                ruleset,
                CLEAN_MESSAGES,
                &scanned.clean.messages,
            )?;
            add(database, pool, ruleset, MARKED, &scanned.marked)
        })
    }

    /// Replaces all that is remembered of a pool, under whatever rules, where it takes many rows or
    /// rules other than these.
    pub fn settle(
        &self,
        pool: &str,
        ruleset: RulesetId,
        forget_others: bool,
    ) -> Result<(), StoreError> {
        let rows = self.rows(
            "SELECT ruleset, kind FROM scanned WHERE pool = $1",
            &[pool.into()],
        )?;
        let mut counts: BTreeMap<(i64, i64), usize> = BTreeMap::new();
        for mut row in rows {
            *counts.entry((row.next()?, row.next()?)).or_default() += 1;
        }
        let others = forget_others && counts.keys().any(|key| key.0 != ruleset.0);
        let many = counts.values().any(|n| *n > MOST_ROWS);
        if !others && !many {
            return Ok(());
        }
        self.transaction(|database| {
            // What another worker adds meanwhile stays.
            let (memory, rows) = read(database, pool, ruleset)?;
            for row in rows {
                database.run("DELETE FROM scanned WHERE id = $1", &[Value::Int(row)])?;
            }
            if forget_others {
                database.run(
                    "DELETE FROM scanned WHERE pool = $1 AND ruleset <> $2",
                    &[pool.into(), Value::Int(ruleset.0)],
                )?;
            }
            add(database, pool, ruleset, CLEAN_BLOBS, &memory.clean.blobs)?;
            add(
                database,
                pool,
                ruleset,
                CLEAN_MESSAGES,
                &memory.clean.messages,
            )?;
            add(database, pool, ruleset, MARKED, &memory.marked)
        })
    }

    /// Forgets all objects of a pool.
    pub fn forget(&self, pool: &str) -> Result<(), StoreError> {
        self.run("DELETE FROM scanned WHERE pool = $1", &[pool.into()])
            .map(drop)
    }
}

/// What is remembered of a pool's objects, and the numbers of the rows that say so.
fn read(
    database: &mut dyn Database,
    pool: &str,
    ruleset: RulesetId,
) -> Result<(ObjectMemory, Vec<i64>), StoreError> {
    let rows = database.rows(
        "SELECT id, kind, id_len, ids FROM scanned WHERE pool = $1 AND ruleset = $2",
        &[pool.into(), Value::Int(ruleset.0)],
    )?;
    let mut memory = ObjectMemory::default();
    let mut numbers = Vec::with_capacity(rows.len());
    for mut row in rows {
        numbers.push(row.next()?);
        let (kind, id_len, ids): (i64, u64, Vec<u8>) = (row.next()?, row.next()?, row.next()?);
        let ids = IdSet::from_bytes(ids, id_len as usize)
            .map_err(|_| StoreError::Content("a list of objects is none"))?;
        match kind {
            CLEAN_BLOBS => memory.clean.blobs.merge(ids),
            CLEAN_MESSAGES => memory.clean.messages.merge(ids),
            MARKED => memory.marked.merge(ids),
            _ => return Err(StoreError::Content("a list of objects is of no known kind")),
        }
    }
    // What is marked under one name must be scanned again, whatever another row says.
    memory.clean.remove(&memory.marked);
    Ok((memory, numbers))
}

fn add(
    database: &mut dyn Database,
    pool: &str,
    ruleset: RulesetId,
    kind: i64,
    ids: &IdSet,
) -> Result<(), StoreError> {
    if ids.is_empty() {
        return Ok(());
    }
    let values = [
        pool.into(),
        Value::Int(ruleset.0),
        Value::Int(kind),
        (ids.id_len() as u64).into(),
        ids.as_bytes().into(),
    ];
    database
        .run(
            "INSERT INTO scanned (pool, ruleset, kind, id_len, ids) VALUES ($1, $2, $3, $4, $5)",
            &values,
        )
        .map(drop)
}
