//! Reads refs and reflogs as they are stored.

use super::{
    layout::{LIST_FILE, SMALL_FILE, problem, read_file, same_place, subdirectories, unreadable},
    open::Repository,
};
use crate::{
    model::{IssueKind, ObjectId, ScanIssue},
    source::HashKind,
};
use bstr::{BStr, BString, ByteSlice};
use std::{
    collections::{BTreeMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
};

/// Symbolic refs of symbolic refs are followed this far, as in Git.
const SYMREF_DEPTH: usize = 5;

/// A ref and what it points at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ref {
    /// Full name: `HEAD`, `refs/heads/main`, `worktrees/<name>/HEAD`.
    pub name: BString,
    /// The object it ends at, which may be an annotated tag.
    pub target: ObjectId,
    /// The ref that it points at, where it is a symbolic one.
    pub symbolic: Option<BString>,
}

/// All refs of a repository.
#[derive(Debug, Default)]
pub struct Refs {
    /// Sorted by name. A `HEAD` without a commit yet is not among them.
    pub refs: Vec<Ref>,
    /// Refs that cannot be read or understood.
    pub issues: Vec<ScanIssue>,
}

/// All ids that reflogs name.
#[derive(Debug, Default)]
pub struct Reflogs {
    /// Ref and id, sorted, every pair once.
    pub entries: Vec<(BString, ObjectId)>,
    /// Logs that cannot be read or understood.
    pub issues: Vec<ScanIssue>,
}

impl Repository {
    /// The object that `HEAD` ends at; `None` if there is no commit yet, no `HEAD`, or a broken
    /// one ([`Self::read_refs`] says which).
    pub fn head(&self) -> Option<ObjectId> {
        self.lookup(b"HEAD".as_bstr())
    }

    /// Reads all refs: `HEAD`, loose and packed ones, those of linked worktrees.
    pub fn read_refs(&self) -> Refs {
        let mut found = RawRefs {
            hash: self.hash,
            refs: BTreeMap::new(),
            issues: Vec::new(),
        };
        let (Some(git_dir), Some(common_dir)) = (&self.git_dir, &self.common_dir) else {
            return Refs::default();
        };
        if self.reftable {
            found.issues.push(problem(
                IssueKind::Unreadable,
                &common_dir.join("reftable"),
                "refs are stored as a reftable, which cannot be read: objects are scanned, but \
                 none can be placed in a branch or tag; `git refs migrate --ref-format=files` helps",
            ));
            return Refs {
                refs: Vec::new(),
                issues: found.issues,
            };
        }
        found.packed(&common_dir.join("packed-refs"));
        found.tree(&common_dir.join("refs"), "refs/");
        found.file(&git_dir.join("HEAD"), "HEAD".into(), true);
        if git_dir != common_dir {
            // What the main worktree calls its own is not this one's.
            found.file(&common_dir.join("HEAD"), "main-worktree/HEAD".into(), false);
            for part in ["bisect", "worktree", "rewritten"] {
                let prefix = format!("refs/{part}/");
                found.rename(&prefix, "main-worktree/");
                found.tree(&git_dir.join("refs").join(part), &prefix);
            }
        }
        for (name, dir) in subdirectories(&common_dir.join("worktrees")) {
            if same_place(&dir, git_dir) {
                continue;
            }
            let prefix = format!("worktrees/{name}/");
            found.file(&dir.join("HEAD"), format!("{prefix}HEAD").into(), false);
            found.tree(&dir.join("refs"), &format!("{prefix}refs/"));
        }
        found.resolve()
    }

    /// Hands over what refs and reflogs are made of, each file's name and bytes in a fixed order,
    /// without making sense of it: a server may have a hundred thousand refs.
    pub(super) fn raw_refs(&self, tell: &mut dyn FnMut(&[u8], &[u8])) {
        let (Some(git_dir), Some(common_dir)) = (&self.git_dir, &self.common_dir) else {
            return;
        };
        let own: &[&PathBuf] = if git_dir == common_dir {
            &[common_dir]
        } else {
            &[common_dir, git_dir]
        };
        let worktrees = subdirectories(&common_dir.join("worktrees"));
        let mut paths = Vec::new();
        for dir in own
            .iter()
            .copied()
            .chain(worktrees.iter().map(|(_, dir)| dir))
        {
            paths.extend(["packed-refs", "HEAD"].map(|name| dir.join(name)));
            for below in ["refs", "logs"] {
                files_below(&dir.join(below), &mut Vec::new(), &mut |path, _, _| {
                    paths.push(path.to_owned());
                });
            }
        }
        paths.sort_unstable();
        for path in paths {
            let name = path.as_os_str().as_encoded_bytes();
            match fs::read(&path) {
                Ok(bytes) => tell(name, &bytes),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => tell(name, error.to_string().as_bytes()),
            }
        }
    }

