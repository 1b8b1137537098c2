mod outbox;
mod subscription;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use contracts::News;
use engine::ports::{NewsStream, ProgressBus};
use lapin::options::{BasicConsumeOptions, BasicPublishOptions, BasicQosOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Connection, Consumer};
use telemetry::metrics::{Observation, messages};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use self::outbox::Outbox;
use self::subscription::Subscription;
use crate::Settings;
use crate::link::{self, Health, LinkError, Role, in_time};
use crate::topology;

/// What a subscriber waits for its queue. After that it is told of a loss once it has one.
const SUBSCRIBE_MAX: Duration = Duration::from_secs(2);
/// Subscribers that ask at the same moment.
const REQUESTS_MAX: usize = 64;
/// Messages on their way to one subscriber; more wait in its queue at the broker.
const PREFETCH: u16 = 64;
/// `delivery_mode` of a message that a restart of the broker loses.
const TRANSIENT: u8 = 1;

/// News over a fanout exchange.
///
/// Publishing never waits: news are put together while a message is under way, the oldest are
/// dropped past a bound, and all of them while there is no broker. Each subscriber has a queue of
/// its own at the broker, bounded in length and age; a lost connection is told as a loss.
///
/// Dropping the last clone closes it. It must be opened within a Tokio runtime.
#[derive(Clone)]
pub struct RabbitMqProgressBus {
    shared: Arc<Shared>,
}

struct Shared {
    outbox: Arc<Outbox>,
    requests: mpsc::Sender<Request>,
    stop: CancellationToken,
    tasks: TaskTracker,
    _shown: Observation,
    _stops: DropGuard,
}

/// What subscribers ask of the task that has the connection.
enum Request {
    /// A subscriber, and whom to tell once it has a queue.
    Attach { subscriber: mpsc::Sender<Attachment>, attached: oneshot::Sender<()> },
    /// A consumer has ended, though nobody ended it.
    Detached { session: u64 },
}

/// A subscriber's consumer.
struct Attachment {
    consumer: Consumer,
    /// The connection that it belongs to.
    session: u64,
}

impl RabbitMqProgressBus {
    /// A bus at this broker, which is connected to in the background.
    #[must_use]
    pub fn open(settings: &Settings) -> Self {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let (requests, asked) = mpsc::channel(REQUESTS_MAX);
        let outbox = Arc::new(Outbox::default());
        let telling = Telling {
            outbox: Arc::clone(&outbox),
            requests: asked,
            subscribers: Vec::new(),
            session: 0,
        };
        let uri = settings.uri.clone();
        let health = Health::new();
        let _shown = health.show(messages::Connection::News);
        tasks.spawn(link::keep_up(telling, uri, health, stop.child_token()));
        let _stops = stop.clone().drop_guard();
        let shared = Shared { outbox, requests, tasks, _shown, _stops, stop };
        Self { shared: Arc::new(shared) }
    }

    /// Shuts the bus down here, which ends every subscription, and returns once its connection is
    /// given up.
    pub async fn close(&self) {
        self.shared.stop.cancel();
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
    }
}

#[async_trait]
impl ProgressBus for RabbitMqProgressBus {
    async fn publish(&self, news: News) {
        self.shared.outbox.put(news);
    }

    async fn subscribe(&self) -> Box<dyn NewsStream> {
        let (subscriber, attachments) = mpsc::channel(1);
        let (attached, is_attached) = oneshot::channel();
        let requests = self.shared.requests.clone();
        let attaching = async {
            let asked = requests.send(Request::Attach { subscriber, attached }).await;
            asked.is_ok() && is_attached.await.is_ok()
        };
        let heard_all = timeout(SUBSCRIBE_MAX, attaching).await.unwrap_or(false);
        Box::new(Subscription::new(attachments, requests, heard_all))
    }
}

/// The role of the connection that news go both ways on.
struct Telling {
    outbox: Arc<Outbox>,
    requests: mpsc::Receiver<Request>,
    subscribers: Vec<mpsc::Sender<Attachment>>,
    /// Counts connections, so that what is said of an earlier one is told apart.
    session: u64,
}

impl Telling {
    async fn run(
        &mut self,
        connection: &Connection,
        health: &Health,
    ) -> Result<Infallible, LinkError> {
        self.session += 1;
        let channel = in_time(topology::with_progress(connection)).await?;
        // Nobody was there to hear what waits here, and who is told of the loss reads the log.
        self.outbox.forget();
        self.subscribers.retain(|subscriber| !subscriber.is_closed());
        for subscriber in &self.subscribers {
            self.attach(connection, &channel, subscriber).await?;
        }
        health.up();
        loop {
            tokio::select! {
                () = self.outbox.filled() => self.tell(&channel).await?,
                Some(request) = self.requests.recv() => match request {
                    Request::Attach { subscriber, attached } => {
                        // What was published before is sent before, on the channel that makes
                        // the queue: the broker does one after the other.
                        self.tell(&channel).await?;
                        self.attach(connection, &channel, &subscriber).await?;
                        self.subscribers.retain(|subscriber| !subscriber.is_closed());
                        self.subscribers.push(subscriber);
                        // It may have given up waiting.
                        let _ = attached.send(());
                    }
                    Request::Detached { session } if session == self.session => {
                        return Err(LinkError::Cancelled);
                    }
                    // That connection is gone already.
                    Request::Detached { .. } => {}
                },
            }
        }
    }

    /// Makes a queue for a subscriber, and hands it the consumer.
    async fn attach(
        &self,
        connection: &Connection,
        channel: &Channel,
        subscriber: &mpsc::Sender<Attachment>,
    ) -> Result<(), LinkError> {
        let queue = in_time(topology::with_news(channel)).await?;
        let own = in_time(connection.create_channel()).await?;
        in_time(own.basic_qos(PREFETCH, BasicQosOptions::default())).await?;
        let options = BasicConsumeOptions { exclusive: true, ..BasicConsumeOptions::default() };
        let consuming = own.basic_consume(queue, "".into(), options, FieldTable::default());
        let consumer = in_time(consuming).await?;
        // One that has left, or has not taken up the last consumer, gets none: the first needs none,
        // and the other asks again when it finds the last one ended.
        let _ = subscriber.try_send(Attachment { consumer, session: self.session });
        Ok(())
    }

    /// Sends what is there, a message at a time: what comes meanwhile goes with the next.
    async fn tell(&self, channel: &Channel) -> Result<(), LinkError> {
        while let Some(message) = self.outbox.take() {
            let payload = serde_json::to_vec(&message).unwrap_or_default();
            let properties = BasicProperties::default()
                .with_delivery_mode(TRANSIENT)
                .with_content_type("application/json".into());
            let (exchange, options) = (topology::PROGRESS.into(), BasicPublishOptions::default());
            let sent = channel.basic_publish(exchange, "".into(), options, &payload, properties);
            // It is over when the message is written, which waits while the broker blocks: the
            // outbox drops the oldest meanwhile.
            sent.await?;
            messages::sent(messages::Destination::Progress, Ok(()), message.news.len());
        }
        Ok(())
    }
}

#[async_trait]
impl Role for Telling {
    fn name(&self) -> &'static str {
        "assay news"
    }

    async fn serve(&mut self, connection: &Connection, health: &Health) -> LinkError {
        let Err(error) = self.run(connection, health).await;
        error
    }
}
