//! Where the next character goes: the text state of ISO 32000-1, section 9.3.

use hayro_font::kurbo::{Affine, Point, Vec2};
use hayro_font::{Font, UNITS_PER_EM};

/// The parameters that `q` saves and `Q` restores.
#[derive(Clone)]
pub(super) struct GraphicsState<'a> {
    /// From the coordinates of the instructions to those of the page.
    pub(super) to_page: Affine,
    pub(super) font: Option<Font<'a>>,
    pub(super) font_size: f64,
    pub(super) char_spacing: f64,
    pub(super) word_spacing: f64,
    /// 1 where nothing is stretched.
    pub(super) scaling: f64,
    pub(super) leading: f64,
    pub(super) rise: f64,
}

impl GraphicsState<'_> {
    pub(super) fn new(to_page: Affine) -> Self {
        Self {
            to_page,
            font: None,
            font_size: 1.0,
            char_spacing: 0.0,
            word_spacing: 0.0,
            scaling: 1.0,
            leading: 0.0,
            rise: 0.0,
        }
    }

    fn is_vertical(&self) -> bool {
        self.font.as_ref().is_some_and(|font| !font.is_horizontal())
    }
}

/// The place of the next character within a text object.
#[derive(Clone, Copy, Default)]
pub(super) struct TextPlace {
    matrix: Affine,
    line_matrix: Affine,
}

impl TextPlace {
    /// `Tm`
    pub(super) fn set(&mut self, matrix: Affine) {
        *self = Self { matrix, line_matrix: matrix };
    }

    /// `Td`
    pub(super) fn next_line(&mut self, x: f64, y: f64) {
        self.set(self.line_matrix * Affine::translate((x, y)));
    }

    /// A number within `TJ`.
    pub(super) fn adjust(&mut self, thousandths: f64, state: &GraphicsState<'_>) {
        let distance = -thousandths / 1_000.0 * state.font_size;
        self.advance(distance, state);
    }

    /// Goes over a code, and says where it stands.
    pub(super) fn pass(
        &mut self,
        (code, bytes): (u32, usize),
        font: &Font<'_>,
        state: &GraphicsState<'_>,
    ) -> Placed {
        let to_page = state.to_page * self.matrix * Affine::translate((0.0, state.rise));
        let ems = font.code_advance(code) / f64::from(UNITS_PER_EM);
        let along = if state.is_vertical() { ems.y } else { ems.x };
        let width = along * state.font_size;
        // The size is measured across the direction of writing, so that stretching does not
        // change it.
        let placed = Placed {
            origin: to_page * Point::ORIGIN,
            advance: turned(to_page, Vec2::new(width * state.scaling, 0.0)),
            along: turned(to_page, Vec2::new(state.font_size.signum(), 0.0)),
            size: turned(to_page, Vec2::new(0.0, state.font_size)).hypot(),
        };
        let word = if code == 32 && bytes == 1 { state.word_spacing } else { 0.0 };
        self.advance(width + state.char_spacing + word, state);
        placed
    }

    fn advance(&mut self, distance: f64, state: &GraphicsState<'_>) {
        let step =
            if state.is_vertical() { (0.0, distance) } else { (distance * state.scaling, 0.0) };
        self.matrix *= Affine::translate(step);
    }
}

/// Where a code stands on the page.
pub(super) struct Placed {
    pub(super) origin: Point,
    pub(super) advance: Vec2,
    /// The direction of writing, of any length.
    pub(super) along: Vec2,
    pub(super) size: f64,
}

fn turned(transform: Affine, vector: Vec2) -> Vec2 {
    (transform * vector.to_point()) - (transform * Point::ORIGIN)
}
