//! The one thread that writes, and its group commit.
//!
//! Whatever requests arrived while the last batch was written go into the next one: there is no
//! timer, so an idle store commits a lone request at once, and a busy one shares each fsync among
//! many. A request runs in its own savepoint, so that a failure takes back that request alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use contracts::Timestamp;
use engine::ports::{Clock, Committed, StoreError};
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::LateNews;
use crate::fault::{Fault, may_pass};

/// Requests that wait for the writer. Further ones wait for room here, in the order they came.
const WAITING_MAX: usize = 1_024;
/// Requests in one transaction: what bounds how long the first of them waits for its answer.
const BATCH_MAX: usize = 256;

/// What a request sees of the transaction that it is part of.
pub(crate) struct Tx<'c> {
    /// The connection, within the request's savepoint.
    pub(crate) connection: &'c Connection,
    /// The time of the request, read after the write lock was taken: the order of times is the
    /// order of commits.
    pub(crate) now: Timestamp,
    /// What to tell with the next sweep, once it is committed.
    pub(crate) late_news: Vec<Committed>,
}

impl Tx<'_> {
    /// Runs `work` in a savepoint of its own: an error takes back its writes and nothing else.
    pub(crate) fn isolated<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let news_before = self.late_news.len();
        self.connection.prepare_cached("SAVEPOINT request")?.execute([])?;
        // Nothing is seen of what a panic left half done: the savepoint is rolled back.
        let outcome = catch_unwind(AssertUnwindSafe(|| work(self))).unwrap_or(Err(Fault::Panicked));
        if outcome.is_err() {
            self.late_news.truncate(news_before);
            // SQLite rolls the whole transaction back by itself after some errors, such as a full
            // disk; then there is no savepoint any more, and the batch is lost.
            if self.connection.is_autocommit() {
                return outcome;
            }
            self.connection.prepare_cached("ROLLBACK TO request")?.execute([])?;
        }
        self.connection.prepare_cached("RELEASE request")?.execute([])?;
        outcome
    }
}

/// How much was written since the store was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteCounts {
    /// Requests.
    pub requests: u64,
    /// Transactions that they shared: one fsync each.
    pub transactions: u64,
}

/// The way to the writing thread.
pub(crate) struct Writer {
    requests: Option<mpsc::Sender<Box<dyn Request>>>,
    thread: Option<JoinHandle<()>>,
    counters: Arc<Counters>,
}

impl Writer {
    pub(crate) fn start(
        connection: Connection,
        clock: Arc<dyn Clock>,
        late_news: LateNews,
    ) -> Result<Self, Fault> {
        let (requests, waiting) = mpsc::channel(WAITING_MAX);
        let counters = Arc::new(Counters::default());
        let writing =
            WritingThread { connection, clock, late_news, counters: Arc::clone(&counters) };
        let thread = std::thread::Builder::new()
            .name("assay-store".to_owned())
            .spawn(move || writing.run(waiting))
            .map_err(|_| Fault::Closed)?;
        Ok(Self { requests: Some(requests), thread: Some(thread), counters })
    }

    /// Runs `work` as part of the next transaction; what it answers is committed.
    ///
    /// # Errors
    /// [`StoreError::OutcomeUnknown`] if the disk failed during the commit. With any other error
    /// nothing was written.
    ///
    /// # Cancel safety
    /// A request whose future is dropped may still be committed.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let request = WriteRequest { work: Some(work), outcome: None, reply };
        let requests = self.requests.as_ref().ok_or(Fault::Closed)?;
        requests.send(Box::new(request)).await.map_err(|_| Fault::Closed)?;
        // The thread answers every request that it took; if it is gone, it had not committed.
        answer.await.unwrap_or_else(|_| Err(Fault::Closed.into()))
    }

    pub(crate) fn counts(&self) -> WriteCounts {
        WriteCounts {
            requests: self.counters.requests.load(Ordering::Relaxed),
            transactions: self.counters.transactions.load(Ordering::Relaxed),
        }
    }
}

