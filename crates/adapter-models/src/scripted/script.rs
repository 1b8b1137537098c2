use std::str::FromStr;
use std::time::Duration;

/// What a question asks the scripted ports to do.
///
/// A script is a question that begins with `script:` (in any case), followed by words `key=value`,
/// each key but `tool` at most once:
///
/// | word | effect |
/// |---|---|
/// | `delay_ms=N` | every call takes N milliseconds, at most an hour, instead of the usual latency |
/// | `fail=CLASS*N` | the step's calls fail while the job has had fewer than N failures; `fail=CLASS` fails always |
/// | `step=retrieve`, `step=tools`, `step=synthesize` | the step that `fail` is about; `synthesize` if it is left out |
/// | `output_bytes=N` | the answer has N bytes, 1 to 64,000,000 |
/// | `exit=CODE` | the call of `synthesize` ends the process with this code, 0 to 255 |
/// | `tool=NAME:ARGUMENT` | the model wants this tool called; it may be said often. An argument that begins with `{` is JSON without spaces, any other one an `expression` |
/// | `tool_rounds=N` | it wants all these calls N times; once if it is left out |
///
/// The classes are `transient`, `rate_limited`, `timeout`, `permanent` and `bug`; a bug is a panic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Script {
    /// How long every call takes, if not the usual latency.
    pub delay: Option<Duration>,
    /// How calls of `step` fail.
    pub failure: Option<Failure>,
    /// The step that `failure` is about.
    pub step: ScriptedStep,
    /// The bytes of the answer, if not the usual one.
    pub output_bytes: Option<usize>,
    /// The code with which `synthesize` ends the process.
    pub exit_code: Option<u8>,
    /// The calls that the model wants.
    pub tools: Vec<ScriptedCall>,
    /// How often it wants them, if not once.
    pub tool_rounds: Option<u32>,
}

/// A call of a tool that a script asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptedCall {
    /// The tool's name.
    pub tool: String,
    /// What it is given: JSON, or an expression.
    pub argument: String,
}

/// A failure that a script asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// Its class.
    pub class: ScriptedClass,
    /// It stops once the job has had this many failures.
    pub times: u32,
}

/// The classes of failure that a script can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptedClass {
    /// It may pass by itself.
    Transient,
    /// Too many calls.
    RateLimited,
    /// No answer in time.
    Timeout,
    /// It will fail again.
    Permanent,
    /// An error of ours.
    Bug,
}

/// The steps that are scripted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScriptedStep {
    /// The retriever's step.
    Retrieve,
    /// The step in which the model chooses tools.
    Tools,
    /// The step in which the model writes.
    #[default]
    Synthesize,
}

/// Why a question is not a script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// A word that no script has.
    #[error("unknown word in a script: {0}")]
    UnknownWord(String),
    /// A word whose value is none that it can have.
    #[error("not a value that a script can have: {0}")]
    BadValue(String),
    /// A key that came before.
    #[error("said twice in a script: {0}")]
    Twice(String),
}

impl Script {
    /// What a script begins with.
    const MARK: &str = "script:";
    /// The longest delay.
    pub const DELAY_MAX: Duration = Duration::from_secs(3_600);
    /// The longest answer.
    pub const OUTPUT_BYTES_MAX: usize = 64_000_000;

    /// Reads a question. One that is not a script asks for nothing special.
    ///
    /// # Errors
    /// [`ScriptError`], naming the word, if it begins like a script and is none.
    pub fn of(question: &str) -> Result<Self, ScriptError> {
        let question = question.trim_start();
        match question.get(..Self::MARK.len()) {
            Some(mark) if mark.eq_ignore_ascii_case(Self::MARK) => {
                question[Self::MARK.len()..].parse()
            }
            Some(_) | None => Ok(Self::default()),
        }
    }
}

impl FromStr for Script {
    type Err = ScriptError;

    /// Reads the words of a script, without its `script:`.
    fn from_str(words: &str) -> Result<Self, ScriptError> {
        let mut script = Self::default();
        let mut seen: Vec<&str> = Vec::new();
        for word in words.split_whitespace() {
            let unknown = || ScriptError::UnknownWord(word.to_owned());
            let bad = || ScriptError::BadValue(word.to_owned());
            let (key, value) = word.split_once('=').ok_or_else(unknown)?;
            match key {
                "delay_ms" => script.delay = Some(delay(value).ok_or_else(bad)?),
                "fail" => script.failure = Some(failure(value).ok_or_else(bad)?),
                "step" => script.step = step(value).ok_or_else(bad)?,
                "output_bytes" => script.output_bytes = Some(output_bytes(value).ok_or_else(bad)?),
                "exit" => script.exit_code = Some(value.parse().map_err(|_| bad())?),
                "tool" => {
                    script.tools.push(scripted_call(value).ok_or_else(bad)?);
                    continue;
                }
                "tool_rounds" => script.tool_rounds = Some(value.parse().map_err(|_| bad())?),
                _ => return Err(unknown()),
            }
            if seen.contains(&key) {
                return Err(ScriptError::Twice(word.to_owned()));
            }
            seen.push(key);
        }
        Ok(script)
    }
}

impl ScriptedStep {
    /// The step's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retrieve => "retrieve",
            Self::Tools => "tools",
            Self::Synthesize => "synthesize",
        }
    }
}

fn delay(value: &str) -> Option<Duration> {
    let delay = Duration::from_millis(value.parse().ok()?);
    (delay <= Script::DELAY_MAX).then_some(delay)
}

fn failure(value: &str) -> Option<Failure> {
    let (class, times) = match value.split_once('*') {
        Some((class, times)) => (class, times.parse().ok()?),
        None => (value, u32::MAX),
    };
    let class = match class {
        "transient" => ScriptedClass::Transient,
        "rate_limited" => ScriptedClass::RateLimited,
        "timeout" => ScriptedClass::Timeout,
        "permanent" => ScriptedClass::Permanent,
        "bug" => ScriptedClass::Bug,
        _ => return None,
    };
    Some(Failure { class, times })
}

fn step(value: &str) -> Option<ScriptedStep> {
    [ScriptedStep::Retrieve, ScriptedStep::Tools, ScriptedStep::Synthesize]
        .into_iter()
        .find(|step| step.as_str() == value)
}

fn scripted_call(value: &str) -> Option<ScriptedCall> {
    let (tool, argument) = value.split_once(':')?;
    let is_json = serde_json::from_str::<serde_json::Value>(argument).is_ok();
    let is_fit = !tool.is_empty() && (is_json || !argument.starts_with('{'));
    is_fit.then(|| ScriptedCall { tool: tool.to_owned(), argument: argument.to_owned() })
}

fn output_bytes(value: &str) -> Option<usize> {
    let bytes = value.parse().ok()?;
    (1..=Script::OUTPUT_BYTES_MAX).contains(&bytes).then_some(bytes)
}
