//! Finds where a fingerprint's secret stands, reported or not.

use super::{
    corpus::{Corpus, CorpusError},
    layers::walk,
    single::bare,
};
use crate::{
    confirm::{ConfirmWorker, Confirmer, Match},
    engine::{self, Engine, EngineKind, EngineWorker, Hit},
    model::{ObjectId, ScanIssue, Secret, SkipReason},
    rules::RuleSet,
    scan::{Depths, Scanner},
    source::{BlobView, BlobVisitor, ContentKind, VisitContext, WorkerFactory},
};
use std::{
    ops::ControlFlow,
    sync::{Arc, Mutex, PoisonError},
};

/// A content that holds the secret.
#[derive(Debug, Clone)]
pub struct FoundAt {
    /// The rule.
    pub rule_id: String,
    /// The blob, in a repository.
    pub blob: Option<ObjectId>,
    /// The path, of a file; empty in a repository.
    pub path: Vec<u8>,
    /// The content.
    pub bytes: Vec<u8>,
}

/// Looks for a rule and secret of this fingerprint, whatever the filters say of them, as far into
/// content as the scanner looks. Of several contents that hold it, the one of the smallest id or path
/// is returned; one that holds it as it is comes before all that hold it encoded or in a member. (What
/// filters of a rule of assignments drop is not found: its fingerprint was never given.)
///
/// # Errors
/// When the corpus cannot be opened.
pub fn find(
    scanner: &Scanner,
    corpus: &Corpus,
    fingerprint: &str,
    context: &VisitContext<'_>,
) -> Result<Option<FoundAt>, CorpusError> {
    let bare = scanner.rules().rules().iter().map(bare).collect();
    let confirmer = Arc::new(Confirmer::new(&RuleSet::new(bare, Vec::new())));
    let engine = engine::build(EngineKind::Literal, Arc::clone(confirmer.literals()))?;
    // To decode and open everything takes many times as long, and most secrets stand as they are.
    for depths in [None, Some(depths(scanner, context))] {
        let search = Search {
            scanner,
            confirmer: Arc::clone(&confirmer),
            engine: &*engine,
            fingerprint,
            depths,
            context,
            found: Mutex::default(),
        };
        corpus.visit(context, &&search)?;
        let found = search.found.into_inner();
        if let Some(found) = found.unwrap_or_else(PoisonError::into_inner) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// How far a scanner looks, where every thread may have a container open.
fn depths(scanner: &Scanner, context: &VisitContext<'_>) -> Depths {
    let depths = scanner.depths();
    #[cfg(feature = "containers")]
    let depths = {
        let mut depths = depths;
        depths.archives.max_memory_bytes /= context.threads.max(1) as u64;
        depths
    };
    #[cfg(not(feature = "containers"))]
    let _ = context;
    depths
}

struct Search<'a> {
    scanner: &'a Scanner,
    confirmer: Arc<Confirmer>,
    engine: &'a dyn Engine,
    fingerprint: &'a str,
    /// How far to look into content; `None` for what stands there as it is.
    depths: Option<Depths>,
    context: &'a VisitContext<'a>,
    found: Mutex<Option<FoundAt>>,
}

impl<'a> WorkerFactory for &'a Search<'a> {
    type Worker = SearchWorker<'a>;

    fn worker(&self) -> SearchWorker<'a> {
        SearchWorker {
            search: self,
            engine: self.engine.worker(),
            confirm: self.confirmer.worker(),
            hits: Vec::new(),
            matches: Vec::new(),
        }
    }
}

struct SearchWorker<'a> {
    search: &'a Search<'a>,
    engine: Box<dyn EngineWorker + Send + 'a>,
    confirm: ConfirmWorker,
    hits: Vec<Hit>,
    matches: Vec<Match>,
}

impl SearchWorker<'_> {
    fn look(&mut self, view: &BlobView<'_, ()>) -> Option<FoundAt> {
        let search = self.search;
        let rule_id = match &search.depths {
            None => self.rule_in(view.bytes),
            Some(depths) => {
                let stopped = || search.context.stopped();
                let mut found = None;
                walk(view.bytes, depths, None, &stopped, &mut |layer| {
                    if found.is_none() {
                        found = self.rule_in(layer.text);
                    }
                });
                found
            }
        }?;
        Some(FoundAt {
            rule_id,
            blob: view.id,
            path: view.path.unwrap_or_default().to_vec(),
            bytes: view.bytes.to_vec(),
        })
    }

    /// The rule that finds the secret in a text.
    fn rule_in(&mut self, text: &[u8]) -> Option<String> {
        self.hits.clear();
        self.matches.clear();
        self.engine.hits(text, 0..text.len(), &mut self.hits);
        for hit in &self.hits {
            self.confirm.confirm(text, *hit, &mut self.matches);
        }
        self.confirm.whole_blob(text, &self.hits, &mut self.matches);
        self.matches.iter().find_map(|m| {
            let id = &self.search.confirmer.rule(m.rule).info.id;
            let secret = Secret::new(&text[m.secret_start..m.secret_end]);
            let own = self.search.scanner.fingerprint(id, &secret);
            (own.as_str() == self.search.fingerprint).then(|| id.clone())
        })
    }
}

impl BlobVisitor for SearchWorker<'_> {
    type State = ();

    fn blob(&mut self, view: &BlobView<'_, ()>, (): &mut ()) -> ControlFlow<()> {
        if view.report
            && let Some(found) = self.look(view)
        {
            let mut best = self
                .search
                .found
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let before = |other: &FoundAt| (found.blob, &found.path) < (other.blob, &other.path);
            if best.as_ref().is_none_or(before) {
                *best = Some(found);
            }
        }
        ControlFlow::Continue(())
    }

    fn skipped(&mut self, _kind: ContentKind, _id: Option<ObjectId>, _reason: SkipReason) {
        // A content that cannot be read holds nothing that could be explained.
    }

    fn issue(&mut self, _issue: ScanIssue) {
        // As above; a scan reports it.
    }
}
