//! The jobs, as the commands reach them: over HTTP where a server has them, else in this process.
//!
//! Which way is taken is decided once, in [`Access::open`]; the commands do not see it. What goes
//! in and out are the types of the contract.

mod error;
mod http;
mod local;
mod transcript;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use adapter_embedded::DataDirError;
use contracts::{Job, JobId, Submission};
use engine::ports::{JobFilter, PageCursor};
use reqwest::Url;
use tokio::time::Instant;

pub(crate) use self::error::ClientError;
use self::http::Http;
use self::local::Local;
pub(crate) use self::transcript::{Said, Transcript};
use crate::config::Config;
use crate::embedded::Embedded;
use crate::own;
use crate::system::{Role, Settings, System};

/// Jobs in a page: few enough for a page of large ones to be read at once.
pub(crate) const PAGE_SIZE: usize = 50;

/// A data directory is owned for a moment by every command that opens it, and its next server
/// announces itself a moment after it has taken it.
const OWNER_PATIENCE: Duration = Duration::from_secs(10);
/// How often the owner is looked for.
const OWNER_INTERVAL: Duration = Duration::from_millis(50);
/// For a connection on this machine.
const OWNER_ANSWERS: Duration = Duration::from_secs(1);

/// The way to the jobs.
pub(crate) enum Access {
    /// A server has them.
    Http(Http),
    /// They are in a store that this process uses itself.
    Local(Box<Local>),
}

/// A job that is durable.
pub(crate) struct Accepted {
    /// The job.
    pub(crate) job: Job,
    /// Whether it had been accepted before, under the same key.
    pub(crate) replayed: bool,
}

/// One page of jobs, newest first.
pub(crate) struct Page {
    /// The jobs.
    pub(crate) jobs: Vec<Job>,
    /// Where the next page begins; `None` after the last one.
    pub(crate) next: Option<Place>,
}

/// The place in a list at which a page begins: good for the access that gave it.
pub(crate) enum Place {
    /// As the server named it.
    Token(String),
    /// As the store names it.
    Cursor(PageCursor),
}

impl Access {
    /// The way to the jobs of this configuration: the server that it names; else the database of
    /// the fleet; else the data directory, through the process that serves it, if one does.
    ///
    /// # Errors
    /// [`ClientError`]. A server is not spoken to yet.
    pub(crate) async fn open(config: &Config) -> Result<Self, ClientError> {
        match &config.server {
            Some(server) => Ok(Self::Http(Http::to(server.clone(), config.api_key.clone())?)),
            None if config.database_url.is_some() => {
                let system = own::system(config).await.map_err(ClientError::System)?;
                Ok(Self::over(system, Role::Gateway))
            }
            None => Self::of_data_dir(config).await,
        }
    }

    /// The way to the jobs of this process's own system. While a job is followed the process does
    /// what `role` says.
    fn over(system: System, role: Role) -> Self {
        Self::Local(Box::new(Local::over(system, role)))
    }

    /// Opens the data directory, or finds who owns it. An owner that only passes by is waited for.
    async fn of_data_dir(config: &Config) -> Result<Self, ClientError> {
        let patience = Instant::now() + OWNER_PATIENCE;
        loop {
            let error = match Embedded::open(config, Settings::of(config)) {
                // Nobody else does anything with it: what is to be done, this process does.
                Ok(embedded) => return Ok(Self::over(embedded.system, Role::All)),
                Err(error) => error.downcast::<DataDirError>().map_err(ClientError::System)?,
            };
            let DataDirError::InUse { owner, .. } = &error else { return Err(error.into()) };
            if let Some(address) = owner.address
                && answers(address).await
            {
                let server = Http::to(announced_url(address), config.api_key.clone())?;
                return Ok(Self::Http(server.owning(config.data_dir.clone())));
            }
            if Instant::now() > patience {
                return Err(error.into());
            }
            tokio::time::sleep(OWNER_INTERVAL).await;
        }
    }

