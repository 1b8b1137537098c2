//! What is named must be there.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::manifests::custom;
use crate::manifests::document::{Document, Rendered, selects};
use crate::manifests::keda::{ScaledObject, TriggerAuthentication};
use crate::manifests::pod::{Reference, Workload};

/// A Secret that whoever applies an overlay brings, and its keys. docs/kubernetes.md says how.
pub(crate) struct Brought {
    pub(crate) secret: &'static str,
    pub(crate) keys: &'static [&'static str],
}

const fn brought(secret: &'static str, keys: &'static [&'static str]) -> Brought {
    Brought { secret, keys }
}

pub(crate) const BROUGHT: [Brought; 5] = [
    brought("assay", &["database_url", "amqp_url"]),
    brought("assay-scaler", &["host", "port", "user", "password", "database", "sslmode"]),
    brought("assay-tls", &["tls.crt", "tls.key"]),
    // Where the collector asks who sends; it may be missing.
    brought("assay-tracing", &["otlp_headers"]),
    brought("assay-users", &["htpasswd"]),
];

pub(super) fn named(rendered: &Rendered) -> Vec<String> {
    let mut found = Vec::new();
    for workload in rendered.workloads() {
        found.extend(of_workload(rendered, &workload));
    }
    for document in &rendered.documents {
        let title = document.title();
        let missing = of_document(rendered, document).into_iter();
        found.extend(missing.map(|what| format!("{title}: there is no {what}")));
    }
    found
}

/// The Secrets that a kustomization names and does not make.
pub(crate) fn to_be_brought(rendered: &Rendered) -> BTreeSet<String> {
    let workloads = rendered.workloads();
    let of_pods = workloads.iter().flat_map(secrets_of_pod);
    let of_objects = rendered.documents.iter().flat_map(secrets_of);
    let named = of_pods.chain(of_objects).map(|reference| reference.name);
    named.filter(|name| rendered.named("Secret", name).is_none()).collect()
}

fn of_workload(rendered: &Rendered, workload: &Workload<'_>) -> Vec<String> {
    let title = workload.document.title();
    let mut missing = Vec::new();
    let account = &workload.pod.service_account_name;
    if rendered.named("ServiceAccount", account).is_none() {
        missing.push(format!("ServiceAccount {account:?}"));
    }
    for secret in secrets_of_pod(workload) {
        missing.extend(missing_secret(rendered, &secret));
    }
    let containers = workload.containers();
    let sources = containers.flat_map(|container| {
        let of_variables = container.env.iter().filter_map(|variable| variable.value_from.as_ref());
        container.env_from.iter().chain(of_variables)
    });
    for source in sources {
        for config in source.config_map_ref.iter().chain(&source.config_map_key_ref) {
            let there = rendered.named("ConfigMap", &config.name).map(|map| map.map("/data"));
            if there.is_none_or(|data| !config.key.is_empty() && !data.contains_key(&config.key)) {
                missing.push(format!("ConfigMap {} with {:?}", config.name, config.key));
            }
        }
    }
    missing.into_iter().map(|what| format!("{title}: there is no {what}")).collect()
}

fn secrets_of_pod(workload: &Workload<'_>) -> Vec<Reference> {
    let containers = workload.containers();
    let sources = containers.flat_map(|container| {
        let of_variables = container.env.iter().filter_map(|variable| variable.value_from.as_ref());
        container.env_from.iter().chain(of_variables)
    });
    let named = sources.flat_map(|source| source.secret_ref.iter().chain(&source.secret_key_ref));
    named.cloned().collect()
}

/// The Secrets that an object other than a workload names.
fn secrets_of(document: &Document) -> Vec<Reference> {
    let reference =
        |name: &str, key: &str| Reference { name: name.to_owned(), key: key.to_owned() };
    match document.kind.as_str() {
        "TriggerAuthentication" => {
            let spec = custom::spec::<TriggerAuthentication>(document);
            let targets = spec.map(|spec| spec.secret_target_ref).unwrap_or_default();
            targets.iter().map(|target| reference(&target.name, &target.key)).collect()
        }
        "Ingress" => {
            let tls: Vec<Value> = document.at("/spec/tls").unwrap_or_default();
            let certificates = tls.iter().map(|tls| tls.get("secretName").and_then(Value::as_str));
            let certificates =
                certificates.map(|name| reference(name.unwrap_or_default(), "tls.crt"));
            let annotations = document.map("/metadata/annotations");
            let users = annotations.get("nginx.org/basic-auth-secret");
            certificates.chain(users.map(|users| reference(users, "htpasswd"))).collect()
        }
        _ => Vec::new(),
    }
}

fn missing_secret(rendered: &Rendered, secret: &Reference) -> Option<String> {
    let Reference { name, key } = secret;
    let is_there = match rendered.named("Secret", name) {
        Some(made) => key.is_empty() || made.map("/data").contains_key(key),
        None => BROUGHT.iter().any(|brought| {
            brought.secret == name && (key.is_empty() || brought.keys.contains(&key.as_str()))
        }),
    };
    (!is_there).then(|| format!("Secret {name} with {key:?}"))
}

/// What an object other than a workload names and is not there.
fn of_document(rendered: &Rendered, document: &Document) -> Vec<String> {
    let mut missing: Vec<String> =
        secrets_of(document).iter().filter_map(|secret| missing_secret(rendered, secret)).collect();
    let there_is = |kind, name: &str| rendered.named(kind, name).is_some();
    match document.kind.as_str() {
        "StatefulSet" => {
            let name = document.text("/spec/serviceName");
            missing.extend((!there_is("Service", name)).then(|| format!("Service {name}")));
        }
        "ScaledObject" => {
            let spec = custom::spec::<ScaledObject>(document);
            let triggers = spec.map(|spec| spec.triggers).unwrap_or_default();
            let names = triggers.into_iter().map(|trigger| trigger.authentication_ref.name);
            let absent = names.filter(|name| !there_is("TriggerAuthentication", name));
            missing.extend(absent.map(|name| format!("TriggerAuthentication {name}")));
        }
        "Service" => missing.extend(ports_of_service(rendered, document)),
        "Ingress" => missing.extend(backends(rendered, document)),
        _ => {}
    }
    missing
}

/// The ports that a Service names and no container of its pods has.
fn ports_of_service(rendered: &Rendered, document: &Document) -> Vec<String> {
    let selector = document.map("/spec/selector");
    let workloads = rendered.workloads();
    let pods: Vec<_> = workloads.iter().filter(|w| selects(&selector, &w.labels)).collect();
    let ports: Vec<Value> = document.at("/spec/ports").unwrap_or_default();
    let named = ports.iter().filter_map(|port| port.get("targetPort").and_then(Value::as_str));
    let has = |name: &str| {
        let mut containers = pods.iter().flat_map(|pod| pod.containers());
        containers.any(|container| container.port(name).is_some())
    };
    named.filter(|name| !has(name)).map(|name| format!("port {name}")).collect()
}

/// The Services that an Ingress names and that are not there, or not with that port.
fn backends(rendered: &Rendered, document: &Document) -> Vec<String> {
    let mut missing = Vec::new();
    let rules: Vec<Value> = document.at("/spec/rules").unwrap_or_default();
    let paths = rules.iter().filter_map(|rule| rule.pointer("/http/paths")?.as_array()).flatten();
    for path in paths {
        let text = |pointer| path.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let (name, port) = (text("/backend/service/name"), text("/backend/service/port/name"));
        let service = rendered.named("Service", name);
        let ports: Vec<Value> =
            service.and_then(|service| service.at("/spec/ports")).unwrap_or_default();
        if !ports.iter().any(|there| there.get("name").is_some_and(|there| there == port)) {
            missing.push(format!("Service {name} with the port {port}"));
        }
    }
    let annotations = document.map("/metadata/annotations");
    let sockets = annotations.get("nginx.org/websocket-services");
    let absent = sockets.filter(|name| rendered.named("Service", name).is_none());
    missing.extend(absent.map(|name| format!("Service {name}")));
    missing
}
