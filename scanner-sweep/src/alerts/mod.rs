//! Tells people and programs what a sweep met first: by mail, in chats, and as JSON.
//!
//! What is new to a channel is queued in the store, in one transaction ([`Alerts::queue`]), and sent
//! from there ([`Alerts::send`]), after this sweep or a later one: at least once, and never by two
//! processes at a time. Secrets are redacted in all that is sent; passwords, addresses of web servers
//! and headers come from files or the environment and never show.

mod config;
mod mail;
mod message;
mod route;
mod send;

pub use config::{Config, MAX_CONFIG_BYTES};
pub use send::{Clock, Sent};

use crate::{
    http::Poster,
    store::{Alert, Store, StoreError, SweepId},
};
use config::{Channel, Flavor, Kind, Limits, Place, To};
use mail::{Mail, Mailer};
use message::{Document, Writer};
use scanner_core::{config::Webhook, model::Secret, report::printable};
use send::Trouble;
use std::{collections::BTreeMap, env, io, path::Path, time::Duration};

/// Longest secret, in bytes.
const MAX_SECRET_BYTES: u64 = 8 << 10;
/// Largest template, in bytes.
const MAX_TEMPLATE_BYTES: u64 = 1 << 20;
/// Time that one request to a web server may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Channels, with all they need to be sent to.
#[derive(Debug)]
pub struct Alerts {
    limits: Limits,
    channels: Vec<Ready>,
    /// No other process claims messages under this name.
    claim: String,
}

/// A channel that can be sent to.
#[derive(Debug)]
struct Ready {
    channel: Channel,
    writer: Writer,
    means: Means,
}

#[derive(Debug)]
enum Means {
    Mail(Mailer),
    Web(Flavor, Poster),
}

/// Why channels cannot be used: each reason is a line. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct NotReady(Vec<String>);

/// A channel was asked for that is not in the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no channel {name:?}: the file has {known}")]
pub struct NoSuchChannel {
    /// What was asked for.
    pub name: String,
    /// Those that there are.
    pub known: String,
}

/// Why a test message was not sent. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TestFailure {
    /// There is no such channel.
    #[error(transparent)]
    Unknown(#[from] NoSuchChannel),
    /// It was not sent.
    #[error("channel {name}: {why}")]
    NotSent {
        /// The channel.
        name: String,
        /// What went wrong.
        why: String,
    },
}

impl Alerts {
    /// Reads secrets, certificates and templates. `host` is this machine's name, `process` one that
    /// no other process has or had.
    ///
    /// # Errors
    /// All that is missing or wrong.
    pub fn open(config: Config, host: &str, process: &str) -> Result<Self, NotReady> {
        let mut channels = Vec::new();
        let mut wrong = Vec::new();
        let Config {
            limits,
            smtp,
            channels: configured,
        } = config;
        for channel in configured {
            let name = channel.name.clone();
            match Ready::new(channel, smtp.as_ref(), host) {
                Ok(ready) => channels.push(ready),
                Err(why) => wrong.push(format!("channel {name}: {why}")),
            }
        }
        if !wrong.is_empty() {
            return Err(NotReady(wrong));
        }
        Ok(Self {
            limits,
            channels,
            claim: process.to_owned(),
        })
    }

    /// Makes the channels known to a store. To be called before a sweep begins: a channel that is
    /// new is told of what that sweep finds, and of nothing that was found before.
    ///
    /// # Errors
    /// When the store fails.
    pub fn know(&self, store: &Store) -> Result<(), StoreError> {
        store.know_channels(&self.names())
    }

    /// Gives up what is queued for channels that are not in the file any more; returns how many
    /// messages of which. Told once, since they are queued no longer.
    ///
    /// # Errors
    /// When the store fails.
    pub fn bury(&self, store: &Store, now: i64) -> Result<BTreeMap<String, u64>, StoreError> {
        store.bury_alerts(&self.names(), now)
    }

