//! A question's words: which of them ask, and which only frame.

/// A part of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Clause {
    /// Its words, as [`words`] gives them.
    pub(super) words: Vec<String>,
    /// Whether it says how to answer, not what is asked.
    pub(super) framing: bool,
}

/// The clauses of a question.
pub(super) fn clauses(question: &str) -> Vec<Clause> {
    sentences(question)
        .flat_map(|sentence| {
            let words = words(sentence);
            if !is_framing(&words) {
                return vec![Clause { words, framing: false }];
            }
            // "Using the cash flow statement, what is …?": the question follows its frame.
            let asks = words.iter().skip(1).position(|word| ASKING.contains(&word.as_str()));
            match asks {
                _ if !sentence.trim_end().ends_with('?') => vec![Clause { words, framing: true }],
                Some(before) => {
                    let (frame, asking) = words.split_at(before + 1);
                    vec![
                        Clause { words: frame.to_vec(), framing: true },
                        Clause { words: asking.to_vec(), framing: false },
                    ]
                }
                None => vec![Clause { words, framing: false }],
            }
        })
        .collect()
}

/// The words of a text in lower case: letters and digits, an ampersand between letters read as
/// part of the word, a possessive dropped.
pub(super) fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase().replace('’', "'");
    let parts = lower.split(|c: char| !(c.is_alphanumeric() || matches!(c, '&' | '\'')));
    let bare = parts.map(|part| {
        let part = part.trim_matches(['&', '\'']);
        part.strip_suffix("'s").unwrap_or(part).replace('\'', "")
    });
    bare.filter(|word| !word.is_empty()).collect()
}

/// Whether a word says something about what is asked.
pub(super) fn carries_meaning(word: &str) -> bool {
    let number = word.bytes().any(|byte| byte.is_ascii_digit());
    word.chars().count() > 1 && !number && !STOP_WORDS.contains(&word)
}

/// Splits at the ends of sentences; "10.5" and "U.S. sales" hold none.
fn sentences(question: &str) -> impl Iterator<Item = &str> {
    let mut rest = question;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let ends = rest.char_indices().zip(rest.chars().skip(1).map(Some).chain([None]));
        let end = ends
            .filter(|((_, c), next)| {
                matches!(c, '?' | '!' | '.' | ';') && next.is_none_or(char::is_whitespace)
            })
            .map(|((offset, _), _)| offset + 1)
            .find(|end| !rest[..*end].ends_with("U.S."))
            .unwrap_or(rest.len());
        let (sentence, left) = rest.split_at(end);
        rest = left;
        Some(sentence)
    })
}

fn is_framing(words: &[String]) -> bool {
    let first = words.first().map_or("", String::as_str);
    if first == "if" {
        // "If X is not a useful metric for a company like this, then please state that …"
        return words.iter().any(|word| matches!(word.as_str(), "state" | "explain"));
    }
    FRAMING.contains(&first)
}

/// Words that a question proper begins with.
const ASKING: [&str; 16] = [
    "what", "which", "how", "did", "does", "do", "is", "are", "was", "were", "has", "have", "who",
    "why", "when", "where",
];

/// Words that a sentence begins with which says how to answer.
const FRAMING: [&str; 30] = [
    "according",
    "address",
    "answer",
    "approach",
    "assume",
    "assuming",
    "base",
    "based",
    "basing",
    "by",
    "calculate",
    "compute",
    "considering",
    "from",
    "give",
    "given",
    "in",
    "please",
    "provide",
    "relying",
    "respond",
    "return",
    "round",
    "state",
    "use",
    "using",
    "we",
    "you",
    "here",
    "express",
];

const STOP_WORDS: [&str; 128] = [
    "about",
    "above",
    "according",
    "all",
    "also",
    "amount",
    "an",
    "and",
    "answer",
    "any",
    "approach",
    "approximately",
    "are",
    "as",
    "ask",
    "asked",
    "assume",
    "at",
    "based",
    "be",
    "been",
    "being",
    "between",
    "billion",
    "billions",
    "both",
    "but",
    "by",
    "calculate",
    "can",
    "clearly",
    "company",
    "compared",
    "compute",
    "could",
    "data",
    "decimal",
    "define",
    "defined",
    "details",
    "did",
    "do",
    "does",
    "during",
    "each",
    "either",
    "end",
    "ended",
    "exact",
    "explain",
    "explicitly",
    "fiscal",
    "following",
    "for",
    "formerly",
    "from",
    "fy",
    "give",
    "had",
    "has",
    "have",
    "here",
    "how",
    "if",
    "in",
    "information",
    "into",
    "is",
    "it",
    "its",
    "known",
    "like",
    "many",
    "me",
    "metric",
    "million",
    "millions",
    "more",
    "most",
    "much",
    "not",
    "number",
    "of",
    "on",
    "only",
    "or",
    "our",
    "outlined",
    "per",
    "place",
    "places",
    "please",
    "possible",
    "primarily",
    "provide",
    "provided",
    "question",
    "relevant",
    "report",
    "reported",
    "response",
    "round",
    "shown",
    "state",
    "tell",
    "than",
    "that",
    "the",
    "their",
    "then",
    "there",
    "they",
    "this",
    "to",
    "under",
    "units",
    "usd",
    "used",
    "using",
    "was",
    "we",
    "were",
    "what",
    "when",
    "where",
    "which",
    "why",
    "with",
];

#[cfg(test)]
mod tests {
    use super::{clauses, words};

    #[test]
    fn a_frame_is_told_from_the_question_behind_it() {
        let question = "Assume that you are an analyst. Using the balance sheet, what is the quick \
                        ratio? Round your answer to two decimal places.";
        let framing: Vec<bool> = clauses(question).iter().map(|clause| clause.framing).collect();
        assert_eq!(framing, [true, true, false, true]);
    }

    #[test]
    fn words_keep_their_ampersand_and_lose_their_possessive() {
        assert_eq!(words("AMEX's PP&E, R&D – and SG&A’s"), ["amex", "pp&e", "r&d", "and", "sg&a"]);
    }
}
