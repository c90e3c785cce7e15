//! Hands audit lines to syslog and to a web server, in a process of its own.
//!
//! The scanning process may not open sockets, and a slow server must not hold up a push. So a
//! child is started before a sandbox is closed, waits for the line while the scan runs, and has a
//! small budget from then on, that it keeps by itself: the parent may not even be allowed to kill
//! it. It has no other file of the push open, not even standard error, which git and Bitbucket
//! wait for.
//!
//! What is sent to the child: a line of JSON that names the sinks; then, when there is an audit
//! line, the time at which to give up, a space and that line. What comes back: one line for each
//! sink.

pub(crate) mod child;
mod syslog;
mod webhook;

use syslog::Target;
use webhook::{Address, Webhook};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use scanner_core::{gate::policy::AuditSettings, report::printable};
use serde::{Deserialize, Serialize};
use std::{
    io::{self, Read, Write},
    process::{Child, ChildStdin, Command, Stdio},
    time::{Duration, Instant, SystemTime},
};

/// Most bytes of answers read.
const MAX_ANSWER_BYTES: usize = 16 << 10;
/// Most bytes shown of one answer.
const MAX_SHOWN_BYTES: usize = 200;

/// Begins each answer of the child.
const ANSWER: &str = "courier:";
const SYSLOG: &str = "syslog";
const WEBHOOK: &str = "webhook";

/// Where audit lines go, besides the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sinks {
    syslog: Option<Target>,
    webhook: Option<Address>,
    /// The time that all sinks together may take.
    budget: Duration,
    /// The machine's name.
    host: String,
}

impl Sinks {
    /// Takes from a policy what the child must know; `host` is the machine's name.
    pub(crate) fn new(settings: &AuditSettings, host: String) -> Self {
        Self {
            syslog: settings.syslog.as_ref().map(Target::new),
            webhook: settings.webhook.as_ref().map(Address::new),
            budget: settings.budget,
            host,
        }
    }

    /// Whether there is nothing to send to.
    pub(crate) fn is_empty(&self) -> bool {
        self.syslog.is_none() && self.webhook.is_none()
    }

    /// Says what is wrong with the sinks before they are needed: certificates that cannot be read,
    /// or a program that was built without the means.
    ///
    /// # Errors
    /// What is wrong and where.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.webhook
            .as_ref()
            .map_or(Ok(()), |address| Webhook::new(address).map(drop))
    }
}

/// A started child.
#[derive(Debug)]
pub(crate) struct Courier {
    child: Child,
    sinks: Sinks,
}

impl Courier {
    /// Starts the child. `command` runs [`child::run`].
    ///
    /// # Errors
    /// When the sinks make no sense or no process can be started.
    pub(crate) fn start(mut command: Command, sinks: Sinks) -> Result<Self, String> {
        sinks.check()?;
        let mut head = serde_json::to_vec(&sinks).map_err(|error| error.to_string())?;
        head.push(b'\n');
        let started = command
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut child =
            started.map_err(|e| format!("cannot start the sender of audit lines: {e}"))?;
        if let Some(input) = &mut child.stdin {
            let sent = input.write_all(&head);
            sent.map_err(|e| format!("cannot reach the sender of audit lines: {e}"))?;
        }
        Ok(Self { child, sinks })
    }

    /// Hands over a line, and waits until it is delivered, for the budget at most. Returns what
    /// failed.
    pub(crate) fn deliver(mut self, line: &[u8]) -> Vec<String> {
        let budget = self.sinks.budget;
        let until = Instant::now() + budget;
        // The child gives up first, so that it is gone, and waited for, when this ends.
        let its_end = SystemTime::now() + budget * 9 / 10;
        let its_end = its_end
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let mut message = format!("{} ", its_end.as_millis()).into_bytes();
        message.extend_from_slice(line);
        let answers = self.exchange(&message, until).unwrap_or_else(|error| {
            let why = format!("cannot reach the sender of audit lines: {error}");
            format!("{ANSWER} {SYSLOG} {why}\n{ANSWER} {WEBHOOK} {why}\n").into_bytes()
        });
        let answers = String::from_utf8_lossy(&answers);
        let named = [
            (SYSLOG, self.sinks.syslog.is_some()),
            (WEBHOOK, self.sinks.webhook.is_some()),
        ];
        let configured = named.into_iter().filter(|(_, is_set)| *is_set);
        configured
            .filter_map(|(name, _)| failure(name, &answers, budget))
            .collect()
    }

