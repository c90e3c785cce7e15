//! What servers answer, and what becomes of a message then.

use super::*;

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
    assert_eq!(alerts.revive(&lab.store, lab.now.get()).unwrap(), 3);
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
