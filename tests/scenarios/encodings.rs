//! Secrets inside encodings: found under their own name, at the place of the encoded text, in
//! every version of a file.

use super::{
    fixtures::prose,
    history::file_with,
    invariance::{assert_same, engines, report},
};
use crate::support::{
    Repo, Sieve,
    rng::Rng,
    sieve::{assert_position, position},
};
use serde_json::json;

const STANDARD: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn base64_in(alphabet: &[u8], bytes: &[u8]) -> String {
    let groups = bytes.chunks(3).map(|group| {
        let value = group
            .iter()
            .chain(&[0, 0])
            .take(3)
            .fold(0, |sum, b| sum << 8 | *b as usize);
        let digits = (0..=group.len()).map(move |i| alphabet[value >> (18 - 6 * i) & 63] as char);
        digits.chain("==".chars().skip(group.len() - 1)).take(4)
    });
    groups.flatten().collect()
}

fn base64(bytes: &[u8]) -> String {
    base64_in(STANDARD, bytes)
}

fn wrapped(text: &str, width: usize, end: &str) -> String {
    let lines = text.as_bytes().chunks(width);
    let lines: Vec<&str> = lines.map(|l| std::str::from_utf8(l).unwrap()).collect();
    lines.join(end)
}

fn each_byte(text: &str, write: impl Fn(u8) -> String) -> String {
    text.bytes().map(write).collect()
}

fn utf16le(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// The characters of base64 that hold any bit of a part of what was encoded.
fn base64_part(text: &[u8], part: &[u8], encoded: &str) -> String {
    let start = position(text, part).unwrap();
    let bits = 8 * start / 6..(8 * (start + part.len())).div_ceil(6);
    encoded[bits].to_owned()
}

/// A file with a secret, how the secret is written in it, and by which encodings.
struct Sample {
    content: String,
    written: String,
    encoding: &'static [&'static str],
}

/// The same secret in every encoding.
fn samples(token: &str) -> Vec<Sample> {
    let text = file_with(token);
    let sample = |content: &str, written: &str, encoding| Sample {
        content: format!("first line\nsecond {content} end\nlast line\n"),
        written: written.to_owned(),
        encoding,
    };
    let mut all = Vec::new();
    for alphabet in [STANDARD, URL_SAFE] {
        let encoded = base64_in(alphabet, text.as_bytes());
        let written = base64_part(text.as_bytes(), token.as_bytes(), &encoded);
        all.push(sample(&format!("data: {encoded}"), &written, &["base64"]));
        let bare = encoded.trim_end_matches('=');
        all.push(sample(&format!("data=\"{bare}\""), &written, &["base64"]));
    }
    // Padding in front moves the secret over the ends of lines.
    for (width, end) in [(64, "\n"), (76, "\r\n    "), (64, "\\n"), (32, "\\r\\n")] {
        let text = format!("{}{text}", "# a comment of some length\n".repeat(3));
        let encoded = base64(text.as_bytes());
        let start = 8 * position(text.as_bytes(), token.as_bytes()).unwrap() / 6;
        let last = (8 * position(text.as_bytes(), token.as_bytes()).unwrap() + 8 * token.len())
            .div_ceil(6)
            - 1;
        let at = |character: usize| character + character / width * end.len();
        let lines = wrapped(&encoded, width, end);
        let written = &lines[at(start)..=at(last)];
        all.push(sample(&format!("|\n{lines}"), written, &["base64"]));
    }
    let wide = utf16le(&text);
    let encoded = base64(&wide);
    all.push(sample(
        &format!("powershell.exe -EncodedCommand {encoded}"),
        &base64_part(&wide, &utf16le(token), &encoded),
        &["base64", "utf-16le"],
    ));
    let hex = |text: &str| each_byte(text, |b| format!("{b:02x}"));
    all.push(sample(&hex(&text), &hex(token), &["hex"]));
    all.push(sample(&format!("0x{}", hex(&text)), &hex(token), &["hex"]));
    let escapes: [(Write, _); 6] = [
        (|b| format!("%{b:02X}"), &["percent"]),
        (|b| format!("\\u{b:04x}"), &["backslash"]),
        (|b| format!("\\u{{{b:x}}}"), &["backslash"]),
        (|b| format!("\\x{b:02x}"), &["backslash"]),
        (|b| format!("&#{b};"), &["html-entity"]),
        (|b| format!("&#x{b:X};"), &["html-entity"]),
    ];
    for (write, encoding) in escapes {
        let encoding: &'static [&'static str; 1] = encoding;
        let written = each_byte(token, write);
        all.push(sample(&each_byte(&text, write), &written, encoding));
    }
    // One in the other, to the third level.
    let twice = base64(base64(text.as_bytes()).as_bytes());
    let inner = base64_part(text.as_bytes(), token.as_bytes(), &base64(text.as_bytes()));
    let written = base64_part(base64(text.as_bytes()).as_bytes(), inner.as_bytes(), &twice);
    all.push(sample(&twice, &written, &["base64", "base64"]));
    let percent = |text: &str| each_byte(text, |b| format!("%{b:02x}"));
    let thrice = percent(&twice);
    all.push(sample(
        &thrice,
        &percent(&written),
        &["percent", "base64", "base64"],
    ));
    all
}

