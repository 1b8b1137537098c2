//! What a client reads.

use std::collections::BTreeMap;
use std::time::Duration;

use contracts::event::SourceRetrieved;
use contracts::result::Source;
use contracts::{EventBody, JobId, JobState};
use engine::job::Change;
use engine::ports::{JobFilter, JobStore, LogLimit, PageCursor};

use super::JobStoreHarness;
use super::given::{Given, Held, work};
use crate::build::{key, new_job, result, source, tenant};

pub async fn tenants_never_see_each_other(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let id = given.queued().await;
    let (store, theirs) = (&given.store, tenant("b"));
    assert!(store.get(&theirs, id).await.expect("read").is_none());
    assert!(store.log(&theirs, id, 0, LogLimit::events(10)).await.expect("read").is_none());
    assert!(store.checkpoints(&theirs, id).await.expect("read").is_none());
    assert!(store.cancel(&theirs, id, None).await.expect("asked").is_none());
    assert_eq!(list(store.as_ref(), &theirs, &JobFilter::default(), 10).await, []);
    assert_eq!(given.snapshot(id).await.job.version, 1);
}

pub async fn a_list_is_newest_first_and_stable_while_jobs_come(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let mut expected = Vec::new();
    for _ in 0..3 {
        // Accepted at one time: the id decides.
        for _ in 0..4 {
            let job = given.accepted(new_job(&given.tenant)).await.job;
            expected.push((job.created_at, job.id));
        }
        given.pass(Duration::from_millis(10)).await;
    }
    expected.sort();
    expected.reverse();
    let (mut cursor, mut seen) = (None, Vec::new());
    loop {
        let none = JobFilter::default();
        let page = given.store.list(&given.tenant, &none, cursor, 5).await.expect("read");
        let Some(last) = page.last() else { break };
        cursor = Some(PageCursor { created_at: last.job.created_at, id: last.job.id });
        seen.extend(page.iter().map(|snapshot| (snapshot.job.created_at, snapshot.job.id)));
        given.queued().await;
    }
    assert_eq!(seen, expected);
}

pub async fn each_filter_restricts_the_list(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let plain = given.accepted(new_job(&given.tenant)).await.job;
    given.pass(Duration::from_secs(5)).await;
    let mut new = new_job(&given.tenant);
    new.submission.company_name = "Boeing".to_owned();
    new.submission.labels = labels(&[("team", "a"), ("path.to \"x\"", "1"), ("n", "")]);
    new.idempotency = Some(key("k", 1));
    let marked = given.accepted(new).await.job;
    given.claimed(marked.id).await;
    let filter = JobFilter::default;
    let cases = [
        (JobFilter { state: Some(JobState::Running), ..filter() }, vec![marked.id]),
        (JobFilter { state: Some(JobState::Queued), ..filter() }, vec![plain.id]),
        (JobFilter { state: Some(JobState::Expired), ..filter() }, vec![]),
        (JobFilter { company_name: Some("Boeing".to_owned()), ..filter() }, vec![marked.id]),
        (JobFilter { company_name: Some("boeing".to_owned()), ..filter() }, vec![]),
        (JobFilter { labels: labels(&[("team", "a")]), ..filter() }, vec![marked.id]),
        (
            JobFilter { labels: labels(&[("n", ""), ("path.to \"x\"", "1")]), ..filter() },
            vec![marked.id],
        ),
        (JobFilter { labels: labels(&[("team", "a"), ("n", "1")]), ..filter() }, vec![]),
        (JobFilter { labels: labels(&[("other", "a")]), ..filter() }, vec![]),
        (JobFilter { created_after: Some(marked.created_at), ..filter() }, vec![marked.id]),
        (JobFilter { created_before: Some(marked.created_at), ..filter() }, vec![plain.id]),
        (JobFilter { idempotency_key: Some("k".to_owned()), ..filter() }, vec![marked.id]),
        (JobFilter { idempotency_key: Some("l".to_owned()), ..filter() }, vec![]),
        (filter(), vec![marked.id, plain.id]),
    ];
    for (filter, expected) in cases {
        let found = list(given.store.as_ref(), &given.tenant, &filter, 10).await;
        assert_eq!(found, expected, "{filter:?}");
    }
}

