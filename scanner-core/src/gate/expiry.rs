//! When an exception ends.

use crate::model::{rfc3339, seconds_since_1970};
use toml::value::{Datetime, Offset};

/// The moment an exception ends, in seconds since 1970, UTC: from then on it does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expiry {
    seconds: i64,
    /// Whether a day was given, which ends with its last second.
    is_day: bool,
}

impl Expiry {
    /// Reads a date (the exception holds until that day ends, UTC) or a date and time with its
    /// offset. A time without an offset means another moment on every server, and is refused.
    pub(super) fn of(written: &Datetime) -> Option<Self> {
        let is_day = written.time.is_none();
        let seconds = if is_day {
            moment(&Datetime {
                time: None,
                offset: Some(Offset::Z),
                ..*written
            })?
            .checked_add(86_400)?
        } else {
            moment(written)?
        };
        Some(Self { seconds, is_day })
    }

    /// Whether it has ended.
    pub fn has_passed(self, now_seconds: i64) -> bool {
        now_seconds >= self.seconds
    }

    /// How people read it: the last day, or the moment.
    pub fn text(self) -> String {
        let shown = if self.is_day {
            self.seconds - 1
        } else {
            self.seconds
        };
        let mut text = rfc3339(shown, 0).unwrap_or_default();
        if self.is_day {
            text.truncate("2026-12-31".len());
        }
        text
    }
}

/// The moment of a date and time with an offset, in seconds since 1970, UTC; of a date with an
/// offset, its first.
pub(super) fn moment(written: &Datetime) -> Option<i64> {
    let date = written.date?;
    let offset_minutes = match written.offset? {
        Offset::Z => 0,
        Offset::Custom { minutes } => i64::from(minutes),
    };
    let time = written.time.map_or(0, |time| {
        i64::from(time.hour) * 3600
            + i64::from(time.minute) * 60
            + i64::from(time.second.unwrap_or(0))
    });
    let (year, month) = (i64::from(date.year), i64::from(date.month));
    let day = seconds_since_1970(year, month, i64::from(date.day));
    Some(day + time - offset_minutes * 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn expiry(text: &str) -> Option<Expiry> {
        Expiry::of(&text.parse().unwrap())
    }

    #[test]
    fn a_day_counts_to_its_end_and_a_moment_to_itself() {
        let day = expiry("2026-12-31").unwrap();
        // The first second of 2027, UTC.
        assert!(!day.has_passed(1_798_761_599) && day.has_passed(1_798_761_600));
        assert_eq!(day.text(), "2026-12-31");
        let moment = expiry("2026-12-01T12:00:00+02:00").unwrap();
        assert_eq!(moment.text(), "2026-12-01T10:00:00+00:00");
        assert!(moment.has_passed(1_796_119_200) && !moment.has_passed(1_796_119_199));
        assert_eq!(expiry("2026-12-01T12:00:00"), None);
        assert_eq!(expiry("12:00:00"), None);
    }

    proptest! {
        #[test]
        fn moments_are_read_as_they_are_written(seconds in 0i64..253_402_300_800, minutes in -1439i32..1440) {
            let Some(text) = rfc3339(seconds, minutes) else { return Ok(()) };
            let written: Datetime = text.parse().unwrap();
            prop_assert_eq!(moment(&written), Some(seconds));
        }
    }
}
