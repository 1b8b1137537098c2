//! Follows a page's tags and writes down what is to be read.

use html5gum::emitters::callback::CallbackEvent;

use crate::text::marks;

use super::attributes::Attributes;
use super::element::{Element, Head, Role};
use super::open_elements::{Open, OpenElements};
use super::region::Region;
use super::table::{CellKind, RepeatBudget, Table};
use super::writer::{Gap, Writer};

/// Of an attribute's name, bytes that are kept: the names that matter are shorter.
const ATTRIBUTE_NAME_BYTES_MAX: usize = 32;
/// Tables within tables that are read as tables; those deeper within are read as blocks.
const TABLES_MAX: usize = 16;
/// Bytes of cells that are repeated, in a document.
const REPEATED_BYTES_MAX: usize = 1_000_000;

/// What has been read of a page.
#[derive(Debug)]
pub(super) struct Reading {
    writer: Writer,
    open: OpenElements,
    tables: Vec<Table>,
    repeat_budget: RepeatBudget,
    /// Whether raw text is passed over.
    in_raw: bool,
    /// Open elements whose white space is kept.
    preformatted: usize,
    /// Elements that HTML knows, so far.
    elements: usize,
    tag: Option<Element>,
    attributes: Attributes,
    attribute: Vec<u8>,
}

impl Reading {
    pub(super) fn new() -> Self {
        Self {
            writer: Writer::new(),
            open: OpenElements::new(),
            tables: Vec::new(),
            repeat_budget: RepeatBudget(REPEATED_BYTES_MAX),
            in_raw: false,
            preformatted: 0,
            elements: 0,
            tag: None,
            attributes: Attributes::default(),
            attribute: Vec::new(),
        }
    }

    /// Takes the next event.
    pub(super) fn take(&mut self, event: CallbackEvent<'_>) {
        match event {
            CallbackEvent::OpenStartTag { name } => {
                self.tag = Element::named(name);
                self.attributes = Attributes::default();
            }
            CallbackEvent::AttributeName { name } => {
                self.attribute.clear();
                self.attribute.extend_from_slice(&name[..name.len().min(ATTRIBUTE_NAME_BYTES_MAX)]);
                self.attributes.take(&self.attribute, b"");
            }
            CallbackEvent::AttributeValue { value } => {
                self.attributes.take(&self.attribute, value);
            }
            CallbackEvent::CloseStartTag { .. } => match self.tag.take() {
                Some(element) => self.start(element),
                // What is not known is read through, but a page may end before it.
                None if self.attributes.break_before => self.writer.part(Gap::Page),
                None => {}
            },
            CallbackEvent::EndTag { name } => {
                if let Some(element) = Element::named(name) {
                    self.end_tag(element);
                }
            }
            CallbackEvent::String { value } => self.text(&String::from_utf8_lossy(value)),
            CallbackEvent::Comment { .. }
            | CallbackEvent::Doctype { .. }
            | CallbackEvent::Error(_) => {}
        }
    }

    /// Elements that were known.
    pub(super) fn elements(&self) -> usize {
        self.elements
    }

    /// The text of the page. What is still open is kept, whatever it is: a tag that was forgotten
    /// must not cost the rest of the document.
    pub(super) fn finish(&mut self) -> String {
        while let Some(open) = self.open.pop() {
            self.end(Open { region: None, ..open });
        }
        std::mem::replace(&mut self.writer, Writer::new()).finish()
    }

    fn text(&mut self, text: &str) {
        if self.in_raw {
            return;
        }
        if let Some(table) = self.tables.last_mut()
            && !table.has_open_cell()
        {
            if text.trim_ascii().is_empty() {
                return;
            }
            table.begin_cell(CellKind { head: Head::No, colspan: 1, rowspan: 1 }, &mut self.writer);
        }
        if self.preformatted > 0 {
            self.writer.preformatted(text);
        } else {
            self.writer.flow(text);
        }
    }

