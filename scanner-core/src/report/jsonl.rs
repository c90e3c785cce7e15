//! JSON Lines: one object a line, told apart by `type`: first `meta`, then each `finding`, last
//! `receipt`. A stream without a `receipt` line was cut off.

use super::{
    Redactor, ReportMeta, Reporter, ShowsSuppressed,
    document::{FindingDocument, MetaDocument, ReceiptDocument, write_json},
};
use crate::model::{Finding, Receipt};
use serde::Serialize;
use std::io::{self, Write};

/// Writes JSON Lines; each is what `$defs/line` of [`super::JSON_SCHEMA`] describes.
#[derive(Debug)]
pub struct JsonlReporter<W> {
    out: W,
    redactor: Redactor,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Line<'a> {
    Meta(MetaDocument<'a>),
    Finding(FindingDocument<'a>),
    Receipt(ReceiptDocument<'a>),
}

impl<W: Write> JsonlReporter<W> {
    /// Writes to `out`, unbuffered.
    pub fn new(out: W, redactor: Redactor) -> Self {
        Self { out, redactor }
    }
}

fn write_line(out: &mut impl Write, line: &Line<'_>) -> io::Result<()> {
    write_json(out, line)?;
    out.write_all(b"\n")
}

impl<W: Write> Reporter for JsonlReporter<W> {
    fn begin(&mut self, meta: &ReportMeta<'_>) -> io::Result<()> {
        write_line(&mut self.out, &Line::Meta(MetaDocument::new(meta)))
    }

    fn shows_suppressed(&self) -> ShowsSuppressed {
        ShowsSuppressed::OnDemand
    }

    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        let finding = FindingDocument::new(finding, &self.redactor);
        write_line(&mut self.out, &Line::Finding(finding))
    }

    fn finish(&mut self, receipt: &Receipt) -> io::Result<()> {
        let receipt = ReceiptDocument::new(receipt, &self.redactor);
        write_line(&mut self.out, &Line::Receipt(receipt))?;
        self.out.flush()
    }
}
