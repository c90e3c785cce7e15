//! Counts the uses of exceptions, so that a limit on them holds between runs.
//!
//! The ledger is read, judged by and appended to under one lock: of two pushes at the same time,
//! one comes after the other. It is opened before a sandbox closes the file system.

use crate::exit::CliError;
use bstr::{BStr, ByteSlice};
use scanner_core::{
    gate::{
        break_glass::{By, JudgeContext, Use, needs_ledger},
        policy::Effective,
        verdict::{Outcome, Verdict, judge},
    },
    model::PushReport,
};
use std::{
    fs::{File, OpenOptions},
    io::{Read, Seek, SeekFrom, Write},
    path::PathBuf,
};

/// Largest ledger that is read. One that is larger cannot be counted in, which leaves no uses.
const MOST_BYTES: u64 = 64 << 20;

/// An open ledger.
#[derive(Debug)]
pub(crate) struct Ledger {
    file: File,
}

impl Ledger {
    /// Opens the ledger of a policy that limits uses.
    ///
    /// # Errors
    /// Where it cannot be opened: a limit that is not counted is none.
    pub(crate) fn open(effective: &Effective) -> Result<Option<Self>, CliError> {
        let glass = &effective.break_glass;
        let Some(path) = glass.ledger.as_ref().filter(|_| glass.per_day.is_some()) else {
            return Ok(None);
        };
        let file = open(path).map_err(|error| {
            CliError::Usage(format!(
                "cannot open the ledger {}: {error}",
                path.display()
            ))
        })?;
        Ok(Some(Self { file }))
    }

    /// Judges a push with what the ledger says, and puts a use down.
    pub(crate) fn judge(
        &mut self,
        effective: &Effective,
        push: &PushReport,
        context: JudgeContext<'_>,
        repository: &[u8],
    ) -> Verdict {
        if !needs_ledger(effective, context.push_options, &push.tips) {
            return judge(effective, push, &context);
        }
        // The lock ends with the process at the latest.
        let locked = self.file.lock().is_ok();
        let text = if locked { self.read() } else { None };
        let context = JudgeContext {
            ledger: text.as_deref(),
            ..context
        };
        let mut verdict = judge(effective, push, &context);
        if let Outcome::Bypassed(bypass) = &verdict.outcome
            && bypass.by != By::Grant
            && let Some(user) = context.user
        {
            let line = Use {
                now_seconds: context.now_seconds,
                user,
                repository: BStr::new(repository),
                by: bypass.by,
            }
            .line();
            if self.append(text.as_deref(), &line).is_err() {
                // A use that cannot be put down cannot be given.
                let context = JudgeContext {
                    ledger: None,
                    ..context
                };
                verdict = judge(effective, push, &context);
            }
        }
        if locked {
            let _ = self.file.unlock();
        }
        verdict
    }

    fn read(&mut self) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        self.file.seek(SeekFrom::Start(0)).ok()?;
        let mut limited = (&mut self.file).take(MOST_BYTES + 1);
        limited.read_to_end(&mut text).ok()?;
        (text.len() as u64 <= MOST_BYTES).then_some(text)
    }

    /// Appends a line with one write; one that a killed run left unfinished is ended first.
    fn append(&mut self, text: Option<&[u8]>, line: &str) -> std::io::Result<()> {
        let torn = text.is_some_and(|text| !text.is_empty() && !text.ends_with_str("\n"));
        let bytes = if torn {
            format!("\n{line}")
        } else {
            line.to_owned()
        };
        let written = self.file.write(bytes.as_bytes())?;
        if written < bytes.len() {
            return Err(std::io::ErrorKind::WriteZero.into());
        }
        Ok(())
    }
}

fn open(path: &PathBuf) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // It names people.
        options.mode(0o640);
    }
    options.open(path)
}
