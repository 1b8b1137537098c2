//! The parts of pods that rules are about.

use serde::Deserialize;
use serde_json::Value;

use super::document::{Document, Map, Rendered};

/// The label that tells what of Assay a pod is.
const COMPONENT: &str = "app.kubernetes.io/component";
/// The label that tells what program a pod runs.
const NAME: &str = "app.kubernetes.io/name";

/// Something that makes pods.
#[derive(Debug)]
pub(super) struct Workload<'d> {
    pub(super) document: &'d Document,
    /// The labels of its pods.
    pub(super) labels: Map,
    pub(super) pod: Pod,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Pod {
    pub(super) service_account_name: String,
    pub(super) automount_service_account_token: Option<bool>,
    pub(super) enable_service_links: Option<bool>,
    pub(super) share_process_namespace: bool,
    pub(super) termination_grace_period_seconds: u64,
    pub(super) security_context: Security,
    pub(super) topology_spread_constraints: Vec<Spread>,
    pub(super) containers: Vec<Container>,
    pub(super) init_containers: Vec<Container>,
    pub(super) volumes: Vec<Volume>,
    pub(super) host_network: bool,
    #[serde(rename = "hostPID")]
    pub(super) host_pid: bool,
}

/// The union of what a pod and a container say of their rights.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Security {
    pub(super) run_as_non_root: bool,
    pub(super) run_as_user: u64,
    pub(super) seccomp_profile: Seccomp,
    pub(super) allow_privilege_escalation: Option<bool>,
    pub(super) read_only_root_filesystem: bool,
    pub(super) privileged: bool,
    pub(super) capabilities: Capabilities,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Seccomp {
    pub(super) r#type: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Capabilities {
    pub(super) add: Vec<String>,
    pub(super) drop: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Spread {
    pub(super) label_selector: Selector,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Selector {
    pub(super) match_labels: Map,
    pub(super) match_expressions: Vec<Expression>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Expression {
    pub(super) key: String,
    pub(super) operator: String,
    pub(super) values: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Container {
    pub(super) name: String,
    pub(super) image: String,
    pub(super) args: Vec<String>,
    pub(super) ports: Vec<Port>,
    pub(super) env: Vec<Variable>,
    pub(super) env_from: Vec<Source>,
    pub(super) startup_probe: Option<Probe>,
    pub(super) liveness_probe: Option<Probe>,
    pub(super) readiness_probe: Option<Probe>,
    pub(super) lifecycle: Value,
    pub(super) resources: Resources,
    pub(super) volume_mounts: Vec<Mount>,
    pub(super) security_context: Security,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Port {
    pub(super) name: String,
    pub(super) container_port: u16,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Variable {
    pub(super) name: String,
    pub(super) value: Option<String>,
    pub(super) value_from: Option<Source>,
}

/// Where values come from: whole objects, or a key of one.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Source {
    pub(super) config_map_ref: Option<Reference>,
    pub(super) secret_ref: Option<Reference>,
    pub(super) config_map_key_ref: Option<Reference>,
    pub(super) secret_key_ref: Option<Reference>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reference {
    pub(super) name: String,
    /// Empty where the whole object is meant.
    pub(super) key: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Probe {
    pub(super) http_get: Option<HttpGet>,
    pub(super) tcp_socket: Option<TcpSocket>,
    pub(super) timeout_seconds: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct HttpGet {
    pub(super) path: String,
    pub(super) port: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TcpSocket {
    pub(super) port: Value,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Resources {
    pub(super) requests: Map,
    pub(super) limits: Map,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Mount {
    pub(super) name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Volume {
    pub(super) name: String,
    pub(super) empty_dir: Option<EmptyDir>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct EmptyDir {
    pub(super) size_limit: Option<String>,
}

impl<'d> Workload<'d> {
    pub(super) fn of(document: &'d Document) -> Option<Self> {
        let pod = document.at("/spec/template/spec")?;
        Some(Self { document, labels: document.map("/spec/template/metadata/labels"), pod })
    }

    /// Whether it runs Assay.
    pub(super) fn is_ours(&self) -> bool {
        self.labels.get(NAME).is_some_and(|name| name == "assay")
    }

    /// `gateway`, `worker` or `migrate`.
    pub(super) fn component(&self) -> &str {
        self.labels.get(COMPONENT).map_or("", String::as_str)
    }

    /// Whether its pods end by themselves.
    pub(super) fn ends(&self) -> bool {
        self.document.kind == "Job"
    }

    pub(super) fn containers(&self) -> impl Iterator<Item = &Container> {
        self.pod.init_containers.iter().chain(&self.pod.containers)
    }
}

impl Container {
    /// The values that its environment is given, save for secrets.
    pub(super) fn environment(&self, rendered: &Rendered) -> Map {
        let mut values = Map::new();
        for source in &self.env_from {
            let config = source.config_map_ref.as_ref();
            let config = config.and_then(|config| rendered.named("ConfigMap", &config.name));
            values.extend(config.map(|config| config.map("/data")).unwrap_or_default());
        }
        let set = self.env.iter().filter_map(|variable| {
            variable.value.as_ref().map(|value| (variable.name.clone(), value.clone()))
        });
        values.extend(set);
        values
    }

    pub(super) fn port(&self, name: &str) -> Option<u16> {
        self.ports.iter().find(|port| port.name == name).map(|port| port.container_port)
    }
}

impl Selector {
    /// Whether pods with these labels are meant.
    pub(super) fn selects(&self, labels: &Map) -> bool {
        let fits = |wanted: &Expression| {
            wanted.operator == "In"
                && labels.get(&wanted.key).is_some_and(|value| wanted.values.contains(value))
        };
        super::document::selects(&self.match_labels, labels)
            && self.match_expressions.iter().all(fits)
    }

    /// Whether every pod is meant.
    pub(super) fn is_everything(&self) -> bool {
        self.match_labels.is_empty() && self.match_expressions.is_empty()
    }
}
