//! §1, §3, §5: every job ends in its time, in the state that says why.

use std::time::Duration;

use contracts::Timestamp;
use futures_util::future::try_join_all;
use serde_json::{Value, json};

use crate::check::{Check, Turn, scripted};
use crate::fault::{Checked, During as _, Fault, equal, holds};
use crate::jobs::{asking, in_state, of_type, with};
use crate::target::Target;

pub(super) const CHECKS: &[Check] = &[
    scripted(
        "deadlines/timed-out",
        "a job that works too long ends by its deadline + 5 s",
        |target| Box::pin(timed_out(target)),
    ),
    scripted("deadlines/backoff", "a job that backs off past its deadline ends by it", |target| {
        Box::pin(backing_off(target))
    }),
    scripted("deadlines/expired", "a job that did not start in time ends as expired", |target| {
        Box::pin(expired(target))
    })
    .at(Turn::Alone),
    scripted(
        "failures/exhausted",
        "failures end a job after max_attempts, with their cause",
        |target| Box::pin(exhausted(target)),
    ),
    scripted("failures/permanent", "what would fail again is not tried again", |target| {
        Box::pin(permanent(target))
    }),
    scripted("failures/partial", "without its model a job gives its sources, as asked", |target| {
        Box::pin(partial(target))
    }),
    scripted("failures/passing", "a failure that passes costs attempts and no answer", |target| {
        Box::pin(passing(target))
    }),
];

/// A job is ended at most so long after its deadline.
const LATE_MAX: Duration = Duration::from_secs(5);
/// Jobs that keep every worker busy; a system with more slots is not filled by the kit.
const FILLERS: usize = 64;

async fn timed_out(target: &Target) -> Checked {
    let body = with(asking("script: delay_ms=30000 output_bytes=9000"), &json!({"timeout_s": 5}));
    let (job, ended) = target.run(&body).await?;
    in_state(&ended, "timed_out")?;
    in_time(&ended, "deadline_at")?;
    let log = target.log(&job).await?;
    check_error(target, &ended, &log, "deadline_exceeded")?;
    let done = &ended["partial_result"]["completed_steps"];
    equal("the finished steps of partial_result", done, &json!(["plan"]))
}

async fn backing_off(target: &Target) -> Checked {
    let fields = json!({"timeout_s": 5, "max_attempts": 10, "on_step_failure": "fail"});
    let (job, ended) =
        target.run(&with(asking("script: delay_ms=700 fail=transient"), &fields)).await?;
    in_time(&ended, "deadline_at")?;
    let state = ended["state"].as_str().unwrap_or_default();
    holds(
        ["timed_out", "failed"].contains(&state),
        format!("a job that fails until its deadline is {state}"),
        "timed_out, or failed where no further attempt fits",
    )?;
    let log = target.log(&job).await?;
    let deadline = time(&ended, "deadline_at")?;
    for failed in of_type(&log, "job.attempt_failed") {
        if failed["data"]["will_retry"] == true {
            let next = time(&failed["data"], "next_attempt_at")?;
            let seen = format!("an attempt at {next}, the deadline is {deadline}");
            holds(next <= deadline, seen, "no retry past the deadline")?;
        }
    }
    Ok(())
}

async fn expired(target: &Target) -> Checked {
    let filler = with(asking("script: delay_ms=20000"), &json!({"priority": 9}));
    let fillers = try_join_all((0..FILLERS).map(|_| target.submit(&filler))).await?;
    let late = with(asking("Late"), &json!({"priority": 0, "queue_timeout_s": 2}));
    let checked = expired_behind(target, &late).await;
    try_join_all(fillers.iter().map(|job| target.abandon(job))).await?;
    try_join_all(fillers.iter().map(|job| target.ended(job))).await?;
    checked
}

async fn expired_behind(target: &Target, late: &Value) -> Checked {
    let (job, ended) = target.run(late).await?;
    if !ended["started_at"].is_null() {
        let reason = format!("{FILLERS} jobs do not fill the workers of this server");
        return Err(Fault::NotApplicable(reason));
    }
    in_state(&ended, "expired")?;
    in_time(&ended, "queue_deadline_at")?;
    equal("attempt", &ended["attempt"], 0)?;
    equal("the model's calls", &ended["usage"]["model_calls"], 0)?;
    let log = target.log(&job).await?;
    equal("the number of events", log.len(), 2)?;
    check_error(target, &ended, &log, "queue_timeout")
}

