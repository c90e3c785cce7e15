//! Values of findings, which are kept sealed alone.

use super::{
    RepositoryId, Store, StoreError,
    database::{Row, Value},
};
use crate::seal::{KeyId, OpenError, Opened, PrivateKey};
use std::collections::BTreeSet;

/// The sealed value of a finding of one repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedValue {
    /// Name of the repository.
    pub repository: String,
    /// The finding's fingerprint.
    pub fingerprint: String,
    /// Its rule.
    pub rule: String,
    /// Whether it is not in the repository any more, history included.
    pub gone: bool,
    sealed_for: KeyId,
    sealed: Vec<u8>,
}

impl SealedValue {
    /// Opens it.
    ///
    /// # Errors
    /// [`OpenError`] where it cannot be opened with this key, or is another finding's.
    pub fn open(&self, key: &PrivateKey) -> Result<Opened, OpenError> {
        let opened = key.open(&self.sealed, &self.fingerprint, &self.rule);
        let other = self.sealed_for != *key.public().id();
        opened.map_err(|error| match error {
            // What a key does not open is damaged only if it was sealed for it.
            OpenError::Damaged if other => OpenError::OtherKey(self.sealed_for.clone()),
            error => error,
        })
    }
}

impl Store {
    /// All sealed values, of findings that are gone too: by rule, fingerprint and repository.
    ///
    /// # Errors
    /// When the database fails.
    pub fn sealed_values(&self) -> Result<Vec<SealedValue>, StoreError> {
        let rows = self.rows(
            "SELECT r.name, f.fingerprint, f.rule, f.gone_at IS NOT NULL, f.sealed_for, f.sealed
             FROM finding f JOIN repository r ON r.id = f.repository
             WHERE f.sealed IS NOT NULL
             ORDER BY f.rule, f.fingerprint, r.name, r.id",
            &[],
        )?;
        let read = |mut row: Row| {
            Ok(SealedValue {
                repository: row.next()?,
                fingerprint: row.next()?,
                rule: row.next()?,
                gone: row.next()?,
                sealed_for: KeyId::stored(row.next::<Option<String>>()?.unwrap_or_default()),
                sealed: row.next()?,
            })
        };
        rows.into_iter().map(read).collect()
    }

    /// Repositories with findings whose values are not sealed for this key.
    ///
    /// # Errors
    /// When the database fails.
    pub fn unsealed(&self, key: &KeyId) -> Result<BTreeSet<RepositoryId>, StoreError> {
        let rows = self.rows(
            "SELECT DISTINCT repository FROM finding
             WHERE gone_at IS NULL AND (sealed_for IS NULL OR sealed_for <> $1)",
            &[Value::from(key.as_str())],
        )?;
        let read = |mut row: Row| Ok(RepositoryId(row.next()?));
        rows.into_iter().map(read).collect()
    }
}
