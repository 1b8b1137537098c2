//! Tools of another program, over the Model Context Protocol: a child process that reads requests
//! from its standard input and writes answers to its standard output.
//!
//! A process has one call at a time and is ended, with its group, as soon as it does anything but
//! answer it: so whatever it does costs that one call. There are up to [`PROCESSES_MAX`] of them,
//! started when they are needed.

mod answer;
mod limited;
mod offer;
mod process;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use engine::ErrorClass;
use engine::ports::{CallContext, ToolArguments, ToolError, ToolSpec, Toolbox};
use engine::retry::{RetryPolicy, Verdict};
use rmcp::model::CallToolRequestParams;
use rmcp::service::ServiceError;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::McpSettings;
use offer::{Offer, cut};
use process::Process;

/// Processes of one server, at the most: calls beyond them wait, within their time.
pub const PROCESSES_MAX: usize = 4;
/// How long it is known what a server offers.
const OFFER_MAX_AGE: Duration = Duration::from_secs(60);
/// The waits before a server that broke down again and again is started again.
const BACKOFF: RetryPolicy = RetryPolicy {
    initial: Duration::from_millis(500),
    multiplier: 2.0,
    max: Duration::from_secs(30),
};

/// A server: what its processes offer.
pub struct McpServer {
    settings: McpSettings,
    slots: Semaphore,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Processes that have no call.
    idle: Vec<Process>,
    offer: Option<(Instant, Arc<Offer>)>,
    /// Times that a process broke down since one answered last.
    breakdowns: u32,
    /// Until then none is started.
    not_before: Option<Instant>,
}

impl McpServer {
    /// A server that is not started yet.
    #[must_use]
    pub fn new(settings: McpSettings) -> Self {
        Self { settings, slots: Semaphore::new(PROCESSES_MAX), state: Mutex::default() }
    }

    /// What there is, asked anew once a minute.
    async fn offer(&self, until: Instant) -> Result<Arc<Offer>, ToolError> {
        let known = self.lock().offer.clone();
        if let Some((at, offer)) = known
            && at.elapsed() < OFFER_MAX_AGE
        {
            return Ok(offer);
        }
        let _slot = self.slot(until).await?;
        let process = self.process(until).await?;
        let listing = timeout_at(until, process.for_listing().list_all_tools()).await;
        let tools = match listing {
            Ok(Ok(tools)) => tools,
            Ok(Err(error)) => {
                self.broke_down(&error.to_string());
                return Err(ToolError::Unavailable(
                    "it does not say which tools it has".to_owned(),
                ));
            }
            Err(_elapsed) => {
                self.broke_down("no list of tools in time");
                return Err(ToolError::Timeout);
            }
        };
        let offer = Arc::new(Offer::of(&self.settings, tools));
        self.answered(process);
        self.lock().offer = Some((Instant::now(), Arc::clone(&offer)));
        Ok(offer)
    }

