//! One way to speak to every database that a store may live in.
//!
//! Statements are the same for all: parameters are `$1`, `$2`, ... in the order in which they first
//! stand in the text (SQLite numbers them so), and values are of four types; a truth value is an
//! integer. Only what creates tables differs in the names of types, and what several machines need to
//! share a store is there for PostgreSQL alone.

#[cfg(feature = "postgres")]
mod postgres;
mod sqlite;

#[cfg(feature = "postgres")]
pub use postgres::Address;
#[cfg(feature = "postgres")]
pub(super) use postgres::Postgres;
pub(super) use sqlite::Sqlite;

use super::StoreError;

/// A value in a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        // PostgreSQL's texts cannot hold it, and no name or message needs it.
        Self::Text(value.replace('\0', "\u{FFFD}"))
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        value.as_str().into()
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// What a query gave for one row, in the order of its columns.
#[derive(Debug)]
pub(super) struct Row(std::vec::IntoIter<Value>);

impl Row {
    pub(super) fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    /// Takes the next column.
    pub(super) fn next<T: Column>(&mut self) -> Result<T, StoreError> {
        let value = self.0.next().unwrap_or(Value::Null);
        T::of(value).ok_or(StoreError::Content(
            "a column has a value of the wrong type",
        ))
    }
}

/// What a column can be taken as.
pub(super) trait Column: Sized {
    fn of(value: Value) -> Option<Self>;
}

impl Column for i64 {
    fn of(value: Value) -> Option<Self> {
        match value {
            Value::Int(n) => Some(n),
            _ => None,
        }
    }
}

impl Column for u64 {
    fn of(value: Value) -> Option<Self> {
        i64::of(value).and_then(|n| n.try_into().ok())
    }
}

impl Column for bool {
    fn of(value: Value) -> Option<Self> {
        i64::of(value).map(|n| n != 0)
    }
}

impl Column for String {
    fn of(value: Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl Column for Vec<u8> {
    fn of(value: Value) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl<T: Column> Column for Option<T> {
    fn of(value: Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::of(value).map(Some),
        }
    }
}

/// The first column of the first row; `None` where there is no row.
pub(super) fn first<T: Column>(rows: Vec<Row>) -> Result<Option<T>, StoreError> {
    let mut rows = rows.into_iter();
    rows.next().map(|mut row| row.next()).transpose()
}

/// Most rows that one statement inserts. The widest table has 19 columns, so that it stays far below
/// the parameters that a statement may have (SQLite: 32,766; PostgreSQL: 65,535).
pub(super) const MOST_ROWS: usize = 128;

/// Inserts rows of `columns` values each, and returns what the statements do. `head` is all up to
/// `VALUES`, `tail` what follows. Each statement costs a way to the server and back, so it takes many
/// rows; their numbers are powers of two, so that there are few texts to prepare.
pub(super) fn insert(
    database: &mut dyn Database,
    head: &str,
    columns: usize,
    values: &[Value],
    tail: &str,
) -> Result<Vec<Row>, StoreError> {
    let mut returned = Vec::new();
    let mut rest = values;
    while !rest.is_empty() {
        let rows = MOST_ROWS.min(1 << (rest.len() / columns).ilog2());
        let (some, others) = rest.split_at(rows * columns);
        let groups: Vec<String> = (0..rows)
            .map(|row| format!("({})", parameters(row * columns + 1, columns)))
            .collect();
        let statement = format!("{head} VALUES {} {tail}", groups.join(", "));
        returned.append(&mut database.rows(&statement, some)?);
        rest = others;
    }
    Ok(returned)
}

/// `$first, ...`, as many as `count`.
pub(super) fn parameters(first: usize, count: usize) -> String {
    let all: Vec<String> = (first..first + count).map(|n| format!("${n}")).collect();
    all.join(", ")
}

/// A connection to a database.
pub(super) trait Database: Send {
    /// Whether its types are PostgreSQL's.
    fn is_postgres(&self) -> bool;

    /// Connects anew after [`StoreError::Lost`].
    fn reconnect(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    /// Runs statements that take no parameters.
    fn batch(&mut self, statements: &str) -> Result<(), StoreError>;

    /// Runs one statement; returns how many rows it changed.
    fn run(&mut self, statement: &str, values: &[Value]) -> Result<u64, StoreError>;

    /// Runs one statement and returns its rows.
    fn rows(&mut self, statement: &str, values: &[Value]) -> Result<Vec<Row>, StoreError>;
}
