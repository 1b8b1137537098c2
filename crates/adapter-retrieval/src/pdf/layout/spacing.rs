//! The empty line between two paragraphs.

use super::line::Line;

/// A distance so much larger than the usual one parts paragraphs.
const WIDE: f64 = 1.45;
/// Lines that are set solid are so far apart, in sizes of their font.
const SOLID_EMS: f64 = 1.1;

/// The usual distance of two lines' baselines: the median.
pub(super) fn usual_leading(lines: &[Line]) -> f64 {
    let mut distances: Vec<f64> = lines.windows(2).map(|pair| pair[0].y - pair[1].y).collect();
    distances.sort_by(f64::total_cmp);
    distances.get(distances.len() / 2).copied().unwrap_or(0.0)
}

/// Whether an empty line belongs between two lines.
pub(super) fn parts_paragraphs(above: &Line, below: &Line, usual: f64) -> bool {
    let solid = SOLID_EMS * above.size.max(below.size);
    above.y - below.y > WIDE * usual.max(solid)
}
