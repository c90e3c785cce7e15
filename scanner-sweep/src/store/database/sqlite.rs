//! A store in one file.

use super::{Database, Row, StoreError, Value};
use rusqlite::{
    Connection, ErrorCode, OpenFlags,
    types::{ToSqlOutput, ValueRef},
};
use std::{fs, path::Path, time::Duration};

/// How long a statement waits for another process's transaction.
const PATIENCE: Duration = Duration::from_secs(30);

pub(in crate::store) struct Sqlite(Connection);

impl Sqlite {
    /// Opens the file, making it where there is none, readable by its owner alone.
    pub(in crate::store) fn open(path: &Path) -> Result<Self, StoreError> {
        let cannot = |cause: String| StoreError::Open {
            store: path.display().to_string(),
            cause,
        };
        if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(|e| cannot(e.to_string()))?;
        }
        let mut options = fs::OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(path).map_err(|e| cannot(e.to_string()))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(path, flags).map_err(|e| cannot(e.to_string()))?;
        let mut database = Self(connection);
        database.0.busy_timeout(PATIENCE).map_err(|e| error(&e))?;
        database.0.set_prepared_statement_cache_capacity(64);
        // After a loss of power the last transactions may be missing, and no table is damaged: what
        // is missing is scanned again.
        database
            .batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;",
            )
            .map_err(|e| cannot(e.to_string()))?;
        Ok(database)
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(n) => ValueRef::Integer(*n),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl Database for Sqlite {
    fn is_postgres(&self) -> bool {
        false
    }

    fn batch(&mut self, statements: &str) -> Result<(), StoreError> {
        self.0.execute_batch(statements).map_err(|e| error(&e))
    }

    fn run(&mut self, statement: &str, values: &[Value]) -> Result<u64, StoreError> {
        let mut prepared = self.0.prepare_cached(statement).map_err(|e| error(&e))?;
        let changed = prepared.execute(rusqlite::params_from_iter(values));
        changed.map(|n| n as u64).map_err(|e| error(&e))
    }

    fn rows(&mut self, statement: &str, values: &[Value]) -> Result<Vec<Row>, StoreError> {
        let mut prepared = self.0.prepare_cached(statement).map_err(|e| error(&e))?;
        let columns = prepared.column_count();
        let mut rows = prepared
            .query(rusqlite::params_from_iter(values))
            .map_err(|e| error(&e))?;
        let mut all = Vec::new();
        while let Some(row) = rows.next().map_err(|e| error(&e))? {
            let value = |i| {
                Ok(match row.get_ref(i)? {
                    ValueRef::Null | ValueRef::Real(_) => Value::Null,
                    ValueRef::Integer(n) => Value::Int(n),
                    ValueRef::Text(text) => Value::Text(String::from_utf8_lossy(text).into_owned()),
                    ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
                })
            };
            let values: rusqlite::Result<Vec<Value>> = (0..columns).map(value).collect();
            all.push(Row::new(values.map_err(|e| error(&e))?));
        }
        Ok(all)
    }
}

/// SQLite's messages name tables and conditions, never values.
fn error(error: &rusqlite::Error) -> StoreError {
    let code = error.sqlite_error_code();
    let hint = match code {
        Some(ErrorCode::DiskFull) => "; the disk is full: make room, then run the sweep again",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "; another process has kept the store locked"
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            "; restore the store from a backup, or move it away and sweep anew"
        }
        Some(ErrorCode::ReadOnly) => "; the store's file or directory cannot be written",
        _ => "",
    };
    StoreError::Database(format!("{error}{hint}"))
}
