//! What holds for every job, whatever is asked of it and however the clock jumps.

use std::time::Duration;

use contracts::event::{EventBody, OutputDelta, OutputReset};
use contracts::{JobState, Timestamp};
use engine::job::{Change, Job, Recorded, Refusal};
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq};
use proptest::{option, prop_oneof, proptest};

use crate::jobs::{
    CREATED_AT, Terms, answer, create, failure, identity, step_completed, step_skipped,
    step_started, worker,
};

/// What was asked of a job, and what became of it.
#[derive(Debug)]
struct Moment {
    before: Job,
    now: Timestamp,
    outcome: Result<Vec<Recorded>, Refusal>,
    after: Job,
}

/// One job's life.
#[derive(Debug)]
struct Life {
    log: Vec<Recorded>,
    moments: Vec<Moment>,
    job: Job,
}

fn live(terms: Terms, asked: Vec<(Change, i64)>) -> Life {
    let (mut job, created) = create(terms);
    let (mut log, mut moments, mut now_ms) = (vec![created], Vec::new(), CREATED_AT.as_millis());
    for (change, step_ms) in asked {
        now_ms += step_ms;
        let (before, now) = (job.clone(), Timestamp::from_millis(now_ms));
        let outcome = job.change(change, now);
        log.extend(outcome.iter().flatten().cloned());
        moments.push(Moment { before, now, outcome, after: job.clone() });
    }
    Life { log, moments, job }
}

fn any_life() -> impl Strategy<Value = Life> {
    let terms = (1u32..=4, 5i64..=120, option::of(1i64..=60)).prop_map(
        |(max_attempts, timeout_s, queue_timeout_s)| Terms {
            max_attempts,
            timeout_s,
            queue_timeout_s,
        },
    );
    // The clock of a store may jump back; the recorded times must not.
    let step_ms = prop_oneof![8 => 0i64..2_000, 2 => 0i64..40_000, 1 => -5_000i64..0];
    (terms, vec((any_change(), step_ms), 0..40)).prop_map(|(terms, asked)| live(terms, asked))
}

fn any_change() -> impl Strategy<Value = Change> {
    let delay =
        || prop_oneof![3 => 0u64..3_000, 1 => 0u64..200_000].prop_map(Duration::from_millis);
    prop_oneof![
        8 => (1u128..4, 1u32..3).prop_map(|(id, pipeline_version)| Change::Start {
            worker: worker(id),
            pipeline_version,
        }),
        1 => (1u128..4, 1u32..3).prop_map(|(id, pipeline_version)| Change::StartOver {
            worker: worker(id),
            pipeline_version,
        }),
        6 => any_work().prop_map(|events| Change::Work { events }),
        3 => (any_work(), delay()).prop_map(|(events, delay)| Change::Retry {
            events,
            error: failure(),
            delay,
        }),
        2 => (any_work(), delay()).prop_map(|(events, delay)| Change::Postpone {
            events,
            error: failure(),
            delay,
        }),
        1 => any_work().prop_map(|events| Change::Fail { events, error: failure() }),
        1 => (any_work(), "\\PC{0,9}")
            .prop_map(|(events, summary)| Change::Succeed { events, result: answer(&summary) }),
        2 => Just(Change::Release),
        2 => Just(Change::LoseLease),
        1 => Just(Change::RequestCancel { reason: None }),
        1 => Just(Change::ConfirmCancel),
        1 => Just(Change::PassDeadline),
    ]
}

fn any_work() -> impl Strategy<Value = Vec<EventBody>> {
    let delta = (0usize..50, "\\PC{0,5}")
        .prop_map(|(offset, text)| EventBody::OutputDelta(OutputDelta { offset, text }));
    let event = prop_oneof![
        Just(step_started()),
        Just(step_completed()),
        Just(step_skipped()),
        delta,
        Just(EventBody::OutputReset(OutputReset { reason: "again".to_owned() })),
    ];
    vec(event, 0..3)
}

