//! Secrets inside containers: where they are said to stand, once each, and what is said of
//! containers that are not opened in full.

use super::history::file_with;
use crate::support::{
    Repo, Sieve,
    containers::{
        self as make,
        Packing::{Deflated, Stored},
    },
    rng::Rng,
    sieve::{Scan, assert_position, position},
};

/// Scans a repository that holds `content` in one commit.
fn committed(repo: &Repo, name: &str, content: &[u8], args: &[&str]) -> Scan {
    let id = repo.commit_file(name, content, "add");
    let scan = Sieve::git(repo, args).scan();
    for finding in scan.findings() {
        for occurrence in finding["occurrences"].as_array().unwrap() {
            assert_eq!(occurrence["path"], name);
            assert_eq!(occurrence["introduced"]["commit"], id);
            assert_eq!(occurrence["where"], "head");
        }
    }
    scan
}

/// A planted token stands once, in this member, where it stands in the member's text.
fn assert_in_member(scan: &Scan, token: &str, member: &str, text: &str) {
    scan.assert_exactly(&[token]);
    let occurrence = scan.only(token);
    assert_eq!(occurrence["member"], member, "{occurrence:#}");
    assert_position(occurrence, text.as_bytes(), token.as_bytes());
}

#[test]
fn archives_and_compressed_files_name_member_and_line() {
    type Make = fn(&[u8]) -> Vec<u8>;
    let cases: [(&str, &str, Make); 11] = [
        ("app.jar", "conf/app.env", |b| {
            make::zip(&[("x", b"x", Stored), ("conf/app.env", b, Deflated)])
        }),
        ("stored.whl", "conf/app.env", |b| {
            make::zip(&[("conf/app.env", b, Stored)])
        }),
        ("x.tar", "etc/app.env", |b| make::tar(&[("etc/app.env", b)])),
        ("x.tgz", "etc/app.env", |b| {
            make::gzip("", &make::tar(&[("etc/app.env", b)]))
        }),
        ("app.env.gz", "app.env", |b| make::gzip("app.env", b)),
        ("app.env.bz2", "content", make::bzip2),
        ("app.env.xz", "content", make::xz),
        ("app.env.zst", "content", make::zstd),
        ("x.deb", "data.tar.xz!/etc/app.env", |b| {
            make::ar(&[
                ("debian-binary", b"2.0\n"),
                ("data.tar.xz", &make::xz(&make::tar(&[("etc/app.env", b)]))),
            ])
        }),
        ("x.zip", "in/x.tgz!/etc/app.env", |b| {
            let tar = make::gzip("x.tar", &make::tar(&[("etc/app.env", b)]));
            make::zip(&[("in/x.tgz", &tar, Stored)])
        }),
        ("tar-in.zip", "x.tar!/etc/app.env", |b| {
            make::zip(&[("x.tar", &make::tar(&[("etc/app.env", b)]), Stored)])
        }),
    ];
    for (name, member, make) in cases {
        let repo = Repo::init();
        let token = repo.plant();
        let text = file_with(&token);
        let scan = committed(&repo, name, &make(text.as_bytes()), &[]);
        assert_in_member(&scan, &token, member, &text);
    }
}

/// Makes a container of a name and a text.
type Make = fn(&str, &str) -> Vec<u8>;

#[test]
fn documents_databases_and_compiled_code_are_read() {
    let filler = "0123456789 ".repeat(300);
    let cases: [(&str, &str, Make); 5] = [
        ("manual.pdf", "object 4", |t, _| {
            make::pdf(&[&["Deploy with", &format!("token {t}")]])
        }),
        ("app.db", "settings", |t, filler| {
            let long = format!("{filler}{t} {filler}");
            let rows = vec![vec!["a", "b"], vec!["token", &long]];
            make::sqlite("settings", &["name", "value"], &rows)
        }),
        ("Config.class", "constants", |t, _| {
            make::class("TOKEN", t, "other")
        }),
        ("config.pyc", "constants", |t, _| {
            make::pyc("TOKEN", t, "other")
        }),
        ("book.docx", "word/document.xml", |t, _| {
            let xml = format!("<w:p><w:t>token {t}</w:t></w:p>");
            make::zip(&[("word/document.xml", xml.as_bytes(), Deflated)])
        }),
    ];
    for (name, member, make) in cases {
        let repo = Repo::init();
        let token = repo.plant();
        let scan = committed(&repo, name, &make(&token, &filler), &[]);
        scan.assert_exactly(&[&token]);
        assert_eq!(scan.only(&token)["member"], member, "{name}");
    }
}

