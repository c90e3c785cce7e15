use super::*;
use crate::{
    output::{Style, fixture},
    review::{
        Excerpt,
        excerpt::{Kind, ShownLine},
        model::Around,
        syntax::Token,
        testing::{many, press, shared},
    },
};
use ratatui::{
    Terminal,
    backend::TestBackend,
    style::{Color, Modifier},
};
use scanner_core::report::is_disruptive;

const PLAIN: Palette = Palette { coloured: false };

fn show(model: &mut Model, width: u16, height: u16, palette: Palette) -> Buffer {
    let area = Rect::new(0, 0, width, height);
    model.set_rows(list_rows(area, model));
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let mut scroll = 0;
    terminal
        .draw(|frame| scroll = draw(frame, model, palette))
        .unwrap();
    model.set_scroll(scroll);
    terminal.backend().buffer().clone()
}

fn rows(buffer: &Buffer) -> Vec<String> {
    let area = buffer.area;
    let row = |y| {
        let cells = (0..area.width).map(|x| buffer[(x, y)].symbol());
        cells.collect::<String>().trim_end().to_owned()
    };
    (0..area.height).map(row).collect()
}

fn text(model: &mut Model, width: u16, height: u16) -> String {
    rows(&show(model, width, height, PLAIN)).join("\n")
}

fn excerpt() -> Around {
    let line = |number, pieces: &[(&str, Kind)]| ShownLine {
        number,
        pieces: pieces.iter().map(|(t, k)| ((*t).to_owned(), *k)).collect(),
    };
    let plain = Kind::Code(Token::Plain);
    Around::Excerpt(Excerpt {
        lines: vec![
            line(11, &[("fn main() {", plain)]),
            line(12, &[("  let t = ", plain), ("ghp_***", Kind::Secret)]),
        ],
        revealed: false,
    })
}

#[test]
fn a_screen_of_80_by_24_shows_list_and_details() {
    let mut model = shared();
    model.set_around(excerpt());
    let shown = text(&mut model, 80, 24);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[0], " 4 of 5 open");
    assert_eq!(
        lines[1],
        " CRIT  open     github-pat              src/config.rs:12:9  +4"
    );
    assert_eq!(
        lines[5],
        " LOW   let pass generic                 tests/login.py:4:9  +3"
    );
    for wanted in [
        " CRITICAL  GitHub personal access token",
        " secret      ghp_****************3Gh4 (high confidence, proven genuine by its",
        " decided     nothing yet",
        " place 1/5   src/config.rs:12:9",
        "             still in HEAD; in the history of main, v1, x and 1 more ref",
        "> 12 \u{2502}   let t = ghp_***",
        " introduced  c1c1c1c1c1c1  2024-02-29 23:59:59 +01:00  Ada Lovelace",
    ] {
        assert!(shown.contains(wanted), "{wanted}\n{shown}");
    }
    assert!(
        lines[23].starts_with(
            " ? help  a accept  f false  r revoked  t test  u undo  / search  w write  q quit"
        ),
        "{shown}"
    );
    press(&mut model, "\tG");
    let shown = text(&mut model, 80, 24);
    assert!(shown.contains("\u{2500}\u{2500} details"), "{shown}");
    assert!(shown.contains(" fingerprint v1:"), "{shown}");
}

#[test]
fn wide_screens_show_both_side_by_side_and_small_ones_one_of_them() {
    let mut model = shared();
    let wide = text(&mut model, 160, 40);
    let line = wide.lines().nth(1).unwrap();
    assert!(
        line.contains(" CRIT") && line.contains("\u{2502}  CRITICAL"),
        "{line}"
    );
    let small = text(&mut model, 60, 9);
    assert!(
        small.contains(" CRIT") && !small.contains("CRITICAL"),
        "{small}"
    );
    press(&mut model, "\t");
    let small = text(&mut model, 60, 9);
    assert!(
        !small.contains(" CRIT  ") && small.contains("CRITICAL"),
        "{small}"
    );
}

#[test]
fn no_size_panics_in_any_mode() {
    for keys in [
        "", "\t", "/a", "a", "ax\t\t20", "ax\nq", "?", "zzz", "/zzzz\n", "*", "*/a\nr",
    ] {
        for width in [0, 1, 2, 5, 9, 10, 11, 20, 79, 109, 110, 111, 300] {
            for height in [0, 1, 2, 3, 4, 5, 8, 9, 11, 12, 24, 80] {
                let mut model = shared();
                press(&mut model, keys);
                model.set_around(excerpt());
                show(&mut model, width, height, PLAIN);
                press(&mut model, "jGk");
                show(&mut model, width, height, PLAIN);
            }
        }
    }
}

#[test]
fn no_secret_and_nothing_that_acts_is_ever_drawn() {
    let mut model = shared();
    for row in 0..5 {
        for _ in 0..5 {
            let buffer = show(&mut model, 200, 100, PLAIN);
            let shown = rows(&buffer).join("\n");
            for secret in fixture::secrets() {
                if secret.len() > 7 {
                    let secret = String::from_utf8_lossy(&secret).into_owned();
                    assert!(!shown.contains(&secret), "row {row}: {shown}");
                }
            }
            let acting = buffer
                .content
                .iter()
                .find(|c| c.symbol().chars().any(is_disruptive));
            assert_eq!(acting, None);
            press(&mut model, "n");
        }
        press(&mut model, "j");
    }
}

