//! Entropy: how evenly a text uses its bytes.
//!
//! Shannon's measure is what rule files know (`entropy = 3.5`), and it grows with the alphabet and
//! with the length: 32 random hexadecimal digits reach 3.6 bits a byte, never 4. The normalised
//! form divides by what the bytes that occur could carry at most, so that hexadecimal and base64
//! are judged alike.

/// Returns the Shannon entropy of the bytes in bits a byte: 0 for no bytes or one repeated byte,
/// 8 at most.
pub fn shannon(bytes: &[u8]) -> f64 {
    let counts = counts(bytes);
    let total = bytes.len() as f64;
    // Summed as log(total) - mean of count * log(count): one division, and exact zeros.
    let weighted: f64 = counts
        .iter()
        .filter(|&&count| count > 1)
        .map(|&count| f64::from(count) * f64::from(count).log2())
        .sum();
    if bytes.is_empty() {
        0.0
    } else {
        (total.log2() - weighted / total).max(0.0)
    }
}

/// Returns the entropy as a share (0 to 1) of what the distinct bytes present could carry:
/// `shannon / log2(distinct)`. 0 when fewer than two distinct bytes occur.
pub fn normalised(bytes: &[u8]) -> f64 {
    let distinct = distinct(bytes);
    if distinct < 2 {
        0.0
    } else {
        shannon(bytes) / (distinct as f64).log2()
    }
}

/// Returns how many different bytes occur.
pub fn distinct(bytes: &[u8]) -> usize {
    counts(bytes).iter().filter(|&&count| count > 0).count()
}

fn counts(bytes: &[u8]) -> [u32; 256] {
    let mut counts = [0u32; 256];
    for &byte in bytes {
        counts[usize::from(byte)] = counts[usize::from(byte)].saturating_add(1);
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entropy_of_known_texts() {
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(close(shannon(b""), 0.0));
        assert!(close(shannon(b"aaaa"), 0.0));
        assert!(close(shannon(b"abab"), 1.0));
        assert!(close(shannon(b"aabc"), 1.5));
        assert!(close(shannon(b"0123456789abcdef"), 4.0));
        let every: Vec<u8> = (0..=255).collect();
        assert!(close(shannon(&every), 8.0));
    }

    #[test]
    fn normalised_entropy_does_not_depend_on_the_alphabet() {
        assert!((normalised(b"0123456789abcdef") - 1.0).abs() < 1e-9);
        assert!((normalised(b"01") - 1.0).abs() < 1e-9);
        assert!(normalised(b"aaaaaaab") < 0.6);
        assert!(normalised(b"aaaa") < f64::EPSILON && normalised(b"") < f64::EPSILON);
        assert_eq!(distinct(b"hello"), 4);
    }
}
