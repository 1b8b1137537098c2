//! The suites of the ports.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use engine::ports::{Corpus, DocumentStore, JobRecords, JobStore, SecretStore};
use testkit::document_store::DocumentStoreHarness;
use testkit::job_records::JobRecordsHarness;
use testkit::job_store::JobStoreHarness;
use testkit::secret_store::SecretStoreHarness;
use testkit::servers::Postgres;

use crate::fleet::Fleet;

#[async_trait]
impl JobStoreHarness for Fleet {
    async fn is_available() -> bool {
        Postgres::shared().is_some()
    }

    async fn start() -> Self {
        Self::new().await
    }

    async fn fresh(&self) -> Box<dyn JobStoreHarness> {
        Box::new(Self::new().await)
    }

    fn store(&self) -> Arc<dyn JobStore> {
        Arc::clone(&self.store) as Arc<_>
    }

    async fn pass(&self, time: Duration) {
        Fleet::pass(self, time).await;
    }
}

testkit::job_store_suite!(crate::fleet::Fleet);

#[async_trait]
impl JobRecordsHarness for Fleet {
    async fn is_available() -> bool {
        Postgres::shared().is_some()
    }

    async fn start() -> Self {
        Self::new().await
    }

    async fn another(&self) -> Box<dyn JobRecordsHarness> {
        Box::new(Self::new().await)
    }

    fn jobs(&self) -> &dyn JobStoreHarness {
        self
    }

    fn records(&self) -> Arc<dyn JobRecords> {
        Arc::clone(&self.store) as Arc<_>
    }
}

mod records {
    testkit::job_records_suite!(crate::fleet::Fleet);
}

#[async_trait]
impl DocumentStoreHarness for Fleet {
    async fn is_available() -> bool {
        Postgres::shared().is_some()
    }

    async fn start() -> Self {
        Self::new().await
    }

    fn store(&self) -> Arc<dyn DocumentStore> {
        Arc::clone(&self.store) as Arc<_>
    }

    fn corpus(&self) -> Arc<dyn Corpus> {
        Arc::clone(&self.store) as Arc<_>
    }

    async fn pass(&self, time: Duration) {
        Fleet::pass(self, time).await;
    }
}

testkit::document_store_suite!(crate::fleet::Fleet);

#[async_trait]
impl SecretStoreHarness for Fleet {
    async fn is_available() -> bool {
        Postgres::shared().is_some()
    }

    async fn start() -> Self {
        Self::new().await
    }

    fn secrets(&self) -> Arc<dyn SecretStore> {
        Arc::clone(&self.store) as Arc<_>
    }
}

testkit::secret_store_suite!(crate::fleet::Fleet);
