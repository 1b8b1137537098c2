//! Jobs, their attempts, and how many wait.

use std::sync::LazyLock;
use std::time::Duration;

use contracts::event::RequeueReason;
use contracts::job::AttemptOutcome;
use contracts::{Code, JobState};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram};

use super::instruments::{
    Named, OTHER, WAIT_S, WORK_S, code_word, counter, gauge, histogram, key, many,
};
use super::observed::{Observation, Sources};

/// The codes that an attempt may fail with, as far as is known.
const ATTEMPT_CODES: [Code; 11] = [
    Code::BudgetExceeded,
    Code::InsufficientEvidence,
    Code::Internal,
    Code::ModelOutputInvalid,
    Code::ModelRateLimited,
    Code::ModelRefused,
    Code::ModelTimeout,
    Code::ModelUnavailable,
    Code::SourceUnreachable,
    Code::ToolRejected,
    Code::ToolUnavailable,
];

struct Metrics {
    created: Counter<u64>,
    ended: Counter<u64>,
    duration: Histogram<f64>,
    start_latency: Histogram<f64>,
    attempts_started: Counter<u64>,
    attempts_ended: Counter<u64>,
    retries: Counter<u64>,
    given_back: Counter<u64>,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    created: counter(Named { name: "assay.jobs.created", unit: "{job}", says: "Jobs accepted." }),
    ended: counter(Named {
        name: "assay.jobs.ended",
        unit: "{job}",
        says: "Jobs that ended, by state and code.",
    }),
    duration: histogram(
        Named { name: "assay.job.duration", unit: "s", says: "From created to ended." },
        WORK_S,
    ),
    start_latency: histogram(
        Named { name: "assay.job.start.latency", unit: "s", says: "From due to begun." },
        WAIT_S,
    ),
    attempts_started: counter(Named {
        name: "assay.attempts.started",
        unit: "{attempt}",
        says: "Attempts begun.",
    }),
    attempts_ended: counter(Named {
        name: "assay.attempts.ended",
        unit: "{attempt}",
        says: "Attempts ended, by outcome and code.",
    }),
    retries: counter(Named {
        name: "assay.job.retries",
        unit: "{retry}",
        says: "Failures after which another attempt was planned, by code.",
    }),
    given_back: counter(Named {
        name: "assay.jobs.given_back",
        unit: "{job}",
        says: "Jobs that a worker gave up without a failure, by reason.",
    }),
});

/// How many jobs there are that have not ended.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Backlog {
    /// Jobs that wait for nothing but a worker.
    pub due: usize,
    /// Jobs that a worker holds.
    pub held: usize,
    /// Jobs that wait for their time.
    pub backing_off: usize,
    /// How long the oldest due job has been waiting; zero if there is none.
    pub oldest_due: Duration,
}

static BACKLOG: Sources<Option<Backlog>> = Sources::none();

/// A job was accepted.
pub fn created() {
    METRICS.created.add(1, &[]);
}

/// A job ended in this state, so long after it was created. `code` is its error's, if it has one.
pub fn ended(state: JobState, code: Option<&str>, after: Duration) {
    let state = key("state", state.as_str());
    METRICS.ended.add(1, &[code_of(code), state.clone()]);
    METRICS.duration.record(after.as_secs_f64(), &[state]);
}

/// A worker began an attempt at a job that had been due for so long; the job's first, or not.
pub fn started(is_first: bool, waited: Duration) {
    METRICS.attempts_started.add(1, &[]);
    let start = key("start", if is_first { "first" } else { "again" });
    METRICS.start_latency.record(waited.as_secs_f64(), &[start]);
}

/// An attempt ended; `code` is that of its own error.
pub fn attempt_ended(outcome: AttemptOutcome, code: Option<&str>) {
    METRICS.attempts_ended.add(1, &[code_of(code), key("outcome", outcome_word(outcome))]);
}

/// A failure with this code will be followed by another attempt.
pub fn retried(code: Option<&str>) {
    METRICS.retries.add(1, &[code_of(code)]);
}

