//! Every format by containers made here, then what is hostile or damaged.

#[path = "../../../tests/support/containers.rs"]
#[expect(unreachable_pub, reason = "shared with the black-box tests")]
mod make;

use super::*;
use crate::model::{IssueKind, ScanIssue};
use make::Packing::{Deflated, Stored};
use proptest::prelude::*;

/// A member as it was visited.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    path: String,
    bytes: Vec<u8>,
    number: u32,
    parent: u32,
    relation: Relation,
}

#[derive(Default)]
struct Collect {
    seen: Vec<Seen>,
    most_memory: u64,
    /// Stop after so many members.
    most: Option<usize>,
}

impl Visitor for Collect {
    fn member(&mut self, member: &Member<'_>) {
        self.seen.push(Seen {
            path: String::from_utf8_lossy(member.path).into_owned(),
            bytes: member.bytes.to_vec(),
            number: member.number,
            parent: member.parent,
            relation: member.relation,
        });
    }
    fn stopped(&self) -> bool {
        self.most == Some(self.seen.len())
    }
    fn memory(&mut self, bytes: u64) {
        self.most_memory = self.most_memory.max(bytes);
    }
}

fn open_with(content: &[u8], limits: &Limits) -> (Vec<Seen>, Vec<ScanIssue>) {
    let mut collect = Collect::default();
    let issues = expand(content, limits, &mut collect);
    assert!(collect.most_memory <= 2 * limits.max_memory_bytes + content.len() as u64);
    (collect.seen, issues)
}

/// The members of sound content: path and text.
fn open(content: &[u8]) -> Vec<(String, String)> {
    let (seen, issues) = open_with(content, &Limits::default());
    assert_eq!(issues, []);
    let text = |seen: Seen| (seen.path, String::from_utf8_lossy(&seen.bytes).into_owned());
    seen.into_iter().map(text).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
    expected.iter().map(owned).collect()
}

/// The only issue.
fn issue(issues: &[ScanIssue]) -> (IssueKind, &str) {
    assert_eq!(issues.len(), 1, "{issues:#?}");
    (issues[0].kind, &issues[0].message)
}

#[test]
fn zip_entries_are_members_and_stored_ones_say_where_they_stand() {
    let text = b"some text\n".repeat(9);
    let zip = make::zip(&[("a/one.txt", &text, Stored), ("two", &text, Deflated)]);
    let (seen, issues) = open_with(&zip, &Limits::default());
    assert_eq!(issues, []);
    let names: Vec<&str> = seen.iter().map(|s| &*s.path).collect();
    assert_eq!(names, ["a/one.txt", "two"]);
    let Relation::Stored { at } = seen[0].relation else {
        panic!("{:?}", seen[0].relation)
    };
    assert_eq!(zip[at..at + text.len()], text);
    assert_eq!(seen[1].relation, Relation::Decoded);
    assert!(seen.iter().all(|s| s.bytes == text && s.parent == 0));
}

#[test]
fn tar_and_ar_files_stand_in_their_archive_with_long_names_too() {
    let long = "d/".repeat(70) + "file.txt";
    let files: [(&str, &[u8]); 3] = [("a", b"odd"), (&long, b"more"), ("empty", b"")];
    for archive in [make::tar(&files), make::ar(&files)] {
        let (seen, issues) = open_with(&archive, &Limits::default());
        assert_eq!(issues, []);
        assert_eq!(seen.len(), 2, "nothing is in an empty file");
        for (seen, (name, bytes)) in seen.iter().zip(files) {
            assert_eq!((&*seen.path, &*seen.bytes), (name, bytes));
            let Relation::Stored { at } = seen.relation else {
                panic!("{seen:?}")
            };
            assert_eq!(archive[at..at + bytes.len()], *bytes);
        }
    }
}

#[test]
fn ar_names_of_bsd_stand_before_the_data() {
    let plain = make::ar(&[("#1/8", b"name\0\0\0\0data")]);
    // The maker ends names as GNU does.
    let at = 8 + 4;
    let archive = [&plain[..at], b" ", &plain[at + 1..]].concat();
    assert_eq!(open(&archive), pairs(&[("name", "data")]));
}

