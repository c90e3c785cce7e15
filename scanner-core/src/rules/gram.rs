//! By which four bytes the literal engine looks for a literal.
//!
//! It looks at *grams* of four bytes, at every second position. A literal that stands in content
//! covers two kinds of grams, those an even and those an odd number of bytes into it, of which exactly
//! one falls on the positions looked at; so it is looked for by one of each. Which ones is chosen here,
//! and for the built-in rules when they are packed: a start of the program has better to do.

use super::frequency;

/// Bytes of a gram.
pub(crate) const GRAM: usize = 4;
/// Bytes of the shortest literal that has grams: a gram less the one byte that may be anything.
pub(crate) const SHORTEST: usize = GRAM - 1;
/// Positions looked at are this many bytes apart.
pub(crate) const STRIDE: usize = 2;
/// Chance for a gram that has nothing to do with a literal to meet one index of the engine's table.
const CHANCE: f64 = 1.0 / 65_536.0;

/// Returns where the two grams start by which a literal is looked for, counted from one byte ahead of
/// it: those that text is least likely to hold. The first is met where the literal stands at an even
/// distance from the positions looked at, the other where it stands at an odd one. A gram may reach one
/// byte out of the literal; literals shorter than [`SHORTEST`] have none, and get zeros.
pub(crate) fn starts(literal: &[u8]) -> [u8; 2] {
    // The last gram holds the literal's last three bytes.
    let Some(last) = (literal.len() + 1).checked_sub(SHORTEST) else {
        return [0; 2];
    };
    let last = last.min(usize::from(u8::MAX));
    [1, 0].map(|first| {
        let starts = (first..=last).step_by(STRIDE);
        let costs = starts.map(|start| (cost(literal, start), start));
        let least = costs.min_by(|(one, _), (other, _)| one.total_cmp(other));
        least.map_or(0, |(_, start)| start as u8)
    })
}

/// The share of positions that pass for one of a literal's grams.
fn cost(literal: &[u8], start: usize) -> f64 {
    match literal[start.saturating_sub(1)..] {
        [a, b, c, ..] if start == 0 => frequency::trigram([a, b, c]) + 32.0 * CHANCE / 8.0,
        [a, b, c, d, ..] => frequency::quadgram([a, b, c, d]) + CHANCE / 8.0,
        [a, b, c] => frequency::trigram([a, b, c]) + CHANCE,
        _ => f64::INFINITY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_grams_of_both_parities_within_a_byte_of_the_literal_are_chosen() {
        for literal in [&b"abc"[..], b"key=", b"return_xq9z_return", &[b'x'; 400]] {
            let [even, odd] = starts(literal).map(usize::from);
            assert_eq!((even % STRIDE, odd % STRIDE), (1, 0), "{literal:?}");
            assert!(even.max(odd) + SHORTEST <= literal.len() + 1, "{literal:?}");
        }
        let [even, odd] = starts(b"return_xq9z_return").map(usize::from);
        assert!(
            (6..=10).contains(&even) && (6..=10).contains(&odd),
            "{even} {odd}"
        );
        assert_eq!(starts(b"ab"), [0, 0]);
    }
}
