//! Finds the repositories of a sweep, and mirrors those that are on other machines.

use crate::{
    exit::CliError,
    output,
    plan::{Places, TokenPlace},
};
use scanner_core::model::IssueKind;
use scanner_sweep::discover::{
    self, Discovered, DiskOptions, Found, ListFormat, Remote, Token,
    mirror::{MirrorOptions, Mirrors},
    rest::{self, Limits, Server},
};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// The address of Bitbucket Cloud's interface.
const CLOUD: &str = "https://api.bitbucket.org";

/// Repositories that are mirrored at once.
const FETCHES: usize = 4;

/// What a pause is cut into, to hear of an interruption.
const NAP: Duration = Duration::from_millis(200);

/// Waits, and stops waiting when interrupted.
pub(super) fn pause(time: Duration, interrupt: &AtomicBool) {
    let mut left = time;
    while !left.is_zero() && !interrupt.load(Ordering::Relaxed) {
        let nap = left.min(NAP);
        thread::sleep(nap);
        left -= nap;
    }
}

/// What was found.
pub(super) struct All {
    pub(super) repositories: Vec<Discovered>,
    /// Whether no place failed to tell what it has.
    pub(super) everything: bool,
}

pub(super) fn find(places: &Places, interrupt: &AtomicBool, quiet: bool) -> Result<All, CliError> {
    let token = token(&places.token)?;
    let options = DiskOptions {
        bitbucket_homes: places.homes.clone(),
        bitbucket_url: places.data_center.clone(),
    };
    let mut parts = vec![discover::disk(&places.roots, &options, interrupt)];
    for list in &places.lists {
        parts.push(read_list(list, places.nul, &options)?);
    }
    let pause = |time: Duration| pause(time, interrupt);
    let server = |url| Server {
        url,
        token: token.as_ref(),
        ca: places.ca.as_deref(),
        limits: Limits::default(),
        pause: &pause,
        interrupt,
    };
    if let Some(url) = places
        .data_center
        .as_deref()
        .filter(|_| places.homes.is_empty())
    {
        parts.push(rest::bitbucket_data_center(&server(url), &places.projects));
    }
    for workspace in &places.workspaces {
        parts.push(rest::bitbucket_cloud(&server(CLOUD), workspace));
    }
    let mut found = discover::merge(parts);
    places.select.apply(&mut found);
    if let Some(shard) = places.shard {
        shard.apply(&mut found);
    }
    let Found {
        mut repositories,
        remotes,
        issues,
    } = found;
    let mut everything = true;
    for issue in issues {
        let note = issue.kind == IssueKind::Note;
        everything &= note;
        if !quiet || !note {
            let place = issue
                .path
                .map(|path| format!("{path}: "))
                .unwrap_or_default();
            output::notice(&format!("{place}{}", issue.message));
        }
    }
    if !remotes.is_empty() {
        let Some(dir) = &places.mirrors else {
            return Err(CliError::Usage(format!(
                "{} repositories of the list are on other machines: --mirrors DIR says where to \
                 mirror them",
                remotes.len()
            )));
        };
        everything &= mirror(&remotes, dir, places, interrupt, &mut repositories)?;
    }
    Ok(All {
        repositories,
        everything,
    })
}

fn token(place: &TokenPlace) -> Result<Option<Token>, CliError> {
    let token = match place {
        TokenPlace::None => return Ok(None),
        TokenPlace::File(path) => Token::from_file(path),
        TokenPlace::Variable(name) => Token::from_variable(name),
    };
    token.map(Some).map_err(|error| {
        let cause = std::error::Error::source(&error).map(|c| format!(": {c}"));
        CliError::Usage(format!("{error}{}", cause.unwrap_or_default()))
    })
}

fn read_list(path: &Path, nul: bool, options: &DiskOptions) -> Result<Found, CliError> {
    let format = if nul {
        ListFormat::Nul
    } else {
        ListFormat::Lines
    };
    let name = path.display().to_string();
    let input: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(path);
        Box::new(file.map_err(|e| CliError::Usage(format!("cannot read {name}: {e}")))?)
    };
    discover::list(input, &name, format, options).map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        CliError::Usage(lines.join("\n"))
    })
}

/// Brings the mirrors up to date; returns whether all are. Of a repository that cannot be fetched the
/// last mirror is swept.
fn mirror(
    remotes: &[Remote],
    dir: &Path,
    places: &Places,
    interrupt: &AtomicBool,
    repositories: &mut Vec<Discovered>,
) -> Result<bool, CliError> {
    let options = MirrorOptions {
        ca: places.ca.clone(),
        ..MirrorOptions::default()
    };
    let mirrors =
        Mirrors::open(dir, options).map_err(|error| CliError::Usage(error.to_string()))?;
    let queue = Mutex::new(remotes.iter());
    let done = Mutex::new((Vec::new(), true));
    let work = || {
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
        while let Some(remote) = next() {
            let updated = mirrors.update(remote, places.fetch_timeout, interrupt);
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            match updated {
                Ok(repository) => done.0.push(repository),
                Err(error) => {
                    done.1 = false;
                    let last = mirrors.last(remote);
                    let rest = if last.is_some() {
                        "; its last mirror is swept"
                    } else {
                        ""
                    };
                    output::notice(&format!("{}: {error}{rest}", remote.name));
                    done.0.extend(last);
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 1..FETCHES.min(remotes.len()) {
            scope.spawn(work);
        }
        work();
    });
    let (mut mirrored, all) = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    mirrored.sort_by(|a, b| a.key.cmp(&b.key));
    repositories.append(&mut mirrored);
    Ok(all)
}
