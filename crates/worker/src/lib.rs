//! The worker: takes hints, claims jobs, runs them in slots, and hands them over when it stops.
//!
//! A slot is held before a hint is taken, so no hint waits here that another worker could serve.
//! A hint is acknowledged once the claim is committed: from then on the store brings the job back
//! if this process dies.
//!
//! Without a queue the worker takes its jobs from the store: the queue makes dispatch fast, not
//! possible.

mod heartbeat;
mod intake;
mod pulse;
mod running;

use std::sync::Arc;
use std::time::Duration;

use contracts::{JobId, TraceContext, WorkerId};
use engine::job::Standing;
use engine::ports::{Claimed, Committed, HintQueue, JobStore, ProgressBus, StoreError};
use engine::services::{Ended, Renewals, RunJob, StartGate, publish};
use telemetry::metrics::workers::{self, Slots};
use telemetry::metrics::{Observation, hints};
use telemetry::{context, spans};
use tokio::sync::{OwnedRwLockReadGuard, OwnedSemaphorePermit, RwLock, Semaphore};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use self::heartbeat::{Beating, Heartbeat};
use self::intake::Taken;
use self::pulse::Pulse;
use self::running::{Entry, Running};

pub use self::heartbeat::EndProcess;

/// The wait after a claim that the store could not answer.
const STORE_PAUSE: Duration = Duration::from_millis(500);
/// What a job gets to hand itself over, once it is told to.
const HAND_OVER: Duration = Duration::from_secs(2);

/// How a worker works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WorkerSettings {
    /// Jobs at a time, at least 1.
    pub slots: u32,
    /// What running jobs get to finish by themselves when the worker stops.
    pub grace: Duration,
    /// The versions of the workflow that it runs, newest first.
    pub pipelines: &'static [u32],
}

/// One incarnation of a worker.
#[derive(Clone)]
pub struct Worker {
    id: WorkerId,
    store: Arc<dyn JobStore>,
    queue: Arc<dyn HintQueue>,
    bus: Arc<dyn ProgressBus>,
    run_job: Arc<RunJob>,
    settings: WorkerSettings,
    slots: Arc<Semaphore>,
    company: Arc<RwLock<()>>,
    renewals: Renewals,
    gate: StartGate,
    running: Running,
    end_process: EndProcess,
    claims: TaskTracker,
    tasks: TaskTracker,
}

/// What a job needs to run here.
struct Place {
    slot: OwnedSemaphorePermit,
    /// Shared by the jobs that run side by side; a job that must run alone has it for itself.
    company: OwnedRwLockReadGuard<()>,
}

/// A job in the hands of this worker.
struct Held {
    claimed: Claimed,
    /// What brought it here.
    brought_by: Option<TraceContext>,
    entry: Entry,
}

/// The ports behind a [`Worker`].
pub struct WorkerPorts {
    /// The truth about jobs.
    pub store: Arc<dyn JobStore>,
    /// Where hints come from.
    pub queue: Arc<dyn HintQueue>,
    /// The way to the gateways.
    pub bus: Arc<dyn ProgressBus>,
}

impl Worker {
    /// A new incarnation. `end_process` is called if nothing else can be done any more: the runtime
    /// was blocked for a whole lease, or there is no heartbeat.
    #[must_use]
    pub fn new(
        ports: WorkerPorts,
        run_job: RunJob,
        settings: WorkerSettings,
        end_process: EndProcess,
    ) -> Self {
        let WorkerPorts { store, queue, bus } = ports;
        let (renewals, gate) = StartGate::closed();
        let slots = Arc::new(Semaphore::new(settings.slots.max(1) as usize));
        Self {
            id: WorkerId::new(),
            store,
            queue,
            bus,
            run_job: Arc::new(run_job),
            settings,
            slots,
            company: Arc::default(),
            renewals,
            running: Running::behind(gate.clone()),
            gate,
            end_process,
            claims: TaskTracker::new(),
            tasks: TaskTracker::new(),
        }
    }

