//! `assay dev`: the gateway and its workers in one process.

use std::process::ExitCode;

use super::serving;
use crate::config::Config;
use crate::embedded::Embedded;
use crate::render;
use crate::system::Settings;

pub(super) async fn run(config: Config) -> anyhow::Result<ExitCode> {
    let telemetry = super::server_telemetry(&config, "assay")?;
    let listener = serving::listen(&config)?;
    let address = listener.local_addr()?;
    let embedded = Embedded::open(&config, Settings::of(&config))?;
    embedded.data_dir().announce(address)?;
    embedded.load_examples_if_empty().await?;
    let running = embedded.start();
    let data_dir = config.data_dir.display();
    render::line(&format!("assay listens on http://{address}, data in {data_dir}"));
    let served = serving::serve(embedded.system.jobs.clone(), listener, &config).await;
    // What does not finish within the grace goes on at the next start.
    running.stop().await;
    telemetry.finish().await;
    served?;
    Ok(ExitCode::SUCCESS)
}
