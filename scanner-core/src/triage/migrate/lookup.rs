//! Finds what a foreign entry is about among findings. Everything is in maps: the cost grows with
//! entries and occurrences, not with their product.

mod kinship;

use super::ForeignEntry;
use crate::model::{Finding, ObjectId, Occurrence, Report, Where};
use kinship::{Kinship, kinship};
use std::{
    borrow::Cow,
    cell::OnceCell,
    collections::{BTreeSet, HashMap},
};

/// Most findings at one place among which one is chosen.
const MOST_AT_A_PLACE: usize = 64;
/// Shortest part that two secrets share and that makes them one: scanners differ in how much of a
/// line they take for the secret.
const SHARED_FROM_BYTES: usize = 8;

/// Why an entry is not carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotFound {
    #[error(
        "nothing is found there: it is gone, or no rule of ours reports it, and then it needs no \
         entry"
    )]
    Nothing,
    #[error(
        "what stands there did not come with that commit: history was rewritten, or it is another secret"
    )]
    OtherCommit,
    #[error("another secret stands there, or another part of the line was taken for the secret")]
    OtherSecret,
    #[error("what is found there is of another kind")]
    OtherRule,
    #[error("{0} secrets are found there, and nothing says which is meant")]
    Ambiguous(usize),
    #[error("it names neither a secret nor a place")]
    NoClue,
}

/// What a scan found, by all that foreign entries may know of it.
#[derive(Debug)]
pub(super) struct Lookup<'a> {
    findings: &'a [Finding],
    roots: Vec<String>,
    by_secret: HashMap<&'a [u8], Vec<usize>>,
    /// Made when the first entry asks for it.
    by_sha1: OnceCell<HashMap<[u8; 20], Vec<usize>>>,
    paths: HashMap<Cow<'a, [u8]>, u32>,
    /// By path and line.
    places: HashMap<(u32, u64), There>,
    /// By path, line, and commit that brought it.
    commits: HashMap<(u32, u64, ObjectId), Vec<usize>>,
}

/// Numbers of the findings at a place.
#[derive(Debug, Default)]
struct There {
    all: Vec<usize>,
    /// Those that stand there in `HEAD` or the working tree.
    now: Vec<usize>,
}

impl<'a> Lookup<'a> {
    pub(super) fn new(report: &'a Report, roots: Vec<String>) -> Self {
        let mut lookup = Self {
            findings: &report.findings,
            roots,
            by_secret: HashMap::new(),
            by_sha1: OnceCell::new(),
            paths: HashMap::new(),
            places: HashMap::new(),
            commits: HashMap::new(),
        };
        for (number, finding) in report.findings.iter().enumerate() {
            for secret in std::iter::once(&finding.secret).chain(&finding.written) {
                push(lookup.by_secret.entry(secret.reveal()).or_default(), number);
            }
            for occurrence in finding.occurrences.iter().filter(|o| !o.path.is_empty()) {
                lookup.add(number, occurrence);
            }
        }
        lookup
    }

    fn add(&mut self, number: usize, occurrence: &'a Occurrence) {
        let next = self.paths.len() as u32;
        let path = *self.paths.entry(named(occurrence)).or_insert(next);
        let line = occurrence.location.start_line;
        let now = matches!(
            occurrence.place,
            Where::Head | Where::Index | Where::Worktree | Where::File
        );
        let there = self.places.entry((path, line)).or_default();
        push(&mut there.all, number);
        if now {
            push(&mut there.now, number);
        }
        let first = occurrence.introduced.iter().map(|c| c.commit);
        for commit in first.chain(occurrence.also_introduced_in.iter().copied()) {
            let brought = self.commits.entry((path, line, commit)).or_default();
            push(brought, number);
        }
    }

    /// Finds the findings that an entry is about: several rules may find one secret.
    pub(super) fn find(&self, entry: &ForeignEntry) -> Result<Vec<usize>, NotFound> {
        let known: BTreeSet<usize> = entry
            .secrets
            .iter()
            .filter_map(|secret| self.by_secret.get(secret.reveal()))
            .flatten()
            .copied()
            .collect();
        if !known.is_empty() {
            return Ok(known.into_iter().collect());
        }
        if let Some(sha1) = &entry.sha1
            && let Some(found) = self.by_sha1.get_or_init(|| self.hashed()).get(sha1)
        {
            return Ok(found.clone());
        }
        let there = self.at(entry)?;
        if entry.sha1.is_some() {
            return Err(NotFound::OtherSecret);
        }
        if there.len() > MOST_AT_A_PLACE {
            return Err(NotFound::Ambiguous(there.len()));
        }
        if entry.secrets.is_empty() {
            return self.choose(there, entry);
        }
        let shared = there.iter().copied().filter(|&at| self.shares(at, entry));
        let shared: Vec<usize> = shared.collect();
        if shared.is_empty() {
            return Err(NotFound::OtherSecret);
        }
        self.choose(&shared, entry)
    }

