//! Plays drawing instructions, and keeps the characters.

use std::sync::Arc;

use engine::ports::ReadError;
use hayro_font::hayro_syntax::content::TypedIter;
use hayro_font::hayro_syntax::content::ops::TypedInstruction;
use hayro_font::hayro_syntax::object::{Array, Dict, Name, Number, Object};
use hayro_font::hayro_syntax::page::{Page, Resources};
use hayro_font::kurbo::{Affine, Rect};
use hayro_font::{CMapResolverFn, Font, FontCache, FontGlyph, FontQuery, FontResolverFn};

use super::FORMAT;
use super::characters::for_each_seen;
use super::glyph::Glyph;
use super::streams::{STREAM_BYTES_MAX, page_content, unpack};
use super::text_state::{GraphicsState, Placed, TextPlace};

/// A page has so many characters at most; the rest of it is not read. A page of a newspaper has
/// about 20,000.
const PAGE_GLYPHS_MAX: usize = 100_000;
/// Instructions that call instructions, so many deep; deeper ones draw nothing.
const FORM_DEPTH_MAX: usize = 16;
/// States saved within one stream; more are not kept.
const SAVED_STATES_MAX: usize = 256;
/// What calling a form costs beside its bytes, so that empty ones cannot be called without end.
const CALL_BYTES: usize = 64;

/// Plays the pages of one document. Its fonts are read once.
pub(super) struct Interpreter<'a> {
    fonts: FontCache<'a>,
    font_resolver: FontResolverFn,
    cmap_resolver: CMapResolverFn,
}

impl Default for Interpreter<'_> {
    fn default() -> Self {
        let font_resolver = |query: &FontQuery| {
            Some(match query {
                FontQuery::Standard(standard) => standard.get_font_data(),
                FontQuery::Fallback(fallback) => fallback.pick_standard_font().get_font_data(),
            })
        };
        Self {
            fonts: FontCache::new(),
            font_resolver: Arc::new(font_resolver),
            cmap_resolver: Arc::new(|_| None),
        }
    }
}

impl<'a> Interpreter<'a> {
    /// The characters of a page, in the order in which they are drawn.
    ///
    /// # Errors
    /// [`ReadError::TooMuchMemory`]; [`ReadError::Malformed`] if the page draws the same again and
    /// again.
    pub(super) fn glyphs(&mut self, page: &Page<'a>) -> Result<Vec<Glyph>, ReadError> {
        let content = page_content(page)?;
        let to_page = Affine::new(page.initial_transform(false).as_coeffs());
        let (width, height) = page.render_dimensions();
        let mut drawing = Drawing {
            interpreter: self,
            sheet: Rect::new(0.0, 0.0, f64::from(width), f64::from(height)),
            glyphs: Vec::new(),
            bytes_left: STREAM_BYTES_MAX,
            depth: 0,
        };
        drawing.play(&content, page.resources(), GraphicsState::new(to_page))?;
        Ok(drawing.glyphs)
    }

    fn font(&self, dict: &Dict<'a>) -> Option<Font<'a>> {
        self.fonts.font(dict, &self.font_resolver, &self.cmap_resolver)
    }
}

/// What becomes of one page.
struct Drawing<'i, 'a> {
    interpreter: &'i Interpreter<'a>,
    sheet: Rect,
    glyphs: Vec<Glyph>,
    /// Instructions that may still be played, in bytes.
    bytes_left: usize,
    depth: usize,
}

/// The state while one stream is played.
struct Player<'r, 'a> {
    resources: &'r Resources<'a>,
    state: GraphicsState<'a>,
    saved: Vec<GraphicsState<'a>>,
    place: TextPlace,
}

impl<'a> Drawing<'_, 'a> {
    fn play(
        &mut self,
        content: &[u8],
        resources: &Resources<'a>,
        state: GraphicsState<'a>,
    ) -> Result<(), ReadError> {
        self.charge(content.len())?;
        let place = TextPlace::default();
        let mut player = Player { resources, state, saved: Vec::new(), place };
        let mut instructions = TypedIter::new(content);
        while let Some(instruction) = instructions.next() {
            if self.glyphs.len() >= PAGE_GLYPHS_MAX {
                break;
            }
            self.take(&instruction, &mut player)?;
        }
        Ok(())
    }

