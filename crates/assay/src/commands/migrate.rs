//! `assay migrate`: brings the database of a fleet to this release's form.

use std::process::ExitCode;

use engine::schema::{Fit, Schema};

use crate::cli::Migrate;
use crate::config::Config;
use crate::{fleet, render};

pub(super) async fn run(args: Migrate, config: Config) -> anyhow::Result<ExitCode> {
    let _telemetry = super::telemetry(&config, telemetry::ONE_SHOT_FILTER)?;
    if args.check {
        return Ok(check(fleet::schema(&config).await?));
    }
    match fleet::migrate(&config).await? {
        0 => render::line("the database is up to date"),
        1 => render::line("the database took 1 migration"),
        n => render::line(&format!("the database took {n} migrations")),
    }
    Ok(ExitCode::SUCCESS)
}

/// Says whether this release serves the database.
fn check(schema: Schema) -> ExitCode {
    let Schema { found, own } = schema;
    let compared = format!("the database has {found}, this release {own}");
    let (told, code) = match schema.fit() {
        Fit::Own => (compared, ExitCode::SUCCESS),
        Fit::Next => (format!("{compared}, which serves it"), ExitCode::SUCCESS),
        Fit::Behind => (format!("{compared}: run `assay migrate`"), ExitCode::FAILURE),
        Fit::Beyond => (schema.beyond(), ExitCode::FAILURE),
    };
    render::line(&told);
    code
}
