//! What the content is like does not matter: encodings, binary files, very long lines and very
//! long files.

use super::history::file_with;
use crate::support::{
    Repo, Sieve,
    sieve::{assert_position, position},
};
use std::{fs::File, io::Write};

/// UTF-16 with a byte order mark.
fn utf16(text: &str, encode: fn(u16) -> [u8; 2]) -> Vec<u8> {
    std::iter::once(0xfeff)
        .chain(text.encode_utf16())
        .flat_map(encode)
        .collect()
}

fn utf16_is_found(encode: fn(u16) -> [u8; 2]) {
    let repo = Repo::init();
    let token = repo.plant();
    let content = utf16(&file_with(&token), encode);
    let stored = token.encode_utf16().flat_map(encode).collect::<Vec<u8>>();
    let added = repo.commit_file("wide.ps1", &content, "add");
    let scan = Sieve::git(&repo, &[]).scan();
    scan.assert_exactly(&[&token]);
    let occurrence = scan.only(&token);
    assert_eq!(occurrence["where"], "head");
    assert_eq!(occurrence["introduced"]["commit"], added);
    let start = position(&content, &stored).unwrap() as u64;
    assert_eq!(occurrence["byte_start"], start, "{occurrence:#}");
    assert_eq!(
        occurrence["byte_end"],
        start + stored.len() as u64,
        "{occurrence:#}"
    );
    assert_eq!(occurrence["start_line"], 2, "{occurrence:#}");
    assert_eq!(occurrence["end_line"], 2, "{occurrence:#}");
}

#[test]
fn utf16_little_endian() {
    utf16_is_found(u16::to_le_bytes);
}

#[test]
fn utf16_big_endian() {
    utf16_is_found(u16::to_be_bytes);
}

#[test]
fn one_secret_in_two_encodings_is_one_finding() {
    let repo = Repo::init();
    let token = repo.plant();
    repo.write("plain", file_with(&token));
    repo.write("wide", utf16(&file_with(&token), u16::to_le_bytes));
    repo.commit("add");
    let scan = Sieve::git(&repo, &[]).scan();
    scan.assert_exactly(&[&token]);
    assert_eq!(scan.occurrences(&token).len(), 2);
}

#[test]
fn binary_file_with_nul_bytes() {
    let repo = Repo::init();
    let token = repo.plant();
    let mut content: Vec<u8> = (0..=255u8).cycle().take(4096).collect();
    content.extend(b"\0\0");
    content.extend(token.as_bytes());
    content.extend(b"\0\xff\xfe");
    content.extend((0..=255u8).rev().cycle().take(4096));
    repo.commit_file("data.bin", &content, "add");
    let scan = Sieve::git(&repo, &[]).scan();
    scan.assert_exactly(&[&token]);
    assert_position(scan.only(&token), &content, token.as_bytes());
}

#[test]
fn line_ends_of_every_kind_and_no_final_newline() {
    let repo = Repo::init();
    let mut planted = Vec::new();
    for (name, before, after) in [
        ("crlf", "a\r\nb\r\n", "\r\n"),
        ("start-and-end", "", ""),
        ("quoted", "x\n\n'", "',"),
        ("after-text", "ääh: ", " öö"),
    ] {
        let token = repo.plant();
        let content = format!("{before}{token}{after}");
        repo.write(name, &content);
        planted.push((token, content));
    }
    repo.commit("add");
    let scan = Sieve::git(&repo, &[]).scan();
    scan.assert_exactly(
        &planted
            .iter()
            .map(|(token, _)| token.as_str())
            .collect::<Vec<_>>(),
    );
    for (token, content) in &planted {
        assert_position(scan.only(token), content.as_bytes(), token.as_bytes());
    }
}

#[test]
fn changed_checksum_never_counts_as_proof() {
    let repo = Repo::init();
    let token = repo.plant();
    let mut altered = token.clone().into_bytes();
    let last = altered.last_mut().unwrap();
    *last = if *last == b'0' { b'1' } else { b'0' };
    repo.write("real", file_with(&token));
    repo.write("altered", file_with(std::str::from_utf8(&altered).unwrap()));
    repo.commit("add");
    let scan = Sieve::git(&repo, &[]).scan();
    let confidence = |path: &str| {
        scan.findings()
            .iter()
            .filter(|f| f["rule_id"] == crate::support::plant::GITHUB_RULE)
            .find(|f| f["occurrences"][0]["path"] == path)
            .map(|f| f["confidence"].as_str().unwrap().to_owned())
    };
    assert_eq!(confidence("real").as_deref(), Some("high"));
    assert_ne!(confidence("altered").as_deref(), Some("high"));
}

#[test]
fn one_line_of_50_mb() {
    let repo = Repo::init();
    let token = repo.plant();
    let half = "lorem ipsum dolor sit amet ".repeat(25_000_000 / 27);
    let content = format!("{half}\"{token}\"{half}");
    repo.write("data.json", &content);
    repo.git(&["config", "core.looseCompression", "1"]);
    repo.commit("add");
    let scan = Sieve::git(&repo, &[]).scan();
    scan.assert_exactly(&[&token]);
    let occurrence = scan.only(&token);
    assert_eq!(occurrence["byte_start"], half.len() as u64 + 1);
    assert_eq!(occurrence["start_line"], 1);
    assert_eq!(occurrence["start_column"], half.len() as u64 + 2);
}

