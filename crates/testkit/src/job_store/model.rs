//! Random calls, as workers, clients and sweeps make them, right and wrong ones.

use std::time::Duration;

use contracts::event::{StepFailed, StepKind};
use contracts::job::Usage;
use contracts::{EventBody, JobId, WorkerId};
use engine::job::Change;
use engine::ports::{Fence, JobStore, Write, Written};
use proptest::prelude::{Just, any, prop_oneof};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Handle;

use super::JobStoreHarness;
use super::given::{Given, PIPELINE, work};
use super::invariants::assert_sound;
use crate::build::{new_job, problem, result, step_completed, step_record, step_started};

/// Cases, each with a store of its own.
const CASES: u32 = 24;

pub async fn any_calls_leave_rows_that_their_logs_describe(harness: &dyn JobStoreHarness) {
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let calls = proptest::collection::vec(call(), 1..60);
    let runtime = Handle::current();
    let outcome = tokio::task::block_in_place(|| {
        TestRunner::new(config).run(&calls, |calls| {
            runtime.block_on(check(harness, &calls));
            Ok(())
        })
    });
    outcome.expect("every case leaves sound jobs");
}

async fn check(harness: &dyn JobStoreHarness, calls: &[Call]) {
    let fresh = harness.fresh().await;
    let ids = make(fresh.as_ref(), calls).await;
    let given = Given::new(fresh.as_ref());
    for id in ids {
        assert_sound(&given, id).await;
    }
}

/// A call, on one of the few jobs and by one of the few workers of a case.
#[derive(Debug, Clone)]
enum Call {
    Submit { timeout_s: u64, queue_timeout_s: Option<u64>, max_attempts: u32 },
    Claim { job: usize, worker: usize },
    Write { job: usize, kind: WriteKind, is_repeated: bool },
    Cancel { job: usize },
    Get { job: usize },
    Pass { ms: u64 },
    Renew { worker: usize },
    Sweep,
}

#[derive(Debug, Clone, Copy)]
enum WriteKind {
    Step,
    Checkpoint,
    Retry,
    Postpone,
    Fail,
    Succeed,
    Release,
    ConfirmCancel,
    PassDeadline,
}

fn call() -> impl Strategy<Value = Call> {
    let job = || 0..4_usize;
    let kind = prop_oneof![
        Just(WriteKind::Step),
        Just(WriteKind::Checkpoint),
        Just(WriteKind::Retry),
        Just(WriteKind::Postpone),
        Just(WriteKind::Fail),
        Just(WriteKind::Succeed),
        Just(WriteKind::Release),
        Just(WriteKind::ConfirmCancel),
        Just(WriteKind::PassDeadline),
    ];
    prop_oneof![
        2 => (5..120_u64, proptest::option::of(1..60_u64), 1..4_u32).prop_map(
            |(timeout_s, queue_timeout_s, max_attempts)| Call::Submit {
                timeout_s, queue_timeout_s, max_attempts,
            }
        ),
        6 => (job(), 0..2_usize).prop_map(|(job, worker)| Call::Claim { job, worker }),
        8 => (job(), kind, any::<bool>())
            .prop_map(|(job, kind, is_repeated)| Call::Write { job, kind, is_repeated }),
        1 => job().prop_map(|job| Call::Cancel { job }),
        2 => job().prop_map(|job| Call::Get { job }),
        3 => (0..8_000_u64).prop_map(|ms| Call::Pass { ms }),
        1 => (0..2_usize).prop_map(|worker| Call::Renew { worker }),
        3 => Just(Call::Sweep),
    ]
}

/// A job of a case, with the newest claim of it that was answered.
struct Known {
    id: JobId,
    fence: Option<Fence>,
}

/// Makes the calls. What they answer is judged by what they leave behind.
async fn make(harness: &dyn JobStoreHarness, calls: &[Call]) -> Vec<JobId> {
    let given = Given::new(harness);
    let workers = [WorkerId::new(), WorkerId::new()];
    let mut jobs = vec![Known { id: given.queued().await, fence: None }];
    for call in calls {
        let count = jobs.len();
        match *call {
            Call::Submit { timeout_s, queue_timeout_s, max_attempts } => {
                let mut new = new_job(&given.tenant);
                new.timeout = Duration::from_secs(timeout_s);
                new.queue_timeout = queue_timeout_s.map(Duration::from_secs);
                new.submission.max_attempts = Some(max_attempts);
                jobs.push(Known { id: given.accepted(new).await.job.id, fence: None });
            }
            Call::Claim { job, worker } => {
                claim(given.store.as_ref(), &mut jobs[job % count], workers[worker]).await;
            }
            Call::Write { job, kind, is_repeated } => {
                write(given.store.as_ref(), &mut jobs[job % count], kind, is_repeated).await;
            }
            Call::Cancel { job } => {
                let id = jobs[job % count].id;
                given.store.cancel(&given.tenant, id, None).await.expect("asked");
            }
            Call::Get { job } => drop(given.snapshot(jobs[job % count].id).await),
            Call::Pass { ms } => given.pass(Duration::from_millis(ms)).await,
            Call::Renew { worker } => {
                given.store.renew(workers[worker], &[PIPELINE]).await.expect("renewed");
            }
            Call::Sweep => drop(given.sweep().await),
        }
    }
    jobs.into_iter().map(|known| known.id).collect()
}

async fn claim(store: &dyn JobStore, known: &mut Known, worker: WorkerId) {
    let claimed = store.claim(known.id, worker, &[PIPELINE]).await.expect("claimed or not");
    if let Some(claimed) = claimed {
        let epoch = claimed.committed.job.epoch;
        known.fence = Some(Fence { job_id: known.id, worker, epoch, write_no: 1 });
    }
}

async fn write(store: &dyn JobStore, known: &mut Known, kind: WriteKind, is_repeated: bool) {
    let Some(fence) = &mut known.fence else { return };
    let is_checkpoint = matches!(kind, WriteKind::Checkpoint);
    let checkpoints = if is_checkpoint { vec![step_record("plan")] } else { Vec::new() };
    let write = Write { fence: *fence, change: change(kind), checkpoints, usage: Usage::default() };
    // A cancel is confirmed that nobody asked for: refused, and nothing must come of it.
    let Ok(written) = store.write(write.clone()).await else { return };
    if let Written::Applied(_) = written {
        fence.write_no += 1;
        if is_repeated {
            let again = store.write(write).await.expect("known");
            assert!(matches!(again, Written::Again), "{again:?}");
        }
    }
}

fn change(kind: WriteKind) -> Change {
    match kind {
        WriteKind::Step => {
            let (step, kind) = ("tools".to_owned(), StepKind::Tool);
            let failed = EventBody::StepFailed(StepFailed { step, kind, error: problem() });
            work([step_started("plan"), failed])
        }
        WriteKind::Checkpoint => work([step_completed("plan")]),
        WriteKind::Retry => {
            let delay = Duration::from_secs(3);
            Change::Retry { events: vec![step_started("plan")], error: problem(), delay }
        }
        WriteKind::Postpone => {
            let delay = Duration::from_secs(40);
            Change::Postpone { events: vec![step_started("plan")], error: problem(), delay }
        }
        WriteKind::Fail => Change::Fail { events: vec![], error: problem() },
        WriteKind::Succeed => Change::Succeed { events: vec![], result: Box::new(result("x")) },
        WriteKind::Release => Change::Release,
        WriteKind::ConfirmCancel => Change::ConfirmCancel,
        WriteKind::PassDeadline => Change::PassDeadline,
    }
}
