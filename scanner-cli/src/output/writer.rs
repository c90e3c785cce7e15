//! Where a report goes. A file appears whole or not at all: it is written beside its name and
//! renamed. A device or pipe is written to directly: renaming over `/dev/null` would replace it.

use crate::exit::{CliError, ExitStatus};
use serde::Serialize;
use std::{
    fs::{self, File},
    io::{self, BufWriter, StdoutLock, Write},
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;

/// Bytes gathered before they are written.
const BUFFER_BYTES: usize = 64 << 10;

/// Where a report goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    Stdout,
    File(PathBuf),
}

/// An open destination. Nothing of a file is seen before [`Output::commit`].
#[derive(Debug)]
pub(crate) enum Output {
    Stdout(BufWriter<StdoutLock<'static>>),
    /// Something that is not a regular file.
    Device(BufWriter<File>),
    File {
        temporary: BufWriter<NamedTempFile>,
        target: PathBuf,
    },
}

impl Destination {
    /// Takes the argument of `--output`.
    pub(crate) fn new(path: Option<&Path>) -> Self {
        match path {
            None => Self::Stdout,
            Some(path) if path == Path::new("-") => Self::Stdout,
            Some(path) => Self::File(path.to_owned()),
        }
    }

    /// Finds out ahead of a long scan whether its report can be written, and leaves no trace.
    pub(crate) fn check(&self) -> Result<(), CliError> {
        let Self::File(path) = self else {
            return Ok(());
        };
        let possible = match target(path) {
            Ok(Target::Replace(path)) => temporary_beside(&path, true).map(drop),
            Ok(Target::Device) => Ok(()),
            Err(error) => Err(error),
        };
        possible.map_err(|source| self.error(source))
    }

    /// Opens the destination; a `private` file is readable by its owner alone.
    pub(crate) fn open(&self, private: bool) -> Result<Output, CliError> {
        let Self::File(path) = self else {
            let stdout = io::stdout().lock();
            return Ok(Output::Stdout(BufWriter::with_capacity(
                BUFFER_BYTES,
                stdout,
            )));
        };
        let open = || match target(path)? {
            Target::Device => {
                let device = File::options().write(true).open(path)?;
                Ok(Output::Device(BufWriter::with_capacity(
                    BUFFER_BYTES,
                    device,
                )))
            }
            Target::Replace(target) => {
                let file = temporary_beside(&target, private)?;
                if let (false, Ok(old)) = (private, fs::metadata(&target)) {
                    file.as_file().set_permissions(old.permissions())?;
                }
                Ok(Output::File {
                    temporary: BufWriter::with_capacity(BUFFER_BYTES, file),
                    target,
                })
            }
        };
        open().map_err(|source| self.error(source))
    }

    /// Writes something that is not a report.
    pub(crate) fn write_all(&self, bytes: &[u8]) -> Result<ExitStatus, CliError> {
        self.write(bytes, false)
    }

    /// Writes what only the owner of a file may read.
    pub(crate) fn write_private(&self, bytes: &[u8]) -> Result<ExitStatus, CliError> {
        self.write(bytes, true)
    }

    fn write(&self, bytes: &[u8], private: bool) -> Result<ExitStatus, CliError> {
        let mut out = self.open(private)?;
        match out.write_all(bytes).and_then(|()| out.commit()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(self.error(error)),
            _ => Ok(ExitStatus::Clean),
        }
    }

    /// Writes a value as one JSON document.
    pub(crate) fn write_json(&self, value: &impl Serialize) -> Result<ExitStatus, CliError> {
        self.write_all(self.json(value)?.as_bytes())
    }

    /// Writes a value as one JSON document that only the owner of a file may read.
    pub(crate) fn write_private_json(
        &self,
        value: &impl Serialize,
    ) -> Result<ExitStatus, CliError> {
        self.write_private(self.json(value)?.as_bytes())
    }

