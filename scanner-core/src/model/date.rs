//! Dates as people and machines write them.

/// Formats seconds since 1970 (UTC) as RFC 3339 in a clock's own offset from UTC, such as
/// `2024-02-29T23:59:59+01:00`. An offset that RFC 3339 cannot express (a whole day or more)
/// counts as none; `None` for years outside 0 to 9999, which it cannot express either. Both
/// occur in real histories, where dates are whatever the author's client wrote.
pub fn rfc3339(seconds: i64, offset_minutes: i32) -> Option<String> {
    let offset = if offset_minutes.unsigned_abs() < 24 * 60 {
        offset_minutes
    } else {
        0
    };
    let local = seconds.checked_add(i64::from(offset) * 60)?;
    let (year, month, day) = civil(local.div_euclid(86_400))?;
    let time = local.rem_euclid(86_400);
    let sign = if offset < 0 { '-' } else { '+' };
    let (away_hours, away_minutes) = (offset.unsigned_abs() / 60, offset.unsigned_abs() % 60);
    Some(format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}{sign}{away_hours:02}:{away_minutes:02}",
        time / 3600,
        time / 60 % 60,
        time % 60,
    ))
}

/// Reads what [`rfc3339`] writes: the seconds and the offset in minutes. `None` for any other text.
pub(crate) fn parse_rfc3339(text: &str) -> Option<(i64, i32)> {
    let (date, clock) = text.split_once('T')?;
    let (time, offset) = clock.split_at_checked(8)?;
    let two = |text: &str| -> Option<i64> {
        let number: u8 = text.parse().ok().filter(|_| text.len() == 2)?;
        Some(i64::from(number))
    };
    let numbers = |text: &str| -> Option<Vec<i64>> { text.split(':').map(two).collect() };
    let (time, away) = (numbers(time)?, numbers(offset.get(1..)?)?);
    let (&[h, m, s], &[away_hours, away_minutes]) = (time.first_chunk()?, away.first_chunk()?);
    let sign = if offset.starts_with('-') { -1 } else { 1 };
    let minutes = sign * (away_hours * 60 + away_minutes);
    let seconds = day_of(date)? * 86_400 + h * 3600 + m * 60 + s - minutes * 60;
    let minutes = i32::try_from(minutes).ok()?;
    // Whatever is no date comes out as another text.
    (rfc3339(seconds, minutes)? == text).then_some((seconds, minutes))
}

/// Reads a day, `YYYY-MM-DD`, as days since 1970-01-01. `None` for what no calendar has.
pub fn day_of(text: &str) -> Option<i64> {
    let numbers: Option<Vec<i64>> = text.split('-').map(|part| part.parse().ok()).collect();
    let numbers = numbers?;
    let &[year, month, day] = numbers.first_chunk()?;
    let possible =
        (0..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    possible.then_some(())?;
    let seconds = seconds_since_1970(year, month, day);
    (rfc3339(seconds, 0)?.get(..10)? == text).then_some(seconds / 86_400)
}

/// Year, month and day of a day counted from 1970-01-01 in the proleptic Gregorian calendar.
/// Counts in years that begin in March, so that the leap day is the last of its year.
fn civil(days: i64) -> Option<(i64, i64, i64)> {
    let since_march_0 = days.checked_add(719_468)?;
    let era = since_march_0.div_euclid(146_097);
    let day_of_era = since_march_0.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (0..=9999).contains(&year).then_some((year, month, day))
}

/// Seconds from the beginning of 1970 to that of a day, UTC: the inverse of [`civil`].
pub(crate) fn seconds_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = 365 * year_of_era + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era - 719_468) * 86_400
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(seconds: i64, offset: i32) -> String {
        rfc3339(seconds, offset).unwrap_or_default()
    }

    #[test]
    fn dates_stand_in_the_authors_own_offset() {
        assert_eq!(date(0, 0), "1970-01-01T00:00:00+00:00");
        assert_eq!(date(1_709_247_599, 60), "2024-02-29T23:59:59+01:00");
        assert_eq!(date(1_709_247_599, 90), "2024-03-01T00:29:59+01:30");
        assert_eq!(date(951_782_400, -570), "2000-02-28T14:30:00-09:30");
        assert_eq!(date(-1, 0), "1969-12-31T23:59:59+00:00");
        assert_eq!(date(4_107_542_400, 0), "2100-03-01T00:00:00+00:00");
    }

    #[test]
    fn dates_outside_the_format_are_refused_and_mad_offsets_ignored() {
        assert_eq!(rfc3339(i64::MAX, 60), None);
        assert_eq!(rfc3339(i64::MIN, -60), None);
        assert_eq!(rfc3339(253_402_300_800, 0), None);
        assert_eq!(date(253_402_300_799, 0), "9999-12-31T23:59:59+00:00");
        assert_eq!(date(-62_167_219_200, 0), "0000-01-01T00:00:00+00:00");
        assert_eq!(rfc3339(-62_167_219_201, 0), None);
        assert_eq!(date(0, 99 * 60 + 99), "1970-01-01T00:00:00+00:00");
        assert_eq!(date(0, i32::MIN), "1970-01-01T00:00:00+00:00");
    }

    #[test]
    fn what_is_written_is_read_again_and_nothing_else_is() {
        for (seconds, offset) in [(0, 0), (1_709_247_599, 90), (951_782_400, -570), (-1, 0)] {
            let text = date(seconds, offset);
            assert_eq!(parse_rfc3339(&text), Some((seconds, offset)));
        }
        for text in [
            "",
            "2024-02-29",
            "2023-02-29T00:00:00+00:00",
            "2024-02-28T24:00:00+00:00",
            "2024-02-28T00:00:00Z",
            "2024-02-28T00:00:00+00:60",
            "2024-02-28T00:00:00\u{e9}00:00",
            "2024-2-28T00:00:00+00:00",
            "2024-02-28T00:00:00+00:00:00",
        ] {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
        assert_eq!(day_of("1970-01-02"), Some(1));
        assert_eq!(day_of("2024-02-29"), Some(19_782));
        for text in [
            "2023-02-29",
            "2024-00-01",
            "2024-13-01",
            "+024-01-01",
            "2024-01-01-01",
            "2024-01-9223372036854775807",
        ] {
            assert_eq!(day_of(text), None, "{text}");
        }
    }

    #[test]
    fn days_count_forth_as_they_count_back() {
        for day in -719_528..2_932_897 {
            let (year, month, of_month) = civil(day).unwrap_or_default();
            let seconds = seconds_since_1970(year, month, of_month);
            assert_eq!(seconds, day * 86_400);
        }
    }
}
