//! KEDA's objects, as far as they are used: Kubernetes has no schema of them. A field that is not
//! here is refused; one that is newly used is added here, from KEDA's own reference.

#![expect(dead_code, reason = "most fields are there to be known, and nobody reads them")]

use serde::Deserialize;
use serde_json::Value;

use super::document::Document;

/// The group that the objects are of.
const GROUP: &str = "keda.sh/v1alpha1";

/// Whether an object is one of KEDA's, by its group or its kind.
pub(super) fn is_its(document: &Document) -> bool {
    document.text("/apiVersion").starts_with("keda.sh/")
        || ["ScaledObject", "TriggerAuthentication"].contains(&document.kind.as_str())
}

/// What is wrong with one of KEDA's objects.
pub(super) fn complaint(document: &Document) -> Option<String> {
    let value = &document.value;
    let read = match document.kind.as_str() {
        "ScaledObject" => Object::<ScaledObject>::deserialize(value).err(),
        "TriggerAuthentication" => Object::<TriggerAuthentication>::deserialize(value).err(),
        other => return Some(format!("{other} of {GROUP} is not known here")),
    };
    let group = document.text("/apiVersion");
    let of_another = (group != GROUP).then(|| format!("apiVersion: {group} is not {GROUP}"));
    read.map(|error| error.to_string()).or(of_another)
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
    labels: super::document::Map,
    annotations: Option<super::document::Map>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ScaledObject {
    scale_target_ref: Target,
    polling_interval: u32,
    pub(super) min_replica_count: u32,
    pub(super) max_replica_count: u32,
    advanced: Option<Advanced>,
    pub(super) triggers: Vec<Trigger>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Target {
    api_version: String,
    kind: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Advanced {
    horizontal_pod_autoscaler_config: AutoscalerConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct AutoscalerConfig {
    behavior: Behavior,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Behavior {
    scale_up: Option<Scaling>,
    scale_down: Option<Scaling>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Scaling {
    stabilization_window_seconds: Option<u32>,
    policies: Vec<Policy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Policy {
    r#type: PolicyType,
    value: u32,
    period_seconds: u32,
}

#[derive(Deserialize)]
enum PolicyType {
    Pods,
    Percent,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Trigger {
    r#type: TriggerType,
    metric_type: Option<MetricType>,
    pub(super) metadata: PostgresqlMetadata,
    pub(super) authentication_ref: AuthenticationRef,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum TriggerType {
    Postgresql,
}

#[derive(Deserialize)]
enum MetricType {
    AverageValue,
}

/// Every value is text, numbers too.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PostgresqlMetadata {
    pub(super) target_query_value: String,
    pub(super) query: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AuthenticationRef {
    pub(super) name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TriggerAuthentication {
    pub(super) secret_target_ref: Vec<SecretTarget>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretTarget {
    parameter: Parameter,
    pub(super) name: String,
    pub(super) key: String,
}

/// What the trigger takes from a secret.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
enum Parameter {
    Host,
    Port,
    UserName,
    Password,
    DbName,
    Sslmode,
}

/// The part of an object that rules are about.
pub(super) fn spec<'d, S: Deserialize<'d>>(document: &'d Document) -> Option<S> {
    let spec: &Value = document.value.pointer("/spec")?;
    S::deserialize(spec).ok()
}