    /// Reads the ids that all reflogs name, of linked worktrees too.
    pub fn read_reflogs(&self) -> Reflogs {
        let mut logs = Reflogs::default();
        let (Some(git_dir), Some(common_dir)) = (&self.git_dir, &self.common_dir) else {
            return logs;
        };
        let mut places = vec![(common_dir.join("logs"), String::new())];
        if git_dir != common_dir {
            places[0].1 = "main-worktree/".into();
            places.push((git_dir.join("logs"), String::new()));
        }
        for (name, dir) in subdirectories(&common_dir.join("worktrees")) {
            if !same_place(&dir, git_dir) {
                places.push((dir.join("logs"), format!("worktrees/{name}/")));
            }
        }
        for (dir, prefix) in places {
            files_below(&dir, &mut logs.issues, &mut |path, name, issues| {
                // Only what a worktree has for itself carries its name.
                let shared = name.starts_with(b"refs/") && prefix == "main-worktree/";
                let prefix = if shared { "" } else { &prefix };
                let name: BString = [prefix.as_bytes(), name].concat().into();
                match read_file(path, LIST_FILE) {
                    Ok(text) => {
                        let broken = read_reflog(&text, self.hash, &name, &mut logs.entries);
                        if broken > 0 {
                            issues.push(problem(
                                IssueKind::Note,
                                path,
                                &format!("{broken} lines of this reflog are not understood"),
                            ));
                        }
                    }
                    Err(error) => issues.push(unreadable(path, "reflog", &error)),
                }
            });
        }
        logs.entries.sort_unstable();
        logs.entries.dedup();
        logs
    }

    /// Which of some objects `HEAD` or a packed ref points at, found without making sense of every
    /// ref: a server may have a hundred thousand. An object that is not among those may be pointed
    /// at all the same, by a ref that is not packed.
    pub(crate) fn pointed_at(&self, ids: &[ObjectId]) -> Vec<ObjectId> {
        let head = self.head();
        let (mut found, rest): (Vec<ObjectId>, Vec<ObjectId>) =
            ids.iter().partition(|id| head == Some(**id));
        let common_dir = self.common_dir.as_ref().filter(|_| !rest.is_empty());
        let packed = common_dir.and_then(|dir| {
            let text = read_file(&dir.join("packed-refs"), LIST_FILE).ok()?;
            Some((dir, text))
        });
        let Some((dir, text)) = packed else {
            return found;
        };
        found.extend(rest.into_iter().filter(|id| {
            let hex = id.to_string();
            memchr::memmem::find_iter(&text, hex.as_bytes()).any(|at| {
                let starts_line = at == 0 || text[at - 1] == b'\n';
                let line = text[at..].lines().next().unwrap_or_default();
                // A file of the same name says that the ref has moved since it was packed.
                starts_line
                    && parse_packed(line, self.hash).is_some_and(|(_, name)| {
                        let valid = gix::validate::reference::name_partial(name).is_ok();
                        let path = name.to_path().map(|name| dir.join(name));
                        valid && path.is_ok_and(|path| fs::symlink_metadata(path).is_err())
                    })
            })
        }));
        found
    }

    /// Finds what one ref ends at without reading the others.
    pub(super) fn lookup(&self, name: &BStr) -> Option<ObjectId> {
        let (git_dir, common_dir) = (self.git_dir.as_ref()?, self.common_dir.as_ref()?);
        let mut name = name.to_owned();
        for _ in 0..=SYMREF_DEPTH {
            if gix::validate::reference::name_partial(name.as_bstr()).is_err() {
                return None;
            }
            let relative = name.to_path().ok()?;
            let loose = [git_dir, common_dir]
                .iter()
                .find_map(|dir| parse_ref(&dir.join(relative), self.hash).ok());
            match loose {
                Some(Target::Id(id)) => return Some(id),
                Some(Target::Symbolic(next)) => name = next,
                None => {
                    let text = read_file(&common_dir.join("packed-refs"), LIST_FILE).ok()?;
                    return text
                        .lines()
                        .filter_map(|line| parse_packed(line, self.hash))
                        .find(|(_, packed)| *packed == name.as_bstr())
                        .map(|(id, _)| id);
                }
            }
        }
        None
    }
}

