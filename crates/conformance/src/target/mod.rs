//! The servers under test.

mod call;
mod observed;

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::header::HeaderValue;
use reqwest::{Client, Method, Url, redirect};
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) use self::call::{Answer, Call};
pub(crate) use self::observed::Observations;
use crate::fault::Checked;
use crate::{Extent, Settings, SetupError};

/// For a connection.
const CONNECT_TIME: Duration = Duration::from_secs(10);
/// Where jobs are submitted and listed.
pub(crate) const ANALYSIS: &str = "/v1/analysis";
/// The socket of many jobs.
pub(crate) const STREAM: &str = "/v1/stream";
/// What every job of a run is marked with, so that the kit finds its own.
pub(crate) const RUN_LABEL: &str = "conformance";

/// The servers of one system.
pub(crate) struct Target {
    client: Client,
    servers: Vec<Url>,
    next_server: AtomicUsize,
    key: Option<HeaderValue>,
    extent: Extent,
    is_scripted: bool,
    observed: Observations,
}

impl Target {
    /// Gets to know the servers: their registry of errors, and whether they have the scripted
    /// model.
    ///
    /// # Errors
    /// [`SetupError`].
    pub(crate) async fn open(settings: Settings) -> Result<Self, SetupError> {
        let Settings { servers, key, extent, .. } = settings;
        let first = servers.first().cloned().ok_or(SetupError::NoServer)?;
        let unusable = |detail: String| SetupError::Server { server: first.clone(), detail };
        let bearer = |key: String| {
            let mut value = HeaderValue::from_str(&format!("Bearer {key}"))
                .map_err(|_| unusable("the key is no header".to_owned()))?;
            value.set_sensitive(true);
            Ok(value)
        };
        let key = key.map(bearer).transpose()?;
        let mut builder = Client::builder()
            .user_agent(concat!("assay-conformance/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIME)
            .redirect(redirect::Policy::none());
        if servers.iter().all(is_loopback) {
            // A proxy would look for the server on its own machine.
            builder = builder.no_proxy();
        }
        let mut target = Self {
            client: builder.build().map_err(SetupError::Client)?,
            servers,
            next_server: AtomicUsize::new(0),
            key,
            extent,
            is_scripted: false,
            observed: Observations::default(),
        };
        let registry = target.published("/v1/problems").await.map_err(unusable)?;
        target.observed.know(&registry);
        target.is_scripted = target.accepts_scripts().await.map_err(unusable)?;
        Ok(target)
    }

    /// Whether the servers answer with the scripted model.
    pub(crate) const fn is_scripted(&self) -> bool {
        self.is_scripted
    }

    pub(crate) const fn extent(&self) -> Extent {
        self.extent
    }

    /// What was seen in all answers.
    pub(crate) const fn observed(&self) -> &Observations {
        &self.observed
    }

    /// How many servers there are.
    pub(crate) fn servers(&self) -> usize {
        self.servers.len()
    }

    pub(crate) fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> Call<'_> {
        self.call(Method::POST, path)
    }

    /// A submission of this body.
    pub(crate) fn submission(&self, body: &Value) -> Call<'_> {
        self.post(ANALYSIS).json(body)
    }

    /// A call to the next server.
    pub(crate) fn call(&self, method: Method, path: &str) -> Call<'_> {
        let server = self.next_server.fetch_add(1, Ordering::Relaxed) % self.servers.len();
        Call::new(self, server, method, path)
    }

    /// A text that nobody has used: a key, or a label's value.
    pub(crate) fn unique(&self) -> String {
        Uuid::now_v7().to_string()
    }

    async fn published(&self, path: &str) -> Result<Value, String> {
        let answer = self.get(path).send().await.map_err(seen)?;
        match answer.status() {
            200 => answer.json().cloned().map_err(seen),
            _ => Err(answer.to_string()),
        }
    }

    /// A server refuses a model that it does not have, and stores nothing of a validation.
    async fn accepts_scripts(&self) -> Result<bool, String> {
        let body = json!({"company_name": "-", "question": "-", "model": "scripted"});
        let probe = self.post("/v1/analysis?validate_only=true").json(&body);
        match probe.send().await.map_err(seen)? {
            answer if answer.status() == 200 => Ok(true),
            answer if answer.status() == 422 => Ok(false),
            answer => Err(answer.to_string()),
        }
    }

    fn url(&self, server: usize, path: &str) -> Url {
        let base = &self.servers[server];
        let prefix = base.path().trim_end_matches('/');
        let mut url = base.clone();
        let (path, query) = match path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path, None),
        };
        url.set_path(&format!("{prefix}{path}"));
        url.set_query(query);
        url
    }
}

fn seen(fault: crate::fault::Fault) -> String {
    let checked: Checked = Err(fault);
    match crate::Verdict::from(checked) {
        crate::Verdict::Broken(breach) => breach.seen,
        crate::Verdict::NotApplicable { reason } => reason,
        crate::Verdict::Kept => String::new(),
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
