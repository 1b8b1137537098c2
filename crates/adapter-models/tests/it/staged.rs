//! A model that does what a test asks for, call by call.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use contracts::job::Usage;
use engine::ports::{
    CallContext, LanguageModel, ModelError, OutputSink, Synthesis, SynthesisRequest,
};

/// What one call does.
pub(crate) enum Act {
    Answer(&'static str),
    Fail(ModelError),
    /// Shows some text, then fails.
    FailAfter(&'static str, ModelError),
    /// Never ends.
    Hang,
}

/// What is left to do, and what was done.
#[derive(Clone)]
pub(crate) struct Staged {
    name: &'static str,
    acts: Arc<Mutex<VecDeque<Act>>>,
    calls: Arc<AtomicUsize>,
    under_way: Arc<AtomicUsize>,
    takes: Duration,
}

impl Staged {
    pub(crate) fn new(name: &'static str, acts: impl IntoIterator<Item = Act>) -> Self {
        Self {
            name,
            acts: Arc::new(Mutex::new(acts.into_iter().collect())),
            calls: Arc::default(),
            under_way: Arc::default(),
            takes: Duration::ZERO,
        }
    }

    /// The same, each call of which takes so long.
    pub(crate) fn taking(self, takes: Duration) -> Self {
        Self { takes, ..self }
    }

    pub(crate) fn then(&self, act: Act) {
        self.acts.lock().expect("no call panicked").push_back(act);
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// Calls that are under way now.
    pub(crate) fn under_way(&self) -> usize {
        self.under_way.load(Ordering::SeqCst)
    }
}

struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl LanguageModel for Staged {
    fn knows_tools(&self) -> bool {
        true
    }

    fn name(&self) -> &str {
        self.name
    }

    async fn synthesize(
        &self,
        _call: &CallContext,
        _request: &SynthesisRequest<'_>,
        output: &mut dyn OutputSink,
    ) -> Result<Synthesis, ModelError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.under_way.fetch_add(1, Ordering::SeqCst);
        let _under_way = UnderWay(&self.under_way);
        tokio::time::sleep(self.takes).await;
        let act = self.acts.lock().expect("no call panicked").pop_front();
        let act = act.expect("the test has an act for each call");
        match act {
            Act::Answer(text) => {
                output.push(text).await?;
                let (text, citations) = (text.to_owned(), Vec::new());
                Ok(Synthesis { text, citations, usage: Usage::default(), model: None })
            }
            Act::Fail(error) => Err(error),
            Act::FailAfter(text, error) => {
                output.push(text).await?;
                Err(error)
            }
            Act::Hang => std::future::pending().await,
        }
    }
}
