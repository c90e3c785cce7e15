//! `gitsieve hook`.

use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};

/// Git's hooks: what they run, and how they get into a repository.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct HookArgs {
    #[command(subcommand)]
    pub(crate) command: HookCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum HookCommand {
    /// Checks what is staged, as git will commit it: the hook of that name
    ///
    /// Looks at the content in the index, not at the files, and at nothing that HEAD has already: a
    /// secret that stood in a changed file before is noted and lets the commit pass. Honours
    /// GIT_INDEX_FILE and GIT_DIR, so that commits of some files only are checked as such. A comment
    /// on a secret's line, `gitsieve:allow` or `gitleaks:allow`, lets it pass, as do the clone's
    /// .gitsieveignore, its baseline and an allowlist of its .gitsieve.toml. Prints nothing when
    /// there is nothing to say. The exit status is that of a scan.
    #[command(after_help = "Exit status: 0 clean, 1 findings, 2 usage, 3 incomplete, 4 internal.")]
    PreCommit,
    PrePush(PrePushArgs),
    PreReceive(ReceiveArgs),
    PostReceive(PostReceiveArgs),
    /// Hands audit lines on to syslog and webhook; started by the other hooks of a server
    #[command(hide = true)]
    Courier,
    CheckConfig(CheckConfigArgs),
    #[command(flatten)]
    Setup(HookSetup),
}

#[derive(Debug, Subcommand)]
pub(crate) enum HookSetup {
    Install(InstallArgs),
    Uninstall(UninstallArgs),
}

/// Checks what is about to be pushed: the hook of that name, in a clone
///
/// Reads from standard input what git is about to push, scans what the remote does not have as far
/// as the clone's remote-tracking refs tell, and stops the push of a secret. A secret that stood in
/// a changed file before is noted and lets the push pass, as does a comment on a secret's line,
/// `gitsieve:allow` or `gitleaks:allow`, the clone's .gitsieveignore, its baseline, and an
/// allowlist of its .gitsieve.toml. The exit status is that of a scan.
#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 clean, 1 findings, 2 usage, 3 incomplete, 4 internal.")]
pub(crate) struct PrePushArgs {
    /// The remote's name, as git gives it; its URL where it has no name
    pub(crate) remote: Option<String>,

    /// The remote's URL, as git gives it
    pub(crate) url: Option<String>,
}

/// Checks what is being pushed, before any ref moves: the hook of that name, on a server
///
/// Reads all ref lines from standard input, scans what the push brings (reachable from the new tips
/// and from no ref before, in quarantine or not), and says what the policy makes of it. Secrets
/// that stood in a changed file before do not block unless the policy says so. Nothing is ever
/// written to the repository, and no configuration but the policy is read. Whoever pushes sees what
/// is said; standard output stays empty.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit status: 0 the push passes, 1 blocked by findings or limits, 2 blocked by an error.")]
pub(crate) struct ReceiveArgs {
    #[command(flatten)]
    pub(crate) policy: PolicyArg,

    /// Take from the process, ahead of the scan, what it does not need (other files, the network,
    /// other programs), as far as the kernel can; the audit line says how far that is
    #[arg(long)]
    pub(crate) sandbox: bool,
}

/// Finishes what a deadline cut off, after the push: the hook of that name, on a server
///
/// Where the policy lets a push pass at its deadline with the newest commits scanned, the others
/// are in its spool; they are scanned here, who pushed is told, and the run is recorded. Blocks
/// nothing. Ends at once where the spool has nothing for this repository.
#[derive(Debug, Args)]
pub(crate) struct PostReceiveArgs {
    #[command(flatten)]
    pub(crate) policy: PolicyArg,
}

/// Where the policy is.
#[derive(Debug, Args)]
pub(crate) struct PolicyArg {
    /// Policy file; else /etc/gitsieve/policy.toml, where there is one, else a built-in policy
    /// that blocks secrets of medium severity and confidence or more
    #[arg(long, value_name = "FILE", env = "GITSIEVE_POLICY")]
    policy: Option<PathBuf>,
}

impl PolicyArg {
    /// The file that was named.
    pub(crate) fn file(&self) -> Option<&Path> {
        let file = self.policy.as_deref();
        file.filter(|file| !file.as_os_str().is_empty())
    }
}

/// Checks a policy and the rules it names, and shows what they come to.
///
/// With --repository and --user, what holds for a push of that user to that repository: every
/// override applied, and the ways to an exception that are open. Writes problems one a line, as
/// FILE:LINE: MESSAGE. Without a policy at all, the built-in one is shown.
#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 hooks can work with the policy, 2 they refuse to.")]
pub(crate) struct CheckConfigArgs {
    #[command(flatten)]
    pub(crate) policy: PolicyArg,

    /// A repository's name as its server gives it to hooks, such as PROJ/slug
    #[arg(long, value_name = "NAME")]
    pub(crate) repository: Option<String>,

    /// A user's name as the server gives it to hooks
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
}

/// Puts hooks into a repository, in front of which any hook that is there already keeps running.
///
/// Without a choice, pre-commit and pre-push in a clone and pre-receive in a bare repository. Goes
/// where git looks for hooks: core.hooksPath, else the repository's hooks directory, which linked
/// worktrees share; on GitLab and Gitea the directories that they keep for this. An earlier hook is
/// renamed to NAME.before-gitsieve and runs first, with the same arguments and input; if it fails,
/// so does the whole. Installing again changes nothing, or brings an older gitsieve's hook up to
/// date.
#[derive(Debug, Args)]
pub(crate) struct InstallArgs {
    #[command(flatten)]
    pub(crate) which: WhichHooks,

    /// Policy file of the server's hooks; one with a `spool` brings post-receive along
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

/// Takes hooks of gitsieve out of a repository and puts back what was there before.
///
/// Without a choice, all of them. A hook that was changed by hand since stays, and is named.
#[derive(Debug, Args)]
pub(crate) struct UninstallArgs {
    #[command(flatten)]
    pub(crate) which: WhichHooks,
}

/// Which hooks, and of what.
#[derive(Debug, Args)]
pub(crate) struct WhichHooks {
    /// A clone or bare repository; without it, the one around the current directory
    pub(crate) path: Option<PathBuf>,

    /// The hook that checks what is about to be committed
    #[arg(long)]
    pub(crate) pre_commit: bool,

    /// The hook that checks what is about to be pushed
    #[arg(long)]
    pub(crate) pre_push: bool,

    /// The hook of a server that checks what comes in
    #[arg(long)]
    pub(crate) pre_receive: bool,

    /// Bitbucket Data Center: touches no repository, but writes the script to upload to standard
    /// output (or --output FILE) and the calls that do it to standard error
    #[arg(long, conflicts_with_all = ["pre_commit", "pre_push", "pre_receive", "hooks_path", "path"])]
    pub(crate) bitbucket: bool,

    /// Directory of the hooks, where git has been told of one outside of the repository (one that
    /// other repositories share)
    #[arg(long, value_name = "DIR")]
    pub(crate) hooks_path: Option<PathBuf>,
}
