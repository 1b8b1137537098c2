//! `assay list`: jobs, newest first.

use std::process::ExitCode;

use engine::ports::JobFilter;

use crate::cli::{List, jobs::by_key};
use crate::client::{Access, PAGE_SIZE};
use crate::config::Config;
use crate::exit::{USAGE, say};
use crate::render::{self, Table};

pub(super) async fn run(args: List, config: Config) -> anyhow::Result<ExitCode> {
    let _telemetry = super::telemetry(&config, telemetry::ONE_SHOT_FILTER)?;
    let labels = match by_key(args.labels) {
        Ok(labels) => labels,
        Err(error) => {
            say(&format!("error: {error}"));
            return Ok(ExitCode::from(USAGE));
        }
    };
    let company_name = args.company.map(|company| company.trim().to_owned());
    let filter = JobFilter { state: args.state, company_name, labels, ..JobFilter::default() };
    let access = Access::open(&config).await?;
    let table = Table::for_stdout();
    let (mut left, mut place, mut is_first) = (args.limit as usize, None, !args.json);
    while left > 0 {
        let page = access.page(&filter, left.min(PAGE_SIZE), place.as_ref()).await?;
        left -= page.jobs.len().min(left);
        let head = std::mem::take(&mut is_first).then(|| Ok(table.head()));
        let lines = page.jobs.iter().map(|job| match args.json {
            true => serde_json::to_string(job),
            false => Ok(table.job(job)),
        });
        for line in head.into_iter().chain(lines) {
            if render::put(&line?)?.is_break() {
                return Ok(ExitCode::SUCCESS);
            }
        }
        place = page.next;
        if place.is_none() {
            return Ok(ExitCode::SUCCESS);
        }
    }
    say(&format!("there are more than these {}: --limit shows them", args.limit));
    Ok(ExitCode::SUCCESS)
}