fn is_terminal(event: &Recorded) -> bool {
    EventBody::TERMINAL_TYPES.contains(&event.body.kind())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn versions_are_1_to_n_and_times_never_decrease(life in any_life()) {
        let versions: Vec<u64> = life.log.iter().map(|event| event.version).collect();
        prop_assert_eq!(versions, (1..=life.job.version).collect::<Vec<_>>());
        prop_assert!(life.log.is_sorted_by_key(|event| event.time));
        prop_assert!(life.log.is_sorted_by_key(|event| event.attempt));
    }

    #[test]
    fn the_row_is_the_fold_of_its_log(life in any_life()) {
        let mut replayed = Job::replay(identity(), &life.log).unwrap();
        // The log does not say how many writes a claim has made.
        replayed.write_no = life.job.write_no;
        prop_assert_eq!(replayed, life.job);
    }

    #[test]
    fn a_log_ends_once_and_nothing_follows(life in any_life()) {
        let end = life.log.iter().position(is_terminal);
        prop_assert_eq!(end, life.job.is_ended().then(|| life.log.len() - 1));
    }

    #[test]
    fn a_refused_change_leaves_the_job_untouched(life in any_life()) {
        for moment in life.moments.iter().filter(|moment| moment.outcome.is_err()) {
            prop_assert_eq!(&moment.before, &moment.after);
        }
    }

    #[test]
    fn the_parts_of_the_timeline_add_up_to_the_age(life in any_life(), later_ms in 0i64..90_000) {
        for Moment { after: job, now, .. } in &life.moments {
            let now = now.max(&job.last_event_at).as_millis() + later_ms;
            let now = Timestamp::from_millis(now);
            let spent = job.timeline(now);
            let age_ms = job.finished_at().unwrap_or(now).millis_since(job.created_at);
            prop_assert_eq!(spent.queued_ms + spent.running_ms + spent.backoff_ms, age_ms);
        }
    }

    #[test]
    fn an_epoch_has_one_holder(life in any_life()) {
        let mut holders = std::collections::BTreeMap::new();
        for Moment { before, after, .. } in &life.moments {
            prop_assert!(before.epoch <= after.epoch);
            if let Some(worker) = after.state.worker() {
                prop_assert_eq!(*holders.entry(after.epoch).or_insert(worker), worker);
                let claimed = before.state.worker().is_none();
                prop_assert!(!claimed || before.epoch < after.epoch);
            }
        }
    }

    #[test]
    fn only_cancelled_follows_cancelling(life in any_life()) {
        for Moment { before, after, .. } in &life.moments {
            if before.state.name() == JobState::Cancelling && before.state != after.state {
                prop_assert_eq!(after.state.name(), JobState::Cancelled);
            }
        }
    }

    #[test]
    fn a_job_fails_at_most_as_often_as_it_may(life in any_life()) {
        let failed = life.log.iter().filter(|event| event.body.kind() == "job.attempt_failed");
        prop_assert_eq!(failed.count(), usize::try_from(life.job.failures).unwrap());
        prop_assert!(life.job.failures <= life.job.max_attempts);
    }

    #[test]
    fn a_job_that_waits_out_an_outage_counts_no_failure_and_begins_no_earlier(life in any_life()) {
        for Moment { before, outcome, after, .. } in &life.moments {
            let until = |event: &Recorded| {
                let EventBody::JobRequeued(data) = &event.body else { return None };
                data.next_attempt_at
            };
            let waits = outcome.iter().flatten().find_map(until);
            if let Some(until) = waits {
                prop_assert_eq!(after.failures, before.failures);
                prop_assert!(after.crash_count <= before.crash_count);
                prop_assert_eq!(after.epoch, before.epoch);
                prop_assert!(!after.is_due(Timestamp::from_millis(until.as_millis() - 1)));
                prop_assert_eq!(after.is_due(until), until < after.deadline_at);
            }
        }
    }

    #[test]
    fn no_attempt_is_put_off_to_the_deadline_or_begins_after_it(life in any_life()) {
        for event in &life.log {
            if let EventBody::JobAttemptFailed(failed) = &event.body {
                prop_assert_eq!(failed.will_retry, failed.next_attempt_at.is_some());
                prop_assert!(failed.next_attempt_at.is_none_or(|at| at < life.job.deadline_at));
            } else if let EventBody::JobStarted(_) = &event.body {
                prop_assert!(event.time < life.job.deadline_at);
            }
        }
    }

    #[test]
    fn every_job_ends_when_its_deadline_is_noticed(life in any_life(), late_ms in 0i64..1_000) {
        let mut job = life.job;
        let late = Timestamp::from_millis(job.deadline_at.as_millis() + late_ms);
        prop_assert!(job.change(Change::PassDeadline, late).is_ok());
        prop_assert!(job.is_ended());
    }

    #[test]
    fn an_answer_is_in_its_event_where_it_fits_and_the_event_says_so(chars in 0usize..20_000) {
        let (mut job, _) = create(Terms { max_attempts: 1, timeout_s: 9, queue_timeout_s: None });
        let start = Change::Start { worker: worker(1), pipeline_version: 1 };
        job.change(start, CREATED_AT).unwrap();
        let succeed = Change::Succeed { events: vec![], result: answer(&"€".repeat(chars)) };
        let recorded = job.change(succeed, CREATED_AT).unwrap();
        let [Recorded { body: EventBody::JobSucceeded(data), .. }] = &recorded[..] else {
            return Err(proptest::test_runner::TestCaseError::fail("not one job.succeeded"));
        };
        prop_assert_eq!(data.result.is_none(), data.result_omitted);
        let bytes = serde_json::to_vec(data).unwrap().len();
        prop_assert!(bytes + 1_000 <= contracts::limits::EVENT_BYTES_MAX);
        prop_assert!(chars > 4_000 || !data.result_omitted);
    }

    #[test]
    fn a_log_with_a_hole_is_not_replayed(life in any_life(), at in any::<proptest::sample::Index>()) {
        let mut log = life.log;
        let hole = at.index(log.len());
        log.remove(hole);
        // Without its last event a log is a log still.
        prop_assert!(hole == log.len() && hole > 0 || Job::replay(identity(), &log).is_err());
    }
}
