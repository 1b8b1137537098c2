//! What the states of a job promise, over HTTP.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::client::{Client, asking, body, header};
use crate::system::start;

#[tokio::test]
async fn a_cancel_says_what_becomes_of_the_job() {
    let (system, _dir) = start().await;
    let mut races = JoinSet::new();
    for number in 0..100 {
        let client = system.client.clone();
        races.spawn(async move {
            let path = client.submit(&format!("script: delay_ms={}", number % 20)).await;
            // Later each time: the first find the job waiting, the last find it ended.
            for _ in 0..number / 10 {
                client.get(&path).send().await.unwrap();
            }
            let answers = [cancel(&client, &path).await, cancel(&client, &path).await];
            let ended = client.ended(&path).await;
            (answers, ended, client.log(&path).await)
        });
    }
    let mut seen = std::collections::BTreeSet::new();
    for (answers, ended, log) in races.join_all().await {
        let state = ended["state"].as_str().unwrap();
        for (status, _) in &answers {
            seen.insert(*status);
            let is_cancelled = match status {
                200 | 202 => true,
                409 => false,
                other => panic!("{other}"),
            };
            assert_eq!(is_cancelled, state == "cancelled", "{answers:?} {ended}");
        }
        assert!(answers[0].0 == 202 || answers[0].0 == answers[1].0, "an answer is kept to");
        let last = log.last().unwrap()["type"].as_str().unwrap();
        assert_eq!(last.strip_prefix("job."), Some(state));
        assert_eq!(ended["result"].is_null(), !ended["error"].is_null());
    }
    assert!(seen.contains(&200) || seen.contains(&202), "{seen:?}");
    system.stop().await;
}

#[tokio::test]
async fn a_failed_model_step_ends_the_job_as_its_client_wished() {
    let (system, _dir) = start().await;
    let client = &system.client;
    for (wish, state) in
        [(json!(null), "succeeded"), (json!("partial"), "succeeded"), (json!("fail"), "failed")]
    {
        let mut question = asking("script: fail=permanent");
        if !wish.is_null() {
            question["on_step_failure"] = wish;
        }
        let request = client.post("/v1/analysis").header("prefer", "wait=60").json(&question);
        let job = body(request.send().await.unwrap()).await;
        assert_eq!(job["state"], state, "{job}");
        if state == "succeeded" {
            assert_eq!(job["result"]["completeness"], "partial");
            assert_eq!(job["result"]["sources"].as_array().unwrap().len(), 1);
            assert_eq!(job["result"]["gaps"].as_array().unwrap().len(), 1);
            assert!(job["partial_result"].is_null() && job["error"].is_null());
        } else {
            assert_eq!(job["partial_result"]["sources"].as_array().unwrap().len(), 1);
            assert_eq!(job["error"]["code"], "model_refused");
            assert!(job["result"].is_null());
        }
    }
    // A step that everything rests on fails the job whatever its client wished.
    let mut question = asking("script: fail=permanent step=retrieve");
    question["on_step_failure"] = json!("partial");
    let request = client.post("/v1/analysis").header("prefer", "wait=60").json(&question);
    assert_eq!(body(request.send().await.unwrap()).await["state"], "failed");
    system.stop().await;
}

#[tokio::test]
async fn a_job_that_never_began_expires_and_one_that_did_times_out() {
    let (system, _dir) = start().await;
    let client = &system.client;
    let mut begun = Vec::new();
    for _ in 0..4 {
        begun.push(submit(client, json!({"timeout_s": 5})).await);
        client.once_in(begun.last().unwrap(), "running").await;
    }
    let waiting = submit(client, json!({"timeout_s": 600, "queue_timeout_s": 1})).await;
    let expired = client.ended(&waiting).await;
    assert_eq!(
        (&expired["state"], &expired["error"]["code"]),
        (&json!("expired"), &json!("queue_timeout"))
    );
    assert!(expired["attempts"].as_array().unwrap().is_empty());
    for path in begun {
        let job = client.ended(&path).await;
        assert_eq!(
            (&job["state"], &job["error"]["code"]),
            (&json!("timed_out"), &json!("deadline_exceeded"))
        );
        let part = |name: &str| job["timeline"][name].as_u64().unwrap();
        let time =
            |name: &str| job[name].as_str().unwrap().parse::<contracts::Timestamp>().unwrap();
        let total = time("finished_at").millis_since(time("created_at"));
        assert_eq!(part("queued_ms") + part("running_ms") + part("backoff_ms"), total);
        assert!(total < 10_000, "the deadline and 5 s: {total} ms");
    }
    system.stop().await;
}

async fn submit(client: &Client, options: Value) -> String {
    let mut request = asking("script: delay_ms=600000");
    request.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
    let response = client.post("/v1/analysis").json(&request).send().await.unwrap();
    header(&response, "location").to_owned()
}

async fn cancel(client: &Client, path: &str) -> (u16, Value) {
    let response = client.post(&format!("{path}/cancel")).send().await.unwrap();
    (response.status().as_u16(), body(response).await)
}
