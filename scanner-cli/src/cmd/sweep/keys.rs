//! Keys that values are sealed with, and opened.

use super::super::decisions::{self, MAX_KEY_BYTES};
use crate::{
    exit::{CliError, ExitStatus},
    output,
};
use scanner_sweep::seal::{KeyError, PrivateKey, PublicKey};
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Reads the key that seals.
pub(super) fn public(path: &Path) -> Result<PublicKey, CliError> {
    PublicKey::parse(&decisions::read(path, MAX_KEY_BYTES)?).map_err(|error| refuse(path, &error))
}

/// Reads the key that opens.
pub(super) fn private(path: &Path) -> Result<PrivateKey, CliError> {
    PrivateKey::parse(decisions::read(path, MAX_KEY_BYTES)?).map_err(|error| refuse(path, &error))
}

fn refuse(path: &Path, error: &KeyError) -> CliError {
    CliError::Usage(format!("{}: {error}", path.display()))
}

/// Makes a pair of keys: the private one in `file`, and the public one beside it.
pub(super) fn make(file: &Path, quiet: bool) -> Result<ExitStatus, CliError> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".pub");
    let beside = PathBuf::from(beside);
    // Told before anything is made.
    if beside.symlink_metadata().is_ok() {
        return Err(cannot(&beside, io::ErrorKind::AlreadyExists.into()));
    }
    let key = PrivateKey::generate().map_err(|error| refuse(file, &error))?;
    create(file, 0o600, key.to_text().as_bytes())?;
    if let Err(error) = create(&beside, 0o644, key.public().to_text().as_bytes()) {
        // Made just now, and of no use alone.
        let _ = fs::remove_file(file);
        return Err(error);
    }
    if !quiet {
        output::notice(&format!(
            "{} seals values (key {}): give it to sweeps as --seal-values. {} opens them: keep it away \
             from where sweeps run, and keep a copy",
            beside.display(),
            key.public().id(),
            file.display()
        ));
    }
    Ok(ExitStatus::Clean)
}

/// Writes a file that was not there before; whole or not at all.
fn create(path: &Path, mode: u32, content: &[u8]) -> Result<(), CliError> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let mut file = options.open(path).map_err(|error| cannot(path, error))?;
    // What is sealed for a key that was lost is lost.
    let written = file.write_all(content).and_then(|()| file.sync_all());
    written.map_err(|error| {
        let _ = fs::remove_file(path);
        cannot(path, error)
    })
}

fn cannot(path: &Path, source: io::Error) -> CliError {
    CliError::Output {
        place: path.display().to_string(),
        source,
    }
}
