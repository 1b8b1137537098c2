//! A worker's parts: a model that says what a test says, tools that do, and a store that is real.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use adapter_embedded::{DataDir, InProcessProgressBus, Records, Store};
use async_trait::async_trait;
use contracts::event::LogEntry;
use contracts::job::Usage;
use contracts::{DocumentId, EventBody, JobId, Submission, WorkerId};
use engine::invariants::judge;
use engine::ports::{
    CallContext, Effect, JobRecords as _, JobStore as _, LanguageModel, ModelError, OutputSink,
    PassageCitation, RetrievalError, RetrievalQuery, Retrieved, RetrievedPassage, Retriever,
    Snapshot, StoredRecord, Synthesis, SynthesisRequest, SystemClock, ToolArguments, ToolChoice,
    ToolChoiceRequest, ToolError, ToolExchange, ToolSpec, Toolbox,
};
use engine::retry::RetryPolicy;
use engine::services::{Ended, RunJob, RunJobPorts, StopTokens};
use serde_json::json;
use tempfile::TempDir;
use testkit::build::{new_job, tenant};
use tokio::sync::Notify;

const DEADLINE: Duration = Duration::from_secs(60);
const SAYS: &str = "It is so.";

/// Answers every question alike, and wants the tools that a test wants.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) choices: Mutex<VecDeque<Vec<ToolArguments>>>,
    /// Wanted when there is no other choice left.
    pub(crate) always: Mutex<Vec<ToolArguments>>,
    pub(crate) asked: Mutex<usize>,
    pub(crate) told: Mutex<Vec<ToolExchange>>,
}

#[async_trait]
impl LanguageModel for Model {
    fn name(&self) -> &str {
        "tested"
    }

    fn knows_tools(&self) -> bool {
        true
    }

    async fn choose_tools(
        &self,
        _: &CallContext,
        _: &ToolChoiceRequest<'_>,
    ) -> Result<ToolChoice, ModelError> {
        *self.asked.lock().unwrap() += 1;
        let next = self.choices.lock().unwrap().pop_front();
        let calls = next.unwrap_or_else(|| self.always.lock().unwrap().clone());
        Ok(ToolChoice { calls, usage: Usage { input_tokens: 100, ..Usage::default() } })
    }

    async fn synthesize(
        &self,
        _: &CallContext,
        request: &SynthesisRequest<'_>,
        output: &mut dyn OutputSink,
    ) -> Result<Synthesis, ModelError> {
        *self.told.lock().unwrap() = request.tool_calls.to_vec();
        output.push(SAYS).await?;
        let (start, end, passage, quote) = (0, SAYS.len(), 0, SAYS.to_owned());
        let citations = vec![PassageCitation { start, end, passage, quote }];
        Ok(Synthesis { text: SAYS.to_owned(), citations, usage: Usage::default(), model: None })
    }
}

