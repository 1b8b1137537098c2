//! What is kept of a cancel.

use contracts::EventBody;
use engine::job::Change;

use crate::jobs::{Terms, create, second, worker};

const REASON: &str = "changed my mind";

fn cancel(is_running: bool) -> Vec<EventBody> {
    let (mut job, _) = create(Terms { max_attempts: 3, timeout_s: 600, queue_timeout_s: None });
    if is_running {
        let start = Change::Start { worker: worker(1), pipeline_version: 1 };
        job.change(start, second(1)).expect("a due job starts");
    }
    let change = Change::RequestCancel { reason: Some(REASON.to_owned()) };
    let recorded = job.change(change, second(2)).expect("a job that has not ended is cancelled");
    recorded.into_iter().map(|event| event.body).collect()
}

#[test]
fn the_clients_reason_is_in_the_log_whether_or_not_a_worker_had_to_be_told() {
    let [EventBody::JobCancelRequested(asked)] = &cancel(true)[..] else {
        panic!("a running job's worker is told");
    };
    assert_eq!(asked.reason.as_deref(), Some(REASON));
    let [EventBody::JobCancelled(ended)] = &cancel(false)[..] else {
        panic!("a queued job is cancelled at once");
    };
    assert!(ended.error.detail.ends_with(REASON), "{}", ended.error.detail);
}
