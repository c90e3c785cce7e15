//! Counts and the figures made of them.

use std::{collections::BTreeMap, fmt};

/// What became of the samples of one row.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tally {
    pub found: usize,
    pub missed: usize,
    pub false_alarms: usize,
}

impl Tally {
    pub fn recall(self) -> f64 {
        ratio(self.found, self.found + self.missed)
    }
    pub fn precision(self) -> f64 {
        ratio(self.found, self.found + self.false_alarms)
    }
    /// Harmonic mean of precision and recall.
    pub fn f1(self) -> f64 {
        let sum = self.precision() + self.recall();
        if sum > 0.0 {
            2.0 * self.precision() * self.recall() / sum
        } else {
            0.0
        }
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// Tallies by name.
#[derive(Debug, Default)]
pub struct Table(pub BTreeMap<String, Tally>);

impl Table {
    pub fn row(&mut self, name: &str) -> &mut Tally {
        self.0.entry(name.to_owned()).or_default()
    }

    /// Rows by recall, the worst first, then the most missed.
    pub fn worst_recall(&self) -> Vec<(&str, Tally)> {
        let mut rows: Vec<_> = self
            .0
            .iter()
            .map(|(name, tally)| (name.as_str(), *tally))
            .collect();
        rows.sort_by(|a, b| {
            a.1.recall()
                .total_cmp(&b.1.recall())
                .then(b.1.missed.cmp(&a.1.missed))
        });
        rows
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| | secrets | found | recall | false alarms | precision | F1 |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|")?;
        for (name, tally) in &self.0 {
            writeln!(
                f,
                "| {name} | {} | {} | {:.3} | {} | {:.3} | {:.3} |",
                tally.found + tally.missed,
                tally.found,
                tally.recall(),
                tally.false_alarms,
                tally.precision(),
                tally.f1()
            )?;
        }
        Ok(())
    }
}
