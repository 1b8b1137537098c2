//! The documents of the API, as they are served.

use reqwest::Method;

use crate::server::{Server, body, header, problem};

#[tokio::test]
async fn the_documents_are_served_as_json_to_whoever_asks_plainly() {
    let server = Server::start().await;
    for (path, key, version) in
        [("/openapi.json", "openapi", "3.1.0"), ("/asyncapi.json", "asyncapi", "3.0.0")]
    {
        let response = server.get(path).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(header(&response, "content-type"), "application/json");
        assert_eq!(body(response).await[key], version);
        let refused = server.get(&format!("{path}?colour=red")).send().await.unwrap();
        assert_eq!(problem(refused).await["status"], 400);
    }
}

#[tokio::test]
async fn the_page_may_run_and_fetch_nothing() {
    let server = Server::start().await;
    let response = server.get("/docs").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), "text/html; charset=utf-8");
    let policy = header(&response, "content-security-policy");
    assert!(policy.starts_with("default-src 'none';"), "{policy}");
    assert!(!policy.contains("script-src"), "{policy}");
    assert_eq!(header(&response, "x-content-type-options"), "nosniff");
    let page = response.text().await.unwrap();
    for told in ["POST</b> <code>/v1/analysis</code>", "job.succeeded", "4420", "worker_lost"] {
        assert!(page.contains(told), "{told}");
    }
}

#[tokio::test]
async fn an_address_answers_to_the_methods_that_the_document_tells_and_no_other() {
    let server = Server::start().await;
    let document = body(server.get("/openapi.json").send().await.unwrap()).await;
    for (path, calls) in document["paths"].as_object().unwrap() {
        let mut told: Vec<String> =
            calls.as_object().unwrap().keys().map(|method| method.to_ascii_uppercase()).collect();
        told.sort();
        let url = format!("http://{}{path}", server.authority);
        for method in [Method::PUT, Method::PATCH, Method::TRACE] {
            let refused = server.client.request(method, &url).send().await.unwrap();
            assert_eq!(refused.status(), 405, "{path}");
            assert_eq!(header(&refused, "allow"), told.join(", "), "{path}");
        }
    }
}
