//! `gitsieve remediate`.

use super::OriginArgs;
use clap::Args;

/// Writes down what to do about the secrets found: a checklist, what is affected, and the rules that
/// take them out of the history.
///
/// Into the directory -o names (gitsieve-remediation unless given; made for its owner alone):
/// checklist.md, the steps in order; affected.json, the commits, refs and paths of each secret;
/// replacements.txt, for `git filter-repo --replace-text`; blobs-to-strip.txt, for what text rules
/// do not reach. replacements.txt holds every secret in clear. Changes no repository. What people
/// decided about secrets holds: those that do not count are left out, unless named.
#[derive(Debug, Args)]
pub(crate) struct RemediateArgs {
    #[command(flatten)]
    pub(crate) origin: OriginArgs,

    /// Only the secret of this fingerprint, counting or not (repeatable)
    #[arg(long, value_name = "F")]
    pub(crate) fingerprint: Vec<String>,

    /// Write no replacements.txt and no blobs-to-strip.txt: --from needs it, because a report does not
    /// hold the secrets
    #[arg(long)]
    pub(crate) no_replacements: bool,
}
