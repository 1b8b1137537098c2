//! A sound record breaks no rule, and what is done to it breaks the right one.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use adapter_embedded::{DataDir, Records, Store};
use contracts::event::{JobRequeued, LogEntry, OutputReset, RequeueReason, StepKind, StepMark};
use contracts::result::Citation;
use contracts::{DocumentId, EventBody, SourceId, TenantId, Timestamp, WorkerId};
use engine::invariants::{Invariant, is_orphan, judge};
use engine::job::{Change, Job, State};
use engine::ports::{JobRecord, JobRecords as _, JobStore, StoredRecord, Submitted, Watch};
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq};
use proptest::proptest;
use proptest::sample::Index;
use testkit::build::{TIMEOUT, key, new_job, problem, tenant};
use testkit::clock::ManualClock;
use testkit::job_records::honest::HonestWorker;

use crate::jobs::{Terms, create, record, second, step_completed, step_started, worker};

/// A way to break a record, at some place of it, and the rule that this breaks.
type Break = (Invariant, fn(&mut JobRecord, Index));

/// Every one of these breaks its rule wherever it is done; it may break others, too.
const BREAKS: &[Break] = &[
    (Invariant::Readable, |record, at| entry(record, at).kind = "job.lost".to_owned()),
    (Invariant::Readable, |record, at| {
        entry(record, at).data = serde_json::Value::Null;
    }),
    (Invariant::Log, |record, at| {
        let at = place(record, at);
        drop(record.log.remove(at));
    }),
    (Invariant::Log, |record, at| entry(record, at).version += 1),
    (Invariant::Log, |record, at| {
        let at = place(record, at);
        record.log.insert(at, record.log[at].clone());
    }),
    (Invariant::Log, |record, at| {
        let at = at.index(record.log.len() - 1);
        record.log[at].time = record.log[at + 1].time.after(Duration::from_millis(1));
    }),
    (Invariant::Log, |record, _| record.job.state = State::Queued),
    (Invariant::Log, |record, _| record.job.version += 1),
    (Invariant::Row, |record, _| record.job.epoch += 1),
    (Invariant::Row, |record, _| record.job.attempt -= 1),
    (Invariant::Row, |record, _| record.job.failures += 1),
    (Invariant::Row, |record, _| record.job.crash_count += 1),
    (Invariant::Row, |record, _| record.job.started_at = None),
    (Invariant::Row, |record, _| record.job.spent.running_ms += 1),
    (Invariant::Row, |record, _| record.job.deadline_at = later(record.job.deadline_at)),
    (Invariant::Attempts, |record, at| {
        drop(record.attempts.remove(at.index(record.attempts.len())));
    }),
    (Invariant::Attempts, |record, at| {
        let at = at.index(record.attempts.len());
        record.attempts[at].finished_at = None;
    }),
    (Invariant::Attempts, |record, at| entry(record, at).attempt += 1),
    (Invariant::Attempts, |record, _| {
        // The second holder starts while the first one holds the job.
        put(record, "job.attempt_failed", &EventBody::StepStarted(mark("other")));
    }),
    (Invariant::Attempts, |record, _| {
        let reason = RequeueReason::Drain;
        put(
            record,
            "job.started",
            &EventBody::JobRequeued(JobRequeued { reason, next_attempt_at: None, error: None }),
        );
    }),
    (Invariant::Attempts, |record, _| {
        let reason = RequeueReason::CircuitOpen;
        put(
            record,
            "job.attempt_failed",
            &EventBody::JobRequeued(JobRequeued { reason, next_attempt_at: None, error: None }),
        );
    }),
    (Invariant::Steps, |record, at| drop(record.steps.remove(at.index(record.steps.len())))),
    (Invariant::Steps, |record, at| {
        let at = at.index(record.steps.len());
        record.steps[at].attempt += 1;
    }),
    (Invariant::Steps, |record, at| {
        drop(record.checkpoints.remove(at.index(record.checkpoints.len())));
    }),
    (Invariant::Steps, |record, _| {
        // A finished step begins again.
        put(record, "job.attempt_failed", &EventBody::StepStarted(mark("plan")));
    }),
    (Invariant::Ending, |record, _| record.result = None),
    (Invariant::Ending, |record, _| record.error = Some(problem())),
    (Invariant::Ending, |record, _| {
        record.result.iter_mut().for_each(|result| result.summary.push('!'));
    }),
    (Invariant::Sources, |record, _| {
        record
            .result
            .iter_mut()
            .for_each(|result| result.sources[0].document_id = DocumentId::new());
    }),
    (Invariant::Sources, |record, _| {
        put(record, "source.retrieved", &EventBody::StepStarted(mark("other")));
    }),
    (Invariant::Sources, |record, at| {
        let source_id = SourceId::ranked(2 + at.index(9));
        cite(record, Citation { start: 0, end: 1, source_id });
    }),
    (Invariant::Sources, |record, at| {
        cite(record, Citation { start: 0, end: 100 + at.index(9), source_id: SourceId::ranked(1) });
    }),
    (Invariant::Keys, |record, _| record.has_request = false),
    (Invariant::Keys, |record, _| record.has_tombstone = true),
    (Invariant::Keys, |record, _| record.key_owners.push(record.job.tenant.clone())),
    (Invariant::Keys, |record, _| record.key_owners = vec![TenantId::default_tenant()]),
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_breaks_a_rule_is_found_under_that_rule(which in any::<Index>(), at in any::<Index>()) {
        let (rule, spoil) = which.get(BREAKS);
        let mut record = sound().clone();
        spoil(&mut record, at);
        let violations = judge(&record, None);
        prop_assert!(
            violations.iter().any(|violation| violation.invariant == *rule),
            "break {} of {rule}: {violations:?}", which.index(BREAKS.len())
        );
        prop_assert!(violations.iter().all(|violation| violation.job_id == record.job.id));
    }

    #[test]
    fn nothing_is_late_within_5_s_of_its_time_or_of_the_first_sweep(
        since_ms in 0_i64..2_000_000, until_ms in 0_i64..2_000_000,
    ) {
        let mut record = sound().clone();
        record.job.state = State::Queued;
        let at = |ms| Timestamp::from_millis(record.job.created_at.as_millis() + ms);
        let watch = Watch { since: at(since_ms), until: at(until_ms) };
        let deadline_ms = i64::try_from(TIMEOUT.as_millis()).unwrap();
        let is_late = deadline_ms.max(since_ms) + 5_000 < until_ms;
        prop_assert_eq!(breaks(&record, watch, Invariant::Deadline), is_late);
    }

    #[test]
    fn a_silent_worker_holds_no_job_longer_than_its_lease_and_5_s(
        heard_ms in 0_i64..100_000, since_ms in 0_i64..100_000, until_ms in 0_i64..200_000,
    ) {
        let mut record = sound().clone();
        record.job.state = State::Running { worker: WorkerId::new() };
        prop_assert!(is_orphan(&record));
        let at = |ms| Timestamp::from_millis(record.job.created_at.as_millis() + ms);
        record.holder_heard_at = Some(at(heard_ms));
        prop_assert!(!is_orphan(&record));
        let watch = Watch { since: at(since_ms), until: at(until_ms) };
        let is_silent = heard_ms.max(since_ms) + 15_000 < until_ms;
        prop_assert_eq!(breaks(&record, watch, Invariant::Lease), is_silent);
    }
}

