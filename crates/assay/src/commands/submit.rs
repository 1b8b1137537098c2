//! `assay submit`: accepts a job, and follows it where that is asked for.

use std::process::ExitCode;

use anyhow::Context as _;
use contracts::{Job, JobId, Submission};
use serde_json::json;
use uuid::Uuid;

use super::interrupt::Interrupt;
use super::{ask, wrong_call};
use crate::cli::{Submit, jobs::by_key};
use crate::client::{Access, ClientError, Said};
use crate::config::Config;
use crate::exit::{self, INTERRUPTED, USAGE};
use crate::render::{self, Progress};

pub(super) async fn run(args: Submit, config: Config) -> anyhow::Result<ExitCode> {
    let _telemetry = super::telemetry(&config, telemetry::ONE_SHOT_FILTER)?;
    let labels = match by_key(args.labels) {
        Ok(labels) => labels,
        Err(error) => {
            exit::say(&format!("error: {error}"));
            return Ok(ExitCode::from(USAGE));
        }
    };
    let body = json!({
        "company_name": args.company,
        "question": args.question,
        "timeout_s": args.timeout_s,
        "queue_timeout_s": args.queue_timeout_s,
        "max_attempts": args.max_attempts,
        "priority": args.priority,
        "labels": labels,
        "model": args.model,
        "on_step_failure": args.on_step_failure,
        "document_ids": Some(args.documents).filter(|documents| !documents.is_empty()),
    });
    let submission = match Submission::from_value(body) {
        Ok(submission) => submission,
        Err(error) => return Ok(wrong_call(&error)),
    };
    let key = args.idempotency_key.unwrap_or_else(|| Uuid::now_v7().to_string());
    let mut access = Access::open(&config).await?;
    let accepted = access.submit(submission, &key).await;
    let job = accepted.inspect_err(|error| say_how_to_go_on(error, &key))?.job;
    if !args.wait {
        let shown =
            if args.json { serde_json::to_string_pretty(&job)? } else { job.id.to_string() };
        // An id that nobody reads leaves a job behind that nobody can name.
        let _ = render::put(&shown).with_context(|| format!("the job {} was accepted", job.id))?;
        if access.nobody_works() {
            exit::say("the job waits: nothing runs on this data directory; `assay dev` does");
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut interrupt = Interrupt::watch()?;
    exit::say(&format!("job {}", job.id));
    let mut progress = Progress::start();
    let ended = tokio::select! {
        ended = wait(&mut access, job.id, &mut progress) => Some(ended),
        () = interrupt.pressed() => None,
    };
    progress.finish();
    access.close().await;
    match ended {
        Some(ended) => ask::show(&ended?, args.json),
        None => {
            exit::say(&format!("interrupted: the job goes on; assay watch {}", job.id));
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

/// A submission whose answer was lost can be sent again as the same job: with its key.
fn say_how_to_go_on(error: &ClientError, key: &str) {
    if let ClientError::Lost { .. } = error {
        exit::say(&format!("to submit it again as the same job: --idempotency-key {key}"));
    }
}

/// Follows a job to its end.
async fn wait(access: &mut Access, id: JobId, progress: &mut Progress) -> Result<Job, ClientError> {
    let mut transcript = access.follow(id, 0).await?;
    while let Some(said) = transcript.next().await? {
        match said {
            Said::Event(event) => progress.show(&event.json),
            Said::Interrupted(_) => progress.says("the connection was lost; trying again"),
        }
    }
    access.get(id).await
}
