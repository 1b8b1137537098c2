//! What shows measurements to others: the SDK, and the text format of Prometheus.
//!
//! A process is set up once, before its first measurement: instruments that were made before go
//! nowhere for good. [`prometheus()`] makes a provider with the reader for `/metrics`; other readers
//! (OTLP) are added to it; [`install`] makes it the process's.

use std::sync::OnceLock;

use opentelemetry::global;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::metrics::{MeterProviderBuilder, SdkMeterProvider};
use prometheus::{Registry, TextEncoder};

static REGISTRY: OnceLock<Registry> = OnceLock::new();

/// A provider that [`super::exposition`] will read, to which other readers may be added.
#[derive(Debug)]
pub struct Provider {
    /// The provider. `with_reader` adds a reader.
    pub builder: MeterProviderBuilder,
    registry: Registry,
}

/// A provider for a process that `resource` describes: it appears as `target_info`.
///
/// # Errors
/// If the reader cannot be made.
pub fn prometheus(resource: Resource) -> Result<Provider, OTelSdkError> {
    let registry = Registry::new();
    let exporter = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        // Every instrument is ours: a label that says so on every series says nothing.
        .scope_info_enabled(false)
        .build()?;
    let builder = SdkMeterProvider::builder().with_resource(resource).with_reader(exporter);
    Ok(Provider { builder, registry })
}

/// Measures with this provider from now on, all counters at 0. Whoever holds what is returned
/// flushes it before the process ends.
///
/// A second call changes nothing of what is measured, and shows what the first provider has.
pub fn install(provider: Provider) -> SdkMeterProvider {
    let Provider { builder, registry } = provider;
    let provider = builder.build();
    if REGISTRY.set(registry).is_ok() {
        global::set_meter_provider(provider.clone());
        super::register();
    }
    provider
}

/// What is measured, for [`super::exposition`].
pub(super) fn text() -> Option<String> {
    let registry = REGISTRY.get()?;
    // Writing to memory does not fail; if a family were malformed, the rest is no better.
    TextEncoder::new().encode_to_string(&registry.gather()).ok()
}
