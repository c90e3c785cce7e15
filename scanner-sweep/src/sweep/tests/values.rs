//! Values of findings in a store.

use super::*;
use crate::{
    seal::{OpenError, PrivateKey},
    store::SealedValue,
};

fn sweep_sealing(farm: &Farm, store: &Store, key: Option<&PrivateKey>) -> Swept {
    let (rules, triage) = (rules(&["acme"]), Triage::new(None));
    let settings = Settings {
        seal: key.map(PrivateKey::public),
        ..settings(&rules, &triage)
    };
    let never = AtomicBool::new(false);
    let found = farm.discover();
    sweep(store, &found, &settings, &Make, &NoSweepObserver, &never).unwrap()
}

/// Values by repository.
fn values(store: &Store, key: &PrivateKey) -> Vec<(String, Result<String, OpenError>)> {
    let open = |one: &SealedValue| {
        let opened = one.open(key)?;
        Ok(String::from_utf8(opened.value.reveal().to_vec()).unwrap())
    };
    let all = store.sealed_values().unwrap();
    let mut all: Vec<_> = all
        .iter()
        .map(|one| (one.repository.clone(), open(one)))
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn farm_of_three() -> Farm {
    let farm = Farm::new();
    for n in 0..3 {
        farm.repository(&format!("r{n}"));
    }
    farm.commit("r1", "secret", &token("acme", 1));
    farm.commit("r2", "secret", &token("acme", 2));
    farm
}

/// How many repositories a sweep scanned, and objects.
fn work(swept: &Swept) -> (u64, u64) {
    (swept.counts.scanned, swept.counts.objects)
}

#[test]
fn a_sweep_with_a_key_seals_what_is_not_sealed_for_it_and_reads_no_more_than_that() {
    let farm = farm_of_three();
    let store = farm.store();
    seals_what_is_not_sealed(&farm, &store);
}

#[cfg(all(feature = "postgres", target_os = "linux"))]
#[test]
fn values_are_sealed_in_a_database_too() {
    let Some(server) = crate::support::postgres::Postgres::start() else {
        return;
    };
    seals_what_is_not_sealed(&farm_of_three(), &shared::connect(&server));
}

fn seals_what_is_not_sealed(farm: &Farm, store: &Store) {
    let (one, two) = (
        PrivateKey::generate().unwrap(),
        PrivateKey::generate().unwrap(),
    );
    let both = |value: fn(usize) -> Result<String, OpenError>| {
        vec![("r1".to_owned(), value(1)), ("r2".to_owned(), value(2))]
    };
    let clear = both(|n| Ok(token("acme", n)));
    sweep_sealing(farm, store, None);
    assert_eq!(values(store, &one), []);
    // Two objects, in which something was found.
    assert_eq!(work(&sweep_sealing(farm, store, Some(&one))), (2, 2));
    assert_eq!(values(store, &one), clear);
    assert_eq!(work(&sweep_sealing(farm, store, Some(&one))), (0, 0));
    // What is sealed stays, with other sweeps too.
    farm.commit("r1", "more", "nothing\n");
    assert_eq!(sweep_sealing(farm, store, None).counts.scanned, 1);
    assert_eq!(values(store, &one), clear);
    // Another key.
    assert_eq!(work(&sweep_sealing(farm, store, Some(&two))), (2, 2));
    assert_eq!(values(store, &two), clear);
    let closed: Vec<_> = values(store, &one);
    let other = OpenError::OtherKey(two.public().id().clone());
    assert!(closed.iter().all(|(_, value)| *value == Err(other.clone())));
}

#[test]
fn what_is_gone_keeps_its_value_and_is_not_looked_for_again() {
    let farm = farm_of_three();
    let store = farm.store();
    let key = PrivateKey::generate().unwrap();
    sweep_sealing(&farm, &store, Some(&key));
    farm.git("r1", &["reset", "-q", "--hard", "HEAD~1"]);
    farm.git("r1", &["reflog", "expire", "--expire=now", "--all"]);
    farm.git("r1", &["gc", "-q", "--prune=now"]);
    assert_eq!(
        sweep_sealing(&farm, &store, Some(&key))
            .counts
            .gone_findings,
        1
    );
    assert_eq!(values(&store, &key).len(), 2);
    assert!(store.sealed_values().unwrap().iter().any(|one| one.gone));
    let other = PrivateKey::generate().unwrap();
    assert_eq!(sweep_sealing(&farm, &store, Some(&other)).counts.scanned, 1);
    assert_eq!(sweep_sealing(&farm, &store, Some(&other)).counts.scanned, 0);
}

#[test]
fn rows_that_were_swapped_or_damaged_are_not_taken_for_values() {
    let farm = farm_of_three();
    let store = farm.store();
    let key = PrivateKey::generate().unwrap();
    sweep_sealing(&farm, &store, Some(&key));
    let database = rusqlite::Connection::open(farm.store_path()).unwrap();
    let swap = "CREATE TEMP TABLE old AS SELECT repository, sealed FROM finding;
                UPDATE finding SET sealed =
                    (SELECT sealed FROM old WHERE old.repository <> finding.repository);
                DROP TABLE old;";
    database.execute_batch(swap).unwrap();
    for (_, value) in values(&store, &key) {
        assert_eq!(value, Err(OpenError::Swapped));
    }
    database.execute_batch(swap).unwrap();
    assert!(values(&store, &key).iter().all(|(_, value)| value.is_ok()));
    let damage = "UPDATE finding SET sealed = zeroblob(length(sealed))
                  WHERE fingerprint = (SELECT MIN(fingerprint) FROM finding)";
    assert_eq!(database.execute(damage, []).unwrap(), 1);
    let opened: Vec<_> = values(&store, &key);
    let damaged = opened
        .iter()
        .filter(|(_, v)| *v == Err(OpenError::Damaged))
        .count();
    assert_eq!(
        (damaged, opened.iter().filter(|(_, v)| v.is_ok()).count()),
        (1, 1)
    );
}
