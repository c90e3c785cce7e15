//! What all encodings have in common: what they find, what they leave alone, and that they find
//! the same wherever they are asked.

use super::*;
use ::base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE},
};
use proptest::prelude::*;

fn all_regions(content: &[u8]) -> Vec<Region> {
    let mut out = Vec::new();
    Finder::default().find(content, 0..content.len(), &mut out);
    out.sort_unstable();
    out.dedup();
    out
}

/// Encodings and texts of all regions.
fn decoded(content: &str) -> Vec<(Encoding, String)> {
    let decode_one = |region: Region| {
        let mut text = Vec::new();
        let bytes = region.bytes(content.as_bytes());
        decode(region.encoding, bytes, &mut text, None);
        (region.encoding, String::from_utf8_lossy(&text).into_owned())
    };
    let regions = all_regions(content.as_bytes());
    regions.into_iter().map(decode_one).collect()
}

fn assert_decodes(content: &str, encoding: Encoding, text: &str) {
    let found = decoded(content);
    assert_eq!(found, [(encoding, text.to_owned())], "{content:?}");
}

fn lines(text: &str, width: usize, end: &str) -> String {
    let lines = text.as_bytes().chunks(width);
    let lines: Vec<&str> = lines.map(|l| str::from_utf8(l).unwrap()).collect();
    lines.join(end)
}

fn each_byte(text: &str, write: impl Fn(u8) -> String) -> String {
    text.bytes().map(write).collect()
}

const TEXT: &str = "user: someone\nname = value?\r\n\tgrüße 🔑 >>>???\u{7ff}\u{7ff} and more text, \
                    enough of it to fill several lines when it is wrapped.\n";

#[test]
fn base64_of_both_alphabets_with_and_without_padding() {
    for cut in 0..8 {
        let text = &TEXT[..TEXT.len() - cut];
        for encoded in [
            STANDARD.encode(text),
            STANDARD_NO_PAD.encode(text),
            URL_SAFE.encode(text),
        ] {
            assert_decodes(&encoded, Encoding::Base64, text);
            for around in ["x = \"{}\"\n", "<{}>", "Basic {},", "a.b={};", "/path/{} "] {
                let content = around.replace("{}", &encoded);
                let found = decoded(&content);
                assert_eq!(found.len(), 1, "{content}");
                assert!(found[0].1.ends_with(text), "{content} {found:?}");
            }
        }
    }
}

#[test]
fn wrapped_base64_is_one_region_whatever_ends_its_lines() {
    let encoded = STANDARD.encode(TEXT.repeat(3));
    for width in [24, 60, 64, 76] {
        for end in [
            "\n",
            "\r\n",
            "\n    ",
            "\n\t\t",
            "\\n",
            "\\r\\n",
            "\\n\\\n",
            "\\\n",
            "\\n\"\n  \"",
            "\"\n\"",
        ] {
            let content = format!("key: |\n  {}\nnext: line", lines(&encoded, width, end));
            assert_decodes(&content, Encoding::Base64, &TEXT.repeat(3));
        }
    }
    // Lines that end inside a group, as no tool wraps them, still decode line by line.
    let each: Vec<String> = ["first line of text it is", "second line of text, yes"]
        .iter()
        .map(|l| STANDARD_NO_PAD.encode(l))
        .collect();
    let content = each.join("\n");
    assert_decodes(
        &content,
        Encoding::Base64,
        "first line of text it issecond line of text, yes",
    );
}

#[test]
fn hexadecimal_of_both_cases_prefixed_and_wrapped() {
    let lower = each_byte(TEXT, |b| format!("{b:02x}"));
    let upper = each_byte(TEXT, |b| format!("{b:02X}"));
    for encoded in [&lower, &upper] {
        assert_decodes(encoded, Encoding::Hex, TEXT);
        assert_decodes(&lines(encoded, 60, "\n"), Encoding::Hex, TEXT);
        assert_decodes(&format!("0x{encoded}"), Encoding::Hex, TEXT);
        assert_decodes(&format!("E'\\\\x{encoded}'"), Encoding::Hex, TEXT);
    }
}

#[test]
fn escapes_decode_where_they_hide_a_delimiter_or_everything() {
    for (content, encoding, text) in [
        (
            "GET /login?q=password%3Dhunter%21%22x HTTP",
            Encoding::Percent,
            "/login?q=password=hunter!\"x",
        ),
        (
            r#"<div data-x="{&quot;token&quot;: &#39;ab&amp;c&#x3d;&#x27;}">"#,
            Encoding::Entity,
            r#"{"token": 'ab&c='}"#,
        ),
        (
            r#"s = "{\u0022token\u0022: \u0027a\/b\u003D\ud83d\udd11\u{27}}";"#,
            Encoding::Backslash,
            "{\"token\": 'a/b=🔑'}",
        ),
        (
            r#"s = "pass\x3dwords\x20and\\more""#,
            Encoding::Backslash,
            "pass=words and\\more",
        ),
    ] {
        assert_decodes(content, encoding, text);
    }
    let token = "abcDEF_0123";
    assert_decodes(
        &each_byte(token, |b| format!("%{b:02x}")),
        Encoding::Percent,
        token,
    );
    assert_decodes(
        &each_byte(token, |b| format!("\\x{b:02x}")),
        Encoding::Backslash,
        token,
    );
    assert_decodes(
        &each_byte(token, |b| format!("&#{b};")),
        Encoding::Entity,
        token,
    );
}

