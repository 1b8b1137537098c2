//! The use cases, one a file.
//!
//! [`Jobs`] is what a gateway offers its clients; [`RunJob`], [`dispatch`] and [`sweep`] are what
//! keeps jobs moving; [`Ingest`] takes documents in; [`Verification`] checks a store. Each is given the ports it needs and no more.

mod backlog;
mod cancel;
mod delete;
pub mod dispatch;
mod ingest;
mod measure;
mod query;
mod retry;
mod run_job;
mod stream;
mod submit;
pub mod sweep;
mod tickets;
mod upkeep;
mod verify;

use std::sync::Arc;
use std::time::Duration;

use self::submit::HintsUnderWay;
use self::tickets::Tickets;
use crate::faults::{self, NEWS};
use crate::ports::{Committed, Corpus, HintQueue, JobStore, ProgressBus, SecretStore};

pub use backlog::watch_backlog;
pub use cancel::{CancelAnswer, CancelError};
pub use delete::DeleteError;
pub use ingest::{Ingest, IngestError, NewFile};
pub use query::{ListQuery, QueryError};
pub use retry::RetryError;
pub use run_job::{Ended, Renewals, RunJob, RunJobPorts, StartGate, StopTokens};
pub use stream::{FollowError, Follower, Rendered, Streams};
pub use submit::{Accepted, SubmitError, SubmitOptions};
pub use tickets::{MissingJob, ReadTicketError, TicketError};
pub use verify::{Checked, Verification};

/// Hints under way at the most, in a single process.
pub const HINT_WINDOW: usize = 256;
/// A queue that was out for this long is done without: nothing is marked as hinted for its sake,
/// and workers take their jobs from the store.
pub const QUEUE_OUTAGE: Duration = Duration::from_secs(2);

/// What a client may ask about jobs.
#[derive(Clone)]
pub struct Jobs {
    store: Arc<dyn JobStore>,
    queue: Arc<dyn HintQueue>,
    bus: Arc<dyn ProgressBus>,
    corpus: Arc<dyn Corpus>,
    streams: Streams,
    models: Arc<[String]>,
    hints: HintsUnderWay,
    tickets: Tickets,
    trace_ratio: f64,
}

impl Jobs {
    /// The use cases over these ports. `models` are the names that a request may choose; the first
    /// is the default. Of the jobs that come without a trace, none is traced.
    #[must_use]
    pub fn new(ports: JobsPorts, streams: Streams, models: Vec<String>) -> Self {
        let JobsPorts { store, queue, bus, corpus, secrets } = ports;
        let (hints, tickets) = (HintsUnderWay::default(), Tickets::over(secrets));
        let models = models.into();
        Self { store, queue, bus, corpus, streams, models, hints, tickets, trace_ratio: 0.0 }
    }

    /// Of the jobs that come without a trace, the share `ratio` is traced: 0.0 to 1.0.
    #[must_use]
    pub fn with_trace_ratio(self, ratio: f64) -> Self {
        Self { trace_ratio: ratio, ..self }
    }

    /// Tells every gateway what was committed.
    async fn announce(&self, committed: &Committed) {
        publish(self.bus.as_ref(), committed).await;
    }
}

/// Tells every gateway what was committed, if anything was. Whatever is committed passes here, once
/// in the fleet, so this is where it is measured.
pub async fn publish(bus: &dyn ProgressBus, committed: &Committed) {
    measure::record(committed);
    let Some(news) = committed.news() else { return };
    faults::reach(NEWS.before);
    bus.publish(news).await;
    faults::reach(NEWS.after);
}

/// The ports behind [`Jobs`].
pub struct JobsPorts {
    /// The truth about jobs.
    pub store: Arc<dyn JobStore>,
    /// The way to the workers.
    pub queue: Arc<dyn HintQueue>,
    /// The way to the gateways.
    pub bus: Arc<dyn ProgressBus>,
    /// What the documents say.
    pub corpus: Arc<dyn Corpus>,
    /// What all gateways share.
    pub secrets: Arc<dyn SecretStore>,
}
