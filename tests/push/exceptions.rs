//! What the policy lets pass: verdicts by severity, allow lists, comments, a repository's own
//! configuration, break-glass; and what becomes of a policy that cannot be read.

use crate::{
    checks::Doors,
    server::{Push, Server, env_file, line_3, quoted, short, started},
    support::{Repo, Sieve},
};
use std::fs;

/// The policy of most break-glass tests.
const BREAK_GLASS: &str = r#"
[break-glass]
push-option = "secret-scan.skip"
trailer = "Secret-Scan-Skip"
users = ["alice", "team-*"]
per-day = 2
ledger = "{state}/log/ledger.jsonl"
"#;

/// A server that this user pushes to.
fn server_of(user: &str, policy: &str) -> Server {
    let mut server = Server::with_policy(policy);
    server.set_environment(&[
        ("BB_PROJECT_KEY", "PROJ"),
        ("BB_REPO_SLUG", "shop"),
        ("BB_USER_NAME", user),
    ]);
    server
}

/// A client whose `main` has one commit with a secret that the server lacks.
fn guilty(server: &Server) -> (Repo, String) {
    let client = started(server);
    let token = client.plant();
    client.commit_file("app.env", env_file(&token), "settings");
    (client, token)
}

/// Scenario 14.
#[test]
fn allowed_paths_pass_and_others_do_not() {
    let server =
        Server::with_policy("[[allow]]\npaths = [\"tests/fixtures/**\"]\nreason = \"made up\"\n");
    let client = started(&server);
    let token = client.plant();
    client.write("tests/fixtures/a/b.env", env_file(&token));
    client.write("src/a.rs", env_file(&token));
    client.commit("a fixture, and the same elsewhere");
    let push = server.attempt(&client).doors(Doors::More).run(&["main"]);
    push.assert_blocked(&[&line_3("src/a.rs")]);
    assert!(!push.message.contains("b.env"), "{}", push.message);

    client.remove("src/a.rs");
    client.git(&["add", "-A"]);
    client.git(&["commit", "-q", "--amend", "-m", "a fixture"]);
    let push = server.attempt(&client).doors(Doors::More).run(&["main"]);
    push.assert_accepted();
    assert!(
        push.audit.number("/counts/suppressed") > 0,
        "{:?}",
        push.audit
    );
}

/// Scenario 14.
#[test]
fn allowed_fingerprint_passes_until_it_expires_and_in_its_repository() {
    let server = server_of("alice", "");
    let (client, _) = guilty(&server);
    let push = server.push(&client, &["main"]);
    push.assert_blocked(&["v1:"]);
    let fingerprint = push.audit.fingerprints().pop_first().unwrap();
    push.assert_says(&[&fingerprint]);
    let allow = |more: &str| {
        format!("[[allow]]\nfingerprints = [\"{fingerprint}\"]\nreason = \"INC-42\"\n{more}")
    };
    for (more, accepted) in [
        ("expires = 2001-01-01\n", false),
        ("repositories = [\"OTHER/*\"]\n", false),
        ("rules = [\"aws-*\"]\n", false),
        ("paths = [\"*.yaml\"]\n", false),
        (
            "expires = 2999-12-31\nrepositories = [\"PROJ/*\"]\nrules = [\"github-*\"]\n",
            true,
        ),
    ] {
        server.set_policy(&allow(more));
        let push = server
            .attempt(&client)
            .doors(Doors::More)
            .run(&["main:refs/heads/topic"]);
        assert_eq!(push.accepted, accepted, "{more:?}: {}", push.client);
    }
}

/// Scenario 14.
#[test]
fn comment_on_the_line_counts_only_where_the_policy_says_so() {
    for (policy, accepted) in [("", false), ("inline-comments = true\n", true)] {
        let server = Server::with_policy(policy);
        let client = started(&server);
        let line = format!("token = {} # gitsieve:allow\n", client.plant());
        client.commit_file("app.env", line, "settings");
        let push = server.attempt(&client).doors(Doors::More).run(&["main"]);
        assert_eq!(push.accepted, accepted, "{policy:?}: {}", push.client);
    }
}

