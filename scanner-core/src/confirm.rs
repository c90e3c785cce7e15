//! The one exact stage: hits become matches, in the same way for every engine.
//!
//! Whether a rule matches at a literal depends on the bytes of one bounded window only (see
//! [`Plan`]), so that a verdict can be carried to every version of a file that copies the
//! window unchanged.

mod judge;

use crate::{
    engine::{Hit, LiteralSet, LiteralUse},
    extract::{AFTER_BYTES, BEFORE_BYTES, Form},
    filter::{
        allowlist::{CompiledAllowlists, ContentVerdict, MatchText, OpenAllowlists, PathCondition},
        trace::{Step, Trace},
        without::Filter,
    },
    model::{CommitId, Proof},
    rules::{LOOK_AROUND_BYTES, Outline, Plan, Rule, RuleSet, SecretGroup},
};
use regex_automata::{
    Anchored, Input,
    meta::{self, Regex},
    util::{captures::Captures, syntax},
};
use std::{
    cell::Cell,
    ops::Range,
    sync::{Arc, OnceLock},
};

/// A match: exact, filtered by all that can be known from its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Match {
    /// Index of the rule.
    pub rule: u32,
    /// Bytes of the match in the content.
    pub start: usize,
    /// One past the match.
    pub end: usize,
    /// Bytes of the secret in the content.
    pub secret_start: usize,
    /// One past the secret.
    pub secret_end: usize,
    /// What an offline check said.
    pub proof: Proof,
    /// Evidence for the confidence, before the path is known (see [`crate::filter::score`]).
    pub points: i32,
    /// How the secret was given to its name, for a rule of assignments.
    pub form: Option<Form>,
    /// Whether no allowlist can speak against it any more, wherever it stands.
    pub settled: bool,
}

/// What became of a hit for one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Index of the rule.
    pub rule: u32,
    /// The match, where one was kept.
    pub found: Option<Match>,
    /// What each filter said, in order.
    pub steps: Vec<Step>,
}

/// How far from a literal's start the verdicts of its rules depend on the content, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reach {
    /// Ahead of the literal's start.
    pub before: u32,
    /// From the literal's start on.
    pub after: u32,
}

/// The rules, ready to confirm hits. Shared by all threads.
#[derive(Debug)]
pub struct Confirmer {
    rules: RuleSet,
    outlines: Vec<Outline>,
    /// By rule number, each made when it is first met: a scan meets few of many rules.
    compiled: Vec<OnceLock<Box<Compiled>>>,
    set: Arc<LiteralSet>,
    reach: Vec<Reach>,
    whole_blob: Vec<u32>,
    /// Over all rules.
    allowlists: CompiledAllowlists,
    without: Option<Filter>,
}

#[derive(Debug)]
struct Compiled {
    rule: Rule,
    regex: OnceLock<Option<Regex>>,
    allowlists: CompiledAllowlists,
    path: Option<PathCondition>,
}

/// What is left to decide of a match once its path and commit are known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pending {
    rule: Option<OpenAllowlists>,
    all: Option<OpenAllowlists>,
}

/// What allowlists say before the lines are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Early {
    Drop,
    Keep,
    Open,
}

/// Most matches of one rule that are taken from one content. No content holds so many secrets: the
/// rule matches what is none, and millions of findings would help nobody.
pub const MOST_MATCHES: usize = 10_000;

/// Memory of one lazily built automaton, in bytes a thread and rule.
const AUTOMATON_BYTES: usize = 256 * 1024;

/// Compiles a rule's expression as every stage does: bytes, and Unicode only where the rule
/// needs it.
///
/// # Errors
/// What is wrong with the expression, for people.
pub fn compile(regex: &str, unicode: bool) -> Result<Regex, String> {
    Regex::builder()
        .configure(
            meta::Config::new()
                .utf8_empty(false)
                .hybrid_cache_capacity(AUTOMATON_BYTES),
        )
        .syntax(syntax::Config::new().unicode(unicode).utf8(false))
        .build(regex)
        .map_err(|e| {
            e.syntax_error()
                .map_or_else(|| e.to_string(), ToString::to_string)
        })
}

