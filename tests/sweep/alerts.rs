//! Alerts, through the command: from a commit to a mail, a chat and a document.

use crate::{
    Farm,
    support::{
        plant,
        repo::hermetic_git,
        rng::Rng,
        sieve::{Run, leaks},
        smtp::FakeSmtp,
        web::{Fake, Reply},
    },
};
use serde_json::Value;
use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

/// The people of commits are those of the tests' git.
const AUTHOR: &str = "author@example.org";
const COMMITTER: &str = "committer@example.org";

impl Farm {
    fn write(&self, name: &str, content: &str) -> String {
        let file = self.dir.path().join(name);
        fs::write(&file, content).unwrap();
        file.to_str().unwrap().to_owned()
    }

    /// A file with one channel that posts here.
    fn posting(&self, fake: &Fake, kind: &str, more: &str) -> String {
        self.write("url", &format!("{}/hook?token=swordfish", fake.origin()));
        let channel =
            format!("{more}\n[[channel]]\nname = \"web\"\nkind = \"{kind}\"\nurl-file = \"url\"\n");
        self.write("alerts.toml", &channel)
    }

    fn alerts(&self, args: &[&str]) -> Vec<Value> {
        let mut all = vec!["alerts", "-f", "json"];
        all.extend_from_slice(args);
        let mut listed = self.json(&all);
        serde_json::from_value(listed["alerts"].take()).unwrap()
    }
}

fn says_nothing_secret(run: &Run) {
    let stdout = String::from_utf8_lossy(&run.stdout);
    for text in [&*stdout, &run.stderr] {
        assert!(!text.contains("swordfish"), "{text}");
    }
}