    /// Works until `stop`; then takes nothing new, lets jobs finish within the grace, hands the
    /// rest over, and returns.
    pub async fn run(self, stop: CancellationToken) {
        let _shown = self.show();
        let Some((heartbeat, _ticking)) = self.start_heartbeat() else { return };
        self.take_in(&stop).await;
        self.drain().await;
        heartbeat.stop().await;
        if let Err(error) = self.store.retire(self.id).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "worker not retired");
        }
    }

    /// Shows what it has room for, and whether its lease is renewed.
    fn show(&self) -> [Observation; 2] {
        let (running, slots) = (self.running.clone(), self.settings.slots.max(1) as usize);
        let slots = workers::observe_slots(move || {
            let held = running.count().min(slots);
            Slots { free: slots - held, held }
        });
        let renewals = self.renewals.clone();
        [slots, workers::observe_lease(move || renewals.age())]
    }

    /// Shows that this runtime is not blocked, and renews the lease as long as it is not. Without
    /// a lease there is nothing for this process to do.
    fn start_heartbeat(&self) -> Option<(Beating, DropGuard)> {
        let (pulse, ticking) = (Pulse::default(), CancellationToken::new());
        self.tasks.spawn(ticking.clone().run_until_cancelled_owned(pulse.clone().tick()));
        let heartbeat = Heartbeat {
            worker: self.id,
            pipelines: self.settings.pipelines,
            store: Arc::clone(&self.store),
            running: self.running.clone(),
            pulse,
            renewals: self.renewals.clone(),
            end_process: Arc::clone(&self.end_process),
        };
        match heartbeat.start() {
            Ok(beating) => Some((beating, ticking.drop_guard())),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "no heartbeat");
                (self.end_process)();
                None
            }
        }
    }

    /// Serves one hint. It is settled only once the store has said what it is worth. Claims run
    /// side by side, so that the store can commit them together.
    async fn serve(self, taken: Taken, place: Place) {
        let span = taken.span.clone();
        self.claim(taken, place).instrument(span).await;
    }

    async fn claim(self, taken: Taken, place: Place) {
        let job_id = taken.hint.job_id;
        let brought_by = context::of(&taken.span);
        match self.store.claim(job_id, self.id, self.settings.pipelines).await {
            Ok(Some(claimed)) => {
                taken.claimed().await;
                let job = &claimed.committed.job;
                // Entered before the claim is over: a drain that begins now finds the job.
                let entry = self.running.enter(job.id, job.attempt);
                self.announce(&claimed).await;
                let held = Held { claimed, brought_by, entry };
                self.tasks.spawn(self.clone().work(held, place));
            }
            Ok(None) => {
                hints::stale();
                taken.stale(self.store.as_ref()).await;
            }
            Err(StoreError::Rejected(error)) => {
                tracing::error!(%job_id, error = error.as_ref() as &dyn std::error::Error, "claim refused");
                taken.stale(self.store.as_ref()).await;
            }
            Err(error @ (StoreError::Unavailable(_) | StoreError::OutcomeUnknown(_))) => {
                tracing::warn!(%job_id, error = &error as &dyn std::error::Error, "not claimed");
                taken.not_served().await;
                tokio::time::sleep(STORE_PAUSE).await;
            }
        }
    }

    async fn announce(&self, claimed: &Claimed) {
        publish(self.bus.as_ref(), &claimed.committed).await;
    }

    async fn work(self, held: Held, place: Place) {
        let Place { slot, company } = place;
        if held.claimed.committed.job.runs_alone() {
            drop(company);
            self.run_alone(held).await;
        } else {
            let _company = company;
            self.attempt(held).await;
        }
        drop(slot);
    }

    /// Runs a job that may be what kills workers: it takes nobody with it.
    ///
    /// Where others run it is given back first, and claimed again once they are gone: a job that
    /// is held counts whatever kills its worker, and this one may not be to blame.
    async fn run_alone(&self, held: Held) {
        if let Ok(_alone) = self.company.try_write() {
            return self.attempt(held).await;
        }
        let job_id = held.claimed.committed.job.id;
        held.entry.stop().drain.cancel();
        self.attempt(held).await;
        let _alone = self.company.write().await;
        if let Some(held) = self.claims.track_future(self.claim_again(job_id)).await {
            self.attempt(held).await;
        }
    }

    /// Makes an attempt, in a span of its own.
    async fn attempt(&self, held: Held) {
        let Held { claimed, brought_by, entry } = held;
        let Committed { before, job, .. } = &claimed.committed;
        if let Some(due) = before.as_ref().and_then(Standing::due_since) {
            spans::queue_wait(job.id, &job.trace, due, job.state_since);
        }
        let span = spans::attempt(&spans::Attempt {
            job_id: job.id,
            number: job.attempt,
            worker: self.id,
            trace: &job.trace,
            brought_by: brought_by.as_ref(),
        });
        let ended = self.run_job.run(self.id, claimed, entry.stop()).instrument(span.clone()).await;
        spans::ended(&span, ended.as_str());
        span.in_scope(|| match ended {
            Ended::Succeeded
            | Ended::Failed
            | Ended::Postponed
            | Ended::Cancelled
            | Ended::Released => tracing::info!(?ended, "attempt ended"),
            Ended::Overdue | Ended::Fenced | Ended::StoreLost => {
                tracing::warn!(?ended, "attempt ended without a word of its own");
            }
        });
    }

    /// Claims a job that this worker gave back; `None` if it is somebody else's by now, or the
    /// worker stops.
    async fn claim_again(&self, job_id: JobId) -> Option<Held> {
        if self.claims.is_closed() {
            return None;
        }
        match self.store.claim(job_id, self.id, self.settings.pipelines).await {
            Ok(claimed) => {
                let claimed = claimed?;
                let job = &claimed.committed.job;
                let entry = self.running.enter(job.id, job.attempt);
                self.announce(&claimed).await;
                Some(Held { claimed, brought_by: None, entry })
            }
            Err(error) => {
                // It is queued, and its turn comes.
                tracing::warn!(%job_id, error = &error as &dyn std::error::Error, "not claimed");
                None
            }
        }
    }

    async fn drain(&self) {
        self.claims.close();
        self.claims.wait().await;
        self.running.until_empty(self.settings.grace).await;
        self.running.hand_over();
        self.running.until_empty(HAND_OVER).await;
        self.tasks.close();
    }
}
