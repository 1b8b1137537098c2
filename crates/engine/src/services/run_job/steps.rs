//! The steps of an attempt, in order. A step that is done is not run again: what it produced is
//! read from its checkpoint.

use contracts::event::{OutputReset, SourceRetrieved};
use contracts::job::Usage;
use contracts::result::Completeness;
use contracts::{AnalysisResult, Code, EventBody, Origin, Problem, Submission};
use telemetry::spans;
use tracing::{Instrument as _, Span};

use super::attempt::Attempt;
use super::interrupt::Interrupt;
use super::output::{DeltaPacer, OUTPUT_BYTES_MAX, Output};
use crate::ErrorClass;
use crate::analysis::retrieve::{Evidence, Scope};
use crate::analysis::verify::{Answer, Unverified};
use crate::analysis::{Plan, StepName, plan, retrieve, synthesize, verify};
use crate::faults::{MODEL_CALL, RETRIEVAL};
use crate::ports::{LanguageModel, ModelError, Synthesis, SynthesisRequest, ToolExchange};

/// What is known before the answer is written.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) plan: &'a Plan,
    pub(super) evidence: &'a Evidence,
    pub(super) tool_calls: &'a [ToolExchange],
}

impl<'a> Known<'a> {
    /// The same, as a model is told of it.
    pub(super) fn request(self, submission: &'a Submission) -> SynthesisRequest<'a> {
        SynthesisRequest {
            company_name: &submission.company_name,
            question: &submission.question,
            plan: self.plan,
            passages: &self.evidence.retrieved.passages,
            tool_calls: self.tool_calls,
        }
    }
}

/// Runs a step in this span, which tells how it failed.
async fn in_span<T>(
    span: Span,
    step: impl Future<Output = Result<T, Interrupt>>,
) -> Result<T, Interrupt> {
    let outcome = step.instrument(span.clone()).await;
    if let Err(Interrupt::Failed(failure)) = &outcome {
        spans::failed(&span, failure.problem.code.as_str());
    }
    outcome
}

impl Attempt<'_> {
    /// Takes the job from where it is to its result.
    pub(super) async fn run(&mut self) -> Result<(), Interrupt> {
        let plan = self.plan();
        let span = self.span_of(StepName::Retrieve);
        let evidence = in_span(span, self.retrieve(&plan)).await?;
        self.sources.clone_from(&evidence.sources);
        let span = self.span_of(StepName::Tools);
        let calls = in_span(span, self.tools(&plan, &evidence)).await?;
        self.gaps.clone_from(&calls.gaps);
        let known = Known { plan: &plan, evidence: &evidence, tool_calls: &calls.exchanges };
        let span = self.span_of(StepName::Synthesize);
        let synthesis = in_span(span, self.synthesize(known)).await?;
        let span = self.span_of(StepName::Verify);
        let result = in_span(span, async { self.verify(known, &synthesis) }).await?;
        self.succeed(result).await?;
        Ok(())
    }

    /// What a step is traced by; nothing if it is done.
    fn span_of(&self, step: StepName) -> Span {
        if self.is_done(step) { Span::none() } else { spans::step(step.as_str()) }
    }

    fn plan(&mut self) -> Plan {
        if let Some(plan) = self.output_of(StepName::Plan) {
            return plan;
        }
        spans::step(StepName::Plan.as_str()).in_scope(|| {
            self.begin(StepName::Plan);
            let plan = plan::plan(&self.submission.company_name, &self.submission.question);
            self.complete(StepName::Plan, &plan, None);
            plan
        })
    }

    async fn retrieve(&mut self, plan: &Plan) -> Result<Evidence, Interrupt> {
        const STEP: StepName = StepName::Retrieve;
        if let Some(evidence) = self.output_of(STEP) {
            return Ok(evidence);
        }
        self.begin(STEP);
        self.flush().await?;
        let scope = Scope {
            tenant: self.writer.job().tenant.clone(),
            company_name: self.submission.company_name.clone(),
            question: self.submission.question.clone(),
            document_ids: self.submission.document_ids.clone(),
            // The store's time, not this machine's: a worker's wrong clock changes nothing.
            now: self.writer.job().last_event_at,
        };
        let context = self.context(STEP.limit());
        let call = retrieve::retrieve(self.run.retriever.as_ref(), &context, scope, plan);
        let call = self.through_the_gate(RETRIEVAL, call.instrument(spans::retrieval()));
        let evidence = self.call(STEP, call).await?.map_err(|error| {
            tracing::warn!(
                job_id = %context.job_id,
                error = &error as &dyn std::error::Error,
                "retrieval failed"
            );
            let problem = Problem::new(error.code(), Origin::Source, error.to_string());
            self.failure(STEP, error.class(), problem)
        })?;
        self.complete(STEP, &evidence, Some(evidence.retrieved.generation));
        self.say(evidence.sources.iter().cloned().map(|source| {
            EventBody::SourceRetrieved(SourceRetrieved { source, taken_over_from: None })
        }));
        Ok(evidence)
    }

    /// A new answer is not checkpointed here but with its verification: one that does not hold
    /// must be written again.
    async fn synthesize(&mut self, known: Known<'_>) -> Result<Synthesis, Interrupt> {
        const STEP: StepName = StepName::Synthesize;
        if let Some(synthesis) = self.output_of(STEP) {
            return Ok(synthesis);
        }
        self.stay_within_budget(STEP, "the model")?;
        self.wait_out(STEP)?;
        if self.writer.job().output_chars > 0 {
            let reason = "a new attempt writes the answer again".to_owned();
            self.say([EventBody::OutputReset(OutputReset { reason })]);
        }
        self.begin(STEP);
        self.spend(Usage { model_calls: 1, ..Usage::default() });
        self.flush().await?;
        let submission = self.submission.clone();
        let request = known.request(&submission);
        let model = self.run.model(&submission);
        let synthesis = self.stream(model, &request).await?;
        self.spend(Usage { model_calls: 0, ..synthesis.usage });
        Ok(synthesis)
    }

