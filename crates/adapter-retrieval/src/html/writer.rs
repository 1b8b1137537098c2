//! The text of a page as it is read off: one string, its white space folded.

use crate::text::{clean::is_invisible, marks};

/// Parts two pages in what a [`Writer`] has written.
pub(super) const PAGE_END: char = '\u{c}';

/// Characters after which a heading that is broken into lines is none.
const HEADING_CHARS_MAX: usize = 200;

/// What parts the text that comes next from the text before. A later one outweighs the earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    None,
    Space,
    /// A new line.
    Line,
    /// A blank line.
    Paragraph,
    /// The page ends.
    Page,
}

/// Writes lines.
#[derive(Debug)]
pub(super) struct Writer {
    text: String,
    /// Where what is being written begins: the page, or a cell of a table.
    begin: usize,
    gap: Gap,
    /// Marks the line that begins next.
    mark: Option<char>,
    /// Where the heading begins that is being written.
    heading: Option<usize>,
    /// Preformatted text keeps its spaces: so many are due before the next character.
    spaces: usize,
    /// A figure must not run into a superscript: "5,363" with a note 1 is not 53,631.
    superscript: bool,
}

/// Where a [`Writer`] stood.
#[derive(Debug, Clone, Copy)]
pub(super) struct Position {
    pub(super) offset: usize,
    pub(super) gap: Gap,
}

impl Writer {
    pub(super) fn new() -> Self {
        let (text, superscript) = (String::new(), false);
        let (gap, mark, heading) = (Gap::None, None, None);
        Self { text, begin: 0, gap, mark, heading, spaces: 0, superscript }
    }

    /// Parts what comes next from what came before.
    pub(super) fn part(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
        self.spaces = 0;
    }

    /// `<br>`
    pub(super) fn break_line(&mut self) {
        let short = |begin: usize| self.text.len().saturating_sub(begin) < HEADING_CHARS_MAX;
        let in_heading = self.heading.is_some_and(short);
        self.part(if in_heading { Gap::Space } else { Gap::Line });
    }

    /// Marks the line that begins next; a line that goes on is not marked.
    pub(super) fn mark_next(&mut self, mark: Option<char>) {
        self.mark = mark;
    }

    /// A heading begins, which marks its line, or ends.
    pub(super) fn set_heading(&mut self, mark: Option<char>) {
        self.part(Gap::Paragraph);
        self.mark = mark;
        self.heading = mark.map(|_| self.text.len());
    }

    pub(super) fn note_superscript(&mut self) {
        self.superscript = true;
    }

    /// Writes flowing text.
    pub(super) fn flow(&mut self, text: &str) {
        for c in text.chars() {
            if c.is_whitespace() {
                self.gap = self.gap.max(Gap::Space);
            } else {
                self.put(c);
            }
        }
    }

    /// Writes preformatted text.
    pub(super) fn preformatted(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '\n' if self.gap >= Gap::Line => self.part(Gap::Paragraph),
                '\n' => self.part(Gap::Line),
                '\t' => self.spaces += 3,
                c if c.is_whitespace() => self.spaces += 1,
                c => self.put(c),
            }
        }
    }

    fn put(&mut self, c: char) {
        if is_invisible(c) || marks::is_mark(c) {
            return;
        }
        let after_figure = self.text.len() > self.begin && self.text.ends_with(char::is_numeric);
        if self.superscript && c.is_numeric() && after_figure {
            self.gap = self.gap.max(Gap::Space);
        }
        self.superscript = false;
        self.begin_word();
        self.text.push(c);
    }

    /// Writes what is due before a character.
    fn begin_word(&mut self) {
        let at_begin = self.text.len() == self.begin;
        match self.gap {
            Gap::Page => self.text.push(PAGE_END),
            Gap::Paragraph if !at_begin => self.text.push_str("\n\n"),
            Gap::Line if !at_begin => self.text.push('\n'),
            Gap::Space if !at_begin && self.spaces == 0 => self.text.push(' '),
            Gap::None | Gap::Space | Gap::Line | Gap::Paragraph => {}
        }
        if at_begin || self.gap >= Gap::Line {
            self.text.extend(self.mark.take());
        } else {
            self.text.extend(std::iter::repeat_n(' ', self.spaces.min(3)));
        }
        self.gap = Gap::None;
        self.spaces = 0;
    }

    pub(super) fn position(&self) -> Position {
        Position { offset: self.text.len(), gap: self.gap }
    }

    pub(super) fn since(&self, position: Position) -> &str {
        self.text.get(position.offset..).unwrap_or_default()
    }

    /// Forgets what was written since.
    pub(super) fn rewind(&mut self, position: Position) {
        self.text.truncate(position.offset);
        self.begin = self.begin.min(position.offset);
        self.gap = position.gap;
        self.mark = None;
    }

    /// Where it stands. What parts the next text from this one is left to whoever rewinds to it.
    pub(super) fn pause(&mut self) -> Position {
        let position = self.position();
        self.gap = Gap::None;
        position
    }

    /// Begins a text of its own, that of a cell; gives what [`Self::leave`] takes.
    pub(super) fn enter(&mut self) -> usize {
        self.keep_page_end();
        std::mem::replace(&mut self.begin, self.text.len())
    }

    /// Ends a text of its own.
    pub(super) fn leave(&mut self, begin: usize) {
        self.begin = begin;
        self.keep_page_end();
    }

    fn keep_page_end(&mut self) {
        self.gap = if self.gap == Gap::Page { Gap::Page } else { Gap::None };
        self.mark = None;
        self.spaces = 0;
    }

    /// Writes lines that are ready, marks and all.
    pub(super) fn lines(&mut self, lines: &str) {
        self.mark = None;
        self.spaces = 0;
        self.begin_word();
        self.text.push_str(lines);
        self.gap = Gap::Line;
    }

    pub(super) fn finish(self) -> String {
        self.text
    }
}
