//! What will be opened of a store's sealed values.

use super::{
    Environment, Options, StorePlace, fingerprints,
    sweep::{is_json, known_store},
    usage,
};
use crate::{args::ValuesArgs, exit::CliError, output::Destination};
use scanner_core::model::Fingerprint;
use std::{collections::BTreeSet, path::PathBuf};

/// Values to open.
#[derive(Debug)]
pub(crate) struct ValuesPlan {
    pub(crate) store: StorePlace,
    /// File with the private key.
    pub(crate) key: PathBuf,
    /// File with the key of fingerprints.
    pub(crate) fingerprint_key: Option<PathBuf>,
    /// Only these; all when empty.
    pub(crate) only: BTreeSet<Fingerprint>,
    pub(crate) json: bool,
    pub(crate) to: Destination,
}

impl ValuesPlan {
    pub(super) fn new(
        args: ValuesArgs,
        options: &Options,
        to: Destination,
        surroundings: Environment,
    ) -> Result<Self, CliError> {
        let json = is_json(options, "values have")?;
        let shown = to == Destination::Stdout && surroundings.stdout_is_terminal;
        if shown && !options.show_secrets {
            return Err(usage(
                "values are secrets in clear, and standard output is a terminal: --show-secrets asks \
                 for them there, or -o names a file, which only you can read"
                    .into(),
            ));
        }
        to.check()?;
        Ok(Self {
            store: known_store(args.store)?,
            key: args.key,
            fingerprint_key: options.triage.fingerprint_key_file.clone(),
            only: fingerprints(&args.fingerprint)?,
            json,
            to,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{args::Cli, plan::Plan};
    use clap::Parser;

    fn refusal(stdout_is_terminal: bool, args: &[&str]) -> String {
        let all = [
            "gitsieve", "sweep", "values", "--key", "k", "--store", "/nowhere",
        ];
        let cli = Cli::try_parse_from([&all, args].concat()).unwrap();
        let surroundings = Environment {
            stdout_is_terminal,
            ..Environment::default()
        };
        Plan::new(cli, surroundings).unwrap_err().to_string()
    }

    #[test]
    fn secrets_reach_a_terminal_only_on_demand() {
        for args in [&[][..], &["-f", "json"], &["-o", "-"]] {
            assert!(refusal(true, args).contains("--show-secrets"), "{args:?}");
            assert!(refusal(false, args).contains("no store"), "{args:?}");
        }
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("values");
        for args in [&["--show-secrets"][..], &["-o", file.to_str().unwrap()]] {
            assert!(refusal(true, args).contains("no store"), "{args:?}");
        }
    }
}