#[test]
fn owners_chats_and_programs_are_told_of_what_is_new_and_of_nothing_else() {
    let mut farm = Farm::new();
    farm.add("old.git");
    farm.sweep(&[]);
    let (web, smtp) = (
        Fake::start(|_, _| Reply::status(200)),
        FakeSmtp::start(&["AUTH PLAIN"]),
    );
    farm.write("url", &format!("{}/hook?token=swordfish", web.origin()));
    farm.write("password", "swordfish\n");
    let config = farm.write(
        "alerts.toml",
        &format!(
            "[smtp]\nhost = \"localhost\"\nport = {}\nsecurity = \"none\"\nuser = \"robot\"\n\
             password-file = \"password\"\nfrom = \"gitsieve <noreply@example.org>\"\n\
             [[channel]]\nname = \"owners\"\nkind = \"mail\"\nto = \"owners\"\n\
             owner-domains = [\"example.org\"]\nfallback = [\"appsec@example.org\"]\n\
             [[channel]]\nname = \"chat\"\nkind = \"slack\"\nurl-file = \"url\"\n\
             [[channel]]\nname = \"programs\"\nkind = \"webhook\"\nurl-file = \"url\"\n",
            smtp.port()
        ),
    );
    farm.add("team/new.git");
    let run = farm.sweep(&["--alerts", &config]);
    assert_eq!(run.status, 1, "{}", run.stderr);
    assert!(run.stderr.contains("alerts: 4 sent"), "{}", run.stderr);
    says_nothing_secret(&run);

    let mut to: Vec<String> = smtp.mails().into_iter().flat_map(|mail| mail.to).collect();
    to.sort();
    assert_eq!(to, [AUTHOR, COMMITTER]);
    let mut told: Vec<String> = smtp.mails().into_iter().map(|mail| mail.text).collect();
    let bodies: Vec<Value> = web
        .asked()
        .iter()
        .map(|asked| serde_json::from_slice(&asked.body).unwrap())
        .collect();
    assert!(
        bodies[0]["text"]
            .as_str()
            .unwrap()
            .contains("1 new secret in team/new")
    );
    assert_eq!(bodies[1]["total"], 1);
    let finding = &bodies[1]["findings"][0];
    assert_eq!(finding["repository"], "team/new");
    assert_eq!(finding["finding"]["rule_id"], plant::GITHUB_RULE);
    let known = farm.known();
    let same = |one: &&Value| one["fingerprint"] == finding["finding"]["fingerprint"];
    let known = known.as_array().unwrap().iter().find(same).unwrap().clone();
    assert_eq!(known["redacted"], finding["finding"]["redacted"]);
    told.extend(bodies.iter().map(Value::to_string));
    for text in &told {
        assert!(text.contains("team/new") && !text.contains("old"), "{text}");
        assert!(
            farm.secrets
                .iter()
                .all(|secret| !leaks(text.as_bytes(), secret)),
            "{text}"
        );
    }

    let run = farm.sweep(&["--alerts", &config]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(!run.stderr.contains("alerts"), "{}", run.stderr);
    assert_eq!((smtp.mails().len(), web.asked().len()), (2, 2));
    let listed = farm.alerts(&["--state", "sent"]);
    assert_eq!(listed.len(), 4);
    assert!(listed.iter().all(|one| one["findings"] == 1), "{listed:?}");
}

/// A commit whose message, author and path hold the secret.
#[test]
fn a_secret_in_a_commits_own_words_goes_nowhere() {
    let mut farm = Farm::new();
    let token = plant::github_token(&mut Rng::new(99));
    farm.secrets.push(token.clone());
    let repository = farm.root().join("r");
    fs::create_dir_all(&repository).unwrap();
    farm.git("r", &["init", "-q", "-b", "main"]);
    fs::write(
        repository.join(format!("{token}.txt")),
        format!("key={token}\n"),
    )
    .unwrap();
    farm.git("r", &["add", "-A"]);
    let message = format!("use {token} <!channel> @here");
    let output = hermetic_git(&repository, 1_700_000_000)
        .args(["commit", "-q", "-m", &message])
        .env("GIT_AUTHOR_NAME", format!("Ada {token}"))
        .env("GIT_AUTHOR_EMAIL", format!("{token}@example.org"))
        .env("GIT_COMMITTER_EMAIL", "eve@elsewhere.example")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");

    let (web, smtp) = (Fake::start(|_, _| Reply::status(200)), FakeSmtp::start(&[]));
    farm.write("url", &web.origin());
    let channels = ["slack", "teams", "webhook"].map(|kind| {
        format!("[[channel]]\nname = \"{kind}\"\nkind = \"{kind}\"\nurl-file = \"url\"\n")
    });
    let config = farm.write(
        "alerts.toml",
        &format!(
            "[smtp]\nhost = \"localhost\"\nport = {}\nsecurity = \"none\"\nfrom = \"a@example.org\"\n\
             [[channel]]\nname = \"owners\"\nkind = \"mail\"\nto = \"owners\"\n\
             owner-domains = [\"example.org\"]\nfallback = [\"appsec@example.org\"]\n{}",
            smtp.port(),
            channels.concat()
        ),
    );
    let run = farm.sweep(&["--alerts", &config]);
    assert!(run.stderr.contains("alerts: 4 sent"), "{}", run.stderr);
    assert_eq!(smtp.mails()[0].to, ["appsec@example.org"]);
    let mut all = smtp.mails()[0].text.replace("=\r\n", "") + &smtp.commands().join("\n");
    for asked in web.asked() {
        all += &String::from_utf8(asked.body).unwrap();
    }
    assert!(all.contains("Ada gh"), "{all}");
    assert!(!leaks(all.as_bytes(), &token), "{all}");
    let stored = fs::read(farm.store()).unwrap();
    assert!(!leaks(&stored, &token));
}

#[test]
fn alerts_that_fail_change_no_status_wait_and_are_put_back() {
    let mut farm = Farm::new();
    farm.add("a.git");
    let fake = Fake::start(|_, _| Reply::status(404));
    let config = farm.posting(&fake, "webhook", "");
    let metrics = farm.dir.path().join("gitsieve.prom");
    let args = [
        "--alerts",
        &config,
        "--metrics-file",
        metrics.to_str().unwrap(),
        "-q",
    ];
    let run = farm.sweep(&args);
    assert_eq!(run.status, 1, "{}", run.stderr);
    // One line, and the quiet are told too.
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("1 given up") && run.stderr.contains("answers 404"));
    says_nothing_secret(&run);
    let text = fs::read_to_string(metrics).unwrap();
    for line in ["gitsieve_alerts_dead 1", "gitsieve_alerts_queued 0"] {
        assert!(text.lines().any(|l| l == line), "{line}: {text}");
    }
    let run = farm.run(&["alerts", "--state", "dead"]);
    let shown = String::from_utf8(run.stdout).unwrap();
    assert!(
        shown.contains("dead") && shown.contains("web") && shown.contains("404"),
        "{shown}"
    );
    let run = farm.run(&["alerts", "--retry", "--alerts", &config]);
    assert_eq!(run.status, 3, "{}", run.stderr);
    drop(fake);

    let fake = Fake::start(|_, _| Reply::status(200));
    let config = farm.posting(&fake, "webhook", "");
    let run = farm.sweep(&["--alerts", &config]);
    assert_eq!((run.status, fake.asked().len()), (0, 0), "{}", run.stderr);
    let run = farm.run(&["alerts", "--retry", "--alerts", &config]);
    assert_eq!((run.status, fake.asked().len()), (0, 1), "{}", run.stderr);
    assert_eq!(farm.alerts(&["--state", "dead"]).len(), 0);
    assert_eq!(farm.alerts(&[])[0]["state"], "sent");
}

