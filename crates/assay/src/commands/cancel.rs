//! `assay cancel`: ends a job, and tells the three answers apart.

use std::process::ExitCode;

use contracts::limits;

use crate::cli::Cancel;
use crate::client::Access;
use crate::config::Config;
use crate::exit::{USAGE, say};
use crate::render;

pub(super) async fn run(args: Cancel, config: Config) -> anyhow::Result<ExitCode> {
    let _telemetry = super::telemetry(&config, telemetry::ONE_SHOT_FILTER)?;
    let max = *limits::CANCEL_REASON_CHARS.end();
    if args.reason.as_ref().is_some_and(|reason| reason.chars().count() > max) {
        say(&format!("error: --reason must have at most {max} characters"));
        return Ok(ExitCode::from(USAGE));
    }
    let job = Access::open(&config).await?.cancel(args.id, args.reason).await?;
    let _ = render::put(job.state.as_str())?;
    if !job.state.is_terminal() {
        say("its worker is being stopped; the job can only become cancelled");
    }
    Ok(ExitCode::SUCCESS)
}