    /// Puts back what was given up of these channels; returns how many messages that is. Those of
    /// channels that are not in the file stay given up, since nobody would send them.
    ///
    /// # Errors
    /// When the store fails.
    pub fn revive(&self, store: &Store, now: i64) -> Result<u64, StoreError> {
        store.revive_alerts(&self.names(), now)
    }

    /// Leaves one channel of all.
    ///
    /// # Errors
    /// Where there is none of this name.
    pub fn only(mut self, name: &str) -> Result<Self, NoSuchChannel> {
        self.find(name)?;
        self.channels.retain(|ready| ready.channel.name == name);
        Ok(self)
    }

    /// In the order of the file.
    fn names(&self) -> Vec<&str> {
        let names = self.channels.iter().map(|ready| &*ready.channel.name);
        names.collect()
    }

    fn find(&self, name: &str) -> Result<&Ready, NoSuchChannel> {
        let mut channels = self.channels.iter();
        let found = channels.find(|ready| ready.channel.name == name);
        found.ok_or_else(|| NoSuchChannel {
            name: name.to_owned(),
            known: self.names().join(", "),
        })
    }

    /// Queues what is new to each channel; returns how many messages that makes.
    ///
    /// # Errors
    /// When the store fails. What was queued stays, and the rest is queued by the next call.
    pub fn queue(&self, store: &Store, sweep: SweepId, now: i64) -> Result<u64, StoreError> {
        let mut queued = 0;
        for Ready { channel, .. } in &self.channels {
            let plan = |new: &[_]| route::plan(channel, new);
            queued += store.queue_alerts(&channel.name, sweep, now, plan)?;
        }
        Ok(queued)
    }

    /// Sends a message that says it is a test; returns to whom.
    ///
    /// # Errors
    /// Where there is no such channel, or it was not sent.
    pub fn test(&self, name: &str) -> Result<Vec<String>, TestFailure> {
        let ready = self.find(name)?;
        let recipients = match &ready.channel.kind {
            Kind::Mail(To::These(addresses)) => addresses.clone(),
            Kind::Mail(To::Owners { fallback, .. }) => fallback.clone(),
            Kind::Web { .. } => vec![String::new()],
        };
        for recipient in &recipients {
            let document = Document::test(name, recipient);
            let sent = ready.hand_over(&document, recipient, "test.gitsieve");
            sent.map_err(|trouble| TestFailure::NotSent {
                name: name.to_owned(),
                why: trouble.to_string(),
            })?;
        }
        Ok(recipients)
    }
}

impl Ready {
    fn new(channel: Channel, smtp: Option<&config::Smtp>, host: &str) -> Result<Self, String> {
        let template = channel.template.as_deref().map(template).transpose()?;
        let (writer, means) = match &channel.kind {
            Kind::Mail(_) => {
                let smtp = smtp.ok_or("there is no [smtp]")?;
                let password = match &smtp.user {
                    Some((_, place)) => Some(secret(place, "the password")?),
                    None => None,
                };
                let mailer = Mailer::new(smtp, password.as_ref(), host);
                (
                    Writer::of_mail(template).map_err(|error| error.to_string())?,
                    Means::Mail(mailer.map_err(|error| error.to_string())?),
                )
            }
            Kind::Web {
                flavor,
                url,
                header,
                ca,
            } => {
                let url = secret(url, "the address")?;
                let text = String::from_utf8_lossy(url.reveal());
                let mut to = Webhook::parse(&text)
                    .map_err(|error| format!("the address of its web server: {error}"))?;
                if let Some(file) = header {
                    let line = secret(&Place::File(file.clone()), "the header")?;
                    let header = Webhook::parse_header(&String::from_utf8_lossy(line.reveal()));
                    let header = header.ok_or_else(|| {
                        format!("{}: expected NAME: VALUE on one line", file.display())
                    })?;
                    to.header = Some(header);
                }
                to.ca.clone_from(ca);
                let poster = Poster::new(to).map_err(|error| error.to_string())?;
                (
                    Writer::of_web(*flavor, template).map_err(|error| error.to_string())?,
                    Means::Web(*flavor, poster),
                )
            }
        };
        Ok(Self {
            channel,
            writer,
            means,
        })
    }

