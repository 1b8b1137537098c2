//! How pods end.

use crate::manifests::document::Rendered;
use crate::manifests::pod::{Container, Workload};

/// What a gateway may take from SIGTERM to its end, in seconds: docs/operations.md.
const GATEWAY_DRAIN_S: u64 = 50;
/// What a worker may take beside ASSAY_DRAIN_GRACE_S: 2 s to hand its jobs over, and the time that
/// slow servers take. With the default of 5 s that is the 20 s of docs/operations.md.
const WORKER_HANDOVER_S: u64 = 15;
/// What a worker gives running jobs where nothing else is set, in seconds.
const DRAIN_GRACE_S: u64 = 5;
/// What load balancers get to learn that a gateway goes, in seconds.
const PAUSE_MIN_S: u64 = 5;

pub(super) fn grace(rendered: &Rendered) -> Vec<String> {
    let mut found = Vec::new();
    for workload in rendered.ours() {
        let drain = match workload.component() {
            "gateway" => GATEWAY_DRAIN_S,
            "worker" => drain_grace(rendered, &workload) + WORKER_HANDOVER_S,
            _ => continue,
        };
        let pause = workload.containers().map(pause).max().unwrap_or_default();
        let grace = workload.pod.termination_grace_period_seconds;
        if grace < pause + drain {
            let title = workload.document.title();
            found.push(format!("{title}: {grace} s, and {pause} s and {drain} s are needed"));
        }
    }
    found
}

fn drain_grace(rendered: &Rendered, workload: &Workload<'_>) -> u64 {
    let mut values = workload.containers().map(|container| container.environment(rendered));
    let value = values.find_map(|values| values.get("ASSAY_DRAIN_GRACE_S")?.parse().ok());
    value.unwrap_or(DRAIN_GRACE_S)
}

/// What a container waits before it is told to end, in seconds.
fn pause(container: &Container) -> u64 {
    let seconds = container.lifecycle.pointer("/preStop/sleep/seconds");
    seconds.and_then(serde_json::Value::as_u64).unwrap_or_default()
}

pub(super) fn replacement(rendered: &Rendered) -> Vec<String> {
    let mut found = Vec::new();
    for workload in rendered.ours().iter().filter(|workload| workload.component() == "gateway") {
        let title = workload.document.title();
        if workload.document.at("/spec/strategy/rollingUpdate/maxUnavailable") != Some(0) {
            found.push(format!("{title}: one goes before another is ready"));
        }
        if workload.containers().any(|container| pause(container) < PAUSE_MIN_S) {
            found.push(format!("{title}: no preStop.sleep of {PAUSE_MIN_S} s"));
        }
    }
    found
}
