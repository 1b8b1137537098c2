//! The command line.

pub(crate) mod jobs;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use reqwest::Url;

use crate::config::{Setting, by_key, server_address};

pub use self::jobs::{Cancel, Get, List, Retry, Submit, Target, Watch};

/// Answers questions about companies from their documents, every statement with its source.
#[derive(Debug, Parser)]
#[command(name = "assay", version, propagate_version = true)]
pub struct Cli {
    /// A file of settings, in TOML; `assay config` shows what can be set [env: ASSAY_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where jobs, documents and the index are kept [default: $XDG_DATA_HOME/assay]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What the binary can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer one question and exit
    ///
    /// An empty store is filled with a small example corpus first. Exits with 0 if there is an
    /// answer, 1 if the job failed, 2 if the call was wrong.
    Ask(Ask),
    /// Run a server and its workers in this process
    Dev(Dev),
    /// Run a gateway of a fleet: serve clients
    Gateway(Gateway),
    /// Run a worker of a fleet: run jobs and read documents
    Worker(Worker),
    /// Bring the database of a fleet to this release's form
    Migrate(Migrate),
    /// Take documents in (.pdf, .html, .md, .txt)
    Ingest(Ingest),
    /// Submit a question as a job, and print the job's id
    ///
    /// Exits with 0 if it was accepted, and with --wait if there is an answer; 1 if it was refused
    /// or the job failed; 2 if the call was wrong; 130 if it was interrupted. Interrupting never
    /// cancels the job.
    Submit(Submit),
    /// Show a job
    ///
    /// Exits with 0 if the job could be shown, whatever became of it, else with 1.
    Get(Get),
    /// List jobs, newest first
    List(List),
    /// Show what happens to a job, until it ends
    ///
    /// Goes on where it was when the connection is lost. Exits with 0 if the job succeeded, 1 if it
    /// did not, 130 if it was interrupted.
    Watch(Watch),
    /// Cancel a job
    ///
    /// Prints `cancelled`, or `cancelling` if a worker is being stopped: then the job can only
    /// become cancelled. Exits with 1 if the job has ended otherwise.
    Cancel(Cancel),
    /// Repeat a job that ended, without repeating what is still good of it
    ///
    /// Prints the new job's id, or with --state the old and the new id of each. A job that was
    /// repeated by this command is not repeated again, however often it is called. Exits with 0 if
    /// all is done, 1 if something was refused, 130 if it was interrupted.
    Retry(Retry),
    /// Check every job that is kept against the rules of a job's life
    ///
    /// Reads the database of the fleet if one is configured, else the data directory, and changes
    /// nothing; jobs may be in motion. Prints what breaks a rule, a line each: the job's id, the
    /// rule, and what is wrong. Exits with 1 then, else with 0.
    Verify,
    /// Prove on a running server that it keeps the promises of the API
    ///
    /// Speaks HTTP, server-sent events and WebSocket, as any client, and leaves ended jobs behind:
    /// point it at a server whose jobs are nobody's. Exits with 0 if no promise was broken, 1 if one
    /// was, 2 if the call was wrong, 130 if it was interrupted.
    Conformance(Conformance),
    /// Show the settings in force, without secrets, and where each was set
    Config,
    /// Check that everything these settings name is there and in order
    ///
    /// Looks at the data directory, the database, the broker and the models, changes nothing, and
    /// says what to do. Exits with 0 if nothing failed, else with 1; 64 if the settings themselves
    /// are wrong.
    Doctor(Doctor),
    /// Ask the gateway or worker of these settings whether it is ready
    ///
    /// It is asked at ASSAY_ADMIN_LISTEN. Exits with 0 if it is ready, else with 1: what a health
    /// check runs where no other program can ask.
    Health,
    /// Read one document from standard input: what this program calls itself with
    #[command(hide = true)]
    ReadDocument,
}

impl Command {
    /// Whether the process is there to answer questions: then its models' keys must be readable.
    pub(crate) const fn calls_models(&self) -> bool {
        match self {
            Self::Ask(_) | Self::Dev(_) | Self::Worker(_) => true,
            Self::Gateway(_)
            | Self::Migrate(_)
            | Self::Ingest(_)
            | Self::Submit(_)
            | Self::Get(_)
            | Self::List(_)
            | Self::Watch(_)
            | Self::Cancel(_)
            | Self::Retry(_)
            | Self::Verify
            | Self::Conformance(_)
            | Self::Config
            | Self::Doctor(_)
            | Self::Health
            | Self::ReadDocument => false,
        }
    }
}