/// Where a ref points.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Target {
    Id(ObjectId),
    Symbolic(BString),
}

/// Why a ref file gives no target.
#[derive(Debug)]
enum BadRef {
    Unreadable(io::Error),
    Garbage,
}

/// Refs as they are stored.
#[derive(Debug)]
struct RawRefs {
    hash: HashKind,
    refs: BTreeMap<BString, Target>,
    issues: Vec<ScanIssue>,
}

impl RawRefs {
    fn packed(&mut self, path: &Path) {
        let text = match read_file(path, LIST_FILE) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => {
                self.issues.push(unreadable(path, "packed refs", &error));
                return;
            }
        };
        for (number, line) in text.lines().enumerate() {
            if let Some((id, name)) = parse_packed(line, self.hash) {
                self.refs.insert(name.to_owned(), Target::Id(id));
            } else if !is_packed_remark(line, self.hash) {
                self.issues.push(problem(
                    IssueKind::Corrupt,
                    path,
                    &format!("line {} is not a packed ref", number + 1),
                ));
            }
        }
    }

    /// Adds the files below a directory; they replace packed refs of the same name.
    fn tree(&mut self, dir: &Path, prefix: &str) {
        let mut issues = Vec::new();
        files_below(dir, &mut issues, &mut |path, name, _| {
            self.file(path, [prefix.as_bytes(), name].concat().into(), false);
        });
        self.issues.append(&mut issues);
    }

    /// Puts `ahead` in front of the names that start with `prefix`.
    fn rename(&mut self, prefix: &str, ahead: &str) {
        let moved = |name: &BString| name.starts_with(prefix.as_bytes());
        let names: Vec<_> = self
            .refs
            .keys()
            .filter(|name| moved(name))
            .cloned()
            .collect();
        for name in names {
            if let Some(target) = self.refs.remove(&name) {
                self.refs.insert(format!("{ahead}{name}").into(), target);
            }
        }
    }

    /// Adds one file. One that is absent is a problem only if `required`.
    fn file(&mut self, path: &Path, name: BString, required: bool) {
        match parse_ref(path, self.hash) {
            Ok(target) => {
                self.refs.insert(name, target);
            }
            Err(BadRef::Unreadable(error))
                if error.kind() == io::ErrorKind::NotFound && !required => {}
            Err(BadRef::Unreadable(error)) => self.issues.push(unreadable(path, "ref", &error)),
            Err(BadRef::Garbage) => self.issues.push(problem(
                IssueKind::Corrupt,
                path,
                "this ref is broken: neither an object id nor `ref: <name>`; what only it reaches \
                 counts as unreachable",
            )),
        }
    }

    /// Follows symbolic refs.
    fn resolve(mut self) -> Refs {
        let mut refs = Vec::with_capacity(self.refs.len());
        let mut replaced = 0_usize;
        for (name, target) in &self.refs {
            replaced += usize::from(name.starts_with(b"refs/replace/"));
            let mut end = Some(target);
            for _ in 0..SYMREF_DEPTH {
                let Some(Target::Symbolic(next)) = end else {
                    break;
                };
                end = self.refs.get(next);
            }
            let symbolic = match target {
                Target::Symbolic(next) => Some(next.clone()),
                Target::Id(_) => None,
            };
            match end {
                Some(Target::Id(id)) => refs.push(Ref {
                    name: name.clone(),
                    target: *id,
                    symbolic,
                }),
                // A branch without a commit yet.
                None if name.ends_with(b"HEAD") && !name.starts_with(b"refs/") => {}
                _ => self.issues.push(ScanIssue {
                    kind: IssueKind::Note,
                    object: None,
                    path: Some(name.to_string()),
                    message: match symbolic {
                        Some(next) => format!("a symbolic ref to {next}, which is not there"),
                        None => "a symbolic ref that leads nowhere".into(),
                    },
                }),
            }
        }
        if replaced > 0 {
            self.issues.push(ScanIssue {
                kind: IssueKind::Note,
                object: None,
                path: None,
                message: format!(
                    "{replaced} replacement refs are not applied: history is read as it is stored"
                ),
            });
        }
        self.issues.sort_unstable();
        Refs {
            refs,
            issues: self.issues,
        }
    }
}

