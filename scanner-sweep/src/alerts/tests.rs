//! Queueing and sending, to servers on the loopback device.

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

#[test]
fn what_is_new_is_told_once() {
    tells_once(&Lab::new());
}

#[cfg(all(feature = "postgres", target_os = "linux"))]
#[test]
fn workers_that_share_a_store_tell_once() {
    use crate::store::{Address, Patience};

    let Some(server) = crate::support::postgres::Postgres::start() else {
        return;
    };
    let address = Address::parse(&server.uri(), None).unwrap();
    let connect = || Store::connect(&address, Patience::none()).unwrap();
    let lab = Lab::on(connect(), TempDir::new().unwrap());
    tells_once(&lab);
    assert_eq!(lab.states(), [AlertState::Sent, AlertState::Sent]);

    // Several queue and send at once.
    let fake = Fake::start(|_, _| Reply::status(200));
    let alerts = lab.web(&fake, "webhook", "");
    let many: Vec<String> = (0..20).map(|n| format!("P/{n}")).collect();
    let findings: Vec<Planted<'_>> = many.iter().map(|name| (&**name, 9, ADA, ADA)).collect();
    let sweep = lab.found(&findings, false);
    let now = lab.now.get();
    let queued: u64 = std::thread::scope(|scope| {
        let one = || alerts.queue(&connect(), sweep, now).unwrap();
        let all: Vec<_> = (0..4).map(|_| scope.spawn(one)).collect();
        all.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!(queued, 1);
    assert_eq!(lab.send(&alerts).sent, 1);
    let body: serde_json::Value = serde_json::from_slice(&fake.asked()[0].body).unwrap();
    assert_eq!(body["total"], 20);
    assert_eq!(lab.store.count_alerts().unwrap()[&AlertState::Sent], 3);
    assert_eq!(lab.store.revive_alerts(now).unwrap(), 0);
    lab.store.hold_alerts("web", now + 5).unwrap();
}

fn tells_once(lab: &Lab) {
    lab.found(&[("P/old", 1, ADA, ADA)], false);
    let fake = Fake::start(|_, _| Reply::status(204));
    let alerts = lab.web(&fake, "webhook", "");
    assert_eq!(
        lab.sweep(&alerts, &[("P/a", 2, ADA, ADA), ("P/b", 2, ADA, ADA)]),
        1
    );
    assert_eq!(lab.send(&alerts).sent, 1);
    let asked = fake.asked().remove(0);
    assert_eq!(
        (&*asked.method, &*asked.target),
        ("POST", "/hook?token=abc")
    );
    let body: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(body["version"], 1);
    assert_eq!((&body["sweep"], &body["total"]), (&2.into(), &2.into()));
    assert_eq!(body["findings"][0]["repository"], "P/a");
    assert_eq!(body["findings"][1]["link"], "https://git.example/P/b?a&b");
    let finding = &body["findings"][1]["finding"];
    assert_eq!(
        (&finding["rule_id"], &finding["severity"]),
        (&"acme".into(), &"high".into())
    );
    assert_eq!(finding["occurrences"][0]["start_line"], 2);

    // The same again, and what was there before the channel was.
    let again = [("P/a", 2, ADA, ADA), ("P/old", 1, ADA, ADA)];
    assert_eq!(lab.sweep(&alerts, &again), 0);
    assert_eq!(lab.send(&alerts), Sent::default());
    assert_eq!(lab.sweep(&alerts, &[("P/a", 3, ADA, ADA)]), 1);
    assert_eq!(lab.send(&alerts).sent, 1);
    assert_eq!(fake.asked().len(), 2);
}

#[test]
fn a_process_that_ends_before_it_queues_or_sends_loses_nothing() {
    let lab = Lab::new();
    let fake = Fake::start(|_, _| Reply::status(200));
    let alerts = lab.web(&fake, "webhook", "");
    // It ended after the scan.
    alerts.know(&lab.store).unwrap();
    lab.found(&[("P/a", 1, ADA, ADA)], false);
    assert_eq!(lab.sweep(&alerts, &[]), 1);
    // It ended before it sent, and the next one has the store from the disk.
    let path = lab.dir.path().join("sweep.db");
    let other = Lab::on(Store::open(&path).unwrap(), TempDir::new().unwrap());
    let others = other.web(&fake, "webhook", "");
    // It ended while it sent: the claim holds for a while.
    let allowance = crate::store::Allowance { per_hour: 10 };
    let next = lab
        .store
        .next_alert("web", "gone", lab.now.get(), allowance)
        .unwrap();
    assert!(matches!(next, crate::store::Next::Alert(_)), "{next:?}");
    assert_eq!(other.send(&others), Sent::default());
    other.later(3_600);
    assert_eq!(other.send(&others).sent, 1);
    assert_eq!(fake.asked().len(), 1);
    // The one that was thought to be gone has no say any more.
    let late = crate::store::Outcome::Dead("late".into());
    lab.store
        .settle_alert(1, "gone", lab.now.get(), &late)
        .unwrap();
    assert_eq!(lab.states(), [AlertState::Sent]);
}

#[test]
fn owners_are_written_to_in_their_domains_alone() {
    let lab = Lab::new();
    let fake = FakeSmtp::start(&["8BITMIME"]);
    let owners =
        "to = \"owners\"\nowner-domains = [\"example.org\"]\nfallback = [\"appsec@example.org\"]";
    let alerts = lab.mail(&fake, PLAIN, owners);
    let secret_in_address = format!("{}@example.org", token(5));
    let queued = lab.sweep(
        &alerts,
        &[
            ("P/a", 1, ADA, "Bob@Example.org"),
            ("P/b", 2, ADA, "noreply@elsewhere.example"),
            ("P/c", 3, "eve@evil.example", "eve@sub.example.org"),
            (
                "P/d",
                4,
                "ada@example.org\nBcc: x@evil.example",
                "ada@example.org, x@evil.example",
            ),
            ("P/e", 5, &secret_in_address, ""),
        ],
    );
    assert_eq!(queued, 3);
    assert_eq!(lab.send(&alerts).sent, 3);
    let mut got: Vec<(Vec<String>, Vec<&str>)> = Vec::new();
    let mails = fake.mails();
    for mail in &mails {
        let all = ["P/a", "P/b", "P/c", "P/d", "P/e"];
        let named = all.into_iter().filter(|name| {
            let line = format!("repository: {name}");
            unfolded(&mail.text).contains(&line)
        });
        got.push((mail.to.clone(), named.collect()));
    }
    got.sort();
    let to = |name: &str| vec![format!("{name}@example.org")];
    assert_eq!(
        got,
        [
            (to("ada"), vec!["P/a", "P/b"]),
            (to("appsec"), vec!["P/c", "P/d", "P/e"]),
            (to("bob"), vec!["P/a"]),
        ]
    );
    let commands = fake.commands().join("\n");
    assert!(
        !commands.contains("evil") && !commands.contains("acme"),
        "{commands}"
    );
    for mail in &mails {
        assert!(
            mail.text.contains("Auto-Submitted: auto-generated\r\n"),
            "{}",
            mail.text
        );
        assert!(mail.text.contains("Message-ID: <"), "{}", mail.text);
        assert!(
            mail.text.contains("From: gitsieve <gitsieve@example.org>"),
            "{}",
            mail.text
        );
    }
}

/// The secret stands in path, author and first line of the commit's message.
#[test]
fn no_message_shows_a_secret_or_acts_on_a_terminal() {
    let lab = Lab::new();
    let web = Fake::start(|_, _| Reply::status(200));
    let smtp = FakeSmtp::start(&[]);
    lab.file("url", &web.origin());
    let kinds = ["slack", "teams", "webhook"].map(|kind| {
        format!("[[channel]]\nname = \"{kind}\"\nkind = \"{kind}\"\nurl-file = \"url\"\n")
    });
    let alerts = lab.open(&format!(
        "[smtp]\nhost = \"127.0.0.1\"\nport = {}\n{PLAIN}\nfrom = \"a@example.org\"\n\
         [[channel]]\nname = \"mail\"\nkind = \"mail\"\n{APPSEC}\n{}",
        smtp.port(),
        kinds.concat()
    ));
    let planted: Vec<String> = (0..30).map(|n| format!("P/{n}")).collect();
    let planted: Vec<Planted<'_>> = planted
        .iter()
        .enumerate()
        .map(|(n, name)| (name.as_str(), n, ADA, ADA))
        .collect();
    assert_eq!(lab.sweep(&alerts, &planted), 4);
    assert_eq!(lab.send(&alerts).sent, 4);
    let mut all: Vec<(String, String)> = web
        .asked()
        .into_iter()
        .map(|asked| ("web".to_owned(), String::from_utf8(asked.body).unwrap()))
        .collect();
    all.push(("mail".to_owned(), unfolded(&smtp.mails()[0].text)));
    assert_eq!(all.len(), 4);
    for (kind, text) in &all {
        for n in 0..30 {
            // Its number is in it, whole, only as part of the token.
            assert!(!text.contains(&token(n)[5..]), "{kind}: {text}");
        }
        assert!(!text.contains('\u{1b}'), "{kind}: {text}");
        assert!(
            text.contains("Ada acm") || text.contains("Ada ***"),
            "{kind}: {text}"
        );
    }
    assert!(all[3].1.contains("And 10 more"), "{}", all[3].1);
    assert!(
        all[0].1.contains("and 10 more") && all[1].1.contains("and 1"),
        "{all:?}"
    );
    let errors = format!("{:?}", lab.store.alerts(None).unwrap());
    assert!(!errors.contains("acme_"), "{errors}");
}

#[test]
fn what_is_suppressed_is_not_told_until_it_counts() {
    let lab = Lab::new();
    let fake = Fake::start(|_, _| Reply::status(200));
    let alerts = lab.web(&fake, "webhook", "");
    alerts.know(&lab.store).unwrap();
    let sweep = lab.found(&[("P/a", 1, ADA, ADA)], true);
    assert_eq!(alerts.queue(&lab.store, sweep, lab.now.get()).unwrap(), 0);
    assert_eq!(lab.sweep(&alerts, &[("P/a", 1, ADA, ADA)]), 1);
    // Decided on while it waits.
    lab.found(&[("P/a", 1, ADA, ADA)], true);
    assert_eq!(lab.send(&alerts), Sent::default());
    assert_eq!(lab.states(), [AlertState::Withdrawn]);
    assert!(fake.asked().is_empty());
}

#[test]
fn channels_choose_by_level_and_repository() {
    let lab = Lab::new();
    let fake = Fake::start(|_, _| Reply::status(200));
    lab.file("url", &fake.origin());
    let channel = |name: &str, more: &str| {
        format!("[[channel]]\nname = \"{name}\"\nkind = \"webhook\"\nurl-file = \"url\"\n{more}\n")
    };
    let alerts = lab.open(
        &[
            channel("grave", "min-severity = \"critical\""),
            channel("some", "min-severity = \"high\"\nrepositories = [\"P/*\"]"),
        ]
        .concat(),
    );
    assert_eq!(
        lab.sweep(&alerts, &[("P/a", 1, ADA, ADA), ("Q/a", 2, ADA, ADA)]),
        1
    );
    let queued = lab.store.alerts(None).unwrap();
    assert_eq!((&*queued[0].channel, queued[0].findings), ("some", 1));
    lab.send(&alerts);
    let body = String::from_utf8(fake.asked().remove(0).body).unwrap();
    assert!(
        body.contains("\"repository\":\"P/a\"") && !body.contains("Q/a"),
        "{body}"
    );
}

#[test]
fn programs_get_every_finding() {
    let lab = Lab::new();
    let fake = Fake::start(|_, _| Reply::status(200));
    let alerts = lab.web(&fake, "webhook", "");
    let names: Vec<String> = (0..230).map(|n| format!("P/{n}")).collect();
    let planted: Vec<Planted<'_>> = names
        .iter()
        .map(|name| (name.as_str(), 1, ADA, ADA))
        .collect();
    assert_eq!(lab.sweep(&alerts, &planted), 3);
    assert_eq!(lab.send(&alerts).sent, 3);
    let mut told = Vec::new();
    for asked in fake.asked() {
        let body: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
        for one in body["findings"].as_array().unwrap() {
            told.push(one["repository"].as_str().unwrap().to_owned());
        }
    }
    told.sort();
    let mut names = names.clone();
    names.sort();
    assert_eq!(told, names);
}

#[test]
fn a_server_that_fails_is_tried_again_and_again_and_then_given_up() {
    let lab = Lab::new();
    let fake = Fake::start(|count, _| Reply::status(if count < 3 { 500 } else { 200 }));
    let alerts = lab.web(&fake, "slack", "");
    lab.sweep(&alerts, &[("P/a", 1, ADA, ADA)]);
    let sent = lab.send(&alerts);
    assert_eq!((sent.sent, sent.failed), (0, 1));
    assert_eq!(sent.troubles["web"], "the server answers 500");
    assert_eq!(
        lab.pauses.take(),
        [Duration::from_secs(1), Duration::from_secs(2)]
    );
    let waiting = lab.store.alerts(None).unwrap().remove(0);
    assert_eq!((waiting.state, waiting.attempts), (AlertState::Queued, 1));
    assert_eq!(waiting.due_at, lab.now.get() + 300);
    assert_eq!(waiting.error.as_deref(), Some("the server answers 500"));
    // Not due yet.
    assert_eq!(lab.send(&alerts), Sent::default());
    lab.later(300);
    assert_eq!(lab.send(&alerts).sent, 1);

    let fake = Fake::start(|_, _| Reply::status(503));
    let alerts = lab.web(&fake, "slack", "[limits]\nattempts = 4\n");
    lab.sweep(&alerts, &[("P/a", 2, ADA, ADA)]);
    let mut delays = Vec::new();
    for _ in 0..3 {
        assert_eq!(lab.send(&alerts).failed, 1);
        let due = lab.store.alerts(Some(AlertState::Queued)).unwrap()[0].due_at;
        delays.push(due - lab.now.get());
        lab.now.set(due);
    }
    assert_eq!(delays, [300, 600, 1_200]);
    assert_eq!(lab.send(&alerts).dead, 1);
    let dead = lab.store.alerts(Some(AlertState::Dead)).unwrap().remove(0);
    assert_eq!(
        dead.error.unwrap(),
        "given up after 4 attempts: the server answers 503"
    );

    // Too old, however few attempts there were.
    let alerts = lab.web(&fake, "slack", "[limits]\ngive-up-days = 2\n");
    lab.sweep(&alerts, &[("P/a", 3, ADA, ADA)]);
    lab.later(2 * 86_400);
    assert_eq!(lab.send(&alerts).dead, 1);
}

#[test]
fn what_is_refused_is_given_up_at_once_and_can_be_put_back() {
    let lab = Lab::new();
    for status in [400, 404, 302] {
        let fake = Fake::start(move |_, _| Reply::status(status).with("Location", "/x"));
        let alerts = lab.web(&fake, "teams", "");
        lab.sweep(&alerts, &[("P/a", usize::from(status), ADA, ADA)]);
        let sent = lab.send(&alerts);
        assert_eq!((sent.sent, sent.failed, sent.dead), (0, 0, 1), "{status}");
        assert_eq!(fake.asked().len(), 1, "{status}");
        assert!(!sent.to_string().contains("abc"), "{sent}");
    }
    let fake = Fake::start(|_, _| Reply::status(202));
    let alerts = lab.web(&fake, "teams", "");
    assert_eq!(lab.send(&alerts), Sent::default());
    assert_eq!(lab.store.revive_alerts(lab.now.get()).unwrap(), 3);
    assert_eq!(lab.send(&alerts).sent, 3);
    assert_eq!(lab.states(), [AlertState::Sent; 3]);
}

#[test]
fn a_server_that_asks_for_patience_gets_it_for_the_whole_channel() {
    let lab = Lab::new();
    let fake = Fake::start(|count, _| match count {
        0 => Reply::status(429).with("Retry-After", "4"),
        1 => Reply::status(429).with("Retry-After", "900"),
        _ => Reply::status(200),
    });
    let alerts = lab.web(&fake, "webhook", "");
    let names: Vec<String> = (0..150).map(|n| format!("P/{n}")).collect();
    let planted: Vec<Planted<'_>> = names
        .iter()
        .map(|name| (name.as_str(), 1, ADA, ADA))
        .collect();
    assert_eq!(lab.sweep(&alerts, &planted), 2);
    let sent = lab.send(&alerts);
    assert_eq!((sent.sent, sent.failed), (0, 1));
    // What is short is waited for at once.
    assert_eq!(lab.pauses.take(), [Duration::from_secs(4)]);
    let queued = lab.store.alerts(None).unwrap();
    assert!(
        queued.iter().all(|a| a.due_at == lab.now.get() + 900),
        "{queued:?}"
    );
    lab.later(899);
    assert_eq!(lab.send(&alerts), Sent::default());
    lab.later(1);
    assert_eq!(lab.send(&alerts).sent, 2);
}

#[test]
fn more_than_the_limit_waits_for_the_next_hour() {
    let lab = Lab::new();
    let fake = Fake::start(|_, _| Reply::status(200));
    let alerts = lab.web(&fake, "webhook", "[limits]\nper-hour = 2\n");
    for n in 0..5 {
        lab.sweep(&alerts, &[("P/a", n, ADA, ADA)]);
    }
    let sent = lab.send(&alerts);
    assert_eq!(
        (sent.sent, sent.limited.len(), sent.is_clean()),
        (2, 1, true)
    );
    assert_eq!(lab.send(&alerts).sent, 0);
    lab.later(3_600);
    assert_eq!(lab.send(&alerts).sent, 2);
    lab.later(3_600);
    assert_eq!(lab.send(&alerts).sent, 1);
    assert_eq!(fake.asked().len(), 5);
}

#[test]
fn an_interrupt_leaves_the_rest_as_it_was() {
    let lab = Lab::new();
    let fake = Fake::start(|_, _| Reply::status(200));
    let alerts = lab.web(&fake, "webhook", "");
    lab.sweep(&alerts, &[("P/a", 1, ADA, ADA)]);
    let stopped = AtomicBool::new(true);
    let clock = Clock {
        now: &|| lab.now.get(),
        pause: &|_| {},
        interrupt: &stopped,
    };
    let sent = alerts.send(&lab.store, &clock).unwrap();
    assert!(sent.stopped && fake.asked().is_empty(), "{sent:?}");
    assert_eq!(lab.send(&alerts).sent, 1);
}

#[test]
fn mail_goes_out_after_login_and_replies_decide_what_becomes_of_it() {
    let lab = Lab::new();
    lab.file("password", "swordfish\n");
    let login = "security = \"none\"\nuser = \"robot\"\npassword-file = \"password\"";
    let fake = FakeSmtp::start(&["AUTH PLAIN LOGIN"]);
    let alerts = lab.mail(&fake, login, APPSEC);
    lab.sweep(&alerts, &[("P/a", 1, ADA, ADA)]);
    assert_eq!(lab.send(&alerts).sent, 1);
    // `printf '\0robot\0swordfish' | base64`
    let plain = concat!("AUTH PLAIN AHJvYm90AHN3", "b3JkZmlzaA==");
    assert!(
        fake.commands().iter().any(|c| c == plain),
        "{:?}",
        fake.commands()
    );
    assert_eq!(fake.mails()[0].to, ["appsec@example.org"]);
    assert!(
        fake.mails()[0]
            .text
            .contains("Subject: gitsieve: 1 new secret in P/a\r\n")
    );

    // The server does not like the password, and quotes it: no mail is given up for that.
    let fake = FakeSmtp::answering(&["AUTH PLAIN"], |command| {
        command.starts_with("AUTH").then_some("535 not swordfish")
    });
    let alerts = lab.mail(&fake, login, APPSEC);
    lab.sweep(&alerts, &[("P/a", 2, ADA, ADA)]);
    let sent = lab.send(&alerts);
    assert_eq!((sent.failed, sent.dead), (1, 0));
    assert!(!sent.to_string().contains("swordfish"), "{sent}");
    assert!(!format!("{alerts:?} {:?}", lab.store.alerts(None)).contains("swordfish"));
    lab.later(300);
    let fake = FakeSmtp::start(&["AUTH PLAIN"]);
    assert_eq!(lab.send(&lab.mail(&fake, login, APPSEC)).sent, 1);

    // One address is refused for good, another for now, and the third gets its mail.
    let fake = FakeSmtp::answering(&[], |command| match command {
        "RCPT TO:<a@example.org>" => Some("550 5.1.1 no such user"),
        "RCPT TO:<b@example.org>" => Some("450 4.2.0 greylisted"),
        _ => None,
    });
    let three = "to = [\"a@example.org\", \"b@example.org\", \"c@example.org\"]";
    let alerts = lab.mail(&fake, PLAIN, three);
    lab.sweep(&alerts, &[("P/a", 3, ADA, ADA)]);
    let sent = lab.send(&alerts);
    assert_eq!((sent.sent, sent.failed, sent.dead), (1, 1, 1));
    assert_eq!(fake.mails()[0].to, ["c@example.org"]);
    let dead = lab.store.alerts(Some(AlertState::Dead)).unwrap().remove(0);
    assert_eq!(dead.recipient, "a@example.org");
    assert!(dead.error.unwrap().contains("no such user"));
}

#[test]
fn nothing_is_sent_in_the_open_where_tls_is_asked_for() {
    let lab = Lab::new();
    lab.file("password", "swordfish\n");
    let login = "user = \"robot\"\npassword-file = \"password\"";
    // One server knows no STARTTLS; the other says it does, and then speaks no TLS.
    for extensions in [&["AUTH PLAIN"][..], &["AUTH PLAIN", "STARTTLS"][..]] {
        let fake = FakeSmtp::start(extensions);
        let alerts = lab.mail(&fake, login, APPSEC);
        lab.sweep(&alerts, &[("P/a", extensions.len(), ADA, ADA)]);
        let sent = lab.send(&alerts);
        assert_eq!((sent.sent, sent.failed), (0, 1), "{sent}");
        let commands = fake.commands();
        let open = commands
            .iter()
            .any(|c| c.starts_with("AUTH") || c.starts_with("MAIL"));
        assert!(!open && fake.mails().is_empty(), "{commands:?}");
    }
    let closed = lab.mail(&FakeSmtp::start(&[]), "security = \"tls\"", APPSEC);
    lab.later(300);
    let sent = lab.send(&closed);
    assert_eq!((sent.sent, sent.failed), (0, 1), "{sent}");
}

#[test]
fn secrets_that_are_not_there_and_templates_that_do_not_work_are_told_together() {
    let lab = Lab::new();
    lab.file("url", "http://chat.example/hook?token=abc");
    lab.file("good", "https://chat.example/hook?token=abc");
    lab.file("t.json", "{\"a\": {{ findings[0].nothing }} }");
    lab.file("t.txt", "no json");
    lab.file("header", "no header abc");
    let channel = |name: &str, more: &str| {
        format!("[[channel]]\nname = \"{name}\"\nkind = \"webhook\"\n{more}\n")
    };
    let config = [
        channel("none", "url-file = \"nowhere\""),
        channel("unset", "url-env = \"GITSIEVE_TEST_NO_SUCH_URL\""),
        channel("open", "url-file = \"url\""),
        channel("header", "url-file = \"good\"\nheader-file = \"header\""),
        channel("ca", "url-file = \"good\"\nca = \"t.txt\""),
        channel("undefined", "url-file = \"good\"\ntemplate = \"t.json\""),
        channel("text", "url-file = \"good\"\ntemplate = \"t.txt\""),
    ]
    .concat();
    let origin = lab.dir.path().join("alerts.toml");
    let config = Config::parse(&config, origin.to_str().unwrap()).unwrap();
    let told = Alerts::open(config, "h", "process")
        .unwrap_err()
        .to_string();
    assert!(!told.contains("abc"), "{told}");
    let lines: Vec<&str> = told.lines().collect();
    for (line, words) in lines.iter().zip([
        "none: cannot read the address",
        "unset: the environment variable GITSIEVE_TEST_NO_SUCH_URL",
        "open: the address of its web server: must begin with https://",
        "header: ",
        "ca: cannot take certificates",
        "undefined: template ",
        "text: the template gives no JSON",
    ]) {
        assert!(line.contains(words), "{words}: {told}");
    }
    assert_eq!(lines.len(), 7, "{told}");
}

#[test]
fn templates_make_the_whole_message() {
    let lab = Lab::new();
    let fake = Fake::start(|_, _| Reply::status(200));
    lab.file("url", &fake.origin());
    lab.file(
        "t.json",
        "{\"n\": {{ total }}, \"repo\": {{ findings[0].repository | tojson }}}",
    );
    let alerts = lab.open(
        "[[channel]]\nname = \"x\"\nkind = \"slack\"\nurl-file = \"url\"\ntemplate = \"t.json\"\n",
    );
    lab.sweep(&alerts, &[("P/\"a", 1, ADA, ADA)]);
    assert_eq!(lab.send(&alerts).sent, 1);
    let body: serde_json::Value = serde_json::from_slice(&fake.asked()[0].body).unwrap();
    assert_eq!(body, serde_json::json!({"n": 1, "repo": "P/\"a"}));
}

#[test]
fn a_test_reaches_the_channel_and_leaves_no_trace() {
    let lab = Lab::new();
    let smtp = FakeSmtp::start(&[]);
    let owners = "to = \"owners\"\nowner-domains = [\"x.org\"]\nfallback = [\"f@example.org\"]";
    let alerts = lab.mail(&smtp, PLAIN, owners);
    assert_eq!(alerts.test("mail").unwrap(), ["f@example.org"]);
    assert!(
        smtp.mails()[0].text.contains("This is a test"),
        "{:?}",
        smtp.mails()
    );
    assert!(
        alerts
            .test("nail")
            .unwrap_err()
            .to_string()
            .contains("mail")
    );
    let web = Fake::start(|_, _| Reply::status(403));
    let error = lab
        .web(&web, "teams", "")
        .test("web")
        .unwrap_err()
        .to_string();
    assert_eq!(error, "channel web: the server answers 403");
    assert!(lab.states().is_empty());
}
