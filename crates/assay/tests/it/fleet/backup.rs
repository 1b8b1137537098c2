//! A backup that is taken while a fleet works, and what becomes of it when it is restored.

use contracts::{Job, JobState};
use testkit::servers::Postgres;

use super::processes::{Fleet, Servers};
use super::{assert_sound, until_called, verified};

/// A fleet at work when its database is backed up, and what it did until it was lost.
struct Lost {
    /// Jobs that are in the backup: some had ended, some ran.
    kept: Vec<Job>,
    /// One of them that ran, and how far its log came afterwards.
    running: Job,
    head: u64,
    /// A job that came after the backup.
    forgotten: Job,
}

/// Has a fleet work, makes a backup meanwhile, lets it go on, and kills it.
async fn lose<B>(servers: &Servers<'_>, back_up: impl FnOnce() -> B) -> (Lost, B) {
    let fleet = Fleet::new(servers);
    let gateway = fleet.gateway();
    let worker = fleet.worker("one");
    let mut kept: Vec<Job> = Vec::new();
    for delay_ms in [1, 1, 1, 1_500, 1_500, 1_500] {
        kept.push(gateway.submit(&format!("script: delay_ms={delay_ms}")).await);
    }
    let running = kept[5].clone();
    until_called(&fleet.ledger(), &running.id.to_string(), "synthesize").await;
    let backup = tokio::task::block_in_place(back_up);
    let forgotten = gateway.submit("script: delay_ms=1").await;
    for job in kept.iter().chain([&forgotten]) {
        assert_eq!(gateway.until_ended(job).await.state, JobState::Succeeded);
    }
    let head = gateway.events(&running).await.head;
    worker.kill_9();
    (Lost { kept, running, head, forgotten }, backup)
}

/// Asserts that a fleet goes on from a backup, with what is in it and with nothing else.
async fn assert_goes_on(restored: &Servers<'_>, lost: &Lost) {
    let Lost { kept, running, head, forgotten } = lost;
    let fleet = Fleet::new(restored);
    let gateway = fleet.gateway();
    let status = async |path: &str| {
        let answer = reqwest::get(format!("{}{path}", gateway.base())).await.unwrap();
        answer.status().as_u16()
    };
    assert_eq!(status(&forgotten.links.this).await, 404);
    let cursor = format!("{}?after={head}", running.links.events);
    assert_eq!(status(&cursor).await, 409, "the cursor is beyond the log that was restored");
    let _worker = fleet.worker("two");
    for job in kept {
        let ended = gateway.until_ended(job).await;
        assert_eq!((ended.state, ended.failures), (JobState::Succeeded, 0), "{:?}", ended.error);
        assert_sound(&gateway.events(job).await);
    }
    verified(&fleet);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_of_a_fleet_at_work_is_restored_and_goes_on() {
    let Some(servers) = Servers::start().await else { return };
    let (lost, dump) = lose(&servers, || servers.database.dump()).await;
    // The broker still has hints of the database that is lost.
    let restored = Servers::with_host(servers.host).await.unwrap();
    restored.database.restore(&dump);
    assert_goes_on(&restored, &lost).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_backup_of_a_fleet_at_work_is_started_and_goes_on() {
    let Some(postgres) = Postgres::own() else { return };
    let Some(servers) = Servers::on(&postgres).await else { return };
    let (lost, backup) = lose(&servers, || postgres.from_backup()).await;
    let backup = backup.unwrap();
    let restored = Servers::restored_on(&backup, servers);
    assert_goes_on(&restored, &lost).await;
}
