//! Takes messages from the queue and sends them.

use super::{Alerts, Ready};
use crate::store::{Alert, Allowance, Next, Outcome, Store, StoreError};
use std::{
    collections::BTreeMap,
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

/// Tries to send a message at once, when what is in the way may pass.
const TRIES: u32 = 3;
/// The first pause between them; it doubles.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause that is waited for at once.
const MAX_PAUSE: Duration = Duration::from_secs(10);
/// After the first attempt that failed; it doubles with each further one.
const FIRST_DELAY_SECONDS: i64 = 5 * 60;
/// Longest delay between attempts.
const MAX_DELAY_SECONDS: i64 = 6 * 3_600;
/// Longest delay that a server is granted.
const MAX_WANTED_SECONDS: i64 = 86_400;

/// Why a message was not sent. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trouble {
    why: String,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// This message cannot be sent, now or later.
    ForGood,
    /// This message may be sent later.
    Passing,
    /// No message of this channel can be sent now; how long the server wants us to wait.
    Channel(Option<Duration>),
}

impl Trouble {
    pub(super) fn for_good(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            fate: Fate::ForGood,
        }
    }

    pub(super) fn passing(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            fate: Fate::Passing,
        }
    }

    pub(super) fn of_channel(why: impl Into<String>, wait: Option<Duration>) -> Self {
        Self {
            why: why.into(),
            fate: Fate::Channel(wait),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// Time, as sending sees it.
#[derive(Clone, Copy)]
pub struct Clock<'a> {
    /// Seconds since 1970.
    pub now: &'a dyn Fn() -> i64,
    /// How to wait.
    pub pause: &'a dyn Fn(Duration),
    /// Ends the sending early when set; what is left stays in the queue.
    pub interrupt: &'a AtomicBool,
}

impl fmt::Debug for Clock<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clock").finish_non_exhaustive()
    }
}

/// What became of the messages that were due.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// Sent.
    pub sent: u64,
    /// Not sent, to be tried again.
    pub failed: u64,
    /// Given up.
    pub dead: u64,
    /// Channels that may send no more in this hour.
    pub limited: Vec<String>,
    /// Whether the time was over, or it was stopped, before the end.
    pub stopped: bool,
    /// Why something was not sent: the first reason of each channel.
    pub troubles: BTreeMap<String, String>,
}

impl Sent {
    /// Whether nothing is left that should have been sent.
    pub fn is_clean(&self) -> bool {
        self.failed == 0 && self.dead == 0
    }
}

/// One line for people.
impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "alerts: {} sent", self.sent)?;
        if self.failed > 0 {
            write!(f, ", {} failed and will be tried again", self.failed)?;
        }
        if self.dead > 0 {
            write!(
                f,
                ", {} given up (`gitsieve sweep alerts` lists them)",
                self.dead
            )?;
        }
        if !self.limited.is_empty() {
            let limited = self.limited.join(", ");
            write!(f, ", more wait for the next hour ({limited})")?;
        }
        if self.stopped {
            f.write_str(", more wait because time was over")?;
        }
        for (channel, why) in &self.troubles {
            write!(f, "; {channel}: {why}")?;
        }
        Ok(())
    }
}

impl Alerts {
    /// Sends what is due.
    ///
    /// # Errors
    /// When the store fails.
    pub fn send(&self, store: &Store, clock: &Clock<'_>) -> Result<Sent, StoreError> {
        let began = Instant::now();
        let mut sent = Sent::default();
        for ready in &self.channels {
            let stop =
                || clock.interrupt.load(Ordering::Relaxed) || began.elapsed() >= self.limits.time;
            self.send_channel(store, ready, clock, &stop, &mut sent)?;
            if sent.stopped {
                break;
            }
        }
        Ok(sent)
    }

