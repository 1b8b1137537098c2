//! Several processes over one database.

use std::sync::Arc;
use std::time::Duration;

use adapter_postgres::Store;
use contracts::{Event, JobId, WorkerId};
use engine::job::{Change, Identity, Job, Recorded};
use engine::ports::{
    Corpus as _, DocumentStore, Fence, JobStore, LogLimit, ReadOutcome, Refill, Resend, Submitted,
    Write, Written,
};
use engine::reading::LEASE;
use proptest::prelude::{Just, prop_oneof};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestRunner};
use testkit::build::{
    document, key, new_job, problem, read_document, step_completed, step_record, step_started,
    tenant,
};
use testkit::servers::Postgres;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::fleet::{Fleet, queued, write};

/// Cases, each with a database and two stores.
const CASES: u32 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_calls_of_two_processes_leave_logs_without_holes() {
    if Postgres::shared().is_none() {
        return;
    }
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let side = || proptest::collection::vec(call(), 1..60);
    let runtime = Handle::current();
    let outcome = tokio::task::block_in_place(|| {
        TestRunner::new(config).run(&(side(), side()), |sides| {
            runtime.block_on(check(sides));
            Ok(())
        })
    });
    outcome.expect("every case leaves sound jobs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_makes_one_job_whichever_gateway_is_asked() {
    if Postgres::shared().is_none() {
        return;
    }
    let fleet = Fleet::new().await;
    let stores = [Arc::clone(&fleet.store), fleet.another_store().await];
    for round in 0..20 {
        let mut submissions = JoinSet::new();
        for number in 0..10 {
            let store = Arc::clone(&stores[number % 2]);
            let new = engine::ports::NewJob {
                idempotency: Some(key(&format!("k{round}"), 1)),
                ..new_job(&tenant("a"))
            };
            submissions.spawn(async move { store.submit(new).await.unwrap() });
        }
        let submitted = submissions.join_all().await;
        let created = |submitted: &&Submitted| matches!(submitted, Submitted::Created { .. });
        assert_eq!(submitted.iter().filter(created).count(), 1, "{submitted:?}");
        let replayed = |submitted: &&Submitted| matches!(submitted, Submitted::Replayed(_));
        assert_eq!(submitted.iter().filter(replayed).count(), 9, "{submitted:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_hinted_once_and_claimed_once_whoever_asks() {
    if Postgres::shared().is_none() {
        return;
    }
    let fleet = Fleet::new().await;
    let stores = [Arc::clone(&fleet.store), fleet.another_store().await];
    let mut ids = Vec::new();
    for _ in 0..40 {
        ids.push(queued(&fleet.store).await);
    }
    let refill = Refill { window: 1_000, resend: Resend::always(Duration::from_secs(60)) };
    let hinted = tokio::join!(stores[0].refill(refill), stores[1].refill(refill));
    let mut hinted: Vec<JobId> =
        [hinted.0.unwrap(), hinted.1.unwrap()].concat().iter().map(|hint| hint.job_id).collect();
    hinted.sort();
    ids.sort();
    assert_eq!(hinted, ids);
    let mut claims = JoinSet::new();
    for id in ids {
        for store in stores.clone() {
            claims.spawn(async move {
                JobStore::claim(store.as_ref(), id, WorkerId::new(), &[1]).await.unwrap()
            });
        }
    }
    assert_eq!(claims.join_all().await.into_iter().flatten().count(), 40);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn generations_have_no_holes_whoever_reads_the_documents() {
    const DOCUMENTS: u8 = 20;
    if Postgres::shared().is_none() {
        return;
    }
    let fleet = Fleet::new().await;
    for content in 0..DOCUMENTS {
        fleet.store.accept(&tenant("a"), document("3M", content)).await.unwrap();
    }
    let mut readers = JoinSet::new();
    for store in [Arc::clone(&fleet.store), fleet.another_store().await] {
        for _ in 0..3 {
            readers.spawn(read_all(Arc::clone(&store)));
        }
    }
    let watching = tokio::spawn({
        let corpus = fleet.another_store().await;
        async move {
            let mut reached = 0;
            while reached < u64::from(DOCUMENTS) {
                let seen = corpus.changes(&tenant("a"), reached, 100).await.unwrap();
                // What is seen of a generation is all there will ever be up to it.
                assert_eq!(seen.generation, reached + seen.changes.len() as u64);
                reached = seen.generation;
            }
        }
    });
    assert_eq!(readers.join_all().await.into_iter().sum::<usize>(), usize::from(DOCUMENTS));
    watching.await.unwrap();
}

/// Takes documents in until there is none to claim; how many.
async fn read_all(store: Arc<Store>) -> usize {
    let mut read = 0;
    while let Some(claimed) = DocumentStore::claim(store.as_ref(), LEASE).await.expect("asked") {
        let outcome = ReadOutcome::Read(read_document(1));
        store.finish(claimed.hold, outcome).await.expect("finished").expect("held");
        read += 1;
    }
    read
}

/// A call, on one of the few jobs of a case.
#[derive(Debug, Clone, Copy)]
enum Call {
    Claim(usize),
    Checkpoint(usize),
    Retry(usize),
    Release(usize),
    Confirm(usize),
    Cancel(usize),
    Get(usize),
    Sweep,
    Refill,
    Retire,
}

fn call() -> impl Strategy<Value = Call> {
    let job = || 0..3_usize;
    prop_oneof![
        6 => job().prop_map(Call::Claim),
        8 => job().prop_map(Call::Checkpoint),
        1 => job().prop_map(Call::Retry),
        1 => job().prop_map(Call::Release),
        1 => job().prop_map(Call::Confirm),
        1 => job().prop_map(Call::Cancel),
        1 => job().prop_map(Call::Get),
        2 => Just(Call::Sweep),
        1 => Just(Call::Refill),
        1 => Just(Call::Retire),
    ]
}

async fn check((one, other): (Vec<Call>, Vec<Call>)) {
    let fleet = Fleet::new().await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(queued(&fleet.store).await);
    }
    let second = fleet.another_store().await;
    tokio::join!(
        Process::new(Arc::clone(&fleet.store), &ids).make(one),
        Process::new(second, &ids).make(other),
    );
    for id in ids {
        assert_sound(&fleet.store, id).await;
    }
}

/// A process with a worker.
struct Process {
    store: Arc<Store>,
    worker: WorkerId,
    jobs: Vec<(JobId, Option<Fence>)>,
}

impl Process {
    fn new(store: Arc<Store>, ids: &[JobId]) -> Self {
        let jobs = ids.iter().map(|id| (*id, None)).collect();
        Self { store, worker: WorkerId::new(), jobs }
    }

    async fn make(mut self, calls: Vec<Call>) {
        for call in calls {
            match call {
                Call::Claim(job) => self.claim(job).await,
                Call::Checkpoint(job) => {
                    let events = vec![step_started("plan"), step_completed("plan")];
                    self.write(job, Change::Work { events }).await;
                }
                Call::Retry(job) => {
                    let delay = Duration::ZERO;
                    let retry = Change::Retry { events: vec![], error: problem(), delay };
                    self.write(job, retry).await;
                }
                Call::Release(job) => self.write(job, Change::Release).await,
                Call::Confirm(job) => self.write(job, Change::ConfirmCancel).await,
                Call::Cancel(job) => {
                    let id = self.jobs[job].0;
                    self.store.cancel(&tenant("a"), id, None).await.expect("asked");
                }
                Call::Get(job) => {
                    JobStore::get(self.store.as_ref(), &tenant("a"), self.jobs[job].0)
                        .await
                        .expect("read");
                }
                Call::Sweep => {
                    JobStore::sweep(self.store.as_ref(), Duration::from_secs(10), 100)
                        .await
                        .expect("swept");
                }
                Call::Refill => {
                    let refill = Refill { window: 10, resend: Resend::always(Duration::ZERO) };
                    self.store.refill(refill).await.expect("refilled");
                }
                Call::Retire => self.store.retire(self.worker).await.expect("retired"),
            }
        }
    }

    async fn claim(&mut self, job: usize) {
        let (id, fence) = &mut self.jobs[job];
        let claimed = JobStore::claim(self.store.as_ref(), *id, self.worker, &[1])
            .await
            .expect("claimed or not");
        if let Some(claimed) = claimed {
            let epoch = claimed.committed.job.epoch;
            *fence = Some(Fence { job_id: *id, worker: self.worker, epoch, write_no: 1 });
        }
    }

    async fn write(&mut self, job: usize, change: Change) {
        let Some(fence) = &mut self.jobs[job].1 else { return };
        let is_checkpoint = matches!(change, Change::Work { .. });
        let checkpoints = if is_checkpoint { vec![step_record("plan")] } else { Vec::new() };
        let write = Write { checkpoints, ..write(*fence, change) };
        // A cancel is confirmed that nobody asked for: refused.
        let Ok(written) = self.store.write(write).await else { return };
        if let Written::Applied(_) = written {
            fence.write_no += 1;
        }
    }
}

/// Versions are 1..n, times never run backwards, and the row is the fold of the log.
async fn assert_sound(store: &Store, id: JobId) {
    let job = JobStore::get(store, &tenant("a"), id).await.expect("read").expect("there").job;
    let log = store
        .log(&tenant("a"), id, 0, LogLimit::events(10_000))
        .await
        .expect("read")
        .expect("there")
        .events;
    let versions: Vec<u64> = log.iter().map(Event::version).collect();
    assert_eq!(versions, (1..=job.version).collect::<Vec<u64>>());
    assert!(log.is_sorted_by_key(|event| event.time));
    let recorded: Vec<Recorded> = log
        .iter()
        .map(|event| Recorded {
            version: event.version(),
            time: event.time,
            attempt: event.attempt,
            body: event.body().expect("this release's event"),
        })
        .collect();
    let identity = Identity { id, tenant: job.tenant.clone(), trace: job.trace };
    let mut replayed = Job::replay(identity, &recorded).expect("the log can be replayed");
    replayed.write_no = job.write_no;
    assert_eq!(replayed, job);
}
