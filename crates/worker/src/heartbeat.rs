//! The heartbeat: says that the worker lives, from a thread and a runtime of its own, so that no
//! step delays it however long it keeps its own runtime busy.
//!
//! A runtime that is blocked for good is another matter. The heartbeat watches its [`Pulse`]: while
//! it is still, the lease is not renewed, so that the jobs go to others; and once it is still for a
//! whole lease, the process is ended, because nothing else in it could do that.

use std::cell::Cell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use contracts::WorkerId;
use engine::ports::JobStore;
use engine::services::Renewals;
use engine::services::sweep::LEASE;
use tokio::runtime;
use tokio::sync::oneshot;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::pulse::{Pulse, Silence};
use crate::running::Running;

/// How often a worker says that it lives.
const BEAT: Duration = Duration::from_secs(1);
/// How often the pulse is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// A step runtime that was still for this long is blocked: the lease is not renewed.
const BLOCKED_AFTER: Duration = Duration::from_secs(3);

/// What ends the process, at once. It is called on the heartbeat's thread, while everything else
/// may be blocked.
pub type EndProcess = Arc<dyn Fn() + Send + Sync>;

/// What a heartbeat does its work with.
pub(crate) struct Heartbeat {
    pub(crate) worker: WorkerId,
    /// The versions of the workflow that it knows.
    pub(crate) pipelines: &'static [u32],
    pub(crate) store: Arc<dyn JobStore>,
    pub(crate) running: Running,
    pub(crate) pulse: Pulse,
    pub(crate) renewals: Renewals,
    pub(crate) end_process: EndProcess,
}

/// A heartbeat that beats. Dropped, it stops.
pub(crate) struct Beating {
    stop: CancellationToken,
    ended: oneshot::Receiver<()>,
}

impl Heartbeat {
    /// Starts beating.
    ///
    /// # Errors
    /// If the system has no thread for it.
    pub(crate) fn start(self) -> io::Result<Beating> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let stop = CancellationToken::new();
        let (end, ended) = oneshot::channel();
        let stopped = stop.clone();
        thread::Builder::new().name("heartbeat".to_owned()).spawn(move || {
            let beating = || runtime.block_on(stopped.run_until_cancelled(self.beat()));
            if catch_unwind(AssertUnwindSafe(beating)).is_err() {
                // The panic is in the log. Without a heartbeat there is no worker.
                (self.end_process)();
            }
            // Its connection to the store ends with it.
            runtime.shutdown_background();
            drop(end);
        })?;
        Ok(Beating { stop, ended })
    }

    async fn beat(&self) {
        let is_blocked = Cell::new(false);
        tokio::select! {
            () = self.watch(&is_blocked) => (self.end_process)(),
            () = self.renew(&is_blocked) => {}
        }
    }

    /// Watches the pulse; returns once the step runtime was still for a whole lease.
    async fn watch(&self, is_blocked: &Cell<bool>) {
        let mut looks = every(LOOK);
        let mut silence = Silence::new(2 * LOOK);
        let mut looked_at = Instant::now();
        loop {
            looks.tick().await;
            let now = Instant::now();
            let length = silence.look(self.pulse.ticks(), now - looked_at);
            looked_at = now;
            let was_blocked = is_blocked.replace(length >= BLOCKED_AFTER);
            if is_blocked.get() && !was_blocked {
                tracing::error!("the step runtime is blocked: the lease is not renewed");
            }
            if length >= LEASE {
                tracing::error!("the step runtime was blocked for {LEASE:?}: the process ends");
                return;
            }
        }
    }

    /// Renews the lease again and again, save while the step runtime is blocked.
    async fn renew(&self, is_blocked: &Cell<bool>) {
        let mut beats = every(BEAT);
        loop {
            beats.tick().await;
            if is_blocked.get() {
                continue;
            }
            let sent_at = Instant::now();
            match self.store.renew(self.worker, self.pipelines).await {
                Ok(renewal) => {
                    self.running.cancel(&renewal.cancelling);
                    self.renewals.renewed(sent_at);
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "lease not renewed");
                }
            }
        }
    }
}

impl Beating {
    /// Stops, and waits until the thread has ended.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        // An error says that it has ended: nothing is ever sent.
        let _ = (&mut self.ended).await;
    }
}

impl Drop for Beating {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn every(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
