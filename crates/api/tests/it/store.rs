//! A store in memory: the state machine and a log. It has no workers; tests make the changes.

mod port;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contracts::{Code, Event, EventBody, JobId, News, Origin, Problem, WorkerId};
use engine::job::{Change, Job, Recorded};
use engine::ports::{Clock as _, NewJob, Snapshot, StoreError, SystemClock};
use tokio::sync::{Notify, broadcast};

/// What the next calls of the store fail with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Fault {
    #[default]
    None,
    Unavailable,
    OutcomeUnknown,
    Rejected,
}

/// Waits until something is so.
pub(crate) async fn until(is_so: impl Fn() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(crate::server::DEADLINE, waiting).await.expect("it is so in time");
}

struct Row {
    new: NewJob,
    job: Job,
    log: Vec<Event>,
}

#[derive(Default)]
pub(crate) struct Content {
    rows: BTreeMap<JobId, Row>,
    fault: Fault,
    failed_calls: u32,
    /// The jobs that were deleted, with their keys.
    gone: BTreeMap<JobId, Option<String>>,
    /// The jobs whose heads were last asked for: those that the gateway follows.
    followed: Vec<JobId>,
    /// The place of every job in the queue.
    queue_position: Option<u32>,
}

impl Content {
    fn forget(&mut self, id: JobId) {
        let row = self.rows.remove(&id).expect("the job exists");
        self.gone.insert(id, row.new.idempotency.map(|given| given.key));
    }
}

/// The store, and every other port that the gateway's use cases need.
pub(crate) struct MemoryStore {
    content: Mutex<Content>,
    clock: SystemClock,
    pub(crate) news: broadcast::Sender<std::sync::Arc<News>>,
    /// Every message of the bus is dropped, and nobody is told.
    loses_news: bool,
    /// Cancels wait for this before they are carried out, if there is one.
    pub(crate) gate: Option<Gate>,
    pub(crate) log_reads: Reads,
}

/// Reads that go on at the same time.
#[derive(Default)]
pub(crate) struct Reads {
    now: AtomicU32,
    most: AtomicU32,
}

impl Reads {
    /// The most there were at a time.
    pub(crate) fn most(&self) -> u32 {
        self.most.load(Ordering::SeqCst)
    }

    /// Lets others begin meanwhile.
    async fn go_on(&self) {
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        tokio::task::yield_now().await;
        self.now.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Holds a call in the store until the test lets it go.
#[derive(Default)]
pub(crate) struct Gate {
    pub(crate) entered: Notify,
    pub(crate) open: Notify,
    pub(crate) passed: AtomicU32,
}

impl MemoryStore {
    pub(crate) fn new(loses_news: bool) -> Self {
        Self {
            content: Mutex::default(),
            clock: SystemClock::new(),
            news: broadcast::channel(256).0,
            loses_news,
            gate: None,
            log_reads: Reads::default(),
        }
    }

    pub(crate) fn fail_with(&self, fault: Fault) {
        self.lock().fault = fault;
    }

    /// How many calls have failed because of a fault.
    pub(crate) fn failed_calls(&self) -> u32 {
        self.lock().failed_calls
    }

    /// Waits until the gateway follows `still` and does not follow `gone` any more.
    pub(crate) async fn until_only_followed(&self, still: JobId, gone: JobId) {
        let is_so = || {
            let content = self.lock();
            content.followed.contains(&still) && !content.followed.contains(&gone)
        };
        until(is_so).await;
    }

    /// Makes a change and tells the bus.
    pub(crate) fn change(&self, id: JobId, change: Change) {
        let news = {
            let mut content = self.lock();
            let row = content.rows.get_mut(&id).expect("the job exists");
            let now = self.clock.now();
            let recorded = row.job.change(change, now).expect("the change is possible");
            News { job_id: id, events: row.append(recorded) }
        };
        self.tell(news);
    }

    pub(crate) fn start(&self, id: JobId) {
        self.change(id, Change::Start { worker: WorkerId::new(), pipeline_version: 1 });
    }

    /// Has a job's deadline pass, with nobody there who would notice.
    pub(crate) fn pass_deadline(&self, id: JobId) {
        let mut content = self.lock();
        let row = content.rows.get_mut(&id).expect("the job exists");
        row.job.deadline_at = row.job.created_at;
    }

    /// Ends a running job.
    pub(crate) fn fail(&self, id: JobId) {
        let error = Problem::new(Code::InsufficientEvidence, Origin::Source, "nothing found");
        self.change(id, Change::Fail { events: Vec::new(), error });
    }

    /// Moves every job to this place in the queue: nothing is recorded of it.
    pub(crate) fn move_to(&self, queue_position: u32) {
        self.lock().queue_position = Some(queue_position);
    }

    /// Deletes a job behind the gateway's back.
    pub(crate) fn forget(&self, id: JobId) {
        self.lock().forget(id);
    }

    pub(crate) fn head(&self, id: JobId) -> u64 {
        self.lock().rows[&id].job.version
    }

    /// The log as JSON, each envelope on its line.
    pub(crate) fn log_lines(&self, id: JobId) -> Vec<String> {
        let content = self.lock();
        content.rows[&id].log.iter().map(|e| serde_json::to_string(e).unwrap()).collect()
    }

    pub(crate) fn tell(&self, news: News) {
        if !self.loses_news {
            let _ = self.news.send(news.into());
        }
    }

    pub(crate) fn check(&self) -> Result<MutexGuard<'_, Content>, StoreError> {
        let mut content = self.lock();
        content.failed_calls += u32::from(content.fault != Fault::None);
        match content.fault {
            Fault::None => Ok(content),
            Fault::Unavailable => Err(StoreError::Unavailable("secret".into())),
            Fault::OutcomeUnknown => Err(StoreError::OutcomeUnknown("secret".into())),
            Fault::Rejected => Err(StoreError::Rejected("secret".into())),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Row {
    fn append(&mut self, recorded: Vec<Recorded>) -> Vec<Event> {
        let (id, trace) = (self.job.id, self.job.trace);
        let events = recorded.into_iter().map(|Recorded { version, time, attempt, body }| Event {
            specversion: "1.0".to_owned(),
            id: format!("{id}/{version}"),
            source: "/v1/analysis".to_owned(),
            subject: id,
            kind: body.kind().to_owned(),
            time,
            sequence: format!("{version:010}"),
            traceparent: trace,
            attempt,
            data: body.data(),
        });
        let events: Vec<Event> = events.collect();
        self.log.extend(events.clone());
        events
    }

    fn snapshot(&self, now: contracts::Timestamp) -> Snapshot {
        let ended = self.log.last().and_then(Event::body);
        let error = match ended {
            Some(
                EventBody::JobFailed(data)
                | EventBody::JobCancelled(data)
                | EventBody::JobTimedOut(data)
                | EventBody::JobExpired(data),
            ) => Some(data.error),
            Some(_) | None => None,
        };
        Snapshot {
            job: self.job.clone(),
            submission: self.new.submission.clone(),
            retry_of: self.new.retry_of,
            attempts: Vec::new(),
            steps: Vec::new(),
            result: None,
            error,
            usage: Default::default(),
            read_at: now,
        }
    }
}

pub(crate) fn not_needed<T>() -> Result<T, StoreError> {
    Err(StoreError::Rejected("the gateway does not call this".into()))
}