impl Cli {
    /// The settings that were given as flags, as they were written.
    pub(crate) fn flags(&self) -> Vec<(&'static Setting, String)> {
        let (mut listen, mut slots, mut server, mut api_key) = (None, None, None, None);
        match &self.command {
            Command::Dev(dev) => (listen, slots) = (dev.listen.clone(), dev.slots.clone()),
            Command::Gateway(gateway) => listen = gateway.listen.clone(),
            Command::Worker(worker) => slots = worker.slots.clone(),
            Command::Submit(Submit { target, .. })
            | Command::Get(Get { target, .. })
            | Command::List(List { target, .. })
            | Command::Watch(Watch { target, .. })
            | Command::Cancel(Cancel { target, .. })
            | Command::Retry(Retry { target, .. }) => server = target.server.clone(),
            Command::Conformance(conformance) => api_key = conformance.key.clone(),
            Command::Ask(_)
            | Command::Ingest(_)
            | Command::Migrate(_)
            | Command::Verify
            | Command::Config
            | Command::Doctor(_)
            | Command::Health
            | Command::ReadDocument => {}
        }
        let flags = [
            ("data_dir", self.data_dir.clone()),
            ("listen", listen),
            ("slots", slots),
            ("server", server),
            ("api_key", api_key),
        ];
        let flags = flags.into_iter().filter_map(|(key, value)| Some((key, value?)));
        flags.filter_map(|(key, value)| Some((by_key(key)?, value))).collect()
    }
}

/// `assay ask`.
#[derive(Debug, Args)]
pub struct Ask {
    /// The company that is asked about
    #[arg(long, value_name = "NAME")]
    pub company: String,
    /// The question
    pub question: String,
    /// Print the job as JSON, and nothing else, on standard output
    #[arg(long)]
    pub json: bool,
}

/// `assay doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// Print what was found as JSON
    #[arg(long)]
    pub json: bool,
}

/// `assay dev`.
#[derive(Debug, Args)]
pub struct Dev {
    /// The address to listen on; only this machine can be served yet
    /// [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
    /// Jobs that run at the same time [default: 8]
    #[arg(long, value_name = "N")]
    pub slots: Option<String>,
}

/// `assay gateway`.
#[derive(Debug, Args)]
pub struct Gateway {
    /// The address to listen on [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,
}

/// `assay worker`.
#[derive(Debug, Args)]
pub struct Worker {
    /// Jobs that run at the same time [default: 8]
    #[arg(long, value_name = "N")]
    pub slots: Option<String>,
}

/// `assay migrate`.
#[derive(Debug, Args)]
pub struct Migrate {
    /// Change nothing; exit with 1 if this release does not serve the database as it is
    #[arg(long)]
    pub check: bool,
}

/// `assay ingest`.
#[derive(Debug, Args)]
pub struct Ingest {
    /// The files
    #[arg(value_name = "PATH", required_unless_present = "manifest", requires = "company")]
    pub paths: Vec<PathBuf>,
    /// The company that the files are about
    #[arg(long, value_name = "NAME")]
    pub company: Option<String>,
    /// The title of the file [default: its name without extension]
    #[arg(long)]
    pub title: Option<String>,
    /// Where the file was published
    #[arg(long)]
    pub url: Option<String>,
    /// When the file was published: a date such as 2026-11-22
    #[arg(long, value_name = "DATE")]
    pub published_on: Option<String>,
    /// A file of JSON lines instead: {"path", "company", "title"?, "url"?, "published_on"?},
    /// paths relative to it
    #[arg(long, value_name = "FILE",
          conflicts_with_all = ["paths", "company", "title", "url", "published_on"])]
    pub manifest: Option<PathBuf>,
}

/// `assay conformance`.
#[derive(Debug, Args)]
pub struct Conformance {
    /// The server, such as `https://assay.example.org`; given again for each further gateway of the
    /// same system, calls are spread over all of them [env: ASSAY_SERVER]
    #[arg(long = "server", value_name = "URL", value_parser = server_address)]
    pub servers: Vec<Url>,
    /// The key that it is shown; other users of this machine can see it here, but not in
    /// ASSAY_API_KEY [env: ASSAY_API_KEY]
    #[arg(long, value_name = "K")]
    pub key: Option<String>,
    /// Only this check, or the checks of this subject; can be given again
    #[arg(long, value_name = "NAME")]
    pub only: Vec<String>,
    /// A hundred races instead of a thousand: within a minute
    #[arg(long)]
    pub quick: bool,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
}
