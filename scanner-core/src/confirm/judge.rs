//! The filters that look at a match's own bytes: from a match to points, or to nothing.

use crate::{
    extract::{self, Assignment, Form},
    filter::{
        entropy,
        name::{self, NameVerdict},
        placeholder,
        score::{self, FAILED_POINTS, LEAST_POINTS, PLACEHOLDER_POINTS, PROVEN_POINTS},
        trace::Trace,
        validate, value,
        without::Filter,
    },
    model::Proof,
    rules::Rule,
};

/// What a name is worth where the filter of names is left out: what a plain one has.
const UNJUDGED_NAME_POINTS: i32 = 15;
/// What a value is worth where the filter of values is left out: what one that looks random has.
const UNJUDGED_VALUE_POINTS: i32 = 22;

/// What the filters say of a match that they keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Judgement {
    pub(super) proof: Proof,
    pub(super) points: i32,
}

/// Applies what any rule may ask of its secret: entropy and checks; `None` drops it.
fn checked(
    rule: &Rule,
    secret: &[u8],
    without: Option<Filter>,
    trace: &mut Trace,
) -> Option<Proof> {
    if secret.is_empty() {
        trace.note("expression", false, || {
            ("an empty secret".to_owned(), "at least one byte".to_owned())
        });
        return None;
    }
    if rule.entropy > 0.0 && without != Some(Filter::Entropy) {
        let bits = entropy::shannon(secret);
        let kept = bits >= rule.entropy;
        trace.note("entropy", kept, || {
            (
                format!("{bits:.2} bits a byte"),
                format!("at least {}", rule.entropy),
            )
        });
        if !kept {
            return None;
        }
    }
    // Failed beats plausible beats proven: every check has to hold.
    let mut proof = None;
    let checks = if without == Some(Filter::Check) {
        &[]
    } else {
        &rule.validate[..]
    };
    for check in checks {
        let result = validate::check(*check, secret);
        let kept = result != Proof::Failed || !rule.drop_if_invalid;
        trace.note("check", kept, || {
            let wanted = if rule.drop_if_invalid {
                "must not fail"
            } else {
                "lowers the confidence where it fails"
            };
            (format!("{check}: {}", result.as_str()), wanted.to_owned())
        });
        if !kept {
            return None;
        }
        proof = proof.max(Some(result));
    }
    Some(proof.unwrap_or(Proof::Plausible))
}

/// Applies the filters that look at the secret alone; `None` drops it.
pub(super) fn secret(
    rule: &Rule,
    secret: &[u8],
    without: Option<Filter>,
    trace: &mut Trace,
) -> Option<Judgement> {
    let proof = checked(rule, secret, without, trace)?;
    let mut points = score::of_rule(rule.info.confidence);
    trace.points("rule", points, "what the rule's format is worth");
    match proof {
        Proof::Proven => {
            trace.points(
                "check",
                PROVEN_POINTS - points,
                "proven by its own structure",
            );
            points = PROVEN_POINTS;
        }
        Proof::Failed => {
            points += FAILED_POINTS;
            trace.points("check", FAILED_POINTS, "a check does not hold");
        }
        Proof::Plausible => {}
    }
    if let Some(kind) = rule.judge {
        let setting = value::Setting {
            name: b"",
            kind,
            form: Form::Quoted,
            quoted: true,
            placeholders: without != Some(Filter::Placeholder),
        };
        points += worth(secret, &setting, without, trace)?;
        return enough(points, trace).then_some(Judgement { proof, points });
    }
    if rule.builtin
        && proof != Proof::Proven
        && without != Some(Filter::Placeholder)
        && let Some(reason) = placeholder::reason(secret)
    {
        points += PLACEHOLDER_POINTS;
        trace.points("value", PLACEHOLDER_POINTS, reason);
    }
    if points < LEAST_POINTS {
        let reason = "a format that was met is worth telling";
        trace.points("score", LEAST_POINTS - points, reason);
    }
    Some(Judgement {
        proof,
        points: points.max(LEAST_POINTS),
    })
}

/// Applies the filters of a rule for values given to names; `None` drops it.
pub(super) fn assigned(
    rule: &Rule,
    window: &[u8],
    found: &Assignment,
    without: Option<Filter>,
    trace: &mut Trace,
) -> Option<Judgement> {
    let kind = rule.assignment?;
    let names = match name::judge(&window[found.name.clone()]) {
        Ok(names) if names.kind == kind => names,
        Err(_) if without == Some(Filter::Name) => NameVerdict {
            kind,
            points: UNJUDGED_NAME_POINTS,
        },
        other => {
            trace.note("name", false, || {
                let reason = other
                    .err()
                    .unwrap_or("the name calls for another kind of secret");
                (reason.to_owned(), "a name of the rule's kind".to_owned())
            });
            return None;
        }
    };
    trace.points("name", names.points, "the name says secret");
    let form = score::of_form(found.form, found.joined);
    trace.points("syntax", form, found.form.as_str());
    let secret = &window[found.value.clone()];
    let setting = value::Setting {
        name: &window[found.name.clone()],
        kind,
        form: found.form,
        quoted: found.quoted,
        placeholders: without != Some(Filter::Placeholder),
    };
    let worth = worth(secret, &setting, without, trace)?;
    let proof = checked(rule, secret, without, trace)?;
    let points = (score::ASSIGNMENT_POINTS + names.points + form + worth).min(PROVEN_POINTS);
    enough(points, trace).then_some(Judgement { proof, points })
}

/// Whether points are enough for a value that has no format of its own.
fn enough(points: i32, trace: &mut Trace) -> bool {
    let kept = points >= LEAST_POINTS;
    trace.note("score", kept, || {
        (
            format!("{points} points"),
            format!("at least {LEAST_POINTS}"),
        )
    });
    kept
}

/// Points of a value; `None` where it is no secret.
fn worth(
    secret: &[u8],
    setting: &value::Setting<'_>,
    without: Option<Filter>,
    trace: &mut Trace,
) -> Option<i32> {
    if without == Some(Filter::Value) {
        return Some(UNJUDGED_VALUE_POINTS);
    }
    match value::judge(secret, setting) {
        Ok(worth) => {
            trace.points("value", worth.points, worth.reason);
            Some(worth.points)
        }
        Err(reason) => {
            trace.note("value", false, || {
                (reason.to_owned(), "a literal secret".to_owned())
            });
            None
        }
    }
}

/// Finds the value given to the name that holds `word`, whose positions count in `content`.
pub(super) fn find(content: &[u8], word: std::ops::Range<usize>) -> Option<(usize, Assignment)> {
    let from = word.start.saturating_sub(extract::BEFORE_BYTES);
    let to = content.len().min(word.start + extract::AFTER_BYTES);
    let window = &content[from..to];
    extract::assignment(window, word.start - from..word.end - from).map(|found| (from, found))
}
