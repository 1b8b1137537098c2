//! A fleet: gateways and workers as processes, over a real PostgreSQL and a real RabbitMQ.

mod audit;
mod backup;
mod chaos;
mod clocks;
mod crashes;
mod dispatch;
mod former;
mod frozen;
mod golden;
mod metrics;
pub(crate) mod processes;
mod recovery;
mod releases;
mod restarts;
mod rolling;
mod scaling;
mod stalled;
mod traces;
#[cfg(feature = "faults")]
mod workflows;

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use contracts::{EventPage, Job, JobState};

use crate::ledger;
use crate::process::PATIENCE;
use processes::{Fleet, Servers};

#[tokio::test(flavor = "multi_thread")]
async fn a_job_accepted_by_one_gateway_is_seen_by_every_other() {
    let Some(servers) = Servers::start().await else { return };
    let fleet = Fleet::new(&servers);
    let (first, second) = (fleet.gateway(), fleet.gateway());
    let _workers = [fleet.worker("one"), fleet.worker("two")];
    let job = first.submit("script: delay_ms=20").await;
    let ended = second.until_ended(&job).await;
    assert_eq!(ended.state, JobState::Succeeded, "{ended:?}");
    assert_eq!(first.events(&job).await, second.events(&job).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_without_a_broker_accepts_jobs_and_runs_them() {
    let Some(servers) = Servers::start().await else { return };
    let fleet = Fleet::without_broker(&servers);
    let gateway = fleet.gateway();
    let _worker = fleet.worker("one");
    let mut jobs = Vec::new();
    for _ in 0..20 {
        jobs.push(gateway.submit("script: delay_ms=5").await);
    }
    for job in &jobs {
        assert_eq!(gateway.until_ended(job).await.state, JobState::Succeeded);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_is_ready_is_seen_by_every_job_that_starts_afterwards() {
    let Some(servers) = Servers::start().await else { return };
    let fleet = Fleet::answering(&servers);
    let gateway = fleet.gateway();
    let _workers = [fleet.worker("one"), fleet.worker("two")];
    for (year, figure) in [(2021, "1,234"), (2022, "5,678"), (2023, "9,012")] {
        fleet
            .ingest(&format!("report-{year}.md"), &format!("Acme sold {figure} anvils in {year}."));
        let question = format!("How many anvils were sold in {year}?");
        let mut jobs = Vec::new();
        for _ in 0..4 {
            let body = serde_json::json!({"company_name": "Acme", "question": question});
            jobs.push(gateway.submit_with(body).await);
        }
        for job in &jobs {
            let ended = gateway.until_ended(job).await;
            let result = ended.result.unwrap_or_else(|| panic!("{:?}", ended.error));
            assert!(result.summary.contains(figure), "{year}: {}", result.summary);
        }
    }
}

/// The queue of hints.
const HINTS: &str = "assay.hints";

/// Checks a log: numbered without holes, ended once, no finished step finished again.
pub(crate) fn assert_sound(log: &EventPage) {
    let versions: Vec<u64> = log.events.iter().map(contracts::Event::version).collect();
    assert_eq!(versions, (1..=log.head).collect::<Vec<_>>());
    let ends = log.events.iter().filter(|event| event.is_terminal()).count();
    assert_eq!(ends, 1, "{log:?}");
    assert!(log.events.last().is_some_and(contracts::Event::is_terminal));
    let completed = log.events.iter().filter(|event| event.kind == "step.completed");
    let mut steps: Vec<String> = completed.map(|event| event.data["step"].to_string()).collect();
    let all = steps.len();
    steps.sort();
    steps.dedup();
    assert_eq!(steps.len(), all, "a finished step was finished again: {log:?}");
}

/// How often this step of a job was called.
pub(crate) fn calls(file: &Path, job_id: &str, step: &str) -> usize {
    ledger::read(file).iter().filter(|call| call.job_id == job_id && call.step == step).count()
}

/// Waits until this step of each job was called.
async fn until_all_called(file: &Path, jobs: &[Job], step: &str) {
    for job in jobs {
        until_called(file, &job.id.to_string(), step).await;
    }
}

/// Waits until this step of a job was called.
async fn until_called(file: &Path, job_id: &str, step: &str) {
    let called = async || (calls(file, job_id, step) > 0).then_some(());
    testkit::eventually(PATIENCE, called).await;
}

/// What `assay verify` says of the database.
///
/// # Panics
/// If it finds that a rule is broken.
fn verified(fleet: &Fleet) -> String {
    let output = fleet.command("verify").arg("verify").output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said.trim_end().to_owned()
}

/// The time since the Unix epoch.
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}
