//! What looks at the fleet of docker-compose.yml, and what it is told in deploy/observability. The
//! form of those files is held by `cargo xtask observability`; here is what only the services know.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use reqwest::Url;
use serde::Deserialize;
use serde_json::Value;

use super::file::{ComposeFile, Service};
use super::repository;

/// Where processes are told to send traces.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// The variable that a user sets, and its value in what docker-compose.yml says of itself.
const SWITCH: (&str, &str) = ("ASSAY_OTLP_ENDPOINT", "http://collector:4318");

/// A file of deploy/observability.
fn configuration(file: &str) -> Value {
    let path = repository().join("deploy/observability").join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    Value::deserialize(serde_norway::Deserializer::from_str(&text)).unwrap()
}

/// Those that go on, and tell how they are.
fn fleet(file: &ComposeFile) -> Vec<(&str, &Service)> {
    let told = |service: &Service| service.environment("ASSAY_ADMIN_LISTEN").is_some();
    file.services().filter(|(_, service)| told(service)).collect()
}

#[test]
fn traces_go_nowhere_until_they_are_asked_for() {
    let Some(file) = ComposeFile::resolved() else { return };
    for (name, service) in file.services() {
        assert_eq!(service.environment(ENDPOINT), None, "{name}");
        let waits_for = |on: &String| file.service(on).is_watcher();
        let needs = service.depends_on.keys().any(waits_for);
        assert!(service.is_watcher() || !needs, "{name} waits for what is not started");
    }

    let said = fs::read_to_string(repository().join("docker-compose.yml")).unwrap();
    let command = format!("#   {}={} ", SWITCH.0, SWITCH.1);
    assert!(said.contains(&command), "the file does not say {command}");
    let Some(file) = ComposeFile::resolved_with(&[SWITCH]) else { return };
    let collector = configuration("collector.yaml");
    for (name, service) in fleet(&file) {
        let endpoint = service.environment(ENDPOINT).expect(name);
        let endpoint: Url = endpoint.parse().unwrap();
        let asked = file.service(endpoint.host_str().unwrap());
        assert!(asked.is_watcher() && is_reached(service, asked), "{name}: {endpoint}");
        let receives = collector.pointer("/receivers/otlp/protocols/http/endpoint");
        let listens = format!("0.0.0.0:{}", endpoint.port().unwrap());
        assert_eq!(receives, Some(&Value::String(listens)), "{name}");
    }
}

#[test]
fn prometheus_asks_every_gateway_and_worker_where_it_tells() {
    let Some(file) = ComposeFile::resolved() else { return };
    let prometheus = file.service("prometheus");
    let mut wanted = BTreeSet::new();
    for (name, service) in fleet(&file) {
        let listens = service.environment("ASSAY_ADMIN_LISTEN").unwrap();
        let (everywhere, port) = listens.rsplit_once(':').unwrap();
        assert_eq!(everywhere, "0.0.0.0", "{name} tells nobody outside its container");
        assert!(is_reached(prometheus, service), "{name}");
        let published = service.ports().any(|published| published.target.to_string() == port);
        assert!(!published, "{name} tells how it is to everybody");
        wanted.insert(format!("{name}:{port}"));
    }
    let jobs = configuration("prometheus.yaml");
    let jobs = jobs.pointer("/scrape_configs").and_then(Value::as_array).unwrap();
    let job = jobs.iter().find(|job| job["job_name"] == "assay").expect("a job for the fleet");
    let groups = job["static_configs"].as_array().unwrap().iter();
    let targets = groups.flat_map(|group| group["targets"].as_array().unwrap());
    let asked: BTreeSet<String> = targets.map(|t| t.as_str().unwrap().to_owned()).collect();
    assert_eq!(asked, wanted);
}

#[test]
fn what_looks_at_the_fleet_may_do_nothing_else() {
    let Some(file) = ComposeFile::resolved() else { return };
    let watchers: Vec<_> = file.services().filter(|(_, service)| service.is_watcher()).collect();
    let names: Vec<&str> = watchers.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["collector", "grafana", "jaeger", "prometheus"]);
    for (name, service) in watchers {
        assert!(service.read_only, "{name} may write to its root");
        assert_eq!(service.cap_drop, ["ALL"], "{name}");
        assert_eq!(service.security_opt, ["no-new-privileges:true"], "{name}");
        assert!(service.is_bounded(), "{name} may take the whole machine");
        let (_, tag) = service.image.rsplit_once(':').expect(name);
        let numbers = tag.trim_start_matches('v').split('.');
        let numbers: Vec<_> = numbers.map(str::parse::<u32>).collect();
        assert!(numbers.len() == 3 && numbers.iter().all(Result::is_ok), "{name}: {tag} moves");
        for mount in service.mounts().filter(|mount| mount.source.starts_with('/')) {
            assert!(mount.is_read_only, "{name} may write to {}", mount.source);
            assert!(Path::new(mount.source).exists(), "{name}: {} is not there", mount.source);
        }
    }
}

/// Whether both are in one network.
fn is_reached(from: &Service, to: &Service) -> bool {
    from.networks().any(|network| to.networks().any(|other| other == network))
}