/// Scenario 14: a push cannot allow itself anything.
#[test]
fn repository_configuration_counts_only_once_it_is_on_the_default_branch() {
    let silencing = "[[allowlists]]\npaths = ['''fixtures/''']\n";
    for (policy, accepted) in [("", false), ("repository-config = true\n", true)] {
        let server = Server::with_policy(policy);
        let client = started(&server);
        let token = client.plant();
        client.write(".gitsieve.toml", silencing);
        client.write("fixtures/a.env", env_file(&token));
        client.commit("both at once");
        for target in ["main", "main:refs/heads/topic"] {
            let push = server.attempt(&client).doors(Doors::Closed).run(&[target]);
            push.assert_blocked(&[&line_3("fixtures/a.env")]);
        }
        // On another branch it does not count either.
        client.git(&["reset", "-q", "--hard", "main~1"]);
        client.commit_file(".gitsieve.toml", silencing, "allow fixtures");
        server.seed(&client, &["main:refs/heads/other"]);
        client.commit_file("fixtures/a.env", env_file(&token), "a fixture");
        let push = server
            .attempt(&client)
            .doors(Doors::Closed)
            .run(&["main:refs/heads/topic"]);
        push.assert_blocked(&[&line_3("fixtures/a.env")]);

        client.git(&["branch", "-f", "allowing", "main~1"]);
        server.seed(&client, &["allowing:refs/heads/main"]);
        let push = server
            .attempt(&client)
            .doors(Doors::Closed)
            .run(&["main:refs/heads/topic"]);
        assert_eq!(push.accepted, accepted, "{policy:?}: {}", push.client);
        // What the configuration does not name blocks still.
        client.commit_file("src/a.env", env_file(&client.plant()), "settings");
        let push = server
            .attempt(&client)
            .doors(Doors::Closed)
            .run(&["main:refs/heads/topic"]);
        push.assert_blocked(&[&line_3("src/a.env")]);
    }
}

/// Verdicts by severity; `github-pat` is critical.
#[test]
fn verdict_follows_severity_and_confidence() {
    for (policy, accepted, speaks) in [
        ("[verdict]\ncritical = \"warn\"\n", true, true),
        ("[verdict]\ncritical = \"off\"\n", true, false),
        ("[verdict]\ncritical = { high = \"warn\" }\n", true, true),
        ("[verdict]\ncritical = { medium = \"off\" }\n", false, true),
        ("[verdict]\nhigh = \"off\"\n", false, true),
        ("mode = \"audit\"\n", true, true),
        ("mode = \"enforce\"\n", false, true),
    ] {
        let server = Server::with_policy(policy);
        let (client, _) = guilty(&server);
        let push = server.attempt(&client).doors(Doors::More).run(&["main"]);
        assert_eq!(push.accepted, accepted, "{policy:?}: {}", push.client);
        assert_eq!(
            push.message.contains("github-pat"),
            speaks,
            "{policy:?}: {}",
            push.message
        );
    }
}

/// A gate that is switched off says nothing and stops nothing.
#[test]
fn mode_off_lets_everything_pass() {
    let server = Server::with_policy("mode = \"off\"\n");
    let (client, _) = guilty(&server);
    let push = server.attempt(&client).doors(Doors::Closed).run(&["main"]);
    push.assert_accepted().assert_silent();
}

/// Every server names its repositories in its own way.
#[test]
fn overrides_hold_for_the_repositories_they_name() {
    let policy = |name: &str| {
        format!("mode = \"audit\"\n[[override]]\nrepositories = [\"{name}\"]\nmode = \"enforce\"\n")
    };
    let cases: [(&str, &[(&str, &str)]); 6] = [
        (
            "PROJ/*",
            &[("BB_PROJECT_KEY", "PROJ"), ("BB_REPO_SLUG", "shop")],
        ),
        (
            "~alice/*",
            &[("BB_PROJECT_KEY", "~alice"), ("BB_REPO_SLUG", "shop")],
        ),
        (
            "group/sub/**",
            &[("GL_PROJECT_PATH", "group/sub/deep/shop")],
        ),
        ("octo/shop", &[("GITHUB_REPO_NAME", "octo/shop")]),
        (
            "gina/shop",
            &[
                ("GITEA_REPO_USER_NAME", "gina"),
                ("GITEA_REPO_NAME", "shop"),
            ],
        ),
        ("**/srv", &[]),
    ];
    for (glob, environment) in cases {
        let mut server = Server::with_policy(&policy(glob));
        server.set_environment(environment);
        let (client, _) = guilty(&server);
        server.push(&client, &["main"]).assert_blocked(&["app.env"]);
        server.set_policy(&policy("nothing/like-it"));
        let push = server.push(&client, &["main"]);
        push.assert_accepted();
    }
}

