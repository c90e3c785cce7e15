//! Puts hooks into repositories.

use super::scan::now;
use crate::{
    exit::{CliError, ExitStatus},
    hook::{
        check_config::{self, Question},
        install::{self, Outcome, Site},
    },
    output::{self, Destination},
    plan::HookPlan,
};

pub(crate) fn run(plan: HookPlan) -> Result<ExitStatus, CliError> {
    match plan {
        HookPlan::Install { hooks, quiet } => each(hooks, quiet, |(site, script)| {
            install::install(&site, &script).map(|outcome| (site, outcome))
        }),
        HookPlan::Uninstall { sites, quiet } => {
            let mut ours = false;
            let status = each(sites, quiet, |site| {
                let outcome = install::uninstall(&site)?;
                ours |= outcome != Outcome::Absent;
                Ok((site, outcome))
            })?;
            if !ours && !quiet {
                output::notice("there is no hook of gitsieve here");
            }
            Ok(status)
        }
        HookPlan::Bitbucket { script, to, quiet } => {
            let status = to.write_all(&script.text())?;
            if !quiet {
                let file = match &to {
                    Destination::Stdout => None,
                    Destination::File(path) => Some(path.as_path()),
                };
                output::text(&install::upload(&script, file));
            }
            Ok(status)
        }
        HookPlan::CheckConfig {
            policy,
            repository,
            user,
            json,
            to,
        } => {
            let question = Question {
                policy: &policy,
                repository: repository.as_deref(),
                user: user.as_deref(),
                json,
                now_seconds: now().unwrap_or_default(),
            };
            let mut text = Vec::new();
            let status = check_config::run(&question, &mut text).map_err(|e| to.error(e))?;
            to.write_all(&text)?;
            Ok(status)
        }
        HookPlan::BitbucketRemoval => {
            output::text(&install::removal());
            Ok(ExitStatus::Clean)
        }
    }
}

/// Does something about each hook and says what came of it. One that is not as asked for makes the
/// whole a failure, after the rest is done.
fn each<T>(
    hooks: Vec<T>,
    quiet: bool,
    mut act: impl FnMut(T) -> Result<(Site, Outcome), CliError>,
) -> Result<ExitStatus, CliError> {
    let mut status = ExitStatus::Clean;
    for hook in hooks {
        let (site, outcome) = act(hook)?;
        let refused = matches!(outcome, Outcome::Edited | Outcome::Overtaken);
        if refused {
            status = ExitStatus::Usage;
        }
        if (!quiet || refused)
            && let Some(text) = told(&site, &outcome)
        {
            output::notice(&text);
        }
    }
    Ok(status)
}

fn told(site: &Site, outcome: &Outcome) -> Option<String> {
    let (hook, file) = (site.hook.name(), site.file.display());
    let earlier = site.earlier.display();
    Some(match outcome {
        Outcome::Installed => format!("{hook}: installed, {file}"),
        Outcome::Chained => format!(
            "{hook}: installed, {file}; the hook that was there runs first, from {earlier}{}",
            if site.asks_for_its_name() {
                "\nwarning: that hook looks at the name it is called by, which has changed; check \
                 that it still does its work"
            } else {
                ""
            }
        ),
        Outcome::Replaced => format!("{hook}: brought up to date, {file}"),
        Outcome::Unchanged => format!("{hook}: is installed already, {file}"),
        Outcome::Removed => format!("{hook}: removed, {file}"),
        Outcome::Restored => format!("{hook}: removed; the hook from before is back, {file}"),
        Outcome::Absent => return None,
        Outcome::Edited => format!(
            "{hook}: {file} was made by gitsieve and changed by hand since, so it stays as it is; \
             to go on, take out what was added or delete it"
        ),
        Outcome::Overtaken => format!(
            "{hook}: {file} is not of gitsieve, but {earlier} is there, which gitsieve put aside: \
             another tool has taken the place since. To go on, move one of them away"
        ),
    })
}
