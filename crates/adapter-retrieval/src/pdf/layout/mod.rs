//! Placed characters to lines of text, in reading order. Pure: it knows nothing of PDF.
//!
//! A line is what stands on one baseline, from left to right, with its superscripts. Words are
//! parted by one space, columns of a table by three, and paragraphs by an empty line. Text that is
//! written in another direction comes after the upright text, as lines of its own.

mod line;
mod newspaper;
mod rows;
mod spacing;

use std::collections::BTreeMap;

use super::glyph::Glyph;
use line::Line;
use rows::lines;

/// Degrees that a scanned page may lean.
const LEAN_MAX: u16 = 5;

/// The text of a page.
pub(super) fn lay_out(glyphs: Vec<Glyph>) -> String {
    let mut by_direction: BTreeMap<u16, Vec<Glyph>> = BTreeMap::new();
    for glyph in glyphs {
        let direction = without_lean(glyph.direction);
        by_direction.entry(direction).or_default().push(turned_upright(glyph, direction));
    }
    let mut text = String::new();
    for glyphs in by_direction.into_values() {
        for block in newspaper::blocks(lines(glyphs)) {
            begin_block(&mut text);
            write_block(&block, &mut text);
        }
    }
    text
}

/// The nearest quarter turn if it is near, else the direction itself.
fn without_lean(direction: u16) -> u16 {
    let quarter = (direction + 45) / 90 * 90;
    if direction.abs_diff(quarter) <= LEAN_MAX { quarter % 360 } else { direction % 360 }
}

fn turned_upright(glyph: Glyph, direction: u16) -> Glyph {
    let (sin, cos) = match direction {
        0 => (0.0, 1.0),
        90 => (1.0, 0.0),
        180 => (0.0, -1.0),
        270 => (-1.0, 0.0),
        oblique => f64::from(oblique).to_radians().sin_cos(),
    };
    let (x, y) = (glyph.x * cos + glyph.y * sin, glyph.y * cos - glyph.x * sin);
    Glyph { x, y, direction: 0, ..glyph }
}

fn begin_block(text: &mut String) {
    if !text.is_empty() {
        text.push_str("\n\n");
    }
}

fn write_block(lines: &[Line], text: &mut String) {
    let usual = spacing::usual_leading(lines);
    for (index, line) in lines.iter().enumerate() {
        if index > 0 {
            let wide = spacing::parts_paragraphs(&lines[index - 1], line, usual);
            text.push_str(if wide { "\n\n" } else { "\n" });
        }
        line.write(text);
    }
}

#[cfg(test)]
mod tests;
