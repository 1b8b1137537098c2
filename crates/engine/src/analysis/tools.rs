//! Step 3: what tools can add.
//!
//! The model is asked which tools to call, is told what they answered, and is asked again, until it
//! wants none or a bound is reached. Each choice and each call is a part of the step with a
//! checkpoint of its own, named `tools/choice-1`, `tools/call-1` and so on: none of them is made
//! again once it is done.

use std::collections::BTreeSet;
use std::time::Duration;

use contracts::event::StepKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::StepName;
use crate::ports::{Effect, ToolArguments, ToolExchange, ToolOutcome, ToolSpec};

/// How often a model is asked, at the most.
pub const ROUNDS_MAX: usize = 8;
/// Calls that are taken from one choice; those after them are not made.
pub const CALLS_PER_ROUND_MAX: usize = 8;
/// Calls of one job, at the most.
pub const CALLS_MAX: usize = 16;
/// Tools that a model is shown, at the most.
pub const TOOLS_MAX: usize = 64;
/// Bytes of JSON that a tool is given, at the most.
pub const ARGUMENTS_BYTES_MAX: usize = 16 * 1024;
/// Bytes of an answer, at the most, whatever its toolbox allows.
pub const ANSWER_BYTES_MAX: usize = 64 * 1024;
/// How long a toolbox may take to say what there is.
pub const SPECS_LIMIT: Duration = Duration::from_secs(10);
/// How long one choice may take.
pub const CHOICE_LIMIT: Duration = Duration::from_secs(120);
/// How long one call may take, whatever its toolbox allows.
pub const CALL_LIMIT: Duration = Duration::from_secs(60);

/// Why the step has nothing to do: nobody configured a tool.
pub const NO_TOOLS: &str = "no tools are configured";
/// Why the step has nothing to do: the model cannot choose any.
pub const NO_CHOICE: &str = "the model knows no tools";
/// Why the step has nothing to do: what is configured is out.
pub const NONE_AVAILABLE: &str = "no tool is available";
/// Why the step has nothing to do: the question needs none.
pub const NONE_WANTED: &str = "the model wants no tool";
/// Why the step has nothing to do: the answer is there.
pub const ANSWERED: &str = "the answer was taken over";

/// What the step produced.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ToolCalls {
    /// The calls, in order.
    pub exchanges: Vec<ToolExchange>,
    /// What did not work, in words for the client.
    pub gaps: Vec<String>,
}

/// What a model chose, as it is kept.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Chosen {
    /// The calls to make, in order.
    pub calls: Vec<ChosenCall>,
    /// Calls beyond the bounds, which are not made.
    pub dropped: usize,
}

/// A call to make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChosenCall {
    /// What to ask of which tool. Arguments that are too large are not kept.
    pub asked: ToolArguments,
    /// The bytes of arguments that are too large.
    pub too_large: Option<usize>,
    /// What calling it twice does, as it was known when it was chosen: an attempt that follows may
    /// not find the tool. `None` if there was no such tool.
    pub effect: Option<Effect>,
}

/// A call that is over, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CallRecord {
    /// What was asked, and what the model is told.
    pub exchange: ToolExchange,
    /// Whether what it was asked for was done, as far as anybody knows.
    pub may_be_done: bool,
    /// What the client is told is missing.
    pub gap: Option<String>,
}

/// The name of the part that asks the model for the `round`th time, from 1.
#[must_use]
pub fn choice_part(round: usize) -> String {
    format!("{}/choice-{round}", StepName::Tools.as_str())
}

/// The name of the part that is this call.
#[must_use]
pub fn call_part(call_id: &str) -> String {
    format!("{}/{call_id}", StepName::Tools.as_str())
}

/// The name of the `n`th call of a job, from 1.
#[must_use]
pub fn call_id(n: usize) -> String {
    format!("call-{n}")
}

/// What the part of this name works with; `None` if no part of the step is named so.
#[must_use]
pub fn kind_of_part(name: &str) -> Option<StepKind> {
    let part = name.strip_prefix(StepName::Tools.as_str())?.strip_prefix('/')?;
    match part.split_once('-') {
        Some(("choice", _)) => Some(StepKind::Model),
        Some(("call", _)) => Some(StepKind::Tool),
        Some(_) | None => None,
    }
}

/// The calls that are made of those that a model wants, after `made` earlier ones.
#[must_use]
pub fn choose(wanted: Vec<ToolArguments>, known: &[ToolSpec], made: usize) -> Chosen {
    let room = CALLS_PER_ROUND_MAX.min(CALLS_MAX.saturating_sub(made));
    let dropped = wanted.len().saturating_sub(room);
    let calls = wanted.into_iter().take(room).map(|ToolArguments { tool, arguments }| {
        let bytes = arguments.to_string().len();
        let too_large = (bytes > ARGUMENTS_BYTES_MAX).then_some(bytes);
        let arguments = if too_large.is_some() { Value::Null } else { arguments };
        let spec = known.iter().find(|spec| spec.name == tool);
        let effect = spec.map(|spec| spec.effect);
        let asked = ToolArguments { tool: shown(&tool), arguments };
        ChosenCall { asked, too_large, effect }
    });
    Chosen { calls: calls.collect(), dropped }
}

