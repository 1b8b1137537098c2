use std::ops::Range;

use engine::analysis::prompt::INSUFFICIENT_EVIDENCE;
use engine::analysis::verify::CITATIONS_MAX;
use engine::ports::{PassageCitation, RetrievedPassage};

use super::mark::{self, Cited, Mark};
use super::quote::Quotes;
use super::{ANSWER_BYTES_MAX, FormFault};

/// What closes a statement and begins none.
const CLOSING: &str = ".,;:!?)]”";

/// Takes what a model writes in pieces of any size, and gives what readers see of it.
///
/// What is shown never has to be taken back but for a fault of form: white space and what may
/// become a mark are held until it is known what follows.
#[derive(Debug, Default)]
pub(crate) struct AnswerReader {
    passages: usize,
    /// Everything, as the model wrote it.
    raw: String,
    /// What readers see.
    shown: String,
    /// The length of `shown` in characters.
    shown_chars: usize,
    /// White space that is shown once something follows it.
    space: String,
    /// White space before the last mark, which goes with it where a stop follows.
    space_before_mark: String,
    /// What may be a mark: from its opening bracket.
    bracket: String,
    /// Whether the beginning may still say that the evidence does not suffice.
    beginning: Beginning,
    /// Where the statement that is being written begins, once it has.
    statement: Option<usize>,
    /// The part that the last mark is about.
    last: Option<Range<usize>>,
    marks: Vec<(Range<usize>, usize)>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Beginning {
    #[default]
    Open,
    /// It says so; whatever follows explains it.
    Insufficient,
    Answer,
}

/// An answer as it was written to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    /// What readers saw; empty if the passages do not hold an answer.
    pub(crate) text: String,
    /// Its citations.
    pub(crate) citations: Vec<PassageCitation>,
}

impl AnswerReader {
    /// Reads an answer from so many passages.
    pub(crate) fn new(passages: usize) -> Self {
        Self { passages, ..Self::default() }
    }

    /// Takes the next piece, and returns what is to be shown of it.
    ///
    /// # Errors
    /// [`FormFault`], as soon as nothing that follows can mend it.
    pub(crate) fn push(&mut self, piece: &str) -> Result<&str, FormFault> {
        if self.raw.len() + piece.len() > ANSWER_BYTES_MAX {
            return Err(FormFault::TooLong);
        }
        self.raw.push_str(piece);
        let shown = self.shown.len();
        match self.beginning {
            Beginning::Insufficient => {}
            Beginning::Answer => self.read(piece)?,
            Beginning::Open => match beginning(&self.raw) {
                Beginning::Answer => {
                    self.beginning = Beginning::Answer;
                    let raw = self.raw.clone();
                    self.read(&raw)?;
                }
                known @ (Beginning::Open | Beginning::Insufficient) => self.beginning = known,
            },
        }
        Ok(&self.shown[shown..])
    }

    /// Everything that was pushed.
    pub(crate) fn raw(&self) -> &str {
        &self.raw
    }

    /// Ends the answer: what is still to be shown of it, and the whole.
    ///
    /// # Errors
    /// [`FormFault`].
    pub(crate) fn finish(
        mut self,
        passages: &[RetrievedPassage],
    ) -> Result<(String, Written), FormFault> {
        let before = self.shown.len();
        match self.beginning {
            Beginning::Insufficient => {
                return Ok((String::new(), Written { text: String::new(), citations: Vec::new() }));
            }
            Beginning::Open if self.raw.trim().is_empty() => return Err(FormFault::Empty),
            Beginning::Open => {
                let raw = self.raw.clone();
                self.read(&raw)?;
            }
            Beginning::Answer => {}
        }
        self.give_up_bracket();
        if self.shown.is_empty() {
            return Err(FormFault::Empty);
        }
        if self.statement.is_some() || self.marks.is_empty() {
            return Err(FormFault::Uncited);
        }
        let citations = self.citations(passages);
        Ok((self.shown[before..].to_owned(), Written { text: self.shown, citations }))
    }

    /// Every mark with the words that carry what it is about.
    fn citations(&self, passages: &[RetrievedPassage]) -> Vec<PassageCitation> {
        let mut quotes = Quotes::of(passages);
        let mut citations = Vec::new();
        let places: Vec<usize> = self.shown.char_indices().map(|(at, _)| at).collect();
        let byte = |at: usize| places.get(at).copied().unwrap_or(self.shown.len());
        for (part, passage) in &self.marks {
            let statement = &self.shown[byte(part.start)..byte(part.end)];
            let carrying = quotes.carrying(statement, *passage);
            citations.extend(carrying.into_iter().map(|quote| PassageCitation {
                start: part.start,
                end: part.end,
                passage: *passage,
                quote,
            }));
        }
        // Where there are too many, each mark keeps the words that carry it best.
        if citations.len() > CITATIONS_MAX {
            let mut seen = None;
            citations.retain(|citation| {
                let mark = Some((citation.start, citation.end, citation.passage));
                std::mem::replace(&mut seen, mark) != mark
            });
        }
        citations
    }

