use std::time::{Duration, Instant};

use proptest::prelude::{Strategy, prop, prop_assert_eq, proptest};

use super::super::glyph::Glyph;
use super::lay_out;

/// Characters are half as wide as their font is high here.
const WIDTH: f64 = 0.5;

/// Sets text from `x` on, every space drawn.
fn set(text: &str, x: f64, y: f64, size: f64) -> Vec<Glyph> {
    let width = WIDTH * size;
    let place = |(n, c)| Glyph { c, x: x + n as f64 * width, y, width, size, direction: 0 };
    text.chars().enumerate().map(place).collect()
}

/// Sets text that ends at `right`.
fn set_right(text: &str, right: f64, y: f64) -> Vec<Glyph> {
    set(text, right - WIDTH * 10.0 * text.chars().count() as f64, y, 10.0)
}

fn text_of(parts: impl IntoIterator<Item = Vec<Glyph>>) -> String {
    lay_out(parts.into_iter().flatten().collect())
}

fn table() -> impl Strategy<Value = Vec<(String, Vec<String>)>> {
    let figure = prop::sample::select(vec!["7", "(16)", "1,577", "$12,003", "—", "5.1%", "0.25"]);
    prop::collection::vec(
        ("[A-Z][a-z]{2,9}( [a-z]{2,8}){0,3}", prop::collection::vec(figure, 3)),
        1..30,
    )
    .prop_map(|rows| {
        let owned = |figures: Vec<&str>| figures.into_iter().map(str::to_owned).collect();
        rows.into_iter().map(|(label, figures)| (label, owned(figures))).collect()
    })
}

proptest! {
    #[test]
    fn a_row_of_a_table_is_a_line_in_whatever_order_its_cells_are_drawn(
        rows in table(),
        leading in 11.0..24.0_f64,
        lift in -1.5..1.5_f64,
        by_column in proptest::bool::ANY,
    ) {
        let mut cells = Vec::new();
        for (n, (label, figures)) in rows.iter().enumerate() {
            let y = 760.0 - leading * n as f64;
            cells.push((0, set(label, 40.0, y, 10.0)));
            for (column, figure) in figures.iter().enumerate() {
                // Figures may be set a little higher or lower than their label.
                let right = 330.0 + 80.0 * column as f64;
                cells.push((column + 1, set_right(figure, right, y + lift)));
            }
        }
        if by_column {
            cells.sort_by_key(|(column, _)| *column);
        }
        let text = text_of(cells.into_iter().map(|(_, glyphs)| glyphs));
        let read: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        let drawn: Vec<String> =
            rows.iter().map(|(label, figures)| format!("{label}   {}", figures.join("   "))).collect();
        prop_assert_eq!(read, drawn);
    }

    #[test]
    fn words_are_parted_whether_their_spaces_are_drawn_or_not(
        words in prop::collection::vec("[a-z0-9,.$]{1,9}", 1..12),
        drawn in proptest::bool::ANY,
    ) {
        let mut glyphs = set(&words.join(" "), 30.0, 500.0, 9.0);
        glyphs.retain(|glyph| drawn || glyph.c != ' ');
        prop_assert_eq!(lay_out(glyphs), words.join(" "));
    }

    #[test]
    fn every_character_is_kept_wherever_it_is_drawn(
        places in prop::collection::vec((0.0..600.0_f64, 0.0..800.0_f64, 1.0..40.0_f64, 0..360_u16), 1..200),
    ) {
        // No two of them are the same, so none is taken for an overprinted one.
        let glyphs: Vec<Glyph> = (0x4e00..).zip(places).map(|(code, (x, y, size, direction))| {
            Glyph { c: char::from_u32(code).unwrap(), x, y, width: size * WIDTH, size, direction }
        }).collect();
        let mut drawn: Vec<char> = glyphs.iter().map(|glyph| glyph.c).collect();
        let mut read: Vec<char> = lay_out(glyphs).chars().filter(|c| !c.is_whitespace()).collect();
        drawn.sort_unstable();
        read.sort_unstable();
        prop_assert_eq!(read, drawn);
    }
}

#[test]
fn a_superscript_stays_with_its_line_and_out_of_its_figure() {
    let text = text_of([
        set("Cash", 40.0, 500.0, 10.0),
        set("(2)", 60.0, 504.2, 6.0),
        set("1,577", 200.0, 500.0, 10.0),
        set("1", 225.0, 504.2, 6.0),
        set("Debt", 40.0, 488.0, 10.0),
    ]);
    assert_eq!(text, "Cash(2)   1,577 1\nDebt");
}

