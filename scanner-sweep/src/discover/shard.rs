//! A part of what was found, for machines that divide the work by number.

use super::Found;
use sha2::{Digest as _, Sha256};
use std::str::FromStr;

/// One of so many parts. Forks of one origin are in the same part, where the layout tells them;
/// a repository is always in the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// From 0 on.
    index: u64,
    count: u64,
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected a number from 0 on and a larger one, as in 0/3: {text}");
        let (index, count) = text.split_once('/').ok_or_else(wrong)?;
        let index = index.parse().map_err(|_| wrong())?;
        let count = count.parse().map_err(|_| wrong())?;
        if index >= count {
            return Err(wrong());
        }
        Ok(Self { index, count })
    }
}

impl Shard {
    /// Leaves out what is in another part.
    pub fn apply(self, found: &mut Found) {
        let mine = |family: Option<&str>, key: &str| {
            let hash = Sha256::digest(family.unwrap_or(key));
            let mut number = [0; 8];
            number.copy_from_slice(&hash[..8]);
            u64::from_be_bytes(number) % self.count == self.index
        };
        found
            .repositories
            .retain(|one| mine(one.family.as_deref(), &one.key));
        found
            .remotes
            .retain(|one| mine(one.family.as_deref(), &one.key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discover::Discovered;

    #[test]
    fn every_repository_is_in_one_part_and_forks_are_together() {
        let one = |n: usize| Discovered {
            key: format!("key {n}"),
            name: format!("name {n}"),
            project: None,
            path: "/x".into(),
            family: n.is_multiple_of(2).then(|| format!("family {}", n / 20)),
            web_url: None,
        };
        let all = Found {
            repositories: (0..200).map(one).collect(),
            ..Found::default()
        };
        let mut seen = Vec::new();
        for index in 0..3 {
            let shard: Shard = format!("{index}/3").parse().unwrap();
            let mut part = all.clone();
            shard.apply(&mut part);
            assert!((30..110).contains(&part.repositories.len()));
            let families: std::collections::BTreeSet<_> = part
                .repositories
                .iter()
                .filter_map(|r| r.family.clone())
                .collect();
            for family in families {
                let of = |r: &&Discovered| r.family.as_deref() == Some(&*family);
                assert_eq!(part.repositories.iter().filter(of).count(), 10);
            }
            seen.extend(part.repositories.into_iter().map(|r| r.key));
        }
        seen.sort();
        let mut expected: Vec<String> = all.repositories.into_iter().map(|r| r.key).collect();
        expected.sort();
        assert_eq!(seen, expected);
    }

    #[test]
    fn parts_that_are_none_are_refused() {
        for text in ["3/3", "1", "/", "a/b", "-1/3", "0/0"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
        assert!("2/3".parse::<Shard>().is_ok());
    }
}
