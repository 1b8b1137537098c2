//! Which units make the answer.

use std::collections::BTreeSet;

use super::question::Question;
use super::score::Candidate;

/// Units in an answer, at the most.
const UNITS_MAX: usize = 4;
/// Units of an answer in words, which completes itself less often than a figure.
const UNITS_IN_WORDS: usize = 3;
/// The share of the terms that the chosen units must speak of, themselves or by what stands over
/// them.
const COVERAGE_MIN: f64 = 0.5;
/// What a unit that adds a term must score, as a share of the best unit's score.
const COMPLETING_SHARE: f64 = 0.45;
/// What a unit that adds nothing but its words must score, as a share of the best unit's score.
const SUPPORTING_SHARE: f64 = 0.75;

/// The best unit and those that complete it, best first; none if together they say too little.
///
/// A unit that speaks of a term or year that the better ones leave out joins if it answers about
/// half as well as the best. An answer in words takes others that are nearly as good; a figure
/// that covers the question stands alone.
pub(super) fn choose(question: &Question, candidates: Vec<Candidate>) -> Vec<Candidate> {
    let mut candidates = candidates.into_iter();
    let Some(best) = candidates.next() else { return Vec::new() };
    let best_score = best.score;
    let mut terms = best.terms.clone();
    let mut years = best.years.clone();
    let mut chosen = vec![best];
    for candidate in candidates {
        if chosen.len() == UNITS_MAX {
            break;
        }
        let adds = !candidate.terms.is_subset(&terms) || !candidate.years.is_subset(&years);
        let supports = !question.wants_figure && chosen.len() < UNITS_IN_WORDS;
        let share = match (adds, supports) {
            (true, _) => COMPLETING_SHARE,
            (false, true) => SUPPORTING_SHARE,
            (false, false) => continue,
        };
        let repeats = chosen.iter().any(|other| other.words == candidate.words);
        if repeats || candidate.score < share * best_score {
            continue;
        }
        terms.extend(&candidate.terms);
        years.extend(&candidate.years);
        chosen.push(candidate);
    }
    if says_enough(question, &chosen) { chosen } else { Vec::new() }
}

/// Whether the units speak of enough of what is asked to be an answer.
#[expect(clippy::cast_precision_loss, reason = "counts of terms are small")]
fn says_enough(question: &Question, chosen: &[Candidate]) -> bool {
    let terms = chosen.iter().flat_map(|unit| unit.terms.union(&unit.terms_above));
    let covered: BTreeSet<usize> = terms.copied().collect();
    covered.len() as f64 >= COVERAGE_MIN * question.terms.len() as f64
}
