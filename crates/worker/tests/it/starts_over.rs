use std::sync::Arc;
use std::time::Duration;

use adapter_models::{OpenAiModel, ProviderSettings};
use engine::ports::{JobStore as _, LogLimit};
use testkit::build::tenant;
use testkit::provider::{Reply, ScriptedProvider, streams};
use tokio::runtime::Handle;

use crate::fleet::{Parts, open, submit};
use crate::queue::Queue;

/// What a delta waits for at the most, so that the broken answer is shown before it ends.
const SHOWN_AFTER: Duration = Duration::from_secs(1);

#[tokio::test]
async fn an_answer_that_starts_over_within_a_call_is_never_mixed_with_the_one_before() {
    let provider = ScriptedProvider::start(|number, _| match number {
        // It cites nothing, which is known at its end.
        1 => Reply::stream()
            .pieces(streams::openai_deltas("Nobody may say so"))
            .wait(SHOWN_AFTER)
            .pieces(streams::openai_end("stop")),
        _ => Reply::openai("Every scripted question has the same answer [1], and this is it [1]."),
    });
    let settings = ProviderSettings::new("cloud", &provider.url(), "scripted-1");
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let model = Arc::new(OpenAiModel::new(settings).unwrap());
    let parts = Parts { model, ..Parts::over(store.clone(), Queue::default()) };
    let fleet = parts.run_on(&Handle::current());
    let id = submit(&store, "What is the answer?").await;
    fleet.publish(id).await;

    let snapshot = fleet.succeeded(id).await;
    let result = snapshot.result.expect("a result");
    assert_eq!(result.summary, "Every scripted question has the same answer, and this is it.");
    assert_eq!((result.model.as_str(), snapshot.job.failures), ("cloud", 0));
    // Both requests are paid for.
    assert_eq!((snapshot.usage.model_calls, snapshot.usage.input_tokens), (2, 200));

    let log =
        store.log(&tenant("a"), id, 0, LogLimit::events(1_000)).await.unwrap().expect("a log");
    let (mut shown, mut resets) = (String::new(), 0);
    for event in log.events {
        match event.kind.as_str() {
            "output.delta" => {
                assert_eq!(event.data["offset"].as_u64(), Some(shown.chars().count() as u64));
                shown.push_str(event.data["text"].as_str().unwrap());
            }
            "output.reset" => {
                assert_eq!(shown, "Nobody may say so");
                resets += 1;
                shown.clear();
            }
            _ => {}
        }
    }
    assert_eq!((shown, resets), (result.summary, 1));
    fleet.stop().await;
}