    fn send_channel(
        &self,
        store: &Store,
        ready: &Ready,
        clock: &Clock<'_>,
        stop: &dyn Fn() -> bool,
        sent: &mut Sent,
    ) -> Result<(), StoreError> {
        let name = &ready.channel.name;
        let allowance = Allowance {
            per_hour: u64::from(self.limits.per_hour),
        };
        loop {
            let alert = match store.next_alert(name, &self.claim, (clock.now)(), allowance)? {
                Next::Alert(alert) => alert,
                Next::Nothing => return Ok(()),
                Next::Limited => {
                    sent.limited.push(name.clone());
                    return Ok(());
                }
            };
            if stop() {
                // Nothing was tried; it is due as it was.
                let untried = Outcome::Later("stopped before it was sent".into(), (clock.now)());
                store.settle_alert(alert.number, &self.claim, (clock.now)(), &untried)?;
                sent.stopped = true;
                return Ok(());
            }
            let settle = |outcome: &Outcome| {
                store.settle_alert(alert.number, &self.claim, (clock.now)(), outcome)
            };
            if alert.findings.is_empty() {
                settle(&Outcome::Withdrawn)?;
                continue;
            }
            let Err(trouble) = patiently(|| ready.deliver(&self.limits, &alert), clock, stop)
            else {
                settle(&Outcome::Sent)?;
                sent.sent += 1;
                continue;
            };
            let outcome = self.after(&trouble, &alert, (clock.now)());
            settle(&outcome)?;
            if matches!(outcome, Outcome::Dead(_)) {
                sent.dead += 1;
            } else {
                sent.failed += 1;
            }
            sent.troubles
                .entry(name.clone())
                .or_insert_with(|| trouble.why.clone());
            if let Fate::Channel(wait) = trouble.fate {
                if let Some(wait) = wait {
                    store.hold_alerts(name, (clock.now)() + wanted(wait))?;
                }
                return Ok(());
            }
        }
    }

    /// What is to become of a message that was not sent.
    fn after(&self, trouble: &Trouble, alert: &Alert, now: i64) -> Outcome {
        let why = trouble.why.clone();
        let attempts = alert.attempts + 1;
        let age = now.saturating_sub(alert.queued_at);
        let wait = match trouble.fate {
            Fate::ForGood => return Outcome::Dead(why),
            Fate::Passing | Fate::Channel(None) => delay(attempts),
            Fate::Channel(Some(wait)) => wanted(wait),
        };
        let is_old = u64::try_from(age).unwrap_or(0) >= self.limits.give_up.as_secs();
        if attempts >= u64::from(self.limits.attempts) || is_old {
            return Outcome::Dead(format!("given up after {attempts} attempts: {why}"));
        }
        Outcome::Later(why, now.saturating_add(wait))
    }
}

/// Tries a few times where what is in the way may pass soon.
fn patiently(
    attempt: impl Fn() -> Result<(), Trouble>,
    clock: &Clock<'_>,
    stop: &dyn Fn() -> bool,
) -> Result<(), Trouble> {
    let mut tried = 0;
    loop {
        let Err(trouble) = attempt() else {
            return Ok(());
        };
        let doubled = FIRST_PAUSE * (1 << tried);
        let pause = match trouble.fate {
            Fate::ForGood => return Err(trouble),
            Fate::Passing | Fate::Channel(None) => doubled,
            Fate::Channel(Some(wait)) => wait.max(doubled),
        };
        tried += 1;
        if tried >= TRIES || pause > MAX_PAUSE || stop() {
            return Err(trouble);
        }
        (clock.pause)(pause);
    }
}

/// Seconds until the next attempt.
fn delay(attempts: u64) -> i64 {
    let doubled = FIRST_DELAY_SECONDS << attempts.saturating_sub(1).min(16);
    doubled.min(MAX_DELAY_SECONDS)
}

/// What a server wants, within reason.
fn wanted(wait: Duration) -> i64 {
    let seconds = i64::try_from(wait.as_secs()).unwrap_or(i64::MAX);
    seconds.clamp(1, MAX_WANTED_SECONDS)
}