impl Confirmer {
    /// Prepares the rules. Expressions are compiled when first needed.
    pub fn new(set: &RuleSet) -> Self {
        let literals = Arc::new(literals_of(set));
        let outlines = set.outlines();
        let reach = (0..literals.literals().len() as u32)
            .map(|literal| {
                let length = literals.literals()[literal as usize].0.len();
                let mut reach = Reach {
                    before: 0,
                    after: length as u32,
                };
                for u in literals.uses(literal) {
                    let outline = outlines[u.rule as usize];
                    let mut longest = outline.max_match_bytes;
                    let mut ahead = u.before_max;
                    if outline.assignment {
                        // The match is a word; the name around it and the value count too.
                        ahead += BEFORE_BYTES as u32;
                        longest += AFTER_BYTES as u32;
                    }
                    reach.before = reach.before.max(ahead);
                    reach.after = reach.after.max(longest.saturating_sub(u.before_min));
                }
                reach.before += LOOK_AROUND_BYTES as u32;
                reach.after += LOOK_AROUND_BYTES as u32;
                reach
            })
            .collect();
        let whole_blob = (0..)
            .zip(&outlines)
            .filter(|(_, outline)| outline.max_match_bytes == 0)
            .map(|(number, _)| number)
            .collect();
        Self {
            compiled: outlines.iter().map(|_| OnceLock::new()).collect(),
            allowlists: CompiledAllowlists::new(set.allowlists()),
            rules: set.clone(),
            outlines,
            set: literals,
            reach,
            whole_blob,
            without: None,
        }
    }

    /// A rule with what has been compiled of it.
    fn compiled(&self, rule: u32) -> &Compiled {
        self.compiled[rule as usize].get_or_init(|| {
            let rule = self.rules.rule(rule);
            Box::new(Compiled {
                allowlists: CompiledAllowlists::new(&rule.allowlists),
                path: rule.path.as_deref().map(PathCondition::new),
                rule,
                regex: OnceLock::new(),
            })
        })
    }

    /// Leaves out one filter, to measure what it is worth.
    #[doc(hidden)]
    #[must_use]
    pub fn without(mut self, filter: Option<Filter>) -> Self {
        self.without = filter;
        self
    }

    /// The filter left out, if any.
    pub(crate) fn left_out(&self) -> Option<Filter> {
        self.without
    }

    /// The literals that lead to the rules.
    pub fn literals(&self) -> &Arc<LiteralSet> {
        &self.set
    }

    /// How far the verdicts at a literal look.
    pub fn reach(&self, literal: u32) -> Reach {
        self.reach[literal as usize]
    }

    /// How far the verdicts at any literal look, on either side.
    pub fn widest_reach(&self) -> usize {
        let widest = self.reach.iter().map(|r| r.before.max(r.after)).max();
        widest.unwrap_or(0) as usize
    }

    /// A rule by index.
    pub fn rule(&self, rule: u32) -> &Rule {
        &self.compiled(rule).rule
    }

    /// A rule by id.
    pub fn rule_of(&self, id: &str) -> Option<&Rule> {
        Some(self.rule(self.number_of(id)?))
    }

    /// The number of a rule by its id.
    pub fn number_of(&self, id: &str) -> Option<u32> {
        self.rules.number_of(id)
    }

    /// The numbers of the rules that have companions.
    pub fn with_companions(&self) -> impl Iterator<Item = u32> {
        let numbered = (0..).zip(&self.outlines);
        numbered.filter_map(|(number, outline)| outline.companions.then_some(number))
    }

    /// How many rules there are; they are numbered from 0.
    pub fn rule_count(&self) -> usize {
        self.outlines.len()
    }

