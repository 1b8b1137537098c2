//! What an element's name and attributes say of its content.

/// The elements that have a part in how a page reads. All others are transparent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The document, and its parts: never passed over as a whole.
    Document,
    /// What the standard reads as raw text, and nobody sees.
    Raw,
    /// Not shown, or shown as a control.
    Unread,
    /// A control, save in a heading that unfolds what it heads.
    Button,
    /// What stands on every page of a site.
    Chrome,
    /// `header` and `footer`: of the site, or of the article they stand in.
    Banner,
    Form,
    /// Parts of a page that say whose header a header is.
    Article,
    /// Parted from others by a blank line.
    Block,
    /// On lines of its own.
    Division,
    Paragraph,
    List,
    Item,
    /// A heading, by its rank from 0.
    Heading(u8),
    Preformatted,
    Superscript,
    Break,
    Rule,
    Table,
    /// `thead`, and, with [`Head::No`], `tbody` and `tfoot`.
    RowGroup(Head),
    Row,
    /// `td`, and, with [`Head::Yes`], `th`.
    Cell(Head),
    Caption,
    Inline,
}

impl Role {
    /// Whether it has a meaning within a table alone.
    pub(super) fn is_part_of_table(self) -> bool {
        matches!(self, Self::RowGroup(_) | Self::Row | Self::Cell(_) | Self::Caption)
    }
}

/// Whether a part of a table tells what its columns are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Head {
    Yes,
    No,
}

/// An element that is known: its place in [`ELEMENTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Element(u8);

impl Element {
    pub(super) const COUNT: usize = ELEMENTS.len();

    /// The element of a name in lower case.
    pub(super) fn named(name: &[u8]) -> Option<Self> {
        let at = ELEMENTS.binary_search_by(|(known, _)| known.as_bytes().cmp(name)).ok()?;
        u8::try_from(at).ok().map(Self)
    }

    /// The element of a name that is in the table; else it does not compile.
    pub(super) const fn known(name: &str) -> Self {
        let mut at = 0;
        while at < ELEMENTS.len() {
            if same(ELEMENTS[at].0.as_bytes(), name.as_bytes()) {
                return Self(at as u8);
            }
            at += 1;
        }
        panic!("no element has this name")
    }

    pub(super) fn role(self) -> Role {
        ELEMENTS[self.index()].1
    }

    pub(super) fn index(self) -> usize {
        usize::from(self.0)
    }
}

const fn same(one: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < one.len() && at < other.len() && one[at] == other[at] {
        at += 1;
    }
    at == one.len() && at == other.len()
}

/// Sorted by name.
const ELEMENTS: [(&str, Role); 85] = [
    ("a", Role::Inline),
    ("address", Role::Division),
    ("article", Role::Article),
    ("aside", Role::Chrome),
    ("audio", Role::Unread),
    ("b", Role::Inline),
    ("blockquote", Role::Block),
    ("body", Role::Document),
    ("br", Role::Break),
    ("button", Role::Button),
    ("canvas", Role::Unread),
    ("caption", Role::Caption),
    ("center", Role::Division),
    ("datalist", Role::Unread),
    ("dd", Role::Division),
    ("details", Role::Block),
    ("dialog", Role::Block),
    ("dir", Role::List),
    ("div", Role::Division),
    ("dl", Role::Block),
    ("dt", Role::Division),
    ("em", Role::Inline),
    ("fieldset", Role::Block),
    ("figcaption", Role::Division),
    ("figure", Role::Block),
    ("font", Role::Inline),
    ("footer", Role::Banner),
    ("form", Role::Form),
    ("h1", Role::Heading(0)),
    ("h2", Role::Heading(1)),
    ("h3", Role::Heading(2)),
    ("h4", Role::Heading(3)),
    ("h5", Role::Heading(4)),
    ("h6", Role::Heading(5)),
    ("head", Role::Document),
    ("header", Role::Banner),
    ("hgroup", Role::Block),
    ("hr", Role::Rule),
    ("html", Role::Document),
    ("i", Role::Inline),
    ("iframe", Role::Raw),
    ("ix:header", Role::Unread),
    ("ix:hidden", Role::Unread),
    ("label", Role::Inline),
    ("legend", Role::Division),
    ("li", Role::Item),
    ("listing", Role::Preformatted),
    ("main", Role::Article),
    ("menu", Role::List),
    ("nav", Role::Chrome),
    ("noembed", Role::Raw),
    ("noframe", Role::Raw),
    ("noscript", Role::Raw),
    ("ol", Role::List),
    ("optgroup", Role::Inline),
    ("option", Role::Inline),
    ("p", Role::Paragraph),
    ("plaintext", Role::Preformatted),
    ("pre", Role::Preformatted),
    ("script", Role::Raw),
    ("search", Role::Form),
    ("section", Role::Article),
    ("select", Role::Unread),
    ("small", Role::Inline),
    ("span", Role::Inline),
    ("strong", Role::Inline),
    ("style", Role::Raw),
    ("sub", Role::Superscript),
    ("summary", Role::Division),
    ("sup", Role::Superscript),
    ("svg", Role::Unread),
    ("table", Role::Table),
    ("tbody", Role::RowGroup(Head::No)),
    ("td", Role::Cell(Head::No)),
    ("template", Role::Unread),
    ("textarea", Role::Raw),
    ("tfoot", Role::RowGroup(Head::No)),
    ("th", Role::Cell(Head::Yes)),
    ("thead", Role::RowGroup(Head::Yes)),
    ("title", Role::Raw),
    ("tr", Role::Row),
    ("u", Role::Inline),
    ("ul", Role::List),
    ("video", Role::Unread),
    ("xmp", Role::Preformatted),
];

#[cfg(test)]
mod tests {
    use super::{ELEMENTS, Element, Role};

    #[test]
    fn every_element_is_found_by_its_name() {
        assert!(ELEMENTS.is_sorted_by(|a, b| a.0 < b.0));
        for (name, role) in ELEMENTS {
            assert_eq!(Element::named(name.as_bytes()).map(Element::role), Some(role), "{name}");
        }
        assert_eq!(Element::named(b"blink"), None);
        assert_eq!(Element::named(b"em").map(Element::role), Some(Role::Inline));
    }
}