    fn start(&mut self, element: Element) {
        self.elements += 1;
        let attributes = std::mem::take(&mut self.attributes);
        let role = self.role_here(element);
        if role == Role::Document {
            return;
        }
        self.close_implied(element, role);
        if attributes.break_before {
            self.writer.part(Gap::Page);
        }
        let before = self.writer.position();
        let region = Region::of(role, &attributes, &self.open).map(|region| (region, before));
        self.begin(role, &attributes);
        let is_void = matches!(role, Role::Break | Role::Rule);
        if is_void && attributes.break_after {
            self.writer.part(Gap::Page);
        }
        // A part of a line matters only if it is a region, or may be taken for the end of one.
        let is_part_of_line = matches!(role, Role::Inline | Role::Superscript);
        let matters = region.is_some() || attributes.break_after || self.open.contains(element);
        if !is_void && (!is_part_of_line || matters) {
            self.open.push(Open { element, role, region, break_after: attributes.break_after });
        }
    }

    /// What an element is read as where it stands.
    fn role_here(&self, element: Element) -> Role {
        let role = element.role();
        if role.is_part_of_table() && !self.open.in_table() {
            return Role::Division;
        }
        let has_room = self.tables.len() < TABLES_MAX && self.open.has_room_for_table();
        if role == Role::Table && !has_room { Role::Block } else { role }
    }

    /// Closes what the start of an element ends without an end tag.
    fn close_implied(&mut self, element: Element, role: Role) {
        let place = match role {
            Role::Document
            | Role::Raw
            | Role::Button
            | Role::Unread
            | Role::Superscript
            | Role::Break
            | Role::Inline => None,
            Role::Item => {
                let list = self.open.last_of(&LISTS);
                self.open.in_scope(element).filter(|item| list.is_none_or(|list| *item > list))
            }
            Role::RowGroup(_) | Role::Caption => self.open.last(TABLE).map(|table| table + 1),
            Role::Row => self.open.last_of(&GROUPS).map(|outer| outer + 1),
            Role::Cell(_) => self.open.last_of(&ROWS).map(|outer| outer + 1),
            // A table in a table, but in none of its cells, comes after it.
            Role::Table if self.tables.last().is_some_and(|table| !table.has_open_cell()) => {
                self.open.last(TABLE)
            }
            Role::Chrome
            | Role::Banner
            | Role::Form
            | Role::Article
            | Role::Block
            | Role::Division
            | Role::Paragraph
            | Role::List
            | Role::Heading(_)
            | Role::Preformatted
            | Role::Rule
            | Role::Table => self.open.in_scope(PARAGRAPH),
        };
        if let Some(place) = place {
            self.close_to(place);
        }
    }

    fn begin(&mut self, role: Role, attributes: &Attributes) {
        let Attributes { colspan, rowspan, .. } = *attributes;
        match role {
            Role::Raw => self.in_raw = true,
            Role::Document | Role::Button | Role::Unread | Role::Inline => {}
            Role::Superscript => self.writer.note_superscript(),
            Role::Break => self.writer.break_line(),
            Role::Heading(rank) => {
                self.writer.set_heading(marks::HEADING.get(usize::from(rank)).copied());
            }
            Role::Preformatted => {
                self.preformatted += 1;
                self.writer.part(Gap::Paragraph);
            }
            Role::Table => {
                self.writer.part(Gap::Paragraph);
                self.tables.push(Table::new());
            }
            Role::RowGroup(head) => self.in_innermost_table(|table, writer, budget| {
                table.end_row(writer, budget);
                table.head = head;
            }),
            Role::Row => self.in_innermost_table(|table, writer, budget| {
                table.end_row(writer, budget);
                table.begin_row(writer);
            }),
            Role::Cell(head) => self.in_innermost_table(|table, writer, budget| {
                table.end_cell(writer);
                if table.row_is_full() {
                    table.end_row(writer, budget);
                }
                table.begin_cell(CellKind { head, colspan, rowspan }, writer);
            }),
            Role::Caption => self.in_innermost_table(|table, writer, budget| {
                table.end_row(writer, budget);
                table.begin_cell(CellKind { head: Head::No, colspan: 1, rowspan: 1 }, writer);
            }),
            Role::Item => {
                self.writer.part(Gap::Line);
                self.writer.mark_next(Some(marks::PROSE));
            }
            Role::Chrome
            | Role::Banner
            | Role::Form
            | Role::Article
            | Role::Block
            | Role::Division
            | Role::Paragraph
            | Role::List
            | Role::Rule => self.writer.part(gap_around(role)),
        }
    }

