//! Pushes that passed before they were scanned in full: one file for each, until it is.
//!
//! The file is what stands for the promise that the rest is scanned after the push, so it is
//! written and synced under another name before it gets its own: a run that is killed leaves a
//! whole entry or none. It holds ids and names, never content. An entry outlives its push where
//! another hook declines that one after us; whoever finishes it finds no such commits then.

use bstr::{ByteSlice, ByteVec};
use scanner_core::{
    model::{CommitId, ObjectId, RefUpdate},
    report::rfc3339,
};
use serde::{Deserialize, Serialize};
use std::{
    ffi::{OsStr, OsString},
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::{DirBuilderExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, SystemTime},
};

/// Version of the files: raised when a program written for an older one would fail.
const VERSION: u32 = 1;
/// Most bytes of a file: the ids of more than a million commits.
const MAX_BYTES: u64 = 64 << 20;
/// Entries end in this.
const ENTRY: &str = ".json";
/// Files that are being written end in this.
const UNDER_WAY: &str = ".tmp";
/// Files that were being written so long ago are left from a run that was killed.
const LEFT_AFTER: Duration = Duration::from_secs(3600);

/// What went wrong with the spool.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} {}: {source}", path.display())]
pub(crate) struct SpoolError {
    what: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl SpoolError {
    fn new(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { what, path, source }
    }
}

/// A push that was not scanned in full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unfinished {
    /// When it was.
    pub(crate) time: SystemTime,
    /// The repository's directory, absolute.
    pub(crate) directory: PathBuf,
    /// Its name on the server.
    pub(crate) repository: String,
    /// Who pushed, where the server said.
    pub(crate) user: Option<String>,
    /// What was pushed.
    pub(crate) updates: Vec<RefUpdate>,
    /// The commits that are not scanned in full, newest first.
    pub(crate) unscanned: Vec<CommitId>,
}

/// An entry of the spool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    file: PathBuf,
    /// What is to be finished.
    pub(crate) push: Unfinished,
}

/// What the spool holds for a repository.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    /// The oldest first.
    pub(crate) entries: Vec<Entry>,
    /// What cannot be read, and may be of any repository.
    pub(crate) unreadable: Vec<String>,
}

/// A directory of entries.
#[derive(Debug)]
pub(crate) struct Spool {
    directory: PathBuf,
}

/// The form of a file. Names and paths are bytes, which stand here with escapes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileForm {
    version: u32,
    time: String,
    time_ms: u64,
    directory: String,
    repository: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    refs: Vec<RefForm>,
    unscanned: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefForm {
    #[serde(rename = "ref")]
    name: String,
    old: Option<String>,
    new: Option<String>,
}

impl Spool {
    /// Opens the spool before a sandbox closes the file system: makes the directory where there
    /// is none, and removes what killed runs left.
    ///
    /// # Errors
    /// When there is no such directory and none can be made, or it cannot be read.
    pub(crate) fn open(directory: &Path) -> Result<Self, SpoolError> {
        let made = DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory);
        made.map_err(SpoolError::new("make the spool", directory))?;
        let spool = Self {
            directory: directory.to_owned(),
        };
        for path in spool.files(UNDER_WAY)? {
            let written = path
                .metadata()
                .and_then(|metadata| metadata.modified())
                .ok();
            let age = written.and_then(|written| written.elapsed().ok());
            if age.is_some_and(|age| age > LEFT_AFTER) {
                // Another run may have been faster.
                let _ = fs::remove_file(path);
            }
        }
        Ok(spool)
    }

    /// Returns the directory, for the sandbox.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Keeps a push for later.
    ///
    /// # Errors
    /// When the entry is not there in full; the push must not pass on its account.
    pub(crate) fn add(&self, push: &Unfinished) -> Result<(), SpoolError> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let form = FileForm::new(push);
        // In the order of their names, entries are in the order of their times.
        let name = format!(
            "{:013}-{}-{}",
            form.time_ms,
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = |ending: &str| self.directory.join(format!("{name}{ending}"));
        let (under_way, entry) = (path(UNDER_WAY), path(ENTRY));
        let written = write(&under_way, &form).and_then(|()| fs::rename(&under_way, &entry));
        written.map_err(|error| {
            let _ = fs::remove_file(&under_way);
            SpoolError::new("write the spool's entry", &entry)(error)
        })
    }

    /// Returns what is to be finished in a repository.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub(crate) fn list(&self, repository: &Path) -> Result<Listing, SpoolError> {
        let mut files = self.files(ENTRY)?;
        files.sort_unstable();
        let mut listing = Listing::default();
        for file in files {
            match read(&file) {
                Ok(push) if push.directory == repository => {
                    listing.entries.push(Entry { file, push });
                }
                Ok(_) => {}
                // Finished by another run since the directory was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    let error = SpoolError::new("read the spool's entry", &file)(error);
                    listing.unreadable.push(error.to_string());
                }
            }
        }
        Ok(listing)
    }

    fn files(&self, ending: &str) -> Result<Vec<PathBuf>, SpoolError> {
        let failed = || SpoolError::new("read the spool", &self.directory);
        let mut files = Vec::new();
        for file in fs::read_dir(&self.directory).map_err(failed())? {
            let path = file.map_err(failed())?.path();
            let name = path.file_name().map(OsStr::as_bytes);
            if name.is_some_and(|name| name.ends_with(ending.as_bytes())) {
                files.push(path);
            }
        }
        Ok(files)
    }
}

