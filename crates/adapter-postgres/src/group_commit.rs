//! Group commit: requests that come while a batch is under way share the next one.
//!
//! There is no timer, so an idle store commits a lone request at once, and a busy one shares each
//! round trip and each fsync among many.

use std::collections::{HashSet, VecDeque};
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use engine::faults::{self, Around};
use engine::ports::StoreError;
use telemetry::metrics::store::{self, CommitOutcome, Operation};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::database::Unfinished;
use crate::fault::{Fault, failed};

/// Requests that wait for a lane. Further ones wait for room, in the order they came.
const WAITING_MAX: usize = 1_024;
/// Requests in a batch: what bounds how long the first of them waits for its answer.
const BATCH_MAX: usize = 256;
/// Bytes in a batch, roughly. A request that is larger alone is a batch of its own.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long to find out what became of a commit whose reply was lost.
const RESOLVE_LIMIT: Duration = Duration::from_secs(5);
const RESOLVE_PAUSE: Duration = Duration::from_millis(100);

/// A request to be committed.
pub(crate) trait Request: Send + 'static {
    /// What only one request of a batch may touch; a later one waits for the next batch.
    type Token: Eq + Hash + Send;

    /// What it touches.
    fn tokens(&self) -> Vec<Self::Token>;

    /// Its size, roughly.
    fn bytes(&self) -> usize;

    /// Tells whoever waits what became of it: committed with its batch, or not.
    fn answer(self, batch: Result<(), StoreError>);
}

/// What commits batches.
pub(crate) trait Commit: Clone + Send + Sync + 'static {
    /// What it commits.
    type Request: Request;

    /// Commits these requests in one transaction. A request keeps its own outcome; one that is
    /// refused on its own takes no other along. The same requests may come again: if the reply to
    /// their commit was lost, each finds out whether it is committed already.
    ///
    /// # Errors
    /// If the transaction did not come to its end: nothing of it was written, or nobody knows.
    fn commit(
        &self,
        requests: &mut [Self::Request],
    ) -> impl Future<Output = Result<(), Unfinished>> + Send;
}

/// What the commits of a lane are known by.
#[derive(Clone, Copy)]
pub(crate) struct Named {
    /// What they are measured as.
    pub(crate) operation: Operation,
    /// Where a process may die around them.
    pub(crate) points: Around,
}

/// The way to one task that commits one batch at a time. The task ends when this is dropped, after
/// it has committed what was sent.
pub(crate) struct Lane<C: Commit> {
    requests: mpsc::Sender<C::Request>,
}

impl<C: Commit> Lane<C> {
    /// Starts the task, on the current runtime.
    pub(crate) fn start(named: Named, commit: C) -> Self {
        let (requests, waiting) = mpsc::channel(WAITING_MAX);
        let task = Committing { commit, named, waiting, queue: VecDeque::new() };
        Handle::current().spawn(task.run());
        Self { requests }
    }

    /// Hands a request over. Once this returns, it is carried out whether or not somebody waits.
    pub(crate) async fn send(&self, request: C::Request) -> Result<(), StoreError> {
        Ok(self.requests.send(request).await.map_err(|_closed| Fault::Closed)?)
    }
}

struct Committing<C: Commit> {
    commit: C,
    named: Named,
    waiting: mpsc::Receiver<C::Request>,
    queue: VecDeque<C::Request>,
}

impl<C: Commit> Committing<C> {
    async fn run(mut self) {
        while self.gather().await {
            let batch = self.next_batch();
            // A panic costs its batch alone: those who wait find their answer's sender gone.
            let settled = tokio::spawn(settle(self.commit.clone(), self.named, batch)).await;
            if let Err(error) = settled
                && error.is_panic()
            {
                tracing::error!(error = &error as &dyn std::error::Error, "a batch panicked");
            }
        }
    }