#[test]
fn compressed_streams_are_decoded_all_their_parts() {
    let gzip = make::gzip("notes.txt", b"first\n");
    let padded = [&gzip[..], &make::gzip("", b"second\n"), &[0; 300]].concat();
    assert_eq!(open(&padded), pairs(&[("notes.txt", "first\nsecond\n")]));
    let skippable = b"\x50\x2a\x4d\x18\x03\0\0\0abc";
    for (first, between, second) in [
        (make::bzip2(b"first\n"), &b""[..], make::bzip2(b"second\n")),
        (make::xz(b"first\n"), b"", make::xz(b"second\n")),
        (make::zstd(b"first\n"), skippable, make::zstd(b"second\n")),
    ] {
        let both = [&first[..], between, &second].concat();
        assert_eq!(open(&both), pairs(&[("content", "first\nsecond\n")]));
    }
}

#[test]
fn compressed_tar_is_one_container() {
    let tar = make::tar(&[("etc/x", b"text")]);
    let one_level = Limits {
        max_depth: 1,
        ..Limits::default()
    };
    for packed in [
        make::gzip("x.tar", &tar),
        make::bzip2(&tar),
        make::xz(&tar),
        make::zstd(&tar),
    ] {
        let (seen, issues) = open_with(&packed, &one_level);
        assert_eq!((seen.len(), issues.len()), (1, 0));
        assert_eq!((&*seen[0].path, &*seen[0].bytes), ("etc/x", &b"text"[..]));
        // Nothing has searched the tar itself.
        assert_eq!(seen[0].relation, Relation::Decoded);
    }
}

#[test]
fn nested_containers_open_to_the_depth_and_say_what_they_leave() {
    let tar = make::gzip("", &make::tar(&[("in.txt", b"text")]));
    let zip = make::zip(&[("a.tgz", &tar, Stored), ("b.tgz", &tar, Stored)]);
    let deb = make::ar(&[("x.zip", &zip)]);
    let paths = |depth| {
        let limits = Limits {
            max_depth: depth,
            ..Limits::default()
        };
        let (seen, issues) = open_with(&deb, &limits);
        let paths: Vec<String> = seen.into_iter().map(|s| s.path).collect();
        (paths, issues)
    };
    let (all, issues) = paths(3);
    assert_eq!(issues, []);
    let inner = ["a.tgz", "a.tgz!/in.txt", "b.tgz", "b.tgz!/in.txt"];
    let inner = inner.map(|p| format!("x.zip!/{p}"));
    assert_eq!(all, [&["x.zip".to_owned()][..], &inner].concat());
    let (some, issues) = paths(2);
    assert_eq!(some, ["x.zip", "x.zip!/a.tgz", "x.zip!/b.tgz"]);
    let (kind, message) = issue(&issues);
    assert_eq!(kind, IssueKind::Limit);
    assert!(
        message.contains("x.zip!/a.tgz, and one more member"),
        "{message}"
    );
    assert_eq!(paths(0), (Vec::new(), Vec::new()));
}

#[test]
fn numbers_tell_which_member_holds_which() {
    let inner = make::zip(&[("x", b"1", Stored)]);
    let outer = make::zip(&[
        ("a", b"0", Stored),
        ("b", &inner, Stored),
        ("c", b"2", Stored),
    ]);
    let (seen, _) = open_with(&outer, &Limits::default());
    let numbers: Vec<_> = seen
        .iter()
        .map(|s| (&*s.path, s.number, s.parent))
        .collect();
    assert_eq!(
        numbers,
        [("a", 1, 0), ("b", 2, 0), ("b!/x", 3, 2), ("c", 4, 0)]
    );
}

#[test]
fn pdf_pages_give_the_text_they_show() {
    let pdf = make::pdf(&[&["First (line)", "second \\ line"], &["other page"]]);
    let first = "First (line)\nsecond \\ line\n";
    let expected = [("object 4", first), ("object 5", "other page\n")];
    let (seen, issues) = open_with(&pdf, &Limits::default());
    assert_eq!(issues, []);
    let text = |s: &Seen| (s.path.clone(), String::from_utf8_lossy(&s.bytes).into());
    let found: Vec<(String, String)> = seen.iter().map(text).collect();
    assert_eq!(found, pairs(&expected));
    assert!(seen.iter().all(|s| s.relation == Relation::Extracted));
}