impl Entry {
    /// Removes the entry, as what it stands for is finished.
    ///
    /// # Errors
    /// When it is there still.
    pub(crate) fn remove(&self) -> Result<(), SpoolError> {
        match fs::remove_file(&self.file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(SpoolError::new(
                "remove the spool's entry",
                &self.file,
            )(error)),
            _ => Ok(()),
        }
    }
}

fn write(path: &Path, form: &FileForm) -> io::Result<()> {
    let bytes = serde_json::to_vec(form)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it would have more than {MAX_BYTES} bytes"),
        ));
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(&bytes)?;
    file.sync_all()
}

fn read(path: &Path) -> io::Result<Unfinished> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let form: FileForm = serde_json::from_slice(&bytes)?;
    if form.version != VERSION {
        return Err(invalid(format!("version {} is not known", form.version)));
    }
    form.parse()
}

fn invalid(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn id(hex: &str) -> io::Result<ObjectId> {
    ObjectId::from_hex(hex.as_bytes()).map_err(invalid)
}

impl FileForm {
    fn new(push: &Unfinished) -> Self {
        let time = push
            .time
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let text = |id: Option<ObjectId>| id.map(|id| id.to_string());
        let refs = push.updates.iter().map(|update| RefForm {
            name: update.name.escape_bytes().to_string(),
            old: text(update.old),
            new: text(update.new),
        });
        let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        Self {
            version: VERSION,
            time: rfc3339(seconds, 0).unwrap_or_default(),
            time_ms: u64::try_from(time.as_millis()).unwrap_or(u64::MAX),
            directory: push
                .directory
                .as_os_str()
                .as_bytes()
                .escape_bytes()
                .to_string(),
            repository: push.repository.clone(),
            user: push.user.clone(),
            refs: refs.collect(),
            unscanned: push.unscanned.iter().map(ToString::to_string).collect(),
        }
    }

    fn parse(self) -> io::Result<Unfinished> {
        let update = |form: RefForm| {
            let parse = |hex: Option<String>| hex.map(|hex| id(&hex)).transpose();
            Ok(RefUpdate {
                name: Vec::unescape_bytes(form.name).into(),
                old: parse(form.old)?,
                new: parse(form.new)?,
            })
        };
        let time = Duration::from_millis(self.time_ms);
        let time = SystemTime::UNIX_EPOCH.checked_add(time);
        Ok(Unfinished {
            time: time.ok_or_else(|| invalid("the time is out of range"))?,
            directory: OsString::from_vec(Vec::unescape_bytes(self.directory)).into(),
            repository: self.repository,
            user: self.user,
            updates: self
                .refs
                .into_iter()
                .map(update)
                .collect::<io::Result<_>>()?,
            unscanned: self
                .unscanned
                .iter()
                .map(|hex| id(hex))
                .collect::<io::Result<_>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn push(directory: &[u8], seconds: u64) -> Unfinished {
        let commit = |n: u8, bytes| ObjectId::from_bytes(&vec![n; bytes]);
        Unfinished {
            time: SystemTime::UNIX_EPOCH + Duration::from_millis(seconds * 1000 + 7),
            directory: Path::new(OsStr::from_bytes(directory)).to_owned(),
            repository: "PROJ/repo".into(),
            user: Some("alice".into()),
            updates: vec![
                RefUpdate {
                    name: b"refs/heads/\xff\\x41\n\"".into(),
                    old: None,
                    new: commit(1, 20),
                },
                RefUpdate {
                    name: "refs/heads/gone".into(),
                    old: commit(2, 32),
                    new: None,
                },
            ],
            unscanned: vec![commit(1, 20).unwrap(), commit(3, 20).unwrap()],
        }
    }

    fn names(directory: &Path) -> Vec<String> {
        let names = fs::read_dir(directory).unwrap();
        names
            .map(|f| f.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn entries_come_back_as_they_were_oldest_first_and_for_their_repository() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::open(&dir.path().join("new/spool")).unwrap();
        let here = b"/srv/a \xff.git".as_slice();
        let pushes = [
            push(here, 2_000_000_000),
            push(here, 10),
            push(b"/srv/b", 5),
            push(here, 10),
        ];
        for push in &pushes {
            spool.add(push).unwrap();
        }
        let at = Path::new(OsStr::from_bytes(here));
        let listing = spool.list(at).unwrap();
        let found: Vec<&Unfinished> = listing.entries.iter().map(|entry| &entry.push).collect();
        assert_eq!(found, [&pushes[1], &pushes[3], &pushes[0]]);
        assert_eq!(listing.unreadable, [""; 0]);

        listing.entries[0].remove().unwrap();
        listing.entries[0].remove().unwrap();
        assert_eq!(spool.list(at).unwrap().entries.len(), 2);
        for name in names(spool.directory()) {
            let mode = fs::metadata(spool.directory().join(name))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        let mode = fs::metadata(spool.directory())
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
    }

    #[test]
    fn what_cannot_be_read_is_said_and_keeps_nothing_else_back() {
        let dir = tempfile::tempdir().unwrap();
        let spool = Spool::open(dir.path()).unwrap();
        spool.add(&push(b"/a", 1)).unwrap();
        let good = fs::read_to_string(dir.path().join(&names(dir.path())[0])).unwrap();
        let bad = [
            ("0-torn.json", good[..good.len() / 2].to_owned()),
            (
                "1-newer.json",
                good.replace("\"version\":1", "\"version\":2"),
            ),
            ("2-more.json", good.replacen('{', "{\"other\":1,", 1)),
            ("3-id.json", good.replace("0101", "01")),
        ];
        for (name, text) in &bad {
            assert_ne!(text, &good);
            fs::write(dir.path().join(name), text).unwrap();
        }
        fs::create_dir(dir.path().join("4-directory.json")).unwrap();
        fs::write(dir.path().join("unrelated"), "x").unwrap();
        let listing = spool.list(Path::new("/a")).unwrap();
        assert_eq!(listing.entries.len(), 1);
        assert_eq!(listing.unreadable.len(), 5, "{:?}", listing.unreadable);
        for (text, (name, _)) in listing.unreadable.iter().zip(&bad) {
            assert!(text.contains(name), "{text}");
        }
    }

    #[test]
    fn leftovers_of_killed_runs_go_and_what_is_being_written_stays() {
        let dir = tempfile::tempdir().unwrap();
        let [old, fresh, entry] = ["old.tmp", "fresh.tmp", "old.json"].map(|n| dir.path().join(n));
        for path in [&old, &fresh, &entry] {
            fs::write(path, "x").unwrap();
        }
        let long_ago = SystemTime::now() - LEFT_AFTER - Duration::from_secs(60);
        for path in [&old, &entry] {
            File::options()
                .write(true)
                .open(path)
                .unwrap()
                .set_modified(long_ago)
                .unwrap();
        }
        Spool::open(dir.path()).unwrap();
        assert!(!old.exists() && fresh.exists() && entry.exists());
    }

    #[test]
    fn a_spool_that_cannot_be_written_is_an_error_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "x").unwrap();
        let message = Spool::open(&file).unwrap_err().to_string();
        assert!(message.contains("cannot make the spool"), "{message}");
        let spool = Spool::open(&dir.path().join("spool")).unwrap();
        fs::remove_dir(spool.directory()).unwrap();
        let message = spool.add(&push(b"/a", 1)).unwrap_err().to_string();
        assert!(message.contains("spool/0000000001007-"), "{message}");
        assert!(spool.list(Path::new("/a")).is_err());
    }
}
