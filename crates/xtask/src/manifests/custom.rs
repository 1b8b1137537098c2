//! Objects that Kubernetes has no schema of: KEDA's and the Prometheus Operator's.

#![expect(dead_code, reason = "most fields are there to be known, and nobody reads them")]

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::document::{Document, Map};
use super::{keda, prometheus};
use crate::observability::alerts::Rules;

/// The groups that such objects are of, whatever their version.
const GROUPS: [&str; 2] = ["keda.sh/", "monitoring.coreos.com/"];
const KINDS: [&str; 4] = ["ScaledObject", "TriggerAuthentication", "PodMonitor", "PrometheusRule"];

/// Whether an object is one of these, by its group or its kind.
pub(super) fn is_its(document: &Document) -> bool {
    let group = document.text("/apiVersion");
    GROUPS.iter().any(|its| group.starts_with(its)) || KINDS.contains(&document.kind.as_str())
}

/// What is wrong with one of these objects.
pub(super) fn complaint(document: &Document) -> Option<String> {
    let (group, error) = match document.kind.as_str() {
        "ScaledObject" => (keda::GROUP, read::<keda::ScaledObject>(document)),
        "TriggerAuthentication" => (keda::GROUP, read::<keda::TriggerAuthentication>(document)),
        "PodMonitor" => (prometheus::GROUP, read::<prometheus::PodMonitor>(document)),
        "PrometheusRule" => (prometheus::GROUP, read::<Rules>(document)),
        other => return Some(format!("{other} is not known here")),
    };
    let its = document.text("/apiVersion");
    let of_another = (its != group).then(|| format!("apiVersion: {its} is not {group}"));
    error.or(of_another)
}

/// Why an object has not the form that is known of it.
fn read<S: DeserializeOwned>(document: &Document) -> Option<String> {
    Object::<S>::deserialize(&document.value).err().map(|error| error.to_string())
}

/// The part of an object that rules are about.
pub(super) fn spec<'d, S: Deserialize<'d>>(document: &'d Document) -> Option<S> {
    let spec: &Value = document.value.pointer("/spec")?;
    S::deserialize(spec).ok()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Object<S> {
    api_version: String,
    kind: String,
    metadata: Metadata,
    spec: S,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Metadata {
    name: String,
    namespace: Option<String>,
    labels: Map,
    annotations: Option<Map>,
}