    /// Asks the allowlists about a match by its content. `None` drops it.
    pub fn content_verdict(&self, rule: u32, text: &MatchText<'_>) -> Option<Pending> {
        if self.without == Some(Filter::Allowlist) {
            return Some(Pending::default());
        }
        let ask = |lists: &CompiledAllowlists| match lists.content_verdict(text) {
            ContentVerdict::Drop => None,
            ContentVerdict::Keep => Some(None),
            ContentVerdict::NeedsPathOrCommit(open) => Some(Some(open)),
        };
        let rule = ask(&self.compiled(rule).allowlists)?;
        Some(Pending {
            rule,
            all: ask(&self.allowlists)?,
        })
    }

    /// Whether a match stays, now that its place is known. An empty path is an unknown one.
    ///
    /// A match in a `member` of a container has two paths: the container's, and that with the
    /// member's behind it (`lib/app.jar!/conf/x.properties`; the member's alone where the
    /// container's is unknown). It is on a list where either is, and a rule for certain paths
    /// applies where it applies to either.
    pub fn admits(
        &self,
        rule: u32,
        pending: &Pending,
        path: &[u8],
        member: Option<&[u8]>,
        commit: Option<&CommitId>,
    ) -> bool {
        let Some(member) = member else {
            return self.admits_at(rule, pending, path, commit);
        };
        if path.is_empty() {
            return self.admits_at(rule, pending, member, commit);
        }
        let inner = [path, b"!/", member].concat();
        let on_list = |path| self.is_on_list(rule, pending, path, commit);
        let right_path = |path| self.is_right_path(rule, path);
        !on_list(Some(path))
            && !on_list(Some(&inner))
            && (right_path(Some(path)) || right_path(Some(&inner)))
    }

    fn admits_at(
        &self,
        rule: u32,
        pending: &Pending,
        path: &[u8],
        commit: Option<&CommitId>,
    ) -> bool {
        let path = (!path.is_empty()).then_some(path);
        !self.is_on_list(rule, pending, path, commit) && self.is_right_path(rule, path)
    }

    fn is_on_list(
        &self,
        rule: u32,
        pending: &Pending,
        path: Option<&[u8]>,
        commit: Option<&CommitId>,
    ) -> bool {
        let compiled = self.compiled(rule);
        let open = [
            (&compiled.allowlists, &pending.rule),
            (&self.allowlists, &pending.all),
        ];
        open.iter().any(|(lists, open)| {
            open.as_ref()
                .is_some_and(|open| lists.final_verdict(open, path, commit))
        })
    }

    fn is_right_path(&self, rule: u32, path: Option<&[u8]>) -> bool {
        match (&self.compiled(rule).path, path) {
            (Some(condition), Some(path)) => condition.holds(path),
            _ => true,
        }
    }

    /// What the allowlists say of a match by secret and match alone; `None` where its lines are
    /// needed too, which depend on more than the window.
    fn early_verdict(&self, rule: u32, secret: &[u8], matched: &[u8]) -> Option<Early> {
        let asked = Cell::new(false);
        let lines = || {
            asked.set(true);
            &[][..]
        };
        let verdict = self.content_verdict(
            rule,
            &MatchText {
                secret,
                matched,
                lines: &lines,
            },
        );
        if asked.get() {
            return None;
        }
        Some(match verdict {
            None => Early::Drop,
            Some(pending) if pending == Pending::default() => Early::Keep,
            Some(_) => Early::Open,
        })
    }

    /// Whether some rules search whole blobs.
    pub fn has_whole_blob_rules(&self) -> bool {
        !self.whole_blob.is_empty()
    }

    /// Makes one thread's scratch memory.
    pub fn worker(self: &Arc<Self>) -> ConfirmWorker {
        ConfirmWorker {
            scratch: (0..self.rule_count()).map(|_| None).collect(),
            shared: Arc::clone(self),
        }
    }
}

