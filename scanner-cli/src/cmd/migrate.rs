//! `gitsieve migrate`: what was decided with other scanners, as a baseline.

use super::{decisions, scan};
use crate::{
    args::MigrateFrom,
    exit::{self, CliError, ExitStatus},
    output::{self, Destination},
    plan::MigratePlan,
};
use scanner_core::{
    model::Problem,
    report::printable,
    rules::RuleSet,
    triage::{
        Baseline,
        migrate::{Foreign, ForeignKind, Migrated, Migration},
    },
};
use serde::Serialize;
use std::{fs, path::Path};

pub(crate) fn run(mut plan: MigratePlan) -> Result<ExitStatus, CliError> {
    let mut configurations = Vec::new();
    let mut sources = Vec::new();
    // A mistake in a file is told before a long scan.
    for file in &plan.files {
        match read(file, plan.from)? {
            Source::Configuration(found) => configurations.push(found),
            Source::Decisions(kind, foreign) => {
                sources.push((file.display().to_string(), kind, foreign));
            }
        }
    }
    let (mut migrated, complete) = if sources.is_empty() {
        (Migrated::default(), true)
    } else {
        carry(&mut plan, &sources)?
    };
    for configuration in &mut configurations {
        migrated.left.append(&mut configuration.refused);
    }
    if plan.json {
        let baseline = match &plan.to {
            Destination::File(file) if !sources.is_empty() => {
                Some(printable(file.as_os_str().as_encoded_bytes()))
            }
            _ => None,
        };
        Destination::Stdout.write_json(&Summary {
            baseline,
            carried: migrated.carried,
            added: migrated.added,
            kept: migrated.kept,
            complete,
            not_carried: migrated.left.iter().map(told).collect(),
            configurations: configurations.iter().map(json).collect(),
        })?;
    }
    say(&plan, &migrated, &configurations, !sources.is_empty());
    if !complete {
        output::notice("INCOMPLETE: not everything was looked at, so more might have been found");
    }
    Ok(if !migrated.left.is_empty() {
        ExitStatus::for_findings(exit::FINDINGS)
    } else if complete {
        ExitStatus::Clean
    } else {
        ExitStatus::Incomplete
    })
}

/// What a file is.
enum Source {
    Configuration(Configuration),
    Decisions(ForeignKind, Foreign),
}

/// A configuration, which needs no conversion.
struct Configuration {
    file: String,
    /// How many rules it makes, with those that it builds on.
    rules: usize,
    /// What means less here, or something else.
    remarks: Vec<Problem>,
    /// Why it does not load.
    refused: Vec<Problem>,
}

fn read(file: &Path, from: Option<MigrateFrom>) -> Result<Source, CliError> {
    let name = file.display().to_string();
    let is_toml = file
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("toml"));
    if from == Some(MigrateFrom::GitleaksConfig) || (from.is_none() && is_toml) {
        return Ok(Source::Configuration(configuration(file)));
    }
    let content = decisions::foreign(file)?;
    let kind = match from {
        Some(from) => from.decisions(),
        None => ForeignKind::detect(&name, &content),
    };
    let kind = kind.ok_or_else(|| {
        CliError::Usage(format!(
            "{name}: neither name nor content says what it is: --from does"
        ))
    })?;
    let foreign = kind.read(&content).map_err(|error| {
        CliError::Usage(format!(
            "{name} cannot be read as {}'s: {error}",
            kind.tool()
        ))
    })?;
    Ok(Source::Decisions(kind, foreign))
}

fn configuration(file: &Path) -> Configuration {
    let mut found = Configuration {
        file: file.display().to_string(),
        rules: 0,
        remarks: Vec::new(),
        refused: Vec::new(),
    };
    match RuleSet::load_config(file, &RuleSet::builtin()) {
        Ok(loaded) => {
            found.rules = loaded.rules.len();
            found.remarks = loaded.warnings;
        }
        Err(errors) => found.refused = errors.problems().to_vec(),
    }
    found
}