/// Reads one ref file, or a symbolic link in its place as old versions of Git made them.
fn parse_ref(path: &Path, hash: HashKind) -> Result<Target, BadRef> {
    let meta = fs::symlink_metadata(path).map_err(BadRef::Unreadable)?;
    if meta.is_symlink() {
        let link = fs::read_link(path).map_err(BadRef::Unreadable)?;
        let link = link.as_os_str().as_encoded_bytes();
        if link.starts_with(b"refs/") {
            return Ok(Target::Symbolic(link.into()));
        }
    }
    let text = read_file(path, SMALL_FILE).map_err(BadRef::Unreadable)?;
    if let Some(name) = text.strip_prefix(b"ref:") {
        let name = name.trim();
        return if name.is_empty() {
            Err(BadRef::Garbage)
        } else {
            Ok(Target::Symbolic(name.into()))
        };
    }
    let id = text.fields().next().unwrap_or_default();
    if !text.starts_with(id) {
        return Err(BadRef::Garbage);
    }
    parse_id(id, hash).map(Target::Id).ok_or(BadRef::Garbage)
}

/// Whether a line of packed refs says something about them: empty, a comment, or what the tag
/// above peels to.
fn is_packed_remark(line: &[u8], hash: HashKind) -> bool {
    match line.split_first() {
        None | Some((b'#', _)) => true,
        Some((b'^', id)) => id.len() == hash.id_len() * 2 && ObjectId::from_hex(id).is_ok(),
        Some(_) => false,
    }
}

/// Parses `<id> <name>`.
pub(super) fn parse_packed(line: &[u8], hash: HashKind) -> Option<(ObjectId, &BStr)> {
    let (id, name) = line.split_once_str(" ")?;
    let name = name.trim_end();
    if name.is_empty() {
        return None;
    }
    Some((parse_id(id, hash)?, name.as_bstr()))
}

pub(super) fn parse_id(hex: &[u8], hash: HashKind) -> Option<ObjectId> {
    ObjectId::from_hex(hex)
        .ok()
        .filter(|id| id.as_bytes().len() == hash.id_len())
}

/// Adds both ids of every line; returns how many lines are not understood.
fn read_reflog(
    text: &[u8],
    hash: HashKind,
    name: &BString,
    entries: &mut Vec<(BString, ObjectId)>,
) -> usize {
    let mut seen = HashSet::new();
    let mut broken = 0;
    for line in text.lines() {
        let mut words = line.splitn_str(3, " ");
        let mut id = || words.next().and_then(|hex| parse_id(hex, hash));
        let (Some(old), Some(new)) = (id(), id()) else {
            broken += 1;
            continue;
        };
        for id in [old, new] {
            if id.as_bytes().iter().any(|byte| *byte != 0) && seen.insert(id) {
                entries.push((name.clone(), id));
            }
        }
    }
    broken
}

