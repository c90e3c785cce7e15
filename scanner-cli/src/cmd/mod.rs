//! Carries plans out.

mod baseline;
mod decisions;
mod diff;
mod explain;
mod generate;
mod hook;
mod migrate;
mod push;
mod remediate;
mod report;
mod reports;
#[cfg(feature = "review")]
mod review;
mod rules;
pub(crate) mod scan;
mod staged;
mod sweep;

use crate::{
    exit::{CliError, ExitStatus},
    hook::{courier, finish, receive},
    plan::Plan,
};

pub(crate) fn run(plan: Plan) -> Result<ExitStatus, CliError> {
    match plan {
        Plan::Scan(plan) => scan::run(*plan),
        Plan::Rules(plan) => rules::run(&plan),
        Plan::Explain(plan) => explain::run(&plan),
        Plan::PreReceive { args, verbose } => Ok(receive::run(&args, verbose)),
        Plan::PostReceive { args, verbose } => Ok(finish::run(&args, verbose)),
        Plan::Courier => {
            courier::child::run(std::io::stdin().lock(), std::io::stdout());
            Ok(ExitStatus::Clean)
        }
        Plan::Baseline(plan) => baseline::run(*plan),
        Plan::Migrate(plan) => migrate::run(*plan),
        Plan::Diff(plan) => diff::run(&plan),
        Plan::Remediate(plan) => remediate::run(*plan),
        Plan::Report(plan) => report::run(&plan),
        Plan::Sweep(plan) => sweep::run(plan),
        #[cfg(feature = "review")]
        Plan::Review(plan) => review::run(*plan),
        Plan::Hook(plan) => hook::run(*plan),
        Plan::Completions { shell, to } => generate::completions(shell, &to),
        Plan::Man { command, to } => generate::man(command.as_deref(), &to),
    }
}
