//! Sets of object ids, as small as exact sets of hashes can be.

use super::ObjectId;
use std::cmp::Ordering;

/// A set of object ids of one length, kept as their raw bytes one after the other, sorted: 20 or
/// 32 bytes an id and nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdSet {
    bytes: Vec<u8>,
    /// Bytes of an id; 0 while the set is empty.
    id_len: usize,
}

/// Bytes that are no set of ids.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a sorted set of object ids")]
pub struct NoIdSet;

impl IdSet {
    /// Takes the bytes of a set: ids of `id_len` bytes, sorted, each once.
    ///
    /// # Errors
    /// [`NoIdSet`] for anything else.
    pub fn from_bytes(bytes: Vec<u8>, id_len: usize) -> Result<Self, NoIdSet> {
        if bytes.is_empty() {
            return Ok(Self::default());
        }
        let whole = matches!(id_len, 20 | 32) && bytes.len().is_multiple_of(id_len);
        if !whole || !bytes.chunks_exact(id_len).is_sorted_by(|a, b| a < b) {
            return Err(NoIdSet);
        }
        Ok(Self { bytes, id_len })
    }

    /// Makes a set of ids in any order. Those of another length than the first one's are left out:
    /// a repository names its objects by one hash.
    pub fn new(ids: impl IntoIterator<Item = ObjectId>) -> Self {
        let mut ids: Vec<ObjectId> = ids.into_iter().collect();
        let id_len = ids.first().map_or(0, |id| id.as_bytes().len());
        ids.retain(|id| id.as_bytes().len() == id_len);
        ids.sort_unstable();
        ids.dedup();
        let bytes = ids.iter().flat_map(ObjectId::as_bytes).copied().collect();
        Self { bytes, id_len }
    }

    /// The raw bytes of all ids, sorted.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bytes of an id: 20 or 32, and 0 in an empty set.
    pub fn id_len(&self) -> usize {
        self.id_len
    }

    /// How many ids there are.
    pub fn len(&self) -> usize {
        self.bytes.len().checked_div(self.id_len).unwrap_or(0)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Whether an id is among them.
    pub fn contains(&self, id: &ObjectId) -> bool {
        let wanted = id.as_bytes();
        if wanted.len() != self.id_len {
            return false;
        }
        let at = |n: usize| &self.bytes[n * self.id_len..][..self.id_len];
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            match at(middle).cmp(wanted) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return true,
            }
        }
        false
    }

    /// The ids, sorted.
    pub fn iter(&self) -> impl Iterator<Item = ObjectId> + '_ {
        self.raw().filter_map(ObjectId::from_bytes)
    }

    /// The raw bytes of each id, sorted.
    pub fn raw(&self) -> impl Iterator<Item = &[u8]> {
        // An empty set has no length of ids, and chunks must have one.
        self.bytes.chunks_exact(self.id_len.max(1))
    }

    /// Adds all ids of another set. Of sets whose ids differ in length the larger one stays.
    pub fn merge(&mut self, other: Self) {
        if self.is_empty() || other.is_empty() || self.id_len != other.id_len {
            if other.bytes.len() > self.bytes.len() {
                *self = other;
            }
            return;
        }
        let mut merged = Vec::with_capacity(self.bytes.len() + other.bytes.len());
        {
            let (mut a, mut b) = (self.raw().peekable(), other.raw().peekable());
            while let (Some(left), Some(right)) = (a.peek(), b.peek()) {
                let order = left.cmp(right);
                merged.extend_from_slice(if order.is_le() { left } else { right });
                if order.is_le() {
                    a.next();
                }
                if order.is_ge() {
                    b.next();
                }
            }
            for rest in a.chain(b) {
                merged.extend_from_slice(rest);
            }
        }
        self.bytes = merged;
    }

    /// Takes away all ids of another set.
    pub fn remove(&mut self, other: &Self) {
        let mut taken = other.iter().peekable();
        let mut kept = Vec::new();
        for id in self.iter() {
            while taken.next_if(|t| *t < id).is_some() {}
            if taken.peek() != Some(&id) {
                kept.extend_from_slice(id.as_bytes());
            }
        }
        self.bytes = kept;
        if self.bytes.is_empty() {
            self.id_len = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn id(n: u8) -> ObjectId {
        let mut raw = [7; 20];
        (raw[0], raw[19]) = (n % 4, n);
        ObjectId::from_bytes(&raw).unwrap()
    }

    proptest! {
        #[test]
        fn sets_of_ids_are_sets(a: Vec<u8>, b: Vec<u8>) {
            let (left, right): (BTreeSet<_>, BTreeSet<_>) =
                (a.iter().map(|n| id(*n)).collect(), b.iter().map(|n| id(*n)).collect());
            let (mut sum, other) = (IdSet::new(a.iter().map(|n| id(*n))), IdSet::new(right.clone()));
            prop_assert!(left.iter().all(|id| sum.contains(id)));
            prop_assert!(right.difference(&left).all(|id| !sum.contains(id)));
            let mut rest = sum.clone();
            rest.remove(&other);
            prop_assert_eq!(rest.iter().collect::<BTreeSet<_>>(), &left - &right);
            sum.merge(other);
            prop_assert_eq!(sum.iter().collect::<Vec<_>>(), (&left | &right).into_iter().collect::<Vec<_>>());
            prop_assert_eq!(sum.len(), (&left | &right).len());
            prop_assert_eq!(IdSet::from_bytes(sum.as_bytes().to_vec(), 20), Ok(sum));
        }
    }

    #[test]
    fn what_is_no_set_is_refused() {
        let two = [id(2).as_bytes(), id(1).as_bytes()].concat();
        assert_eq!(IdSet::from_bytes(two.clone(), 20), Err(NoIdSet));
        assert_eq!(IdSet::from_bytes(two[..39].to_vec(), 20), Err(NoIdSet));
        assert_eq!(IdSet::from_bytes(two, 8), Err(NoIdSet));
        assert_eq!(IdSet::from_bytes(Vec::new(), 20), Ok(IdSet::default()));
    }
}
