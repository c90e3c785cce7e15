//! Who is told what.

use super::*;

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
