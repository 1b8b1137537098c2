//! `assay get`: a job as it is now.

use std::process::ExitCode;

use crate::cli::Get;
use crate::client::Access;
use crate::config::Config;
use crate::render;

pub(super) async fn run(args: Get, config: Config) -> anyhow::Result<ExitCode> {
    let _telemetry = super::telemetry(&config, telemetry::ONE_SHOT_FILTER)?;
    let job = Access::open(&config).await?.get(args.id).await?;
    let text = if args.json { serde_json::to_string_pretty(&job)? } else { render::sheet(&job) };
    let _ = render::put(&text)?;
    Ok(ExitCode::SUCCESS)
}
