//! Alerts of sweeps: `--alerts`, and `gitsieve sweep alerts`.

use super::{super::scan::now, host, places::pause, worker};
use crate::{
    exit::{CliError, ExitStatus},
    interrupt, output,
    output::{Destination, Role, Style},
    plan::AlertsPlan,
};
use scanner_core::report::{printable, rfc3339};
use scanner_sweep::{
    alerts::{Alerts, Clock, read},
    store::{AlertRow, AlertState, Patience, Store, StoreError, SweepId},
};
use std::{fmt::Write as _, path::Path, sync::atomic::AtomicBool};

/// Alerts that are listed for people.
const SHOWN: usize = 50;

/// Reads the file, and the secrets and templates that it names.
pub(super) fn open(file: &Path) -> Result<Alerts, CliError> {
    let config = read(file).map_err(CliError::Usage)?;
    Alerts::open(config, &host(), &worker()).map_err(|error| CliError::Usage(error.to_string()))
}

/// Makes the channels known to a store before a sweep, and gives up what waits for others.
pub(super) fn begin(alerts: &Alerts, store: &Store) -> Result<(), CliError> {
    alerts.know(store)?;
    let buried = alerts.bury(store, now().unwrap_or_default())?;
    if !buried.is_empty() {
        let mut all = Vec::new();
        for (channel, count) in &buried {
            all.push(format!("{} ({count})", printable(channel.as_bytes())));
        }
        output::notice(&format!(
            "alerts: given up, because the file has no channel of this name any more: {} (`gitsieve \
             sweep alerts --state dead` lists them)",
            all.join(", ")
        ));
    }
    Ok(())
}

/// Queues what a sweep met first. What cannot be queued now is queued by the next sweep.
pub(super) fn queue(alerts: &Alerts, store: &Store, sweep: SweepId) {
    if let Err(error) = alerts.queue(store, sweep, now().unwrap_or_default()) {
        output::notice(&format!("alerts: none queued: {error}"));
    }
}

/// Sends what is due after a sweep. What is not sent changes no exit status.
pub(super) fn send(alerts: &Alerts, store: &Store, interrupt: &AtomicBool, quiet: bool) {
    match sent(alerts, store, interrupt) {
        Ok(sent) => {
            let says_something = sent != scanner_sweep::alerts::Sent::default();
            if !sent.is_clean() || (says_something && !quiet) {
                output::notice(&sent.to_string());
            }
        }
        Err(error) => output::notice(&format!("alerts: {error}")),
    }
}

fn sent(
    alerts: &Alerts,
    store: &Store,
    interrupt: &AtomicBool,
) -> Result<scanner_sweep::alerts::Sent, StoreError> {
    let clock = Clock {
        now: &|| now().unwrap_or_default(),
        pause: &|time| pause(time, interrupt),
        interrupt,
    };
    alerts.send(store, &clock)
}

/// `gitsieve sweep alerts`.
pub(super) fn run(plan: &AlertsPlan) -> Result<ExitStatus, CliError> {
    match plan {
        AlertsPlan::List {
            store,
            state,
            json,
            to,
            style,
        } => list(
            &super::open(store, Patience::none())?,
            *state,
            *json,
            to,
            *style,
        ),
        AlertsPlan::Retry {
            store,
            alerts,
            channel,
        } => {
            let mut alerts = open(alerts)?;
            if let Some(name) = channel {
                let only = alerts.only(name);
                alerts = only.map_err(|error| CliError::Usage(error.to_string()))?;
            }
            let store = super::open(store, Patience::none())?;
            let interrupt = interrupt::on_signal();
            alerts.revive(&store, now().unwrap_or_default())?;
            let sent = sent(&alerts, &store, &interrupt)?;
            output::notice(&sent.to_string());
            Ok(if sent.is_clean() && !sent.stopped {
                ExitStatus::Clean
            } else {
                ExitStatus::Incomplete
            })
        }
        AlertsPlan::Test { alerts, channel } => {
            let recipients = open(alerts)?
                .test(channel)
                .map_err(|error| CliError::Usage(error.to_string()))?;
            let named: Vec<&str> = recipients.iter().map(String::as_str).collect();
            let to = match named.join(", ") {
                none if none.is_empty() => String::new(),
                all => format!(" to {all}"),
            };
            output::notice(&format!("channel {channel}: a test message was sent{to}"));
            Ok(ExitStatus::Clean)
        }
    }
}

fn list(
    store: &Store,
    state: Option<AlertState>,
    json: bool,
    to: &Destination,
    style: Style,
) -> Result<ExitStatus, CliError> {
    let alerts = store.alerts(state)?;
    if json {
        return to.write_json(&serde_json::json!({ "alerts": alerts }));
    }
    to.write_all(human(&alerts, style).as_bytes())
}

fn human(alerts: &[AlertRow], style: Style) -> String {
    let mut text = String::new();
    // The latest are what people look for.
    let (earlier, shown) = alerts.split_at(alerts.len().saturating_sub(SHOWN));
    if alerts.is_empty() {
        text.push_str("no alerts\n");
    }
    if !earlier.is_empty() {
        let n = earlier.len();
        let _ = writeln!(text, "{n} earlier ones (--format json lists all)");
    }
    for alert in shown {
        let time = |seconds: i64| rfc3339(seconds, 0).unwrap_or_default();
        let plural = if alert.findings == 1 { "" } else { "s" };
        let when = match (alert.state, alert.sent_at) {
            (AlertState::Sent, Some(at)) => time(at),
            (AlertState::Queued, _) => format!("due {}", time(alert.due_at)),
            _ => time(alert.queued_at),
        };
        let _ = write!(
            text,
            "{:>5}  {}  {when}  {}",
            alert.number,
            style.paint(Role::Strong, format!("{:<9}", alert.state.as_str())),
            printable(alert.channel.as_bytes()),
        );
        if !alert.recipient.is_empty() {
            let _ = write!(text, " {}", printable(alert.recipient.as_bytes()));
        }
        let _ = write!(text, "  {} finding{plural}", alert.findings);
        if let Some(error) = &alert.error {
            let _ = write!(
                text,
                "; {} attempts: {}",
                alert.attempts,
                printable(error.as_bytes())
            );
        }
        text.push('\n');
    }
    text
}