    async fn slot(&self, until: Instant) -> Result<tokio::sync::SemaphorePermit<'_>, ToolError> {
        match timeout_at(until, self.slots.acquire()).await {
            Ok(Ok(slot)) => Ok(slot),
            Ok(Err(_)) | Err(_) => {
                Err(ToolError::Unavailable("all of its processes are busy".to_owned()))
            }
        }
    }

    /// A process without a call: one that waits, else a new one.
    async fn process(&self, until: Instant) -> Result<Process, ToolError> {
        loop {
            let idle = self.lock().idle.pop();
            match idle {
                Some(process) if process.is_alive() => return Ok(process),
                Some(_dead) => {}
                None => break,
            }
        }
        if let Some(wait) = self.lock().backoff() {
            let wait_ms = wait.as_millis();
            let reason = format!("it broke down, and is started again after {wait_ms} ms");
            return Err(ToolError::Unavailable(reason));
        }
        match timeout_at(until, Process::start(&self.settings)).await {
            Ok(Ok(process)) => Ok(process),
            Ok(Err(error)) => {
                self.broke_down(&error.to_string());
                Err(ToolError::Unavailable("its server cannot be started".to_owned()))
            }
            Err(_elapsed) => {
                self.broke_down("no greeting in time");
                Err(ToolError::Unavailable("its server does not start in time".to_owned()))
            }
        }
    }

    /// Has a process make a call. It comes back only if it did nothing but answer.
    async fn ask(
        &self,
        process: Process,
        request: CallToolRequestParams,
        until: Instant,
    ) -> Result<rmcp::model::CallToolResult, ToolError> {
        let max = self.settings.answer_bytes_max;
        // Without the rounds in which a server may ask for more: nobody is there to be asked.
        let call = process.for_answer_of(max).peer().call_tool(request);
        match timeout_at(until, call).await {
            Ok(Ok(result)) => {
                self.answered(process);
                Ok(result)
            }
            Ok(Err(ServiceError::McpError(error))) => {
                self.answered(process);
                Err(ToolError::Rejected(cut(&error.message)))
            }
            Ok(Err(_)) if process.has_said_too_much() => {
                self.broke_down("it wrote too much");
                Err(ToolError::Invalid(format!("it has more than {max} bytes")))
            }
            Ok(Err(error)) => {
                self.broke_down(&error.to_string());
                Err(ToolError::BrokenOff("its server broke down".to_owned()))
            }
            Err(_elapsed) => {
                self.broke_down("no answer in time");
                Err(ToolError::Timeout)
            }
        }
    }

    fn answered(&self, process: Process) {
        let mut state = self.lock();
        (state.breakdowns, state.not_before) = (0, None);
        state.idle.push(process);
    }

    fn broke_down(&self, reason: &str) {
        tracing::warn!(
            server = self.settings.name,
            reason = cut(reason),
            "a tool server broke down"
        );
        let mut state = self.lock();
        // The first time it is started again at once.
        let wait = match state.breakdowns.checked_sub(1) {
            Some(earlier) => match BACKOFF.verdict(earlier, TRANSIENT, 1.0) {
                Verdict::RetryAfter(wait) | Verdict::WaitFor(wait) => wait,
                Verdict::GiveUp => BACKOFF.max,
            },
            None => Duration::ZERO,
        };
        state.breakdowns = state.breakdowns.saturating_add(1);
        state.not_before = Some(Instant::now() + wait);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const TRANSIENT: ErrorClass = ErrorClass::Transient { retry_after: None };

impl State {
    /// How long no process is started; `None` if one may be.
    fn backoff(&self) -> Option<Duration> {
        let wait = self.not_before?.saturating_duration_since(Instant::now());
        (!wait.is_zero()).then_some(wait)
    }
}

#[async_trait]
impl Toolbox for McpServer {
    fn name(&self) -> &str {
        &self.settings.name
    }

    async fn specs(&self, call: &CallContext) -> Result<Vec<ToolSpec>, ToolError> {
        let until = Instant::now() + call.left.min(self.settings.timeout);
        Ok(self.offer(until).await?.specs())
    }

    async fn call(&self, call: &CallContext, asked: &ToolArguments) -> Result<String, ToolError> {
        let until = Instant::now() + call.left.min(self.settings.timeout);
        let offer = self.offer(until).await.map_err(not_called)?;
        let Some(tool) = offer.tool(&asked.tool) else {
            return Err(ToolError::Rejected(format!("there is no tool {}", cut(&asked.tool))));
        };
        if let Some(complaint) = tool.complaint(asked) {
            return Err(ToolError::Rejected(complaint));
        }
        let _slot = self.slot(until).await?;
        let process = self.process(until).await?;
        let arguments = asked.arguments.as_object().cloned().unwrap_or_default();
        let request = CallToolRequestParams::new(tool.own_name.clone()).with_arguments(arguments);
        let result = self.ask(process, request, until).await?;
        answer::text(tool, result, self.settings.answer_bytes_max)
    }
}

/// A time-out before the call was made leaves nothing unknown.
fn not_called(error: ToolError) -> ToolError {
    match error {
        ToolError::Timeout => ToolError::Unavailable("its server does not answer".to_owned()),
        other @ (ToolError::Unavailable(_)
        | ToolError::BrokenOff(_)
        | ToolError::Rejected(_)
        | ToolError::Invalid(_)) => other,
    }
}
