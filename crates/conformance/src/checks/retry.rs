//! §2: repeating a job that ended, without repeating what is still good of it.

use serde_json::{Value, json};

use super::log::check_sources;
use crate::check::{Check, check, scripted};
use crate::fault::{Checked, During as _, equal, holds};
use crate::jobs::{JobRef, asking, in_state, of_type, plain};
use crate::target::Target;

pub(super) const CHECKS: &[Check] = &[
    check("retry/accepted", "an ended job is repeated as a new one, with retry_of", |target| {
        Box::pin(accepted(target))
    }),
    check("retry/key", "the same key repeats a job once", |target| Box::pin(key(target))),
    scripted("retry/not-terminal", "a job that has not ended is a 409 with the job", |target| {
        Box::pin(not_terminal(target))
    }),
    scripted(
        "retry/taken-over",
        "finished steps and their sources are taken over, marked",
        |target| Box::pin(taken_over(target)),
    ),
];

fn address(job: &JobRef) -> String {
    format!("{}/retry", job.path)
}

async fn accepted(target: &Target) -> Checked {
    let (job, ended) = target.run(&plain()).await?;
    let answer = target.post(&address(&job)).send().await?.of_status(202)?;
    let repeated = answer.json()?;
    let new = JobRef::of(repeated)?;
    holds(new.id != job.id, &answer, "a new job")?;
    equal("retry_of", &repeated["retry_of"], job.id.as_str())?;
    equal("Location", answer.header("location"), new.path.as_str())?;
    for field in ["company_name", "question", "labels", "max_attempts"] {
        equal(field, &repeated[field], &ended[field])?;
    }
    let log = target.log(&new).await?;
    equal("retry_of in job.created", &log[0]["data"]["retry_of"], job.id.as_str())?;
    target.ended(&new).await?;
    equal("the job that was repeated", &target.show(&job).await?, &ended)
}

async fn key(target: &Target) -> Checked {
    let (job, _) = target.run(&plain()).await?;
    let key = target.unique();
    let mut ids: Vec<Value> = Vec::new();
    for _ in 0..3 {
        let call = target.post(&address(&job)).header("idempotency-key", key.clone());
        let answer = call.send().await?.of_one(&[200, 202])?;
        let replayed = answer.header("idempotency-replayed") == "true";
        equal("whether it is a replay", replayed, !ids.is_empty())?;
        ids.push(answer.json()?["id"].clone());
    }
    holds(ids.iter().all(|id| *id == ids[0]), json!(ids), "one job for one key")
}

async fn not_terminal(target: &Target) -> Checked {
    let job = target.submit(&asking("script: delay_ms=5000")).await?;
    let answer = target.post(&address(&job)).send().await?;
    let answer = answer.problem(409, "job_not_terminal")?;
    equal("the job in the answer", &answer.json()?["job"]["id"], job.id.as_str())?;
    target.abandon(&job).await
}

async fn taken_over(target: &Target) -> Checked {
    // The sources are found, then the model fails for good, each time.
    let (job, _) = target.run(&asking("script: fail=permanent")).await?;
    let first = target.log(&job).await?;
    let answer = target.post(&address(&job)).send().await?.of_status(202)?;
    let new = JobRef::of(answer.json()?)?;
    let ended = target.ended(&new).await?;
    in_state(&ended, "succeeded")?;
    let log = target.log(&new).await?;
    for done in of_type(&first, "step.completed") {
        let step = &done["data"]["step"];
        let mut again = of_type(&log, "step.completed").filter(|e| e["data"]["step"] == *step);
        let again = again.next().map(|event| event["data"]["taken_over_from"].clone());
        equal(format!("taken_over_from of {step}"), again, Some(json!(job.id)))?;
        let ran = of_type(&log, "step.started").any(|event| event["data"]["step"] == *step);
        holds(!ran, format!("{step} ran again"), "a step that is taken over is not run again")?;
    }
    let found: Vec<&Value> = of_type(&first, "source.retrieved").collect();
    let again: Vec<&Value> = of_type(&log, "source.retrieved").collect();
    equal("the number of sources", again.len(), found.len())?;
    for (again, found) in again.iter().zip(&found) {
        equal("a source", &again["data"]["source"], &found["data"]["source"])?;
        equal("its mark", &again["data"]["taken_over_from"], job.id.as_str())?;
    }
    check_sources(&ended["result"], &log).during("the repeated job's result")
}