/// Why a call is not made at all, in words for the model; `None` if it may be.
#[must_use]
pub fn refusal(call: &ChosenCall, earlier: &[CallRecord]) -> Option<String> {
    let ChosenCall { asked, too_large, effect } = call;
    match (effect, too_large) {
        (None, _) => Some(format!("there is no tool {}", asked.tool)),
        (Some(_), Some(bytes)) => Some(format!(
            "its arguments have {bytes} bytes; at most {ARGUMENTS_BYTES_MAX} are taken"
        )),
        (Some(Effect::Repeatable), None) => None,
        (Some(Effect::AtMostOnce), None) => {
            let same = |record: &&CallRecord| record.may_be_done && record.exchange.asked == *asked;
            let same = earlier.iter().find(same)?;
            let id = &same.exchange.call_id;
            Some(format!("it was called with the same arguments before, as {id}, and is not again"))
        }
    }
}

/// The tools that a model is shown: the first of each name, up to [`TOOLS_MAX`], and only those
/// whose name every provider takes.
#[must_use]
pub fn offered(specs: impl IntoIterator<Item = ToolSpec>) -> Vec<ToolSpec> {
    let mut names = BTreeSet::new();
    let fits = |spec: &ToolSpec| is_name(&spec.name) && names.insert(spec.name.clone());
    specs.into_iter().filter(fits).take(TOOLS_MAX).collect()
}

/// What the model is told of a call whose outcome nobody knows.
#[must_use]
pub fn unknown_outcome(tool: &str) -> ToolOutcome {
    ToolOutcome::Failed(format!(
        "it is not known whether {tool} did what it was asked: the call was begun and broken off; \
         it is not made again"
    ))
}

/// Whether this can be a tool's name.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(is_of_name)
}

/// A name that a model may have made up, fit to be shown.
fn shown(name: &str) -> String {
    let printable = name.chars().filter(|c| !c.is_control());
    printable.take(64).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn spec(name: &str, effect: Effect) -> ToolSpec {
        let (description, input_schema) = (String::new(), json!({"type": "object"}));
        ToolSpec { name: name.to_owned(), description, input_schema, effect }
    }

    fn asked(tool: &str) -> ToolArguments {
        ToolArguments { tool: tool.to_owned(), arguments: json!({"n": 1}) }
    }

    fn call(tool: &str, effect: Effect) -> ChosenCall {
        ChosenCall { asked: asked(tool), too_large: None, effect: Some(effect) }
    }

    fn record(tool: &str, may_be_done: bool) -> CallRecord {
        let outcome = ToolOutcome::Answered("done".to_owned());
        let exchange = ToolExchange { call_id: call_id(1), asked: asked(tool), outcome };
        CallRecord { exchange, may_be_done, gap: None }
    }

    #[test]
    fn only_a_call_with_an_effect_is_refused_as_a_repetition() {
        let (read, write) = (Effect::Repeatable, Effect::AtMostOnce);
        assert_eq!(refusal(&call("a", read), &[record("a", true)]), None);
        assert_eq!(refusal(&call("a", write), &[record("b", true)]), None);
        assert_eq!(refusal(&call("a", write), &[record("a", false)]), None);
        let refused = refusal(&call("a", write), &[record("b", true), record("a", true)]).unwrap();
        assert!(refused.contains("call-1"), "{refused}");
    }

    #[test]
    fn a_call_of_no_tool_or_with_too_much_is_refused() {
        let known = [spec("a", Effect::Repeatable)];
        let large = json!("x".repeat(ARGUMENTS_BYTES_MAX));
        let wanted = vec![asked("a\nb"), ToolArguments { arguments: large, ..asked("a") }];
        let chosen = choose(wanted, &known, 0);
        assert_eq!(chosen.calls[1].asked.arguments, Value::Null, "it is not kept");
        let refused: Vec<_> = chosen.calls.iter().map(|call| refusal(call, &[])).collect();
        assert_eq!(refused[0].as_deref(), Some("there is no tool ab"));
        assert!(refused[1].as_deref().unwrap().contains("bytes"));
    }

    #[test]
    fn a_tool_is_offered_once_and_under_a_name_that_providers_take() {
        let names = ["a", "b-1_C", "a", "", "a b", "ä", &"x".repeat(65), &"y".repeat(64)];
        let specs = names.map(|name| spec(name, Effect::Repeatable));
        let offered: Vec<String> = offered(specs).into_iter().map(|spec| spec.name).collect();
        assert_eq!(offered, ["a", "b-1_C", &"y".repeat(64)]);
    }

    #[test]
    fn parts_are_named_and_known() {
        assert_eq!(kind_of_part(&choice_part(3)), Some(StepKind::Model));
        assert_eq!(kind_of_part(&call_part(&call_id(12))), Some(StepKind::Tool));
        for other in ["tools", "tools/", "tools/x-1", "plan/call-1", "toolscall-1"] {
            assert_eq!(kind_of_part(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_more_calls_are_chosen_than_there_is_room_for(wanted in 0usize..40, made in 0usize..40) {
            let known = [spec("a", Effect::Repeatable)];
            let chosen = choose(vec![asked("a"); wanted], &known, made);
            prop_assert!(chosen.calls.len() <= CALLS_PER_ROUND_MAX);
            prop_assert!(made.min(CALLS_MAX) + chosen.calls.len() <= CALLS_MAX);
            prop_assert_eq!(chosen.calls.len() + chosen.dropped, wanted);
        }
    }
}