/// Scans, carries, and writes the baseline. Says whether everything was looked at.
fn carry(
    plan: &mut MigratePlan,
    sources: &[(String, ForeignKind, Foreign)],
) -> Result<(Migrated, bool), CliError> {
    let key = decisions::key(plan.scan.triage.key_file.as_deref())?.id();
    let mut baseline = match &plan.existing {
        Some(file) => decisions::baseline(file, key.as_deref())?,
        None => Baseline::new("the new baseline", key.as_deref()),
    };
    let (report, _) = scan::found(&mut plan.scan)?;
    let mut migration = Migration::new(&report, roots(&plan.root));
    for (file, kind, foreign) in sources {
        migration.add(file, *kind, foreign);
    }
    let migrated = migration.finish(&mut baseline, scan::now());
    plan.to.write_all(&baseline.text())?;
    let looked_at = ExitStatus::of_receipt(&report.receipt, plan.scan.exit);
    let complete = looked_at == ExitStatus::Clean;
    Ok((migrated, complete))
}

/// How paths may start that are not relative to the repository.
fn roots(root: &Path) -> Vec<String> {
    let text = |path: &Path| path.to_str().map(|t| t.trim_end_matches('/').to_owned());
    let absolute = fs::canonicalize(root).ok();
    let mut all: Vec<String> = absolute.iter().filter_map(|path| text(path)).collect();
    all.extend(text(root).filter(|root| root != "." && !root.is_empty()));
    all
}

#[derive(Serialize)]
struct Summary<'a> {
    /// Where it was written; absent for standard output, or where nothing was to be.
    #[serde(skip_serializing_if = "Option::is_none")]
    baseline: Option<String>,
    carried: usize,
    added: usize,
    kept: usize,
    complete: bool,
    not_carried: Vec<Told<'a>>,
    configurations: Vec<JsonConfiguration<'a>>,
}

#[derive(Serialize)]
struct Told<'a> {
    file: String,
    /// 0 where the format has entries without lines.
    line: u32,
    message: &'a str,
}

#[derive(Serialize)]
struct JsonConfiguration<'a> {
    file: String,
    loads: bool,
    rules: usize,
    remarks: Vec<Told<'a>>,
}

fn told(problem: &Problem) -> Told<'_> {
    Told {
        file: printable(problem.file.as_bytes()),
        line: problem.line,
        message: &problem.message,
    }
}

fn json(configuration: &Configuration) -> JsonConfiguration<'_> {
    JsonConfiguration {
        file: printable(configuration.file.as_bytes()),
        loads: configuration.rules > 0,
        rules: configuration.rules,
        remarks: configuration.remarks.iter().map(told).collect(),
    }
}

/// Says on standard error what was done and, quiet or not, what was not.
fn say(plan: &MigratePlan, migrated: &Migrated, configurations: &[Configuration], wrote: bool) {
    for found in configurations.iter().filter(|c| c.rules > 0) {
        if !plan.quiet {
            output::notice(&format!(
                "{}: loads as it is ({} rules), from the root of the working tree or by --config; \
                 `useDefault` means the rules built into gitsieve",
                found.file, found.rules
            ));
        }
        for remark in &found.remarks {
            output::notice(&format!("differs: {remark}"));
        }
    }
    if !migrated.left.is_empty() {
        let mut text = format!("{} not carried:", migrated.left.len());
        for problem in &migrated.left {
            text.push('\n');
            text.push_str(&printable(problem.to_string().as_bytes()));
        }
        output::notice(&text);
    }
    if plan.quiet || !wrote {
        return;
    }
    let name = match &plan.to {
        Destination::File(file) => file.display().to_string(),
        Destination::Stdout => "the baseline".to_owned(),
    };
    output::notice(&format!(
        "{name}: {} carried, {} added, {} kept as they were",
        migrated.carried, migrated.added, migrated.kept
    ));
    if migrated.ended > 0 {
        output::notice(&format!(
            "{} of those ended and stay as they are: decide about them anew",
            migrated.ended
        ));
    }
}
