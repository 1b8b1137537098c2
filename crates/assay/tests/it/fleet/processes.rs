//! The servers and the processes of a fleet under test.

use std::path::PathBuf;
use std::process::Command;

use adapter_postgres::Settings;
use tempfile::TempDir;
use testkit::servers::rabbitmq::VirtualHost;
use testkit::servers::{Postgres, TestDatabase, rabbitmq};

use crate::process::{Server, Worker};

/// A database and a virtual host for one test.
pub(crate) struct Servers {
    pub(crate) database: TestDatabase<'static>,
    pub(crate) host: VirtualHost,
}

impl Servers {
    /// `None`, after saying why, if one of them is not here.
    pub(crate) async fn start() -> Option<Self> {
        let postgres = Postgres::shared()?;
        let host = rabbitmq::shared().await?;
        Some(Self { database: migrated(postgres).await, host })
    }

    /// The same, on a private broker, in which exchanges can be deleted.
    pub(crate) async fn start_private() -> Option<Self> {
        let postgres = Postgres::shared()?;
        let host = rabbitmq::private().await?;
        Some(Self { database: migrated(postgres).await, host })
    }
}

/// A database of this release's form.
pub(crate) async fn migrated(postgres: &'static Postgres) -> TestDatabase<'static> {
    let migrate = |url: String| async move {
        adapter_postgres::migrate(&Settings::of_url(&url).unwrap()).await.unwrap();
    };
    postgres.database(migrate).await
}

/// Starts the processes of a fleet.
pub(crate) struct Fleet {
    database_url: String,
    amqp_url: Option<String>,
    model: &'static str,
    dir: TempDir,
}

impl Fleet {
    pub(crate) fn new(servers: &Servers) -> Self {
        Self {
            database_url: servers.database.url(),
            amqp_url: Some(servers.host.url().to_owned()),
            model: "scripted",
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn without_broker(servers: &Servers) -> Self {
        Self { amqp_url: None, ..Self::new(servers) }
    }

    /// One that answers from its documents.
    pub(crate) fn answering(servers: &Servers) -> Self {
        Self { model: "extractive", ..Self::new(servers) }
    }

    /// Where all workers note the calls of the scripted model.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.dir.path().join("ledger")
    }

    /// Starts a gateway on a free port.
    pub(crate) fn gateway(&self) -> Server {
        let mut command = self.command("gateway");
        command.args(["gateway", "--listen", "127.0.0.1:0"]);
        Server::of(command)
    }

    /// Starts a worker; one of a name at a time.
    pub(crate) fn worker(&self, name: &str) -> Worker {
        let mut command = self.command(name);
        command.arg("worker");
        Worker::of(command)
    }

    /// Takes a document about Acme in.
    pub(crate) fn ingest(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        let mut command = self.command("ingest");
        let output = command.args(["ingest", "--company", "Acme"]).arg(path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// A command of this fleet, with a data directory of this name.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command
            .env("ASSAY_DATABASE_URL", &self.database_url)
            .env("ASSAY_DATA_DIR", self.dir.path().join(name))
            .env("ASSAY_MODEL", self.model)
            .env("ASSAY_SCRIPTED_LEDGER", self.ledger())
            .env("ASSAY_LOG", "error")
            .env_remove("ASSAY_AMQP_URL");
        if let Some(amqp_url) = &self.amqp_url {
            command.env("ASSAY_AMQP_URL", amqp_url);
        }
        command
    }
}
