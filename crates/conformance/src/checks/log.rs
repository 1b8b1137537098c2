//! §1, §4: what a log says, however it is read.

use std::collections::BTreeSet;

use contracts::{EventBody, limits};
use serde_json::{Value, json};

use crate::check::{Check, check, scripted};
use crate::fault::{Checked, During as _, Fault, equal, holds};
use crate::jobs::{answerable, asking, is_terminal, of_type, version_of, with};
use crate::target::Target;

pub(super) const CHECKS: &[Check] = &[
    check("log/numbered", "versions are 1 to n without a gap, the terminal event last", |target| {
        Box::pin(numbered(target))
    }),
    check("log/envelope", "every event is CloudEvents 1.0 of at most 16 KiB", |target| {
        Box::pin(envelope(target))
    }),
    check("log/pages", "pages of any size put together are the log", |target| {
        Box::pin(pages(target))
    }),
    check("log/job", "the job is what its log says: version, state, attempts, times", |target| {
        Box::pin(job_of_log(target))
    }),
    check("log/sources", "no source without its event, no citation without its source", |target| {
        Box::pin(sources(target))
    }),
    scripted("log/output", "the pieces of the answer put together are the answer", |target| {
        Box::pin(output(target))
    }),
    scripted("log/large", "what does not fit into an event is left out and said so", |target| {
        Box::pin(large(target))
    }),
];

/// A job with a log worth reading that has ended: job, and log.
async fn ended(target: &Target) -> Checked<(Value, Vec<Value>)> {
    let job = target.submit_lively().await?;
    let ended = target.ended(&job).await?;
    Ok((ended, target.log(&job).await?))
}

async fn numbered(target: &Target) -> Checked {
    let (job, log) = ended(target).await?;
    for (index, event) in log.iter().enumerate() {
        equal("the version", version_of(event)?, index as u64 + 1)?;
        let is_last = index + 1 == log.len();
        equal("whether the event is terminal", is_terminal(event), is_last).during(event)?;
    }
    equal("the first event", &log[0]["type"], "job.created")?;
    equal("the job's version", &job["version"], log.len() as u64)
}

async fn envelope(target: &Target) -> Checked {
    let (job, log) = ended(target).await?;
    let id = job["id"].as_str().unwrap_or_default();
    let trace_id = job["trace_id"].as_str().unwrap_or_default();
    let mut time = String::new();
    for event in &log {
        check_envelope(event, id, trace_id).during(event)?;
        let at = event["time"].as_str().unwrap_or_default();
        holds(at >= time.as_str(), format!("{at} after {time}"), "times that do not go back")?;
        at.clone_into(&mut time);
    }
    Ok(())
}

fn check_envelope(event: &Value, job_id: &str, trace_id: &str) -> Checked {
    equal("specversion", &event["specversion"], "1.0")?;
    equal("source", &event["source"], "/v1/analysis")?;
    equal("subject", &event["subject"], job_id)?;
    equal("id", &event["id"], format!("{job_id}/{}", version_of(event)?).as_str())?;
    let traceparent = event["traceparent"].as_str().unwrap_or_default();
    let is_of_trace = traceparent.len() == 55 && traceparent[..35] == format!("00-{trace_id}");
    holds(is_of_trace, format!("traceparent {traceparent}"), format!("of the trace {trace_id}"))?;
    holds(event["attempt"].is_u64(), "no attempt", "a number")?;
    let bytes = event.to_string().len();
    holds(bytes <= limits::EVENT_BYTES_MAX, format!("{bytes} bytes"), "at most 16 KiB")?;
    let kind = event["type"].as_str().unwrap_or_default();
    // CloudEvents names attributes in lower-case letters and digits (1.0.2, naming).
    let names = event.as_object().into_iter().flatten().map(|(name, _)| name);
    let plain = |name: &String| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let odd: Vec<&String> = names.filter(|name| !plain(name)).collect();
    holds(odd.is_empty(), format!("attributes {odd:?}"), "lower-case names")?;
    // An unknown type is one of a later release; a known one has its form.
    let is_known = KNOWN.contains(&kind);
    let has_form = EventBody::from_parts(kind, event["data"].clone()).is_some();
    holds(!is_known || has_form, format!("data {}", event["data"]), format!("the form of {kind}"))
}

