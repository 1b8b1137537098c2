//! One call of the API, put together as OpenAPI tells it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use actix_web::http::StatusCode;
use contracts::{Code, FieldError};
use serde_json::{Map, Value, json};

use super::schemas::reference;
use crate::problem::{ApiError, status_of};

const PROBLEM: &str = "application/problem+json";

/// A call: a method of an address.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    told: Map<String, Value>,
}

/// What an answer's body may be.
pub(super) struct Content {
    media_type: &'static str,
    schema: Value,
    examples: Map<String, Value>,
}

impl Content {
    /// JSON of the schema with this name, as these fixtures show it.
    pub(super) fn json(schema: &str, fixtures: &[&str]) -> Self {
        let examples = fixtures.iter().map(|name| shown(name)).collect();
        Self { media_type: "application/json", schema: reference(schema), examples }
    }

    /// JSON of a form that only this answer has.
    pub(super) fn of(schema: Value) -> Self {
        Self { media_type: "application/json", schema, examples: Map::new() }
    }

    /// Text of another type, described in words.
    pub(super) fn text(media_type: &'static str, description: &str) -> Self {
        let schema = json!({"type": "string", "description": description});
        Self { media_type, schema, examples: Map::new() }
    }

    /// Or JSON of the schema with this name, as this fixture shows it.
    pub(super) fn or(mut self, schema: &str, example: &str) -> Self {
        self.examples.extend([shown(example)]);
        self.or_of(reference(schema))
    }

    /// Or JSON of a form that only this answer has.
    pub(super) fn or_of(mut self, schema: Value) -> Self {
        self.schema = json!({"anyOf": [self.schema, schema]});
        self
    }

    fn entry(self) -> (String, Value) {
        let mut told = json!({"schema": self.schema});
        if !self.examples.is_empty() {
            told["examples"] = Value::Object(self.examples);
        }
        (self.media_type.to_owned(), told)
    }
}

impl Operation {
    /// A call that anybody may make.
    pub(super) fn open(method: &'static str, path: &'static str, id: &str, summary: &str) -> Self {
        let mut told = Map::new();
        told.insert("operationId".to_owned(), json!(id));
        told.insert("summary".to_owned(), json!(summary));
        told.insert("parameters".to_owned(), json!([]));
        told.insert("responses".to_owned(), json!({}));
        Self { method, path, told }.takes(&["RequestId"])
    }

    /// A call under `/v1`: it belongs to a trace, and fails in the ways that all of them may.
    pub(super) fn v1(method: &'static str, path: &'static str, id: &str, summary: &str) -> Self {
        let operation = Self::open(method, path, id, summary).takes(&["Traceparent"]);
        let shared = [
            (401, "Unauthorized"),
            (403, "Forbidden"),
            (429, "QuotaExceeded"),
            (500, "Internal"),
            (503, "Unavailable"),
        ];
        shared.into_iter().fold(operation, |mut operation, (status, name)| {
            let response = json!({"$ref": format!("#/components/responses/{name}")});
            operation.told["responses"][status.to_string()] = response;
            operation
        })
    }

    pub(super) fn tag(mut self, tag: &str) -> Self {
        self.told.insert("tags".to_owned(), json!([tag]));
        self
    }

    pub(super) fn describe(mut self, text: &str) -> Self {
        self.told.insert("description".to_owned(), json!(text));
        self
    }

    /// Takes the parameters with these names in the components.
    pub(super) fn takes(mut self, names: &[&str]) -> Self {
        let parameters = self.told["parameters"].as_array_mut().expect("a list of parameters");
        let named = |name: &&str| json!({"$ref": format!("#/components/parameters/{name}")});
        parameters.extend(names.iter().map(named));
        self
    }

    /// Needs this body.
    pub(super) fn needs(self, content: Content) -> Self {
        let mut operation = self.may_have(content);
        operation.told["requestBody"]["required"] = json!(true);
        operation
    }

    /// May have this body.
    pub(super) fn may_have(mut self, content: Content) -> Self {
        let (media_type, body) = content.entry();
        self.told.insert("requestBody".to_owned(), json!({"content": {media_type: body}}));
        self.refuses(&[Code::PayloadTooLarge, Code::UnsupportedMediaType])
            .refuses_as(StatusCode::UNPROCESSABLE_ENTITY, &[Code::InvalidRequest])
    }

