//! Scans a repository: objects, messages, index and working tree, then names the commits.

use super::{
    Phase,
    assemble::{Assembly, Located},
    collect::{Collected, Collector, Origin, RawOccurrence},
    increment::Ledger,
    plain::with_causes,
    scanner::{GitInput, HistoryScope, Run, ScanError},
    worker::Visitors,
};
use crate::{
    history::{
        NumberSet,
        attribute::{self, Placement, Standing, Tips},
        graph::{Graph, GraphReader},
        pruned::Pruned,
        scope::{self, Scope},
        trees::{Keep, TreeIndex, TreeReader},
    },
    model::{IssueKind, ObjectId, Report, ScanIssue, SkipReason, Where},
    source::{
        ContentKind,
        git::{LooseKinds, ObjectStore, Repository, Selection, WorkingSet},
    },
};
use bstr::BString;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::Path,
};

/// A repository whose objects are listed.
pub(super) struct Opened {
    pub(super) repository: Repository,
    pub(super) store: ObjectStore,
    pub(super) loose: LooseKinds,
    /// What went wrong with that.
    pub(super) issues: Vec<ScanIssue>,
}

impl Opened {
    pub(super) fn new(run: &Run<'_>, path: &Path) -> Result<Self, ScanError> {
        let repository = Repository::open(path).map_err(|e| ScanError::Input(with_causes(&e)))?;
        run.observer.phase(Phase::Index, 0, 0);
        let mut store = ObjectStore::open(repository.object_dirs(), repository.hash().into());
        let mut issues = std::mem::take(&mut store.issues);
        issues.extend_from_slice(repository.issues());
        Ok(Self {
            loose: LooseKinds::new(&store),
            repository,
            store,
            issues,
        })
    }
}

/// One scan of one repository.
struct GitScan<'a> {
    run: &'a Run<'a>,
    repository: &'a Repository,
    store: &'a ObjectStore,
    loose: &'a LooseKinds,
    /// What is known from earlier scans, where that counts.
    ledger: Option<&'a Ledger>,
    collector: Collector,
    /// What is counted and said beside what the threads bring.
    extra: Collected,
}

/// What a scan may look at.
pub(super) const MESSAGES: [ContentKind; 2] = [ContentKind::Commit, ContentKind::Tag];

/// Scans the repository that `input` names.
pub(super) fn scan(run: &Run<'_>, input: &GitInput) -> Result<Report, ScanError> {
    scan_opened(run, &Opened::new(run, &input.path)?, input, None)
}

/// Scans a repository that is open. What `ledger` knows is left out, and counted.
pub(super) fn scan_opened(
    run: &Run<'_>,
    opened: &Opened,
    input: &GitInput,
    ledger: Option<&Ledger>,
) -> Result<Report, ScanError> {
    let mut scan = GitScan {
        run,
        repository: &opened.repository,
        store: &opened.store,
        loose: &opened.loose,
        ledger,
        collector: Collector::default(),
        extra: Collected::default(),
    };
    for issue in &opened.issues {
        scan.extra.issue(issue.clone());
    }
    scan.run(input)
}

