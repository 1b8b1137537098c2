use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fault::{Checked, Fault, equal, holds};
use crate::jobs::{JobRef, is_terminal};
use crate::target::Target;

/// Events in a page: few, so that pages are turned.
const PAGE_SIZE: usize = 25;
/// What a job of the kit may take.
const JOB_TIME: Duration = Duration::from_secs(90);

/// A log, page by page; where it ends before the job does, a long poll waits for more.
pub(super) struct Pages<'a> {
    target: &'a Target,
    job: &'a JobRef,
    after: u64,
    waiting: VecDeque<Value>,
    has_ended: bool,
    until: Instant,
}

impl<'a> Pages<'a> {
    pub(super) fn of(target: &'a Target, job: &'a JobRef, after: u64) -> Self {
        let until = Instant::now() + JOB_TIME;
        Self { target, job, after, waiting: VecDeque::new(), has_ended: false, until }
    }

    /// The next event; `None` after the last one.
    pub(super) async fn next(&mut self) -> Checked<Option<Value>> {
        while self.waiting.is_empty() && !self.has_ended {
            self.turn().await?;
        }
        let event = self.waiting.pop_front();
        if let Some(event) = &event {
            self.has_ended = is_terminal(event);
        }
        Ok(event)
    }

    async fn turn(&mut self) -> Checked {
        let path = format!("{}?after={}&limit={PAGE_SIZE}", self.job.events, self.after);
        let answer = self.target.get(&path).send().await?.of_status(200)?;
        let page = answer.json()?;
        let events = page["events"].as_array().cloned().unwrap_or_default();
        holds(events.len() <= PAGE_SIZE, &answer, format!("at most {PAGE_SIZE} events"))?;
        let last = events.last().map_or(Ok(self.after), crate::jobs::version_of)?;
        equal("next_after of a page", &page["next_after"], last)?;
        let head = page["head"].as_u64().unwrap_or_default();
        holds(head >= last, &answer, "a head that is no older than the page")?;
        self.after = last;
        self.waiting = events.into();
        if self.waiting.is_empty() {
            self.wait().await?;
        }
        Ok(())
    }

    async fn wait(&mut self) -> Checked {
        let late = || Fault::breach("a job that does not end", "every accepted job ends");
        if Instant::now() > self.until {
            return Err(late());
        }
        let path = format!("{}?after_version={}&wait=10", self.job.path, self.after);
        let job = self.target.get(&path).send().await?.of_status(200)?;
        let job = job.json()?;
        // Nothing follows the version of a job that has ended.
        self.has_ended = job["finished_at"].is_string() && job["version"] == self.after;
        Ok(())
    }
}
