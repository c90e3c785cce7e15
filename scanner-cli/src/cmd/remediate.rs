//! `gitsieve remediate`: writes down what to do about secrets.
//!
//! The files go into a directory of their owner's alone, with a `.gitignore` that keeps git from
//! taking any of them: the rules of replacement are the secrets. A directory that holds anything
//! else is refused, so that nothing of anybody's becomes private or is written over.

use super::{decisions, scan};
use crate::{
    content::ContentReader,
    exit::{CliError, ExitStatus},
    output::{self, Destination},
    plan::{Folder, Origin, RemediatePlan},
};
use scanner_core::{
    model::{Finding, Occurrence, Report, Secret, Where},
    remedy::{
        Affected, Checklist, FileNames, Replacements, Surroundings, VariableNames, name_before,
        write_affected,
    },
    report::Redactor,
};
use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Read, Write},
    path::Path,
};

const CHECKLIST: &str = "checklist.md";
const AFFECTED: &str = "affected.json";
const REPLACEMENTS: &str = "replacements.txt";
const BLOBS: &str = "blobs-to-strip.txt";
const IGNORE: &str = ".gitignore";
const FILES: [&str; 5] = [CHECKLIST, AFFECTED, REPLACEMENTS, BLOBS, IGNORE];

/// Bytes before a secret in which its name is looked for.
const NAME_WITHIN_BYTES: usize = 160;
/// Contents that are read for a secret's name at most: one that has no name in these has none.
const PLACES_READ: usize = 4;
/// Largest list of alternates.
const MAX_ALTERNATES_BYTES: u64 = 1 << 20;

pub(crate) fn run(plan: RemediatePlan) -> Result<ExitStatus, CliError> {
    if let Folder::Directory(directory) = &plan.to {
        check(directory)?;
    }
    let report = match plan.origin {
        Origin::Scan(mut scan_plan) => scan::found(&mut scan_plan)?.0,
        Origin::Report { from, triage } => {
            let mut report = decisions::report_of(&from)?.report;
            let key_id = report.receipt.fingerprint_key.clone();
            decisions::load(&triage, key_id.as_deref())?.apply(&mut report);
            report
        }
    };
    let chosen: Vec<&Finding> = if plan.only.is_empty() {
        report.open().collect()
    } else {
        let all = report.findings.iter();
        all.filter(|f| plan.only.contains(&f.fingerprint)).collect()
    };
    let there: HashSet<_> = chosen.iter().map(|f| &f.fingerprint).collect();
    if let Some(absent) = plan.only.iter().find(|f| !there.contains(f)) {
        return Err(CliError::Usage(format!(
            "--fingerprint {absent}: not found here (under another --fingerprint-key-file, \
             fingerprints differ)"
        )));
    }
    let made = (plan.replacements).then(|| Replacements::of(chosen.iter().copied()));
    let said = match (&plan.to, &made) {
        (Folder::Stdout, Some(made)) => {
            Destination::Stdout.write_all(made.reveal())?;
            format!("{} rules printed, with every secret in clear", made.rules())
        }
        (Folder::Stdout, None) => String::new(),
        (Folder::Directory(directory), made) => {
            let root = plan.root.as_deref();
            prepare(directory)?;
            write(directory, &report, &chosen, made.as_ref(), root)?;
            said(directory, chosen.len(), made.as_ref())
        }
    };
    if !plan.quiet && !said.is_empty() {
        output::notice(&said);
    }
    let status = ExitStatus::of_receipt(&report.receipt, plan.exit);
    if status == ExitStatus::Incomplete {
        output::notice("INCOMPLETE: not everything was looked at, so there may be more");
    }
    Ok(status)
}

fn said(directory: &Path, secrets: usize, made: Option<&Replacements>) -> String {
    let place = directory.display();
    let mut said =
        format!("{place}/{CHECKLIST} says what to do about {secrets} secret(s), in order");
    if let Some(made) = made {
        said = format!(
            "{said}\nWARNING: {place}/{REPLACEMENTS} holds {} rules with every secret IN CLEAR. It is \
             readable by you alone; delete it when the history is rewritten",
            made.rules()
        );
        if !made.by_hand().is_empty() {
            said = format!(
                "{said}\n{} of them need work by hand, as it says",
                made.by_hand().len()
            );
        }
    }
    said
}

fn write(
    directory: &Path,
    report: &Report,
    chosen: &[&Finding],
    made: Option<&Replacements>,
    root: Option<&Path>,
) -> Result<(), CliError> {
    let redactor = Redactor::of_report(report);
    let mut names = VariableNames::default();
    let near = root.map_or_else(Vec::new, |root| called(chosen, root));
    let affected: Vec<Affected> = chosen
        .iter()
        .enumerate()
        .map(|(n, finding)| {
            let near = near.get(n).and_then(Option::as_deref);
            let name = names.next(finding, near, &redactor);
            Affected::of(finding, name, &redactor)
        })
        .collect();
    let surroundings = Surroundings::new(&report.receipt, &alternates(root), &redactor);
    private(directory, IGNORE, |out| out.write_all(b"*\n"))?;
    private(directory, AFFECTED, |out| {
        write_affected(out, &affected, &surroundings)
    })?;
    let list = Checklist {
        affected: &affected,
        replacements: made,
        surroundings: &surroundings,
        complete: report.receipt.complete,
        files: FileNames {
            replacements: REPLACEMENTS,
            blobs: BLOBS,
            affected: AFFECTED,
        },
    };
    private(directory, CHECKLIST, |out| list.write(out))?;
    let Some(made) = made else {
        return Ok(());
    };
    private(directory, REPLACEMENTS, |out| out.write_all(made.reveal()))?;
    private(directory, BLOBS, |out| {
        made.blobs().iter().try_for_each(|id| writeln!(out, "{id}"))
    })
}

