//! One RabbitMQ node from installed programs, asked and told through Erlang's own protocol.
//!
//! `erl_call` evaluates an expression within the node in some milliseconds; `rabbitmqctl` does the
//! same after starting an Erlang of its own, which takes more than a second.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use super::leash::Leash;
use crate::loopback;

/// Where Debian keeps the scripts that run as whoever starts them, in a folder a version; the ones
/// on the path run as the user `rabbitmq`.
const SCRIPTS: &str = "/usr/lib/rabbitmq/lib";
/// What a node gets to accept clients, on a machine with much else to do.
const START_MAX: Duration = Duration::from_secs(60);
/// What one expression gets, in seconds.
const EVAL_MAX_S: &str = "60";
/// What ends the memory alarm.
pub(super) const CLEAR_ALARM: &str = "ok = vm_memory_monitor:set_vm_memory_high_watermark(0.4)";
/// RabbitMQ's default for a delivery that is not settled.
const DEFAULT_UNSETTLED: &str = "application:set_env(rabbit, consumer_timeout, 1800000)";
const ABSENT: &str = "RabbitMQ is not installed (Debian: rabbitmq-server), and \
                      ASSAY_TEST_AMQP_URL names no other";

/// The programs that a node needs.
pub(super) struct Programs {
    server: PathBuf,
}

/// A node. It runs until it is killed, or this process ends.
pub(super) struct Node {
    programs: Programs,
    folder: PathBuf,
    cookie: String,
    ports: [u16; 3],
    epmd: Mutex<Option<Leash>>,
    server: Mutex<Option<Leash>>,
    /// Whether a test may have left the node broken.
    is_suspect: tokio::sync::Mutex<bool>,
    calls: AtomicU64,
}

