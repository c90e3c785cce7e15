//! What will be done about rules.

use super::{Environment, InputPlan, Limits, RulePlan, rule_plan, style, usage, whatever_is_there};
use crate::{
    args::{Format, Options, RulesCommand},
    exit::CliError,
    output::{Destination, Style},
    repository,
};
use std::path::Path;

/// Something about rules.
#[derive(Debug)]
pub(crate) struct RulesPlan {
    pub(crate) command: RulesCommand,
    /// Worth saying first; empty when quiet.
    pub(crate) notices: Vec<String>,
    pub(crate) rules: RulePlan,
    pub(crate) format: Format,
    pub(crate) to: Destination,
    pub(crate) style: Style,
    pub(crate) quiet: bool,
    /// What to measure on.
    pub(crate) corpus: Option<InputPlan>,
    pub(crate) limits: Limits,
}

impl RulesPlan {
    pub(super) fn new(
        command: RulesCommand,
        options: &Options,
        to: Destination,
        surroundings: Environment,
    ) -> Result<Self, CliError> {
        to.check()?;
        let (name, takes): (&str, &[Format]) = match command {
            RulesCommand::List(_) => ("list", &[Format::Human, Format::Json, Format::Markdown]),
            RulesCommand::Show(_) => ("show", &[Format::Human, Format::Json]),
            RulesCommand::Check(_) => ("check", &[Format::Human, Format::Json]),
            RulesCommand::Import(_) => ("import", &[Format::Human]),
            RulesCommand::Bench(_) => ("bench", &[Format::Human, Format::Json]),
        };
        if !takes.contains(&options.format()) {
            return Err(usage(format!(
                "`gitsieve rules {name}` has no such format (see `gitsieve rules {name} --help`)"
            )));
        }
        let mut notices = Vec::new();
        let mut corpus = None;
        // A check is of what it is given; everything else is about what a scan here would use.
        let here = Path::new(".");
        let root = match &command {
            RulesCommand::Check(_) | RulesCommand::Import(_) => None,
            RulesCommand::List(_) | RulesCommand::Show(_) => repository::around(here),
            RulesCommand::Bench(args) => {
                let source = whatever_is_there(args.path.as_deref())?;
                notices.extend(source.notice);
                let root = source.root;
                corpus = Some(source.input);
                root
            }
        };
        let rules = rule_plan(options, root.as_deref(), &mut notices)?;
        if options.quiet {
            notices.clear();
        }
        Ok(Self {
            command,
            notices,
            rules,
            format: options.format(),
            style: style(options.color, options.no_color, &to, surroundings),
            to,
            quiet: options.quiet,
            corpus,
            limits: Limits::of(options),
        })
    }
}
