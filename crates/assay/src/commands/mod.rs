//! What each command does.

mod ask;
mod config;
mod dev;
mod gateway;
mod ingest;
mod migrate;
mod read_document;
mod serving;
mod worker;

use std::process::ExitCode;

pub use read_document::read_document;
use telemetry::{Format, Options};

use crate::cli::Command;
use crate::config::Config;

/// Runs a command to its end.
///
/// # Errors
/// What kept it from being done, for the person who ran it.
pub async fn run(command: Command, config: Config) -> anyhow::Result<ExitCode> {
    match command {
        Command::Ask(args) => ask::run(args, config).await,
        Command::Dev(_) => dev::run(config).await,
        Command::Gateway(_) => gateway::run(config).await,
        Command::Worker(_) => worker::run(config).await,
        Command::Migrate(args) => migrate::run(args, config).await,
        Command::Ingest(args) => ingest::run(args, config).await,
        Command::Config => Ok(config::run(&config)),
        Command::ReadDocument => Ok(read_document()),
    }
}

/// Sets the log up, with the command's own filter unless the configuration has one.
fn telemetry(config: &Config, filter: &str) -> anyhow::Result<telemetry::Telemetry> {
    let filter = config.log.clone().unwrap_or_else(|| filter.to_owned());
    Ok(telemetry::init(&Options { filter, format: Format::Auto })?)
}
