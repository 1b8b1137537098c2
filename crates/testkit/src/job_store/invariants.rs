//! What holds whatever is asked, in whatever order.

use contracts::{Event, JobId};
use engine::job::{Change, Identity, Job, Recorded};
use engine::ports::Written;
use tokio::task::JoinSet;

use super::JobStoreHarness;
use super::given::{Given, Held, work};
use crate::build::{step_completed, step_record, step_started};

pub async fn a_log_has_no_holes_under_concurrent_writes_and_cancels(harness: &dyn JobStoreHarness) {
    let given = Given::new(harness);
    let mut tasks = JoinSet::new();
    let mut ids = Vec::new();
    for _ in 0..8 {
        let held = given.running().await;
        let (id, tenant) = (held.job.id, given.tenant.clone());
        ids.push(id);
        tasks.spawn(write_until_stopped(held));
        let store = harness.store();
        tasks.spawn(async move {
            for _ in 0..5 {
                store.get(&tenant, id).await.expect("read");
            }
            store.cancel(&tenant, id, None).await.expect("asked");
        });
    }
    tasks.join_all().await;
    for id in ids {
        assert_sound(&given, id).await;
        assert!(given.snapshot(id).await.job.is_ended());
    }
}

async fn write_until_stopped(mut held: Held) {
    loop {
        let events = [step_started("plan"), step_completed("plan")];
        match held.checkpoint(work(events), vec![step_record("plan")]).await {
            Written::Applied(_) => {}
            Written::Cancelling => {
                held.apply(Change::ConfirmCancel).await;
                return;
            }
            Written::Again | Written::Fenced => return,
        }
    }
}

/// The stored row is the fold of the log; versions are 1..n; a terminal event is the last one;
/// times never run backwards; and what clients see of attempts agrees with the row.
pub(super) async fn assert_sound(given: &Given<'_>, id: JobId) {
    let snapshot = given.snapshot(id).await;
    let log = given.log(id).await;
    let recorded: Vec<Recorded> = log.iter().map(recorded).collect();
    let job = &snapshot.job;
    let identity = Identity { id, tenant: job.tenant.clone(), trace: job.trace };
    let mut replayed = Job::replay(identity, &recorded).expect("the log can be replayed");
    replayed.write_no = job.write_no;
    assert_eq!(&replayed, job);
    let versions: Vec<u64> = log.iter().map(Event::version).collect();
    assert_eq!(versions, (1..=job.version).collect::<Vec<u64>>());
    assert!(log.is_sorted_by_key(|event| event.time));
    let terminal = log.iter().position(Event::is_terminal);
    assert_eq!(terminal, job.is_ended().then(|| log.len() - 1));
    assert_eq!(snapshot.attempts.len(), job.attempt as usize);
    let open = snapshot.attempts.iter().filter(|attempt| attempt.finished_at.is_none()).count();
    assert_eq!(open, usize::from(job.state.worker().is_some()));
    let succeeded = log.last().is_some_and(|event| event.kind == "job.succeeded");
    assert_eq!(snapshot.result.is_some(), succeeded);
    assert_eq!(snapshot.error.is_some(), job.is_ended() && !succeeded);
}

fn recorded(event: &Event) -> Recorded {
    Recorded {
        version: event.version(),
        time: event.time,
        attempt: event.attempt,
        body: event.body().expect("this release's event"),
    }
}