/// The literals of a rule set. Those of the built-in rules come sorted.
fn literals_of(rules: &RuleSet) -> LiteralSet {
    let Some(distinct) = rules.distinct_literals() else {
        return LiteralSet::new(rules.rules());
    };
    let mut set = LiteralSet::default();
    distinct.each(|bytes, ignore_case, grams, uses| {
        let uses = uses
            .iter()
            .map(|&[rule, before_min, before_max]| LiteralUse {
                rule,
                before_min,
                before_max,
            });
        set.push(bytes.into(), ignore_case, grams, uses);
    });
    set
}

struct Scratch {
    cache: meta::Cache,
    captures: Captures,
}

/// One thread's part of a [`Confirmer`].
pub struct ConfirmWorker {
    shared: Arc<Confirmer>,
    scratch: Vec<Option<Box<Scratch>>>,
}

impl std::fmt::Debug for ConfirmWorker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConfirmWorker")
    }
}

/// Up to so many possible starts, each is tried by itself with an anchored search, which fails
/// at the first byte that does not fit; beyond, one search runs over all.
const ANCHORED_STARTS: u32 = 3;

impl ConfirmWorker {
    /// Appends the matches that one hit leads to.
    pub fn confirm(&mut self, content: &[u8], hit: Hit, out: &mut Vec<Match>) {
        let mut trace = Trace::off();
        let length = self.shared.set.literals()[hit.literal as usize].0.len();
        for i in 0..self.shared.set.uses(hit.literal).len() {
            let u = self.shared.set.uses(hit.literal)[i];
            if self.shared.outlines[u.rule as usize].max_match_bytes > 0 {
                self.confirm_use(content, hit.start as usize, length, u, out, &mut trace);
            }
        }
    }

    /// Tells what became of one hit for each rule it leads to, filter by filter. Costs much more than
    /// [`Self::confirm`], and comes to the same.
    pub fn explain(&mut self, content: &[u8], hit: Hit) -> Vec<Attempt> {
        let length = self.shared.set.literals()[hit.literal as usize].0.len();
        let mut attempts = Vec::new();
        for i in 0..self.shared.set.uses(hit.literal).len() {
            let u = self.shared.set.uses(hit.literal)[i];
            if self.shared.outlines[u.rule as usize].max_match_bytes == 0 {
                continue;
            }
            let (mut trace, mut out) = (Trace::on(), Vec::new());
            let met =
                self.confirm_use(content, hit.start as usize, length, u, &mut out, &mut trace);
            let mut steps = trace.into_steps();
            if !met {
                steps.push(Step {
                    filter: "expression",
                    value: "no match around the literal".to_owned(),
                    threshold: "a match that holds the literal".to_owned(),
                    kept: false,
                });
            }
            attempts.push(Attempt {
                rule: u.rule,
                found: out.pop(),
                steps,
            });
        }
        attempts
    }

    fn confirm_use(
        &mut self,
        content: &[u8],
        start: usize,
        length: usize,
        u: LiteralUse,
        out: &mut Vec<Match>,
        trace: &mut Trace,
    ) -> bool {
        let max = self.shared.outlines[u.rule as usize].max_match_bytes as usize;
        let (before_min, before_max) = (u.before_min as usize, u.before_max as usize);
        let Some(last_start) = start.checked_sub(before_min) else {
            return false;
        };
        let first_start = start.saturating_sub(before_max);
        let end = (last_start + max).min(content.len());
        let literal_end = start + length;
        if end < literal_end {
            return false;
        }
        let run = &self.shared.rule(u.rule).run;
        if run
            .as_ref()
            .is_some_and(|run| !run.may_match(content, first_start..=last_start, end))
        {
            return false;
        }
        if before_max - before_min < ANCHORED_STARTS as usize {
            for at in first_start..=last_start {
                let range = at..end;
                if self.search(content, u.rule, range, literal_end, out, trace) {
                    return true;
                }
            }
            return false;
        }
        let mut from = first_start;
        while from <= last_start {
            let Some(found) = self.find(content, u.rule, from..end) else {
                return false;
            };
            if found.start > last_start {
                return false;
            }
            if found.end >= literal_end {
                let range = found.start..end;
                return self.search(content, u.rule, range, literal_end, out, trace);
            }
            from = found.start + 1;
        }
        false
    }