#[test]
fn a_sound_record_breaks_no_rule() {
    assert_eq!(judge(sound(), None), []);
    let until = sound().job.created_at.after(TIMEOUT * 10);
    let watch = Watch { since: sound().job.created_at, until };
    assert_eq!(judge(sound(), Some(watch)), []);
}

#[test]
fn a_finished_step_runs_again_only_if_its_workflow_was_retired_and_the_answer_started_over() {
    let over = |pipeline_version| Change::StartOver { worker: worker(2), pipeline_version };
    let on = Change::Start { worker: worker(2), pipeline_version: 1 };
    for (goes_on, is_sound) in [(on, false), (over(1), false), (over(2), true)] {
        let (mut job, created) =
            create(Terms { max_attempts: 3, timeout_s: 600, queue_timeout_s: None });
        let mut log = vec![created];
        let mut make = |job: &mut Job, change| log.extend(job.change(change, second(1)).unwrap());
        make(&mut job, Change::Start { worker: worker(1), pipeline_version: 1 });
        make(&mut job, Change::Work { events: vec![step_started(), step_completed()] });
        make(&mut job, Change::Release);
        make(&mut job, goes_on.clone());
        // One that comes later does not retire a workflow.
        let reset = OutputReset { reason: "it is written again".to_owned() };
        let events = vec![EventBody::OutputReset(reset), step_started()];
        make(&mut job, Change::Work { events });
        let ran_again = "step.started of step plan, which was finished";
        let violations = judge(&record(job, log), None);
        let is_found = violations.iter().any(|violation| violation.finding.ends_with(ran_again));
        assert_eq!(is_found, !is_sound, "{goes_on:?}: {violations:?}");
    }
}

