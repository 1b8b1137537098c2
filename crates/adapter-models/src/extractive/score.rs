//! How well a unit answers a question.

use std::collections::BTreeSet;

use engine::analysis::lexical::Words;
use engine::ports::RetrievedPassage;

use super::line::{is_figure, is_year};
use super::question::Question;
use super::sentence::ends_sentence;
use super::unit::{Unit, UnitKind};

/// What a term counts that documents have several words for.
const KNOWN_TERM_FACTOR: f64 = 2.0;
/// What a term counts that stands over a unit instead of in it.
const CONTEXT_SHARE: f64 = 0.4;
/// A unit whose words are half about something else answers less well.
const PRECISION_WEIGHT: f64 = 0.4;
/// The year that is asked about, among the unit's columns or words; taken off where there are
/// only others.
const YEAR_WEIGHT: f64 = 0.4;
/// A figure where one is asked for; taken off where there is none.
const FIGURE_WEIGHT: f64 = 0.5;
/// A row rather than a sentence, where a figure is asked for.
const ROW_WEIGHT: f64 = 0.3;
/// The financial statement that prints what is asked.
const STATEMENT_WEIGHT: f64 = 0.25;
/// Taken off running text that ends no sentence: it is often the head of a table, torn apart.
const UNFINISHED_WEIGHT: f64 = 0.4;
/// The retriever's own opinion of the passage.
const PASSAGE_WEIGHT: f64 = 0.25;
/// Words of a sentence that are few enough to be read at once.
const SENTENCE_WORDS: f64 = 30.0;

/// A unit with what it says and how well it answers.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) unit: Unit,
    /// Its words: equal words say the same.
    pub(super) words: Words,
    /// The question's terms that it holds itself, as indexes.
    pub(super) terms: BTreeSet<usize>,
    /// The question's terms that stand over it.
    pub(super) terms_above: BTreeSet<usize>,
    /// The question's years that it names, or its columns do, as indexes.
    pub(super) years: BTreeSet<usize>,
    /// Whether it names any year, or its columns do.
    pub(super) names_years: bool,
    /// Whether it stands in a financial statement that prints what is asked.
    pub(super) is_in_statement: bool,
    /// Higher is better.
    pub(super) score: f64,
}

/// The units that speak of what is asked, best first; equal ones in the order of the passages.
pub(super) fn candidates(
    question: &Question,
    passages: &[RetrievedPassage],
    units: Vec<Unit>,
) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> =
        units.into_iter().map(|unit| read(question, &passages[unit.passage], unit)).collect();
    let weights = term_weights(question, &candidates);
    for candidate in &mut candidates {
        let passage = &passages[candidate.unit.passage];
        // The form of an answer is worth nothing to a unit that speaks of something else.
        candidate.score = wording(question, candidate, &weights)
            * (1.0
                + form(question, candidate, &passage.text)
                + PASSAGE_WEIGHT * passage_score(passages, candidate.unit.passage));
    }
    candidates.retain(|candidate| !candidate.terms.is_empty());
    candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
    candidates
}

/// Finds the question's terms and years in a unit and in what stands over it.
fn read(question: &Question, passage: &RetrievedPassage, unit: Unit) -> Candidate {
    let text = &passage.text;
    let own = &text[unit.place.clone()];
    let mut above = passage.above().join("\n");
    if let UnitKind::Row { head, group } = &unit.kind {
        for place in head.iter().chain(group) {
            above.push('\n');
            above.push_str(&text[place.clone()]);
        }
    }
    let (words, words_above) = (Words::of(own), Words::of(&above));
    let holding = |words: &Words| -> BTreeSet<usize> {
        let terms = question.terms.iter().enumerate();
        terms.filter(|(_, term)| term.occurs_in(words)).map(|(index, _)| index).collect()
    };
    let terms = holding(&words);
    let terms_above = holding(&words_above).difference(&terms).copied().collect();
    let years = question.years.iter().enumerate();
    let years = years.filter(|(_, year)| own.contains(*year) || above.contains(*year));
    let years = years.map(|(index, _)| index).collect();
    let names_years = own.split_whitespace().chain(above.split_whitespace()).any(is_year);
    let is_in_statement =
        question.statements.iter().any(|statement| statement.occurs_in(&words_above));
    Candidate { unit, words, terms, terms_above, years, names_years, is_in_statement, score: 0.0 }
}