    /// Sends and receives at once: neither side may wait for the other past the end.
    fn exchange(&mut self, message: &[u8], until: Instant) -> io::Result<Vec<u8>> {
        let mut input = self.child.stdin.take();
        let Some(mut output) = self.child.stdout.take() else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        if let Some(input) = &input {
            rustix::io::ioctl_fionbio(input, true)?;
        }
        rustix::io::ioctl_fionbio(&output, true)?;
        let mut rest = message;
        let mut answers = Vec::new();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let timeout = Timespec::try_from(left).ok();
            let mut waited = vec![PollFd::new(&output, PollFlags::IN)];
            waited.extend(input.iter().map(|input| PollFd::new(input, PollFlags::OUT)));
            match poll(&mut waited, timeout.as_ref()) {
                Err(rustix::io::Errno::INTR) => continue,
                other => other?,
            };
            let ready = |at: usize| waited.get(at).is_some_and(|fd| !fd.revents().is_empty());
            let (to_read, to_write) = (ready(0), ready(1));
            if to_write
                && let Some(open) = &mut input
                && send(open, &mut rest)
            {
                // The end of its input tells the child nothing that the line did not.
                input = None;
            }
            if to_read && receive(&mut output, &mut answers)? {
                // Its output ends with the child.
                self.child.wait()?;
                break;
            }
        }
        let _ = self.child.try_wait();
        Ok(answers)
    }
}

/// Writes what the pipe takes. Returns whether nothing more is to be written.
fn send(input: &mut ChildStdin, rest: &mut &[u8]) -> bool {
    match input.write(rest) {
        Ok(written) => *rest = &rest[written..],
        Err(error) if is_passing(&error) => {}
        Err(_) => return true,
    }
    rest.is_empty()
}