fn breaks(record: &JobRecord, watch: Watch, rule: Invariant) -> bool {
    judge(record, Some(watch)).iter().any(|violation| violation.invariant == rule)
}

/// A job of two attempts that succeeded, as a real store kept it.
fn sound() -> &'static JobRecord {
    static SOUND: OnceLock<JobRecord> = OnceLock::new();
    SOUND.get_or_init(|| tokio::runtime::Runtime::new().unwrap().block_on(make()))
}

async fn make() -> JobRecord {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::default());
    let owned = DataDir::open(dir.path()).unwrap();
    let store = Arc::new(Store::open(owned, Arc::clone(&clock) as Arc<_>).unwrap());
    let mut new = new_job(&tenant("a"));
    new.idempotency = Some(key("k", 1));
    let id = new.identity.id;
    assert!(matches!(store.submit(new).await.unwrap(), Submitted::Created { .. }));
    for retries in [true, false] {
        let jobs = Arc::clone(&store) as Arc<dyn JobStore>;
        let mut worker = HonestWorker::claim(jobs, id, WorkerId::new()).await.unwrap();
        for _ in 0..4 {
            clock.advance(Duration::from_millis(10));
            worker.advance().await;
        }
        if retries {
            let delay = Duration::ZERO;
            worker.ask(Change::Retry { events: vec![], error: problem(), delay }).await;
        }
    }
    let page = Records::of(&store).page(None, 1).await.unwrap();
    let Some(StoredRecord::Read(record)) = page.records.into_iter().next() else { panic!("read") };
    *record
}

fn place(record: &JobRecord, at: Index) -> usize {
    at.index(record.log.len())
}

fn entry(record: &mut JobRecord, at: Index) -> &mut LogEntry {
    let at = place(record, at);
    &mut record.log[at]
}

fn later(time: Timestamp) -> Timestamp {
    time.after(Duration::from_millis(1))
}

/// Puts another event into the place of the last one of a type.
fn put(record: &mut JobRecord, kind: &str, body: &EventBody) {
    let entry = record.log.iter_mut().rfind(|entry| entry.kind == kind).unwrap();
    (entry.kind, entry.data) = (body.kind().to_owned(), body.data());
}

fn mark(step: &str) -> StepMark {
    StepMark { step: step.to_owned(), kind: StepKind::Model }
}

fn cite(record: &mut JobRecord, citation: Citation) {
    record.result.iter_mut().for_each(|result| result.citations.push(citation.clone()));
}
