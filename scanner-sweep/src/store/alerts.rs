//! The queue of alerts.
//!
//! A finding is considered once for each channel, and what comes of it is queued in the same
//! transaction; so nothing is queued twice or lost, whenever the process ends. A message is sent at
//! least once: whoever sends it claims it first, and a claim that was not settled for long is taken
//! over.

mod message;

pub use message::{Alert, AlertRow, AlertState, Allowance, NewFinding, Next, Outcome, Queued};

use super::{
    Store, StoreError, SweepId,
    database::{Database, Row, Value, first},
    findings::{SELECT_TRACKED, tracked},
};
use message::state_of;
use std::collections::BTreeMap;

/// Seconds after which a claim counts as left behind. No attempt to send takes that long.
const CLAIM_SECONDS: i64 = 15 * 60;
/// Seconds in which [`Allowance::per_hour`] is counted.
const HOUR: i64 = 3_600;

/// Why messages of a channel that is no more are given up.
const NO_CHANNEL: &str = "no channel of this name";

impl Store {
    /// Makes channels known before a sweep: one that is new gets findings of this sweep on, and of
    /// none before.
    ///
    /// # Errors
    /// When the database fails; so with all that follow.
    pub fn know_channels(&self, names: &[&str]) -> Result<(), StoreError> {
        self.transaction(|database| {
            for name in names {
                database.run(
                    "INSERT INTO alert_channel (name, first_sweep)
                     SELECT $1, COALESCE(MAX(id), 0) + 1 FROM sweep WHERE 1 = 1
                     ON CONFLICT (name) DO NOTHING",
                    &[(*name).into()],
                )?;
            }
            Ok(())
        })
    }

    /// Considers what is new to a channel, and queues what `plan` makes of it. Findings that are
    /// suppressed are left for the time when they no longer are.
    pub fn queue_alerts(
        &self,
        channel: &str,
        sweep: SweepId,
        now: i64,
        plan: impl Fn(&[NewFinding]) -> Vec<Queued>,
    ) -> Result<u64, StoreError> {
        self.transaction(|database| {
            alone(database, channel)?;
            let new = new_findings(database, channel)?;
            for finding in &new {
                database.run(
                    "INSERT INTO alert_considered (channel, repository, fingerprint)
                     VALUES ($1, $2, $3)",
                    &[
                        channel.into(),
                        Value::Int(finding.repository_id),
                        (&finding.fingerprint).into(),
                    ],
                )?;
            }
            let messages = plan(&new);
            for message in &messages {
                let rows = database.rows(
                    "INSERT INTO alert (channel, recipient, sweep, state, queued_at, due_at, attempts)
                     VALUES ($1, $2, $3, 'queued', $4, $5, 0) RETURNING id",
                    &[
                        channel.into(),
                        (&message.recipient).into(),
                        Value::Int(sweep.0),
                        now.into(),
                        now.into(),
                    ],
                )?;
                let id: i64 = first(rows)?.ok_or(StoreError::Content("an alert got no number"))?;
                for finding in message.findings.iter().filter_map(|&at| new.get(at)) {
                    database.run(
                        "INSERT INTO alert_finding (alert, repository, fingerprint)
                         VALUES ($1, $2, $3)",
                        &[
                            id.into(),
                            Value::Int(finding.repository_id),
                            (&finding.fingerprint).into(),
                        ],
                    )?;
                }
            }
            Ok(messages.len() as u64)
        })
    }

