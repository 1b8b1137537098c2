//! A collector of traces and metrics in the process of the test, over both protocols.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValue;
use opentelemetry_proto::tonic::common::v1::{AnyValue as Any, KeyValue};
use opentelemetry_proto::tonic::trace::v1 as otlp;
use prost::Message as _;
use testkit::loopback::ClosedPort;
use testkit::provider::{Reply, Request, ScriptedProvider};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

/// What everything must be sent along with.
pub(super) const KEY: &str = "Basic dTpw";

/// What was received.
#[derive(Clone, Default)]
struct Received(Arc<Mutex<Messages>>);

#[derive(Default)]
struct Messages {
    traces: Vec<ExportTraceServiceRequest>,
    metrics: Vec<ExportMetricsServiceRequest>,
    /// What is wrong with a message, if something was.
    wrong: Vec<String>,
}

/// A span with what its resource and its scope say.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub(super) name: String,
    pub(super) kind: otlp::span::SpanKind,
    pub(super) trace_id: Vec<u8>,
    pub(super) id: Vec<u8>,
    /// Empty for none.
    pub(super) parent: Vec<u8>,
    pub(super) links: Vec<Vec<u8>>,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) has_failed: bool,
    pub(super) times: (u64, u64),
    pub(super) resource: BTreeMap<String, String>,
    /// Of the resource and of the scope.
    pub(super) schema_urls: [String; 2],
}

/// A collector; it stops when it is dropped.
pub(super) struct Collector {
    pub(super) url: String,
    pub(super) protocol: &'static str,
    received: Received,
    _serving: Serving,
}

enum Serving {
    Nobody { _closed: ClosedPort },
    Http { _server: ScriptedProvider },
    Grpc { _stop: DropGuard },
}

impl Collector {
    /// One that is spoken to over HTTP.
    pub(super) fn http() -> Self {
        let received = Received::default();
        let kept = received.clone();
        let server = ScriptedProvider::start(move |_, request| kept.take(request));
        let url = server.url();
        let serving = Serving::Http { _server: server };
        Self { url, protocol: "http/protobuf", received, _serving: serving }
    }

    /// None: nobody listens there.
    pub(super) fn away() -> Self {
        let closed = ClosedPort::any();
        let url = format!("http://{}", closed.address());
        let serving = Serving::Nobody { _closed: closed };
        Self { url, protocol: "http/protobuf", received: Received::default(), _serving: serving }
    }

    /// One that takes what it is sent, and never answers.
    pub(super) fn silent() -> Self {
        let server = ScriptedProvider::start(|_, _| Reply::silence());
        let (url, received) = (server.url(), Received::default());
        let serving = Serving::Http { _server: server };
        Self { url, protocol: "http/protobuf", received, _serving: serving }
    }

    /// One that is spoken to over gRPC.
    pub(super) async fn grpc() -> Self {
        let received = Received::default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let serving = Server::builder()
            .add_service(TraceServiceServer::new(received.clone()))
            .add_service(MetricsServiceServer::new(received.clone()))
            .serve_with_incoming_shutdown(
                TcpIncoming::from(listener),
                stop.clone().cancelled_owned(),
            );
        tokio::spawn(serving);
        let serving = Serving::Grpc { _stop: stop.drop_guard() };
        Self { url, protocol: "grpc", received, _serving: serving }
    }

    /// All spans that came.
    pub(super) fn spans(&self) -> Vec<Span> {
        let received = self.received.lock();
        assert_eq!(received.wrong, Vec::<String>::new());
        received.traces.iter().flat_map(spans).collect()
    }

    /// The names of all metrics that came.
    pub(super) fn metrics(&self) -> BTreeSet<String> {
        let received = self.received.lock();
        let resources = received.metrics.iter().flat_map(|request| &request.resource_metrics);
        let scopes = resources.flat_map(|resource| &resource.scope_metrics);
        scopes.flat_map(|scope| &scope.metrics).map(|metric| metric.name.clone()).collect()
    }
}

impl Received {
    fn lock(&self) -> MutexGuard<'_, Messages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what was posted.
    fn take(&self, request: &Request) -> Reply {
        self.check(request.header("authorization"));
        let bytes = request.bytes.as_slice();
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/v1/traces") => match ExportTraceServiceRequest::decode(bytes) {
                Ok(message) => self.lock().traces.push(message),
                Err(error) => self.lock().wrong.push(error.to_string()),
            },
            ("POST", "/v1/metrics") => match ExportMetricsServiceRequest::decode(bytes) {
                Ok(message) => self.lock().metrics.push(message),
                Err(error) => self.lock().wrong.push(error.to_string()),
            },
            other => self.lock().wrong.push(format!("{other:?}")),
        }
        Reply::status(200)
    }

    /// Notes whether a message came with the key.
    fn check(&self, key: Option<&str>) {
        if key != Some(KEY) {
            self.lock().wrong.push(format!("sent along with {key:?}"));
        }
    }
}

#[tonic::async_trait]
impl TraceService for Received {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        self.check(authorization(&request));
        self.lock().traces.push(request.into_inner());
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Received {
    async fn export(
        &self,
        request: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Result<tonic::Response<ExportMetricsServiceResponse>, tonic::Status> {
        self.check(authorization(&request));
        self.lock().metrics.push(request.into_inner());
        Ok(tonic::Response::new(ExportMetricsServiceResponse::default()))
    }
}

fn authorization<T>(request: &tonic::Request<T>) -> Option<&str> {
    request.metadata().get("authorization").and_then(|key| key.to_str().ok())
}

fn spans(request: &ExportTraceServiceRequest) -> Vec<Span> {
    let mut all = Vec::new();
    for of_resource in &request.resource_spans {
        let resource = of_resource.resource.as_ref().map(|resource| texts(&resource.attributes));
        let resource = resource.unwrap_or_default();
        for of_scope in &of_resource.scope_spans {
            let about = |span: &otlp::Span| Span {
                name: span.name.clone(),
                kind: span.kind(),
                trace_id: span.trace_id.clone(),
                id: span.span_id.clone(),
                parent: span.parent_span_id.clone(),
                links: span.links.iter().map(|link| link.span_id.clone()).collect(),
                attributes: texts(&span.attributes),
                has_failed: span.status.as_ref().is_some_and(|status| status.code == 2),
                times: (span.start_time_unix_nano, span.end_time_unix_nano),
                resource: resource.clone(),
                schema_urls: [of_resource.schema_url.clone(), of_scope.schema_url.clone()],
            };
            all.extend(of_scope.spans.iter().map(about));
        }
    }
    all
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Option<Any>| match value.as_ref().and_then(|any| any.value.as_ref()) {
        Some(AnyValue::StringValue(text)) => text.clone(),
        Some(AnyValue::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    attributes.iter().map(|pair| (pair.key.clone(), text(&pair.value))).collect()
}