    fn charge(&mut self, bytes: usize) -> Result<(), ReadError> {
        let left = self.bytes_left.checked_sub(bytes);
        self.bytes_left = left.ok_or_else(|| {
            ReadError::malformed(FORMAT, "a page repeats its drawing instructions without end")
        })?;
        Ok(())
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "most instructions draw no text")]
    fn take(
        &mut self,
        instruction: &TypedInstruction<'_, '_>,
        player: &mut Player<'_, 'a>,
    ) -> Result<(), ReadError> {
        use TypedInstruction as I;
        let Player { state, place, .. } = player;
        match instruction {
            I::SaveState(_) if player.saved.len() < SAVED_STATES_MAX => {
                player.saved.push(state.clone());
            }
            I::RestoreState(_) => *state = player.saved.pop().unwrap_or_else(|| state.clone()),
            I::Transform(m) => state.to_page *= affine([m.0, m.1, m.2, m.3, m.4, m.5]),
            I::BeginText(_) => *place = TextPlace::default(),
            I::SetTextMatrix(m) => place.set(affine([m.0, m.1, m.2, m.3, m.4, m.5])),
            I::NextLine(by) => place.next_line(by.0.as_f64(), by.1.as_f64()),
            I::NextLineAndSetLeading(by) => {
                state.leading = -by.1.as_f64();
                place.next_line(by.0.as_f64(), by.1.as_f64());
            }
            I::NextLineUsingLeading(_) => place.next_line(0.0, -state.leading),
            I::CharacterSpacing(spacing) => state.char_spacing = spacing.0.as_f64(),
            I::WordSpacing(spacing) => state.word_spacing = spacing.0.as_f64(),
            I::HorizontalScaling(percent) => state.scaling = percent.0.as_f64() / 100.0,
            I::TextLeading(leading) => state.leading = leading.0.as_f64(),
            I::TextRise(rise) => state.rise = rise.0.as_f64(),
            I::TextFont(font) => {
                state.font_size = font.1.as_f64();
                let dict = player.resources.get_font(font.0);
                state.font = dict.and_then(|dict| self.interpreter.font(&dict));
            }
            I::SetGraphicsState(name) => {
                if let Some(dict) = player.resources.get_ext_g_state(name.0) {
                    self.set_font(&dict, state);
                }
            }
            I::ShowText(text) => self.show(text.0.as_bytes(), player),
            I::ShowTexts(parts) => self.show_parts(parts.0, player),
            I::NextLineAndShowText(text) => {
                place.next_line(0.0, -state.leading);
                self.show(text.0.as_bytes(), player);
            }
            I::ShowTextWithParameters(text) => {
                state.word_spacing = text.0.as_f64();
                state.char_spacing = text.1.as_f64();
                place.next_line(0.0, -state.leading);
                self.show(text.2.as_bytes(), player);
            }
            I::XObject(object) => return self.call(object.0, player),
            _ => {}
        }
        Ok(())
    }

    fn set_font(&self, graphics_state: &Dict<'a>, state: &mut GraphicsState<'a>) {
        let Some(font) = graphics_state.get::<Array<'_>>("Font") else { return };
        let mut parts = font.flex_iter();
        if let (Some(dict), Some(size)) = (parts.next::<Dict<'_>>(), parts.next::<f64>()) {
            state.font = self.interpreter.font(&dict);
            state.font_size = size;
        }
    }

    /// Plays a form.
    fn call(&mut self, name: &Name<'_>, player: &Player<'_, 'a>) -> Result<(), ReadError> {
        let Some(form) = player.resources.get_x_object(name) else { return Ok(()) };
        let dict = form.dict();
        let is_form = dict.get::<Name<'_>>("Subtype").is_some_and(|name| name.as_ref() == b"Form");
        if !is_form || self.depth >= FORM_DEPTH_MAX {
            return Ok(());
        }
        // Unpacking one that is damaged costs as much as one that is not.
        self.charge(CALL_BYTES + form.raw_data().len())?;
        let Some(content) = unpack(&form)? else { return Ok(()) };
        let own = dict.get::<Dict<'_>>("Resources").map(Resources::new);
        let mut state = player.state.clone();
        state.to_page *= Affine::new(dict.get::<[f64; 6]>("Matrix").unwrap_or(IDENTITY));
        self.depth += 1;
        let played = self.play(&content, own.as_ref().unwrap_or(player.resources), state);
        self.depth -= 1;
        played
    }

    fn show_parts(&mut self, parts: &Array<'_>, player: &mut Player<'_, 'a>) {
        for part in parts.iter::<Object<'_>>() {
            if let Some(number) = part.clone().into_number() {
                player.place.adjust(number.as_f64(), &player.state);
            } else if let Some(text) = part.into_string() {
                self.show(text.as_bytes(), player);
            }
        }
    }

    fn show(&mut self, text: &[u8], player: &mut Player<'_, 'a>) {
        let Some(font) = player.state.font.clone() else { return };
        let mut at = 0;
        while at < text.len() && self.glyphs.len() < PAGE_GLYPHS_MAX {
            let code = font.read_code(text, at);
            at += code.1.max(1);
            let placed = player.place.pass(code, &font, &player.state);
            self.keep(code.0, &font, &placed);
        }
    }

    fn keep(&mut self, code: u32, font: &Font<'a>, placed: &Placed) {
        let unicode = match font.glyph(font.map_code(code), code) {
            FontGlyph::Outline(glyph) => glyph.as_unicode(),
            FontGlyph::Type3(glyph) => glyph.as_unicode(),
        };
        let Some(unicode) = unicode else { return };
        // What lies beside the sheet is not seen; comparing with a NaN says no as well.
        if !(self.sheet.contains(placed.origin) && placed.size > 0.0 && placed.size.is_finite()) {
            return;
        }
        let degrees = placed.along.atan2().to_degrees().round().rem_euclid(360.0);
        let mut at = placed.origin;
        for_each_seen(&unicode, |c, count| {
            let step = placed.advance / count as f64;
            self.glyphs.push(Glyph {
                c,
                x: at.x,
                y: at.y,
                width: step.hypot(),
                size: placed.size,
                direction: degrees as u16 % 360,
            });
            at += step;
        });
    }
}

const IDENTITY: [f64; 6] = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

fn affine(numbers: [Number; 6]) -> Affine {
    Affine::new(numbers.map(|number| number.as_f64()))
}