    /// Claims the next message of a channel that is due, for `claim`, a name that no other process
    /// has.
    pub fn next_alert(
        &self,
        channel: &str,
        claim: &str,
        now: i64,
        allowance: Allowance,
    ) -> Result<Next, StoreError> {
        self.transaction(|database| {
            alone(database, channel)?;
            let left_behind = now - CLAIM_SECONDS;
            let rows = database.rows(
                "SELECT id, recipient, sweep, queued_at, attempts FROM alert
                 WHERE state = 'queued' AND channel = $1 AND due_at <= $2
                     AND (claimed_at IS NULL OR claimed_at < $3)
                 ORDER BY due_at, id LIMIT 1",
                &[channel.into(), now.into(), left_behind.into()],
            )?;
            let Some(mut row) = rows.into_iter().next() else {
                return Ok(Next::Nothing);
            };
            // What others are sending counts as sent.
            let rows = database.rows(
                "SELECT COUNT(*) FROM alert
                 WHERE channel = $1 AND (sent_at > $2 OR claimed_at >= $3)",
                &[channel.into(), (now - HOUR).into(), left_behind.into()],
            )?;
            if first::<u64>(rows)?.unwrap_or(0) >= allowance.per_hour {
                return Ok(Next::Limited);
            }
            let alert = Alert {
                number: row.next()?,
                recipient: row.next()?,
                sweep: row.next()?,
                queued_at: row.next()?,
                attempts: row.next()?,
                findings: Vec::new(),
            };
            let claimed = database.run(
                "UPDATE alert SET claim = $1, claimed_at = $2, attempts = attempts + 1
                 WHERE id = $3 AND state = 'queued' AND (claimed_at IS NULL OR claimed_at < $4)",
                &[
                    claim.into(),
                    now.into(),
                    alert.number.into(),
                    left_behind.into(),
                ],
            )?;
            if claimed == 0 {
                // Another process was faster; it has the next one too.
                return Ok(Next::Nothing);
            }
            let rows = database.rows(
                &format!(
                    "{SELECT_TRACKED}
                     JOIN alert_finding a ON a.repository = f.repository
                         AND a.fingerprint = f.fingerprint
                     WHERE a.alert = $1 AND f.suppressed IS NULL
                     ORDER BY r.name, r.id, f.rule, f.fingerprint"
                ),
                &[alert.number.into()],
            )?;
            let findings = rows.into_iter().map(tracked).collect::<Result<_, _>>()?;
            Ok(Next::Alert(Box::new(Alert { findings, ..alert })))
        })
    }

    /// Takes down how an attempt went, unless another process has taken the message over.
    pub fn settle_alert(
        &self,
        number: i64,
        claim: &str,
        now: i64,
        outcome: &Outcome,
    ) -> Result<(), StoreError> {
        let (state, error, due, sent) = match outcome {
            Outcome::Sent => (AlertState::Sent, None, None, Some(now)),
            Outcome::Later(why, due) => (AlertState::Queued, Some(why), Some(*due), None),
            Outcome::Dead(why) => (AlertState::Dead, Some(why), None, None),
            Outcome::Withdrawn => (AlertState::Withdrawn, None, None, None),
        };
        self.run(
            "UPDATE alert SET state = $1, error = $2, due_at = COALESCE($3, due_at),
                     sent_at = $4, claim = NULL, claimed_at = NULL
                 WHERE id = $5 AND claim = $6",
            &[
                state.as_str().into(),
                error.into(),
                due.into(),
                sent.into(),
                number.into(),
                claim.into(),
            ],
        )
        .map(drop)
    }

    /// Has all that a channel is to send wait until a time.
    pub fn hold_alerts(&self, channel: &str, until: i64) -> Result<(), StoreError> {
        self.run(
            "UPDATE alert SET due_at = $1
                 WHERE channel = $2 AND state = 'queued' AND due_at < $3",
            &[until.into(), channel.into(), until.into()],
        )
        .map(drop)
    }

    /// Gives up what is queued for channels other than these: nobody sends it any more. Returns how
    /// many messages of which channels that is. What a process is sending right now is left to it.
    pub fn bury_alerts(
        &self,
        channels: &[&str],
        now: i64,
    ) -> Result<BTreeMap<String, u64>, StoreError> {
        self.transaction(|database| {
            let rows = database.rows(
                "SELECT DISTINCT channel FROM alert WHERE state = 'queued' ORDER BY channel",
                &[],
            )?;
            let mut buried = BTreeMap::new();
            for mut row in rows {
                let channel: String = row.next()?;
                if channels.contains(&&*channel) {
                    continue;
                }
                alone(database, &channel)?;
                let count = database.run(
                    "UPDATE alert SET state = 'dead', error = $1, claim = NULL, claimed_at = NULL
                     WHERE state = 'queued' AND channel = $2
                         AND (claimed_at IS NULL OR claimed_at < $3)",
                    &[
                        NO_CHANNEL.into(),
                        (&channel).into(),
                        (now - CLAIM_SECONDS).into(),
                    ],
                )?;
                if count > 0 {
                    buried.insert(channel, count);
                }
            }
            Ok(buried)
        })
    }

