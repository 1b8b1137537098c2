//! What is asked of one job, and who waits for the answer.

use contracts::JobId;
use engine::ports::StoreError;
use tokio::sync::oneshot;

use super::changes::Changes;
use super::draft::{Draft, Written};
use crate::fault::Fault;
use crate::group_commit::{Lane, Request};

/// What is asked of one job.
pub(crate) trait Decide: Send + Sync + 'static {
    /// What whoever asked is told.
    type Answer: Send + Sync + 'static;

    /// What must be read beside the job's row.
    fn needs(&self) -> Needs {
        Needs::Row
    }

    /// Its size, roughly.
    fn bytes(&self) -> usize {
        512
    }

    /// Decides, given the job if there is one (and nobody else is changing it, where that is not
    /// waited for). It is asked again if the batch is not committed, or nobody knows whether.
    ///
    /// # Errors
    /// Nothing of this job is written then.
    fn decide(&mut self, job: Option<&mut Draft>) -> Result<Self::Answer, Fault>;
}

/// What a decision needs to know of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Its row alone.
    Row,
    /// Its steps, too.
    Steps,
    /// What a worker needs to run it, too.
    Material,
}

/// Asks something of a job, through a lane.
pub(crate) async fn ask<D: Decide>(
    lane: &Lane<Changes>,
    id: JobId,
    decide: D,
) -> Result<D::Answer, StoreError> {
    let (reply, answer) = oneshot::channel();
    lane.send(Box::new(Asked { id, decide, outcome: None, reply })).await?;
    answer.await.unwrap_or_else(|_| Err(StoreError::OutcomeUnknown(Box::new(Fault::Closed))))
}

/// A request whatever it answers.
pub(crate) trait AnyAsked: Send + Sync {
    fn id(&self) -> JobId;
    fn needs(&self) -> Needs;
    fn bytes(&self) -> usize;
    fn decide(&mut self, job: Option<Draft>) -> Option<Written>;
    fn refuse(&mut self, fault: Fault);
    fn answer(self: Box<Self>, batch: Result<(), StoreError>);
}

struct Asked<D: Decide> {
    id: JobId,
    decide: D,
    outcome: Option<Result<D::Answer, Fault>>,
    reply: oneshot::Sender<Result<D::Answer, StoreError>>,
}

impl<D: Decide> AnyAsked for Asked<D> {
    fn id(&self) -> JobId {
        self.id
    }

    fn needs(&self) -> Needs {
        self.decide.needs()
    }

    fn bytes(&self) -> usize {
        self.decide.bytes()
    }

    /// Decides, and returns what is to be written.
    fn decide(&mut self, mut job: Option<Draft>) -> Option<Written> {
        let decided = self.decide.decide(job.as_mut()).and_then(|answer| {
            let written = job.map(Draft::into_written).transpose()?;
            Ok((answer, written.flatten()))
        });
        match decided {
            Ok((answer, written)) => {
                self.outcome = Some(Ok(answer));
                written
            }
            Err(fault) => {
                self.outcome = Some(Err(fault));
                None
            }
        }
    }

    fn refuse(&mut self, fault: Fault) {
        self.outcome = Some(Err(fault));
    }

    fn answer(self: Box<Self>, batch: Result<(), StoreError>) {
        let answer = match (batch, self.outcome) {
            (Ok(()), Some(Ok(answer))) => Ok(answer),
            (Ok(()), Some(Err(fault))) => Err(fault.into()),
            (Ok(()), None) => Err(Fault::Closed.into()),
            (Err(error), _) => Err(error),
        };
        // Whoever asked may have left; the work is done all the same.
        let _ = self.reply.send(answer);
    }
}

impl Request for Box<dyn AnyAsked> {
    type Token = JobId;

    fn tokens(&self) -> Vec<JobId> {
        vec![self.id()]
    }

    fn bytes(&self) -> usize {
        self.as_ref().bytes()
    }

    fn answer(self, batch: Result<(), StoreError>) {
        AnyAsked::answer(self, batch);
    }
}
