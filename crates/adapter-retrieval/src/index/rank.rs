use engine::analysis::Plan;
use engine::ports::RetrievedPassage;

use super::schema::Candidate;

pub(super) fn rank(
    mut candidates: Vec<Candidate>,
    _plan: &Plan,
    limit: usize,
) -> Vec<RetrievedPassage> {
    candidates.sort_by(|a, b| {
        b.passage.score.total_cmp(&a.passage.score).then(a.ordinal.cmp(&b.ordinal))
    });
    candidates.into_iter().take(limit).map(|candidate| candidate.passage).collect()
}
