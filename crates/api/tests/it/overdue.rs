//! Reads that meet an overdue job: they end it first, though nobody swept.

use serde_json::json;

use crate::server::{Server, body, id_of, question};

#[tokio::test]
async fn no_list_shows_an_overdue_job_as_waiting() {
    let server = Server::start().await;
    let (late, waiting) = (accepted(&server).await, accepted(&server).await);
    server.store.pass_deadline(late);
    let listed = async |query: &str| {
        let response = server.get(&format!("/v1/analysis{query}")).send().await.unwrap();
        let page = body(response).await;
        let jobs = page["jobs"].as_array().unwrap().clone();
        jobs.iter().map(|job| (id_of(job), job["state"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(listed("?state=queued").await, [(waiting, json!("queued"))]);
    assert_eq!(listed("?state=expired").await, [(late, json!("expired"))]);
    assert_eq!(listed("").await, [(waiting, json!("queued")), (late, json!("expired"))]);
}

#[tokio::test]
async fn the_log_of_an_overdue_job_is_read_with_its_end() {
    let server = Server::start().await;
    let id = accepted(&server).await;
    server.store.pass_deadline(id);
    let response = server.get(&format!("/v1/analysis/{id}/events")).send().await.unwrap();
    let page = body(response).await;
    assert_eq!((&page["head"], &page["next_after"]), (&json!(2), &json!(2)));
    assert_eq!(page["events"][1]["type"], "job.expired");
}

async fn accepted(server: &Server) -> contracts::JobId {
    let response = server.post("/v1/analysis").json(&question()).send().await.unwrap();
    id_of(&body(response).await)
}
