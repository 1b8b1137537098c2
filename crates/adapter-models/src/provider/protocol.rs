//! What two protocols have in common: a request, and a stream of messages that is read.

use engine::analysis::prompt::Prompt;
use engine::ports::{ModelError, ToolSpec};
use reqwest::Url;
use reqwest::header::HeaderMap;
use serde_json::Value;
use telemetry::metrics::models::Provider;

use super::settings::{ProviderSettings, SettingsFault};

/// How models of a kind are asked, and how they answer.
pub(super) trait Protocol: Send + Sync + 'static {
    /// Reads an answer.
    type Reader: StreamReader;

    /// Whose protocol it is.
    const PROVIDER: Provider;

    /// Whether providers take an `Idempotency-Key`.
    const TAKES_IDEMPOTENCY_KEY: bool;

    /// Where requests go.
    fn endpoint(settings: &ProviderSettings) -> Result<Url, SettingsFault>;

    /// What every request carries; credentials are marked as sensitive.
    fn headers(settings: &ProviderSettings) -> Result<HeaderMap, SettingsFault>;

    /// A request as JSON.
    fn body(settings: &ProviderSettings, ask: &Ask<'_>) -> Value;
}

/// What a model is asked.
#[derive(Debug, Clone)]
pub(super) struct Ask<'a> {
    pub(super) prompt: &'a Prompt,
    /// What it answered before, and why that will not do.
    pub(super) repair: Option<Repair>,
    /// What it may call.
    pub(super) tools: &'a [ToolSpec],
}

/// A second question about the same.
#[derive(Debug, Clone)]
pub(super) struct Repair {
    /// The answer as the model wrote it; empty if there was none that can be shown.
    pub(super) answer: String,
    /// What is wrong with it, and what to do.
    pub(super) request: String,
}

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    User,
    Assistant,
}

impl Ask<'_> {
    /// What was said so far, after the rules. Roles alternate and nothing is blank: some
    /// providers take no other.
    pub(super) fn turns(&self) -> Vec<(Role, String)> {
        let user = self.prompt.user.clone();
        match &self.repair {
            None => vec![(Role::User, user)],
            Some(Repair { answer, request }) if answer.trim().is_empty() => {
                vec![(Role::User, format!("{user}\n\n{request}"))]
            }
            Some(Repair { answer, request }) => vec![
                (Role::User, user),
                (Role::Assistant, answer.trim().to_owned()),
                (Role::User, request.clone()),
            ],
        }
    }

    /// Characters of the whole, for an estimate of its tokens.
    pub(super) fn chars(&self) -> usize {
        let turns = self.turns();
        let turns = turns.iter().map(|(_, text)| text.chars().count());
        self.prompt.system.chars().count() + turns.sum::<usize>()
    }
}

/// Reads the messages of one answer.
pub(super) trait StreamReader: Default + Send {
    /// Takes the data of a message.
    ///
    /// # Errors
    /// [`ReadFault`]. Nothing is read after one.
    fn read(&mut self, data: &str) -> Result<Piece, ReadFault>;

    /// What is known of the answer so far.
    fn tally(&mut self) -> &mut Tally;
}

/// Why a message cannot be read on from.
#[derive(Debug)]
pub(super) enum ReadFault {
    /// It is none of the protocol's.
    Garbled(&'static str),
    /// It tells of an error, as this JSON.
    Told(Value),
}

/// What a message brought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Piece {
    /// Text of the answer.
    pub(super) text: String,
    /// Whether the model did something: a ping is not.
    pub(super) is_progress: bool,
    /// Whether nothing follows.
    pub(super) is_end: bool,
}

/// What is known of an answer, beside its text.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Tally {
    /// Why it ended, once it has.
    pub(super) stop: Option<Stop>,
    pub(super) input_tokens: Option<u64>,
    pub(super) output_tokens: Option<u64>,
    pub(super) calls: Vec<StreamedCall>,
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// The model was done, or wants tools called.
    Complete,
    /// At the limit of its length.
    CutOff,
    /// There is no room for it beside the prompt.
    ContextFull,
    /// The model, or a filter of its provider, does not want to answer.
    Refused(&'static str),
}

/// A call of a tool as it streams in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct StreamedCall {
    pub(super) name: String,
    /// JSON, once it is whole.
    pub(super) arguments: String,
}

/// Bytes of a call's arguments at the most.
const ARGUMENTS_BYTES_MAX: usize = 64 * 1024;
/// Calls in one answer at the most.
const CALLS_MAX: usize = 64;

impl Tally {
    /// The call with this number, which may be new.
    pub(super) fn call(&mut self, index: usize) -> Result<&mut StreamedCall, ReadFault> {
        if index >= CALLS_MAX {
            return Err(ReadFault::Garbled("it wants more calls of tools than it may"));
        }
        if self.calls.len() <= index {
            self.calls.resize(index + 1, StreamedCall::default());
        }
        Ok(&mut self.calls[index])
    }
}

impl StreamedCall {
    /// Adds to the arguments.
    pub(super) fn extend(&mut self, part: &str) -> Result<(), ReadFault> {
        if self.arguments.len() + part.len() > ARGUMENTS_BYTES_MAX {
            return Err(ReadFault::Garbled("the arguments of a call are too long"));
        }
        self.arguments.push_str(part);
        Ok(())
    }
}

/// What a message means that is none of the protocol's.
pub(super) fn garbled(detail: &str) -> ModelError {
    ModelError::Invalid(format!("it is not what the protocol says: {detail}"))
}