#[test]
fn a_secret_is_found_in_every_encoding_at_the_place_of_the_encoded_text() {
    let repo = Repo::init();
    let token = repo.plant();
    let samples = samples(&token);
    for (i, sample) in samples.iter().enumerate() {
        repo.write(&format!("{i:02}"), &sample.content);
    }
    repo.write("99", file_with(&token));
    repo.commit("all of them");
    let scan = Sieve::git(&repo, &[]).scan();
    scan.assert_exactly(&[&token]);
    scan.assert_complete();
    assert_eq!(scan.occurrences(&token).len(), samples.len() + 1);
    for (i, sample) in samples.iter().enumerate() {
        let occurrence = scan.at_path(&token, &format!("{i:02}"));
        assert_eq!(
            occurrence["encoding"],
            json!(sample.encoding),
            "{i}: {}",
            sample.content
        );
        assert_position(
            occurrence,
            sample.content.as_bytes(),
            sample.written.as_bytes(),
        );
    }
    assert_eq!(scan.at_path(&token, "99").get("encoding"), None);
}

#[test]
fn deeper_levels_are_left_alone_and_none_is_seen_through_on_demand() {
    let repo = Repo::init();
    let token = repo.plant();
    let mut text = file_with(&token);
    for level in 1..=4 {
        text = base64(text.as_bytes());
        repo.write(&format!("level-{level}"), &text);
    }
    repo.commit("onions");
    let paths = |args: &[&str]| {
        let scan = Sieve::git(&repo, args).scan();
        let found = scan.finding(&token).map(|_| scan.occurrences(&token).len());
        (found.unwrap_or(0), scan.receipt("/max_decode_depth"))
    };
    assert_eq!(paths(&[]), (3, 3));
    assert_eq!(paths(&["--max-decode-depth", "1"]), (1, 1));
    assert_eq!(paths(&["--max-decode-depth", "4"]), (4, 4));
    assert_eq!(paths(&["--max-decode-depth", "0"]), (0, 0));
}

/// Files that change around, in and between encoded secrets.
fn edited() -> (Repo, Vec<String>) {
    let repo = Repo::init();
    let mut rng = Rng::new(11);
    let mut planted = Vec::new();
    let mut lines = prose(&mut rng, 400);
    for round in 0..24 {
        let token = repo.plant();
        let all = samples(&token);
        let sample = &all[(round * 5) % all.len()];
        planted.push(token);
        // Far apart, and now and then glued to what an earlier round put there.
        let at = rng.below(lines.len());
        if round % 4 == 3 {
            lines[at].push_str(&sample.content);
        } else {
            lines.insert(at, sample.content.clone());
        }
        if round % 3 == 0 {
            let moved = lines.remove(rng.below(lines.len()));
            lines.insert(rng.below(lines.len()), moved);
        }
        if round % 5 == 4 {
            // Cut an encoded text, or a line of it, in two.
            let line = rng.below(lines.len());
            let half = lines[line].len() / 2;
            let rest = lines[line].split_off(half);
            lines.insert(line + 1, rest);
        }
        repo.commit_file("text", lines.join("\n"), "edit");
    }
    // A long one whose lines change one by one.
    let token = repo.plant();
    let mut text = prose(&mut rng, 60);
    text[30] = file_with(&token);
    planted.push(token);
    for round in 0..10 {
        text[round * 6 + 1] = format!("changed in round {round}");
        let encoded = wrapped(&base64(text.join("\n").as_bytes()), 76, "\n");
        repo.commit_file("wrapped", format!("begin\n{encoded}\nend\n"), "edit");
    }
    (repo, planted)
}

