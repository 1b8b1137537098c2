//! Real processes: started on free ports, killed for real, read over HTTP.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use contracts::{EventPage, Job};
use serde_json::{Value, json};

/// Everything here ends well within this.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A running process. Dropping it kills it.
pub(crate) struct Server {
    pub(crate) child: Child,
    base: String,
    client: reqwest::Client,
}

impl Server {
    /// Starts a server on a free port of the loopback interface and waits until it listens.
    pub(crate) fn start(data_dir: &Path, ledger: &Path) -> Self {
        Self::start_at("127.0.0.1:0", data_dir, ledger)
    }

    /// The same, at this address.
    pub(crate) fn start_at(listen: &str, data_dir: &Path, ledger: &Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command
            .args(["dev", "--listen", listen, "--data-dir"])
            .arg(data_dir)
            .env("ASSAY_MODEL", "scripted")
            .env("ASSAY_SCRIPTED_LEDGER", ledger)
            .env("ASSAY_LOG", "error");
        Self::of(command)
    }

    /// Starts what this command serves, and waits until it listens.
    pub(crate) fn of(command: Command) -> Self {
        Self::try_of(command).expect("it says where it listens")
    }

    /// The same; `None` if the process ends before it listens.
    pub(crate) fn try_of(command: Command) -> Option<Self> {
        let mut base = None;
        let child = spawn(command, |line| {
            let (_, rest) = line.split_once("http://")?;
            base = rest.split([',', ' ']).next().map(|address| format!("http://{address}"));
            base.is_some().then_some(())
        })?;
        Some(Self { child, base: base?, client: reqwest::Client::new() })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens: `http://127.0.0.1:PORT`.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// SIGKILL, and the end of the process.
    pub(crate) fn kill_9(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and the end of the process; returns whether it ended well and how long it took.
    pub(crate) fn terminate(mut self) -> (bool, Duration) {
        let began = std::time::Instant::now();
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let status = self.child.wait().unwrap();
        (status.success(), began.elapsed())
    }

    /// Waits for the process to end by itself; returns its exit code.
    pub(crate) fn wait(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    pub(crate) async fn submit(&self, question: &str) -> Job {
        self.submit_with(json!({"company_name": "3M", "question": question})).await
    }

    pub(crate) async fn submit_with(&self, body: Value) -> Job {
        let url = format!("{}/v1/analysis", self.base);
        let response = self.client.post(url).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 202);
        response.json().await.unwrap()
    }

    pub(crate) async fn job(&self, job: &Job) -> Job {
        self.get(&job.links.this).await
    }

    pub(crate) async fn events(&self, job: &Job) -> EventPage {
        self.get(&format!("{}?limit=1000", job.links.events)).await
    }

    /// Waits until the job's log has an event that `wanted` accepts, given type and data.
    pub(crate) async fn until_event(&self, job: &Job, wanted: impl Fn(&str, &Value) -> bool) {
        let found = async || {
            let page = self.events(job).await;
            page.events.iter().any(|event| wanted(&event.kind, &event.data)).then_some(())
        };
        testkit::eventually(PATIENCE, found).await;
    }

    /// Waits until the job has ended.
    pub(crate) async fn until_ended(&self, job: &Job) -> Job {
        let ended = async || Some(self.job(job).await).filter(|job| job.state.is_terminal());
        testkit::eventually(PATIENCE, ended).await
    }

    pub(crate) async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> T {
        let response = self.client.get(format!("{}{path}", self.base)).send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A running worker. Dropping it kills it.
#[cfg(feature = "fleet")]
pub(crate) struct Worker {
    pub(crate) child: Child,
}

#[cfg(feature = "fleet")]
impl Worker {
    /// Starts a worker and waits until it works.
    pub(crate) fn of(command: Command) -> Self {
        Self::try_of(command).expect("it says that it works")
    }

    /// The same; `None` if the process ends before it works.
    pub(crate) fn try_of(command: Command) -> Option<Self> {
        let works = |line: &str| line.starts_with("assay worker").then_some(());
        Some(Self { child: spawn(command, works)? })
    }

    /// Sends the process a signal, such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// The exit code, if the process has ended by itself.
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        self.child.try_wait().unwrap().and_then(|status| status.code())
    }

    /// SIGKILL, and the end of the process.
    pub(crate) fn kill_9(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and the end of the process; returns whether it ended well.
    pub(crate) fn terminate(mut self) -> bool {
        self.signal("TERM");
        self.child.wait().unwrap().success()
    }

    /// Waits for the process to end by itself; returns its exit code.
    pub(crate) fn wait(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

#[cfg(feature = "fleet")]
impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a process and waits until it says something that `is_ready` takes; `None` if it ends
/// before that.
fn spawn(mut command: Command, mut is_ready: impl FnMut(&str) -> Option<()>) -> Option<Child> {
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    loop {
        let Some(line) = lines.next() else {
            child.wait().unwrap();
            return None;
        };
        if is_ready(&line.unwrap()).is_some() {
            break;
        }
    }
    // Keeps the pipe empty, so that the process never waits for its reader.
    std::thread::spawn(move || lines.for_each(drop));
    Some(child)
}
