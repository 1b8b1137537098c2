//! `assay gateway`: serves the clients of a fleet.

use std::process::ExitCode;

use super::serving;
use crate::config::Config;
use crate::fleet::Fleet;
use crate::render;
use crate::system::{Role, Settings};

pub(super) async fn run(config: Config) -> anyhow::Result<ExitCode> {
    let telemetry = super::server_telemetry(&config, "assay-gateway")?;
    let listener = serving::listen(&config)?;
    let address = listener.local_addr()?;
    // A gateway looks nothing up itself: its index stays empty.
    let index = config.data_dir.join("index");
    let settings = Settings { role: Role::Gateway, ..Settings::of(&config) };
    let fleet = Fleet::connect(&config, settings, &index).await?;
    let running = fleet.system.start(Role::Gateway);
    render::line(&format!("assay gateway listens on http://{address}"));
    let served = serving::serve(fleet.system.jobs.clone(), listener, &config).await;
    running.stop().await;
    fleet.disconnect().await;
    telemetry.finish().await;
    served?;
    Ok(ExitCode::SUCCESS)
}
