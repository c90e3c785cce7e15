//! Measures what the scanner finds and what it falsely reports, on a labelled corpus.
//!
//! The corpus is built from ordinary public repositories (`repositories.txt`) and never kept in this repository:
//! hard negatives are their own lines, positives are made here and put between their lines, so that the context is real.
//! Both halves, for tuning and for the test, are told apart by the hash of the repository's name, so that no repository
//! speaks in both.
//!
//! ```sh
//! cargo bench --bench accuracy -- build CLONES CORPUS      # CLONES holds owner/name, bare clones or work trees
//! cargo bench --bench accuracy -- measure CORPUS           # tables by group, syntax, kind and rule
//! cargo bench --bench accuracy -- filters CORPUS           # what each filter is worth
//! cargo bench --bench accuracy -- list CORPUS misses|alarms
//! cargo bench --bench accuracy -- history CLONES FINDINGS  # whole histories; writes what is reported to a file
//! ```
#![expect(clippy::print_stdout, reason = "prints its measurements")]
#![allow(unreachable_pub, reason = "the modules of a program of its own")]

mod build;
mod content;
mod history;
mod keys;
mod measure;
mod negatives;
mod positives;
#[path = "../../tests/support/rng.rs"]
mod rng;
mod sample;
mod syntax;
mod tables;
mod values;

use std::path::Path;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const USAGE: &str =
    "usage: build CLONES CORPUS | measure CORPUS [--without FILTER] | filters CORPUS
    | list CORPUS misses|alarms | history CLONES FINDINGS";

fn main() -> Outcome<()> {
    // Cargo adds flags of its own, such as `--bench`.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["build", clones, corpus] => build::build(Path::new(clones), Path::new(corpus)),
        ["measure", corpus] => measure::measure(Path::new(corpus), None),
        ["measure", corpus, "--without", filter] => {
            measure::measure(Path::new(corpus), Some(filter.parse()?))
        }
        ["filters", corpus] => measure::filters(Path::new(corpus)),
        ["list", corpus, "misses"] => measure::list(Path::new(corpus), measure::Wrong::Miss),
        ["list", corpus, "alarms"] => measure::list(Path::new(corpus), measure::Wrong::Alarm),
        ["history", clones, findings] => history::history(Path::new(clones), Path::new(findings)),
        [] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => Err(USAGE.into()),
    }
}
