//! Writes the documents from the wire types, the table of routes and the table of problems.
//!
//! After a wanted change run `INSTA_UPDATE=always cargo test -p api`, as for snapshots, and read
//! the diff.

mod asyncapi;
mod calls;
mod components;
mod openapi;
mod operation;
mod page;
mod schemas;
mod wording;

use std::collections::BTreeSet;
use std::path::Path;
use std::{env, fs};

use contracts::Code;
use serde_json::Value;

use super::{ASYNCAPI, DOCS, OPENAPI};
use crate::routes::{ADDRESSES, HEALTH};

#[test]
fn the_documents_are_those_that_the_types_give() {
    let (openapi, asyncapi) = (openapi::document(), asyncapi::document());
    assert_kept("docs.html", DOCS, &page::document(&openapi, &asyncapi));
    assert_kept("asyncapi.json", ASYNCAPI, &printed(&asyncapi));
    assert_kept("openapi.json", OPENAPI, &printed(&openapi));
}

fn printed(document: &Value) -> String {
    let text = serde_json::to_string_pretty(document).expect("JSON can be printed");
    format!("{text}\n")
}

/// The file that is served is the one that is generated; it is written where insta would write.
fn assert_kept(name: &str, kept: &str, generated: &str) {
    if kept == generated {
        return;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/description").join(name);
    let update = env::var("INSTA_UPDATE").is_ok_and(|update| update == "always");
    if update {
        fs::write(&path, generated).expect("the document can be written");
        return;
    }
    let differs = kept.lines().zip(generated.lines()).position(|(kept, new)| kept != new);
    let line = differs.unwrap_or_else(|| kept.lines().count().min(generated.lines().count()));
    let new = generated.lines().nth(line).unwrap_or("its end");
    panic!("{name} is out of date: line {} is to be {new:?}; see INSTA_UPDATE", line + 1);
}

#[test]
fn every_registered_route_is_in_the_document_and_no_other() {
    let document = served(OPENAPI);
    let mut told = BTreeSet::new();
    for (path, calls) in document["paths"].as_object().unwrap() {
        told.extend(calls.as_object().unwrap().keys().map(|m| (m.clone(), path.as_str())));
    }
    let calls = ADDRESSES.iter().chain(HEALTH).flat_map(|address| {
        let methods = address.calls.iter().flat_map(|call| call.methods);
        methods.map(move |method| (method.as_str().to_ascii_lowercase(), address.path))
    });
    assert_eq!(told, calls.collect());
}

#[test]
fn every_code_is_in_the_documents() {
    for document in [OPENAPI, ASYNCAPI] {
        let document = served(document);
        let codes = document["components"]["schemas"]["Code"]["oneOf"].as_array().unwrap();
        let codes: Vec<&str> = codes.iter().map(|code| code["const"].as_str().unwrap()).collect();
        let known: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(codes, known);
    }
}

#[test]
fn every_reference_leads_somewhere_and_nothing_is_left_over() {
    for document in [OPENAPI, ASYNCAPI] {
        let document = served(document);
        let mut references = BTreeSet::new();
        collect(&document, &mut references);
        for reference in &references {
            assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
        }
        for (kind, entries) in document["components"].as_object().unwrap() {
            for name in entries.as_object().unwrap().keys().filter(|_| kind != "securitySchemes") {
                let reference = format!("#/components/{kind}/{name}");
                assert!(references.contains(&reference), "{reference} is used nowhere");
            }
        }
    }
}

#[test]
fn the_page_fetches_nothing_and_runs_nothing() {
    for tag in ["<script", "<img", "<iframe", "<object", "src=", "url(", "@import", "http-equiv"] {
        assert!(!DOCS.contains(tag), "{tag}");
    }
    for link in DOCS.split("href=\"").skip(1) {
        let own = link.starts_with('#') || link.starts_with('/') || link.starts_with("data:,\"");
        assert!(own && !link.starts_with("//"), "{:.60}", link);
    }
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                references.insert(reference.to_owned());
            }
            fields.values().for_each(|value| collect(value, references));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, references)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn served(document: &str) -> Value {
    serde_json::from_str(document).expect("the document is JSON")
}
