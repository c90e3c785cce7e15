//! What channels need before anything is sent.

use super::*;

#[test]
fn secrets_that_are_not_there_and_templates_that_do_not_work_are_told_together() {
    let lab = Lab::new();
    lab.file("url", "http://chat.example/hook?token=abc");
    lab.file("good", "https://chat.example/hook?token=abc");
    lab.file("t.json", "{\"a\": {{ findings[0].nothing }} }");
    lab.file("t.txt", "no json");
    lab.file("header", "no header abc");
    let channel = |name: &str, more: &str| {
        format!("[[channel]]\nname = \"{name}\"\nkind = \"webhook\"\n{more}\n")
    };
    let config = [
        channel("none", "url-file = \"nowhere\""),
        channel("unset", "url-env = \"GITSIEVE_TEST_NO_SUCH_URL\""),
        channel("open", "url-file = \"url\""),
        channel("header", "url-file = \"good\"\nheader-file = \"header\""),
        channel("ca", "url-file = \"good\"\nca = \"t.txt\""),
        channel("undefined", "url-file = \"good\"\ntemplate = \"t.json\""),
        channel("text", "url-file = \"good\"\ntemplate = \"t.txt\""),
    ]
    .concat();
    let origin = lab.dir.path().join("alerts.toml");
    let config = Config::parse(&config, origin.to_str().unwrap()).unwrap();
    let told = Alerts::open(config, "h", "process")
        .unwrap_err()
        .to_string();
    assert!(!told.contains("abc"), "{told}");
    let lines: Vec<&str> = told.lines().collect();
    for (line, words) in lines.iter().zip([
        "none: cannot read the address",
        "unset: the environment variable GITSIEVE_TEST_NO_SUCH_URL",
        "open: the address of its web server: must begin with https://",
        "header: ",
        "ca: cannot take certificates",
        "undefined: template ",
        "text: the template gives no JSON",
    ]) {
        assert!(line.contains(words), "{words}: {told}");
    }
    assert_eq!(lines.len(), 7, "{told}");
}

#[test]
fn a_test_reaches_the_channel_and_leaves_no_trace() {
    let lab = Lab::new();
    let smtp = FakeSmtp::start(&[]);
    let owners = "to = \"owners\"\nowner-domains = [\"x.org\"]\nfallback = [\"f@example.org\"]";
    let alerts = lab.mail(&smtp, PLAIN, owners);
    assert_eq!(alerts.test("mail").unwrap(), ["f@example.org"]);
    assert!(
        smtp.mails()[0].text.contains("This is a test"),
        "{:?}",
        smtp.mails()
    );
    assert!(
        alerts
            .test("nail")
            .unwrap_err()
            .to_string()
            .contains("mail")
    );
    let web = Fake::start(|_, _| Reply::status(403));
    let error = lab
        .web(&web, "teams", "")
        .test("web")
        .unwrap_err()
        .to_string();
    assert_eq!(error, "channel web: the server answers 403");
    assert!(lab.states().is_empty());
}
