//! Sweeps with a store in a real PostgreSQL. They do nothing where it is not installed.

use super::*;
use crate::{
    store::{Address, Patience, Visit},
    support::postgres::Postgres,
};
use std::sync::{Arc, atomic::AtomicUsize};

fn address(server: &Postgres) -> Address {
    Address::parse(&server.uri(), None).unwrap()
}

pub(super) fn connect(server: &Postgres) -> Store {
    Store::connect(&address(server), Patience::none()).unwrap()
}

fn worker(name: &str, lease: Duration) -> Worker {
    Worker {
        name: name.to_owned(),
        lease,
    }
}

#[test]
fn a_database_says_what_a_file_would() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let farm = Farm::new();
    let store = connect(&server);
    assert!(store.is_shared() && !store.name().is_empty());
    says_what_one_sweep_would(&farm, &store, 7);
    // What the other ways to look at it need.
    let totals = store.totals().unwrap();
    assert!(totals.repositories > 0);
    assert_eq!(store.sweeps(3).unwrap().len(), 3);
    store.mean_days_to_removal().unwrap();
    assert!(
        crate::metrics::prometheus(&store)
            .unwrap()
            .contains("gitsieve_repositories 3")
    );
    crate::report::receipt(&store, |_| true).unwrap();
    let last = store.last_sweep().unwrap().unwrap();
    store.findings(Which::NewIn(last)).unwrap();
    store.findings(Which::NewInRoundOf(last)).unwrap();
    let leases = server.query("SELECT COUNT(*) FROM repository WHERE worker IS NOT NULL");
    assert_eq!(leases, "0", "what was leased is given back");
}

#[test]
fn many_findings_are_kept_in_a_database() {
    let Some(server) = Postgres::start() else {
        return;
    };
    keeps_many_findings(&Farm::new(), &connect(&server));
}

#[test]
fn tables_are_made_once_however_many_workers_begin() {
    let Some(server) = Postgres::start() else {
        return;
    };
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| connect(&server));
        }
    });
    assert_eq!(server.query("SELECT COUNT(*) FROM meta"), "1");
}

