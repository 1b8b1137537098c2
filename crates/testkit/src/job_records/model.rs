//! Any calls, in any order, of workers that keep to the workflow: no record breaks a rule.

use std::sync::Arc;
use std::time::Duration;

use contracts::{JobId, WorkerId};
use engine::job::Change;
use proptest::prelude::{Just, prop_oneof};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Handle;

use super::JobRecordsHarness;
use super::honest::HonestWorker;
use super::pages::assert_sound;
use crate::build::{new_job, problem};
use crate::job_store::given::Given;

/// Cases, each with a store of its own.
const CASES: u32 = 24;

pub async fn any_calls_of_honest_workers_leave_records_that_break_no_rule(
    harness: &dyn JobRecordsHarness,
) {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let calls = proptest::collection::vec(call(), 1..60);
    let runtime = Handle::current();
    let outcome = tokio::task::block_in_place(|| {
        TestRunner::new(config).run(&calls, |calls| {
            runtime.block_on(check(harness, &calls));
            Ok(())
        })
    });
    outcome.expect("every case leaves sound records");
}

async fn check(harness: &dyn JobRecordsHarness, calls: &[Call]) {
    let another = harness.another().await;
    let mut case = Case::new(Given::new(another.jobs())).await;
    for call in calls {
        case.make(call).await;
    }
    assert_sound(another.records().as_ref()).await;
}

/// A call, on one of the few jobs and by one of the few workers of a case.
#[derive(Debug, Clone)]
enum Call {
    Submit { timeout_s: u64, queue_timeout_s: Option<u64>, max_attempts: u32 },
    Claim { job: usize, worker: usize },
    Advance { job: usize },
    Ask { job: usize, change: Asked },
    Cancel { job: usize },
    Get { job: usize },
    Pass { ms: u64 },
    Sweep,
}

#[derive(Debug, Clone, Copy)]
enum Asked {
    Retry,
    Postpone,
    Fail,
    Release,
    ConfirmCancel,
    PassDeadline,
}

fn call() -> impl Strategy<Value = Call> {
    let job = || 0..4_usize;
    let change = prop_oneof![
        3 => Just(Asked::Retry),
        2 => Just(Asked::Postpone),
        1 => Just(Asked::Fail),
        2 => Just(Asked::Release),
        2 => Just(Asked::ConfirmCancel),
        1 => Just(Asked::PassDeadline),
    ];
    prop_oneof![
        2 => (5..120_u64, proptest::option::of(1..60_u64), 1..4_u32).prop_map(
            |(timeout_s, queue_timeout_s, max_attempts)| Call::Submit {
                timeout_s, queue_timeout_s, max_attempts,
            }
        ),
        6 => (job(), 0..2_usize).prop_map(|(job, worker)| Call::Claim { job, worker }),
        16 => job().prop_map(|job| Call::Advance { job }),
        4 => (job(), change).prop_map(|(job, change)| Call::Ask { job, change }),
        1 => job().prop_map(|job| Call::Cancel { job }),
        2 => job().prop_map(|job| Call::Get { job }),
        3 => (0..8_000_u64).prop_map(|ms| Call::Pass { ms }),
        3 => Just(Call::Sweep),
    ]
}

/// A job of a case, with the newest claim of it that was answered.
struct Known {
    id: JobId,
    worker: Option<HonestWorker>,
}

struct Case<'h> {
    given: Given<'h>,
    workers: [WorkerId; 2],
    jobs: Vec<Known>,
}

impl<'h> Case<'h> {
    async fn new(given: Given<'h>) -> Self {
        let jobs = vec![Known { id: given.queued().await, worker: None }];
        Self { given, workers: [WorkerId::new(), WorkerId::new()], jobs }
    }

    async fn make(&mut self, call: &Call) {
        let Self { given, workers, jobs } = self;
        let count = jobs.len();
        match *call {
            Call::Submit { timeout_s, queue_timeout_s, max_attempts } => {
                let mut new = new_job(&given.tenant);
                new.timeout = Duration::from_secs(timeout_s);
                new.queue_timeout = queue_timeout_s.map(Duration::from_secs);
                new.submission.max_attempts = Some(max_attempts);
                jobs.push(Known { id: given.accepted(new).await.job.id, worker: None });
            }
            Call::Claim { job, worker } => {
                let known = &mut jobs[job % count];
                let store = Arc::clone(&given.store);
                let claimed = HonestWorker::claim(store, known.id, workers[worker]).await;
                known.worker = claimed.or(known.worker.take());
            }
            Call::Advance { job } => {
                if let Some(worker) = &mut jobs[job % count].worker {
                    worker.advance().await;
                }
            }
            Call::Ask { job, change } => {
                if let Some(worker) = &mut jobs[job % count].worker {
                    worker.ask(asked(change)).await;
                }
            }
            Call::Cancel { job } => {
                let id = jobs[job % count].id;
                given.store.cancel(&given.tenant, id, None).await.expect("asked");
            }
            Call::Get { job } => drop(given.snapshot(jobs[job % count].id).await),
            Call::Pass { ms } => given.pass(Duration::from_millis(ms)).await,
            Call::Sweep => drop(given.sweep().await),
        }
    }
}

fn asked(change: Asked) -> Change {
    match change {
        Asked::Retry => {
            let delay = Duration::from_secs(3);
            Change::Retry { events: Vec::new(), error: problem(), delay }
        }
        Asked::Postpone => {
            let delay = Duration::from_secs(40);
            Change::Postpone { events: Vec::new(), error: problem(), delay }
        }
        Asked::Fail => Change::Fail { events: Vec::new(), error: problem() },
        Asked::Release => Change::Release,
        Asked::ConfirmCancel => Change::ConfirmCancel,
        Asked::PassDeadline => Change::PassDeadline,
    }
}
