//! §2: reading one job.

use std::time::Duration;

use contracts::JobId;
use futures_util::future::try_join_all;
use serde_json::{Value, json};

use super::log::{check_sources, timeline};
use crate::check::{Check, check, scripted};
use crate::fault::{Checked, During as _, Fault, equal, holds};
use crate::jobs::{asking, in_state, path_of, plain};
use crate::target::{Answer, Target};

pub(super) const CHECKS: &[Check] = &[
    check("reading/etag", "the weak ETag is the version, and spares what is known", |target| {
        Box::pin(etag(target))
    }),
    check("reading/unknown", "what is no job is a 404 at every address of a job", |target| {
        Box::pin(unknown(target))
    }),
    check("reading/retry-after", "Retry-After is there until the job has ended", |target| {
        Box::pin(retry_after(target))
    }),
    check("reading/request-id", "a valid X-Request-Id is taken over, else one is made", |target| {
        Box::pin(request_id(target))
    }),
    check("reading/origins", "a page of a foreign origin may change and read nothing", |target| {
        Box::pin(origins(target))
    }),
    check("reading/limits", "the limits in force are published", |target| Box::pin(limits(target))),
    scripted(
        "reading/long-poll",
        "a long poll answers at once when behind, else it waits",
        |target| Box::pin(long_poll(target)),
    ),
    scripted(
        "reading/prefer-wait",
        "Prefer: wait=N waits for the end, at most so long",
        |target| Box::pin(prefer_wait(target)),
    ),
    scripted("reading/simple-view", "a succeeded job is shown as three fields", |target| {
        Box::pin(simple_view(target))
    }),
    scripted(
        "reading/queue-position",
        "a place in the queue counts from 1 to 1,000, and ends when the job runs",
        |target| Box::pin(queue_position(target)),
    ),
    scripted("reading/timeline", "the timeline adds up, backoff and all", |target| {
        Box::pin(backoff(target))
    }),
];

/// What an answer that is not held back may take, on a busy machine: far less than the waits of
/// half a minute that it is told apart from.
const AT_ONCE_MAX: Duration = Duration::from_secs(8);

async fn etag(target: &Target) -> Checked {
    let (job, ended) = target.run(&plain()).await?;
    let version = &ended["version"];
    let tag = format!("W/\"{version}\"");
    for server in 0..target.servers() {
        let shown = target.get(&job.path).on_server(server).send().await?.of_status(200)?;
        equal("ETag", shown.header("etag"), tag.as_str())?;
        let known =
            [tag.clone(), format!("\"{version}\""), "*".to_owned(), format!("\"x\", {tag}")];
        for known in known {
            let call = target.get(&job.path).on_server(server);
            let answer = call.header("if-none-match", known.clone()).send().await?;
            let answer = answer.of_status(304).during(format!("If-None-Match: {known}"))?;
            equal("the body of a 304", answer.body(), b"".as_slice())?;
            equal("the ETag of a 304", answer.header("etag"), tag.as_str())?;
        }
        let other = target.get(&job.path).on_server(server).header("if-none-match", "W/\"1\"");
        other.send().await?.of_status(200).during("an older ETag")?;
    }
    Ok(())
}

async fn unknown(target: &Target) -> Checked {
    for id in [JobId::new().to_string(), "not-an-id".to_owned(), "%00".to_owned()] {
        let path = path_of(&id);
        for path in [path.clone(), format!("{path}/events")] {
            target.get(&path).send().await?.problem(404, "not_found")?;
        }
        let stream = target.get(&format!("{path}/events")).header("accept", "text/event-stream");
        stream.send().await?.problem(404, "not_found").during("as an event stream")?;
        for call in ["cancel", "retry"] {
            target.post(&format!("{path}/{call}")).send().await?.problem(404, "not_found")?;
        }
    }
    // One spelling names a job.
    let job = target.submit(&plain()).await?;
    let simple = path_of(&job.id.replace('-', ""));
    target.get(&simple).send().await?.problem(404, "not_found").during("an id without hyphens")?;
    target.abandon(&job).await
}

async fn retry_after(target: &Target) -> Checked {
    let answer = target.submission(&plain()).send().await?.of_status(202)?;
    let seconds = answer.header("retry-after").parse::<u64>();
    holds(
        seconds.is_ok_and(|seconds| seconds >= 1),
        format!("Retry-After {:?} on a 202", answer.header("retry-after")),
        "seconds",
    )?;
    let job = crate::jobs::JobRef::of(answer.json()?)?;
    target.ended(&job).await?;
    let shown = target.get(&job.path).send().await?.of_status(200)?;
    holds(!shown.has_header("retry-after"), "Retry-After on an ended job", "none")
}

