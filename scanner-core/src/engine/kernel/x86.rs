//! The stages with what x86-64 processors have beyond the first of them.
//!
//! Everything here but the change from bytes to vectors and back, and the question what the processor has,
//! is safe code.

#![expect(
    unsafe_code,
    reason = "vectors are made of bytes, and run only where the processor has them"
)]

use super::{
    BLOCK, CLASSES, Entries, FIRST_FACTOR, FOLD, HIGH_BITS, LAST, LOW_BITS, Passed, SECOND_FACTOR,
    WORD, append, hash,
};
use crate::{engine::literal::CHUNK, rules::gram::STRIDE};
use std::{
    arch::x86_64::{
        __m128i, __m256i, __m512i, _mm_cvtsi32_si128, _mm256_adds_epu8, _mm256_and_si256,
        _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8, _mm256_movemask_epi8, _mm256_or_si256,
        _mm256_packus_epi16, _mm256_permute4x64_epi64, _mm256_set1_epi8, _mm256_setzero_si256,
        _mm256_shuffle_epi8, _mm256_srli_epi16, _mm256_sub_epi8, _mm512_add_epi8, _mm512_add_epi16,
        _mm512_and_si512, _mm512_maskz_compress_epi8, _mm512_mullo_epi16, _mm512_or_si512,
        _mm512_permutex2var_epi8, _mm512_permutexvar_epi8, _mm512_set1_epi8, _mm512_set1_epi16,
        _mm512_slli_epi16, _mm512_srl_epi16, _mm512_srli_epi16, _mm512_test_epi8_mask,
        _mm512_xor_si512,
    },
    mem::transmute,
};

/// The processor has AVX2.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Avx2(());

/// The processor has AVX-512 with what it does to bytes.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) struct Avx512(());

#[expect(
    clippy::unused_self,
    reason = "it is the proof that the processor has what is called"
)]
impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt");
        has.then_some(Self(()))
    }

    #[inline]
    pub(super) fn hash(self, bytes: &[u8], shift: u32, indexes: &mut [u16; CHUNK]) {
        // SAFETY: there is an `Avx2` only where the processor has what the function is compiled for.
        unsafe { hash_with_avx2(bytes, shift, indexes) }
    }

    #[inline]
    pub(super) fn list(
        self,
        bytes: &[u8],
        entries: &Entries,
        grams: usize,
        passed: &mut Passed,
    ) -> usize {
        // SAFETY: there is an `Avx2` only where the processor has what the function is compiled for.
        unsafe { list_with_avx2(bytes, entries, grams, passed) }
    }
}

#[expect(
    clippy::unused_self,
    reason = "it is the proof that the processor has what is called"
)]
impl Avx512 {
    pub(super) fn detect() -> Option<Self> {
        let has = is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("avx512vbmi2")
            && is_x86_feature_detected!("popcnt");
        has.then_some(Self(()))
    }

    #[inline]
    pub(super) fn hash(self, bytes: &[u8], shift: u32, indexes: &mut [u16; CHUNK]) {
        // SAFETY: there is an `Avx512` only where the processor has what the function is compiled for.
        unsafe { hash_with_avx512(bytes, shift, indexes) }
    }

    #[inline]
    pub(super) fn list(
        self,
        bytes: &[u8],
        entries: &Entries,
        grams: usize,
        passed: &mut Passed,
    ) -> usize {
        // SAFETY: there is an `Avx512` only where the processor has what the function is compiled for.
        unsafe { list_with_avx512(bytes, entries, grams, passed) }
    }
}

#[target_feature(enable = "avx2")]
fn hash_with_avx2(bytes: &[u8], shift: u32, indexes: &mut [u16; CHUNK]) {
    hash(bytes, shift, indexes);
}

/// [`hash`], because left to compilers 512 bits are rarely used.
#[target_feature(enable = "avx512bw")]
fn hash_with_avx512(bytes: &[u8], shift: u32, indexes: &mut [u16; CHUNK]) {
    let (lows, _) = bytes.as_chunks::<64>();
    let (highs, _) = bytes[STRIDE..].as_chunks::<64>();
    let (indexes, _) = indexes.as_chunks_mut::<32>();
    let all = |value: u16| _mm512_set1_epi16(value.cast_signed());
    for ((low, high), indexes) in lows.iter().zip(highs).zip(indexes) {
        // SAFETY: both sides are 64 bytes, of which any are a vector.
        let (low, high) = unsafe {
            (
                transmute::<[u8; 64], __m512i>(*low),
                transmute::<[u8; 64], __m512i>(*high),
            )
        };
        let mixed = _mm512_mullo_epi16(_mm512_and_si512(low, all(LOW_BITS)), all(FIRST_FACTOR));
        let mixed = _mm512_xor_si512(mixed, _mm512_srli_epi16::<FOLD>(mixed));
        let high = _mm512_slli_epi16::<8>(_mm512_and_si512(high, all(HIGH_BITS)));
        let mixed = _mm512_mullo_epi16(_mm512_add_epi16(mixed, high), all(SECOND_FACTOR));
        let mixed = _mm512_srl_epi16(mixed, _mm_cvtsi32_si128(shift.cast_signed()));
        // SAFETY: both sides are 64 bytes, of which any are numbers.
        *indexes = unsafe { transmute::<__m512i, [u16; 32]>(mixed) };
    }
}

