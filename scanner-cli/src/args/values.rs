//! `gitsieve sweep key` and `gitsieve sweep values`.

use super::StoreArgs;
use clap::{ArgAction, Args};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct KeyArgs {
    /// Where the private key goes, readable by you alone; the public one goes to NEW-FILE.pub.
    /// Neither may be there already
    #[arg(value_name = "NEW-FILE")]
    pub(crate) file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ValuesArgs {
    #[command(flatten)]
    pub(crate) store: StoreArgs,

    /// File with the private key
    #[arg(long, value_name = "FILE")]
    pub(crate) key: PathBuf,

    /// Only the value of this finding, as reports name it (repeatable)
    #[arg(long, value_name = "FINGERPRINT", action = ArgAction::Append)]
    pub(crate) fingerprint: Vec<String>,
}