/// Refuses a directory in which others' things are, before a long scan.
fn check(directory: &Path) -> Result<(), CliError> {
    let failed = |source| not_written(directory, source);
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        if !FILES.iter().any(|ours| name == *ours) {
            return Err(CliError::Usage(format!(
                "{} is there already and holds other things: name an empty or new directory with -o",
                directory.display()
            )));
        }
    }
    Ok(())
}

/// Makes the directory, and takes away what an earlier run left in it: a list must not stand beside
/// rules that belong to another.
fn prepare(directory: &Path) -> Result<(), CliError> {
    let failed = |source| not_written(directory, source);
    match fs::create_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made.map_err(failed)?,
    }
    for name in FILES {
        match fs::remove_file(directory.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).map_err(failed)?;
    }
    Ok(())
}

fn not_written(path: &Path, source: io::Error) -> CliError {
    CliError::Output {
        place: path.display().to_string(),
        source,
    }
}

/// Writes a file that its owner alone can read; whole or not at all.
fn private(
    directory: &Path,
    name: &str,
    content: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), CliError> {
    let write = || {
        // Temporary files have mode 0600.
        let mut out = io::BufWriter::new(tempfile::NamedTempFile::new_in(directory)?);
        content(&mut out)?;
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.persist(directory.join(name)).map_err(|e| e.error)
    };
    write()
        .map(drop)
        .map_err(|source| not_written(&directory.join(name), source))
}

/// What the code calls each secret, read where it was found, in the history, too. A content is read
/// once for all secrets in it.
fn called(chosen: &[&Finding], root: &Path) -> Vec<Option<String>> {
    let mut reader = ContentReader::new(Some(root));
    let places: Vec<Vec<&Occurrence>> = chosen.iter().map(|f| places_of(f)).collect();
    let mut names = vec![None; chosen.len()];
    for round in 0..PLACES_READ {
        let left = (0..chosen.len()).filter(|&n| names[n].is_none());
        let mut left: Vec<(&Occurrence, usize)> = left
            .filter_map(|n| Some((*places[n].get(round)?, n)))
            .collect();
        left.sort_by_key(|(place, n)| (place.blob, *n));
        for same in left.chunk_by(|(one, _), (next, _)| one.blob == next.blob) {
            let Ok(content) = reader.read(same[0].0) else {
                continue;
            };
            for (place, n) in same {
                names[*n] = name_at(&content, place, &chosen[*n].secret);
            }
        }
    }
    names
}

/// Where the text before a secret can be read as it is, what is there now first, each content once.
/// None for a secret of a report, which is redacted and could not be told there.
fn places_of(finding: &Finding) -> Vec<&Occurrence> {
    if finding.secret.is_redacted() {
        return Vec::new();
    }
    let now = |o: &Occurrence| matches!(o.place, Where::Head | Where::Index | Where::Worktree);
    let plain =
        |o: &&Occurrence| o.member.is_none() && o.encoding.is_empty() && o.place != Where::Stdin;
    let mut places: Vec<_> = finding.occurrences.iter().filter(plain).collect();
    places.sort_by_key(|o| !now(o));
    let mut seen = HashSet::new();
    places.retain(|o| seen.insert(o.blob));
    places.truncate(PLACES_READ);
    places
}

/// What the text before a secret calls it, where the secret stands there in fact.
fn name_at(content: &[u8], place: &Occurrence, secret: &Secret) -> Option<String> {
    let start = usize::try_from(place.span.start).ok()?;
    let (before, from) = content.split_at_checked(start)?;
    let before = &before[start.saturating_sub(NAME_WITHIN_BYTES)..];
    (from.starts_with(secret.reveal()))
        .then(|| name_before(before))
        .flatten()
}

/// The object directories that a repository borrows from, as its file names them.
fn alternates(root: Option<&Path>) -> Vec<Vec<u8>> {
    let Some(root) = root else {
        return Vec::new();
    };
    let places = [".git/objects", "objects", ""];
    let files = places.map(|place| root.join(place).join("info/alternates"));
    let Some(file) = files.iter().find_map(|file| File::open(file).ok()) else {
        return Vec::new();
    };
    let mut text = Vec::new();
    if file
        .take(MAX_ALTERNATES_BYTES)
        .read_to_end(&mut text)
        .is_err()
    {
        return Vec::new();
    }
    let lines = text.split(|b| *b == b'\n');
    lines
        .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
        .map(<[u8]>::to_vec)
        .collect()
}
