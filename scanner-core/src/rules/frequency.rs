//! How often short byte strings stand in what people keep in Git, roughly.
//!
//! Two choices rest on it: which literals a rule is found by, and by which four bytes of a literal the
//! literal engine looks for it. `status` is worth far less than `statuscake`, and `work` of a literal
//! less than its `ksna`. A wrong guess costs time and nothing else.
//!
//! `trigrams.txt` holds the share of positions at which three bytes stand, by classes of bytes
//! ([`MEMBERS`]): a line for each pair of classes, on it a character for each third class, `0` for
//! all positions and each character after it for the square root of a half of the one before.
//! Counted over 380 MB: files of 75 public repositories in some twenty languages, and what the
//! deltas of git and rails insert. Real counts matter: a model of the most frequent trigrams alone
//! took `wor` for as rare as `rks`, and the engine verified twice as much.

/// Classes of bytes.
const CLASSES: usize = 32;
/// The counts, and an end of line after each [`CLASSES`].
const TRIGRAMS: &[u8; CLASSES * CLASSES * (CLASSES + 1)] = include_bytes!("trigrams.txt");
/// The share that each character of the table stands for, from `0` on.
const SHARES: [f64; 64] = {
    let mut shares = [1.0; 64];
    let mut i = 1;
    while i < shares.len() {
        shares[i] = shares[i - 1] * std::f64::consts::FRAC_1_SQRT_2;
        i += 1;
    }
    shares
};
/// The share of positions at which two classes stand.
static PAIRS: [f64; CLASSES * CLASSES] = {
    let mut pairs = [0.0; CLASSES * CLASSES];
    let mut pair = 0;
    while pair < pairs.len() {
        let mut third = 0;
        while third < CLASSES {
            pairs[pair] += share(pair, third);
            third += 1;
        }
        pair += 1;
    }
    pairs
};

const fn share(pair: usize, third: usize) -> f64 {
    SHARES[(TRIGRAMS[pair * (CLASSES + 1) + third] - b'0') as usize]
}

/// By byte: its class, the same in either case, and the byte's part of what its class has.
static MEMBERS: [(usize, f64); 256] = {
    let mut members = [(31, 0.05); 256];
    let mut byte = 0;
    while byte < members.len() {
        members[byte] = match (byte as u8).to_ascii_lowercase() {
            b @ b'a'..=b'z' => ((b - b'a') as usize, 1.0),
            b'0'..=b'9' => (26, 0.1),
            b'_' => (27, 1.0),
            b'-' => (28, 1.0),
            b' ' => (29, 0.7),
            b'\t' | b'\r' | b'\n' => (29, 0.15),
            b'.' | b'/' | b':' | b'=' | b'"' | b'\'' | b'(' | b')' | b',' => (30, 0.12),
            _ => (31, 0.05),
        };
        byte += 1;
    }
    members
};

fn class(byte: u8) -> (usize, f64) {
    MEMBERS[usize::from(byte)]
}

/// Returns the share of positions at which these bytes stand, in either case.
pub(crate) fn trigram(bytes: [u8; 3]) -> f64 {
    let [(a, x), (b, y), (c, z)] = bytes.map(class);
    share(a * CLASSES + b, c) * x * y * z
}

/// Returns the share of positions at which these bytes stand, in either case: the last is taken to
/// depend on the two ahead of it alone.
pub(crate) fn quadgram([a, b, c, d]: [u8; 4]) -> f64 {
    trigram([a, b, c]) * follows([b, c, d])
}

/// Returns the share of positions at which a string of three bytes or more stands, in either case.
/// What text does hold is words: `status` stands a hundred times as often as its letters would
/// follow one another. The root of each step's chance is a fit to that.
pub(crate) fn word(bytes: &[u8]) -> f64 {
    let Some(head) = bytes.first_chunk() else {
        return 1.0;
    };
    let steps = bytes[1..].windows(3);
    steps.fold(trigram(*head), |found, step| {
        found * follows([step[0], step[1], step[2]]).sqrt()
    })
}

/// Returns how often the last of these bytes comes after the others.
fn follows([a, b, c]: [u8; 3]) -> f64 {
    let [(a, _), (b, _), (c, z)] = [a, b, c].map(class);
    share(a * CLASSES + b, c) / PAIRS[a * CLASSES + b] * z
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_holds_shares_of_one_whole() {
        let lines = TRIGRAMS.chunks(CLASSES + 1);
        assert!(lines.clone().all(|line| line[CLASSES] == b'\n'));
        let all: f64 = PAIRS.iter().sum();
        assert!((0.9..1.2).contains(&all), "{all}");
    }

    #[test]
    fn rare_strings_are_told_from_common_ones() {
        assert!(trigram(*b"ION") > 20.0 * trigram(*b"hp_"));
        assert!(quadgram(*b"tion") > 50.0 * quadgram(*b"xoxb"));
        assert!(quadgram(*b"work") > 20.0 * quadgram(*b"ksna"));
        assert!(word(b"status") > 50.0 * word(b"statuscake"));
        assert!(word(b"test_0") < word(b"test_"));
    }
}
