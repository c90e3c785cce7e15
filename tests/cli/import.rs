//! `gitsieve rules import`.

use crate::{gitsieve, stderr, stdout};
use std::fs;

#[test]
fn what_is_converted_is_used_and_the_rest_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let yaml = "rules:\n- name: Acme key\n  id: np.acme.1\n  pattern: 'acme_([a-z0-9]{12})'\n  \
                examples: ['acme_q7wz81mkx2vd']\n- name: Behind\n  id: np.acme.2\n  \
                pattern: '(?<=x)y'\n";
    let json = r#"{"values": [{"name": "Zed key", "lineRegex": ".*zed_[a-z0-9]{12}.*"}]}"#;
    fs::write(dir.path().join("np.yml"), yaml).unwrap();
    fs::write(dir.path().join("bb.json"), json).unwrap();
    fs::write(
        dir.path().join("a.env"),
        "acme_q7wz81mkx2vd\n  zed_v4tn60hrp9sj;\n",
    )
    .unwrap();
    let import = |from, file, out| {
        let output = gitsieve(
            dir.path(),
            &["rules", "import", "--from", from, file, "-o", out],
        );
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        stderr(&output)
    };
    let said = import("noseyparker", "np.yml", "np.toml");
    assert!(
        said.contains("np.yml:6: rule \"np.acme.2\": look-around"),
        "{said}"
    );
    assert!(
        said.contains("1 rules converted, 1 left out, 0 of 1 examples do not hold"),
        "{said}"
    );
    let text = fs::read_to_string(dir.path().join("np.toml")).unwrap();
    assert!(text.contains("# Left out: rule \"np.acme.2\""), "{text}");
    import("bitbucket", "bb.json", "bb.toml");
    for file in ["np.toml", "bb.toml"] {
        let check = gitsieve(dir.path(), &["rules", "check", file]);
        assert_eq!(check.status.code(), Some(0), "{}", stdout(&check));
        let scan = gitsieve(dir.path(), &["-c", file, "-f", "json", "dir", "a.env"]);
        let report: serde_json::Value = serde_json::from_slice(&scan.stdout).unwrap();
        assert_eq!(
            report["findings"].as_array().unwrap().len(),
            1,
            "{file}: {report:#}"
        );
    }
}

#[test]
fn what_holds_no_rule_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join("bad.yml"),
        "rules:\n- name: x\n  pattern: '('\n",
    )
    .unwrap();
    for (args, says) in [
        (
            &["--from", "kingfisher", "bad.yml"][..],
            "none of the rules could be carried",
        ),
        (&["--from", "bitbucket", "bad.yml"], "not valid JSON"),
        (
            &["--from", "noseyparker", "absent.yml"],
            "cannot read absent.yml",
        ),
        (&["--from", "other", "bad.yml"], "possible values"),
    ] {
        let output = gitsieve(dir.path(), &[&["rules", "import"], args].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
        assert!(output.stdout.is_empty());
        assert!(
            stderr(&output).contains(says),
            "{args:?}: {}",
            stderr(&output)
        );
    }
}