impl Node {
    /// The programs of a node, or what is missing.
    pub(super) fn installed() -> Result<Programs, &'static str> {
        let versions = fs::read_dir(SCRIPTS).map_err(|_| ABSENT)?;
        let mut servers: Vec<PathBuf> = versions
            .filter_map(|entry| Some(entry.ok()?.path().join("sbin/rabbitmq-server")))
            .filter(|server| server.is_file())
            .collect();
        servers.sort();
        servers.pop().map(|server| Programs { server }).ok_or(ABSENT)
    }

    /// A node with a folder, a cookie and ports of its own, not started.
    ///
    /// # Panics
    /// If there is no temporary folder or no free port.
    pub(super) fn new(programs: Programs) -> Self {
        let folder = tempfile::Builder::new().prefix("assay-rabbitmq-").tempdir();
        let folder = folder.expect("a temporary folder").keep();
        let cookie = Uuid::now_v7().simple().to_string();
        let home = folder.join("home");
        fs::create_dir(&home).expect("a folder");
        let cookie_file = home.join(".erlang.cookie");
        fs::write(&cookie_file, &cookie).expect("a file");
        fs::set_permissions(&cookie_file, fs::Permissions::from_mode(0o400)).expect("ours");
        let ports = loopback::ports();
        let node = Self {
            programs,
            folder,
            cookie,
            ports,
            epmd: Mutex::default(),
            server: Mutex::default(),
            is_suspect: tokio::sync::Mutex::default(),
            calls: AtomicU64::default(),
        };
        fs::write(node.folder.join("rabbitmq.conf"), node.configuration()).expect("a file");
        fs::write(node.folder.join("enabled_plugins"), "[].").expect("a file");
        node
    }

    /// Starts the node, and returns when it accepts clients.
    ///
    /// # Panics
    /// If it does not, with what it logged last.
    pub(super) async fn start(self: &Arc<Self>) {
        let node = Arc::clone(self);
        let started = tokio::task::spawn_blocking(move || node.launch()).await;
        started.expect("no panic").expect("RabbitMQ can be started");
        self.until_started().await;
    }

    /// Returns when the broker within the node accepts clients, and can be stopped and started.
    ///
    /// A broker that is up still counts as booting for a moment, and one that is stopped in that
    /// moment takes the next order to start it for done.
    ///
    /// # Panics
    /// If that takes too long, with what it logged last.
    pub(super) async fn until_started(&self) {
        let end = tokio::time::Instant::now() + START_MAX;
        let started = "rabbit:is_running() andalso rabbit_networking:active_listeners() =/= [] \
                       andalso whereis(rabbit_boot) =:= undefined";
        loop {
            let answer = self.eval(started.to_owned()).await;
            if answer.as_deref() == Ok("true") {
                return;
            }
            let in_time = tokio::time::Instant::now() < end;
            assert!(in_time, "RabbitMQ did not start: {answer:?}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Kills the node's process and waits for its end.
    pub(super) async fn kill(&self) {
        let leash = self.server.lock().unwrap_or_else(PoisonError::into_inner).take();
        tokio::task::spawn_blocking(move || drop(leash)).await.expect("no panic");
    }

    /// From now on the node may be broken.
    pub(super) async fn suspect(&self) {
        *self.is_suspect.lock().await = true;
    }

    /// Undoes what an earlier test may have left behind.
    ///
    /// # Panics
    /// If the node does not start again.
    pub(super) async fn mend(self: &Arc<Self>) {
        let mut is_suspect = self.is_suspect.lock().await;
        if *is_suspect {
            if self.eval("rabbit:is_running()".to_owned()).await.as_deref() != Ok("true") {
                self.kill().await;
                self.start().await;
            }
            for mend in [CLEAR_ALARM, DEFAULT_UNSETTLED] {
                self.must(mend.to_owned()).await;
            }
            *is_suspect = false;
        }
    }

    /// Where clients of a virtual host connect to.
    pub(super) fn url(&self, virtual_host: &str) -> String {
        let [_, amqp, _] = self.ports;
        format!("amqp://{virtual_host}:{}@127.0.0.1:{amqp}/{virtual_host}", self.cookie)
    }

    /// Makes a virtual host, and a user of the same name who may do anything there.
    ///
    /// # Panics
    /// If the node does not.
    pub(super) async fn make_virtual_host(&self, name: &str) {
        let expression = format!(
            "V = <<\"{name}\">>, ok = rabbit_vhost:add(V, V), \
             ok = rabbit_auth_backend_internal:add_user(V, <<\"{}\">>, V), \
             ok = rabbit_auth_backend_internal:set_permissions(V, V, <<\".*\">>, <<\".*\">>, \
             <<\".*\">>, V)",
            self.cookie
        );
        self.must(expression).await;
    }

    /// Evaluates an Erlang expression within the node: its value, or what went wrong.
    pub(super) async fn eval(&self, expression: String) -> Result<String, String> {
        let [epmd, _, distribution] = self.ports;
        // Two callers of one name at the same time: the node refuses the second.
        let caller = format!("t{}", self.calls.fetch_add(1, Ordering::Relaxed));
        let mut call = Command::new("timeout");
        call.args([EVAL_MAX_S, "erl_call", "-e", "-h", &caller, "-c", &self.cookie, "-address"]);
        call.arg(format!("127.0.0.1:{distribution}"));
        call.env("ERL_EPMD_PORT", epmd.to_string()).env("HOME", self.folder.join("home"));
        call.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let evaluated = tokio::task::spawn_blocking(move || {
            let mut child = call.spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                // An expression ends with a dot and a line break.
                writeln!(stdin, "{expression}.")?;
            }
            child.wait_with_output()
        });
        let output = evaluated.await.expect("no panic").map_err(|error| error.to_string())?;
        let printed = String::from_utf8_lossy(&output.stdout);
        match printed.strip_prefix("{ok, ").and_then(|value| value.strip_suffix('}')) {
            Some(value) => Ok(value.to_owned()),
            None => Err(format!("{printed}{}", String::from_utf8_lossy(&output.stderr))),
        }
    }

    /// The value of an expression that cannot fail while the node runs.
    ///
    /// # Panics
    /// If it does.
    pub(super) async fn must(&self, expression: String) -> String {
        let value = self.eval(expression.clone()).await;
        value.unwrap_or_else(|problem| panic!("{expression} failed: {problem}"))
    }

    fn launch(&self) -> std::io::Result<()> {
        let [epmd_port, ..] = self.ports;
        let mut epmd = self.epmd.lock().unwrap_or_else(PoisonError::into_inner);
        if epmd.is_none() {
            let mut command = Command::new("epmd");
            command.args(["-address", "127.0.0.1", "-port", &epmd_port.to_string()]);
            // It goes last, so it takes the folder with it.
            *epmd = Some(Leash::start(&command, Some(&self.folder))?);
        }
        let server = Leash::start(&self.command(), None)?;
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        Ok(())
    }

    fn command(&self) -> Command {
        let [epmd, _, distribution] = self.ports;
        let mut command = Command::new(&self.programs.server);
        command.env("HOME", self.folder.join("home"));
        command.env("ERL_EPMD_ADDRESS", "127.0.0.1").env("ERL_EPMD_PORT", epmd.to_string());
        command.env("RABBITMQ_NODENAME", format!("assay-{epmd}@localhost"));
        command.env("RABBITMQ_DIST_PORT", distribution.to_string());
        for (name, file) in [
            ("RABBITMQ_MNESIA_BASE", "data"),
            ("RABBITMQ_LOG_BASE", "log"),
            ("RABBITMQ_CONFIG_FILE", "rabbitmq.conf"),
            ("RABBITMQ_ENABLED_PLUGINS_FILE", "enabled_plugins"),
            // Not there, and so not the machine's.
            ("RABBITMQ_CONF_ENV_FILE", "none"),
            ("RABBITMQ_ADVANCED_CONFIG_FILE", "none"),
        ] {
            command.env(name, self.folder.join(file));
        }
        command.env("RABBITMQ_LOGS", self.log_file());
        // The script becomes the node, instead of waiting for it in front.
        command.env("detached", "yes");
        command.env(
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            "-kernel inet_dist_use_interface {127,0,0,1}",
        );
        command
    }

    fn configuration(&self) -> String {
        let [_, amqp, _] = self.ports;
        let mut configuration = String::new();
        for (key, value) in [
            ("listeners.tcp.1", format!("127.0.0.1:{amqp}")),
            ("num_acceptors.tcp", "2".to_owned()),
            ("log.file.level", "info".to_owned()),
            // A small disk is no reason to block publishers here.
            ("disk_free_limit.absolute", "1MB".to_owned()),
            ("default_user", "assay".to_owned()),
            ("default_pass", self.cookie.clone()),
        ] {
            // Writing to a string cannot fail.
            let _ = writeln!(configuration, "{key} = {value}");
        }
        configuration
    }

    fn log_file(&self) -> PathBuf {
        self.folder.join("rabbitmq.log")
    }

    /// The end of the log.
    fn log(&self) -> String {
        last_lines(&self.log_file(), 20)
    }
}

fn last_lines(file: &Path, count: usize) -> String {
    let log = fs::read_to_string(file).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}
