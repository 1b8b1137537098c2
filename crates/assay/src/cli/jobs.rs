//! The arguments of the commands about jobs.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use contracts::{Code, DocumentId, JobId, JobState, Timestamp, limits};

/// Where the jobs are.
#[derive(Debug, Args)]
pub struct Target {
    /// The server that has the jobs, such as `https://assay.example.org` [env: ASSAY_SERVER]
    /// [default: the data directory, through the process that serves it, if one does]
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
}

/// `assay submit`.
#[derive(Debug, Args)]
pub struct Submit {
    /// Where it is submitted
    #[command(flatten)]
    pub target: Target,
    /// The company that is asked about
    #[arg(long, value_name = "NAME")]
    pub company: String,
    /// The question
    pub question: String,
    /// Seconds after which the job ends, whatever it is doing [default: 600]
    #[arg(long, value_name = "S")]
    pub timeout_s: Option<u32>,
    /// Seconds by which it must have started
    #[arg(long, value_name = "S")]
    pub queue_timeout_s: Option<u32>,
    /// Failed attempts after which it is given up [default: 5]
    #[arg(long, value_name = "N")]
    pub max_attempts: Option<u32>,
    /// 0 to 9; a higher one starts earlier [default: 5]
    #[arg(long, value_name = "N")]
    pub priority: Option<u32>,
    /// What becomes of the job if its evidence was found and no model could write the answer:
    /// `fail`, or `partial`, an answer of sources alone [default: partial]
    #[arg(long, value_name = "HOW", value_parser = ["fail", "partial"])]
    pub on_step_failure: Option<String>,
    /// A mark to find the job by; can be given again
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    pub labels: Vec<(String, String)>,
    /// The model that writes the answer
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    /// Answer from this document alone; can be given again
    #[arg(long = "document", value_name = "ID")]
    pub documents: Vec<DocumentId>,
    /// The same key and question are the same job, however often they are submitted
    #[arg(long, value_name = "KEY", value_parser = idempotency_key)]
    pub idempotency_key: Option<String>,
    /// Wait for the end and print the answer
    #[arg(long)]
    pub wait: bool,
    /// Print the job as JSON
    #[arg(long)]
    pub json: bool,
}

/// `assay get`.
#[derive(Debug, Args)]
pub struct Get {
    /// Where it is
    #[command(flatten)]
    pub target: Target,
    /// The job
    #[arg(value_name = "ID")]
    pub id: JobId,
    /// Print the job as JSON
    #[arg(long)]
    pub json: bool,
}

/// `assay list`.
#[derive(Debug, Args)]
pub struct List {
    /// Where they are
    #[command(flatten)]
    pub target: Target,
    /// Those in this state
    #[arg(long, value_parser = state)]
    pub state: Option<JobState>,
    /// Those about this company, spelt as it was submitted
    #[arg(long, value_name = "NAME")]
    pub company: Option<String>,
    /// Those with this label; can be given again
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    pub labels: Vec<(String, String)>,
    /// Jobs at the most
    #[arg(long, value_name = "N", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Print each job as a line of JSON
    #[arg(long)]
    pub json: bool,
}

/// `assay watch`.
#[derive(Debug, Args)]
pub struct Watch {
    /// Where it is
    #[command(flatten)]
    pub target: Target,
    /// The job
    #[arg(value_name = "ID")]
    pub id: JobId,
    /// The first version to show
    #[arg(long, value_name = "V", default_value_t = 1,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub from: u64,
    /// Print each event as a line of JSON, exactly as it is in the log
    #[arg(long)]
    pub json: bool,
}

/// `assay cancel`.
#[derive(Debug, Args)]
pub struct Cancel {
    /// Where it is
    #[command(flatten)]
    pub target: Target,
    /// The job
    #[arg(value_name = "ID")]
    pub id: JobId,
    /// Why; kept in the job's log
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

/// `assay retry`.
#[derive(Debug, Args)]
pub struct Retry {
    /// Where they are
    #[command(flatten)]
    pub target: Target,
    /// The job
    #[arg(value_name = "ID", required_unless_present = "state", conflicts_with = "state")]
    pub id: Option<JobId>,
    /// A key of your own: gives a further repetition of a job that has one
    #[arg(long, value_name = "KEY", conflicts_with = "state", value_parser = idempotency_key)]
    pub idempotency_key: Option<String>,
    /// Every job in this state instead: failed, timed_out, expired or cancelled
    #[arg(long, value_parser = unanswered)]
    pub state: Option<JobState>,
    /// Those that ended with this code
    #[arg(long, conflicts_with = "id", value_parser = code)]
    pub code: Option<Code>,
    /// Those submitted since: a time such as 2026-11-22T15:57:41Z, or an age such as 90m, 12h, 7d
    #[arg(long, value_name = "T", conflicts_with = "id", value_parser = since)]
    pub since: Option<Since>,
    /// Those submitted before this time
    #[arg(long, value_name = "TIME", conflicts_with = "id")]
    pub before: Option<Timestamp>,
    /// New jobs at the most: 5/s, or 30/min
    #[arg(long, value_name = "R/s", conflicts_with = "id", default_value = "10/s",
          value_parser = rate)]
    pub rate: Rate,
    /// Print what would be repeated, and repeat nothing
    #[arg(long, conflicts_with = "id")]
    pub dry_run: bool,
}

