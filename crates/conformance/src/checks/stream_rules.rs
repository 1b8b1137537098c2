//! §4: how a stream begins, keeps alive, ends and refuses.

use std::time::Duration;

use contracts::JobId;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::check::{Check, check, scripted};
use crate::fault::{Checked, During as _, Fault, equal};
use crate::jobs::{asking, path_of, plain};
use crate::target::Target;
use crate::transport::{EventStream, Frame, Line, Opened, Socket};

pub(super) const CHECKS: &[Check] = &[
    check("streams/cursor", "a cursor at the end is done, one ahead is refused", |target| {
        Box::pin(cursor(target))
    }),
    check("streams/last-event-id", "Last-Event-ID wins over after", |target| {
        Box::pin(last_event_id(target))
    }),
    check("streams/sse-form", "an event stream is one that browsers keep: retry, ids", |target| {
        Box::pin(sse_form(target))
    }),
    check("streams/close-codes", "a refused socket says why, in a frame and a code", |target| {
        Box::pin(close_codes(target))
    }),
    check(
        "streams/client-frames",
        "a socket of one job takes no frames, and none too big",
        |target| Box::pin(client_frames(target)),
    ),
    scripted(
        "streams/alive",
        "a quiet stream has a comment every 15 s, a ping every 20 s",
        |target| Box::pin(alive(target)),
    ),
];

async fn cursor(target: &Target) -> Checked {
    let (job, ended) = target.run(&plain()).await?;
    let head = ended["version"].as_u64().unwrap_or_default();
    for server in 0..target.servers() {
        let stream = |after: u64| {
            let call = target.get(&job.events).on_server(server);
            call.header("accept", "text/event-stream").header("last-event-id", after.to_string())
        };
        let done = stream(head).send().await?.of_status(204).during("SSE at the end")?;
        equal("the body of a 204", done.body(), b"".as_slice())?;
        stream(head + 1).send().await?.problem(409, "cursor_ahead").during("SSE ahead")?;
        let page = target.get(&format!("{}?after={}", job.events, head + 1)).on_server(server);
        page.send().await?.problem(409, "cursor_ahead").during("a page ahead")?;
        for path in [&job.stream, &job.path] {
            let call = target.get(&format!("{path}?after={head}")).on_server(server);
            let (frames, code) = Socket::open(call).await?.rest().await?;
            equal("the frames at the end", frames.len(), 1)?;
            equal("the frame at the end", &frames[0]["type"], "stream.ready")?;
            equal("the close code at the end", code, 1000)?;
            let ahead = target.get(&format!("{path}?after={}", head + 1)).on_server(server);
            refused(target, ahead, "cursor_ahead", 4409).await.during("a cursor ahead")?;
        }
    }
    Ok(())
}

async fn last_event_id(target: &Target) -> Checked {
    let (job, ended) = target.run(&plain()).await?;
    let head = ended["version"].as_u64().unwrap_or_default();
    for (after, last, first) in [(1, "2", 3), (head + 5, "1", 2), (2, "", 3)] {
        let call = target.get(&format!("{}?after={after}", job.events));
        let opened = EventStream::of(call.header("last-event-id", last)).await?;
        let mut stream = opened_stream(opened)?;
        stream.ready().await?;
        match stream.next().await? {
            Some(Line::Event { id, .. }) => {
                let place = format!("the first event for after={after}, Last-Event-ID {last:?}");
                equal(place, id, first)?;
            }
            other => return Err(Fault::breach(format!("{other:?}"), "an event")),
        }
    }
    let broken = target.get(&job.events).header("accept", "text/event-stream");
    let broken = broken.header("last-event-id", "x").send().await?;
    broken.problem(400, "invalid_request").during("Last-Event-ID: x").map(drop)
}

