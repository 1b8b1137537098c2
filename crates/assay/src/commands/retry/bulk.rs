//! Repeating every job that ended in some way: paced, and the same however often it is done.
//!
//! The jobs are looked for first, so that those which this run makes are not among them. Each is
//! repeated under a key that follows from its id: what an earlier run has done is found done.

use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use contracts::{Job, JobId, Timestamp};
use engine::ports::JobFilter;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::{Interval, MissedTickBehavior};

use super::key_of;
use crate::cli::Retry;
use crate::cli::jobs::Since;
use crate::client::{Access, ClientError, PAGE_SIZE, Place};
use crate::commands::interrupt::Interrupt;
use crate::exit::{INTERRUPTED, say};
use crate::render;

/// Jobs of one run: their ids are kept in memory. What is left is for the next run.
const JOBS_MAX: usize = 100_000;

/// The jobs that a run is about, newest first.
#[derive(Default)]
struct Found {
    ids: Vec<JobId>,
    /// When the newest of them was submitted.
    newest: Option<Timestamp>,
    /// When the last one was submitted, if there are more.
    rest_before: Option<Timestamp>,
}

/// What became of them.
#[derive(Default)]
struct Summary {
    repeated: usize,
    /// Had a repetition before.
    done_before: usize,
    refused: usize,
    /// Not reached, because something ended the run.
    left: usize,
}

pub(super) async fn run(access: &Access, args: &Retry) -> anyhow::Result<ExitCode> {
    let found = find(access, args).await?;
    let mut interrupt = Interrupt::watch()?;
    let bar = progress(found.ids.len());
    let mut summary = Summary { left: found.ids.len(), ..Summary::default() };
    let mut pace = tokio::time::interval(args.rate.interval);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let repeated = tokio::select! {
        repeated = repeat(access, args, (&found, &bar, &mut pace), &mut summary) => Some(repeated),
        () = interrupt.pressed() => None,
    };
    bar.finish_and_clear();
    say(&said_of(&summary, args.dry_run));
    if summary.left > 0
        && let Some(newest) = found.newest
    {
        // Repetitions that failed meanwhile are newer: they are not what this run was about.
        say(&format!(
            "to go on, the same with --before {}",
            newest.after(Duration::from_millis(1))
        ));
    } else if let Some(rest) = found.rest_before {
        say(&format!("there are more: the same with --before {rest}"));
    }
    if summary.repeated > 0 && !args.dry_run && access.nobody_works() {
        say("the jobs wait: nothing runs on this data directory; `assay dev` does");
    }
    match repeated {
        None => Ok(ExitCode::from(INTERRUPTED)),
        Some(repeated) => {
            repeated?;
            Ok(if summary.refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}

async fn find(access: &Access, args: &Retry) -> anyhow::Result<Found> {
    let filter = JobFilter {
        state: args.state,
        created_after: args.since.map(beginning),
        created_before: args.before,
        ..JobFilter::default()
    };
    let is_meant = |job: &Job| {
        args.code.is_none_or(|code| job.error.as_ref().is_some_and(|error| error.code == code))
    };
    let mut found = Found::default();
    let mut place: Option<Place> = None;
    loop {
        let page = access.page(&filter, PAGE_SIZE, place.as_ref()).await?;
        for job in page.jobs.iter().filter(|job| is_meant(job)) {
            found.newest.get_or_insert(job.created_at);
            found.ids.push(job.id);
        }
        place = page.next;
        if place.is_none() {
            return Ok(found);
        }
        if found.ids.len() >= JOBS_MAX {
            // Those of the same millisecond are seen once more, and found done.
            let last = page.jobs.last().map(|job| job.created_at);
            found.rest_before = last.map(|at| at.after(Duration::from_millis(1)));
            return Ok(found);
        }
    }
}

/// Repeats what was found. An error that would meet every further job ends it.
async fn repeat(
    access: &Access,
    args: &Retry,
    (found, bar, pace): (&Found, &ProgressBar, &mut Interval),
    summary: &mut Summary,
) -> anyhow::Result<()> {
    pace.tick().await;
    let mut made_work = false;
    for id in &found.ids {
        if std::mem::take(&mut made_work) {
            pace.tick().await;
        }
        let repeated = match args.dry_run {
            true => would_repeat(access, *id).await,
            false => {
                let repeated = access.retry(*id, &key_of(*id)).await;
                repeated.map(|job| (!job.replayed).then(|| format!("{id}\t{}", job.job.id)))
            }
        };
        match repeated {
            Ok(Some(line)) => {
                summary.repeated += 1;
                // Only what makes work for others is paced.
                made_work = !args.dry_run;
                if bar.suspend(|| render::put(&line))?.is_break() && args.dry_run {
                    return Ok(());
                }
            }
            Ok(None) => summary.done_before += 1,
            Err(error) if error.ends_all() => return Err(error.into()),
            Err(error) => {
                summary.refused += 1;
                bar.suspend(|| say(&format!("{id}: {error}")));
            }
        }
        summary.left -= 1;
        bar.inc(1);
    }
    Ok(())
}

/// The job's id, if it has no repetition yet.
async fn would_repeat(access: &Access, id: JobId) -> Result<Option<String>, ClientError> {
    let filter = JobFilter { idempotency_key: Some(key_of(id)), ..JobFilter::default() };
    let page = access.page(&filter, 1, None).await?;
    Ok(page.jobs.is_empty().then(|| id.to_string()))
}

fn said_of(summary: &Summary, is_dry: bool) -> String {
    let Summary { repeated, done_before, refused, left } = summary;
    let what = if is_dry { "would be repeated" } else { "repeated" };
    let mut text = format!("{repeated} {what}, {done_before} had been before, {refused} refused");
    if *left > 0 {
        text.push_str(&format!(", {left} left"));
    }
    text
}

fn beginning(since: Since) -> Timestamp {
    match since {
        Since::At(time) => time,
        Since::Ago(age) => {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            let then = now.saturating_sub(age).as_millis();
            Timestamp::from_millis(i64::try_from(then).unwrap_or(i64::MAX))
        }
    }
}

/// A bar on standard error; nothing where that is no terminal.
fn progress(jobs: usize) -> ProgressBar {
    let bar = ProgressBar::new(jobs as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len}  {eta}") {
        bar.set_style(style);
    }
    bar
}
