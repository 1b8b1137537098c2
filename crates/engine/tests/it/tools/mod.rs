//! The step in which a model has tools called.

mod parts;

use contracts::JobState;
use contracts::job::StepState;
use contracts::request::{Budget, OnStepFailure};
use contracts::result::Completeness;
use engine::analysis::tools::{CALLS_MAX, CALLS_PER_ROUND_MAX};
use engine::ports::{ToolError, ToolOutcome};
use engine::services::Ended;

use self::parts::{Case, Does, asking};

#[tokio::test]
async fn a_model_is_asked_until_it_wants_nothing_and_told_what_the_tools_answered() {
    let (first, second) = ([asking("read", 1), asking("write", 2)], [asking("read", 3)]);
    let case = Case::wanting(&[&first, &second]).await;
    assert_eq!(case.attempt().await, Ended::Succeeded);

    let told = case.model.told.lock().unwrap().clone();
    let asked: Vec<_> = told.iter().map(|exchange| exchange.asked.clone()).collect();
    assert_eq!(asked, [&first[..], &second].concat());
    assert_eq!(*case.tools.calls.lock().unwrap(), asked);
    assert!(told.iter().all(|call| call.outcome == ToolOutcome::Answered("done".to_owned())));
    let expected = [
        "step.started tools",
        "step.started tools/choice-1",
        "step.completed tools/choice-1",
        "step.started tools/call-1",
        "tool_call.started call-1",
        "tool_call.completed call-1",
        "step.completed tools/call-1",
        "step.started tools/call-2",
        "tool_call.started call-2",
        "tool_call.completed call-2",
        "step.completed tools/call-2",
        "step.started tools/choice-2",
        "step.completed tools/choice-2",
        "step.started tools/call-3",
        "tool_call.started call-3",
        "tool_call.completed call-3",
        "step.completed tools/call-3",
        "step.started tools/choice-3",
        "step.completed tools/choice-3",
        "step.completed tools",
    ];
    assert_eq!(case.told().await, expected);
    let ended = case.snapshot().await;
    assert_eq!((ended.usage.model_calls, ended.usage.tool_calls), (4, 3));
    assert_eq!(ended.usage.input_tokens, 300);
    let result = ended.result.unwrap();
    assert_eq!((result.completeness, result.gaps.len()), (Completeness::Complete, 0));
}

#[tokio::test]
async fn a_model_that_always_wants_more_is_stopped_and_answers_from_what_it_has() {
    let case = Case::wanting(&[]).await;
    *case.model.always.lock().unwrap() = vec![asking("read", 1); CALLS_PER_ROUND_MAX + 1];
    assert_eq!(case.attempt().await, Ended::Succeeded);
    assert_eq!(case.tools.calls.lock().unwrap().len(), CALLS_MAX);
    let result = case.snapshot().await.result.unwrap();
    assert_eq!(result.completeness, Completeness::Partial);
    assert_eq!(result.gaps, ["no more tools were called after 16 calls"]);
    assert!(case.told().await.contains(&"step.progress tools".to_owned()));
}

#[tokio::test]
async fn what_was_finished_before_a_crash_is_not_called_again() {
    let (first, second) = ([asking("write", 1)], [asking("read", 2)]);
    let case = Case::wanting(&[&first, &second]).await;
    case.tools_do(Does::Hang("read"));
    case.attempt_that_dies_in_a_call().await;
    case.tools_do(Does::Answer("done"));
    assert_eq!(case.attempt().await, Ended::Succeeded);
    let calls = case.tools.calls.lock().unwrap().clone();
    assert_eq!(calls, [&first[..], &second, &second].concat(), "the one it died in alone");
    assert_eq!(*case.model.asked.lock().unwrap(), 3, "no choice is made twice");
    assert_eq!(case.snapshot().await.job.failures, 0);
}

#[tokio::test]
async fn a_call_with_an_effect_that_a_crash_cut_off_is_told_as_unknown_and_not_made_again() {
    let twice = [asking("write", 1)];
    let case = Case::wanting(&[&[asking("read", 0), asking("write", 1)], &twice]).await;
    case.tools_do(Does::Hang("write"));
    case.attempt_that_dies_in_a_call().await;
    case.tools_do(Does::Answer("done"));
    assert_eq!(case.attempt().await, Ended::Succeeded);

    let calls = case.tools.calls.lock().unwrap().clone();
    let writes = calls.iter().filter(|call| call.tool == "write").count();
    assert_eq!(writes, 1, "{calls:?}");
    assert_eq!(case.codes().await, ["outcome_unknown", "tool_rejected"]);
    let told = case.model.told.lock().unwrap().clone();
    let ToolOutcome::Failed(words) = &told[1].outcome else { panic!("{told:?}") };
    assert!(words.contains("not known whether write did"), "{words}");
    let ToolOutcome::Failed(words) = &told[2].outcome else { panic!("{told:?}") };
    assert!(words.contains("before, as call-2"), "{words}");
    let result = case.snapshot().await.result.unwrap();
    assert_eq!(result.completeness, Completeness::Partial);
    assert_eq!(result.gaps, ["it is not known whether write did what it was asked"]);
}

#[tokio::test]
async fn a_job_that_starts_over_calls_no_tool_with_an_effect_again() {
    let (write, read) = ([asking("write", 1)], [asking("read", 2)]);
    let case = Case::wanting(&[&write, &read, &[asking("read", 3), asking("write", 4)]]).await;
    // The call was made, and its worker died in a later one; nobody knows its workflow any more.
    case.tools_do(Does::Hang("read"));
    case.attempt_with(&[2]).await;
    case.tools_do(Does::Answer("done"));
    assert_eq!(case.attempt().await, Ended::Succeeded);
    let calls = case.tools.calls.lock().unwrap().clone();
    let count = |tool: &str| calls.iter().filter(|call| call.tool == tool).count();
    assert_eq!((count("write"), count("read")), (1, 2), "{calls:?}");
    assert_eq!(case.codes().await, ["outcome_unknown"]);
    assert_eq!(case.snapshot().await.job.pipeline_version, Some(1));
}

