//! Pages of prose in columns beside each other.
//!
//! They are told from tables by what tables never are: on both sides of a clear stretch, over many
//! lines, nearly every line is prose and nearly fills its column. Where that is not so, a page is
//! read line by line, since a torn table is worse than two columns that are mixed.

use std::ops::Range;

use super::line::{COLUMN_GAP_EMS, Line};

/// Lines that both columns need.
const LINES_MIN: usize = 8;
/// The mean number of characters in a line of a column.
const CHARS_MIN: usize = 24;
/// Of the lines of a column, so many in ten are prose and fill it.
const GOOD_IN_TEN: usize = 8;
/// The shorter column has so many lines for ten of the longer one.
const ALIKE_IN_TEN: usize = 7;
/// A line fills its column if it reaches so far.
const FILLED: f64 = 0.7;
/// How far the stretch between two columns is clear, in sizes of the font.
const CLEAR_EMS: f64 = 0.8;
/// Steps in which that stretch is looked for, in points.
const STEP: f64 = 4.0;
/// Steps at most, on sheets of any size.
const STEPS_MAX: usize = 400;
/// Columns beside each other at most.
const SPLITS_MAX: usize = 4;

/// Parts the lines of a page into blocks, in reading order.
pub(super) fn blocks(lines: Vec<Line>) -> Vec<Vec<Line>> {
    let mut blocks = Vec::new();
    part(lines, SPLITS_MAX, &mut blocks);
    blocks.retain(|block| !block.is_empty());
    blocks
}

fn part(mut lines: Vec<Line>, splits: usize, blocks: &mut Vec<Vec<Line>>) {
    let Some((range, x)) = (splits > 0).then(|| columns(&lines)).flatten() else {
        blocks.push(lines);
        return;
    };
    let below = lines.split_off(range.end);
    let beside = lines.split_off(range.start);
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for line in beside {
        let (l, r) = line.split(x);
        left.extend(l);
        right.extend(r);
    }
    blocks.push(lines);
    blocks.push(left);
    part(right, splits - 1, blocks);
    part(below, splits - 1, blocks);
}

/// The longest stretch of lines that are two columns of prose, and what parts the columns.
fn columns(lines: &[Line]) -> Option<(Range<usize>, f64)> {
    let left = lines.iter().map(Line::left).fold(f64::INFINITY, f64::min);
    let right = lines.iter().map(Line::right).fold(f64::NEG_INFINITY, f64::max);
    let width = right - left;
    if lines.len() < LINES_MIN || !width.is_finite() {
        return None;
    }
    let clearings: Vec<Clear> = lines.iter().map(Clear::of).collect();
    let step = STEP.max(width / STEPS_MAX as f64);
    let mut best: Option<(Range<usize>, f64)> = None;
    let mut x = left + width * 0.2;
    while x < left + width * 0.8 {
        let mut start = 0;
        for run in clearings.chunk_by(|a, b| a.is_clear_at(x) == b.is_clear_at(x)) {
            let range = start..start + run.len();
            start = range.end;
            let longer = best.as_ref().is_none_or(|(best, _)| best.len() < range.len());
            if run[0].is_clear_at(x) && longer && are_columns(&lines[range.clone()], x) {
                best = Some((range, x));
            }
        }
        x += step;
    }
    best
}

/// Where a line is clear.
struct Clear {
    left: f64,
    right: f64,
    within: Vec<(f64, f64)>,
}

impl Clear {
    fn of(line: &Line) -> Self {
        let (left, right) = (line.left(), line.right());
        Self { left, right, within: line.clearings(CLEAR_EMS * line.size) }
    }

    fn is_clear_at(&self, x: f64) -> bool {
        x < self.left || x > self.right || self.within.iter().any(|gap| gap.0 < x && x < gap.1)
    }
}

fn are_columns(lines: &[Line], x: f64) -> bool {
    if lines.len() < LINES_MIN {
        return false;
    }
    let (left, right): (Vec<_>, Vec<_>) = lines.iter().cloned().map(|line| line.split(x)).unzip();
    let left: Vec<Line> = left.into_iter().flatten().collect();
    let right: Vec<Line> = right.into_iter().flatten().collect();
    let (fewer, more) = (left.len().min(right.len()), left.len().max(right.len()));
    fewer * 10 >= more * ALIKE_IN_TEN && is_column(&left) && is_column(&right)
}

/// Whether lines are one column of prose.
fn is_column(lines: &[Line]) -> bool {
    let chars: usize = lines.iter().map(Line::len).sum();
    if lines.len() < LINES_MIN || chars < CHARS_MIN * lines.len() {
        return false;
    }
    let left = lines.iter().map(Line::left).fold(f64::INFINITY, f64::min);
    let right = lines.iter().map(Line::right).fold(f64::NEG_INFINITY, f64::max);
    let filled = left + FILLED * (right - left);
    let good = lines.iter().filter(|line| {
        line.right() >= filled && line.clearings(COLUMN_GAP_EMS * line.size).is_empty()
    });
    good.count() * 10 >= lines.len() * GOOD_IN_TEN
}
