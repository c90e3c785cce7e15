//! Git deltas: applied, and told apart into what is copied and what is new.
//!
//! Format: gitformat-pack(5), "Deltified representation". Nobody exposes the copy ranges, which
//! is what delta-aware scanning lives on, so the walk over the instructions is ours.

use crate::source::CopyRun;

/// Why a delta cannot be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DeltaError {
    #[error("the delta ends in the middle of an instruction")]
    Truncated,
    #[error("the delta was made for a base of another size")]
    BaseSize,
    #[error("the delta copies from beyond the end of its base")]
    OutOfBase,
    #[error("the delta's instructions do not add up to the size it declares")]
    ResultSize,
    #[error("the delta holds a reserved instruction")]
    Reserved,
    #[error("the object is larger than the limit")]
    TooLarge,
}

/// One instruction.
#[derive(Clone, Copy)]
enum Op {
    Copy { start: usize, len: usize },
    Insert { len: usize },
}

/// Reads a size as deltas store it: 7 bits a byte, the lowest first.
fn read_size(delta: &[u8], at: &mut usize) -> Result<u64, DeltaError> {
    let (mut size, mut shift) = (0u64, 0);
    loop {
        let byte = *delta.get(*at).ok_or(DeltaError::Truncated)?;
        *at += 1;
        if shift > 56 {
            return Err(DeltaError::ResultSize);
        }
        size |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            return Ok(size);
        }
    }
}

/// Reads one instruction, without the bytes that an insertion carries.
#[inline]
fn read_op(delta: &[u8], at: &mut usize) -> Result<Op, DeltaError> {
    let op = delta[*at];
    *at += 1;
    if op & 0x80 == 0 {
        if op == 0 {
            return Err(DeltaError::Reserved);
        }
        return Ok(Op::Insert {
            len: usize::from(op),
        });
    }
    let (start, len) = match read_usual_copy(op, &delta[*at..]) {
        Some((start, len, bytes)) => {
            *at += bytes;
            (start, len)
        }
        None => read_copy(op, delta, at)?,
    };
    Ok(Op::Copy {
        start,
        len: if len == 0 { 0x10000 } else { len },
    })
}

/// Reads what follows a copy's first byte: start, length, and how many bytes they took. `None` where
/// a byte other than the highest is left out, which those are that are 0, and at the delta's end.
#[inline]
fn read_usual_copy(op: u8, rest: &[u8]) -> Option<(usize, usize, usize)> {
    let word = u64::from_le_bytes(*rest.first_chunk()?);
    let (starts, lens) = (op & 0x0f, op >> 4 & 0x07);
    // Bits are those of a number's lowest bytes if adding one carries through all of them.
    if starts & (starts + 1) != 0 || lens & (lens + 1) != 0 {
        return None;
    }
    let (starts, lens) = (starts.trailing_ones(), lens.trailing_ones());
    let lowest = |word: u64, bytes: u32| word & !(u64::MAX << (8 * bytes));
    let start = lowest(word, starts) as usize;
    let len = lowest(word >> (8 * starts), lens) as usize;
    Some((start, len, (starts + lens) as usize))
}

/// Reads what follows a copy's first byte, whatever it is: start and length.
fn read_copy(op: u8, delta: &[u8], at: &mut usize) -> Result<(usize, usize), DeltaError> {
    let mut take = |bits: u8, first: u8| {
        let mut value = 0usize;
        for k in 0..bits {
            if op & (first << k) != 0 {
                let byte = *delta.get(*at).ok_or(DeltaError::Truncated)?;
                value |= usize::from(byte) << (8 * k);
                *at += 1;
            }
        }
        Ok(value)
    };
    Ok((take(4, 0x01)?, take(3, 0x10)?))
}

/// Results up to so many times the bytes of base and delta together are made at once; for larger
/// ones the instructions are added up first, so that a small delta cannot ask for much memory.
const BELIEVED: u64 = 4;

