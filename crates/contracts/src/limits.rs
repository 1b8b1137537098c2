//! The limits in force on what a client sends and receives. Published at `/v1/limits`.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// Unicode scalar values in a company's name, after trimming.
pub const COMPANY_NAME_CHARS: RangeInclusive<usize> = 1..=200;
/// Unicode scalar values in a question, after trimming.
pub const QUESTION_CHARS: RangeInclusive<usize> = 1..=4_000;
/// Seconds a job may take from its creation.
pub const TIMEOUT_S: RangeInclusive<u32> = 5..=3_600;
/// Seconds a job may take from its creation, unless the request says otherwise.
pub const TIMEOUT_S_DEFAULT: u32 = 600;
/// Seconds a job may wait for its first start.
pub const QUEUE_TIMEOUT_S: RangeInclusive<u32> = 1..=3_600;
/// Failed attempts after which a job is given up.
pub const MAX_ATTEMPTS: RangeInclusive<u32> = 1..=10;
/// Failed attempts after which a job is given up, unless the request says otherwise.
pub const MAX_ATTEMPTS_DEFAULT: u32 = 5;
/// Priorities; a higher one starts earlier among its tenant's jobs.
pub const PRIORITY: RangeInclusive<u32> = 0..=9;
/// The priority of a job, unless the request says otherwise.
pub const PRIORITY_DEFAULT: u32 = 5;
/// Labels on a job.
pub const LABELS_MAX: usize = 16;
/// Unicode scalar values in a label's key.
pub const LABEL_KEY_CHARS: RangeInclusive<usize> = 1..=63;
/// Unicode scalar values in a label's value.
pub const LABEL_VALUE_CHARS: RangeInclusive<usize> = 0..=256;
/// Documents that a request may restrict its job to.
pub const DOCUMENT_IDS_MAX: usize = 100;
/// Unicode scalar values in a model's name.
pub const MODEL_CHARS: RangeInclusive<usize> = 1..=100;
/// Unicode scalar values in a webhook's address.
pub const WEBHOOK_URL_CHARS: RangeInclusive<usize> = 1..=2_000;
/// Event types that a webhook may name.
pub const WEBHOOK_EVENTS_MAX: usize = 32;
/// Tokens that a job may be given.
pub const BUDGET_TOKENS: RangeInclusive<u32> = 1..=100_000_000;
/// Calls of models and tools that a job may be given.
pub const BUDGET_CALLS: RangeInclusive<u32> = 1..=1_000;
/// Unicode scalar values in the reason of a cancellation.
pub const CANCEL_REASON_CHARS: RangeInclusive<usize> = 0..=500;
/// Visible ASCII characters in an idempotency key.
pub const IDEMPOTENCY_KEY_CHARS: RangeInclusive<usize> = 1..=255;
/// Bytes in a request's body.
pub const REQUEST_BODY_BYTES_MAX: usize = 64 * 1024;
/// Bytes in a document.
pub const DOCUMENT_BYTES_MAX: usize = 50 * 1000 * 1000;
/// Pages in a document.
pub const DOCUMENT_PAGES_MAX: usize = 2_000;
/// Items in one page of a list.
pub const PAGE_SIZE: RangeInclusive<u32> = 1..=1_000;
/// Items in one page of a list, unless the request says otherwise.
pub const PAGE_SIZE_DEFAULT: u32 = 100;
/// Events in one job's log, its terminal event included.
pub const EVENTS_PER_JOB_MAX: u64 = 2_000;
/// Bytes in one event's envelope.
pub const EVENT_BYTES_MAX: usize = 16 * 1024;
/// Bytes of JSON that the question takes in `job.created`: all of it, save for a long one of rare
/// characters. The rest of the envelope needs at most 3 KiB, 200 escaped characters of a company's
/// name included.
pub const EVENT_QUESTION_BYTES_MAX: usize = EVENT_BYTES_MAX - 3 * 1024;
/// Unicode scalar values in a problem's detail; a longer one is cut. Two of them, a problem's and
/// its cause's, fit into an event however they are escaped.
pub const PROBLEM_DETAIL_CHARS_MAX: usize = 1_000;
/// Bytes that a gateway holds for one slow reader before it reads on from the log.
pub const STREAM_BUFFER_BYTES_MAX: usize = 64 * 1024;
/// Jobs that one ticket can be good for.
pub const TICKET_JOBS_MAX: usize = 100;
/// Seconds that a ticket outlives its job's deadline, or its issue if the job had ended.
pub const TICKET_GRACE_S: u32 = 300;
/// Jobs that one socket can follow at the same time.
pub const SUBSCRIPTIONS_PER_SOCKET_MAX: usize = 100;
/// The last position in a queue that is told: a job further behind has none.
pub const QUEUE_POSITION_MAX: u32 = 1_000;
/// Days that an ended job is kept.
pub const RETENTION_DAYS: u32 = 30;