    /// Lets a step begin only if its model may be called: one that is known to be out costs the job
    /// no call.
    pub(super) fn wait_out(&self, step: StepName) -> Result<(), Interrupt> {
        match self.run.model(&self.submission).outage() {
            None => Ok(()),
            Some(probe_after) => {
                let error = ModelError::CircuitOpen { probe_after };
                let problem = Problem::new(error.code(), Origin::Model, error.to_string());
                Err(self.out(step, probe_after, problem))
            }
        }
    }

    /// Has the model write, and shows what it writes as it comes.
    async fn stream(
        &mut self,
        model: &dyn LanguageModel,
        request: &SynthesisRequest<'_>,
    ) -> Result<Synthesis, Interrupt> {
        const STEP: StepName = StepName::Synthesize;
        let context = self.context(STEP.limit());
        let output = Output::default();
        let mut sink = output.clone();
        let mut pacer = DeltaPacer::new();
        let call = synthesize::synthesize(model, &context, request, &mut sink);
        let mut call = std::pin::pin!(self.through_the_gate(MODEL_CALL, call));
        let outcome = loop {
            let enough = DeltaPacer::enough_bytes(self.writer.job().version);
            let due = output.due(pacer.not_before(), enough);
            let step = async {
                tokio::select! {
                    biased;
                    outcome = &mut call => Some(outcome),
                    () = due => None,
                }
            };
            match self.call(STEP, step).await? {
                Some(outcome) => break outcome,
                None => {
                    let shown = pacer.events(output.take(), self.writer.job().version);
                    self.say(shown);
                    self.flush().await?;
                }
            }
        };
        let shown = pacer.events(output.take(), self.writer.job().version);
        self.say(shown);
        self.spend(output.take_spent());
        let outcome = match outcome {
            Err(ModelError::Closed(_)) if output.is_too_long() => {
                Err(ModelError::Invalid(format!("more than {OUTPUT_BYTES_MAX} bytes")))
            }
            outcome => outcome,
        };
        outcome.map_err(|error| self.model_failed(STEP, &error))
    }

    pub(super) fn model_failed(&self, step: StepName, error: &ModelError) -> Interrupt {
        tracing::warn!(
            job_id = %self.writer.job().id,
            step = step.as_str(),
            error = error as &dyn std::error::Error,
            "model failed"
        );
        let problem = Problem::new(error.code(), Origin::Model, error.to_string());
        self.failure(step, error.class(), problem)
    }

    fn verify(
        &mut self,
        known: Known<'_>,
        synthesis: &Synthesis,
    ) -> Result<AnalysisResult, Interrupt> {
        let Known { plan, evidence, tool_calls } = known;
        let is_new = !self.is_done(StepName::Synthesize);
        let verdict = verify::verify(&Answer {
            company_name: &self.submission.company_name,
            question: &self.submission.question,
            plan,
            documents: evidence.retrieved.documents,
            passages: &evidence.retrieved.passages,
            sources: &evidence.sources,
            tool_calls,
            synthesis,
            model: match &synthesis.model {
                Some(model) => model,
                None => self.run.model(&self.submission).name(),
            },
        });
        if let Err(Unverified::Invalid(detail)) = verdict {
            let problem = Problem::new(Code::ModelOutputInvalid, Origin::Model, detail);
            let class = ErrorClass::Transient { retry_after: None };
            return Err(self.failure(StepName::Synthesize, class, problem));
        }
        if is_new {
            self.complete(StepName::Synthesize, synthesis, None);
        }
        self.begin(StepName::Verify);
        match verdict {
            Ok(mut result) => {
                self.complete(StepName::Verify, &(), None);
                if !self.gaps.is_empty() {
                    result.completeness = Completeness::Partial;
                    result.gaps.extend(self.gaps.iter().cloned());
                }
                Ok(result)
            }
            Err(Unverified::InsufficientEvidence(detail) | Unverified::Invalid(detail)) => {
                let problem = Problem::new(Code::InsufficientEvidence, Origin::Source, detail);
                Err(self.failure(StepName::Verify, ErrorClass::Permanent, problem))
            }
        }
    }

    /// Refuses another call of `what` to a job that has spent what it may, in all its attempts.
    pub(super) fn stay_within_budget(&self, step: StepName, what: &str) -> Result<(), Interrupt> {
        let budget = self.submission.budget.unwrap_or_default();
        let spent = self.spent;
        let tokens = spent.input_tokens + spent.output_tokens;
        let over =
            if budget.max_calls.is_some_and(|max| spent.model_calls + spent.tool_calls >= max) {
                "calls"
            } else if budget.max_tokens.is_some_and(|max| tokens >= u64::from(max)) {
                "tokens"
            } else if budget.max_cost_usd.is_some_and(|max| spent.cost_usd >= max) {
                "cost"
            } else {
                return Ok(());
            };
        let detail = format!("the budget of {over} does not allow another call of {what}");
        let problem = Problem::new(Code::BudgetExceeded, Origin::Worker, detail);
        Err(self.failure(step, ErrorClass::Permanent, problem))
    }
}
