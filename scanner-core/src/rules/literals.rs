//! Which literals a match cannot do without.
//!
//! An expression is flattened into *pieces*: runs of them are byte strings that can be listed
//! (`gh[pousr]_`, `(?:live|test)`), the others are known by their length only. Every match then
//! contains, for any window of listable pieces, one of the window's words, at an offset that the
//! lengths ahead of it bound. All windows are candidates, and so are those inside alternations (one
//! from each branch) and repetitions. The cheapest candidate by a rough model of source text wins.
//!
//! Keywords of a rule whose expression yields literals are not used: the literals lead to every
//! match, so at worst something is found that a keyword would have hidden.

use super::{
    frequency,
    rule::{
        DEFAULT_MAX_MATCH_BYTES, Literal, MAX_GATE_BYTES, MAX_LITERAL_BYTES, MIN_LITERAL_BYTES,
        Plan,
    },
};
use regex_syntax::hir::{Class, Hir, HirKind, Repetition};
use std::{
    collections::{BTreeMap, BTreeSet},
    mem::replace,
};

/// Words that expanding classes and options may make.
const MAX_WORDS: usize = 64;
/// Literals that the branches of an alternation may need together.
const MAX_BRANCH_LITERALS: usize = 512;
/// A literal with more of a match ahead of it is of no use: its window would be too wide.
const MAX_BEFORE_BYTES: usize = 4096;
/// A match is never longer, whatever an expression allows.
pub(crate) const MAX_MATCH_BYTES: u32 = 1 << 20;

/// Derives how a rule's candidates are found. `max_length` is the rule's own bound in bytes.
/// Returns what to warn of besides.
pub(crate) fn plan(
    hir: &Hir,
    max_length: Option<u32>,
    keywords: &[String],
) -> (Plan, Option<&'static str>) {
    let pieces = pieces(hir);
    if let Some(best) = best_candidate(&pieces).filter(|best| !best.words.is_empty()) {
        let (max_match_bytes, warning) = longest_match(hir, max_length);
        let plan = Plan::Literals {
            literals: best.literals(),
            max_match_bytes,
        };
        return (plan, warning);
    }
    let gate = gate(keywords);
    let warning = if gate.is_empty() {
        "no literal of 3 bytes or more is in every match and no keyword of that length is given: \
         all content is searched, which is slow"
    } else {
        "no literal of 3 bytes or more is in every match: all content with a keyword is searched, \
         which is slow"
    };
    (Plan::WholeBlob { gate }, Some(warning))
}

/// Turns keywords into the words of a [`Plan::WholeBlob`]. Words that the engines cannot take
/// leave the gate open: that finds more, never less.
pub(crate) fn gate(keywords: &[String]) -> Vec<Vec<u8>> {
    if !keywords
        .iter()
        .all(|word| word.len() >= MIN_LITERAL_BYTES && word.is_ascii())
    {
        return Vec::new();
    }
    let mut gate: Vec<Vec<u8>> = keywords
        .iter()
        .map(|word| {
            let cut = word.len().min(MAX_GATE_BYTES);
            word.as_bytes()[..cut].to_ascii_lowercase()
        })
        .collect();
    gate.sort();
    gate.dedup();
    gate
}

fn longest_match(hir: &Hir, max_length: Option<u32>) -> (u32, Option<&'static str>) {
    let own = hir.properties().maximum_len();
    let warning = match (own, max_length) {
        (None, None) => Some(
            "the expression has no longest match and no max_length is given: matches longer than \
             8192 bytes are missed",
        ),
        (Some(own), None) if own > MAX_MATCH_BYTES as usize => {
            Some("matches longer than 1 MiB are missed")
        }
        _ => None,
    };
    let own = own.map(|n| n.min(MAX_MATCH_BYTES as usize) as u32);
    let longest = match (own, max_length) {
        (Some(own), Some(given)) => own.min(given),
        (Some(n), None) | (None, Some(n)) => n,
        (None, None) => DEFAULT_MAX_MATCH_BYTES,
    };
    (longest, warning)
}

/// One byte of a word: itself, or a letter (kept in lower case) in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Unit {
    Exact(u8),
    Fold(u8),
}

type Word = Vec<Unit>;

