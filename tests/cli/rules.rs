//! Commands about rules, and what becomes of rules that are bad.

use crate::{gitsieve, stdout};
use std::{fs, path::Path, process::Output};

/// Runs the command in a fresh directory with these rules in `r.toml`.
fn with_rules(text: &str, args: &[&str]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("r.toml"), text).unwrap();
    gitsieve(dir.path(), args)
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

const ACME: &str = "[[rules]]\nid = 'acme-key'\ndescription = 'Acme key'\nseverity = 'critical'\n\
                    regex = '''acme_[a-z0-9]{12}'''\ntags = ['acme']\n\
                    examples = ['acme{{}}_{{base36:12}}']\nnegative_examples = ['acme_']\n";

#[test]
fn list_shows_what_a_scan_would_use() {
    let list = |args: &[&str]| {
        let output = with_rules(ACME, &[&["rules", "list", "-f", "json"], args].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        json(&output)
    };
    let ids = |list: &serde_json::Value| -> Vec<String> {
        let rows = list.as_array().unwrap().iter();
        rows.map(|r| r["id"].as_str().unwrap().to_owned()).collect()
    };
    let built_in = ids(&list(&[])).len();
    assert!(built_in > 500);
    assert_eq!(ids(&list(&["--rules", "r.toml"])).len(), built_in + 1);
    assert_eq!(ids(&list(&["-c", "r.toml"])), ["acme-key"]);
    let acme = &list(&["--rules", "r.toml", "--tag", "acme"])[0];
    assert_eq!(
        (&acme["line"], &acme["file"]),
        (&2.into(), &"r.toml".into())
    );
    let critical = list(&["--severity", "critical"]);
    assert!(
        critical
            .as_array()
            .unwrap()
            .iter()
            .all(|r| r["severity"] == "critical")
    );
    let chosen = list(&["--rule", "github-*", "--exclude-rule", "github-pat"]);
    assert!(
        ids(&chosen)
            .iter()
            .all(|id| id.starts_with("github-") && id != "github-pat")
    );
}

#[test]
fn show_tells_all_of_a_rule_and_redacts_its_examples() {
    // A token as it is, in an example and in another rule's allowlist.
    let raw = ACME.replace("acme{{}}_{{base36:12}}", "acme_abcdefgh1234")
        + "[[rules]]\nid = 'acme-other'\nregex = 'other_[a-z]{4}'\n\
           [[rules.allowlists]]\nstopwords = ['acme_abcdefgh1234']\n";
    let output = with_rules(&raw, &["rules", "show", "-c", "r.toml", "acme-*"]);
    let page = stdout(&output);
    for part in [
        "acme-key",
        "critical",
        "r.toml:2",
        "\"acme_\"",
        "acme_[a-z0-9]{12}",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("cdefgh12"), "{page}");
    let shown = json(&with_rules(
        ACME,
        &["rules", "show", "github-pat", "-f", "json"],
    ));
    assert_eq!(shown[0]["search"]["by"], "literals");
    assert_eq!(shown[0]["checks"][0], "github-crc32");
    assert!(shown[0]["examples"][0].as_str().unwrap().contains("{{"));
}

#[test]
fn check_proves_the_built_in_rules() {
    let output = gitsieve(Path::new("."), &["rules", "check", "-f", "json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let outcome = json(&output);
    assert!(outcome["rules"].as_u64() > Some(500) && outcome["examples"].as_u64() > Some(3000));
    assert_eq!(outcome["problems"].as_array().unwrap().len(), 0);
}

#[test]
fn check_names_every_problem_with_its_line() {
    let good = with_rules(ACME, &["rules", "check", "r.toml"]);
    assert_eq!(good.status.code(), Some(0), "{good:?}");
    assert!(
        stdout(&good).contains("1 rules and 2 examples"),
        "{}",
        stdout(&good)
    );
    let unproven = ACME
        .replace("{12}", "{14}")
        .replace("'acme_']", "'acme_{{base36:20}}']");
    let output = with_rules(&unproven, &["rules", "check", "r.toml"]);
    assert_eq!(output.status.code(), Some(2));
    let text = stdout(&output);
    assert!(
        text.contains("r.toml:7: error: rule \"acme-key\": the example is not found"),
        "{text}"
    );
    assert!(
        text.contains("r.toml:8: error: rule \"acme-key\": the negative example is found"),
        "{text}"
    );
    let broken = with_rules(
        "[[rules]]\nid = 'x'\nregx = 'y'\n",
        &["rules", "check", "r.toml"],
    );
    assert_eq!(broken.status.code(), Some(2));
    assert!(
        stdout(&broken).contains("r.toml:3: error: unknown key"),
        "{}",
        stdout(&broken)
    );
    let absent = with_rules(ACME, &["rules", "check", "absent.toml"]);
    assert_eq!(absent.status.code(), Some(2));
}
