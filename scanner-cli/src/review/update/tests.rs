use super::super::{
    Effect, Excerpt,
    excerpt::{Kind, ShownLine},
    filter::Standing,
    model::{Around, Focus, Mode},
    testing::{many, press, review, shared},
};
use crate::output::fixture;
use scanner_core::model::TriageStatus;

const ACCEPTED: Standing = Standing::Decided(TriageStatus::Accepted);

#[test]
fn keys_move_within_what_is_shown() {
    let mut model = shared();
    press(&mut model, "jjk");
    assert_eq!(model.row, 1);
    press(&mut model, "G");
    assert_eq!(model.row, 4);
    press(&mut model, "j");
    assert_eq!(model.row, 4);
    press(&mut model, "gk");
    assert_eq!(model.row, 0);
    let mut model = many(1000);
    model.set_rows(10);
    press(&mut model, "\u{4}\u{4}");
    assert_eq!((model.row, model.top), (18, 9));
    press(&mut model, "b");
    assert_eq!((model.row, model.top), (9, 9));
    press(&mut model, "G");
    assert_eq!((model.row, model.top), (999, 990));
    // A screen that grows shows no empty rows.
    model.set_rows(400);
    assert_eq!(model.top, 600);
    // And one without any room is no panic.
    model.set_rows(0);
    press(&mut model, "j k g");
}

#[test]
fn places_of_a_finding_come_around() {
    let mut model = shared();
    assert_eq!(model.current().unwrap().1.occurrences.len(), 5);
    press(&mut model, "nnp");
    assert_eq!(model.occurrence, 1);
    press(&mut model, "pp");
    assert_eq!(model.occurrence, 4);
    press(&mut model, "n");
    assert_eq!(model.occurrence, 0);
    press(&mut model, "nj");
    assert_eq!(
        model.occurrence, 0,
        "another finding starts at its first place"
    );
}

#[test]
fn a_decision_needs_its_reason_and_can_be_undone_in_all_its_steps() {
    let mut model = shared();
    assert_eq!(model.open(), 4);
    press(&mut model, "a\n");
    let Mode::Decide(form) = &model.mode else {
        panic!("{:?}", model.mode);
    };
    assert!(form.problem.is_some());
    press(&mut model, "OPS-17\tada\t2030-12-31\n");
    assert_eq!(model.mode, Mode::Browse);
    assert_eq!(model.standing(0), ACCEPTED);
    let verdict = model.verdict(0).unwrap().to_string();
    assert_eq!(verdict, "accepted: OPS-17; owner ada; until 2030-12-31");
    assert_eq!((model.open(), model.unsaved()), (3, 1));
    // The owner is remembered; the decision is changed, then taken away.
    press(&mut model, "jrrotated\n");
    assert_eq!(model.verdict(1).unwrap().owner, "ada");
    press(&mut model, "kf\n");
    assert_eq!(
        model.standing(0),
        Standing::Decided(TriageStatus::FalsePositive)
    );
    press(&mut model, "c");
    assert_eq!((model.standing(0), model.unsaved()), (Standing::Open, 1));
    press(&mut model, "u");
    assert_eq!(
        model.standing(0),
        Standing::Decided(TriageStatus::FalsePositive)
    );
    press(&mut model, "u");
    assert_eq!(model.standing(0), ACCEPTED);
    press(&mut model, "Gu");
    assert_eq!(
        (model.standing(1), model.row),
        (Standing::Open, 1),
        "and shown"
    );
    press(&mut model, "u");
    assert_eq!((model.unsaved(), model.undo.len()), (0, 0));
    press(&mut model, "u");
    assert!(model.note.as_ref().unwrap().bad);
}

