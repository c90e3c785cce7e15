//! Scans the whole history of the ordinary repositories and counts what is reported: nearly all of it is false.

use crate::{Outcome, content::repositories};
use scanner_core::{
    model::Confidence,
    rules::RuleSet,
    scan::{GitInput, HistoryScope, Input, NoObserver, Scanner},
};
use std::{
    collections::BTreeMap,
    fs,
    io::{BufWriter, Write},
    path::Path,
    sync::atomic::AtomicBool,
};

/// Prints the counts and writes one line a finding: repository, blob, line, path, rule, redacted secret.
pub fn history(clones: &Path, findings: &Path) -> Outcome<()> {
    let mut list = BufWriter::new(fs::File::create(findings)?);
    let scanner = Scanner::builder().rules(RuleSet::builtin()).build()?;
    let mut total = (0, 0);
    let mut rules = BTreeMap::<String, usize>::new();
    println!("| repository | MB of blobs | findings | a 100 MB |\n|---|---|---|---|");
    for repository in repositories() {
        let input = Input::Git(GitInput {
            path: clones.join(&repository.name),
            history: HistoryScope::All,
            working_tree: false,
        });
        let report = scanner.scan(&input, &NoObserver, &AtomicBool::new(false))?;
        let kept = report
            .findings
            .iter()
            .filter(|f| f.confidence >= Confidence::Medium);
        let mut count = 0;
        for finding in kept {
            count += 1;
            *rules.entry(finding.rule.id.clone()).or_default() += 1;
            let place = &finding.occurrences[0];
            writeln!(
                list,
                "{} {} {} {} {} {}",
                repository.name,
                place.blob,
                place.location.start_line,
                place.path,
                finding.rule.id,
                finding.secret
            )?;
        }
        let megabytes = report.receipt.bytes / 1_000_000;
        total.0 += megabytes;
        total.1 += count;
        println!(
            "| {} | {megabytes} | {count} | {:.2} |",
            repository.name,
            rate(megabytes, count)
        );
    }
    println!(
        "| all | {} | {} | {:.2} |\n",
        total.0,
        total.1,
        rate(total.0, total.1)
    );
    for (rule, count) in rules {
        println!("- {rule}: {count}");
    }
    Ok(list.flush()?)
}

fn rate(megabytes: u64, count: u64) -> f64 {
    count as f64 * 100.0 / megabytes.max(1) as f64
}
