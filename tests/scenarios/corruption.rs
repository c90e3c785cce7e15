//! Damaged and hostile object stores: whatever is readable is scanned, whatever is not is named,
//! nothing panics, and no declared size is believed.

use super::history::file_with;
use crate::support::{
    Repo, Sieve,
    oracle::all_objects,
    pack::{self, Pack},
    repo::rewrite,
    rng::Rng,
    sieve::Scan,
};
use std::{collections::BTreeSet, fs, path::Path};

/// Address space that any of these scans gets.
const ADDRESS_SPACE_KIB: u64 = 2_000_000;

fn scan(repo: &Repo) -> Scan {
    Sieve::git(repo, &["--no-working-tree"])
        .address_space_kib(ADDRESS_SPACE_KIB)
        .scan()
}

/// Fails unless the report says that it is incomplete, and so does the status.
fn assert_incomplete(scan: &Scan) {
    assert_eq!(
        scan.json["receipt"]["complete"], false,
        "{:#}",
        scan.json["receipt"]
    );
    assert!(!scan.issues().is_empty(), "{:#}", scan.json["receipt"]);
    let allowed: &[i32] = if scan.findings().is_empty() {
        &[3]
    } else {
        &[1, 3]
    };
    assert!(
        allowed.contains(&scan.run.status),
        "{}: {}",
        scan.run.status,
        scan.run.stderr
    );
}

/// Blobs that git can read.
fn readable_blobs(repo: &Repo) -> BTreeSet<String> {
    all_objects_leniently(repo)
        .into_iter()
        .filter(|id| {
            repo.try_git(&["cat-file", "blob", id], b"")
                .status
                .success()
        })
        .collect()
}