#[test]
fn notebooks_are_told_by_their_own_lines_unless_a_secret_is_in_pieces() {
    let repo = Repo::init();
    let token = repo.plant();
    let rules = repo.beside("rules.toml");
    let rule = "[[rules]]\nid = \"acme\"\ndescription = \"x\"\n\
        regex = '''acme key\\n([a-z0-9]{24})\\nend'''\n";
    std::fs::write(&rules, rule).unwrap();
    let cell = format!(
        "k = '''acme key\n{}\nend'''\n",
        Rng::new(7).text(b"abcdefgh2345", 24)
    );
    let notebook = make::notebook(&["import os\n", &format!("t = '{token}'\n"), &cell]);
    let args = ["--rules", rules.to_str().unwrap()];
    let scan = committed(&repo, "work.ipynb", &notebook, &args);
    let occurrence = scan.only(&token);
    assert_eq!(occurrence["member"], serde_json::Value::Null);
    assert_position(occurrence, &notebook, token.as_bytes());
    let in_cell = scan.findings().iter().any(|finding| {
        let occurrences = finding["occurrences"].as_array().unwrap();
        finding["rule_id"] == "acme" && occurrences.iter().all(|o| o["member"] == "cell 3")
    });
    assert!(in_cell, "{:#}", scan.json["findings"]);
}

