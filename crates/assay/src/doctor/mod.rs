//! Whether everything that a process needs is there and in order, and what to do where it is not.
//!
//! Each part of the surroundings has a check of its own; they run side by side, each within a time
//! limit, and change nothing. A new one is a file here and a line in [`examine`].

mod broker;
mod data_dir;
mod database;
mod models;
mod settings;
mod tools;

use std::time::Duration;

use futures_util::future::join_all;
use serde::Serialize;
use tokio::time::timeout;

use crate::config::Config;

/// What a check may take altogether.
const CHECK_MAX: Duration = Duration::from_secs(15);

/// What was found out about one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What was looked at.
    pub(crate) what: String,
    pub(crate) verdict: Verdict,
    /// What was seen, in a sentence without its full stop.
    pub(crate) seen: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<String>,
}

/// Whether a thing is in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// It is.
    Ok,
    /// It works, and will not always.
    Warn,
    /// It does not work.
    Fail,
}

impl Finding {
    pub(crate) fn ok(what: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { what: what.into(), verdict: Verdict::Ok, seen: seen.into(), advice: None }
    }

    pub(crate) fn warn(
        what: impl Into<String>,
        seen: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { verdict: Verdict::Warn, advice: Some(advice.into()), ..Self::ok(what, seen) }
    }

    pub(crate) fn fail(
        what: impl Into<String>,
        seen: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self { verdict: Verdict::Fail, ..Self::warn(what, seen, advice) }
    }
}

/// Looks at everything, in the order in which it is shown.
pub(crate) async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = vec![settings::check(config)];
    findings.extend(data_dir::check(&config.data_dir));
    let (database, broker, models, tools) = tokio::join!(
        in_time("database", database::check(config)),
        in_time("broker", broker::check(config)),
        join_all(config.models.providers.iter().map(|provider| {
            in_time(&provider.name, async { vec![models::check(provider).await] })
        })),
        in_time("tools", tools::check(config)),
    );
    findings.extend(database);
    findings.extend(broker);
    findings.push(models::default(config));
    findings.extend(models.into_iter().flatten());
    findings.extend(tools);
    findings
}

async fn in_time(what: &str, check: impl Future<Output = Vec<Finding>>) -> Vec<Finding> {
    timeout(CHECK_MAX, check).await.unwrap_or_else(|_elapsed| {
        let seen = format!("no answer within {} s", CHECK_MAX.as_secs());
        vec![Finding::fail(what, seen, "see whether it is overloaded, or a firewall drops packets")]
    })
}

/// An error with all that led to it, on one line.
fn told(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !said.contains(&more) {
            said = format!("{said}: {more}");
        }
        source = error.source();
    }
    said
}