#[test]
fn ordinary_source_hashes_and_keys_are_left_alone() {
    let mut seed = 1_u64;
    let mut random = || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as u8
    };
    for _ in 0..500 {
        let bytes: Vec<u8> = (0..60).map(|_| random()).collect();
        let hex = bytes
            .iter()
            .fold(String::new(), |hex, b| format!("{hex}{b:02x}"));
        for content in [STANDARD.encode(&bytes), URL_SAFE.encode(&bytes), hex] {
            assert_eq!(all_regions(content.as_bytes()), [], "{content}");
        }
    }
    for content in [
        r#"printf("%3d: %20s, %d%%\n", index, some_long_identifier_of_a_name->field);"#,
        r#"if (a && b & MASK_OF_SOME_LONG_NAME) { return "\x1b[31m" "\t\\ \"x\" \u4e2d\u6587"; }"#,
        "src/main/java/com/example/project/internal/SomeVeryLongClassNameForThePurpose",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "<p>a &lt; b, c &gt; d and nothing else in a line of ordinary text</p>",
        "----------------------------------------------------------------",
    ] {
        assert_eq!(all_regions(content.as_bytes()), [], "{content}");
    }
}

#[test]
fn utf16_is_text_to_base64() {
    let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let encoded = STANDARD.encode(wide("Write-Host $env:SECRET; # and more of it, over lines"));
    for content in [
        format!("powershell -EncodedCommand {encoded}"),
        lines(&encoded, 76, "\r\n"),
    ] {
        let regions = all_regions(content.as_bytes());
        assert_eq!(regions.len(), 1, "{content}");
        let mut bytes = Vec::new();
        decode(
            Encoding::Base64,
            regions[0].bytes(content.as_bytes()),
            &mut bytes,
            None,
        );
        assert_eq!(
            utf16::detect(&bytes).map(utf16::Utf16::encoding),
            Some(Encoding::Utf16Le)
        );
    }
}

#[test]
fn what_is_too_long_is_cut() {
    let text = "some text\n".repeat(MAX_REGION_BYTES / 10);
    let content = STANDARD.encode(&text);
    let regions = all_regions(content.as_bytes());
    assert_eq!(regions.len(), 1);
    assert!(regions[0].is_cut());
    let mut out = Vec::new();
    decode(
        Encoding::Base64,
        regions[0].bytes(content.as_bytes()),
        &mut out,
        None,
    );
    assert_eq!(out.len(), MAX_REGION_BYTES / 4 * 3);
    assert!(text.as_bytes().starts_with(&out));
}

/// A piece of content that is encoded, looks as if it were, or separates.
fn piece() -> impl Strategy<Value = String> {
    let text = "[ -~\n]{1,60}";
    prop_oneof![
        text.prop_map(|t| STANDARD.encode(t)),
        (text, 5_usize..20).prop_map(|(t, n)| lines(&STANDARD.encode(t), 4 * n, "\n  ")),
        text.prop_map(|t| each_byte(&t, |b| format!("{b:02x}"))),
        "[a-z =&\"/.,\n]{0,12}",
        "[A-Za-z0-9+/]{1,40}",
        prop::sample::select(vec![
            "\n",
            "\\n",
            "\\r\\n",
            "\\",
            " ",
            "\"",
            "=",
            "n",
            "%3D",
            "%41%42%43",
            "&quot;",
            "&#65;",
            "\\u003d",
            "\\x41",
            "\\x3a",
            "%",
            "&",
        ])
        .prop_map(str::to_owned),
    ]
}

