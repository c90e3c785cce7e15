//! The oracle of the other engines: every literal tried at every position, nothing clever.

use super::{Engine, EngineWorker, Hit, LiteralSet};
use std::{ops::Range, sync::Arc};

/// Tries every literal at every position.
#[derive(Debug)]
pub(super) struct ReferenceEngine {
    set: Arc<LiteralSet>,
}

impl ReferenceEngine {
    pub(super) fn new(set: Arc<LiteralSet>) -> Self {
        Self { set }
    }
}

impl Engine for ReferenceEngine {
    fn name(&self) -> &'static str {
        "reference"
    }

    fn worker(&self) -> Box<dyn EngineWorker + Send + '_> {
        Box::new(ReferenceWorker { set: &self.set })
    }
}

struct ReferenceWorker<'a> {
    set: &'a LiteralSet,
}

impl EngineWorker for ReferenceWorker<'_> {
    fn hits(&mut self, content: &[u8], range: Range<usize>, out: &mut Vec<Hit>) {
        let visible = &content[..range.end];
        for start in range {
            for literal in 0..self.set.literals().len() as u32 {
                if self.set.stands_at(literal, visible, start) {
                    out.push(Hit {
                        start: start as u32,
                        literal,
                    });
                }
            }
        }
    }
}
