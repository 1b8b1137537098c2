//! The tables of the page.

use contracts::limits::Limits;
use contracts::{Code, EventBody, JobState};
use serde_json::Value;

use super::html::Html;
use super::{entries, resolved, words};
use crate::problem::status_of;

/// The states of a job.
pub(super) fn states(page: &mut Html, openapi: &Value) {
    let told = &openapi["components"]["schemas"]["JobState"]["oneOf"];
    let rows = told.as_array().into_iter().flatten().map(|state| {
        let name = words(&state["const"]);
        let ends = JobState::from_name(name).is_some_and(JobState::is_terminal);
        let end = if ends { "terminal" } else { "" };
        vec![format!("`{name}`"), words(&state["description"]).to_owned(), end.to_owned()]
    });
    page.table(&["State", "", ""], rows);
}

/// The events and frames of the streams, with their data.
pub(super) fn events(page: &mut Html, asyncapi: &Value) {
    let rows = entries(&asyncapi["components"]["messages"]).map(|(_, message)| {
        let name = words(&message["name"]);
        let payload = resolved(asyncapi, &message["payload"]);
        let data = match payload["properties"].get("data") {
            Some(data) => resolved(asyncapi, data),
            None => payload,
        };
        let fields = entries(&data["properties"]).map(|(field, _)| format!("`{field}`"));
        let fields: Vec<String> = fields.filter(|field| field != "`type`").collect();
        let last = if EventBody::TERMINAL_TYPES.contains(&name) { " Ends the log." } else { "" };
        let summary = format!("{}{last}", words(&message["summary"]));
        vec![format!("`{name}`"), summary, fields.join(", ")]
    });
    page.table(&["Type", "", "Data"], rows);
}

/// What the end of a socket means.
pub(super) fn close_codes(page: &mut Html, asyncapi: &Value) {
    let codes = entries(&asyncapi["x-close-codes"]);
    page.table(
        &["Code", ""],
        codes.map(|(code, meaning)| vec![code.clone(), words(meaning).to_owned()]),
    );
}

/// The registry of errors.
pub(super) fn codes(page: &mut Html) {
    let rows = Code::ALL.iter().map(|code| {
        let retryable = match code.retryable() {
            Some(true) => "yes",
            Some(false) => "no",
            None => "unknown",
        };
        let name = format!("[{code}](/v1/problems/{code})");
        let status = status_of(*code).as_u16().to_string();
        vec![name, status, retryable.to_owned(), format!("{}.", code.title())]
    });
    page.table(&["Code", "Status", "Try again", ""], rows);
}

/// The limits in force.
pub(super) fn limits(page: &mut Html, openapi: &Value) {
    let limits = serde_json::to_value(Limits::IN_FORCE).expect("limits are JSON");
    let told = &openapi["components"]["schemas"]["Limits"]["properties"];
    let rows = entries(&limits).map(|(name, value)| {
        let description = words(&told[name]["description"]).to_owned();
        vec![format!("`{name}`"), value.to_string(), description]
    });
    page.table(&["Limit", "", ""], rows);
}

/// What a field of a request must be, in a few words.
pub(super) fn rule(property: &Value) -> String {
    let mut rules = Vec::new();
    for (keyword, what) in [
        ("minimum", "at least"),
        ("maximum", "at most"),
        ("maxLength", "characters at most:"),
        ("maxItems", "items at most:"),
        ("maxProperties", "entries at most:"),
        ("default", "default"),
    ] {
        if let Some(value) = property.get(keyword) {
            rules.push(format!("{what} {}", value.to_string().trim_matches('"')));
        }
    }
    if rules.is_empty() { String::new() } else { format!("({})", rules.join(", ")) }
}
