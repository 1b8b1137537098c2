//! Several models under one name: who answers, and what is said where nobody can.

use std::sync::Arc;
use std::time::Duration;

use adapter_models::{Fallback, Guarded};
use engine::ports::{LanguageModel, ModelError};

use crate::staged::{Act, Staged};
use crate::support::{Asked, Kept, call, unavailable};

const SECOND: Duration = Duration::from_secs(1);

fn chain(models: &[&Staged]) -> Fallback {
    let mut models =
        models.iter().map(|model| Arc::new((*model).clone()) as Arc<dyn LanguageModel>);
    let first = models.next().expect("a first model");
    Fallback::new(first, models.collect())
}

async fn ask(model: &Fallback) -> (Result<String, ModelError>, String) {
    let (call, asked) = (call(0), Asked::nothing());
    let mut output = Kept::default();
    let outcome = model.synthesize(&call, &asked.request(), &mut output).await;
    (outcome.map(|synthesis| synthesis.text), output.pieces.concat())
}

fn open(probe_after: Duration) -> ModelError {
    ModelError::CircuitOpen { probe_after }
}

fn busy() -> ModelError {
    ModelError::RateLimited { retry_after: None }
}

fn misconfigured() -> ModelError {
    ModelError::Misconfigured("no such model".to_owned())
}

#[tokio::test]
async fn the_next_one_answers_where_the_one_before_cannot() {
    for failure in [unavailable(), ModelError::Timeout, busy(), open(SECOND), misconfigured()] {
        let first = Staged::new("first", [Act::Fail(failure)]);
        let second = Staged::new("second", [Act::Answer("an answer")]);
        let (answer, shown) = ask(&chain(&[&first, &second])).await;
        assert_eq!((answer.unwrap(), shown), ("an answer".to_owned(), "an answer".to_owned()));
    }
}

#[tokio::test]
async fn nobody_else_is_asked_what_was_refused_or_answered_badly() {
    for failure in [ModelError::Refused("no".to_owned()), ModelError::Invalid("no mark".to_owned())]
    {
        let said = failure.to_string();
        let first = Staged::new("first", [Act::Fail(failure)]);
        let second = Staged::new("second", []);
        let (answer, _) = ask(&chain(&[&first, &second])).await;
        assert_eq!((answer.unwrap_err().to_string(), second.calls()), (said, 0));
    }
}

#[tokio::test]
async fn two_models_texts_never_mix() {
    let first = Staged::new("first", [Act::FailAfter("Net sales", unavailable())]);
    let second = Staged::new("second", [Act::Answer("an answer")]);
    let (call, asked) = (call(0), Asked::nothing());
    let mut output = Kept::default();
    let model = chain(&[&first, &second]);
    model.synthesize(&call, &asked.request(), &mut output).await.unwrap();
    assert_eq!(output.pieces, ["an answer"]);
    assert_eq!(output.resets.len(), 1, "readers are told that the first one's text is void");
    assert_eq!(output.spent.model_calls, 1, "beside the call that the caller counts");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_out_is_passed_over_without_a_call() {
    let out = Staged::new("out", [Act::Fail(unavailable())]);
    let first = Arc::new(Guarded::new(out.clone(), 8, || 0.5));
    let asked = Asked::nothing();
    let opened = first.synthesize(&call(1), &asked.request(), &mut Kept::default()).await;
    assert!(matches!(opened, Err(ModelError::CircuitOpen { .. })));
    let second = Arc::new(Staged::new("second", [Act::Answer("an answer")]));
    let mut output = Kept::default();
    let model = Fallback::new(first, vec![second]);
    let answer = model.synthesize(&call(0), &asked.request(), &mut output).await.unwrap();
    assert_eq!(answer.model.as_deref(), Some("second"));
    assert_eq!((answer.text.as_str(), out.calls()), ("an answer", 1));
    assert_eq!((output.spent.model_calls, output.resets.len()), (0, 0));
}

#[tokio::test]
async fn of_all_failures_the_one_that_costs_the_job_least_is_told() {
    let sooner = open(SECOND);
    for (first, second, told) in [
        (misconfigured(), unavailable(), unavailable()),
        (unavailable(), misconfigured(), unavailable()),
        (unavailable(), open(SECOND * 9), open(SECOND * 9)),
        (busy(), unavailable(), busy()),
        (open(SECOND * 9), sooner, open(SECOND)),
    ] {
        let first = Staged::new("first", [Act::Fail(first)]);
        let second = Staged::new("second", [Act::Fail(second)]);
        let (answer, _) = ask(&chain(&[&first, &second])).await;
        assert_eq!(answer.unwrap_err().to_string(), told.to_string());
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_out_only_if_all_of_them_are() {
    let guarded = |acts| Arc::new(Guarded::new(Staged::new("staged", acts), 8, || 0.5));
    let (first, second) = (guarded(vec![Act::Fail(unavailable())]), guarded(vec![]));
    let asked = Asked::nothing();
    let failed = first.synthesize(&call(1), &asked.request(), &mut Kept::default()).await;
    assert!(matches!(failed, Err(ModelError::CircuitOpen { .. })));
    assert!(Fallback::new(first.clone(), vec![first.clone()]).outage().is_some());
    assert_eq!(Fallback::new(first, vec![second]).outage(), None);
}
