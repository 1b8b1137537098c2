//! Characters to lines.
//!
//! Characters on one baseline are a row. A row that stands beside another one at about its height,
//! and does not run into it, is of the same line: superscripts, and cells of a table that are set
//! a little higher.

use super::super::glyph::Glyph;
use super::line::Line;

/// Characters whose baselines differ by less are on one row, in sizes of their font.
const BASELINE_EMS: f64 = 0.1;
/// The same in points, for print that is too small to read.
const BASELINE_POINTS: f64 = 0.4;
/// How high letters are, in sizes of their font.
const LETTER_EMS: f64 = 0.7;
/// Two rows are one line if they share so much of the lower one's height.
const SHARED_HEIGHT: f64 = 0.3;
/// Characters may lie over each other so far, in sizes of their font.
const KERNING_EMS: f64 = 0.2;
/// The height of letters is taken for so much at most, in points, so that the number of rows at
/// one height is bounded.
const LETTER_POINTS_MAX: f64 = 72.0;
/// A row may belong to one of so many lines before it: the cells of a row may stand at several
/// heights.
const LINES_BACK: usize = 3;

/// The lines of a page, from top to bottom.
pub(super) fn lines(mut glyphs: Vec<Glyph>) -> Vec<Line> {
    glyphs.sort_by(|a, b| b.y.total_cmp(&a.y).then(a.x.total_cmp(&b.x)));
    let mut drafts: Vec<Draft> = Vec::new();
    for row in rows(&glyphs) {
        let Some(row) = Draft::new(row) else { continue };
        let recent = drafts.len().saturating_sub(LINES_BACK)..;
        match drafts[recent].iter_mut().rev().find(|line| line.takes(&row)) {
            Some(line) => line.add(row),
            None => drafts.push(row),
        }
    }
    // The baseline of a line is that of its longest row, which may have come late.
    drafts.sort_by(|a, b| b.y.total_cmp(&a.y));
    drafts
        .into_iter()
        .filter_map(|Draft { y, size, glyphs, .. }| Line::new(y, size, glyphs))
        .collect()
}

/// Cuts sorted characters into rows. A row is measured from its first character on, so that it
/// cannot run down the page.
fn rows(mut glyphs: &[Glyph]) -> impl Iterator<Item = &[Glyph]> {
    std::iter::from_fn(move || {
        let first = glyphs.first()?;
        let same = |glyph: &Glyph| {
            let most = (BASELINE_EMS * first.size.min(glyph.size)).max(BASELINE_POINTS);
            first.y - glyph.y < most
        };
        let end = glyphs.iter().position(|glyph| !same(glyph)).unwrap_or(glyphs.len());
        let (row, rest) = glyphs.split_at(end.max(1));
        glyphs = rest;
        Some(row)
    })
}

/// A line that may still grow.
struct Draft {
    /// The baseline of its longest row.
    y: f64,
    size: f64,
    /// How many characters that row has.
    longest: usize,
    glyphs: Vec<Glyph>,
    /// Where ink is, from left to right.
    spans: Vec<(f64, f64)>,
}

impl Draft {
    /// `None` if there is no ink.
    fn new(row: &[Glyph]) -> Option<Self> {
        let ink: Vec<&Glyph> = row.iter().filter(|glyph| glyph.c != ' ').collect();
        let largest = ink.iter().max_by(|a, b| a.size.total_cmp(&b.size))?;
        let mut spans: Vec<(f64, f64)> =
            ink.iter().map(|glyph| (glyph.x, glyph.x + glyph.width)).collect();
        spans.sort_by(|a, b| a.0.total_cmp(&b.0));
        Some(Self {
            y: largest.y,
            size: largest.size,
            longest: ink.len(),
            glyphs: row.to_vec(),
            spans,
        })
    }

    fn height(&self) -> f64 {
        (LETTER_EMS * self.size).min(LETTER_POINTS_MAX)
    }

    /// Whether a row stands beside what is there.
    fn takes(&self, row: &Self) -> bool {
        let top = (self.y + self.height()).min(row.y + row.height());
        let shared = top - self.y.max(row.y);
        shared >= SHARED_HEIGHT * self.height().min(row.height()) && !self.runs_into(row)
    }

    fn runs_into(&self, row: &Self) -> bool {
        let room = KERNING_EMS * self.size.min(row.size);
        let (mut a, mut b) = (self.spans.iter().peekable(), row.spans.iter().peekable());
        while let (Some(left), Some(right)) = (a.peek(), b.peek()) {
            if left.1.min(right.1) - left.0.max(right.0) > room {
                return true;
            }
            if left.1 < right.1 {
                a.next()
            } else {
                b.next()
            };
        }
        false
    }

    fn add(&mut self, mut row: Self) {
        if row.longest > self.longest {
            (self.y, self.size, self.longest) = (row.y, row.size, row.longest);
        }
        self.glyphs.append(&mut row.glyphs);
        self.spans.append(&mut row.spans);
        self.spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
}