#[target_feature(enable = "avx2,popcnt")]
fn list_with_avx2(bytes: &[u8], entries: &Entries, grams: usize, passed: &mut Passed) -> usize {
    const GRAMS: usize = 32;
    let (bytes, _) = bytes[LAST - 1..].as_chunks::<{ STRIDE * GRAMS }>();
    let (entries, _) = entries.as_chunks::<GRAMS>();
    let classes: [__m256i; 4] = std::array::from_fn(|part| {
        let part: [u8; 16] = std::array::from_fn(|i| CLASSES[16 * part + i]);
        // SAFETY: both sides are 16 bytes, of which any are a vector.
        _mm256_broadcastsi128_si256(unsafe { transmute::<[u8; 16], __m128i>(part) })
    });
    let mut listed = 0;
    let firsts = (0..grams).step_by(GRAMS);
    for ((first, bytes), entries) in firsts.zip(bytes).zip(entries) {
        // SAFETY: the sides are 64 and 32 bytes each, of which any are vectors.
        let ([one, other], entries) = unsafe {
            (
                transmute::<[u8; 64], [__m256i; 2]>(*bytes),
                transmute::<[u8; 32], __m256i>(*entries),
            )
        };
        // Every second byte is the last of a gram. Packing works on halves of vectors, so that the
        // quarters come out of order.
        let last = _mm256_packus_epi16(_mm256_srli_epi16::<8>(one), _mm256_srli_epi16::<8>(other));
        let last = _mm256_permute4x64_epi64::<0b11_01_10_00>(last);
        let sign = _mm256_and_si256(_mm256_srli_epi16::<1>(last), _mm256_set1_epi8(0x20));
        let folded = _mm256_or_si256(_mm256_and_si256(last, _mm256_set1_epi8(0x1F)), sign);
        let mut class = _mm256_setzero_si256();
        for (part, table) in classes.into_iter().enumerate() {
            // A shuffle gives 0 where the top bit is set, as the sum sets it for what is not of
            // this part of the table.
            let own = _mm256_sub_epi8(folded, _mm256_set1_epi8(16 * part as i8));
            let own = _mm256_adds_epu8(own, _mm256_set1_epi8(0x70));
            class = _mm256_or_si256(class, _mm256_shuffle_epi8(table, own));
        }
        let none = _mm256_cmpeq_epi8(_mm256_and_si256(entries, class), _mm256_setzero_si256());
        let mut members = !_mm256_movemask_epi8(none).cast_unsigned();
        let left = grams - first;
        if left < GRAMS {
            members &= (1 << left) - 1;
        }
        for part in (0..GRAMS).step_by(WORD) {
            let members = (members >> part) as u8;
            listed += append(members, first + part, &mut passed[listed..]);
        }
    }
    listed
}

#[target_feature(enable = "avx512bw,avx512vbmi,avx512vbmi2,popcnt")]
fn list_with_avx512(bytes: &[u8], entries: &Entries, grams: usize, passed: &mut Passed) -> usize {
    let (bytes, _) = bytes[LAST - 1..].as_chunks::<{ STRIDE * BLOCK }>();
    let (entries, _) = entries.as_chunks::<BLOCK>();
    // SAFETY: both sides are 64 bytes each, of which any are vectors.
    let (classes, mut numbers, odd) = unsafe {
        (
            transmute::<[u8; 64], __m512i>(CLASSES),
            transmute::<[u8; 64], __m512i>(NUMBERS),
            transmute::<[u8; 64], __m512i>(ODD),
        )
    };
    let mut listed = 0;
    let firsts = (0..grams).step_by(BLOCK);
    for ((first, bytes), entries) in firsts.zip(bytes).zip(entries) {
        // SAFETY: the sides are 128 and 64 bytes each, of which any are vectors.
        let ([one, other], entries) = unsafe {
            (
                transmute::<[u8; 128], [__m512i; 2]>(*bytes),
                transmute::<[u8; 64], __m512i>(*entries),
            )
        };
        let last = _mm512_permutex2var_epi8(one, odd, other);
        let sign = _mm512_and_si512(_mm512_srli_epi16::<1>(last), _mm512_set1_epi8(0x20));
        let folded = _mm512_or_si512(_mm512_and_si512(last, _mm512_set1_epi8(0x1F)), sign);
        let class = _mm512_permutexvar_epi8(folded, classes);
        let mut members = _mm512_test_epi8_mask(entries, class);
        let left = grams - first;
        if left < BLOCK {
            members &= (1 << left) - 1;
        }
        if let Some(room) = passed[listed..].first_chunk_mut() {
            let list = _mm512_maskz_compress_epi8(members, numbers);
            // SAFETY: both sides are 64 bytes, of which any are numbers.
            *room = unsafe { transmute::<__m512i, [u8; BLOCK]>(list) };
        }
        listed += members.count_ones() as usize;
        numbers = _mm512_add_epi8(numbers, _mm512_set1_epi8(BLOCK as i8));
    }
    listed
}

/// The numbers of a block's grams.
const NUMBERS: [u8; 64] = every(1, 0);
/// Where a block's grams have their last bytes, from the first one's third on.
const ODD: [u8; 64] = every(STRIDE as u8, 1);

const fn every(step: u8, first: u8) -> [u8; 64] {
    let mut numbers = [first; 64];
    let mut i = 1;
    while i < numbers.len() {
        numbers[i] = numbers[i - 1] + step;
        i += 1;
    }
    numbers
}
