//! Steps of the workflow, and calls of tools.

use std::sync::LazyLock;
use std::time::Duration;

use contracts::Code;
use opentelemetry::metrics::{Counter, Histogram};

use super::instruments::{Named, OTHER, WORK_S, counter, histogram, key, known};

/// The steps that are measured by name.
pub const STEPS: [&str; 5] = ["plan", "retrieve", "tools", "synthesize", "verify"];

struct Metrics {
    duration: Histogram<f64>,
    tool_calls_ended: Counter<u64>,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| Metrics {
    duration: histogram(
        Named {
            name: "assay.step.duration",
            unit: "s",
            says: "How long a step took that was completed or failed.",
        },
        WORK_S,
    ),
    tool_calls_ended: counter(Named {
        name: "assay.tool_calls.ended",
        unit: "{call}",
        says: "Calls of tools that answered or failed.",
    }),
});

/// A step was completed after so long.
pub fn completed(step: &str, after: Duration) {
    ended(step, "completed", after);
}

/// A step failed its attempt after so long.
pub fn failed(step: &str, after: Duration) {
    ended(step, "failed", after);
}

fn ended(step: &str, outcome: &'static str, after: Duration) {
    let attributes = [key("outcome", outcome), key("step", known(step, &STEPS))];
    METRICS.duration.record(after.as_secs_f64(), &attributes);
}

/// A tool answered, or failed with this code.
pub fn tool_call_ended(failed_with: Option<&str>) {
    let code = failed_with.map_or("none", |code| {
        let known = Code::ALL.iter().map(|code| code.as_str()).find(|known| *known == code);
        known.unwrap_or(OTHER)
    });
    let outcome = if failed_with.is_none() { "completed" } else { "failed" };
    METRICS.tool_calls_ended.add(1, &[key("code", code), key("outcome", outcome)]);
}

pub(super) fn register() {
    let count = |outcome, code| {
        METRICS.tool_calls_ended.add(0, &[key("code", code), key("outcome", outcome)]);
    };
    count("completed", "none");
    for code in [Code::ToolRejected, Code::ToolUnavailable] {
        count("failed", code.as_str());
    }
}
