//! One expansion: what was spent of its limits, where it stands, and the only two ways to make
//! progress, [`Expansion::member`] and [`Expansion::decoded`], which keep to the limits.

use super::{
    Format, Limits, Member, Relation, Visitor, ar, class, detect, notebook, pdf, pyc, sqlite,
    stream, tar,
    trouble::{Kind, Trouble},
    zip,
};
use crate::model::ScanIssue;
use libdeflater::Decompressor;
use std::{
    io::{ErrorKind, Read},
    ops::ControlFlow,
    time::Instant,
};

/// Whether the expansion goes on: `Break` where a limit or the visitor ends all of it.
pub(super) type Flow = ControlFlow<()>;

/// What content of any size may expand to whatever the ratio.
const FREE_BYTES: u64 = 16 << 20;

/// Bytes decoded between two looks at clock and visitor.
const CHUNK: usize = 256 << 10;

/// Positions in content are 32 bits wide.
const MOST_BYTES: u64 = u32::MAX as u64 - 1;

/// Bytes of one member's name that are kept.
const NAME_BYTES: usize = 4096;

/// Most bytes that are inflated at once, between two looks at clock and visitor.
const AT_ONCE_BYTES: u64 = 64 << 20;

/// Most bytes that one deflated byte can stand for (1032): what claims more lies, and no memory is
/// taken for it.
const MOST_PER_BYTE: u64 = 1032;

/// What deflated content stands in.
#[derive(Debug, Clone, Copy)]
pub(super) enum Deflate {
    Raw,
    Gzip,
}

pub(super) struct Expansion<'a> {
    limits: &'a Limits,
    visitor: &'a mut dyn Visitor,
    started: Instant,
    /// Bytes that may still be decoded or visited.
    left: u64,
    /// Whether it is the ratio that set the sum.
    by_ratio: bool,
    /// Decoded bytes in memory.
    live: u64,
    members: u32,
    /// Whether the sum or the time is used up: nothing more is opened.
    over: bool,
    depth: u32,
    /// Number of the member that is open.
    holder: u32,
    /// Path of the member that is open.
    path: Vec<u8>,
    trouble: Trouble,
    /// Made when first needed.
    inflater: Option<Decompressor>,
}

impl<'a> Expansion<'a> {
    pub(super) fn new(len: usize, limits: &'a Limits, visitor: &'a mut dyn Visitor) -> Self {
        let by_size = (len as u64)
            .saturating_mul(limits.max_ratio)
            .saturating_add(FREE_BYTES);
        Self {
            limits,
            visitor,
            started: Instant::now(),
            left: limits.max_bytes.min(by_size),
            by_ratio: by_size < limits.max_bytes,
            live: 0,
            members: 0,
            over: false,
            depth: 0,
            holder: 0,
            path: Vec::new(),
            trouble: Trouble::default(),
            inflater: None,
        }
    }

    pub(super) fn run(mut self, content: &[u8]) -> Vec<ScanIssue> {
        if self.limits.max_depth > 0 {
            // Whether it ended early is in `trouble`.
            let _ = self.open(content, 0);
        }
        self.trouble.into_issues(self.limits)
    }

    /// Opens content, the member `number`, if it is a container.
    fn open(&mut self, content: &[u8], number: u32) -> Flow {
        let Some(format) = detect(content) else {
            return Flow::Continue(());
        };
        if format.nests() {
            if self.depth >= self.limits.max_depth {
                self.trouble.note(Kind::Depth, &self.path, String::new);
                return Flow::Continue(());
            }
            self.depth += 1;
        }
        let outer = std::mem::replace(&mut self.holder, number);
        let flow = match format {
            Format::Zip => zip::expand(content, self),
            Format::Tar => tar::expand(content, true, self),
            Format::Ar => ar::expand(content, self),
            Format::Gzip | Format::Bzip2 | Format::Xz | Format::Zstd => {
                stream::expand(format, content, self)
            }
            Format::Pdf => pdf::expand(content, self),
            Format::Sqlite => sqlite::expand(content, self),
            Format::Notebook => notebook::expand(content, self),
            Format::Pyc => pyc::expand(content, self),
            Format::Class => class::expand(content, self),
        };
        self.holder = outer;
        if format.nests() {
            self.depth -= 1;
        }
        flow
    }