/// Scenario 15.
#[test]
fn push_option_with_a_reason_lets_an_allowed_user_pass() {
    let server = server_of("alice", BREAK_GLASS);
    server
        .repo
        .git(&["config", "receive.advertisePushOptions", "true"]);
    let (client, _) = guilty(&server);
    let push = server.push(&client, &["main"]);
    push.assert_blocked(&["git push -o secret-scan.skip="]);
    for option in [
        "secret-scan.skip",
        "secret-scan.skip=",
        "secret-scan.skip=  ",
        "other=INC-42",
    ] {
        let push = server
            .attempt(&client)
            .options(&["-o", option])
            .run(&["main"]);
        push.assert_blocked(&["app.env"]);
    }
    let push = server
        .attempt(&client)
        .options(&["-o", "ci.skip", "-o", "secret-scan.skip=INC-42 test data"])
        .run(&["main"]);
    push.assert_accepted()
        .assert_says(&["INC-42 test data", "app.env"]);
    assert_eq!(push.audit.verdict(), "allowed_bypass");
    assert_eq!(push.audit.text("/user"), "alice");
    assert_eq!(push.audit.text("/repository"), "PROJ/shop");
    assert_eq!(push.audit.text("/bypass/reason"), "INC-42 test data");
    assert_eq!(push.audit.fingerprints().len(), 1);
    let ledger = fs::read_to_string(server.state("real").join("log/ledger.jsonl")).unwrap();
    assert_eq!(ledger.lines().count(), 1, "{ledger}");
}

/// Scenario 15.
#[test]
fn push_option_is_of_no_use_to_others_or_where_the_policy_has_none() {
    for (user, policy) in [
        ("mallory", BREAK_GLASS),
        ("", BREAK_GLASS),
        ("alice2", BREAK_GLASS),
        ("alice", ""),
    ] {
        let server = server_of(user, policy);
        server
            .repo
            .git(&["config", "receive.advertisePushOptions", "true"]);
        let (client, _) = guilty(&server);
        let push = server
            .attempt(&client)
            .options(&["-o", "secret-scan.skip=INC-42"])
            .run(&["main"]);
        push.assert_blocked(&["app.env"]);
    }
}

/// Scenario 15.
#[test]
fn exceptions_are_counted_a_day() {
    let server = server_of("team-red", BREAK_GLASS);
    server
        .repo
        .git(&["config", "receive.advertisePushOptions", "true"]);
    let (client, _) = guilty(&server);
    for (number, accepted) in [(1, true), (2, true), (3, false)] {
        client.commit_file("app.env", env_file(&client.plant()), "settings");
        let push = server
            .attempt(&client)
            .doors(Doors::More)
            .options(&["-o", "secret-scan.skip=INC-42"])
            .run(&["main"]);
        assert_eq!(push.accepted, accepted, "{number}: {}", push.client);
    }
    // A clean push takes none.
    client.git(&["reset", "-q", "--hard", "main~1"]);
    client.commit_file("README", "More.\n", "edit");
    let push = server
        .attempt(&client)
        .options(&["-o", "secret-scan.skip=INC-42"])
        .run(&["main"]);
    push.assert_accepted();
}

/// Scenario 15: what the environment says of push options is not believed.
#[test]
fn odd_counts_of_push_options_do_no_harm() {
    let server = server_of("alice", BREAK_GLASS);
    let (client, _) = guilty(&server);
    server.seed(&client, &["main:refs/keep/me"]);
    server.repo.git(&["update-ref", "-d", "refs/keep/me"]);
    let line = crate::server::update(
        &client.rev("main~1"),
        &client.rev("main"),
        "refs/heads/main",
    );
    for count in ["", "0", "abc", "-1", "10000", "99999999999999999999"] {
        let called = server
            .call(line.clone())
            .env("GIT_PUSH_OPTION_COUNT", count)
            .run();
        called.assert(1, &["app.env"]);
    }
    let called = server
        .call(line)
        .env("GIT_PUSH_OPTION_COUNT", "1")
        .env("GIT_PUSH_OPTION_0", "secret-scan.skip=INC-1")
        .run();
    called.assert(0, &["INC-1"]);
}

/// Scenario 16.
#[test]
fn message_names_only_ways_that_exist_here() {
    let server = server_of("alice", BREAK_GLASS);
    let (client, _) = guilty(&server);
    let push = server.push(&client, &["main"]);
    push.assert_blocked(&["Secret-Scan-Skip", "#appsec"]);
    assert!(!push.message.contains("push -o"), "{}", push.message);
    // Why: git gives up before it asks the server.
    let out = server
        .attempt(&client)
        .options(&["-o", "secret-scan.skip=INC-42"])
        .git_push(&["main"]);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(said.contains("does not support push options"), "{said}");
    assert_eq!(server.audit("real").len(), 1);

    let server = server_of("mallory", BREAK_GLASS);
    let (client, _) = guilty(&server);
    let push = server.push(&client, &["main"]);
    push.assert_blocked(&["#appsec"]);
    assert!(
        !push.message.contains("Secret-Scan-Skip"),
        "{}",
        push.message
    );
}

