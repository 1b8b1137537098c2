//! Where settings come from: a file, the environment, flags; the later wins.

use std::collections::BTreeMap;
use std::env::VarError;
use std::fmt;
use std::path::Path;

use super::ConfigError;
use super::settings::{DATA_DIR, SETTINGS, Setting, by_key};

/// Where a value was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nowhere: it is the default.
    Default,
    /// In the configuration file.
    File,
    /// In the environment.
    Environment,
    /// On the command line.
    Flag,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
            Self::Flag => "flag",
        })
    }
}

/// Tables that a configuration file may have beside its settings.
const TABLES: &[&str] = &["models", "tools"];

/// The values that were set, as text, and the file's tables.
#[derive(Debug, Default)]
pub(super) struct Layers {
    values: BTreeMap<&'static str, (String, Origin)>,
    tables: toml::Table,
}

impl Layers {
    /// Puts the layers together.
    pub(super) fn read(
        file: Option<&Path>,
        variable: &impl Fn(&str) -> Result<String, VarError>,
        flags: &[(&'static Setting, String)],
        errors: &mut Vec<ConfigError>,
    ) -> Self {
        let mut layers = Self::default();
        for setting in SETTINGS {
            if let Some(value) = setting.default {
                layers.set(setting, value.to_owned(), Origin::Default);
            }
        }
        if let Some(data_dir) = home_data_dir(variable) {
            layers.set(&DATA_DIR, data_dir, Origin::Default);
        }
        if let Some(file) = file {
            layers.add_file(file, errors);
        }
        for setting in SETTINGS {
            match variable(setting.variable) {
                // A variable that is set to nothing is as good as none, as in most programs.
                Ok(value) if value.is_empty() => {}
                Ok(value) => layers.set(setting, value, Origin::Environment),
                Err(VarError::NotPresent) => {}
                Err(VarError::NotUnicode(_)) => {
                    errors.push(ConfigError::new(setting.variable, "is not valid Unicode"));
                }
            }
        }
        for (setting, value) in flags {
            layers.set(setting, value.clone(), Origin::Flag);
        }
        layers
    }

    /// The value of a setting, if it was set, and where.
    pub(super) fn get(&self, setting: &Setting) -> Option<(&str, Origin)> {
        self.values.get(setting.key).map(|(value, origin)| (value.as_str(), *origin))
    }

    /// Takes the tables of this name out of the file: what is in them, by name.
    pub(super) fn take_tables(
        &mut self,
        name: &'static str,
        errors: &mut Vec<ConfigError>,
    ) -> toml::Table {
        match self.tables.remove(name) {
            None => toml::Table::new(),
            Some(toml::Value::Table(tables)) => tables,
            Some(_) => {
                errors.push(ConfigError::new(name, format!("must be tables: [{name}.NAME]")));
                toml::Table::new()
            }
        }
    }

    /// What to call a setting in an error: as it was written by whoever set it.
    pub(super) fn name(&self, setting: &Setting) -> String {
        match self.get(setting) {
            Some((_, Origin::File)) => setting.key.to_owned(),
            Some((_, Origin::Flag)) => format!("--{}", setting.key.replace('_', "-")),
            Some((_, Origin::Environment | Origin::Default)) | None => setting.variable.to_owned(),
        }
    }

    fn add_file(&mut self, file: &Path, errors: &mut Vec<ConfigError>) {
        let name = file.display().to_string();
        let text = match std::fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) => return errors.push(ConfigError::new(name, error.to_string())),
        };
        let table: toml::Table = match text.parse() {
            Ok(table) => table,
            Err(error) => {
                let error: toml::de::Error = error;
                return errors.push(ConfigError::new(name, error.to_string()));
            }
        };
        for (key, value) in table {
            if TABLES.contains(&key.as_str()) {
                self.tables.insert(key, value);
                continue;
            }
            let Some(setting) = by_key(&key) else {
                errors.push(ConfigError::new(format!("{name}: {key}"), "is no setting"));
                continue;
            };
            match value {
                toml::Value::String(value) => self.set(setting, value, Origin::File),
                toml::Value::Integer(value) => self.set(setting, value.to_string(), Origin::File),
                toml::Value::Float(_)
                | toml::Value::Boolean(_)
                | toml::Value::Datetime(_)
                | toml::Value::Array(_)
                | toml::Value::Table(_) => {
                    let detail = "must be a text or a whole number";
                    errors.push(ConfigError::new(format!("{name}: {key}"), detail));
                }
            }
        }
    }

    fn set(&mut self, setting: &Setting, value: String, origin: Origin) {
        self.values.insert(setting.key, (value, origin));
    }
}

/// The directory for data, where none was set: below the user's home.
fn home_data_dir(variable: impl Fn(&str) -> Result<String, VarError>) -> Option<String> {
    let directory = |name| variable(name).ok().filter(|value| !value.is_empty());
    directory("XDG_DATA_HOME")
        .map(|home| format!("{home}/assay"))
        .or_else(|| directory("HOME").map(|home| format!("{home}/.local/share/assay")))
}
