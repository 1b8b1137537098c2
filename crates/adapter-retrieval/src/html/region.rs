//! The parts of a page that are perhaps not to be read.

use crate::text::marks;

use super::attributes::{Attributes, Landmark};
use super::element::{Element, Role};
use super::open_elements::OpenElements;

/// A longer form is the page itself.
const FORM_BYTES_MAX: usize = 400;
/// A longer notice is no notice.
const CONSENT_BYTES_MAX: usize = 3_000;

/// Why an element is perhaps not to be read. It is decided where the element ends: an element
/// that is never closed is read, for it holds the rest of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Region {
    /// It is not shown.
    Hidden,
    /// It stands on every page of a site.
    Chrome,
    /// So does it, save for the one that holds the title.
    Banner,
    /// It asks for something, save for the form that is wrapped around a whole page.
    Form,
    /// It asks for consent.
    Consent,
}

impl Region {
    /// The region that an element begins within those that are open.
    pub(super) fn of(role: Role, attributes: &Attributes, open: &OpenElements) -> Option<Self> {
        let within = |elements: &[Element]| elements.iter().any(|element| open.contains(*element));
        if attributes.hidden || role == Role::Unread {
            return Some(Self::Hidden);
        }
        // In a heading it unfolds what the heading heads.
        if role == Role::Button && !within(&HEADINGS) {
            return Some(Self::Hidden);
        }
        // The header of an article is a part of it.
        if role == Role::Chrome || role == Role::Banner && !within(&ARTICLES) {
            return Some(if role == Role::Chrome { Self::Chrome } else { Self::Banner });
        }
        if role == Role::Form {
            return Some(Self::Form);
        }
        match attributes.landmark? {
            Landmark::Chrome => Some(Self::Chrome),
            Landmark::Banner => Some(Self::Banner),
            Landmark::Search => Some(Self::Form),
            Landmark::Consent => (role != Role::Article).then_some(Self::Consent),
        }
    }

    /// Whether it is forgotten, with what was written in it.
    pub(super) fn drops(self, written: &str) -> bool {
        match self {
            Self::Hidden | Self::Chrome => true,
            Self::Banner => !written.contains(marks::HEADING[0]),
            Self::Form => written.len() <= FORM_BYTES_MAX && !written.contains(marks::ROW),
            Self::Consent => written.len() <= CONSENT_BYTES_MAX,
        }
    }
}

const ARTICLES: [Element; 3] =
    [Element::known("article"), Element::known("main"), Element::known("section")];
const HEADINGS: [Element; 6] = [
    Element::known("h1"),
    Element::known("h2"),
    Element::known("h3"),
    Element::known("h4"),
    Element::known("h5"),
    Element::known("h6"),
];
