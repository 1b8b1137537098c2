//! Words as they are indexed and compared: lower case, stemmed, figures whole.

use std::borrow::Cow;
use std::ops::Range;

use frostem::{Algorithm, Stemmer};
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

/// Longer words are not indexed: nobody asks for them.
const WORD_BYTES_MAX: usize = 40;

/// The stems of a text's words, in order.
pub(super) fn stems(text: &str) -> Vec<String> {
    let stemming = Stemming::new();
    let mut stems = Vec::new();
    for place in Words::new(text) {
        stemming.push(&text[place], |stem| stems.push(stem));
    }
    stems
}

/// The tokenizer that the index knows by [`ENGLISH`].
#[derive(Clone, Default)]
pub(super) struct English {
    tokens: Vec<Token>,
}

/// The tokenizer's name in the index's schema.
pub(super) const ENGLISH: &str = "english";

impl Tokenizer for English {
    type TokenStream<'a> = EnglishStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> EnglishStream<'a> {
        self.tokens.clear();
        let stemming = Stemming::new();
        for place in Words::new(text) {
            let (offset_from, offset_to) = (place.start, place.end);
            stemming.push(&text[place], |stem| {
                let position = self.tokens.len();
                self.tokens.push(Token {
                    offset_from,
                    offset_to,
                    position,
                    text: stem,
                    position_length: 1,
                });
            });
        }
        EnglishStream { tokens: &mut self.tokens, next: 0 }
    }
}

/// The tokens of one text.
pub(super) struct EnglishStream<'a> {
    tokens: &'a mut [Token],
    next: usize,
}

impl TokenStream for EnglishStream<'_> {
    fn advance(&mut self) -> bool {
        self.next += 1;
        self.next <= self.tokens.len()
    }

    fn token(&self) -> &Token {
        &self.tokens[self.next - 1]
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.tokens[self.next - 1]
    }
}

/// Where the words of a text stand: runs of letters and digits. A figure keeps its commas and its
/// decimal point, a word the ampersands and apostrophes inside it.
struct Words<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Words<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }
}

impl Iterator for Words<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let rest = &self.text[self.at..];
        let begin = self.at + rest.find(char::is_alphanumeric)?;
        let mut chars = self.text[begin..].char_indices().peekable();
        let mut end = begin;
        let mut last = ' ';
        while let Some((offset, c)) = chars.next() {
            let next = chars.peek().map_or(' ', |(_, next)| *next);
            let inside = match c {
                ',' | '.' => last.is_ascii_digit() && next.is_ascii_digit(),
                '&' | '\'' | '’' => last.is_alphabetic() && next.is_alphabetic(),
                c => c.is_alphanumeric(),
            };
            if !inside {
                break;
            }
            end = begin + offset + c.len_utf8();
            last = c;
        }
        self.at = end;
        Some(begin..end)
    }
}

struct Stemming {
    stemmer: Stemmer,
}

impl Stemming {
    fn new() -> Self {
        Self { stemmer: Stemmer::new(Algorithm::English) }
    }

    /// Hands over the stems of one word: one, or two if a year is glued to something, as in
    /// "FY2018" and "2024Q2".
    fn push(&self, word: &str, mut take: impl FnMut(String)) {
        let lower = word.to_lowercase().replace('’', "'");
        let lower = lower.strip_suffix("'s").unwrap_or(&lower);
        let bare: String = lower.chars().filter(|c| !matches!(c, ',' | '&' | '\'')).collect();
        if bare.is_empty() || bare.len() > WORD_BYTES_MAX {
            return;
        }
        if bare.bytes().all(|byte| byte.is_ascii_lowercase()) {
            take(Cow::into_owned(self.stemmer.stem(&bare)));
            return;
        }
        match year_and_rest(&bare) {
            Some((year, rest)) => {
                take(year.to_owned());
                if rest != "fy" {
                    take(rest.to_owned());
                }
            }
            None => take(bare),
        }
    }
}

/// "fy2018" and "2024q2" are a year and something.
fn year_and_rest(word: &str) -> Option<(&str, &str)> {
    let is_year = |part: &str| {
        part.bytes().all(|byte| byte.is_ascii_digit())
            && (part.starts_with("19") || part.starts_with("20"))
    };
    if !word.is_ascii() || word.len() < 5 {
        return None;
    }
    let (head, tail) = (&word[..4], &word[word.len() - 4..]);
    let (after, before) = (&word[4..], &word[..word.len() - 4]);
    if is_year(head) && after.starts_with(|c: char| c.is_ascii_lowercase()) {
        return Some((head, after));
    }
    (is_year(tail) && before.starts_with(|c: char| c.is_ascii_lowercase()))
        .then_some((tail, before))
}

#[cfg(test)]
mod tests {
    use super::stems;

    #[test]
    fn words_and_figures_are_read_whole() {
        for (text, expected) in [
            ("Dividends paid", &["dividend", "paid"][..]),
            ("$1,577.5 million (PP&E)", &["1577.5", "million", "ppe"]),
            ("the Company’s FY2018, in 2018.", &["the", "compani", "2018", "in", "2018"]),
            ("BESTBUY_2024Q2_10Q", &["bestbuy", "2024", "q2", "10q"]),
            ("R&D – 5% & more", &["rd", "5", "more"]),
        ] {
            assert_eq!(stems(text), expected, "{text:?}");
        }
    }
}