/// How much each term counts: one that documents have several words for is what accounts are
/// about, and rare ones say more. They add up to 1.
#[expect(clippy::cast_precision_loss, reason = "counts of units are small")]
fn term_weights(question: &Question, candidates: &[Candidate]) -> Vec<f64> {
    let weight = |term: usize| {
        let holding = candidates.iter().filter(|candidate| candidate.terms.contains(&term));
        let rarity = (1.0 + candidates.len() as f64 / (1.0 + holding.count() as f64)).ln();
        let is_known = question.terms[term].phrases() > 1;
        if is_known { KNOWN_TERM_FACTOR * rarity } else { rarity }
    };
    let weights: Vec<f64> = (0..question.terms.len()).map(weight).collect();
    let sum: f64 = weights.iter().sum();
    weights.into_iter().map(|weight| weight / sum).collect()
}

/// How far the unit speaks of what is asked, and of nothing else.
#[expect(clippy::cast_precision_loss, reason = "counts of words are small")]
fn wording(question: &Question, candidate: &Candidate, weights: &[f64]) -> f64 {
    let sum = |terms: &BTreeSet<usize>| terms.iter().map(|term| weights[*term]).sum::<f64>();
    let said: usize = candidate
        .terms
        .iter()
        .map(|term| question.terms[*term].matched_words(&candidate.words))
        .sum();
    let precision = match candidate.unit.kind {
        UnitKind::Row { .. } => {
            let is_word = |word: &&str| word.contains(char::is_alphabetic) && *word != "total";
            said as f64 / candidate.words.iter().filter(is_word).count().max(1) as f64
        }
        UnitKind::Sentence => SENTENCE_WORDS / (candidate.words.len() as f64).max(SENTENCE_WORDS),
    };
    sum(&candidate.terms)
        + CONTEXT_SHARE * sum(&candidate.terms_above)
        + PRECISION_WEIGHT * precision.min(1.0) * sum(&candidate.terms)
}

/// Whether the unit has the form of an answer: the year, and a figure where one is asked for.
#[expect(clippy::cast_precision_loss, reason = "counts of years are small")]
fn form(question: &Question, candidate: &Candidate, text: &str) -> f64 {
    let mut score = 0.0;
    if !question.years.is_empty() {
        let share = candidate.years.len() as f64 / question.years.len() as f64;
        let names_others = candidate.years.is_empty() && candidate.names_years;
        score += YEAR_WEIGHT * if names_others { -1.0 } else { share };
    }
    let own = &text[candidate.unit.place.clone()];
    let has_figure = own.split_whitespace().any(|word| {
        let word = word.trim_end_matches(['.', ',', ';', ':']);
        word.contains(|c: char| c.is_ascii_digit()) && is_figure(word) && !is_year(word)
    });
    if question.wants_figure {
        score += if has_figure { FIGURE_WEIGHT } else { -FIGURE_WEIGHT };
    }
    if candidate.is_in_statement {
        score += STATEMENT_WEIGHT;
    }
    match candidate.unit.kind {
        UnitKind::Row { .. } if question.wants_figure => score += ROW_WEIGHT,
        UnitKind::Row { .. } => score -= ROW_WEIGHT,
        UnitKind::Sentence if ends_sentence(own) => {}
        UnitKind::Sentence => score -= UNFINISHED_WEIGHT,
    }
    score
}

/// The passage's score among the others', 0 to 1; its rank where scores cannot be compared.
#[expect(clippy::cast_precision_loss, reason = "ranks are small")]
fn passage_score(passages: &[RetrievedPassage], index: usize) -> f64 {
    let best = passages.iter().map(|passage| passage.score).fold(0.0, f64::max);
    let share = passages[index].score / best;
    if share.is_finite() { share.clamp(0.0, 1.0) } else { 1.0 / (1.0 + index as f64) }
}