async fn sse_form(target: &Target) -> Checked {
    let (job, _) = target.run(&plain()).await?;
    let log = target.log(&job).await?;
    let mut stream = opened_stream(EventStream::of(target.get(&job.events)).await?)?;
    stream.ready().await?;
    equal("retry", stream.retry_ms(), Some(2_000))?;
    let mut events: Vec<Value> = Vec::new();
    while let Some(line) = stream.next().await? {
        match line {
            Line::Event { id, event } => {
                equal("the id", id, events.len() as u64 + 1)?;
                events.push(event);
            }
            Line::Comment => {}
            Line::Control(frame) => {
                return Err(Fault::breach(frame.to_string(), "no control frame before the end"));
            }
        }
    }
    equal("the events of the stream", &events, &log)?;
    // Without an Accept that asks for a stream, the same address is a page.
    for accept in ["*/*", "application/json", "application/json, text/event-stream;q=0.5"] {
        let page = target.get(&job.events).header("accept", accept).send().await?;
        equal(format!("Accept: {accept}"), page.of_status(200)?.media_type(), "application/json")?;
    }
    Ok(())
}

async fn close_codes(target: &Target) -> Checked {
    for id in [JobId::new().to_string(), "not-an-id".to_owned()] {
        for path in [path_of(&id), format!("{}/events", path_of(&id))] {
            refused(target, target.get(&path), "not_found", 4404).await.during("an unknown job")?;
        }
    }
    let job = target.submit(&plain()).await?;
    let foreign = target.get(&job.stream).header("origin", "https://conformance.invalid");
    refused(target, foreign, "forbidden", 1008).await.during("a foreign origin")
}

async fn client_frames(target: &Target) -> Checked {
    let question = if target.is_scripted() { "script: delay_ms=5000" } else { "Slow?" };
    let job = target.submit(&asking(question)).await?;
    let big = "x".repeat(64 * 1024 + 1);
    for (frame, code) in [("{}".to_owned(), 4400), (big, 4413)] {
        let mut socket = Socket::open(target.get(&job.stream)).await?;
        socket.send(frame).await;
        let (_, closed) = socket.rest().await?;
        // A job that ended first closes its sockets itself.
        if closed != 1000 || target.is_scripted() {
            equal("the close code after a client's frame", closed, code)?;
        }
    }
    target.abandon(&job).await
}

async fn alive(target: &Target) -> Checked {
    // The promised time, and what a busy machine adds.
    const COMMENT: Duration = Duration::from_secs(15 + 4);
    const PING: Duration = Duration::from_secs(20 + 4);
    let job = target.submit(&asking("script: delay_ms=40000")).await?;
    target.once(&job, |job| job["state"] == "running").await?;
    let mut stream = opened_stream(EventStream::of(target.get(&job.events)).await?)?;
    let commented = async {
        while let Some(line) = stream.next().await? {
            if let Line::Comment = line {
                return Ok(());
            }
        }
        Err(Fault::breach("the stream ended", "a comment"))
    };
    let mut socket = Socket::open(target.get(&job.stream)).await?;
    let pinged = async {
        loop {
            match socket.next().await? {
                Frame::Ping => return Ok(()),
                Frame::Text(_) => {}
                Frame::Closed(code) => {
                    return Err(Fault::breach(format!("close code {code}"), "a ping"));
                }
            }
        }
    };
    let late = |what: &str| Err(Fault::breach(format!("no {what} in its time"), "it"));
    let (commented, pinged) = tokio::join!(timeout(COMMENT, commented), timeout(PING, pinged));
    commented.unwrap_or_else(|_| late("comment on a quiet event stream"))?;
    pinged.unwrap_or_else(|_| late("ping on a quiet WebSocket"))?;
    target.abandon(&job).await
}

/// A socket that is refused is open for a moment, for a browser cannot see why an upgrade failed.
pub(super) async fn refused(
    target: &Target,
    call: crate::target::Call<'_>,
    code: &str,
    close_code: u16,
) -> Checked {
    let named = call.to_string();
    let (frames, closed) = Socket::open(call).await?.rest().await?;
    let [frame] = frames.as_slice() else {
        return Err(Fault::breach(format!("{named}: {}", json!(frames)), "one stream.error"));
    };
    equal("the frame of a refused socket", &frame["type"], "stream.error")?;
    equal("its code", &frame["problem"]["code"], code)?;
    target.observed().see_problem(&named, &frame["problem"]);
    equal("the close code", closed, close_code)
}

fn opened_stream(opened: Opened) -> Checked<EventStream> {
    match opened {
        Opened::Stream(stream) => Ok(stream),
        Opened::NothingFollows => Err(Fault::breach("204", "the events that follow")),
    }
}