    /// Accepts a job; durable when this returns. Called again with the same key and submission it
    /// is the same job.
    pub(crate) async fn submit(
        &self,
        submission: Submission,
        key: &str,
    ) -> Result<Accepted, ClientError> {
        match self {
            Self::Http(http) => http.submit(&submission, key).await,
            Self::Local(local) => local.submit(submission, key).await,
        }
    }

    /// A job.
    pub(crate) async fn get(&self, id: JobId) -> Result<Job, ClientError> {
        match self {
            Self::Http(http) => http.get(id).await,
            Self::Local(local) => local.get(id).await,
        }
    }

    /// A page of jobs, newest first, without their partial results: the first one, or the one that
    /// begins at `place`.
    pub(crate) async fn page(
        &self,
        filter: &JobFilter,
        page_size: usize,
        place: Option<&Place>,
    ) -> Result<Page, ClientError> {
        match self {
            Self::Http(http) => {
                let token = place.and_then(|place| match place {
                    Place::Token(token) => Some(token.as_str()),
                    Place::Cursor(_) => None,
                });
                let page = http.page(filter, page_size, token).await?;
                Ok(Page { jobs: page.jobs, next: page.next_page_token.map(Place::Token) })
            }
            Self::Local(local) => {
                let cursor = place.and_then(|place| match place {
                    Place::Cursor(cursor) => Some(*cursor),
                    Place::Token(_) => None,
                });
                local.page(filter, page_size, cursor).await
            }
        }
    }

    /// Ends a job, or has its worker stopped: then the job comes back as `cancelling`. A job that
    /// ended otherwise is refused as `job_already_terminal`.
    pub(crate) async fn cancel(
        &self,
        id: JobId,
        reason: Option<String>,
    ) -> Result<Job, ClientError> {
        match self {
            Self::Http(http) => http.cancel(id, reason).await,
            Self::Local(local) => local.cancel(id, reason).await,
        }
    }

    /// Accepts a job that asks what this one asked. Called again with the same key it is the same
    /// job.
    pub(crate) async fn retry(&self, id: JobId, key: &str) -> Result<Accepted, ClientError> {
        match self {
            Self::Http(http) => http.retry(id, key).await,
            Self::Local(local) => local.retry(id, key).await,
        }
    }

    /// Follows a job's log after version `after`. Where no other process runs the jobs, this one
    /// does until [`Access::close`].
    pub(crate) async fn follow(
        &mut self,
        id: JobId,
        after: u64,
    ) -> Result<Transcript, ClientError> {
        match self {
            Self::Http(http) => Transcript::over_http(http.clone(), id, after).await,
            Self::Local(local) => Ok(Transcript::of(local.follow(id, after).await?)),
        }
    }

    /// Whether the jobs stay where they are until some process runs them.
    pub(crate) fn nobody_works(&self) -> bool {
        match self {
            Self::Http(_) => false,
            Self::Local(local) => local.nobody_works(),
        }
    }

    /// Ends in order: what this process runs is finished, or goes on at the next start.
    pub(crate) async fn close(self) {
        match self {
            Self::Http(_) => {}
            Self::Local(local) => local.close().await,
        }
    }
}

/// Whether somebody listens there: an owner that drains does not any more.
async fn answers(address: SocketAddr) -> bool {
    let connected = tokio::net::TcpStream::connect(reachable(address));
    matches!(tokio::time::timeout(OWNER_ANSWERS, connected).await, Ok(Ok(_)))
}

/// Where to reach what listens on this address of this machine.
fn announced_url(address: SocketAddr) -> Url {
    let mut url = Url::parse("http://localhost").expect("a constant that is an address");
    let address = reachable(address);
    let set = (url.set_ip_host(address.ip()), url.set_port(Some(address.port())));
    debug_assert_eq!(set, (Ok(()), Ok(())), "http takes any host and port");
    url
}

/// A listener on all addresses is reached on the loopback one.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_reached_where_it_listens() {
        for (listens, url) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("0.0.0.0:9000", "http://127.0.0.1:9000/"),
            ("[::]:9000", "http://[::1]:9000/"),
            ("127.0.0.1:80", "http://127.0.0.1/"),
        ] {
            assert_eq!(announced_url(listens.parse().unwrap()).as_str(), url);
        }
    }
}