/// The types of the contract.
const KNOWN: [&str; 21] = [
    "job.created",
    "job.started",
    "job.attempt_failed",
    "job.requeued",
    "job.cancel_requested",
    "job.succeeded",
    "job.failed",
    "job.timed_out",
    "job.expired",
    "job.cancelled",
    "step.started",
    "step.progress",
    "step.completed",
    "step.failed",
    "step.skipped",
    "tool_call.started",
    "tool_call.completed",
    "tool_call.failed",
    "source.retrieved",
    "output.delta",
    "output.reset",
];

async fn pages(target: &Target) -> Checked {
    let job = target.submit_lively().await?;
    target.ended(&job).await?;
    let log = target.log(&job).await?;
    for size in [1, 7, log.len(), 1_000] {
        let mut events: Vec<Value> = Vec::new();
        while events.len() < log.len() {
            let path = format!("{}?after={}&limit={size}", job.events, events.len());
            let answer = target.get(&path).send().await?.of_status(200)?;
            let page = answer.json()?;
            equal("head", &page["head"], log.len() as u64)?;
            let more = page["events"].as_array().cloned().unwrap_or_default();
            holds(!more.is_empty(), &answer, "the events that follow")?;
            let wanted = size.min(log.len() - events.len());
            equal("the number of events", more.len(), wanted).during(&path)?;
            events.extend(more);
            equal("next_after", &page["next_after"], events.len() as u64).during(&path)?;
        }
        equal(format!("the log in pages of {size}"), &events, &log)?;
    }
    let past = format!("{}?after={}", job.events, log.len());
    let answer = target.get(&past).send().await?.of_status(200)?;
    equal("the page after the last event", &answer.json()?["events"], &json!([]))
}

async fn job_of_log(target: &Target) -> Checked {
    let (job, log) = ended(target).await?;
    let last = log.last().unwrap_or(&Value::Null);
    let kind = last["type"].as_str().unwrap_or_default();
    equal("the state", &job["state"], kind.strip_prefix("job.").unwrap_or_default())?;
    equal("created_at", &job["created_at"], &log[0]["time"])?;
    equal("finished_at", &job["finished_at"], &last["time"])?;
    let starts: Vec<&Value> = of_type(&log, "job.started").collect();
    equal("attempt", &job["attempt"], starts.len() as u64)?;
    let shown = job["attempts"].as_array().cloned().unwrap_or_default();
    equal("the number of attempts", shown.len(), starts.len())?;
    for (attempt, start) in shown.iter().zip(&starts) {
        equal("attempts[].started_at", &attempt["started_at"], &start["time"])?;
        equal("attempts[].attempt", &attempt["attempt"], &start["attempt"])?;
    }
    let failures = of_type(&log, "job.attempt_failed").count();
    equal("failures", &job["failures"], failures as u64)?;
    let done: Vec<&Value> = of_type(&log, "step.completed").map(|e| &e["data"]["step"]).collect();
    let once: BTreeSet<String> = done.iter().map(ToString::to_string).collect();
    equal("steps that were finished once", once.len(), done.len())?;
    let (result, error) = (job.get("result"), job.get("error"));
    holds(
        result.is_some() != error.is_some(),
        format!("result {}, error {}", result.is_some(), error.is_some()),
        "exactly one of result and error",
    )?;
    holds(
        job.get("partial_result").is_none() || error.is_some(),
        "a partial_result beside a result",
        "a partial_result beside an error only",
    )?;
    timeline(&job)
}

