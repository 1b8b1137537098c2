use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;

/// How to reach a database.
#[derive(Clone)]
pub struct Settings {
    pub(crate) pooled: Config,
    pub(crate) direct: Config,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) connections_max: usize,
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("not a URL of a PostgreSQL database")]
pub struct SettingsError(#[source] tokio_postgres::Error);

/// Connections at the most, if not said otherwise.
const CONNECTIONS_MAX: usize = 16;
/// How long a connection may take to come about.
pub(crate) const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// A connection whose other end does not answer for this long is given up by the system.
const SILENCE_LIMIT: Duration = Duration::from_secs(5);
/// What each session asks of the server, so that no lock outlives a client that froze.
///
/// Plans are made once a session, perhaps while a table is empty, and must be good for one of
/// millions of rows, too: an index is used wherever there is one. Just-in-time compilation can
/// take longer than a whole batch.
const SESSION: &str = "-c statement_timeout=5s -c lock_timeout=1s \
                       -c idle_in_transaction_session_timeout=2s \
                       -c enable_seqscan=off -c jit=off";

impl Settings {
    /// The database that a `postgres://` URL names. With `sslmode=require` it is reached over TLS
    /// only; without, over TLS if the server has it (`sslmode=disable`: never). The server's
    /// certificate is checked in either case.
    ///
    /// # Errors
    /// [`SettingsError`] if this is not such a URL.
    pub fn of_url(url: &str) -> Result<Self, SettingsError> {
        let pooled = with_limits(url.parse().map_err(SettingsError)?);
        let direct = pooled.clone();
        Ok(Self { pooled, direct, ca_file: None, connections_max: CONNECTIONS_MAX })
    }

    /// Where sessions are the server's own, if the first URL leads to a proxy that shares them:
    /// heartbeats and migrations hold locks that live as long as their session.
    ///
    /// # Errors
    /// [`SettingsError`] if this is not such a URL.
    pub fn with_direct_url(mut self, url: &str) -> Result<Self, SettingsError> {
        self.direct = with_limits(url.parse().map_err(SettingsError)?);
        Ok(self)
    }

    /// Trusts the certificates of this PEM file, and no others, instead of the system's.
    #[must_use]
    pub fn with_ca_file(mut self, file: PathBuf) -> Self {
        self.ca_file = Some(file);
        self
    }

    /// Connections at the most that reads and housekeeping share, at least 1; further requests wait
    /// for one of them. Batches of writes have four of their own.
    #[must_use]
    pub fn with_connections_max(mut self, connections: usize) -> Self {
        self.connections_max = connections.max(1);
        self
    }
}

fn with_limits(mut config: Config) -> Config {
    let options = match config.get_options() {
        Some(own) => format!("{SESSION} {own}"),
        None => SESSION.to_owned(),
    };
    if config.get_application_name().is_none() {
        config.application_name("assay");
    }
    config
        .options(options)
        .connect_timeout(CONNECT_LIMIT)
        .tcp_user_timeout(SILENCE_LIMIT)
        .keepalives_idle(SILENCE_LIMIT)
        .keepalives_interval(Duration::from_secs(1))
        .keepalives_retries(5);
    config
}
