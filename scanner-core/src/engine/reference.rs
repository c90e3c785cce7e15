//! The oracle of the other engines: at every position each literal is tried that begins with the
//! byte there, one after the other.

use super::{Engine, EngineWorker, Hit, LiteralSet};
use std::{ops::Range, sync::Arc};

/// Tries literals at every position.
#[derive(Debug)]
pub(super) struct ReferenceEngine {
    set: Arc<LiteralSet>,
    /// Literals by the byte that they may begin with, in their order.
    by_first: Vec<Vec<u32>>,
}

impl ReferenceEngine {
    pub(super) fn new(set: Arc<LiteralSet>) -> Self {
        let mut by_first = vec![Vec::new(); 256];
        for (literal, (bytes, ignore_case)) in set.literals().iter().enumerate() {
            let may_begin = |byte: u8| {
                let begins = |first: &u8| {
                    *first == byte || *ignore_case && first.eq_ignore_ascii_case(&byte)
                };
                bytes.first().is_none_or(begins)
            };
            for byte in (0..=255).filter(|byte| may_begin(*byte)) {
                by_first[usize::from(byte)].push(literal as u32);
            }
        }
        Self { set, by_first }
    }
}

impl Engine for ReferenceEngine {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn worker(&self) -> Box<dyn EngineWorker + Send + '_> {
        Box::new(ReferenceWorker { engine: self })
    }
}

struct ReferenceWorker<'a> {
    engine: &'a ReferenceEngine,
}

impl EngineWorker for ReferenceWorker<'_> {
    fn hits(&mut self, content: &[u8], range: Range<usize>, out: &mut Vec<Hit>) {
        let ReferenceEngine { set, by_first } = self.engine;
        let visible = &content[..range.end];
        for start in range {
            for &literal in &by_first[usize::from(visible[start])] {
                if set.stands_at(literal, visible, start) {
                    out.push(Hit {
                        start: start as u32,
                        literal,
                    });
                }
            }
        }
    }
}
