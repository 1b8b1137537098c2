//! The servers and the processes of a fleet under test.

use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use adapter_postgres::Settings;
use tempfile::TempDir;
use testkit::servers::rabbitmq::{RabbitMq, VirtualHost};
use testkit::servers::{Postgres, TestDatabase, rabbitmq};

use crate::process::{Server, Worker};

/// Names a folder in which the processes of a fleet leave their logs. Without it they say on
/// stderr what is an error.
const LOGS: &str = "ASSAY_TEST_LOGS";

/// A database and a virtual host for one test.
pub(crate) struct Servers<'s> {
    pub(crate) database: TestDatabase<'s>,
    pub(crate) host: VirtualHost,
}

impl Servers<'static> {
    /// `None`, after saying why, if one of them is not here.
    pub(crate) async fn start() -> Option<Self> {
        let postgres = Postgres::shared()?;
        let host = rabbitmq::shared().await?;
        Some(Self { database: migrated(postgres).await, host })
    }

    /// The same, with the virtual host of a test that has one already: to ask for a second one would
    /// wait for a test that waits for this one.
    pub(crate) async fn with_host(host: VirtualHost) -> Option<Self> {
        Some(Self { database: migrated(Postgres::shared()?).await, host })
    }

    /// The same, on a private broker, in which exchanges can be deleted.
    pub(crate) async fn start_private() -> Option<Self> {
        let postgres = Postgres::shared()?;
        let host = rabbitmq::private().await?;
        Some(Self { database: migrated(postgres).await, host })
    }

    /// A broker to be broken, which no other test uses meanwhile.
    pub(crate) async fn with_broker_alone() -> Option<(Self, RabbitMq)> {
        let postgres = Postgres::shared()?;
        let (host, broker) = rabbitmq::alone().await?;
        Some((Self { database: migrated(postgres).await, host }, broker))
    }
}

impl<'s> Servers<'s> {
    /// A database on a server that the test may break.
    pub(crate) async fn on(postgres: &'s Postgres) -> Option<Self> {
        let host = rabbitmq::shared().await?;
        Some(Self { database: migrated(postgres).await, host })
    }

    /// These, with the database as a base backup had it that `postgres` goes on from.
    pub(crate) fn restored_on(postgres: &'s Postgres, lost: Servers<'_>) -> Self {
        Self { database: postgres.restored(&lost.database), host: lost.host }
    }

    /// Both servers to be broken.
    pub(crate) async fn alone_on(postgres: &'s Postgres) -> Option<(Self, RabbitMq)> {
        let (host, broker) = rabbitmq::alone().await?;
        Some((Self { database: migrated(postgres).await, host }, broker))
    }
}

/// A database of this release's form.
async fn migrated(postgres: &Postgres) -> TestDatabase<'_> {
    let migrate = |url: String| async move {
        adapter_postgres::migrate(&Settings::of_url(&url).unwrap()).await.unwrap();
    };
    postgres.database(migrate).await
}

/// Starts the processes of a fleet.
pub(crate) struct Fleet {
    program: PathBuf,
    database_url: String,
    amqp_url: Option<String>,
    model: &'static str,
    config: String,
    dir: TempDir,
}

impl Fleet {
    pub(crate) fn new(servers: &Servers<'_>) -> Self {
        Self {
            program: env!("CARGO_BIN_EXE_assay").into(),
            database_url: servers.database.url(),
            amqp_url: Some(servers.host.url().to_owned()),
            model: "scripted",
            config: String::new(),
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// One of another release's program.
    pub(crate) fn of_program(servers: &Servers<'_>, program: &Path) -> Self {
        Self { program: program.to_owned(), ..Self::new(servers) }
    }

    /// From now on what it starts is of this program.
    pub(crate) fn use_program(&mut self, program: &Path) {
        program.clone_into(&mut self.program);
    }

    pub(crate) fn without_broker(servers: &Servers<'_>) -> Self {
        Self { amqp_url: None, ..Self::new(servers) }
    }

    /// One with these settings in its file.
    pub(crate) fn with_config(servers: &Servers<'_>, config: String) -> Self {
        Self { config, ..Self::new(servers) }
    }

    /// One whose workers have the scripted tools.
    pub(crate) fn with_tools(servers: &Servers<'_>) -> Self {
        Self::with_config(servers, "[tools.scripted]\n".to_owned())
    }

    /// One that answers from its documents.
    pub(crate) fn answering(servers: &Servers<'_>) -> Self {
        Self { model: "extractive", ..Self::new(servers) }
    }

    /// One that answers from its documents with this model of a provider, which may call the
    /// calculator.
    pub(crate) fn asking(servers: &Servers<'_>, provider_url: &str) -> Self {
        let config = format!(
            "[models.provider]\nkind = \"openai\"\nbase_url = \"{provider_url}/v1\"\n\
             model = \"m\"\n[tools.calculator]\n"
        );
        Self { model: "provider", config, ..Self::new(servers) }
    }

    /// Where all workers note the calls of the scripted model.
    pub(crate) fn ledger(&self) -> PathBuf {
        self.dir.path().join("ledger")
    }

    /// Starts a gateway on a free port.
    pub(crate) fn gateway(&self) -> Server {
        Server::of(self.gateway_command("127.0.0.1:0"))
    }

    /// Starts a gateway at this address.
    pub(crate) fn gateway_at(&self, address: SocketAddr) -> Server {
        Server::of(self.gateway_command(&address.to_string()))
    }

    /// What starts a gateway at this address.
    pub(crate) fn gateway_command(&self, listen: &str) -> Command {
        let mut command = self.command("gateway");
        command.args(["gateway", "--listen", listen]);
        command
    }

    /// Starts a worker; one of a name at a time.
    pub(crate) fn worker(&self, name: &str) -> Worker {
        Worker::of(self.worker_command(name))
    }

    /// What starts a worker of this name.
    pub(crate) fn worker_command(&self, name: &str) -> Command {
        let mut command = self.command(name);
        command.arg("worker");
        command
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
        let config = self.dir.path().join("assay.toml");
        std::fs::write(&config, &self.config).unwrap();
        let mut command = Command::new(&self.program);
        command
            .env("ASSAY_CONFIG", config)
            .env("ASSAY_DATABASE_URL", &self.database_url)
            .env("ASSAY_DATA_DIR", self.dir.path().join(name))
            .env("ASSAY_MODEL", self.model)
            .env("ASSAY_SCRIPTED_LEDGER", self.ledger())
            .env("ASSAY_LOG", "error,lapin=off")
            .env_remove("ASSAY_AMQP_URL");
        if let Some(amqp_url) = &self.amqp_url {
            command.env("ASSAY_AMQP_URL", amqp_url);
        }
        if let Some(folder) = std::env::var_os(LOGS) {
            let test = self.dir.path().file_name().unwrap_or_default().to_string_lossy();
            let file = Path::new(&folder).join(format!("{test}-{name}.log"));
            let file = OpenOptions::new().create(true).append(true).open(file).unwrap();
            command.env("ASSAY_LOG", "info,lapin=off").stderr(file);
        }
        command
    }
}