const TRAILERS: &str = "Secret-Scan-Skip: INC-42 test data\nSigned-off-by: A <a@example.org>\n";

/// Scenario 16.
fn push_with_trailer(user: &str, message: &str) -> Push {
    let server = server_of(user, BREAK_GLASS);
    let (client, _) = guilty(&server);
    client.git(&["commit", "-q", "--amend", "-m", message]);
    server.push(&client, &["main"])
}

/// Scenario 16.
#[test]
fn signed_off_trailer_lets_an_allowed_user_pass() {
    let push = push_with_trailer("alice", &format!("settings\n\n{TRAILERS}"));
    push.assert_accepted().assert_says(&["INC-42 test data"]);
    assert_eq!(push.audit.verdict(), "allowed_bypass");
    assert_eq!(push.audit.text("/bypass/reason"), "INC-42 test data");
    assert_eq!(push.audit.fingerprints().len(), 1);
}

/// Scenario 16.
#[test]
fn trailer_is_of_no_use_without_sign_off_or_reason_or_to_others() {
    for (user, message) in [
        ("mallory", format!("settings\n\n{TRAILERS}")),
        ("alice", "settings\n\nSecret-Scan-Skip: INC-42\n".to_owned()),
        (
            "alice",
            "s\n\nSecret-Scan-Skip:\nSigned-off-by: A <a@example.org>\n".to_owned(),
        ),
        ("alice", format!("{TRAILERS}\nnot at the end\n")),
        ("alice", "settings\n".to_owned()),
    ] {
        push_with_trailer(user, &message).assert_blocked(&["app.env"]);
    }
}

/// Scenario 16: every branch that is pushed has to say so in its last commit.
#[test]
fn trailer_speaks_for_the_tip_that_has_it() {
    let server = server_of("alice", BREAK_GLASS);
    let (client, _) = guilty(&server);
    client.git(&["commit", "-q", "--amend", "-m", &format!("s\n\n{TRAILERS}")]);
    client.git(&["branch", "with"]);
    client.commit_file("README", "More.\n", "edit");
    // In an older commit alone, and beside a branch that has none.
    for refs in [&["main"][..], &["main", "with"]] {
        server.push(&client, refs).assert_blocked(&["app.env"]);
    }
    server.push(&client, &["with"]).assert_accepted();
}

/// An admin's entry, which ends by itself.
#[test]
fn grant_lets_its_user_pass_until_it_expires() {
    for (user, repository, expires, accepted) in [
        ("bob", "PROJ/shop", "2999-12-01T12:00:00Z", true),
        ("bob", "PROJ/shop", "2001-12-01T12:00:00Z", false),
        ("bob", "PROJ/other", "2999-12-01T12:00:00Z", false),
        ("eve", "PROJ/shop", "2999-12-01T12:00:00Z", false),
    ] {
        let policy = format!(
            "[[break-glass.grants]]\nusers = [\"bob\"]\nrepositories = [\"{repository}\"]\n\
             reason = \"INC-1\"\nexpires = {expires}\n"
        );
        let server = server_of(user, &policy);
        let (client, _) = guilty(&server);
        let push = server.push(&client, &["main"]);
        assert_eq!(push.accepted, accepted, "{policy}: {}", push.client);
        if accepted {
            assert_eq!(push.audit.text("/bypass/reason"), "INC-1");
        }
    }
}

/// Fails unless `gitsieve hook check-config` finds what the hook stumbled over.
fn assert_found_beforehand(server: &Server, words: &[&str]) {
    let policy = server.policy_file("real");
    let args = ["hook", "check-config", "--policy", policy.to_str().unwrap()];
    let run = Sieve::new(&args).run();
    let said = String::from_utf8_lossy(&run.stdout) + run.stderr.as_str();
    assert_eq!(run.status, 2, "{said}");
    for word in words {
        assert!(said.contains(word), "no {word:?} in: {said}");
    }
}

/// Scenario 30: what is wrong with a policy, and the line that it stands in.
#[test]
fn policy_that_cannot_be_read_refuses_every_push_and_is_found_beforehand() {
    for (policy, said) in [
        ("colour = \"red\"\n", "colour"),
        ("mode = \"maybe\"\n", "mode"),
        ("deadline = \"soon\"\n", "deadline"),
        ("mode = \n", ":5"),
        ("[[allow]]\npaths = [\"x\"]\n", "reason"),
        ("[break-glass]\npush-option = \"x\"\n", "users"),
    ] {
        let server = Server::with_policy(policy);
        let client = started(&server);
        client.commit_file("README", "More.\n", "edit");
        // The runs have policy files of their own, so that their messages differ.
        let push = server
            .attempt(&client)
            .unaudited()
            .unrepeatable()
            .run(&["main"]);
        push.assert_failed(&[said, "real.toml:"]);
        assert_found_beforehand(&server, &[said, "real.toml:"]);
    }
}

