//! What each command does.

mod ask;
mod cancel;
mod config;
mod conformance;
mod dev;
mod doctor;
mod gateway;
mod get;
mod health;
mod ingest;
mod interrupt;
mod list;
mod migrate;
mod read_document;
mod retry;
mod serving;
mod submit;
mod verify;
mod watch;
mod worker;

use std::process::ExitCode;

use contracts::RequestError;
pub use read_document::read_document;
use telemetry::{Format, Options, Server};
use uuid::Uuid;

use crate::cli::Command;
use crate::client::ClientError;
use crate::config::Config;
use crate::exit::{self, USAGE, say};

/// Runs a command to its end.
///
/// # Errors
/// What kept it from being done, for the person who ran it.
pub async fn run(command: Command, config: Config) -> anyhow::Result<ExitCode> {
    let done = match command {
        Command::Ask(args) => ask::run(args, config).await,
        Command::Dev(_) => dev::run(config).await,
        Command::Gateway(_) => gateway::run(config).await,
        Command::Worker(_) => worker::run(config).await,
        Command::Migrate(args) => migrate::run(args, config).await,
        Command::Ingest(args) => ingest::run(args, config).await,
        Command::Submit(args) => submit::run(args, config).await,
        Command::Get(args) => get::run(args, config).await,
        Command::List(args) => list::run(args, config).await,
        Command::Watch(args) => watch::run(args, config).await,
        Command::Cancel(args) => cancel::run(args, config).await,
        Command::Retry(args) => retry::run(args, config).await,
        Command::Verify => verify::run(config).await,
        Command::Conformance(args) => conformance::run(args, config).await,
        Command::Config => Ok(config::run(&config)),
        Command::Doctor(args) => doctor::run(args, config).await,
        Command::Health => health::run(config).await,
        Command::ReadDocument => Ok(read_document()),
    };
    done.or_else(with_advice)
}

/// Reports an error that the person who called can do something about, and what that is.
fn with_advice(error: anyhow::Error) -> anyhow::Result<ExitCode> {
    let Some(advice) = error.downcast_ref::<ClientError>().and_then(ClientError::advice) else {
        return Err(error);
    };
    let code = exit::failure(&error);
    say(advice);
    Ok(code)
}

/// Reports what is wrong with a request in the words of the command line.
fn wrong_call(error: &RequestError) -> ExitCode {
    match error {
        RequestError::Malformed(detail) => say(&format!("error: {detail}")),
        RequestError::Invalid(errors) => {
            for error in errors {
                say(&format!("error: {} {}", argument(&error.pointer), error.detail));
            }
        }
    }
    ExitCode::from(USAGE)
}

/// The argument that became the field of the request at this place.
fn argument(pointer: &str) -> String {
    let mut parts = pointer.trim_start_matches('/').splitn(2, '/');
    match (parts.next().unwrap_or_default(), parts.next()) {
        ("company_name", _) => "--company".to_owned(),
        ("question", _) => "the question".to_owned(),
        ("labels", Some(key)) => format!("--label {key}"),
        ("labels", None) => "--label".to_owned(),
        ("document_ids", _) => "--document".to_owned(),
        (field, _) => format!("--{}", field.replace('_', "-")),
    }
}

/// Sets up the log of a command that answers and exits, unless the configuration has a filter.
fn telemetry(config: &Config, filter: &str) -> anyhow::Result<telemetry::Telemetry> {
    set_up(config, filter, None)
}

/// Sets up the log of a server; unless the configuration has telemetry off, it shows its metrics, and
/// sends them and traces where the configuration says.
fn server_telemetry(config: &Config, service: &str) -> anyhow::Result<telemetry::Telemetry> {
    let instance = Uuid::now_v7().to_string();
    let known = [
        ("service.namespace", "assay"),
        ("service.name", service),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("service.instance.id", &instance),
    ];
    let known = known.map(|(name, value)| (name.to_owned(), value.to_owned()));
    // What the configuration says goes over what the process knows.
    let resource = known.into_iter().chain(config.resource.iter().cloned()).collect();
    let server = Server { resource, exporting: config.exporting.clone() };
    set_up(config, telemetry::SERVER_FILTER, (!config.telemetry_off).then_some(server))
}

fn set_up(
    config: &Config,
    filter: &str,
    server: Option<Server>,
) -> anyhow::Result<telemetry::Telemetry> {
    let filter = config.log.clone().unwrap_or_else(|| filter.to_owned());
    Ok(telemetry::init(&Options { filter, format: Format::Auto, server })?)
}