#[test]
fn pdf_strings_are_read_in_every_form() {
    let page = b"BT (a\\101\\(b\\)(c)\\\nd) Tj T* <4869> ' [(wide)-400(gap)] TJ 0 0 Td \
        <00480069> Tj 1 0 0 1 9 700 Tm (x) Tj 1 0 0 1 99 700 Tm (y) Tj ET\n\
        BI /W 1 ID (no) Tj EI 1 0 m (no) Tj\nBT/F 1 Tf (z) Tj ET";
    let mut pdf = b"%PDF-1.4\n7 0 obj <</Length 9 0 R>>\nstream\r\n".to_vec();
    pdf.extend(page);
    pdf.extend(b"\nendstream endobj");
    let expected = "aA(b)(c)d\nHi\nwide gap Hi\nx y\nz\n";
    // The first of each pair of moves ends the line before it, if there is one.
    let found = open(&pdf);
    assert_eq!(found[0].0, "object 7");
    assert_eq!(found[0].1.replace("Hiwide", "Hi\nwide"), expected);
}

#[test]
fn pdf_attachments_are_members_and_pictures_are_not() {
    let hidden = make::zlib(b"TOKEN=1");
    let image = make::zlib(b"\x00\x01\x02");
    let mut pdf =
        b"%PDF-1.7\n1 0 obj << /Type /EmbeddedFile /Filter [/FlateDecode] >> stream\n".to_vec();
    pdf.extend(&hidden);
    pdf.extend(b"\nendstream endobj 2 0 obj <</Subtype/Image/Filter/FlateDecode>> stream\n");
    pdf.extend(&image);
    pdf.extend(b"\nendstream endobj 3 0 obj <</Filter/LZWDecode>> stream\nxx\nendstream endobj");
    let (seen, issues) = open_with(&pdf, &Limits::default());
    assert_eq!(seen.len(), 1);
    assert_eq!(
        (&*seen[0].path, &*seen[0].bytes),
        ("object 1", &b"TOKEN=1"[..])
    );
    let (kind, message) = issue(&issues);
    assert_eq!(kind, IssueKind::Note);
    assert!(message.contains("object 3"), "{message}");
    let encrypted = [&pdf[..], b" trailer << /Encrypt 9 0 R >>"].concat();
    let (seen, issues) = open_with(&encrypted, &Limits::default());
    assert!(seen.is_empty());
    assert!(issue(&issues).1.starts_with("encrypted"), "{issues:?}");
}

#[test]
fn sqlite_rows_are_told_by_table_and_column() {
    let long = "0123456789".repeat(300);
    let rows = vec![
        vec!["alice", "first"],
        vec!["bob", &long],
        vec!["eve", "has \"quotes\"\nand lines"],
    ];
    let database = make::sqlite("users", &["name", "\"pass word\""], &rows);
    let expected = format!(
        "name = \"alice\"\npass word = \"first\"\n\nname = \"bob\"\npass word = \"{long}\"\n\n\
         name = \"eve\"\npass word = has \"quotes\"\nand lines\n\n"
    );
    assert_eq!(open(&database), [("users".to_owned(), expected)]);
}