/// A literal: its bytes, and whether ASCII letters (then in lower case) match in either case.
type Key = (Vec<u8>, bool);

/// A part of a concatenation.
#[derive(Debug, Clone)]
struct Piece {
    /// Every text of this piece starts with one of these; sorted, without repeats, never none.
    words: Vec<Word>,
    /// Whether `words` are the texts themselves.
    whole: bool,
    min: usize,
    max: Option<usize>,
    /// Literals inside, with the bytes of the piece ahead of them.
    inner: Option<Candidate>,
}

impl Piece {
    fn opaque(min: usize, max: Option<usize>) -> Self {
        Self {
            words: vec![Word::new()],
            whole: false,
            min,
            max,
            inner: None,
        }
    }

    fn listed(mut words: Vec<Word>) -> Self {
        words.sort();
        words.dedup();
        let min = words.iter().map(Vec::len).min().unwrap_or(0);
        let max = words.iter().map(Vec::len).max();
        Self {
            words,
            whole: true,
            min,
            max,
            inner: None,
        }
    }
}

/// A set of literals of which every match contains one. For each: fewest and most bytes ahead.
#[derive(Debug, Clone)]
struct Candidate {
    words: BTreeMap<Key, (usize, usize)>,
    cost: Cost,
}

/// Compares as: how often text that is no match holds one of the literals; then fewer bytes ahead,
/// then longer literals.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
struct Cost {
    rate: f64,
    before_max: usize,
    shortness: usize,
}

impl Candidate {
    /// Makes a candidate of the words of one window; `None` if one is too short.
    fn of_words(words: &[Word], before: (usize, usize)) -> Option<Self> {
        if words.iter().any(|word| word.len() < MIN_LITERAL_BYTES) {
            return None;
        }
        let literals: BTreeSet<Key> = words.iter().map(literal_of).collect();
        let set = collapsed(literals)
            .into_iter()
            .map(|literal| (literal, before))
            .collect();
        Some(Self::of_set(set))
    }

    fn of_set(words: BTreeMap<Key, (usize, usize)>) -> Self {
        let mut cost = Cost {
            rate: 0.0,
            before_max: 0,
            shortness: 0,
        };
        for ((bytes, ignore_case), (_, before_max)) in &words {
            // The farther back a match may start, the more there is to search around a hit.
            let reach = match before_max {
                0 => 1.0,
                1..=64 => 2.0,
                _ => 10.0,
            };
            cost.rate += reach * literal_cost(bytes, *ignore_case);
            cost.before_max = cost.before_max.max(*before_max);
            cost.shortness = cost.shortness.max(MAX_LITERAL_BYTES - bytes.len());
        }
        Self { words, cost }
    }

    /// The same literals, more bytes ahead of them; `None` if those are too many.
    fn shifted(&self, min: usize, max: Option<usize>) -> Option<Self> {
        let mut words = self.words.clone();
        for before in words.values_mut() {
            *before = (before.0 + min, before.1 + max?);
            if before.1 > MAX_BEFORE_BYTES {
                return None;
            }
        }
        Some(Self::of_set(words))
    }

    fn literals(&self) -> Vec<Literal> {
        let covers = |a: &Key, b: &Key| {
            a != b
                && match (a.1, b.1) {
                    (true, _) => {
                        b.0.get(..a.0.len())
                            .is_some_and(|head| head.eq_ignore_ascii_case(&a.0))
                    }
                    (false, true) => false,
                    (false, false) => b.0.starts_with(&a.0),
                }
        };
        self.words
            .iter()
            .filter(|(key, before)| {
                // Wherever this one stands another stands that leads to as much.
                !self.words.iter().any(|(other, reach)| {
                    covers(other, key) && reach.0 <= before.0 && reach.1 >= before.1
                })
            })
            .map(|((bytes, ignore_case), before)| Literal {
                bytes: bytes.clone(),
                ignore_case: *ignore_case,
                before_min: before.0 as u32,
                before_max: before.1 as u32,
            })
            .collect()
    }
}