#[test]
fn one_decision_is_for_all_that_are_marked_and_undone_in_one_step() {
    let mut model = shared();
    // Marking goes on to the next; the same key takes a mark away.
    press(&mut model, "  k k");
    assert_eq!(model.marked().iter().collect::<Vec<_>>(), [&0]);
    press(&mut model, "j ");
    assert_eq!((model.row, model.targets()), (3, vec![0, 2]));
    press(&mut model, "tno longer used\n");
    let test = Standing::Decided(TriageStatus::Test);
    assert_eq!((model.standing(0), model.standing(2)), (test, test));
    assert_eq!(
        (model.standing(1), model.standing(3)),
        (Standing::Open, Standing::Open)
    );
    assert_eq!((model.unsaved(), model.undo.len()), (2, 1));
    assert!(
        model.marked().is_empty(),
        "what is decided is marked no more"
    );
    // Taking decisions away leaves what has none.
    press(&mut model, "*c");
    assert_eq!((model.unsaved(), model.undo.len()), (0, 2));
    press(&mut model, "u");
    assert_eq!((model.standing(0), model.standing(2)), (test, test));
    press(&mut model, "u");
    assert_eq!((model.unsaved(), model.row), (0, 0));
}

#[test]
fn all_that_are_shown_are_marked_and_marks_stay_where_a_filter_hides_them() {
    let mut model = shared();
    press(&mut model, "jj /deploy\n*");
    assert_eq!(model.visible(), [1]);
    assert_eq!(model.targets(), [1, 2]);
    press(&mut model, "*");
    assert_eq!(model.targets(), [2], "again takes away what is shown");
    // Escape ends the search first, then takes the marks away.
    press(&mut model, "\u{1b}");
    assert_eq!((model.visible().len(), model.targets()), (5, vec![2]));
    press(&mut model, "\u{1b}");
    assert!(model.marked().is_empty());
    press(&mut model, "o*rgone\n");
    assert_eq!((model.unsaved(), model.visible().len()), (4, 0));
    press(&mut model, "u");
    assert_eq!((model.unsaved(), model.visible()), (0, &[0, 1, 2, 3][..]));
    // Nothing is there to mark, and no decision is about what was looked at before.
    press(&mut model, "/zzz\n *a");
    assert_eq!((model.marked().len(), &model.mode), (0, &Mode::Browse));
}

#[test]
fn escape_decides_nothing() {
    let mut model = shared();
    press(&mut model, "tsomething\u{1b}");
    assert_eq!((model.unsaved(), &model.mode), (0, &Mode::Browse));
    press(&mut model, "\u{1b}");
    assert_eq!(model.mode, Mode::Browse);
}

#[test]
fn entries_of_the_baseline_are_shown_and_what_ended_counts() {
    let report = fixture::report();
    let entry = |n: usize, more: &str| {
        format!(
            "{{\"fingerprint\":\"{}\",\"status\":\"accepted\",\"reason\":\"r\"{more}}}\n",
            report.findings[n].fingerprint
        )
    };
    let entries = [
        entry(0, ",\"expires\":\"2030-06-14\""),
        entry(1, ",\"expires\":\"2030-06-15\""),
        entry(4, ""),
    ];
    let mut model = review(report.clone(), &entries.concat());
    assert_eq!(model.standing(0), Standing::Ended(TriageStatus::Accepted));
    assert_eq!(model.standing(1), ACCEPTED, "its last day is not over");
    assert_eq!(model.standing(4), ACCEPTED);
    assert_eq!((model.open(), model.unsaved()), (3, 0));
    let said = |model: &super::Model| model.changes().len();
    press(&mut model, "c");
    assert_eq!((model.standing(0), said(&model)), (Standing::Open, 1));
    assert!(model.changes()[0].1.is_none());
    assert_eq!(review(report, "").standing(4), Standing::LetPass);
}

