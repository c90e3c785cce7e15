//! Scans what a push brings, at a cost that grows with the push and not with the repository.
//!
//! What lies in quarantine is scanned as it is stored, delta-aware. Then the trees of the new
//! commits are compared with those of their parents: that finds what the push uses without having
//! sent it (a fork's parent had it, a deleted branch left it behind), which is read and scanned
//! too, and names commit and path of what hit. Last, what the push replaced is searched for the
//! same secrets, so that only those count as introduced that it brings.

mod novelty;
mod places;
mod round;
#[cfg(test)]
mod tests;

use super::{
    Phase,
    assemble::Assembly,
    collect::{Collected, Collector, Origin},
    plain::with_causes,
    scanner::{Run, ScanError},
    worker::Visitors,
};
use crate::{
    history::{
        changes::{Change, ChangeWalk, Side},
        new_commits::{self, KnownTips, NewCommits},
    },
    model::{
        CommitId, Finding, Fingerprint, IssueKind, Novelty, ObjectId, Occurrence, PushReport,
        PushedCommit, PushedTip, RefUpdate, ScanIssue,
    },
    source::{
        ContentKind,
        git::{
            IncomingObjects, IncomingReader, LooseKinds, ObjectEnvironment, ReadError, Repository,
        },
        message,
    },
};
use bstr::BString;
use places::Places;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    path::PathBuf,
};

/// Bytes of a tip's message that are kept.
const MESSAGE_BYTES: usize = 64 << 10;

/// What to scan of a push.
#[derive(Debug, Clone, Default)]
pub struct PushInput {
    /// The repository that is pushed to, or from.
    pub path: PathBuf,
    /// Where git says that objects are.
    pub environment: ObjectEnvironment,
    /// The refs that are to change.
    pub updates: Vec<RefUpdate>,
    /// What counts as there already.
    pub known: KnownRefs,
    /// In which order content is scanned.
    pub order: PushOrder,
}

/// What counts as there already, beside what the updates replace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum KnownRefs {
    /// All refs of the repository, as for a server.
    #[default]
    Own,
    /// Those, and the refs of the repositories that objects are borrowed from: for forks whose
    /// parent is trusted.
    OwnAndBorrowed,
    /// Refs whose name starts so: `refs/remotes/origin/`, as for a client.
    Prefix(BString),
    /// All refs of the repository but those that the updates name: for updates that have been made
    /// already.
    OwnBefore,
    /// All but these commits, which alone are looked at: what another scan did not come to, the
    /// newest first.
    AllBut(Vec<CommitId>),
}

/// In which order a push is scanned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PushOrder {
    /// As it is stored: the fastest.
    #[default]
    Stored,
    /// The newest commits first, so that a deadline cuts off the oldest.
    NewestFirst,
}

/// A scan of a push.
struct PushScan<'a> {
    run: &'a Run<'a>,
    repository: &'a Repository,
    incoming: &'a IncomingObjects,
    reader: IncomingReader<'a>,
    known: &'a KnownRefs,
    updates: &'a [RefUpdate],
    /// Where the refs pointed that the push moves or deletes.
    moved: &'a [ObjectId],
    new: NewCommits,
    collector: Collector,
    /// Kinds of the loose objects in quarantine, as far as they were read.
    loose: Option<LooseKinds>,
    /// Bytes that the quarantine takes; 0 where there is none.
    stored_bytes: u64,
    extra: Collected,
    changed: Changed,
    /// What hit in quarantine.
    hits: HashSet<ObjectId>,
    /// Content that is not in quarantine and was scanned.
    visited: HashSet<ObjectId>,
    unscanned: Vec<CommitId>,
}

/// What the new commits change.
#[derive(Debug, Default)]
struct Changed {
    /// Blobs that they add.
    added: HashSet<ObjectId>,
    /// Where those stand that hit or did not come with the push.
    places: HashMap<ObjectId, Vec<(Option<u32>, BString)>>,
    /// Blobs that did not come with the push, in the order met, each once.
    borrowed: Vec<ObjectId>,
    /// The blobs that each commit adds, by its position; filled only where the order matters.
    of_commit: Vec<Vec<ObjectId>>,
    /// The blobs of refs that end at a tree or blob; filled likewise.
    of_no_commit: Vec<ObjectId>,
}

/// Scans a push.
pub(super) fn scan(run: &Run<'_>, input: &PushInput) -> Result<PushReport, ScanError> {
    prepare(run, input, |scan| scan.run(input))
}

