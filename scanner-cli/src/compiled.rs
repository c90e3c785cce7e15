//! The directory where `--engine hyperscan` keeps what it compiled.
//!
//! libhs follows what it reads here without question, so a file counts as code: it is read only
//! where it belongs to the user who runs this process and nobody else may write to it, whatever the
//! directory. That it is whole, and made for these rules, this libhs and this processor, the library
//! checks. What is not as it should be is compiled again and replaced; nothing here can fail a scan.
//!
//! A file gets its name when it is complete, so any number of processes may start at once. It is
//! not synced to the disk: one that a crash cut short does not match its checksum.

use crate::output;
use rustix::fs::OFlags;
use scanner_core::engine::CompiledCache;
use std::{
    env,
    ffi::OsString,
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Chooses the directory; empty to keep nothing.
const VARIABLE: &str = "GITSIEVE_CACHE_DIR";
/// Most bytes that are read: over a hundred times what the built-in rules take.
const MOST_BYTES: u64 = 64 << 20;
/// Files that are kept, the newest: each set of rules and each libhs has one.
const MOST_FILES: usize = 8;
/// What names of files begin with, also while they are being written.
const PREFIX: &str = "hyperscan-";

/// Keeps what engines compile in a directory of the user.
#[derive(Debug)]
pub(crate) struct CacheDirectory {
    path: PathBuf,
    /// Whether to say why something is not used.
    verbose: bool,
}

impl CacheDirectory {
    /// Returns the user's directory, which need not be there yet; `None` where there is no place
    /// for one, or none is wanted.
    pub(crate) fn of_user(verbose: bool) -> Option<Self> {
        let path = place(|name| env::var_os(name))?;
        Some(Self { path, verbose })
    }

    fn file(&self, key: &str) -> PathBuf {
        self.path.join(format!("{PREFIX}{key}.db"))
    }

    fn write(&self, key: &str, compiled: &[u8]) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.path)?;
        // Temporary files are nobody else's to read or write: mode 0600.
        let mut file = tempfile::Builder::new()
            .prefix(PREFIX)
            .suffix(".tmp")
            .tempfile_in(&self.path)?;
        file.write_all(compiled)?;
        file.persist(self.file(key)).map_err(|e| e.error)?;
        self.remove_oldest()
    }

    /// Removes what is too much, and with it what processes that were killed left behind.
    fn remove_oldest(&self) -> io::Result<()> {
        let mut files: Vec<(SystemTime, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry
                .file_name()
                .as_encoded_bytes()
                .starts_with(PREFIX.as_bytes())
            {
                files.push((entry.metadata()?.modified()?, entry.path()));
            }
        }
        files.sort_unstable_by(|a, b| b.cmp(a));
        // Another process may have been quicker.
        files
            .iter()
            .skip(MOST_FILES)
            .for_each(|(_, path)| drop(fs::remove_file(path)));
        Ok(())
    }

    fn tell(&self, what: &str, path: &Path, error: &io::Error) {
        if self.verbose {
            output::notice(&format!("cannot {what} {}: {error}", path.display()));
        }
    }
}

impl CompiledCache for CacheDirectory {
    fn load(&self, key: &str) -> Option<Vec<u8>> {
        let path = self.file(key);
        read(&path)
            .inspect_err(|error| {
                if error.kind() != io::ErrorKind::NotFound {
                    self.tell("use the compiled rules in", &path, error);
                }
            })
            .ok()
    }

    fn store(&self, key: &str, compiled: &[u8]) {
        if let Err(error) = self.write(key, compiled) {
            self.tell("keep compiled rules in", &self.path, &error);
        }
    }
}

