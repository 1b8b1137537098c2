//! The elements that are open, and which of them a tag closes.

use super::element::{Element, Role};
use super::region::Region;
use super::writer::Position;

/// Elements that are open at a time. Browsers stop at about as many; what is nested deeper is
/// read as if its tags were not there.
const DEPTH_MAX: usize = 1_000;
/// Room that a table needs for its own elements.
const TABLE_DEPTH: usize = 8;

/// An element that is open.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) element: Element,
    /// What it is read as: a table that is nested too deep is a block.
    pub(super) role: Role,
    /// Where it begins, if it may turn out to be no part of what is to be read.
    pub(super) region: Option<(Region, Position)>,
    /// A page ends where it ends.
    pub(super) break_after: bool,
}

/// The elements that are open, outermost first. Every operation takes amortised constant time.
#[derive(Debug)]
pub(super) struct OpenElements {
    stack: Vec<Open>,
    /// By element, where it stands in the stack.
    places: Vec<Vec<usize>>,
    /// Where cells and captions stand, out of which only a table's own tags reach.
    scopes: Vec<usize>,
    /// By element, how many are open that found no room.
    beyond: Vec<usize>,
}

impl OpenElements {
    pub(super) fn new() -> Self {
        let places = vec![Vec::new(); Element::COUNT];
        let beyond = vec![0; Element::COUNT];
        Self { stack: Vec::new(), places, scopes: Vec::new(), beyond }
    }

    pub(super) fn depth(&self) -> usize {
        self.stack.len()
    }

    /// Whether a table and its own elements find room.
    pub(super) fn has_room_for_table(&self) -> bool {
        self.stack.len() + TABLE_DEPTH < DEPTH_MAX
    }

    pub(super) fn contains(&self, element: Element) -> bool {
        !self.places[element.index()].is_empty()
    }

    pub(super) fn push(&mut self, open: Open) {
        if self.stack.len() >= DEPTH_MAX {
            self.beyond[open.element.index()] += 1;
            return;
        }
        let place = self.stack.len();
        self.places[open.element.index()].push(place);
        if is_scope(open.element) {
            self.scopes.push(place);
        }
        self.stack.push(open);
    }

    pub(super) fn pop(&mut self) -> Option<Open> {
        let open = self.stack.pop()?;
        self.places[open.element.index()].pop();
        if is_scope(open.element) {
            self.scopes.pop();
        }
        Some(open)
    }

    /// Forgets the tag of an element that found no room; whether there was one.
    pub(super) fn close_beyond(&mut self, element: Element) -> bool {
        let beyond = &mut self.beyond[element.index()];
        let closes = *beyond > 0;
        *beyond -= usize::from(closes);
        closes
    }

    /// Where the innermost of an element stands, if it is within the cell that is open.
    pub(super) fn in_scope(&self, element: Element) -> Option<usize> {
        let place = self.last(element)?;
        (self.scopes.last().is_none_or(|scope| place >= *scope)).then_some(place)
    }

    /// Where the innermost of an element stands.
    pub(super) fn last(&self, element: Element) -> Option<usize> {
        self.places[element.index()].last().copied()
    }

    /// Whether the innermost table is read as one.
    pub(super) fn in_table(&self) -> bool {
        let place = self.last(TABLE);
        self.beyond[TABLE.index()] == 0
            && place.is_some_and(|place| self.stack[place].role == Role::Table)
    }

    /// The innermost place of several elements.
    pub(super) fn last_of(&self, elements: &[Element]) -> Option<usize> {
        elements.iter().filter_map(|element| self.last(*element)).max()
    }
}

const TABLE: Element = Element::known("table");

fn is_scope(element: Element) -> bool {
    matches!(element.role(), Role::Cell(_) | Role::Caption)
}