/// Names of all objects, even where git cannot tell their kind.
fn all_objects_leniently(repo: &Repo) -> Vec<String> {
    let args = [
        "cat-file",
        "--batch-all-objects",
        "--batch-check=%(objectname)",
    ];
    let out = repo.try_git(&args, b"");
    String::from_utf8(out.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// A repository with one pack of incompressible texts, each with a token, and one loose blob
/// with another token.
struct Packed {
    repo: Repo,
    /// Tokens in the pack, with the blobs that hold them.
    texts: Vec<(String, String)>,
    loose: String,
}

fn packed() -> Packed {
    let repo = Repo::init();
    let mut rng = Rng::new(11);
    let mut texts = Vec::new();
    for n in 0..8 {
        let token = repo.plant();
        // Unlike each other, so that none is a delta of another.
        let noise = rng.text(b"abcdefghijklmnopqrstuvwxyz .,\n", 2000);
        let content = format!("{noise}\n{}{noise}\n", file_with(&token));
        repo.write(&format!("file{n}"), &content);
        texts.push((token, repo.blob_id(&content)));
    }
    repo.commit("add");
    repo.git(&["-c", "pack.window=0", "repack", "-q", "-a", "-d"]);
    let loose = repo.plant();
    repo.dangling_blob(file_with(&loose));
    Packed { repo, texts, loose }
}

/// Offset and length of an object's entry in the only pack.
fn entry_of(repo: &Repo, blob: &str) -> (usize, usize) {
    let idx = repo.only_pack_file("idx");
    let listing = repo.git(&["verify-pack", "-v", idx.to_str().unwrap()]);
    let line = listing
        .lines()
        .find(|line| line.starts_with(blob))
        .expect("a packed object");
    let mut fields = line.split_whitespace().skip(3);
    let mut number = || fields.next().unwrap().parse::<usize>().unwrap();
    let len = number();
    (number(), len)
}

#[test]
fn flipped_byte_in_a_pack_entry_costs_that_object_alone() {
    for part in [3, 2] {
        let f = packed();
        let (broken, blob) = f.texts[4].clone();
        let (offset, len) = entry_of(&f.repo, &blob);
        rewrite(&f.repo.only_pack_file("pack"), |bytes| {
            bytes[offset + len / part] ^= 0x55;
        });
        assert!(
            !readable_blobs(&f.repo).contains(&blob),
            "the fixture's point"
        );
        let scan = scan(&f.repo);
        assert_incomplete(&scan);
        assert!(scan.has_issue_about(&blob), "{:#}", scan.json["receipt"]);
        assert!(
            !scan.found(&broken),
            "what cannot be verified is not reported as found"
        );
        for (token, _) in f.texts.iter().filter(|(token, _)| *token != broken) {
            assert!(scan.found(token), "everything readable is scanned");
        }
        assert!(scan.found(&f.loose));
        assert_eq!(
            scan.receipt("/blobs/scanned"),
            readable_blobs(&f.repo).len() as u64
        );
        assert_eq!(scan.receipt("/blobs/skipped_by_reason/corrupt"), 1);
    }
}

#[test]
fn people_are_told_which_object_could_not_be_read() {
    let f = packed();
    let (_, blob) = f.texts[4].clone();
    let (offset, len) = entry_of(&f.repo, &blob);
    rewrite(&f.repo.only_pack_file("pack"), |bytes| {
        bytes[offset + len / 2] ^= 0x55;
    });
    let args = ["git".as_ref(), f.repo.path().as_os_str()];
    let run = Sieve::new(&args).hiding(f.repo.planted()).run();
    assert_eq!(run.status, 1, "findings decide: {}", run.stderr);
    let said = String::from_utf8(run.stdout).unwrap() + &run.stderr;
    assert!(said.contains(&blob[..7]), "{said}");
    assert!(said.contains("INCOMPLETE"), "{said}");
    let excluded = [
        "--exclude-rule",
        "github-pat",
        "--exclude-rule",
        "generic-secret",
    ];
    let clean = Sieve::git(&f.repo, &excluded).scan();
    assert!(clean.findings().is_empty(), "{:#}", clean.json);
    assert_eq!(
        clean.run.status, 3,
        "nothing found, and not everything looked at"
    );
}

#[test]
fn damaged_base_costs_its_deltas_and_nothing_else() {
    let repo = Repo::init();
    let mut rng = Rng::new(5);
    let long = rng.text(b"abcdefghijklmnopqrstuvwxyz .,\n", 8000);
    for n in 0..6 {
        repo.commit_file(
            "f",
            format!("{long}{n}\n{}", file_with(&repo.plant())),
            "edit",
        );
    }
    let safe = repo.plant();
    repo.commit_file("safe", file_with(&safe), "safe");
    repo.git(&["repack", "-q", "-a", "-d", "-f"]);
    let idx = repo.only_pack_file("idx");
    let listing = repo.git(&["verify-pack", "-v", idx.to_str().unwrap()]);
    let base = listing
        .lines()
        .filter(|line| line.contains(" blob ") && line.split_whitespace().count() == 5)
        .max_by_key(|line| {
            line.split_whitespace()
                .nth(3)
                .unwrap()
                .parse::<usize>()
                .unwrap()
        })
        .and_then(|line| line.split(' ').next())
        .unwrap()
        .to_owned();
    let (offset, len) = entry_of(&repo, &base);
    rewrite(&repo.only_pack_file("pack"), |bytes| {
        bytes[offset + len / 2] ^= 0x10;
    });
    let readable = readable_blobs(&repo);
    assert_eq!(
        readable.len(),
        1,
        "the fixture's point: one base and its deltas are lost"
    );
    let scan = scan(&repo);
    assert_incomplete(&scan);
    assert!(scan.found(&safe));
    assert!(scan.has_issue_about(&base), "{:#}", scan.json["receipt"]);
    assert_eq!(scan.receipt("/blobs/scanned"), 1);
    assert_eq!(scan.receipt("/blobs/skipped"), 6);
}

#[test]
fn truncated_pack_is_scanned_as_far_as_it_goes() {
    let f = packed();
    let total = fs::metadata(f.repo.only_pack_file("pack")).unwrap().len() as usize;
    rewrite(&f.repo.only_pack_file("pack"), |bytes| {
        bytes.truncate(total * 3 / 5);
    });
    let scan = scan(&f.repo);
    assert_incomplete(&scan);
    assert!(scan.found(&f.loose), "what lies outside the pack is whole");
    let found = f
        .texts
        .iter()
        .filter(|(token, _)| scan.found(token))
        .count();
    assert!(found < f.texts.len());
}

#[test]
fn pack_cut_to_nothing() {
    for len in [0, 5, 12] {
        let f = packed();
        let name = f.repo.only_pack_file("pack");
        rewrite(&name, |bytes| bytes.truncate(len));
        let scan = scan(&f.repo);
        assert_incomplete(&scan);
        assert!(scan.found(&f.loose));
        let name = name.file_name().unwrap().to_str().unwrap();
        let stem = name.trim_end_matches(".pack");
        assert!(scan.has_issue_about(stem), "{:#}", scan.json["receipt"]);
    }
}

#[test]
fn pack_missing_beside_its_index() {
    let f = packed();
    let name = f.repo.only_pack_file("pack");
    fs::remove_file(&name).unwrap();
    let scan = scan(&f.repo);
    assert_incomplete(&scan);
    assert!(scan.found(&f.loose));
    let stem = name.file_stem().unwrap().to_str().unwrap();
    assert!(scan.has_issue_about(stem), "{:#}", scan.json["receipt"]);
}

#[test]
fn index_missing_beside_its_pack() {
    let f = packed();
    let name = f.repo.only_pack_file("idx");
    fs::remove_file(&name).unwrap();
    let scan = scan(&f.repo);
    assert!(scan.found(&f.loose));
    let all = f.texts.iter().all(|(token, _)| scan.found(token));
    if !all {
        assert_incomplete(&scan);
        let stem = name.file_stem().unwrap().to_str().unwrap();
        assert!(scan.has_issue_about(stem), "{:#}", scan.json["receipt"]);
    }
}

/// Where the parts of a version 2 index begin.
struct IndexParts {
    count: usize,
    ids: usize,
    offsets: usize,
    trailer: usize,
}

fn index_parts(bytes: &[u8]) -> IndexParts {
    let count = u32::from_be_bytes(bytes[8 + 255 * 4..8 + 256 * 4].try_into().unwrap()) as usize;
    let ids = 8 + 256 * 4;
    let offsets = ids + count * 24;
    IndexParts {
        count,
        ids,
        offsets,
        trailer: bytes.len() - 20,
    }
}

fn damage_index(change: impl FnOnce(&mut Vec<u8>, &IndexParts)) -> (Packed, Scan) {
    let f = packed();
    let name = f.repo.only_pack_file("idx");
    rewrite(&name, |bytes| {
        let parts = index_parts(bytes);
        change(bytes, &parts);
    });
    let scan = scan(&f.repo);
    assert_incomplete(&scan);
    assert!(scan.found(&f.loose), "what lies outside the pack is whole");
    (f, scan)
}

/// Position of an object in the index.
fn position_of(bytes: &[u8], parts: &IndexParts, id: &str) -> usize {
    (0..parts.count)
        .find(|n| pack::hex(&bytes[parts.ids + n * 20..parts.ids + (n + 1) * 20]) == id)
        .unwrap()
}

#[test]
fn index_that_lies_about_one_offset() {
    let id = packed().texts[3].1.clone();
    let damages: [fn(&mut [u8]); 3] = [
        |offset| offset[3] ^= 0x04,
        |offset| offset[2] ^= 0x01,
        |offset| offset.copy_from_slice(&0x7fff_ffffu32.to_be_bytes()),
    ];
    for damage in damages {
        let (f, scan) = damage_index(|bytes, parts| {
            let at = parts.offsets + 4 * position_of(bytes, parts, &id);
            damage(&mut bytes[at..at + 4]);
        });
        for (n, (token, _)) in f.texts.iter().enumerate() {
            assert!(
                n == 3 || scan.found(token),
                "{n}: the others are where the index says: {:#}",
                scan.json["receipt"]
            );
        }
    }
}

#[test]
fn index_that_names_a_large_offset_it_does_not_hold() {
    damage_index(|bytes, parts| {
        let at = parts.offsets + 4 * 3;
        bytes[at..at + 4].copy_from_slice(&0x8000_0005u32.to_be_bytes());
    });
}

#[test]
fn index_with_a_flipped_byte_in_an_id() {
    damage_index(|bytes, parts| bytes[parts.ids + 3 * 20 + 7] ^= 0x20);
    damage_index(|bytes, parts| bytes[parts.ids + 5 * 20] ^= 0x80);
}

#[test]
fn index_with_a_damaged_fan_out_table() {
    damage_index(|bytes, _| bytes[8 + 100 * 4] ^= 0x40);
    damage_index(|bytes, _| bytes[8 + 255 * 4] = 0xff);
    damage_index(|bytes, _| bytes[8 + 255 * 4 + 3] ^= 0x01);
}

#[test]
fn index_with_a_damaged_trailer() {
    let (f, scan) = damage_index(|bytes, parts| bytes[parts.trailer + 4] ^= 1);
    for (token, _) in &f.texts {
        assert!(
            scan.found(token),
            "the index still says where everything is"
        );
    }
}

#[test]
fn index_cut_short_or_overwritten() {
    damage_index(|bytes, _| bytes.clear());
    damage_index(|bytes, _| bytes.truncate(500));
    damage_index(|bytes, parts| bytes.truncate(parts.ids + 30));
    damage_index(|bytes, _| bytes.fill(0));
    damage_index(|bytes, _| bytes.fill(0xff));
}

#[test]
fn single_flips_anywhere_never_break_the_scan() {
    let mut rng = Rng::new(99);
    let f = packed();
    for extension in ["idx", "pack"] {
        let file = f.repo.only_pack_file(extension);
        let whole = fs::read(&file).unwrap();
        for _ in 0..40 {
            let at = rng.below(whole.len());
            let bit = 1 << rng.below(8);
            rewrite(&file, |bytes| bytes[at] ^= bit);
            let scan = scan(&f.repo);
            assert!(scan.found(&f.loose), "{extension} byte {at}");
            let lost = f
                .texts
                .iter()
                .filter(|(token, _)| !scan.found(token))
                .count();
            assert!(
                lost == 0 || scan.json["receipt"]["complete"] == false,
                "{extension} byte {at}, bit {bit:#x}: {lost} tokens lost without a word"
            );
            rewrite(&file, |bytes| bytes.clone_from(&whole));
        }
    }
}

#[test]
fn object_damaged_in_one_place_and_whole_in_another_is_scanned() {
    let f = packed();
    let (token, blob) = &f.texts[2];
    let content = f.repo.git_with(&["cat-file", "blob", blob], b"");
    let pack_file = f.repo.only_pack_file("pack");
    let (offset, len) = entry_of(&f.repo, blob);
    let aside = f.repo.beside("pack-aside");
    fs::rename(f.repo.objects().join("pack"), &aside).unwrap();
    fs::create_dir(f.repo.objects().join("pack")).unwrap();
    assert_eq!(f.repo.dangling_blob(&content), *blob);
    fs::remove_dir(f.repo.objects().join("pack")).unwrap();
    fs::rename(&aside, f.repo.objects().join("pack")).unwrap();
    rewrite(&pack_file, |bytes| bytes[offset + len / 2] ^= 0x55);
    let scan = scan(&f.repo);
    assert!(
        scan.found(token),
        "the loose copy is whole: {:#}",
        scan.json["receipt"]
    );
    assert_eq!(
        scan.receipt("/blobs/scanned"),
        readable_blobs(&f.repo).len() as u64
    );
}

fn damage_loose(change: impl Fn(&mut Vec<u8>)) {
    let repo = Repo::init();
    let (kept, lost) = (repo.plant(), repo.plant());
    repo.commit_file("kept", file_with(&kept), "add");
    let noise = Rng::new(1).text(b"abcdefghijklmnopqrstuvwxyz .,\n", 4000);
    let blob = repo.dangling_blob(format!("{noise}{}", file_with(&lost)));
    rewrite(&repo.loose_file(&blob), change);
    let scan = scan(&repo);
    assert_incomplete(&scan);
    assert!(scan.found(&kept) && !scan.found(&lost));
    assert!(scan.has_issue_about(&blob), "{:#}", scan.json["receipt"]);
    assert_eq!(scan.receipt("/blobs/scanned"), 1);
}

#[test]
fn damaged_loose_objects() {
    damage_loose(Vec::clear);
    damage_loose(|bytes| bytes.truncate(bytes.len() / 2));
    damage_loose(|bytes| bytes.truncate(1));
    damage_loose(|bytes| bytes.fill(b'x'));
    damage_loose(|bytes| {
        let half = bytes.len() / 2;
        bytes[half] ^= 0x55;
    });
    // Headers that lie: 2^60 bytes, more than there is, less than there is, no number, no kind.
    for header in [
        "blob 1152921504606846976",
        "blob 99",
        "blob 1",
        "blob x",
        "blub 5",
        "",
    ] {
        let stored = [header.as_bytes(), b"\0hello"].concat();
        damage_loose(|bytes| *bytes = pack::zlib_stored(&stored));
    }
}

#[test]
fn stray_files_among_the_objects_do_no_harm() {
    let repo = Repo::init();
    let token = repo.plant();
    repo.commit_file("app.env", file_with(&token), "add");
    let objects = repo.objects();
    fs::create_dir_all(objects.join("zz")).unwrap();
    fs::create_dir_all(objects.join("00")).unwrap();
    fs::write(objects.join("zz/file"), "x").unwrap();
    fs::write(objects.join("00/tmp_obj_XyZ123"), "x").unwrap();
    fs::write(objects.join("pack/tmp_pack_XyZ123"), "x").unwrap();
    fs::write(objects.join("pack/.keep"), "x").unwrap();
    scan(&repo).assert_exactly(&[&token]);
}

/// A repository with one ordinary commit, and what a hand-made pack adds to it.
fn with_pack(build: impl FnOnce(&mut Pack, &Repo)) -> (Repo, String) {
    let repo = Repo::init();
    let safe = repo.plant();
    repo.commit_file("safe", file_with(&safe), "add");
    let mut pack = Pack::new();
    build(&mut pack, &repo);
    pack.store(&repo.objects());
    (repo, safe)
}

/// Scans a repository with a hostile pack: the rest is found, and an issue names `id`.
fn assert_survives(repo: &Repo, safe: &str, id: &[u8; 20]) -> Scan {
    let scan = scan(repo);
    assert_incomplete(&scan);
    assert!(scan.found(safe));
    assert!(
        scan.has_issue_about(&pack::hex(id)),
        "{:#}",
        scan.json["receipt"]
    );
    scan
}

fn assert_git_refuses(repo: &Repo, id: &[u8; 20]) {
    let answer = repo.try_git(&["cat-file", "blob", &pack::hex(id)], b"");
    assert!(
        !answer.status.success(),
        "the fixture's point: git cannot read it"
    );
}

#[test]
fn hand_made_pack_is_one_that_git_takes() {
    let mut tokens = Vec::new();
    let (repo, safe) = with_pack(|pack, repo| {
        tokens = vec![repo.plant(), repo.plant()];
        let base = file_with(&tokens[0]);
        let id = pack.blob(base.as_bytes());
        let insert = format!("#{}", file_with(&tokens[1]));
        assert!(insert.len() < 128, "one instruction");
        let mut instructions = vec![insert.len() as u8];
        instructions.extend(insert.bytes());
        instructions.extend(pack::copy(0, base.len() as u32));
        let result = insert.clone() + &base;
        let delta = pack::delta(base.len() as u64, result.len() as u64, &instructions);
        pack.ref_delta(pack::blob_id(result.as_bytes()), &id, &delta);
    });
    repo.git(&["verify-pack", repo.only_pack_file("idx").to_str().unwrap()]);
    let scan = scan(&repo);
    scan.assert_exactly(&[&safe, &tokens[0], &tokens[1]]);
    assert_eq!(scan.occurrences(&tokens[0]).len(), 2);
}

#[test]
fn delta_against_an_object_that_is_nowhere() {
    let id = [0xab; 20];
    let mut other = String::new();
    let (repo, safe) = with_pack(|pack, repo| {
        other = repo.plant();
        pack.blob(file_with(&other).as_bytes());
        let delta = pack::delta(100, 100, &pack::copy(0, 100));
        pack.ref_delta(id, &[0xcd; 20], &delta);
    });
    assert_git_refuses(&repo, &id);
    let scan = assert_survives(&repo, &safe, &id);
    assert!(scan.found(&other), "the pack's other objects are whole");
}

#[test]
fn delta_against_an_object_outside_of_its_pack() {
    let mut result = Vec::new();
    let (repo, safe) = with_pack(|pack, repo| {
        let base = repo.git_with(&["cat-file", "blob", "HEAD:safe"], b"");
        let base_id = pack::blob_id(&base);
        result = [b"twice\n".as_slice(), &base].concat();
        let mut instructions = vec![6];
        instructions.extend(b"twice\n");
        instructions.extend(pack::copy(0, base.len() as u32));
        let delta = pack::delta(base.len() as u64, result.len() as u64, &instructions);
        pack.ref_delta(pack::blob_id(&result), &base_id, &delta);
    });
    let id = pack::hex(&pack::blob_id(&result));
    let scan = scan(&repo);
    assert!(scan.found(&safe));
    let taken = scan.occurrences(&safe).iter().any(|o| o["blob"] == *id);
    assert!(
        taken || scan.has_issue_about(&id),
        "scanned or named: {:#}",
        scan.json
    );
    if !taken {
        assert_incomplete(&scan);
    }
}

#[test]
fn deltas_that_go_round_in_a_circle() {
    let (one, two) = ([0x11; 20], [0x22; 20]);
    let (repo, safe) = with_pack(|pack, _| {
        let delta = pack::delta(100, 100, &pack::copy(0, 100));
        pack.ref_delta(one, &two, &delta);
        pack.ref_delta(two, &one, &delta);
    });
    // git is not asked: it goes round until its memory is used up.
    assert_survives(&repo, &safe, &one);
}

#[test]
fn delta_that_declares_4_gb_and_gives_little() {
    let id = [0xab; 20];
    let (repo, safe) = with_pack(|pack, _| {
        let base = pack.blob(&[b'x'; 100]);
        let delta = pack::delta(100, 0xffff_ffff, &pack::copy(0, 100));
        pack.ref_delta(id, &base, &delta);
    });
    assert_git_refuses(&repo, &id);
    assert_survives(&repo, &safe, &id);
}

#[test]
fn delta_that_really_asks_for_4_gb() {
    let id = [0xab; 20];
    let mebi = 1 << 20;
    let (repo, safe) = with_pack(|pack, _| {
        let base = pack.blob(&vec![b'x'; mebi]);
        let instructions = pack::copy(0, mebi as u32).repeat(4096);
        let delta = pack::delta(mebi as u64, 4096 * mebi as u64, &instructions);
        pack.ref_delta(id, &base, &delta);
    });
    assert_survives(&repo, &safe, &id);
}

#[test]
fn delta_instructions_that_reach_outside() {
    let cases: [(&str, Vec<u8>); 5] = [
        ("copy past the base's end", pack::copy(90, 20)),
        ("copy from far outside", pack::copy(u32::MAX, 20)),
        ("more inserted than there is", vec![100, b'x']),
        ("the reserved instruction", vec![0; 20]),
        ("copy cut short", vec![0xff, 1]),
    ];
    for (what, instructions) in cases {
        let id = [0xab; 20];
        let (repo, safe) = with_pack(|pack, _| {
            let base = pack.blob(&[b'x'; 100]);
            pack.ref_delta(id, &base, &pack::delta(100, 20, &instructions));
        });
        assert_git_refuses(&repo, &id);
        let scan = assert_survives(&repo, &safe, &id);
        assert_eq!(
            scan.receipt("/blobs/skipped_by_reason/corrupt"),
            1,
            "{what}"
        );
    }
}

#[test]
fn delta_whose_declared_base_size_is_wrong() {
    let id = [0xab; 20];
    let (repo, safe) = with_pack(|pack, _| {
        let base = pack.blob(&[b'x'; 100]);
        pack.ref_delta(
            id,
            &base,
            &pack::delta(u64::MAX >> 1, 20, &pack::copy(0, 20)),
        );
    });
    assert_git_refuses(&repo, &id);
    assert_survives(&repo, &safe, &id);
}

#[test]
fn entries_that_declare_absurd_sizes() {
    for size in [1 << 60, u64::MAX >> 1, 1 << 40, (1 << 32) + 5] {
        let id = [0xab; 20];
        let (repo, safe) = with_pack(|pack, _| {
            pack.entry(id, pack::BLOB, size, &[], &pack::zlib_stored(b"hello"));
        });
        assert_survives(&repo, &safe, &id);
        let (repo, safe) = with_pack(|pack, _| {
            let base = pack.blob(&[b'x'; 100]);
            pack.entry(
                id,
                pack::REF_DELTA,
                size,
                &base,
                &pack::zlib_stored(b"hello"),
            );
        });
        assert_survives(&repo, &safe, &id);
    }
}

#[test]
fn entries_of_no_known_kind_or_size() {
    for kind in [0, 5] {
        let id = [0xab; 20];
        let (repo, safe) = with_pack(|pack, _| {
            pack.entry(id, kind, 5, &[], &pack::zlib_stored(b"hello"));
        });
        assert_survives(&repo, &safe, &id);
    }
    let id = [0xab; 20];
    let (repo, safe) = with_pack(|pack, _| {
        // A size that never ends.
        pack.entry(id, pack::BLOB, 5, &[], &[0xff; 64]);
    });
    assert_survives(&repo, &safe, &id);
}

#[test]
fn index_that_points_past_the_end_of_its_pack() {
    for offset in [
        1 << 20,
        (1 << 31) - 1,
        1 << 33,
        u64::MAX >> 1,
        u64::MAX,
        0,
        5,
    ] {
        let mut other = String::new();
        let mut id = [0; 20];
        let (repo, safe) = with_pack(|pack, repo| {
            other = repo.plant();
            pack.blob(file_with(&other).as_bytes());
            id = pack.blob(b"elsewhere");
            pack.lie_about_offset(&id, offset);
        });
        let scan = scan(&repo);
        assert_incomplete(&scan);
        assert!(scan.found(&safe), "offset {offset:#x}");
        assert!(
            scan.found(&other),
            "offset {offset:#x}: the pack's other object is whole"
        );
    }
}

fn spoil(file: &str, garbage: &[u8]) -> (Repo, String) {
    let repo = Repo::init();
    let token = repo.plant();
    repo.commit_file("app.env", file_with(&token), "add");
    fs::write(repo.git_dir().join(file), garbage).unwrap();
    (repo, token)
}

#[test]
fn garbage_in_packed_refs_is_named_and_the_objects_are_scanned() {
    for garbage in [
        b"\xff\xfe garbage\n".as_slice(),
        b"deadbeef refs/heads/x\n",
        b"^\n",
    ] {
        let (repo, token) = spoil("packed-refs", garbage);
        let scan = scan(&repo);
        assert!(scan.found(&token));
        assert!(
            scan.has_issue_about("packed-refs"),
            "{garbage:?}: {:#}",
            scan.json["receipt"]
        );
        assert_incomplete(&scan);
    }
}

#[test]
fn garbage_in_head_or_a_ref_does_not_hide_the_objects() {
    for file in ["HEAD", "refs/heads/broken", "refs/heads/main"] {
        for garbage in [b"".as_slice(), b"\0\0\0\0", b"not an id\n", &[b'f'; 40]] {
            let (repo, token) = spoil(file, garbage);
            let run = Sieve::git(&repo, &["--no-working-tree"]).run();
            if run.status == 2 {
                assert!(run.stderr.contains(file), "names {file}: {}", run.stderr);
                continue;
            }
            let json: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
            let scan = Scan { run, json };
            assert!(scan.found(&token), "{file} {garbage:?}");
        }
    }
}

#[test]
fn trees_and_commits_that_make_no_sense_are_named_and_the_blobs_are_scanned() {
    let repo = Repo::init();
    let token = repo.plant();
    repo.commit_file("app.env", file_with(&token), "add");
    let store = |kind: &str, content: &[u8]| {
        let args = ["hash-object", "-w", "--literally", "-t", kind, "--stdin"];
        let id = repo.git_with(&args, content);
        String::from_utf8(id).unwrap().trim().to_owned()
    };
    let message = repo.plant();
    let tree = repo.rev("HEAD^{tree}");
    store("tree", b"100644 cut sho");
    store("tree", b"no mode\0xxxxxxxxxxxxxxxxxxxx");
    store("commit", b"");
    store("commit", b"tree nothing\n\nhello");
    let odd = [
        b"tree ",
        tree.as_bytes(),
        b"\nauthor \xff <\n\n",
        message.as_bytes(),
        b" \0 x",
    ];
    store("commit", &odd.concat());
    store("tag", b"object x\n");
    let scan = scan(&repo);
    assert!(scan.found(&token));
    assert!(
        scan.found(&message),
        "a message is content, however odd its headers"
    );
    assert_eq!(scan.receipt("/blobs/scanned"), 1);
}

#[test]
fn directory_that_is_no_repository_and_files_that_are_none() {
    let repo = Repo::init();
    let empty = repo.beside("empty");
    fs::create_dir(&empty).unwrap();
    for path in [
        empty.as_path(),
        Path::new("/nonexistent"),
        Path::new("/dev/null"),
    ] {
        let run = Sieve::new(&["git".as_ref(), path.as_os_str()]).run();
        assert_eq!(run.status, 2, "{}: {}", path.display(), run.stderr);
        assert!(
            run.stderr.contains(path.to_str().unwrap()),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn object_formats_unknown_to_us_are_refused_and_not_taken_for_empty() {
    let repo = Repo::init();
    repo.commit_file("app.env", "x\n", "add");
    repo.git(&["config", "core.repositoryFormatVersion", "1"]);
    repo.git(&["config", "extensions.objectFormat", "sha512"]);
    let run = Sieve::git(&repo, &[]).run();
    assert_eq!(run.status, 2, "{}", run.stderr);
    assert!(run.stderr.contains("sha512"), "{}", run.stderr);
}

#[test]
fn all_objects_of_the_fixture_are_known_to_git() {
    let f = packed();
    let counted = all_objects(&f.repo)
        .iter()
        .filter(|(_, kind)| kind == "blob")
        .count();
    assert_eq!(counted, readable_blobs(&f.repo).len());
    scan(&f.repo).assert_complete();
}
