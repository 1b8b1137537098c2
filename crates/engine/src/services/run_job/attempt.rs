//! An attempt: what it knows, and how what its steps say and produce is kept.
//!
//! What a step has to say is kept until the next call to the outside begins, and then written in
//! one transaction: a job of five steps takes few of them, and nothing is called before what came
//! before it is durable.

use std::collections::BTreeMap;
use std::sync::Arc;

use contracts::event::{StepCompleted, StepMark, StepSkipped};
use contracts::job::Usage;
use contracts::result::Source;
use contracts::{EventBody, Submission, WorkerId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use super::writer::{Attached, Halt, JobWriter};
use super::{RunJob, StopTokens};
use crate::analysis::{PIPELINES, StepName, input_sha256};
use crate::job::Change;
use crate::ports::{Claimed, StepRecord};

/// One attempt at one job.
pub(super) struct Attempt<'a> {
    pub(super) run: &'a RunJob,
    pub(super) submission: Submission,
    pub(super) writer: JobWriter,
    /// The sources found so far, for an answer that remains partial.
    pub(super) sources: Vec<Source>,
    /// What the job spent, this attempt included.
    pub(super) spent: Usage,
    /// What was spent since the last checkpoint: for nothing, if the attempt is cut short.
    pub(super) unkept: Usage,
    /// What did not work and is no failure, in words for the client.
    pub(super) gaps: Vec<String>,
    pub(super) stop: &'a StopTokens,
    /// The workflow that the job runs.
    pipeline_version: u32,
    done: BTreeMap<String, StepRecord>,
    pub(super) deadline: Instant,
    /// The step that began last.
    pub(super) step: StepName,
    pub(super) step_began: Instant,
    /// What was said since the last write.
    pub(super) events: Vec<EventBody>,
    /// What was kept since the last write.
    pub(super) attached: Attached,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(
        run: &'a RunJob,
        worker: WorkerId,
        claimed: Claimed,
        stop: &'a StopTokens,
    ) -> Self {
        let deadline = Instant::now() + claimed.left;
        let (store, bus) = (Arc::clone(&run.store), Arc::clone(&run.bus));
        // A claim stamps the job.
        let pipeline_version = claimed.committed.job.pipeline_version.unwrap_or(PIPELINES[0]);
        let writer = JobWriter::new(store, bus, worker, claimed.committed.job, deadline);
        let done = claimed.done.into_iter().map(|record| (record.step.clone(), record)).collect();
        Self {
            run,
            submission: claimed.submission,
            writer,
            sources: Vec::new(),
            spent: claimed.usage,
            unkept: Usage::default(),
            gaps: Vec::new(),
            stop,
            pipeline_version,
            done,
            deadline,
            step: StepName::Plan,
            step_began: Instant::now(),
            events: Vec::new(),
            attached: Attached::default(),
        }
    }

    /// What a finished step produced, if it is finished.
    pub(super) fn output_of<T: DeserializeOwned>(&self, step: StepName) -> Option<T> {
        self.output_of_part(step.as_str())
    }

    /// What a finished step, or part of one, produced, if it is finished.
    pub(super) fn output_of_part<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        let record = self.done.get(name)?;
        match serde_json::from_str(&record.output) {
            Ok(output) => Some(output),
            Err(error) => {
                let job_id = self.writer.job().id;
                tracing::error!(%job_id, step = name, error = &error as &dyn std::error::Error, "checkpoint not readable");
                None
            }
        }
    }

    /// Whether a step is finished.
    pub(super) fn is_done(&self, step: StepName) -> bool {
        self.done.contains_key(step.as_str())
    }

    /// Says that a step begins.
    pub(super) fn begin(&mut self, step: StepName) {
        self.step = step;
        self.step_began = Instant::now();
        let mark = StepMark { step: step.as_str().to_owned(), kind: step.kind() };
        self.events.push(EventBody::StepStarted(mark));
    }

    /// Says that the step that began is finished, and keeps what it produced.
    pub(super) fn complete(&mut self, step: StepName, output: &impl Serialize, seen: Option<u64>) {
        let duration_ms = u64::try_from(self.step_began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.events.push(EventBody::StepCompleted(StepCompleted {
            step: step.as_str().to_owned(),
            kind: step.kind(),
            duration_ms,
            taken_over_from: None,
        }));
        self.keep(step.as_str(), output, seen);
    }

    /// Says that a step has nothing to do, and keeps what is to be known of that.
    pub(super) fn skip(&mut self, step: StepName, reason: &str, output: &impl Serialize) {
        self.events.push(EventBody::StepSkipped(StepSkipped {
            step: step.as_str().to_owned(),
            kind: step.kind(),
            reason: reason.to_owned(),
        }));
        self.keep(step.as_str(), output, None);
    }

    /// Says something else, to be written with what follows.
    pub(super) fn say(&mut self, events: impl IntoIterator<Item = EventBody>) {
        self.events.extend(events);
    }

    /// Counts what was spent, to be written with what follows.
    pub(super) fn spend(&mut self, usage: Usage) {
        self.spent = self.spent.plus(usage);
        self.unkept = self.unkept.plus(usage);
        self.attached.usage = self.attached.usage.plus(usage);
    }

    /// Writes what was said and kept.
    pub(super) async fn flush(&mut self) -> Result<(), Halt> {
        let events = std::mem::take(&mut self.events);
        let attached = std::mem::take(&mut self.attached);
        self.writer.write(Change::Work { events }, attached).await
    }

    /// Keeps what a step, or a part of one, produced.
    pub(super) fn keep(&mut self, name: &str, output: &impl Serialize, seen: Option<u64>) {
        self.unkept = Usage::default();
        let output = serde_json::to_string(output).unwrap_or_default();
        self.attached.checkpoints.push(StepRecord {
            step: name.to_owned(),
            input_sha256: input_sha256(self.pipeline_version, name, &self.submission),
            pipeline_version: self.pipeline_version,
            corpus_generation: seen,
            output,
        });
    }
}
