//! What each attempt spent: stores keep what the job had spent when it began.

use contracts::job::{Attempt, Usage};

/// A job's attempts, oldest first, each with what it spent: from what the job had spent when it
/// began to what it had when the next one did, or to all that it spent. An attempt has none where
/// one of the two is not known.
#[must_use]
pub fn spent_each(attempts: Vec<(Attempt, Option<Usage>)>, total: Usage) -> Vec<Attempt> {
    let mut until = Some(total);
    let mut settled: Vec<Attempt> = Vec::with_capacity(attempts.len());
    for (attempt, before) in attempts.into_iter().rev() {
        let usage = until.zip(before).map(|(until, before)| until.since(before));
        settled.push(Attempt { usage, ..attempt });
        until = before;
    }
    settled.reverse();
    settled
}

#[cfg(test)]
mod tests {
    use contracts::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn attempt(attempt: u32) -> Attempt {
        Attempt {
            attempt,
            started_at: Timestamp::from_millis(0),
            finished_at: None,
            outcome: None,
            error: None,
            requeue_reason: None,
            usage: None,
        }
    }

    fn tokens(input_tokens: u64) -> Usage {
        Usage { input_tokens, ..Usage::default() }
    }

    #[test]
    fn an_attempt_of_an_earlier_release_has_none_and_neither_has_the_one_before_it() {
        let before = [Some(tokens(0)), None, Some(tokens(30)), Some(tokens(50))];
        let attempts = before.into_iter().zip(1..).map(|(before, n)| (attempt(n), before));
        let settled = spent_each(attempts.collect(), tokens(60));
        let spent: Vec<_> = settled.iter().map(|attempt| attempt.usage).collect();
        assert_eq!(spent, [None, None, Some(tokens(20)), Some(tokens(10))]);
        assert_eq!(settled.iter().map(|attempt| attempt.attempt).collect::<Vec<_>>(), [1, 2, 3, 4]);
    }

    proptest! {
        #[test]
        fn attempts_add_up_to_the_job(spent in proptest::collection::vec((0u64..1_000, 0u32..1_000), 1..6)) {
            let usage = |(input_tokens, milli): (u64, u32)| Usage {
                cost_usd: f64::from(milli) / 1_000.0,
                ..tokens(input_tokens)
            };
            let mut total = Usage::default();
            let mut attempts = Vec::new();
            for (n, spent) in (1..).zip(&spent) {
                attempts.push((attempt(n), Some(total)));
                total = total.plus(usage(*spent));
            }
            for (attempt, spent) in spent_each(attempts, total).iter().zip(spent) {
                prop_assert_eq!(attempt.usage, Some(usage(spent)));
            }
        }
    }
}
