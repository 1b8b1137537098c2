//! `assay verify`: checks every job of a store against the rules of a job's life.

use std::process::ExitCode;
use std::sync::Arc;

use adapter_embedded::{DataDir, Records};
use engine::ports::JobRecords;
use engine::services::{Checked, Verification};
use indicatif::{ProgressBar, ProgressStyle};

use crate::config::Config;
use crate::exit::say;
use crate::{fleet, render};

pub(super) async fn run(config: Config) -> anyhow::Result<ExitCode> {
    let _telemetry = super::telemetry(&config, telemetry::ONE_SHOT_FILTER)?;
    let mut verification = Verification::of(records(&config).await?);
    let bar = progress();
    let mut all = Summary::default();
    while let Some(checked) = verification.next().await? {
        all.add(&checked);
        for violation in &checked.violations {
            let (id, rule) = (violation.job_id, violation.invariant);
            let line = render::one_line(&violation.finding);
            if bar.suspend(|| render::put(&format!("{id}\t{rule}\t{line}")))?.is_break() {
                return Ok(ExitCode::FAILURE);
            }
        }
        bar.set_position(all.jobs);
    }
    bar.finish_and_clear();
    let Summary { jobs, events, violations } = all;
    if violations > 0 {
        say(&format!("{violations} violations in {jobs} jobs with {events} events"));
        return Ok(ExitCode::FAILURE);
    }
    let _ = render::put(&format!("{jobs} jobs with {events} events: no violations"))?;
    Ok(ExitCode::SUCCESS)
}

/// What was checked so far.
#[derive(Default)]
struct Summary {
    jobs: u64,
    events: u64,
    violations: usize,
}

impl Summary {
    fn add(&mut self, checked: &Checked) {
        self.jobs += checked.jobs;
        self.events += checked.events;
        self.violations += checked.violations.len();
    }
}

/// The records of the fleet's database if one is configured, else of the data directory, as it is:
/// unlike every other command this one gives no job back.
async fn records(config: &Config) -> anyhow::Result<Arc<dyn JobRecords>> {
    if config.database_url.is_some() {
        return fleet::records(config).await;
    }
    Ok(Arc::new(Records::open(DataDir::open(&config.data_dir)?)?))
}

/// How many jobs were checked, on standard error; nothing where that is no terminal.
fn progress() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} jobs checked  {elapsed}") {
        bar.set_style(style);
    }
    bar
}
