//! The system that a command reaches by itself, without a server.

use crate::config::Config;
use crate::embedded::Embedded;
use crate::fleet::Fleet;
use crate::system::{Role, Settings, System};

/// The use cases over the fleet's database if one is configured, else over the data directory.
///
/// # Errors
/// Those of [`Fleet::connect`] and [`Embedded::open`].
pub(crate) async fn system(config: &Config) -> anyhow::Result<System> {
    // A command asks the fleet's workers for answers, and gives none itself.
    let settings = Settings { role: Role::Gateway, ..Settings::of(config) };
    if config.database_url.is_none() {
        return Ok(Embedded::open(config, Settings::of(config))?.system);
    }
    // Nothing that a command asks touches the index.
    let index = config.data_dir.join("index");
    Ok(Fleet::connect(config, settings, &index).await?.system)
}