    fn end_tag(&mut self, element: Element) {
        if self.open.close_beyond(element) {
            return;
        }
        let role = element.role();
        if role == Role::Break {
            self.writer.break_line();
            return;
        }
        let place = if role == Role::Table {
            self.open.last(element)
        } else if role.is_part_of_table() {
            let table = self.open.last(TABLE);
            self.open.last(element).filter(|place| table.is_none_or(|table| *place > table))
        } else {
            self.open.in_scope(element)
        };
        if let Some(place) = place {
            self.close_to(place);
        }
    }

    /// Closes an element and all that is open within it.
    fn close_to(&mut self, place: usize) {
        while self.open.depth() > place {
            let Some(open) = self.open.pop() else { return };
            self.end(open);
        }
    }

    fn end(&mut self, open: Open) {
        match open.role {
            Role::Raw => self.in_raw = false,
            Role::Heading(_) => self.writer.set_heading(None),
            Role::Preformatted => {
                self.preformatted = self.preformatted.saturating_sub(1);
                self.writer.part(Gap::Paragraph);
            }
            Role::Table => {
                self.in_innermost_table(Table::end_row);
                self.tables.pop();
                self.writer.part(Gap::Paragraph);
            }
            Role::RowGroup(_) => self.in_innermost_table(|table, writer, budget| {
                table.end_row(writer, budget);
                table.head = Head::No;
            }),
            Role::Row | Role::Caption => self.in_innermost_table(Table::end_row),
            Role::Cell(_) => self.in_innermost_table(|table, writer, _| table.end_cell(writer)),
            Role::Document
            | Role::Button
            | Role::Unread
            | Role::Superscript
            | Role::Break
            | Role::Inline => {}
            Role::Chrome
            | Role::Banner
            | Role::Form
            | Role::Article
            | Role::Block
            | Role::Division
            | Role::Paragraph
            | Role::List
            | Role::Item
            | Role::Rule => self.writer.part(gap_around(open.role)),
        }
        if let Some((region, begin)) = open.region
            && region.drops(self.writer.since(begin))
        {
            self.writer.rewind(begin);
            if let Some(table) = self.tables.last_mut() {
                table.forget(begin);
            }
        }
        if open.break_after {
            self.writer.part(Gap::Page);
        }
    }

    fn in_innermost_table(
        &mut self,
        change: impl FnOnce(&mut Table, &mut Writer, &mut RepeatBudget),
    ) {
        if let Some(table) = self.tables.last_mut() {
            change(table, &mut self.writer, &mut self.repeat_budget);
        }
    }
}

const TABLE: Element = Element::known("table");
const PARAGRAPH: Element = Element::known("p");
const LISTS: [Element; 4] =
    [Element::known("ul"), Element::known("ol"), Element::known("menu"), Element::known("dir")];
/// What a row stands in.
const GROUPS: [Element; 4] =
    [TABLE, Element::known("thead"), Element::known("tbody"), Element::known("tfoot")];
/// What a cell stands in.
const ROWS: [Element; 5] = [TABLE, GROUPS[1], GROUPS[2], GROUPS[3], Element::known("tr")];

fn gap_around(role: Role) -> Gap {
    if matches!(role, Role::Division | Role::Item) { Gap::Line } else { Gap::Paragraph }
}