/// A worker gave a job up without a failure; `None` for a reason that this release does not know.
pub fn given_back(reason: Option<RequeueReason>) {
    METRICS.given_back.add(1, &[key("reason", reason.map_or(OTHER, reason_word))]);
}

/// Shows the backlog that `read` knows of, while it knows of one.
pub fn observe_backlog(read: impl Fn() -> Option<Backlog> + Send + Sync + 'static) -> Observation {
    BACKLOG.add(read)
}

fn code_of(code: Option<&str>) -> KeyValue {
    key("code", code_word(code))
}

const fn outcome_word(outcome: AttemptOutcome) -> &'static str {
    match outcome {
        AttemptOutcome::Succeeded => "succeeded",
        AttemptOutcome::Failed => "failed",
        AttemptOutcome::Requeued => "requeued",
        AttemptOutcome::Ended => "ended",
    }
}

const fn reason_word(reason: RequeueReason) -> &'static str {
    match reason {
        RequeueReason::Drain => "drain",
        RequeueReason::LeaseLost => "lease_lost",
        RequeueReason::CircuitOpen => "circuit_open",
    }
}

pub(super) fn register() {
    let metrics = &*METRICS;
    metrics.created.add(0, &[]);
    metrics.attempts_started.add(0, &[]);
    for (state, code) in endings() {
        metrics.ended.add(0, &[code_of(code), key("state", state.as_str())]);
    }
    for outcome in [AttemptOutcome::Succeeded, AttemptOutcome::Requeued, AttemptOutcome::Ended] {
        let outcome = key("outcome", outcome_word(outcome));
        metrics.attempts_ended.add(0, &[code_of(None), outcome]);
    }
    for code in ATTEMPT_CODES.map(Code::as_str) {
        let outcome = key("outcome", outcome_word(AttemptOutcome::Failed));
        metrics.attempts_ended.add(0, &[code_of(Some(code)), outcome]);
        metrics.retries.add(0, &[code_of(Some(code))]);
    }
    for reason in [RequeueReason::Drain, RequeueReason::LeaseLost, RequeueReason::CircuitOpen] {
        metrics.given_back.add(0, &[key("reason", reason_word(reason))]);
    }
    show_backlog();
}

/// The ways in which a job may end, as far as is known.
fn endings() -> impl Iterator<Item = (JobState, Option<&'static str>)> {
    let failed = ATTEMPT_CODES.into_iter().chain([Code::AttemptsExhausted, Code::WorkerLost]);
    let with_code = [
        (JobState::TimedOut, Code::DeadlineExceeded),
        (JobState::Expired, Code::DeadlineExceeded),
        (JobState::Expired, Code::QueueTimeout),
        (JobState::Cancelled, Code::CancelledByClient),
    ];
    failed
        .map(|code| (JobState::Failed, code))
        .chain(with_code)
        .map(|(state, code)| (state, Some(code.as_str())))
        .chain([(JobState::Succeeded, None)])
}

fn show_backlog() {
    // A process looks at one store.
    let jobs = Named {
        name: "assay.jobs.backlog",
        unit: "{job}",
        says: "Jobs that have not ended, up to 100,000 of each state. The store's: take the max.",
    };
    gauge(jobs, |gauge| {
        if let Some(backlog) = BACKLOG.read().into_iter().flatten().next() {
            let Backlog { due, held, backing_off, oldest_due: _ } = backlog;
            for (state, jobs) in [("due", due), ("held", held), ("backing_off", backing_off)] {
                gauge.is(many(jobs), &[key("state", state)]);
            }
        }
    });
    let age = Named {
        name: "assay.jobs.oldest_due.age",
        unit: "s",
        says: "How long the oldest due job has been waiting. The store's: take the max.",
    };
    gauge(age, |gauge| {
        if let Some(backlog) = BACKLOG.read().into_iter().flatten().next() {
            gauge.is(backlog.oldest_due.as_secs_f64(), &[]);
        }
    });
}