#[test]
fn notebook_cells_are_joined() {
    let cells = ["a = \"x\"\nb\n", "# second"];
    assert_eq!(
        open(&make::notebook(&cells)),
        pairs(&[("cell 1", cells[0]), ("cell 2", "# second\n")])
    );
    let output = br#"{"metadata": {}, "nbformat": 4, "cells": [{"source": "s",
        "outputs": [{"text": ["o1\n", "o2"]}, {"data": {"text/plain": "p", "image/png": "x"}}, {"text": {"a": [1]}}]},
        {"source": null}]}"#;
    assert_eq!(
        open(output),
        pairs(&[("cell 1", "s\n"), ("cell 1 output", "o1\no2\np\n")])
    );
    let old = br#"{"metadata": {}, "nbformat": 3, "worksheets": [{"cells": [{"input": ["i"]}]}]}"#;
    assert_eq!(open(old), pairs(&[("cell 1", "i\n")]));
    assert_eq!(detect(br#"{"metadata": {"name": "x"}}"#), None);
}

#[test]
fn constants_of_compiled_code_have_their_names() {
    let class = make::class("PASSWORD", "hunter", "other");
    assert_eq!(
        open(&class),
        pairs(&[("constants", "PASSWORD = \"hunter\"\nother\n")])
    );
    let pyc = make::pyc("password", "hunter", "other");
    assert_eq!(
        open(&pyc),
        pairs(&[("constants", "other\npassword = \"hunter\"\n")])
    );
}

#[test]
fn a_universal_binary_is_no_class_and_text_is_no_container() {
    let universal = b"\xca\xfe\xba\xbe\0\0\0\x02\x01\0\0\x07\0\0\0\x03";
    for content in [
        &universal[..],
        b"",
        b"P",
        b"PK",
        b"PKZIP is a program",
        b"BZh9 is no magic",
        b"%PDX",
        b"{\"name\": 1}",
        &[0; 600],
    ] {
        assert_eq!(detect(content), None, "{content:?}");
        let mut collect = Collect::default();
        assert_eq!(expand(content, &Limits::default(), &mut collect), []);
        assert!(collect.seen.is_empty());
    }
}

#[test]
fn bomb_of_one_stream_is_cut_by_the_ratio() {
    let bomb = make::gzip("zeros", &vec![0; 64 << 20]);
    let limits = Limits {
        max_ratio: 100,
        ..Limits::default()
    };
    let (seen, issues) = open_with(&bomb, &limits);
    let allowed = bomb.len() * 100 + (16 << 20);
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].bytes.len(), allowed);
    let (kind, message) = issue(&issues);
    assert_eq!(kind, IssueKind::Limit);
    assert!(message.contains("100 times its size"), "{message}");
    assert!(
        message.contains(&format!("{allowed} bytes of zeros")),
        "{message}"
    );
}

#[test]
fn sum_of_members_is_bounded_and_the_rest_is_told() {
    let files = vec![b'x'; 1000];
    let entries: Vec<_> = ["a", "b", "c", "d"]
        .map(|name| (name, &files[..], Deflated))
        .to_vec();
    let limits = Limits {
        max_bytes: 2500,
        ..Limits::default()
    };
    let (seen, issues) = open_with(&make::zip(&entries), &limits);
    let sizes: Vec<usize> = seen.iter().map(|s| s.bytes.len()).collect();
    assert_eq!(sizes, [1000, 1000, 500]);
    let (kind, message) = issue(&issues);
    assert_eq!(kind, IssueKind::Limit);
    assert!(message.contains("the first 500 bytes of c"), "{message}");
    // Stored entries cost as much: the same bytes could be listed a million times.
    let stored: Vec<_> = entries.iter().map(|e| (e.0, e.1, Stored)).collect();
    let (seen, again) = open_with(&make::zip(&stored), &limits);
    assert_eq!(seen.len(), 3);
    assert_eq!(again, issues);
}

#[test]
fn one_member_is_bounded_by_memory_and_the_next_are_not_lost() {
    let large = vec![b'x'; 300_000];
    let zip = make::zip(&[("large", &large, Deflated), ("small", b"y", Deflated)]);
    let limits = Limits {
        max_memory_bytes: 100_000,
        ..Limits::default()
    };
    let (seen, issues) = open_with(&zip, &limits);
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].bytes.len(), 100_000);
    assert_eq!(seen[1].path, "small");
    let (kind, message) = issue(&issues);
    assert_eq!(kind, IssueKind::Limit);
    assert!(
        message.contains("large: only its first 100000 bytes were looked at"),
        "{message}"
    );
}

#[test]
fn members_are_counted() {
    let tar = make::tar(&[("a", b"1"), ("b", b"2"), ("c", b"3")]);
    let limits = Limits {
        max_members: 2,
        ..Limits::default()
    };
    let (seen, issues) = open_with(&tar, &limits);
    assert_eq!(seen.len(), 2);
    let (kind, message) = issue(&issues);
    assert_eq!(kind, IssueKind::Limit);
    assert!(message.contains("c and what follows"), "{message}");
}

#[test]
fn time_ends_an_expansion_and_a_stop_ends_it_silently() {
    let tar = make::tar(&[("a", b"1"), ("b", b"2")]);
    let limits = Limits {
        max_time: Duration::ZERO,
        ..Limits::default()
    };
    let (seen, issues) = open_with(&tar, &limits);
    assert!(seen.is_empty());
    assert_eq!(issue(&issues).0, IssueKind::Limit);
    let mut collect = Collect {
        most: Some(1),
        ..Collect::default()
    };
    assert_eq!(expand(&tar, &Limits::default(), &mut collect), []);
    assert_eq!(collect.seen.len(), 1);
}

