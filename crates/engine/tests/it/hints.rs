//! Hints on their way to a queue that hangs, refuses or is out.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use adapter_embedded::{DataDir, InProcessProgressBus, Store};
use async_trait::async_trait;
use contracts::{Hint, JobId};
use engine::ports::{
    Delivery, HintQueue, JobStore, PublishError, QueueClosed, Refill, Resend, SystemClock,
};
use engine::services::{
    HINT_WINDOW, Jobs, JobsPorts, QUEUE_OUTAGE, Streams, SubmitOptions, dispatch,
};
use testkit::build::{new_job, submission, tenant};
use testkit::eventually;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Nothing in these tests takes longer, however slow the machine.
const DEADLINE: Duration = Duration::from_secs(60);
/// Far longer than a test: nothing counts as lost.
const NEVER: Resend = Resend::always(Duration::from_secs(3_600));

#[derive(Clone, Copy)]
enum Publishing {
    Hangs,
    Refuses,
    /// Takes every second one.
    TakesSome,
    /// Confirms when as many wait as the barrier wants.
    Together,
}

struct Queue {
    publishing: Publishing,
    outage: Mutex<Option<Duration>>,
    barrier: Barrier,
    begun: AtomicUsize,
    asked: AtomicUsize,
    taken: Mutex<BTreeSet<JobId>>,
}

impl Queue {
    fn that(publishing: Publishing) -> Arc<Self> {
        Arc::new(Self {
            publishing,
            outage: Mutex::default(),
            barrier: Barrier::new(10),
            begun: AtomicUsize::new(0),
            asked: AtomicUsize::new(0),
            taken: Mutex::default(),
        })
    }

    fn set_outage(&self, outage: Option<Duration>) {
        *self.outage.lock().unwrap() = outage;
    }

    fn begun(&self) -> usize {
        self.begun.load(Ordering::SeqCst)
    }

    fn taken(&self) -> BTreeSet<JobId> {
        self.taken.lock().unwrap().clone()
    }
}

#[async_trait]
impl HintQueue for Queue {
    async fn publish(&self, hint: Hint) -> Result<(), PublishError> {
        let number = self.begun.fetch_add(1, Ordering::SeqCst);
        match self.publishing {
            Publishing::Hangs => std::future::pending().await,
            Publishing::Refuses => return Err(PublishError::Full),
            Publishing::TakesSome if number % 2 == 1 => return Err(PublishError::Full),
            Publishing::TakesSome => {}
            Publishing::Together => {
                self.barrier.wait().await;
            }
        }
        self.taken.lock().unwrap().insert(hint.job_id);
        Ok(())
    }

    async fn receive(&self) -> Result<Delivery, QueueClosed> {
        std::future::pending().await
    }

    fn outage(&self) -> Option<Duration> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        *self.outage.lock().unwrap()
    }
}

#[tokio::test]
async fn a_queue_that_hangs_delays_no_submission() {
    let dir = tempfile::tempdir().unwrap();
    let (store, queue) = (open(dir.path()), Queue::that(Publishing::Hangs));
    let jobs = jobs(&store, &queue);
    let total = HINT_WINDOW + 20;
    let mut submissions = JoinSet::new();
    for _ in 0..total {
        let jobs = jobs.clone();
        submissions.spawn(async move { submit(&jobs).await });
    }
    let ids = tokio::time::timeout(DEADLINE, submissions.join_all()).await.unwrap();
    assert_eq!(ids.len(), total);
    // Those whose hints hang are given back, and found like the others.
    let found = Mutex::new(BTreeSet::new());
    eventually(DEADLINE, async || {
        let waiting = refilled(&store, total).await;
        let mut found = found.lock().unwrap();
        found.extend(waiting);
        (found.len() == total).then_some(())
    })
    .await;
    assert!((1..=HINT_WINDOW).contains(&queue.begun()), "{}", queue.begun());
}

