//! docker-compose.yml as `docker-compose config` resolves it.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::repository;

/// The profile of what looks at the fleet.
const OBSERVABILITY: &str = "observability";

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
    build: Option<Value>,
    #[serde(default)]
    pub(super) image: String,
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
    #[serde(default)]
    networks: BTreeMap<String, Value>,
    #[serde(default)]
    pub(super) read_only: bool,
    #[serde(default)]
    pub(super) cap_drop: Vec<String>,
    #[serde(default)]
    pub(super) security_opt: Vec<String>,
    mem_limit: Option<Value>,
    cpus: Option<Value>,
    pids_limit: Option<Value>,
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
    Long {
        source: Option<String>,
        target: String,
        #[serde(default)]
        read_only: bool,
    },
}

/// Something that is mounted.
#[derive(Debug)]
pub(super) struct Mount<'f> {
    /// A path, or the name of a volume.
    pub(super) source: &'f str,
    pub(super) target: &'f str,
    pub(super) is_read_only: bool,
}

impl ComposeFile {
    /// The file as it is with nothing set in the environment. `None`, after saying why, if
    /// docker-compose is not installed.
    pub(super) fn resolved() -> Option<Self> {
        Self::resolved_with(&[])
    }

    /// The file as it is with these variables and nothing else set in the environment, and with
    /// every profile. `None`, after saying why, if docker-compose is not installed.
    pub(super) fn resolved_with(variables: &[(&str, &str)]) -> Option<Self> {
        // In place of a developer's own `.env`.
        let nothing = tempfile::NamedTempFile::new().unwrap();
        let mut command = Command::new("docker-compose");
        command.current_dir(repository()).arg("--env-file").arg(nothing.path());
        command.args(["--file", "docker-compose.yml", "--profile", "command"]);
        command.args(["--profile", OBSERVABILITY, "config"]);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ASSAY_") {
                command.env_remove(name);
            }
        }
        command.envs(variables.iter().copied());
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

    /// Whether it looks at the fleet, and is started with it only where that is asked for.
    pub(super) fn is_watcher(&self) -> bool {
        self.profiles == [OBSERVABILITY]
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
        self.mounts().any(|mount| mount.target == folder)
    }

    pub(super) fn mounts(&self) -> impl Iterator<Item = Mount<'_>> {
        self.volumes.iter().map(|volume| match volume {
            VolumeForm::Long { source, target, read_only } => {
                let source = source.as_deref().unwrap_or_default();
                Mount { source, target, is_read_only: *read_only }
            }
            VolumeForm::Short(short) => {
                let mut parts = short.split(':');
                let mut next = || parts.next().unwrap_or_default();
                Mount { source: next(), target: next(), is_read_only: next() == "ro" }
            }
        })
    }

    /// The networks that it is in.
    pub(super) fn networks(&self) -> impl Iterator<Item = &str> {
        self.networks.keys().map(String::as_str)
    }

    /// Whether what it may take of the machine is limited.
    pub(super) fn is_bounded(&self) -> bool {
        let limits = [&self.mem_limit, &self.cpus, &self.pids_limit];
        limits.into_iter().all(Option::is_some)
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
