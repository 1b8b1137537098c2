//! The services of the file as processes. What would be another container is replaced: its host
//! by a private server, a container's own addresses by a loopback address of its own, its volume
//! by a folder. All else is as the file has it, and nothing comes from the test's environment.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use assay::config::SETTINGS;
use reqwest::Url;
use tempfile::TempDir;

use super::file::{ComposeFile, Condition, HealthCheck, Service};
use crate::process::{Server, Worker};

/// The program in the image.
pub(super) const PROGRAM: &str = "/usr/local/bin/assay";
/// Docker waits longer; a test has no reason to.
const BETWEEN_CHECKS: Duration = Duration::from_millis(100);
/// What stands for the part of a container that nobody can write to.
const READ_ONLY: &str = "/dev/null/read-only";

/// A server of the file: its port, and the settings of its image that name its user.
struct Image {
    port: u16,
    user: &'static str,
    password: &'static str,
}

const POSTGRES: Image = Image { port: 5432, user: "POSTGRES_USER", password: "POSTGRES_PASSWORD" };
const RABBITMQ: Image =
    Image { port: 5672, user: "RABBITMQ_DEFAULT_USER", password: "RABBITMQ_DEFAULT_PASS" };

/// The private servers in place of those of the file.
pub(super) struct Servers {
    pub(super) database_url: String,
    pub(super) amqp_url: String,
}

/// What stands for the machine that runs the containers.
pub(super) struct Host<'f> {
    file: &'f ComposeFile,
    servers: Servers,
    dir: TempDir,
    /// By service and setting.
    addresses: BTreeMap<(String, String), SocketAddr>,
}

/// A service that goes on.
pub(super) enum Running {
    Gateway(Server),
    Worker(Worker),
}

impl Running {
    /// SIGTERM, and the end of the process; whether it ended well.
    pub(super) fn terminate(self) -> bool {
        match self {
            Self::Gateway(server) => server.terminate().0,
            Self::Worker(worker) => worker.terminate(),
        }
    }
}

impl<'f> Host<'f> {
    pub(super) fn new(file: &'f ComposeFile, servers: Servers) -> Self {
        let mut addresses = BTreeMap::new();
        for (n, (name, service)) in (2..).zip(file.services()) {
            for setting in ["ASSAY_LISTEN", "ASSAY_ADMIN_LISTEN"] {
                if service.environment(setting).is_some() {
                    addresses.insert((name.to_owned(), setting.to_owned()), free_address(n));
                }
            }
        }
        Self { file, servers, dir: tempfile::tempdir().unwrap(), addresses }
    }

    /// Starts everything in the order of the file, each once what it waits for is as it wants it.
    pub(super) async fn up(&self) -> Vec<(&'f str, Running)> {
        let mut begun = Vec::new();
        let mut running = Vec::new();
        let mut waiting: Vec<_> = self.file.services().collect();
        waiting.retain(|(_, service)| !service.is_on_demand());
        while !waiting.is_empty() {
            let is_next =
                |service: &Service| service.depends_on.keys().all(|on| begun.contains(on));
            let next = waiting.iter().position(|(_, service)| is_next(service));
            let (name, service) = waiting.remove(next.expect("no service waits for itself"));
            for (on, dependency) in &service.depends_on {
                if dependency.condition == Condition::Healthy {
                    self.until_healthy(on).await;
                }
            }
            let ends = self.file.services().any(|(_, service)| {
                let on = service.depends_on.get(name);
                on.is_some_and(|on| on.condition == Condition::Completed)
            });
            if ends {
                self.run(name, &[]);
            } else if service.is_ours() {
                running.push((name, self.start(name).await));
            }
            begun.push(name.to_owned());
        }
        running
    }

    /// Runs a service to its end, with other arguments if there are any.
    ///
    /// # Panics
    /// If it does not end well.
    pub(super) fn run(&self, name: &str, arguments: &[&str]) {
        let service = self.file.service(name);
        let mut command = self.command(name, PROGRAM);
        if arguments.is_empty() {
            command.args(&service.command);
        }
        let output = command.args(arguments).output().unwrap();
        assert!(output.status.success(), "{name}: {}", told(&output));
    }

