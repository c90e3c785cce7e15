//! Writes rules as bytes, for `unpack` to read. Runs in the build script and in tests alone.
//!
//! Numbers are LEB128, texts and lists are preceded by their length, choices by a byte, and fields
//! come in the order of their declaration.

use crate::{
    model::RuleInfo,
    rules::{Allowlist, Companion, Literal, NameKind, Plan, Rule, Run, SecretGroup},
};

/// Bytes that values are appended to.
#[derive(Debug, Default)]
pub(crate) struct Packer {
    pub(crate) bytes: Vec<u8>,
}

impl Packer {
    fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    fn flag(&mut self, flag: bool) {
        self.byte(u8::from(flag));
    }

    fn number(&mut self, mut n: u64) {
        while n > 0x7F {
            self.byte(n as u8 | 0x80);
            n >>= 7;
        }
        self.byte(n as u8);
    }

    fn raw(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        self.raw(text.as_bytes());
    }

    fn list<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        self.number(items.len() as u64);
        for item in items {
            write(self, item);
        }
    }

    fn texts(&mut self, texts: &[String]) {
        self.list(texts, |out, text| out.text(text));
    }

    fn option<T>(&mut self, value: Option<T>, write: impl Fn(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    /// One rule. Its id comes first, where it can be read without the rest.
    pub(crate) fn rule(&mut self, rule: &Rule) {
        let Rule {
            info,
            regex,
            unicode,
            run,
            secret_group,
            entropy,
            plan,
            path,
            allowlists,
            validate,
            drop_if_invalid,
            generic,
            assignment,
            judge,
            builtin: _,
            companions,
            silent,
        } = rule;
        let RuleInfo {
            id,
            description,
            severity,
            confidence,
            remediation,
            references,
            tags,
        } = &**info;
        self.text(id);
        self.text(description);
        self.text(severity.as_str());
        self.text(confidence.as_str());
        self.text(remediation);
        self.texts(references);
        self.texts(tags);
        self.text(regex);
        self.flag(*unicode);
        self.option(*run, Self::run);
        let group = match secret_group {
            SecretGroup::Group(n) => Some(u64::from(*n)),
            SecretGroup::FirstNonEmpty => None,
        };
        self.option(group, Self::number);
        self.number(entropy.to_bits());
        self.plan(plan);
        self.option(path.as_deref(), Self::text);
        self.allowlists(allowlists);
        self.list(validate, |out, validator| out.text(validator.name()));
        self.flag(*drop_if_invalid);
        self.flag(*generic);
        for kind in [assignment, judge] {
            self.option(kind.map(NameKind::as_str), Self::text);
        }
        self.list(companions, Self::companion);
        self.flag(*silent);
    }

    fn run(&mut self, run: Run) {
        let Run {
            bytes,
            len,
            ahead_min,
            ahead_max,
        } = run;
        for word in bytes.0 {
            self.number(word);
        }
        self.number(len as u64);
        self.number(ahead_min as u64);
        self.option(ahead_max.map(|most| most as u64), Self::number);
    }

    fn plan(&mut self, plan: &Plan) {
        match plan {
            Plan::Literals {
                literals,
                max_match_bytes,
            } => {
                self.byte(0);
                self.list(literals, Self::literal);
                self.number(u64::from(*max_match_bytes));
            }
            Plan::WholeBlob { gate } => {
                self.byte(1);
                self.list(gate, |out, word| out.raw(word));
            }
        }
    }

    fn literal(&mut self, literal: &Literal) {
        let Literal {
            bytes,
            ignore_case,
            before_min,
            before_max,
        } = literal;
        self.raw(bytes);
        self.flag(*ignore_case);
        self.number(u64::from(*before_min));
        self.number(u64::from(*before_max));
    }

    fn companion(&mut self, companion: &Companion) {
        let Companion {
            id,
            within_lines,
            within_columns,
            optional,
        } = companion;
        self.text(id);
        for within in [within_lines, within_columns] {
            self.option(within.map(u64::from), Self::number);
        }
        self.flag(*optional);
    }

    pub(crate) fn allowlists(&mut self, allowlists: &[Allowlist]) {
        self.list(allowlists, |out, allowlist| {
            let Allowlist {
                description,
                condition,
                regex_target,
                regexes,
                stopwords,
                paths,
                commits,
            } = allowlist;
            out.text(description);
            out.byte(*condition as u8);
            out.byte(*regex_target as u8);
            for texts in [regexes, stopwords, paths, commits] {
                out.texts(texts);
            }
        });
    }

    /// One of the distinct literals of all rules, where its grams start, and the rules that it leads
    /// to: number, fewest and most bytes ahead.
    pub(crate) fn distinct_literal(
        &mut self,
        bytes: &[u8],
        ignore_case: bool,
        grams: [u8; 2],
        uses: &[[u32; 3]],
    ) {
        self.raw(bytes);
        self.flag(ignore_case);
        for start in grams {
            self.byte(start);
        }
        self.list(uses, |out, u| {
            for n in u {
                out.number(u64::from(*n));
            }
        });
    }
}
