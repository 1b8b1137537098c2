//! The suites of the ports.

use std::sync::Arc;

use adapter_rabbitmq::{RabbitMqHintQueue, RabbitMqProgressBus};
use async_trait::async_trait;
use engine::ports::{HintQueue, ProgressBus};
use testkit::hint_queue::HintQueueHarness;
use testkit::progress_bus::ProgressBusHarness;
use testkit::servers::rabbitmq::{self, VirtualHost};

use crate::support::{open_queue, settings};

/// Small, so that a queue is full soon.
const HINTS_MAX: u32 = 32;

pub(crate) struct Queue {
    queue: RabbitMqHintQueue,
    _host: VirtualHost,
}

#[async_trait]
impl HintQueueHarness for Queue {
    async fn is_available() -> bool {
        rabbitmq::is_available().await
    }

    async fn start() -> Self {
        let host = rabbitmq::shared().await.expect("available");
        let mut settings = settings(&host);
        settings.hints_max = HINTS_MAX;
        Self { queue: open_queue(settings).await, _host: host }
    }

    fn queue(&self) -> Arc<dyn HintQueue> {
        Arc::new(self.queue.clone())
    }

    fn capacity(&self) -> usize {
        HINTS_MAX as usize
    }

    async fn close(&self) {
        self.queue.close().await;
    }
}

testkit::hint_queue_suite!(crate::conformance::Queue);

pub(crate) struct Bus {
    bus: RabbitMqProgressBus,
    _host: VirtualHost,
}

#[async_trait]
impl ProgressBusHarness for Bus {
    async fn is_available() -> bool {
        rabbitmq::is_available().await
    }

    async fn start() -> Self {
        let host = rabbitmq::shared().await.expect("available");
        let bus = RabbitMqProgressBus::open(&settings(&host));
        // Returns once the connection is there.
        drop(bus.subscribe().await);
        Self { bus, _host: host }
    }

    fn bus(&self) -> Option<Arc<dyn ProgressBus>> {
        Some(Arc::new(self.bus.clone()))
    }

    async fn close(&self) {
        self.bus.close().await;
    }
}

testkit::progress_bus_suite!(crate::conformance::Bus);