fn touches(region: Region, changed: &Range<usize>) -> bool {
    let reach = region.reach();
    let (start, end) = (region.start as usize, region.end as usize);
    start < changed.end + reach && changed.start < end + reach
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// The finder's promise: asked about a part, it gives all regions that the part decides, and
    /// none that are not regions.
    #[test]
    fn a_change_shows_the_regions_that_it_decides(
        parts in prop::collection::vec(piece(), 1..25),
        ranges in prop::collection::vec((0..1000_usize, 0..40_usize), 1..6),
    ) {
        let content = parts.concat().into_bytes();
        let all = all_regions(&content);
        let mut ranges: Vec<Range<usize>> = ranges
            .into_iter()
            .map(|(at, len)| {
                let at = at * content.len() / 1000;
                at..(at + len).min(content.len())
            })
            .collect();
        ranges.sort_by_key(|r| r.start);
        for i in 1..ranges.len() {
            let least = ranges[i - 1].end;
            ranges[i].start = ranges[i].start.max(least);
            ranges[i].end = ranges[i].end.max(ranges[i].start);
        }
        let (mut finder, mut found) = (Finder::default(), Vec::new());
        for range in &ranges {
            finder.find(&content, range.clone(), &mut found);
        }
        for region in &found {
            prop_assert!(all.contains(region), "{region:?} is none");
        }
        for region in &all {
            if ranges.iter().any(|range| touches(*region, range)) {
                prop_assert!(found.contains(region), "{region:?} is missing");
            }
        }
    }

    /// What lies out of a region's reach does not decide about it.
    #[test]
    fn a_region_is_one_wherever_its_surroundings_stand(
        before in prop::collection::vec(piece(), 0..8),
        parts in prop::collection::vec(piece(), 1..12),
        after in prop::collection::vec(piece(), 0..8),
    ) {
        let (before, middle) = (before.concat(), parts.concat());
        let whole = format!("{before}{middle}{}", after.concat());
        let alone = all_regions(middle.as_bytes());
        let inside: Vec<Region> = all_regions(whole.as_bytes());
        for region in inside {
            let reach = region.reach();
            let (start, end) = (region.start as usize, region.end as usize);
            if start >= before.len() + reach && end + reach <= before.len() + middle.len() {
                let at = before.len() as u32;
                let moved = Region { start: region.start - at, end: region.end - at, ..region };
                prop_assert!(alone.contains(&moved), "{region:?}");
            }
        }
        for region in alone {
            let reach = region.reach();
            let (start, end) = (region.start as usize, region.end as usize);
            if start >= reach && end + reach <= middle.len() {
                let at = before.len() as u32;
                let moved = Region { start: region.start + at, end: region.end + at, ..region };
                prop_assert!(all_regions(whole.as_bytes()).contains(&moved), "{region:?}");
            }
        }
    }

    /// A part of decoded text maps to the bytes that write it, which decode to it again.
    #[test]
    fn spans_map_to_what_writes_them(
        before in "[a-z =]{18,30}",
        inside in "[A-Za-z0-9=_]{1,30}",
        after in "[a-z =]{0,20}",
    ) {
        let text = format!("{before}{inside}{after}");
        let span = before.len()..before.len() + inside.len();
        let check = |encoding, written: String, wanted: Range<usize>| {
            let (mut out, mut pieces) = (Vec::new(), Pieces::default());
            decode(encoding, written.as_bytes(), &mut out, Some(&mut pieces));
            prop_assert_eq!(str::from_utf8(&out).unwrap(), &text);
            prop_assert_eq!(pieces.original(span.clone()), wanted);
            prop_assert_eq!(pieces.original(0..text.len()).start, 0);
            prop_assert_eq!(pieces.original(text.len()..text.len() + 9).len(), 0);
            Ok(())
        };
        let times = |n: usize| n * span.start..n * span.end;
        check(Encoding::Hex, each_byte(&text, |b| format!("{b:02x}")), times(2))?;
        check(Encoding::Percent, each_byte(&text, |b| format!("%{b:02X}")), times(3))?;
        check(Encoding::Backslash, each_byte(&text, |b| format!("\\u{b:04x}")), times(6))?;
        check(Encoding::Entity, each_byte(&text, |b| format!("&#x{b:x};")), times(6))?;
        let mixed = |text: &str| text.replace('=', "%3D");
        let start = mixed(&before).len();
        check(Encoding::Percent, mixed(&text), start..start + mixed(&inside).len())?;
        // Bit by bit: the first character that holds one of the span, and the last.
        let bits = 8 * span.start / 6..(8 * span.end).div_ceil(6);
        check(Encoding::Base64, STANDARD_NO_PAD.encode(&text), bits.clone())?;
        // Each line end ahead of a character moves it by one.
        let at = |character: usize| character + character / 24;
        let moved = at(bits.start)..at(bits.end - 1) + 1;
        check(Encoding::Base64, lines(&STANDARD_NO_PAD.encode(&text), 24, "\n"), moved)?;
    }

    #[test]
    fn any_bytes_decode_to_no_more_and_map_in_order(bytes: Vec<u8>) {
        for encoding in [
            Encoding::Base64, Encoding::Hex, Encoding::Percent, Encoding::Backslash, Encoding::Entity,
        ] {
            let (mut out, mut pieces) = (Vec::new(), Pieces::default());
            decode(encoding, &bytes, &mut out, Some(&mut pieces));
            prop_assert!(out.len() <= bytes.len());
            let mut least = 0;
            for at in 0..out.len() {
                let original = pieces.original(at..at + 1);
                prop_assert!(original.start >= least && original.end > original.start);
                prop_assert!(original.end <= bytes.len());
                least = original.start;
            }
        }
    }
}
