//! What `kubectl kustomize` rendered, as documents and as the parts that rules are about.

use std::collections::BTreeMap;

use anyhow::Context as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::pod::Workload;

/// One object, as it would be applied.
#[derive(Debug, Clone)]
pub(super) struct Document {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) value: Value,
}

/// Everything that one kustomization makes.
#[derive(Debug)]
pub(super) struct Rendered {
    /// Its folder beneath deploy/kubernetes.
    pub(super) name: String,
    pub(super) documents: Vec<Document>,
}

/// Labels, selectors and data.
pub(super) type Map = BTreeMap<String, String>;

impl Document {
    /// Reads what makes an object one; what is wrong with it otherwise.
    pub(super) fn of(value: Value) -> Result<Self, String> {
        let text = |pointer| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let missing = |field| format!("an object without {field}: {value}");
        text("/apiVersion").ok_or_else(|| missing("apiVersion"))?;
        let kind = text("/kind").ok_or_else(|| missing("kind"))?;
        let name = text("/metadata/name").ok_or_else(|| missing("metadata.name"))?;
        Ok(Self { kind, name, value })
    }

    /// `Deployment/gateway`.
    pub(super) fn title(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }

    /// What is at a JSON pointer, if it is there and of this form. The schemas are asked before
    /// any rule, so what has another form is something else, too.
    pub(super) fn at<T: DeserializeOwned>(&self, pointer: &str) -> Option<T> {
        self.value.pointer(pointer).and_then(|value| T::deserialize(value).ok())
    }

    /// The text at a JSON pointer, or nothing.
    pub(super) fn text(&self, pointer: &str) -> &str {
        self.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// Labels, annotations or data at a JSON pointer.
    pub(super) fn map(&self, pointer: &str) -> Map {
        self.at(pointer).unwrap_or_default()
    }

    /// How many fields it has, at every depth.
    pub(super) fn fields(&self) -> usize {
        fields(&self.value)
    }
}

fn fields(value: &Value) -> usize {
    match value {
        Value::Object(members) => members.len() + members.values().map(fields).sum::<usize>(),
        Value::Array(items) => items.iter().map(fields).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

impl Rendered {
    /// Reads a stream of YAML documents.
    ///
    /// # Errors
    /// If it is none, or one of them is no object of Kubernetes.
    pub(super) fn of(name: &str, yaml: &str) -> anyhow::Result<Self> {
        let mut documents = Vec::new();
        for document in serde_norway::Deserializer::from_str(yaml) {
            let value = Value::deserialize(document).with_context(|| format!("{name}: YAML"))?;
            documents.push(Document::of(value).map_err(anyhow::Error::msg)?);
        }
        Ok(Self { name: name.to_owned(), documents })
    }

    /// Whether it is there to be applied. The base is there to be built upon.
    pub(super) fn is_applied(&self) -> bool {
        self.name != super::BASE
    }

    pub(super) fn of_kind(&self, kind: &'static str) -> impl Iterator<Item = &Document> {
        self.documents.iter().filter(move |document| document.kind == kind)
    }

    pub(super) fn named(&self, kind: &'static str, name: &str) -> Option<&Document> {
        self.of_kind(kind).find(|document| document.name == name)
    }

    /// Everything that makes pods.
    pub(super) fn workloads(&self) -> Vec<Workload<'_>> {
        self.documents.iter().filter_map(Workload::of).collect()
    }

    /// The workloads that run Assay.
    pub(super) fn ours(&self) -> Vec<Workload<'_>> {
        let mut workloads = self.workloads();
        workloads.retain(Workload::is_ours);
        workloads
    }
}

/// Whether `labels` are among those that a selector wants.
pub(super) fn selects(selector: &Map, labels: &Map) -> bool {
    selector.iter().all(|(name, value)| labels.get(name) == Some(value))
}
