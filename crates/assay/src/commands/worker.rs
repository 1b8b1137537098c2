//! `assay worker`: runs the jobs of a fleet, and reads its documents.

use std::process::ExitCode;

use adapter_embedded::DataDir;
use tokio_util::sync::CancellationToken;

use super::serving;
use crate::config::Config;
use crate::fleet::Fleet;
use crate::render;
use crate::system::{Role, Settings};

pub(super) async fn run(config: Config) -> anyhow::Result<ExitCode> {
    let telemetry = super::server_telemetry(&config, "assay-worker")?;
    // Its index is its own: two workers on a machine have two directories.
    let data_dir = DataDir::open(&config.data_dir)?;
    let settings = Settings { role: Role::Worker, ..Settings::of(&config) };
    let fleet = Fleet::connect(&config, settings, &data_dir.index()).await?;
    let stop = CancellationToken::new();
    let health = serving::health(fleet.system.jobs.clone(), &config, stop.clone())?;
    let running = fleet.system.start(Role::Worker);
    render::line(&format!("assay worker runs {} jobs at a time", config.slots));
    let told = serving::terminated().await;
    tracing::info!("stopping: jobs that do not finish now go on at another worker");
    stop.cancel();
    running.stop().await;
    let looked_after = health.await;
    fleet.disconnect().await;
    telemetry.finish().await;
    looked_after?;
    told?;
    Ok(ExitCode::SUCCESS)
}