impl GitScan<'_> {
    fn run(mut self, input: &GitInput) -> Result<Report, ScanError> {
        let refs = self.repository.read_refs();
        let logs = self.repository.read_reflogs();
        for issue in refs.issues.into_iter().chain(logs.issues) {
            self.extra.issue(issue);
        }
        let receipt_tips: BTreeMap<String, ObjectId> = refs
            .refs
            .iter()
            .map(|r| (r.name.to_string(), r.target))
            .collect();
        let tips = Tips {
            head: self.repository.head(),
            refs: refs
                .refs
                .iter()
                .filter(|r| r.name != "HEAD" || r.symbolic.is_none())
                .map(|r| (r.name.to_string(), r.target))
                .collect(),
            logs: logs
                .entries
                .into_iter()
                .map(|(n, id)| (n.to_string(), id))
                .collect(),
        };

        let (graph, scope) = self.messages(&input.history, &tips)?;
        let others = self.ledger.map(Ledger::others);
        let selection = match (&scope, &others) {
            (Some(scope), _) => Selection::Numbers(scope.objects.words()),
            (None, Some(others)) => Selection::Numbers(others),
            (None, None) => Selection::All,
        };
        if let Some(ledger) = self.ledger {
            self.extra.visited[ContentKind::Blob as usize] += ledger.clean_blobs();
        }
        if input.history != HistoryScope::Nothing {
            self.objects(Phase::Blobs, &[ContentKind::Blob], selection);
        }
        let working_set = if input.working_tree {
            self.working_set(&input.history)
        } else {
            None
        };

        let (mut collected, findings) = std::mem::take(&mut self.collector).finish();
        let occurrences = std::mem::take(&mut collected.occurrences);
        self.extra.merge(collected);
        let mut wanted = NumberSet::new(self.store.len());
        for o in &occurrences {
            if o.kind == ContentKind::Blob && o.origin == Origin::Objects {
                wanted.insert(o.number);
            }
        }
        let index = self.trees(&wanted, scope.as_ref(), &input.history);
        let mut extra = std::mem::take(&mut self.extra);
        self.run
            .observer
            .phase(Phase::Attribution, occurrences.len() as u64, 0);
        let mut standing = Standing::new(self.store, &graph, &tips);
        let pruned = Pruned::new(&index, &wanted);
        self.report_missing(&standing, &index, &pruned, scope.as_ref(), &mut extra);
        self.report_interruption(&input.history, &mut extra);

        let commits = scope.as_ref().map(|s| &s.commits);
        let placements = attribute::attribute(
            &standing,
            &index,
            &wanted,
            &pruned,
            commits,
            self.run.context.threads,
        );
        // A staged blob is an object that no commit holds; its place is the index.
        let staged: BTreeSet<ObjectId> = working_set
            .iter()
            .flat_map(WorkingSet::staged)
            .map(|(_, id)| id)
            .collect();
        let mut assembly = Assembly::new(self.run.scanner, findings);
        for o in &occurrences {
            if o.origin == Origin::Objects
                && staged.contains(&o.id)
                && !placements.contains_key(&o.number)
            {
                continue;
            }
            match (&working_set, o.origin) {
                (Some(set), Origin::WorkingSet) => {
                    let (path, place) = set.provenance(o.number);
                    assembly.add(o, Located::at(path.into(), place));
                }
                _ => locate(o, &mut standing, &placements, &tips, |located| {
                    assembly.add(o, located);
                }),
            }
        }
        Ok(assembly.finish(extra, receipt_tips))
    }

    /// Visits objects of some kinds and scans them.
    fn objects(&self, phase: Phase, kinds: &[ContentKind], selection: Selection<'_>) {
        let objects = match selection {
            Selection::All => kinds.iter().map(|&k| self.store.count(k)).sum(),
            Selection::Numbers(_) => 0,
        };
        self.run.observer.phase(phase, objects, 0);
        let visitors = self.visitors(Origin::Objects);
        self.store
            .traverse(kinds, selection, self.loose, self.run.context, &visitors);
    }

    fn visitors(&self, origin: Origin) -> Visitors<'_> {
        Visitors {
            scanner: self.run.scanner,
            collector: &self.collector,
            observer: self.run.observer,
            context: self.run.context,
            origin,
            hash: self.repository.hash(),
            uncounted: None,
            ledger: self.ledger,
        }
    }

    /// Reads the commit graph and scans the messages in scope; finds out the scope.
    fn messages(
        &mut self,
        history: &HistoryScope,
        tips: &Tips,
    ) -> Result<(Graph, Option<Scope>), ScanError> {
        let run = self.run;
        let objects = MESSAGES.iter().map(|&k| self.store.count(k)).sum();
        run.observer.phase(Phase::Commits, objects, 0);
        if *history == HistoryScope::All {
            let visitors = self.visitors(Origin::Objects);
            let reader = GraphReader::new(self.store, &visitors);
            self.store
                .traverse(&MESSAGES, Selection::All, self.loose, run.context, &&reader);
            return Ok((reader.finish(), None));
        }
        // The graph comes first here, because it says which messages are in scope.
        let silent = super::worker::Silent;
        let reader = GraphReader::new(self.store, &silent);
        self.store
            .traverse(&MESSAGES, Selection::All, self.loose, run.context, &&reader);
        let graph = reader.finish();
        let HistoryScope::Reachable {
            include,
            exclude,
            max_depth,
        } = history
        else {
            return Ok((graph, None));
        };
        let include = if include.is_empty() {
            let mut all: Vec<u32> = tips
                .refs
                .iter()
                .map(|r| r.1)
                .chain(tips.head)
                .filter_map(|id| self.store.find(id.as_bytes()))
                .collect();
            all.sort_unstable();
            all.dedup();
            all
        } else {
            self.resolve(include)?
        };
        let exclude = self.resolve(exclude)?;
        let nothing = |_: u32| false;
        let reader = TreeReader::new(self.store, Keep::Leading(&nothing), &|_, _| ());
        let trees = [ContentKind::Tree];
        self.store
            .traverse(&trees, Selection::All, self.loose, run.context, &&reader);
        let (index, _, _) = reader.finish();
        let wish = scope::Wish {
            include: &include,
            exclude: &exclude,
            max_depth: *max_depth,
        };
        let scope = scope::select(self.store, &graph, &index, &wish, run.context, self.loose);
        let selection = Selection::Numbers(scope.objects.words());
        self.objects(Phase::Commits, &MESSAGES, selection);
        Ok((graph, Some(scope)))
    }

    /// Object numbers of revisions.
    fn resolve(&self, revisions: &[String]) -> Result<Vec<u32>, ScanError> {
        let one = |revision: &String| {
            let id = self
                .repository
                .resolve(revision)
                .map_err(|e| ScanError::Input(with_causes(&e)))?;
            self.store.find(id.as_bytes()).ok_or_else(|| {
                ScanError::Input(format!(
                    "revision {revision:?} names object {id}, which the repository does not have"
                ))
            })
        };
        revisions.iter().map(one).collect()
    }

    /// Reads the trees, keeping what leads to wanted blobs.
    fn trees(
        &mut self,
        wanted: &NumberSet,
        scope: Option<&Scope>,
        history: &HistoryScope,
    ) -> TreeIndex {
        if *history == HistoryScope::Nothing {
            return TreeIndex::default();
        }
        let run = self.run;
        run.observer
            .phase(Phase::Trees, self.store.count(ContentKind::Tree), 0);
        let is_wanted = |number: u32| wanted.contains(number);
        let told = |objects, bytes| run.observer.progress(objects, bytes);
        let reader = TreeReader::new(self.store, Keep::Leading(&is_wanted), &told);
        let trees = [ContentKind::Tree];
        self.store
            .traverse(&trees, Selection::All, self.loose, run.context, &&reader);
        let (index, issues, read) = reader.finish();
        for issue in issues {
            self.extra.issue(issue);
        }
        self.extra.visited[ContentKind::Tree as usize] = scope.map_or(read, |s| s.trees);
        index
    }

    /// Scans index and working tree.
    fn working_set(&mut self, history: &HistoryScope) -> Option<WorkingSet> {
        self.repository.worktree()?;
        self.run.observer.phase(Phase::Files, 0, 0);
        let set = match WorkingSet::open(self.repository, self.run.context.threads) {
            Ok(set) => set,
            Err(error) => {
                self.extra.issue(ScanIssue {
                    kind: IssueKind::Unreadable,
                    object: None,
                    path: self.repository.worktree().map(|p| p.display().to_string()),
                    message: format!("working set not scanned: {}", with_causes(&error)),
                });
                return None;
            }
        };
        // Staged blobs are objects, and a scan of all objects has counted them.
        let staged = |number: u32| set.provenance(number).1 == Where::Index;
        let mut visitors = self.visitors(Origin::WorkingSet);
        if *history == HistoryScope::All {
            visitors.uncounted = Some(&staged);
        }
        set.visit(self.run.context, &visitors);
        Some(set)
    }

    /// Says what commits and trees name and the repository does not have.
    fn report_missing(
        &self,
        standing: &Standing<'_>,
        index: &TreeIndex,
        pruned: &Pruned<'_>,
        scope: Option<&Scope>,
        extra: &mut Collected,
    ) {
        let shallow: BTreeSet<ObjectId> = self.repository.shallow().iter().copied().collect();
        let absent = self.store.promisor || self.repository.is_promisor();
        let mut say = |kind, object, message: String| {
            extra.issue(ScanIssue {
                kind,
                object,
                path: None,
                message,
            });
        };
        if !shallow.is_empty() {
            say(
                IssueKind::Missing,
                None,
                format!(
                    "shallow clone: the history before {} commits is not here; `git fetch \
                     --unshallow` brings it",
                    shallow.len()
                ),
            );
        }
        let kind = if absent {
            IssueKind::Missing
        } else {
            IssueKind::Corrupt
        };
        let parents = attribute::missing_parents(standing, &shallow);
        for (id, by) in parents {
            say(
                kind,
                Some(id),
                format!("commit is missing: it is a parent of {by}"),
            );
        }
        if scope.is_some() {
            return;
        }
        let missing = attribute::missing(standing, index, pruned, self.run.context.threads);
        let blobs = missing
            .iter()
            .filter(|(_, kind)| *kind == ContentKind::Blob)
            .count();
        let trees = missing.len() - blobs;
        if absent && !missing.is_empty() {
            say(
                IssueKind::Missing,
                None,
                format!(
                    "partial clone: {blobs} blobs and {trees} trees are not here and were not \
                     scanned; `git fetch --refetch --no-filter` brings them"
                ),
            );
        } else {
            for (id, kind) in &missing {
                let noun = if *kind == ContentKind::Blob {
                    "blob"
                } else {
                    "tree"
                };
                say(
                    IssueKind::Corrupt,
                    Some(*id),
                    format!("{noun} is missing: reachable trees or commits name it"),
                );
            }
        }
        for (_, kind) in missing {
            extra.skip(kind, SkipReason::Missing);
        }
    }

    /// Says that the scan was cut short, and counts what it did not come to.
    fn report_interruption(&self, history: &HistoryScope, extra: &mut Collected) {
        if !self.run.context.stopped() {
            return;
        }
        if *history == HistoryScope::All {
            let all = self.store.count(ContentKind::Blob);
            let blob = ContentKind::Blob;
            let met = extra.visited[blob as usize] + extra.skipped_of(blob);
            extra.skip_many(blob, SkipReason::Interrupted, all.saturating_sub(met));
        }
        extra.issue(ScanIssue::interrupted());
    }
}