/// Scenario 30.
#[test]
fn policy_that_is_not_there_refuses_every_push() {
    let server = Server::new();
    let client = started(&server);
    client.commit_file("README", "More.\n", "edit");
    for (run, _) in [("one", 1), ("four", 4), ("real", 2)] {
        fs::remove_file(server.policy_file(run)).unwrap();
    }
    let push = server
        .attempt(&client)
        .unaudited()
        .unrepeatable()
        .run(&["main"]);
    push.assert_failed(&["real.toml"]);
}

/// Scenario 30.
#[test]
fn rules_that_cannot_be_used_refuse_every_push_and_are_found_beforehand() {
    let server = Server::new();
    let client = started(&server);
    client.commit_file("README", "More.\n", "edit");
    let rules = server.repo.beside("team.toml");
    let broken = "[[rules]]\nid = \"x\"\ndescription = \"x\"\nregex = '''(unclosed'''\n";
    fs::write(&rules, broken).unwrap();
    let absent = server.repo.beside("absent.toml");
    for (policy, said) in [
        (format!("[rules]\nconfig = {rules:?}\n"), "team.toml:4"),
        (format!("[rules]\nfiles = [{rules:?}]\n"), "team.toml:4"),
        (format!("[rules]\nfiles = [{absent:?}]\n"), "absent.toml"),
        (
            "[rules]\nonly = [\"no-such-rule\"]\n".to_owned(),
            "no-such-rule",
        ),
        ("[rules]\nexclude = [\"*\"]\n".to_owned(), "rule"),
    ] {
        server.set_policy(&policy);
        let push = server.push(&client, &["main"]);
        push.assert_failed(&[said]);
        assert_found_beforehand(&server, &[said]);
    }
}

/// A team's own rules are used, and a choice of rules too.
#[test]
fn rules_of_the_policy_are_used() {
    let server = Server::new();
    let client = started(&server);
    let rules = server.repo.beside("team.toml");
    let rule = "[[rules]]\nid = \"acme-key\"\ndescription = \"Acme key\"\nseverity = \"high\"\n\
                confidence = \"high\"\nregex = '''acme_([a-f0-9]{24})'''\n";
    fs::write(&rules, rule).unwrap();
    client.commit_file("a.txt", "key: acme_0123456789abcdef01234567\n", "a key");
    server.set_policy(&format!("[rules]\nfiles = [{rules:?}]\n"));
    let push = server.attempt(&client).doors(Doors::Closed).run(&["main"]);
    push.assert_blocked(&["acme-key", "a.txt:1"]);
    server.set_policy("");
    server.push(&client, &["main"]).assert_accepted();
    client.commit_file("app.env", env_file(&client.plant()), "settings");
    for (policy, blocked) in [
        ("[rules]\nexclude = [\"github-*\"]\n", false),
        ("[rules]\nonly = [\"aws-*\"]\n", false),
        ("[rules]\nonly = [\"github-pat\"]\n", true),
    ] {
        server.set_policy(policy);
        let push = server
            .attempt(&client)
            .doors(Doors::Closed)
            .run(&["main:refs/heads/topic"]);
        assert_eq!(
            push.message.contains("github-pat"),
            blocked,
            "{policy:?}: {}",
            push.message
        );
        server
            .repo
            .try_git(&["update-ref", "-d", "refs/heads/topic"], b"");
    }
}

/// The policy's file may be named by a variable instead.
#[test]
fn policy_is_found_by_its_variable() {
    let server = Server::with_policy("contact = \"the guild of keys\"\n");
    let (client, _) = guilty(&server);
    let binary = crate::support::sieve::binary();
    let script = format!(
        "#!/bin/sh\nexport GITSIEVE_POLICY={}\nexec {} hook pre-receive\n",
        quoted(server.policy_file("real")),
        quoted(binary)
    );
    fs::write(server.repo.path().join("hooks/pre-receive"), script).unwrap();
    let out = server.attempt(&client).git_push(&["main"]);
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(!out.status.success(), "{said}");
    assert!(said.contains("the guild of keys"), "{said}");
    assert!(said.contains(short(&client.rev("main"))), "{said}");
    assert_eq!(server.audit("real").len(), 1);
}
