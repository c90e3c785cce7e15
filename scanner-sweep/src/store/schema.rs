//! The tables, and how those of older versions are brought up to date.

use super::{
    StoreError,
    database::{Database, Value, first},
};

/// What brings a store from each version to the next. Only ever added to. `BYTES` stands for the
/// database's type of raw bytes, `SERIAL` for that of a key that counts by itself.
const MIGRATIONS: [&str; 4] = [TABLES, SHARED, ALERTS, SEALED];

const TABLES: &str = "
CREATE TABLE repository (
    id SERIAL,
    key TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    project TEXT,
    path TEXT NOT NULL,
    family TEXT,
    web_url TEXT,
    first_seen BIGINT NOT NULL,
    last_swept BIGINT,
    last_scanned BIGINT,
    gone_since BIGINT,
    -- Digest of the repository and of the settings that the findings below are of.
    state TEXT,
    settings TEXT,
    tips TEXT,
    complete BIGINT NOT NULL DEFAULT 0,
    receipt TEXT,
    error TEXT
);
CREATE TABLE ruleset (
    id SERIAL,
    -- What decides whether anything is found in an object: rule identities, and what content they
    -- see.
    identity TEXT NOT NULL UNIQUE
);
-- Objects scanned under a rule set: 0 clean blobs, 1 clean messages, 2 in which something was found
-- or of which something was said. Sorted raw ids.
CREATE TABLE scanned (
    id SERIAL,
    pool TEXT NOT NULL,
    ruleset BIGINT NOT NULL,
    kind BIGINT NOT NULL,
    id_len BIGINT NOT NULL,
    ids BYTES NOT NULL
);
CREATE INDEX scanned_by_pool ON scanned (pool, ruleset);
CREATE TABLE finding (
    repository BIGINT NOT NULL,
    fingerprint TEXT NOT NULL,
    rule TEXT NOT NULL,
    severity TEXT NOT NULL,
    confidence TEXT NOT NULL,
    suppressed TEXT,
    in_head BIGINT NOT NULL,
    occurrences BIGINT NOT NULL,
    introduced_at BIGINT,
    introduced_in TEXT,
    author TEXT,
    email TEXT,
    left_head_at BIGINT,
    first_seen BIGINT NOT NULL,
    first_sweep BIGINT NOT NULL,
    gone_at BIGINT,
    -- As a line of a JSON Lines report: secrets are redacted.
    document TEXT NOT NULL,
    PRIMARY KEY (repository, fingerprint)
);
CREATE INDEX finding_by_sweep ON finding (first_sweep);
CREATE TABLE sweep (
    id SERIAL,
    started BIGINT NOT NULL,
    finished BIGINT,
    host TEXT NOT NULL,
    version TEXT NOT NULL,
    ruleset_hash TEXT NOT NULL,
    outcome TEXT,
    counts TEXT
);
-- What a sweep did in a repository where anything was to be done.
CREATE TABLE visit (
    id SERIAL,
    sweep BIGINT NOT NULL,
    repository BIGINT NOT NULL,
    started BIGINT NOT NULL,
    milliseconds BIGINT NOT NULL,
    outcome TEXT NOT NULL,
    -- Refs that point elsewhere than after the visit before: from and to by name.
    moved TEXT,
    objects BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    new_findings BIGINT NOT NULL,
    gone_findings BIGINT NOT NULL,
    skipped TEXT,
    message TEXT
);
CREATE INDEX visit_by_sweep ON visit (sweep);
";

const SHARED: &str = "
-- Who scans it, until when at least; which machine has it.
ALTER TABLE repository ADD COLUMN worker TEXT;
ALTER TABLE repository ADD COLUMN leased_until BIGINT;
ALTER TABLE repository ADD COLUMN host TEXT;
-- The first of the sweeps that ran at the same time; until when a worker that lives will have said
-- so again.
ALTER TABLE sweep ADD COLUMN round BIGINT;
ALTER TABLE sweep ADD COLUMN alive_until BIGINT;
UPDATE sweep SET round = id;
CREATE INDEX visit_by_repository ON visit (repository, sweep);
-- By a digest: identities are longer than PostgreSQL's indexes take.
CREATE TABLE rules (
    id SERIAL,
    digest TEXT NOT NULL UNIQUE,
    identity TEXT NOT NULL
);
INSERT INTO rules (id, digest, identity) SELECT id, 'version 1: ' || id, identity FROM ruleset;
DROP TABLE ruleset;
";

