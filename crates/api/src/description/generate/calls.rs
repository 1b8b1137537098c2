//! What can be asked of the gateway.

use actix_web::http::StatusCode;
use contracts::Code;
use serde_json::{Value, json};

use super::operation::{Content, Operation};
use super::schemas::reference;

const JOB_ENDED: &[&str] = &["job_succeeded", "job_failed"];
const JOB_OPEN: &[&str] = &["job_queued", "job_running"];

/// Every call that is described. The document has those that are routed.
pub(super) fn all() -> Vec<Operation> {
    let mut calls = vec![submit(), list(), read(), events(), cancel(), retry(), delete()];
    calls.extend([tickets(), ticket(), stream(), limits(), problems(), problem()]);
    calls.extend(documents());
    calls.extend(health());
    calls
}

fn submit() -> Operation {
    Operation::v1("post", "/v1/analysis", "submitAnalysis", "Ask a question")
        .tag("analysis")
        .describe(
            "A 2xx is sent only after the job is committed, and every job that was accepted ends \
             in exactly one terminal state. The answer is the job, whether or not it ended within \
             the preferred wait. The same `Idempotency-Key` with the same request gives the same \
             job. A model that this server does not have is refused, and so is a \
             webhook by a server that sends none.",
        )
        .takes(&["IdempotencyKey", "Prefer", "ValidateOnly"])
        .needs(Content::json("Submission", &["submission"]))
        .answers(202, "The job is durable.", ACCEPTED, [Content::json("Job", JOB_OPEN)])
        .answers(
            200,
            "The job has ended: within the wait, or before this repetition. With \
             `validate_only` the request is valid, and nothing was stored.",
            ENDED,
            [Content::json("Job", JOB_ENDED).or_of(valid())],
        )
        .refuses(&[Code::InvalidRequest, Code::Gone, Code::IdempotencyKeyReused])
}

/// The headers of an accepted job.
const ACCEPTED: &[&str] =
    &["Location", "Retry-After", "Preference-Applied", "Idempotency-Replayed"];
const ENDED: &[&str] = &["Location", "Preference-Applied", "Idempotency-Replayed"];

/// What a valid request is told that was only to be checked.
fn valid() -> Value {
    json!({
        "type": "object",
        "properties": {"valid": {"const": true}},
        "required": ["valid"],
    })
}

fn list() -> Operation {
    Operation::v1("get", "/v1/analysis", "listAnalyses", "List jobs, newest first")
        .tag("analysis")
        .describe(
            "Ordered by creation and id, descending. A `page_token` is good for the filters it \
             was given for.",
        )
        .takes(&["State", "Company", "Labels", "CreatedAfter", "CreatedBefore"])
        .takes(&["KeyFilter", "PageSize", "PageToken"])
        .answers(200, "One page.", &[], [Content::json("JobPage", &["job_page"])])
        .refuses(&[Code::InvalidRequest])
}

fn read() -> Operation {
    Operation::v1("get", "/v1/analysis/{id}", "getAnalysis", "Read a job")
        .tag("analysis")
        .describe(
            "With `after_version` and `wait` the answer is held back until the job has moved on. \
             With an upgrade to WebSocket it is the job's stream: see /asyncapi.json.",
        )
        .takes(&["JobId", "IfNoneMatch", "AfterVersion", "Wait", "View", "Ticket"])
        .answers(
            200,
            "The job; with `view=simple` a succeeded one in its simplest form.",
            &["ETag", "Retry-After"],
            [Content::json("Job", &["job_running", "job_succeeded"])
                .or("SimpleResult", "simple_result")],
        )
        .answers(304, "The job has still the version that is known.", &["ETag", "Retry-After"], [])
        .answers(101, SOCKET, &[], [])
        .refuses(&[Code::InvalidRequest, Code::NotFound, Code::CursorAhead, Code::Gone])
}

const SOCKET: &str = "The connection is a WebSocket now; refusals are told on it.";

fn events() -> Operation {
    Operation::v1("get", "/v1/analysis/{id}/events", "listEvents", "Read or follow a job's log")
        .tag("streams")
        .describe(
            "As JSON a page of the log; with `Accept: text/event-stream` an event stream, whose \
             `id:` is the version; with an upgrade a WebSocket. Streams go on until the job ends, \
             and can be resumed after any event: see /asyncapi.json.",
        )
        .takes(&["JobId", "After", "Limit", "LastEventId", "Ticket"])
        .answers(
            200,
            "The events after the cursor.",
            &[],
            [
                Content::json("EventPage", &["event_page"]),
                Content::text(
                    "text/event-stream",
                    "Server-sent events: `retry:`, then for each event `id:`, its version, and \
                     `data:`, the event as JSON. Control frames have no `id:`.",
                ),
            ],
        )
        .answers(204, "The log has ended, and the cursor is at its end: do not return.", &[], [])
        .answers(101, SOCKET, &[], [])
        .refuses(&[Code::InvalidRequest, Code::NotFound, Code::CursorAhead, Code::Gone])
}

fn cancel() -> Operation {
    Operation::v1("post", "/v1/analysis/{id}/cancel", "cancelAnalysis", "Cancel a job")
        .tag("analysis")
        .takes(&["JobId"])
        .may_have(Content::json("CancelRequest", &["cancel_request"]))
        .answers(
            200,
            "The job is cancelled, now or before.",
            &[],
            [Content::json("Job", &["job_cancelled"])],
        )
        .answers(
            202,
            "The job is being stopped, and can only become `cancelled`.",
            &["Retry-After"],
            [Content::json("Job", &["job_cancelling"])],
        )
        .refuses(&[Code::InvalidRequest, Code::NotFound, Code::JobAlreadyTerminal, Code::Gone])
        .shows_the_job(StatusCode::CONFLICT)
}