/// Checks that the instructions from `at` on add up to `size`.
fn measure(base: &[u8], delta: &[u8], mut at: usize, size: u64) -> Result<(), DeltaError> {
    let mut total = 0u64;
    while at < delta.len() {
        match read_op(delta, &mut at)? {
            Op::Copy { start, len } => {
                if start.checked_add(len).is_none_or(|end| end > base.len()) {
                    return Err(DeltaError::OutOfBase);
                }
                total += len as u64;
            }
            Op::Insert { len } => {
                at += len;
                if at > delta.len() {
                    return Err(DeltaError::Truncated);
                }
                total += len as u64;
            }
        }
    }
    if total != size {
        return Err(DeltaError::ResultSize);
    }
    Ok(())
}

/// Applies `delta` to `base` into `out` (replaced), and lists the copied ranges in `runs`
/// (replaced): sorted by `child_start`, contiguous ones merged.
///
/// A delta cannot ask for memory out of proportion to what it and its base hold unless its
/// instructions fill it, nor for more than `limit` bytes.
pub(crate) fn apply(
    base: &[u8],
    delta: &[u8],
    limit: u64,
    out: &mut Vec<u8>,
    runs: &mut Vec<CopyRun>,
) -> Result<(), DeltaError> {
    let mut at = 0;
    if read_size(delta, &mut at)? != base.len() as u64 {
        return Err(DeltaError::BaseSize);
    }
    let size = read_size(delta, &mut at)?;
    if size > limit {
        return Err(DeltaError::TooLarge);
    }
    if size
        > (base.len() as u64 + delta.len() as u64)
            .saturating_mul(BELIEVED)
            .max(1 << 16)
    {
        measure(base, delta, at, size)?;
    }
    // Buffers come with what they held before, which is cheaper to write over than to clear.
    out.resize(size as usize + SHORT, 0);
    let written = fill(base, delta, at, size as usize, out, runs);
    out.truncate(size as usize);
    if written? != size as usize {
        return Err(DeltaError::ResultSize);
    }
    Ok(())
}

/// Bytes that are copied in one piece: most instructions have fewer, and a call for so few costs more than
/// to copy some that the next instruction writes over.
const SHORT: usize = 32;