    /// Pushes a member to the visitor and opens it if it is a container.
    pub(super) fn member(&mut self, name: &[u8], bytes: &[u8], relation: Relation) -> Flow {
        let mark = self.enter(name);
        let flow = self.visit(bytes, relation);
        self.path.truncate(mark);
        flow
    }

    fn visit(&mut self, bytes: &[u8], relation: Relation) -> Flow {
        if !self.over {
            self.go_on()?;
        }
        if self.members >= self.limits.max_members {
            self.trouble.note(Kind::Count, &self.path, String::new);
            return Flow::Break(());
        }
        self.members += 1;
        if bytes.is_empty() {
            return Flow::Continue(());
        }
        let number = self.members;
        // What was decoded was paid for when it was.
        let cut = match relation {
            Relation::Decoded => bytes.len(),
            _ => self.spend(bytes.len()),
        };
        self.visitor.member(&Member {
            path: &self.path,
            bytes: &bytes[..cut],
            number,
            parent: self.holder,
            relation,
        });
        if cut < bytes.len() {
            self.exhausted(cut);
        }
        if self.over {
            return Flow::Break(());
        }
        match relation {
            Relation::Stored { .. } | Relation::Decoded => self.open(bytes, number),
            Relation::Extracted | Relation::Rejoined => Flow::Continue(()),
        }
    }

    /// As [`Self::decoded`], for deflated content that says how many bytes it expands to. Where that
    /// is within the limits and the truth, it is inflated at once, which takes a third of the time;
    /// else `reader` decodes it.
    pub(super) fn inflated(
        &mut self,
        name: &[u8],
        (container, deflated, size): (Deflate, &[u8], u64),
        reader: &mut dyn Read,
        then: impl FnOnce(&mut Self, &[u8]) -> Flow,
    ) -> Flow {
        self.go_on()?;
        let believable = size <= deflated.len() as u64 * MOST_PER_BYTE;
        if !believable || size > AT_ONCE_BYTES || size > self.room() as u64 {
            return self.decoded(name, reader, then);
        }
        self.visitor.memory(self.live + size);
        let mut bytes = vec![0; size as usize];
        let inflater = self.inflater.get_or_insert_default();
        let len = match container {
            Deflate::Raw => inflater.deflate_decompress(deflated, &mut bytes),
            Deflate::Gzip => inflater.gzip_decompress(deflated, &mut bytes),
        };
        if len != Ok(bytes.len()) {
            drop(bytes);
            return self.decoded(name, reader, then);
        }
        self.spend(bytes.len());
        self.live += size;
        let flow = then(self, &bytes);
        self.live -= size;
        flow
    }

    /// Decodes all that `reader` gives within the limits and hands it on. Damage and limits are
    /// noted under `name`; what could be decoded is handed on all the same.
    pub(super) fn decoded(
        &mut self,
        name: &[u8],
        reader: &mut dyn Read,
        then: impl FnOnce(&mut Self, &[u8]) -> Flow,
    ) -> Flow {
        self.go_on()?;
        let mut bytes = Vec::new();
        let end = self.read(reader, &mut bytes);
        let len = bytes.len();
        let mark = self.enter(name);
        match end {
            End::Whole => {}
            // The part that is there is still pushed, but opened no more.
            End::Stopped => self.over = true,
            End::Exhausted => self.exhausted(len),
            End::TooLarge => {
                let cut = || format!("only its first {len} bytes were looked at");
                self.trouble.note(Kind::Memory, &self.path, cut);
            }
            End::Damaged(error) => self.trouble.note(Kind::Damaged, &self.path, || error),
        }
        self.path.truncate(mark);
        let flow = then(self, &bytes);
        self.live -= bytes.capacity() as u64;
        if self.over { Flow::Break(()) } else { flow }
    }

