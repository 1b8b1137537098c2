//! Deleting jobs.

use serde_json::json;

use crate::client::{asking, body, header, problem};
use crate::system::{Bus, System, start_where};

#[tokio::test]
async fn a_deleted_job_stays_gone_over_a_restart() {
    let (system, dir) = start_where(Bus::Delivers).await;
    let post = |system: &System| {
        let request = system.client.post("/v1/analysis").header("idempotency-key", "k");
        request.json(&asking("What is the answer?")).send()
    };
    let path = header(&post(&system).await.unwrap(), "location").to_owned();
    system.client.ended(&path).await;
    let log = system.client.log(&path).await;
    assert!(log.len() > 4);
    assert_eq!(system.client.delete(&path).send().await.unwrap().status(), 204);
    let other = header(&post_other(&system).await, "location").to_owned();
    system.stop().await;

    let system = System::start(dir.path(), Bus::Delivers).await;
    for request in [
        system.client.get(&path),
        system.client.get(&format!("{path}/events")),
        system.client.post(&format!("{path}/retry")),
        system.client.delete(&path),
    ] {
        let (status, problem) = problem(request.send().await.unwrap()).await;
        assert_eq!((status, &problem["code"]), (410, &json!("gone")));
    }
    let (status, refused) = problem(post(&system).await.unwrap()).await;
    assert_eq!((status, &refused["code"]), (410, &json!("gone")));
    system.client.ended(&other).await;
    let page = body(system.client.get("/v1/analysis").send().await.unwrap()).await;
    assert_eq!(page["jobs"].as_array().unwrap().len(), 1);
    system.stop().await;
}

async fn post_other(system: &System) -> reqwest::Response {
    let request = system.client.post("/v1/analysis").json(&asking("And another?"));
    request.send().await.unwrap()
}