#[test]
fn decisions_filters_and_questions_are_shown() {
    let mut model = shared();
    press(&mut model, "a");
    let shown = text(&mut model, 80, 24);
    assert!(
        shown.contains(" accepted: ghp_****************3Gh4 "),
        "{shown}"
    );
    assert!(shown.contains("last day (optional, YYYY-MM-DD)"), "{shown}");
    press(&mut model, "\n");
    assert!(text(&mut model, 80, 24).contains("say why, for whoever reads"));
    press(&mut model, "a key of the tests\n");
    let shown = text(&mut model, 80, 24);
    assert!(shown.contains("3 of 5 open, 1 not written"), "{shown}");
    assert!(shown.contains(" CRIT *accepted github-pat"), "{shown}");
    assert!(
        shown.contains("accepted: a key of the tests (not written yet)"),
        "{shown}"
    );
    assert!(
        shown.ends_with(" accepted (u undoes it, w writes the baseline)"),
        "{shown}"
    );
    press(&mut model, "so/github\n");
    let first = text(&mut model, 80, 24);
    let first = first.lines().next().unwrap();
    assert!(
        first.ends_with("0 shown: medium and above, open, \"github\""),
        "{first}"
    );
    press(&mut model, "\u{1b}q");
    let shown = text(&mut model, 80, 24);
    assert!(shown.contains("1 decision is not written."), "{shown}");
    press(&mut model, "\u{1b}?");
    let shown = text(&mut model, 80, 24);
    assert!(
        shown.contains("accepted: a real secret whose risk is borne"),
        "{shown}"
    );
    assert!(shown.contains("q, Ctrl-C"), "the whole help fits: {shown}");
}

#[test]
fn marks_and_what_a_decision_is_for_are_shown() {
    let mut model = shared();
    press(&mut model, "  ");
    let shown = text(&mut model, 80, 24);
    let lines: Vec<&str> = shown.lines().collect();
    assert_eq!(lines[0], " 4 of 5 open, 2 marked");
    assert!(lines[1].starts_with("+CRIT  open ") && lines[2].starts_with("+HIGH  open "));
    assert!(lines[3].starts_with(" LOW   open "), "{shown}");
    assert!(
        lines[23].contains("decide about all that are marked"),
        "{shown}"
    );
    press(&mut model, "/deploy\nf");
    let shown = text(&mut model, 80, 24);
    assert!(
        shown.contains(" false-positive: 2 findings, 1 of which are not shown "),
        "{shown}"
    );
    press(&mut model, "same\n");
    let shown = text(&mut model, 80, 24);
    assert!(
        shown.ends_with(" false-positive: 2 findings (u undoes it, w writes the baseline)"),
        "{shown}"
    );
    press(&mut model, "?");
    assert!(text(&mut model, 80, 24).contains("mark one, all shown"));
}

#[test]
fn the_secret_stands_out_with_colours_and_without() {
    let of_secret = |palette| {
        let mut model = shared();
        model.set_around(excerpt());
        press(&mut model, "\t");
        let buffer = show(&mut model, 120, 60, palette);
        let at = rows(&buffer)
            .iter()
            .position(|row| row.contains("let t ="))
            .unwrap();
        let row: Vec<_> = (0..120).map(|x| buffer[(x, at as u16)].clone()).collect();
        let cells: String = row
            .iter()
            .map(|cell| cell.symbol().chars().next().unwrap())
            .collect();
        let column = cells
            .chars()
            .collect::<Vec<_>>()
            .windows(3)
            .rposition(|w| *w == ['g', 'h', 'p']);
        row[column.unwrap()].clone()
    };
    let plain = of_secret(PLAIN);
    assert!(plain.modifier.contains(Modifier::REVERSED | Modifier::BOLD));
    assert_eq!((plain.fg, plain.bg), (Color::Reset, Color::Reset));
    let coloured = of_secret(Palette::new(Style::Coloured));
    assert_eq!(coloured.fg, Color::Yellow);
}

#[test]
fn without_colours_none_is_drawn() {
    let mut model = shared();
    model.set_around(excerpt());
    press(&mut model, "ax\n");
    let buffer = show(&mut model, 120, 60, PLAIN);
    let coloured = buffer
        .content
        .iter()
        .find(|c| c.fg != Color::Reset || c.bg != Color::Reset);
    assert_eq!(coloured, None);
}

#[test]
fn a_far_secret_is_brought_into_sight() {
    let mut model = shared();
    let mut around = excerpt();
    if let Around::Excerpt(excerpt) = &mut around {
        let far = "x".repeat(500);
        excerpt.lines[1]
            .pieces
            .insert(0, (far, Kind::Code(Token::Plain)));
    }
    model.set_around(around);
    press(&mut model, "\tG");
    let shown = text(&mut model, 80, 24);
    assert!(shown.contains("ghp_***"), "{shown}");
}

#[test]
fn only_what_is_on_the_screen_is_made() {
    let mut model = many(100_000);
    press(&mut model, "G");
    let started = std::time::Instant::now();
    for _ in 0..20 {
        show(&mut model, 80, 24, PLAIN);
    }
    // Even unoptimized: a screen of all findings would take seconds each.
    assert!(started.elapsed().as_secs() < 5, "{:?}", started.elapsed());
}
