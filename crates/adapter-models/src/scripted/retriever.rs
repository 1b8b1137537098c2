use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use contracts::DocumentId;
use engine::ErrorClass;
use engine::ports::{
    CallContext, Corpus, RetrievalError, RetrievalQuery, Retrieved, RetrievedPassage, Retriever,
};
use uuid::Uuid;

use super::{SCRIPTED_TEXT, Script, ScriptedClass, ScriptedStep, Stage};

/// The fixed source's document.
const DOCUMENT: Uuid = Uuid::from_u128(0x0193_5000_0000_7000_8000_0000_0000_0001);
/// The fixed source's title.
const TITLE: &str = "Scripted document";
/// SHA-256 of [`SCRIPTED_TEXT`].
const CONTENT_SHA256: &str = "0061189572f31749186f2415058ff5c860a381b4f336d56f575cae28c3fd76ea";

/// A retriever that finds the same passage for every question, without any document.
pub struct ScriptedRetriever {
    stage: Stage,
    corpus: Option<Arc<dyn Corpus>>,
}

impl ScriptedRetriever {
    /// A retriever whose calls take `latency`, and are written down in the file `ledger`, one line
    /// of JSON each: `{"job_id", "step", "attempt"}`.
    #[must_use]
    pub fn new(latency: Duration, ledger: Option<PathBuf>) -> Self {
        Self { stage: Stage::new(ScriptedStep::Retrieve, latency, ledger), corpus: None }
    }

    /// The same, as one that has searched these documents: what it finds is of their newest
    /// generation, so that it is taken over by a repeated job while they stay what they are.
    #[must_use]
    pub fn over(self, corpus: Arc<dyn Corpus>) -> Self {
        Self { corpus: Some(corpus), ..self }
    }
}

impl fmt::Debug for ScriptedRetriever {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedRetriever").field("stage", &self.stage).finish_non_exhaustive()
    }
}

#[async_trait]
impl Retriever for ScriptedRetriever {
    async fn retrieve(
        &self,
        call: &CallContext,
        query: &RetrievalQuery,
    ) -> Result<Retrieved, RetrievalError> {
        self.stage.enter(call).map_err(|error| RetrievalError::Index(Box::new(error)))?;
        // A script that cannot be read is the model's to refuse: its errors have words.
        let script = Script::of(&query.question).unwrap_or_default();
        self.stage.wait(&script).await;
        if let Some(class) = self.stage.failure(&script, call) {
            return Err(RetrievalError::Scripted(error_class(class)));
        }
        let generation = match &self.corpus {
            Some(corpus) => corpus.head(&query.tenant).await?.generation,
            None => 0,
        };
        Ok(Retrieved { generation, documents: 1, passages: vec![passage(query)] })
    }
}

/// The fixed passage. It stands under the question, so that it speaks of what is asked and the
/// answer passes verification like any other.
fn passage(query: &RetrievalQuery) -> RetrievedPassage {
    RetrievedPassage {
        document_id: DocumentId::from_uuid(DOCUMENT),
        title: TITLE.to_owned(),
        company: query.company.clone().unwrap_or_default(),
        url: None,
        content_sha256: CONTENT_SHA256.to_owned(),
        page: Some(1),
        heading: query.question.clone(),
        table_head: String::new(),
        text: SCRIPTED_TEXT.to_owned(),
        score: 1.0,
    }
}

/// # Panics
/// For [`ScriptedClass::Bug`]: that is what a bug does.
const fn error_class(class: ScriptedClass) -> ErrorClass {
    match class {
        ScriptedClass::Transient => ErrorClass::Transient { retry_after: None },
        ScriptedClass::RateLimited => ErrorClass::RateLimited { retry_after: None },
        ScriptedClass::Timeout => ErrorClass::Timeout,
        ScriptedClass::Permanent => ErrorClass::Permanent,
        ScriptedClass::Bug => panic!("the script asks for it"),
    }
}
