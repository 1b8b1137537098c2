mod consumer;
mod publisher;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use contracts::Hint;
use engine::ports::{Delivery, HintQueue, PublishError, QueueClosed};
use telemetry::metrics::Observation;
use telemetry::metrics::messages::Connection;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use self::consumer::Consumption;
use self::publisher::{Outgoing, Publication};
use crate::Settings;
use crate::link::{self, Health};
use crate::topology::WorkQueue;

/// Receivers that ask at the same moment. More wait, for as long as it takes to note the first.
const REQUESTS_MAX: usize = 64;

/// Hints over a durable quorum queue.
///
/// Nothing waits for the broker: [`publish`](HintQueue::publish) fails at once while there is
/// none, and within three seconds if it does not confirm. The connection for deliveries is made
/// when the first receiver asks, so that a process that only publishes has none.
///
/// Dropping the last clone closes it. It must be opened within a Tokio runtime.
#[derive(Clone)]
pub struct RabbitMqHintQueue {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    outgoing: mpsc::Sender<Outgoing>,
    publishing: Health,
    receiving: OnceLock<Receiving>,
    _shown: Observation,
    stop: CancellationToken,
    tasks: TaskTracker,
    _stops: DropGuard,
}

/// The way to the task that takes deliveries.
struct Receiving {
    requests: mpsc::Sender<oneshot::Sender<Delivery>>,
    health: Health,
    _shown: Observation,
}

impl RabbitMqHintQueue {
    /// A queue at this broker, which is connected to in the background.
    #[must_use]
    pub fn open(settings: Settings) -> Self {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let publishing = Health::new();
        let (publication, outgoing) = Publication::new(WorkQueue::new(&settings));
        let uri = settings.uri.clone();
        tasks.spawn(link::keep_up(publication, uri, publishing.clone(), stop.child_token()));
        let shared = Shared {
            settings,
            outgoing,
            _shown: publishing.show(Connection::Hints),
            publishing,
            receiving: OnceLock::new(),
            tasks,
            _stops: stop.clone().drop_guard(),
            stop,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Shuts the queue down here, and returns once its connections are given up. What it held
    /// stays at the broker.
    pub async fn close(&self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }

    fn receiving(&self) -> &Receiving {
        self.shared.receiving.get_or_init(|| {
            let Shared { settings, tasks, stop, .. } = self.shared.as_ref();
            let (requests, asked) = mpsc::channel(REQUESTS_MAX);
            let health = Health::new();
            let consumption = Consumption::new(settings, asked);
            let (uri, stop) = (settings.uri.clone(), stop.child_token());
            tasks.spawn(link::keep_up(consumption, uri, health.clone(), stop));
            let _shown = health.show(Connection::Deliveries);
            Receiving { requests, health, _shown }
        })
    }
}

#[async_trait]
impl HintQueue for RabbitMqHintQueue {
    async fn publish(&self, hint: Hint) -> Result<(), PublishError> {
        publisher::publish(&self.shared.outgoing, &self.shared.publishing, hint).await
    }

    async fn receive(&self) -> Result<Delivery, QueueClosed> {
        if self.shared.stop.is_cancelled() {
            return Err(QueueClosed);
        }
        let (sender, delivery) = oneshot::channel();
        // A delivery that was handed over to a receiver who left is dropped, and so given back.
        self.receiving().requests.send(sender).await.map_err(|_| QueueClosed)?;
        delivery.await.map_err(|_| QueueClosed)
    }

    fn outage(&self) -> Option<Duration> {
        let receiving = self.shared.receiving.get().and_then(|ways| ways.health.outage());
        self.shared.publishing.outage().max(receiving)
    }
}