/// Finds out what is new and gives it to `then`.
fn prepare<T>(
    run: &Run<'_>,
    input: &PushInput,
    then: impl FnOnce(PushScan<'_>) -> T,
) -> Result<T, ScanError> {
    let repository =
        Repository::open(&input.path).map_err(|e| ScanError::Input(with_causes(&e)))?;
    run.observer.phase(Phase::Index, 0, 0);
    let mut issues = repository.issues().to_vec();
    let incoming = IncomingObjects::open(&repository, &input.environment, &mut issues);
    let mut reader = incoming.reader();
    let tips: Vec<ObjectId> = input.updates.iter().filter_map(|u| u.new).collect();
    let moved: Vec<ObjectId> = input.updates.iter().filter_map(|u| u.old).collect();
    let new = if let KnownRefs::AllBut(commits) = &input.known {
        new_commits::these(&mut reader, commits, &tips, run.context)
    } else {
        let mut others = || known_groups(&repository, &input.known, &input.updates, &mut issues);
        let mut glance = |ids: &[ObjectId]| match &input.known {
            KnownRefs::Own | KnownRefs::OwnAndBorrowed => repository.pointed_at(ids),
            KnownRefs::Prefix(_) | KnownRefs::OwnBefore | KnownRefs::AllBut(_) => Vec::new(),
        };
        let mut known = KnownTips {
            moved: &moved,
            at_a_glance: &mut glance,
            others: &mut others,
        };
        new_commits::find(&mut reader, &tips, &mut known, run.context)
    };
    let mut extra = Collected::default();
    for issue in issues {
        extra.issue(issue);
    }
    let scan = PushScan {
        run,
        repository: &repository,
        incoming: &incoming,
        reader,
        known: &input.known,
        updates: &input.updates,
        moved: &moved,
        new,
        collector: Collector::default(),
        loose: incoming.quarantine.as_ref().map(LooseKinds::new),
        stored_bytes: incoming.stored_bytes(),
        extra,
        changed: Changed::default(),
        hits: HashSet::new(),
        visited: HashSet::new(),
        unscanned: Vec::new(),
    };
    Ok(then(scan))
}

/// What refs point at, likely ones first.
fn known_groups(
    repository: &Repository,
    known: &KnownRefs,
    updates: &[RefUpdate],
    issues: &mut Vec<ScanIssue>,
) -> Vec<Vec<ObjectId>> {
    let mut read = |repository: &Repository| {
        let refs = repository.read_refs();
        // What a broken ref reached counts as new: that is more work and nothing lost.
        issues.extend(refs.issues.into_iter().map(|issue| match issue.kind {
            IssueKind::Corrupt => ScanIssue {
                kind: IssueKind::Note,
                ..issue
            },
            _ => issue,
        }));
        refs.refs
    };
    match known {
        // Asked for only to tell what stood in branches before, which these are part of.
        KnownRefs::AllBut(_) => Vec::new(),
        KnownRefs::Prefix(prefix) => {
            let refs = read(repository).into_iter();
            let remote = refs.filter(|r| r.name.starts_with(prefix));
            vec![remote.map(|r| r.target).collect()]
        }
        KnownRefs::Own | KnownRefs::OwnAndBorrowed | KnownRefs::OwnBefore => {
            let mut refs = read(repository);
            if *known == KnownRefs::OwnBefore {
                let moved: HashSet<&BString> = updates.iter().map(|update| &update.name).collect();
                let has_moved = |name: Option<&BString>| name.is_some_and(|n| moved.contains(n));
                refs.retain(|r| !has_moved(Some(&r.name)) && !has_moved(r.symbolic.as_ref()));
            }
            if *known == KnownRefs::OwnAndBorrowed {
                for dir in &repository.object_dirs()[1..] {
                    if let Some(lender) = dir.parent().and_then(|dir| Repository::open(dir).ok()) {
                        refs.extend(read(&lender));
                    }
                }
            }
            let (head, refs): (Vec<_>, Vec<_>) = refs.into_iter().partition(|r| r.name == "HEAD");
            let is_branch = |name: &BString| name.starts_with(b"refs/heads/");
            let (branches, rest): (Vec<_>, Vec<_>) =
                refs.into_iter().partition(|r| is_branch(&r.name));
            [head, branches, rest]
                .into_iter()
                .map(|group| group.into_iter().map(|r| r.target).collect())
                .collect()
        }
    }
}

impl PushScan<'_> {
    fn run(mut self, input: &PushInput) -> PushReport {
        self.tell_lost();
        match input.order {
            PushOrder::Stored => {
                self.scan_quarantine();
                self.find_changes(false);
                self.scan_borrowed();
                if self.run.context.stopped() {
                    let commits = self.new.commits.iter();
                    self.unscanned = commits.map(|commit| commit.id).collect();
                }
            }
            PushOrder::NewestFirst => {
                self.find_changes(true);
                self.scan_newest_first();
            }
        }
        if self.run.context.stopped() || self.new.stopped {
            self.extra.issue(ScanIssue::interrupted());
        }
        self.report(input)
    }

    fn visitors(&self) -> Visitors<'_> {
        Visitors {
            scanner: self.run.scanner,
            collector: &self.collector,
            observer: self.run.observer,
            context: self.run.context,
            origin: Origin::Objects,
            hash: self.repository.hash(),
            uncounted: None,
            ledger: None,
        }
    }

    /// Says which commits could not be read.
    fn tell_lost(&mut self) {
        let shallow = !self.repository.shallow().is_empty();
        for (id, error) in std::mem::take(&mut self.new.lost) {
            // What a shallow server lacks it has declared.
            let declared = shallow || self.repository.is_promisor();
            self.lost(id, "history", &error, declared);
        }
    }

    fn lost(&mut self, id: ObjectId, noun: &str, error: &ReadError, declared: bool) {
        let kind = match error {
            ReadError::Absent if declared => IssueKind::Missing,
            ReadError::Absent | ReadError::Corrupt(_) => IssueKind::Corrupt,
            ReadError::TooLarge(_) => IssueKind::Limit,
            ReadError::Unreadable(_) => IssueKind::Unreadable,
        };
        self.extra.issue(ScanIssue {
            kind,
            object: Some(id),
            path: None,
            message: format!("{noun} not followed: {}", with_causes(error)),
        });
    }

    /// Compares every new commit with its parents. Keeps the places of what hit or did not come
    /// with the push, or of all.
    fn find_changes(&mut self, keep_all: bool) {
        let id_len = self.repository.hash().id_len();
        let mut changed = std::mem::take(&mut self.changed);
        if keep_all {
            changed.of_commit = vec![Vec::new(); self.new.commits.len()];
        }
        let mut trees = ParentTrees::default();
        let parents: Vec<Vec<ObjectId>> = (0..self.new.commits.len())
            .map(|at| trees.of_parents(at, &self.new, &mut self.reader))
            .collect();
        let quarantine = self.incoming.quarantine.as_ref();
        let hits = &self.hits;
        let mut walk = ChangeWalk::new(&mut self.reader, id_len, false);
        let mut note = |commit: Option<u32>, change: Change<'_>| {
            let blob = change.blob;
            let came = quarantine.is_some_and(|store| store.find(blob.as_bytes()).is_some());
            let first = changed.added.insert(blob);
            if first && !came {
                changed.borrowed.push(blob);
            }
            if keep_all || !came || hits.contains(&blob) {
                let places = changed.places.entry(blob).or_default();
                places.push((commit, change.path.into()));
            }
            if first && keep_all {
                match commit {
                    Some(commit) => changed.of_commit[commit as usize].push(blob),
                    None => changed.of_no_commit.push(blob),
                }
            }
        };
        for (at, commit) in self.new.commits.iter().enumerate() {
            if self.run.context.stopped() {
                break;
            }
            if let Some(tree) = commit.tree {
                walk.compare(tree, &parents[at], &mut |change| {
                    note(Some(at as u32), change);
                });
            }
        }
        for tip in self.new.tips.iter().flatten() {
            match tip.kind {
                ContentKind::Tree => {
                    walk.compare(tip.id, &[], &mut |change| note(None, change));
                }
                ContentKind::Blob => note(
                    None,
                    Change {
                        path: b"",
                        blob: tip.id,
                        side: Side::Added,
                    },
                ),
                ContentKind::Commit | ContentKind::Tag => {}
            }
        }
        let lost = std::mem::take(&mut walk.lost);
        self.changed = changed;
        let declared = self.repository.is_promisor();
        for (id, error) in lost.into_iter().chain(trees.lost) {
            self.lost(id, "tree", &error, declared);
        }
    }

    /// Makes the report of all that was found.
    fn report(mut self, input: &PushInput) -> PushReport {
        let (mut collected, findings) = std::mem::take(&mut self.collector).finish();
        let occurrences = std::mem::take(&mut collected.occurrences);
        self.extra.merge(collected);
        let places = &self.changed.places;
        self.extra.name_files(|object| {
            let (_, path) = places.get(object)?.first()?;
            (!path.is_empty()).then(|| path.to_string())
        });
        self.run
            .observer
            .phase(Phase::Attribution, occurrences.len() as u64, 0);
        let mut places = Places::new(&self.new, &input.updates, &self.changed.places);
        let located = places.locate(&occurrences, &mut self.reader);
        let novelty = self.novelty(&occurrences, &findings, &located);
        let mut assembly = Assembly::new(self.run.scanner, findings);
        let mut introduced = HashSet::new();
        for (at, place) in located.iter().enumerate() {
            if novelty[at] == Some(Novelty::Introduced) {
                introduced.insert(occurrences[place.occurrence].finding);
            }
        }
        let confirmer = self.run.scanner.confirmer();
        let mut only_old: HashSet<Fingerprint> = HashSet::new();
        for (at, place) in located.into_iter().enumerate() {
            let Some(novelty) = novelty[at] else { continue };
            let occurrence = &occurrences[place.occurrence];
            if introduced.contains(&occurrence.finding) {
                // Where it stood before says nothing about what the push brings.
                if novelty == Novelty::Old {
                    continue;
                }
            } else {
                let raw = assembly.finding(occurrence.finding);
                let rule = &confirmer.rule(raw.rule).info;
                only_old.insert(self.run.scanner.fingerprint(&rule.id, &raw.secret));
            }
            assembly.add(occurrence, place.located);
        }
        let tips = input
            .updates
            .iter()
            .filter_map(|u| Some((u.name.to_string(), u.new?)))
            .collect::<BTreeMap<_, _>>();
        let report = assembly.finish(std::mem::take(&mut self.extra), tips);
        let novelty = report.findings.iter().map(|finding| {
            if only_old.contains(&finding.fingerprint) {
                Novelty::Old
            } else {
                Novelty::Introduced
            }
        });
        // What stands in no file cannot be commented.
        let allowed = |o: &Occurrence| o.allowed_by.is_some() && !o.path.is_empty();
        let inline_allowed = report
            .findings
            .iter()
            .map(|finding| finding.occurrences.iter().map(allowed).collect())
            .collect();
        PushReport {
            novelty: novelty.collect(),
            inline_allowed,
            tips: self.pushed_tips(&input.updates),
            named: self.named(&report.findings),
            commits: self.new.commits.len() as u64,
            stored_bytes: self.stored_bytes,
            unscanned: self.unscanned,
            report,
        }
    }

    fn named(&self, findings: &[Finding]) -> Vec<PushedCommit> {
        let occurrences = findings.iter().flat_map(|finding| &finding.occurrences);
        let ids = occurrences.flat_map(|o| {
            let first = o.introduced.iter().map(|commit| commit.commit);
            first.chain(o.also_introduced_in.iter().copied())
        });
        let ids: BTreeSet<CommitId> = ids.collect();
        ids.iter()
            .filter_map(|id| {
                let commit = &self.new.commits[*self.new.index.get(id)? as usize];
                Some(PushedCommit {
                    id: *id,
                    seconds: commit.time,
                    parents: commit.parents.len(),
                })
            })
            .collect()
    }

    fn pushed_tips(&mut self, updates: &[RefUpdate]) -> Vec<PushedTip> {
        let pushed = updates.iter().filter(|u| u.new.is_some());
        let ends: Vec<_> = pushed.zip(self.new.tips.clone()).collect();
        let mut bytes = Vec::new();
        ends.into_iter()
            .map(|(update, end)| {
                let commit = end.filter(|end| end.kind == ContentKind::Commit);
                let is_new = commit.is_some_and(|tip| self.new.index.contains_key(&tip.id));
                let read = |id| self.reader.read(id, new_commits::MOST_BYTES, &mut bytes);
                let text = match commit.filter(|_| is_new).map(|tip| tip.id) {
                    Some(id) if { read }(&id).is_ok() => message(&bytes),
                    _ => &[],
                };
                PushedTip {
                    name: update.name.clone(),
                    commit: commit.map(|tip| tip.id),
                    message: text[..text.len().min(MESSAGE_BYTES)].into(),
                }
            })
            .collect()
    }
}

/// The trees of the commits' parents, each read once.
#[derive(Debug, Default)]
struct ParentTrees {
    known: HashMap<ObjectId, Option<ObjectId>>,
    lost: Vec<(ObjectId, ReadError)>,
}

impl ParentTrees {
    fn of_parents(
        &mut self,
        at: usize,
        new: &NewCommits,
        reader: &mut IncomingReader<'_>,
    ) -> Vec<ObjectId> {
        let parents = new.commits[at].parents.iter();
        parents
            .filter_map(|parent| match new.index.get(parent) {
                Some(&at) => new.commits[at as usize].tree,
                None => self.of(*parent, reader),
            })
            .collect()
    }

    fn of(&mut self, commit: ObjectId, reader: &mut IncomingReader<'_>) -> Option<ObjectId> {
        if let Some(tree) = self.known.get(&commit) {
            return *tree;
        }
        let tree = match new_commits::tree_of(commit, reader) {
            Ok(tree) => tree,
            Err(error) => {
                self.lost.push((commit, error));
                None
            }
        };
        self.known.insert(commit, tree);
        tree
    }
}