#[test]
fn searching_filters_while_it_is_typed_and_escape_takes_it_back() {
    let mut model = shared();
    press(&mut model, "/DEPLOY");
    assert_eq!(model.visible(), [1]);
    press(&mut model, ".sh zzz");
    assert!(model.visible().is_empty() && model.current().is_none());
    // Nothing is there to act on, and nothing goes wrong.
    press(&mut model, "\njkgGnpacxeu\t \t");
    assert!(model.place().is_none());
    press(&mut model, "/\u{8}\u{8}\u{8}\u{8}\n");
    assert_eq!(model.visible(), [1]);
    press(&mut model, "/x\u{1b}");
    assert_eq!(model.filter.text(), "deploy.sh");
    press(&mut model, "\u{1b}");
    assert_eq!(model.visible().len(), 5);
    assert_eq!(model.current().unwrap().0, 1, "and it stays where it was");
}

#[test]
fn what_is_decided_leaves_a_filter_of_what_is_open_and_the_next_is_looked_at() {
    let mut model = shared();
    press(&mut model, "o");
    assert_eq!(model.visible(), [0, 1, 2, 3]);
    press(&mut model, "jtx\n");
    assert_eq!(model.visible(), [0, 2, 3]);
    assert_eq!(model.current().unwrap().0, 2);
    press(&mut model, "u");
    assert_eq!(model.current().unwrap().0, 1);
    press(&mut model, "\u{1b}ss");
    assert_eq!(model.visible(), [0, 1]);
}

#[test]
fn leaving_asks_where_something_is_not_written() {
    let mut model = shared();
    assert_eq!(press(&mut model, "q"), Some(Effect::Leave));
    press(&mut model, "ax\n");
    assert_eq!(press(&mut model, "q"), None);
    assert_eq!(model.mode, Mode::Leave);
    assert_eq!(press(&mut model, "\u{1b}"), None);
    assert_eq!(model.mode, Mode::Browse);
    assert_eq!(press(&mut model, "qy"), Some(Effect::SaveAndLeave));
    assert_eq!(press(&mut model, "\u{1b}qn"), Some(Effect::Leave));
    // Ctrl-C asks, too, and again means it, whatever was being typed.
    press(&mut model, "\u{1b}/abc\u{3}");
    assert_eq!(model.mode, Mode::Leave);
    assert_eq!(press(&mut model, "\u{3}"), Some(Effect::Leave));
    model.set_saved();
    assert_eq!(press(&mut model, "\u{1b}q"), Some(Effect::Leave));
    assert_eq!(press(&mut model, "w"), Some(Effect::Save));
}

#[test]
fn a_revealed_secret_is_gone_with_the_next_key() {
    let revealed = || {
        Around::Excerpt(Excerpt {
            lines: vec![ShownLine {
                number: 1,
                pieces: vec![("clear".into(), Kind::Secret)],
            }],
            revealed: true,
        })
    };
    for key in [
        "j", "x", "n", "?", "/", "a", "s", "\t", "\u{3}", "w", "u", " ", "*",
    ] {
        let mut model = shared();
        assert_eq!(press(&mut model, "x"), Some(Effect::Reveal));
        model.set_around(revealed());
        assert!(model.reveals());
        press(&mut model, key);
        assert!(!model.reveals(), "{key:?}");
    }
    // But for scrolling through its own lines.
    let mut model = shared();
    press(&mut model, "\t");
    assert_eq!(model.focus, Focus::Details);
    model.set_around(revealed());
    press(&mut model, "jk ");
    assert!(model.reveals());
    press(&mut model, "\t");
    assert!(!model.reveals());
    assert!(!format!("{:?}", revealed()).contains("clear"));
}

#[test]
fn a_hundred_thousand_findings_move_and_filter_at_once() {
    let mut model = many(100_000);
    model.set_rows(20);
    press(&mut model, "Gk/number-99\u{8}\n");
    press(&mut model, "\u{1b}oatest\nG");
    assert_eq!(model.row, 99_998);
    press(&mut model, "*tall\n");
    assert_eq!((model.open(), model.unsaved()), (0, 100_000));
    press(&mut model, "u");
    assert_eq!((model.open(), model.unsaved()), (99_999, 1));
}
