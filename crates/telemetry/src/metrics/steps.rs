//! Steps of the workflow, and calls of tools.

use std::sync::LazyLock;
use std::time::Duration;

use contracts::Code;
use opentelemetry::metrics::{Counter, Histogram};

use super::instruments::{Named, WORK_S, code_word, counter, histogram, key, known};

/// The steps that are measured by name.
pub const STEPS: [&str; 5] = ["plan", "retrieve", "tools", "synthesize", "verify"];
/// Parts of `tools`, without their numbers: there may be many of each.
const PARTS: [&str; 2] = ["tools/choice", "tools/call"];

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
    let attributes = [key("outcome", outcome), key("step", step_word(step))];
    METRICS.duration.record(after.as_secs_f64(), &attributes);
}

/// The name of a step or of a part, of those that this release knows.
fn step_word(step: &str) -> &'static str {
    let is_part = |part: &&&str| step.strip_prefix(**part).is_some_and(|n| n.starts_with('-'));
    match PARTS.iter().find(is_part) {
        Some(part) => part,
        None => known(step, &STEPS),
    }
}

/// A tool answered, or failed with this code.
pub fn tool_call_ended(failed_with: Option<&str>) {
    let outcome = if failed_with.is_none() { "completed" } else { "failed" };
    let code = key("code", code_word(failed_with));
    METRICS.tool_calls_ended.add(1, &[code, key("outcome", outcome)]);
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
