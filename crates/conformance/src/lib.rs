//! A black-box kit: it proves the promises of the contract on a running server, over HTTP, event
//! streams and WebSockets alone. It knows the wire types and nothing of a server's inside.
//!
//! The promises are in `checks`, one function each, a file a subject. Every answer of a run passes
//! through `target::Observations`, which hold it to the rules for all answers.
#![warn(missing_docs)]

mod check;
mod checks;
mod fault;
mod jobs;
mod report;
mod target;
mod transport;

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::Url;
use tokio::time::{Instant, timeout};

use self::check::{Check, Needs, Turn};
use self::fault::{Checked, Fault};
use self::target::Target;

pub use self::fault::Breach;
pub use self::report::{Outcome, Report, Verdict};

/// Checks that run beside each other.
const BESIDE_MAX: usize = 6;

/// What is to be proved, and where.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The servers of one system, at least one: calls are spread over all of them.
    pub servers: Vec<Url>,
    /// The key that they are shown.
    pub key: Option<String>,
    /// The checks that are meant, by name or subject; all of them if empty.
    pub only: Vec<String>,
    /// How thoroughly.
    pub extent: Extent,
}

/// How thoroughly promises are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Within a minute: a hundred races.
    Quick,
    /// A thousand races.
    Full,
}

impl Extent {
    /// Races between two clients.
    const fn races(self) -> usize {
        match self {
            Self::Quick => 100,
            Self::Full => 1_000,
        }
    }

    /// What one check may take.
    const fn check_time(self) -> Duration {
        match self {
            Self::Quick => Duration::from_secs(60),
            Self::Full => Duration::from_secs(300),
        }
    }
}

/// Why nothing was checked.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// No server was named.
    #[error("no server was named")]
    NoServer,
    /// A name that no check has.
    #[error("there is no check {asked:?}; there are {known}")]
    UnknownCheck {
        /// What was asked for.
        asked: String,
        /// The names that there are.
        known: String,
    },
    /// There is no HTTP client here.
    #[error("no HTTP client can be made")]
    Client(#[source] reqwest::Error),
    /// The server does not say what it is.
    #[error("{server} is no server that can be checked: {detail}")]
    Server {
        /// Its address.
        server: Url,
        /// What it did.
        detail: String,
    },
}

/// What the kit tells while it runs.
#[derive(Debug)]
pub enum Notice<'a> {
    /// A check begins.
    Begun(&'static str),
    /// A check ended; so many of so many have.
    Ended(&'a Outcome, usize, usize),
}

/// Checks the servers. Takes at most the time of one check ([`Extent`]) for each, and leaves ended
/// jobs behind.
///
/// # Errors
/// [`SetupError`], before anything was checked.
pub async fn run(settings: Settings, tell: impl Fn(Notice<'_>)) -> Result<Report, SetupError> {
    let chosen = choose(&settings.only)?;
    let servers = settings.servers.iter().map(Url::to_string).collect();
    let target = Target::open(settings).await?;
    let mut outcomes = BTreeMap::new();
    let all = chosen.len();
    let mut keep = |(place, outcome): (usize, Outcome)| {
        tell(Notice::Ended(&outcome, outcomes.len() + 1, all));
        outcomes.insert(place, outcome);
    };
    for (turn, at_once) in [(Turn::Beside, BESIDE_MAX), (Turn::Alone, 1), (Turn::Last, 1)] {
        let of_turn = chosen.iter().enumerate().filter(|(_, check)| check.turn == turn);
        let begun = of_turn.map(|(place, check)| {
            let (target, tell) = (&target, &tell);
            async move {
                tell(Notice::Begun(check.name));
                (place, outcome_of(check, target).await)
            }
        });
        let mut ended = futures_util::stream::iter(begun).buffer_unordered(at_once);
        while let Some(outcome) = ended.next().await {
            keep(outcome);
        }
    }
    let checks = outcomes.into_values().collect();
    Ok(Report { servers, scripted_model: target.is_scripted(), checks })
}

fn choose(only: &[String]) -> Result<Vec<&'static Check>, SetupError> {
    let all = || checks::ALL.iter().flat_map(|subject| subject.iter());
    if let Some(asked) = only.iter().find(|asked| !all().any(|check| check.is_named(asked))) {
        let known: Vec<&str> = all().map(|check| check.name).collect();
        return Err(SetupError::UnknownCheck { asked: asked.clone(), known: known.join(", ") });
    }
    let is_meant =
        |check: &&Check| only.is_empty() || only.iter().any(|asked| check.is_named(asked));
    Ok(all().filter(is_meant).collect())
}

async fn outcome_of(check: &'static Check, target: &Target) -> Outcome {
    let Check { name, promise, needs, run, .. } = *check;
    let began = Instant::now();
    let checked = match needs {
        Needs::ScriptedModel if !target.is_scripted() => {
            Err(Fault::NotApplicable("the server has no scripted model".to_owned()))
        }
        Needs::Nothing | Needs::ScriptedModel => in_time(target, run(target)).await,
    };
    Outcome { name, promise, verdict: checked.into(), took: began.elapsed() }
}

async fn in_time(target: &Target, checking: impl Future<Output = Checked>) -> Checked {
    let limit = target.extent().check_time();
    timeout(limit, checking).await.unwrap_or_else(|_| {
        let seen = format!("the check did not end within {} s", limit.as_secs());
        Err(Fault::breach(seen, "every answer comes in its time"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_have_names_of_their_own_and_are_found_by_name_and_subject() {
        let all = choose(&[]).expect("all");
        let names: std::collections::BTreeSet<_> = all.iter().map(|check| check.name).collect();
        assert_eq!(names.len(), all.len());
        for name in &names {
            assert!(name.split_once('/').is_some_and(|(subject, _)| {
                choose(&[subject.to_owned()]).is_ok_and(|found| !found.is_empty())
            }));
            assert_eq!(choose(&[(*name).to_owned()]).expect("one").len(), 1);
        }
        assert!(matches!(choose(&["x".to_owned()]), Err(SetupError::UnknownCheck { .. })));
    }
}
