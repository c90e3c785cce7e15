//! What is searched: bytes, and the ranges of them that each call of an engine gets.
//!
//! Content of real repositories is read by `git cat-file`, which knows nothing of ours. Ids are as
//! good as random, so that the first in their order are a fair sample.

use std::{
    collections::HashSet,
    io::Write,
    ops::Range,
    path::Path,
    process::{Command, Stdio},
};

/// Bytes of a sample that engines are called with.
const SAMPLE: usize = 32 << 20;
/// Larger blobs are left out: few of them would be the whole sample.
const LARGEST: usize = 1 << 20;

/// Bytes and the ranges to search.
#[derive(Default)]
pub(crate) struct Text {
    pub(crate) bytes: Vec<u8>,
    pub(crate) ranges: Vec<Range<usize>>,
}

impl Text {
    pub(crate) fn whole(bytes: Vec<u8>) -> Self {
        let ranges = std::iter::once(0..bytes.len()).collect();
        Self { bytes, ranges }
    }

    /// Bytes in all ranges.
    pub(crate) fn len(&self) -> usize {
        self.ranges.iter().map(ExactSizeIterator::len).sum()
    }

    fn push(&mut self, bytes: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.ranges.push(start..self.bytes.len());
    }
}

/// A sample of a repository's blobs, each a range.
pub(crate) fn blobs(repository: &Path) -> Text {
    let mut wanted = Vec::new();
    let mut total = 0;
    for entry in Entry::list(repository) {
        if total < SAMPLE {
            total += entry.size;
            wanted.push(entry.id);
        }
    }
    let mut text = Text::default();
    contents(repository, &wanted, |bytes| text.push(bytes));
    text
}

/// What blobs have that the bases of their deltas do not, in lines, with so many bytes on both
/// sides: nearly what a delta inserts, and what a scan searches of it.
pub(crate) fn inserted(repository: &Path, reach: usize) -> Text {
    let mut wanted = Vec::new();
    let mut total = 0;
    for entry in Entry::list(repository) {
        if let Some(base) = entry.base
            && total < 8 * SAMPLE
        {
            total += entry.size;
            wanted.extend([base, entry.id]);
        }
    }
    let mut text = Text::default();
    let mut base: Option<Vec<u8>> = None;
    contents(repository, &wanted, |bytes| match base.take() {
        None => base = Some(bytes.to_vec()),
        Some(base) if text.bytes.len() < SAMPLE => {
            for range in new_lines(&base, bytes) {
                let from = range.start.saturating_sub(reach);
                let to = (range.end + reach).min(bytes.len());
                text.push(&bytes[from..to]);
            }
        }
        Some(_) => {}
    });
    text
}

/// Runs of lines that the base has nowhere.
fn new_lines(base: &[u8], bytes: &[u8]) -> Vec<Range<usize>> {
    let lines = |bytes| <[u8]>::split_inclusive(bytes, |b| *b == b'\n');
    let known: HashSet<&[u8]> = lines(base).collect();
    let mut runs: Vec<Range<usize>> = Vec::new();
    let mut at = 0;
    for line in lines(bytes) {
        let range = at..at + line.len();
        at = range.end;
        match runs.last_mut() {
            _ if known.contains(line) => {}
            Some(last) if last.end == range.start => last.end = range.end,
            _ => runs.push(range),
        }
    }
    runs
}

/// One blob, as git lists it.
struct Entry {
    id: String,
    size: usize,
    /// What it is stored as a delta of.
    base: Option<String>,
}

impl Entry {
    fn list(repository: &Path) -> Vec<Self> {
        let format = "--batch-check=%(objecttype) %(objectname) %(objectsize) %(deltabase)";
        let listed = Command::new("git")
            .arg("-C")
            .arg(repository)
            .args(["cat-file", "--batch-all-objects", format])
            .output()
            .expect("git runs");
        assert!(listed.status.success(), "git cannot list the objects");
        let listed = String::from_utf8(listed.stdout).expect("git writes text");
        let entries = listed.lines().filter_map(|line| {
            let mut fields = line.strip_prefix("blob ")?.split(' ');
            let (id, size, base) = (fields.next()?, fields.next()?, fields.next()?);
            Some(Self {
                id: id.to_owned(),
                size: size.parse().ok().filter(|size| *size <= LARGEST)?,
                base: base.bytes().any(|b| b != b'0').then(|| base.to_owned()),
            })
        });
        entries.collect()
    }
}

/// Calls `take` with the content of each of these objects, in order.
fn contents(repository: &Path, ids: &[String], mut take: impl FnMut(&[u8])) {
    let mut git = Command::new("git")
        .arg("-C")
        .arg(repository)
        .args(["cat-file", "--batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("git runs");
    let mut input = git.stdin.take().expect("was piped");
    let written = ids.join("\n") + "\n";
    let output = std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(written.as_bytes()));
        git.wait_with_output().expect("git writes")
    });
    let mut rest = &output.stdout[..];
    for id in ids {
        let end = rest.iter().position(|b| *b == b'\n').expect("a header");
        let header = std::str::from_utf8(&rest[..end]).expect("git writes text");
        let size = header.rsplit(' ').next().and_then(|size| size.parse().ok());
        let size: usize = size.unwrap_or_else(|| panic!("{id} cannot be read: {header}"));
        take(&rest[end + 1..][..size]);
        rest = &rest[end + 1 + size + 1..];
    }
}