/// Since when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// A time.
    At(Timestamp),
    /// As long ago.
    Ago(Duration),
}

/// How fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Between two at the least.
    pub interval: Duration,
}

/// Labels by key. A key that is given twice is told.
pub(crate) fn by_key(labels: Vec<(String, String)>) -> Result<BTreeMap<String, String>, String> {
    let mut by_key = BTreeMap::new();
    for (key, value) in labels {
        if let Some(other) = by_key.insert(key.clone(), value) {
            return Err(format!("--label {key} is given twice: it was {other:?} before"));
        }
    }
    Ok(by_key)
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("must be KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

fn idempotency_key(text: &str) -> Result<String, String> {
    let range = limits::IDEMPOTENCY_KEY_CHARS;
    if range.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(text.to_owned())
    } else {
        Err(format!("must be {} to {} visible ASCII characters", range.start(), range.end()))
    }
}

fn state(text: &str) -> Result<JobState, String> {
    one_of(&JobState::ALL, text)
}

fn unanswered(text: &str) -> Result<JobState, String> {
    let states = [JobState::Failed, JobState::TimedOut, JobState::Expired, JobState::Cancelled];
    one_of(&states, text)
}

fn one_of(states: &[JobState], text: &str) -> Result<JobState, String> {
    let named = states.iter().find(|state| state.as_str() == text);
    named.copied().ok_or_else(|| {
        let names: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
        format!("must be one of {}", names.join(", "))
    })
}

fn code(text: &str) -> Result<Code, String> {
    let code = Code::ALL.iter().find(|code| code.as_str() == text);
    code.copied().ok_or_else(|| "is no code that a job ends with".to_owned())
}

fn since(text: &str) -> Result<Since, String> {
    const WANTED: &str = "must be a time such as 2026-11-22T15:57:41Z, or an age such as 90m";
    if let Ok(time) = text.parse() {
        return Ok(Since::At(time));
    }
    let unit_at = text.len().saturating_sub(1);
    let (number, unit) = text.split_at_checked(unit_at).ok_or(WANTED)?;
    let seconds: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(WANTED.to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| WANTED)?;
    Ok(Since::Ago(Duration::from_secs(number.saturating_mul(seconds))))
}

fn rate(text: &str) -> Result<Rate, String> {
    const WANTED: &str = "must be such as 5/s or 30/min, from 1/min to 1000/s";
    let (number, unit) = text.split_once('/').unwrap_or((text, "s"));
    let unit_s = match unit {
        "s" => 1.0,
        "min" => 60.0,
        _ => return Err(WANTED.to_owned()),
    };
    let number: f64 = number.parse().map_err(|_| WANTED)?;
    let interval_s = unit_s / number;
    if !(0.001..=60.0).contains(&interval_s) {
        return Err(WANTED.to_owned());
    }
    Ok(Rate { interval: Duration::from_secs_f64(interval_s) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_for_each_second_or_minute() {
        for (text, interval_ms) in
            [("5/s", 200), ("5", 200), ("0.5/s", 2_000), ("30/min", 2_000), ("1/min", 60_000)]
        {
            assert_eq!(rate(text).unwrap().interval.as_millis(), interval_ms, "{text}");
        }
        for text in ["", "0", "-1/s", "NaN", "inf", "5/h", "/s", "2000/s", "0.5/min"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_beginning_is_a_time_or_an_age() {
        let at = Since::At(Timestamp::from_millis(1_700_000_000_000));
        assert_eq!(since("2023-11-14T22:13:20Z"), Ok(at));
        assert_eq!(since("90m"), Ok(Since::Ago(Duration::from_secs(5_400))));
        assert_eq!(since("7d"), Ok(Since::Ago(Duration::from_secs(604_800))));
        for text in ["", "m", "7", "7w", "-1d", "7ä", "yesterday"] {
            assert!(since(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_label_has_one_value() {
        let label = |text| label(text).unwrap();
        let labels = by_key(vec![label("a=1"), label("b=x=y")]).unwrap();
        assert_eq!(labels["b"], "x=y");
        assert!(by_key(vec![label("a=1"), label("a=2")]).is_err());
        assert!(super::label("a").is_err());
    }
}