/// Reads what is there. Returns whether that is the end.
fn receive(output: &mut impl Read, answers: &mut Vec<u8>) -> io::Result<bool> {
    let mut buffer = [0; 1024];
    match output.read(&mut buffer) {
        Ok(0) => Ok(true),
        Ok(n) => {
            let room = MAX_ANSWER_BYTES.saturating_sub(answers.len());
            answers.extend_from_slice(&buffer[..n.min(room)]);
            Ok(false)
        }
        Err(error) if is_passing(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

/// What a sink's answer says, if not that all is well. Lines that are no answers are passed over.
fn failure(name: &str, answers: &str, budget: Duration) -> Option<String> {
    let answer = answers.lines().find_map(|line| {
        let rest = line.strip_prefix(ANSWER)?.trim_start();
        rest.strip_prefix(name)?.strip_prefix(' ')
    });
    match answer {
        Some("ok") => None,
        Some(why) => {
            let why: String = printable(why.as_bytes())
                .chars()
                .take(MAX_SHOWN_BYTES)
                .collect();
            Some(format!("{name}: {why}"))
        }
        None => Some(format!("{name}: not done within {} ms", budget.as_millis())),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::{
        env, fs,
        net::{TcpListener, TcpStream, UdpSocket},
        os::unix::net::UnixDatagram,
        thread,
    };

    /// Set for the process that plays the child.
    const CHILD: &str = "GITSIEVE_TEST_COURIER";
    pub(super) const LINE: &[u8] = b"{\"verdict\":\"blocked\",\"refs\":[]}\n";
    pub(super) const LONG: Duration = Duration::from_secs(20);

    pub(super) fn sinks(budget: Duration) -> Sinks {
        Sinks {
            syslog: None,
            webhook: None,
            budget,
            host: "node 1".into(),
        }
    }

    /// A child that has ten seconds for a local socket.
    pub(in crate::hook) fn start_to(socket: std::path::PathBuf) -> Courier {
        let mut sinks = sinks(Duration::from_secs(10));
        sinks.syslog = Some(Target::Unix(socket));
        start(sinks)
    }

    /// A child that is this binary again.
    pub(super) fn start(sinks: Sinks) -> Courier {
        let mut command = Command::new(env::current_exe().unwrap());
        command
            .args(["--exact", "hook::courier::tests::child", "--nocapture"])
            .env(CHILD, "1");
        Courier::start(command, sinks).unwrap()
    }

    #[test]
    fn child() {
        if env::var_os(CHILD).is_some() {
            child::run(io::stdin().lock(), io::stdout());
        }
    }

    /// Delivers with all the time in the world.
    pub(super) fn deliver(set: impl FnOnce(&mut Sinks), line: &[u8]) -> Vec<String> {
        let mut sinks = sinks(LONG);
        set(&mut sinks);
        start(sinks).deliver(line)
    }

    #[test]
    fn a_local_socket_gets_one_datagram_of_rfc_5424() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        let failed = deliver(|s| s.syslog = Some(Target::Unix(path.clone())), LINE);
        assert_eq!(failed, [""; 0]);
        let mut buffer = [0; 1000];
        let n = socket.recv(&mut buffer).unwrap();
        let text = std::str::from_utf8(&buffer[..n]).unwrap();
        let (head, message) = text.split_once(" - ").unwrap();
        let fields: Vec<&str> = head.split(' ').collect();
        assert_eq!(fields[0], "<85>1");
        assert!(fields[1].ends_with("+00:00"), "{text}");
        assert_eq!(fields[2..4], ["node_1", "gitsieve"]);
        assert_eq!(fields[5], "push");
        assert_eq!(message.as_bytes(), LINE.trim_ascii_end());
    }

    #[test]
    fn udp_gets_a_datagram_that_fits_and_tcp_counts_octets() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        let address = Target::Udp(socket.local_addr().unwrap().to_string());
        let long = format!(
            "{{\"findings\":[{}1],\"verdict\":\"blocked\"}}\n",
            "\"0123456789\",".repeat(10_000)
        );
        assert_eq!(
            deliver(|s| s.syslog = Some(address), long.as_bytes()),
            [""; 0]
        );
        let mut buffer = vec![0; 100_000];
        let n = socket.recv(&mut buffer).unwrap();
        let text = std::str::from_utf8(&buffer[..n]).unwrap();
        assert!(n <= 8192, "{n}");
        assert!(text.contains("\"verdict\":\"blocked\"") && text.contains("0123456789"));

        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = Target::Tcp(listener.local_addr().unwrap().to_string());
        let server = thread::spawn(move || {
            let mut text = String::new();
            listener
                .accept()
                .unwrap()
                .0
                .read_to_string(&mut text)
                .unwrap();
            text
        });
        assert_eq!(
            deliver(|s| s.syslog = Some(address), long.as_bytes()),
            [""; 0]
        );
        let text = server.join().unwrap();
        let (count, frame) = text.split_once(' ').unwrap();
        assert_eq!(count.parse::<usize>().unwrap(), frame.len());
        assert!(frame.ends_with(long.trim_end()));
    }

    #[test]
    fn a_line_larger_than_a_pipe_does_not_wait_for_a_child_that_hangs() {
        let mut command = Command::new("/bin/sleep");
        command.arg("1");
        let budget = Duration::from_millis(100);
        let mut sinks = sinks(budget);
        sinks.syslog = Some(Target::Unix("/dev/log".into()));
        let courier = Courier::start(command, sinks).unwrap();
        let start = Instant::now();
        let failed = courier.deliver(&vec![b'x'; 1 << 20]);
        assert!(start.elapsed() < Duration::from_millis(900));
        assert_eq!(failed, ["syslog: not done within 100 ms"]);
    }

    #[test]
    fn a_child_whose_parent_is_gone_ends_at_once() {
        let mut sinks = sinks(LONG);
        sinks.syslog = Some(Target::Unix("/nowhere".into()));
        let mut courier = start(sinks);
        drop(courier.child.stdin.take());
        let start = Instant::now();
        assert!(courier.child.wait().unwrap().success());
        assert!(start.elapsed() < LONG / 2);
        // Half a line is none.
        let mut out = Vec::new();
        child::run(
            &b"{\"syslog\":{\"Unix\":\"/nowhere\"},\"webhook\":null,\"budget\":{\"secs\":1,\"nanos\":0},\
              \"host\":\"\"}\n123 {\"a\""[..],
            &mut out,
        );
        assert_eq!(out, b"");
    }

    #[test]
    fn sinks_that_cannot_work_are_refused_before_they_are_needed() {
        assert!(sinks(LONG).is_empty() && sinks(LONG).check().is_ok());
        let text = r#"
            [audit]
            path = "/log"
            syslog = "udp://log.example:514"
            webhook = "https://log.example/?token=abc"
            webhook-header = "X-Key: 4711"
            webhook-ca = "/nowhere/ca.pem"
            budget = "1s"
        "#;
        let policy = scanner_core::gate::policy::Policy::parse(text, "policy.toml").unwrap();
        let sinks = Sinks::new(policy.audit(), "host".to_owned());
        assert_eq!(sinks.syslog, Some(Target::Udp("log.example:514".into())));
        assert!(!sinks.is_empty() && sinks.budget == Duration::from_secs(1));
        let message = sinks.check().unwrap_err();
        let expected = if cfg!(feature = "webhook") {
            "/nowhere/ca.pem"
        } else {
            "without the feature"
        };
        assert!(message.contains(expected), "{message}");
        for text in [message, format!("{sinks:?}")] {
            assert!(!text.contains("abc") && !text.contains("4711"), "{text}");
        }
    }

    #[test]
    fn the_standard_streams_of_the_push_are_not_held() {
        // A listener that never answers keeps the child; its output and errors are not ours.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut sinks = sinks(LONG);
        sinks.syslog = Some(Target::Tcp(listener.local_addr().unwrap().to_string()));
        let courier = start(sinks);
        let fd = |n: u32| fs::read_link(format!("/proc/{}/fd/{n}", courier.child.id()));
        if let Ok(errors) = fd(2) {
            assert_eq!(errors, std::path::Path::new("/dev/null"));
        }
        drop(TcpStream::connect(listener.local_addr().unwrap()));
        assert_eq!(courier.deliver(LINE), [""; 0]);
    }
}
