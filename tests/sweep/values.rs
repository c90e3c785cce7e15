//! Values of findings, sealed.

use super::{Farm, Run, Sieve, Value, contains, leaks};
use crate::support::{pack::hex, plant, rng::Rng};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A pair of keys beside the store: the private one; the public one is beside it.
fn keys(farm: &Farm, name: &str) -> PathBuf {
    let file = farm.dir.path().join(name);
    let run = farm.run(&["key", file.to_str().unwrap()]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(run.stdout.is_empty());
    file
}

fn public(private: &Path) -> String {
    format!("{}.pub", private.display())
}

fn sweep_sealing(farm: &Farm, key: &Path) -> Run {
    let run = farm.sweep(&["--seal-values", &public(key)]);
    assert!(run.status <= 1, "{}", run.stderr);
    run
}

/// What `sweep values` prints, which may show secrets.
fn values(farm: &Farm, key: &Path, args: &[&str]) -> Run {
    let mut all = vec!["sweep", "values", "--key", key.to_str().unwrap()];
    all.extend_from_slice(args);
    Sieve::new(&all)
        .variable("GITSIEVE_STORE", farm.store())
        .run()
}

fn json(run: &Run) -> Value {
    serde_json::from_slice(&run.stdout).unwrap_or_else(|e| panic!("{e}: {}", run.stderr))
}

/// Values by repository.
fn clear(json: &Value) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = json["values"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|one| {
            let value = one["value"].as_str().unwrap();
            let names = one["repositories"].as_array().unwrap();
            names
                .iter()
                .map(move |name| (name.as_str().unwrap().to_owned(), value.to_owned()))
        })
        .collect();
    all.sort();
    all
}

/// Every byte of the store.
fn stored(farm: &Farm) -> Vec<u8> {
    let mut all = Vec::new();
    for end in ["", "-wal"] {
        all.extend(fs::read(format!("{}{end}", farm.store().display())).unwrap_or_default());
    }
    all
}

