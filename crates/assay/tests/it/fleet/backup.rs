//! A backup that is taken while a fleet works, and what becomes of it when it is restored.

use contracts::{Job, JobState};

use super::processes::{Fleet, Servers};
use super::{assert_sound, until_called, verified};

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_of_a_fleet_at_work_is_restored_and_goes_on() {
    let Some(servers) = Servers::start().await else { return };
    let fleet = Fleet::new(&servers);
    let gateway = fleet.gateway();
    let worker = fleet.worker("one");
    let mut jobs: Vec<Job> = Vec::new();
    for delay_ms in [1, 1, 1, 1_500, 1_500, 1_500] {
        jobs.push(gateway.submit(&format!("script: delay_ms={delay_ms}")).await);
    }
    let running = jobs[5].clone();
    until_called(&fleet.ledger(), &running.id.to_string(), "synthesize").await;
    let dump = servers.database.dump();
    // All that comes afterwards is lost with the server.
    let lost = gateway.submit("script: delay_ms=1").await;
    for job in jobs.iter().chain([&lost]) {
        assert_eq!(gateway.until_ended(job).await.state, JobState::Succeeded);
    }
    let head = gateway.events(&running).await.head;
    worker.kill_9();
    drop(gateway);

    // The broker still has hints of the database that is lost.
    let restored = Servers::with_host(servers.host).await.unwrap();
    restored.database.restore(&dump);
    let fleet = Fleet::new(&restored);
    let gateway = fleet.gateway();
    let status = async |path: &str| {
        let answer = reqwest::get(format!("{}{path}", gateway.base())).await.unwrap();
        answer.status().as_u16()
    };
    assert_eq!(status(&lost.links.this).await, 404);
    let cursor = format!("{}?after={head}", running.links.events);
    assert_eq!(status(&cursor).await, 409, "the cursor is beyond the log that was restored");
    let _worker = fleet.worker("two");
    for job in &jobs {
        let ended = gateway.until_ended(job).await;
        assert_eq!((ended.state, ended.failures), (JobState::Succeeded, 0), "{:?}", ended.error);
        assert_sound(&gateway.events(job).await);
    }
    verified(&fleet);
}