#[test]
fn workers_share_the_repositories_and_scan_each_once() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let farm = Farm::new();
    for n in 0..12 {
        farm.repository(&format!("r{n:02}"));
        farm.commit(&format!("r{n:02}"), "secret", &token("acme", n));
        if n % 3 == 0 {
            farm.fork(&format!("r{n:02}"), &format!("fork{n:02}"));
        }
    }
    for full in [false, true] {
        let begun = AtomicUsize::new(0);
        // The second waits until the first is at work; so they are of one round.
        let meet = Meanwhile(|_: &str| {
            begun.fetch_add(1, Ordering::Relaxed);
            while begun.load(Ordering::Relaxed) < 2 {
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let run = |name: &str| {
            let (rules, triage) = (rules(&["acme"]), Triage::new(None));
            let settings = Settings {
                full,
                threads: 1,
                worker: worker(name, Duration::from_secs(60)),
                ..settings(&rules, &triage)
            };
            let never = AtomicBool::new(false);
            let store = connect(&server);
            sweep(&store, &farm.discover(), &settings, &Make, &meet, &never).unwrap()
        };
        let (one, two) = std::thread::scope(|scope| {
            let one = scope.spawn(|| run("one"));
            let two = scope.spawn(|| run("two"));
            (one.join().unwrap(), two.join().unwrap())
        });
        let scanned = one.counts.scanned + two.counts.scanned;
        assert_eq!(scanned, 16, "{one:?} {two:?}");
        assert!(one.counts.scanned > 0 && two.counts.scanned > 0);
        let rounds = server.query("SELECT COUNT(DISTINCT round) FROM sweep");
        assert_eq!(rounds, if full { "2" } else { "1" });
        let store = connect(&server);
        assert_eq!(present(&store), afresh(&farm, &rules(&["acme"])));
        if !full {
            let new = store.findings(Which::NewInRoundOf(two.sweep)).unwrap();
            assert_eq!(new.len(), 16);
        }
    }
}

#[test]
fn who_does_not_answer_loses_its_lease_and_may_not_write() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let farm = Farm::new();
    farm.repository("r");
    let store = connect(&server);
    let found = farm.discover();
    let ids = store.register(&[&found[0]], "host", 0).unwrap();
    let slow = worker("slow", Duration::from_secs(1));
    let quick = worker("quick", Duration::from_secs(60));
    let sweep = store.begin_sweep(0, "host", "1", "", &slow).unwrap();
    assert!(
        store
            .take(&slow, sweep, &ids, &|_, _| false)
            .unwrap()
            .is_some()
    );
    assert_eq!(
        store.take(&quick, sweep, &ids, &|_, _| false).unwrap(),
        None
    );
    let until = Instant::now() + Duration::from_secs(3);
    while Instant::now() < until {
        store.keep(&slow, sweep).unwrap();
        assert_eq!(
            store.take(&quick, sweep, &ids, &|_, _| false).unwrap(),
            None
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    std::thread::sleep(Duration::from_millis(2_100));
    assert!(
        store
            .take(&quick, sweep, &ids, &|_, _| false)
            .unwrap()
            .is_some()
    );
    let visit = |worker| Visit {
        sweep,
        repository: ids[0],
        worker,
        started: 0,
        milliseconds: 0,
        outcome: VisitOutcome::Complete,
        state: Some("state"),
        settings: "",
        objects: 0,
        report: None,
        exhaustive: false,
        seal: None,
        message: None,
    };
    // Saying that one lives does not bring back what another has.
    store.keep(&slow, sweep).unwrap();
    assert_eq!(store.visited(&visit(&slow)).unwrap(), None);
    assert_eq!(store.repositories().unwrap()[&found[0].key].state, None);
    assert_eq!(store.visited(&visit(&quick)).unwrap(), Some((0, 0)));
    // It is free now.
    assert!(
        store
            .take(&slow, sweep, &ids, &|_, _| false)
            .unwrap()
            .is_some()
    );
    store.give_back(&quick, &ids).unwrap();
    assert_eq!(
        store.take(&quick, sweep, &ids, &|_, _| false).unwrap(),
        None
    );
    store.give_back(&slow, &ids).unwrap();
    assert!(
        store
            .take(&quick, sweep, &ids, &|_, _| false)
            .unwrap()
            .is_some()
    );
}

#[test]
fn a_database_that_is_down_for_a_while_costs_nothing() {
    let Some(mut server) = Postgres::start() else {
        return;
    };
    let farm = Farm::new();
    for n in 0..6 {
        farm.repository(&format!("r{n}"));
        farm.commit(&format!("r{n}"), "secret", &token("acme", n));
    }
    let waited = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&waited);
    let patience = Patience {
        wait: Duration::from_secs(60),
        stop: Arc::default(),
        told: Box::new(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        }),
    };
    let address = address(&server);
    let store = Store::connect(&address, patience).unwrap();
    let begun = AtomicUsize::new(0);
    let (third, is_third) = mpsc::channel();
    let (down, is_down) = mpsc::channel();
    let is_down = Mutex::new(is_down);
    let outage = Meanwhile(|_: &str| {
        if begun.fetch_add(1, Ordering::Relaxed) == 2 {
            third.send(()).unwrap();
            is_down.lock().unwrap().recv().unwrap();
        }
    });
    let (rules, triage) = (rules(&["acme"]), Triage::new(None));
    let swept = std::thread::scope(|scope| {
        let swept = scope.spawn(|| {
            let settings = settings(&rules, &triage);
            let never = AtomicBool::new(false);
            sweep(&store, &farm.discover(), &settings, &Make, &outage, &never).unwrap()
        });
        is_third.recv().unwrap();
        server.stop();
        down.send(()).unwrap();
        let until = Instant::now() + Duration::from_secs(30);
        while waited.load(Ordering::Relaxed) == 0 {
            assert!(Instant::now() < until, "nobody noticed");
            std::thread::sleep(Duration::from_millis(10));
        }
        server.resume();
        swept.join().unwrap()
    });
    assert_eq!(swept.counts.scanned, 6);
    assert_eq!(present(&store), afresh(&farm, &rules));

    // Who does not wait for it hears why.
    let hasty = Store::connect(&address, Patience::none()).unwrap();
    server.stop();
    assert!(matches!(hasty.totals(), Err(StoreError::Lost(_))));
    assert!(matches!(
        Store::connect(&address, Patience::none()),
        Err(StoreError::Lost(_))
    ));
}

#[test]
fn a_server_that_loses_its_last_transactions_loses_no_finding() {
    let Some(mut server) = Postgres::start() else {
        return;
    };
    let farm = Farm::new();
    for n in 0..6 {
        farm.repository(&format!("r{n}"));
        farm.commit(&format!("r{n}"), "secret", &token("acme", n));
        let store = connect(&server);
        farm.sweep(&store);
        server.crash();
        server.resume();
    }
    let store = connect(&server);
    farm.sweep(&store);
    assert_eq!(present(&store), afresh(&farm, &rules(&["acme"])));
    assert_eq!(farm.sweep(&store).counts.unchanged, 6);
}

#[test]
fn connections_are_encrypted_and_certificates_checked() {
    let Some(mut server) = Postgres::start() else {
        return;
    };
    let Some(authority) = server.encrypt() else {
        return;
    };
    let uri = server.uri().replace("127.0.0.1", "localhost");
    let open = |parameters: &str| {
        let address = Address::parse(&format!("{uri}?{parameters}"), None).unwrap();
        Store::connect(&address, Patience::none())
    };
    let encrypted = || {
        server.query(
            "SELECT COUNT(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
             WHERE application_name = 'gitsieve' AND ssl",
        )
    };
    let file = format!("sslrootcert={}", authority.display());
    let store = open(&format!("sslmode=verify-full&{file}")).unwrap();
    assert_eq!(store.totals().unwrap().repositories, 0);
    assert_eq!(encrypted(), "1");
    drop(store);
    // An authority that the web does not know is not trusted by itself, and not waited for.
    let refused = open("sslmode=require").unwrap_err();
    assert!(matches!(refused, StoreError::Open { .. }), "{refused}");
    let missing = open("sslmode=require&sslrootcert=/nowhere/ca.pem").unwrap_err();
    assert!(missing.to_string().contains("/nowhere/ca.pem"), "{missing}");
    // This machine needs no encryption.
    open("").unwrap();
}
