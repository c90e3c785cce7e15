//! One JSON document: `{"meta": {...}, "findings": [...], "receipt": {...}}`.
//!
//! Written as it comes, one finding a line, so that a large report costs no memory and two
//! reports compare line by line.

use super::{
    Redactor, ReportMeta, Reporter, ShowsSuppressed,
    document::{FindingDocument, MetaDocument, ReceiptDocument, write_json},
};
use crate::model::{Finding, Receipt};
use std::io::{self, Write};

/// Writes the JSON document that [`super::JSON_SCHEMA`] describes.
#[derive(Debug)]
pub struct JsonReporter<W> {
    pub(super) out: W,
    redactor: Redactor,
    any: bool,
}

impl<W: Write> JsonReporter<W> {
    /// Writes to `out`, unbuffered.
    pub fn new(out: W, redactor: Redactor) -> Self {
        Self {
            out,
            redactor,
            any: false,
        }
    }
}

impl<W: Write> Reporter for JsonReporter<W> {
    fn begin(&mut self, meta: &ReportMeta<'_>) -> io::Result<()> {
        self.out.write_all(b"{\"meta\":")?;
        write_json(&mut self.out, &MetaDocument::new(meta))?;
        self.out.write_all(b",\n\"findings\":[")
    }

    fn shows_suppressed(&self) -> ShowsSuppressed {
        ShowsSuppressed::OnDemand
    }

    fn finding(&mut self, finding: &Finding) -> io::Result<()> {
        self.out.write_all(if self.any { b",\n" } else { b"\n" })?;
        self.any = true;
        write_json(
            &mut self.out,
            &FindingDocument::new(finding, &self.redactor),
        )
    }

    fn finish(&mut self, receipt: &Receipt) -> io::Result<()> {
        self.out.write_all(if self.any {
            b"\n],\n\"receipt\":"
        } else {
            b"],\n\"receipt\":"
        })?;
        write_json(
            &mut self.out,
            &ReceiptDocument::new(receipt, &self.redactor),
        )?;
        self.out.write_all(b"}\n")?;
        self.out.flush()
    }
}
