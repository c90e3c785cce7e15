//! What libhs compiled, kept for later runs.
//!
//! The place is somebody else's: the library opens no files. What comes back from it was outside of
//! this process and is about to be run by libhs, which follows offsets in it. So it is sealed: a
//! header says what it was compiled from and for, and holds a hash of the rest. That finds all that
//! happens to bytes by accident, and what belongs to other rules, another libhs or another
//! processor. It is no defence against whoever can write there on purpose, for the hash has no
//! secret: keeping those out is the task of the one who implements [`CompiledCache`].

use super::binding::{self, Database};
use crate::engine::{EngineError, LiteralSet};
use std::fmt::Debug;

/// The first bytes of what is stored. Its end changes with the form of what follows, and with how
/// literals become expressions and flags of libhs.
const MAGIC: &[u8; 8] = b"gshsdb\x00\x01";
/// Bytes ahead of what libhs gave: the magic, the key, a hash.
const HEADER: usize = MAGIC.len() + 2 * blake3::OUT_LEN;

/// A place where an engine keeps what it compiled, so that the next start is quick.
///
/// # Security
/// What is stored is trusted as code is. An implementation returns only what was stored by the one
/// who runs this process, and lets nobody else write there. Damage it need not look for.
pub trait CompiledCache: Send + Sync + Debug {
    /// Returns what was last stored under `key`, which is 64 lower-case hexadecimal digits;
    /// `None` when there is nothing that can be trusted.
    fn load(&self, key: &str) -> Option<Vec<u8>>;
    /// Keeps this, some hundred kilobytes, under `key`, in the place of what is there. What cannot
    /// be kept is compiled again next time, so this does not fail.
    fn store(&self, key: &str, compiled: &[u8]);
}

/// Returns the database of these literals: the one that the cache has, or a new one, which the
/// cache then has.
pub(super) fn database(
    set: &LiteralSet,
    cache: &dyn CompiledCache,
) -> Result<Database, EngineError> {
    let Some(key) = Key::of(set) else {
        return Database::compile(set);
    };
    let name = key.0.to_hex();
    if let Some(sealed) = cache.load(&name)
        && let Some(database) = key.open(&sealed)
    {
        return Ok(database);
    }
    let database = Database::compile(set)?;
    if let Some(bytes) = database.serialize() {
        cache.store(&name, &key.seal(&bytes));
    }
    Ok(database)
}

/// A hash of all that decides what libhs compiles.
struct Key(blake3::Hash);

impl Key {
    /// `None` where libhs cannot say what it compiles for.
    fn of(set: &LiteralSet) -> Option<Self> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(MAGIC);
        let mut part = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        part(binding::version());
        part(&binding::platform()?.map(u64::to_le_bytes).concat());
        for (bytes, ignore_case) in set.literals() {
            part(bytes);
            part(&[u8::from(*ignore_case)]);
        }
        Some(Self(hasher.finalize()))
    }

    fn seal(&self, compiled: &[u8]) -> Vec<u8> {
        let checksum = blake3::hash(compiled);
        let header: [&[u8]; 3] = [MAGIC, self.0.as_bytes(), checksum.as_bytes()];
        [&header.concat(), compiled].concat()
    }

    /// Makes a database of what was sealed, if it is whole and this key's.
    #[expect(unsafe_code, reason = "libhs takes what it gave on trust")]
    fn open(&self, sealed: &[u8]) -> Option<Database> {
        let (header, compiled) = sealed.split_at_checked(HEADER)?;
        let (start, checksum) = header.split_at(HEADER - blake3::OUT_LEN);
        let whole = start == [MAGIC, &self.0.as_bytes()[..]].concat()
            && checksum == blake3::hash(compiled).as_bytes();
        // SAFETY: a header with this key and the hash of these very bytes was made by `seal` from
        // what `serialize` gave, unless someone forged it, whom the cache keeps out by contract.
        // The key says that it was this libhs, for this processor.
        whole.then(|| unsafe { Database::deserialize(compiled) })?
    }
}