    /// Starts a service that goes on, and waits until its own check finds it healthy.
    async fn start(&self, name: &str) -> Running {
        let service = self.file.service(name);
        assert!(self.ask(name).is_err(), "{name} is found healthy before it is there");
        let mut command = self.command(name, PROGRAM);
        command.args(&service.command);
        let running = match service.command.first().map(String::as_str) {
            Some("gateway") => Running::Gateway(Server::of(command)),
            Some("worker") => Running::Worker(Worker::of(command)),
            other => panic!("{name} does not go on: {other:?}"),
        };
        self.until_healthy(name).await;
        running
    }

    async fn until_healthy(&self, name: &str) {
        let end = Instant::now() + self.check(name).patience();
        while let Err(complaint) = self.ask(name) {
            assert!(Instant::now() < end, "{name} does not become healthy: {complaint}");
            tokio::time::sleep(BETWEEN_CHECKS).await;
        }
    }

    /// Runs a service's check as the file has it: what is wrong with the service.
    fn ask(&self, name: &str) -> Result<(), String> {
        let check = self.check(name);
        let (program, arguments) = check.command();
        let begun = Instant::now();
        let output = self.command(name, program).args(arguments).output();
        assert!(begun.elapsed() < check.timeout(), "{name}: the check takes {:?}", begun.elapsed());
        let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
        if output.status.success() { Ok(()) } else { Err(told(&output)) }
    }

    fn check(&self, name: &str) -> &HealthCheck {
        let check = self.file.service(name).healthcheck.as_ref();
        check.unwrap_or_else(|| panic!("{name} has no check"))
    }

    /// A program in a service's container.
    fn command(&self, name: &str, program: &str) -> Command {
        let service = self.file.service(name);
        let mut command = match program {
            PROGRAM => Command::new(env!("CARGO_BIN_EXE_assay")),
            other => Command::new(other),
        };
        command.stdin(Stdio::null());
        if service.is_ours() {
            command.env_clear().env("ASSAY_DATA_DIR", READ_ONLY);
            command
                .envs(service.variables().map(|(key, value)| (key, self.value(name, key, value))));
            command.env("ASSAY_LOG", "error");
        } else {
            // Where the server would be asked that the file has; the port is a private one's.
            let port = Url::parse(&self.servers.database_url).unwrap().port().unwrap();
            command.env("PGPORT", port.to_string());
        }
        command
    }

    /// The value of a variable on this host.
    fn value(&self, name: &str, key: &str, value: &str) -> String {
        let is_setting = SETTINGS.iter().any(|setting| setting.variable == key);
        assert!(is_setting, "{name}: {key} is no setting");
        match key {
            "ASSAY_DATABASE_URL" => {
                let (server, path) = self.named(value, &POSTGRES);
                assert_eq!(Some(path.as_str()), server.environment("POSTGRES_DB"), "{name}");
                self.servers.database_url.clone()
            }
            "ASSAY_AMQP_URL" => {
                let (_, path) = self.named(value, &RABBITMQ);
                assert_eq!(path, "%2f", "{name} uses the virtual host that there is");
                self.servers.amqp_url.clone()
            }
            "ASSAY_LISTEN" | "ASSAY_ADMIN_LISTEN" => {
                self.addresses[&(name.to_owned(), key.to_owned())].to_string()
            }
            "ASSAY_DATA_DIR" => {
                assert!(self.file.service(name).keeps(value), "{name} keeps nothing in {value}");
                self.dir.path().join(name).display().to_string()
            }
            _ => value.to_owned(),
        }
    }

    /// The service that a URL names, with the user that it makes, and the URL's path.
    fn named(&self, url: &str, image: &Image) -> (&Service, String) {
        let url = Url::parse(url).unwrap();
        let server = self.file.service(url.host_str().unwrap_or_default());
        assert_eq!(url.port(), Some(image.port), "{url}");
        assert_eq!(Some(url.username()), server.environment(image.user), "{url}");
        assert_eq!(url.password(), server.environment(image.password), "{url}");
        (server, url.path().trim_start_matches('/').to_owned())
    }
}

/// An address that is this container's alone: no other test is given one of its network, and no
/// connection begins there.
fn free_address(container: u8) -> SocketAddr {
    let [.., high, low] = std::process::id().to_be_bytes();
    let ip = IpAddr::from(Ipv4Addr::new(127, high, low, container));
    TcpListener::bind((ip, 0)).unwrap().local_addr().unwrap()
}

fn told(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    format!("{}\n{}{}", output.status, text(&output.stdout), text(&output.stderr))
}