/// Cuts a word to the length of a literal. One letter in either case makes all of it ignore
/// case: that stands in more places, never in fewer.
fn literal_of(word: &Word) -> Key {
    let word = &word[..word.len().min(MAX_LITERAL_BYTES)];
    let ignore_case = word.iter().any(|unit| matches!(unit, Unit::Fold(_)));
    let bytes = word
        .iter()
        .map(|unit| match *unit {
            Unit::Exact(b) if ignore_case => b.to_ascii_lowercase(),
            Unit::Exact(b) | Unit::Fold(b) => b,
        })
        .collect();
    (bytes, ignore_case)
}

/// Puts what literals have in common in their place where that costs less: `dapi` for sixteen
/// of `dapi0`. It stands wherever they stand.
fn collapsed(mut literals: BTreeSet<Key>) -> BTreeSet<Key> {
    let longest = literals.iter().map(|l| l.0.len()).max().unwrap_or(0);
    for len in (MIN_LITERAL_BYTES..longest).rev() {
        let mut groups: BTreeMap<Key, Vec<Key>> = BTreeMap::new();
        for literal in literals.iter().filter(|l| l.0.len() == len + 1) {
            let head = (literal.0[..len].to_vec(), literal.1);
            groups.entry(head).or_default().push(literal.clone());
        }
        for (head, group) in groups {
            let apart: f64 = group.iter().map(|l| literal_cost(&l.0, l.1)).sum();
            if group.len() > 1 && literal_cost(&head.0, head.1) <= apart {
                for literal in &group {
                    literals.remove(literal);
                }
                literals.insert(head);
            }
        }
    }
    literals
}

fn pieces(hir: &Hir) -> Vec<Piece> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Vec::new(),
        HirKind::Literal(literal) => literal
            .0
            .iter()
            .map(|b| Piece::listed(vec![vec![Unit::Exact(*b)]]))
            .collect(),
        HirKind::Class(class) => vec![class_piece(class)],
        HirKind::Capture(capture) => pieces(&capture.sub),
        HirKind::Concat(subs) => subs.iter().flat_map(pieces).collect(),
        HirKind::Repetition(repetition) => repeated(repetition),
        HirKind::Alternation(branches) => vec![alternation(branches)],
    }
}

fn class_piece(class: &Class) -> Piece {
    let (min, max) = (class.minimum_len().unwrap_or(0), class.maximum_len());
    let mut texts: Vec<Vec<u8>> = Vec::new();
    match class {
        Class::Bytes(bytes) => {
            for range in bytes.ranges() {
                texts.extend((range.start()..=range.end()).map(|b| vec![b]));
            }
        }
        Class::Unicode(chars) => {
            for range in chars.ranges() {
                let left = MAX_WORDS * 2 + 1 - texts.len().min(MAX_WORDS * 2);
                texts.extend(
                    (range.start()..=range.end())
                        .take(left)
                        .map(|c| c.to_string().into_bytes()),
                );
            }
        }
    }
    // Counted before letters in both cases are joined, so at most twice too many.
    if texts.len() > MAX_WORDS * 2 {
        return Piece::opaque(min, max);
    }
    let has = |b: u8| texts.iter().any(|t| t.as_slice() == [b]);
    let words: Vec<Word> = texts
        .iter()
        .map(|text| match text.as_slice() {
            [b] if b.is_ascii_alphabetic() && has(b ^ 0x20) => {
                vec![Unit::Fold(b.to_ascii_lowercase())]
            }
            bytes => bytes.iter().map(|b| Unit::Exact(*b)).collect(),
        })
        .collect();
    let piece = Piece::listed(words);
    if piece.words.len() > MAX_WORDS {
        return Piece::opaque(min, max);
    }
    piece
}

fn repeated(repetition: &Repetition) -> Vec<Piece> {
    let sub = pieces(&repetition.sub);
    let properties = repetition.sub.properties();
    let (sub_min, sub_max) = (
        properties.minimum_len().unwrap_or(0),
        properties.maximum_len(),
    );
    let least = repetition.min as usize;
    let most = repetition.max.map(|n| n as usize);
    let words = listed_words(&sub);
    let copies = match &words {
        Some(words) => {
            let longest = words.iter().map(Vec::len).max().unwrap_or(0).max(1);
            least.min((MAX_LITERAL_BYTES / longest).max(1))
        }
        None => least.min(1),
    };
    let mut out: Vec<Piece> = (0..copies).flat_map(|_| sub.iter().cloned()).collect();
    let (rest_least, rest_most) = (least - copies, most.map(|n| n - copies));
    match (rest_least, rest_most, words) {
        (_, Some(0), _) => {}
        (0, Some(1), Some(mut words)) => {
            words.push(Word::new());
            out.push(Piece::listed(words));
        }
        _ => out.push(Piece::opaque(
            rest_least.saturating_mul(sub_min),
            match (rest_most, sub_max) {
                (Some(n), Some(len)) => n.checked_mul(len),
                (_, Some(0)) => Some(0),
                _ => None,
            },
        )),
    }
    out
}

