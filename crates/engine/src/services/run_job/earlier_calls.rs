//! What a job's log says of calls of tools that cannot be made twice.

use std::collections::BTreeSet;

use contracts::EventBody;

/// Calls that earlier attempts began.
#[derive(Debug, Default)]
pub(super) struct EarlierCalls {
    /// Those that have not ended, by their names.
    open: BTreeSet<String>,
    /// The tools of all that were begun.
    tools: BTreeSet<String>,
    /// The tools that were called before the job started over with another workflow: of what came
    /// of those calls nothing is kept.
    retired: BTreeSet<String>,
    pipeline_version: Option<u32>,
}

impl EarlierCalls {
    /// Adds the next event of the log.
    pub(super) fn add(&mut self, event: EventBody) {
        match event {
            EventBody::ToolCallStarted(call) => {
                self.open.insert(call.call_id);
                self.tools.insert(call.tool);
            }
            EventBody::ToolCallCompleted(call) => {
                self.open.remove(&call.call_id);
            }
            EventBody::ToolCallFailed(call) => {
                self.open.remove(&call.call_id);
            }
            EventBody::JobStarted(data) => {
                let former = self.pipeline_version.replace(data.pipeline_version);
                if former.is_some_and(|former| former != data.pipeline_version) {
                    self.open.clear();
                    self.retired.append(&mut self.tools);
                }
            }
            EventBody::JobCreated(_)
            | EventBody::JobAttemptFailed(_)
            | EventBody::JobRequeued(_)
            | EventBody::JobCancelRequested(_)
            | EventBody::JobSucceeded(_)
            | EventBody::JobFailed(_)
            | EventBody::JobTimedOut(_)
            | EventBody::JobExpired(_)
            | EventBody::JobCancelled(_)
            | EventBody::StepStarted(_)
            | EventBody::StepProgress(_)
            | EventBody::StepCompleted(_)
            | EventBody::StepFailed(_)
            | EventBody::StepSkipped(_)
            | EventBody::SourceRetrieved(_)
            | EventBody::OutputDelta(_)
            | EventBody::OutputReset(_) => {}
        }
    }

    /// Whether a call may have been made already.
    pub(super) fn may_be_made(&self, call_id: &str, tool: &str) -> bool {
        self.open.contains(call_id) || self.retired.contains(tool)
    }
}
