//! `assay retry`: repeats a job, or every job that ended in some way.

mod bulk;

use std::process::ExitCode;

use contracts::JobId;

use crate::cli::Retry;
use crate::client::{Accepted, Access};
use crate::config::Config;
use crate::exit::say;
use crate::render;

pub(super) async fn run(args: Retry, config: Config) -> anyhow::Result<ExitCode> {
    let _telemetry = super::telemetry(&config, telemetry::ONE_SHOT_FILTER)?;
    let access = Access::open(&config).await?;
    let Some(id) = args.id else { return bulk::run(&access, &args).await };
    let key = args.idempotency_key.unwrap_or_else(|| key_of(id));
    let Accepted { job, replayed } = access.retry(id, &key).await?;
    let _ = render::put(&job.id.to_string())?;
    if replayed {
        say("it was repeated before, as this job; --idempotency-key repeats it once more");
    } else if access.nobody_works() {
        say("the job waits: nothing runs on this data directory; `assay dev` does");
    }
    Ok(ExitCode::SUCCESS)
}

/// The key of a job's repetition: the same whoever repeats it, so that it has one.
fn key_of(id: JobId) -> String {
    format!("assay-retry-{id}")
}
