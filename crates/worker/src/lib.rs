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

use contracts::{JobId, WorkerId};
use engine::analysis::PIPELINE_VERSION;
use engine::ports::{Claimed, HintQueue, JobStore, ProgressBus, StoreError};
use engine::services::{Ended, Renewals, RunJob, StartGate, StopTokens, publish};
use telemetry::metrics::workers::{self, Slots};
use telemetry::metrics::{Observation, hints};
use tokio::sync::{OwnedRwLockReadGuard, OwnedSemaphorePermit, RwLock, Semaphore};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

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
        let job_id = taken.hint.job_id;
        match self.store.claim(job_id, self.id, &[PIPELINE_VERSION]).await {
            Ok(Some(claimed)) => {
                taken.claimed().await;
                let job = &claimed.committed.job;
                // Entered before the claim is over: a drain that begins now finds the job.
                let entry = self.running.enter(job.id, job.attempt);
                self.announce(&claimed).await;
                self.tasks.spawn(self.clone().work(claimed, place, entry));
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

    async fn work(self, claimed: Claimed, place: Place, entry: Entry) {
        let job = &claimed.committed.job;
        let (job_id, attempt) = (job.id, job.attempt);
        let Place { slot, company } = place;
        let ended = if job.runs_alone() {
            drop(company);
            self.run_alone(claimed, entry).await
        } else {
            let _company = company;
            self.run_job.run(self.id, claimed, entry.stop()).await
        };
        drop(slot);
        match ended {
            Ended::Succeeded
            | Ended::Failed
            | Ended::Postponed
            | Ended::Cancelled
            | Ended::Released => {
                tracing::info!(%job_id, attempt, ?ended, "attempt ended");
            }
            Ended::Overdue | Ended::Fenced | Ended::StoreLost => {
                tracing::warn!(%job_id, attempt, ?ended, "attempt ended without a word of its own");
            }
        }
    }

    /// Runs a job that may be what kills workers: it takes nobody with it.
    ///
    /// Where others run it is given back first, and claimed again once they are gone: a job that
    /// is held counts whatever kills its worker, and this one may not be to blame.
    async fn run_alone(&self, claimed: Claimed, entry: Entry) -> Ended {
        let job_id = claimed.committed.job.id;
        if let Ok(_alone) = self.company.try_write() {
            return self.run_job.run(self.id, claimed, entry.stop()).await;
        }
        let at_once = StopTokens::default();
        at_once.drain.cancel();
        let released = self.run_job.run(self.id, claimed, &at_once).await;
        drop(entry);
        let _alone = self.company.write().await;
        match self.claims.track_future(self.claim_again(job_id)).await {
            Some((claimed, entry)) => self.run_job.run(self.id, claimed, entry.stop()).await,
            None => released,
        }
    }

    /// Claims a job that this worker gave back; `None` if it is somebody else's by now, or the
    /// worker stops.
    async fn claim_again(&self, job_id: JobId) -> Option<(Claimed, Entry)> {
        if self.claims.is_closed() {
            return None;
        }
        match self.store.claim(job_id, self.id, &[PIPELINE_VERSION]).await {
            Ok(claimed) => {
                let claimed = claimed?;
                let job = &claimed.committed.job;
                let entry = self.running.enter(job.id, job.attempt);
                self.announce(&claimed).await;
                Some((claimed, entry))
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