#[test]
fn last_line_of_a_text_of_200_mb() {
    const LINES: u64 = 2_000_000;
    let repo = Repo::init();
    let token = repo.plant();
    let line = format!("{:099}\n", 7);
    let block = line.repeat(10_000);
    let mut file = File::create(repo.path().join("app.log")).unwrap();
    for _ in 0..LINES / 10_000 {
        file.write_all(block.as_bytes()).unwrap();
    }
    file.write_all(format!("Authorization: token {token}").as_bytes())
        .unwrap();
    drop(file);
    repo.git(&["config", "core.looseCompression", "1"]);
    repo.commit("a log");
    let scan = Sieve::git(&repo, &[]).scan();
    scan.assert_exactly(&[&token]);
    let occurrence = scan.only(&token);
    assert_eq!(occurrence["start_line"], LINES + 1);
    assert_eq!(occurrence["start_column"], 22);
    assert_eq!(occurrence["byte_start"], LINES * 100 + 21);
}

#[test]
fn blob_over_the_size_limit_is_skipped_and_said_so() {
    let repo = Repo::init();
    let (small, large) = (repo.plant(), repo.plant());
    repo.write("small", file_with(&small));
    let content = "x\n".repeat(100_000) + &file_with(&large);
    repo.write("large", &content);
    repo.commit("add");
    let scan = Sieve::git(&repo, &["--max-blob-size", "100000"]).scan();
    assert!(scan.found(&small) && !scan.found(&large));
    assert_eq!(scan.receipt("/blobs/skipped"), 1);
    assert_eq!(scan.receipt("/blobs/skipped_by_reason/too-large"), 1);
    assert_eq!(scan.receipt("/blobs/seen"), 2);
    assert_eq!(scan.json["receipt"]["complete"], false);
}

/// Scans what has a secret at every edge of the parts in which it is scanned, with the memory that
/// holds one part and with the usual.
fn parts_show_the_whole(name: &str, encode: impl Fn(&str) -> Vec<u8>) {
    const PART: usize = 16 << 20;
    let repo = Repo::init();
    let mut text = String::new();
    let mut tokens = Vec::new();
    for edge in [PART - 20, 2 * PART - 41, 3 * PART + 1] {
        let token = repo.plant();
        let unit = encode("ab").len() - encode("a").len();
        while text.len() < edge / unit - 100 {
            text.push_str("lorem ipsum dolor\n");
        }
        text.push_str(&"-".repeat(edge / unit - text.len()));
        text.push_str(&token);
        text.push('\n');
        tokens.push(token);
    }
    repo.write(name, encode(&text));
    repo.git(&["config", "core.looseCompression", "1"]);
    repo.commit("large");
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let both = |repo: &Repo, args: &[&str]| {
        let whole = Sieve::git(repo, args).scan();
        let parts = Sieve::git(repo, &[args, &["--max-memory", "17M"]].concat()).scan();
        whole.assert_exactly(&tokens);
        assert_eq!(parts.findings(), whole.findings());
        parts.assert_complete();
        assert!(parts.has_issue_about("part by part"));
    };
    both(&repo, &[]);
    repo.pack_all();
    both(&repo, &["--threads", "2"]);
    // A changed file, and plain ones.
    repo.write(name, encode(&format!("changed\n{text}")));
    both(&repo, &[]);
    let dir = repo.path().to_str().unwrap();
    let files = |args: &[&str]| {
        let sieve = Sieve::new(&[&["dir", dir, "-f", "json"], args].concat());
        sieve.hiding(repo.planted()).scan()
    };
    let (whole, parts) = (files(&[]), files(&["--max-memory", "17M"]));
    whole.assert_exactly(&tokens);
    assert_eq!(parts.findings(), whole.findings());
}

#[test]
fn what_is_larger_than_memory_is_scanned_part_by_part() {
    parts_show_the_whole("large.log", |text| text.as_bytes().to_vec());
}

#[test]
fn wide_text_larger_than_memory_is_scanned_part_by_part() {
    parts_show_the_whole("wide.log", |text| utf16(text, u16::to_le_bytes));
}

#[test]
fn damage_in_what_is_scanned_part_by_part_is_said_and_what_came_before_is_found() {
    let repo = Repo::init();
    let token = repo.plant();
    // Hardly compressible, so that damage shows where it is.
    let mut number = 1u64;
    let noise = std::iter::repeat_with(|| {
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (number >> 33) as u8
    });
    let noise: Vec<u8> = noise.take(40 << 20).collect();
    let content = [file_with(&token).as_bytes(), &noise].concat();
    repo.git(&["config", "core.bigFileThreshold", "1m"]);
    repo.commit_file("noise", &content, "add");
    repo.pack_all();
    crate::support::repo::rewrite(&repo.only_pack_file("pack"), |bytes| {
        let at = bytes.len() - (1 << 20);
        bytes[at..at + 64].fill(0);
    });
    let scan = Sieve::git(&repo, &["--max-memory", "17M", "--no-working-tree"]).scan();
    assert_eq!(scan.receipt("/blobs/skipped_by_reason/corrupt"), 1);
    assert!(scan.found(&token));
    assert!(scan.has_issue_about("what came before that was scanned"));
}
