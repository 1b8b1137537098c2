//! The fields of an event.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use serde_json::Value;
use tracing::field::{Field, Visit};
use tracing::{Event, Metadata};

use crate::ids::Ids;

/// What an event says, in the order in which it says it.
pub(super) struct Fields<'a> {
    pub(super) target: Cow<'a, str>,
    pub(super) message: Option<String>,
    pub(super) others: Vec<(&'static str, Value)>,
}

impl<'a> Fields<'a> {
    /// Those of an event, and then the ids of what it is about, as far as it does not name them
    /// itself.
    pub(super) fn of(event: &Event<'a>, ids: Ids) -> Self {
        let metadata: &'static Metadata<'static> = event.metadata();
        let target = Cow::Borrowed(metadata.target());
        let mut fields = Self { target, message: None, others: Vec::new() };
        event.record(&mut fields);
        let Ids { request_id, job_id, attempt, step, trace_id } = ids;
        fields.lack("request_id", request_id.map(Value::from));
        fields.lack("job_id", job_id.map(Value::from));
        fields.lack("attempt", attempt.map(Value::from));
        fields.lack("step", step.map(Value::from));
        fields.lack("trace_id", trace_id.map(Value::from));
        fields
    }

    fn lack(&mut self, name: &'static str, value: Option<Value>) {
        let is_named = self.others.iter().any(|(other, _)| *other == name);
        self.others.extend(value.filter(|_| !is_named).map(|value| (name, value)));
    }

    fn put(&mut self, field: &Field, value: Value) {
        match field.name() {
            "message" => {
                self.message =
                    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            }
            // What libraries log otherwise comes with where they did so.
            "log.target" => self.target = Cow::Owned(value.as_str().unwrap_or_default().to_owned()),
            name if name.starts_with("log.") => {}
            name => self.others.push((name, value)),
        }
    }
}

impl Visit for Fields<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    /// An error is one text with all that caused it.
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        self.put(field, text.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }
}
