//! Whom selectors mean.

use crate::manifests::document::{Document, Map, Rendered, selects};
use crate::manifests::pod::Selector;

pub(super) fn selectors(rendered: &Rendered) -> Vec<String> {
    let workloads = rendered.workloads();
    let mut found = Vec::new();
    for workload in &workloads {
        let title = workload.document.title();
        let selector = workload.document.map("/spec/selector/matchLabels");
        // A Job's selector is made by the cluster.
        if !workload.ends() && (selector.is_empty() || !selects(&selector, &workload.labels)) {
            found.push(format!("{title}: it does not select its own pods"));
        }
        let others = workloads.iter().filter(|other| other.document.name != workload.document.name);
        if !workload.ends() && others.into_iter().any(|other| selects(&selector, &other.labels)) {
            found.push(format!("{title}: it selects pods of others"));
        }
        for spread in &workload.pod.topology_spread_constraints {
            let selector = &spread.label_selector;
            if selector.is_everything() || !selector.selects(&workload.labels) {
                found.push(format!("{title}: it is spread among others"));
            }
        }
    }
    let all: Vec<&Map> = workloads.iter().map(|workload| &workload.labels).collect();
    for document in rendered.of_kind("Service") {
        let selector = document.map("/spec/selector");
        if selector.is_empty() || !all.iter().any(|labels| selects(&selector, labels)) {
            found.push(format!("{}: it selects no pod", document.title()));
        }
    }
    let kinds = ["PodDisruptionBudget", "NetworkPolicy", "PodMonitor"].into_iter();
    for document in kinds.flat_map(|kind| rendered.of_kind(kind)) {
        for selector in selectors_of(document) {
            if !selector.is_everything() && !all.iter().any(|labels| selector.selects(labels)) {
                found.push(format!("{}: {selector:?} selects no pod", document.title()));
            }
        }
    }
    found
}

/// The selectors of pods in the document's own namespace.
fn selectors_of(document: &Document) -> Vec<Selector> {
    let own = ["/spec/selector", "/spec/podSelector"].into_iter();
    let mut selectors: Vec<Selector> = own.filter_map(|at| document.at(at)).collect();
    for peer in super::network::peers(document) {
        // What is in another namespace is not known here.
        if peer.namespace_selector.is_none() {
            selectors.extend(peer.pod_selector);
        }
    }
    selectors
}
