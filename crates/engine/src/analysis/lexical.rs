//! Which words two texts share: the comparison behind answers and their confidence.

use super::plan::{Plan, Term};

/// Words that may stand between two neighbouring words of a phrase.
const GAP_WORDS_MAX: usize = 1;

/// Words that say nothing about what a text is about, in questions and in documents.
const STOP_WORDS: [&str; 57] = [
    "a", "an", "and", "any", "are", "as", "at", "be", "been", "by", "can", "could", "did", "do",
    "does", "for", "from", "had", "has", "have", "how", "in", "into", "is", "it", "its", "made",
    "make", "makes", "many", "me", "much", "my", "of", "on", "or", "our", "spend", "spent", "that",
    "the", "their", "this", "to", "was", "were", "what", "when", "where", "which", "who", "whose",
    "why", "with", "would", "you", "your",
];

/// The words of a text in order, in lower case, without stop words and endings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Words(Vec<String>);

impl Words {
    /// Reads a text. Words are runs of letters and digits; "R&D", "U.S." and "1,577" are one each.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let mut words = Vec::new();
        let mut word = String::new();
        let mut run = 0;
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            if c.is_alphanumeric() {
                word.extend(c.to_lowercase());
                run += 1;
                continue;
            }
            let inside = run > 0 && rest.peek().is_some_and(|next| next.is_alphanumeric());
            let after_digit = word.ends_with(|c: char| c.is_ascii_digit());
            match c {
                '.' if inside && after_digit => word.push('.'),
                '.' if inside && run == 1 => {}
                ',' if inside && after_digit => {}
                '&' | '\'' | '’' if inside => {}
                _ => finish(&mut word, &mut words),
            }
            run = 0;
        }
        finish(&mut word, &mut words);
        Self(words)
    }

    /// Whether the phrase occurs: its words in order, at most one word between neighbours. An
    /// empty phrase never does.
    #[must_use]
    pub fn contains(&self, phrase: &Self) -> bool {
        self.find(phrase).is_some()
    }

    /// How many of these words belong to an occurrence of the phrase; 0 if there is none.
    #[must_use]
    pub fn matched(&self, phrase: &Self) -> usize {
        self.find(phrase).map_or(0, |_| phrase.0.len())
    }

    /// The words.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// How many words there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where the first occurrence of the phrase begins.
    fn find(&self, phrase: &Self) -> Option<usize> {
        let (first, others) = phrase.0.split_first()?;
        let starts = self.0.iter().enumerate().filter(|(_, word)| *word == first);
        starts.map(|(start, _)| start).find(|start| self.continues(start + 1, others))
    }

    /// Whether `others` follow from `at` on. The nearest match of each word is the best one: it
    /// leaves the most room for the next.
    fn continues(&self, mut at: usize, others: &[String]) -> bool {
        for word in others {
            let window = self.0.iter().skip(at).take(GAP_WORDS_MAX + 1);
            match window.into_iter().position(|candidate| candidate == word) {
                Some(gap) => at += gap + 1,
                None => return false,
            }
        }
        true
    }
}

/// A term of a plan, ready to be looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermPattern {
    name: String,
    phrases: Vec<Words>,
}

impl TermPattern {
    /// The pattern of a term; `None` if its phrases hold no words.
    #[must_use]
    pub fn of(term: &Term) -> Option<Self> {
        let words = term.phrases.iter().map(|phrase| Words::of(phrase));
        let phrases: Vec<Words> = words.filter(|words| !words.is_empty()).collect();
        let name = term.phrases.first()?.clone();
        (!phrases.is_empty()).then_some(Self { name, phrases })
    }

    /// The patterns of everything that an answer must speak of: the plan's terms, then the figures
    /// that no term means already.
    #[must_use]
    pub fn of_plan(plan: &Plan) -> Vec<Self> {
        let is_meant = |figure: &&Term| {
            let means = |term: &Term| figure.phrases.iter().all(|p| term.phrases.contains(p));
            plan.terms.iter().any(means)
        };
        let figures = plan.figures.iter().filter(|figure| !is_meant(figure));
        plan.terms.iter().chain(figures).filter_map(Self::of).collect()
    }

    /// The term in the question's own words.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many phrases mean the term.
    #[must_use]
    pub fn phrases(&self) -> usize {
        self.phrases.len()
    }

    /// Whether every phrase of the term is a part of these words.
    #[must_use]
    pub fn is_within(&self, words: &Words) -> bool {
        self.phrases.iter().all(|phrase| words.contains(phrase))
    }

    /// Whether one of the term's phrases occurs.
    #[must_use]
    pub fn occurs_in(&self, words: &Words) -> bool {
        self.phrases.iter().any(|phrase| words.contains(phrase))
    }

    /// The length in words of the longest phrase of the term that occurs; 0 if none does.
    #[must_use]
    pub fn matched_words(&self, words: &Words) -> usize {
        self.phrases.iter().map(|phrase| words.matched(phrase)).max().unwrap_or(0)
    }
}

/// Ends the word being read.
fn finish(word: &mut String, words: &mut Vec<String>) {
    let read = std::mem::take(word);
    if !read.is_empty() && !STOP_WORDS.contains(&read.as_str()) {
        words.push(stem(&read));
    }
}

/// Drops the endings that inflect a word, so that "purchases" and "purchased" are one. Lighter
/// than a stemmer: "operations" and "operating" stay apart, as they do in filings.
fn stem(word: &str) -> String {
    const SHORTEST: usize = 3;
    if word.chars().any(|c| c.is_ascii_digit()) || word.len() <= SHORTEST {
        return word.to_owned();
    }
    let mut stem = word.to_owned();
    if let Some(root) = stem.strip_suffix("ies") {
        stem = format!("{root}y");
    } else if stem.ends_with('s') && !["ss", "us", "is"].iter().any(|end| stem.ends_with(end)) {
        stem.pop();
    }
    for ending in ["ing", "ed"] {
        if let Some(root) = stem.strip_suffix(ending)
            && root.len() > SHORTEST
        {
            stem = root.to_owned();
        }
    }
    if stem.len() > SHORTEST && stem.ends_with('e') {
        stem.pop();
    }
    stem
}

#[cfg(test)]
mod tests {
    use super::Words;

    #[test]
    fn inflections_of_a_word_are_one_word() {
        for (one, other) in [
            ("Purchases of property, plant and equipment", "purchased property, plant, equipment"),
            ("R&D", "r&d"),
            ("U.S. sales", "us sale"),
            ("the Company’s employees", "company's employee"),
            ("expenditures", "Expenditure"),
            ("1,577", "1577"),
        ] {
            assert_eq!(Words::of(one), Words::of(other), "{one:?} and {other:?}");
        }
    }

    #[test]
    fn a_phrase_occurs_in_order_and_close_together() {
        let text = Words::of("Cash paid for purchases of property, plant and equipment (PP&E)");
        for phrase in ["property, plant and equipment", "purchase of plant", "PP&E"] {
            assert!(text.contains(&Words::of(phrase)), "{phrase:?}");
        }
        for phrase in ["equipment plant", "cash equipment", "goodwill", "the", ""] {
            assert!(!text.contains(&Words::of(phrase)), "{phrase:?}");
        }
    }
}
