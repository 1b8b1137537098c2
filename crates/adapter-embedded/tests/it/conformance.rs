//! The suites of the ports.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use adapter_embedded::{DataDir, InProcessHintQueue, InProcessProgressBus, Records, Store};
use async_trait::async_trait;
use engine::ports::{
    Corpus, DocumentStore, HintQueue, JobRecords, JobStore, ProgressBus, SecretStore,
};
use tempfile::TempDir;
use testkit::clock::ManualClock;
use testkit::document_store::DocumentStoreHarness;
use testkit::hint_queue::HintQueueHarness;
use testkit::job_records::JobRecordsHarness;
use testkit::job_store::JobStoreHarness;
use testkit::progress_bus::ProgressBusHarness;
use testkit::secret_store::SecretStoreHarness;

pub(crate) struct Embedded {
    store: Arc<Store>,
    clock: Arc<ManualClock>,
    // Deleted last.
    _dir: TempDir,
}

impl Embedded {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let clock = Arc::new(ManualClock::default());
        let owned = DataDir::open(dir.path()).expect("owned");
        let store = Store::open(owned, Arc::clone(&clock) as Arc<_>).expect("opened");
        Self { store: Arc::new(store), clock, _dir: dir }
    }
}

#[async_trait]
impl JobStoreHarness for Embedded {
    async fn start() -> Self {
        Self::new()
    }

    async fn fresh(&self) -> Box<dyn JobStoreHarness> {
        Box::new(Self::new())
    }

    fn store(&self) -> Arc<dyn JobStore> {
        Arc::clone(&self.store) as Arc<_>
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }
}

testkit::job_store_suite!(crate::conformance::Embedded);

#[async_trait]
impl JobRecordsHarness for Embedded {
    async fn start() -> Self {
        Self::new()
    }

    async fn another(&self) -> Box<dyn JobRecordsHarness> {
        Box::new(Self::new())
    }

    fn jobs(&self) -> &dyn JobStoreHarness {
        self
    }

    fn records(&self) -> Arc<dyn JobRecords> {
        Arc::new(Records::of(&self.store))
    }
}

mod records {
    testkit::job_records_suite!(crate::conformance::Embedded);
}

#[async_trait]
impl DocumentStoreHarness for Embedded {
    async fn start() -> Self {
        Self::new()
    }

    fn store(&self) -> Arc<dyn DocumentStore> {
        Arc::clone(&self.store) as Arc<_>
    }

    fn corpus(&self) -> Arc<dyn Corpus> {
        Arc::clone(&self.store) as Arc<_>
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }
}

testkit::document_store_suite!(crate::conformance::Embedded);

pub(crate) struct Queue(InProcessHintQueue);

#[async_trait]
impl HintQueueHarness for Queue {
    async fn start() -> Self {
        Self(InProcessHintQueue::default())
    }

    fn queue(&self) -> Arc<dyn HintQueue> {
        Arc::new(self.0.clone())
    }

    fn capacity(&self) -> usize {
        1_024
    }

    async fn close(&self) {
        self.0.close();
    }
}

testkit::hint_queue_suite!(crate::conformance::Queue);

pub(crate) struct Bus(Mutex<Option<Arc<InProcessProgressBus>>>);

#[async_trait]
impl ProgressBusHarness for Bus {
    async fn start() -> Self {
        Self(Mutex::new(Some(Arc::default())))
    }

    fn bus(&self) -> Option<Arc<dyn ProgressBus>> {
        self.0.lock().expect("no test panicked").clone().map(|bus| bus as Arc<_>)
    }

    async fn close(&self) {
        self.0.lock().expect("no test panicked").take();
    }
}

testkit::progress_bus_suite!(crate::conformance::Bus);

#[async_trait]
impl SecretStoreHarness for Embedded {
    async fn start() -> Self {
        Self::new()
    }

    fn secrets(&self) -> Arc<dyn SecretStore> {
        Arc::clone(&self.store) as Arc<_>
    }
}

testkit::secret_store_suite!(crate::conformance::Embedded);
