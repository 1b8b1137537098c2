//! Jobs of the kit: asking for them, waiting for them, reading their logs.

use std::time::Duration;

use contracts::EventBody;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::fault::{Checked, Fault, equal, holds};
use crate::target::{ANALYSIS, Answer, RUN_LABEL, Target};

/// What a job of the kit may take; its deadline is earlier.
const JOB_TIME: Duration = Duration::from_secs(75);
/// A log of the kit fits on one page.
const PAGE: &str = "limit=1000";
/// A scripted question whose log has some dozens of events: delays, a failure, and text in pieces.
pub(crate) const LIVELY: &str = "script: delay_ms=250 fail=transient*1 output_bytes=130000";

/// A job by its id and its links.
#[derive(Debug, Clone)]
pub(crate) struct JobRef {
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) events: String,
    pub(crate) stream: String,
    pub(crate) cancel: String,
}

impl JobRef {
    /// The job of an answer.
    pub(crate) fn of(job: &Value) -> Checked<Self> {
        let text = |value: &Value| match value.as_str() {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            Some(_) | None => Err(Fault::breach(job.to_string(), "a job with an id and links")),
        };
        let links = &job["links"];
        Ok(Self {
            id: text(&job["id"])?,
            path: text(&links["self"])?,
            events: text(&links["events"])?,
            stream: text(&links["stream"])?,
            cancel: text(&links["cancel"])?,
        })
    }
}

/// A request for a job that any server can answer, or fail to answer.
pub(crate) fn plain() -> Value {
    asking("What were total revenues in 2023?")
}

/// The question of the small corpus that comes with a first server.
pub(crate) fn answerable() -> Value {
    let question = "How much did 3M spend on capital expenditures in 2018?";
    with(asking(question), &json!({"company_name": "3M"}))
}

/// A request with this question. It has a mark, so that a list can be had of the kit's jobs alone.
pub(crate) fn asking(question: &str) -> Value {
    json!({
        "company_name": "Conformance", "question": question, "timeout_s": 60,
        "labels": {RUN_LABEL: "check"},
    })
}

/// The same request with further fields.
pub(crate) fn with(mut body: Value, fields: &Value) -> Value {
    for (name, value) in fields.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    body
}

impl Target {
    /// Submits a request, which must be accepted.
    pub(crate) async fn submit(&self, body: &Value) -> Checked<JobRef> {
        let answer = self.submission(body).send().await?.of_status(202)?;
        JobRef::of(answer.json()?)
    }

    /// Submits a request whose job has a log worth reading: of some dozens of events, where the
    /// server has the scripted model.
    pub(crate) async fn submit_lively(&self) -> Checked<JobRef> {
        let body = if self.is_scripted() { asking(LIVELY) } else { plain() };
        self.submit(&body).await
    }

    /// Submits a request and waits for its end.
    pub(crate) async fn run(&self, body: &Value) -> Checked<(JobRef, Value)> {
        let job = self.submit(body).await?;
        let ended = self.ended(&job).await?;
        Ok((job, ended))
    }

    /// The job as it is now.
    pub(crate) async fn show(&self, job: &JobRef) -> Checked<Value> {
        Ok(self.get(&job.path).send().await?.of_status(200)?.json()?.clone())
    }

    /// The job once it has ended.
    pub(crate) async fn ended(&self, job: &JobRef) -> Checked<Value> {
        self.once(job, |job| job["finished_at"].is_string()).await
    }

    /// The job once it is so; a breach if it ends before.
    pub(crate) async fn once(
        &self,
        job: &JobRef,
        is_so: impl Fn(&Value) -> bool,
    ) -> Checked<Value> {
        let until = Instant::now() + JOB_TIME;
        let mut version = 0;
        while Instant::now() < until {
            let path = format!("{}?after_version={version}&wait=20", job.path);
            let answer = self.get(&path).send().await?.of_status(200)?;
            let seen = answer.json()?;
            if is_so(seen) {
                return Ok(seen.clone());
            }
            holds(!seen["finished_at"].is_string(), &answer, "what the check waits for")?;
            version = seen["version"].as_u64().unwrap_or_default();
        }
        Err(Fault::breach(format!("job {} has not got there in time", job.id), "every job ends"))
    }

    /// The log of a job as one page.
    pub(crate) async fn log(&self, job: &JobRef) -> Checked<Vec<Value>> {
        let answer = self.get(&format!("{}?{PAGE}", job.events)).send().await?.of_status(200)?;
        Ok(events_of(&answer)?.to_vec())
    }

    /// Ends a job that is not needed any more.
    pub(crate) async fn abandon(&self, job: &JobRef) -> Checked {
        let answer = self.post(&job.cancel).send().await?;
        answer.of_one(&[200, 202, 409]).map(drop)
    }
}

/// The events of a page.
pub(crate) fn events_of(page: &Answer) -> Checked<&[Value]> {
    let events = page.json()?["events"].as_array();
    events.map(Vec::as_slice).ok_or_else(|| Fault::breach(page.to_string(), "a page of events"))
}

/// The version of an event: its sequence, as ten digits.
pub(crate) fn version_of(event: &Value) -> Checked<u64> {
    let sequence = event["sequence"].as_str().unwrap_or_default();
    let is_sequence = sequence.len() == 10 && sequence.bytes().all(|byte| byte.is_ascii_digit());
    match sequence.parse() {
        Ok(version) if is_sequence => Ok(version),
        Ok(_) | Err(_) => {
            Err(Fault::breach(format!("the event {event}"), "a sequence of ten digits"))
        }
    }
}

/// Whether nothing follows an event.
pub(crate) fn is_terminal(event: &Value) -> bool {
    event["type"].as_str().is_some_and(|kind| EventBody::TERMINAL_TYPES.contains(&kind))
}

/// The events of a type.
pub(crate) fn of_type<'a>(log: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    log.iter().filter(move |event| event["type"] == kind)
}

/// A breach unless the state is one of these.
pub(crate) fn in_state(job: &Value, state: &str) -> Checked {
    let evidence = format!("the job is {} with the error {}", job["state"], job["error"]);
    equal("the state", &job["state"], state).map_err(|_| Fault::breach(evidence, state))
}

/// The address of a job with this id.
pub(crate) fn path_of(id: &str) -> String {
    format!("{ANALYSIS}/{id}")
}