    /// Appends all matches of rules that search whole blobs. `present` tells whether a literal
    /// was hit anywhere in the content.
    pub fn whole_blob(&mut self, content: &[u8], hits: &[Hit], out: &mut Vec<Match>) {
        for index in 0..self.shared.whole_blob.len() {
            let rule = self.shared.whole_blob[index];
            let Plan::WholeBlob { gate } = &self.shared.compiled(rule).rule.plan else {
                continue;
            };
            let open = gate.is_empty()
                || hits.iter().any(|h| {
                    self.shared
                        .set
                        .uses(h.literal)
                        .iter()
                        .any(|u| u.rule == rule)
                });
            let mut from = 0;
            let most = out.len() + MOST_MATCHES;
            // One more than is taken, so that whoever takes them sees that there are more.
            while open && from <= content.len() && out.len() <= most {
                let Some(found) = self.find(content, rule, from..content.len()) else {
                    break;
                };
                let rest = found.start..content.len();
                self.search(content, rule, rest, found.end, out, &mut Trace::off());
                from = found.end.max(found.start + 1);
            }
        }
    }

    fn find(&mut self, content: &[u8], rule: u32, range: Range<usize>) -> Option<Range<usize>> {
        let compiled = self.shared.compiled(rule);
        let regex = compiled.regex()?;
        let scratch = scratch(&mut self.scratch[rule as usize], regex);
        let input = Input::new(content).span(range);
        regex
            .search_with(&mut scratch.cache, &input)
            .map(|m| m.range())
    }

    /// Searches with captures at the start of `range` and appends the match if it reaches
    /// `at_least` and passes the filters. Returns whether the expression matched and reached.
    fn search(
        &mut self,
        content: &[u8],
        rule: u32,
        range: Range<usize>,
        at_least: usize,
        out: &mut Vec<Match>,
        trace: &mut Trace,
    ) -> bool {
        let compiled = self.shared.compiled(rule);
        let Some(regex) = compiled.regex() else {
            return false;
        };
        let scratch = scratch(&mut self.scratch[rule as usize], regex);
        let input = Input::new(content).span(range).anchored(Anchored::Yes);
        let found = if compiled.rule.secret_group == SecretGroup::Group(0) {
            let found = regex
                .search_with(&mut scratch.cache, &input)
                .map(|m| m.range());
            found.map(|m| (m.clone(), m))
        } else {
            regex.search_captures_with(&mut scratch.cache, &input, &mut scratch.captures);
            scratch.captures.get_match().map(|m| {
                let group = match compiled.rule.secret_group {
                    SecretGroup::Group(n) => scratch.captures.get_group(n as usize),
                    SecretGroup::FirstNonEmpty => (1..scratch.captures.group_len())
                        .filter_map(|n| scratch.captures.get_group(n))
                        .find(|g| !g.is_empty()),
                };
                (m.range(), group.map_or(m.range(), |g| g.range()))
            })
        };
        let Some((matched, secret)) = found.filter(|(m, _)| m.end >= at_least) else {
            return false;
        };
        trace.note("expression", true, || {
            let bytes = matched.len();
            (
                format!("a match of {bytes} bytes"),
                "a match that holds the literal".to_owned(),
            )
        });
        let rule_of = &compiled.rule;
        let without = self.shared.without;
        let (matched, secret, form, judgement) = if rule_of.assignment.is_some() {
            let Some((from, found)) = judge::find(content, matched.clone()) else {
                trace.note("syntax", false, || {
                    (
                        "no value".to_owned(),
                        "a name that is given a value".to_owned(),
                    )
                });
                return true;
            };
            let window = &content[from..];
            let judgement = judge::assigned(rule_of, window, &found, without, trace);
            let ends = found.value.end.max(found.name.end);
            let whole = from + found.name.start..from + ends;
            let value = from + found.value.start..from + found.value.end;
            (whole, value, Some(found.form), judgement)
        } else {
            let judgement = judge::secret(rule_of, &content[secret.clone()], without, trace);
            (matched, secret, None, judgement)
        };
        let Some(judgement) = judgement else {
            return true;
        };
        let early =
            self.shared
                .early_verdict(rule, &content[secret.clone()], &content[matched.clone()]);
        if early != Some(Early::Drop) {
            out.push(Match {
                rule,
                start: matched.start,
                end: matched.end,
                secret_start: secret.start,
                secret_end: secret.end,
                proof: judgement.proof,
                points: judgement.points,
                form,
                settled: early == Some(Early::Keep),
            });
        }
        trace.note("allowlist", early != Some(Early::Drop), || {
            let told = match early {
                Some(Early::Drop) => "one holds",
                Some(Early::Keep) => "none holds",
                Some(Early::Open) | None => "lines, path or commit decide",
            };
            (told.to_owned(), "none holds".to_owned())
        });
        true
    }
}

