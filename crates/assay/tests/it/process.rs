//! A real `assay dev` process: started on a free port, killed for real, read over HTTP.

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
    child: Child,
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
        let mut child = Command::new(env!("CARGO_BIN_EXE_assay"))
            .args(["dev", "--listen", listen, "--data-dir"])
            .arg(data_dir)
            .env("ASSAY_MODEL", "scripted")
            .env("ASSAY_SCRIPTED_LEDGER", ledger)
            .env("ASSAY_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let base = loop {
            let line = lines.next().expect("the server says where it listens").unwrap();
            if let Some((_, rest)) = line.split_once("http://") {
                let address = rest.split([',', ' ']).next().unwrap();
                break format!("http://{address}");
            }
        };
        // Keeps the pipe empty, so that the server never waits for its reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, base, client: reqwest::Client::new() }
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

    async fn get<T: serde::de::DeserializeOwned>(&self, path: &str) -> T {
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
