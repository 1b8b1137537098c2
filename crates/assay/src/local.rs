//! The system that a command reaches by itself, without a server.

use crate::config::Config;
use crate::embedded::Embedded;
use crate::fleet::Fleet;
use crate::system::{Settings, System};

/// The store that is configured, with the use cases over it.
pub(crate) enum Local {
    /// A data directory.
    Embedded(Embedded),
    /// The database of a fleet.
    Fleet(Fleet),
}

impl Local {
    /// Opens the fleet's database if one is configured, else the data directory.
    pub(crate) async fn open(config: &Config) -> anyhow::Result<Self> {
        let settings = Settings::of(config);
        if config.database_url.is_none() {
            return Ok(Self::Embedded(Embedded::open(config, settings)?));
        }
        // Nothing that a command asks touches the index.
        let fleet = Fleet::connect(config, settings, &config.data_dir.join("index")).await?;
        Ok(Self::Fleet(fleet))
    }

    /// The use cases.
    pub(crate) fn system(&self) -> &System {
        match self {
            Self::Embedded(embedded) => &embedded.system,
            Self::Fleet(fleet) => &fleet.system,
        }
    }
}