fn scratch<'a>(slot: &'a mut Option<Box<Scratch>>, regex: &Regex) -> &'a mut Scratch {
    slot.get_or_insert_with(|| {
        Box::new(Scratch {
            cache: regex.create_cache(),
            captures: regex.create_captures(),
        })
    })
}

impl Compiled {
    /// The expression; `None` only for a rule that was not validated.
    fn regex(&self) -> Option<&Regex> {
        self.regex
            .get_or_init(|| compile(&self.rule.regex, self.rule.unicode).ok())
            .as_ref()
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        filter::example,
        model::Confidence,
        rules::RuleSet,
        scan::{EngineKind, Input, NoObserver, Scanner},
    };
    use std::{path::Path, sync::atomic::AtomicBool};

    /// Times that each example is expanded.
    const SEEDS: u64 = 20;

    /// Rules whose filters need more than the expression prove themselves through the whole scan, alone, as reports show them.
    #[test]
    fn rules_that_judge_values_take_their_examples_and_leave_the_others() {
        let patterns = Path::new(env!("CARGO_MANIFEST_DIR")).join("../patterns");
        let loaded = RuleSet::load(&patterns).expect("the files are valid");
        let judged: Vec<&str> = loaded
            .rules
            .rules()
            .iter()
            .filter(|rule| rule.assignment.is_some() || rule.judge.is_some())
            .map(|rule| rule.info.id.as_str())
            .collect();
        assert!(judged.contains(&"generic-password") && judged.contains(&"url-credentials"));
        let mut faults = Vec::new();
        let of_interest = |id: &str| judged.contains(&id);
        for texts in loaded.examples.iter().filter(|t| of_interest(&t.rule_id)) {
            let rules = loaded
                .rules
                .select(std::slice::from_ref(&texts.rule_id), &[])
                .expect("the rule is there");
            for engine in [EngineKind::Literal, EngineKind::Reference] {
                let scanner = Scanner::builder()
                    .rules(rules.clone())
                    .engine(engine)
                    .min_confidence(Confidence::Medium)
                    .build()
                    .expect("the engine can be made");
                let both = [(&texts.examples, 1), (&texts.negative_examples, 0)];
                for (template, wanted) in both
                    .into_iter()
                    .flat_map(|(list, wanted)| list.iter().map(move |e| (&e.template, wanted)))
                {
                    for seed in 0..SEEDS {
                        let input = Input::Memory {
                            path: Vec::new(),
                            bytes: example::expand(template, seed).expect("a valid template"),
                        };
                        let report = scanner
                            .scan(&input, &NoObserver, &AtomicBool::new(false))
                            .expect("memory can be scanned");
                        if report.findings.len() != wanted {
                            let found = report.findings.len();
                            faults.push(format!(
                                "{} seed {seed}: {found} in {template}",
                                texts.rule_id
                            ));
                            break;
                        }
                    }
                }
            }
        }
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}
