//! What is refused, and how it is told.

use api::{Origins, Settings};
use serde_json::json;

use crate::server::{Server, body, delta, header, problem, question};

#[tokio::test]
async fn a_body_is_json_and_small() {
    let server = Server::start().await;
    let post = |kind: &'static str, body: Vec<u8>| {
        let request = server.post("/v1/analysis").header("content-type", kind);
        async move { request.body(body).send().await.unwrap() }
    };
    let status_and_code = async |response: reqwest::Response| {
        let problem = problem(response).await;
        (problem["status"].as_u64().unwrap(), problem["code"].as_str().unwrap().to_owned())
    };
    let invalid = |status| (status, "invalid_request".to_owned());
    assert_eq!(status_and_code(post("application/json", b"{".to_vec()).await).await, invalid(400));
    assert_eq!(status_and_code(post("application/json", vec![]).await).await, invalid(400));
    assert_eq!(status_and_code(post("application/json", vec![0xff]).await).await, invalid(400));
    let unsupported = (415, "unsupported_media_type".to_owned());
    let good = question().to_string().into_bytes();
    assert_eq!(status_and_code(post("text/plain", good.clone()).await).await, unsupported);
    let untyped = server.post("/v1/analysis").body(good).send().await.unwrap();
    assert_eq!(status_and_code(untyped).await, unsupported);
    let too_large = (413, "payload_too_large".to_owned());
    let megabyte = vec![b' '; 1_000_000];
    assert_eq!(status_and_code(post("application/json", megabyte.clone()).await).await, too_large);
    let pieces: Vec<_> = megabyte.chunks(1_000).map(|p| Ok::<_, String>(p.to_vec())).collect();
    let chunked = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    let request = server.post("/v1/analysis").header("content-type", "application/json");
    assert_eq!(status_and_code(request.body(chunked).send().await.unwrap()).await, too_large);
    assert_eq!(server.get("/healthz").send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn an_invalid_request_is_told_all_its_errors() {
    let server = Server::start().await;
    for (sent, pointer) in [
        (json!({"company_name": "3M", "question": "a\u{0}b"}), "/question"),
        (json!({"company_name": "", "question": "q"}), "/company_name"),
        (json!({"company_name": "3M", "question": "q", "colour": 1}), "/colour"),
        (json!({"company_name": "3M", "question": "q", "model": "none"}), "/model"),
    ] {
        for query in ["", "?validate_only=true"] {
            let path = format!("/v1/analysis{query}");
            let response = server.post(&path).json(&sent).send().await.unwrap();
            assert_eq!(response.status(), 422);
            let problem = problem(response).await;
            assert_eq!(problem["code"], "invalid_request");
            assert_eq!(problem["errors"][0]["pointer"], pointer);
        }
    }
    let page = body(server.get("/v1/analysis").send().await.unwrap()).await;
    assert_eq!(page["jobs"], json!([]));
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let server = Server::start().await;
    let unknown = contracts::JobId::new();
    for path in [
        "/".to_owned(),
        "/v1/analysis/".to_owned(),
        "/v1/analysis/x".to_owned(),
        "/v1/analysis/x/events".to_owned(),
        format!("/v1/analysis/{unknown}"),
        format!("/v1/analysis/{unknown}/events"),
        format!("/v1/analysis/{unknown}/nothing"),
        "/v1/problems/nothing".to_owned(),
    ] {
        let problem = problem(server.get(&path).send().await.unwrap()).await;
        assert_eq!((&problem["status"], &problem["code"]), (&404.into(), &"not_found".into()));
    }
    for path in [format!("/v1/analysis/{unknown}/cancel"), "/v1/analysis/x/retry".to_owned()] {
        assert_eq!(problem(server.post(&path).send().await.unwrap()).await["status"], 404);
    }
    let response = server.post("/v1/limits").send().await.unwrap();
    assert_eq!(header(&response, "allow"), "GET, HEAD");
    assert_eq!(problem(response).await["status"], 405);
    let response = server.client.delete(format!("http://{}/v1/analysis", server.authority));
    let response = response.send().await.unwrap();
    assert_eq!(header(&response, "allow"), "GET, HEAD, POST");
    let misspelt = server.get(&format!("/v1/analysis/{unknown}?veiw=simple"));
    assert_eq!(problem(misspelt.send().await.unwrap()).await["status"], 400);
}

#[tokio::test]
async fn only_listed_origins_may_read_and_none_else_may_write() {
    let origins = Origins::and(["https://app.example".to_owned()]);
    let server = Server::with(Settings { origins, ..Settings::default() }).await;
    let from = |origin: &'static str| server.post("/v1/analysis").header("origin", origin);
    let listed = from("https://app.example").json(&question()).send().await.unwrap();
    assert_eq!(listed.status(), 202);
    assert_eq!(header(&listed, "access-control-allow-origin"), "https://app.example");
    let foreign = from("https://evil.example").json(&question()).send().await.unwrap();
    assert_eq!(header(&foreign, "access-control-allow-origin"), "");
    assert_eq!(problem(foreign).await["code"], "forbidden");
    let preflight = |origin: &'static str| {
        let url = format!("http://{}/v1/analysis", server.authority);
        let request = server.client.request(reqwest::Method::OPTIONS, url).header("origin", origin);
        request.header("access-control-request-method", "POST").send()
    };
    let listed = preflight("https://app.example").await.unwrap();
    assert_eq!(listed.status(), 204);
    assert_eq!(header(&listed, "access-control-allow-methods"), "GET, HEAD, POST, DELETE");
    assert_eq!(preflight("https://evil.example").await.unwrap().status(), 403);
}

#[tokio::test]
async fn limits_and_problems_are_published() {
    let server = Server::start().await;
    let limits = body(server.get("/v1/limits").send().await.unwrap()).await;
    assert_eq!(limits["request_body_bytes_max"], 65_536);
    let registry = body(server.get("/v1/problems").send().await.unwrap()).await;
    let registry = registry["problems"].as_array().unwrap();
    assert_eq!(registry.len(), contracts::Code::ALL.len());
    for entry in registry {
        let path = entry["type"].as_str().unwrap();
        assert_eq!(body(server.get(path).send().await.unwrap()).await, *entry);
    }
    let id = server.submit().await;
    server.store.start(id);
    server.store.change(id, delta("x"));
    let simple = server.get(&format!("/v1/analysis/{id}?view=simple")).send().await.unwrap();
    assert_eq!(body(simple).await["state"], "running", "only a succeeded job is shown simply");
}

#[tokio::test]
async fn validation_stores_nothing() {
    let server = Server::start().await;
    let request = server.post("/v1/analysis?validate_only=true").json(&question());
    assert_eq!(request.send().await.unwrap().status(), 200);
    let page = body(server.get("/v1/analysis").send().await.unwrap()).await;
    assert_eq!(page["jobs"], json!([]));
}
