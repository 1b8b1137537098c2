//! What a result shows of a source.

use contracts::result::Source;
use contracts::truncate_chars;

use crate::analysis::retrieve::EXCERPT_CHARS_MAX;
use crate::ports::{PassageCitation, RetrievedPassage};

/// The source with an excerpt that holds the first quote from its passage, verbatim.
pub(super) fn around_first_quote(
    source: &Source,
    passage: &RetrievedPassage,
    index: usize,
    citations: &[PassageCitation],
) -> Source {
    let quotes = citations.iter().filter(|citation| citation.passage == index);
    // A quote from the heading alone leaves the excerpt at the passage's beginning.
    let place = quotes.into_iter().find_map(|citation| {
        passage.text.find(&citation.quote).map(|start| start..start + citation.quote.len())
    });
    let excerpt = match place {
        Some(place) => window(&passage.text, place),
        None => truncate_chars(&passage.text, EXCERPT_CHARS_MAX),
    };
    Source { excerpt: excerpt.to_owned(), ..source.clone() }
}

/// The part of `text` around `place`, at most [`EXCERPT_CHARS_MAX`] characters, that begins and
/// ends between words where it can.
fn window(text: &str, place: std::ops::Range<usize>) -> &str {
    if text.chars().nth(EXCERPT_CHARS_MAX).is_none() {
        return text;
    }
    let quoted = text[place.clone()].chars().count();
    let Some(spare) = EXCERPT_CHARS_MAX.checked_sub(quoted) else {
        return truncate_chars(&text[place.start..], EXCERPT_CHARS_MAX);
    };
    let before = text[..place.start].char_indices().rev().take(spare / 2);
    let earliest = before.last().map_or(place.start, |(at, _)| at);
    let start = match text[earliest..place.start].find(char::is_whitespace) {
        Some(gap) if earliest > 0 => {
            let words = text[earliest + gap..place.start].trim_start();
            place.start - words.len()
        }
        Some(_) | None => earliest,
    };
    let taken = text[start..place.end].chars().count();
    let after = truncate_chars(&text[place.end..], EXCERPT_CHARS_MAX - taken);
    let latest = place.end + after.len();
    let end = match after.rfind(char::is_whitespace) {
        Some(gap) if latest < text.len() => place.end + gap,
        Some(_) | None => latest,
    };
    &text[start..end]
}