    fn json(&self, value: &impl Serialize) -> Result<String, CliError> {
        let mut text = serde_json::to_string_pretty(value).map_err(|e| self.error(e.into()))?;
        text.push('\n');
        Ok(text)
    }

    /// Says that writing here failed.
    pub(crate) fn error(&self, source: io::Error) -> CliError {
        let place = match self {
            Self::Stdout => "standard output".to_owned(),
            Self::File(path) => path.display().to_string(),
        };
        CliError::Output { place, source }
    }
}

enum Target {
    /// A regular file or none yet: where symbolic links lead.
    Replace(PathBuf),
    Device,
}

fn target(path: &Path) -> io::Result<Target> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(metadata) if metadata.is_file() => fs::canonicalize(path).map(Target::Replace),
        Ok(_) => Ok(Target::Device),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(Target::Replace(path.to_owned()))
        }
        Err(error) => Err(error),
    }
}

fn temporary_beside(target: &Path, private: bool) -> io::Result<NamedTempFile> {
    let directory = match target.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".gitsieve-").suffix(".tmp");
    #[cfg(unix)]
    if !private {
        use std::os::unix::fs::PermissionsExt;
        // What any new file gets: the umask takes its share.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    #[cfg(not(unix))]
    let _ = private;
    builder.tempfile_in(directory)
}

impl Output {
    /// Ends the output: what was written becomes visible under its name.
    pub(crate) fn commit(self) -> io::Result<()> {
        match self {
            Self::Stdout(mut out) => out.flush(),
            Self::Device(mut out) => out.flush(),
            Self::File { temporary, target } => {
                let file = temporary
                    .into_inner()
                    .map_err(io::IntoInnerError::into_error)?;
                file.persist(target).map(drop).map_err(|e| e.error)
            }
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(out) => out.write(bytes),
            Self::Device(out) => out.write(bytes),
            Self::File { temporary, .. } => temporary.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(out) => out.flush(),
            Self::Device(out) => out.flush(),
            Self::File { temporary, .. } => temporary.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(directory)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_keeps_its_old_content_until_the_new_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.json");
        fs::write(&path, "old").unwrap();
        let to = Destination::new(Some(&path));

        let mut abandoned = to.open(false).unwrap();
        abandoned.write_all(&vec![b'x'; 3 * BUFFER_BYTES]).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        drop(abandoned);
        assert_eq!(names(dir.path()), ["report.json"]);
        assert_eq!(fs::read(&path).unwrap(), b"old");

        let mut out = to.open(false).unwrap();
        out.write_all(b"new").unwrap();
        out.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(dir.path()), ["report.json"]);
    }

    #[test]
    fn checking_leaves_no_trace_and_refuses_what_cannot_be_written() {
        let dir = tempfile::tempdir().unwrap();
        let check = |path: &Path| Destination::new(Some(path)).check();
        check(&dir.path().join("new.json")).unwrap();
        assert!(names(dir.path()).is_empty());
        assert!(check(dir.path()).is_err());
        assert!(check(&dir.path().join("absent/new.json")).is_err());
        assert_eq!(Destination::new(Some(Path::new("-"))), Destination::Stdout);
    }

    #[cfg(unix)]
    #[test]
    fn devices_are_written_to_and_links_are_followed() {
        use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
        let null = Destination::new(Some(Path::new("/dev/null")));
        null.check().unwrap();
        null.write_all(b"x").unwrap();
        assert!(
            fs::metadata("/dev/null")
                .unwrap()
                .file_type()
                .is_char_device()
        );

        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        fs::write(&real, "old").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("real", &link).unwrap();
        let to = Destination::new(Some(&link));
        to.write_all(b"new").unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");
        assert_eq!(real.metadata().unwrap().permissions().mode() & 0o777, 0o640);

        let mut private = to.open(true).unwrap();
        private.write_all(b"secret").unwrap();
        private.commit().unwrap();
        assert_eq!(real.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}
