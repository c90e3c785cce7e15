//! Converts rules of other scanners.

use crate::{
    args::{From, ImportArgs},
    exit::{CliError, ExitStatus},
    output,
    plan::RulesPlan,
};
use scanner_core::{
    inspect,
    rules::{
        RuleSet,
        import::{ImportFormat, import},
    },
};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// Files beyond this are no rule files.
const MAX_FILE_BYTES: u64 = 16 << 20;

pub(super) fn run(plan: &RulesPlan, args: &ImportArgs) -> Result<ExitStatus, CliError> {
    let format = match args.from {
        From::Noseyparker => ImportFormat::NoseyParker,
        From::Kingfisher => ImportFormat::Kingfisher,
        From::Bitbucket => ImportFormat::Bitbucket,
    };
    let files = args
        .files
        .iter()
        .map(|path| Ok((path.display().to_string(), read(path)?)))
        .collect::<Result<Vec<_>, CliError>>()?;
    let imported = import(format, &files).map_err(|e| CliError::Usage(e.to_string()))?;
    if !plan.quiet {
        for note in &imported.notes {
            output::notice(&note.to_string());
        }
    }
    if imported.rules == 0 {
        return Err(CliError::Usage(
            "none of the rules could be carried".to_owned(),
        ));
    }
    let status = plan.to.write_all(imported.text.as_bytes())?;
    if !plan.quiet {
        let name = args.name_of_result();
        let loaded =
            RuleSet::parse(&imported.text, &name).map_err(|e| CliError::Usage(e.to_string()))?;
        for warning in &loaded.warnings {
            output::notice(&format!("in the result: {warning}"));
        }
        let proven = inspect::prove(&loaded.rules, &loaded.examples, inspect::ENGINES)
            .map_err(|e| CliError::Usage(e.to_string()))?;
        for problem in &proven.problems {
            output::notice(&format!("in the result: {problem}"));
        }
        output::notice(&format!(
            "{} rules converted, {} left out, {} of {} examples do not hold",
            imported.rules,
            imported.left_out,
            proven.problems.len(),
            proven.examples
        ));
    }
    Ok(status)
}

impl ImportArgs {
    /// What the result is called in messages about it.
    fn name_of_result(&self) -> String {
        match self.files.as_slice() {
            [one] => format!("{} converted", one.display()),
            all => format!("{} files converted", all.len()),
        }
    }
}

fn read(path: &Path) -> Result<String, CliError> {
    let failed =
        |error: io::Error| CliError::Usage(format!("cannot read {}: {error}", path.display()));
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes))
        .map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(failed(io::Error::other("over 16 MiB, too large for rules")));
    }
    String::from_utf8(bytes).map_err(|_| failed(io::Error::other("not UTF-8 text")))
}
