//! Configuration: the only place that reads the environment. All errors are found at once.

mod exporting;
#[cfg(feature = "faults")]
mod faults;
mod layers;
mod models;
mod secret;
mod server;
mod settings;
mod tables;
mod tools;
mod values;

use std::env::VarError;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Url;
use telemetry::Exporting;

use crate::cli::Cli;

use layers::Layers;
use models::Keys;
use settings::{
    ADMIN_LISTEN, AMQP_URL, ANONYMOUS, API_KEY, DATA_DIR, DATABASE_CONNECTIONS, DATABASE_URL,
    DRAIN_GRACE_S, LISTEN, LOG, READERS, RESOURCE_ATTRIBUTES, SERVER, SLOTS, TELEMETRY_OFF,
};
use values::{Values, address, within};

#[cfg(feature = "faults")]
pub(crate) use faults::pipelines;
#[cfg(feature = "faults")]
pub use faults::{FaultsError, arm_faults};
pub use layers::Origin;
pub use models::{DefaultModel, Key, Models, Provider, ProviderKind};
pub use secret::SecretUrl;
pub use server::Secret;
pub(crate) use server::address as server_address;
pub(crate) use settings::by_key;
pub use settings::{SETTINGS, Secrecy, Setting};
pub use tools::Toolbox;

/// Names the configuration file.
const FILE_VARIABLE: &str = "ASSAY_CONFIG";

/// What is in force: flags, else the environment, else the file, else defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where jobs, documents and the index are kept.
    pub data_dir: PathBuf,
    /// The database of a fleet.
    pub database_url: Option<SecretUrl>,
    /// The broker of a fleet.
    pub amqp_url: Option<SecretUrl>,
    /// Where a gateway serves clients.
    pub listen: SocketAddr,
    /// Who may use a gateway without a key.
    pub anonymous: Anonymous,
    /// Where health is told.
    pub admin_listen: Option<SocketAddr>,
    /// Whose jobs the commands are about; the data directory's if `None`.
    pub server: Option<Url>,
    /// What is shown to that server.
    pub api_key: Option<Secret>,
    /// What answers.
    pub models: Models,
    /// Where the tools are that a model may have called.
    pub toolboxes: Vec<Toolbox>,
    /// Jobs that a worker runs at a time.
    pub slots: u32,
    /// Documents that a worker reads at a time.
    pub readers: u32,
    /// What running jobs get to finish at the end.
    pub drain_grace: Duration,
    /// Connections of one process to the database.
    pub database_connections: u32,
    /// What to log: a filter such as `info,engine=debug`; each command has its default.
    pub log: Option<String>,
    /// Whether a server neither traces nor measures.
    pub telemetry_off: bool,
    /// Where a server sends its telemetry; nowhere if `None`.
    pub exporting: Option<Exporting>,
    /// What telemetry says of this process beside what it knows itself.
    pub resource: Vec<(String, String)>,
    shown: Vec<Shown>,
}

/// Who may use a gateway without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anonymous {
    /// This machine.
    Loopback,
    /// Whoever reaches it.
    Anywhere,
}

/// A setting as `assay config` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its name in a configuration file.
    pub key: String,
    /// Its value, without secrets; `None` if it has none.
    pub value: Option<String>,
    /// Where it was set.
    pub origin: Origin,
}

impl Shown {
    /// A field of a table, with its value.
    fn in_file((key, value): (String, String)) -> Self {
        Self { key, value: Some(value), origin: Origin::File }
    }
}

/// What a process needs of its configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// The keys of its models: it calls them.
    Keys,
    /// Whatever of them can be read.
    NoKeys,
}

/// One thing that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {detail}")]
pub struct ConfigError {
    name: String,
    detail: String,
}

impl ConfigError {
    fn new(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { name: name.into(), detail: detail.into() }
    }

    /// Whether it is about this field of this table.
    fn is_of(&self, table: &str, field: &str) -> bool {
        self.name.strip_prefix(table).and_then(|rest| rest.strip_prefix('.')) == Some(field)
    }

