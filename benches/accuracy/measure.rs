//! Scans the corpus and counts.

use crate::{
    Outcome,
    positives::group_of,
    sample::{self, Group, Half, Sample},
    tables::Table,
};
use scanner_core::{
    filter::without::Filter,
    model::{Confidence, Finding},
    rules::RuleSet,
    scan::{Input, NoObserver, Scanner},
};
use std::{collections::BTreeMap, path::Path, sync::atomic::AtomicBool};

/// Rows shown of lists that can be long.
const WORST: usize = 60;

/// Which mistakes to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    Miss,
    Alarm,
}

/// What the scanner said of a sample.
struct Answer {
    /// Rules that report something in the labelled place, with their groups.
    inside: Vec<(String, Group)>,
    /// Rules that report something beside it.
    beside: Vec<String>,
}

fn answers(samples: &[Sample], without: Option<Filter>) -> Outcome<Vec<Answer>> {
    let mut builder = Scanner::builder().rules(RuleSet::builtin()).threads(1);
    if let Some(filter) = without {
        builder = builder.without(filter);
    }
    let scanner = builder.build()?;
    let threads = std::thread::available_parallelism()?.get();
    let chunk = samples.len().div_ceil(threads).max(1);
    let parts: Vec<_> = std::thread::scope(|scope| {
        let scanner = &scanner;
        let workers: Vec<_> = samples
            .chunks(chunk)
            .map(|part| {
                scope.spawn(move || part.iter().map(|s| answer(scanner, s)).collect::<Vec<_>>())
            })
            .collect();
        workers
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join)
            .collect()
    });
    let mut out = Vec::with_capacity(samples.len());
    for part in parts {
        for answer in part.map_err(|_| "a scan panicked")? {
            out.push(answer?);
        }
    }
    Ok(out)
}

fn answer(scanner: &Scanner, sample: &Sample) -> Result<Answer, scanner_core::scan::ScanError> {
    let input = Input::Memory {
        path: sample.path.clone().into_bytes(),
        bytes: sample.content.clone().into_bytes(),
    };
    let report = scanner.scan(&input, &NoObserver, &AtomicBool::new(false))?;
    let mut answer = Answer {
        inside: Vec::new(),
        beside: Vec::new(),
    };
    for finding in report
        .findings
        .iter()
        .filter(|f| f.confidence >= Confidence::Medium)
    {
        if touches(finding, sample) {
            let group = group_of(&finding.rule.tags);
            answer.inside.push((finding.rule.id.clone(), group));
        } else {
            answer.beside.push(finding.rule.id.clone());
        }
    }
    Ok(answer)
}

fn touches(finding: &Finding, sample: &Sample) -> bool {
    finding.occurrences.iter().any(|o| {
        (o.span.start as usize) < sample.label.end && sample.label.start < o.span.end as usize
    })
}

/// Prints what each filter is worth: the figures of the groups without it, and those of the whole beside them.
pub fn filters(corpus: &Path) -> Outcome<()> {
    let samples = sample::read(corpus)?;
    let all = Filter::ALL.map(|(name, filter)| (name, Some(filter)));
    for (name, without) in [("none", None)].into_iter().chain(all) {
        let answers = answers(&samples, without)?;
        let judged: Vec<_> = samples.iter().zip(&answers).collect();
        println!("Without: {name}, both halves\n\n{}", groups(&judged));
    }
    Ok(())
}

/// Prints the tables.
pub fn measure(corpus: &Path, without: Option<Filter>) -> Outcome<()> {
    let samples = sample::read(corpus)?;
    let answers = answers(&samples, without)?;
    for half in [Half::Tuning, Half::Test] {
        let of_half: Vec<_> = samples
            .iter()
            .zip(&answers)
            .filter(|(s, _)| s.half() == half)
            .collect();
        println!("# {half} half\n\n{}", groups(&of_half));
        println!("{}", false_alarms(&of_half));
    }
    let all: Vec<_> = samples.iter().zip(&answers).collect();
    println!("# Recall by syntax, both halves\n");
    recall(&all, |s| {
        (s.syntax != "rule-example").then(|| s.syntax.clone())
    });
    println!("# Recall by credential kind, own templates, both halves\n");
    recall(&all, |s| {
        (s.group == Some(Group::Provider) && s.syntax != "rule-example").then(|| s.kind.clone())
    });
    println!("# Credential kinds that no rule of their own answers for, both halves\n");
    own_rules(&all);
    println!("# Recall by class of generic value, both halves\n");
    recall(&all, |s| {
        (s.group == Some(Group::Generic) && !s.syntax.starts_with("form")).then(|| s.kind.clone())
    });
    println!("# Recall by place, both halves\n");
    recall(&all, |s| {
        Some(
            if s.aside() {
                "tests, examples, documentation"
            } else {
                "elsewhere"
            }
            .to_owned(),
        )
    });
    println!("# Rules not found on their own example, or answered by others\n");
    for (sample, answer) in &all {
        if !sample.rule.is_empty() && !answer.inside.iter().any(|(rule, _)| *rule == sample.rule) {
            let others: Vec<_> = answer
                .inside
                .iter()
                .map(|(rule, _)| rule.as_str())
                .collect();
            println!("- {} in {}: {}", sample.rule, sample.path, others.join(" "));
        }
    }
    Ok(())
}

