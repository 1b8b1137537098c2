//! §2, §7: a ticket reads its jobs for a while, and does nothing else.

use contracts::{JobId, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};

use super::stream_rules::refused;
use crate::check::{Check, check};
use crate::fault::{Checked, During as _, Fault, equal, holds};
use crate::jobs::{JobRef, path_of, plain};
use crate::target::{ANALYSIS, STREAM, Target};
use crate::transport::Socket;

pub(super) const CHECKS: &[Check] = &[
    check("tickets/reads", "a ticket reads its job and its streams, on every server", |target| {
        Box::pin(reads(target))
    }),
    check("tickets/scope", "a ticket reads no other job, and changes nothing", |target| {
        Box::pin(scope(target))
    }),
    check("tickets/wrong", "a ticket that is wrong is worse than none", |target| {
        Box::pin(wrong(target))
    }),
    check("tickets/many", "one ticket is good for up to a hundred jobs", |target| {
        Box::pin(many(target))
    }),
];

/// A ticket outlives its job's deadline by so long.
const GRACE_MS: i64 = 300_000;

/// The ticket of a job.
async fn ticket_of(target: &Target, job: &JobRef) -> Checked<Value> {
    let answer = target.post(&format!("{}/tickets", job.path)).send().await?;
    Ok(answer.of_status(201)?.json()?.clone())
}

fn text_of(ticket: &Value) -> Checked<&str> {
    let text = ticket["ticket"].as_str().unwrap_or_default();
    let is_plain = !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte));
    holds(is_plain, format!("the ticket {text:?}"), "a ticket that a URL can carry")?;
    Ok(text)
}

async fn reads(target: &Target) -> Checked {
    let (job, ended) = target.run(&plain()).await?;
    let issued = ticket_of(target, &job).await?;
    let ticket = text_of(&issued)?;
    let log = target.log(&job).await?;
    for server in 0..target.servers() {
        for path in [&job.path, &job.events] {
            let call = target.get(&format!("{path}?ticket={ticket}")).on_server(server);
            call.without_key().send().await?.of_status(200)?;
        }
        for path in [&job.path, &job.stream] {
            let call = target.get(&format!("{path}?ticket={ticket}")).on_server(server);
            let (frames, code) = Socket::open(call.without_key()).await?.rest().await?;
            equal("the close code", code, 1000)?;
            equal("the events over a ticket", &frames[1..], &log[..])?;
        }
        let offers = format!("assay.v1, assay.ticket.{ticket}");
        let call = target.get(&job.stream).on_server(server).without_key();
        let socket = Socket::open(call.header("sec-websocket-protocol", offers)).await?;
        equal("the close code, a ticket as subprotocol", socket.rest().await?.1, 1000)?;
    }
    let Some(until) = issued["jobs"][0]["expires_at"].as_str() else { return Ok(()) };
    let read = |text: &str| {
        let time: Result<Timestamp, _> = text.parse();
        time.map_err(|_| Fault::breach(format!("the time {text:?}"), "RFC 3339"))
    };
    let (until, finished) =
        (read(until)?, read(ended["finished_at"].as_str().unwrap_or_default())?);
    let left = until.as_millis() - finished.as_millis();
    let is_so = (GRACE_MS..GRACE_MS + 60_000).contains(&left);
    holds(is_so, format!("{left} ms after the end"), "5 minutes from its issue, for an ended job")
}

async fn scope(target: &Target) -> Checked {
    let (job, _) = target.run(&plain()).await?;
    let ticket = ticket_of(target, &job).await?;
    let ticket = text_of(&ticket)?;
    let (other, _) = target.run(&plain()).await?;
    for (method, path) in [
        (Method::GET, other.path.clone()),
        (Method::GET, other.events.clone()),
        (Method::GET, path_of(&JobId::new().to_string())),
        (Method::GET, ANALYSIS.to_owned()),
        (Method::POST, job.cancel.clone()),
        (Method::POST, format!("{}/retry", job.path)),
        (Method::POST, format!("{}/tickets", job.path)),
        (Method::DELETE, job.path.clone()),
    ] {
        let call = target.call(method, &format!("{path}?ticket={ticket}")).without_key();
        call.send().await?.problem(403, "forbidden")?;
    }
    let post = target.post(&format!("{ANALYSIS}?ticket={ticket}")).json(&plain()).without_key();
    post.send().await?.problem(403, "forbidden")?;
    let call = target.get(&format!("{}?ticket={ticket}", other.stream)).without_key();
    refused(target, call, "forbidden", 4403).await.during("another job's socket")?;
    let call = target.get(&format!("{STREAM}?ticket={ticket}")).without_key();
    let mut socket = Socket::open(call).await?;
    let frame = json!({"type": "subscribe", "job_id": other.id, "after": 0});
    socket.send(frame.to_string()).await;
    let said = socket.text().await?;
    equal("what a foreign subscription is told", &said["problem"]["code"], "forbidden")?;
    target.get(&job.path).send().await?.of_status(200).map(drop)
}

async fn wrong(target: &Target) -> Checked {
    let (job, _) = target.run(&plain()).await?;
    let issued = ticket_of(target, &job).await?;
    let ticket = text_of(&issued)?;
    // The last character of some encodings has bits that count for nothing; one in the middle has
    // none.
    let (begin, end) = ticket.split_at(ticket.len() / 2);
    let other = if end.starts_with('A') { "B" } else { "A" };
    let changed = format!("{begin}{other}{}", &end[1..]);
    for wrong in [&changed, &ticket[1..], "x", ""] {
        let path = format!("{}?ticket={wrong}", job.path);
        let call = target.get(&path).without_key();
        call.send().await?.problem(401, "unauthorized").during(format!("the ticket {wrong:?}"))?;
        refused(target, target.get(&path).without_key(), "unauthorized", 4401).await?;
    }
    Ok(())
}

async fn many(target: &Target) -> Checked {
    let (job, _) = target.run(&plain()).await?;
    ticket_of(target, &job).await?;
    let (other, _) = target.run(&plain()).await?;
    let ask = async |jobs: Value| target.post("/v1/tickets").json(&jobs).send().await;
    let issued = ask(json!({"jobs": [job.id, other.id]})).await?.of_status(201)?;
    let ticket = text_of(issued.json()?)?;
    for path in [&job.path, &other.path] {
        let call = target.get(&format!("{path}?ticket={ticket}")).without_key();
        call.send().await?.of_status(200)?;
    }
    let unknown = JobId::new().to_string();
    ask(json!({"jobs": [job.id, unknown]})).await?.problem(404, "not_found")?;
    let too_many = vec![job.id.clone(); 101];
    for bad in [json!({"jobs": too_many}), json!({"jobs": []}), json!({}), json!({"jobs": ["x"]})] {
        ask(bad).await?.problem(422, "invalid_request")?;
    }
    Ok(())
}
