//! Both documents as one page to read: plain HTML, without scripts and without anything to fetch.

mod html;
mod tables;

use serde_json::Value;

use self::html::{Html, text};
use self::tables::{close_codes, codes, events, limits, states};

/// What to try first; it runs as it stands against a server of one's own.
const FIRST: &str = r#"curl -sS http://127.0.0.1:8080/v1/analysis \
  -H 'Content-Type: application/json' -H 'Prefer: wait=60' \
  -d '{"company_name": "3M", "question": "What was the revenue in 2018?"}'"#;
/// The same question, followed while it is answered.
const FOLLOWED: &str = r#"job=$(curl -sS http://127.0.0.1:8080/v1/analysis \
  -H 'Content-Type: application/json' -H 'Idempotency-Key: my-first-question' \
  -d '{"company_name": "3M", "question": "What was the revenue in 2018?"}' | jq -r .links.self)
curl -NsS "http://127.0.0.1:8080$job/events" -H 'Accept: text/event-stream'"#;

/// The page.
pub(super) fn document(openapi: &Value, asyncapi: &Value) -> String {
    let mut page = Html::begun("The Assay API");
    contents(&mut page);
    begin(&mut page, openapi);
    calls(&mut page, openapi);
    page.heading(2, "states", "States of a job");
    page.paragraph("A closed set. The last five are terminal: nothing follows.");
    states(&mut page, openapi);
    streams(&mut page, asyncapi);
    page.heading(2, "errors", "Errors");
    page.paragraph(
        "Every error is `application/problem+json` (RFC 9457): `code` is for programs, `detail` \
         for people, `retryable` says whether trying again can help, and `errors` names each \
         invalid field by its JSON Pointer. The same object is a job's `error`.",
    );
    codes(&mut page);
    page.heading(2, "limits", "Limits");
    page.paragraph("In force on this release; also at `/v1/limits`.");
    limits(&mut page, openapi);
    page.ended()
}

fn contents(page: &mut Html) {
    page.raw("<nav aria-label=\"Contents\"><ul>");
    for (id, name) in [
        ("begin", "Begin"),
        ("calls", "Calls"),
        ("states", "States"),
        ("streams", "Streams"),
        ("close-codes", "Close codes"),
        ("errors", "Errors"),
        ("limits", "Limits"),
    ] {
        page.raw(&format!("<li><a href=\"#{id}\">{name}</a></li>"));
    }
    page.raw("</ul></nav>\n");
}

fn begin(page: &mut Html, openapi: &Value) {
    page.heading(2, "begin", "Begin");
    for paragraph in words(&openapi["info"]["description"]).split("\n\n") {
        page.paragraph(paragraph);
    }
    page.paragraph(
        "For programs: [/openapi.json](/openapi.json), the calls; \
         [/asyncapi.json](/asyncapi.json), the streams.",
    );
    page.paragraph("Ask, and wait up to a minute for the answer:");
    page.code(FIRST);
    page.paragraph("Ask, and follow the work:");
    page.code(FOLLOWED);
}

fn calls(page: &mut Html, openapi: &Value) {
    page.heading(2, "calls", "Calls");
    let all: Vec<(&String, &String, &Value)> = entries(&openapi["paths"])
        .flat_map(|(path, calls)| entries(calls).map(move |(method, call)| (path, method, call)))
        .filter(|(_, method, _)| *method != "head")
        .collect();
    for tag in openapi["tags"].as_array().into_iter().flatten() {
        page.heading(3, words(&tag["name"]), words(&tag["description"]));
        for (path, method, call) in all.iter().filter(|(.., call)| call["tags"][0] == tag["name"]) {
            one_call(page, openapi, (path, method), call);
        }
    }
}