/// Every text of a run of pieces, where they can be listed.
fn listed_words(pieces: &[Piece]) -> Option<Vec<Word>> {
    pieces.iter().try_fold(vec![Word::new()], |words, piece| {
        piece.whole.then(|| product(&words, &piece.words))?
    })
}

/// Every word followed by every ending, unless those are too many.
fn product(words: &[Word], endings: &[Word]) -> Option<Vec<Word>> {
    if words.len() * endings.len() > MAX_WORDS {
        return None;
    }
    let mut out: Vec<Word> = words
        .iter()
        .flat_map(|word| endings.iter().map(|end| [word.as_slice(), end].concat()))
        .collect();
    out.sort();
    out.dedup();
    Some(out)
}

fn alternation(branches: &[Hir]) -> Piece {
    let branches: Vec<Vec<Piece>> = branches.iter().map(pieces).collect();
    let listed: Option<Vec<Vec<Word>>> = branches.iter().map(|b| listed_words(b)).collect();
    if let Some(words) = &listed {
        let piece = Piece::listed(words.concat());
        if piece.words.len() <= MAX_WORDS {
            return piece;
        }
    }
    let (mut min, mut max) = (usize::MAX, Some(0));
    for branch in &branches {
        let (branch_min, branch_max) = lengths(branch);
        min = min.min(branch_min);
        max = max.zip(branch_max).map(|(a, b)| a.max(b));
    }
    let mut words: Vec<Word> = branches.iter().flat_map(|b| beginnings(b)).collect();
    words.sort();
    words.dedup();
    while words.len() > MAX_WORDS {
        let longest = words.iter().map(Vec::len).max().unwrap_or(0);
        for word in &mut words {
            word.truncate(longest.saturating_sub(1));
        }
        words.sort();
        words.dedup();
    }
    let inner = branches
        .iter()
        .map(|b| best_candidate(b))
        .collect::<Option<Vec<Candidate>>>()
        .and_then(united);
    Piece {
        words,
        whole: false,
        min,
        max,
        inner,
    }
}

/// Words with one of which every text of a run of pieces starts.
fn beginnings(pieces: &[Piece]) -> Vec<Word> {
    let mut words = vec![Word::new()];
    for piece in pieces {
        let Some(longer) = product(&words, &piece.words) else {
            break;
        };
        words = longer;
        if !piece.whole || words.iter().all(|w| w.len() >= MAX_LITERAL_BYTES) {
            break;
        }
    }
    words
}

/// One candidate from each branch, together.
fn united(candidates: Vec<Candidate>) -> Option<Candidate> {
    let mut words: BTreeMap<Key, (usize, usize)> = BTreeMap::new();
    for (literal, before) in candidates.into_iter().flat_map(|c| c.words) {
        words
            .entry(literal)
            .and_modify(|known| *known = (known.0.min(before.0), known.1.max(before.1)))
            .or_insert(before);
    }
    (words.len() <= MAX_BRANCH_LITERALS).then(|| Candidate::of_set(words))
}

fn lengths(pieces: &[Piece]) -> (usize, Option<usize>) {
    pieces.iter().fold((0, Some(0)), |(min, max), piece| {
        (
            min.saturating_add(piece.min),
            max.zip(piece.max).and_then(|(a, b)| a.checked_add(b)),
        )
    })
}

