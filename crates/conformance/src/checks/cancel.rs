//! §1, §3: cancel has three answers, and each is true of the final log.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::check::{Check, check, scripted};
use crate::fault::{Checked, During as _, Fault, equal, holds};
use crate::jobs::{JobRef, asking, in_state, is_terminal, of_type, plain};
use crate::target::{Answer, Target};

pub(super) const CHECKS: &[Check] = &[
    check("cancel/races", "of two clients at random moments each is told the truth", |target| {
        Box::pin(races(target))
    }),
    check("cancel/ended", "a job that ended otherwise is a 409 with the job", |target| {
        Box::pin(ended(target))
    }),
    scripted(
        "cancel/running",
        "a running job becomes cancelling, then cancelled, no other",
        |target| Box::pin(running(target)),
    ),
    scripted("cancel/retrying", "a job between two attempts is cancelled at once", |target| {
        Box::pin(retrying(target))
    }),
];

/// Races at the same time.
const AT_ONCE: usize = 16;
/// The jobs of the races end within about this.
const LIFE: Duration = Duration::from_millis(60);
/// A cancel settles within 5 s, whatever the worker does.
const SETTLED_MAX: Duration = Duration::from_secs(5 + 5);

/// One of the three answers to a request to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Cancelled,
    Cancelling,
    EndedOtherwise,
}

async fn races(target: &Target) -> Checked {
    let races = stream::iter(0..target.extent().races()).map(|n| race(target, n));
    let mut races = races.buffer_unordered(AT_ONCE);
    let mut told = Vec::new();
    while let Some(answers) = races.next().await {
        told.extend(answers?);
    }
    // Were every cancel too early or too late, nothing would have raced.
    let won = told.iter().filter(|told| **told != Told::EndedOtherwise).count();
    match won {
        0 => Err(Fault::NotApplicable("no cancel came before the end of its job".to_owned())),
        _ => Ok(()),
    }
}

async fn race(target: &Target, n: usize) -> Checked<Vec<Told>> {
    let delay_ms = rand::random_range(0..15);
    let question = match target.is_scripted() {
        true => format!("script: delay_ms={delay_ms}"),
        false => format!("What were total revenues in year {n}?"),
    };
    let job = target.submit(&asking(&question)).await?;
    let at_random = async || {
        sleep(LIFE.mul_f64(rand::random())).await;
        let answer = target.post(&job.cancel).send().await?;
        told_by(&answer)
    };
    let (one, other) = tokio::join!(at_random(), at_random());
    let mut told = vec![one?, other?];
    // Asked again the answer is the same, or what `cancelling` became.
    told.push(told_by(&target.post(&job.cancel).send().await?)?);
    let ended = target.ended(&job).await?;
    let log = target.log(&job).await?;
    for told in &told {
        is_true(*told, &ended, &log).during(format!("{told:?} of {told:?}, job {}", job.id))?;
    }
    let last = told_by(&target.post(&job.cancel).send().await?)?;
    holds(last != Told::Cancelling, "cancelling after the end", "cancelled, or 409")?;
    is_true(last, &ended, &log)?;
    Ok(told)
}

/// Which of the three answers it is; each shows the job, in a state that fits.
fn told_by(answer: &Answer) -> Checked<Told> {
    let (told, job) = match answer.status() {
        200 => (Told::Cancelled, answer.json()?),
        202 => (Told::Cancelling, answer.json()?),
        409 => (Told::EndedOtherwise, &answer.json()?["job"]),
        _ => return Err(Fault::breach(answer.to_string(), "200, 202 or 409")),
    };
    let state = job["state"].as_str().unwrap_or_default();
    let fits = match told {
        Told::Cancelled => state == "cancelled",
        Told::Cancelling => state == "cancelling",
        Told::EndedOtherwise => {
            equal("the code", &answer.json()?["code"], "job_already_terminal")?;
            ["succeeded", "failed", "timed_out", "expired"].contains(&state)
        }
    };
    holds(fits, answer, format!("a job whose state is told by {}", answer.status()))?;
    Ok(told)
}

/// Whether an answer is true of what became of the job.
fn is_true(told: Told, ended: &Value, log: &[Value]) -> Checked {
    let is_cancelled = ended["state"] == "cancelled";
    let expected = match told {
        Told::Cancelled | Told::Cancelling => true,
        Told::EndedOtherwise => false,
    };
    equal(format!("whether the job was cancelled, told as {told:?}"), is_cancelled, expected)?;
    let last = log.last().unwrap_or(&Value::Null);
    let ends = log.iter().filter(|event| is_terminal(event)).count();
    equal("the number of terminal events", ends, 1)?;
    equal("whether the log ends cancelled", last["type"] == "job.cancelled", expected)
}

async fn ended(target: &Target) -> Checked {
    let (job, ended) = target.run(&plain()).await?;
    for _ in 0..2 {
        let answer = target.post(&job.cancel).send().await?.problem(409, "job_already_terminal")?;
        equal("the job in the answer", &answer.json()?["job"], &ended)?;
    }
    equal("the job afterwards", &target.show(&job).await?, &ended)
}

async fn running(target: &Target) -> Checked {
    let job = target.submit(&asking("script: delay_ms=30000")).await?;
    target.once(&job, |job| job["state"] == "running").await?;
    let reason = json!({"reason": "the kit asks for it"});
    let first = target.post(&job.cancel).json(&reason).send().await?;
    let told = told_by(&first)?;
    let seen = format!("{told:?} for a running job");
    holds(told != Told::EndedOtherwise, seen, "cancelling, or cancelled")?;
    let settled = tokio::time::timeout(SETTLED_MAX, target.ended(&job)).await;
    let ended = settled.unwrap_or_else(|_| {
        Err(Fault::breach("still cancelling", "cancelled within 5 s of the request"))
    })?;
    in_state(&ended, "cancelled")?;
    equal("the error's code", &ended["error"]["code"], "cancelled_by_client")?;
    target.observed().see_problem("a cancelled job's error", &ended["error"]);
    let log = target.log(&job).await?;
    let asked: Vec<&Value> = of_type(&log, "job.cancel_requested").collect();
    equal("the number of job.cancel_requested", asked.len(), 1)?;
    equal("its reason", &asked[0]["data"]["reason"], &reason["reason"])?;
    equal("cancel again", told_by(&target.post(&job.cancel).send().await?)?, Told::Cancelled)
}

async fn retrying(target: &Target) -> Checked {
    // Backing off grows with every failure: soon there is time enough between two attempts.
    let job = target.submit(&asking("script: fail=transient")).await?;
    let waits = |job: &Value| job["state"] == "retrying" && job["failures"].as_u64() >= Some(2);
    target.once(&job, waits).await?;
    let answer = target.post(&job.cancel).send().await?;
    match told_by(&answer)? {
        Told::Cancelled => {}
        // The next attempt had begun.
        Told::Cancelling => return is_cancelled(target, &job).await,
        Told::EndedOtherwise => return Err(Fault::breach(answer.to_string(), "cancelled")),
    }
    is_cancelled(target, &job).await
}

async fn is_cancelled(target: &Target, job: &JobRef) -> Checked {
    let ended = target.ended(job).await?;
    in_state(&ended, "cancelled")?;
    super::log::timeline(&ended)
}
