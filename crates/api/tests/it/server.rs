//! A gateway in this process, on a port of its own.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use api::{Gateway, GatewayError, Settings};
use contracts::JobId;
use engine::services::{Jobs, JobsPorts, Streams};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::store::MemoryStore;

/// Nothing in these tests takes longer, however slow the machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) struct Server {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) authority: String,
    pub(crate) client: Client,
    pub(crate) shutdown: CancellationToken,
    running: JoinHandle<Result<(), GatewayError>>,
    _stop_at_drop: DropGuard,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::over(MemoryStore::new(true), Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        Self::over(MemoryStore::new(true), settings).await
    }

    pub(crate) async fn over(store: MemoryStore, settings: Settings) -> Self {
        let store = Arc::new(store);
        let streams = Streams::new();
        let ports = JobsPorts {
            store: store.clone(),
            queue: store.clone(),
            bus: store.clone(),
            corpus: store.clone(),
            secrets: store.clone(),
        };
        let jobs = Jobs::new(ports, streams.clone(), vec!["extractive".to_owned()]);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let authority = listener.local_addr().unwrap().to_string();
        let shutdown = CancellationToken::new();
        let settings = Settings { threads: Some(1), ..settings };
        let running = tokio::spawn(Gateway::new(jobs, settings).run(listener, shutdown.clone()));
        let (bus, source, stop) = (store.clone(), store.clone(), CancellationToken::new());
        let stop_at_drop = stop.clone().drop_guard();
        let stop_gateway = shutdown.clone();
        tokio::spawn(async move {
            streams.run(bus, source, stop).await;
            stop_gateway.cancel();
        });
        let client = Client::builder().timeout(DEADLINE).build().unwrap();
        Self { store, authority, client, shutdown, running, _stop_at_drop: stop_at_drop }
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("http://{}{path}", self.authority))
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("http://{}{path}", self.authority))
    }

    pub(crate) fn delete(&self, path: &str) -> RequestBuilder {
        self.client.delete(format!("http://{}{path}", self.authority))
    }

    /// Submits a job.
    pub(crate) async fn submit(&self) -> JobId {
        let response = self.post("/v1/analysis").json(&question()).send().await.unwrap();
        assert_eq!(response.status(), 202);
        id_of(&body(response).await)
    }

    /// A job with a log of `events`, the last of which ends it.
    pub(crate) async fn ended_job(&self, events: u64) -> JobId {
        assert!(events >= 4, "created, started, attempt_failed, failed");
        let id = self.submit().await;
        self.store.start(id);
        for number in 0..events - 4 {
            self.store.change(id, delta(&format!("part {number}\n")));
        }
        self.store.fail(id);
        assert_eq!(self.store.head(id), events);
        id
    }

    /// Waits until the gateway has returned, after its token has fired.
    pub(crate) async fn stopped(self) {
        tokio::time::timeout(DEADLINE, self.running).await.unwrap().unwrap().unwrap();
    }
}

pub(crate) fn question() -> Value {
    json!({"company_name": "3M", "question": "What was the revenue of 2018?"})
}

/// A change that adds one `output.delta`.
pub(crate) fn delta(text: &str) -> engine::job::Change {
    use contracts::event::{EventBody, OutputDelta};
    let delta = OutputDelta { offset: 0, text: text.to_owned() };
    engine::job::Change::Work { events: vec![EventBody::OutputDelta(delta)] }
}

pub(crate) async fn body(response: Response) -> Value {
    let text = response.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

pub(crate) fn id_of(job: &Value) -> JobId {
    job["id"].as_str().unwrap().parse().unwrap()
}

pub(crate) fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// The problem in a response, checked for its form.
pub(crate) async fn problem(response: Response) -> Value {
    assert_eq!(header(&response, "content-type"), "application/problem+json");
    let status = response.status().as_u16();
    if [429, 503].contains(&status) {
        assert!(!header(&response, "retry-after").is_empty());
    }
    let problem = body(response).await;
    assert_eq!(problem["status"], status);
    assert_eq!(problem["type"], format!("/v1/problems/{}", problem["code"].as_str().unwrap()));
    assert_eq!(problem["trace_id"].as_str().unwrap().len(), 32);
    assert!(!problem["detail"].as_str().unwrap().is_empty());
    assert!(problem.as_object().unwrap().contains_key("retryable"));
    assert!(!problem.to_string().contains("secret"), "{problem}");
    problem
}
