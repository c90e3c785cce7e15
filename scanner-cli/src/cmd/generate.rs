//! Completion scripts and manual pages, made from the same table that parses the arguments.

use crate::{
    args,
    exit::{CliError, ExitStatus},
    output::Destination,
};

pub(crate) fn completions(
    shell: clap_complete::Shell,
    to: &Destination,
) -> Result<ExitStatus, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::command(), "gitsieve", &mut script);
    to.write_all(&script)
}

pub(crate) fn man(command: Option<&str>, to: &Destination) -> Result<ExitStatus, CliError> {
    let whole = args::command();
    let described = command
        .and_then(|name| whole.find_subcommand(name))
        .unwrap_or(&whole)
        .clone();
    // `gitsieve-git(1)`, as Git names the pages of its commands.
    let described = match command {
        Some(name) => described.display_name(format!("gitsieve-{name}")),
        None => described,
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(described)
        .source(concat!("gitsieve ", env!("CARGO_PKG_VERSION")))
        .render(&mut page)
        .map_err(|source| to.error(source))?;
    to.write_all(&page)
}