#[tokio::test]
async fn a_tool_that_is_out_is_told_to_the_model_and_named_as_a_gap() {
    for (error, code) in [
        (ToolError::Unavailable("gone".to_owned()), "tool_unavailable"),
        (ToolError::BrokenOff("gone".to_owned()), "tool_unavailable"),
        (ToolError::Timeout, "tool_unavailable"),
        (ToolError::Rejected("no".to_owned()), "tool_rejected"),
        (ToolError::Invalid("what".to_owned()), "tool_rejected"),
    ] {
        let case = Case::wanting(&[&[asking("read", 1)]]).await;
        case.tools_do(Does::Fail(error.clone()));
        assert_eq!(case.attempt().await, Ended::Succeeded);
        assert_eq!(case.codes().await, [code]);
        let told = case.model.told.lock().unwrap().clone();
        assert_eq!(told[0].outcome, ToolOutcome::Failed(error.to_string()));
        let result = case.snapshot().await.result.unwrap();
        assert_eq!(result.gaps.len(), usize::from(error.is_outage()), "{:?}", result.gaps);
    }
}

#[tokio::test]
async fn a_client_that_wants_all_or_nothing_gets_another_attempt_where_a_tool_is_out() {
    let strict = |submission: &mut contracts::Submission| {
        submission.on_step_failure = Some(OnStepFailure::Fail);
    };
    for tool in ["read", "write"] {
        let case = Case::of(&[&[asking(tool, 1)]], strict).await;
        case.tools_do(Does::Fail(ToolError::Unavailable("gone".to_owned())));
        assert_eq!(case.attempt().await, Ended::Failed);
        let waiting = case.snapshot().await;
        let error = waiting.attempts[0].error.clone().unwrap();
        assert_eq!((error.code.as_str(), waiting.job.failures), ("tool_unavailable", 1));
        let call = waiting.steps.iter().find(|step| step.step == "tools/call-1").unwrap();
        assert_eq!(call.state, StepState::Failed);
        // Nothing was done, so a call with an effect may be made after all.
        case.tools_do(Does::Answer("done"));
        assert_eq!(case.attempt().await, Ended::Succeeded);
        assert_eq!(case.tools.calls.lock().unwrap().len(), 2);
        assert_eq!(*case.model.asked.lock().unwrap(), 2);
    }
}

#[tokio::test]
async fn tools_that_are_out_are_done_without_or_waited_for() {
    let case = Case::wanting(&[]).await;
    *case.tools.is_out.lock().unwrap() = true;
    assert_eq!(case.attempt().await, Ended::Succeeded);
    assert_eq!(*case.model.asked.lock().unwrap(), 0);
    let result = case.snapshot().await.result.unwrap();
    assert!(result.gaps[0].starts_with("the tools of tools could not be used"), "{result:?}");

    let strict = Case::of(&[], |submission| {
        submission.on_step_failure = Some(OnStepFailure::Fail);
    })
    .await;
    *strict.tools.is_out.lock().unwrap() = true;
    assert_eq!(strict.attempt().await, Ended::Failed);
    assert_eq!(strict.snapshot().await.job.state.name(), JobState::Retrying);
}

#[tokio::test]
async fn a_model_that_wants_no_tool_or_one_that_there_is_not_costs_no_call() {
    let case = Case::wanting(&[]).await;
    assert_eq!(case.attempt().await, Ended::Succeeded);
    let told = case.told().await;
    assert_eq!(told.last().unwrap(), "step.skipped tools");

    let case = Case::wanting(&[&[asking("fly", 1)]]).await;
    assert_eq!(case.attempt().await, Ended::Succeeded);
    assert_eq!(case.codes().await, ["tool_rejected"]);
    assert!(case.tools.calls.lock().unwrap().is_empty());
    assert_eq!(case.snapshot().await.usage.tool_calls, 0);
}

#[tokio::test]
async fn every_call_of_a_model_or_tool_counts_against_the_budget() {
    for (max_calls, tool_calls) in [(1, 0), (2, 1), (3, 1), (4, 1)] {
        let case = Case::of(&[&[asking("read", 1)]], |submission| {
            submission.on_step_failure = Some(OnStepFailure::Fail);
            submission.budget = Some(Budget { max_calls: Some(max_calls), ..Budget::default() });
        })
        .await;
        // Two choices, a call and the answer are four.
        let ended = if max_calls == 4 { Ended::Succeeded } else { Ended::Failed };
        assert_eq!(case.attempt().await, ended, "{max_calls}");
        let snapshot = case.snapshot().await;
        assert_eq!(case.tools.calls.lock().unwrap().len(), tool_calls);
        let calls = snapshot.usage.model_calls + snapshot.usage.tool_calls;
        assert_eq!(calls, max_calls, "not one more than it may");
        if let Some(error) = snapshot.error {
            assert_eq!(error.code.as_str(), "budget_exceeded");
        }
    }
    let tokens = Budget { max_tokens: Some(100), ..Budget::default() };
    let case = Case::of(&[&[asking("read", 1)]], |request| request.budget = Some(tokens)).await;
    assert_eq!(case.attempt().await, Ended::Succeeded);
    let result = case.snapshot().await.result.unwrap();
    assert_eq!(result.completeness, Completeness::Partial);
    assert!(result.gaps[0].contains("budget of tokens"), "{:?}", result.gaps);
    assert!(case.tools.calls.lock().unwrap().is_empty(), "the choice took all there was");
}
