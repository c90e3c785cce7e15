//! TLS with servers that no authority of the web vouches for.

use super::*;
use crate::support::{certificates::Certificates, smtp::Tls};

const NAMES: &str = "DNS:localhost,IP:127.0.0.1";
const PASSWORD: &str = "swordfish";

/// What was told of the only message, which was not sent.
fn refusal(lab: &Lab, alerts: &Alerts) -> String {
    let sent = lab.send(alerts);
    assert_eq!((sent.sent, sent.failed, sent.dead), (0, 1, 0), "{sent}");
    let kept = lab.store.alerts(None).unwrap().remove(0).error.unwrap();
    let told = sent.to_string();
    assert!(told.contains(&kept), "{told}: {kept}");
    for hidden in [PASSWORD, "token=abc"] {
        assert!(!told.contains(hidden), "{told}");
    }
    lab.later(300);
    told
}

/// A server's certificate, and the line that names its authority.
fn certificates(names: &str) -> Option<(TempDir, Certificates, String)> {
    let dir = TempDir::new().unwrap();
    let made = Certificates::make(dir.path(), names)?;
    let ca = format!("ca = {:?}\n", made.authority.display().to_string());
    Some((dir, made, ca))
}

#[test]
fn mail_goes_over_tls_to_whom_the_given_authority_vouches_for_and_to_nobody_else() {
    let Some((_dir, certificates, ca)) = certificates(NAMES) else {
        return;
    };
    for (security, tls) in [
        ("starttls", Tls::WhenAsked(certificates.tls())),
        ("tls", Tls::AtOnce(certificates.tls())),
    ] {
        let lab = Lab::new();
        lab.file("password", PASSWORD);
        let fake = FakeSmtp::secured(&["AUTH PLAIN", "STARTTLS"], tls);
        let mail = |ca: &str| {
            let login = format!(
                "security = \"{security}\"\nuser = \"robot\"\npassword-file = \"password\"\n{ca}"
            );
            lab.mail(&fake, &login, APPSEC)
        };
        lab.sweep(&mail(""), &[("P/a", 1, ADA, ADA)]);
        let told = refusal(&lab, &mail(""));
        assert!(told.contains("name a PEM file"), "{told}");
        assert!(fake.mails().is_empty());

        assert_eq!(lab.send(&mail(&ca)).sent, 1);
        assert_eq!(fake.mails()[0].to, ["appsec@example.org"]);
        let commands = fake.commands();
        let logins = commands.iter().filter(|line| line.starts_with("AUTH "));
        assert_eq!(logins.count(), 1, "{commands:?}");
        let open = fake.in_the_open();
        let harmless = |line: &String| line.starts_with("EHLO ") || line == "STARTTLS";
        assert!(open.iter().all(harmless), "{open:?}");
        assert_eq!(open.is_empty(), security == "tls", "{open:?}");
    }
}

#[test]
fn documents_go_over_tls_to_whom_the_given_authority_vouches_for_and_to_nobody_else() {
    let Some((_dir, certificates, ca)) = certificates(NAMES) else {
        return;
    };
    let lab = Lab::new();
    let fake = Fake::secured(certificates.tls(), |_, _| Reply::status(200));
    let web = |ca: &str| {
        lab.file("url", &format!("{}/hook?token=abc", fake.origin()));
        let channel = "[[channel]]\nname = \"web\"\nkind = \"slack\"\nurl-file = \"url\"\n";
        lab.open(&format!("{channel}{ca}"))
    };
    lab.sweep(&web(""), &[("P/a", 1, ADA, ADA)]);
    let told = refusal(&lab, &web(""));
    assert!(told.contains("name a PEM file"), "{told}");
    assert!(fake.asked().is_empty());
    assert_eq!(lab.send(&web(&ca)).sent, 1);
    assert_eq!(fake.asked()[0].target, "/hook?token=abc");
}

#[test]
fn a_certificate_for_other_names_is_refused_although_its_authority_is_given() {
    let Some((_dir, certificates, ca)) = certificates("DNS:elsewhere.example") else {
        return;
    };
    let lab = Lab::new();
    lab.file("password", PASSWORD);
    let fake = FakeSmtp::secured(&[], Tls::AtOnce(certificates.tls()));
    let alerts = lab.mail(&fake, &format!("security = \"tls\"\n{ca}"), APPSEC);
    lab.sweep(&alerts, &[("P/a", 1, ADA, ADA)]);
    let told = refusal(&lab, &alerts);
    assert!(told.contains("for other names"), "{told}");
    assert!(fake.commands().is_empty());
}