/// Carries out the instructions from `at` on. Returns how many bytes of `out` they wrote: `size` at most,
/// after which `out` has [`SHORT`] more.
fn fill(
    base: &[u8],
    delta: &[u8],
    mut at: usize,
    size: usize,
    out: &mut [u8],
    runs: &mut Vec<CopyRun>,
) -> Result<usize, DeltaError> {
    runs.clear();
    let mut written = 0;
    while at < delta.len() {
        let op = read_op(delta, &mut at)?;
        let (from, start, len, missing) = match op {
            Op::Copy { start, len } => (base, start, len, DeltaError::OutOfBase),
            Op::Insert { len } => (delta, at, len, DeltaError::Truncated),
        };
        let rest = from.get(start..).unwrap_or_default();
        let bytes = rest.get(..len).ok_or(missing)?;
        if len > size - written {
            return Err(DeltaError::ResultSize);
        }
        let room = &mut out[written..];
        if len <= SHORT
            && let (Some(short), Some(room)) =
                (rest.first_chunk::<SHORT>(), room.first_chunk_mut::<SHORT>())
        {
            *room = *short;
        } else {
            room[..len].copy_from_slice(bytes);
        }
        match (op, runs.last_mut()) {
            (Op::Insert { .. }, _) => at += len,
            (Op::Copy { start, .. }, Some(last))
                if last.child_start + last.len == written
                    && last.parent_start + last.len == start =>
            {
                last.len += len;
            }
            (Op::Copy { start, .. }, _) => runs.push(CopyRun {
                parent_start: start,
                child_start: written,
                len,
            }),
        }
        written += len;
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn copies_and_insertions_give_the_child_and_its_runs() {
        // base 10 bytes; copy 0..4, copy 4..6 (merged), insert "XY", copy 2..5
        let delta = [10, 11, 0x90, 4, 0x91, 4, 2, 2, b'X', b'Y', 0x91, 2, 3];
        let (mut out, mut runs) = (Vec::new(), Vec::new());
        apply(b"0123456789", &delta, 100, &mut out, &mut runs).expect("applies");
        assert_eq!(out, b"012345XY234");
        let run = |parent_start, child_start, len| CopyRun {
            parent_start,
            child_start,
            len,
        };
        assert_eq!(runs, [run(0, 0, 6), run(2, 8, 3)]);
        assert_eq!(
            apply(b"0123456789", &delta, 10, &mut out, &mut runs),
            Err(DeltaError::TooLarge)
        );
        assert_eq!(
            apply(b"012345678", &delta, 99, &mut out, &mut runs),
            Err(DeltaError::BaseSize)
        );
    }

    #[test]
    fn lies_about_sizes_cost_no_memory() {
        let (mut out, mut runs) = (Vec::new(), Vec::new());
        // declares 4 GiB and copies one byte
        let delta = [1, 0x80, 0x80, 0x80, 0x80, 0x10, 0x90, 1];
        assert_eq!(
            apply(b"a", &delta, u64::MAX, &mut out, &mut runs),
            Err(DeltaError::ResultSize)
        );
        assert_eq!(out.capacity(), 0);
    }

    proptest! {
        /// Short and long ones, up to both ends of base and delta, into a buffer that held something else.
        #[test]
        fn instructions_give_what_they_say(
            base in prop::collection::vec(any::<u8>(), 1..300),
            parts in prop::collection::vec(
                prop_oneof![
                    (any::<prop::sample::Index>(), 1..300_usize).prop_map(Ok),
                    prop::collection::vec(any::<u8>(), 1..=127).prop_map(Err),
                ],
                1..20,
            ),
            before in prop::collection::vec(any::<u8>(), 0..900),
        ) {
            let (mut instructions, mut expected, mut copied) = (Vec::new(), Vec::new(), 0);
            for part in &parts {
                match part {
                    Ok((start, len)) => {
                        let start = start.index(base.len());
                        let len = (*len).min(base.len() - start);
                        instructions.push(0xB3);
                        instructions.extend((start as u16).to_le_bytes());
                        instructions.extend((len as u16).to_le_bytes());
                        expected.extend_from_slice(&base[start..start + len]);
                        copied += len;
                    }
                    Err(new) => {
                        instructions.push(new.len() as u8);
                        instructions.extend_from_slice(new);
                        expected.extend_from_slice(new);
                    }
                }
            }
            let size = |n: usize| [n as u8 | 0x80, (n >> 7) as u8 | 0x80, (n >> 14) as u8];
            let head = [size(base.len()), size(expected.len())].concat();
            let delta = [&head[..], &instructions].concat();
            let (mut out, mut runs) = (before, Vec::new());
            prop_assert_eq!(apply(&base, &delta, 1 << 20, &mut out, &mut runs), Ok(()));
            prop_assert_eq!(&out, &expected);
            prop_assert_eq!(runs.iter().map(|run| run.len).sum::<usize>(), copied);
            for run in &runs {
                let parent = &base[run.parent_start..run.parent_start + run.len];
                prop_assert_eq!(&out[run.child_start..run.child_start + run.len], parent);
            }
            let short = [size(base.len()), size(expected.len() - 1)].concat();
            let short = [&short[..], &instructions].concat();
            let refused = apply(&base, &short, 1 << 20, &mut out, &mut runs);
            prop_assert_eq!(refused, Err(DeltaError::ResultSize));
        }
    }

    #[test]
    fn usual_copies_are_read_as_all_are() {
        let rest = [1, 2, 3, 4, 5, 6, 7, 8];
        let mut usual = 0;
        for op in 0x80..=0xff {
            let mut at = 0;
            let expected = read_copy(op, &rest, &mut at).expect("all bytes are there");
            if let Some((start, len, bytes)) = read_usual_copy(op, &rest) {
                assert_eq!(((start, len), bytes), (expected, at), "{op:x}");
                usual += 1;
            }
            assert_eq!(read_usual_copy(op, &rest[..7]), None);
        }
        // None to four bytes of the start, none to three of the length.
        assert_eq!(usual, 5 * 4);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let mut seed = 1u64;
        let (mut out, mut runs) = (Vec::new(), Vec::new());
        for _ in 0..20_000 {
            let mut delta = vec![4];
            for _ in 0..(seed >> 60) {
                seed = seed
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                delta.push((seed >> 33) as u8);
            }
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let _ = apply(b"abcd", &delta, 1 << 20, &mut out, &mut runs);
        }
    }
}
