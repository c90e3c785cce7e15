//! How findings come and go, week by week.

use crate::store::{Lifetime, Store, StoreError};
use serde::Serialize;

/// Seconds of a week.
const WEEK: i64 = 7 * 86_400;

/// What changed in one week. Findings that do not count are left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Week {
    /// Its end, in seconds since 1970; it began seven days before.
    pub until: i64,
    /// Findings that sweeps met first.
    pub new: u64,
    /// Those that left the tip of their repository, by the clock of the commit that took them out, or
    /// were found gone.
    pub removed: u64,
    /// Those that were known and in the tips at its end.
    pub in_tips: u64,
}

/// The last weeks up to `now`, the latest last.
///
/// # Errors
/// When the store fails.
pub fn weeks(store: &Store, now: i64, count: u32) -> Result<Vec<Week>, StoreError> {
    let lifetimes = store.lifetimes()?;
    let ends = (0..i64::from(count)).rev().map(|ago| now - ago * WEEK);
    Ok(ends.map(|until| week(&lifetimes, until)).collect())
}

fn week(lifetimes: &[Lifetime], until: i64) -> Week {
    let within = |time: i64| time <= until && time > until - WEEK;
    let count =
        |is: &dyn Fn(&Lifetime) -> bool| lifetimes.iter().filter(|one| is(one)).count() as u64;
    Week {
        until,
        new: count(&|one| within(one.first_seen)),
        removed: count(&|one| one.removed.is_some_and(within)),
        in_tips: count(&|one| {
            let there = one.removed.is_none_or(|removed| removed > until);
            one.first_seen <= until && there
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_and_goes_is_counted_in_its_week() {
        let life = |first_seen, removed| Lifetime {
            first_seen,
            removed,
        };
        let all = [
            life(10, None),
            life(10, Some(WEEK + 20)),
            // Out of the tip before a sweep first met it.
            life(WEEK + 5, Some(3)),
            life(3 * WEEK, None),
        ];
        let weeks: Vec<Week> = (1..=3).map(|n| week(&all, n * WEEK)).collect();
        let week = |until, new, removed, in_tips| Week {
            until,
            new,
            removed,
            in_tips,
        };
        assert_eq!(
            weeks,
            [
                week(WEEK, 2, 1, 2),
                week(2 * WEEK, 1, 1, 1),
                week(3 * WEEK, 1, 0, 2),
            ]
        );
    }
}
