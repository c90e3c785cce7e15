//! The manifests in scanner-cli/docs/deploy say what the command understands.

use super::Sieve;
use std::{collections::BTreeSet, fs, path::Path};

#[test]
fn manifests_use_options_and_variables_that_there_are() {
    let run = Sieve::new(&["sweep", "--help"]).run();
    let help = String::from_utf8(run.stdout).unwrap();
    let words = |text: &str| -> BTreeSet<String> {
        let split = |c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_');
        text.split(split).map(str::to_owned).collect()
    };
    let known = words(&help);
    let dir = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/deploy"));
    let (mut options, mut variables) = (0, 0);
    for name in [
        "compose.yaml",
        "gitsieve-sweep.service",
        "kubernetes-shared.yaml",
        "kubernetes.yaml",
    ] {
        let text = fs::read_to_string(dir.join(name)).unwrap();
        let ours = text
            .lines()
            .filter(|line| !line.trim_start().starts_with('#'));
        for word in words(&ours.collect::<Vec<_>>().join("\n")) {
            let is_option = word.starts_with("--") && word.len() > 3;
            let is_variable = word.starts_with("GITSIEVE_");
            if is_option || is_variable {
                assert!(known.contains(&word), "{name}: {word}");
                options += usize::from(is_option);
                variables += usize::from(is_variable);
            }
        }
    }
    assert!(options > 15 && variables > 8, "{options} {variables}");
}
