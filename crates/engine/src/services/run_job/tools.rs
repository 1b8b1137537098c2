//! The step `tools`: what the model wants called is called, until it wants nothing more.
//!
//! Each choice and each call is a part of the step, with a checkpoint of its own.

use std::sync::Arc;

use contracts::event::{StepCompleted, StepMark, StepProgress};
use contracts::job::Usage;
use contracts::{EventBody, Origin, Problem, Submission};
use futures_util::future::join_all;
use serde::Serialize;
use tokio::time::Instant;

use super::attempt::Attempt;
use super::earlier_calls::EarlierCalls;
use super::interrupt::Interrupt;
use super::steps::Known;
use crate::analysis::retrieve::Evidence;
use crate::analysis::tools::{self, CallRecord, Chosen, ToolCalls};
use crate::analysis::{Plan, StepName};
use crate::faults::MODEL_CALL;
use crate::ports::{ModelError, ToolChoiceRequest, ToolError, ToolExchange, ToolSpec, Toolbox};

const STEP: StepName = StepName::Tools;

/// The tools that there are in this attempt.
#[derive(Default)]
pub(super) struct Offer {
    specs: Vec<ToolSpec>,
    /// Where each of them is: as many, in the same order.
    places: Vec<Arc<dyn Toolbox>>,
    gaps: Vec<String>,
}

/// How far the step is.
#[derive(Default)]
pub(super) struct Progress {
    pub(super) records: Vec<CallRecord>,
    gaps: Vec<String>,
    /// The calls that earlier attempts began; `None` until somebody asks.
    pub(super) earlier: Option<EarlierCalls>,
}

impl Offer {
    /// Where a tool is.
    pub(super) fn place(&self, tool: &str) -> Option<&dyn Toolbox> {
        let place = self.specs.iter().position(|spec| spec.name == tool)?;
        self.places.get(place).map(AsRef::as_ref)
    }
}

impl Progress {
    fn exchanges(&self) -> Vec<ToolExchange> {
        self.records.iter().map(|record| record.exchange.clone()).collect()
    }

    fn into_calls(self) -> ToolCalls {
        let Self { records, mut gaps, .. } = self;
        let mut calls = ToolCalls::default();
        for CallRecord { exchange, gap, .. } in records {
            calls.exchanges.push(exchange);
            calls.gaps.extend(gap);
        }
        calls.gaps.append(&mut gaps);
        calls.gaps.dedup();
        calls
    }
}

/// A part of the step that has begun.
pub(super) struct Part {
    pub(super) name: String,
    began: Instant,
}

