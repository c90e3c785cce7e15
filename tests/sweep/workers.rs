//! Several workers on one store in a real PostgreSQL. They do nothing where it is not installed.

use super::{Farm, Run, Sieve, Value, binary, clear_environment};
use crate::support::postgres::Postgres;
use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(120);

/// A way to a server that can be cut.
struct Way {
    port: u16,
    cut: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Way {
    fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let way = Self {
            port: listener.local_addr().unwrap().port(),
            cut: Arc::default(),
            open: Arc::default(),
        };
        let (cut, open) = (Arc::clone(&way.cut), Arc::clone(&way.open));
        // Ends with the process.
        thread::spawn(move || {
            for near in listener.incoming() {
                let near = near.unwrap();
                if cut.load(Ordering::Relaxed) {
                    continue;
                }
                let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else {
                    break;
                };
                let both = [near.try_clone().unwrap(), far.try_clone().unwrap()];
                open.lock().unwrap().extend(both);
                for (mut from, mut to) in [
                    (near.try_clone().unwrap(), far.try_clone().unwrap()),
                    (far, near),
                ] {
                    thread::spawn(move || {
                        let mut buffer = [0; 4096];
                        while let Ok(n @ 1..) = from.read(&mut buffer) {
                            if to.write_all(&buffer[..n]).is_err() {
                                break;
                            }
                        }
                        drop(to.shutdown(Shutdown::Both));
                    });
                }
            }
        });
        way
    }

    fn cut(&self) {
        self.cut.store(true, Ordering::Relaxed);
        for stream in self.open.lock().unwrap().drain(..) {
            drop(stream.shutdown(Shutdown::Both));
        }
    }

    fn mend(&self) {
        self.cut.store(false, Ordering::Relaxed);
    }
}

/// A worker at work.
struct Running {
    child: Child,
    said: PathBuf,
}

impl Running {
    fn start(farm: &Farm, name: &str, uri: &str) -> Self {
        let said = farm.dir.path().join(name);
        let mut command = Command::new(binary());
        clear_environment(&mut command);
        let child = command
            .arg("sweep")
            .arg(farm.root())
            .args(["--threads", "1", "--lease", "2s", "-v", "--store", uri])
            .stdout(Stdio::null())
            .stderr(fs::File::create(&said).unwrap())
            .spawn()
            .unwrap();
        Self { child, said }
    }

    fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        kill.args([name, &self.child.id().to_string()]);
        assert!(kill.status().unwrap().success());
    }

    /// Stops it in the middle of a repository.
    fn catch_at_work(&mut self, server: &Postgres) {
        let until = Instant::now() + PATIENCE;
        let mine = format!(
            "SELECT COUNT(*) FROM repository WHERE worker LIKE '% {} %'",
            self.child.id()
        );
        loop {
            assert!(Instant::now() < until && self.child.try_wait().unwrap().is_none());
            thread::sleep(Duration::from_millis(15));
            self.signal("-STOP");
            // What it asked for last is done.
            thread::sleep(Duration::from_millis(50));
            if server.query("SELECT to_regclass('visit') IS NOT NULL") == "t"
                && server.query(&mine) != "0"
            {
                return;
            }
            self.signal("-CONT");
        }
    }

    /// Waits for its end; returns its status and what it said.
    fn end(mut self) -> (Option<i32>, String) {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return (status.code(), fs::read_to_string(&self.said).unwrap());
            }
            assert!(
                Instant::now() < until,
                "{}",
                fs::read_to_string(&self.said).unwrap()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_worker_that_is_killed_and_one_that_is_cut_off_lose_nothing() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let mut farm = Farm::new();
    for n in 0..16 {
        farm.add(&format!("r{n:02}.git"));
    }
    let uri = server.uri();
    let mut killed = Running::start(&farm, "killed", &uri);
    killed.catch_at_work(&server);
    let way = Way::to(server.port());
    let mut lost = Running::start(&farm, "lost", &Postgres::uri_at(way.port));
    lost.catch_at_work(&server);
    way.cut();
    killed.signal("-KILL");
    killed.end();
    let third = Running::start(&farm, "third", &uri);
    let (status, said) = third.end();
    assert!(status == Some(1) || status == Some(0), "{said}");
    // All is scanned, though one is still asleep.
    let todo = "SELECT COUNT(*) FROM repository WHERE state IS NULL";
    assert_eq!(server.query(todo), "0", "{said}");

    way.mend();
    lost.signal("-CONT");
    let (status, said) = lost.end();
    assert!(status == Some(1) || status == Some(0), "{said}");
    assert!(said.contains("another worker has taken it over"), "{said}");
    let twice = "SELECT repository FROM visit GROUP BY repository HAVING COUNT(*) <> 1";
    assert_eq!(server.query(twice), "");
    assert_eq!(server.query("SELECT COUNT(*) FROM sweep"), "3");

    let ask = |args: &[&str]| -> Run {
        let mut all = vec!["sweep"];
        all.extend_from_slice(args);
        Sieve::new(&all)
            .variable("GITSIEVE_STORE", &uri)
            .hiding(farm.secrets.clone())
            .run()
    };
    let run = ask(&["report", "-f", "json"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    let report: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!(report["findings"], farm.afresh());
    let run = ask(&["status"]);
    let text = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(
        text.contains("16 critical") && text.contains("killed"),
        "{text}"
    );
    // The store holds no secret either.
    let all = server.query("SELECT document, receipt FROM finding f, repository r");
    for secret in &farm.secrets {
        assert!(!all.contains(secret.as_str()));
    }
}

#[test]
fn passwords_are_not_taken_from_arguments_and_reach_the_server_from_elsewhere() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let mut farm = Farm::new();
    farm.add("a.git");
    let word = ["correct", "horse"].join("-");
    server.query(&format!("ALTER USER app PASSWORD '{word}'"));
    server.ask_for_passwords();
    let bare = server.uri();
    let full = bare.replace("app@", &format!("app:{word}@"));
    let root = farm.root();
    let root = root.to_str().unwrap();
    let hiding = || Sieve::new(&["sweep", root, "--store", &bare]).hiding(vec![word.clone()]);

    let run = hiding().run();
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("password"), "{}", run.stderr);
    let run = Sieve::new(&["sweep", root, "--store", &full])
        .hiding(vec![word.clone()])
        .run();
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("other users can see"), "{}", run.stderr);

    let run = hiding().variable("PGPASSWORD", &word).run();
    assert_eq!(run.status, 1, "{}", run.stderr);
    let file = farm.dir.path().join("password");
    fs::write(&file, format!("{word}\n")).unwrap();
    let run = hiding()
        .variable("GITSIEVE_STORE_PASSWORD_FILE", &file)
        .run();
    assert_eq!(run.status, 0, "{}", run.stderr);
    let run = Sieve::new(&["sweep", root])
        .variable("GITSIEVE_STORE", &full)
        .hiding(vec![word.clone()])
        .run();
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(run.stderr.contains("1 unchanged"), "{}", run.stderr);
    let wrong = hiding().variable("PGPASSWORD", "wrong").run();
    assert_eq!(wrong.status, 2);
    assert!(wrong.stderr.contains("postgres://app@"), "{}", wrong.stderr);
}
