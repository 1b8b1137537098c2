//! A client of the system under test.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

/// Nothing in these tests takes longer, however slow the machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    http: reqwest::Client,
}

impl Client {
    pub(crate) fn of(address: SocketAddr) -> Self {
        let http = reqwest::Client::builder().timeout(DEADLINE).build().unwrap();
        Self { address, http }
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("http://{}{path}", self.address))
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.http.post(format!("http://{}{path}", self.address))
    }

    pub(crate) fn delete(&self, path: &str) -> RequestBuilder {
        self.http.delete(format!("http://{}{path}", self.address))
    }

    /// Submits a question and returns the path of its job.
    pub(crate) async fn submit(&self, question: &str) -> String {
        let response = self.post("/v1/analysis").json(&asking(question)).send().await.unwrap();
        assert_eq!(response.status(), 202);
        header(&response, "location").to_owned()
    }

    /// The job at this path, once it has ended.
    pub(crate) async fn ended(&self, path: &str) -> Value {
        self.once(path, |job| job["finished_at"].is_string()).await
    }

    /// The job at this path, once it is in this state.
    pub(crate) async fn once_in(&self, path: &str, state: &str) -> Value {
        self.once(path, |job| job["state"] == state).await
    }

    async fn once(&self, path: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        let waiting = async {
            let mut version = 0;
            loop {
                let query = format!("{path}?after_version={version}&wait=20");
                let job = body(self.get(&query).send().await.unwrap()).await;
                if is_so(&job) {
                    return job;
                }
                let is_over = job["finished_at"].is_string();
                assert!(!is_over, "the job ended otherwise: {job}");
                version = job["version"].as_u64().unwrap();
            }
        };
        tokio::time::timeout(DEADLINE, waiting).await.unwrap()
    }

    /// The whole log of a job, in order.
    pub(crate) async fn log(&self, path: &str) -> Vec<Value> {
        let page = self.get(&format!("{path}/events?limit=1000")).send().await.unwrap();
        let page = body(page).await;
        let events = page["events"].as_array().unwrap().clone();
        assert_eq!(page["head"], events.len(), "the log fits on one page");
        events
    }
}

pub(crate) fn asking(question: &str) -> Value {
    json!({"company_name": "Example", "question": question})
}

pub(crate) async fn body(response: Response) -> Value {
    let text = response.text().await.unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

pub(crate) fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// The status and the problem of a response, checked for its form.
pub(crate) async fn problem(response: Response) -> (u16, Value) {
    assert_eq!(header(&response, "content-type"), "application/problem+json");
    let status = response.status().as_u16();
    let problem = body(response).await;
    assert_eq!(problem["status"], status);
    assert_eq!(problem["type"], format!("/v1/problems/{}", problem["code"].as_str().unwrap()));
    assert_eq!(problem["trace_id"].as_str().unwrap().len(), 32);
    for key in ["title", "detail", "origin"] {
        assert!(problem[key].as_str().is_some_and(|text| !text.is_empty()), "{key}");
    }
    assert!(problem.as_object().unwrap().contains_key("retryable"));
    (status, problem)
}