    /// Sends one message of the queue, once.
    fn deliver(&self, limits: &Limits, alert: &Alert) -> Result<(), Trouble> {
        let shown = match self.means {
            // Programs want all.
            Means::Web(Flavor::Json, _) => usize::MAX,
            _ => limits.shown as usize,
        };
        let document = Document::new(&self.channel.name, alert, shown);
        let id = format!("{}.{}.gitsieve", alert.number, alert.queued_at);
        self.hand_over(&document, &alert.recipient, &id)
    }

    fn hand_over(&self, document: &Document, recipient: &str, id: &str) -> Result<(), Trouble> {
        let unwritten = |error: message::Unwritten| Trouble::for_good(error.to_string());
        match &self.means {
            Means::Mail(mailer) => mailer.send(&Mail {
                id,
                to: recipient,
                subject: &document.subject(),
                body: &self.writer.mail(document).map_err(unwritten)?,
            }),
            Means::Web(flavor, poster) => {
                let body = self.writer.web(*flavor, document).map_err(unwritten)?;
                let posted = poster
                    .post(&body, TIMEOUT)
                    .map_err(|error| Trouble::of_channel(error.reason, None))?;
                let told = || format!("the server answers {}", posted.status);
                match posted.status {
                    200..=299 => Ok(()),
                    408 | 429 | 500..=599 => Err(Trouble::of_channel(told(), posted.retry_after)),
                    _ => Err(Trouble::for_good(told())),
                }
            }
        }
    }
}

/// Reads a secret; white space at both ends is no part of it.
fn secret(place: &Place, what: &str) -> Result<Secret, String> {
    let (text, from) = match place {
        Place::File(path) => {
            let from = shown(path);
            let text = crate::discover::read_bounded(path, MAX_SECRET_BYTES + 1)
                .map_err(|error| format!("cannot read {what} from {from}: {error}"))?;
            (text, from)
        }
        Place::Variable(name) => {
            let value = env::var_os(name).ok_or_else(|| {
                format!("the environment variable {name} is not set: put {what} into it")
            })?;
            (value.into_encoded_bytes(), name.clone())
        }
    };
    let text = text.trim_ascii();
    if text.is_empty() || text.contains(&b'\n') || text.len() as u64 > MAX_SECRET_BYTES {
        return Err(format!("{from} does not hold {what} on one line"));
    }
    Ok(Secret::new(text))
}

/// Reads a template: its name and its text.
fn template(path: &Path) -> Result<(String, String), String> {
    let cannot = |error: io::Error| format!("cannot read {}: {error}", shown(path));
    let bytes = crate::discover::read_bounded(path, MAX_TEMPLATE_BYTES + 1).map_err(cannot)?;
    if bytes.len() as u64 > MAX_TEMPLATE_BYTES {
        let most = MAX_TEMPLATE_BYTES >> 10;
        return Err(format!("{} is larger than {most} KiB", shown(path)));
    }
    let text = String::from_utf8(bytes).map_err(|_| format!("{} is no text", shown(path)))?;
    Ok((shown(path), text))
}

fn shown(path: &Path) -> String {
    printable(path.as_os_str().as_encoded_bytes())
}

/// Reads the file that says whom to tell.
///
/// # Errors
/// What is wrong with it, a problem a line.
pub fn read(path: &Path) -> Result<Config, String> {
    let most = MAX_CONFIG_BYTES as u64 + 1;
    let text = crate::discover::read_bounded(path, most)
        .map_err(|error| format!("cannot read {}: {error}", shown(path)))?;
    let text = String::from_utf8(text).map_err(|_| format!("{} is no text", shown(path)))?;
    Config::parse(&text, &shown(path)).map_err(|problems| problems.to_string())
}

#[cfg(test)]
mod tests;
