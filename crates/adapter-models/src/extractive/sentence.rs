//! Where sentences end.

use std::ops::Range;

/// Abbreviations, in lower case and without their last point, after which a sentence goes on.
const ABBREVIATIONS: [&str; 34] = [
    "approx", "apr", "art", "aug", "bros", "cf", "co", "corp", "dec", "dept", "dr", "est", "etc",
    "feb", "fig", "inc", "jan", "jr", "jul", "jun", "llc", "ltd", "mar", "mr", "mrs", "ms", "nov",
    "oct", "plc", "sept", "sr", "st", "u.s", "vs",
];

/// Abbreviations that only stand before a number: "No. 5" goes on, "We said no." ends.
const BEFORE_NUMBERS: [&str; 6] = ["no", "nos", "p", "pp", "sec", "vol"];

/// Words that begin a sentence rather than go on after an abbreviation.
const STARTERS: [&str; 16] = [
    "The", "This", "These", "In", "It", "Its", "We", "Our", "On", "At", "As", "For", "During",
    "Net", "Total", "However",
];

/// The sentences of the text at `place`, without the white space around them.
pub(super) fn sentences(text: &str, place: Range<usize>) -> Vec<Range<usize>> {
    let block = &text[place.clone()];
    let mut sentences = Vec::new();
    let mut start = 0;
    for (at, mark) in block.char_indices().filter(|(_, c)| matches!(c, '.' | '!' | '?' | '。')) {
        let after = at + mark.len_utf8();
        let closing = block[after..].find(|c: char| !")]”’\"'".contains(c));
        let end = closing.map_or(block.len(), |length| after + length);
        if end > start && is_end(&block[start..at], mark, &block[end..]) {
            push_trimmed(&mut sentences, block, start..end);
            start = end;
        }
    }
    push_trimmed(&mut sentences, block, start..block.len());
    sentences.iter().map(|found| place.start + found.start..place.start + found.end).collect()
}

/// Whether a text ends like a sentence.
pub(super) fn ends_sentence(text: &str) -> bool {
    text.ends_with(|c: char| ".!?。)”\"".contains(c))
}

fn is_end(before: &str, mark: char, after: &str) -> bool {
    if mark == '。' {
        return true;
    }
    if !after.starts_with(char::is_whitespace) {
        return after.is_empty();
    }
    let next = after.trim_start();
    if next.starts_with(char::is_lowercase) {
        return false;
    }
    if mark != '.' {
        return true;
    }
    let last = before.rsplit(|c: char| c.is_whitespace() || "(“\"".contains(c)).next();
    let last = last.unwrap_or_default().to_lowercase();
    if BEFORE_NUMBERS.contains(&last.as_str()) && next.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let is_initial = last.chars().count() == 1 && last.chars().all(char::is_alphabetic);
    let is_abbreviation = last.contains('.')
        && last.split('.').all(|part| part.chars().count() <= 2)
        || ABBREVIATIONS.contains(&last.trim_end_matches(','));
    if is_initial || (is_abbreviation && !last.starts_with(|c: char| c.is_ascii_digit())) {
        let word = next.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        return STARTERS.contains(&word);
    }
    true
}

fn push_trimmed(sentences: &mut Vec<Range<usize>>, block: &str, place: Range<usize>) {
    let raw = &block[place.clone()];
    let start = place.start + (raw.len() - raw.trim_start().len());
    let end = start + raw.trim().len();
    if end > start {
        sentences.push(start..end);
    }
}

#[cfg(test)]
mod tests {
    use super::sentences;

    fn split(text: &str) -> Vec<&str> {
        sentences(text, 0..text.len()).into_iter().map(|place| &text[place]).collect()
    }

    #[test]
    fn a_sentence_does_not_end_at_an_abbreviation_or_a_decimal_point() {
        for text in [
            "Sales of Apple Inc. rose by 2.5 percent in the U.S. and Canada.",
            "See Note No. 5 and Fig. 2 for more.",
            "Revenue, e.g. Services, grew (see p. 12).",
            "It was founded by J. P. Morgan.",
        ] {
            assert_eq!(split(text), [text]);
        }
    }

    #[test]
    fn a_sentence_ends_at_its_mark() {
        assert_eq!(
            split("Sales rose. Did they? “Yes.” (They did.) It is made by Apple Inc. The end"),
            [
                "Sales rose.",
                "Did they?",
                "“Yes.”",
                "(They did.)",
                "It is made by Apple Inc.",
                "The end",
            ]
        );
        assert_eq!(split("Of 2018. In 2019"), ["Of 2018.", "In 2019"]);
    }
}
