//! Which of many spans overlap a given one.

/// Spans, sorted by start, each with the furthest end up to it: overlap is then one look at the
/// last span that starts before the end asked for.
#[derive(Debug)]
pub(super) struct Cover(Vec<(usize, usize)>);

impl Cover {
    /// Takes spans in any order.
    pub(super) fn new(spans: impl Iterator<Item = (usize, usize)>) -> Self {
        let mut spans: Vec<_> = spans.collect();
        spans.sort_unstable();
        let mut furthest = 0;
        for span in &mut spans {
            furthest = furthest.max(span.1);
            span.1 = furthest;
        }
        Self(spans)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether some span shares a byte with this one.
    pub(super) fn overlaps(&self, start: usize, end: usize) -> bool {
        let before = self.0.partition_point(|span| span.0 < end);
        before > 0 && self.0[before - 1].1 > start
    }
}
