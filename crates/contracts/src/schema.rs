//! JSON Schemas of what the derived ones cannot know: forms of text, and the rules of requests.
//!
//! A request's rules are the ones that its reader in [`crate::request`] holds it to. What an
//! answer may grow by is left open; a request may have no field that is not named.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use crate::ids::{DocumentId, JobId, SourceId, WorkerId};
use crate::limits;
use crate::{Timestamp, TraceContext};

/// An identifier's or a time's schema stands where it is used: a reference would hide one word.
macro_rules! text_form {
    ($($name:ident: $schema:tt;)*) => {$(
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    )*};
}

text_form! {
    DocumentId: {"type": "string", "format": "uuid"};
    JobId: {"type": "string", "format": "uuid"};
    WorkerId: {"type": "string", "format": "uuid"};
    SourceId: {"type": "string", "pattern": "^s[1-9][0-9]*$"};
    Timestamp: {"type": "string", "format": "date-time", "pattern": "\\.[0-9]{3}Z$"};
    TraceContext: {"type": "string", "pattern": "^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$"};
}

/// The rules of [`crate::Submission`].
pub(crate) fn submission(schema: &mut Schema) {
    close(schema);
    text(schema, "company_name", limits::COMPANY_NAME_CHARS);
    text(schema, "question", limits::QUESTION_CHARS);
    integer(schema, "timeout_s", limits::TIMEOUT_S);
    set(schema, "timeout_s", "default", json!(limits::TIMEOUT_S_DEFAULT));
    integer(schema, "queue_timeout_s", limits::QUEUE_TIMEOUT_S);
    integer(schema, "max_attempts", limits::MAX_ATTEMPTS);
    set(schema, "max_attempts", "default", json!(limits::MAX_ATTEMPTS_DEFAULT));
    integer(schema, "priority", limits::PRIORITY);
    set(schema, "priority", "default", json!(limits::PRIORITY_DEFAULT));
    set(schema, "on_step_failure", "default", json!("partial"));
    text(schema, "model", limits::MODEL_CHARS);
    labels(schema);
    set(schema, "document_ids", "maxItems", json!(limits::DOCUMENT_IDS_MAX));
}

/// The rules of [`crate::request::Webhook`].
pub(crate) fn webhook(schema: &mut Schema) {
    close(schema);
    set(schema, "url", "maxLength", json!(limits::WEBHOOK_URL_CHARS.end()));
    set(schema, "url", "pattern", json!("^\\s*https?://[^\\x00]*$"));
    set(schema, "events", "maxItems", json!(limits::WEBHOOK_EVENTS_MAX));
}

/// The rules of [`crate::request::Budget`].
pub(crate) fn budget(schema: &mut Schema) {
    close(schema);
    integer(schema, "max_tokens", limits::BUDGET_TOKENS);
    integer(schema, "max_calls", limits::BUDGET_CALLS);
    set(schema, "max_cost_usd", "exclusiveMinimum", json!(0));
}

/// The rules of [`crate::CancelRequest`].
pub(crate) fn cancel_request(schema: &mut Schema) {
    close(schema);
    text(schema, "reason", limits::CANCEL_REASON_CHARS);
}

/// The rules of [`crate::TicketRequest`].
pub(crate) fn ticket_request(schema: &mut Schema) {
    close(schema);
    set(schema, "jobs", "minItems", json!(1));
    set(schema, "jobs", "maxItems", json!(limits::TICKET_JOBS_MAX));
}

fn labels(schema: &mut Schema) {
    let (keys, values) = (limits::LABEL_KEY_CHARS, limits::LABEL_VALUE_CHARS);
    set(schema, "labels", "type", json!(["object", "null"]));
    set(schema, "labels", "maxProperties", json!(limits::LABELS_MAX));
    let names = json!({"minLength": keys.start(), "maxLength": keys.end(), "pattern": NO_NUL});
    set(schema, "labels", "propertyNames", names);
    let value = json!({"type": "string", "maxLength": values.end(), "pattern": NO_NUL});
    set(schema, "labels", "additionalProperties", value);
}

const NO_NUL: &str = "^[^\\x00]*$";
/// Text that is not empty once it is trimmed, without NUL.
const SOME_TEXT: &str = "^[^\\x00]*[^\\s\\x00\\x85][^\\x00]*$";

fn close(schema: &mut Schema) {
    schema.insert("additionalProperties".to_owned(), json!(false));
}

/// Lengths count Unicode scalar values, as JSON Schema does. White space around a text is not
/// counted by the server, so a sender who keeps to these lengths is never refused.
fn text(schema: &mut Schema, property: &str, chars: RangeInclusive<usize>) {
    set(schema, property, "maxLength", json!(chars.end()));
    if *chars.start() > 0 {
        set(schema, property, "minLength", json!(chars.start()));
        set(schema, property, "pattern", json!(SOME_TEXT));
    } else {
        set(schema, property, "pattern", json!(NO_NUL));
    }
}

fn integer(schema: &mut Schema, property: &str, range: RangeInclusive<u32>) {
    set(schema, property, "minimum", json!(range.start()));
    set(schema, property, "maximum", json!(range.end()));
}

/// Sets a keyword of a property. A property that is not there is a table that fell behind its
/// type, which the test of the written documents shows.
fn set(schema: &mut Schema, property: &str, keyword: &str, value: Value) {
    let property = schema.pointer_mut(&format!("/properties/{property}"));
    if let Some(Value::Object(keywords)) = property {
        keywords.insert(keyword.to_owned(), value);
    }
}