    /// Waits until there is something to commit; `false` once nothing can come any more.
    async fn gather(&mut self) -> bool {
        let room = WAITING_MAX.saturating_sub(self.queue.len());
        let mut arrived = Vec::new();
        if self.queue.is_empty() {
            if self.waiting.recv_many(&mut arrived, room).await == 0 {
                return false;
            }
        } else {
            while arrived.len() < room
                && let Ok(request) = self.waiting.try_recv()
            {
                arrived.push(request);
            }
        }
        self.queue.extend(arrived);
        true
    }

    /// Those that go together, oldest first. The rest waits, in its order.
    fn next_batch(&mut self) -> Vec<C::Request> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        let mut touched = HashSet::new();
        let mut rest = VecDeque::new();
        for request in self.queue.drain(..) {
            let tokens = request.tokens();
            let is_free = tokens.iter().all(|token| !touched.contains(token));
            // Also what waits is touched: whoever comes after it must not overtake it.
            touched.extend(tokens);
            let size = request.bytes();
            let fits =
                batch.is_empty() || (batch.len() < BATCH_MAX && bytes + size <= BATCH_BYTES_MAX);
            if is_free && fits {
                bytes += size;
                batch.push(request);
            } else {
                rest.push_back(request);
            }
        }
        self.queue = rest;
        batch
    }
}

/// Commits a batch, in parts if need be, until every request has its answer.
async fn settle<C: Commit>(commit: C, named: Named, batch: Vec<C::Request>) {
    let mut parts = vec![batch];
    while let Some(mut part) = parts.pop() {
        match resolve(&commit, named, &mut part).await {
            Ok(()) => part.into_iter().for_each(|request| request.answer(Ok(()))),
            Err(Unfinished::RolledBack(fault)) if fault.may_be_one_rows() && part.len() > 1 => {
                // One of them is to blame: it is found by halves, and the others succeed.
                let later = part.split_off(part.len() / 2);
                parts.push(later);
                parts.push(part);
            }
            Err(unfinished) => fail(part, unfinished),
        }
    }
}

/// Commits. If the reply is lost, the same requests are sent again until it is known what became
/// of them, for a while.
async fn resolve<C: Commit>(
    commit: &C,
    named: Named,
    part: &mut [C::Request],
) -> Result<(), Unfinished> {
    let Named { operation, points } = named;
    let end = Instant::now() + RESOLVE_LIMIT;
    let mut lost = None;
    loop {
        faults::reach(points.before);
        let began = Instant::now();
        let committed = commit.commit(part).await;
        store::committed(operation, told(&committed), part.len(), began.elapsed());
        match committed {
            Ok(()) if faults::repeats(points.after) => lost = Some(Fault::TimedOut),
            Ok(()) => return Ok(()),
            Err(Unfinished::Unknown(fault)) => lost = Some(fault),
            // This attempt was rolled back, but what became of the one before?
            Err(Unfinished::RolledBack(fault)) if lost.is_some() && fault.is_of_the_moment() => {}
            Err(rolled_back) => return Err(rolled_back),
        }
        if Instant::now() >= end {
            return Err(Unfinished::Unknown(lost.unwrap_or(Fault::TimedOut)));
        }
        tracing::warn!("the reply to a commit was lost; it is sent again");
        sleep(RESOLVE_PAUSE).await;
    }
}

fn told(committed: &Result<(), Unfinished>) -> CommitOutcome {
    match committed {
        Ok(()) => CommitOutcome::Committed,
        Err(Unfinished::RolledBack(_)) => CommitOutcome::RolledBack,
        Err(Unfinished::Unknown(_)) => CommitOutcome::Unknown,
    }
}

fn fail<R: Request>(part: Vec<R>, unfinished: Unfinished) {
    match unfinished {
        Unfinished::RolledBack(fault) => {
            let fault = Arc::new(fault);
            part.into_iter().for_each(|request| request.answer(Err(failed(Arc::clone(&fault)))));
        }
        Unfinished::Unknown(fault) => {
            let fault = Arc::new(fault);
            part.into_iter().for_each(|request| {
                request.answer(Err(StoreError::OutcomeUnknown(Box::new(Arc::clone(&fault)))));
            });
        }
    }
}