    /// What stands at the place that an entry names; never empty.
    fn at(&self, entry: &ForeignEntry) -> Result<&[usize], NotFound> {
        if entry.path.is_empty() || entry.line == 0 {
            let by_content = entry.sha1.is_some() || !entry.secrets.is_empty();
            return Err(if by_content {
                NotFound::Nothing
            } else {
                NotFound::NoClue
            });
        }
        let path = *self.path(&entry.path).ok_or(NotFound::Nothing)?;
        let place = (path, entry.line);
        let all = self.places.get(&place).ok_or(NotFound::Nothing)?;
        if let Some(commit) = &entry.commit {
            // Whoever knows the secret need not care which commit brought it.
            let commit = ObjectId::from_hex(commit.as_bytes()).ok();
            let brought = commit.and_then(|c| self.commits.get(&(path, entry.line, c)));
            match brought {
                Some(brought) => return Ok(brought),
                None if entry.secrets.is_empty() => return Err(NotFound::OtherCommit),
                None => {}
            }
        }
        if all.now.is_empty() || entry.commit.is_some() {
            return Ok(&all.all);
        }
        Ok(&all.now)
    }

    /// Looks a path up as it is, below one of the roots, and with the separators of Windows.
    fn path(&self, path: &str) -> Option<&u32> {
        let get = |path: &str| self.paths.get(path.replace("!/", "!").as_bytes());
        let plain = path.strip_prefix("./").unwrap_or(path);
        if let Some(found) = get(plain) {
            return Some(found);
        }
        let below = |root: &String| path.strip_prefix(root.as_str())?.strip_prefix('/');
        if let Some(below) = self.roots.iter().find_map(below) {
            return get(below);
        }
        get(&plain.replace('\\', "/"))
    }

    /// Whether a finding's secret and one of the entry are the same but for how much was taken.
    fn shares(&self, at: usize, entry: &ForeignEntry) -> bool {
        let own = self.findings[at].secret.reveal();
        entry.secrets.iter().any(|theirs| {
            let theirs = theirs.reveal();
            let (short, long) = if own.len() < theirs.len() {
                (own, theirs)
            } else {
                (theirs, own)
            };
            short.len() >= SHARED_FROM_BYTES && memchr::memmem::find(long, short).is_some()
        })
    }

    /// Chooses the one secret that is meant, and takes every rule that found it there.
    fn choose(&self, there: &[usize], entry: &ForeignEntry) -> Result<Vec<usize>, NotFound> {
        let secret = |at: usize| self.findings[at].secret.reveal();
        let kin = |at: usize| kinship(&entry.rule, &self.findings[at].rule.id);
        let known = !entry.secrets.is_empty();
        // What a rule of another provider found is not what they meant, though a rule for any
        // provider found it too.
        let others: BTreeSet<&[u8]> = (there.iter().copied())
            .filter(|&at| kin(at) == Kinship::None)
            .map(secret)
            .collect();
        let likely: Vec<(Kinship, usize)> = there
            .iter()
            .map(|&at| (kin(at), at))
            .filter(|&(kin, at)| {
                let possible = kin > Kinship::Possible || !others.contains(secret(at));
                known || (kin != Kinship::None && possible)
            })
            .collect();
        let Some(best) = likely.iter().map(|(kin, _)| *kin).max() else {
            return Err(NotFound::OtherRule);
        };
        let best: BTreeSet<&[u8]> = likely
            .iter()
            .filter(|(kin, _)| *kin == best)
            .map(|(_, at)| secret(*at))
            .collect();
        let [meant] = best.iter().copied().collect::<Vec<_>>()[..] else {
            return Err(NotFound::Ambiguous(best.len()));
        };
        let same = there.iter().copied().filter(|&at| secret(at) == meant);
        Ok(same.collect())
    }

    fn hashed(&self) -> HashMap<[u8; 20], Vec<usize>> {
        let mut out = HashMap::with_capacity(self.by_secret.len());
        for (secret, numbers) in &self.by_secret {
            out.insert(sha1(secret), numbers.clone());
        }
        out
    }
}

/// The name of a place, as others write it: members of containers after a `!`.
fn named(occurrence: &Occurrence) -> Cow<'_, [u8]> {
    let Some(member) = &occurrence.member else {
        return Cow::Borrowed(&occurrence.path);
    };
    let joined = [&occurrence.path[..], b"!", member].concat();
    Cow::Owned(bstr::ByteSlice::replace(&joined[..], "!/", "!"))
}

fn push(list: &mut Vec<usize>, number: usize) {
    if list.last() != Some(&number) {
        list.push(number);
    }
}

/// SHA-1, also of what was made to collide.
fn sha1(bytes: &[u8]) -> [u8; 20] {
    let mut hasher = sha1dc::Hasher::new();
    hasher.update(bytes);
    match hasher.finalize() {
        Ok(digest) => digest.into(),
        Err(collision) => collision.digest().into(),
    }
}
