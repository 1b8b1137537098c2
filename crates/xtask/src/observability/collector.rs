//! What the OpenTelemetry Collector and Jaeger, which is one, are told, as far as it is used: a field
//! that is not here is refused. One that is newly used is added here, from the reference of its
//! component in <https://github.com/open-telemetry/opentelemetry-collector-contrib>.

#![expect(dead_code, reason = "most fields are there to be known, and nobody reads them")]

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What the collector is told.
pub(super) const COLLECTOR: &str = "deploy/observability/collector.yaml";
/// What Jaeger is told.
pub(super) const JAEGER: &str = "deploy/observability/jaeger.yaml";

/// Components by their names, such as `otlp_grpc/jaeger`: what each is told is read by its type.
type Components = BTreeMap<String, Value>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Collector {
    receivers: Components,
    processors: Components,
    exporters: Components,
    #[serde(default)]
    extensions: Components,
    service: Service,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Service {
    #[serde(default)]
    extensions: Vec<String>,
    telemetry: Telemetry,
    pipelines: BTreeMap<Signal, Pipeline>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Signal {
    Traces,
    Metrics,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pipeline {
    receivers: Vec<String>,
    processors: Vec<String>,
    exporters: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Telemetry {
    metrics: OwnMetrics,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnMetrics {
    level: Level,
    #[serde(default)]
    readers: Vec<Reader>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    None,
    Normal,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Reader {
    Pull { exporter: PullExporter },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum PullExporter {
    Prometheus { host: String, port: u16 },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Otlp {
    protocols: Protocols,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Protocols {
    grpc: Listener,
    http: Option<Listener>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listener {
    endpoint: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MemoryLimiter {
    check_interval: String,
    limit_mib: u32,
    spike_limit_mib: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    send_batch_size: u32,
    send_batch_max_size: u32,
    timeout: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TailSampling {
    decision_wait: String,
    num_traces: u32,
    expected_new_traces_per_sec: u32,
    decision_cache: DecisionCache,
    policies: Vec<Policy>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DecisionCache {
    sampled_cache_size: u32,
    non_sampled_cache_size: u32,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum Policy {
    StatusCode { name: String, status_code: StatusCodes },
    Latency { name: String, latency: Latency },
    Probabilistic { name: String, probabilistic: Probabilistic },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusCodes {
    status_codes: Vec<StatusCode>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum StatusCode {
    Error,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Latency {
    threshold_ms: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Probabilistic {
    sampling_percentage: f64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OtlpGrpc {
    endpoint: String,
    tls: Tls,
    retry_on_failure: Retry,
    sending_queue: Queue,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tls {
    insecure: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Retry {
    enabled: bool,
    max_elapsed_time: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Queue {
    enabled: bool,
    queue_size: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PrometheusExporter {
    endpoint: String,
    metric_expiration: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JaegerStorage {
    backends: BTreeMap<String, Backend>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Backend {
    Memory { max_traces: u32 },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JaegerQuery {
    storage: QueryStorage,
    http: Listener,
    grpc: Listener,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct QueryStorage {
    traces: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct JaegerExporter {
    trace_storage: String,
}

/// Whether `settings` are of a known form.
fn reads<T: DeserializeOwned>(settings: &Value) -> Result<(), String> {
    T::deserialize(settings).map(drop).map_err(|error| error.to_string())
}

/// What is wrong with the settings of one component.
fn complaint(name: &str, settings: &Value) -> Option<String> {
    let kind = name.split('/').next().unwrap_or(name);
    let read = match kind {
        "otlp" => reads::<Otlp>(settings),
        "memory_limiter" => reads::<MemoryLimiter>(settings),
        "batch" => reads::<Batch>(settings),
        "tail_sampling" => reads::<TailSampling>(settings),
        "otlp_grpc" => reads::<OtlpGrpc>(settings),
        "prometheus" => reads::<PrometheusExporter>(settings),
        "jaeger_storage" => reads::<JaegerStorage>(settings),
        "jaeger_query" => reads::<JaegerQuery>(settings),
        "jaeger_storage_exporter" => reads::<JaegerExporter>(settings),
        _ => Err("it is not known here".to_owned()),
    };
    read.err().map(|error| format!("{name}: {error}"))
}

impl Collector {
    /// What is wrong with it: settings, and parts of pipelines that are not there.
    pub(super) fn findings(&self, file: &str) -> Vec<String> {
        let Self { receivers, processors, exporters, extensions, service } = self;
        let all = [receivers, processors, exporters, extensions];
        let settings = all.into_iter().flatten();
        let mut found: Vec<String> =
            settings.filter_map(|(name, settings)| complaint(name, settings)).collect();
        let mut named = vec![(&service.extensions, extensions)];
        for (signal, pipeline) in &service.pipelines {
            named.push((&pipeline.receivers, receivers));
            named.push((&pipeline.processors, processors));
            named.push((&pipeline.exporters, exporters));
            // Else what comes in is taken before anybody asks whether there is room for it.
            if pipeline.processors.first().is_none_or(|first| first != "memory_limiter") {
                found.push(format!("{signal:?}: the memory is not limited first"));
            }
        }
        for at in ["/jaeger_query/storage/traces", "/jaeger_storage_exporter/trace_storage"] {
            found.extend(self.missing_storage(at));
        }
        for (names, there) in named {
            let absent = names.iter().filter(|name| !there.contains_key(*name));
            found.extend(absent.map(|name| format!("{name} is not there")));
        }
        found.into_iter().map(|finding| format!("{file}: {finding}")).collect()
    }

    /// A storage of Jaeger that is named by a component, and that none of its storages is.
    fn missing_storage(&self, at: &str) -> Option<String> {
        let (component, field) = at[1..].split_once('/')?;
        let settings = self.extensions.get(component).or_else(|| self.exporters.get(component))?;
        let named = settings.pointer(&format!("/{field}"))?.as_str()?;
        let storages = self.extensions.get("jaeger_storage")?.pointer("/backends");
        let is_there = storages.and_then(|storages| storages.get(named)).is_some();
        (!is_there).then(|| format!("{component}: there is no storage {named}"))
    }
}
