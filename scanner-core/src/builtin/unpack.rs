//! Reads rules from the bytes that `pack` wrote.
//!
//! They are part of the program, so nothing here can fail: what cannot be read is a fault of the
//! build, and the tests beside `builtin.rs` read all there is.

use crate::{
    model::RuleInfo,
    rules::{
        Allowlist, Companion, Condition, Literal, NameKind, Plan, RegexTarget, Rule, Run,
        SecretGroup, Validator, run::Bytes,
    },
};
use std::{str::FromStr, sync::Arc};

/// Bytes that values are taken from, front first.
pub(super) struct Packed(pub(super) &'static [u8]);

impl Packed {
    pub(super) fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().expect("every value is written whole");
        self.0 = rest;
        *first
    }

    pub(super) fn flag(&mut self) -> bool {
        self.byte() != 0
    }

    fn number(&mut self) -> u64 {
        let (mut n, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            n |= u64::from(byte & 0x7F) << shift;
            if byte <= 0x7F {
                return n;
            }
            shift += 7;
        }
    }

    /// A number that was one of 32 bits, or a count of what is in memory.
    pub(super) fn small(&mut self) -> u32 {
        self.number() as u32
    }

    pub(super) fn raw(&mut self) -> &'static [u8] {
        let len = self.small() as usize;
        let (bytes, rest) = self.0.split_at(len);
        self.0 = rest;
        bytes
    }

    pub(super) fn text(&mut self) -> &'static str {
        std::str::from_utf8(self.raw()).expect("a text is written as one")
    }

    fn owned(&mut self) -> String {
        self.text().to_owned()
    }

    fn named<T: FromStr>(&mut self) -> T {
        let name = self.text().parse().ok();
        name.expect("names are written as the type itself names them")
    }

    pub(super) fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.small()).map(|_| read(self)).collect()
    }

    fn texts(&mut self) -> Vec<String> {
        self.list(Self::owned)
    }

    fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.flag().then(|| read(self))
    }

    pub(super) fn rule(&mut self) -> Rule {
        Rule {
            info: Arc::new(RuleInfo {
                id: self.owned(),
                description: self.owned(),
                severity: self.named(),
                confidence: self.named(),
                remediation: self.owned(),
                references: self.texts(),
                tags: self.texts(),
            }),
            regex: self.owned(),
            unicode: self.flag(),
            run: self.option(Self::run),
            secret_group: match self.option(Self::small) {
                Some(n) => SecretGroup::Group(n),
                None => SecretGroup::FirstNonEmpty,
            },
            entropy: f64::from_bits(self.number()),
            plan: self.plan(),
            path: self.option(Self::owned),
            allowlists: self.allowlists(),
            validate: self.list(|packed| {
                let check = Validator::from_name(packed.text());
                check.expect("a check is written by its name")
            }),
            drop_if_invalid: self.flag(),
            generic: self.flag(),
            assignment: self.option(Self::named::<NameKind>),
            judge: self.option(Self::named::<NameKind>),
            builtin: true,
            companions: self.list(|packed| Companion {
                id: packed.owned(),
                within_lines: packed.option(Self::small),
                within_columns: packed.option(Self::small),
                optional: packed.flag(),
            }),
            silent: self.flag(),
        }
    }

    fn run(&mut self) -> Run {
        Run {
            bytes: Bytes([(); 4].map(|()| self.number())),
            len: self.small() as usize,
            ahead_min: self.small() as usize,
            ahead_max: self.option(Self::small).map(|most| most as usize),
        }
    }

    fn plan(&mut self) -> Plan {
        if self.byte() == 0 {
            Plan::Literals {
                literals: self.list(|packed| Literal {
                    bytes: packed.raw().to_vec(),
                    ignore_case: packed.flag(),
                    before_min: packed.small(),
                    before_max: packed.small(),
                }),
                max_match_bytes: self.small(),
            }
        } else {
            Plan::WholeBlob {
                gate: self.list(|packed| packed.raw().to_vec()),
            }
        }
    }

    pub(super) fn allowlists(&mut self) -> Vec<Allowlist> {
        const CONDITIONS: [Condition; 2] = [Condition::Or, Condition::And];
        const TARGETS: [RegexTarget; 3] =
            [RegexTarget::Secret, RegexTarget::Match, RegexTarget::Line];
        self.list(|packed| Allowlist {
            description: packed.owned(),
            condition: CONDITIONS[usize::from(packed.byte())],
            regex_target: TARGETS[usize::from(packed.byte())],
            regexes: packed.texts(),
            stopwords: packed.texts(),
            paths: packed.texts(),
            commits: packed.texts(),
        })
    }
}