#[test]
fn later_versions_say_the_same_in_every_storage_engine_and_number_of_threads() {
    let (repo, planted) = edited();
    let loose = report(&repo, &[]);
    repo.gc_aggressive();
    assert_same("packed", &loose, &report(&repo, &[]));
    assert_same("1 thread", &loose, &report(&repo, &["--threads", "1"]));
    assert_same("2 threads", &loose, &report(&repo, &["--threads", "2"]));
    assert_same("in full", &loose, &report(&repo, &["--no-delta"]));
    for engine in engines() {
        assert_same(engine, &loose, &report(&repo, &["--engine", engine]));
    }
    let scan = Sieve::git(&repo, &[]).scan();
    for token in &planted {
        assert!(scan.found(token));
    }
    let last = planted.last().unwrap();
    assert_eq!(scan.occurrences(last).len(), 10, "one in each version");
}

#[test]
fn a_name_and_its_value_are_found_together_though_delimiters_are_escaped() {
    let repo = Repo::init();
    let value = Rng::new(5).text(
        b"ABCDEFGHJKMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz23456789",
        32,
    );
    let text = format!("api_secret = \"{value}\"");
    let escaped = [
        ("plain", text.clone()),
        ("entity", text.replace('"', "&quot;").replace('=', "&#61;")),
        (
            "backslash",
            text.replace('"', "\\u0022").replace('=', "\\u003d"),
        ),
        (
            "percent",
            text.replace(' ', "%20")
                .replace('"', "%22")
                .replace('=', "%3D"),
        ),
    ];
    for (name, text) in &escaped {
        repo.write(name, format!("x <b>{text}</b>\n"));
    }
    repo.commit("configure");
    let scan = Sieve::git(&repo, &[]).scan();
    assert_eq!(scan.findings().len(), 1, "{:#}", scan.json);
    let occurrences = scan.findings()[0]["occurrences"].as_array().unwrap();
    assert_eq!(occurrences.len(), escaped.len(), "{occurrences:#?}");
    for occurrence in occurrences {
        let path = occurrence["path"].as_str().unwrap();
        let (_, text) = escaped.iter().find(|(name, _)| *name == path).unwrap();
        let content = format!("x <b>{text}</b>\n");
        assert_position(occurrence, content.as_bytes(), value.as_bytes());
    }
}

#[test]
fn a_token_among_escapes_is_no_second_finding() {
    let repo = Repo::init();
    let token = repo.plant();
    let url = format!("see https://example.org/?q=a%3Db&token={token}&x=%22%20y\n");
    repo.commit_file("notes", &url, "add");
    let scan = Sieve::git(&repo, &[]).scan();
    let occurrence = scan.only(&token);
    assert_eq!(occurrence.get("encoding"), None, "{occurrence:#}");
    assert_position(occurrence, url.as_bytes(), token.as_bytes());
}

#[test]
fn an_encoded_secret_in_a_subject_is_redacted_too() {
    let repo = Repo::init();
    let token = repo.plant();
    let encoded = base64(format!("token: {token}").as_bytes());
    repo.commit_file("a", "a\n", &format!("deploy with {encoded}"));
    let written = base64_part(
        format!("token: {token}").as_bytes(),
        token.as_bytes(),
        &encoded,
    );
    let scan = Sieve::git(&repo, &[]).hiding(vec![written]).scan();
    let occurrence = scan.only(&token);
    assert_eq!(occurrence["where"], "commit-message");
    assert_eq!(occurrence["encoding"], json!(["base64"]));
    let args = ["git", repo.path().to_str().unwrap()];
    let run = Sieve::new(&args).hiding(repo.planted()).run();
    let text = String::from_utf8(run.stdout).unwrap();
    assert!(text.contains(", base64-encoded\n"), "{text}");
}
/// Writes a byte as an escape.
type Write = fn(u8) -> String;
