//! Builds the corpus.

use crate::{
    Outcome,
    content::{Hosts, repositories},
    negatives::Finder,
    positives::{Maker, rule_examples},
    rng::Rng,
    sample,
};
use std::path::Path;

/// The same repositories give the same corpus.
const SEED: u64 = 20_261_124;
/// Placeholders among the negatives.
const PLACEHOLDERS: usize = 4000;

/// Reads the repositories below `clones` and writes the corpus.
pub fn build(clones: &Path, corpus: &Path) -> Outcome<()> {
    let mut rng = Rng::new(SEED);
    let mut hosts = Hosts::default();
    let mut finder = Finder::new()?;
    let mut samples = Vec::new();
    let repositories = repositories();
    for repository in &repositories {
        let files = repository.files(clones)?;
        hosts.add(&files, &mut rng);
        let mut found = finder.find(&files);
        println!(
            "{}: {} files, {} negatives",
            repository.name,
            files.len(),
            found.len()
        );
        samples.append(&mut found);
    }
    let names: Vec<String> = repositories.into_iter().map(|r| r.name).collect();
    let mut maker = Maker {
        hosts: &hosts,
        repositories: &names,
        rng,
    };
    samples.append(&mut maker.placeholders(PLACEHOLDERS));
    let negatives = samples.len();
    samples.append(&mut maker.all());
    samples.append(&mut maker.of_rules(&rule_examples()?));
    println!(
        "{} positives, {negatives} negatives",
        samples.len() - negatives
    );
    sample::write(corpus, &samples)
}
