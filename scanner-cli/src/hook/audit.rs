//! The audit log: a file that every run of the gate appends one line to.
//!
//! Many runs write at once, any of them may be killed, and the file is rotated under them. So it
//! is opened for appending, a line is one write, and a line that a killed run left unfinished is
//! ended by the next one. The file is opened before a sandbox closes the file system.

use std::{
    fs::{File, Metadata, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// Owner writes, group reads: the lines name people.
const MODE: u32 = 0o640;
/// How long a run waits for the others. Each holds the lock for one write; one that was stopped
/// while it held it must not hold up every push.
const LOCK_WAIT: Duration = Duration::from_millis(100);

/// Why a line was not recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditError {
    /// The file cannot be opened.
    #[error("cannot open the audit log {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is a directory, a pipe or a device: a write could fail unseen, or hold up the push.
    #[error("cannot write the audit log {}: it is not a regular file", path.display())]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// The line cannot be written.
    #[error("cannot write the audit log {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Whether a log that was rotated may be opened anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reopen {
    /// The line goes to the file that has the log's name now.
    Allowed,
    /// A sandbox forbids to open files: the line goes to the file that had the name before.
    Forbidden,
}

/// An open audit log.
#[derive(Debug)]
pub(crate) struct AuditLog {
    path: PathBuf,
    file: File,
}

impl AuditLog {
    /// Opens the log, and makes the file where there is none.
    ///
    /// # Errors
    /// When that is not possible, or it is no regular file.
    pub(crate) fn open(path: &Path) -> Result<Self, AuditError> {
        let file = open(path)?;
        Ok(Self {
            path: path.to_owned(),
            file,
        })
    }

    /// Appends a line, which must end in its only line feed, with a single write.
    ///
    /// # Errors
    /// When the line is not in the file in full.
    pub(crate) fn append(&mut self, line: &[u8], reopen: Reopen) -> Result<(), AuditError> {
        if reopen == Reopen::Allowed && self.is_rotated() {
            self.file = open(&self.path)?;
        }
        let locked = lock(&self.file);
        let written = self.write(line);
        if locked {
            // The lock ends with the process at the latest.
            let _ = self.file.unlock();
        }
        written.map_err(|source| AuditError::Write {
            path: self.path.clone(),
            source,
        })
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(line.len() + 1);
        if self.has_torn_end() {
            bytes.push(b'\n');
        }
        bytes.extend_from_slice(line);
        let written = self.file.write(&bytes)?;
        if written < bytes.len() {
            // What is missing would stand behind the lines of others by now.
            return Err(io::Error::new(
                io::ErrorKind::WriteZero,
                format!("only {written} of {} bytes fit", bytes.len()),
            ));
        }
        Ok(())
    }

    /// Whether the last line lacks its end. A file that may be written and not read is trusted.
    fn has_torn_end(&self) -> bool {
        let len = self.file.metadata().map_or(0, |metadata| metadata.len());
        let mut last = [b'\n'];
        len > 0 && self.file.read_exact_at(&mut last, len - 1).is_ok() && last != [b'\n']
    }

    fn is_rotated(&self) -> bool {
        let identity = |metadata: Metadata| (metadata.dev(), metadata.ino());
        let named = self.path.metadata().map(identity).ok();
        named != self.file.metadata().map(identity).ok()
    }
}

fn open(path: &Path) -> Result<File, AuditError> {
    let with = |read: bool| {
        let mut options = OpenOptions::new();
        // Not to wait for the other end of a pipe.
        let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        options.read(read).append(true).create(true).mode(MODE);
        options.custom_flags(flags).open(path)
    };
    let file = match with(true) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => with(false),
        other => other,
    };
    let file = file.map_err(|source| AuditError::Open {
        path: path.to_owned(),
        source,
    })?;
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err(AuditError::NotAFile {
            path: path.to_owned(),
        });
    }
    Ok(file)
}