type Judged<'a> = (&'a Sample, &'a Answer);

fn groups(judged: &[Judged<'_>]) -> Table {
    let mut table = Table::default();
    for (sample, answer) in judged {
        if let (true, Some(group)) = (sample.secret, sample.group) {
            let row = table.row(&group.to_string());
            if answer.inside.is_empty() {
                row.missed += 1;
            } else {
                row.found += 1;
            }
        } else {
            // One place is one false alarm, however many rules answer; the most specific is to blame.
            if let Some(group) = answer.inside.iter().map(|(_, group)| *group).min() {
                table.row(&group.to_string()).false_alarms += 1;
            }
        }
    }
    table
}

fn false_alarms(judged: &[Judged<'_>]) -> String {
    use std::fmt::Write as _;
    let mut kinds = BTreeMap::<&str, (usize, usize)>::new();
    let mut rules = BTreeMap::<&str, usize>::new();
    let mut beside = BTreeMap::<&str, usize>::new();
    for (sample, answer) in judged {
        for rule in &answer.beside {
            *beside.entry(rule).or_default() += 1;
        }
        if sample.secret {
            continue;
        }
        let (all, reported) = kinds.entry(&sample.kind).or_default();
        *all += 1;
        *reported += usize::from(!answer.inside.is_empty());
        for (rule, _) in &answer.inside {
            *rules.entry(rule).or_default() += 1;
        }
    }
    let mut out =
        String::from("| what is no secret | samples | reported | share |\n|---|---|---|---|\n");
    for (kind, (all, reported)) in kinds {
        let share = 100.0 * reported as f64 / all as f64;
        let _ = writeln!(out, "| {kind} | {all} | {reported} | {share:.2} % |");
    }
    for (title, counts) in [
        ("False alarms by rule", rules),
        ("Reported beside the label", beside),
    ] {
        let mut counts: Vec<_> = counts.into_iter().collect();
        counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        let counts: Vec<_> = counts
            .iter()
            .take(WORST)
            .map(|(rule, n)| format!("{rule} {n}"))
            .collect();
        let _ = writeln!(out, "\n{title}: {}", counts.join(", "));
    }
    out
}

/// Counts what the rules for names and values do not account for: a kind found by them alone needs a name beside it.
fn own_rules(judged: &[Judged<'_>]) {
    let mut table = Table::default();
    for (sample, answer) in judged {
        if sample.group != Some(Group::Provider) || sample.syntax == "rule-example" {
            continue;
        }
        let row = table.row(&sample.kind);
        if answer
            .inside
            .iter()
            .any(|(_, group)| *group != Group::Generic)
        {
            row.found += 1;
        } else {
            row.missed += 1;
        }
    }
    print_worst(&table);
}

fn recall(judged: &[Judged<'_>], row: impl Fn(&Sample) -> Option<String>) {
    let mut table = Table::default();
    for (sample, answer) in judged.iter().filter(|(s, _)| s.secret) {
        if let Some(name) = row(sample) {
            let tally = table.row(&name);
            if answer.inside.is_empty() {
                tally.missed += 1;
            } else {
                tally.found += 1;
            }
        }
    }
    print_worst(&table);
}

fn print_worst(table: &Table) {
    let rows = table.worst_recall();
    let perfect = rows.iter().filter(|(_, tally)| tally.missed == 0).count();
    for (name, tally) in rows.iter().filter(|(_, tally)| tally.missed > 0) {
        println!(
            "- {name}: {} of {}",
            tally.found,
            tally.found + tally.missed
        );
    }
    println!("- {perfect} others: all\n");
}

/// Lists mistakes as JSON lines, with the content: for review on the machine that holds the corpus.
pub fn list(corpus: &Path, wrong: Wrong) -> Outcome<()> {
    let samples = sample::read(corpus)?;
    for (sample, answer) in samples.iter().zip(answers(&samples, None)?) {
        let is_wrong = match wrong {
            Wrong::Miss => sample.secret && answer.inside.is_empty(),
            Wrong::Alarm => !sample.secret && !answer.inside.is_empty(),
        };
        if is_wrong {
            let rules: Vec<_> = answer
                .inside
                .iter()
                .map(|(rule, _)| rule.as_str())
                .collect();
            let line = serde_json::json!({ "half": sample.half().to_string(), "rules": rules, "sample": sample });
            println!("{line}");
        }
    }
    Ok(())
}
