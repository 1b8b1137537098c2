//! `assay watch`: a job's log, event by event, until it ends.

use std::process::ExitCode;

use contracts::{Event, JobState};

use super::interrupt::Interrupt;
use crate::cli::Watch;
use crate::client::{Access, Said};
use crate::config::Config;
use crate::exit::{INTERRUPTED, say};
use crate::render;

/// How watching ended.
enum Outcome {
    /// The job ended in this state.
    Ended(JobState),
    /// Nobody reads on.
    ReaderGone,
}

pub(super) async fn run(args: Watch, config: Config) -> anyhow::Result<ExitCode> {
    let _telemetry = super::telemetry(&config, telemetry::ONE_SHOT_FILTER)?;
    let mut access = Access::open(&config).await?;
    let mut interrupt = Interrupt::watch()?;
    let mut shown = args.from - 1;
    let watched = tokio::select! {
        watched = watch(&mut access, &args, &mut shown) => Some(watched),
        () = interrupt.pressed() => None,
    };
    access.close().await;
    if !matches!(watched, Some(Ok(_))) && shown >= args.from {
        say(&format!("to go on: assay watch {} --from {}", args.id, shown + 1));
    }
    Ok(match watched.transpose()? {
        Some(Outcome::Ended(JobState::Succeeded) | Outcome::ReaderGone) => ExitCode::SUCCESS,
        Some(Outcome::Ended(_)) => ExitCode::FAILURE,
        None => ExitCode::from(INTERRUPTED),
    })
}

/// Shows the log to its end; `shown` is the last version that was.
async fn watch(access: &mut Access, args: &Watch, shown: &mut u64) -> anyhow::Result<Outcome> {
    let mut transcript = access.follow(args.id, *shown).await?;
    let mut state = None;
    while let Some(said) = transcript.next().await? {
        let event = match said {
            Said::Event(event) => event,
            Said::Interrupted(error) => {
                say(&format!("{error}; trying again"));
                continue;
            }
        };
        let read: Event = serde_json::from_str(&event.json)?;
        if event.terminal {
            state = read.kind.strip_prefix("job.").and_then(JobState::from_name);
        }
        let put = match args.json {
            true => render::put(&event.json)?,
            false => render::put(&render::event(&read))?,
        };
        if put.is_break() {
            return Ok(Outcome::ReaderGone);
        }
        *shown = event.version;
    }
    Ok(Outcome::Ended(match state {
        Some(state) => state,
        None => access.get(args.id).await?.state,
    }))
}
