//! Finds where an escape may be a trigger: a leader, and a second byte that triggers have.
//!
//! Leaders are everywhere in source (`%d`, `\n`, `&name`), so that a search for them stops every
//! 90 bytes, while one place in 15,000 bytes is left once the second byte is known. Both bytes are
//! compared at every position of a group instead, without a branch, in vectors. That pays with
//! those of AVX2 (15 GB/s, on any content), which the compiler uses only where it is told to, and
//! is as fast as the search for leaders with those that every x86-64 has.

/// Positions that are looked at together.
const GROUP: usize = 64;

/// Position of the first leader that a second byte of a trigger follows.
#[cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "a processor must be asked what it has")
)]
pub(super) fn find(bytes: &[u8]) -> Option<usize> {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has what the function is compiled for.
        return unsafe { find_with_avx2(bytes) };
    }
    find_in_groups(bytes)
}

/// [`find_in_groups`], compiled for AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn find_with_avx2(bytes: &[u8]) -> Option<usize> {
    find_in_groups(bytes)
}

#[expect(
    clippy::inline_always,
    reason = "it is compiled for what its caller is compiled for"
)]
#[inline(always)]
fn find_in_groups(bytes: &[u8]) -> Option<usize> {
    let seconds = bytes.get(1..)?;
    let firsts = &bytes[..seconds.len()];
    let (first_groups, rest) = firsts.as_chunks::<GROUP>();
    let (second_groups, second_rest) = seconds.as_chunks::<GROUP>();
    for (index, (first, second)) in first_groups.iter().zip(second_groups).enumerate() {
        if let Some(at) = find_in_group(first, second) {
            return Some(index * GROUP + at);
        }
    }
    // What is left: in a group that begins where it has been looked at, or in one that is filled.
    if let (Some(first), Some(second)) = (firsts.last_chunk(), seconds.last_chunk()) {
        return find_in_group(first, second).map(|at| firsts.len() - GROUP + at);
    }
    let (mut first, mut second) = ([0; GROUP], [0; GROUP]);
    first[..rest.len()].copy_from_slice(rest);
    second[..rest.len()].copy_from_slice(second_rest);
    find_in_group(&first, &second)
}

#[expect(
    clippy::inline_always,
    reason = "it is compiled for what its caller is compiled for"
)]
#[inline(always)]
fn find_in_group(first: &[u8; GROUP], second: &[u8; GROUP]) -> Option<usize> {
    let mut any = false;
    for (first, second) in first.iter().zip(second) {
        any |= is_found(*first, *second);
    }
    if !any {
        return None;
    }
    let mut pairs = first.iter().zip(second);
    pairs.position(|(first, second)| is_found(*first, *second))
}

#[expect(
    clippy::inline_always,
    reason = "it is compiled for what its caller is compiled for"
)]
#[expect(
    clippy::needless_bitwise_bool,
    reason = "branches would keep the compiler from using vectors"
)]
#[inline(always)]
fn is_found(first: u8, second: u8) -> bool {
    let percent = (first == b'%') & (second.wrapping_sub(b'2') <= b'7' - b'2');
    let backslash = (first == b'\\') & ((second == b'u') | (second == b'x'));
    let entity = (first == b'&') & ((second == b'#') | (second == b'a') | (second == b'q'));
    percent | backslash | entity
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// With and without AVX2, in groups and in what is left of them.
        #[test]
        fn finds_the_first_pair_wherever_it_stands(
            bytes in prop::collection::vec(prop::sample::select(b"a  ........%\\&27u#xq".to_vec()), 0..9),
            fill in 0..200_usize,
            rest in 0..200_usize,
        ) {
            let bytes = [vec![b'n'; fill], bytes, vec![b'2'; rest]].concat();
            let expected = bytes.windows(2).position(|two| {
                matches!(
                    two,
                    [b'%', b'2'..=b'7'] | [b'\\', b'u' | b'x'] | [b'&', b'#' | b'a' | b'q']
                )
            });
            prop_assert_eq!(find(&bytes), expected);
            prop_assert_eq!(find_in_groups(&bytes), expected);
        }
    }
}
