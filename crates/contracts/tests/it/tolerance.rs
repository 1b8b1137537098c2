//! Releases N and N+1 read each other; a client that misspells is told.

use contracts::{Event, EventPage, News};
use serde_json::{Value, json};

use crate::samples::{self, UnknownFields};

const LATER: &str = "added_by_a_later_release";

/// Adds a field to every object in `value`.
fn extend(value: &mut Value) {
    each_object(value, &|object| {
        object.insert(LATER.to_owned(), Value::from("new"));
    });
}

/// Takes that field away again, where it was passed on.
fn strip(value: &mut Value) {
    each_object(value, &|object| {
        object.remove(LATER);
    });
}

fn each_object(value: &mut Value, act: &dyn Fn(&mut serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            object.values_mut().for_each(|inner| each_object(inner, act));
            act(object);
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| each_object(inner, act)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The JSON Pointers of all objects in `value`.
fn objects(value: &Value, at: &str) -> Vec<String> {
    let Value::Object(object) = value else { return Vec::new() };
    let inner = object.iter().flat_map(|(key, value)| objects(value, &format!("{at}/{key}")));
    std::iter::once(at.to_owned()).chain(inner).collect()
}

#[test]
fn a_reader_ignores_fields_that_it_does_not_know() {
    for sample in samples::all() {
        if sample.unknown_fields == UnknownFields::Refused {
            continue;
        }
        let mut newer = sample.json.clone();
        extend(&mut newer);
        let mut read = (sample.reread)(newer).unwrap_or_else(|e| panic!("{}: {e}", sample.name));
        strip(&mut read);
        assert_eq!(read, sample.json, "{}", sample.name);
    }
}

#[test]
fn a_clients_unknown_field_is_refused_by_name_wherever_it_stands() {
    for sample in samples::all() {
        if sample.unknown_fields == UnknownFields::Ignored {
            continue;
        }
        // The keys of labels are the client's own.
        for pointer in objects(&sample.json, "").iter().filter(|pointer| *pointer != "/labels") {
            let mut body = sample.json.clone();
            body.pointer_mut(pointer).unwrap()[LATER] = Value::from("new");
            let refused = (sample.reread)(body).expect_err(&sample.name);
            assert!(refused.contains(LATER), "{} at {pointer:?}: {refused}", sample.name);
        }
    }
}

#[test]
fn an_event_of_an_unknown_type_is_passed_on_as_it_is() {
    let known = samples::enveloped(&samples::bodies()[0], 1);
    let mut newer = serde_json::to_value(known).unwrap();
    newer["type"] = json!("step.rethought");
    newer["data"] = json!({"step": "plan", "thoughts": [1, null, {"deep": true}]});

    let event: Event = serde_json::from_value(newer.clone()).unwrap();
    assert_eq!(event.body(), None);
    assert!(!event.is_terminal());
    assert_eq!(serde_json::to_value(&event).unwrap(), newer);

    let page = json!({"events": [newer.clone()], "next_after": 1, "head": 1});
    let read: EventPage = serde_json::from_value(page.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), page);

    let news = json!({"job_id": event.subject, "events": [newer]});
    let read: News = serde_json::from_value(news.clone()).unwrap();
    assert_eq!(serde_json::to_value(read).unwrap(), news);
}

#[test]
fn a_code_of_a_later_release_is_internal_and_its_problem_is_read() {
    let problem = samples::all().into_iter().find(|sample| sample.name == "problem").unwrap();
    let mut newer = problem.json;
    newer["code"] = json!("model_bored");
    newer["type"] = json!("/v1/problems/model_bored");
    let mut read = (problem.reread)(newer.clone()).unwrap();
    assert_eq!(read["code"], "internal");
    read["code"] = newer["code"].clone();
    assert_eq!(read, newer, "everything else is what it was");
}

#[test]
fn a_state_outside_the_closed_set_is_refused() {
    let jobs = samples::all().into_iter().filter(|sample| sample.name.starts_with("job_"));
    for mut job in jobs.filter(|sample| sample.name != "job_page") {
        job.json["state"] = json!("paused");
        assert!((job.reread)(job.json).is_err(), "{}", job.name);
    }
}