/// `timeline` adds up to `finished_at - created_at`, to the millisecond.
pub(super) fn timeline(job: &Value) -> Checked {
    let read = |name: &str| -> Checked<contracts::Timestamp> {
        serde_json::from_value(job[name].clone())
            .map_err(|_| Fault::breach(format!("{name} is {}", job[name]), "a time"))
    };
    let took = read("finished_at")?.millis_since(read("created_at")?);
    let parts = ["queued_ms", "running_ms", "backoff_ms"];
    let sum: u64 = parts.iter().filter_map(|part| job["timeline"][part].as_u64()).sum();
    equal(format!("the sum of {}", job["timeline"]), sum, took)
}

async fn sources(target: &Target) -> Checked {
    let (job, ended) = target.run(&answerable()).await?;
    let log = target.log(&job).await?;
    let Some(result) = ended.get("result") else {
        let state = ended["state"].as_str().unwrap_or_default();
        return Err(Fault::NotApplicable(format!(
            "the documents of this server answer no question of the kit: the job {state}"
        )));
    };
    check_sources(result, &log)
}

/// Every source has its event, every citation points at a source and into the summary.
pub(super) fn check_sources(result: &Value, log: &[Value]) -> Checked {
    let array = |name: &str| result[name].as_array().cloned().unwrap_or_default();
    let sources = array("sources");
    for source in &sources {
        let told = of_type(log, "source.retrieved").any(|event| event["data"]["source"] == *source);
        holds(told, format!("the source {source}"), "a source.retrieved event that tells of it")?;
        let page = source.get("page").and_then(Value::as_u64);
        holds(page != Some(0), format!("the source {source}"), "pages from 1")?;
    }
    let characters = result["summary"].as_str().unwrap_or_default().chars().count() as u64;
    for citation in array("citations") {
        let (start, end) = (citation["start"].as_u64(), citation["end"].as_u64());
        let is_within =
            matches!((start, end), (Some(start), Some(end)) if start < end && end <= characters);
        holds(
            is_within,
            format!("the citation {citation}"),
            format!("a part of {characters} characters"),
        )?;
        let is_known = sources.iter().any(|source| source["id"] == citation["source_id"]);
        holds(is_known, format!("the citation {citation}"), "a source of the result")?;
    }
    let confidence = result["confidence"]["value"].as_f64().unwrap_or(-1.0);
    holds((0.0..=1.0).contains(&confidence), format!("confidence {confidence}"), "0 to 1")
}

async fn output(target: &Target) -> Checked {
    let (job, log) = ended(target).await?;
    let (mut text, mut length) = (String::new(), 0);
    for event in &log {
        match event["type"].as_str().unwrap_or_default() {
            "output.reset" => (text, length) = (String::new(), 0),
            "output.delta" => {
                equal("the offset", &event["data"]["offset"], length).during(event)?;
                let piece = event["data"]["text"].as_str().unwrap_or_default();
                length += piece.chars().count() as u64;
                text.push_str(piece);
            }
            _ => {}
        }
    }
    let summary = job["result"]["summary"].as_str().unwrap_or_default();
    let seen = format!("{length} characters in pieces, {} in the summary", summary.chars().count());
    holds(text == summary, seen, "the same text")
}

async fn large(target: &Target) -> Checked {
    let question = "script: output_bytes=60000";
    let (job, ended) = target.run(&asking(question)).await?;
    crate::jobs::in_state(&ended, "succeeded")?;
    let log = target.log(&job).await?;
    let last = log.last().unwrap_or(&Value::Null);
    equal("result_omitted", &last["data"]["result_omitted"], true)?;
    holds(last["data"].get("result").is_none(), "a result as well", "none in the event")?;
    let bytes = ended["result"]["summary"].as_str().map(str::len);
    equal("the bytes of the job's summary", bytes, Some(60_000))?;
    let small = with(asking("Small"), &json!({}));
    let (job, ended) = target.run(&small).await?;
    let log = target.log(&job).await?;
    let last = log.last().unwrap_or(&Value::Null);
    equal("the result of job.succeeded", &last["data"]["result"], &ended["result"])
}
