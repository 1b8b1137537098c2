//! What the processes are told.

use std::collections::BTreeSet;

use crate::manifests::document::{Map, Rendered};
use crate::manifests::pod::{Container, Workload};

/// The table of all settings.
const TABLE: &str = "crates/assay/src/config/settings.rs";

/// How the names of settings begin: ours, and those that OpenTelemetry gave to everybody.
const PREFIXES: [&str; 2] = ["ASSAY_", "OTEL_"];

/// A setting that says which port is listened on, and the port of the container that says so, too.
const PORTS: [(&str, &str); 2] = [("ASSAY_LISTEN", "http"), ("ASSAY_ADMIN_LISTEN", "admin")];

pub(super) fn known(rendered: &Rendered) -> Vec<String> {
    let mut found = Vec::new();
    for workload in rendered.ours() {
        for container in workload.containers() {
            let values = container.environment(rendered);
            let title = workload.document.title();
            let names = names(container, &values);
            let unknown = names.iter().filter(|name| !is_setting(name));
            found.extend(unknown.map(|name| format!("{title}: {name} is no setting of Assay")));
            found.extend(ports(&workload, container, &values));
            let command = [workload.component().to_owned()];
            if container.args != command {
                found.push(format!("{title}: it runs {:?}, not {command:?}", container.args));
            }
            if !names.contains("ASSAY_DATABASE_URL") {
                found.push(format!("{title}: it is told of no database"));
            }
        }
    }
    found
}

fn names<'c>(container: &'c Container, values: &'c Map) -> BTreeSet<&'c str> {
    let set = container.env.iter().map(|variable| variable.name.as_str());
    set.chain(values.keys().map(String::as_str)).collect()
}

/// Whether the table has a variable of this name.
fn is_setting(name: &str) -> bool {
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        && super::source(TABLE).contains(&format!("\"{name}\""))
}

fn ports(workload: &Workload<'_>, container: &Container, values: &Map) -> Vec<String> {
    let mut found = Vec::new();
    for (setting, port) in PORTS {
        let listens = values.get(setting).and_then(|address| address.rsplit_once(':'));
        let listens = listens.and_then(|(_, port)| port.parse().ok());
        if listens != container.port(port) {
            let title = workload.document.title();
            found.push(format!("{title}: {setting} and the port {port} differ"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::is_setting;

    #[test]
    fn a_setting_is_told_from_a_misspelt_one() {
        assert!(is_setting("ASSAY_DATABASE_URL") && is_setting("ASSAY_DRAIN_GRACE_S"));
        assert!(is_setting("OTEL_EXPORTER_OTLP_ENDPOINT"));
        for name in
            ["OTEL_EXPORTER_OTLP_ENDPOINTS", "ASSAY_DATABASE_URI", "ASSAY_DRAIN_GRACE", "PATH", ""]
        {
            assert!(!is_setting(name), "{name}");
        }
    }
}
