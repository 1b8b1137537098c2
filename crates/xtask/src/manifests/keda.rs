//! KEDA's objects, as far as they are used: Kubernetes has no schema of them. A field that is not
//! here is refused; one that is newly used is added here, from KEDA's own reference.

#![expect(dead_code, reason = "most fields are there to be known, and nobody reads them")]

use serde::Deserialize;

/// The group that the objects are of.
pub(super) const GROUP: &str = "keda.sh/v1alpha1";

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
