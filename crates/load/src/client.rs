//! What one request of the load is.

use anyhow::{Context as _, ensure};
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

/// Seconds that a client waits for the end of a job: the most that the gateway grants.
const WAIT_S: u32 = 60;

/// A client of a gateway. Clones and concurrent calls share its connections.
pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    pub(crate) fn of(gateway: &str) -> Self {
        Self { http: reqwest::Client::new(), url: format!("{gateway}/v1/analysis") }
    }

    /// Submits a job.
    pub(crate) async fn submit(&self) -> anyhow::Result<()> {
        let answer = self.post(None).await?;
        ensure!(answer.status() == StatusCode::ACCEPTED, "not accepted: {}", answer.status());
        // Read to its end, so that the connection can be used again.
        answer.bytes().await?;
        Ok(())
    }

    /// Submits a job, and waits until it has succeeded.
    pub(crate) async fn run(&self) -> anyhow::Result<()> {
        let answer = self.post(Some(format!("wait={WAIT_S}"))).await?;
        let status = answer.status();
        let job: Value = answer.json().await.with_context(|| format!("answered {status}"))?;
        ensure!(job["state"] == "succeeded", "not succeeded within {WAIT_S} s: {status} {job}");
        Ok(())
    }

    async fn post(&self, prefer: Option<String>) -> anyhow::Result<Response> {
        let body = json!({"company_name": "Acme", "question": "script: delay_ms=0"});
        let mut request = self.http.post(&self.url).json(&body);
        if let Some(prefer) = prefer {
            request = request.header("Prefer", prefer);
        }
        request.send().await.context("the gateway does not answer")
    }
}
