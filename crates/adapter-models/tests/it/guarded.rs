//! A guarded model: what is told to the circuit, and who waits.

use std::sync::Arc;
use std::time::Duration;

use adapter_models::Guarded;
use contracts::JobId;
use engine::ports::{CallContext, LanguageModel, ModelError, OutputClosed};

use crate::staged::{Act, Staged};
use crate::support::{Asked, Kept, call, unavailable};

const HALF: fn() -> f64 = || 0.5;

fn guarded(acts: impl IntoIterator<Item = Act>) -> (Staged, Guarded<Staged>) {
    let staged = Staged::new("staged", acts);
    (staged.clone(), Guarded::new(staged, 8, HALF))
}

async fn ask(model: &dyn LanguageModel, call: &CallContext) -> Result<String, ModelError> {
    let asked = Asked::nothing();
    let mut output = Kept::default();
    model.synthesize(call, &asked.request(), &mut output).await.map(|synthesis| synthesis.text)
}

fn probe_after(outcome: &Result<String, ModelError>) -> Duration {
    match outcome {
        Err(ModelError::CircuitOpen { probe_after }) => *probe_after,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_costs_one_call_an_interval_and_one_failure_in_all() {
    let (staged, model) = guarded([Act::Fail(unavailable()), Act::Fail(unavailable())]);
    assert!(matches!(ask(&model, &call(0)).await, Err(ModelError::Unavailable { .. })));
    probe_after(&ask(&model, &call(0)).await);
    for _ in 0..50 {
        probe_after(&ask(&model, &call(0)).await);
    }
    assert_eq!(staged.calls(), 2, "nobody calls what is out");
    staged.then(Act::Fail(unavailable()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(model.outage(), None, "it may be probed");
    let after_probe = probe_after(&ask(&model, &call(0)).await);
    assert!(after_probe > Duration::from_secs(1), "{after_probe:?}: the wait has doubled");
    staged.then(Act::Answer("back"));
    tokio::time::sleep(after_probe).await;
    assert_eq!(ask(&model, &call(0)).await.unwrap(), "back");
    assert_eq!(model.outage(), None);
}

#[tokio::test(start_paused = true)]
async fn a_time_out_tells_of_an_outage_only_if_there_was_time() {
    let (_, model) = guarded((0..4).map(|_| Act::Fail(ModelError::Timeout)));
    let hurried = CallContext { left: Duration::from_secs(1), ..call(3) };
    for _ in 0..2 {
        assert!(matches!(ask(&model, &hurried).await, Err(ModelError::Timeout)));
    }
    probe_after(&ask(&model, &call(1)).await);
}

#[tokio::test]
async fn a_model_that_answers_something_is_not_out() {
    let answers: [fn() -> ModelError; 6] = [
        || ModelError::RateLimited { retry_after: None },
        || ModelError::Misconfigured("no such model".to_owned()),
        || ModelError::Refused("no".to_owned()),
        || ModelError::Invalid("no mark".to_owned()),
        || ModelError::Closed(OutputClosed),
        || ModelError::Bug("a bug".to_owned()),
    ];
    for answer in answers {
        let (staged, model) = guarded((0..3).map(|_| Act::Fail(answer())));
        for _ in 0..3 {
            let error = ask(&model, &call(1)).await.unwrap_err();
            assert!(!matches!(error, ModelError::CircuitOpen { .. }), "{error}");
        }
        assert_eq!(staged.calls(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_dropped_makes_room_for_another() {
    let (staged, model) = guarded([Act::Fail(unavailable()), Act::Hang, Act::Answer("back")]);
    probe_after(&ask(&model, &call(1)).await);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (first, second) = (call(0), call(0));
    let mut probe = Box::pin(ask(&model, &first));
    assert!(tokio::time::timeout(Duration::from_secs(1), &mut probe).await.is_err());
    probe_after(&ask(&model, &second).await);
    drop(probe);
    assert_eq!(ask(&model, &second).await.unwrap(), "back");
    assert_eq!(staged.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn so_many_calls_are_made_at_a_time_and_the_others_wait_their_turn() {
    let staged = Staged::new("staged", (0..6).map(|_| Act::Answer("an answer")));
    let staged = staged.taking(Duration::from_secs(10));
    let model = Arc::new(Guarded::new(staged.clone(), 2, HALF));
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let model = Arc::clone(&model);
        calls.spawn(async move { ask(model.as_ref(), &call(0)).await });
    }
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(staged.under_way(), 2);
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
    assert!(calls.join_all().await.iter().all(Result::is_ok));
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_a_turn_ends_with_the_calls_time_and_blames_nobody() {
    let staged = Staged::new("staged", [Act::Hang]);
    let model = Arc::new(Guarded::new(staged, 1, HALF));
    let holder = Arc::clone(&model);
    let holding = tokio::spawn(async move { ask(holder.as_ref(), &call(0)).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    for failures in 0..3 {
        let waiting = CallContext { job_id: JobId::new(), ..call(failures) };
        assert!(matches!(ask(model.as_ref(), &waiting).await, Err(ModelError::Timeout)));
    }
    assert_eq!(model.outage(), None);
    holding.abort();
}
