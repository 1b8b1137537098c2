//! The schemas of everything on the wire, by name.

use contracts::job::JobPage;
use contracts::limits::Limits;
use contracts::result::SimpleResult;
use contracts::{
    AnalysisResult, CancelRequest, ClientFrame, EventBody, EventPage, Job, Problem, StreamControl,
    Submission, Ticket, TicketRequest,
};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::wording::cleaned;
use crate::handlers::problems::Entry;

pub(super) type Schemas = Map<String, Value>;

const SCHEMAS: &str = "#/components/schemas/";

/// A reference to the schema with this name.
pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("{SCHEMAS}{name}")})
}

/// The name that a reference leads to.
pub(super) fn referenced(value: &Value) -> Option<&str> {
    value["$ref"].as_str()?.strip_prefix(SCHEMAS)
}

/// Every schema.
pub(super) fn all() -> Schemas {
    let mut schemas = answers();
    schemas.append(&mut requests());
    split_events(&mut schemas);
    split(&mut schemas, "StreamControl");
    split(&mut schemas, "ClientFrame");
    schemas.insert("ProblemWithJob".to_owned(), problem_with_job());
    schemas
}

/// What the server sends. Readers pass over what they do not know, so these are open.
fn answers() -> Schemas {
    let mut generator = generator(SchemaSettings::for_serialize);
    add::<Job>(&mut generator);
    add::<JobPage>(&mut generator);
    add::<AnalysisResult>(&mut generator);
    add::<SimpleResult>(&mut generator);
    add::<EventPage>(&mut generator);
    add::<EventBody>(&mut generator);
    add::<StreamControl>(&mut generator);
    add::<Problem>(&mut generator);
    add::<Entry>(&mut generator);
    add::<Limits>(&mut generator);
    add::<Ticket>(&mut generator);
    let mut schemas = definitions(generator);
    schemas.values_mut().for_each(drop_absent_nulls);
    schemas
}

/// What clients send.
fn requests() -> Schemas {
    let mut generator = generator(SchemaSettings::for_deserialize);
    add::<Submission>(&mut generator);
    add::<CancelRequest>(&mut generator);
    add::<TicketRequest>(&mut generator);
    add::<ClientFrame>(&mut generator);
    definitions(generator)
}

fn generator(contract: fn(SchemaSettings) -> SchemaSettings) -> SchemaGenerator {
    let mut settings = contract(SchemaSettings::draft2020_12());
    settings.definitions_path = "/components/schemas".into();
    settings.into_generator()
}

fn add<T: JsonSchema>(generator: &mut SchemaGenerator) {
    let _ = generator.subschema_for::<T>();
}

fn definitions(mut generator: SchemaGenerator) -> Schemas {
    let mut schemas = generator.take_definitions(true);
    schemas.values_mut().for_each(cleaned);
    schemas
}

/// A field that may be absent is left out, and never sent as null.
fn drop_absent_nulls(schema: &mut Value) {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for (name, property) in properties {
            if !required.iter().any(|required| required == name) {
                without_null(property);
            }
        }
    }
    if let Some(variants) = schema.get_mut("oneOf").and_then(Value::as_array_mut) {
        variants.iter_mut().for_each(drop_absent_nulls);
    }
}

fn without_null(property: &mut Value) {
    let Some(property) = property.as_object_mut() else { return };
    if let Some(Value::Array(types)) = property.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            property.insert("type".to_owned(), only);
        }
    }
    let Some(Value::Array(choices)) = property.remove("anyOf") else { return };
    let rest = choices.into_iter().filter(|choice| choice["type"] != "null");
    let choice = rest.filter_map(|choice| choice.as_object().cloned()).next();
    property.extend(choice.unwrap_or_default());
}

/// The type that a variant of a union is told by.
pub(super) fn tag(variant: &Value) -> &str {
    variant["properties"]["type"]["const"].as_str().expect("a variant has a type")
}

/// The schema's name for a type on the wire: `JobCreated` for `job.created`.
fn type_name(tag: &str) -> String {
    let words = tag.split(['.', '_']);
    words.map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect()
}

/// One schema for each type of event: the envelope, with the type and its data. A type of a newer
/// release is an event, too.
fn split_events(schemas: &mut Schemas) {
    let mut envelope = schemas.remove("Event").expect("a page has events");
    envelope["properties"]["data"]["type"] = json!("object");
    envelope["properties"]["id"]["pattern"] = json!("^[0-9a-f-]{36}/[1-9][0-9]*$");
    envelope["properties"]["sequence"]["pattern"] = json!("^[0-9]{10}$");
    let known = schemas.remove("EventBody").expect("it was added");
    let (mut names, mut tags) = (Vec::new(), Vec::new());
    for variant in known["oneOf"].as_array().expect("an enum is a choice") {
        let name = format!("{}Event", type_name(tag(variant)));
        let schema = json!({
            "title": tag(variant),
            "description": variant["description"],
            "type": "object",
            "allOf": [reference("EventEnvelope")],
            "properties": variant["properties"],
            "required": ["type", "data"],
        });
        schemas.insert(name.clone(), schema);
        names.push(name);
        tags.push(tag(variant).to_owned());
    }
    let newer = json!({
        "description": "An event of a type that this release does not know: pass over it.",
        "type": "object",
        "allOf": [reference("EventEnvelope")],
        "properties": {"type": {"not": {"enum": tags}}},
        "required": ["type"],
    });
    schemas.insert("UnknownEvent".to_owned(), newer);
    let mapping: Map<String, Value> = tags
        .iter()
        .zip(&names)
        .map(|(tag, name)| (tag.clone(), reference(name)["$ref"].clone()))
        .collect();
    names.push("UnknownEvent".to_owned());
    let choice: Vec<Value> = names.iter().map(|name| reference(name)).collect();
    let event = json!({
        "description": envelope["description"],
        "oneOf": choice,
        "discriminator": {"propertyName": "type", "mapping": mapping},
    });
    schemas.insert("EventEnvelope".to_owned(), envelope);
    schemas.insert("Event".to_owned(), event);
}

/// One schema for each variant of a union whose variants have a type.
fn split(schemas: &mut Schemas, union: &str) {
    let whole = schemas.remove(union).expect("it was added");
    let mut choice = Vec::new();
    for variant in whole["oneOf"].as_array().expect("an enum is a choice") {
        let name = type_name(tag(variant));
        schemas.insert(name.clone(), variant.clone());
        choice.push(reference(&name));
    }
    let whole = json!({"description": whole["description"], "oneOf": choice});
    schemas.insert(union.to_owned(), whole);
}

fn problem_with_job() -> Value {
    json!({
        "description": "A refusal that the job's state explains, with that job.",
        "type": "object",
        "allOf": [reference("Problem")],
        "properties": {"job": reference("Job")},
        "required": ["job"],
    })
}
