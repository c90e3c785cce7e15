//! Rows of comma-separated values (RFC 4180) that neither break nor act.
//!
//! Every field is quoted, so that no field can end early. Spreadsheets run what begins like a
//! formula, quoted or not, and the text comes from whoever could push: such a field gets an
//! apostrophe in front, as OWASP's page on CSV injection advises. Control and bidirectional
//! characters come escaped (`\n`), so a row is a line.

use super::printable;
use std::io::{self, Write};

/// Writes one row. Fields are made printable here.
pub(super) fn write_row<'a>(
    out: &mut dyn Write,
    fields: impl IntoIterator<Item = &'a str>,
) -> io::Result<()> {
    let mut row = String::new();
    for (at, field) in fields.into_iter().enumerate() {
        if at > 0 {
            row.push(',');
        }
        row.push('"');
        let field = printable(field.as_bytes());
        if is_formula(&field) {
            row.push('\'');
        }
        row.push_str(&field.replace('"', "\"\""));
        row.push('"');
    }
    row.push_str("\r\n");
    out.write_all(row.as_bytes())
}

/// Whether a spreadsheet might take a text for a formula; the wide forms are taken for the
/// narrow ones under some locales, and blanks in front are skipped by some programs.
fn is_formula(text: &str) -> bool {
    let acts = |c| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠');
    text.trim_start().starts_with(acts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fields: &[&str]) -> String {
        let mut out = Vec::new();
        write_row(&mut out, fields.iter().copied()).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_field_neither_ends_early_nor_acts() {
        assert_eq!(
            row(&["a,b", "say \"x\"", ""]),
            "\"a,b\",\"say \"\"x\"\"\",\"\"\r\n"
        );
        assert_eq!(row(&["x\r\ny\u{202e}"]), "\"x\\r\\ny\\u{202e}\"\r\n");
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "＝1", "  =1"] {
            assert_eq!(row(&[formula]), format!("\"'{formula}\"\r\n"));
        }
        assert_eq!(row(&["\t=1"]), "\"\\t=1\"\r\n");
        assert_eq!(row(&["a=b"]), "\"a=b\"\r\n");
    }
}