fn best_candidate(pieces: &[Piece]) -> Option<Candidate> {
    let mut best: Option<Candidate> = None;
    let mut offer = |candidate: Candidate| {
        if best
            .as_ref()
            .is_none_or(|known| candidate.cost < known.cost)
        {
            best = Some(candidate);
        }
    };
    let mut before: (usize, Option<usize>) = (0, Some(0));
    let mut after_fixed = false;
    for (first, piece) in pieces.iter().enumerate() {
        let Some(before_max) = before.1.filter(|n| *n <= MAX_BEFORE_BYTES) else {
            break;
        };
        let before_min = before.0;
        if let Some(inner) = &piece.inner
            && let Some(candidate) = inner.shifted(before_min, Some(before_max))
        {
            offer(candidate);
        }
        before = (
            before.0.saturating_add(piece.min),
            before_max.checked_add(piece.max.unwrap_or(usize::MAX)),
        );
        // What starts after a fixed text is better with it, and what starts with an optional one
        // better without.
        let fixed = piece.whole && piece.words.len() == 1;
        let optional = piece.words.iter().any(Vec::is_empty);
        if replace(&mut after_fixed, fixed) || optional {
            continue;
        }
        let mut words = vec![Word::new()];
        let mut shorter: Option<(usize, f64)> = None;
        for piece in &pieces[first..] {
            let Some(longer) = product(&words, &piece.words) else {
                break;
            };
            words = longer;
            if let Some(mut candidate) = Candidate::of_words(&words, (before_min, before_max)) {
                // As many literals, each longer: they cannot stand in more places.
                if let Some((count, rate)) = shorter
                    && candidate.words.len() <= count
                {
                    candidate.cost.rate = candidate.cost.rate.min(rate);
                }
                shorter = Some((candidate.words.len(), candidate.cost.rate));
                offer(candidate);
            }
            if !piece.whole || words.iter().all(|w| w.len() >= MAX_LITERAL_BYTES) {
                break;
            }
        }
    }
    best
}

impl Literal {
    /// How often the literal may be expected in ordinary source text, in occurrences a byte. Very
    /// rough: good to tell rare literals from usual ones.
    pub fn expected_rate(&self) -> f64 {
        rate(&self.bytes, self.ignore_case)
    }
}

/// What a literal costs a byte of content, in occurrences to look at: its own, its share of the
/// engines' tables, and where it is short what a filter of four bytes lets through for it.
fn literal_cost(bytes: &[u8], ignore_case: bool) -> f64 {
    let filter = if bytes.len() < 4 { 3e-5 } else { 0.0 };
    rate(bytes, ignore_case).max(1e-8) + 1e-6 + filter
}

/// How often a literal stands in ordinary content, in occurrences a byte: roughly, to compare
/// literals with each other. Where case counts, capitals are the rarer the less they stand together.
fn rate(bytes: &[u8], ignore_case: bool) -> f64 {
    let mut rate = frequency::word(bytes);
    let mut previous = b' ';
    for &b in bytes.iter().filter(|_| !ignore_case) {
        rate *= match b {
            b'A'..=b'Z' | b'a'..=b'z' if previous.is_ascii_uppercase() => 0.5,
            b'A'..=b'Z' => 0.15,
            _ => 1.0,
        };
        previous = b;
    }
    rate
}

#[cfg(test)]
mod tests {
    use super::{super::expression::Expression, *};
    use regex_automata::{meta::Regex, util::syntax};

    fn plan_of(text: &str) -> Plan {
        let expression = Expression::parse(text, None).unwrap_or_else(|e| panic!("{text}: {e}"));
        plan(&expression.hir, None, &[]).0
    }

    /// Literals as text: `/i` where case is ignored, then the bytes ahead.
    fn literals(text: &str) -> String {
        match plan_of(text) {
            Plan::WholeBlob { .. } => "none".to_owned(),
            Plan::Literals { literals, .. } => {
                let shown: Vec<String> = literals
                    .iter()
                    .map(|l| {
                        let case = if l.ignore_case { "/i" } else { "" };
                        let bytes = l.bytes.escape_ascii();
                        format!("{bytes}{case}@{}..{}", l.before_min, l.before_max)
                    })
                    .collect();
                shown.join(" ")
            }
        }
    }

