//! Who learns how pods are, and where their traces go.

use serde_json::Value;

use super::network::{self, Peer};
use crate::manifests::custom;
use crate::manifests::document::{Document, Map, Rendered};
use crate::manifests::pod::{Selector, Workload};
use crate::manifests::prometheus::PodMonitor;

/// What answers on the port of this name tells how a process is, and asks nobody for a key.
const ADMIN: &str = "admin";
const METRICS: &str = "/metrics";
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// The label that tells a namespace's name.
const NAMESPACE: &str = "kubernetes.io/metadata.name";

pub(super) fn scraped(rendered: &Rendered) -> Vec<String> {
    let ours = rendered.ours();
    let mut found = Vec::new();
    for document in rendered.of_kind("PodMonitor") {
        let title = document.title();
        let Some(monitor) = custom::spec::<PodMonitor>(document) else { continue };
        for endpoint in &monitor.pod_metrics_endpoints {
            if endpoint.port != ADMIN || endpoint.path != METRICS {
                found.push(format!("{title}: it does not ask {METRICS} of the port {ADMIN}"));
            }
        }
        for workload in ours.iter().filter(|workload| !workload.ends()) {
            let name = workload.document.title();
            if !document.at("/spec/selector").is_some_and(|s: Selector| s.selects(&workload.labels))
            {
                found.push(format!("{title}: it does not ask {name}"));
            } else if admitted(rendered, workload).is_empty() {
                found.push(format!("{title}: no policy lets anybody in to ask {name}"));
            }
        }
    }
    for workload in &ours {
        let name = workload.document.title();
        let strangers = admitted(rendered, workload).into_iter().filter(|peer| !is_named(peer));
        found.extend(strangers.map(|_| format!("{name}: strangers may ask how it is")));
    }
    found
}

/// Those who reach the port of a workload on which it tells how it is.
fn admitted(rendered: &Rendered, workload: &Workload<'_>) -> Vec<Peer> {
    let mut peers = Vec::new();
    for document in policies_of(rendered, workload) {
        let rules: Vec<Value> = document.at("/spec/ingress").unwrap_or_default();
        let number = workload.containers().find_map(|container| container.port(ADMIN));
        let is_admin = |port: &Value| port == ADMIN || port.as_u64() == number.map(u64::from);
        peers.extend(network::peers_of(&rules, "from", is_admin));
    }
    peers
}

/// Whether a peer is some pods of one namespace, and not all there are.
fn is_named(peer: &Peer) -> bool {
    let pods = peer.pod_selector.as_ref();
    pods.is_some_and(|pods| !pods.is_everything())
        && !peer.namespace_selector.as_ref().is_some_and(Selector::is_everything)
}

pub(super) fn traced(rendered: &Rendered) -> Vec<String> {
    let mut found = Vec::new();
    for workload in rendered.ours() {
        for container in workload.containers() {
            let values = container.environment(rendered);
            let Some(endpoint) = values.get(ENDPOINT) else { continue };
            let title = workload.document.title();
            let Some((namespace, port)) = place(endpoint) else {
                found.push(format!("{title}: {endpoint} is not http://SERVICE.NAMESPACE.svc:PORT"));
                continue;
            };
            let is_led = policies_of(rendered, &workload).any(|document| {
                let rules: Vec<Value> = document.at("/spec/egress").unwrap_or_default();
                let is_it = |there: &Value| there.as_u64() == Some(port);
                let mut peers = network::peers_of(&rules, "to", is_it).into_iter();
                peers.any(|peer| is_named(&peer) && is_in(&peer, namespace))
            });
            if !is_led {
                found.push(format!("{title}: no policy leads to {endpoint}"));
            }
        }
    }
    found
}

/// The namespace and the port of a Service that is named by a URL.
fn place(endpoint: &str) -> Option<(&str, u64)> {
    let (host, port) = endpoint.strip_prefix("http://")?.trim_end_matches('/').split_once(':')?;
    let mut names = host.split('.');
    let (_service, namespace, svc) = (names.next()?, names.next()?, names.next()?);
    (svc == "svc").then_some((namespace, port.parse().ok()?))
}

/// Whether a peer is in the namespace of this name.
fn is_in(peer: &Peer, namespace: &str) -> bool {
    let labels = Map::from([(NAMESPACE.to_owned(), namespace.to_owned())]);
    let spaces = peer.namespace_selector.as_ref();
    spaces.is_some_and(|spaces| spaces.selects(&labels))
}

/// The policies that are about the pods of a workload.
fn policies_of<'r>(
    rendered: &'r Rendered,
    workload: &Workload<'_>,
) -> impl Iterator<Item = &'r Document> {
    rendered.of_kind("NetworkPolicy").filter(|document| {
        let selector: Option<Selector> = document.at("/spec/podSelector");
        selector.is_some_and(|selector| selector.selects(&workload.labels))
    })
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn a_service_of_the_cluster_is_told_from_what_is_none() {
        assert_eq!(place("http://otel.observe.svc:4317"), Some(("observe", 4317)));
        assert_eq!(place("http://otel.observe.svc.cluster.local:1/"), Some(("observe", 1)));
        for endpoint in ["", "http://otel:4317", "https://otel.observe.svc:4317", "http://a.b.c:1"]
        {
            assert_eq!(place(endpoint), None, "{endpoint}");
        }
    }
}
