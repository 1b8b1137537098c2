//! A worker that keeps to the workflow, whatever happens to its jobs.

use std::collections::BTreeSet;
use std::sync::Arc;

use contracts::event::SourceRetrieved;
use contracts::job::Usage;
use contracts::result::{Citation, Source};
use contracts::{AnalysisResult, EventBody, JobId, WorkerId};
use engine::job::Change;
use engine::ports::{Fence, JobStore, StepRecord, Write, Written};

use crate::build::{result, source, step_completed, step_record, step_started};
use crate::job_store::given::{PIPELINE, work};

/// The steps of its workflow; the second one finds a source.
const STEPS: [&str; 3] = ["plan", "retrieve", "synthesize"];

/// A job in the hands of a worker that runs no finished step again.
pub struct HonestWorker {
    store: Arc<dyn JobStore>,
    fence: Fence,
    /// What it will find.
    source: Source,
    finished: BTreeSet<String>,
    begun: Option<&'static str>,
}

impl HonestWorker {
    /// Claims a job, if it is due. Whoever claims it finds the same source.
    pub async fn claim(store: Arc<dyn JobStore>, id: JobId, worker: WorkerId) -> Option<Self> {
        let claimed = store.claim(id, worker, &[PIPELINE]).await.expect("claimed or not")?;
        let epoch = claimed.committed.job.epoch;
        let fence = Fence { job_id: id, worker, epoch, write_no: 1 };
        let document_id = contracts::DocumentId::from_uuid(*id.as_uuid());
        Some(Self {
            store,
            fence,
            source: Source { document_id, ..source() },
            finished: claimed.done.into_iter().map(|record| record.step).collect(),
            begun: None,
        })
    }

    /// Begins or finishes the next step, or the job.
    pub async fn advance(&mut self) -> Written {
        if let Some(step) = self.begun.take() {
            let mut events = vec![step_completed(step)];
            if step == "retrieve" {
                let (source, taken_over_from) = (self.source.clone(), None);
                events
                    .push(EventBody::SourceRetrieved(SourceRetrieved { source, taken_over_from }));
            }
            let written = self.write(work(events), vec![step_record(step)]).await;
            self.finished.insert(step.to_owned());
            return written;
        }
        match STEPS.into_iter().find(|step| !self.finished.contains(*step)) {
            Some(step) => {
                self.begun = Some(step);
                self.write(work([step_started(step)]), Vec::new()).await
            }
            None => {
                let result = Box::new(self.result());
                self.write(Change::Succeed { events: Vec::new(), result }, Vec::new()).await
            }
        }
    }

    /// Makes another change of the job. A cancel that nobody asked for is not confirmed.
    pub async fn ask(&mut self, change: Change) -> Option<Written> {
        let write = self.fenced(change, Vec::new());
        let written = self.store.write(write).await.ok()?;
        self.note(&written);
        Some(written)
    }

    async fn write(&mut self, change: Change, checkpoints: Vec<StepRecord>) -> Written {
        let write = self.fenced(change, checkpoints);
        let written = self.store.write(write).await.expect("written or not");
        self.note(&written);
        written
    }

    fn fenced(&self, change: Change, checkpoints: Vec<StepRecord>) -> Write {
        Write { fence: self.fence, change, checkpoints, usage: Usage::default() }
    }

    fn note(&mut self, written: &Written) {
        if let Written::Applied(_) = written {
            self.fence.write_no += 1;
        }
    }

    fn result(&self) -> AnalysisResult {
        let citation = Citation { start: 0, end: 5, source_id: self.source.id.clone() };
        let sources = vec![self.source.clone()];
        AnalysisResult { sources, citations: vec![citation], ..result("Sales grew.") }
    }
}