#[test]
fn what_waits_for_a_channel_that_is_gone_is_given_up_and_retried_by_channel() {
    let mut farm = Farm::new();
    farm.add("a.git");
    let fake = Fake::start(|count, _| match count {
        0 | 1 => Reply::status(503).with("Retry-After", "900"),
        _ => Reply::status(200),
    });
    farm.write("url", &fake.origin());
    let channel = |name: &str| {
        format!("[[channel]]\nname = \"{name}\"\nkind = \"webhook\"\nurl-file = \"url\"\n")
    };
    let both = farm.write("both.toml", &(channel("old") + &channel("new")));
    let one = farm.write("one.toml", &channel("new"));
    let run = farm.sweep(&["--alerts", &both]);
    assert!(run.stderr.contains("2 failed"), "{}", run.stderr);

    let run = farm.sweep(&["--alerts", &one]);
    let words = "the file has no channel of this name any more: old (1)";
    assert_eq!(run.status, 0, "{}", run.stderr);
    assert!(run.stderr.contains(words), "{}", run.stderr);
    let run = farm.sweep(&["--alerts", &one]);
    assert!(!run.stderr.contains("no channel"), "{}", run.stderr);
    let dead = farm.alerts(&["--state", "dead"]);
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0]["channel"], "old");
    assert_eq!(dead[0]["error"], "no channel of this name");

    let retry = |file: &str, name: &str| {
        farm.run(&["alerts", "--retry", "--alerts", file, "--channel", name])
    };
    let run = retry(&one, "old");
    assert_eq!(run.status, 2, "{}", run.stderr);
    assert!(run.stderr.contains("no channel \"old\""), "{}", run.stderr);
    // The other channel's waits on.
    let run = retry(&both, "old");
    assert_eq!((run.status, fake.asked().len()), (0, 3), "{}", run.stderr);
    assert_eq!(farm.alerts(&["--state", "sent"])[0]["channel"], "old");
    assert_eq!(farm.alerts(&["--state", "queued"])[0]["channel"], "new");
    let run = farm.run(&["alerts", "--channel", "old"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("--retry"), "{}", run.stderr);
}

