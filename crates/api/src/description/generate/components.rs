//! What the calls share: parameters, headers and refusals.

use actix_web::http::StatusCode;
use contracts::{Code, JobState, limits};
use serde_json::{Value, json};

use super::operation::{fixture, refusal};
use super::schemas;
use crate::headers::WAIT_S;

/// The largest whole number that every reader of JSON keeps exactly.
const INTEGER_MAX: u64 = (1 << 53) - 1;

/// The components of the document.
pub(super) fn all() -> Value {
    json!({
        "schemas": schemas::all(),
        "parameters": parameters(),
        "headers": headers(),
        "examples": examples(),
        "responses": {
            "Unauthorized": refusal(StatusCode::UNAUTHORIZED, &[Code::Unauthorized]),
            "Forbidden": refusal(StatusCode::FORBIDDEN, &[Code::Forbidden]),
            "QuotaExceeded": refusal(StatusCode::TOO_MANY_REQUESTS, &[Code::QuotaExceeded]),
            "Internal": refusal(StatusCode::INTERNAL_SERVER_ERROR, &[Code::Internal]),
            "Unavailable": refusal(
                StatusCode::SERVICE_UNAVAILABLE,
                &[Code::CapacityReduced, Code::OutcomeUnknown],
            ),
        },
        "securitySchemes": {
            "key": {
                "type": "http",
                "scheme": "bearer",
                "description": "An API key. It is needed once the server has one, or listens \
                                beyond its own machine.",
            },
        },
    })
}

/// The fixtures that calls are shown with.
fn examples() -> Value {
    const SHOWN: [&str; 14] = [
        "cancel_request",
        "event_page",
        "job_cancelled",
        "job_cancelling",
        "job_failed",
        "job_page",
        "job_queued",
        "job_running",
        "job_succeeded",
        "limits",
        "simple_result",
        "submission",
        "ticket",
        "ticket_request",
    ];
    let example = |name: &str| (name.to_owned(), json!({"value": fixture(name)}));
    Value::Object(SHOWN.into_iter().map(example).collect())
}

fn parameters() -> Value {
    let mut all = in_query();
    for more in [in_path(), in_headers()] {
        let more = more.as_object().cloned().unwrap_or_default();
        all.as_object_mut().expect("parameters have names").extend(more);
    }
    all
}

fn in_path() -> Value {
    let codes: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    json!({
        "JobId": {
            "name": "id", "in": "path", "required": true,
            "description": "The job's id. An unknown one and another tenant's give the same 404.",
            "schema": {"type": "string", "format": "uuid"},
        },
        "Code": {
            "name": "code", "in": "path", "required": true,
            "description": "The kind of problem.",
            "schema": {"type": "string", "enum": codes},
        },
    })
}

fn in_query() -> Value {
    let states: Vec<&str> = JobState::ALL.iter().map(|state| state.as_str()).collect();
    let version = json!({"type": "integer", "minimum": 0, "maximum": INTEGER_MAX});
    let page_size = json!({
        "type": "integer",
        "minimum": limits::PAGE_SIZE.start(),
        "maximum": limits::PAGE_SIZE.end(),
        "default": limits::PAGE_SIZE_DEFAULT,
    });
    let wait = json!({"type": "integer", "minimum": 0, "maximum": WAIT_S.end()});
    let time = json!({"type": "string", "format": "date-time"});
    let text = json!({"type": "string"});
    let query = |name: &str, description: &str, schema: &Value| json!({"name": name, "in": "query", "description": description, "schema": schema});
    let mut all = json!({
        "ValidateOnly": query(
            "validate_only", "Only check the request; store nothing.", &json!({"type": "boolean"}),
        ),
        "AfterVersion": query(
            "after_version", "With `wait`: the version that the job must have moved on from. \
             One ahead of the log is refused.", &version,
        ),
        "Wait": query("wait", "Seconds to wait for it; needs `after_version`.", &wait),
        "View": query("view", "How a succeeded job is shown.", &json!({"const": "simple"})),
        "State": query("state", "Only jobs in this state.", &json!({"enum": states})),
        "Company": query("company", "Only jobs about this company, as it was given.", &text),
        "CreatedAfter": query("created_after", "Only jobs created later.", &time),
        "CreatedBefore": query("created_before", "Only jobs created earlier.", &time),
        "KeyFilter": query("idempotency_key", "Only the job with this key.", &text),
        "PageSize": query("page_size", "Jobs in the page.", &page_size),
        "PageToken": query("page_token", "`next_page_token` of the page before.", &text),
        "After": query("after", "The version that the events follow on.", &version),
        "Ticket": query("ticket", "A ticket for the job, instead of an API key.", &text),
        "Limit": query("limit", "Events in the page; for JSON only.", &page_size),
    });
    all["Labels"] = json!({
        "name": "labels", "in": "query", "style": "form", "explode": true,
        "description": "Only jobs with these labels: `label.team=research`.",
        "schema": {
            "type": "object",
            "propertyNames": {"pattern": "^label\\..+$"},
            "additionalProperties": {"type": "string"},
        },
    });
    all
}

