//! A step that does what none may: it blocks the runtime that it runs on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use adapter_models::ScriptedRetriever;
use async_trait::async_trait;
use contracts::{Event, JobId, JobState};
use engine::ports::{
    CallContext, JobStore as _, LogLimit, RetrievalError, RetrievalQuery, Retrieved, Retriever,
};
use engine::services::sweep::LEASE;
use testkit::build::tenant;
use testkit::eventually;
use tokio::runtime::{Builder, Runtime};

use crate::fleet::{DEADLINE, Fleet, Parts, open, submit};
use crate::queue::Queue;

const AT_ONCE: &str = "script: delay_ms=0";

#[tokio::test]
async fn a_worker_whose_runtime_is_blocked_loses_its_jobs_and_has_no_write_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let retriever = Arc::new(Blocking::default());
    let (fleet, runtime) = start(&dir, &retriever, Parts::over);
    let id = running_into(&fleet, &retriever).await;
    // Longer than the worker takes to notice.
    let lease = Duration::from_secs(4);
    eventually(DEADLINE, async || {
        fleet.store.sweep(lease, 100).await.unwrap();
        (fleet.get(id).await.job.state.name() == JobState::Queued).then_some(())
    })
    .await;
    let lost = fleet.get(id).await.job;
    assert_eq!((lost.attempt, lost.crash_count), (1, 1));
    retriever.release();

    let ended = fleet.succeeded(id).await.job;
    assert_eq!(ended.attempt, 2, "it is run again, under a new epoch");
    let log = log(&fleet, id).await;
    let requeued = log.iter().position(|event| event.kind == "job.requeued").unwrap();
    let of_the_first = log[requeued..].iter().filter(|event| event.attempt == 1);
    assert_eq!(of_the_first.map(|event| &event.kind).collect::<Vec<_>>(), ["job.requeued"]);
    finish(fleet, runtime).await;
}

#[tokio::test]
async fn a_lease_is_renewed_while_steps_keep_the_runtime_busy_for_a_while() {
    /// Shorter than what the runtime is busy for: without renewals it would end.
    const SHORT_LEASE: Duration = Duration::from_millis(2_600);
    const BUSY_FOR: Duration = Duration::from_millis(2_900);
    let dir = tempfile::tempdir().unwrap();
    let retriever = Arc::new(Blocking::default());
    let (fleet, runtime) = start(&dir, &retriever, Parts::over);
    let id = running_into(&fleet, &retriever).await;
    let begun = Instant::now();
    eventually(DEADLINE, async || {
        assert!(fleet.store.sweep(SHORT_LEASE, 100).await.unwrap().committed.is_empty());
        (begun.elapsed() >= BUSY_FOR).then_some(())
    })
    .await;
    retriever.release();
    assert_eq!(fleet.succeeded(id).await.job.attempt, 1);
    finish(fleet, runtime).await;
}

#[tokio::test]
async fn a_runtime_that_is_blocked_for_a_whole_lease_ends_its_process() {
    let dir = tempfile::tempdir().unwrap();
    let retriever = Arc::new(Blocking::default());
    let ended = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&ended);
    let (fleet, runtime) = start(&dir, &retriever, |store, queue| {
        let end_process = Arc::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
        });
        Parts { end_process, ..Parts::over(store, queue) }
    });
    running_into(&fleet, &retriever).await;
    let begun = Instant::now();
    let is_ended = async || (ended.load(Ordering::SeqCst) > 0).then_some(());
    eventually(DEADLINE, is_ended).await;
    // The last tick came before the step began to block.
    assert!(begun.elapsed() > LEASE - Duration::from_secs(1), "{:?}", begun.elapsed());
    retriever.release();
    finish(fleet, runtime).await;
    assert_eq!(ended.load(Ordering::SeqCst), 1);
}

/// A worker on a runtime of one thread, which the retriever blocks.
fn start(
    dir: &tempfile::TempDir,
    retriever: &Arc<Blocking>,
    parts: impl FnOnce(Arc<adapter_embedded::Store>, Queue) -> Parts,
) -> (Fleet, Runtime) {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let parts = parts(open(dir.path()), Queue::default());
    let parts = Parts { retriever: retriever.clone(), ..parts };
    (parts.run_on(runtime.handle()), runtime)
}

/// A job that runs into the retriever.
async fn running_into(fleet: &Fleet, retriever: &Blocking) -> JobId {
    let id = submit(&fleet.store, AT_ONCE).await;
    fleet.publish(id).await;
    eventually(DEADLINE, async || (retriever.calls() > 0).then_some(())).await;
    id
}

async fn log(fleet: &Fleet, id: JobId) -> Vec<Event> {
    fleet.store.log(&tenant("a"), id, 0, LogLimit::events(1_000)).await.unwrap().unwrap().events
}

async fn finish(fleet: Fleet, runtime: Runtime) {
    fleet.stop().await;
    runtime.shutdown_background();
}

/// Blocks the thread of its first call until it is released.
struct Blocking {
    inner: ScriptedRetriever,
    calls: AtomicUsize,
    is_released: Mutex<bool>,
    released: Condvar,
}

impl Default for Blocking {
    fn default() -> Self {
        Self {
            inner: ScriptedRetriever::new(Duration::ZERO, None),
            calls: AtomicUsize::new(0),
            is_released: Mutex::new(false),
            released: Condvar::new(),
        }
    }
}

impl Blocking {
    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn release(&self) {
        *self.is_released.lock().unwrap() = true;
        self.released.notify_all();
    }
}

#[async_trait]
impl Retriever for Blocking {
    async fn retrieve(
        &self,
        call: &CallContext,
        query: &RetrievalQuery,
    ) -> Result<Retrieved, RetrievalError> {
        if self.calls.fetch_add(1, Ordering::SeqCst) == 0 {
            let is_held = self.is_released.lock().unwrap();
            // Bounded, so that a test that fails here ends.
            let held = self.released.wait_timeout_while(is_held, DEADLINE, |released| !*released);
            drop(held.unwrap());
        }
        self.inner.retrieve(call, query).await
    }
}
