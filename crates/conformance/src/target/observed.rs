//! What holds of every answer, whichever check asked for it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::Answer;
use crate::fault::{Breach, Checked, Fault, equal, holds};

/// Breaches that are kept; one is enough to fail.
const BREACHES_MAX: usize = 8;
/// What only the inside of a server says.
const INTERNAL: [&str; 12] = [
    "panicked at",
    "stack backtrace",
    ".rs:",
    "crates/",
    "tokio-runtime",
    "rusqlite",
    "sqlstate",
    "postgres",
    "rabbitmq",
    "amqp",
    "select * from",
    "/home/",
];
/// The parts of a system that notice a problem.
const ORIGINS: [&str; 7] = ["client", "gateway", "queue", "worker", "tool", "model", "source"];

/// What was seen so far.
#[derive(Default)]
pub(crate) struct Observations {
    registry: BTreeMap<String, Value>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    answers: usize,
    problems: usize,
    of_problems: Vec<Breach>,
    of_answers: Vec<Breach>,
}

impl Observations {
    /// Learns the registry of errors.
    pub(super) fn know(&mut self, published: &Value) {
        let entries = published["problems"].as_array().into_iter().flatten();
        let by_code = entries.filter_map(|entry| Some((entry["code"].as_str()?, entry)));
        self.registry = by_code.map(|(code, entry)| (code.to_owned(), entry.clone())).collect();
    }

    /// The entry of a code.
    pub(crate) fn entry(&self, code: &str) -> Option<&Value> {
        self.registry.get(code)
    }

    /// Holds an answer to the rules.
    pub(super) fn see(&self, answer: &Answer) {
        let of_answer = self.rules_of_answers(answer);
        let is_problem = answer.status() >= 400;
        let of_problem = if is_problem { self.rules_of_refusals(answer) } else { Ok(()) };
        let mut seen = self.seen();
        seen.answers += 1;
        seen.problems += usize::from(is_problem);
        note(&mut seen.of_answers, of_answer);
        note(&mut seen.of_problems, of_problem);
    }

    /// Holds a problem that is no answer to the rules: a job's error, or a stream's.
    pub(crate) fn see_problem(&self, place: &str, problem: &Value) {
        let checked = self.rules_of_problems(problem).map_err(|fault| fault.during(place));
        let mut seen = self.seen();
        seen.problems += 1;
        note(&mut seen.of_problems, checked);
    }

    /// What was wrong with problems; `NotApplicable` if none was seen.
    pub(crate) fn problems(&self) -> Checked {
        let seen = self.seen();
        verdict(seen.problems, &seen.of_problems)
    }

    /// What was wrong with answers.
    pub(crate) fn answers(&self) -> Checked {
        let seen = self.seen();
        verdict(seen.answers, &seen.of_answers)
    }

    fn rules_of_answers(&self, answer: &Answer) -> Checked {
        let id = answer.header("x-request-id");
        holds(
            !id.is_empty(),
            format!("{}: no X-Request-Id", answer.call()),
            "one in every answer",
        )?;
        let is_json =
            ["application/json", "application/problem+json"].contains(&answer.media_type());
        holds(
            answer.body().is_empty() || !is_json || answer.json().is_ok(),
            format!("{answer} as {}", answer.media_type()),
            "JSON where the media type says so",
        )
    }

    fn rules_of_refusals(&self, answer: &Answer) -> Checked {
        let call = answer.call();
        let status = answer.status();
        // Health checks name the failing check instead.
        if call.ends_with("z") {
            return Ok(());
        }
        equal(
            format!("{call}: the media type of {status}"),
            answer.media_type(),
            "application/problem+json",
        )?;
        let problem = answer.json()?;
        self.rules_of_problems(problem).map_err(|fault| fault.during(answer))?;
        equal(format!("{call}: the problem's status"), &problem["status"], status)?;
        if let Some(entry) = problem["code"].as_str().and_then(|code| self.entry(code)) {
            let published = entry["status"].as_u64().unwrap_or_default();
            // An invalid request is told by the status that fits best: 400, 405 or 422.
            let is_so = u64::from(status) == published
                || (problem["code"] == "invalid_request" && [400, 405, 406, 422].contains(&status));
            holds(is_so, answer, format!("status {published}, as published for this code"))?;
        }
        if [429, 503].contains(&status) {
            let seconds = answer.header("retry-after").parse::<u64>();
            holds(seconds.is_ok(), format!("{call}: {status} without Retry-After"), "Retry-After")?;
        }
        Ok(())
    }

    fn rules_of_problems(&self, problem: &Value) -> Checked {
        let code = problem["code"].as_str().unwrap_or_default();
        let entry = self.entry(code).ok_or_else(|| {
            Fault::breach(format!("the code {code:?}"), "a code of the published registry")
        })?;
        equal("the problem's type", &problem["type"], &entry["type"])?;
        equal("the problem's title", &problem["title"], &entry["title"])?;
        let retryable = problem.get("retryable");
        holds(
            retryable.is_some_and(|value| value.is_null() || value.is_boolean()),
            format!("{code}: retryable is {retryable:?}"),
            "true, false or null",
        )?;
        // Whoever saw this occurrence may know that it will repeat; nothing else may differ.
        let is_so = problem["retryable"] == entry["retryable"]
            || (problem["retryable"] == false && entry["retryable"] == true);
        let seen = format!("retryable of {code} is {}", problem["retryable"]);
        holds(is_so, seen, format!("{}, as published, or false", entry["retryable"]))?;
        let detail = problem["detail"].as_str().unwrap_or_default();
        holds(!detail.is_empty(), format!("{code}: no detail"), "a detail for people")?;
        let origin = problem["origin"].as_str().unwrap_or_default();
        holds(
            ORIGINS.contains(&origin),
            format!("{code}: origin {origin:?}"),
            "one of the contract's origins",
        )?;
        let trace_id = problem["trace_id"].as_str().unwrap_or_default();
        let is_hex = trace_id.len() == 32 && trace_id.bytes().all(|byte| byte.is_ascii_hexdigit());
        holds(is_hex, format!("{code}: trace_id {trace_id:?}"), "32 hexadecimal digits")?;
        let text = problem["detail"].to_string().to_ascii_lowercase();
        match INTERNAL.iter().find(|word| text.contains(**word)) {
            None => Ok(()),
            Some(word) => Err(Fault::breach(
                format!("{code}: the detail {detail:?} says {word:?}"),
                "internal text never reaches a body",
            )),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn note(breaches: &mut Vec<Breach>, checked: Checked) {
    if let Err(Fault::Breach(breach)) = checked
        && breaches.len() < BREACHES_MAX
    {
        breaches.push(breach);
    }
}

fn verdict(seen: usize, breaches: &[Breach]) -> Checked {
    match (seen, breaches.first()) {
        (0, _) => Err(Fault::NotApplicable("nothing was seen in this run".to_owned())),
        (_, None) => Ok(()),
        (_, Some(breach)) => Err(Fault::Breach(breach.clone())),
    }
}