#[test]
fn utf16_in_a_member_is_read() {
    let repo = Repo::init();
    let token = repo.plant();
    let text = format!("a\r\ntoken = \"{token}\"\r\n");
    let wide: Vec<u8> = std::iter::once(0xfeff)
        .chain(text.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let zip = make::zip(&[("wide.ps1", &wide, Deflated)]);
    let scan = committed(&repo, "x.zip", &zip, &[]);
    scan.assert_exactly(&[&token]);
    let occurrence = scan.only(&token);
    assert_eq!(occurrence["member"], "wide.ps1");
    assert_eq!(occurrence["start_line"], 2);
    let stored: Vec<u8> = token.encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(
        occurrence["byte_start"].as_u64().map(|n| n as usize),
        position(&wide, &stored)
    );
}

#[test]
fn one_secret_in_many_members_is_one_finding_and_what_only_the_archive_shows_stays() {
    let repo = Repo::init();
    let (token, in_name) = (repo.plant(), repo.plant());
    let text = file_with(&token);
    let tar = make::tar(&[
        ("a", text.as_bytes()),
        ("b", text.as_bytes()),
        (&in_name, b"x"),
    ]);
    let scan = committed(&repo, "x.tar", &tar, &[]);
    scan.assert_exactly(&[&token, &in_name]);
    let members: Vec<_> = scan
        .occurrences(&token)
        .iter()
        .map(|o| o["member"].as_str().unwrap())
        .collect();
    assert_eq!(members, ["a", "b"]);
    let header = scan.only(&in_name);
    assert_eq!(header["member"], serde_json::Value::Null);
    assert_position(header, &tar, in_name.as_bytes());
}

#[test]
fn plain_files_and_standard_input_are_opened_too() {
    let repo = Repo::init();
    let token = repo.plant();
    let text = file_with(&token);
    let gz = make::gzip("app.env", text.as_bytes());
    repo.write("sub/app.env.gz", &gz);
    let path = repo.path().join("sub");
    let args = [
        "dir".as_ref(),
        path.as_os_str(),
        "-f".as_ref(),
        "json".as_ref(),
    ];
    let scan = Sieve::new(&args).hiding(repo.planted()).scan();
    assert_in_member(&scan, &token, "app.env", &text);
    assert_eq!(scan.only(&token)["blob"], repo.blob_id(&gz));
    let stdin = Sieve::new(&["stdin", "-f", "json"]).input(gz);
    let scan = stdin.hiding(repo.planted()).scan();
    assert_in_member(&scan, &token, "app.env", &text);
    // A person reads the same place in one piece.
    let args = ["dir".as_ref(), path.as_os_str()];
    let run = Sieve::new(&args).hiding(repo.planted()).run();
    let shown = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(shown.contains("sub/app.env.gz!/app.env:2:10"), "{shown}");
}

#[test]
fn every_version_of_an_archive_is_opened_though_it_is_stored_as_a_delta() {
    let repo = Repo::init();
    let (old, new) = (repo.plant(), repo.plant());
    let filler: Vec<String> = (0..4000).map(|n| format!("line {n}\n")).collect();
    let filler = filler.concat();
    for token in [&old, &new] {
        let text = file_with(token);
        let entries = [("filler", filler.as_bytes()), ("app.env", text.as_bytes())];
        repo.commit_file("x.tar", make::tar(&entries), "version");
    }
    repo.git(&["repack", "-adfq", "--depth=50", "--window=50"]);
    let scan = Sieve::git(&repo, &[]).scan();
    scan.assert_exactly(&[&old, &new]);
    for token in [&old, &new] {
        let occurrence = scan.only(token);
        assert_eq!(occurrence["member"], "app.env");
        assert_eq!(occurrence["start_line"], 2);
    }
    let reference = Sieve::git(&repo, &["--engine", "reference"]).scan();
    assert_eq!(reference.json, scan.json);
    let one = Sieve::git(&repo, &["--threads", "1"]).scan();
    assert_eq!(one.json, scan.json);
}

#[test]
fn limits_that_were_hit_are_told_and_cost_the_status() {
    let repo = Repo::init();
    let (near, far) = (repo.plant(), repo.plant());
    let filler = "lorem ipsum\n".repeat(50_000);
    let first = file_with(&near) + &filler;
    let zip = make::zip(&[
        ("near", first.as_bytes(), Deflated),
        ("far", file_with(&far).as_bytes(), Deflated),
    ]);
    repo.commit_file("x.zip", &zip, "add");
    let id = repo.rev("HEAD:x.zip");
    let whole = Sieve::git(&repo, &[]).scan();
    whole.assert_exactly(&[&near, &far]);
    for (args, reason) in [
        (["--max-archive-size", "100K"], "100 KiB"),
        (["--max-memory", "1M"], "memory"),
    ] {
        let scan = Sieve::git(&repo, &args).scan();
        assert!(scan.found(&near), "{reason}");
        assert_eq!(scan.json["receipt"]["complete"], false, "{reason}");
        let issue = scan.issues().iter().find(|i| i["object"] == id.as_str());
        let issue = issue.unwrap_or_else(|| panic!("{:#}", scan.json["receipt"]));
        assert_eq!(issue["kind"], "limit");
        assert!(issue.to_string().contains("near"), "{issue:#}");
    }
    let nested = make::zip(&[("x.zip", &zip, Stored)]);
    let repo = Repo::init();
    repo.commit_file("outer.zip", &nested, "add");
    let shallow = Sieve::git(&repo, &["--max-archive-depth", "1"]).scan();
    assert_eq!(shallow.run.status, 3, "nothing found, and not all seen");
    assert_eq!(shallow.issues()[0]["kind"], "limit");
    assert!(shallow.has_issue_about("x.zip"));
    // Whoever turns it off has not asked for what is inside.
    let off = Sieve::git(&repo, &["--max-archive-depth", "0"]).scan();
    assert_eq!(off.run.status, 0, "{}", off.run.stderr);
    assert_eq!(off.json["receipt"]["complete"], true);
}

#[test]
fn bombs_end_soon_in_little_memory() {
    let mut bomb = vec![0; 64 << 20];
    for level in 0..3 {
        bomb = make::gzip(&format!("level {level}"), &bomb);
    }
    let repo = Repo::init();
    repo.commit_file("bomb.gz", &bomb, "add");
    let sieve = Sieve::git(&repo, &["--threads", "1", "--max-memory", "64M"]);
    let scan = sieve.address_space_kib(800 << 10).scan();
    assert_eq!(scan.run.status, 3, "{}", scan.run.stderr);
    assert!(scan.has_issue_about("level"));
}

#[test]
fn bytes_that_only_begin_as_a_container_do_not_make_a_scan_incomplete() {
    let repo = Repo::init();
    for (name, magic) in [
        ("zip", &b"PK\x03\x04"[..]),
        ("gz", b"\x1f\x8b\x08\0"),
        ("xz", b"\xfd7zXZ\0"),
        ("pdf", b"%PDF-1.4 obj stream\n"),
        ("db", b"SQLite format 3\0"),
    ] {
        repo.write(
            name,
            [magic, b"nothing of the kind, as it turns out\n"].concat(),
        );
    }
    repo.commit("add");
    let scan = Sieve::git(&repo, &[]).scan();
    scan.assert_exactly(&[]);
    assert!(scan.issues().iter().all(|issue| issue["kind"] == "note"));
    assert!(scan.has_issue_about(&repo.rev("HEAD:gz")));
}

#[test]
fn allowlists_see_the_path_inside() {
    let repo = Repo::init();
    let (dropped, kept) = (repo.plant(), repo.plant());
    let zip = make::zip(&[
        ("vendor/a.txt", file_with(&dropped).as_bytes(), Deflated),
        ("src/a.txt", file_with(&kept).as_bytes(), Deflated),
    ]);
    repo.write(
        ".gitsieve.toml",
        "[extend]\nuseDefault = true\n[[allowlists]]\npaths = ['''(^|/)vendor/''']\n",
    );
    repo.write("lib/x.zip", &zip);
    repo.commit("add");
    let scan = Sieve::git(&repo, &[]).scan();
    scan.assert_exactly(&[&kept]);
}