    /// The same, of what is called so.
    fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }
}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn from_environment(cli: &Cli) -> Result<Self, Vec<ConfigError>> {
        let needs = if cli.command.calls_models() { Needs::Keys } else { Needs::NoKeys };
        Self::read(cli.config.clone(), |name| std::env::var(name), &cli.flags(), needs)
    }

    /// The share of the traces that begin in this process that is sent, 0.0 to 1.0. One that begins
    /// where nothing is sent from is sent by nobody.
    #[must_use]
    pub fn trace_ratio(&self) -> f64 {
        let exporting = self.exporting.as_ref().filter(|_| !self.telemetry_off);
        exporting.map_or(0.0, |exporting| exporting.trace_ratio)
    }

    /// The defaults, with this data directory, whatever the environment says.
    ///
    /// # Errors
    /// If the directory's name is not Unicode.
    pub fn with_data_dir(data_dir: &Path) -> Result<Self, Vec<ConfigError>> {
        let Some(data_dir) = data_dir.to_str() else {
            return Err(vec![ConfigError::new(DATA_DIR.variable, "is not valid Unicode")]);
        };
        let flags = [(&DATA_DIR, data_dir.to_owned())];
        Self::read(None, |_| Err(VarError::NotPresent), &flags, Needs::Keys)
    }

    /// Every setting with its value, in the order of [`SETTINGS`], and then what stands in the
    /// file's tables.
    #[must_use]
    pub fn shown(&self) -> &[Shown] {
        &self.shown
    }

    fn read(
        file: Option<PathBuf>,
        variable: impl Fn(&str) -> Result<String, VarError>,
        flags: &[(&'static Setting, String)],
        needs: Needs,
    ) -> Result<Self, Vec<ConfigError>> {
        let mut errors = Vec::new();
        let named = variable(FILE_VARIABLE).ok().filter(|file| !file.is_empty());
        let file = file.or(named.map(PathBuf::from));
        let mut layers = Layers::read(file.as_deref(), &variable, flags, &mut errors);
        let mut shown: Vec<Shown> =
            SETTINGS.iter().map(|setting| shown(setting, &layers)).collect();
        let tables = layers.take_tables("tools", &mut errors);
        let (toolboxes, in_tables) = tools::read(tables, &mut errors);
        shown.extend(in_tables.into_iter().map(Shown::in_file));
        let mut values = Values { layers, errors };
        let database_url = values
            .optional(&DATABASE_URL, |text| SecretUrl::parse(text, &["postgres", "postgresql"]));
        let amqp_url =
            values.optional(&AMQP_URL, |text| SecretUrl::parse(text, &["amqp", "amqps"]));
        let admin_listen = values.optional(&ADMIN_LISTEN, address);
        let log = values.optional(&LOG, |text| Ok(text.to_owned()));
        let data_dir = values.required(&DATA_DIR, |text| Ok(PathBuf::from(text)));
        let listen = values.required(&LISTEN, address);
        let anonymous = values.required(&ANONYMOUS, |text| match text {
            "loopback" => Ok(Anonymous::Loopback),
            "anywhere" => Ok(Anonymous::Anywhere),
            other => Err(format!("must be loopback or anywhere, not {other:?}")),
        });
        let server = values.optional(&SERVER, server::address);
        let api_key = values.optional(&API_KEY, Secret::api_key);
        let keys = Keys { variable: &|name| variable(name).ok(), are_needed: needs == Needs::Keys };
        let models = values.models(&keys, &mut shown);
        let slots = values.required(&SLOTS, within(1..=1_000));
        let readers = values.required(&READERS, within(1..=64));
        let drain_grace = values.required(&DRAIN_GRACE_S, within(0..=3_600));
        let database_connections = values.required(&DATABASE_CONNECTIONS, within(2..=1_000));
        let telemetry_off = values.required(&TELEMETRY_OFF, exporting::truth);
        let exporting = values.exporting();
        let resource = values.optional(&RESOURCE_ATTRIBUTES, exporting::pairs).unwrap_or_default();
        let config = (|| {
            Some(Self {
                data_dir: data_dir?,
                database_url,
                amqp_url,
                listen: listen?,
                anonymous: anonymous?,
                admin_listen,
                server,
                api_key,
                models: models?,
                toolboxes,
                slots: slots?,
                readers: readers?,
                drain_grace: Duration::from_secs(drain_grace?.into()),
                database_connections: database_connections?,
                log,
                telemetry_off: telemetry_off?,
                exporting,
                resource,
                shown,
            })
        })();
        match config {
            Some(config) if values.errors.is_empty() => Ok(config),
            Some(_) | None => Err(values.errors),
        }
    }
}

fn shown(setting: &'static Setting, layers: &Layers) -> Shown {
    let key = setting.key.to_owned();
    let Some((value, origin)) = layers.get(setting) else {
        return Shown { key, value: None, origin: Origin::Default };
    };
    let value = match setting.secrecy {
        Secrecy::None => value.to_owned(),
        Secrecy::Password => secret::without_password(value),
        Secrecy::Whole => "***".to_owned(),
    };
    Shown { key, value: Some(value), origin }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn read(args: &[&str], variables: &[(&str, &str)]) -> Result<Config, Vec<ConfigError>> {
        let cli = Cli::parse_from(["assay", "dev"].iter().chain(args));
        let variable = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned()).ok_or(VarError::NotPresent)
        };
        Config::read(cli.config.clone(), variable, &cli.flags(), Needs::Keys)
    }

    #[test]
    fn flags_win_over_the_environment_the_environment_over_the_file_and_that_over_defaults() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("assay.toml");
        std::fs::write(&file, "slots = 3\ndata_dir = \"/file\"\n").unwrap();
        let file = ["--config", file.to_str().unwrap()];
        let variables = [("ASSAY_DATA_DIR", "/a"), ("XDG_DATA_HOME", "/x"), ("HOME", "/h")];
        let data_dir = |args: &[&str], skip: usize| {
            let config = read(args, &variables[skip..]).unwrap();
            (config.data_dir, config.slots)
        };
        let flags = [&file[..], &["--data-dir", "/f", "--slots", "5"]].concat();
        assert_eq!(data_dir(&flags, 0), (PathBuf::from("/f"), 5));
        assert_eq!(data_dir(&file, 0), (PathBuf::from("/a"), 3));
        assert_eq!(data_dir(&file, 1), (PathBuf::from("/file"), 3));
        assert_eq!(data_dir(&[], 1), (PathBuf::from("/x/assay"), 8));
        assert_eq!(data_dir(&[], 2), (PathBuf::from("/h/.local/share/assay"), 8));
    }

    #[test]
    fn every_error_is_told_at_once_by_the_name_that_was_used() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("assay.toml");
        std::fs::write(&file, "slotz = 3\nreaders = 0\nlog = []\n").unwrap();
        let wrong = [("ASSAY_MODEL", "gpt"), ("ASSAY_AMQP_URL", "http://u:s3cret@h")];
        let args = ["--config", file.to_str().unwrap(), "--listen", "here"];
        let errors = read(&args, &wrong).unwrap_err();
        let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let said = said.join("\n");
        for part in [
            "slotz: is no setting",
            "log: must be",
            "--listen: must",
            "readers: must be a whole",
            "ASSAY_MODEL: must",
            "ASSAY_AMQP_URL: must be a URL",
            "ASSAY_DATA_DIR: is not set",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(!said.contains("s3cret"), "{said}");
    }

    #[test]
    fn what_is_in_force_is_shown_without_secrets() {
        let url = "postgres://assay:s3cret@db/assay";
        let config = read(&[], &[("HOME", "/h"), ("ASSAY_DATABASE_URL", url)]).unwrap();
        assert_eq!(config.shown().len(), SETTINGS.len());
        assert!(!format!("{config:?}").contains("s3cret"));
        let database = config.shown().iter().find(|shown| shown.key == "database_url");
        let database = database.unwrap();
        assert_eq!(database.value.as_deref(), Some("postgres://assay:***@db/assay"));
        assert_eq!(database.origin, Origin::Environment);
    }
}