/// Tells every place of an occurrence in the object database.
fn locate(
    o: &RawOccurrence,
    standing: &mut Standing<'_>,
    placements: &HashMap<u32, Vec<Placement>>,
    tips: &Tips,
    mut tell: impl FnMut(Located),
) {
    match o.kind {
        ContentKind::Tree => {}
        ContentKind::Commit | ContentKind::Tag => {
            let commit = standing.find(o.number);
            let (place, refs) = if let Some(commit) = commit {
                (
                    Where::CommitMessage,
                    standing.ref_names(standing.refs_of(commit)),
                )
            } else {
                let holds = tips.refs.iter().filter(|r| r.1 == o.id);
                let refs = holds
                    .map(|r| r.0.clone())
                    .take(attribute::MOST_REFS)
                    .collect();
                (Where::TagMessage, refs)
            };
            tell(Located {
                introduced: standing.info(o.number),
                refs,
                ..Located::at(BString::default(), place)
            });
        }
        ContentKind::Blob => {
            let Some(placements) = placements.get(&o.number) else {
                tell(Located::at(BString::default(), Where::Unreachable));
                return;
            };
            for p in placements {
                let introduced = p.introduced.first().and_then(|&c| standing.commit_info(c));
                let others = p.introduced.iter().skip(1);
                let mut also: Vec<_> = others.map(|&c| standing.commit_id(c)).collect();
                also.sort_unstable();
                tell(Located {
                    path: p.path.clone(),
                    place: p.place,
                    introduced,
                    also_introduced_in: also,
                    last_seen: p.last_seen.map(|c| standing.commit_id(c)),
                    last_seen_seconds: p.last_seen.map(|c| standing.commit_seconds(c)),
                    refs: standing.ref_names(p.refs),
                });
            }
        }
    }
}
