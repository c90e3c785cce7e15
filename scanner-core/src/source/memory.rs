//! One piece of content that is already in memory: standard input, an editor's buffer, a test.

use super::{BlobView, BlobVisitor, ContentKind, VisitContext, WorkerFactory};
use crate::model::{IssueKind, ScanIssue, SkipReason};

/// Content with the path to show for it.
#[derive(Debug, Clone, Copy)]
pub struct Memory<'a> {
    /// Path to show; may be empty.
    pub path: &'a [u8],
    /// The content.
    pub bytes: &'a [u8],
}

impl Memory<'_> {
    /// Visits the content once, under number 0, on the calling thread. The memory limit does not
    /// apply, because no buffer is made; the size limit does.
    pub fn visit<F: WorkerFactory>(&self, ctx: &VisitContext<'_>, workers: &F) {
        let mut worker = workers.worker();
        let limit = ctx.max_blob_bytes.min(super::MOST_BYTES);
        if ctx.stopped() {
            worker.skipped(ContentKind::Blob, None, SkipReason::Interrupted);
        } else if self.bytes.len() as u64 > limit {
            worker.skipped(ContentKind::Blob, None, SkipReason::TooLarge);
            worker.issue(ScanIssue {
                kind: IssueKind::Limit,
                object: None,
                path: Some(String::from_utf8_lossy(self.path).into_owned())
                    .filter(|path| !path.is_empty()),
                message: format!(
                    "not scanned: {} bytes are more than the limit of {limit} bytes",
                    self.bytes.len()
                ),
            });
        } else {
            let view = BlobView {
                id: None,
                number: 0,
                kind: ContentKind::Blob,
                bytes: self.bytes,
                path: Some(self.path),
                parent: None,
                report: true,
            };
            // Nothing follows that a `Break` could stop.
            let _ = worker.blob(&view, &mut Default::default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::testing::{Collect, context};

    #[test]
    fn content_is_visited_once_within_the_limit() {
        let memory = Memory {
            path: b"name",
            bytes: b"content",
        };
        let collect = Collect::default();
        memory.visit(&context(1), &&collect);
        let seen = collect.into_seen();
        assert_eq!(seen.blobs, [(0, "name".into(), b"content".to_vec())]);

        let collect = Collect::default();
        let mut ctx = context(1);
        ctx.max_blob_bytes = 6;
        memory.visit(&ctx, &&collect);
        let seen = collect.into_seen();
        assert_eq!(seen.skipped, [SkipReason::TooLarge]);
        assert_eq!(seen.issues[0].path.as_deref(), Some("name"));
    }
}