    #[test]
    fn the_literals_of_usual_formats_are_the_ones_a_person_would_choose() {
        for (text, expected) in [
            (r"\bghp_[0-9a-zA-Z]{36}\b", "ghp_@0..0"),
            (
                r"\bgh[pousr]_[0-9a-zA-Z]{36}",
                "gho_@0..0 ghp_@0..0 ghr_@0..0 ghs_@0..0 ghu_@0..0",
            ),
            (r"glpat-[\w-]{20}", "glpat-@0..0"),
            (
                r"\b((?:AKIA|ASIA|A3T[AB])[A-Z2-7]{16})\b",
                "A3TA@0..0 A3TB@0..0 AKIA@0..0 ASIA@0..0",
            ),
            (
                r"(?:sk|rk)_(?:live|test)_[0-9a-zA-Z]{24,99}",
                "rk_live_@0..0 rk_test_@0..0 sk_live_@0..0 sk_test_@0..0",
            ),
            (r"(?i)hunter_[a-z]{8}", "hunter_/i@0..0"),
            (
                r"https?://hooks\.slack\.com/services/T[A-Z0-9]{8}",
                "http://hooks.sla@0..0 https://hooks.sl@0..0",
            ),
            (
                r"(?i)[\w.-]{0,50}?(?:adobe)(?:[ \t\w.-]{0,20})[\s'\x22]{0,3}(?:=|:)([a-f0-9]{32})",
                "adobe/i@0..50",
            ),
            (
                r"[a-z0-9]{32}\.apps\.example\.com",
                ".apps.example.co@32..32",
            ),
            (r"(?:x[0-9]{2}|)abcd", "abcd@0..3"),
            (r"(?:abcd[0-9]+|[0-9]{3}wxyz)[a-z]", "abcd@0..0 wxyz@3..3"),
            (r"(?:abcd[0-9]+|[0-9]{3,}wxyz)[a-z]", "none"),
            (r"[0-9]+abcd", "none"),
            (r"[0-9]{4097}abcd", "none"),
            (r"[0-9]{4096}abcd", "abcd@4096..4096"),
            (r"(?:abcd)?[0-9]{32}", "none"),
            (r"(?:abcd)*", "none"),
            (r"(?:ab){2,}[0-9]", "abab@0..0"),
            (r"(?:[0-9]{2}abcd){2,}x", "abcd@2..2"),
            (r"a{3}b{2}", "aaabb@0..0"),
            (r"[0-9a-f]{32}", "none"),
            (
                r"SK[0-9]{32}",
                "SK0@0..0 SK1@0..0 SK2@0..0 SK3@0..0 SK4@0..0 SK5@0..0 SK6@0..0 \
              SK7@0..0 SK8@0..0 SK9@0..0",
            ),
            ("(?m)^\\s{0,8}machine\\s{1,8}\\S{1,64}", "machine@0..8"),
            (
                r"\babcdefghijklmnopqrstuvwxyzabcdef[0-9]",
                "abcdefghijklmnop@0..0",
            ),
            ("caf\u{e9}_[a-z]{8}", "caf\\xc3\\xa9_@0..0"),
            // A keyword's Kelvin sign is another literal, not another case.
            (
                r"(?iu)[a-z\p{Greek}]tok",
                "tok/i@1..4 to\\xe2\\x84\\xaa/i@1..4",
            ),
        ] {
            let mut found: Vec<String> = literals(text).split(' ').map(str::to_owned).collect();
            let mut wanted: Vec<String> = expected.split_whitespace().map(str::to_owned).collect();
            found.sort();
            wanted.sort();
            assert_eq!(found, wanted, "{text}");
        }
    }

    #[test]
    fn the_longest_match_is_the_expressions_or_the_rules_or_the_default() {
        let longest = |text: &str, max_length| {
            let hir = Expression::parse(text, None).expect("it parses").hir;
            let (plan, warning) = plan(&hir, max_length, &[]);
            let Plan::Literals {
                max_match_bytes, ..
            } = plan
            else {
                panic!("{text} has literals")
            };
            (max_match_bytes, warning.is_some())
        };
        assert_eq!(longest("abcd[0-9]{1,6}", None), (10, false));
        assert_eq!(longest("abcd[0-9]{1,6}", Some(7)), (7, false));
        assert_eq!(longest("abcd[0-9]{1,6}", Some(99)), (10, false));
        assert_eq!(longest("abcd[0-9]+", None), (DEFAULT_MAX_MATCH_BYTES, true));
        assert_eq!(longest("abcd[0-9]+", Some(100)), (100, false));
        assert_eq!(longest("abcd(?:[0-9]{1000}){2}", None), (2004, false));
    }

