//! §1, §2: accepted means durable.

use contracts::{Job, limits};
use futures_util::future::try_join_all;
use serde_json::json;

use crate::check::{Check, check};
use crate::fault::{Checked, During as _, equal, holds};
use crate::jobs::{JobRef, asking, path_of, plain, with};
use crate::target::{ANALYSIS, Target};

pub(super) const CHECKS: &[Check] = &[
    check("accept/durable", "a 202 names a job that every server shows at once", |target| {
        Box::pin(durable(target))
    }),
    check("accept/job", "a job has its form: UUIDv7, version, times, links", |target| {
        Box::pin(job_form(target))
    }),
    check("accept/trimmed", "text is trimmed, and kept as it is otherwise", |target| {
        Box::pin(trimmed(target))
    }),
    check("accept/validate-only", "a validation answers 200 and stores nothing", |target| {
        Box::pin(validate_only(target))
    }),
    check("accept/trace", "the caller's trace is the job's", |target| Box::pin(trace(target))),
];

/// Jobs that are submitted at the same time.
const AT_ONCE: usize = 20;

async fn durable(target: &Target) -> Checked {
    let one = async |n: usize| {
        let body = asking(&format!("Question {n}?"));
        let answer = target.submission(&body).send().await?.of_status(202)?;
        let job = JobRef::of(answer.json()?)?;
        equal("Location", answer.header("location"), path_of(&job.id).as_str())?;
        for server in 0..target.servers() {
            let shown = target.get(&job.path).on_server(server).send().await?;
            let shown = shown.of_status(200).during("a job that was just accepted")?;
            equal("the id", &shown.json()?["id"], job.id.as_str())?;
            let log = target.get(&job.events).on_server(server).send().await?.of_status(200)?;
            equal("the first event", &log.json()?["events"][0]["type"], "job.created")?;
        }
        Ok(())
    };
    try_join_all((0..AT_ONCE).map(one)).await.map(drop)
}

async fn job_form(target: &Target) -> Checked {
    let body = json!({"company_name": "Conformance", "question": "Q", "labels": {"a/b": "ä"}});
    let answer = target.submission(&body).send().await?.of_status(202)?;
    equal("the media type", answer.media_type(), "application/json")?;
    let shown = answer.json()?;
    let job: Job = answer.read()?;
    equal("the version of its UUID", job.id.as_uuid().get_version_num(), 7)?;
    holds(job.version >= 1, &answer, "a version from 1")?;
    equal("labels", &shown["labels"], &body["labels"])?;
    let allowed = job.deadline_at.since(job.created_at).as_secs();
    equal("seconds to the deadline", allowed, u64::from(limits::TIMEOUT_S_DEFAULT))?;
    equal("max_attempts", job.max_attempts, limits::MAX_ATTEMPTS_DEFAULT)?;
    let path = path_of(&job.id.to_string());
    equal("links.self", &job.links.this, &path)?;
    equal("links.cancel", &job.links.cancel, &format!("{path}/cancel"))?;
    for link in [&job.links.this, &job.links.events] {
        target.get(link).send().await?.of_status(200)?;
    }
    let job = JobRef::of(shown)?;
    target.abandon(&job).await
}

async fn trimmed(target: &Target) -> Checked {
    let body = json!({"company_name": "\t Ärzte \u{1F600} AG\n", "question": "  why?\r\n  so  "});
    let answer = target.submission(&body).send().await?.of_status(202)?;
    let job = answer.json()?;
    equal("company_name", &job["company_name"], "Ärzte \u{1F600} AG")?;
    equal("question", &job["question"], "why?\r\n  so")?;
    target.abandon(&JobRef::of(job)?).await
}

async fn validate_only(target: &Target) -> Checked {
    let mark = target.unique();
    let body = with(plain(), &json!({"labels": {"mark": mark}}));
    let path = format!("{ANALYSIS}?validate_only=true");
    target.post(&path).json(&body).send().await?.of_status(200)?;
    let refused = with(body.clone(), &json!({"priority": 10}));
    target.post(&path).json(&refused).send().await?.problem(422, "invalid_request")?;
    for server in 0..target.servers() {
        let list = target.get(&format!("{ANALYSIS}?label.mark={mark}")).on_server(server);
        let list = list.send().await?.of_status(200)?;
        equal("jobs after a validation", &list.json()?["jobs"], &json!([]))?;
    }
    // With a key, too: the key is free afterwards.
    let key = target.unique();
    let validated = target.post(&path).json(&body).header("idempotency-key", key.clone());
    validated.send().await?.of_status(200)?;
    let other = target.submission(&plain()).header("idempotency-key", key).send().await?;
    other.of_status(202).during("the key of a validation").map(drop)
}

async fn trace(target: &Target) -> Checked {
    let trace_id = uuid::Uuid::now_v7().simple().to_string();
    let parent = format!("00-{trace_id}-00f067aa0ba902b7-01");
    let answer = target.submission(&plain()).header("traceparent", parent).send().await?;
    let answer = answer.of_status(202)?;
    equal("trace_id", &answer.json()?["trace_id"], trace_id.as_str())?;
    let job = JobRef::of(answer.json()?)?;
    let log = target.log(&job).await?;
    let traced = log[0]["traceparent"].as_str().unwrap_or_default();
    let expected = format!("the trace {trace_id}");
    holds(traced.contains(&trace_id), format!("the traceparent {traced}"), expected)?;
    let broken = target.submission(&plain()).header("traceparent", "00-0-0-00").send().await?;
    let fresh = broken.of_status(202).during("a broken traceparent")?;
    let id = fresh.json()?["trace_id"].as_str().unwrap_or_default();
    equal("the length of a new trace's id", id.len(), 32)
}
