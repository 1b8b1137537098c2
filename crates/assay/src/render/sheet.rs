use std::fmt::Write as _;

use contracts::Job;
use contracts::job::{Attempt, AttemptOutcome, Step, StepState};

use super::{answer, duration, one_line, plain, problem, time};

/// A job on a sheet: what was asked, what happened to it, what came out.
pub(crate) fn sheet(job: &Job) -> String {
    let mut rows: Vec<(&str, String)> = vec![
        ("Job", job.id.to_string()),
        ("State", state(job)),
        ("Company", one_line(&job.company_name)),
        ("Question", one_line(&job.question)),
        ("Created", time(job.created_at)),
    ];
    rows.extend(job.started_at.map(|at| ("Started", time(at))));
    rows.extend(job.finished_at.map(|at| ("Ended", time(at))));
    if !job.state.is_terminal() {
        rows.push(("Deadline", time(job.deadline_at)));
    }
    rows.push(("Time", spent(job)));
    let attempts = format!("{} ({} of {} failures)", job.attempt, job.failures, job.max_attempts);
    rows.push(("Attempts", attempts));
    rows.extend(job.attempts.iter().map(|attempt| ("", said_of_attempt(attempt))));
    rows.extend(job.steps.first().map(|_| ("Steps", String::new())));
    rows.extend(job.steps.iter().map(|step| ("", said_of_step(step))));
    let labels = job.labels.iter().map(|(key, value)| one_line(&format!("{key}={value}")));
    rows.extend(labels.map(|label| ("Label", label)));
    rows.extend(job.retry_of.map(|id| ("Repeats", id.to_string())));
    rows.extend(job.model.iter().map(|model| ("Model", one_line(model))));
    rows.push(("Trace", plain(&job.trace_id)));
    rows.extend(job.expires_at.map(|at| ("Kept until", time(at))));

    let mut text = String::new();
    for (name, value) in rows {
        let row = format!("{name:<11}{value}");
        let _ = writeln!(text, "{}", row.trim_end());
    }
    if let Some(result) = &job.result {
        let _ = write!(text, "\n{}", answer(result));
    }
    if let Some(error) = &job.error {
        let _ = write!(text, "\n{}", problem(error));
        if error.retryable != Some(false) {
            let _ = write!(text, "\nTo repeat it: assay retry {}", job.id);
        }
    }
    text.trim_end().to_owned()
}

fn state(job: &Job) -> String {
    let mut text = job.state.to_string();
    if let Some(position) = job.queue_position {
        let _ = write!(text, ", about number {position} in the queue");
    }
    if let Some(at) = job.next_attempt_at {
        let _ = write!(text, ", next attempt {}", time(at));
    }
    text
}

fn spent(job: &Job) -> String {
    let timeline = job.timeline;
    let parts = [
        ("queued", timeline.queued_ms),
        ("running", timeline.running_ms),
        ("between attempts", timeline.backoff_ms),
    ];
    let parts = parts.into_iter().filter(|(name, ms)| *ms > 0 || *name == "queued");
    parts.map(|(name, ms)| format!("{} {name}", duration(ms))).collect::<Vec<_>>().join(", ")
}

fn said_of_attempt(attempt: &Attempt) -> String {
    let outcome = match attempt.outcome {
        Some(AttemptOutcome::Succeeded) => "succeeded",
        Some(AttemptOutcome::Failed) => "failed",
        Some(AttemptOutcome::Requeued) => "handed over",
        Some(AttemptOutcome::Ended) => "ended with the job",
        None => "running",
    };
    let mut text = format!("{}. {outcome}", attempt.attempt);
    if let Some(at) = attempt.finished_at {
        let _ = write!(text, " after {}", duration(at.millis_since(attempt.started_at)));
    }
    if let Some(error) = &attempt.error {
        let _ = write!(text, ": {} ({})", one_line(&error.detail), error.code);
    }
    text
}

fn said_of_step(step: &Step) -> String {
    let state = match step.state {
        StepState::Running => "running",
        StepState::Completed => "completed",
        StepState::Failed => "failed",
        StepState::Skipped => "skipped",
    };
    let took = step.finished_at.map(|at| duration(at.millis_since(step.started_at)));
    format!("{:<11} {state:<9} {:>8}", one_line(&step.step), took.unwrap_or_default())
}
