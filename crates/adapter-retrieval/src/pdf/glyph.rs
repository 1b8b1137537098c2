//! A character and its place on a page.

/// A drawn character. Coordinates are in points; a page's x grows to the right and its y upwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Glyph {
    /// The character. A ligature is one glyph for each of its letters.
    pub(super) c: char,
    /// Where it begins.
    pub(super) x: f64,
    /// Its baseline.
    pub(super) y: f64,
    /// How far it advances, in its own direction.
    pub(super) width: f64,
    /// The height of its font.
    pub(super) size: f64,
    /// The direction it is written in: whole degrees from 0 to 359, anticlockwise from
    /// left-to-right.
    pub(super) direction: u16,
}