    fn read(&mut self, piece: &str) -> Result<(), FormFault> {
        for c in piece.chars() {
            if self.bracket.is_empty() && c != '[' {
                self.take(c);
                continue;
            }
            if c == '[' {
                // No mark holds another bracket: what was held is text.
                self.give_up_bracket();
            }
            self.bracket.push(c);
            match mark::read(&self.bracket) {
                Mark::Open => {}
                Mark::None => self.give_up_bracket(),
                Mark::Complete(cited) => {
                    self.bracket.clear();
                    self.cite(&cited)?;
                }
            }
        }
        Ok(())
    }

    fn give_up_bracket(&mut self) {
        let text = std::mem::take(&mut self.bracket);
        text.chars().for_each(|c| self.take(c));
    }

    /// Takes a character that belongs to no mark. Control characters are dropped: no answer needs
    /// them, and a store may refuse them.
    fn take(&mut self, c: char) {
        match c {
            '\r' => {}
            '\n' => self.space.push('\n'),
            _ if c.is_whitespace() => self.space.push(' '),
            _ if c.is_control() => {}
            _ => self.show(c),
        }
    }

    fn show(&mut self, c: char) {
        let mut space = std::mem::take(&mut self.space);
        let before_mark = std::mem::take(&mut self.space_before_mark);
        if space.is_empty() && !CLOSING.contains(c) {
            space = before_mark;
        }
        // White space at the very beginning belongs to nothing.
        if !self.shown.is_empty() {
            self.shown.push_str(&space);
            self.shown_chars += space.chars().count();
        }
        // What closes a sentence after its mark belongs to no statement.
        if self.statement.is_none() && c.is_alphanumeric() {
            let opening = self.opening_before();
            self.statement = Some(self.shown_chars - opening);
        }
        self.shown.push(c);
        self.shown_chars += 1;
    }

    /// How many characters right before the next one open what it begins: quotation marks,
    /// brackets, a currency, a sign.
    fn opening_before(&self) -> usize {
        let floor = self.last.as_ref().map_or(0, |last| last.end);
        let opens = |c: &char| !c.is_whitespace() && !c.is_alphanumeric() && !CLOSING.contains(*c);
        let opening = self.shown.chars().rev().take_while(opens).count();
        opening.min(self.shown_chars - floor)
    }

    fn cite(&mut self, cited: &[Cited]) -> Result<(), FormFault> {
        let space = std::mem::take(&mut self.space);
        if self.space_before_mark.is_empty() {
            self.space_before_mark = space;
        }
        let part = match self.statement.take() {
            Some(start) => start..self.shown_chars,
            None => self.last.clone().ok_or(FormFault::NothingCited)?,
        };
        for Cited { first, last } in cited {
            let (first, last) = (self.passage(first)?, self.passage(last)?);
            for passage in first.min(last)..=first.max(last) {
                let mark = (part.clone(), passage);
                if self.marks.len() >= CITATIONS_MAX {
                    return Err(FormFault::TooManyCitations);
                }
                if !self.marks.contains(&mark) {
                    self.marks.push(mark);
                }
            }
        }
        self.last = Some(part);
        Ok(())
    }

    /// The index of the passage with this number.
    fn passage(&self, number: &str) -> Result<usize, FormFault> {
        let found = number.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        found.filter(|index| *index < self.passages).ok_or_else(|| FormFault::NoSuchPassage {
            number: number.to_owned(),
            passages: self.passages,
        })
    }
}

/// Whether a text begins like the words for insufficient evidence, or with them.
fn beginning(raw: &str) -> Beginning {
    // Models like to set what is to be exact in bold or in quotation marks.
    let text = raw.trim_start_matches(|c: char| c.is_whitespace() || "*\"“`".contains(c));
    let length = text.len().min(INSUFFICIENT_EVIDENCE.len());
    let begins =
        text.as_bytes()[..length].eq_ignore_ascii_case(&INSUFFICIENT_EVIDENCE.as_bytes()[..length]);
    match begins {
        true if length == INSUFFICIENT_EVIDENCE.len() => Beginning::Insufficient,
        true => Beginning::Open,
        false => Beginning::Answer,
    }
}

#[cfg(test)]
mod tests;
