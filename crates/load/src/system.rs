//! The systems that are measured: processes over servers of their own.

use std::path::PathBuf;

use anyhow::{Context as _, ensure};
use tempfile::TempDir;
use testkit::servers::rabbitmq::VirtualHost;
use testkit::servers::{Postgres, TestDatabase, rabbitmq};
use tokio::process::Command;

use crate::process::Process;

/// The program that is measured.
pub(crate) struct Program {
    path: PathBuf,
}

/// How a system is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Everything in one process.
    Embedded,
    /// A gateway and so many workers, over PostgreSQL and RabbitMQ.
    Fleet { workers: usize },
}

/// A running system. Dropping it ends it.
pub(crate) struct System {
    gateway: String,
    processes: Vec<Process>,
    _servers: Option<Servers>,
    // Deleted last.
    _dir: TempDir,
}

struct Servers {
    database: TestDatabase<'static>,
    host: VirtualHost,
}

impl Program {
    /// The program at this path, else `assay` beside the running one.
    pub(crate) fn at(path: Option<PathBuf>) -> anyhow::Result<Self> {
        let beside = || anyhow::Ok(std::env::current_exe()?.with_file_name("assay"));
        let path = path.map_or_else(beside, Ok)?;
        let shown = path.display();
        ensure!(path.is_file(), "there is no {shown}: cargo build --release --package assay");
        Ok(Self { path })
    }

    fn command(&self, arguments: &[&str], data_dir: PathBuf) -> Command {
        let mut command = Command::new(&self.path);
        command
            .args(arguments)
            // Nothing of this machine's own set-up has a part in it.
            .env_clear()
            .env("ASSAY_DATA_DIR", data_dir)
            .env("ASSAY_MODEL", "scripted")
            // The client of the broker tells of a queue that somebody was the first to look for.
            .env("ASSAY_LOG", "error,lapin=off");
        command
    }
}

impl Layout {
    pub(crate) const ALL: [Self; 3] =
        [Self::Embedded, Self::Fleet { workers: 1 }, Self::Fleet { workers: 2 }];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Fleet { workers: 1 } => "gateway, 1 worker",
            Self::Fleet { workers: 2 } => "gateway, 2 workers",
            Self::Fleet { .. } => "gateway, workers",
        }
    }
}

impl System {
    /// Starts a system that holds nothing, with these settings in its environment; `None` if a
    /// server that it needs is not here, which was said then.
    pub(crate) async fn start(
        program: &Program,
        layout: Layout,
        settings: &[(&str, String)],
    ) -> anyhow::Result<Option<Self>> {
        let dir = tempfile::tempdir().context("a directory")?;
        match layout {
            Layout::Embedded => {
                let dev = ["dev", "--listen", "127.0.0.1:0"];
                let mut command = program.command(&dev, dir.path().join("data"));
                command.envs(settings.iter().map(|(name, value)| (name, value)));
                let (process, gateway) = Process::start(command, address).await?;
                let processes = vec![process];
                Ok(Some(Self { gateway, processes, _servers: None, _dir: dir }))
            }
            Layout::Fleet { workers } => match Servers::start(program).await? {
                Some(servers) => {
                    let program = (program, settings);
                    Self::fleet(program, servers, workers, dir).await.map(Some)
                }
                None => Ok(None),
            },
        }
    }

    /// The processor time that its processes have used so far, in ticks of 10 ms.
    pub(crate) fn ticks(&self) -> u64 {
        self.processes.iter().map(Process::ticks).sum()
    }

    /// Where it is asked: `http://127.0.0.1:PORT`.
    pub(crate) fn gateway(&self) -> &str {
        &self.gateway
    }

    async fn fleet(
        (program, settings): (&Program, &[(&str, String)]),
        servers: Servers,
        workers: usize,
        dir: TempDir,
    ) -> anyhow::Result<Self> {
        let command = |arguments: &[&str], name: String| {
            let mut command = program.command(arguments, dir.path().join(name));
            command
                .env("ASSAY_DATABASE_URL", servers.database.url())
                .env("ASSAY_AMQP_URL", servers.host.url())
                .envs(settings.iter().map(|(name, value)| (name, value)));
            command
        };
        let serve = command(&["gateway", "--listen", "127.0.0.1:0"], "gateway".to_owned());
        let (process, gateway) = Process::start(serve, address).await?;
        let mut processes = vec![process];
        for n in 0..workers {
            let is_ready = |line: &str| line.starts_with("assay worker").then_some(());
            let work = command(&["worker"], format!("worker-{n}"));
            processes.push(Process::start(work, is_ready).await?.0);
        }
        Ok(Self { gateway, processes, _servers: Some(servers), _dir: dir })
    }
}

impl Servers {
    async fn start(program: &Program) -> anyhow::Result<Option<Self>> {
        let Some(postgres) = Postgres::shared() else { return Ok(None) };
        let Some(host) = rabbitmq::shared().await else { return Ok(None) };
        let dir = tempfile::tempdir().context("a directory")?;
        let migrate = |url: String| async move {
            let mut command = program.command(&["migrate"], dir.path().to_owned());
            command.env("ASSAY_DATABASE_URL", url);
            Process::run(command).await.expect("an empty database is migrated");
        };
        Ok(Some(Self { database: postgres.database(migrate).await, host }))
    }
}

/// The address in the line in which a server says where it listens.
fn address(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("http://")?;
    rest.split([',', ' ']).next().map(|address| format!("http://{address}"))
}
