use super::*;
use crate::{gate::policy::Policy, model::CommitId};
use proptest::prelude::*;

const NOW: i64 = 1_796_000_000;

fn effective(glass: &str) -> Effective {
    let text = format!("contact = \"#sec\"\n[break-glass]\n{glass}");
    Policy::parse(&text, "p").unwrap().for_repository(b"P/r")
}

fn full() -> Effective {
    effective(
        "push-option = \"skip\"\ntrailer = \"Scan-Skip\"\nusers = [\"al*\"]\nper-day = 2\n\
         ledger = \"/l\"\n",
    )
}

fn context<'a>(user: Option<&'a str>, options: Option<&'a [BString]>) -> JudgeContext<'a> {
    JudgeContext {
        now_seconds: NOW,
        user,
        push_options: options,
        ledger: Some(b""),
    }
}

fn tip(name: &str, message: &str) -> PushedTip {
    PushedTip {
        name: name.into(),
        commit: CommitId::from_bytes(&[1; 20]),
        message: message.into(),
    }
}

fn by_option(user: Option<&str>, options: &[&str]) -> Decision {
    let options: Vec<BString> = options.iter().map(|&o| o.into()).collect();
    decide(&full(), &context(user, Some(&options)), &[])
}

fn by_trailer(tips: &[PushedTip]) -> Decision {
    decide(&full(), &context(Some("alice"), None), tips)
}

const SIGNED: &str = "Subject\n\nscan-skip: INC-1 test\n data\nSigned-off-by: A <a@b>\n";

#[test]
fn a_push_option_with_a_reason_opens_for_those_named() {
    let opened = by_option(Some("alice"), &["ci.skip", "skip=", "skip= INC-42 x "]);
    let bypass = opened.bypass.unwrap();
    assert_eq!((bypass.by, &*bypass.reason), (By::PushOption, "INC-42 x"));
    for (user, options, refused) in [
        (Some("alice"), &["skip"][..], Some(Refused::NoReason)),
        (Some("alice"), &["skip=  - "], Some(Refused::NoReason)),
        (Some("alice"), &["skipping=x", "Skip=x"], None),
        (Some("alice"), &[], None),
        (Some("bob"), &["skip=x"], Some(Refused::NotInUsers)),
        (None, &["skip=x"], Some(Refused::NoUser)),
    ] {
        let decision = by_option(user, options);
        assert_eq!(decision.bypass, None, "{options:?}");
        let expected: Vec<_> = refused.map(|r| (By::PushOption, r)).into_iter().collect();
        assert_eq!(decision.refused, expected, "{options:?}");
    }
    let long = format!("skip={}", "é".repeat(900));
    let reason = by_option(Some("alice"), &[&long]).bypass.unwrap().reason;
    assert_eq!(reason.chars().count(), 500);
}

#[test]
fn a_trailer_must_be_signed_off_and_stand_in_every_new_tip() {
    let bypass = by_trailer(&[tip("refs/heads/a", SIGNED)]).bypass.unwrap();
    assert_eq!(
        (bypass.by, &*bypass.reason),
        (By::Trailer, "INC-1 test data")
    );
    // The message of a known commit is not given, and need not ask.
    let known = tip("refs/heads/k", "");
    assert!(
        by_trailer(&[known.clone(), tip("b", SIGNED)])
            .bypass
            .is_some()
    );
    assert_eq!(by_trailer(&[known]), Decision::default());
    let blob = PushedTip {
        commit: None,
        ..tip("refs/tags/blob", "")
    };
    for (tips, refused) in [
        (
            vec![tip("a", SIGNED), tip("b", "Subject\n\ntext")],
            Refused::MissingIn("b".into()),
        ),
        (
            vec![tip("a", SIGNED), blob],
            Refused::MissingIn("refs/tags/blob".into()),
        ),
        (vec![tip("a", "S\n\nScan-Skip: INC-1")], Refused::NotSigned),
        (
            vec![tip("a", "S\n\nScan-Skip: x\nSigned-off-by:\n")],
            Refused::NotSigned,
        ),
        (
            vec![tip("a", "S\n\nScan-Skip:\nSigned-off-by: A")],
            Refused::NoReason,
        ),
    ] {
        let decision = by_trailer(&tips);
        assert_eq!(decision.bypass, None);
        assert_eq!(decision.refused, [(By::Trailer, refused)]);
    }
    for message in [
        "Scan-Skip: x\nSigned-off-by: A",
        "S\n\nScan-Skip: x\nSigned-off-by: A\n\nmore text\n",
        &format!(
            "S\n\nScan-Skip: {}\nSigned-off-by: A",
            "x".repeat(MAX_MESSAGE_BYTES)
        ),
    ] {
        assert_eq!(by_trailer(&[tip("a", message)]), Decision::default());
    }
}

