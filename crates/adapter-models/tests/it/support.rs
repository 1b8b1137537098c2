//! What the tests of this binary share.

use std::time::Duration;

use async_trait::async_trait;
use contracts::job::Usage;
use contracts::result::Source;
use contracts::{AnalysisResult, DocumentId, JobId, SourceId, Timestamp};
use engine::analysis::Plan;
use engine::analysis::plan::Term;
use engine::analysis::verify::{Answer, Unverified, verify};
use engine::ports::{
    CallContext, LanguageModel, ModelError, OutputClosed, OutputSink, RetrievedPassage, Synthesis,
    SynthesisRequest,
};

/// A sink that keeps everything.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// What was pushed since the last reset.
    pub(crate) pieces: Vec<String>,
    /// Why the answer was started over, each time.
    pub(crate) resets: Vec<String>,
    /// What was spent beside the answer.
    pub(crate) spent: Usage,
}

#[async_trait]
impl OutputSink for Kept {
    async fn push(&mut self, text: &str) -> Result<(), OutputClosed> {
        self.pieces.push(text.to_owned());
        Ok(())
    }

    fn reset(&mut self, reason: &str) {
        self.pieces.clear();
        self.resets.push(reason.to_owned());
    }

    fn spent(&mut self, usage: Usage) {
        self.spent = self.spent.plus(usage);
    }
}

/// A question with what it is answered from.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) company: String,
    pub(crate) question: String,
    pub(crate) plan: Plan,
    pub(crate) passages: Vec<RetrievedPassage>,
}

impl Asked {
    /// A question to a model that does not read it.
    pub(crate) fn nothing() -> Self {
        Self {
            company: "3M".to_owned(),
            question: "What was the revenue?".to_owned(),
            plan: Plan::default(),
            passages: Vec::new(),
        }
    }

    pub(crate) fn request(&self) -> SynthesisRequest<'_> {
        SynthesisRequest {
            company_name: &self.company,
            question: &self.question,
            plan: &self.plan,
            passages: &self.passages,
            tool_calls: &[],
        }
    }

    /// What the model writes; what it pushed is checked to be the same.
    pub(crate) async fn answered_by(&self, model: &dyn LanguageModel) -> Synthesis {
        let mut output = Kept::default();
        let outcome = model.synthesize(&call(0), &self.request(), &mut output).await;
        let synthesis = outcome.expect("an answer");
        assert_eq!(output.pieces.concat(), synthesis.text, "the sink has the whole answer");
        synthesis
    }

    pub(crate) async fn refused_by(&self, model: &dyn LanguageModel, failures: u32) -> ModelError {
        let mut output = Kept::default();
        let outcome = model.synthesize(&call(failures), &self.request(), &mut output).await;
        outcome.expect_err("an error")
    }

    /// What verification says of an answer.
    pub(crate) fn verified(&self, synthesis: &Synthesis) -> Result<AnalysisResult, Unverified> {
        let ranked = self.passages.iter().enumerate();
        let sources: Vec<Source> =
            ranked.map(|(index, passage)| source(index + 1, passage)).collect();
        verify(&Answer {
            company_name: &self.company,
            question: &self.question,
            plan: &self.plan,
            documents: 1,
            passages: &self.passages,
            sources: &sources,
            tool_calls: &[],
            synthesis,
            model: "tested",
        })
    }
}

/// A provider that cannot be reached.
pub(crate) fn unavailable() -> ModelError {
    ModelError::Unavailable { detail: "connection refused".to_owned(), retry_after: None }
}

pub(crate) fn call(failures: u32) -> CallContext {
    CallContext {
        job_id: JobId::new(),
        attempt: failures + 1,
        failures,
        left: Duration::from_secs(60),
    }
}

pub(crate) fn passage(heading: &str, text: &str, score: f64) -> RetrievedPassage {
    RetrievedPassage {
        document_id: DocumentId::new(),
        title: "Annual report".to_owned(),
        company: "3M".to_owned(),
        url: None,
        content_sha256: "0".repeat(64),
        page: Some(1),
        heading: heading.to_owned(),
        table_head: String::new(),
        text: text.to_owned(),
        score,
    }
}

/// A plan with these terms, each a list of phrases.
pub(crate) fn plan(terms: &[&[&str]], fiscal_years: &[u16]) -> Plan {
    let phrases = |term: &&[&str]| term.iter().map(ToString::to_string).collect();
    let terms = terms.iter().map(|term| Term { phrases: phrases(term) }).collect();
    Plan { fiscal_years: fiscal_years.to_vec(), terms, ..Plan::default() }
}

fn source(rank: usize, passage: &RetrievedPassage) -> Source {
    Source {
        id: SourceId::ranked(rank),
        document_id: passage.document_id,
        title: passage.title.clone(),
        company: passage.company.clone(),
        url: passage.url.clone(),
        page: passage.page,
        excerpt: passage.text.clone(),
        retrieved_at: Timestamp::from_millis(0),
        content_sha256: passage.content_sha256.clone(),
        score: passage.score,
    }
}