async fn exhausted(target: &Target) -> Checked {
    let fields = json!({"max_attempts": 2, "on_step_failure": "fail"});
    let (job, ended) = target.run(&with(asking("script: fail=transient"), &fields)).await?;
    in_state(&ended, "failed")?;
    let log = target.log(&job).await?;
    check_error(target, &ended, &log, "attempts_exhausted")?;
    equal("its cause", &ended["error"]["cause"]["code"], "model_unavailable")?;
    equal("failures", &ended["failures"], 2)?;
    let will_retry: Vec<&Value> =
        of_type(&log, "job.attempt_failed").map(|event| &event["data"]["will_retry"]).collect();
    equal("will_retry of the failures", will_retry, vec![&json!(true), &json!(false)])?;
    for failed in of_type(&log, "job.attempt_failed") {
        target.observed().see_problem("an attempt's error", &failed["data"]["error"]);
    }
    let found = ended["partial_result"]["sources"].as_array().map_or(0, Vec::len);
    holds(found > 0, "a partial_result without sources", "the sources so far")
}

async fn permanent(target: &Target) -> Checked {
    let body = with(asking("script: fail=permanent"), &json!({"on_step_failure": "fail"}));
    let (job, ended) = target.run(&body).await?;
    in_state(&ended, "failed")?;
    let log = target.log(&job).await?;
    check_error(target, &ended, &log, "model_refused")?;
    equal("attempt", &ended["attempt"], 1)?;
    let sources = &ended["partial_result"]["sources"];
    holds(sources.as_array().is_some_and(|s| !s.is_empty()), sources, "the sources so far")?;
    // A required step's failure fails the job, whatever it asked for.
    let body = with(
        asking("script: fail=permanent step=retrieve"),
        &json!({"on_step_failure": "partial"}),
    );
    let (job, ended) = target.run(&body).await?;
    in_state(&ended, "failed").during("retrieval failed for good")?;
    check_error(target, &ended, &target.log(&job).await?, "source_unreachable")
}

async fn partial(target: &Target) -> Checked {
    for fields in [json!({}), json!({"on_step_failure": "partial"})] {
        let (job, ended) = target.run(&with(asking("script: fail=permanent"), &fields)).await?;
        in_state(&ended, "succeeded").during(&fields)?;
        let result = &ended["result"];
        equal("completeness", &result["completeness"], "partial")?;
        let some = |name: &str| result[name].as_array().is_some_and(|array| !array.is_empty());
        holds(some("gaps") && some("sources"), result, "gaps and sources")?;
        super::log::check_sources(result, &target.log(&job).await?)?;
    }
    Ok(())
}

async fn passing(target: &Target) -> Checked {
    for class in ["transient", "rate_limited", "timeout", "bug"] {
        let (job, ended) = target.run(&asking(&format!("script: fail={class}*1"))).await?;
        in_state(&ended, "succeeded").during(class)?;
        equal(format!("failures of {class}"), &ended["failures"], 1)?;
        equal("completeness", &ended["result"]["completeness"], "complete")?;
        let log = target.log(&job).await?;
        for failed in of_type(&log, "job.attempt_failed") {
            target.observed().see_problem(class, &failed["data"]["error"]);
        }
        // What was finished before the failure is not run again.
        let retrievals = of_type(&log, "step.started").filter(|e| e["data"]["step"] == "retrieve");
        equal("starts of the finished step", retrievals.count(), 1)?;
    }
    Ok(())
}

/// The error of a job, which its last event tells, too.
fn check_error(target: &Target, ended: &Value, log: &[Value], code: &str) -> Checked {
    let error = &ended["error"];
    equal("the error's code", &error["code"], code)?;
    target.observed().see_problem("a job's error", error);
    let last = log.last().unwrap_or(&Value::Null);
    equal("the error in the last event", &last["data"]["error"], error)?;
    holds(ended.get("result").is_none(), "a result beside an error", "one of both")?;
    super::log::timeline(ended)
}

fn in_time(ended: &Value, limit: &str) -> Checked {
    let late = time(ended, "finished_at")?.since(time(ended, limit)?);
    holds(late <= LATE_MAX, format!("ended {late:?} after {limit}"), "at most 5 s after it")
}

fn time(value: &Value, name: &str) -> Checked<Timestamp> {
    serde_json::from_value(value[name].clone())
        .map_err(|_| Fault::breach(format!("{name} is {}", value[name]), "a time"))
}