    /// Answers with this status, these headers of the components, and one of these bodies.
    pub(super) fn answers(
        mut self,
        status: u16,
        description: &str,
        headers: &[&str],
        contents: impl IntoIterator<Item = Content>,
    ) -> Self {
        let content: Map<String, Value> = contents.into_iter().map(Content::entry).collect();
        let mut response = json!({"description": description, "headers": headers_of(headers)});
        if !content.is_empty() {
            response["content"] = Value::Object(content);
        }
        self.told["responses"][status.to_string()] = response;
        self
    }

    /// Refuses with these codes, each with its status.
    pub(super) fn refuses(self, codes: &[Code]) -> Self {
        let mut by_status: BTreeMap<u16, Vec<Code>> = BTreeMap::new();
        for code in codes {
            by_status.entry(status_of(*code).as_u16()).or_default().push(*code);
        }
        by_status.into_iter().fold(self, |operation, (status, codes)| {
            let status = StatusCode::from_u16(status).expect("the table has statuses");
            operation.refuses_as(status, &codes)
        })
    }

    /// Refuses with these codes, beside those that this status has already.
    pub(super) fn refuses_as(mut self, status: StatusCode, codes: &[Code]) -> Self {
        let response = &mut self.told["responses"][status.as_str()];
        let mut refused = refusal(status, codes);
        if let Some(examples) = response.pointer("/content/application~1problem+json/examples") {
            let known = examples.as_object().cloned().unwrap_or_default();
            let examples = refused["content"][PROBLEM]["examples"].as_object_mut();
            examples.expect("a refusal has examples").extend(known);
            let (before, now) = (response["description"].as_str(), refused["description"].as_str());
            let both = format!("{} {}", before.unwrap_or_default(), now.unwrap_or_default());
            refused["description"] = json!(both);
        }
        *response = refused;
        self
    }

    /// The same refusal, with the job that explains it.
    pub(super) fn shows_the_job(mut self, status: StatusCode) -> Self {
        let schema = reference("ProblemWithJob");
        let content = &mut self.told["responses"][status.as_str()]["content"][PROBLEM];
        for (_, example) in content["examples"].as_object_mut().into_iter().flatten() {
            example["value"]["job"] = fixture("job_running");
        }
        content["schema"] = schema;
        self
    }

    /// The call, as the document tells it.
    pub(super) fn told(&self) -> Value {
        Value::Object(self.told.clone())
    }
}

/// A fixture as an example, by its name in the components.
fn shown(fixture: &str) -> (String, Value) {
    (fixture.to_owned(), json!({"$ref": format!("#/components/examples/{fixture}")}))
}

/// A refusal with one of these codes, with an example of each.
pub(super) fn refusal(status: StatusCode, codes: &[Code]) -> Value {
    let mut headers = vec!["X-Request-Id"];
    headers.extend(match status {
        StatusCode::UNAUTHORIZED => &["WWW-Authenticate"][..],
        StatusCode::TOO_MANY_REQUESTS => &["Retry-After", "RateLimit", "RateLimit-Policy"],
        StatusCode::SERVICE_UNAVAILABLE => &["Retry-After"],
        _ => &[],
    });
    let words: Vec<String> =
        codes.iter().map(|code| format!("`{code}`: {}.", code.title())).collect();
    let examples: Map<String, Value> = codes
        .iter()
        .map(|code| (code.to_string(), json!({"value": example(status, *code)})))
        .collect();
    json!({
        "description": words.join(" "),
        "headers": headers_of(&headers),
        "content": {PROBLEM: {"schema": reference("Problem"), "examples": examples}},
    })
}

fn example(status: StatusCode, code: Code) -> Value {
    let detail = format!("{}.", code.title());
    let error = if status == StatusCode::UNPROCESSABLE_ENTITY && code == Code::InvalidRequest {
        let detail = "must be a whole number from 5 to 3600".to_owned();
        ApiError::fields(vec![FieldError { pointer: "/timeout_s".to_owned(), detail }])
    } else {
        ApiError::new(code, detail)
    };
    let problem = error.problem("4bf92f3577b34da6a3ce929d0e0e4736");
    serde_json::to_value(problem).expect("a problem is JSON")
}

/// References to headers of the components.
fn headers_of(names: &[&str]) -> Value {
    let with_id = names.iter().copied().chain(["X-Request-Id"]);
    let header =
        |name: &str| (name.to_owned(), json!({"$ref": format!("#/components/headers/{name}")}));
    Value::Object(with_id.map(header).collect())
}

/// What a wire type looks like: the fixtures that every release must be able to read.
pub(super) fn fixture(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/fixtures/v1");
    let path = folder.join(format!("{name}.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    serde_json::from_str(&text).expect("a fixture is JSON")
}
