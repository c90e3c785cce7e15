//! Trains the character model behind `filter::wordlike`: how likely a letter or digit is after the
//! two before it, in the words and identifiers of ordinary repositories.
//!
//! Reads text on standard input and writes the table to the file named:
//!
//! ```sh
//! for r in REPOSITORY...; do git -C "$r" grep -I -h -o -E '[A-Za-z0-9_./+-]{3,64}' HEAD; done |
//!     cargo run --release -p scanner-core --example train_wordlike -- scanner-core/src/filter/wordlike.bin
//! ```
//!
//! The table that is compiled in was trained on the commits that `benches/wordlike-data.txt` lists.
//! Each distinct run of letters and digits counts with the logarithm of how often it occurs, so that
//! no repository's favourite names outweigh the rest, and those met once do not count: among them are
//! the hashes and keys that the model is to tell from words.
#![allow(
    clippy::print_stderr,
    clippy::cast_sign_loss,
    reason = "a program for developers that talks on the terminal; costs are clamped to a byte"
)]

use scanner_core::filter::wordlike::{SYMBOLS, UNIT_BITS, symbol};
use std::{
    collections::HashMap,
    fs,
    io::{self, BufRead as _},
};

/// Runs longer than this are data rather than words.
const LONGEST: usize = 40;
/// Letters after digits or digits after letters beyond which a run is data rather than a word.
const MOST_SWITCHES: usize = 3;
/// Weight of the next smaller context, in observations.
const BACKOFF: f64 = 4.0;

fn main() -> io::Result<()> {
    let out = std::env::args().nth(1).ok_or_else(|| {
        io::Error::other("usage: train_wordlike TABLE, with the text on standard input")
    })?;
    let mut counts: HashMap<Vec<u8>, u32> = HashMap::new();
    for line in io::stdin().lock().split(b'\n') {
        for run in line?.split(|b| !b.is_ascii_alphanumeric()) {
            if (2..=LONGEST).contains(&run.len()) {
                *counts.entry(run.to_vec()).or_default() += 1;
            }
        }
    }
    let mut cells = vec![0.0; SYMBOLS * SYMBOLS * SYMBOLS];
    let mut runs = 0_u64;
    for (run, count) in &counts {
        let switches = run
            .windows(2)
            .filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit())
            .count();
        if *count < 2 || switches > MOST_SWITCHES {
            continue;
        }
        runs += 1;
        let weight = f64::from(*count).ln();
        let (mut a, mut b) = (0, 0);
        for byte in run {
            let c = symbol(*byte);
            cells[(a * SYMBOLS + b) * SYMBOLS + c] += weight;
            (a, b) = (b, c);
        }
        cells[(a * SYMBOLS + b) * SYMBOLS] += weight;
    }
    fs::write(&out, table(&cells))?;
    eprintln!("{out}: trained on {runs} distinct runs of letters and digits");
    Ok(())
}

/// The cost of each symbol after two others, smoothed with the cost after one and after none.
fn table(cells: &[f64]) -> Vec<u8> {
    let sum = |of: &dyn Fn(usize) -> bool| -> f64 {
        (0..cells.len()).filter(|i| of(*i)).map(|i| cells[i]).sum()
    };
    let total = sum(&|_| true);
    let single: Vec<f64> = (0..SYMBOLS)
        .map(|c| (sum(&|i| i % SYMBOLS == c) + 1.0) / (total + SYMBOLS as f64))
        .collect();
    let mut double = vec![0.0; SYMBOLS * SYMBOLS];
    for (i, cell) in cells.iter().enumerate() {
        double[i % (SYMBOLS * SYMBOLS)] += cell;
    }
    let double: Vec<f64> = (0..SYMBOLS * SYMBOLS)
        .map(|i| {
            let row = &double[i / SYMBOLS * SYMBOLS..][..SYMBOLS];
            (double[i] + BACKOFF * single[i % SYMBOLS]) / (row.iter().sum::<f64>() + BACKOFF)
        })
        .collect();
    (0..cells.len())
        .map(|i| {
            let row = &cells[i / SYMBOLS * SYMBOLS..][..SYMBOLS];
            let below = double[i % (SYMBOLS * SYMBOLS)];
            let chance = (cells[i] + BACKOFF * below) / (row.iter().sum::<f64>() + BACKOFF);
            (-chance.log2() / UNIT_BITS).round().clamp(0.0, 255.0) as u8
        })
        .collect()
}
