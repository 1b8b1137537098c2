//! The arithmetic of an evaluation. Pure.

use std::time::Duration;

/// Results among which evidence is looked for.
pub const CUTOFFS: [usize; 5] = [1, 3, 5, 10, 20];
/// Results of one question that are looked at.
pub const RESULTS_MAX: usize = CUTOFFS[CUTOFFS.len() - 1];

/// A page of a filing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The filing.
    pub doc: String,
    /// The page, from 1.
    pub page: u32,
}

/// The results of a question: the pages of what was found, best first, each once, at the place of
/// its best passage; [`RESULTS_MAX`] at the most.
pub fn results(found: impl IntoIterator<Item = Place>) -> Vec<Place> {
    let mut results = Vec::with_capacity(RESULTS_MAX);
    for place in found {
        if results.len() < RESULTS_MAX && !results.contains(&place) {
            results.push(place);
        }
    }
    results
}

/// The rank, from 1, of the first result that is evidence.
#[must_use]
pub fn first_rank(results: &[Place], evidence: &[Place]) -> Option<usize> {
    results.iter().position(|place| evidence.contains(place)).map(|index| index + 1)
}

/// How well a set of questions did.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// How many questions there are.
    pub questions: usize,
    /// For each of [`CUTOFFS`], the share of questions with evidence among so many results.
    pub recall: [f64; CUTOFFS.len()],
    /// The mean of `1 / rank` of the first evidence, 0 for a question without evidence among
    /// [`RESULTS_MAX`] results.
    pub mrr: f64,
}

impl Score {
    /// The score of questions by the rank of their first evidence; all 0 if there are none.
    #[must_use]
    pub fn of(ranks: &[Option<usize>]) -> Self {
        let questions = ranks.len();
        let mean = |sum: f64| sum / questions.max(1) as f64;
        let within =
            |cutoff: usize| ranks.iter().flatten().filter(|rank| **rank <= cutoff).count() as f64;
        let reciprocal = ranks.iter().flatten().map(|rank| 1.0 / *rank as f64);
        Self {
            questions,
            recall: CUTOFFS.map(|cutoff| mean(within(cutoff))),
            mrr: mean(reciprocal.sum()),
        }
    }
}

/// The shortest of the times that `share` of all do not exceed (nearest rank); zero if there are
/// none.
#[must_use]
pub fn percentile(times: &[Duration], share: f64) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    let rank = (share * times.len() as f64).ceil() as usize;
    times.get(rank.max(1) - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Place, Score, first_rank, percentile, results};

    fn place(doc: &str, page: u32) -> Place {
        Place { doc: doc.to_owned(), page }
    }

    #[test]
    fn a_page_counts_once_at_its_best_passage() {
        let found = [place("a", 1), place("a", 1), place("b", 1), place("a", 1), place("a", 2)];
        assert_eq!(results(found), [place("a", 1), place("b", 1), place("a", 2)]);
        assert_eq!(results((1..100).map(|page| place("a", page))).len(), 20);
    }

    #[test]
    fn the_first_evidence_decides() {
        let results = [place("a", 1), place("b", 7), place("a", 7)];
        assert_eq!(first_rank(&results, &[place("a", 7), place("b", 7)]), Some(2));
        assert_eq!(first_rank(&results, &[place("c", 1)]), None);
    }

    #[test]
    fn a_score_is_what_is_computed_by_hand() {
        // Ranks 1, 2, 4 and none: of four questions, one is first, two within 3, three within 5.
        let score = Score::of(&[Some(1), Some(4), None, Some(2)]);
        assert_eq!(score.recall, [0.25, 0.5, 0.75, 0.75, 0.75]);
        // (1 + 1/4 + 0 + 1/2) / 4
        assert!((score.mrr - 0.4375).abs() < 1e-12);
        assert_eq!(Score::of(&[]).recall, [0.0; 5]);
        assert_eq!(Score::of(&[Some(20), Some(10)]).recall, [0.0, 0.0, 0.0, 0.5, 1.0]);
    }

    #[test]
    fn a_percentile_is_a_time_that_was_measured() {
        let times: Vec<_> = (1..=20).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&times, 0.5), Duration::from_millis(10));
        assert_eq!(percentile(&times, 0.95), Duration::from_millis(19));
        assert_eq!(percentile(&times[..1], 0.95), Duration::from_millis(20));
        assert_eq!(percentile(&[], 0.5), Duration::ZERO);
    }
}
