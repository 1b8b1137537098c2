//! One line: its characters from left to right, and the gaps between them.

use super::super::glyph::Glyph;

/// Parts two columns: what the passages' cutter takes for the gap of a table.
const COLUMN_GAP: &str = "   ";
/// A gap so wide parts columns, in font sizes. The space of a line that is stretched to both
/// margins stays below it.
pub(super) const COLUMN_GAP_EMS: f64 = 1.0;
/// Two figures are parted by less: a row has many of them, and prose has few side by side. The
/// space of a typewriter font is 0.6 wide.
const FIGURE_COLUMN_GAP_EMS: f64 = 0.65;
/// A gap so wide parts words though no space is drawn. Spaces are 0.25 wide in most fonts, and
/// letters that are set apart stay below 0.1.
const WORD_GAP_EMS: f64 = 0.17;
/// The same between the digits of figures, some of which are set wide.
const FIGURE_GAP_EMS: f64 = 0.2;
/// A drawn space parts words if so much of it is left: the space that ends one cell may lie under
/// the next one.
const SPACE_GAP_EMS: f64 = 0.14;
/// The same character so near again is printed twice, to look bold.
const OVERPRINT_EMS: f64 = 0.1;
/// Raised or lowered by more, a character is no longer on the line's baseline.
const SCRIPT_EMS: f64 = 0.15;

/// A character with ink, on its line.
#[derive(Debug, Clone, Copy)]
struct Ink {
    c: char,
    left: f64,
    right: f64,
    size: f64,
    y: f64,
    /// Whether a space is drawn before it.
    spaced: bool,
}

/// A line of text; it has at least one character.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// Its baseline.
    pub(super) y: f64,
    /// The size of the characters on the baseline.
    pub(super) size: f64,
    inks: Vec<Ink>,
}

/// What is between two neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    Letters,
    Words,
    Columns,
}

impl Line {
    /// Makes a line of its characters; `None` if all of them are spaces.
    pub(super) fn new(y: f64, size: f64, mut glyphs: Vec<Glyph>) -> Option<Self> {
        glyphs.sort_by(|a, b| a.x.total_cmp(&b.x));
        let mut inks: Vec<Ink> = Vec::with_capacity(glyphs.len());
        let mut spaced = false;
        for Glyph { c, x, y, width, size, .. } in glyphs {
            if c == ' ' {
                spaced = true;
                continue;
            }
            let overprinted =
                inks.iter().rev().take(2).any(|before| {
                    before.c == c && x - before.left < OVERPRINT_EMS * size && !spaced
                });
            if !overprinted {
                inks.push(Ink { c, left: x, right: x + width, size, y, spaced });
            }
            spaced = false;
        }
        (!inks.is_empty()).then_some(Self { y, size, inks })
    }

    pub(super) fn left(&self) -> f64 {
        self.inks.first().map_or(0.0, |ink| ink.left)
    }

    pub(super) fn right(&self) -> f64 {
        self.inks.iter().map(|ink| ink.right).fold(f64::NEG_INFINITY, f64::max)
    }

    /// Its characters, spaces left out.
    pub(super) fn len(&self) -> usize {
        self.inks.len()
    }

    /// The stretches within it that are clear of ink, at least so wide.
    pub(super) fn clearings(&self, width: f64) -> Vec<(f64, f64)> {
        let mut clearings = Vec::new();
        let mut right = f64::INFINITY;
        for ink in &self.inks {
            if ink.left - right >= width {
                clearings.push((right, ink.left));
            }
            right = if right.is_finite() { right.max(ink.right) } else { ink.right };
        }
        clearings
    }

    /// Parts it into what begins left of `x`, and the rest.
    pub(super) fn split(self, x: f64) -> (Option<Self>, Option<Self>) {
        let Self { y, size, inks } = self;
        let (left, right): (Vec<Ink>, Vec<Ink>) = inks.into_iter().partition(|ink| ink.left < x);
        let line = |inks: Vec<Ink>| (!inks.is_empty()).then_some(Self { y, size, inks });
        (line(left), line(right))
    }

    /// Appends its text.
    pub(super) fn write(&self, text: &mut String) {
        let mut before: Option<&Ink> = None;
        let mut right = f64::NEG_INFINITY;
        for ink in &self.inks {
            if let Some(before) = before {
                text.push_str(match self.gap(before, right, ink) {
                    Gap::Letters => "",
                    Gap::Words => " ",
                    Gap::Columns => COLUMN_GAP,
                });
            }
            text.push(ink.c);
            right = right.max(ink.right);
            before = Some(ink);
        }
    }

    fn gap(&self, before: &Ink, right: f64, ink: &Ink) -> Gap {
        let ems = (ink.left - right) / before.size.max(ink.size);
        let figure = is_figure_part(before.c) && is_figure_part(ink.c);
        let least = if ink.spaced {
            SPACE_GAP_EMS
        } else if figure {
            FIGURE_GAP_EMS
        } else {
            WORD_GAP_EMS
        };
        let figures = ends_figure(before.c) && begins_figure(ink.c);
        if ems >= if figures { FIGURE_COLUMN_GAP_EMS } else { COLUMN_GAP_EMS } {
            Gap::Columns
        } else if ems >= least || figure && self.is_script(before) != self.is_script(ink) {
            // The mark of a footnote is no part of the figure that it stands at.
            Gap::Words
        } else {
            Gap::Letters
        }
    }

    fn is_script(&self, ink: &Ink) -> bool {
        ink.size < self.size && (ink.y - self.y).abs() > SCRIPT_EMS * self.size
    }
}

fn is_figure_part(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, ',' | '.')
}

fn ends_figure(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '%' | ')' | '—')
}

fn begins_figure(c: char) -> bool {
    c.is_ascii_digit() || matches!(c, '$' | '€' | '£' | '(' | '—')
}