fn in_headers() -> Value {
    let key = json!({
        "type": "string",
        "minLength": limits::IDEMPOTENCY_KEY_CHARS.start(),
        "maxLength": limits::IDEMPOTENCY_KEY_CHARS.end(),
        "pattern": "^[\\x21-\\x7e]+$",
    });
    let header = |name: &str, description: &str, schema: Value| json!({"name": name, "in": "header", "description": description, "schema": schema});
    let text = || json!({"type": "string"});
    json!({
        "IdempotencyKey": header(
            "Idempotency-Key", "The same key and the same request give the same job. Kept until \
             30 days after the job is deleted.", key,
        ),
        "Prefer": header(
            "Prefer", "`wait=N`: seconds, 1 to 60, to hold the answer back until the job ends. \
             Other preferences are passed over.", text(),
        ),
        "IfNoneMatch": header("If-None-Match", "The `ETag` of a version that is known.", text()),
        "LastEventId": header(
            "Last-Event-ID", "For event streams: the version that was seen last. It wins over \
             `after`, and is passed over by pages of the log.", text(),
        ),
        "RequestId": header(
            "X-Request-Id", "1 to 128 visible ASCII characters that the answer repeats; else it \
             has an id of the server's.", text(),
        ),
        "Traceparent": header(
            "traceparent", "W3C Trace Context: the trace that the job and its problems belong to.",
            text(),
        ),
    })
}

fn headers() -> Value {
    let header =
        |description: &str, schema: Value| json!({"description": description, "schema": schema});
    let seconds = json!({"type": "integer", "minimum": 0});
    json!({
        "X-Request-Id": {
            "description": "The caller's id of the request if it was valid, else a new one.",
            "required": true,
            "schema": {"type": "string", "minLength": 1, "maxLength": 128},
        },
        "ETag": header(
            "The job's version, weak: what moves without an event is outside it.",
            json!({"type": "string", "pattern": "^W/\"[1-9][0-9]*\"$"}),
        ),
        "Retry-After": header("Seconds after which asking again makes sense.", seconds),
        "Location": header(
            "The job's address.",
            json!({"type": "string", "pattern": "^/v1/analysis/[0-9a-f-]{36}$"}),
        ),
        "Preference-Applied": header(
            "The wait that was kept to.",
            json!({"type": "string", "pattern": "^wait=[1-9][0-9]?$"}),
        ),
        "Idempotency-Replayed": header(
            "The job was there before: an earlier request with this key made it.",
            json!({"const": "true"}),
        ),
        "RateLimit": header("What is left of the quota.", json!({"type": "string"})),
        "RateLimit-Policy": header("The quota.", json!({"type": "string"})),
        "WWW-Authenticate": header("How to authenticate.", json!({"type": "string"})),
    })
}
