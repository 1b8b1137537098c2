//! What a fleet does about the death of its parts.

use std::time::{Duration, Instant};

use contracts::{Code, JobState};

use super::processes::{Fleet, Servers};
use super::{assert_sound, calls, until_called};
use crate::process::PATIENCE;

/// From the death of a worker to its job running elsewhere, on a machine that is busy with other
/// tests; the bound that holds of an idle one is 3 s.
const RESUMED_WITHIN: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread")]
async fn a_job_of_a_killed_worker_goes_on_at_another_after_its_last_finished_step() {
    let Some(servers) = Servers::start().await else { return };
    let fleet = Fleet::new(&servers);
    let gateway = fleet.gateway();
    let first = fleet.worker("one");
    let job = gateway.submit("script: delay_ms=1500").await;
    until_called(&fleet.ledger(), &job.id.to_string(), "synthesize").await;
    let _second = fleet.worker("two");
    first.kill_9();
    let killed = Instant::now();
    let resumed = async || {
        let events = gateway.events(&job).await.events;
        let starts = events.iter().filter(|event| event.kind == "job.started").count();
        (starts == 2).then_some(())
    };
    testkit::eventually(PATIENCE, resumed).await;
    let took = killed.elapsed();
    assert!(took < RESUMED_WITHIN, "{took:?}");

    let ended = gateway.until_ended(&job).await;
    assert_eq!((ended.state, ended.failures), (JobState::Succeeded, 0));
    assert_sound(&gateway.events(&job).await);
    let of_step = |step: &str| calls(&fleet.ledger(), &job.id.to_string(), step);
    assert_eq!((of_step("retrieve"), of_step("synthesize")), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_told_to_stop_hands_its_job_over_without_a_failure() {
    let Some(servers) = Servers::start().await else { return };
    let fleet = Fleet::new(&servers);
    let gateway = fleet.gateway();
    let first = fleet.worker("one");
    let job = gateway.submit("script: delay_ms=9000").await;
    until_called(&fleet.ledger(), &job.id.to_string(), "retrieve").await;
    assert!(first.terminate(), "it ends well");
    let events = gateway.events(&job).await.events;
    let requeued = events.iter().find(|event| event.kind == "job.requeued").expect("handed over");
    assert_eq!(requeued.data["reason"], "drain");
    assert_eq!(gateway.job(&job).await.failures, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_kills_its_worker_each_time_is_given_up_and_its_neighbours_end_well() {
    let Some(servers) = Servers::start().await else { return };
    let fleet = Fleet::new(&servers);
    let gateway = fleet.gateway();
    let killer = gateway.submit("script: delay_ms=100 exit=7").await;
    let neighbours = [gateway.submit("script: delay_ms=300").await];
    for name in ["one", "two", "three"] {
        assert_eq!(fleet.worker(name).wait(), Some(7));
    }
    let _worker = fleet.worker("four");
    let killer = gateway.until_ended(&killer).await;
    assert_eq!(killer.error.map(|error| error.code), Some(Code::WorkerLost));
    for job in &neighbours {
        assert_eq!(gateway.until_ended(job).await.state, JobState::Succeeded);
    }
}
