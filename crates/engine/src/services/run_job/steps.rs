//! The steps of an attempt, in order. A step that is done is not run again: what it produced is
//! read from its checkpoint.

use contracts::event::{OutputReset, SourceRetrieved};
use contracts::job::Usage;
use contracts::{AnalysisResult, Code, EventBody, Origin, Problem};

use super::attempt::{Attempt, Interrupt};
use super::output::{DeltaPacer, OUTPUT_BYTES_MAX, Output};
use crate::ErrorClass;
use crate::analysis::retrieve::{Evidence, Scope};
use crate::analysis::verify::{Answer, Unverified};
use crate::analysis::{Plan, StepName, plan, retrieve, synthesize, tools, verify};
use crate::faults::{MODEL_CALL, RETRIEVAL};
use crate::ports::{CallContext, LanguageModel, ModelError, Synthesis, SynthesisRequest};

impl Attempt<'_> {
    /// Takes the job from where it is to its result.
    pub(super) async fn run(&mut self) -> Result<(), Interrupt> {
        let plan = self.plan();
        let evidence = self.retrieve(&plan).await?;
        self.sources.clone_from(&evidence.sources);
        self.tools();
        let synthesis = self.synthesize(&plan, &evidence).await?;
        let result = self.verify(&plan, &evidence, &synthesis)?;
        self.succeed(result).await?;
        Ok(())
    }

    fn plan(&mut self) -> Plan {
        if let Some(plan) = self.output_of(StepName::Plan) {
            return plan;
        }
        self.begin(StepName::Plan);
        let plan = plan::plan(&self.submission.company_name, &self.submission.question);
        self.complete(StepName::Plan, &plan, None);
        plan
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
        let context = self.context(STEP);
        let call = retrieve::retrieve(self.run.retriever.as_ref(), &context, scope, plan);
        let call = self.through_the_gate(RETRIEVAL, call);
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

    fn tools(&mut self) {
        if !self.is_done(StepName::Tools) {
            self.skip(StepName::Tools, tools::NO_TOOLS);
        }
    }

    /// A new answer is not checkpointed here but with its verification: one that does not hold
    /// must be written again.
    async fn synthesize(
        &mut self,
        plan: &Plan,
        evidence: &Evidence,
    ) -> Result<Synthesis, Interrupt> {
        const STEP: StepName = StepName::Synthesize;
        if let Some(synthesis) = self.output_of(STEP) {
            return Ok(synthesis);
        }
        self.stay_within_budget()?;
        self.wait_out(STEP)?;
        if self.writer.job().output_chars > 0 {
            let reason = "a new attempt writes the answer again".to_owned();
            self.say([EventBody::OutputReset(OutputReset { reason })]);
        }
        self.begin(STEP);
        self.spend(Usage { model_calls: 1, ..Usage::default() });
        self.flush().await?;
        let submission = self.submission.clone();
        let request = SynthesisRequest {
            company_name: &submission.company_name,
            question: &submission.question,
            plan,
            passages: &evidence.retrieved.passages,
            tool_calls: &[],
        };
        let model = self.run.model(&submission);
        let synthesis = self.stream(model, &request).await?;
        self.spend(Usage { model_calls: 0, ..synthesis.usage });
        Ok(synthesis)
    }

    /// Lets a step begin only if its model may be called: one that is known to be out costs the job
    /// no call.
    fn wait_out(&self, step: StepName) -> Result<(), Interrupt> {
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
        let context = self.context(STEP);
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
        outcome.map_err(|error| self.model_failed(&context, &error))
    }

    fn model_failed(&self, context: &CallContext, error: &ModelError) -> Interrupt {
        tracing::warn!(
            job_id = %context.job_id,
            error = error as &dyn std::error::Error,
            "model failed"
        );
        let problem = Problem::new(error.code(), Origin::Model, error.to_string());
        self.failure(StepName::Synthesize, error.class(), problem)
    }

    fn verify(
        &mut self,
        plan: &Plan,
        evidence: &Evidence,
        synthesis: &Synthesis,
    ) -> Result<AnalysisResult, Interrupt> {
        let is_new = !self.is_done(StepName::Synthesize);
        let verdict = verify::verify(&Answer {
            company_name: &self.submission.company_name,
            question: &self.submission.question,
            plan,
            documents: evidence.retrieved.documents,
            passages: &evidence.retrieved.passages,
            sources: &evidence.sources,
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
            Ok(result) => {
                self.complete(StepName::Verify, &(), None);
                Ok(result)
            }
            Err(Unverified::InsufficientEvidence(detail) | Unverified::Invalid(detail)) => {
                let problem = Problem::new(Code::InsufficientEvidence, Origin::Source, detail);
                Err(self.failure(StepName::Verify, ErrorClass::Permanent, problem))
            }
        }
    }

    fn stay_within_budget(&self) -> Result<(), Interrupt> {
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
        let detail = format!("the budget of {over} does not allow another call of the model");
        let problem = Problem::new(Code::BudgetExceeded, Origin::Worker, detail);
        Err(self.failure(StepName::Synthesize, ErrorClass::Permanent, problem))
    }
}
