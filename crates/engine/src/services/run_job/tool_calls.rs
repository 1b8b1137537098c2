//! One call of a tool, from what the model wants to what it is told.
//!
//! That a tool is called is committed before it is (`tool_call.started`). An attempt that finds
//! that in the log, and no outcome, calls a repeatable tool again; one with an effect it does not.

use contracts::event::{StepFailed, ToolCall, ToolCallFailed};
use contracts::job::Usage;
use contracts::{Code, EventBody, Origin, Problem};
use telemetry::spans;
use tracing::Instrument as _;

use super::attempt::Attempt;
use super::interrupt::Interrupt;
use super::tools::{Offer, Part, Progress};
use crate::analysis::StepName;
use crate::analysis::tools::{self, CallRecord, ChosenCall};
use crate::faults::TOOL_CALL;
use crate::ports::{Effect, ToolError, ToolExchange, ToolOutcome};

const STEP: StepName = StepName::Tools;

impl Attempt<'_> {
    /// Makes a call that the model wants, or says why it is not made.
    pub(super) async fn exchange(
        &mut self,
        call: &ChosenCall,
        offer: &Offer,
        progress: &mut Progress,
    ) -> Result<CallRecord, Interrupt> {
        let call_id = tools::call_id(progress.records.len() + 1);
        let name = tools::call_part(&call_id);
        if let Some(record) = self.output_of_part(&name) {
            return Ok(record);
        }
        let has_effect = call.effect == Some(Effect::AtMostOnce);
        let may_be_made =
            has_effect && self.may_be_made(&call_id, call.asked.tool.as_str(), progress).await?;
        let refusal = tools::refusal(call, &progress.records);
        let part = self.begin_part(name);
        let outcome = match (may_be_made, refusal) {
            (true, _) => Err(ToolError::BrokenOff("its worker was lost".to_owned())),
            (false, Some(reason)) => Err(ToolError::Rejected(reason)),
            (false, None) => self.call_tool(&call_id, call, offer).await?,
        };
        let record = match outcome {
            Ok(answer) => self.answered(call_id, call, answer),
            Err(error) if has_effect && error.leaves_outcome_unknown() => {
                self.left_unknown(call_id, call)
            }
            Err(error) => self.failed(&part, call_id, call, &error)?,
        };
        self.complete_part(part, &record);
        if has_effect {
            // The sooner its outcome is committed, the more rarely it is unknown.
            self.flush().await?;
        }
        Ok(record)
    }

    /// Calls a tool, once that it is to be called is committed.
    async fn call_tool(
        &mut self,
        call_id: &str,
        call: &ChosenCall,
        offer: &Offer,
    ) -> Result<Result<String, ToolError>, Interrupt> {
        let tool = call.asked.tool.as_str();
        let Some(toolbox) = offer.place(tool) else {
            let reason = format!("{tool} is not there any more");
            return Ok(Err(ToolError::Unavailable(reason)));
        };
        self.stay_within_budget(STEP, "a tool")?;
        let span = spans::tool_call(tool, call_id);
        let (call_id, tool) = (call_id.to_owned(), tool.to_owned());
        self.say([EventBody::ToolCallStarted(ToolCall { call_id, tool })]);
        self.spend(Usage { tool_calls: 1, ..Usage::default() });
        self.flush().await?;
        let limit = tools::CALL_LIMIT.min(self.left_of(STEP));
        let context = self.context(limit);
        let answer = toolbox.call(&context, &call.asked).instrument(span.clone());
        let answer = self.call_within(limit, self.through_the_gate(TOOL_CALL, answer)).await?;
        let answer = answer.unwrap_or(Err(ToolError::Timeout)).and_then(within_bound);
        if let Err(error) = &answer {
            spans::failed(&span, error.code().as_str());
        }
        Ok(answer)
    }

    fn answered(&mut self, call_id: String, call: &ChosenCall, answer: String) -> CallRecord {
        let (id, tool) = (call_id.clone(), call.asked.tool.clone());
        self.say([EventBody::ToolCallCompleted(ToolCall { call_id: id, tool })]);
        let outcome = ToolOutcome::Answered(answer);
        let exchange = ToolExchange { call_id, asked: call.asked.clone(), outcome };
        CallRecord { exchange, may_be_done: true, gap: None }
    }

    /// Tells the model of a call that failed; or fails the step, if the tool is out and the client
    /// wants all or nothing: then trying again can help.
    fn failed(
        &mut self,
        part: &Part,
        call_id: String,
        call: &ChosenCall,
        error: &ToolError,
    ) -> Result<CallRecord, Interrupt> {
        let tool = call.asked.tool.clone();
        self.say_failed(&call_id, &tool, (error.code(), error.to_string()));
        let gap = error.is_outage().then(|| format!("{tool} could not be used: {error}"));
        if let Some(gap) = &gap
            && !self.prefers_less()
        {
            let problem = Problem::new(error.code(), Origin::Tool, gap);
            let (step, error_of_part) = (part.name.clone(), self.located(STEP, problem));
            let failed = StepFailed { step, kind: STEP.kind(), error: error_of_part };
            self.say([EventBody::StepFailed(failed)]);
            return Err(self.tool_failed(error, gap.clone()));
        }
        let outcome = ToolOutcome::Failed(error.to_string());
        let exchange = ToolExchange { call_id, asked: call.asked.clone(), outcome };
        Ok(CallRecord { exchange, may_be_done: error.may_be_done(), gap })
    }

    /// Settles a call whose outcome nobody knows: it is told as such, and not made again.
    fn left_unknown(&mut self, call_id: String, call: &ChosenCall) -> CallRecord {
        let tool = call.asked.tool.clone();
        let gap = format!("it is not known whether {tool} did what it was asked");
        self.say_failed(&call_id, &tool, (Code::OutcomeUnknown, gap.clone()));
        let outcome = tools::unknown_outcome(&tool);
        let exchange = ToolExchange { call_id, asked: call.asked.clone(), outcome };
        CallRecord { exchange, may_be_done: true, gap: Some(gap) }
    }

    fn say_failed(&mut self, call_id: &str, tool: &str, (code, detail): (Code, String)) {
        tracing::warn!(job_id = %self.writer.job().id, tool, call_id, detail, "tool call failed");
        let error = self.located(STEP, Problem::new(code, Origin::Tool, detail));
        let (call_id, tool) = (call_id.to_owned(), tool.to_owned());
        self.say([EventBody::ToolCallFailed(ToolCallFailed { call_id, tool, error })]);
    }

    /// Whether an earlier attempt may have made this call: it began it and did not end it, or called
    /// the tool in a workflow that is retired. The log tells; it is read at the first question, if
    /// there was an earlier attempt.
    async fn may_be_made(
        &self,
        call_id: &str,
        tool: &str,
        progress: &mut Progress,
    ) -> Result<bool, Interrupt> {
        if self.writer.job().attempt == 1 {
            return Ok(false);
        }
        let earlier = match progress.earlier.take() {
            Some(earlier) => earlier,
            None => self.writer.earlier_calls().await?,
        };
        Ok(progress.earlier.insert(earlier).may_be_made(call_id, tool))
    }
}

fn within_bound(answer: String) -> Result<String, ToolError> {
    let bytes = answer.len();
    if bytes <= tools::ANSWER_BYTES_MAX {
        return Ok(answer);
    }
    let max = tools::ANSWER_BYTES_MAX;
    Err(ToolError::Invalid(format!("it has {bytes} bytes; at most {max} are taken")))
}
