//! Finds where a fingerprint's secret stands, reported or not.

use super::{
    corpus::{Corpus, CorpusError},
    single::bare,
};
use crate::{
    confirm::{ConfirmWorker, Confirmer, Match},
    engine::{self, Engine, EngineKind, EngineWorker, Hit},
    model::{Fingerprint, ObjectId, ScanIssue, Secret, SkipReason},
    rules::RuleSet,
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
    /// The line on which the secret starts, 1-based.
    pub line: u64,
}

/// Looks for a rule and secret of this fingerprint, whatever the filters say of them. Of several
/// contents that hold it, the one of the smallest id or path is returned. (What filters of a rule of
/// assignments drop is not found: its fingerprint was never given.)
///
/// # Errors
/// When the corpus cannot be opened.
pub fn find(
    rules: &RuleSet,
    corpus: &Corpus,
    fingerprint: &str,
    context: &VisitContext<'_>,
) -> Result<Option<FoundAt>, CorpusError> {
    let bare = RuleSet::new(rules.rules().iter().map(bare).collect(), Vec::new());
    let confirmer = Arc::new(Confirmer::new(&bare));
    let engine = engine::build(EngineKind::Literal, Arc::clone(confirmer.literals()))?;
    let search = Search {
        confirmer,
        engine: &*engine,
        fingerprint,
        found: Mutex::default(),
    };
    corpus.visit(context, &&search)?;
    let found = search.found.into_inner();
    Ok(found.unwrap_or_else(PoisonError::into_inner))
}

struct Search<'a> {
    confirmer: Arc<Confirmer>,
    engine: &'a dyn Engine,
    fingerprint: &'a str,
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
        let content = view.bytes;
        self.hits.clear();
        self.matches.clear();
        self.engine.hits(content, 0..content.len(), &mut self.hits);
        for hit in &self.hits {
            self.confirm.confirm(content, *hit, &mut self.matches);
        }
        self.confirm
            .whole_blob(content, &self.hits, &mut self.matches);
        let (rule_id, at) = self.matches.iter().find_map(|m| {
            let id = &self.search.confirmer.rule(m.rule).info.id;
            let secret = Secret::new(&content[m.secret_start..m.secret_end]);
            let own = Fingerprint::new(id, &secret);
            (own.as_str() == self.search.fingerprint).then_some((id, m.secret_start))
        })?;
        Some(FoundAt {
            rule_id: rule_id.clone(),
            blob: view.id,
            path: view.path.unwrap_or_default().to_vec(),
            bytes: content.to_vec(),
            line: 1 + memchr::memchr_iter(b'\n', &content[..at]).count() as u64,
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
