//! Carries plans out.

mod explain;
mod generate;
mod hook;
mod push;
mod rules;
pub(crate) mod scan;
mod staged;

use crate::{
    exit::{CliError, ExitStatus},
    plan::Plan,
};

pub(crate) fn run(plan: Plan) -> Result<ExitStatus, CliError> {
    match plan {
        Plan::Scan(plan) => scan::run(*plan),
        Plan::Rules(plan) => rules::run(&plan),
        Plan::Explain(plan) => explain::run(&plan),
        Plan::PreReceive { args, verbose } => Ok(crate::hook::receive::pre_receive(&args, verbose)),
        Plan::Hook(plan) => hook::run(*plan),
        Plan::Completions { shell, to } => generate::completions(shell, &to),
        Plan::Man { command, to } => generate::man(command.as_deref(), &to),
    }
}