#[test]
fn a_grant_opens_until_it_ends_and_uses_nothing_up() {
    let granted = |users: &str, expires: &str| {
        let effective = effective(&format!(
            "[[break-glass.grants]]\n{users}repositories = [\"P/*\"]\nreason = \"INC\"\n\
             expires = {expires}"
        ));
        move |user| {
            let context = JudgeContext {
                ledger: None,
                ..context(user, None)
            };
            decide(&effective, &context, &[]).bypass.is_some()
        }
    };
    let to_bob = granted("users = [\"bob\"]\n", "2026-12-31");
    assert!(to_bob(Some("bob")) && !to_bob(Some("alice")) && !to_bob(None));
    assert!(granted("", "2026-12-31")(None));
    assert!(!granted("", "2026-11-01")(None));
}

#[test]
fn uses_are_counted_over_a_day_and_run_out() {
    let at = |seconds_ago: i64, user: &str| {
        Use {
            now_seconds: NOW - seconds_ago,
            user,
            repository: b"P/\xff\n".as_bstr(),
            by: By::Trailer,
        }
        .line()
    };
    let ledger = [
        at(86_400, "alice"),
        at(86_399, "alice"),
        at(5, "bob"),
        "{\"time\":\"yesterday\",\"user\":\"alice\"}\nrubbish\n\n".to_owned(),
        at(-900, "alice"),
    ]
    .concat();
    let counted = uses(ledger.as_bytes(), "alice", NOW);
    assert_eq!((counted.count, counted.bad_lines), (2, 2));
    let options = [BString::from("skip=x")];
    let ask = |ledger: Option<&[u8]>| {
        let context = JudgeContext {
            ledger,
            ..context(Some("alice"), Some(&options))
        };
        decide(&full(), &context, &[])
    };
    let out = ask(Some(ledger.as_bytes()));
    assert_eq!(out.refused, [(By::PushOption, Refused::UsedUp(2))]);
    assert_eq!((out.bypass, out.bad_ledger_lines), (None, 2));
    assert!(ask(Some(at(1, "alice").as_bytes())).bypass.is_some());
    assert_eq!(ask(None).refused, [(By::PushOption, Refused::NoLedger)]);
}

#[test]
fn only_ways_that_exist_are_named() {
    let contact = Way::Contact("#sec".to_owned());
    let option = Way::PushOption("skip".to_owned());
    let trailer = Way::Trailer("Scan-Skip".to_owned());
    let all = ways(&full(), Some("alice"), true);
    assert_eq!(all, [option, trailer.clone(), contact.clone()]);
    assert_eq!(
        ways(&full(), Some("alice"), false),
        [trailer, contact.clone()]
    );
    for stranger in [Some("bob"), None] {
        assert_eq!(
            ways(&full(), stranger, true),
            std::slice::from_ref(&contact)
        );
    }
    assert_eq!(ways(&Effective::default(), Some("alice"), true), []);
}

#[test]
fn the_ledger_is_wanted_only_where_someone_asks() {
    let options = [BString::from("skip=x")];
    assert!(needs_ledger(&full(), Some(&options), &[]));
    assert!(needs_ledger(&full(), None, &[tip("a", SIGNED)]));
    assert!(!needs_ledger(&full(), Some(&[]), &[tip("a", "S")]));
    let unlimited = effective("push-option = \"skip\"\nusers = [\"*\"]");
    assert!(!needs_ledger(&unlimited, Some(&options), &[]));
}

proptest! {
    #[test]
    fn any_ledger_and_message_can_be_read(ledger: Vec<u8>, message: Vec<u8>, now: i64) {
        uses(&ledger, "alice", now);
        let tip = PushedTip { message: message.into(), ..tip("a", "") };
        let context = JudgeContext { ledger: Some(&ledger), now_seconds: now, ..context(Some("alice"), None) };
        decide(&full(), &context, &[tip]);
    }
}