/// Killed again and again at different times: every finding is told, and none is queued twice.
#[test]
fn a_sweep_that_is_killed_tells_everything_in_the_end() {
    let mut farm = Farm::new();
    for n in 0..6 {
        farm.add(&format!("r{n}.git"));
    }
    // It takes its time, so that some processes end while it answers.
    let fake = Fake::start(|_, _| {
        std::thread::sleep(Duration::from_millis(150));
        Reply::status(200)
    });
    let config = farm.posting(&fake, "webhook", "");
    for round in 0..10_u64 {
        let mut child = farm.start(&["--alerts", &config]);
        std::thread::sleep(Duration::from_millis(30 + round * 25));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let run = farm.sweep(&["--alerts", &config]);
    assert!(run.status <= 1, "{}", run.stderr);
    let findings: u64 = farm
        .alerts(&[])
        .iter()
        .map(|one| one["findings"].as_u64().unwrap())
        .sum();
    assert_eq!(findings, 6, "each is queued once");
    // A message that a killed process had claimed is sent once the claim is old; all others are.
    let told: std::collections::BTreeSet<String> = fake
        .asked()
        .iter()
        .flat_map(|asked| {
            let body: Value = serde_json::from_slice(&asked.body).unwrap();
            body["findings"].as_array().unwrap().clone()
        })
        .map(|one| one["repository"].as_str().unwrap().to_owned())
        .collect();
    let waiting: u64 = farm
        .alerts(&["--state", "queued"])
        .iter()
        .map(|one| one["findings"].as_u64().unwrap())
        .sum();
    assert!(told.len() as u64 + waiting >= 6, "{told:?}, {waiting} wait");
}

#[test]
fn two_processes_do_not_send_one_message_both() {
    let mut farm = Farm::new();
    let fake = Fake::start(|count, _| {
        if count < 4 {
            return Reply::status(404);
        }
        std::thread::sleep(Duration::from_millis(100));
        Reply::status(200)
    });
    let config = farm.posting(&fake, "webhook", "");
    for n in 0..4 {
        farm.add(&format!("r{n}.git"));
        let run = farm.sweep(&["--alerts", &config]);
        assert_eq!(run.status, 1, "{}", run.stderr);
    }
    assert_eq!(farm.alerts(&["--state", "dead"]).len(), 4);
    std::thread::scope(|scope| {
        let retry = || {
            let run = farm.run(&["alerts", "--retry", "--alerts", &config]);
            assert_eq!(run.status, 0, "{}", run.stderr);
        };
        scope.spawn(retry);
        retry();
    });
    assert_eq!(fake.asked().len(), 8);
    assert_eq!(farm.alerts(&["--state", "sent"]).len(), 4);
}

#[test]
fn a_server_that_asks_for_patience_does_not_hold_up_an_interrupt() {
    let mut farm = Farm::new();
    farm.add("a.git");
    let fake = Fake::start(|_, _| Reply::status(503).with("Retry-After", "9"));
    let config = farm.posting(&fake, "slack", "");
    let mut child = farm.start(&["--alerts", &config]);
    let began = Instant::now();
    while fake.asked().is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(10));
    }
    let status = Command::new("kill")
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(status.success());
    let asked = Instant::now();
    child.wait().unwrap();
    assert!(
        asked.elapsed() < Duration::from_secs(5),
        "{:?}",
        asked.elapsed()
    );
    assert_eq!(farm.alerts(&["--state", "queued"]).len(), 1);
}

#[test]
fn a_test_message_needs_no_store_and_mistakes_are_told_before_anything_is_done() {
    let farm = Farm::new();
    let fake = Fake::start(|_, _| Reply::status(200));
    let config = farm.posting(&fake, "teams", "");
    let run = farm.run(&["alerts", "--alerts", &config, "--test", "web"]);
    assert_eq!(run.status, 0, "{}", run.stderr);
    says_nothing_secret(&run);
    let body = String::from_utf8(fake.asked().remove(0).body).unwrap();
    assert!(body.contains("test of alerts"), "{body}");
    let bad = farm.write("bad.toml", "[limit]\n\n[[channel]]\nname = \"x\"\n");
    for (args, words) in [
        (
            &["alerts", "--alerts", &*config, "--test", "wob"][..],
            "no channel \"wob\"",
        ),
        (&["alerts", "--alerts", &config][..], "--retry and --test"),
        (&["alerts", "--retry"][..], "--alerts"),
        (&["alerts"][..], "no store"),
        (&["alerts", "-f", "sarif"][..], "formats human and json"),
        (
            &[".", "--alerts", "/nowhere.toml"][..],
            "cannot read /nowhere.toml",
        ),
        (
            &[".", "--alerts", &bad][..],
            "bad.toml:1: unknown key \"limit\"",
        ),
        (
            &[".", "--alerts", &bad][..],
            "bad.toml:3: [[channel]] without \"kind\"",
        ),
    ] {
        let run = farm.run(args);
        assert_eq!(run.status, 2, "{args:?}: {}", run.stderr);
        assert!(run.stderr.contains(words), "{args:?}: {}", run.stderr);
    }
    assert!(!farm.store().exists());
}