/// Returns the directory that the environment chooses.
///
/// A home that belongs to someone else, as `sudo` may leave it, is left alone: files of root in it
/// would be in its owner's way.
fn place(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    if let Some(chosen) = variable(VARIABLE) {
        return (!chosen.is_empty()).then(|| chosen.into());
    }
    let home = PathBuf::from(variable("HOME")?);
    if !home.is_absolute() || home.metadata().ok()?.uid() != user() {
        return None;
    }
    // The XDG base directory specification has relative paths ignored.
    let caches = variable("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .unwrap_or_else(|| home.join(".cache"));
    Some(caches.join("gitsieve"))
}

fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Reads a file that only this user can have written.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    // What is opened is what is checked: no link is followed, and no pipe waited for.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    let metadata = file.metadata()?;
    let refused = if !metadata.is_file() {
        "it is not a regular file"
    } else if metadata.uid() != user() {
        "it belongs to another user"
    } else if metadata.mode() & 0o022 != 0 {
        "others may write to it"
    } else if metadata.len() > MOST_BYTES {
        "it is too large"
    } else {
        let mut bytes = Vec::with_capacity(metadata.len() as usize);
        file.take(MOST_BYTES).read_to_end(&mut bytes)?;
        return Ok(bytes);
    };
    Err(io::Error::other(refused))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn directory() -> (tempfile::TempDir, CacheDirectory) {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("above/cache");
        let verbose = false;
        (root, CacheDirectory { path, verbose })
    }

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_was_stored_last_comes_back_and_is_the_users_alone() {
        let (_root, cache) = directory();
        assert_eq!(cache.load("a"), None);
        cache.store("a", b"one");
        cache.store("a", b"other");
        assert_eq!(cache.load("a").as_deref(), Some(&b"other"[..]));
        assert_eq!(cache.load("b"), None);
        assert_eq!(mode(&cache.file("a")), 0o600);
        assert_eq!(mode(&cache.path), 0o700);
        assert_eq!(cache.path.read_dir().unwrap().count(), 1);
    }

    #[test]
    fn what_others_may_have_written_is_not_read_until_it_is_replaced() {
        let (_root, cache) = directory();
        let file = cache.file("a");
        for mode in [0o620, 0o602, 0o666] {
            cache.store("a", b"mine");
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(cache.load("a"), None, "{mode:o}");
        }
        cache.store("a", b"mine");
        assert!(cache.load("a").is_some());
        // Readers harm nobody: the rules are no secret.
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(cache.load("a").is_some());

        let elsewhere = cache.path.join("elsewhere");
        fs::rename(&file, &elsewhere).unwrap();
        symlink(&elsewhere, &file).unwrap();
        assert_eq!(cache.load("a"), None);
        cache.store("a", b"mine");
        assert_eq!(cache.load("a").as_deref(), Some(&b"mine"[..]));
    }

    #[test]
    fn neither_a_directory_nor_a_pipe_nor_a_huge_file_is_read() {
        let (_root, cache) = directory();
        fs::create_dir_all(cache.file("a")).unwrap();
        assert_eq!(cache.load("a"), None);
        let pipe = std::process::Command::new("mkfifo")
            .arg(cache.file("b"))
            .status();
        assert!(pipe.unwrap().success());
        assert_eq!(cache.load("b"), None);
        let huge = fs::File::create(cache.file("c")).unwrap();
        fs::set_permissions(cache.file("c"), fs::Permissions::from_mode(0o600)).unwrap();
        huge.set_len(MOST_BYTES + 1).unwrap();
        assert_eq!(cache.load("c"), None);
    }

    #[test]
    fn the_newest_files_are_kept_and_nothing_of_others_is_touched() {
        let (_root, cache) = directory();
        fs::create_dir_all(&cache.path).unwrap();
        fs::write(cache.path.join("not-ours"), "").unwrap();
        let at = |seconds| SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        for age in 1..=12 {
            let file = fs::File::create(cache.path.join(format!("{PREFIX}{age}.tmp"))).unwrap();
            file.set_modified(at(1000 - age)).unwrap();
        }
        cache.store("new", b"");
        let mut left: Vec<String> = fs::read_dir(&cache.path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let mut expected: Vec<String> = (1..8).map(|age| format!("{PREFIX}{age}.tmp")).collect();
        expected.extend([format!("{PREFIX}new.db"), "not-ours".to_owned()]);
        assert_eq!(left, expected);
    }

    #[test]
    fn where_nothing_can_be_kept_nothing_fails() {
        let (root, cache) = directory();
        fs::write(root.path().join("above"), "a file").unwrap();
        cache.store("a", b"bytes");
        assert_eq!(cache.load("a"), None);
    }

    #[test]
    fn the_environment_chooses_the_directory() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().to_str().unwrap();
        let of = |variables: &[(&str, &str)]| {
            place(|name| {
                let found = variables.iter().find(|(known, _)| *known == name)?;
                Some(found.1.into())
            })
        };
        let under = |base: &str| Some(Path::new(base).join("gitsieve"));
        assert_eq!(of(&[("HOME", home)]), under(&format!("{home}/.cache")));
        let xdg = |path| of(&[("HOME", home), ("XDG_CACHE_HOME", path)]);
        assert_eq!(xdg("/caches"), under("/caches"));
        assert_eq!(xdg("caches"), under(&format!("{home}/.cache")));
        assert_eq!(xdg(""), under(&format!("{home}/.cache")));
        let chosen = |path| of(&[("HOME", home), ("XDG_CACHE_HOME", "/c"), (VARIABLE, path)]);
        assert_eq!(chosen("/chosen"), Some("/chosen".into()));
        assert_eq!(chosen(""), None);
        // No home, or nobody's.
        assert_eq!(of(&[("XDG_CACHE_HOME", "/caches")]), None);
        assert_eq!(of(&[("HOME", "")]), None);
        assert_eq!(of(&[("HOME", "/nonexistent/home")]), None);
    }
}
