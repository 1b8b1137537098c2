//! What a page shows.

use std::time::Duration;

use contracts::event::LogEntry;
use contracts::{Event, JobId, WorkerId};
use engine::invariants::judge;
use engine::job::Change;
use engine::ports::{JobRecord, JobRecords, StoredRecord};
use tokio::task::JoinSet;

use super::JobRecordsHarness;
use super::honest::HonestWorker;
use crate::build::{TIMEOUT, key, new_job, problem, tenant};
use crate::job_store::given::Given;

pub async fn every_job_is_read_once_in_the_order_of_the_ids(harness: &dyn JobRecordsHarness) {
    let given = Given::new(harness.jobs());
    let mut ids = Vec::new();
    for n in 0..25 {
        let new = new_job(&tenant(["a", "b", "c"][n % 3]));
        ids.push(given.accepted(new).await.job.id);
    }
    ids.sort_unstable();
    let (mut read, mut after) = (Vec::new(), None);
    loop {
        let page = harness.records().page(after, 10).await.expect("read");
        assert!(page.records.len() <= 10);
        let Some(last) = page.records.last() else { break };
        after = Some(last.id());
        read.extend(page.records.iter().map(StoredRecord::id));
    }
    assert_eq!(read, ids);
}

pub async fn a_record_is_all_that_is_kept_of_a_job(harness: &dyn JobRecordsHarness) {
    let given = Given::new(harness.jobs());
    let mut new = new_job(&given.tenant);
    new.idempotency = Some(key("k", 1));
    let id = given.accepted(new).await.job.id;
    let mut worker = claimed(&given, id).await;
    for _ in 0..3 {
        worker.advance().await;
    }
    let record = only(harness.records().as_ref()).await;
    assert_eq!(record.checkpoints, ["plan"]);
    assert_eq!((record.result, record.error), (None, None));
    for _ in 0..4 {
        worker.advance().await;
    }
    let record = only(harness.records().as_ref()).await;
    let snapshot = given.snapshot(id).await;
    assert_eq!(record.job, snapshot.job);
    assert_eq!(record.log, given.log(id).await.into_iter().map(entry).collect::<Vec<_>>());
    assert_eq!((&record.attempts, &record.steps), (&snapshot.attempts, &snapshot.steps));
    assert_eq!((&record.result, &record.error), (&snapshot.result, &snapshot.error));
    assert!(record.result.is_some());
    assert_eq!(record.checkpoints, ["plan", "retrieve", "synthesize"]);
    assert_eq!(record.key_owners, std::slice::from_ref(&given.tenant));
    assert!(record.has_request && !record.has_tombstone);
    assert_eq!(record.holder_heard_at, None);
}

pub async fn reading_changes_nothing(harness: &dyn JobRecordsHarness) {
    let given = Given::new(harness.jobs());
    let held = given.running().await;
    let before = only(harness.records().as_ref()).await;
    assert_eq!(before.job, held.job);
    given.pass(TIMEOUT + Duration::from_secs(60)).await;
    assert_eq!(only(harness.records().as_ref()).await.job, held.job);
    given.sweep().await;
    assert!(only(harness.records().as_ref()).await.job.is_ended());
}

pub async fn known_jobs_are_read_again(harness: &dyn JobRecordsHarness) {
    let given = Given::new(harness.jobs());
    let (first, _, third) = (given.queued().await, given.queued().await, given.queued().await);
    let page = harness.records().again(&[third, JobId::new(), first]).await.expect("read");
    let mut ids = [first, third];
    ids.sort_unstable();
    assert_eq!(page.records.iter().map(StoredRecord::id).collect::<Vec<_>>(), ids);
}

pub async fn a_page_shows_one_moment_while_jobs_move_on(harness: &dyn JobRecordsHarness) {
    let given = Given::new(harness.jobs());
    let mut workers = JoinSet::new();
    for _ in 0..8 {
        let id = given.queued().await;
        let store = harness.jobs().store();
        workers.spawn(async move {
            // Some fail once, and go on after their finished steps.
            for retries in [true, false] {
                let worker = WorkerId::new();
                let claimed = HonestWorker::claim(store.clone(), id, worker).await;
                let Some(mut worker) = claimed else { return };
                for _ in 0..3 {
                    worker.advance().await;
                }
                let delay = Duration::ZERO;
                if retries {
                    let failed = Change::Retry { events: vec![], error: problem(), delay };
                    worker.ask(failed).await;
                }
            }
        });
    }
    while !workers.is_empty() {
        assert_sound(harness.records().as_ref()).await;
        while workers.try_join_next().is_some() {}
    }
    assert_sound(harness.records().as_ref()).await;
}

/// Asserts that no job breaks a rule.
pub(super) async fn assert_sound(records: &dyn JobRecords) {
    for record in records.page(None, 1_000).await.expect("read").records {
        let StoredRecord::Read(record) = record else { panic!("{record:?}") };
        assert_eq!(judge(&record, None), [], "{record:?}");
    }
}

async fn claimed(given: &Given<'_>, id: JobId) -> HonestWorker {
    let store = std::sync::Arc::clone(&given.store);
    HonestWorker::claim(store, id, given.worker).await.expect("the job is due")
}

/// The record of the only job.
async fn only(records: &dyn JobRecords) -> JobRecord {
    let page = records.page(None, 10).await.expect("read");
    match <[StoredRecord; 1]>::try_from(page.records) {
        Ok([StoredRecord::Read(record)]) => *record,
        other => panic!("not one job: {other:?}"),
    }
}

fn entry(event: Event) -> LogEntry {
    let version = event.version();
    let Event { time, attempt, kind, data, .. } = event;
    LogEntry { version, time, attempt, kind, data }
}
