//! docker-compose.yml as `docker-compose config` resolves it.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;

use super::repository;

/// What a service gets to end if the file does not say.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// The file, with its anchors merged and its variables replaced by their defaults.
#[derive(Debug, Deserialize)]
pub(super) struct ComposeFile {
    services: BTreeMap<String, Service>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Service {
    /// What follows the image's entry point.
    #[serde(default)]
    pub(super) command: Vec<String>,
    build: Option<serde_json::Value>,
    #[serde(default)]
    environment: BTreeMap<String, Option<String>>,
    #[serde(default)]
    pub(super) depends_on: BTreeMap<String, Dependency>,
    pub(super) healthcheck: Option<HealthCheck>,
    stop_grace_period: Option<String>,
    #[serde(default)]
    profiles: Vec<String>,
    #[serde(default)]
    ports: Vec<PortForm>,
    #[serde(default)]
    volumes: Vec<VolumeForm>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Dependency {
    pub(super) condition: Condition,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Condition {
    #[serde(rename = "service_started")]
    Started,
    #[serde(rename = "service_healthy")]
    Healthy,
    #[serde(rename = "service_completed_successfully")]
    Completed,
}

#[derive(Debug, Deserialize)]
pub(super) struct HealthCheck {
    test: Vec<String>,
    interval: String,
    timeout: String,
    retries: u32,
    start_period: String,
}

/// The first releases of docker-compose print the short form, later ones the long one.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum PortForm {
    Short(String),
    Long(Port),
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Port {
    pub(super) host_ip: String,
    pub(super) target: u16,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum VolumeForm {
    Short(String),
    Long { target: String },
}

impl ComposeFile {
    /// The file as it is with nothing set in the environment. `None`, after saying why, if
    /// docker-compose is not installed.
    pub(super) fn resolved() -> Option<Self> {
        // In place of a developer's own `.env`.
        let nothing = tempfile::NamedTempFile::new().unwrap();
        let mut command = Command::new("docker-compose");
        command.current_dir(repository()).arg("--env-file").arg(nothing.path());
        command.args(["--file", "docker-compose.yml", "--profile", "command", "config"]);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ASSAY_") {
                command.env_remove(name);
            }
        }
        let Ok(output) = command.output() else {
            testkit::skip(
                "docker-compose is not installed (Debian: apt-get install docker-compose)",
            );
            return None;
        };
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "docker-compose config: {complaints}");
        let text = String::from_utf8(output.stdout).unwrap();
        Some(serde_norway::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}")))
    }

    pub(super) fn services(&self) -> impl Iterator<Item = (&str, &Service)> {
        self.services.iter().map(|(name, service)| (name.as_str(), service))
    }

    pub(super) fn service(&self, name: &str) -> &Service {
        self.services.get(name).unwrap_or_else(|| panic!("there is no service {name}"))
    }
}

impl Service {
    /// Whether it runs the image of this repository.
    pub(super) fn is_ours(&self) -> bool {
        self.build.is_some()
    }

    /// Whether it is started only when it is asked for.
    pub(super) fn is_on_demand(&self) -> bool {
        !self.profiles.is_empty()
    }

    /// A variable that is set to something.
    pub(super) fn environment(&self, name: &str) -> Option<&str> {
        self.environment.get(name)?.as_deref().filter(|value| !value.is_empty())
    }

    /// Every variable that is set to something.
    pub(super) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        let names = self.environment.keys();
        names.filter_map(|name| Some((name.as_str(), self.environment(name)?)))
    }

    /// From the signal that tells it to stop to the one that kills it.
    pub(super) fn stop_grace(&self) -> Duration {
        self.stop_grace_period.as_deref().map_or(STOP_GRACE, duration)
    }

    /// What others may reach.
    pub(super) fn ports(&self) -> impl Iterator<Item = Port> {
        self.ports.iter().map(|form| match form {
            PortForm::Long(port) => port.clone(),
            PortForm::Short(short) => {
                let mut parts = short.trim_end_matches("/tcp").rsplitn(3, ':');
                let target = parts.next().and_then(|target| target.parse().ok());
                let host_ip = parts.nth(1).expect("an address to publish on");
                Port { host_ip: host_ip.to_owned(), target: target.expect("a port") }
            }
        })
    }

    /// Whether something that stays is mounted there.
    pub(super) fn keeps(&self, folder: &str) -> bool {
        self.volumes.iter().any(|volume| match volume {
            VolumeForm::Long { target } => target == folder,
            VolumeForm::Short(short) => short.split(':').nth(1) == Some(folder),
        })
    }
}

impl HealthCheck {
    /// The program that is run, and its arguments.
    pub(super) fn command(&self) -> (&str, &[String]) {
        match self.test.split_first() {
            Some((kind, [program, arguments @ ..])) if kind == "CMD" => (program, arguments),
            _ => panic!("it needs a shell: {:?}", self.test),
        }
    }

    /// What one run may take.
    pub(super) fn timeout(&self) -> Duration {
        duration(&self.timeout)
    }

    /// What the service gets until it counts as broken.
    pub(super) fn patience(&self) -> Duration {
        duration(&self.start_period) + duration(&self.interval) * self.retries
    }
}

/// A duration such as `50s`, `1m` or `1m30s`.
fn duration(text: &str) -> Duration {
    let (minutes, seconds) = text.split_once('m').unwrap_or(("0", text));
    let number = |text: &str| match text {
        "" => 0,
        text => text.parse().unwrap_or_else(|_| panic!("no duration: {text}")),
    };
    let seconds = number(seconds.trim_end_matches('s'));
    Duration::from_secs(60 * number(minutes) + seconds)
}