#[test]
fn values_come_back_with_the_private_key_and_no_other_way() {
    let mut farm = Farm::new();
    let (a, b) = (farm.add("team/a.git"), farm.add("team/b.git"));
    let key = keys(&farm, "organisation");
    sweep_sealing(&farm, &key);
    let bytes = stored(&farm);
    for secret in [&a, &b] {
        assert!(!leaks(&bytes, secret), "the store holds a secret in clear");
        assert!(!leaks(&bytes, &hex(secret.as_bytes())));
        for shift in 0..3 {
            let text = format!("{}{secret}", "x".repeat(shift));
            let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text);
            assert!(!leaks(&bytes, &base64[4..base64.len() - 4]));
        }
    }
    // It is the right file that was searched.
    assert!(contains(&bytes, b"deploy.sh"));

    let run = values(&farm, &key, &["-f", "json"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let all = json(&run);
    assert_eq!(
        clear(&all),
        [
            ("team/a".to_owned(), a.clone()),
            ("team/b".to_owned(), b.clone())
        ]
    );
    for one in all["values"].as_array().unwrap() {
        assert_eq!(one["matches_fingerprint"], true);
        assert_eq!(one["gone"], false);
    }
    let run = values(&farm, &key, &[]);
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(text.contains(&a) && text.contains(&b), "for people");

    // One of them.
    let first = all["values"][0].clone();
    let fingerprint = first["fingerprint"].as_str().unwrap();
    let run = values(&farm, &key, &["--fingerprint", fingerprint, "-f", "json"]);
    assert_eq!(json(&run)["values"], serde_json::json!([first]));
    let absent = format!("v1:{}", "0".repeat(32));
    let run = values(&farm, &key, &["--fingerprint", &absent, "-f", "json"]);
    assert_eq!(run.status, 3);
    assert!(run.stderr.contains(&absent), "{}", run.stderr);

    // Fingerprints under a key of fingerprints are of other values, as far as one can tell.
    let other = farm.dir.path().join("fingerprint-key");
    fs::write(&other, "sixteen bytes or more").unwrap();
    let args = [
        "--fingerprint-key-file",
        other.to_str().unwrap(),
        "-f",
        "json",
    ];
    let unsure = json(&values(&farm, &key, &args));
    assert_eq!(unsure["values"][0]["matches_fingerprint"], false);

    // No other command shows any, and sweeps never saw the private key.
    let run = farm.run(&["report", "-f", "json"]);
    assert_eq!(run.status, 0);
    let run = farm.run(&["status"]);
    assert_eq!(run.status, 0);
}

#[test]
fn nothing_is_sealed_unless_it_is_asked_for() {
    let mut farm = Farm::new();
    farm.add("team/a.git");
    let key = keys(&farm, "organisation");
    farm.sweep(&[]);
    let run = values(&farm, &key, &["-f", "json"]);
    assert_eq!((run.status, clear(&json(&run)).len()), (0, 0));
    assert!(run.stderr.contains("--seal-values"), "{}", run.stderr);
    // Later it is, although nothing changed in the repository.
    let run = sweep_sealing(&farm, &key);
    assert!(
        run.stderr
            .contains("0 unchanged, 1 scanned (1 objects), 0 new"),
        "{}",
        run.stderr
    );
    assert_eq!(clear(&json(&values(&farm, &key, &["-f", "json"]))).len(), 1);
}

#[test]
fn what_another_key_sealed_is_told_and_the_rest_is_shown() {
    let mut farm = Farm::new();
    let (one, two) = (keys(&farm, "one"), keys(&farm, "two"));
    farm.add("team/a.git");
    sweep_sealing(&farm, &one);
    let a = json(&values(&farm, &one, &["-f", "json"]))["values"][0]["fingerprint"].clone();
    let b = farm.add("team/b.git");
    // The first is left as it is.
    let run = farm.sweep(&["--seal-values", &public(&two), "--exclude", "team/a"]);
    assert!(run.status <= 1, "{}", run.stderr);
    let run = values(&farm, &two, &["-f", "json"]);
    assert_eq!(run.status, 3);
    let shown = json(&run);
    assert_eq!(clear(&shown), [("team/b".to_owned(), b)]);
    assert_eq!(shown["not_opened"][0]["fingerprint"], a);
    assert!(run.stderr.contains(a.as_str().unwrap()), "{}", run.stderr);
    // The next sweep seals it anew.
    sweep_sealing(&farm, &two);
    let run = values(&farm, &two, &["-f", "json"]);
    assert_eq!((run.status, clear(&json(&run)).len()), (0, 2));
    let run = values(&farm, &one, &["-f", "json"]);
    assert_eq!((run.status, clear(&json(&run)).len()), (3, 0));
}

#[test]
fn keys_are_not_written_over_and_not_taken_for_each_other() {
    let mut farm = Farm::new();
    farm.add("team/a.git");
    let key = keys(&farm, "organisation");
    let (private, sealing) = (fs::read(&key).unwrap(), fs::read(public(&key)).unwrap());
    for file in [&private, &sealing] {
        let lines: Vec<&[u8]> = file.trim_ascii_end().split(|b| *b == b'\n').collect();
        assert!(lines.len() == 2 && lines[0].starts_with(b"# gitsieve"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&key), 0o600);
        let out = farm.dir.path().join("values.json");
        sweep_sealing(&farm, &key);
        let run = values(&farm, &key, &["-f", "json", "-o", out.to_str().unwrap()]);
        assert_eq!((run.status, run.stdout.len()), (0, 0));
        assert_eq!(mode(&out), 0o600);
        assert!(leaks(&fs::read(&out).unwrap(), &farm.secrets[0]));
    }
    let again = |name: &str| farm.run(&["key", farm.dir.path().join(name).to_str().unwrap()]);
    assert_eq!(again("organisation").status, 2);
    assert_eq!(fs::read(&key).unwrap(), private);
    assert_eq!(fs::read(public(&key)).unwrap(), sealing);
    // A public key that is there already, alone.
    fs::write(farm.dir.path().join("lone.pub"), "x").unwrap();
    assert_eq!(again("lone").status, 2);
    assert!(!farm.dir.path().join("lone").exists());
    assert_eq!(again("nowhere/key").status, 2);

    for (run, word) in [
        (
            farm.sweep(&["--seal-values", key.to_str().unwrap()]),
            "private key",
        ),
        (values(&farm, Path::new(&public(&key)), &[]), "public key"),
        (
            farm.sweep(&["--seal-values", farm.store().to_str().unwrap()]),
            "no key",
        ),
        (values(&farm, &farm.store(), &[]), "no key"),
        (
            values(&farm, &key, &["-f", "sarif"]),
            "formats human and json",
        ),
        (
            values(&farm, &key, &["--fingerprint", "x"]),
            "--fingerprint",
        ),
    ] {
        assert_eq!(run.status, 2, "{}", run.stderr);
        assert!(run.stderr.contains(word), "{word}: {}", run.stderr);
        assert!(run.stdout.is_empty());
    }
}

#[test]
fn both_halves_of_a_credential_come_back() {
    let mut farm = Farm::new();
    let text = plant::anything(&mut Rng::new(7), 6);
    let mut halves = text
        .lines()
        .map(|line| line.split_once(" = ").unwrap().1.to_owned());
    let (id, secret) = (halves.next().unwrap(), halves.next().unwrap());
    farm.add_file("a.git", &text);
    farm.secrets.extend([id.clone(), secret.clone()]);
    let key = keys(&farm, "organisation");
    sweep_sealing(&farm, &key);
    let all = json(&values(&farm, &key, &["-f", "json"]));
    let ones = all["values"].as_array().unwrap();
    let one = ones.iter().find(|one| one["value"] == *secret).unwrap();
    assert_eq!(one["parts"][0]["value"], *id, "{}", one["rule"]);
    assert!(!leaks(&stored(&farm), &secret));
}