/// Calls `each` with the path and the name below `dir` of every file that Git would look at.
fn files_below(
    dir: &Path,
    issues: &mut Vec<ScanIssue>,
    each: &mut impl FnMut(&Path, &[u8], &mut Vec<ScanIssue>),
) {
    let mut dirs = vec![(dir.to_path_buf(), Vec::new())];
    while let Some((dir, prefix)) = dirs.pop() {
        let listed = match fs::read_dir(&dir) {
            Ok(listed) => listed,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                issues.push(unreadable(&dir, "directory", &error));
                continue;
            }
        };
        for entry in listed.flatten() {
            let file_name = entry.file_name();
            let file_name = file_name.as_encoded_bytes();
            if file_name.starts_with(b".") || file_name.ends_with(b".lock") {
                continue;
            }
            let mut name = prefix.clone();
            name.extend_from_slice(file_name);
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                name.push(b'/');
                dirs.push((entry.path(), name));
            } else {
                each(&entry.path(), &name, issues);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::git::testing::Lab;

    fn names(refs: &Refs) -> Vec<&BStr> {
        refs.refs.iter().map(|found| found.name.as_bstr()).collect()
    }

    #[test]
    fn refs_are_what_git_lists_plus_heads_and_those_of_worktrees() {
        let lab = Lab::new();
        lab.repository("clone");
        let old = lab.id("clone", "main");
        lab.git("clone", &["branch", "topic/x"]);
        lab.git("clone", &["tag", "-a", "-m", "x", "v1"]);
        lab.git("clone", &["pack-refs", "--all"]);
        lab.write("clone/a", "two");
        lab.commit("clone");
        lab.write("clone/a", "three");
        lab.git("clone", &["stash", "-q"]);
        lab.git(
            "clone",
            &["symbolic-ref", "refs/heads/alias", "refs/heads/main"],
        );
        lab.git(
            "clone",
            &["worktree", "add", "-q", "--detach", "../linked", "topic/x"],
        );
        let refs = Repository::open(&lab.path("clone")).unwrap().read_refs();
        assert_eq!(refs.issues, []);
        let listed = lab.git(
            "clone",
            &["for-each-ref", "--format=%(objectname) %(refname)"],
        );
        let mut expected: Vec<_> = listed
            .lines()
            .map(str::to_owned)
            .chain([
                format!("{} HEAD", lab.id("clone", "HEAD")),
                format!("{old} worktrees/linked/HEAD"),
            ])
            .collect();
        expected.sort_by_key(|line| line.split(' ').nth(1).unwrap().to_owned());
        let found: Vec<_> = refs
            .refs
            .iter()
            .map(|found| format!("{} {}", found.target, found.name))
            .collect();
        assert_eq!(found, expected);
        assert_eq!(refs.refs[0].symbolic, Some("refs/heads/main".into()));

        let linked = Repository::open(&lab.path("linked")).unwrap();
        let refs = linked.read_refs();
        assert_eq!(linked.head(), Some(old));
        assert!(names(&refs).contains(&b"main-worktree/HEAD".as_bstr()));
        assert!(!names(&refs).contains(&b"worktrees/linked/HEAD".as_bstr()));
    }

    #[test]
    fn a_broken_ref_is_an_issue_and_the_others_are_read() {
        let lab = Lab::new();
        lab.repository("clone");
        let id = lab.id("clone", "main");
        lab.write("clone/.git/refs/heads/empty", "");
        lab.write("clone/.git/refs/heads/short", &id.to_string()[..39]);
        lab.write("clone/.git/refs/heads/binary", b"\xff\0\n");
        lab.write("clone/.git/refs/heads/x.lock", "being written");
        lab.write("clone/.git/refs/heads/.hidden", "not a ref");
        lab.write("clone/.git/refs/heads/lost", "ref: refs/heads/nothing\n");
        lab.write("clone/.git/refs/heads/loop", "ref: refs/heads/loop\n");
        lab.write(
            "clone/.git/packed-refs",
            format!("# pack-refs with: peeled\n{id} refs/heads/packed\n^{id}\nrubbish\n\n"),
        );
        let refs = Repository::open(&lab.path("clone")).unwrap().read_refs();
        assert_eq!(
            names(&refs),
            ["HEAD", "refs/heads/main", "refs/heads/packed"]
        );
        let count = |kind| {
            refs.issues
                .iter()
                .filter(|issue| issue.kind == kind)
                .count()
        };
        assert_eq!((count(IssueKind::Corrupt), count(IssueKind::Note)), (4, 2));
    }

    #[test]
    fn a_repository_without_commits_has_neither_refs_nor_issues() {
        let lab = Lab::new();
        lab.git("", &["init", "-q", "new"]);
        let repository = Repository::open(&lab.path("new")).unwrap();
        let refs = repository.read_refs();
        assert_eq!((refs.refs, refs.issues), (vec![], vec![]));
        assert_eq!(repository.head(), None);
    }

    #[test]
    fn reflogs_name_what_no_ref_reaches() {
        let lab = Lab::new();
        lab.repository("clone");
        lab.write("clone/a", "two");
        lab.commit("clone");
        let lost = lab.id("clone", "HEAD");
        lab.git("clone", &["reset", "-q", "--hard", "HEAD^"]);
        let kept = lab.id("clone", "HEAD");
        let repository = Repository::open(&lab.path("clone")).unwrap();
        let logs = repository.read_reflogs();
        assert_eq!(logs.issues, []);
        for name in ["HEAD", "refs/heads/main"] {
            for id in [lost, kept] {
                assert!(logs.entries.contains(&(name.into(), id)), "{name} {id}");
            }
        }
        assert_eq!(logs.entries.len(), 4);
        lab.write(
            "clone/.git/logs/refs/heads/main",
            format!("rubbish\n{kept} {lost} x\n"),
        );
        let logs = repository.read_reflogs();
        assert_eq!(logs.entries.len(), 4);
        assert_eq!(logs.issues.len(), 1);
    }

    #[test]
    fn replacements_are_noted() {
        let lab = Lab::new();
        lab.repository("clone");
        lab.write("clone/a", "two");
        lab.commit("clone");
        lab.git("clone", &["replace", "HEAD", "HEAD^"]);
        let refs = Repository::open(&lab.path("clone")).unwrap().read_refs();
        assert_eq!(refs.issues.len(), 1);
        assert_eq!(refs.issues[0].kind, IssueKind::Note);
    }
}
