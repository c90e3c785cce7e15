//! Vectorscan or Hyperscan as an engine, through the system's libhs.
//!
//! Literals that do not ignore case are compiled so; what libhs reports is nevertheless verified, so
//! that a fault in it can lose hits but not invent any.
//!
//! Compiling the literals of the built-in rules takes 80 ms, ten times a start without, so whoever
//! makes the engine may hand it a place to keep the result ([`CompiledCache`]): 0.7 ms then.

mod binding;
mod cache;
#[cfg(test)]
mod tests;

pub use cache::CompiledCache;

use super::{Engine, EngineError, EngineWorker, Hit, LiteralSet};
use binding::{Database, Scratch};
use std::{ops::Range, sync::Arc};

const NAME: &str = "hyperscan";

/// Vectorscan or Hyperscan.
#[derive(Debug)]
pub(super) struct HyperscanEngine {
    set: Arc<LiteralSet>,
    /// `None` when there are no literals, for libhs takes no empty set.
    database: Option<Database>,
}

impl HyperscanEngine {
    /// Compiles the literals, or takes them as `cache` has them.
    pub(super) fn new(
        set: Arc<LiteralSet>,
        cache: Option<&dyn CompiledCache>,
    ) -> Result<Self, EngineError> {
        if !binding::runs_here() {
            return Err(EngineError::Unavailable {
                engine: NAME,
                message: "libhs does not run on this processor".to_owned(),
            });
        }
        let database = if set.literals().is_empty() {
            None
        } else {
            let database = match cache {
                Some(cache) => cache::database(&set, cache)?,
                None => Database::compile(&set)?,
            };
            // The only thing that can go wrong later, and then only for want of memory.
            Scratch::new(&database)?;
            Some(database)
        };
        Ok(Self { set, database })
    }
}

impl Engine for HyperscanEngine {
    fn name(&self) -> &'static str {
        NAME
    }

    fn worker(&self) -> Box<dyn EngineWorker + Send + '_> {
        Box::new(HyperscanWorker {
            set: &self.set,
            scan: self.database.as_ref().map(|database| {
                let scratch = Scratch::new(database)
                    .expect("the same allocation succeeded when the engine was made");
                (database, scratch)
            }),
        })
    }
}

struct HyperscanWorker<'a> {
    set: &'a LiteralSet,
    scan: Option<(&'a Database, Scratch)>,
}

impl EngineWorker for HyperscanWorker<'_> {
    fn hits(&mut self, content: &[u8], range: Range<usize>, out: &mut Vec<Hit>) {
        let Some((database, scratch)) = &mut self.scan else {
            return;
        };
        let first = out.len();
        let set = self.set;
        let base = range.start;
        database.scan(scratch, &content[range], |literal, end| {
            let (bytes, _) = &set.literals()[literal as usize];
            if let Some(start) = (base + end).checked_sub(bytes.len())
                && start >= base
                && set.stands_at(literal, content, start)
            {
                out.push(Hit {
                    start: start as u32,
                    literal,
                });
            }
        });
        let found = &mut out[first..];
        found.sort_unstable();
        debug_assert!(found.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