#[test]
fn figures_close_beside_each_other_are_columns() {
    let text = text_of([
        set("Sales", 40.0, 500.0, 10.0),
        set("100.0%", 100.0, 500.0, 10.0),
        set("$8,630", 137.0, 500.0, 10.0),
        set("in 2018 (2017: 5)", 40.0, 488.0, 10.0),
    ]);
    assert_eq!(text, "Sales   100.0%   $8,630\nin 2018 (2017: 5)");
}

#[test]
fn a_space_that_letters_are_drawn_over_parts_nothing() {
    let mut glyphs = set("Flow", 40.0, 500.0, 10.0);
    glyphs.extend(set(" ", 59.0, 500.0, 10.0));
    glyphs.extend(set("s", 61.0, 500.0, 10.0));
    assert_eq!(lay_out(glyphs), "Flows");
}

#[test]
fn print_that_is_doubled_to_look_bold_is_read_once() {
    let text = text_of([set("Total 44", 40.0, 500.0, 10.0), set("Total 44", 40.3, 500.0, 10.0)]);
    assert_eq!(text, "Total 44");
}

#[test]
fn a_wide_gap_between_lines_is_an_empty_line() {
    let lines = [700.0, 688.0, 676.0, 652.0, 640.0].map(|y| set("Sales rose.", 40.0, y, 10.0));
    let text = text_of(lines);
    assert_eq!(text, "Sales rose.\nSales rose.\nSales rose.\n\nSales rose.\nSales rose.");
}

#[test]
fn the_fullest_page_is_laid_out_in_bounded_time() {
    let begun = Instant::now();
    // Scattered over the sheet; on one baseline; each a little below the one before.
    for (across, down) in [(7.3, 13.7), (0.006, 0.0), (0.0, 0.007)] {
        let glyphs = (0..100_000).map(|n| Glyph {
            x: (f64::from(n) * across) % 612.0,
            y: 792.0 - (f64::from(n) * down) % 792.0,
            ..set("a", 0.0, 0.0, if n % 100 == 0 { 300.0 } else { 0.5 })[0]
        });
        lay_out(glyphs.collect());
    }
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
fn text_that_is_turned_is_read_apart() {
    let upwards = set("Draft", 0.0, 0.0, 10.0).into_iter().map(|glyph| Glyph {
        x: 20.0,
        y: 300.0 + glyph.x,
        direction: 90,
        ..glyph
    });
    let text = text_of([upwards.collect(), set("Net sales", 18.0, 310.0, 10.0)]);
    assert_eq!(text, "Net sales\n\nDraft");
}

/// Lines beside each other, the right ones a little lower.
fn two_columns(lower: f64, right: impl Fn(usize) -> String) -> Vec<Vec<Glyph>> {
    (0..12)
        .flat_map(|n| {
            let y = 700.0 - 12.0 * n as f64;
            let left = format!("left {n:02} and so the story goes ever on");
            [set(&left, 40.0, y, 10.0), set(&right(n), 260.0, y - lower, 10.0)]
        })
        .collect()
}

#[test]
fn columns_of_prose_are_read_one_after_the_other() {
    let title =
        set("The whole width of the page is taken by this one title line", 40.0, 720.0, 12.0);
    let columns = two_columns(5.0, |n| format!("right {n:02} and another story goes on so"));
    let text = text_of([title].into_iter().chain(columns));
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    assert!(lines[0].starts_with("The whole width"));
    assert!(lines[1..13].iter().all(|line| line.starts_with("left") && line.ends_with("on")));
    assert!(lines[13..].iter().all(|line| line.starts_with("right") && line.ends_with("so")));
    assert_eq!(lines.len(), 25);
}

#[test]
fn a_table_of_words_is_not_torn() {
    let rows = two_columns(2.0, |n| format!("{n},577"));
    let text = text_of(rows);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 12, "{text}");
    assert!(lines.iter().all(|line| line.starts_with("left") && line.ends_with(",577")));
}

#[test]
fn sentences_beside_short_labels_are_not_torn() {
    let rows = (0..20).flat_map(|n| {
        let y = 700.0 - 12.0 * n as f64;
        let sentence = "what stands here runs to the end of the line, and is the meaning of it";
        let label = format!("Term {n}");
        [set(&label, 40.0, y, 10.0), set(sentence, 200.0, y, 10.0)]
    });
    let text = text_of(rows);
    assert_eq!(text.lines().count(), 20);
    assert!(text.lines().all(|line| line.starts_with("Term") && line.ends_with("it")));
}