impl Attempt<'_> {
    /// Has the tools called that the model wants.
    pub(super) async fn tools(
        &mut self,
        plan: &Plan,
        evidence: &Evidence,
    ) -> Result<ToolCalls, Interrupt> {
        if self.is_done(STEP) {
            return Ok(self.output_of(STEP).unwrap_or_default());
        }
        let submission = self.submission.clone();
        let nothing_to_do = if self.is_done(StepName::Synthesize) {
            Some(tools::ANSWERED)
        } else if self.run.toolboxes.is_empty() {
            Some(tools::NO_TOOLS)
        } else if !self.run.model(&submission).knows_tools() {
            Some(tools::NO_CHOICE)
        } else {
            None
        };
        if let Some(reason) = nothing_to_do {
            let none = ToolCalls::default();
            self.skip(STEP, reason, &none);
            return Ok(none);
        }
        self.begin(STEP);
        let offer = self.offer().await?;
        let mut progress = Progress { gaps: offer.gaps.clone(), ..Progress::default() };
        if !offer.specs.is_empty() {
            let known = Known { plan, evidence, tool_calls: &[] };
            self.rounds(known, &submission, &offer, &mut progress).await?;
        }
        let calls = progress.into_calls();
        match calls.exchanges.is_empty() {
            true if offer.specs.is_empty() => self.skip(STEP, tools::NONE_AVAILABLE, &calls),
            true => self.skip(STEP, tools::NONE_WANTED, &calls),
            false => self.complete(STEP, &calls, None),
        }
        Ok(calls)
    }

    /// Asks what there is. Asking does nothing, so it waits for no lease.
    async fn offer(&mut self) -> Result<Offer, Interrupt> {
        let context = self.context(tools::SPECS_LIMIT);
        let boxes = &self.run.toolboxes;
        let asked = boxes.iter().map(|toolbox| {
            let specs = tokio::time::timeout(tools::SPECS_LIMIT, toolbox.specs(&context));
            async { specs.await.unwrap_or(Err(ToolError::Timeout)) }
        });
        let answers = self.call(STEP, join_all(asked)).await?;
        let mut offer = Offer::default();
        let mut found = Vec::new();
        for (toolbox, answer) in boxes.iter().zip(answers) {
            match answer {
                Ok(specs) => found.extend(specs.into_iter().map(|spec| (spec, toolbox))),
                Err(error) => {
                    let gap = format!("the tools of {} could not be used: {error}", toolbox.name());
                    if !self.prefers_less() {
                        return Err(self.tool_failed(&error, gap));
                    }
                    tracing::warn!(
                        toolbox = toolbox.name(),
                        error = &error as &dyn std::error::Error,
                        "no tools"
                    );
                    self.progress(&gap);
                    offer.gaps.push(gap);
                }
            }
        }
        offer.specs = tools::offered(found.iter().map(|(spec, _)| spec.clone()));
        let place = |spec: &ToolSpec| {
            let (_, toolbox) = found.iter().find(|(other, _)| other.name == spec.name)?;
            Some(Arc::clone(toolbox))
        };
        offer.places = offer.specs.iter().filter_map(place).collect();
        Ok(offer)
    }

    /// Asks and calls in turn, until the model wants nothing more or a bound is reached.
    async fn rounds(
        &mut self,
        known: Known<'_>,
        submission: &Submission,
        offer: &Offer,
        progress: &mut Progress,
    ) -> Result<(), Interrupt> {
        'rounds: for round in 1..=tools::ROUNDS_MAX {
            let exchanges = progress.exchanges();
            let known = Known { tool_calls: &exchanges, ..known };
            let about = known.request(submission);
            let request = ToolChoiceRequest { about, tools: &offer.specs };
            let chosen = self.choice(round, &request).await?;
            if chosen.calls.is_empty() && chosen.dropped == 0 {
                return Ok(());
            }
            for call in &chosen.calls {
                if self.left_of(STEP).is_zero() {
                    break 'rounds;
                }
                let record = self.exchange(call, offer, progress).await?;
                progress.records.push(record);
            }
            let is_full = progress.records.len() >= tools::CALLS_MAX;
            if is_full || self.left_of(STEP).is_zero() {
                break;
            }
        }
        self.stop_calling(progress);
        Ok(())
    }

    /// A model that always wants more is not asked any more, and answers from what it has.
    fn stop_calling(&mut self, progress: &mut Progress) {
        let count = progress.records.len();
        let gap = format!("no more tools were called after {count} calls");
        self.progress(&gap);
        progress.gaps.push(gap);
    }

    /// Has the model choose, once.
    async fn choice(
        &mut self,
        round: usize,
        request: &ToolChoiceRequest<'_>,
    ) -> Result<Chosen, Interrupt> {
        let name = tools::choice_part(round);
        if let Some(chosen) = self.output_of_part(&name) {
            return Ok(chosen);
        }
        self.stay_within_budget(STEP, "the model")?;
        self.wait_out(STEP)?;
        let part = self.begin_part(name);
        self.spend(Usage { model_calls: 1, ..Usage::default() });
        self.flush().await?;
        let limit = tools::CHOICE_LIMIT.min(self.left_of(STEP));
        let context = self.context(limit);
        let model = self.run.model(&self.submission);
        let call = self.through_the_gate(MODEL_CALL, model.choose_tools(&context, request));
        let outcome = self.call_within(limit, call).await?.unwrap_or(Err(ModelError::Timeout));
        let choice = outcome.map_err(|error| self.model_failed(STEP, &error))?;
        self.spend(choice.usage);
        let made = request.about.tool_calls.len();
        let chosen = tools::choose(choice.calls, request.tools, made);
        self.complete_part(part, &chosen);
        Ok(chosen)
    }

    fn progress(&mut self, message: &str) {
        let (step, message) = (STEP.as_str().to_owned(), message.to_owned());
        self.say([EventBody::StepProgress(StepProgress { step, kind: STEP.kind(), message })]);
    }

    pub(super) fn tool_failed(&self, error: &ToolError, detail: String) -> Interrupt {
        self.failure(STEP, error.class(), Problem::new(error.code(), Origin::Tool, detail))
    }

    pub(super) fn begin_part(&mut self, name: String) -> Part {
        let kind = tools::kind_of_part(&name).unwrap_or(STEP.kind());
        self.say([EventBody::StepStarted(StepMark { step: name.clone(), kind })]);
        Part { name, began: Instant::now() }
    }

    pub(super) fn complete_part(&mut self, part: Part, output: &impl Serialize) {
        let Part { name, began } = part;
        self.say([EventBody::StepCompleted(StepCompleted {
            step: name.clone(),
            kind: tools::kind_of_part(&name).unwrap_or(STEP.kind()),
            duration_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            taken_over_from: None,
        })]);
        self.keep(&name, output, None);
    }
}
