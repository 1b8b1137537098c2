//! `assay ask`: one question, in process, from submission to answer.

use std::process::ExitCode;

use anyhow::Context as _;
use contracts::{Job, Submission};
use engine::services::SubmitOptions;
use serde_json::json;

use crate::cli::Ask;
use crate::config::Config;
use crate::embedded::Embedded;
use crate::exit::{self, INTERRUPTED};
use crate::render::{self, Progress};
use crate::system::{Settings, System};

pub(super) async fn run(args: Ask, config: Config) -> anyhow::Result<ExitCode> {
    let _telemetry = super::telemetry(&config, telemetry::ONE_SHOT_FILTER)?;
    let body = json!({"company_name": args.company, "question": args.question});
    let submission = match Submission::from_value(body) {
        Ok(submission) => submission,
        Err(error) => return Ok(super::wrong_call(&error)),
    };
    let embedded = Embedded::open(&config, Settings::default())?;
    embedded.load_examples_if_empty().await?;
    let running = embedded.start();
    let answered = ask(&embedded.system, submission).await;
    running.stop().await;
    match answered? {
        Some(job) => show(&job, args.json),
        None => {
            exit::say("interrupted: the job was cancelled");
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

/// Submits and follows; `None` if the question was taken back from the keyboard.
async fn ask(system: &System, submission: Submission) -> anyhow::Result<Option<Job>> {
    let (jobs, tenant) = (&system.jobs, &system.tenant);
    let accepted = jobs.submit(tenant, submission, SubmitOptions::default()).await?;
    let id = accepted.snapshot.job.id;
    let mut progress = Progress::start();
    let mut follower = jobs.follow(tenant, id, 0).await?;
    loop {
        tokio::select! {
            event = follower.next() => match event? {
                Some(event) => progress.show(&event.json),
                None => break,
            },
            interrupted = tokio::signal::ctrl_c() => {
                interrupted.context("the interrupt key cannot be watched")?;
                progress.finish();
                jobs.cancel(tenant, id, Some("interrupted".to_owned())).await?;
                return Ok(None);
            }
        }
    }
    progress.finish();
    Ok(Some(jobs.get(tenant, id).await?))
}

/// Prints the answer, or why there is none.
pub(super) fn show(job: &Job, as_json: bool) -> anyhow::Result<ExitCode> {
    if as_json {
        render::line(&serde_json::to_string_pretty(job)?);
    } else {
        match &job.result {
            Some(result) => render::line(&render::answer(result)),
            None => exit::say(&render::no_answer(job)),
        }
    }
    Ok(if job.result.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