impl Drop for Writer {
    /// Waits until what was sent is written: the directory's lock is given up only after that.
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's writing thread had panicked");
        }
    }
}

/// Runs `work` in a transaction of its own, without the thread.
pub(crate) fn transact<T>(
    connection: &mut Connection,
    now: Timestamp,
    work: impl FnOnce(&mut Tx<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut tx = Tx { connection: &transaction, now, late_news: Vec::new() };
    let outcome = work(&mut tx)?;
    transaction.commit()?;
    Ok(outcome)
}

#[derive(Default)]
struct Counters {
    requests: AtomicU64,
    transactions: AtomicU64,
}

/// A request, whatever it answers.
trait Request: Send {
    /// Does the work and keeps the outcome for later.
    fn run(&mut self, tx: &mut Tx<'_>);

    /// Answers, now that the batch's fate is known.
    fn answer(self: Box<Self>, batch: Result<(), BatchError>);
}

/// Why a whole batch was not committed.
#[derive(Debug, Clone, Copy)]
enum BatchError {
    /// Nothing of it was written.
    RolledBack,
    /// The disk failed during the commit.
    Unknown,
}

struct WriteRequest<T, F> {
    work: Option<F>,
    outcome: Option<Result<T, Fault>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Request for WriteRequest<T, F>
where
    T: Send,
    F: FnOnce(&mut Tx<'_>) -> Result<T, Fault> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) {
        if let Some(work) = self.work.take() {
            self.outcome = Some(tx.isolated(work));
        }
    }

    fn answer(self: Box<Self>, batch: Result<(), BatchError>) {
        let answer = match (batch, self.outcome) {
            (_, Some(Err(fault))) => Err(fault.into()),
            (Ok(()), Some(Ok(value))) => Ok(value),
            (Ok(()) | Err(BatchError::RolledBack), _) => Err(Fault::RolledBack.into()),
            (Err(BatchError::Unknown), _) => {
                Err(StoreError::OutcomeUnknown(Box::new(Fault::CommitFailed)))
            }
        };
        // Whoever asked may have left; the work is done all the same.
        let _ = self.reply.send(answer);
    }
}

struct WritingThread {
    connection: Connection,
    clock: Arc<dyn Clock>,
    late_news: LateNews,
    counters: Arc<Counters>,
}

impl WritingThread {
    fn run(mut self, mut waiting: mpsc::Receiver<Box<dyn Request>>) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while waiting.blocking_recv_many(&mut batch, BATCH_MAX) > 0 {
            let outcome = self.commit(&mut batch);
            for request in batch.drain(..) {
                request.answer(outcome);
            }
        }
    }

    fn commit(&mut self, batch: &mut [Box<dyn Request>]) -> Result<(), BatchError> {
        let not_begun = |error: rusqlite::Error| {
            tracing::error!(error = &error as &dyn std::error::Error, "no transaction");
            BatchError::RolledBack
        };
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(not_begun)?;
        let mut tx = Tx { connection: &transaction, now: self.clock.now(), late_news: Vec::new() };
        for request in batch.iter_mut() {
            tx.now = self.clock.now();
            request.run(&mut tx);
            if tx.connection.is_autocommit() {
                tracing::error!("SQLite rolled a batch back");
                return Err(BatchError::RolledBack);
            }
        }
        let late_news = tx.late_news;
        transaction.commit().map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "not committed");
            let is_io = error.sqlite_error_code() == Some(rusqlite::ErrorCode::SystemIoFailure);
            if is_io || !may_pass(&error) { BatchError::Unknown } else { BatchError::RolledBack }
        })?;
        self.late_news.push(late_news);
        self.counters.requests.fetch_add(batch.len() as u64, Ordering::Relaxed);
        self.counters.transactions.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
