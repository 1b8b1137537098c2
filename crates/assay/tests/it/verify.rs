//! `assay verify`, as a person runs it: over a fleet's database, and over a data directory.

use std::process::{Command, Output};

use contracts::{Job, JobState};
use serde_json::json;

use crate::fleet::processes::{Fleet, Servers};
use crate::process::Server;

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_with_jobs_of_every_ending_breaks_no_rule_until_a_row_is_spoilt() {
    let Some(servers) = Servers::start().await else { return };
    let fleet = Fleet::new(&servers);
    let gateway = fleet.gateway();
    let expired = submit(&gateway, "script: delay_ms=1", json!({"queue_timeout_s": 1})).await;
    assert_eq!(gateway.until_ended(&expired).await.state, JobState::Expired);
    let _worker = fleet.worker("one");
    let slow = "script: delay_ms=60000";
    let timed_out = submit(&gateway, slow, json!({"timeout_s": 5})).await;
    let cancelled = submit(&gateway, slow, json!({})).await;
    let failed = submit(&gateway, "script: fail=permanent step=retrieve", json!({})).await;
    let succeeded = submit(&gateway, "script: fail=transient*1 delay_ms=5", json!({})).await;
    let in_motion = submit(&gateway, slow, json!({})).await;
    gateway.until_event(&in_motion, |kind, _| kind == "step.completed").await;
    gateway.until_event(&cancelled, |kind, _| kind == "job.started").await;
    assert!(run(fleet.command("cancel").args(["cancel", &cancelled.id.to_string()])).0);
    for (job, state) in [
        (&timed_out, JobState::TimedOut),
        (&cancelled, JobState::Cancelled),
        (&failed, JobState::Failed),
        (&succeeded, JobState::Succeeded),
    ] {
        assert_eq!(gateway.until_ended(job).await.state, state);
    }
    let verify = || run(fleet.command("verify").arg("verify"));
    let (is_sound, said) = verify();
    assert!(is_sound && said.starts_with("6 jobs with "), "{said}");
    assert_eq!(gateway.job(&in_motion).await.state, JobState::Running);

    let spoil = |what: &str, job: &Job| servers.database.execute(&format!("{what} '{}'", job.id));
    spoil("UPDATE jobs SET failures = failures + 1 WHERE id =", &succeeded);
    spoil("DELETE FROM events WHERE version = 2 AND job_id =", &failed);
    spoil("DELETE FROM job_results WHERE job_id =", &timed_out);
    let (is_sound, said) = verify();
    assert!(!is_sound);
    for (job, rule) in [(&succeeded, "row"), (&failed, "log"), (&timed_out, "ending")] {
        assert!(said.contains(&format!("{}\t{rule}\t", job.id)), "{rule}: {said}");
    }
    for job in [&expired, &cancelled, &in_motion] {
        assert!(!said.contains(&job.id.to_string()), "{said}");
    }
}

#[tokio::test]
async fn a_data_directory_is_checked_once_no_process_uses_it() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &dir.path().join("ledger"));
    let ended = server.submit("script: delay_ms=1").await;
    server.until_ended(&ended).await;
    let running = server.submit("script: delay_ms=60000").await;
    server.until_event(&running, |kind, _| kind == "job.started").await;
    let verify = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command.arg("verify").arg("--data-dir").arg(dir.path()).output().unwrap()
    };
    let refused = verify();
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(said.contains("is in use by process"), "{said}");
    server.kill_9();
    // It changes nothing, so it says the same again.
    for _ in 0..2 {
        let Output { status, stdout, .. } = verify();
        let said = String::from_utf8_lossy(&stdout);
        assert!(status.success() && said.starts_with("2 jobs with "), "{said}");
    }
}

async fn submit(gateway: &Server, question: &str, mut body: serde_json::Value) -> Job {
    body["company_name"] = "Acme".into();
    body["question"] = question.into();
    gateway.submit_with(body).await
}

/// Whether a command ended well, and what it wrote to its standard output.
fn run(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}
