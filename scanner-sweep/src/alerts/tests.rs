//! Alerts, to servers on the loopback device.

use super::*;
use crate::{
    discover::Discovered,
    store::{AlertState, Visit, VisitOutcome, Worker},
    support::{
        smtp::FakeSmtp,
        web::{Fake, Reply},
    },
};
use scanner_core::{
    model::{CommitInfo, ObjectId, Report, SuppressedBy, Suppression, TriageStatus},
    rules::RuleSet,
    scan::{Input, NoObserver, Scanner},
};
use std::{
    cell::{Cell, RefCell},
    fs,
    sync::{Arc, atomic::AtomicBool},
};
use tempfile::TempDir;

mod content;
mod queue;
mod ready;
mod send;
mod tls;

/// A finding to be: repository, number of the token, author, committer.
type Planted<'a> = (&'a str, usize, &'a str, &'a str);

/// A store, a directory for secrets, and a clock that stands still.
struct Lab {
    dir: TempDir,
    store: Store,
    now: Cell<i64>,
    pauses: RefCell<Vec<Duration>>,
}

fn token(n: usize) -> String {
    format!("acme_{n:016}")
}

/// What a scan finds, brought by a commit whose texts hold the secret too.
fn report(n: usize, author: &str, committer: &str) -> Report {
    let rule = "[[rules]]\nid = \"acme\"\ndescription = \"Acme key\"\nseverity = \"high\"\n\
                regex = '''acme_[a-z0-9]{16}'''\nkeywords = [\"acme_\"]\n";
    let rules = RuleSet::parse(rule, "test").unwrap().rules;
    let scanner = Scanner::builder().rules(rules).threads(1).build().unwrap();
    let input = Input::Memory {
        path: format!("dir/{}/file", token(n)).into_bytes(),
        bytes: format!("\nkey = {}\n", token(n)).into_bytes(),
    };
    let never = AtomicBool::new(false);
    let mut report = scanner.scan(&input, &NoObserver, &never).unwrap();
    report.findings[0].occurrences[0].introduced = Some(Arc::new(CommitInfo {
        commit: ObjectId::from_bytes(&[7; 20]).unwrap(),
        author: format!("Ada {}", token(n)).into(),
        email: author.into(),
        committer_email: committer.into(),
        seconds: 1_700_000_000,
        offset_minutes: 0,
        summary: format!("set {}\u{1b}[31m", token(n)).into(),
    }));
    report
}

impl Lab {
    fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let store = Store::open(&dir.path().join("sweep.db")).unwrap();
        Self::on(store, dir)
    }

    fn on(store: Store, dir: TempDir) -> Self {
        Self {
            dir,
            store,
            now: Cell::new(1_800_000_000),
            pauses: RefCell::default(),
        }
    }

    fn file(&self, name: &str, content: &str) {
        fs::write(self.dir.path().join(name), content).unwrap();
    }

    fn open(&self, config: &str) -> Alerts {
        let origin = self.dir.path().join("alerts.toml");
        let config = Config::parse(config, origin.to_str().unwrap()).unwrap();
        Alerts::open(config, "test.example", &self.dir.path().to_string_lossy()).unwrap()
    }

    /// Takes down what a sweep found.
    fn found(&self, findings: &[Planted<'_>], suppressed: bool) -> SweepId {
        let worker = Worker {
            name: "test".to_owned(),
            lease: Duration::from_secs(60),
        };
        let sweep = self
            .store
            .begin_sweep(self.now.get(), "h", "v", "r", &worker)
            .unwrap();
        for &(name, n, author, committer) in findings {
            let found = Discovered {
                key: name.to_owned(),
                name: name.to_owned(),
                project: None,
                path: name.into(),
                family: None,
                web_url: Some(format!("https://git.example/{name}?a&b")),
            };
            let now = self.now.get();
            let repository = self.store.register(&[&found], "h", now).unwrap()[0];
            if self.store.is_shared() {
                let taken = self
                    .store
                    .take(&worker, sweep, &[repository], &|_, _| false)
                    .unwrap();
                assert!(taken.is_some());
            }
            let mut report = report(n, author, committer);
            if suppressed {
                report.findings[0].suppression = Some(Suppression {
                    by: SuppressedBy::Baseline,
                    status: TriageStatus::Accepted,
                    reason: String::new(),
                    owner: String::new(),
                    expires: None,
                });
            }
            let visit = Visit {
                sweep,
                repository,
                worker: &worker,
                started: self.now.get(),
                milliseconds: 0,
                outcome: VisitOutcome::Complete,
                state: None,
                settings: "",
                objects: 1,
                report: Some(&report),
                exhaustive: false,
                seal: None,
                message: None,
            };
            self.store.visited(&visit).unwrap();
        }
        sweep
    }

    /// A sweep with alerts, up to the point where sending would begin.
    fn sweep(&self, alerts: &Alerts, findings: &[Planted<'_>]) -> u64 {
        alerts.know(&self.store).unwrap();
        let sweep = self.found(findings, false);
        alerts.queue(&self.store, sweep, self.now.get()).unwrap()
    }

    fn send(&self, alerts: &Alerts) -> Sent {
        let never = AtomicBool::new(false);
        let clock = Clock {
            now: &|| self.now.get(),
            pause: &|time| self.pauses.borrow_mut().push(time),
            interrupt: &never,
        };
        alerts.send(&self.store, &clock).unwrap()
    }

    fn later(&self, seconds: i64) {
        self.now.set(self.now.get() + seconds);
    }

    fn states(&self) -> Vec<AlertState> {
        let all = self.store.alerts(None).unwrap();
        all.into_iter().map(|alert| alert.state).collect()
    }

    fn web(&self, fake: &Fake, kind: &str, more: &str) -> Alerts {
        self.file("url", &format!("{}/hook?token=abc\n", fake.origin()));
        self.open(&format!(
            "{more}\n[[channel]]\nname = \"web\"\nkind = \"{kind}\"\nurl-file = \"url\"\n"
        ))
    }

    fn mail(&self, fake: &FakeSmtp, more: &str, channel: &str) -> Alerts {
        self.open(&format!(
            "[smtp]\nhost = \"127.0.0.1\"\nport = {}\nfrom = \"gitsieve <gitsieve@example.org>\"\n{more}\n\
             [[channel]]\nname = \"mail\"\nkind = \"mail\"\n{channel}\n",
            fake.port()
        ))
    }
}

const PLAIN: &str = "security = \"none\"";
const APPSEC: &str = "to = [\"appsec@example.org\"]";
const ADA: &str = "ada@example.org";

/// All that went out, without what would hide a secret in it from a search.
fn unfolded(text: &str) -> String {
    text.replace("=\r\n", "")
}