async fn request_id(target: &Target) -> Checked {
    let longest = "i".repeat(128);
    for (path, status) in [("/v1/limits", 200), ("/v1/nothing", 404)] {
        for valid in ["mine-42", longest.as_str()] {
            let answer = target.get(path).header("x-request-id", valid).send().await?;
            let answer = answer.of_status(status)?;
            equal("X-Request-Id", answer.header("x-request-id"), valid)?;
        }
        for invalid in ["", "a b", "ü", &"i".repeat(129)] {
            let answer = target.get(path).header("x-request-id", invalid).send().await?;
            let made = answer.header("x-request-id");
            let is_new = !made.is_empty() && made != invalid;
            holds(is_new, format!("X-Request-Id {made:?} for {invalid:?}"), "a new one")?;
        }
    }
    Ok(())
}

async fn origins(target: &Target) -> Checked {
    const FOREIGN: &str = "https://conformance.invalid";
    let posted = target.submission(&plain()).header("origin", FOREIGN).send().await?;
    let posted = posted.problem(403, "forbidden")?;
    let read = target.get("/v1/limits").header("origin", FOREIGN).send().await?;
    for answer in [&posted, &read] {
        let allowed = answer.header("access-control-allow-origin");
        equal(format!("{}: the origin that may read it", answer.call()), allowed, "")?;
    }
    let preflight = target.call(reqwest::Method::OPTIONS, crate::target::ANALYSIS);
    let preflight = preflight.header("origin", FOREIGN);
    let preflight = preflight.header("access-control-request-method", "POST").send().await?;
    equal("the preflight's allowed origin", preflight.header("access-control-allow-origin"), "")?;
    for origin in ["null", "not an origin"] {
        let answer = target.submission(&plain()).header("origin", origin).send().await?;
        answer.problem(403, "forbidden").during(format!("the origin {origin}"))?;
    }
    let call = target.submission(&plain());
    let own = call.url().origin().ascii_serialization();
    call.header("origin", own).send().await?.of_status(202).during("its own origin").map(drop)
}

async fn limits(target: &Target) -> Checked {
    let answer = target.get("/v1/limits").send().await?.of_status(200)?;
    for (name, value) in [
        ("company_name_chars_max", 200),
        ("question_chars_max", 4_000),
        ("timeout_s_min", 5),
        ("timeout_s_max", 3_600),
        ("timeout_s_default", 600),
        ("max_attempts_max", 10),
        ("max_attempts_default", 5),
        ("labels_max", 16),
        ("request_body_bytes_max", 65_536),
        ("document_bytes_max", 50_000_000),
        ("document_pages_max", 2_000),
        ("page_size_max", 1_000),
        ("events_per_job_max", 2_000),
        ("event_bytes_max", 16_384),
        ("stream_buffer_bytes_max", 65_536),
        ("retention_days", 30),
    ] {
        equal(name, &answer.json()?[name], value)?;
    }
    Ok(())
}

async fn long_poll(target: &Target) -> Checked {
    let job = target.submit(&asking("script: delay_ms=4000")).await?;
    // Both calls take their four seconds: from the first step of the second on nothing moves.
    let started = |job: &Value| job["steps"].as_array().is_some_and(|steps| !steps.is_empty());
    target.once(&job, started).await?;
    let poll = async |after: u64, wait: &str| {
        let path = format!("{}?after_version={after}&wait={wait}", job.path);
        target.get(&path).send().await?.of_status(200)
    };
    let behind = poll(0, "30").await?;
    took_at_most(&behind, AT_ONCE_MAX, "behind the job's version")?;
    let version = number(&behind, "version")?;
    let level = poll(version, "1").await?;
    if number(&level, "version")? == version {
        let waited = level.took() >= Duration::from_millis(900);
        holds(waited, format!("{level} after {:?}", level.took()), "the wait of a second")?;
    }
    let no_wait = poll(version, "0").await?;
    took_at_most(&no_wait, AT_ONCE_MAX, "wait=0")?;
    let moved = poll(number(&no_wait, "version")?, "30").await?;
    holds(number(&moved, "version")? > version, &moved, format!("a version after {version}"))?;
    took_at_most(&moved, Duration::from_secs(15), "woken by the job's next event")?;
    let ended = target.ended(&job).await?;
    let head = ended["version"].as_u64().unwrap_or_default();
    // A longer wait than there is is cut to the longest, not refused; nothing follows the end.
    took_at_most(&poll(head, "9999").await?, AT_ONCE_MAX, "level with an ended job")?;
    let ahead = format!("{}?after_version={}&wait=1", job.path, head + 1);
    target.get(&ahead).send().await?.problem(409, "cursor_ahead").map(drop)
}

