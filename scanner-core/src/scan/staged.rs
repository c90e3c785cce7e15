//! Scans what is staged, before it is committed.
//!
//! Neither history nor working tree is read: the cost is that of what changed, so that a hook may
//! run at every commit. Only when something was found is it looked up whether `HEAD` held it
//! before, in the files that the commit changes, moves or removes.

use super::{
    Phase,
    assemble::{Assembly, Located},
    collect::{Collected, Collector, Origin},
    plain::with_causes,
    scanner::{Run, ScanError},
    worker::Visitors,
};
use crate::{
    model::{Finding, IssueKind, Novelty, ScanIssue, Secret, StagedReport},
    source::git::{Repository, WorkingSet},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// What is staged in a clone.
#[derive(Debug, Clone, Default)]
pub struct StagedInput {
    /// The clone, or its `.git` directory.
    pub path: PathBuf,
    /// The index; the repository's own where `None`. Git gives its hooks another one for a commit
    /// of some files only.
    pub index: Option<PathBuf>,
}

/// Scans what is staged.
pub(super) fn scan(run: &Run<'_>, input: &StagedInput) -> Result<StagedReport, ScanError> {
    let refuse = |e| ScanError::Input(with_causes(&e));
    let repository = Repository::open(&input.path).map_err(refuse)?;
    run.observer.phase(Phase::Files, 0, 0);
    let index = input.index.as_deref();
    let set = WorkingSet::staged_only(&repository, index).map_err(refuse)?;
    let mut extra = Collected::default();
    for issue in repository.issues() {
        extra.issue(issue.clone());
    }
    let (mut collected, findings) = visit(run, &repository, &set);
    let occurrences = std::mem::take(&mut collected.occurrences);
    extra.merge(collected);
    let old = if occurrences.is_empty() {
        BTreeSet::new()
    } else {
        let replaced = WorkingSet::replaced(&repository, index).map_err(refuse)?;
        old_secrets(run, &repository, &replaced, &mut extra)
    };
    if run.context.stopped() {
        extra.issue(ScanIssue::interrupted());
    }
    let mut assembly = Assembly::new(run.scanner, findings);
    for occurrence in &occurrences {
        let (path, place) = set.provenance(occurrence.number);
        assembly.add(occurrence, Located::at(path.into(), place));
    }
    let head = repository.head().map(|id| ("HEAD".to_owned(), id));
    let report = assembly.finish(extra, head.into_iter().collect::<BTreeMap<_, _>>());
    let novelty = |finding: &Finding| {
        if old.contains(&finding.secret) {
            Novelty::Old
        } else {
            Novelty::Introduced
        }
    };
    Ok(StagedReport {
        novelty: report.findings.iter().map(novelty).collect(),
        report,
    })
}

fn visit(
    run: &Run<'_>,
    repository: &Repository,
    set: &WorkingSet,
) -> (Collected, Vec<super::collect::RawFinding>) {
    let collector = Collector::default();
    let visitors = Visitors {
        scanner: run.scanner,
        collector: &collector,
        observer: run.observer,
        context: run.context,
        origin: Origin::WorkingSet,
        hash: repository.hash(),
        uncounted: None,
        ledger: None,
    };
    set.visit(run.context, &visitors);
    collector.finish()
}

/// Secrets that `HEAD` holds in what the commit replaces, by whatever rule and however sure: what
/// is there already is not brought by the commit.
fn old_secrets(
    run: &Run<'_>,
    repository: &Repository,
    replaced: &WorkingSet,
    extra: &mut Collected,
) -> BTreeSet<Secret> {
    let (mut collected, findings) = visit(run, repository, replaced);
    if !collected.take_issues().is_empty() {
        // On the safe side: nothing is old because of this.
        extra.issue(ScanIssue {
            kind: IssueKind::Note,
            object: None,
            path: None,
            message: "what HEAD has could not be read in full, so secrets that it holds already \
                      may count as new"
                .to_owned(),
        });
    }
    let seen: BTreeSet<u32> = collected.occurrences.iter().map(|o| o.finding).collect();
    let numbered = (0_u32..).zip(findings);
    numbered
        .filter(|(number, _)| seen.contains(number))
        .map(|(_, finding)| finding.secret)
        .collect()
}