    #[test]
    fn gates_are_lower_case_and_open_where_a_keyword_is_no_literal() {
        let gate_of = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
            gate(&words)
        };
        assert_eq!(
            gate_of(&["Token", "token", "API_"]),
            [b"api_".to_vec(), b"token".to_vec()]
        );
        assert!(gate_of(&["token", "sk"]).is_empty());
        assert!(gate_of(&["caf\u{e9}"]).is_empty());
        assert!(gate_of(&[]).is_empty());
        let hir = Expression::parse("[0-9]{9}", None).expect("it parses").hir;
        let (plan, warning) = plan(&hir, None, &["Number".to_owned()]);
        let gate = vec![b"number".to_vec()];
        assert_eq!(plan, Plan::WholeBlob { gate });
        assert!(warning.is_some());
    }

    /// xorshift64*: reproducible, and good enough to choose branches.
    struct Random(u64);

    impl Random {
        fn below(&mut self, n: usize) -> usize {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % n
        }

        fn of<'a, T: ?Sized>(&mut self, items: &[&'a T]) -> &'a T {
            items[self.below(items.len())]
        }
    }

    /// An expression of depth `depth`.
    fn expression(random: &mut Random, depth: usize) -> String {
        let atoms = [
            "abc", "tok_", "X-", "key", "[ab]", "[0-9]", "[^a]", ".", r"\w", "(?i:se)", "(?i:abk)",
            "[a-z]{2}", "q", r"\.", "::", "gh[pou]", r"\b", "^", "[kK]x", "(?:de|f)", "", "zz{2}",
        ];
        if depth == 0 {
            return random.of(&atoms).to_owned();
        }
        let mut sub = || expression(random, depth - 1);
        let (a, b, c) = (sub(), sub(), sub());
        match random.below(7) {
            0 | 1 => format!("{a}{b}{c}"),
            2 => format!("(?:{a}|{b}|{c})"),
            3 => format!("({a}){b}"),
            4 => format!(
                "(?:{a}){}{b}",
                random.of(&["?", "*", "+", "{2}", "{1,3}", "{0,2}", "{2,}", "??"])
            ),
            5 => format!("(?:{a}{b})+?{c}"),
            _ => format!("(?i:{a}){b}"),
        }
    }

    /// Appends a text that the expression's structure allows, look-around aside.
    fn sample(hir: &Hir, random: &mut Random, out: &mut Vec<u8>) {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => out.extend_from_slice(&literal.0),
            HirKind::Class(Class::Bytes(class)) => {
                let range = class.ranges()[random.below(class.ranges().len())];
                let width = usize::from(range.end() - range.start()) + 1;
                out.push(range.start() + random.below(width) as u8);
            }
            HirKind::Class(Class::Unicode(class)) => {
                let range = class.ranges()[random.below(class.ranges().len())];
                let c = if random.below(2) == 0 {
                    range.start()
                } else {
                    range.end()
                };
                out.extend_from_slice(c.to_string().as_bytes());
            }
            HirKind::Repetition(repetition) => {
                let least = repetition.min as usize;
                let most = repetition.max.map_or(least + 3, |n| n as usize);
                for _ in 0..least + random.below(most - least + 1) {
                    sample(&repetition.sub, random, out);
                }
            }
            HirKind::Capture(capture) => sample(&capture.sub, random, out),
            HirKind::Concat(subs) => subs.iter().for_each(|sub| sample(sub, random, out)),
            HirKind::Alternation(subs) => sample(&subs[random.below(subs.len())], random, out),
        }
    }

    /// Whether `text`, a match, holds one of the literals with an admissible number of bytes ahead.
    fn leads_to(literals: &[Literal], text: &[u8]) -> bool {
        literals.iter().any(|literal| {
            (literal.before_min as usize..=literal.before_max as usize).any(|before| {
                text.get(before..before + literal.bytes.len())
                    .is_some_and(|found| {
                        if literal.ignore_case {
                            found.eq_ignore_ascii_case(&literal.bytes)
                        } else {
                            found == literal.bytes
                        }
                    })
            })
        })
    }

    /// Tries `rounds` texts of an expression; returns whether it has literals.
    fn check(text: &str, random: &mut Random, rounds: usize) -> bool {
        let Ok(expression) = Expression::parse(text, None) else {
            return false;
        };
        let (Plan::Literals { literals, .. }, _) = plan(&expression.hir, None, &[]) else {
            return false;
        };
        assert!(!literals.is_empty(), "{text}");
        for literal in &literals {
            assert!(
                literal.bytes.len() >= MIN_LITERAL_BYTES,
                "{text}: {literal:?}"
            );
            assert!(
                literal.bytes.len() <= MAX_LITERAL_BYTES,
                "{text}: {literal:?}"
            );
            assert!(
                literal.before_min <= literal.before_max,
                "{text}: {literal:?}"
            );
            let upper = literal.bytes.iter().any(u8::is_ascii_uppercase);
            assert!(!(literal.ignore_case && upper), "{text}: {literal:?}");
        }
        let regex = Regex::builder()
            .syntax(
                syntax::Config::new()
                    .unicode(expression.unicode)
                    .utf8(false),
            )
            .build(&expression.source)
            .unwrap_or_else(|e| panic!("{text}: {e}"));
        for _ in 0..rounds {
            let mut part = Vec::new();
            sample(&expression.hir, random, &mut part);
            assert!(leads_to(&literals, &part), "{text}: {part:?} {literals:?}");
            let noise = random.of(&["", "ab", "\n", "key=\"", "tok_abc", "\u{212a}"]);
            let mut haystack = noise.as_bytes().to_vec();
            haystack.extend_from_slice(&part);
            haystack.extend_from_slice(noise.as_bytes());
            sample(&expression.hir, random, &mut haystack);
            for found in regex.find_iter(&haystack) {
                let matched = &haystack[found.range()];
                assert!(
                    leads_to(&literals, matched),
                    "{text}: {matched:?} {literals:?}"
                );
            }
        }
        true
    }

    #[test]
    fn every_match_holds_a_literal_where_its_plan_says() {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut with_literals = 0;
        for _ in 0..4_000 {
            let depth = 1 + random.below(3);
            let text = expression(&mut random, depth);
            with_literals += usize::from(check(&text, &mut random, 6));
        }
        assert!(
            with_literals > 1_500,
            "{with_literals} expressions say something"
        );
    }

    #[test]
    fn matches_of_realistic_expressions_hold_a_literal() {
        let mut random = Random(7);
        for text in [
            r"\b(xox[abp]-(?:[0-9]{10,13}-){1,3}[a-zA-Z0-9-]{24,34})\b",
            r"(?i)\b(?:secret|passw(?:or)?d|token)(?:_?key)?['\x22]?\s{0,5}[:=]\s{0,5}['\x22]([^'\x22]{8,64})",
            r"-----BEGIN (?:RSA |EC |OPENSSH )?PRIVATE KEY-----[\s\S]{64,200}?-----END",
            r"(?i)[\w.-]{0,50}?(?:access|auth|(?-i:[Aa]pi|API)|credential|creds|key|passw(?:or)?d|secret|token)(?:[ \t\w.-]{0,20})[\s'\x22]{0,3}(?:=|>|:{1,3}=|\|\||:|=>|\?=|,)[\x60'\x22\s=]{0,5}([\w.=-]{10,150}|[a-z0-9][a-z0-9+/]{11,}={0,3})",
            r"\b(eyJ[a-zA-Z0-9]{17,}\.eyJ[a-zA-Z0-9/\\_-]{17,}\.(?:[a-zA-Z0-9/\\_-]{10,}={0,2})?)",
            r"[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{1,64}:([^\s/@]{3,64})@",
            r"(?:A3T[A-Z0-9]|AKIA|AGPA|AIDA|AROA|AIPA|ANPA|ANVA|ASIA)[A-Z0-9]{16}",
            r"SG\.[\w-]{22}\.[\w-]{43}",
            r"(?i)(?:cloudflare|cf)[_-]?(?:api)?[_-]?(?:key|token).{0,10}([a-z0-9_-]{40})",
            r"(?i:sq0(?:atp|csp))-[0-9A-Za-z_-]{22,43}",
        ] {
            assert!(check(text, &mut random, 200), "{text} has literals");
        }
    }
}
