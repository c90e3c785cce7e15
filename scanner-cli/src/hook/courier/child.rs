//! The side of the child.

use super::{ANSWER, SYSLOG, Sinks, WEBHOOK, Webhook};
use std::{
    io::{BufRead, Read, Write},
    sync::Mutex,
    thread,
    time::{Duration, Instant, SystemTime},
};

/// Most bytes of the line that names the sinks.
const MAX_HEAD_BYTES: u64 = 64 << 10;
/// Most bytes of an audit line.
const MAX_LINE_BYTES: u64 = 8 << 20;

/// Waits for an audit line and delivers it. Ends the process when the time is over, whatever hangs.
/// Does nothing where the input ends before a line does: the parent is gone.
pub(crate) fn run(mut input: impl BufRead, output: impl Write + Send) {
    let Some(sinks) = line(&mut input, MAX_HEAD_BYTES) else {
        return;
    };
    let Ok(sinks) = serde_json::from_slice::<Sinks>(&sinks) else {
        return;
    };
    // What takes long is done while the scan runs.
    let post = sinks.webhook.as_ref().map(Webhook::new);
    let Some(message) = line(&mut input, MAX_LINE_BYTES) else {
        return;
    };
    let Some((until, line)) = split(&message, sinks.budget) else {
        return;
    };
    thread::spawn(move || {
        thread::sleep(until.saturating_duration_since(Instant::now()));
        #[expect(clippy::exit, reason = "nothing else ends a call that hangs")]
        std::process::exit(0);
    });
    let output = Mutex::new(output);
    let answer = |name: &str, result: Result<(), String>| {
        let text = result.err().unwrap_or_else(|| "ok".to_owned());
        let text = text.replace('\n', " ");
        if let Ok(mut output) = output.lock() {
            // Nobody left to hear is no reason to stop.
            let _ = writeln!(output, "{ANSWER} {name} {text}").and_then(|()| output.flush());
        }
    };
    thread::scope(|scope| {
        if let Some(target) = &sinks.syslog {
            scope.spawn(|| answer(SYSLOG, target.send(line, &sinks.host, until)));
        }
        if let Some(post) = post {
            scope.spawn(|| answer(WEBHOOK, post.and_then(|post| post.send(line, until))));
        }
    });
}

/// Reads a line of at most so many bytes; `None` where it is longer or lacks its end.
fn line(input: &mut impl BufRead, max_bytes: u64) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    input.take(max_bytes).read_until(b'\n', &mut line).ok()?;
    (line.last() == Some(&b'\n')).then_some(line)
}

/// The time at which to give up, which the parent names in milliseconds since 1970, and the audit
/// line. A clock that was set in between does not stretch the budget.
fn split(message: &[u8], budget: Duration) -> Option<(Instant, &[u8])> {
    let space = message.iter().position(|&byte| byte == b' ')?;
    let until = std::str::from_utf8(&message[..space]).ok()?.parse().ok()?;
    let until = SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(until))?;
    let left = until.duration_since(SystemTime::now()).unwrap_or_default();
    Some((Instant::now() + left.min(budget), &message[space + 1..]))
}