/// Takes the lock that keeps two runs from ending the same torn line. Returns whether it was had:
/// without it each line still is one write.
fn lock(file: &File) -> bool {
    let end = Instant::now() + LOCK_WAIT;
    loop {
        match file.try_lock() {
            Ok(()) => return true,
            Err(TryLockError::WouldBlock) if Instant::now() < end => {
                thread::sleep(Duration::from_micros(200));
            }
            Err(_) => return false,
        }
    }
}

/// The machine's name, as the kernel knows it.
pub(crate) fn host_name() -> String {
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn log(path: &Path) -> AuditLog {
        AuditLog::open(path).unwrap()
    }

    #[test]
    fn lines_of_many_writers_stay_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        thread::scope(|scope| {
            for writer in 0..8 {
                let mut log = log(&path);
                scope.spawn(move || {
                    let fill = "x".repeat(3000 + writer * 500);
                    for n in 0..200 {
                        let line = format!("{writer} {n} {fill}\n");
                        log.append(line.as_bytes(), Reopen::Allowed).unwrap();
                    }
                });
            }
        });
        let text = fs::read_to_string(&path).unwrap();
        let mut next = [0; 8];
        for line in text.lines() {
            let mut parts = line.split(' ');
            let mut number = || parts.next().unwrap().parse::<usize>().unwrap();
            let (writer, n) = (number(), number());
            assert_eq!(n, next[writer]);
            next[writer] += 1;
            let fill = parts.next().unwrap();
            assert!(fill.len() == 3000 + writer * 500 && fill.bytes().all(|b| b == b'x'));
        }
        assert_eq!(next, [200; 8]);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o137, 0);
    }

    #[test]
    fn a_line_that_a_killed_run_left_is_ended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        fs::write(&path, "whole\ntorn").unwrap();
        let mut log = log(&path);
        log.append(b"next\n", Reopen::Allowed).unwrap();
        log.append(b"after\n", Reopen::Allowed).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text, "whole\ntorn\nnext\nafter\n");
    }

    #[test]
    fn a_rotated_log_is_opened_anew_unless_a_sandbox_forbids_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        let old = dir.path().join("audit.jsonl.1");
        let mut log = log(&path);
        log.append(b"1\n", Reopen::Allowed).unwrap();
        fs::rename(&path, &old).unwrap();
        log.append(b"2\n", Reopen::Forbidden).unwrap();
        log.append(b"3\n", Reopen::Allowed).unwrap();
        fs::rename(&path, &old).unwrap();
        fs::write(&path, "new\n").unwrap();
        log.append(b"4\n", Reopen::Allowed).unwrap();
        assert_eq!(fs::read_to_string(&old).unwrap(), "3\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "new\n4\n");
    }

    #[test]
    fn what_cannot_hold_lines_is_refused_with_its_name() {
        let dir = tempfile::tempdir().unwrap();
        let open = |path: &Path| AuditLog::open(path).unwrap_err().to_string();
        let message = open(dir.path());
        assert!(message.contains(dir.path().to_str().unwrap()), "{message}");
        let message = open(&dir.path().join("absent/audit.jsonl"));
        assert!(message.contains("absent/audit.jsonl"), "{message}");
        assert!(open(Path::new("/dev/null")).contains("not a regular file"));
        #[cfg(target_os = "linux")]
        {
            // Not to be written by anyone, root included.
            let message = open(Path::new("/proc/sys/kernel/ostype"));
            assert!(message.contains("denied"), "{message}");
        }
    }

    #[test]
    fn a_line_that_is_not_written_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        fs::write(&path, "").unwrap();
        let file = File::open(&path).unwrap();
        let mut log = AuditLog { path, file };
        let error = log.append(b"1\n", Reopen::Allowed).unwrap_err();
        assert!(matches!(error, AuditError::Write { .. }));
    }

    #[test]
    fn a_stopped_run_that_holds_the_lock_does_not_stop_the_others() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit.jsonl");
        let holder = log(&path);
        holder.file.lock().unwrap();
        let start = Instant::now();
        log(&path).append(b"1\n", Reopen::Allowed).unwrap();
        assert!(start.elapsed() >= LOCK_WAIT);
        assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
    }

    #[test]
    fn the_machine_has_a_name() {
        assert!(!host_name().is_empty());
    }
}
