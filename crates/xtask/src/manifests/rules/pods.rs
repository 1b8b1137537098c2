//! What a pod may, and what it may take.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::manifests::document::Rendered;
use crate::manifests::pod::{Container, Pod, Probe, Workload};

const GIB: u64 = 1 << 30;
/// What limits are set of. A misspelt name would be a resource that no node has.
const RESOURCES: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
/// Those that every container needs.
const NEEDED: [&str; 2] = ["cpu", "memory"];

/// Everything that `check` finds in the containers of a kustomization, with their names.
fn in_containers(
    rendered: &Rendered,
    check: impl Fn(&Workload<'_>, &Container) -> Vec<String>,
) -> Vec<String> {
    let mut found = Vec::new();
    for workload in rendered.workloads() {
        for container in workload.containers() {
            let title = format!("{}, container {}", workload.document.title(), container.name);
            let findings = check(&workload, container).into_iter();
            found.extend(findings.map(|finding| format!("{title}: {finding}")));
        }
    }
    found
}

/// The texts of what does not hold.
fn unless<const N: usize>(checks: [(bool, &str); N]) -> Vec<String> {
    let broken = checks.into_iter().filter(|(holds, _)| !holds);
    broken.map(|(_, finding)| finding.to_owned()).collect()
}

pub(super) fn rights(rendered: &Rendered) -> Vec<String> {
    let mut found = in_containers(rendered, |_, container| {
        let security = &container.security_context;
        unless([
            (security.allow_privilege_escalation == Some(false), "it may gain privileges"),
            (security.read_only_root_filesystem, "it may write to its root"),
            (!security.privileged, "it is privileged"),
            (security.capabilities.drop == ["ALL"], "it keeps capabilities"),
            (security.capabilities.add.is_empty(), "it is given capabilities"),
        ])
    });
    for workload in rendered.workloads() {
        let Pod { security_context: security, .. } = &workload.pod;
        let findings = unless([
            (security.run_as_non_root && security.run_as_user > 0, "it may run as root"),
            (security.seccomp_profile.r#type == "RuntimeDefault", "it may make any system call"),
            (!workload.pod.host_network && !workload.pod.host_pid, "it is not apart from its host"),
            (
                workload.pod.automount_service_account_token == Some(false),
                "it is given a token for the cluster",
            ),
            (workload.pod.enable_service_links == Some(false), "Services set its environment"),
            (
                !workload.is_ours() || security.run_as_user == 65532,
                "it does not run as the user of the image, 65532",
            ),
        ]);
        let title = workload.document.title();
        found.extend(findings.into_iter().map(|finding| format!("{title}: {finding}")));
    }
    found
}

pub(super) fn first_process(rendered: &Rendered) -> Vec<String> {
    let ours = rendered.ours();
    let first = ours.iter().filter(|workload| !workload.pod.share_process_namespace);
    first.map(|w| format!("{}: no shareProcessNamespace", w.document.title())).collect()
}

pub(super) fn bounds(rendered: &Rendered) -> Vec<String> {
    let mut found = in_containers(rendered, |_, container| {
        let mut found = Vec::new();
        let resources = &container.resources;
        for (what, amounts) in [("request", &resources.requests), ("limit", &resources.limits)] {
            let missing = NEEDED.iter().filter(|name| !amounts.contains_key(**name));
            found.extend(missing.map(|name| format!("no {what} of {name}")));
            let unknown = amounts.keys().filter(|name| !RESOURCES.contains(&name.as_str()));
            found.extend(unknown.map(|name| format!("a {what} of {name}, which no node has")));
        }
        found
    });
    for workload in rendered.workloads() {
        for volume in &workload.pod.volumes {
            if volume.empty_dir.as_ref().is_some_and(|dir| dir.size_limit.is_none()) {
                let title = workload.document.title();
                found.push(format!("{title}, volume {}: no sizeLimit", volume.name));
            }
        }
        for claim in claims(&workload) {
            let requests = claim.pointer("/spec/resources/requests").and_then(Value::as_object);
            let names: Vec<&String> = requests.into_iter().flat_map(|all| all.keys()).collect();
            if names != ["storage"] {
                let title = workload.document.title();
                found.push(format!("{title}: it claims {names:?} in place of storage"));
            }
        }
    }
    found
}

/// The volumes that a StatefulSet claims for each of its pods.
fn claims(workload: &Workload<'_>) -> Vec<Value> {
    workload.document.at("/spec/volumeClaimTemplates").unwrap_or_default()
}

/// The probes of a container, by name.
fn each(container: &Container) -> [(&'static str, Option<&Probe>); 3] {
    [
        ("startup", container.startup_probe.as_ref()),
        ("liveness", container.liveness_probe.as_ref()),
        ("readiness", container.readiness_probe.as_ref()),
    ]
}

pub(super) fn probes(rendered: &Rendered) -> Vec<String> {
    in_containers(rendered, |workload, container| {
        let mut found = Vec::new();
        for (name, probe) in each(container).into_iter().filter(|_| !workload.ends()) {
            let Some(probe) = probe else {
                found.push(format!("no {name} probe"));
                continue;
            };
            if probe.timeout_seconds == 0 {
                found.push(format!("the {name} probe has no timeout of its own"));
            }
            let http = probe.http_get.as_ref().map(|get| &get.port);
            let tcp = probe.tcp_socket.as_ref().map(|socket| &socket.port);
            let port = http.or(tcp).and_then(Value::as_str);
            if let Some(port) = port.filter(|port| container.port(port).is_none()) {
                found.push(format!("the {name} probe asks the port {port}, which is not there"));
            }
        }
        found
    })
}

pub(super) fn health(rendered: &Rendered) -> Vec<String> {
    in_containers(rendered, |workload, container| {
        let mut found = Vec::new();
        for (name, probe) in each(container) {
            if !workload.is_ours() || workload.ends() {
                continue;
            }
            let path = if name == "readiness" { "/readyz" } else { "/healthz" };
            let asked = probe.and_then(|probe| probe.http_get.as_ref());
            if asked.is_none_or(|asked| asked.path != path || asked.port != "admin") {
                found.push(format!("the {name} probe does not ask {path} of the port admin"));
            }
        }
        found
    })
}

pub(super) fn volumes(rendered: &Rendered) -> Vec<String> {
    let mut found = Vec::new();
    for workload in rendered.workloads() {
        let claims = claims(&workload);
        let claimed = claims.iter().filter_map(|claim| claim.pointer("/metadata/name")?.as_str());
        let there = workload.pod.volumes.iter().map(|volume| volume.name.as_str()).chain(claimed);
        let there: BTreeSet<&str> = there.collect();
        let mounts = workload.containers().flat_map(|container| &container.volume_mounts);
        let mounted: BTreeSet<&str> = mounts.map(|mount| mount.name.as_str()).collect();
        for name in there.symmetric_difference(&mounted) {
            let title = workload.document.title();
            found.push(format!("{title}: {name} is not both a volume and mounted"));
        }
    }
    found
}

pub(super) fn memory(rendered: &Rendered) -> Vec<String> {
    let mut found = Vec::new();
    for workload in rendered.ours().iter().filter(|workload| workload.component() == "worker") {
        for container in workload.containers() {
            let readers = container.environment(rendered);
            let readers = readers.get("ASSAY_READERS").and_then(|readers| readers.parse().ok());
            let limit = container.resources.limits.get("memory").and_then(|limit| bytes(limit));
            let needed = readers.map(|readers: u64| (readers + 1) * GIB);
            if limit.is_none() || needed.is_none() || limit < needed {
                let title = workload.document.title();
                found.push(format!("{title}: {readers:?} readers and {limit:?} bytes of memory"));
            }
        }
    }
    found
}

/// An amount in Gi or Mi.
fn bytes(amount: &str) -> Option<u64> {
    let unit = |suffix| amount.strip_suffix(suffix).and_then(|number| number.parse::<u64>().ok());
    unit("Gi").map(|n| n << 30).or_else(|| unit("Mi").map(|n| n << 20))
}
