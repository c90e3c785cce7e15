//! Any text is a policy or a list of problems, and a policy answers for every repository.
#![no_main]

use libfuzzer_sys::fuzz_target;
use scanner_core::{
    gate::{
        describe::describe,
        policy::{AtDeadline, Policy},
        verdict::{JudgeContext, judge},
    },
    model::PushReport,
};

fuzz_target!(|data: (&str, &str, Vec<u8>)| {
    let (text, name, ledger) = data;
    let policy = match Policy::parse(text, "fuzz.toml") {
        Ok(policy) => policy,
        Err(errors) => {
            assert!(!errors.problems().is_empty());
            return;
        }
    };
    let effective = policy.for_repository(name.as_bytes());
    assert!(effective.at_deadline != AtDeadline::NewestFirst || effective.spool.is_some());
    assert!(effective.break_glass.per_day.is_none() || effective.break_glass.ledger.is_some());
    describe(&policy, Some(name.as_bytes()), Some(name), 0);
    let option = [name.into()];
    let context = JudgeContext {
        now_seconds: 1_800_000_000,
        user: Some(name),
        push_options: Some(&option),
        ledger: Some(&ledger),
    };
    judge(&effective, &PushReport::default(), &context);
});
