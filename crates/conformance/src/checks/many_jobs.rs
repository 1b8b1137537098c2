//! §2, §4: many jobs on one socket.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use serde_json::{Value, json};

use super::stream_rules::refused;
use crate::check::{Check, check, scripted};
use crate::fault::{Checked, During as _, equal, holds};
use crate::jobs::{JobRef, asking, is_terminal, plain, version_of};
use crate::target::{STREAM, Target};
use crate::transport::Socket;

pub(super) const CHECKS: &[Check] = &[
    check("many-jobs/whole", "each job on one socket is told whole and in order", |target| {
        Box::pin(whole(target))
    }),
    check("many-jobs/faults", "a fault of one subscription is none of the socket", |target| {
        Box::pin(faults(target))
    }),
    check("many-jobs/refused", "a bad frame and a foreign origin close the socket", |target| {
        Box::pin(refusals(target))
    }),
    scripted("many-jobs/unsubscribe", "a subscription that was ended says no more", |target| {
        Box::pin(unsubscribe(target))
    }),
];

/// Jobs on one socket.
const JOBS: usize = 8;

async fn open(target: &Target) -> Checked<Socket> {
    Socket::open(target.get(STREAM)).await
}

async fn subscribe(socket: &mut Socket, id: &str, after: u64) {
    let frame = json!({"type": "subscribe", "job_id": id, "after": after});
    socket.send(frame.to_string()).await;
}

async fn whole(target: &Target) -> Checked {
    let mut socket = open(target).await?;
    let ended = target.run(&plain()).await?.0;
    let mut jobs = try_join_all((1..JOBS).map(|_| target.submit_lively())).await?;
    jobs.push(ended);
    for job in &jobs {
        subscribe(&mut socket, &job.id, 0).await;
    }
    let told = transcripts(&mut socket, jobs.len()).await?;
    for job in &jobs {
        let log = target.log(job).await?;
        let events = told.get(&job.id).cloned().unwrap_or_default();
        equal("the number of events of a job", events.len(), log.len()).during(&job.id)?;
        equal("the events of a job", &events, &log)?;
    }
    Ok(())
}

/// What is told of each job, until so many have ended.
async fn transcripts(socket: &mut Socket, jobs: usize) -> Checked<BTreeMap<String, Vec<Value>>> {
    let mut told: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let (mut ready, mut ended) = (0, 0);
    while ended < jobs {
        let frame = socket.text().await?;
        if frame["type"] == "stream.ready" {
            ready += 1;
            continue;
        }
        let subject = frame["subject"].as_str().unwrap_or_default().to_owned();
        holds(!subject.is_empty(), &frame, "stream.ready, or an event with its subject")?;
        let events = told.entry(subject).or_default();
        equal("the version", version_of(&frame)?, events.len() as u64 + 1)?;
        ended += usize::from(is_terminal(&frame));
        events.push(frame);
    }
    equal("the number of stream.ready", ready, jobs)?;
    Ok(told)
}

async fn faults(target: &Target) -> Checked {
    let mut socket = open(target).await?;
    let (job, ended) = target.run(&plain()).await?;
    let head = ended["version"].as_u64().unwrap_or_default();
    let unknown = contracts::JobId::new().to_string();
    for (id, after, code) in [(&unknown, 0, "not_found"), (&job.id, head + 1, "cursor_ahead")] {
        subscribe(&mut socket, id, after).await;
        let frame = socket.text().await?;
        equal("the frame", &frame["type"], "stream.error").during(&frame)?;
        equal("its job", &frame["job_id"], id.as_str())?;
        equal("its code", &frame["problem"]["code"], code)?;
        target.observed().see_problem("stream.error", &frame["problem"]);
    }
    // The socket goes on, and a job that ended can be followed again from anywhere.
    for after in [head - 1, 0] {
        subscribe(&mut socket, &job.id, after).await;
        let ready = socket.text().await?;
        equal("stream.ready: after", &ready["after"], after).during(&ready)?;
        for version in after + 1..=head {
            equal("the version", version_of(&socket.text().await?)?, version)?;
        }
    }
    Ok(())
}

async fn refusals(target: &Target) -> Checked {
    for frame in ["{}", "subscribe", "{\"type\": \"subscribe\"}", "[]"] {
        let mut socket = open(target).await?;
        socket.send(frame.to_owned()).await;
        let (_, code) = socket.rest().await?;
        equal(format!("the close code after {frame}"), code, 4400)?;
    }
    let mut socket = open(target).await?;
    socket.send("x".repeat(64 * 1024 + 1)).await;
    equal("the close code after a frame over 64 KiB", socket.rest().await?.1, 4413)?;
    let foreign = target.get(STREAM).header("origin", "https://conformance.invalid");
    refused(target, foreign, "forbidden", 1008).await.during("a foreign origin")
}

async fn unsubscribe(target: &Target) -> Checked {
    let mut socket = open(target).await?;
    let quiet = target.submit(&asking("script: delay_ms=1500")).await?;
    let other = target.submit(&asking("script: delay_ms=2500")).await?;
    subscribe(&mut socket, &quiet.id, 0).await;
    let frame = json!({"type": "unsubscribe", "job_id": quiet.id});
    socket.send(frame.to_string()).await;
    subscribe(&mut socket, &other.id, 0).await;
    // Frames are taken in order: what is said of the first after the second is ready is too much.
    let mut is_ready = false;
    loop {
        let said = socket.text().await?;
        is_ready |= said["type"] == "stream.ready" && said["job_id"] == other.id.as_str();
        let is_of_quiet = said["subject"] == quiet.id.as_str();
        holds(!(is_ready && is_of_quiet), &said, "nothing of a job that is not followed")?;
        if is_terminal(&said) && said["subject"] == other.id.as_str() {
            return ended(target, &quiet).await;
        }
    }
}

async fn ended(target: &Target, job: &JobRef) -> Checked {
    target.ended(job).await.map(drop)
}