async fn prefer_wait(target: &Target) -> Checked {
    let submit = async |question: &str, prefer: &str| {
        target.submission(&asking(question)).header("prefer", prefer.to_owned()).send().await
    };
    for (prefer, applied) in
        [("wait=20", "wait=20"), ("respond-async, wait=15", "wait=15"), ("wait=9999", "wait=60")]
    {
        let answer = submit("Quick", prefer).await?.of_status(200).during(prefer)?;
        equal("Preference-Applied", answer.header("preference-applied"), applied)?;
        let job = answer.json()?;
        in_state(job, "succeeded")?;
        equal(
            "Location",
            answer.header("location"),
            path_of(job["id"].as_str().unwrap_or_default()).as_str(),
        )?;
        let shown = target.get(answer.header("location")).send().await?.of_status(200)?;
        equal("the job that was answered", job, shown.json()?)?;
    }
    let slow = submit("script: delay_ms=5000", "wait=0").await?.of_status(202)?;
    equal("Preference-Applied", slow.header("preference-applied"), "wait=1")?;
    let waited = slow.took();
    holds(
        waited >= Duration::from_millis(900) && waited < AT_ONCE_MAX,
        format!("an answer after {waited:?}"),
        "an answer after the second that was waited",
    )?;
    target.abandon(&crate::jobs::JobRef::of(slow.json()?)?).await?;
    let none = submit("Quick", "wait=soon").await?.of_status(202)?;
    holds(!none.has_header("preference-applied"), "Preference-Applied for no preference", "none")
}

async fn simple_view(target: &Target) -> Checked {
    let (job, ended) = target.run(&asking("Simple")).await?;
    let path = format!("{}?view=simple", job.path);
    let simple = target.get(&path).send().await?.of_status(200)?;
    let fields = simple.json()?.as_object();
    let names: Vec<&str> = fields.into_iter().flat_map(|f| f.keys()).map(String::as_str).collect();
    equal("the fields", names, vec!["confidence", "sources", "summary"])?;
    let result = &ended["result"];
    equal("summary", &simple.json()?["summary"], &result["summary"])?;
    equal("confidence", &simple.json()?["confidence"], &result["confidence"]["value"])?;
    let sources = simple.json()?["sources"].as_array().cloned().unwrap_or_default();
    equal(
        "the number of sources",
        Some(sources.len()),
        result["sources"].as_array().map(Vec::len),
    )?;
    holds(sources.iter().all(Value::is_string), &simple, "sources in words")?;
    check_sources(result, &target.log(&job).await?)?;
    let (failed, _) = target.run(&asking("script: fail=permanent step=retrieve")).await?;
    let path = format!("{}?view=simple", failed.path);
    let shown = target.get(&path).send().await?.of_status(200)?;
    equal("the id of another job", &shown.json()?["id"], failed.id.as_str())
}

async fn queue_position(target: &Target) -> Checked {
    let jobs = (0..4).map(|_| async { target.submit(&asking("script: delay_ms=500")).await });
    let jobs = try_join_all(jobs).await?;
    for job in jobs.iter().chain(&jobs) {
        position_fits(&target.show(job).await?)?;
    }
    for job in &jobs {
        let begun = target.once(job, |job| job["attempt"] != 0).await?;
        position_fits(&begun)?;
        position_fits(&target.ended(job).await?)?;
    }
    Ok(())
}

/// A server need not know a position, but a job that does not wait has none.
fn position_fits(job: &Value) -> Checked {
    let position = &job["queue_position"];
    let waits = job["state"] == "queued" || job["state"] == "retrying";
    let is_place = position.as_u64().is_some_and(|position| (1..=1_000).contains(&position));
    holds(
        position.is_null() || (waits && is_place),
        format!("queue_position {position} while {}", job["state"]),
        "a number from 1 to 1,000 while it waits, else none",
    )
}

async fn backoff(target: &Target) -> Checked {
    let (_, job) = target.run(&asking("script: delay_ms=100 fail=transient*1")).await?;
    in_state(&job, "succeeded")?;
    timeline(&job)?;
    let read = |part: &str| job["timeline"][part].as_u64().unwrap_or_default();
    holds(read("running_ms") >= 200, &job["timeline"], "200 ms of running at the least")?;
    equal("failures", &job["failures"], 1)?;
    equal("attempt", &job["attempt"], 2)?;
    let outcomes: Vec<&Value> =
        job["attempts"].as_array().into_iter().flatten().map(|a| &a["outcome"]).collect();
    equal("the attempts' outcomes", outcomes, vec![&json!("failed"), &json!("succeeded")])
}

fn took_at_most(answer: &Answer, limit: Duration, place: &str) -> Checked {
    let took = answer.took();
    holds(took <= limit, format!("{place}: an answer after {took:?}"), "an answer at once")
}

fn number(answer: &Answer, name: &str) -> Checked<u64> {
    let number = answer.json()?[name].as_u64();
    number.ok_or_else(|| Fault::breach(answer.to_string(), format!("the number {name}")))
}
