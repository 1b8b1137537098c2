//! Sending traces and metrics to a collector, by OTLP, and showing metrics to Prometheus.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{KeyValue, global};
use opentelemetry_otlp::tonic_types::metadata::MetadataMap;
use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;
use opentelemetry_otlp::{
    ExporterBuildError, MetricExporter, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
    WithTonicConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::registry::LookupSpan;

use crate::exporting::{Exporting, Protocol, Server};
use crate::{metrics, spans};

/// What the last sending may take, all in all.
const FINISH_MAX: Duration = Duration::from_secs(5);
/// What one sending may take.
const SEND_MAX: Duration = Duration::from_secs(5);

// The builders of the two kinds of exporters have the same methods and no trait in common.
macro_rules! over_http {
    ($builder:expr, $exporting:expr, $what:literal) => {
        $builder
            .with_http()
            .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
            .with_endpoint(concat_path(&$exporting.endpoint, concat!("v1/", $what)))
            .with_headers($exporting.headers.iter().cloned().collect::<HashMap<_, _>>())
            .with_timeout(SEND_MAX)
            .build()
    };
}

macro_rules! over_grpc {
    ($builder:expr, $exporting:expr) => {{
        let mut exporter = $builder
            .with_tonic()
            .with_endpoint(&$exporting.endpoint)
            .with_metadata(metadata(&$exporting.headers)?)
            .with_timeout(SEND_MAX);
        if $exporting.endpoint.starts_with("https:") {
            exporter = exporter.with_tls_config(ClientTlsConfig::new().with_native_roots());
        }
        exporter.build()
    }};
}

/// Why telemetry cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A header is none that this protocol can carry.
    #[error("the header {0:?} cannot be sent")]
    Header(String),
    /// Metrics cannot be shown.
    #[error("metrics cannot be shown")]
    Show(#[from] OTelSdkError),
    /// Nothing can be sent to this address.
    #[error("the collector's address cannot be used")]
    Endpoint(#[source] ExporterBuildError),
}

/// Shows metrics, and sends them and spans in batches, from threads of its own: nothing waits for a
/// collector, and what it does not take in time is dropped.
#[derive(Debug)]
pub(crate) struct Exporter {
    traces: Option<SdkTracerProvider>,
    metrics: SdkMeterProvider,
}

impl Exporter {
    /// Begins to measure, and to send if there is somewhere to send to. Nothing is connected to yet:
    /// a collector that is away is no error.
    pub(crate) fn new(server: &Server) -> Result<Self, ExportError> {
        let mut metrics = metrics::export::prometheus(resource(server))?;
        let mut traces = None;
        if let Some(exporting) = &server.exporting {
            let exporter = metric_exporter(exporting)?;
            metrics.builder = metrics.builder.with_periodic_exporter(exporter);
            traces = Some(tracer_provider(exporting, resource(server))?);
        }
        let metrics = metrics::export::install(metrics);
        if let Some(traces) = &traces {
            global::set_tracer_provider(traces.clone());
        }
        Ok(Self { traces, metrics })
    }

    /// What has our spans sent, if they are.
    pub(crate) fn layer<S>(&self) -> Option<impl Layer<S> + Send + Sync + use<S>>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        self.traces.as_ref().map(layer)
    }

    /// Sends what was not sent yet, within [`FINISH_MAX`].
    pub(crate) async fn finish(self) {
        let Self { traces, metrics } = self;
        // It blocks, and must not block what it sends by.
        let last_spans = spawn_blocking(move || {
            traces.map_or(Ok(()), |traces| traces.shutdown_with_timeout(FINISH_MAX))
        });
        let last_metrics = spawn_blocking(move || metrics.shutdown_with_timeout(FINISH_MAX));
        let until = Instant::now() + FINISH_MAX;
        for finishing in [last_spans, last_metrics] {
            match timeout_at(until, finishing).await {
                Ok(Ok(Ok(()))) => {}
                Ok(Ok(Err(error))) => {
                    tracing::warn!(error = &error as &dyn Error, "the last telemetry was not sent");
                }
                // A panic is in the log.
                Ok(Err(_panic)) => {}
                Err(_elapsed) => tracing::warn!("the last telemetry was not sent in time"),
            }
        }
    }
}

fn tracer_provider(
    exporting: &Exporting,
    resource: Resource,
) -> Result<SdkTracerProvider, ExportError> {
    let sampler = Sampler::TraceIdRatioBased(exporting.trace_ratio);
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(span_exporter(exporting)?)
        .with_sampler(Sampler::ParentBased(Box::new(sampler)))
        .with_resource(resource)
        .build())
}

/// What makes spans of ours ones of this provider. Events are for the log.
fn layer<S>(traces: &SdkTracerProvider) -> impl Layer<S> + Send + Sync + use<S>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let is_ours =
        FilterFn::new(|metadata| metadata.is_span() && metadata.target() == spans::TARGET);
    OpenTelemetryLayer::new(traces.tracer_with_scope(spans::scope()))
        .with_context_activation(false)
        .with_level(false)
        .with_location(false)
        .with_target(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(is_ours.with_max_level_hint(spans::LEVEL))
}

fn span_exporter(exporting: &Exporting) -> Result<SpanExporter, ExportError> {
    match exporting.protocol {
        Protocol::Http => over_http!(SpanExporter::builder(), exporting, "traces"),
        Protocol::Grpc => over_grpc!(SpanExporter::builder(), exporting),
    }
    .map_err(ExportError::Endpoint)
}

fn metric_exporter(exporting: &Exporting) -> Result<MetricExporter, ExportError> {
    match exporting.protocol {
        Protocol::Http => over_http!(MetricExporter::builder(), exporting, "metrics"),
        Protocol::Grpc => over_grpc!(MetricExporter::builder(), exporting),
    }
    .map_err(ExportError::Endpoint)
}

fn concat_path(endpoint: &str, path: &str) -> String {
    format!("{}/{path}", endpoint.trim_end_matches('/'))
}

fn metadata(headers: &[(String, String)]) -> Result<MetadataMap, ExportError> {
    let mut map = http::HeaderMap::new();
    for (name, value) in headers {
        let unfit = || ExportError::Header(name.clone());
        let key: http::HeaderName = name.parse().map_err(|_| unfit())?;
        map.insert(key, value.parse().map_err(|_| unfit())?);
    }
    Ok(MetadataMap::from_headers(map))
}

fn resource(server: &Server) -> Resource {
    let attributes = server.resource.iter();
    let attributes = attributes.map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
    Resource::builder_empty().with_schema_url(attributes, spans::SCHEMA_URL).build()
}

#[cfg(test)]
mod tests;
