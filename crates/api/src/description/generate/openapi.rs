//! The calls, as OpenAPI 3.1.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::operation::Operation;
use super::{calls, components};
use crate::routes::{ADDRESSES, HEALTH};

const INTRODUCTION: &str = "Ask questions about companies, follow the work, and get answers in \
     which every statement names its source.\n\nWithin /v1 the API only grows: clients pass over \
     fields, error codes and event types that they do not know. The states of a job are a closed \
     set. A parameter or a field of a request that is not named here is refused. Every answer has \
     an `X-Request-Id`; every error is a problem of RFC 9457, whose `code` is in /v1/problems and \
     whose `retryable` says whether trying again can help. An address refuses other methods with \
     405 and `Allow`; pages of origins that are not on the server's list are refused with 403.";

/// The document.
pub(super) fn document() -> Value {
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Assay",
            "version": "1",
            "description": INTRODUCTION,
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": "/"}],
        "security": [{}, {"key": []}],
        "tags": [
            {"name": "analysis", "description": "Jobs: questions and their answers."},
            {"name": "streams", "description": "What happens to a job, as it happens."},
            {"name": "server", "description": "The server and its contract."},
        ],
        "paths": paths(),
        "components": components::all(),
    });
    while drop_unused(&mut document) {}
    document
}

/// Drops the components that nothing refers to, such as what streams alone say; whether there
/// were any.
fn drop_unused(document: &mut Value) -> bool {
    let mut references = BTreeSet::new();
    super::collect(document, &mut references);
    let mut dropped = false;
    for (kind, entries) in document["components"].as_object_mut().into_iter().flatten() {
        let Some(entries) = entries.as_object_mut().filter(|_| kind != "securitySchemes") else {
            continue;
        };
        let before = entries.len();
        entries.retain(|name, _| references.contains(&format!("#/components/{kind}/{name}")));
        dropped |= entries.len() < before;
    }
    dropped
}

/// The calls that are routed. One that is routed and not described stops the test.
fn paths() -> Value {
    let described = calls::all();
    let mut paths = Map::new();
    for address in ADDRESSES.iter().chain(HEALTH) {
        let path = paths.entry(address.path).or_insert_with(|| json!({}));
        for method in address.calls.iter().flat_map(|call| call.methods) {
            let method = method.as_str().to_ascii_lowercase();
            path[&method] = told(&described, &method, address.path);
        }
    }
    Value::Object(paths)
}

/// A call as it is described. What can be asked about without its body is described once, with it.
fn told(described: &[Operation], method: &str, path: &str) -> Value {
    let find = |method: &str| {
        let found = described.iter().find(|call| call.path == path && call.method == method);
        found.map(Operation::told)
    };
    let headed = || (method == "head").then(|| find("get").map(without_bodies)).flatten();
    find(method).or_else(headed).unwrap_or_else(|| panic!("{method} {path} is not described"))
}

/// The same call, whose answers have no bodies.
fn without_bodies(mut call: Value) -> Value {
    let id = call["operationId"].as_str().unwrap_or_default();
    call["operationId"] = json!(format!("{id}Head"));
    for (_, response) in call["responses"].as_object_mut().into_iter().flatten() {
        if let Some(response) = response.as_object_mut() {
            response.remove("content");
        }
    }
    call
}
