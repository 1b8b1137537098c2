//! Tools that a provider's model asks for, in the protocols of both.

use contracts::JobState;
use contracts::result::Completeness;
use serde_json::json;
use testkit::provider::{Reply, Request, ScriptedProvider, streams};

use super::{Home, anthropic, asking, openai};

/// Its second figure is the calculator's.
const COMPUTED: &str =
    "In 2018, purchases of property, plant and equipment were 1,577, 157 more than in 2016 [1].";

/// A model's wish to have something computed, in the protocol of the request.
fn calculation(request: &Request, expression: &str) -> Reply {
    let arguments = json!({ "expression": expression }).to_string();
    let calls = [("calculator", arguments.as_str())];
    match is_openai(request) {
        true => Reply::stream().pieces(streams::openai_calls(&calls)),
        false => Reply::stream().pieces(streams::anthropic_calls(&calls)),
    }
}

fn text(request: &Request, text: &str) -> Reply {
    if is_openai(request) { Reply::openai(text) } else { Reply::anthropic(text) }
}

fn is_openai(request: &Request) -> bool {
    request.path.ends_with("/chat/completions")
}

/// Whether a request leaves it to the model to call tools; one for the answer does not.
fn offers_tools(request: &Request) -> bool {
    request.json()["tools"].as_array().is_some_and(|tools| !tools.is_empty())
}

fn home(url: &str) -> Home {
    let home = Home::with(&[("openai", openai(url, "m")), ("anthropic", anthropic(url, "m"))]);
    home.add("[tools.calculator]\n");
    home
}

#[tokio::test(flavor = "multi_thread")]
async fn a_figure_that_a_model_had_computed_is_sourced() {
    let provider = ScriptedProvider::start(|_, request| {
        if !offers_tools(request) {
            return text(request, COMPUTED);
        }
        let knows_it = request.body.contains("A tool was called");
        if knows_it { text(request, "NONE") } else { calculation(request, "1577 - 1420") }
    });
    let home = home(&provider.url());
    let server = home.serve();
    for model in ["openai", "anthropic"] {
        let job = server.submit_with(asking(json!({ "model": model }))).await;
        let job = server.until_ended(&job).await;
        assert_eq!(job.state, JobState::Succeeded, "{model}: {job:?}");
        let result = job.result.unwrap();
        assert!(result.summary.contains("157 more"), "{model}: {}", result.summary);
        assert_eq!(result.completeness, Completeness::Complete, "{model}");
        assert_eq!((job.usage.model_calls, job.usage.tool_calls), (3, 1), "{model}");
    }
    drop(server);
    home.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_always_wants_another_call_ends_at_the_bound_with_an_answer() {
    let provider = ScriptedProvider::start(|number, request| match offers_tools(request) {
        true => calculation(request, &format!("{number} + 1")),
        false => text(request, super::ANSWER),
    });
    let home = home(&provider.url());
    let server = home.serve();
    for model in ["openai", "anthropic"] {
        let job = server.submit_with(asking(json!({ "model": model }))).await;
        let job = server.until_ended(&job).await;
        assert_eq!(job.state, JobState::Succeeded, "{model}: {job:?}");
        let result = job.result.unwrap();
        assert_eq!(result.completeness, Completeness::Partial, "{model}");
        // One call a round, and as many rounds as there are.
        assert_eq!((job.usage.tool_calls, result.gaps.len()), (8, 1), "{model}: {result:?}");
        assert_eq!(job.usage.model_calls, 9, "{model}");
    }
    drop(server);
    home.assert_sound();
}
