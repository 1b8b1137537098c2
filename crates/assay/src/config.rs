//! Configuration: the only place that reads the environment. All errors are found at once.

use std::env::VarError;
use std::path::PathBuf;
use std::time::Duration;

use crate::cli::Cli;

/// What is in force: flags, else the environment, else defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where jobs, documents and the index are kept.
    pub data_dir: PathBuf,
    /// What answers.
    pub model: Model,
    /// What to log: a filter such as `info,engine=debug`; each command has its default.
    pub log: Option<String>,
}

/// What finds passages and writes answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Model {
    /// The index over the documents, and the built-in extractive model.
    Extractive,
    /// Scripted stand-ins for both, for load and fault tests.
    Scripted {
        /// Delays each call.
        latency: Duration,
        /// Where each call leaves a line.
        ledger: Option<PathBuf>,
    },
}

/// One thing that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {detail}")]
pub struct ConfigError {
    name: &'static str,
    detail: String,
}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn from_environment(cli: &Cli) -> Result<Self, Vec<ConfigError>> {
        Self::read(cli, std::env::var)
    }

    fn read(
        cli: &Cli,
        variable: impl Fn(&'static str) -> Result<String, VarError>,
    ) -> Result<Self, Vec<ConfigError>> {
        let mut errors = Vec::new();
        let mut text = |name| match variable(name) {
            Ok(value) => Some(value).filter(|value| !value.is_empty()),
            Err(VarError::NotPresent) => None,
            Err(VarError::NotUnicode(_)) => {
                errors.push(ConfigError { name, detail: "is not valid Unicode".to_owned() });
                None
            }
        };
        let data_dir = cli
            .data_dir
            .clone()
            .or_else(|| text("ASSAY_DATA_DIR").map(PathBuf::from))
            .or_else(|| text("XDG_DATA_HOME").map(|home| PathBuf::from(home).join("assay")))
            .or_else(|| text("HOME").map(|home| PathBuf::from(home).join(".local/share/assay")));
        let log = text("ASSAY_LOG");
        let model = text("ASSAY_MODEL");
        let latency_ms = text("ASSAY_SCRIPTED_LATENCY_MS");
        let ledger = text("ASSAY_SCRIPTED_LEDGER").map(PathBuf::from);
        let mut refuse = |name, detail: String| errors.push(ConfigError { name, detail });
        let latency_ms =
            latency_ms.as_deref().map_or(Ok(0), str::parse::<u32>).unwrap_or_else(|_| {
                refuse(
                    "ASSAY_SCRIPTED_LATENCY_MS",
                    "must be a whole number of milliseconds".to_owned(),
                );
                0
            });
        let model = match model.as_deref() {
            None | Some("extractive") => Model::Extractive,
            Some("scripted") => {
                Model::Scripted { latency: Duration::from_millis(latency_ms.into()), ledger }
            }
            Some(other) => {
                let detail = format!("must be \"extractive\" or \"scripted\", not {other:?}");
                refuse("ASSAY_MODEL", detail);
                Model::Extractive
            }
        };
        if data_dir.is_none() {
            refuse("ASSAY_DATA_DIR", "is not set, and there is no home directory".to_owned());
        }
        match data_dir {
            Some(data_dir) if errors.is_empty() => Ok(Self { data_dir, model, log }),
            Some(_) | None => Err(errors),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn read(args: &[&str], variables: &[(&str, &str)]) -> Result<Config, Vec<ConfigError>> {
        let cli = Cli::parse_from(["assay", "dev"].iter().chain(args));
        Config::read(&cli, |name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned()).ok_or(VarError::NotPresent)
        })
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_the_environment_over_defaults() {
        let all = [("ASSAY_DATA_DIR", "/a"), ("XDG_DATA_HOME", "/x"), ("HOME", "/h")];
        let data_dir = |args: &[&str], skip: usize| read(args, &all[skip..]).unwrap().data_dir;
        assert_eq!(data_dir(&["--data-dir", "/f"], 0), PathBuf::from("/f"));
        assert_eq!(data_dir(&[], 0), PathBuf::from("/a"));
        assert_eq!(data_dir(&[], 1), PathBuf::from("/x/assay"));
        assert_eq!(data_dir(&[], 2), PathBuf::from("/h/.local/share/assay"));
    }

    #[test]
    fn every_error_is_told_at_once() {
        let wrong = [("ASSAY_MODEL", "gpt"), ("ASSAY_SCRIPTED_LATENCY_MS", "fast")];
        let names: Vec<_> = read(&[], &wrong).unwrap_err().iter().map(|e| e.name).collect();
        assert_eq!(names, ["ASSAY_SCRIPTED_LATENCY_MS", "ASSAY_MODEL", "ASSAY_DATA_DIR"]);
    }
}