/// Each level holds the next several times over: 4^20 leaves if nothing stopped it.
#[test]
fn nesting_ends_however_deep_it_goes() {
    let mut inner = b"leaf".to_vec();
    for _ in 0..20 {
        let entries = ["a", "b", "c", "d"].map(|name| (name, &inner[..], Deflated));
        inner = make::zip(&entries);
    }
    let limits = Limits {
        max_depth: 32,
        max_bytes: 8 << 20,
        ..Limits::default()
    };
    let (_, issues) = open_with(&inner, &limits);
    assert_eq!(issue(&issues).0, IssueKind::Limit);
    let (seen, issues) = open_with(&inner, &Limits::default());
    assert_eq!(seen.len(), 4 + 16 + 64);
    assert!(issue(&issues).1.starts_with("not opened"), "{issues:?}");
}

/// Adds up the sizes of members.
struct Sum(usize);

impl Visitor for Sum {
    fn member(&mut self, member: &Member<'_>) {
        self.0 += member.bytes.len();
    }
}

/// All entries of the directory point to the same data.
#[test]
fn overlapping_entries_cost_no_more_than_the_sum_allows() {
    let data = vec![0; 1 << 20];
    let one = make::zip(&[("a", &data, Deflated)]);
    let directory = memchr::memmem::rfind(&one, b"PK\x01\x02").unwrap();
    let end = memchr::memmem::rfind(&one, b"PK\x05\x06").unwrap();
    let record = &one[directory..end];
    let count = 2000_u16;
    let mut bomb = one[..directory].to_vec();
    for _ in 0..count {
        bomb.extend(record);
    }
    let mut tail = one[end..].to_vec();
    tail[8..10].copy_from_slice(&count.to_le_bytes());
    tail[10..12].copy_from_slice(&count.to_le_bytes());
    let len = (record.len() * usize::from(count)) as u32;
    tail[12..16].copy_from_slice(&len.to_le_bytes());
    bomb.extend(tail);
    let mut sum = Sum(0);
    let issues = expand(&bomb, &Limits::default(), &mut sum);
    assert_eq!(issue(&issues).0, IssueKind::Limit);
    assert_eq!(sum.0, bomb.len() * 200 + (16 << 20));
}

