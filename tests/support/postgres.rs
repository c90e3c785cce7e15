//! A PostgreSQL server of a test's own, gone with it.

use super::certificates::Certificates;
use std::{
    env, fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

/// A server on this machine, with a user and a database `app`.
pub struct Postgres {
    dir: TempDir,
    programs: PathBuf,
    port: u16,
    running: Option<Child>,
}

impl Postgres {
    /// Starts one; `None` where PostgreSQL is not installed, which in CI is a failure.
    pub fn start() -> Option<Self> {
        let programs = programs();
        assert!(
            programs.is_some() || env::var_os("CI").is_none(),
            "PostgreSQL is not installed, or GITSIEVE_TEST_POSTGRES does not name the directory of \
             its programs"
        );
        let dir = TempDir::new().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut server = Self {
            dir,
            programs: programs?,
            port,
            running: None,
        };
        let made = server
            .command("initdb")
            .args([
                "-A",
                "trust",
                "-U",
                "app",
                "-E",
                "UTF8",
                "--no-locale",
                "--no-sync",
                "-D",
            ])
            .arg(server.data())
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        server.resume();
        let made = server
            .command("createdb")
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &server.port.to_string(),
                "-U",
                "app",
                "app",
            ])
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        Some(server)
    }

    /// The address of its database.
    pub fn uri(&self) -> String {
        Self::uri_at(self.port)
    }

    /// The address of its database, by way of another port.
    pub fn uri_at(port: u16) -> String {
        format!("postgres://app@127.0.0.1:{port}/app")
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// What a query says: rows as lines, columns with a `|` between.
    pub fn query(&self, sql: &str) -> String {
        let output = self
            .command("psql")
            .arg("-h")
            .arg(self.dir.path())
            .args(["-p", &self.port.to_string(), "-U", "app", "-d", "app"])
            .args(["-X", "-q", "-A", "-t", "-c", sql])
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{sql}: {error}");
        String::from_utf8(output.stdout)
            .unwrap()
            .trim_end()
            .to_owned()
    }

    /// Lets nobody in without a password from now on.
    pub fn ask_for_passwords(&self) {
        let rules = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
        fs::write(self.data().join("pg_hba.conf"), rules).unwrap();
        self.query("SELECT pg_reload_conf()");
    }

    /// Restarts it with TLS; returns the certificate that its own is checked against. `None` where
    /// OpenSSL is not installed, which in CI is a failure.
    pub fn encrypt(&mut self) -> Option<PathBuf> {
        let names = "DNS:localhost,IP:127.0.0.1";
        let certificates = Certificates::make_by(self.dir.path(), names, || {
            let mut command = as_user();
            command.arg("openssl");
            command
        })?;
        self.query(&format!(
            "ALTER SYSTEM SET ssl_cert_file = '{}'",
            certificates.server.display()
        ));
        self.query(&format!(
            "ALTER SYSTEM SET ssl_key_file = '{}'",
            certificates.key.display()
        ));
        self.query("ALTER SYSTEM SET ssl = on");
        self.stop();
        self.resume();
        Some(certificates.authority)
    }

    /// Stops it as a machine that restarts does: connections are cut.
    pub fn stop(&mut self) {
        self.end("-INT");
    }

    /// Ends it as a loss of power does: what it has not written yet is lost.
    pub fn crash(&mut self) {
        self.end("-QUIT");
    }

    fn end(&mut self, signal: &str) {
        if let Some(mut child) = self.running.take() {
            let mut kill = Command::new("kill");
            kill.args([signal, &child.id().to_string()])
                .status()
                .unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it again.
    pub fn resume(&mut self) {
        let log = fs::File::create(self.dir.path().join("log")).unwrap();
        let child = self
            .command("postgres")
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &self.port.to_string(),
                "-c",
                "fsync=off",
                "-k",
            ])
            .arg(self.dir.path())
            .arg("-D")
            .arg(self.data())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.running = Some(child);
        let until = Instant::now() + PATIENCE;
        let ready = || {
            let port = self.port.to_string();
            let mut ask = self.command("pg_isready");
            ask.args(["-q", "-h", "127.0.0.1", "-p", &port])
                .status()
                .unwrap()
                .success()
        };
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() || !ready() {
            assert!(
                Instant::now() < until,
                "{}",
                fs::read_to_string(self.dir.path().join("log")).unwrap()
            );
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// One of its programs, which end with this test, and do not run as root.
    fn command(&self, name: &str) -> Command {
        let mut command = as_user();
        command
            .arg(self.programs.join(name))
            .current_dir(self.dir.path());
        command.env("LC_ALL", "C");
        command
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A program that ends with this test, and does not run as root.
fn as_user() -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]);
    if rustix::process::geteuid().is_root() {
        command.args([
            "--reuid",
            "postgres",
            "--regid",
            "postgres",
            "--clear-groups",
        ]);
    }
    command
}

/// The directory of the server's programs.
fn programs() -> Option<PathBuf> {
    let named = env::var_os("GITSIEVE_TEST_POSTGRES").map(PathBuf::from);
    let installed = || {
        let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
        let mut versions: Vec<PathBuf> = versions.flatten().map(|e| e.path().join("bin")).collect();
        versions.sort();
        versions.pop()
    };
    let in_path = || {
        let path = env::var_os("PATH")?;
        env::split_paths(&path).find(|dir| is_there(dir))
    };
    named
        .or_else(installed)
        .filter(|dir| is_there(dir))
        .or_else(in_path)
}

fn is_there(dir: &Path) -> bool {
    ["initdb", "postgres", "psql"]
        .iter()
        .all(|name| dir.join(name).is_file())
}
