//! When it makes sense to ask about a job again.

use std::ops::RangeInclusive;

use contracts::{Job, JobState, Timestamp};

/// Seconds between two questions about one job.
const PAUSE_S: RangeInclusive<u64> = 1..=30;

/// Seconds after which a job that has not ended is worth another look: a tenth of the time that
/// it has taken so far, so that whoever keeps to it learns of the end at most a tenth late and
/// asks about a long job seldom. A job that backs off is not looked at before its next attempt,
/// one that is being cancelled at once; after the deadline every job has ended.
pub(crate) fn retry_after_s(job: &Job) -> u64 {
    let taken_ms = job.timeline.queued_ms + job.timeline.running_ms + job.timeline.backoff_ms;
    let now = Timestamp::from_millis(job.created_at.as_millis().saturating_add_unsigned(taken_ms));
    let until = |time: Timestamp| time.millis_since(now).div_ceil(1_000);
    let pause = match job.state {
        JobState::Retrying => job.next_attempt_at.map_or(0, until),
        JobState::Queued | JobState::Running => taken_ms / 10_000,
        JobState::Cancelling
        | JobState::Succeeded
        | JobState::Failed
        | JobState::TimedOut
        | JobState::Expired
        | JobState::Cancelled => 0,
    };
    pause.min(until(job.deadline_at)).clamp(*PAUSE_S.start(), *PAUSE_S.end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A job in this state that was created so many seconds ago, with an hour to go at first.
    fn job(state: &str, seconds_ago: u64, next_attempt_s: Option<i64>) -> Job {
        let at = |s: i64| Timestamp::from_millis(1_795_363_200_000 + s * 1_000);
        let id = contracts::JobId::new();
        let value = json!({
            "id": id, "state": state, "version": 1, "company_name": "3M", "question": "?",
            "created_at": at(0), "deadline_at": at(3_600), "attempt": 0, "failures": 0,
            "max_attempts": 5, "attempts": [], "steps": [], "labels": {},
            "next_attempt_at": next_attempt_s.map(|s| at(seconds_ago as i64 + s)),
            "usage": {"model_calls": 0, "tool_calls": 0, "input_tokens": 0, "output_tokens": 0,
                      "cost_usd": 0.0},
            "timeline": {"queued_ms": seconds_ago * 1_000, "running_ms": 0, "backoff_ms": 0},
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
            "links": contracts::job::Links::of(id),
        });
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_job_is_asked_about_a_tenth_of_its_age_later() {
        for (ago, pause) in
            [(0, 1), (9, 1), (45, 4), (250, 25), (3_000, 30), (3_590, 10), (3_600, 1)]
        {
            for state in ["queued", "running"] {
                assert_eq!(retry_after_s(&job(state, ago, None)), pause, "{state} {ago}");
            }
            assert_eq!(retry_after_s(&job("cancelling", ago, None)), 1);
        }
    }

    #[test]
    fn a_job_that_backs_off_is_asked_about_at_its_next_attempt() {
        for (next, pause) in [(0, 1), (7, 7), (300, 30)] {
            assert_eq!(retry_after_s(&job("retrying", 20, Some(next))), pause);
        }
    }
}
