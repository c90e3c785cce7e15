//! One HTML page that needs nothing but itself: no network, no other file.
//!
//! The page holds the findings as the JSON format writes them, and a script that filters, groups
//! and draws. The alternative, markup written here, would be several times as large and would have
//! to escape text in every context of HTML. Here text meets two contexts alone: the JSON, whose
//! `<`, `>` and `&` are escaped so that no text ends the element that it stands in, and text nodes made
//! by the script. A content security policy admits only that script and that style, by their hashes,
//! so that even a mistake in this could run nothing and send nothing anywhere.

use super::{JsonReporter, Redactor, ReportMeta, Reporter, ShowsSuppressed};
use crate::model::{Finding, Receipt};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use std::io::{self, Write};

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");
const BODY: &str = include_str!("html/page.html");

/// Writes a self-contained page: filters, search, groups, a timeline, and the coverage receipt.
/// Suppressed findings are in it, hidden until asked for.
#[derive(Debug)]
pub struct HtmlReporter<W> {
    /// Writes what the page holds.
    data: JsonReporter<InElement<W>>,
}

impl<W: Write> HtmlReporter<W> {
    /// Writes to `out`, unbuffered.
    pub fn new(out: W, redactor: Redactor) -> Self {
        Self {
            data: JsonReporter::new(InElement(out), redactor),
        }
    }

    /// Writes markup around the data.
    fn markup(&mut self) -> &mut W {
        &mut self.data.out.0
    }
}

impl<W: Write> Reporter for HtmlReporter<W> {
    fn begin(&mut self, meta: &ReportMeta<'_>) -> io::Result<()> {
        write!(
            self.markup(),
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
             style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"referrer\" content=\"no-referrer\">\n\
             <title>Secrets found</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{BODY}\
             <script type=\"application/json\" id=\"data\">",
            source_hash(STYLE),
            source_hash(SCRIPT),
        )?;
        self.data.begin(meta)
    }

    fn shows_suppressed(&self) -> ShowsSuppressed {
        ShowsSuppressed::Always
    }

    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        self.data.finding(finding)
    }

    fn finish(&mut self, receipt: &Receipt) -> io::Result<()> {
        self.data.finish(receipt)?;
        write!(
            self.markup(),
            "</script>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
        )?;
        self.markup().flush()
    }
}

/// How a content security policy names the source of an element (W3C CSP Level 3, `hash-source`).
fn source_hash(source: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(source)))
}

/// Writes JSON into an element of a page. `<`, `>` and `&` stand in strings alone, where JSON has
/// another way to write them.
#[derive(Debug)]
struct InElement<W>(W);

impl<W: Write> Write for InElement<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let Some(at) = memchr::memchr3(b'<', b'>', b'&', bytes) {
            self.0.write_all(&bytes[..at])?;
            write!(self.0, "\\u{:04x}", bytes[at])?;
            bytes = &bytes[at + 1..];
        }
        self.0.write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::write_json;

    #[test]
    fn what_would_end_an_element_is_escaped_and_reads_back_the_same() {
        let text = "</script><!--&amp;\u{2028}é";
        let mut out = Vec::new();
        write_json(&mut InElement(&mut out), &text).unwrap();
        let written = String::from_utf8(out).unwrap();
        assert!(!written.contains(['<', '>', '&']), "{written}");
        assert_eq!(serde_json::from_str::<String>(&written).unwrap(), text);
    }

    #[test]
    fn style_and_script_cannot_end_their_elements() {
        for (source, end) in [(STYLE, "</style"), (SCRIPT, "</script")] {
            assert!(!source.to_lowercase().contains(end));
            // Else a script would be read as one that holds another.
            assert!(!source.contains("<!--"));
            // What is hashed is what stands between the tags, line ends as they are.
            assert!(!source.contains('\r'));
        }
    }
}
