//! Sending traces to a collector, by OTLP.

use std::collections::HashMap;
use std::error::Error;
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{KeyValue, global};
use opentelemetry_otlp::tonic_types::metadata::MetadataMap;
use opentelemetry_otlp::tonic_types::transport::ClientTlsConfig;
use opentelemetry_otlp::{
    ExporterBuildError, SpanExporter, WithExportConfig as _, WithHttpConfig as _,
    WithTonicConfig as _,
};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::registry::LookupSpan;

use crate::exporting::{Exporting, Protocol};
use crate::spans;

/// What the last sending may take.
const FINISH_MAX: Duration = Duration::from_secs(5);
/// What one sending may take.
const SEND_MAX: Duration = Duration::from_secs(5);

/// Why telemetry cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A header is none that this protocol can carry.
    #[error("the header {0:?} cannot be sent")]
    Header(String),
    /// Nothing can be sent to this address.
    #[error("the collector's address cannot be used")]
    Endpoint(#[source] ExporterBuildError),
}

/// Sends spans in batches, from a thread of its own: nothing waits for a collector, and what it does
/// not take in time is dropped.
#[derive(Debug)]
pub(crate) struct Exporter {
    traces: SdkTracerProvider,
}

impl Exporter {
    /// Begins to send. Nothing is connected to yet: a collector that is away is no error.
    pub(crate) fn new(exporting: &Exporting) -> Result<Self, ExportError> {
        let sampler = Sampler::TraceIdRatioBased(exporting.trace_ratio);
        let traces = SdkTracerProvider::builder()
            .with_batch_exporter(span_exporter(exporting)?)
            .with_sampler(Sampler::ParentBased(Box::new(sampler)))
            .with_resource(resource(exporting))
            .build();
        global::set_tracer_provider(traces.clone());
        Ok(Self { traces })
    }

    /// What has our spans sent.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        layer(&self.traces)
    }

    /// Sends what was not sent yet.
    pub(crate) async fn finish(self) {
        // It blocks, and must not block what it sends by.
        let finishing =
            tokio::task::spawn_blocking(move || self.traces.shutdown_with_timeout(FINISH_MAX));
        match finishing.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(error = &error as &dyn Error, "the last spans were not sent");
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn Error, "the last spans were not sent");
            }
        }
    }
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
    let Exporting { endpoint, protocol, headers, .. } = exporting;
    match protocol {
        Protocol::Http => SpanExporter::builder()
            .with_http()
            .with_protocol(opentelemetry_otlp::Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .with_headers(headers.iter().cloned().collect::<HashMap<_, _>>())
            .with_timeout(SEND_MAX)
            .build(),
        Protocol::Grpc => {
            let mut exporter = SpanExporter::builder()
                .with_tonic()
                .with_endpoint(endpoint)
                .with_metadata(metadata(headers)?)
                .with_timeout(SEND_MAX);
            if endpoint.starts_with("https:") {
                exporter = exporter.with_tls_config(ClientTlsConfig::new().with_native_roots());
            }
            exporter.build()
        }
    }
    .map_err(ExportError::Endpoint)
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

fn resource(exporting: &Exporting) -> Resource {
    let attributes = exporting.resource.iter();
    let attributes = attributes.map(|(name, value)| KeyValue::new(name.clone(), value.clone()));
    Resource::builder_empty().with_schema_url(attributes, spans::SCHEMA_URL).build()
}

#[cfg(test)]
mod tests;
