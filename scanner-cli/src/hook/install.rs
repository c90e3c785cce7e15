//! Puts hooks into a repository and takes them out again.
//!
//! Nobody's hook is lost: one that is there already is renamed, runs first, and comes back when
//! ours goes. What is not ours, or was changed since, is left alone and said. Each step is one
//! rename, so that git finds a whole hook at any time, and never none where there was one.

mod bitbucket;
mod place;
mod script;

pub(crate) use bitbucket::{removal, upload};
pub(crate) use place::{Site, sites};
pub(crate) use script::{Hook, Script};

use crate::exit::CliError;
use script::Origin;
use std::{
    fs,
    io::{self, Read, Write},
    path::Path,
};

/// Hooks of more bytes are not ours.
const MOST_BYTES: u64 = 64 << 10;

/// What became of one hook.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is there now.
    Installed,
    /// It is there now, and what was there before runs first.
    Chained,
    /// One of ours, made otherwise or by another version, gave way to it.
    Replaced,
    /// It was there already.
    Unchanged,
    /// It is gone.
    Removed,
    /// It is gone, and what was there before is back.
    Restored,
    /// There was none of ours.
    Absent,
    /// It was changed by hand, so it stays as it is.
    Edited,
    /// A hook of somebody else came since, and the one that was put aside for ours is still there.
    Overtaken,
}

/// Puts a hook where it belongs.
///
/// # Errors
/// When the directory or a file in it cannot be read or written.
pub(crate) fn install(site: &Site, script: &Script) -> Result<Outcome, CliError> {
    let text = script.text();
    let put = || -> io::Result<Outcome> {
        let outcome = match found(&site.file)? {
            None => Outcome::Installed,
            Some(Origin::Edited) => return Ok(Outcome::Edited),
            Some(Origin::Ours) if fs::read(&site.file)? == text && runs(&site.file) => {
                return Ok(Outcome::Unchanged);
            }
            Some(Origin::Ours) => Outcome::Replaced,
            Some(Origin::Foreign) if site.earlier.symlink_metadata().is_ok() => {
                return Ok(Outcome::Overtaken);
            }
            Some(Origin::Foreign) => Outcome::Chained,
        };
        if let Some(directory) = site.file.parent() {
            fs::create_dir_all(directory)?;
        }
        let new = whole(&site.file, &text)?;
        if outcome == Outcome::Chained {
            set_aside(&site.file, &site.earlier)?;
        }
        new.persist(&site.file).map_err(|e| e.error)?;
        Ok(outcome)
    };
    put().map_err(|error| failed(&site.file, error))
}

/// Takes a hook away.
///
/// # Errors
/// When the directory or a file in it cannot be read or written.
pub(crate) fn uninstall(site: &Site) -> Result<Outcome, CliError> {
    let take = || -> io::Result<Outcome> {
        let earlier = site.earlier.symlink_metadata().is_ok();
        match found(&site.file)? {
            Some(Origin::Edited) => Ok(Outcome::Edited),
            Some(Origin::Foreign) if earlier => Ok(Outcome::Overtaken),
            None | Some(Origin::Ours) if earlier => {
                fs::rename(&site.earlier, &site.file)?;
                Ok(Outcome::Restored)
            }
            Some(Origin::Ours) => {
                fs::remove_file(&site.file)?;
                Ok(Outcome::Removed)
            }
            None | Some(Origin::Foreign) => Ok(Outcome::Absent),
        }
    };
    take().map_err(|error| failed(&site.file, error))
}

fn failed(file: &Path, source: io::Error) -> CliError {
    CliError::Output {
        place: format!("the hook {}", file.display()),
        source,
    }
}

/// What is at a hook's place, if anything.
fn found(file: &Path) -> io::Result<Option<Origin>> {
    match file.symlink_metadata() {
        Ok(meta) if meta.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    }
    let mut text = Vec::new();
    match fs::File::open(file) {
        Ok(open) => open.take(MOST_BYTES).read_to_end(&mut text)?,
        // A link that leads nowhere, or is not for us to read: somebody's all the same.
        Err(_) => return Ok(Some(Origin::Foreign)),
    };
    Ok(Some(script::origin(&text)))
}

/// Whether git would run it.
fn runs(file: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.metadata()
            .is_ok_and(|meta| meta.permissions().mode() & 0o111 != 0)
    }
    #[cfg(not(unix))]
    file.exists()
}

/// The new hook, whole, beside its place.
fn whole(file: &Path, text: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".gitsieve-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // What git gives its own hooks: the umask takes its share.
        builder.permissions(fs::Permissions::from_mode(0o777));
    }
    let directory = file.parent().unwrap_or(Path::new("."));
    let mut new = builder.tempfile_in(directory)?;
    new.write_all(text)?;
    new.as_file().sync_all()?;
    Ok(new)
}

/// Gives a hook a second name, under which it stays when ours takes the first. Never over
/// another file.
fn set_aside(file: &Path, earlier: &Path) -> io::Result<()> {
    match fs::hard_link(file, earlier) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            // Not every file system has links; then there is no hook for an instant.
            fs::rename(file, earlier)
        }
        linked => linked,
    }
}

#[cfg(test)]
mod tests;
