//! Making connections: TLS, and tasks that belong to the store's own runtime.

use std::path::PathBuf;
use std::sync::Arc;

use deadpool_postgres::{ClientWrapper, Connect, Manager, ManagerConfig, Pool, RecyclingMethod};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::fault::Fault;
use crate::settings::{CONNECT_LIMIT, Settings};

/// Why no connection can be made.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The file with the certificates to trust cannot be used.
    #[error("no certificates in {}", file.display())]
    Certificates {
        /// The file.
        file: PathBuf,
        /// The reason.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// The server cannot be reached, or does not let us in.
    #[error("the database cannot be reached")]
    Reach(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What makes connections.
#[derive(Clone)]
pub(crate) struct Connector {
    tls: MakeRustlsConnect,
    // Connections are driven here, whoever asks for one: an asker's runtime may end before.
    runtime: Handle,
}

impl Connector {
    /// Connections that live on the current runtime.
    pub(crate) fn new(settings: &Settings) -> Result<Self, ConnectError> {
        Ok(Self { tls: tls(settings)?, runtime: Handle::current() })
    }

    /// The same for connections that live on the current runtime.
    pub(crate) fn here(&self) -> Self {
        Self { tls: self.tls.clone(), runtime: Handle::current() }
    }

    /// A pool of `size` connections, made as they are needed.
    pub(crate) fn pool(&self, settings: &Settings, size: usize) -> Result<Pool, ConnectError> {
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_connect(settings.pooled.clone(), self.clone(), manager);
        Pool::builder(manager)
            .max_size(size)
            .wait_timeout(Some(CONNECT_LIMIT))
            .create_timeout(Some(CONNECT_LIMIT))
            .recycle_timeout(Some(CONNECT_LIMIT))
            .runtime(deadpool_postgres::Runtime::Tokio1)
            .build()
            .map_err(|error| ConnectError::Reach(Box::new(error)))
    }

    /// A connection of its own, outside of any pool.
    pub(crate) async fn direct(&self, config: &Config) -> Result<ClientWrapper, Fault> {
        let connecting = tokio::time::timeout(CONNECT_LIMIT, self.open(config.clone()));
        let (client, task) = connecting.await.map_err(|_| Fault::TimedOut)??;
        Ok(ClientWrapper::new(client, task))
    }

    async fn open(
        &self,
        config: Config,
    ) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error> {
        let (tls, runtime) = (self.tls.clone(), self.runtime.clone());
        let opening = async move {
            let (client, connection) = config.connect(tls).await?;
            let task = runtime.spawn(connection.map(|ended| {
                if let Err(error) = ended {
                    tracing::debug!(error = &error as &dyn std::error::Error, "connection ended");
                }
            }));
            Ok((client, task))
        };
        match self.runtime.spawn(opening).await {
            Ok(opened) => opened,
            // The runtime ends, and the store with it: the limit of whoever asks ends this wait.
            Err(_ended) => std::future::pending().await,
        }
    }
}

impl Connect for Connector {
    fn connect(
        &self,
        config: &Config,
    ) -> BoxFuture<'_, Result<(Client, JoinHandle<()>), tokio_postgres::Error>> {
        self.open(config.clone()).boxed()
    }
}

fn tls(settings: &Settings) -> Result<MakeRustlsConnect, ConnectError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(ConnectError::Tls)?
        .with_root_certificates(roots(settings.ca_file.as_ref())?)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn roots(file: Option<&PathBuf>) -> Result<RootCertStore, ConnectError> {
    let mut roots = RootCertStore::empty();
    let Some(file) = file else {
        // A system without certificates still reaches a server without TLS.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(roots);
    };
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| ConnectError::Certificates {
        file: file.clone(),
        source,
    };
    let certificates = CertificateDer::pem_file_iter(file).map_err(|e| failed(e.into()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|e| failed(e.into()))?;
        roots.add(certificate).map_err(|e| failed(e.into()))?;
    }
    if roots.is_empty() {
        return Err(failed("the file holds none".into()));
    }
    Ok(roots)
}