#[test]
fn declared_sizes_are_not_believed() {
    let mut zip = make::zip(&[("a", b"text", Deflated)]);
    let directory = memchr::memmem::rfind(&zip, b"PK\x01\x02").unwrap();
    // The size after decoding, in the directory.
    zip[directory + 24..directory + 28].copy_from_slice(&u32::MAX.wrapping_sub(1).to_le_bytes());
    let (seen, _) = open_with(&zip, &Limits::default());
    assert_eq!(seen[0].bytes, b"text");
    let mut tar = make::tar(&[("a", b"text")]);
    tar[124..136].copy_from_slice(b"77777777777\0");
    // With its checksum, so that the size is all that is wrong.
    tar[148..156].fill(b' ');
    let sum: u32 = tar[..512].iter().map(|b| u32::from(*b)).sum();
    tar[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let (seen, issues) = open_with(&tar, &Limits::default());
    assert!(seen[0].bytes.starts_with(b"text"));
    assert_eq!(issues[0].kind, IssueKind::Note);
}

#[test]
fn damaged_and_encrypted_content_is_noted_and_the_rest_is_read() {
    let text = b"text that is long enough to be compressed a little, a little\n".repeat(50);
    let zip = make::zip(&[("a", &text, Deflated), ("b", &text, Deflated)]);
    // Cut inside the directory: entries are found one after the other.
    let cut = &zip[..zip.len() - 60];
    let (seen, issues) = open_with(cut, &Limits::default());
    assert_eq!(seen.len(), 2, "{issues:#?}");
    assert!(seen.iter().all(|s| s.bytes == text));
    assert_eq!(issue(&issues).0, IssueKind::Note);
    let gzip = make::gzip("x", &text);
    let (seen, issues) = open_with(&gzip[..gzip.len() - 12], &Limits::default());
    assert!(text.starts_with(&seen[0].bytes) && !seen[0].bytes.is_empty());
    let (kind, message) = issue(&issues);
    assert_eq!(kind, IssueKind::Note);
    assert!(message.contains(": x: "), "{message}");
    let mut locked = zip.clone();
    let directory = memchr::memmem::find(&locked, b"PK\x01\x02").unwrap();
    locked[directory + 8] |= 1;
    let (seen, issues) = open_with(&locked, &Limits::default());
    assert_eq!(seen.len(), 1);
    let (kind, message) = issue(&issues);
    assert_eq!(kind, IssueKind::Note);
    assert_eq!(message, "encrypted, so not looked at: a");
}

/// One container of each kind, small.
fn specimens() -> Vec<Vec<u8>> {
    let text = b"name = \"value\"\n".repeat(20);
    let rows = vec![vec!["a", "b"], vec!["c", "d"]];
    vec![
        make::zip(&[("a", &text, Stored), ("b", &text, Deflated)]),
        make::tar(&[("a", &text)]),
        make::ar(&[("a", &text), ("a-very-long-name.txt", &text)]),
        make::gzip("a", &text),
        make::bzip2(&text),
        make::xz(&text),
        make::zstd(&text),
        make::pdf(&[&["a line", "another"]]),
        make::sqlite("t", &["x", "y"], &rows),
        make::notebook(&["a\nb", "c"]),
        make::pyc("a", "b", "c"),
        make::class("a", "b", "c"),
        make::gzip("", &make::tar(&[("a", &text)])),
    ]
}

/// What any content may cost here.
fn tight() -> Limits {
    Limits {
        max_bytes: 4 << 20,
        max_memory_bytes: 4 << 20,
        max_members: 1000,
        max_time: Duration::from_secs(20),
        ..Limits::default()
    }
}

#[test]
fn every_truncation_ends_in_order() {
    for specimen in specimens() {
        for len in 0..specimen.len() {
            let (seen, issues) = open_with(&specimen[..len], &tight());
            let limits = issues.iter().filter(|i| i.kind == IssueKind::Limit);
            assert_eq!(limits.count(), 0, "{issues:?}");
            drop(seen);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn every_change_of_some_bytes_ends_in_order(
        which in 0..13_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut content = specimens().swap_remove(which);
        // The magic stays, so that the change is seen by who reads the format.
        for (at, byte) in changes {
            let at = 8 + at.index(content.len() - 8);
            content[at] = byte;
        }
        let (seen, issues) = open_with(&content, &tight());
        prop_assert!(seen.iter().map(|s| s.bytes.len()).sum::<usize>() <= 4 << 20);
        prop_assert!(issues.iter().all(|i| !i.message.contains("took longer")), "{:?}", issues);
    }

    #[test]
    fn any_bytes_after_any_magic_end_in_order(
        which in 0..13_usize,
        keep in 4..64_usize,
        rest in prop::collection::vec(any::<u8>(), 0..2000),
    ) {
        let specimen = specimens().swap_remove(which);
        let content = [&specimen[..keep.min(specimen.len())], &rest].concat();
        let (seen, _) = open_with(&content, &tight());
        prop_assert!(seen.iter().map(|s| s.bytes.len()).sum::<usize>() <= 4 << 20);
    }

    #[test]
    fn what_is_packed_comes_out(
        files in prop::collection::vec(("[a-z]{1,30}", prop::collection::vec(any::<u8>(), 1..400)), 1..8)
    ) {
        // A member that is a container by accident would be opened.
        prop_assume!(files.iter().all(|f| detect(&f.1).is_none()));
        let plain: Vec<(&str, &[u8])> = files.iter().map(|(n, b)| (&**n, &**b)).collect();
        let packed: Vec<_> = plain.iter().map(|f| (f.0, f.1, Deflated)).collect();
        let stored: Vec<_> = plain.iter().map(|f| (f.0, f.1, Stored)).collect();
        let tar = make::tar(&plain);
        for archive in [
            make::zip(&packed),
            make::zip(&stored),
            make::ar(&plain),
            make::gzip("", &tar),
            make::bzip2(&tar),
            make::xz(&tar),
            make::zstd(&tar),
            tar,
        ] {
            let (seen, issues) = open_with(&archive, &Limits::default());
            prop_assert_eq!(issues, vec![]);
            let found: Vec<(&str, &[u8])> = seen.iter().map(|s| (&*s.path, &*s.bytes)).collect();
            prop_assert_eq!(&found, &plain);
        }
    }
}