    fn read(&mut self, reader: &mut dyn Read, bytes: &mut Vec<u8>) -> End {
        let most = self.limits.max_memory_bytes.min(MOST_BYTES);
        loop {
            if bytes.len() == bytes.capacity() {
                // Half as much again each time, so that the unused part stays small too.
                let more = (bytes.len() / 2).clamp(4096, 64 << 20) as u64;
                let more = more.min(most.saturating_sub(self.live));
                if more == 0 {
                    return match reader.read(&mut [0]) {
                        Ok(0) => End::Whole,
                        _ => End::TooLarge,
                    };
                }
                self.visitor.memory(self.live + more);
                let before = bytes.capacity();
                bytes.reserve_exact(more as usize);
                self.live += (bytes.capacity() - before) as u64;
            }
            let start = bytes.len();
            let room = (bytes.capacity() - start).min(CHUNK);
            bytes.resize(start + room, 0);
            let result = reader.read(&mut bytes[start..]);
            let read = result.as_ref().map_or(0, |n| (*n).min(room));
            let paid = self.spend(read);
            bytes.truncate(start + paid);
            match result {
                Ok(0) => return End::Whole,
                Ok(_) if paid < read => return End::Exhausted,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::OutOfMemory => return End::TooLarge,
                Err(error) => return End::Damaged(error.to_string()),
            }
            if self.go_on().is_break() {
                return End::Stopped;
            }
        }
    }

    /// Notes trouble with a member of the container that is open; an empty name is the container
    /// itself.
    pub(super) fn note(&mut self, kind: Kind, name: &[u8], detail: impl FnOnce() -> String) {
        let mark = self.enter(name);
        self.trouble.note(kind, &self.path, detail);
        self.path.truncate(mark);
    }

    /// Memory that one decoder may take for its window, in bytes.
    pub(super) fn window_bytes(&self) -> u64 {
        self.limits.max_memory_bytes / 2
    }

    /// Bytes that text put together in memory may still have.
    pub(super) fn room(&self) -> usize {
        let memory = self.limits.max_memory_bytes.min(MOST_BYTES);
        self.left.min(memory.saturating_sub(self.live)) as usize
    }

    /// Tells the visitor of memory for text.
    pub(super) fn about_to_hold(&mut self, bytes: usize) {
        self.visitor.memory(self.live + bytes as u64);
    }

    /// `Break` where the visitor stops or the time is over. For loops that push no member.
    pub(super) fn go_on(&mut self) -> Flow {
        if self.visitor.stopped() {
            return Flow::Break(());
        }
        if self.started.elapsed() > self.limits.max_time {
            self.trouble.note(Kind::Time, &self.path, String::new);
            return Flow::Break(());
        }
        Flow::Continue(())
    }

    /// Takes bytes off what is left; returns how many of them there were.
    fn spend(&mut self, bytes: usize) -> usize {
        let paid = self.left.min(bytes as u64);
        self.left -= paid;
        paid as usize
    }

    /// Notes that the sum of all members is used up.
    fn exhausted(&mut self, looked_at: usize) {
        let kind = if self.by_ratio {
            Kind::Ratio
        } else {
            Kind::Size
        };
        let detail = || looked_at.to_string();
        self.trouble.note(kind, &self.path, detail);
        self.over = true;
    }

    /// Appends a name to the path; returns the length to go back to.
    fn enter(&mut self, name: &[u8]) -> usize {
        let mark = self.path.len();
        if !name.is_empty() {
            if mark > 0 {
                self.path.extend_from_slice(b"!/");
            }
            self.path
                .extend_from_slice(&name[..name.len().min(NAME_BYTES)]);
        }
        mark
    }
}

/// How decoding ended.
enum End {
    Whole,
    /// By the visitor, or the time was over.
    Stopped,
    /// The sum of all members is used up.
    Exhausted,
    /// Memory is used up.
    TooLarge,
    Damaged(String),
}