/// The answer of `GET /v1/limits`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Limits {
    /// Characters (Unicode scalar values) in a company's name. See [`COMPANY_NAME_CHARS`].
    pub company_name_chars_max: usize,
    /// Characters (Unicode scalar values) in a question. See [`QUESTION_CHARS`].
    pub question_chars_max: usize,
    /// The least seconds that a job may be given. See [`TIMEOUT_S`].
    pub timeout_s_min: u32,
    /// The most seconds that a job may be given. See [`TIMEOUT_S`].
    pub timeout_s_max: u32,
    /// Seconds that a job is given, unless the request says otherwise. See [`TIMEOUT_S_DEFAULT`].
    pub timeout_s_default: u32,
    /// The least seconds that a job may be given for its first start. See [`QUEUE_TIMEOUT_S`].
    pub queue_timeout_s_min: u32,
    /// The most seconds that a job may be given for its first start. See [`QUEUE_TIMEOUT_S`].
    pub queue_timeout_s_max: u32,
    /// The most failed attempts that a request may allow. See [`MAX_ATTEMPTS`].
    pub max_attempts_max: u32,
    /// Failed attempts after which a job is given up, unless the request says otherwise. See
    /// [`MAX_ATTEMPTS_DEFAULT`].
    pub max_attempts_default: u32,
    /// The lowest priority. See [`PRIORITY`].
    pub priority_min: u32,
    /// The highest priority. See [`PRIORITY`].
    pub priority_max: u32,
    /// The priority of a job, unless the request says otherwise. See [`PRIORITY_DEFAULT`].
    pub priority_default: u32,
    /// Labels on a job. See [`LABELS_MAX`].
    pub labels_max: usize,
    /// Characters (Unicode scalar values) in a label's key. See [`LABEL_KEY_CHARS`].
    pub label_key_chars_max: usize,
    /// Characters (Unicode scalar values) in a label's value. See [`LABEL_VALUE_CHARS`].
    pub label_value_chars_max: usize,
    /// Documents that a request may restrict its job to. See [`DOCUMENT_IDS_MAX`].
    pub document_ids_max: usize,
    /// The most tokens that a budget may allow. See [`BUDGET_TOKENS`].
    pub budget_tokens_max: u32,
    /// The most calls of models and tools that a budget may allow. See [`BUDGET_CALLS`].
    pub budget_calls_max: u32,
    /// Characters (Unicode scalar values) in a cancel's reason. See [`CANCEL_REASON_CHARS`].
    pub cancel_reason_chars_max: usize,
    /// Bytes in a request's body. See [`REQUEST_BODY_BYTES_MAX`].
    pub request_body_bytes_max: usize,
    /// Bytes in a document. See [`DOCUMENT_BYTES_MAX`].
    pub document_bytes_max: usize,
    /// Pages in a document. See [`DOCUMENT_PAGES_MAX`].
    pub document_pages_max: usize,
    /// Items in one page of a list. See [`PAGE_SIZE`].
    pub page_size_max: u32,
    /// Events in one job's log. See [`EVENTS_PER_JOB_MAX`].
    pub events_per_job_max: u64,
    /// Bytes in one event. See [`EVENT_BYTES_MAX`].
    pub event_bytes_max: usize,
    /// Bytes that are held for one slow reader of a stream. See [`STREAM_BUFFER_BYTES_MAX`].
    pub stream_buffer_bytes_max: usize,
    /// Jobs that one ticket can be good for. See [`TICKET_JOBS_MAX`].
    pub ticket_jobs_max: usize,
    /// Seconds that a ticket outlives its job's deadline, or its issue if the job had ended. See
    /// [`TICKET_GRACE_S`].
    pub ticket_grace_s: u32,
    /// Jobs that one socket can follow at the same time. See [`SUBSCRIPTIONS_PER_SOCKET_MAX`].
    pub subscriptions_per_socket_max: usize,
    /// Days that an ended job is kept. See [`RETENTION_DAYS`].
    pub retention_days: u32,
}

impl Limits {
    /// The limits of this release.
    pub const IN_FORCE: Self = Self {
        company_name_chars_max: *COMPANY_NAME_CHARS.end(),
        question_chars_max: *QUESTION_CHARS.end(),
        timeout_s_min: *TIMEOUT_S.start(),
        timeout_s_max: *TIMEOUT_S.end(),
        timeout_s_default: TIMEOUT_S_DEFAULT,
        queue_timeout_s_min: *QUEUE_TIMEOUT_S.start(),
        queue_timeout_s_max: *QUEUE_TIMEOUT_S.end(),
        max_attempts_max: *MAX_ATTEMPTS.end(),
        max_attempts_default: MAX_ATTEMPTS_DEFAULT,
        priority_min: *PRIORITY.start(),
        priority_max: *PRIORITY.end(),
        priority_default: PRIORITY_DEFAULT,
        labels_max: LABELS_MAX,
        label_key_chars_max: *LABEL_KEY_CHARS.end(),
        label_value_chars_max: *LABEL_VALUE_CHARS.end(),
        document_ids_max: DOCUMENT_IDS_MAX,
        budget_tokens_max: *BUDGET_TOKENS.end(),
        budget_calls_max: *BUDGET_CALLS.end(),
        cancel_reason_chars_max: *CANCEL_REASON_CHARS.end(),
        request_body_bytes_max: REQUEST_BODY_BYTES_MAX,
        document_bytes_max: DOCUMENT_BYTES_MAX,
        document_pages_max: DOCUMENT_PAGES_MAX,
        page_size_max: *PAGE_SIZE.end(),
        events_per_job_max: EVENTS_PER_JOB_MAX,
        event_bytes_max: EVENT_BYTES_MAX,
        stream_buffer_bytes_max: STREAM_BUFFER_BYTES_MAX,
        ticket_jobs_max: TICKET_JOBS_MAX,
        ticket_grace_s: TICKET_GRACE_S,
        subscriptions_per_socket_max: SUBSCRIPTIONS_PER_SOCKET_MAX,
        retention_days: RETENTION_DAYS,
    };
}
