//! §2: an ended job can be deleted, and its place is remembered for a while.

use reqwest::Method;
use serde_json::json;

use super::stream_rules::refused;
use crate::check::{Check, check, scripted};
use crate::fault::{Checked, During as _, equal};
use crate::jobs::{JobRef, asking, path_of, plain};
use crate::target::{ANALYSIS, Answer, Target};

pub(super) const CHECKS: &[Check] = &[
    check("deletion/gone", "a deleted job is a 410 at every address, and for its key", |target| {
        Box::pin(gone(target))
    }),
    scripted("deletion/not-terminal", "a job that has not ended is not deleted", |target| {
        Box::pin(not_terminal(target))
    }),
];

async fn delete(target: &Target, path: &str) -> Checked<Answer> {
    target.call(Method::DELETE, path).send().await
}

async fn gone(target: &Target) -> Checked {
    let (key, mark) = (target.unique(), target.unique());
    let body = crate::jobs::with(plain(), &json!({"labels": {"mark": mark}}));
    let accepted = target.submission(&body).header("idempotency-key", key.clone()).send().await?;
    let job = JobRef::of(accepted.of_status(202)?.json()?)?;
    target.ended(&job).await?;
    delete(target, &job.path).await?.of_status(204)?;
    for server in 0..target.servers() {
        for path in [&job.path, &job.events] {
            target.get(path).on_server(server).send().await?.problem(410, "gone")?;
        }
        let stream = target.get(&job.events).on_server(server);
        stream.header("accept", "text/event-stream").send().await?.problem(410, "gone")?;
        for path in [&job.stream, &job.path] {
            let call = target.get(path).on_server(server);
            refused(target, call, "gone", 4410).await.during("a deleted job")?;
        }
        let replay = target.submission(&body).on_server(server);
        let replay = replay.header("idempotency-key", key.clone()).send().await?;
        replay.problem(410, "gone").during("its key")?;
        let list = target.get(&format!("{ANALYSIS}?label.mark={mark}")).on_server(server);
        let list = list.send().await?.of_status(200)?;
        equal("the list", &list.json()?["jobs"], &json!([]))?;
    }
    for call in ["cancel", "retry"] {
        target.post(&format!("{}/{call}", job.path)).send().await?.problem(410, "gone")?;
    }
    delete(target, &job.path).await?.of_one(&[204, 410]).during("deleted again")?;
    let unknown = path_of(&contracts::JobId::new().to_string());
    delete(target, &unknown).await?.problem(404, "not_found").map(drop)
}

async fn not_terminal(target: &Target) -> Checked {
    let job = target.submit(&asking("script: delay_ms=5000")).await?;
    delete(target, &job.path).await?.problem(409, "job_not_terminal")?;
    target.get(&job.path).send().await?.of_status(200)?;
    target.abandon(&job).await
}
