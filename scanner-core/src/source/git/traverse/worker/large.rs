//! Blobs that are larger than memory allows: inflated as a stream and visited in windows. Git stores
//! what is larger than `core.bigFileThreshold` without a delta, so that this is what they are.

use super::{Forest, Worker, lock};
use crate::{
    model::ObjectId,
    source::{
        BlobVisitor, ContentKind,
        git::error::ReadError,
        window::{self, Large, Layout},
    },
};
use std::{io::Read, ops::ControlFlow};

impl<V: BlobVisitor> Worker<'_, '_, V> {
    /// Visits a whole blob of a pack in windows. Returns whether it could be.
    pub(super) fn entry_in_windows(
        &mut self,
        forest: &Forest<'_>,
        entry: u32,
    ) -> ControlFlow<(), bool> {
        let shared = self.shared;
        let number = forest.pack.number(entry);
        if !shared.reports(number) || !shared.wanted.contains(&ContentKind::Blob) {
            return ControlFlow::Continue(false);
        }
        let Some(bytes) = forest.pack.stream(entry) else {
            return ControlFlow::Continue(false);
        };
        let path = || forest.pack.path().display().to_string();
        self.in_windows(number, forest.pack.size(entry), bytes, path)
    }

    /// Visits a loose blob in windows. Returns whether it could be.
    pub(super) fn loose_in_windows(&mut self, number: u32) -> ControlFlow<(), bool> {
        let shared = self.shared;
        if !shared.wanted.contains(&ContentKind::Blob) {
            return ControlFlow::Continue(false);
        }
        let Some((size, bytes)) = shared.store.loose_blob(number, &mut self.inflater) else {
            return ControlFlow::Continue(false);
        };
        let path = || shared.store.loose_path(number).display().to_string();
        self.in_windows(number, size, bytes, path)
    }

    fn in_windows(
        &mut self,
        number: u32,
        size: u64,
        bytes: impl Read,
        path: impl Fn() -> String,
    ) -> ControlFlow<(), bool> {
        let shared = self.shared;
        let context = shared.context;
        let layout = Layout::of(&self.visitor, context);
        let Some(layout) = layout.filter(|_| size <= context.max_blob_bytes) else {
            return ControlFlow::Continue(false);
        };
        let _big = lock(&shared.big);
        let id: ObjectId = shared.store.id(number);
        let content = Large {
            id: &|| id,
            number,
            path: None,
            bytes: Some(size),
        };
        // One byte more than declared shows that there is more.
        let bytes = bytes.take(size.saturating_add(1));
        let error = match window::visit(&mut self.visitor, context, &content, layout, bytes) {
            Ok(flow) => match flow? {
                read if read == size => None,
                read if read < size => Some("it inflates to fewer bytes than declared"),
                _ => Some("it inflates to more bytes than declared"),
            },
            Err(_) => Some("its compressed data is damaged"),
        };
        if let Some(error) = error {
            let error = ReadError::Corrupt(format!("{error}; what came before that was scanned"));
            let kind = Some(ContentKind::Blob);
            super::report_failure(&mut self.visitor, id, Some(path()), kind, &error);
        }
        ControlFlow::Continue(true)
    }
}