#[tokio::test]
async fn a_hint_that_is_refused_after_a_submission_is_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let (store, queue) = (open(dir.path()), Queue::that(Publishing::Refuses));
    let id = submit(&jobs(&store, &queue)).await;
    eventually(DEADLINE, async || refilled(&store, 10).await.contains(&id).then_some(())).await;
    assert_eq!(queue.begun(), 1);
}

#[tokio::test]
async fn while_the_queue_is_out_a_submission_is_left_to_the_workers() {
    let dir = tempfile::tempdir().unwrap();
    let (store, queue) = (open(dir.path()), Queue::that(Publishing::TakesSome));
    queue.set_outage(Some(QUEUE_OUTAGE));
    let id = submit(&jobs(&store, &queue)).await;
    assert_eq!(refilled(&store, 10).await, [id]);
    assert_eq!(queue.begun(), 0);
}

#[tokio::test]
async fn hints_are_sent_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    let (store, queue) = (open(dir.path()), Queue::that(Publishing::Together));
    let ids = queued(&store, 10).await;
    dispatch::refill(store.as_ref(), queue.as_ref(), NEVER).await.unwrap();
    assert_eq!(queue.taken(), ids);
}

#[tokio::test]
async fn what_was_not_sent_and_nothing_else_is_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let (store, queue) = (open(dir.path()), Queue::that(Publishing::TakesSome));
    let ids = queued(&store, 10).await;
    dispatch::refill(store.as_ref(), queue.as_ref(), NEVER).await.unwrap();
    let taken = queue.taken();
    assert_eq!((queue.begun(), taken.len()), (10, 5));
    let again: BTreeSet<_> = refilled(&store, 100).await.into_iter().collect();
    assert_eq!(again, ids.difference(&taken).copied().collect());
}

#[tokio::test]
async fn dispatch_leaves_jobs_to_the_workers_until_the_outage_is_over() {
    let dir = tempfile::tempdir().unwrap();
    let (store, queue) = (open(dir.path()), Queue::that(Publishing::TakesSome));
    queue.set_outage(Some(QUEUE_OUTAGE));
    let ids = queued(&store, 1).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(dispatch::dispatch(store.clone(), queue.clone(), stop.clone()));
    eventually(DEADLINE, async || (queue.asked.load(Ordering::SeqCst) >= 3).then_some(())).await;
    let waiting = refilled(&store, 10).await;
    assert_eq!(waiting.iter().copied().collect::<BTreeSet<_>>(), ids, "nobody marked it");
    assert_eq!(queue.begun(), 0);
    let hints: Vec<_> = waiting.into_iter().map(Hint::of).collect();
    store.unhint(&hints).await.unwrap();
    queue.set_outage(None);
    eventually(DEADLINE, async || (queue.taken() == ids).then_some(())).await;
    stop.cancel();
    running.await.unwrap();
}

fn open(dir: &Path) -> Arc<Store> {
    let dir = DataDir::open(dir).unwrap();
    Arc::new(Store::open(dir, Arc::new(SystemClock::new())).unwrap())
}

fn jobs(store: &Arc<Store>, queue: &Arc<Queue>) -> Jobs {
    let ports = JobsPorts {
        store: store.clone(),
        queue: queue.clone(),
        bus: Arc::new(InProcessProgressBus::default()),
        corpus: store.clone(),
        secrets: store.clone(),
    };
    Jobs::new(ports, Streams::new(), vec!["test".to_owned()])
}

async fn submit(jobs: &Jobs) -> JobId {
    let options = SubmitOptions::default();
    let accepted = jobs.submit(&tenant("a"), submission(), options).await.unwrap();
    accepted.snapshot.job.id
}

/// So many jobs that wait, without hints.
async fn queued(store: &Store, jobs: usize) -> BTreeSet<JobId> {
    let mut ids = BTreeSet::new();
    for _ in 0..jobs {
        let new = new_job(&tenant("a"));
        ids.insert(new.identity.id);
        store.submit(new).await.unwrap();
    }
    ids
}

async fn refilled(store: &Store, window: usize) -> Vec<JobId> {
    let hints = store.refill(Refill { window, resend: NEVER }).await.unwrap();
    hints.into_iter().map(|hint| hint.job_id).collect()
}
