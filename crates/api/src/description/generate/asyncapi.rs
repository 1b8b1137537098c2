//! The streams, as AsyncAPI 3.0.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::operation::fixture;
use super::schemas::{self, Schemas, reference, referenced, tag};
use crate::routes::ADDRESSES;
use crate::stream::close;

const INTRODUCTION: &str = "The log of a job as a stream: over WebSocket, or as server-sent \
     events. Every reader sees exactly the log, in order, whatever the transport and however \
     often it reconnects. An event's version is its `sequence`, the SSE `id:` and the cursor to \
     resume with (`after`, or `Last-Event-ID`). Pass over types and fields that you do not know.";

/// The document.
pub(super) fn document() -> Value {
    let schemas = schemas::all();
    let events = events(&schemas);
    let control = variants(&schemas, "StreamControl");
    let frames = variants(&schemas, "ClientFrame");
    let mut from_server = events;
    from_server.extend(control);
    let mut messages: Map<String, Value> =
        from_server.iter().map(|name| (name.clone(), message(&schemas, name))).collect();
    let many = ADDRESSES.iter().any(|address| address.path == MANY);
    if many {
        messages.extend(frames.iter().map(|name| (name.clone(), message(&schemas, name))));
    }
    let mut document = json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Assay streams",
            "version": "1",
            "description": INTRODUCTION,
            "license": {"name": "MIT OR Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {
            "jobSocket": channel("/v1/analysis/{id}/events", SOCKET, &from_server),
            "jobEventStream": channel("/v1/analysis/{id}/events", EVENT_STREAM, &from_server),
        },
        "operations": {
            "followOverWebSocket": operation("send", "jobSocket", "Follow a job over WebSocket"),
            "followOverSse": operation("send", "jobEventStream", "Follow a job as an event stream"),
        },
    });
    document["channels"]["jobSocket"]["bindings"] = binding(AFTER);
    if many {
        add_many(&mut document, &from_server, &frames);
    }
    let schemas = reachable(&schemas, messages.keys());
    document["components"] = json!({"messages": messages, "schemas": schemas});
    document["x-close-codes"] = close_codes();
    document
}

const MANY: &str = "/v1/stream";

const SOCKET: &str = "A WebSocket; the job's own address is the same socket. Text frames, one \
     message each: `stream.ready` first, then the events. The server pings every 20 s. A refusal \
     is told by `stream.error` and the close code: a browser cannot see why a handshake failed.";
const EVENT_STREAM: &str = "With `Accept: text/event-stream`. `id:` is the version of an event; \
     control frames have none. There is no `event:` line, a comment every 15 s, and `retry:` says \
     when to return. After the terminal event the stream ends; a cursor at the end is answered \
     with 204.";
const MANY_SOCKETS: &str = "Many jobs on one WebSocket. A fault of one subscription is a \
     `stream.error` with its `job_id`; close codes speak for the socket.";
const TICKET: &str = "A ticket for the job; a browser may offer it as the subprotocol \
     `assay.ticket.…` beside `assay.v1`.";
const AFTER: &str = "The version that the events follow on.";

fn channel(address: &str, description: &str, messages: &[String]) -> Value {
    let named = |name: &String| (name.clone(), json!({"$ref": message_path(name)}));
    let messages: Map<String, Value> = messages.iter().map(named).collect();
    let mut channel = json!({"address": address, "description": description, "messages": messages});
    if address.contains("{id}") {
        channel["parameters"] = json!({"id": {"description": "The job's id."}});
    }
    channel
}

fn binding(after: &str) -> Value {
    let version = json!({"type": "integer", "minimum": 0, "description": after});
    let ticket = json!({"type": "string", "description": TICKET});
    let query = json!({"type": "object", "properties": {"after": version, "ticket": ticket}});
    json!({"ws": {"method": "GET", "query": query, "bindingVersion": "0.1.0"}})
}

fn operation(action: &str, channel: &str, summary: &str) -> Value {
    let channel = format!("#/channels/{channel}");
    json!({"action": action, "channel": {"$ref": channel}, "summary": summary})
}

/// The socket of many jobs, on which clients have something to say, too.
fn add_many(document: &mut Value, from_server: &[String], frames: &[String]) {
    let all: Vec<String> = from_server.iter().chain(frames).cloned().collect();
    document["channels"]["manySocket"] = channel(MANY, MANY_SOCKETS, &all);
    let messages = |names: &[String]| -> Vec<Value> {
        let path =
            |name: &String| json!({"$ref": format!("#/channels/manySocket/messages/{name}")});
        names.iter().map(path).collect()
    };
    let mut follow = operation("send", "manySocket", "Follow many jobs");
    follow["messages"] = json!(messages(from_server));
    let mut choose = operation("receive", "manySocket", "Choose the jobs to follow");
    choose["messages"] = json!(messages(frames));
    document["operations"]["followMany"] = follow;
    document["operations"]["chooseJobs"] = choose;
}

fn message_path(name: &str) -> String {
    format!("#/components/messages/{name}")
}

/// The names of the schemas of the known types of events.
fn events(schemas: &Schemas) -> Vec<String> {
    let mut names = variants(schemas, "Event");
    names.retain(|name| name != "UnknownEvent");
    names
}

fn variants(schemas: &Schemas, union: &str) -> Vec<String> {
    let choices = schemas[union]["oneOf"].as_array().expect("a union is a choice");
    choices.iter().filter_map(referenced).map(str::to_owned).collect()
}

fn message(schemas: &Schemas, name: &str) -> Value {
    let schema = &schemas[name];
    let tag = tag(schema);
    let words = tag.replace('.', "_");
    let example = match tag.split_once('.') {
        Some(("stream", _)) => fixture(&words),
        Some(_) => fixture(&format!("event_{words}")),
        None => fixture(&format!("client_frame_{words}")),
    };
    json!({
        "name": tag,
        "title": tag,
        "summary": schema["description"],
        "payload": reference(name),
        "examples": [{"payload": example}],
    })
}

/// The schemas that messages with these names lead to.
fn reachable<'a>(schemas: &Schemas, names: impl Iterator<Item = &'a String>) -> Schemas {
    let mut open: Vec<String> = names.cloned().collect();
    let mut seen = BTreeSet::new();
    while let Some(name) = open.pop() {
        if seen.insert(name.clone()) {
            let mut references = BTreeSet::new();
            super::collect(&schemas[&name], &mut references);
            let names = references.iter().filter_map(|path| path.rsplit('/').next());
            open.extend(names.map(str::to_owned));
        }
    }
    seen.into_iter().map(|name| (name.clone(), schemas[&name].clone())).collect()
}

fn close_codes() -> Value {
    let told: Map<String, Value> =
        close::ALL.iter().map(|(code, meaning)| (code.to_string(), json!(meaning))).collect();
    Value::Object(told)
}
