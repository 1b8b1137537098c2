//! The jobs of a server, over HTTP: one call a method.

mod call;

use std::path::PathBuf;
use std::time::Duration;

use adapter_embedded::DataDir;
use contracts::{CancelRequest, Job, JobId, JobPage, JobState, Submission};
use engine::ports::JobFilter;
use reqwest::{Client, Method, Response, StatusCode, Url, header, redirect};

use self::call::{json, media_type};
use super::error::ClientError;
use super::{Accepted, announced_url};
use crate::config::Secret;

/// From the first packet to an encrypted connection.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// A server that says nothing for so long is gone. An event stream has a comment every 15 s.
const IDLE_TIME: Duration = Duration::from_secs(45);
/// Redirections on one server.
const REDIRECTIONS_MAX: usize = 4;
const ANALYSIS: &str = "/v1/analysis";

/// The way to a server.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: Client,
    base: Url,
    key: Option<Secret>,
    /// The data directory whose owner this is: it may come back on another port.
    owner_of: Option<PathBuf>,
}

impl Http {
    /// The way to the server at this address.
    ///
    /// # Errors
    /// [`ClientError::Setup`].
    pub(super) fn to(base: Url, key: Option<Secret>) -> Result<Self, ClientError> {
        let mut builder = Client::builder()
            .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIME)
            .read_timeout(IDLE_TIME)
            .redirect(redirect::Policy::custom(stay_on_server));
        if is_loopback(&base) {
            // A proxy would look for the server on its own machine.
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(ClientError::Setup)?;
        Ok(Self { client, base, key, owner_of: None })
    }

    /// The same, as the process that owns this data directory.
    pub(super) fn owning(mut self, data_dir: PathBuf) -> Self {
        self.owner_of = Some(data_dir);
        self
    }

    /// Looks where the server is now, if it is the owner of a data directory.
    pub(super) fn look_again(&mut self) {
        let owner = self.owner_of.as_ref().and_then(|path| DataDir::owner(path).ok());
        if let Some(address) = owner.and_then(|owner| owner.address) {
            self.base = announced_url(address);
        }
    }

    pub(super) async fn submit(
        &self,
        submission: &Submission,
        key: &str,
    ) -> Result<Accepted, ClientError> {
        let call = self.post(ANALYSIS.to_owned(), key).with_body(json(submission));
        self.accepted(call).await
    }

    pub(super) async fn get(&self, id: JobId) -> Result<Job, ClientError> {
        self.read(self.call(Method::GET, format!("{ANALYSIS}/{id}"))).await
    }

    pub(super) async fn page(
        &self,
        filter: &JobFilter,
        page_size: usize,
        token: Option<&str>,
    ) -> Result<JobPage, ClientError> {
        let call = self.call(Method::GET, ANALYSIS.to_owned());
        let mut call = call.with_parameter("page_size", &page_size.to_string());
        for (name, value) in parameters(filter) {
            call = call.with_parameter(&name, &value);
        }
        if let Some(token) = token {
            call = call.with_parameter("page_token", token);
        }
        self.read(call).await
    }

    pub(super) async fn cancel(
        &self,
        id: JobId,
        reason: Option<String>,
    ) -> Result<Job, ClientError> {
        let call = self.call(Method::POST, format!("{ANALYSIS}/{id}/cancel"));
        self.read(call.with_body(json(&CancelRequest { reason }))).await
    }

    pub(super) async fn retry(&self, id: JobId, key: &str) -> Result<Accepted, ClientError> {
        self.accepted(self.post(format!("{ANALYSIS}/{id}/retry"), key)).await
    }

    /// Opens the log of a job as an event stream, after version `after`. `None` if nothing follows
    /// any more. Sent once: whoever follows tries again in their own time.
    pub(super) async fn events(
        &self,
        id: JobId,
        after: u64,
    ) -> Result<Option<Response>, ClientError> {
        let call = self.call(Method::GET, format!("{ANALYSIS}/{id}/events"));
        let request = self
            .request(&call)
            .header(header::ACCEPT, "text/event-stream")
            .header("last-event-id", after.to_string());
        let response = self.checked(request).await?;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(None);
        }
        match media_type(&response) {
            "text/event-stream" => Ok(Some(response)),
            other => Err(self.not_understood(format!("{other:?} instead of an event stream"))),
        }
    }
}

/// Follows a redirection on the same server that leaves the method as it is. Another server gets
/// neither the question nor the key.
fn stay_on_server(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let keeps_method = [StatusCode::TEMPORARY_REDIRECT, StatusCode::PERMANENT_REDIRECT]
        .contains(&attempt.status());
    let from = attempt.previous().last().map(Url::origin);
    let stays = from == Some(attempt.url().origin());
    if keeps_method && stays && attempt.previous().len() <= REDIRECTIONS_MAX {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

/// A filter as the parameters of a list.
fn parameters(filter: &JobFilter) -> Vec<(String, String)> {
    let JobFilter { state, company_name, labels, created_after, created_before, idempotency_key } =
        filter;
    let plain = [
        ("state", state.map(JobState::as_str).map(str::to_owned)),
        ("company", company_name.clone()),
        ("created_after", created_after.map(|time| time.to_string())),
        ("created_before", created_before.map(|time| time.to_string())),
        ("idempotency_key", idempotency_key.clone()),
    ];
    let plain = plain.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    let labels = labels.iter().map(|(key, value)| (format!("label.{key}"), value.clone()));
    plain.chain(labels).collect()
}
