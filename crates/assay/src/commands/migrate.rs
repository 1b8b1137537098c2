//! `assay migrate`: brings the database of a fleet to this release's form.

use std::process::ExitCode;

use crate::cli::Migrate;
use crate::config::Config;
use crate::{fleet, render};

pub(super) async fn run(args: Migrate, config: Config) -> anyhow::Result<ExitCode> {
    let _telemetry = super::telemetry(&config, telemetry::ONE_SHOT_FILTER)?;
    if args.check {
        let schema = fleet::schema(&config).await?;
        let (found, known) = (schema.found, schema.known);
        render::line(&format!("the database is at migration {found}, this release at {known}"));
        return Ok(if schema.is_behind() { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    }
    match fleet::migrate(&config).await? {
        0 => render::line("the database is up to date"),
        1 => render::line("the database took 1 migration"),
        n => render::line(&format!("the database took {n} migrations")),
    }
    Ok(ExitCode::SUCCESS)
}