fn one_call(page: &mut Html, openapi: &Value, (path, method): (&str, &str), call: &Value) {
    let id = words(&call["operationId"]);
    let method = method.to_ascii_uppercase();
    page.raw(&format!("<details id=\"{id}\"><summary><b>{method}</b> <code>{path}</code> "));
    page.raw(&format!("<span>{}</span></summary>\n", text(words(&call["summary"]))));
    if let Some(description) = call["description"].as_str() {
        page.paragraph(description);
    }
    page.code(&curl(openapi, (path, &method), call));
    page.table(&["Parameter", "In", ""], parameters(openapi, call));
    if let Some(body) = call["requestBody"]["content"].as_object() {
        request_body(page, openapi, &body["application/json"]);
    }
    page.table(&["Answer", "", "Headers"], answers(openapi, call));
    page.raw("</details>\n");
}

/// The call as a command to copy; `$id` and the like are the reader's to fill in.
fn curl(openapi: &Value, (path, method): (&str, &str), call: &Value) -> String {
    let path = path.replace('{', "$").replace('}', "");
    let method = if method == "GET" { String::new() } else { format!(" -X {method}") };
    let mut command = format!("curl -sS{method} \"http://127.0.0.1:8080{path}\"");
    let content = &call["requestBody"]["content"]["application/json"];
    if let Some((_, example)) = entries(&content["examples"]).next() {
        let required = resolved(openapi, &content["schema"])["required"].as_array();
        let mut body = resolved(openapi, example)["value"].clone();
        if let (Some(required), Some(fields)) = (required, body.as_object_mut()) {
            fields.retain(|name, _| required.iter().any(|wanted| wanted == name));
        }
        command += &format!(" \\\n  -H 'Content-Type: application/json' -d '{body}'");
    }
    command
}

fn parameters<'a>(openapi: &'a Value, call: &'a Value) -> impl Iterator<Item = Vec<String>> + 'a {
    call["parameters"].as_array().into_iter().flatten().map(move |parameter| {
        let parameter = resolved(openapi, parameter);
        let name = format!("`{}`", words(&parameter["name"]));
        vec![name, words(&parameter["in"]).to_owned(), words(&parameter["description"]).to_owned()]
    })
}

fn request_body(page: &mut Html, openapi: &Value, content: &Value) {
    let schema = resolved(openapi, &content["schema"]);
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let rows = entries(&schema["properties"]).map(|(name, property)| {
        let need = if required.iter().any(|wanted| wanted == name) { "required" } else { "" };
        let rule = tables::rule(property);
        vec![
            format!("`{name}`"),
            need.to_owned(),
            format!("{} {rule}", words(&property["description"])),
        ]
    });
    page.table(&["Field", "", ""], rows);
    for (_, example) in entries(&content["examples"]) {
        let value = &resolved(openapi, example)["value"];
        page.code(&serde_json::to_string_pretty(value).expect("JSON can be printed"));
    }
}

fn answers<'a>(openapi: &'a Value, call: &'a Value) -> impl Iterator<Item = Vec<String>> + 'a {
    entries(&call["responses"]).map(move |(status, response)| {
        let response = resolved(openapi, response);
        let headers = entries(&response["headers"]).map(|(name, _)| name.as_str());
        let headers: Vec<&str> = headers.filter(|name| *name != "X-Request-Id").collect();
        vec![status.clone(), words(&response["description"]).to_owned(), headers.join(", ")]
    })
}

fn streams(page: &mut Html, asyncapi: &Value) {
    page.heading(2, "streams", "Streams");
    page.paragraph(words(&asyncapi["info"]["description"]));
    for (_, channel) in entries(&asyncapi["channels"]) {
        page.paragraph(&format!(
            "`{}`: {}",
            words(&channel["address"]),
            words(&channel["description"])
        ));
    }
    page.heading(3, "events", "Events and frames");
    events(page, asyncapi);
    page.heading(3, "close-codes", "Close codes of a WebSocket");
    close_codes(page, asyncapi);
}

/// The fields of an object; of anything else, none.
fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn words(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// What a reference leads to, or the value itself.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value["$ref"].as_str().and_then(|path| document.pointer(&path[1..]));
    target.unwrap_or(value)
}
