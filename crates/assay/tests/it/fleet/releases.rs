//! A worker of this release beside one of the next, and beside a row that the database refuses.

use contracts::{Code, JobState};
use serde_json::json;
use testkit::proof::figure;

use super::processes::{Fleet, Servers};
use super::{HINTS, assert_sound, audit, calls, until_called};
use crate::process::{PATIENCE, Worker};

/// The tables that a job lives in.
const TABLES: [&str; 8] =
    ["jobs", "job_inputs", "job_results", "events", "attempts", "steps", "idempotency", "workers"];

#[tokio::test(flavor = "multi_thread")]
async fn a_hint_of_the_next_release_starts_its_job() {
    let Some((servers, _broker)) = Servers::with_broker_alone().await else { return };
    // This gateway sends no hints.
    let gateway = Fleet::without_broker(&servers).gateway();
    let job = gateway.submit("script: delay_ms=5").await;
    // It looks as if its hint was under way for an hour, so nobody sends another one.
    servers.database.execute("UPDATE jobs SET hinted_at = clock_timestamp() + interval '1 hour'");
    let fleet = Fleet::new(&servers);
    let _worker = fleet.worker("one");
    let consumed = async || (servers.host.consumers(HINTS).await == Some(1)).then_some(());
    testkit::eventually(PATIENCE, consumed).await;
    assert_eq!(gateway.job(&job).await.state, JobState::Queued);
    let hint = json!({"v": 9, "job_id": job.id, "weight": {"of": ["a", 1]}}).to_string();
    servers.host.send(HINTS, &hint, ("x-of-the-next-release", "yes")).await;
    assert_eq!(gateway.until_ended(&job).await.state, JobState::Succeeded);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_the_next_release_are_read() {
    let Some(servers) = Servers::start().await else { return };
    let fleet = Fleet::new(&servers);
    let gateway = fleet.gateway();
    let job = gateway.submit("script: delay_ms=1500").await;
    // Whoever migrated first is a release ahead: every table has a column more, every JSON a
    // field more, and the log an event of a type that nobody here knows.
    for table in TABLES {
        let column = "ADD COLUMN of_the_next_release text NOT NULL DEFAULT 'yes'";
        servers.database.execute(&format!("ALTER TABLE {table} {column}"));
    }
    servers.database.execute(
        "INSERT INTO events (job_id, version, kind, time, attempt, data) \
         SELECT id, version + 1, 'job.weighed', last_event_at, 0, '{\"kg\": 1}' FROM jobs",
    );
    servers.database.execute("UPDATE jobs SET version = version + 1");
    add_a_field(&servers, "events", "data");
    add_a_field(&servers, "job_inputs", "submission");

    // One worker makes checkpoints, and the next goes on from them.
    let first = fleet.worker("one");
    until_called(&fleet.ledger(), &job.id.to_string(), "synthesize").await;
    add_a_field(&servers, "events", "data");
    add_a_field(&servers, "steps", "output");
    first.kill_9();
    let _second = fleet.worker("two");
    let ended = gateway.until_ended(&job).await;
    assert_eq!((ended.state, ended.failures), (JobState::Succeeded, 0), "{:?}", ended.error);
    let log = gateway.events(&job).await;
    assert_sound(&log);
    assert_eq!(
        (log.events[1].kind.as_str(), &log.events[1].data["kg"]),
        ("job.weighed", &1.into())
    );
    assert_eq!(log.events[0].data["of_the_next_release"], "yes");
    assert_eq!(calls(&fleet.ledger(), &job.id.to_string(), "retrieve"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_the_database_refuses_fails_its_job_alone() {
    let Some(servers) = Servers::start().await else { return };
    let fleet = Fleet::new(&servers);
    let gateway = fleet.gateway();
    let poisoned = gateway.submit("script: delay_ms=50").await;
    let mut neighbours = Vec::new();
    for _ in 0..15 {
        neighbours.push(gateway.submit("script: delay_ms=50").await);
    }
    servers.database.execute(&format!(
        "ALTER TABLE events ADD CONSTRAINT poison \
         CHECK (job_id <> '{}' OR kind <> 'source.retrieved')",
        poisoned.id
    ));
    let mut worker = fleet.worker_command("one");
    // All of them are in one batch, or in few.
    worker.env("ASSAY_SLOTS", "16");
    let _worker = Worker::of(worker);
    audit::ended_once(&gateway, &neighbours).await;
    let ended = gateway.until_ended(&poisoned).await;
    assert_eq!(ended.state, JobState::Failed);
    assert_eq!(ended.error.map(|error| error.code), Some(Code::Internal));
    figure("a row that the database refuses, jobs beside it that ended well", neighbours.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_refuses_a_database_of_a_release_after_the_next() {
    let Some(servers) = Servers::start().await else { return };
    let database = &servers.database;
    let insert = "INSERT INTO schema_releases SELECT max(release) + 1, 90 FROM schema_releases";
    database.execute(insert);
    let fleet = Fleet::new(&servers);
    let check = |arguments: &[&str]| {
        let output = fleet.command("here").args(arguments).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    // The next release's is served, and a rollback's migration finds nothing to do.
    let (code, said) = check(&["migrate", "--check"]);
    assert!(code == Some(0) && said.contains("which serves it"), "{said}");
    let (code, said) = check(&["migrate"]);
    assert!(code == Some(0) && said.contains("up to date"), "{said}");
    assert_eq!(check(&["verify"]).0, Some(0));
    database.execute(insert);
    let commands: [&[&str]; 6] = [
        &["gateway", "--listen", "127.0.0.1:0"],
        &["worker"],
        &["migrate"],
        &["migrate", "--check"],
        &["verify"],
        &["list"],
    ];
    for command in commands {
        let (code, said) = check(command);
        assert!(code == Some(1) && said.contains("use a release of schema"), "{command:?}: {said}");
    }
}

/// Adds a field that nobody here knows to every JSON object of a column.
fn add_a_field(servers: &Servers<'_>, table: &str, column: &str) {
    servers.database.execute(&format!(
        "UPDATE {table} SET {column} = \
         ({column}::jsonb || '{{\"of_the_next_release\": \"yes\"}}')::text \
         WHERE jsonb_typeof({column}::jsonb) = 'object'"
    ));
}