pub async fn a_log_is_read_in_pages(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let mut held = given.running().await;
    for _ in 0..5 {
        held.apply(work([retrieved(), retrieved()])).await;
    }
    let id = held.job.id;
    let (mut after, mut versions) = (0, Vec::new());
    loop {
        let slice =
            given.store.log(&given.tenant, id, after, LogLimit::events(5)).await.expect("read");
        let slice = slice.expect("the job is there");
        assert_eq!((slice.head, slice.ended), (12, false));
        let Some(last) = slice.events.last() else { break };
        after = last.version();
        versions.extend(slice.events.iter().map(contracts::Event::version));
    }
    assert_eq!(versions, (1..=12).collect::<Vec<u64>>());
    for beyond in [13, u64::MAX] {
        let slice =
            given.store.log(&given.tenant, id, beyond, LogLimit::events(5)).await.expect("read");
        let slice = slice.expect("the job is there");
        assert_eq!((slice.events.len(), slice.head), (0, 12));
    }
}

pub async fn a_page_of_a_log_is_bounded_in_bytes_and_never_empty(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let mut held = given.running().await;
    held.apply(work([retrieved(), retrieved(), retrieved()])).await;
    let id = held.job.id;
    let log = given.log(id).await;
    let sizes: Vec<usize> = log.iter().map(|event| event.data.to_string().len()).collect();
    for after in 0..log.len() {
        let rest = &sizes[after..];
        for fitting in 1..=rest.len() {
            let exactly: usize = rest[..fitting].iter().sum();
            // One byte less and the last one does not fit, unless it is the only one.
            for (bytes, expected) in [(exactly, fitting), (exactly - 1, (fitting - 1).max(1))] {
                let limit = LogLimit { events: 100, bytes };
                let slice = given.store.log(&given.tenant, id, after as u64, limit).await;
                let slice = slice.expect("read").expect("the job is there");
                assert_eq!(slice.events, log[after..after + expected], "{bytes} after {after}");
                assert_eq!(slice.head, log.len() as u64);
            }
        }
    }
}

pub async fn the_log_reads_as_it_was_committed(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let committed = given.accepted(new_job(&given.tenant)).await;
    let mut events = committed.events;
    let claimed = given.claim(committed.job.id).await.expect("the job is due");
    let mut held = Held::of(harness.store(), given.worker, &claimed);
    events.extend(claimed.committed.events);
    // Fractions of every length, as scores are.
    let scores = (1..200).map(|n| retrieved_with(f64::from(n).ln() / 7.0));
    events.extend(held.apply(work(scores)).await);
    let end = Change::Succeed { events: vec![], result: Box::new(result("x")) };
    events.extend(held.apply(end).await);
    let log = given.log(held.job.id).await;
    assert_eq!(log, events);
    // The same JSON, to the last digit, not only the same values.
    let json = |events| serde_json::to_string(events).expect("events are JSON");
    assert_eq!(json(&log), json(&events));
}

pub async fn heads_tell_the_newest_version_of_known_jobs(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let (queued, running) = (given.queued().await, given.running().await.job.id);
    let ended = given.queued().await;
    given.store.cancel(&given.tenant, ended, None).await.expect("cancelled");
    let asked = [running, JobId::new(), ended, queued];
    let heads = given.store.heads(&asked).await.expect("read");
    let mut heads: Vec<_> = heads.into_iter().map(|h| (h.id, h.version, h.ended)).collect();
    heads.sort();
    let mut expected = [(queued, 1, false), (running, 2, false), (ended, 2, true)];
    expected.sort();
    assert_eq!(heads, expected);
    assert_eq!(given.store.heads(&[]).await.expect("read"), []);
}

async fn list(
    store: &dyn JobStore,
    tenant: &contracts::TenantId,
    filter: &JobFilter,
    limit: usize,
) -> Vec<JobId> {
    let found = store.list(tenant, filter, None, limit).await.expect("read");
    found.into_iter().map(|snapshot| snapshot.job.id).collect()
}

fn labels(labels: &[(&str, &str)]) -> BTreeMap<String, String> {
    labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn retrieved() -> EventBody {
    retrieved_with(1.0)
}

fn retrieved_with(score: f64) -> EventBody {
    let source = Source { score, ..source() };
    EventBody::SourceRetrieved(SourceRetrieved { source, taken_over_from: None })
}
