//! Sizes and durations as people write them.

use std::{fmt, str::FromStr, time::Duration};

/// A number of bytes: digits and an optional suffix `K`, `M`, `G` or `T` (powers of 1024),
/// itself with an optional `B` or `iB`, in either case. Never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteSize(
    /// Bytes.
    pub u64,
);

/// A text that is no quantity; says what is wanted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseQuantityError(&'static str);

impl FromStr for ByteSize {
    type Err = ParseQuantityError;

    fn from_str(text: &str) -> Result<Self, ParseQuantityError> {
        const WANTED: ParseQuantityError =
            ParseQuantityError("expected a size of at least one byte, such as 64K, 512M or 2G");
        let (number, suffix) = split(text);
        let suffix = suffix.to_ascii_lowercase();
        let shift = match suffix
            .strip_suffix("ib")
            .or(suffix.strip_suffix('b'))
            .unwrap_or(&suffix)
        {
            "" => 0,
            "k" => 10,
            "m" => 20,
            "g" => 30,
            "t" => 40,
            _ => return Err(WANTED),
        };
        let number: u64 = number.parse().map_err(|_| WANTED)?;
        match number.checked_mul(1 << shift) {
            Some(0) => Err(WANTED),
            Some(bytes) if suffix != "ib" => Ok(Self(bytes)),
            _ => Err(WANTED),
        }
    }
}

/// A length of time: one or more numbers with `ms`, `s`, `m` or `h` (`90s`, `1h30m`); a bare
/// number is seconds. Never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeSpan(
    /// Whole milliseconds, at least one.
    pub Duration,
);

impl FromStr for TimeSpan {
    type Err = ParseQuantityError;

    fn from_str(text: &str) -> Result<Self, ParseQuantityError> {
        const WANTED: ParseQuantityError =
            ParseQuantityError("expected a length of time, such as 500ms, 30s, 5m or 1h30m");
        let mut total_ms: u64 = 0;
        let mut rest = text;
        while !rest.is_empty() {
            let (number, after) = split(rest);
            let end = after
                .find(|c: char| c.is_ascii_digit())
                .unwrap_or(after.len());
            let unit_ms = match &after[..end] {
                "ms" => 1,
                "s" => 1000,
                "" if number == text => 1000,
                "m" => 60_000,
                "h" => 3_600_000,
                _ => return Err(WANTED),
            };
            let number: u64 = number.parse().map_err(|_| WANTED)?;
            total_ms = number
                .checked_mul(unit_ms)
                .and_then(|ms| total_ms.checked_add(ms))
                .ok_or(WANTED)?;
            rest = &after[end..];
        }
        if total_ms == 0 {
            return Err(WANTED);
        }
        Ok(Self(Duration::from_millis(total_ms)))
    }
}

impl fmt::Display for ByteSize {
    /// Writes the size in the largest unit that has it whole, in a form that is read back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = [(40, "T"), (30, "G"), (20, "M"), (10, "K")];
        let whole = |&&(shift, _): &&(u32, &str)| self.0 > 0 && self.0.is_multiple_of(1 << shift);
        match units.iter().find(whole) {
            Some((shift, unit)) => write!(f, "{}{unit}", self.0 >> shift),
            None => write!(f, "{}", self.0),
        }
    }
}

impl fmt::Display for TimeSpan {
    /// Writes hours, minutes, seconds and milliseconds, those that are there, in a form that is
    /// read back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_millis();
        for (unit, unit_ms) in [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
            if rest >= unit_ms {
                write!(f, "{}{unit}", rest / unit_ms)?;
                rest %= unit_ms;
            }
        }
        Ok(())
    }
}

fn split(text: &str) -> (&str, &str) {
    text.split_at(
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_1024() {
        for (text, bytes) in [
            ("1", 1),
            ("4096", 4096),
            ("64K", 64 << 10),
            ("512M", 512 << 20),
            ("2g", 2 << 30),
            ("3GiB", 3 << 30),
            ("7MB", 7 << 20),
            ("10b", 10),
            ("1T", 1 << 40),
        ] {
            assert_eq!(text.parse(), Ok(ByteSize(bytes)), "{text}");
        }
        for text in [
            "",
            "0",
            "0G",
            "M",
            "1.5G",
            "-1",
            "1X",
            "5 M",
            "99999999T",
            "1iB",
            "1kk",
            "é",
        ] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }

    #[test]
    fn durations_add_up_their_units() {
        for (text, ms) in [
            ("30", 30_000),
            ("30s", 30_000),
            ("500ms", 500),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("1m500ms", 60_500),
        ] {
            let wanted = TimeSpan(Duration::from_millis(ms));
            assert_eq!(text.parse(), Ok(wanted), "{text}");
        }
        for text in [
            "",
            "0",
            "0s",
            "s",
            "5x",
            "1h30",
            "-5s",
            "99999999999999999999s",
            "1 s",
            "é",
        ] {
            assert!(text.parse::<TimeSpan>().is_err(), "{text}");
        }
    }

    #[test]
    fn quantities_are_written_in_their_largest_whole_units() {
        for text in ["1", "1025", "64K", "50M", "2G", "1536M", "3T"] {
            let size: ByteSize = text.parse().unwrap();
            assert_eq!(size.to_string(), text);
        }
        for text in ["4s", "200ms", "1h30m", "1m500ms", "90h"] {
            let span: TimeSpan = text.parse().unwrap();
            assert_eq!(span.to_string(), text);
        }
    }
}