fn retry() -> Operation {
    Operation::v1("post", "/v1/analysis/{id}/retry", "retryAnalysis", "Ask an ended job again")
        .tag("analysis")
        .describe("A new job with `retry_of`. Finished steps are taken over where they still hold.")
        .takes(&["JobId", "IdempotencyKey", "Prefer"])
        .may_have(nothing())
        .answers(202, "The new job is durable.", ACCEPTED, [Content::json("Job", JOB_OPEN)])
        .answers(200, "The new job has ended.", ENDED, [Content::json("Job", JOB_ENDED)])
        .refuses(&[Code::InvalidRequest, Code::NotFound, Code::JobNotTerminal])
        .refuses(&[Code::Gone, Code::IdempotencyKeyReused])
        .shows_the_job(StatusCode::CONFLICT)
}

/// An empty object, for clients that always send one.
fn nothing() -> Content {
    Content::of(json!({"type": "object", "additionalProperties": false}))
}

fn delete() -> Operation {
    Operation::v1("delete", "/v1/analysis/{id}", "deleteAnalysis", "Delete an ended job")
        .tag("analysis")
        .describe("Afterwards the job is gone: 410 to its tenant for 30 days, then 404.")
        .takes(&["JobId"])
        .answers(204, "The job is deleted.", &[], [])
        .refuses(&[Code::InvalidRequest, Code::NotFound, Code::JobNotTerminal, Code::Gone])
        .shows_the_job(StatusCode::CONFLICT)
}

fn tickets() -> Operation {
    Operation::v1("post", "/v1/analysis/{id}/tickets", "createTicket", "Get a ticket for a stream")
        .tag("streams")
        .describe(TICKET)
        .takes(&["JobId"])
        .may_have(nothing())
        .answers(201, "The ticket.", &[], [Content::json("Ticket", &["ticket"])])
        .refuses(&[Code::InvalidRequest, Code::NotFound, Code::Gone])
}

fn ticket() -> Operation {
    Operation::v1("post", "/v1/tickets", "createTickets", "Get one ticket for many streams")
        .tag("streams")
        .describe(TICKET)
        .needs(Content::json("TicketRequest", &["ticket_request"]))
        .answers(201, "The ticket.", &[], [Content::json("Ticket", &["ticket"])])
        .refuses(&[Code::InvalidRequest, Code::NotFound, Code::Gone])
}

const TICKET: &str = "For browsers, which cannot send an API key with a stream: signed, good for \
     reading these jobs' streams, as `?ticket=` or as a WebSocket subprotocol.";

fn stream() -> Operation {
    Operation::v1("get", "/v1/stream", "followMany", "Follow many jobs on one WebSocket")
        .tag("streams")
        .describe("See /asyncapi.json.")
        .takes(&["Ticket"])
        .answers(101, SOCKET, &[], [])
        .refuses(&[Code::InvalidRequest])
}

fn limits() -> Operation {
    Operation::v1("get", "/v1/limits", "getLimits", "Read the limits in force")
        .tag("server")
        .answers(200, "The limits.", &[], [Content::json("Limits", &["limits"])])
        .refuses(&[Code::InvalidRequest])
}

fn problems() -> Operation {
    let page = json!({
        "type": "object",
        "properties": {"problems": {"type": "array", "items": reference("ProblemKind")}},
        "required": ["problems"],
    });
    Operation::v1("get", "/v1/problems", "listProblems", "Read the registry of errors")
        .tag("server")
        .answers(200, "Every kind of problem.", &[], [Content::of(page)])
        .refuses(&[Code::InvalidRequest])
}

fn problem() -> Operation {
    Operation::v1("get", "/v1/problems/{code}", "getProblem", "Read about one kind of problem")
        .tag("server")
        .takes(&["Code"])
        .answers(200, "The kind.", &[], [Content::json("ProblemKind", &[])])
        .refuses(&[Code::InvalidRequest, Code::NotFound])
}

fn documents() -> [Operation; 3] {
    let open = |path, id: &str, summary: &str| Operation::open("get", path, id, summary);
    let json = || Content::of(json!({"type": "object"}));
    [
        open("/openapi.json", "getOpenapi", "The calls, as OpenAPI").tag("server").answers(
            200,
            "This document.",
            &[],
            [json()],
        ),
        open("/asyncapi.json", "getAsyncapi", "The streams, as AsyncAPI").tag("server").answers(
            200,
            "The document.",
            &[],
            [json()],
        ),
        open("/docs", "getDocs", "A page to read").tag("server").answers(
            200,
            "The page. It runs no script and fetches nothing.",
            &[],
            [Content::text("text/html", "HTML, in UTF-8.")],
        ),
    ]
    .map(|document| document.refuses(&[Code::InvalidRequest]))
}

fn health() -> [Operation; 2] {
    let word = |status: &str| {
        Content::of(json!({
            "type": "object",
            "properties": {"status": {"const": status}, "failing": {"type": "string"}},
            "required": ["status"],
        }))
    };
    let alive = Operation::open("get", "/healthz", "getHealthz", "Whether the process lives")
        .answers(200, "It lives.", &[], [word("ok")]);
    let ready = Operation::open("get", "/readyz", "getReadyz", "Whether it takes requests")
        .answers(200, "It is ready.", &[], [word("ready")])
        .answers(
            503,
            "It is starting or draining, or the check that is named fails.",
            &["Retry-After"],
            [word("not_ready")],
        );
    [alive.tag("server"), ready.tag("server")]
}