const ALERTS: &str = "
ALTER TABLE finding ADD COLUMN committer_email TEXT;
-- Where alerts go, and the first sweep whose findings go there.
CREATE TABLE alert_channel (
    name TEXT PRIMARY KEY,
    first_sweep BIGINT NOT NULL
);
-- Findings that need no alert on a channel any more: they had theirs, or the channel is not for them.
CREATE TABLE alert_considered (
    channel TEXT NOT NULL,
    repository BIGINT NOT NULL,
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (channel, repository, fingerprint)
);
-- Messages. Times are in seconds since 1970.
CREATE TABLE alert (
    id SERIAL,
    channel TEXT NOT NULL,
    -- A mail address; empty where the channel is all there is to know.
    recipient TEXT NOT NULL,
    sweep BIGINT NOT NULL,
    state TEXT NOT NULL,
    queued_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    -- Who is sending it, and since when.
    claim TEXT,
    claimed_at BIGINT,
    sent_at BIGINT,
    error TEXT
);
CREATE INDEX alert_by_state ON alert (state, channel, due_at);
CREATE TABLE alert_finding (
    alert BIGINT NOT NULL,
    repository BIGINT NOT NULL,
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (alert, repository, fingerprint)
);
";

const SEALED: &str = "
-- The value, sealed for an organisation's key, and the id of that key.
ALTER TABLE finding ADD COLUMN sealed BYTES;
ALTER TABLE finding ADD COLUMN sealed_for TEXT;
";

/// Held while tables are made, in PostgreSQL.
const LOCK: i64 = 0x0067_6974_7369_6576;

/// Brings the tables up to date.
///
/// # Errors
/// When a newer version of gitsieve made them, or the database fails.
pub(super) fn migrate(database: &mut dyn Database) -> Result<(), StoreError> {
    migrate_with(database, &MIGRATIONS)
}

fn migrate_with(database: &mut dyn Database, migrations: &[&str]) -> Result<(), StoreError> {
    if database.is_postgres() {
        // Two that make one table at once do not both succeed, in spite of IF NOT EXISTS. Ends with
        // the transaction, or the connection.
        database.batch(&format!("BEGIN; SELECT pg_advisory_xact_lock({LOCK})"))?;
    }
    let made = database
        .batch("CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL)");
    if database.is_postgres() {
        database.batch("COMMIT")?;
    }
    made?;
    let version = version(database)?;
    if version > migrations.len() {
        return Err(StoreError::Newer {
            found: version,
            known: migrations.len(),
        });
    }
    if version == migrations.len() {
        return Ok(());
    }
    let [bytes, serial, text] = if database.is_postgres() {
        [
            "BYTEA",
            "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY",
            // Sorted by bytes, as everywhere else.
            "TEXT COLLATE \"C\"",
        ]
    } else {
        ["BLOB", "INTEGER PRIMARY KEY AUTOINCREMENT", "TEXT"]
    };
    database.batch(if database.is_postgres() {
        "BEGIN; LOCK TABLE meta IN EXCLUSIVE MODE"
    } else {
        "BEGIN IMMEDIATE"
    })?;
    // Another process may have done it meanwhile.
    let done = self::version(database)?;
    let all = migrations
        .iter()
        .enumerate()
        .skip(done)
        .try_for_each(|(n, statements)| {
            let statements = statements.replace("BYTES", bytes).replace("SERIAL", serial);
            let statements = statements.replace("TEXT", text);
            database.batch(&statements)?;
            database.run(
                "INSERT INTO meta (name, value) VALUES ('schema', $1)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                &[Value::Text((n + 1).to_string())],
            )?;
            Ok(())
        });
    database.batch(if all.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    all
}

fn version(database: &mut dyn Database) -> Result<usize, StoreError> {
    let rows = database.rows("SELECT value FROM meta WHERE name = 'schema'", &[])?;
    let Some(text) = first::<String>(rows)? else {
        return Ok(0);
    };
    text.parse()
        .map_err(|_| StoreError::Content("its version is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        seal::PrivateKey,
        store::{Store, Which, database::Sqlite},
    };

    #[test]
    fn a_store_from_before_values_were_sealed_keeps_what_it_holds() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sweep.db");
        let mut old = Sqlite::open(&path).unwrap();
        migrate_with(&mut old, &[TABLES, SHARED, ALERTS]).unwrap();
        old.batch(
            "INSERT INTO repository (key, name, path, first_seen) VALUES ('k', 'n', '/p', 1);
             INSERT INTO finding (repository, fingerprint, rule, severity, confidence, in_head,
                 occurrences, first_seen, first_sweep, document)
             VALUES (1, 'v1:f', 'r', 'high', 'high', 1, 1, 1, 1, '{}')",
        )
        .unwrap();
        drop(old);
        let store = Store::open(&path).unwrap();
        let found = store.findings(Which::Present).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].tracked.fingerprint, "v1:f");
        assert_eq!(store.sealed_values().unwrap(), []);
        let key = PrivateKey::generate().unwrap();
        assert_eq!(store.unsealed(key.public().id()).unwrap().len(), 1);
    }
}
