//! Which reports are written, of a scan or of an earlier report, and where to.

use super::{Environment, style, usage};
use crate::{
    args::{Format, Options, ReportArg},
    exit::CliError,
    output::{Destination, Style},
};
use scanner_core::report::ShowsSuppressed;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// One report.
#[derive(Debug)]
pub(crate) struct ReportPlan {
    pub(crate) format: Format,
    pub(crate) to: Destination,
    pub(crate) style: Style,
}

/// All reports of one result.
#[derive(Debug)]
pub(crate) struct ReportsPlan {
    /// What --format and --output say.
    pub(crate) first: ReportPlan,
    /// What each --report says.
    pub(crate) others: Vec<ReportPlan>,
    /// The template, where a report needs one.
    pub(crate) template: Option<PathBuf>,
    pub(crate) show_suppressed: bool,
    pub(crate) show_secrets: bool,
    /// Every occurrence and every problem, where a format leaves some out.
    pub(crate) verbose: bool,
    /// Address of the repository.
    pub(crate) repository: Option<String>,
}

impl ReportsPlan {
    /// Checks the options that have to do with reports, and that every destination can be written.
    pub(super) fn new(
        options: &Options,
        to: Destination,
        surroundings: Environment,
    ) -> Result<Self, CliError> {
        let plan = |format, to: Destination| ReportPlan {
            format,
            style: style(options.color, options.no_color, &to, surroundings),
            to,
        };
        let others: Vec<ReportPlan> = options
            .report
            .iter()
            .map(|ReportArg { format, file }| plan(*format, Destination::new(Some(file))))
            .collect();
        let named = |format| others.iter().any(|report| report.format == format);
        // A template that is given is meant to be used.
        let format = match options.format {
            None if options.template.is_some() && !named(Format::Template) => Format::Template,
            format => format.unwrap_or_default(),
        };
        let first = plan(format, to);
        let all = || std::iter::once(&first).chain(&others);
        let used = all().any(|report| report.format == Format::Template);
        match &options.template {
            None if used => {
                return Err(usage("the format template needs --template FILE".into()));
            }
            Some(_) if !used => {
                return Err(usage(
                    "--template is for -f template or --report template=FILE".into(),
                ));
            }
            _ => {}
        }
        if options.show_suppressed
            && !all().any(|r| r.format.shows_suppressed() != ShowsSuppressed::Never)
        {
            return Err(usage(format!(
                "the format {} has no place for suppressed findings (--show-suppressed)",
                first.format.name()
            )));
        }
        let repository = options.repository_url.as_deref().map(repository_url);
        let repository = repository
            .transpose()
            .map_err(|reason| usage(format!("--repository-url: {reason}")))?;
        let mut places: Vec<PathBuf> = Vec::new();
        for report in all() {
            report.to.check()?;
            let place = place(&report.to);
            if let Some(place) = place {
                if places.contains(&place) {
                    return Err(usage(format!(
                        "two reports would be written to {}",
                        place.display()
                    )));
                }
                places.push(place);
            }
        }
        Ok(Self {
            first,
            others,
            template: options.template.clone(),
            show_suppressed: options.show_suppressed,
            show_secrets: options.show_secrets,
            verbose: options.verbose > 0,
            repository,
        })
    }

    fn all(&self) -> impl Iterator<Item = &ReportPlan> {
        std::iter::once(&self.first).chain(&self.others)
    }

    /// Whether findings that do not count would be shown somewhere.
    pub(crate) fn wants_suppressed(&self) -> bool {
        self.all().any(|one| match one.format.shows_suppressed() {
            ShowsSuppressed::Never => false,
            ShowsSuppressed::OnDemand => self.show_suppressed,
            ShowsSuppressed::Always => true,
        })
    }
}

/// What tells one destination from another; `None` for devices, which take any number.
fn place(to: &Destination) -> Option<PathBuf> {
    let path = match to {
        Destination::Stdout => return Some(PathBuf::from("-")),
        Destination::File(path) => path,
    };
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => fs::canonicalize(path).ok(),
        Ok(_) => None,
        Err(_) => {
            let directory = path.parent().filter(|p| *p != Path::new(""));
            let directory = directory.unwrap_or(Path::new("."));
            Some(fs::canonicalize(directory).ok()?.join(path.file_name()?))
        }
    }
}

/// Checks the address of a repository. It is shown in reports, so it must hold no credentials; the
/// error does not repeat it, which is why the parser of arguments does not do this.
fn repository_url(text: &str) -> Result<String, String> {
    let rest = ["https://", "http://", "ssh://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .ok_or("expected an address that begins with https://, http:// or ssh://")?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_empty()
        || !text
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b"<>\"`\\^{}|".contains(&b))
    {
        return Err("expected an address as a browser or git takes it".to_owned());
    }
    if host.contains('@') {
        return Err("leave out the user and password: reports show the address".to_owned());
    }
    let text = text.trim_end_matches('/');
    Ok(text.strip_suffix(".git").unwrap_or(text).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_no_credentials() {
        let ok = repository_url("https://git.example.org/team/app.git/").unwrap();
        assert_eq!(ok, "https://git.example.org/team/app");
        let password = ["hun", "ter2"].concat();
        for wrong in [
            format!("https://ada:{password}@example.org/x"),
            "git@example.org:x".into(),
            "https://".into(),
            "https://a b".into(),
        ] {
            let error = repository_url(&wrong).unwrap_err();
            assert!(!error.contains(&password), "{error}");
        }
    }
}