    /// Puts what was given up of these channels back into the queue; returns how much that is. What
    /// waits to be tried again is due now.
    pub fn revive_alerts(&self, channels: &[&str], now: i64) -> Result<u64, StoreError> {
        self.transaction(|database| {
            let mut revived = 0;
            for &channel in channels {
                database.run(
                    "UPDATE alert SET due_at = $1 WHERE state = 'queued' AND channel = $2",
                    &[now.into(), channel.into()],
                )?;
                revived += database.run(
                    "UPDATE alert SET state = 'queued', due_at = $1, queued_at = $2, attempts = 0
                     WHERE state = 'dead' AND channel = $3",
                    &[now.into(), now.into(), channel.into()],
                )?;
            }
            Ok(revived)
        })
    }

    /// Messages by number, all or those of one state.
    pub fn alerts(&self, state: Option<AlertState>) -> Result<Vec<AlertRow>, StoreError> {
        let rows = self.rows(
            "SELECT a.id, a.channel, a.recipient, a.sweep, a.state, a.queued_at, a.due_at,
                 a.attempts, a.sent_at, a.error,
                 (SELECT COUNT(*) FROM alert_finding f WHERE f.alert = a.id)
             FROM alert a WHERE a.state = $1 OR $2 = 1 ORDER BY a.id",
            &[
                state.map(AlertState::as_str).unwrap_or_default().into(),
                state.is_none().into(),
            ],
        )?;
        let read = |mut row: Row| {
            Ok(AlertRow {
                number: row.next()?,
                channel: row.next()?,
                recipient: row.next()?,
                sweep: row.next()?,
                state: state_of(&row.next::<String>()?)?,
                queued_at: row.next()?,
                due_at: row.next()?,
                attempts: row.next()?,
                sent_at: row.next()?,
                error: row.next()?,
                findings: row.next()?,
            })
        };
        rows.into_iter().map(read).collect()
    }

    /// How many messages are in each state; states without any are left out.
    pub fn count_alerts(&self) -> Result<BTreeMap<AlertState, u64>, StoreError> {
        let rows = self.rows("SELECT state, COUNT(*) FROM alert GROUP BY state", &[])?;
        let read = |mut row: Row| Ok((state_of(&row.next::<String>()?)?, row.next()?));
        rows.into_iter().map(read).collect()
    }
}

/// Has others who do something about a channel wait until this transaction ends.
fn alone(database: &mut dyn Database, channel: &str) -> Result<(), StoreError> {
    database
        .run(
            "UPDATE alert_channel SET first_sweep = first_sweep WHERE name = $1",
            &[channel.into()],
        )
        .map(drop)
}

fn new_findings(database: &mut dyn Database, channel: &str) -> Result<Vec<NewFinding>, StoreError> {
    let rows = database.rows(
        "SELECT r.name, f.severity, f.confidence, f.email, f.committer_email, f.repository,
             f.fingerprint
         FROM alert_channel c
         JOIN finding f ON f.first_sweep >= c.first_sweep
         JOIN repository r ON r.id = f.repository
         LEFT JOIN alert_considered a ON a.channel = c.name AND a.repository = f.repository
             AND a.fingerprint = f.fingerprint
         WHERE c.name = $1 AND a.channel IS NULL AND f.suppressed IS NULL AND f.gone_at IS NULL
         ORDER BY r.name, r.id, f.rule, f.fingerprint",
        &[channel.into()],
    )?;
    let read = |mut row: Row| {
        let (repository, severity, confidence) = (row.next()?, row.next()?, row.next()?);
        let (author, committer): (Option<String>, Option<String>) = (row.next()?, row.next()?);
        Ok(NewFinding {
            repository,
            severity,
            confidence,
            people: author.into_iter().chain(committer).collect(),
            repository_id: row.next()?,
            fingerprint: row.next()?,
        })
    };
    rows.into_iter().map(read).collect()
}