/// What a call comes to.
#[derive(Clone)]
pub(crate) enum Does {
    Answer(&'static str),
    Fail(ToolError),
    /// The call of this tool begins, and does not end; any other one answers.
    Hang(&'static str),
}

/// Two tools: `read` may be called twice, `write` may not.
pub(crate) struct Tools {
    pub(crate) does: Mutex<Does>,
    pub(crate) calls: Mutex<Vec<ToolArguments>>,
    pub(crate) is_out: Mutex<bool>,
    pub(crate) hangs: Notify,
}

#[async_trait]
impl Toolbox for Tools {
    fn name(&self) -> &str {
        "tools"
    }

    async fn specs(&self, _: &CallContext) -> Result<Vec<ToolSpec>, ToolError> {
        if *self.is_out.lock().unwrap() {
            return Err(ToolError::Unavailable("it is out".to_owned()));
        }
        let spec = |name: &str, effect| ToolSpec {
            name: name.to_owned(),
            description: String::new(),
            input_schema: json!({"type": "object"}),
            effect,
        };
        Ok(vec![spec("read", Effect::Repeatable), spec("write", Effect::AtMostOnce)])
    }

    async fn call(&self, _: &CallContext, asked: &ToolArguments) -> Result<String, ToolError> {
        self.calls.lock().unwrap().push(asked.clone());
        let does = self.does.lock().unwrap().clone();
        match does {
            Does::Answer(answer) => Ok(answer.to_owned()),
            Does::Fail(error) => Err(error),
            Does::Hang(tool) if tool == asked.tool => {
                self.hangs.notify_one();
                std::future::pending().await
            }
            Does::Hang(_) => Ok("done".to_owned()),
        }
    }
}

struct Passages;

#[async_trait]
impl Retriever for Passages {
    async fn retrieve(
        &self,
        _: &CallContext,
        query: &RetrievalQuery,
    ) -> Result<Retrieved, RetrievalError> {
        let passage = RetrievedPassage {
            document_id: DocumentId::new(),
            title: "Report".to_owned(),
            company: "3M".to_owned(),
            url: None,
            content_sha256: "0".repeat(64),
            page: None,
            heading: query.question.clone(),
            table_head: String::new(),
            text: SAYS.to_owned(),
            score: 1.0,
        };
        Ok(Retrieved { generation: 0, documents: 1, passages: vec![passage] })
    }
}

/// A job with a worker for it.
pub(crate) struct Case {
    pub(crate) model: Arc<Model>,
    pub(crate) tools: Arc<Tools>,
    pub(crate) id: JobId,
    store: Arc<Store>,
    run_job: Arc<RunJob>,
    _dir: TempDir,
}

impl Case {
    /// A job whose model wants these tools, in turn.
    pub(crate) async fn wanting(choices: &[&[ToolArguments]]) -> Self {
        Self::of(choices, |_| {}).await
    }

    /// The same, with such a request.
    pub(crate) async fn of(
        choices: &[&[ToolArguments]],
        with: impl FnOnce(&mut Submission),
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let opened = DataDir::open(dir.path()).unwrap();
        let store = Arc::new(Store::open(opened, Arc::new(SystemClock::new())).unwrap());
        let model = Arc::new(Model::default());
        model.choices.lock().unwrap().extend(choices.iter().map(|choice| choice.to_vec()));
        let tools = Arc::new(Tools {
            does: Mutex::new(Does::Answer("done")),
            calls: Mutex::default(),
            is_out: Mutex::default(),
            hangs: Notify::new(),
        });
        let ports = RunJobPorts {
            store: store.clone(),
            bus: Arc::new(InProcessProgressBus::default()),
            retriever: Arc::new(Passages),
            models: vec![model.clone()],
            toolboxes: vec![tools.clone()],
        };
        // Without randomness there is no wait between attempts.
        let run_job = Arc::new(RunJob::new(ports, RetryPolicy::default(), || 0.0));
        let mut new = new_job(&tenant("a"));
        with(&mut new.submission);
        let id = new.identity.id;
        store.submit(new).await.unwrap();
        Self { model, tools, id, store, run_job, _dir: dir }
    }

    pub(crate) fn tools_do(&self, does: Does) {
        *self.tools.does.lock().unwrap() = does;
    }

    /// Runs an attempt to its end.
    pub(crate) async fn attempt(&self) -> Ended {
        let worker = WorkerId::new();
        let claimed = self.store.claim(self.id, worker, &[1]).await.unwrap().expect("a due job");
        let stop = StopTokens::default();
        tokio::time::timeout(DEADLINE, self.run_job.run(worker, claimed, &stop)).await.unwrap()
    }

    /// Runs an attempt until a tool hangs, and has its worker die there.
    pub(crate) async fn attempt_that_dies_in_a_call(&self) {
        self.attempt_with(&[1]).await;
    }

    /// The same, with a worker that knows these versions of the workflow.
    pub(crate) async fn attempt_with(&self, pipelines: &[u32]) {
        let worker = WorkerId::new();
        let claimed = self.store.claim(self.id, worker, pipelines).await.unwrap();
        let claimed = claimed.expect("a due job");
        let run_job = Arc::clone(&self.run_job);
        let attempt =
            tokio::spawn(async move { run_job.run(worker, claimed, &StopTokens::default()).await });
        tokio::time::timeout(DEADLINE, self.tools.hangs.notified()).await.unwrap();
        attempt.abort();
        assert!(attempt.await.unwrap_err().is_cancelled());
        // The next sweep gives back what a retired worker held.
        self.store.retire(worker).await.unwrap();
        testkit::eventually(DEADLINE, async || {
            self.store.sweep(Duration::from_millis(1), 10).await.unwrap();
            let state = self.snapshot().await.job.state;
            state.worker().is_none().then_some(())
        })
        .await;
    }

    pub(crate) async fn snapshot(&self) -> Snapshot {
        self.store.get(&tenant("a"), self.id).await.unwrap().unwrap()
    }

    /// The types of the job's events of tools and of this step, each with what it is about.
    pub(crate) async fn told(&self) -> Vec<String> {
        let about = |entry: &LogEntry| {
            let subject = entry.data["call_id"].as_str().or(entry.data["step"].as_str())?;
            let is_of_tools = subject.starts_with("tools") || subject.starts_with("call-");
            is_of_tools.then(|| format!("{} {subject}", entry.kind))
        };
        self.log().await.iter().filter_map(about).collect()
    }

    /// The codes of the calls that failed.
    pub(crate) async fn codes(&self) -> Vec<&'static str> {
        let code = |entry: &LogEntry| match EventBody::from_parts(&entry.kind, entry.data.clone()) {
            Some(EventBody::ToolCallFailed(failed)) => Some(failed.error.code.as_str()),
            Some(_) | None => None,
        };
        self.log().await.iter().filter_map(code).collect()
    }

    /// The job's log; what is kept of the job breaks no rule.
    async fn log(&self) -> Vec<LogEntry> {
        let page = Records::of(&self.store).page(None, 10).await.unwrap();
        let [record] = &page.records[..] else { panic!("one job") };
        let StoredRecord::Read(record) = record else { panic!("{record:?}") };
        assert_eq!(judge(record, None), []);
        record.log.clone()
    }
}

pub(crate) fn asking(tool: &str, n: u32) -> ToolArguments {
    ToolArguments { tool: tool.to_owned(), arguments: json!({"n": n}) }
}
