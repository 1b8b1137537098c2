//! The database that the former release left, with a job in every state, as a dump: this release
//! brings it to its own form, reads all of it, and goes on where the former one was.
//!
//! The dump is made by the former release itself, as one of the steps of a release
//! (CONTRIBUTING.md):
//! `ASSAY_TEST_PROGRAM=FILE cargo test -p assay --features fleet,faults --test it -- --ignored
//! the_golden_database_is_made`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use contracts::{Job, JobState};
use serde_json::json;

use super::processes::{Fleet, Servers};
use super::{assert_sound, until_called, verified};
use crate::process::{PATIENCE, Server};

const GOLDEN: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fleet/golden/former_release.sql");

/// Names the program of the release that the golden database is made by.
const PROGRAM: &str = "ASSAY_TEST_PROGRAM";

/// Sets the database's clock back to when the dump was made: a deadline of then has passed.
const BACK_THEN: &str = "
    DO $$
    DECLARE
        made_at timestamptz := (SELECT max(heard_at) FROM workers);
        now text := format('clock_timestamp() - interval %L', clock_timestamp() - made_at);
    BEGIN
        EXECUTE format('CREATE OR REPLACE FUNCTION assay_now() RETURNS timestamptz LANGUAGE sql
            VOLATILE AS %L', format('SELECT date_trunc(''milliseconds'', %s)', now));
    END $$";

#[tokio::test(flavor = "multi_thread")]
async fn what_the_former_release_left_is_read_and_goes_on() {
    let Some(servers) = Servers::start().await else { return };
    let golden = std::fs::read_to_string(GOLDEN).unwrap();
    servers.database.restore(&golden);
    servers.database.execute(BACK_THEN);
    let fleet = Fleet::new(&servers);
    let migrate = fleet.command("migrate").arg("migrate").output().unwrap();
    assert!(migrate.status.success(), "{}", String::from_utf8_lossy(&migrate.stderr));
    assert_eq!(servers.database.query("SELECT count(*) FROM jobs"), "14");
    // As it is: nobody has swept since.
    verified(&fleet);

    let gateway = fleet.gateway();
    let before = states(&gateway).await;
    for state in JobState::ALL {
        assert!(before.values().any(|found| *found == state), "no job is {state}: {before:?}");
    }
    for (id, state) in &before {
        let job: Job = gateway.get(&format!("/v1/analysis/{id}")).await;
        if state.is_terminal() {
            assert_sound(&gateway.events(&job).await);
        }
    }
    let _worker = fleet.worker("one");
    for (id, state) in before {
        let job: Job = gateway.get(&format!("/v1/analysis/{id}")).await;
        let ended = gateway.until_ended(&job).await;
        let expected = match state {
            JobState::Queued | JobState::Running | JobState::Retrying => JobState::Succeeded,
            JobState::Cancelling => JobState::Cancelled,
            JobState::Succeeded
            | JobState::Failed
            | JobState::TimedOut
            | JobState::Expired
            | JobState::Cancelled => state,
        };
        assert_eq!(ended.state, expected, "{state}: {:?}", ended.error);
        assert_sound(&gateway.events(&job).await);
    }
    verified(&fleet);
}

/// Each job's state.
async fn states(gateway: &Server) -> BTreeMap<String, JobState> {
    let page: contracts::JobPage = gateway.get("/v1/analysis?page_size=100").await;
    page.jobs.iter().map(|job| (job.id.to_string(), job.state)).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "it makes what another test reads, with a program of the former release"]
async fn the_golden_database_is_made() {
    let program = std::env::var_os(PROGRAM).map(PathBuf::from).expect("ASSAY_TEST_PROGRAM is set");
    let Some(servers) = Servers::start().await else { return };
    servers.database.execute("DROP SCHEMA public CASCADE");
    servers.database.execute("CREATE SCHEMA public");
    let fleet = Fleet::of_program(&servers, &program);
    run(fleet.command("migrate").arg("migrate"));
    fleet.ingest("report.md", "Acme sold 1,234 anvils in 2021.");
    let gateway = fleet.gateway();
    let submit = async |question: &str, rest: serde_json::Value| -> Job {
        let mut body = json!({"company_name": "Acme", "question": question, "timeout_s": 3600});
        body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        gateway.submit_with(body).await
    };

    let expired = submit("script: delay_ms=1", json!({"queue_timeout_s": 1})).await;
    gateway.until_ended(&expired).await;
    let one = fleet.worker("one");
    let lost = submit("script: delay_ms=2000", json!({"labels": {"case": "lost"}})).await;
    until_called(&fleet.ledger(), &lost.id.to_string(), "synthesize").await;
    one.kill_9();
    let two = fleet.worker("two");
    let failed = submit("script: fail=permanent", json!({"on_step_failure": "fail"})).await;
    let ended = [
        lost,
        submit("script: delay_ms=1", json!({})).await,
        submit("script: delay_ms=1 output_bytes=30000", json!({"priority": 9})).await,
        submit("script: fail=permanent", json!({})).await,
        submit("script: fail=transient*1", json!({})).await,
        submit("script: delay_ms=20000", json!({"timeout_s": 5})).await,
    ];
    gateway.until_ended(&failed).await;
    for job in &ended {
        gateway.until_ended(job).await;
    }
    run(fleet.command("two-more").args(["retry", &failed.id.to_string()]));
    let cancelled = submit("script: delay_ms=600000", json!({})).await;
    until_called(&fleet.ledger(), &cancelled.id.to_string(), "retrieve").await;
    run(fleet.command("two-more").args(["cancel", &cancelled.id.to_string()]));
    let all_ended = async || {
        let ended = states(&gateway).await.into_values().filter(|state| state.is_terminal());
        (ended.count() == 10).then_some(())
    };
    testkit::eventually(PATIENCE, all_ended).await;

    // Those that are under way: their worker is frozen, and all is dumped within its lease.
    let running = submit("script: delay_ms=1500", json!({})).await;
    until_called(&fleet.ledger(), &running.id.to_string(), "synthesize").await;
    let cancelling = submit("script: delay_ms=1500", json!({})).await;
    until_called(&fleet.ledger(), &cancelling.id.to_string(), "retrieve").await;
    let retrying = submit("script: delay_ms=1 fail=transient*3", json!({})).await;
    let waits = async || {
        let job = gateway.job(&retrying).await;
        (job.state == JobState::Retrying).then_some(())
    };
    testkit::eventually(PATIENCE, waits).await;
    two.signal("STOP");
    run(fleet.command("two-more").args(["cancel", &cancelling.id.to_string()]));
    submit("script: delay_ms=1", json!({})).await;
    let found = states(&gateway).await;
    let dump = servers.database.dump();
    for state in JobState::ALL {
        assert!(found.values().any(|found| *found == state), "no job is {state}: {found:?}");
    }
    std::fs::write(GOLDEN, dump).unwrap();
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
