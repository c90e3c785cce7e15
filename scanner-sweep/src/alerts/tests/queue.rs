//! What is queued, once, and for whom it waits.

use super::*;

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
    assert_eq!(alerts.revive(&lab.store, now).unwrap(), 0);
    lab.store.hold_alerts("web", now + 5).unwrap();
    lab.found(&[("P/0", 10, ADA, ADA)], false);
    assert_eq!(alerts.queue(&lab.store, sweep, now).unwrap(), 1);
    assert_eq!(alerts.bury(&lab.store, now).unwrap(), BTreeMap::new());
    let buried = lab.store.bury_alerts(&["other"], now).unwrap();
    assert_eq!(buried, BTreeMap::from([("web".to_owned(), 1)]));
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
fn what_waits_for_a_channel_that_is_gone_is_given_up_and_comes_back_with_it() {
    let lab = Lab::new();
    let fake = Fake::start(|_, _| Reply::status(200));
    lab.file("url", &fake.origin());
    let open = |names: &[&str]| {
        let channel = |name: &&str| {
            format!("[[channel]]\nname = \"{name}\"\nkind = \"slack\"\nurl-file = \"url\"\n")
        };
        lab.open(&names.iter().map(channel).collect::<String>())
    };
    let all = open(&["a", "b", "c"]);
    assert_eq!(lab.sweep(&all, &[("P/a", 1, ADA, ADA)]), 3);
    // A process that has the older file is sending this one.
    let allowance = crate::store::Allowance { per_hour: 10 };
    let next = lab.store.next_alert("c", "other", lab.now.get(), allowance);
    assert!(matches!(next.unwrap(), crate::store::Next::Alert(_)));

    let rest = open(&["b"]);
    let bury = || rest.bury(&lab.store, lab.now.get()).unwrap();
    assert_eq!(bury(), BTreeMap::from([("a".to_owned(), 1)]));
    assert_eq!(bury(), BTreeMap::new(), "told once");
    let dead = lab.store.alerts(Some(AlertState::Dead)).unwrap();
    assert_eq!((dead.len(), &*dead[0].channel), (1, "a"));
    assert_eq!(dead[0].error.as_deref(), Some("no channel of this name"));
    assert_eq!(lab.send(&rest).sent, 1);
    // That process is gone too.
    lab.later(3_600);
    assert_eq!(bury(), BTreeMap::from([("c".to_owned(), 1)]));
    assert_eq!(rest.revive(&lab.store, lab.now.get()).unwrap(), 0);

    // One channel's, and the others'.
    let only = open(&["a", "b", "c"]).only("c").unwrap();
    assert_eq!(only.revive(&lab.store, lab.now.get()).unwrap(), 1);
    assert_eq!(lab.send(&only).sent, 1);
    assert_eq!(all.revive(&lab.store, lab.now.get()).unwrap(), 1);
    assert_eq!(lab.send(&all).sent, 1);
    assert_eq!(lab.states(), [AlertState::Sent; 3]);
    let unknown = all.only("d").unwrap_err().to_string();
    assert_eq!(unknown, "there is no channel \"d\": the file has a, b, c");
}
