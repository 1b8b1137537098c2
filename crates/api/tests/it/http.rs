//! Requests and answers.

use std::time::{Duration, Instant};

use contracts::JobState;
use serde_json::{Value, json};

use crate::server::{Server, body, header, id_of, problem, question};

#[tokio::test]
async fn an_accepted_job_is_there_at_its_location() {
    let server = Server::start().await;
    let response = server.post("/v1/analysis").json(&question()).send().await.unwrap();
    assert_eq!(response.status(), 202);
    let location = header(&response, "location").to_owned();
    let job = body(response).await;
    assert_eq!(job["state"], "queued");
    assert_eq!(location, format!("/v1/analysis/{}", id_of(&job)));
    let read = server.get(&location).send().await.unwrap();
    assert_eq!((read.status().as_u16(), header(&read, "etag")), (200, "W/\"1\""));
    assert_eq!(header(&read, "retry-after"), "1");
    assert_eq!(body(read).await["id"], job["id"]);
}

#[tokio::test]
async fn the_same_key_is_the_same_job() {
    let server = Server::start().await;
    let post = |body: Value| {
        let request = server.post("/v1/analysis").header("idempotency-key", "k1").json(&body);
        async move { request.send().await.unwrap() }
    };
    let first = post(question()).await;
    assert_eq!(header(&first, "idempotency-replayed"), "");
    let id = id_of(&body(first).await);
    let again = post(question()).await;
    assert_eq!((again.status().as_u16(), header(&again, "idempotency-replayed")), (202, "true"));
    assert_eq!(id_of(&body(again).await), id);
    server.store.start(id);
    server.store.fail(id);
    let ended = post(question()).await;
    assert_eq!((ended.status().as_u16(), header(&ended, "idempotency-replayed")), (200, "true"));
    let other = post(json!({"company_name": "3M", "question": "another"})).await;
    assert_eq!(problem(other).await["code"], "idempotency_key_reused");
    let bad = server.post("/v1/analysis").header("idempotency-key", "a b").json(&question());
    assert_eq!(problem(bad.send().await.unwrap()).await["status"], 400);
}

#[tokio::test]
async fn a_preferred_wait_ends_with_the_job() {
    let server = Server::start().await;
    let request = server.post("/v1/analysis").header("prefer", "wait=999").json(&question());
    let waiting = tokio::spawn(request.send());
    let id = only_job(&server).await;
    server.store.start(id);
    server.store.fail(id);
    let response = waiting.await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "preference-applied"), "wait=60");
    assert_eq!(body(response).await["state"], "failed");
    let short = server.post("/v1/analysis").header("prefer", "wait=1").json(&question());
    let response = short.send().await.unwrap();
    assert_eq!(response.status(), 202);
    assert_eq!(body(response).await["state"], "queued");
}

/// The only job there is, once there is one.
async fn only_job(server: &Server) -> contracts::JobId {
    let deadline = Instant::now() + crate::server::DEADLINE;
    while Instant::now() < deadline {
        let page = body(server.get("/v1/analysis").send().await.unwrap()).await;
        if let Some(job) = page["jobs"].as_array().and_then(|jobs| jobs.first()) {
            return id_of(job);
        }
    }
    panic!("no job was stored");
}

#[tokio::test]
async fn a_known_version_is_not_sent_again() {
    let server = Server::start().await;
    let path = format!("/v1/analysis/{}", server.submit().await);
    let read = |etag: &'static str| server.get(&path).header("if-none-match", etag).send();
    let unchanged = read("W/\"1\"").await.unwrap();
    assert_eq!((unchanged.status().as_u16(), header(&unchanged, "etag")), (304, "W/\"1\""));
    assert_eq!(read("W/\"2\"").await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_long_poll_is_answered_when_the_job_moves_on() {
    let server = Server::start().await;
    let id = server.submit().await;
    let path = format!("/v1/analysis/{id}");
    let waiting = tokio::spawn(server.get(&format!("{path}?after_version=1&wait=20")).send());
    server.store.start(id);
    let job = body(waiting.await.unwrap().unwrap()).await;
    assert_eq!((job["state"].as_str().unwrap(), job["version"].as_u64().unwrap()), ("running", 2));

    let behind = server.get(&format!("{path}?after_version=1&wait=60")).send().await.unwrap();
    assert_eq!(behind.status(), 200);
    let begun = Instant::now();
    let idle = server.get(&format!("{path}?after_version=2&wait=1")).send().await.unwrap();
    assert_eq!((idle.status().as_u16(), begun.elapsed() >= Duration::from_secs(1)), (200, true));
    let ahead = server.get(&format!("{path}?after_version=3&wait=60")).send().await.unwrap();
    assert_eq!(problem(ahead).await["code"], "cursor_ahead");
    let alone = server.get(&format!("{path}?wait=1")).send().await.unwrap();
    assert_eq!(problem(alone).await["status"], 400);
}

#[tokio::test]
async fn a_place_in_the_queue_moves_without_a_version() {
    let server = Server::start().await;
    server.store.move_to(7);
    let post = || server.post("/v1/analysis").header("idempotency-key", "k1").json(&question());
    let accepted = body(post().send().await.unwrap()).await;
    assert_eq!(accepted["queue_position"], Value::Null, "who wants to know it reads the job");
    assert_eq!(body(post().send().await.unwrap()).await["queue_position"], 7, "a replay is a read");
    let path = format!("/v1/analysis/{}", id_of(&accepted));
    let waiting = tokio::spawn(server.get(&format!("{path}?after_version=1&wait=30")).send());
    for position in [7, 3, 1] {
        server.store.move_to(position);
        let read = server.get(&path).send().await.unwrap();
        assert_eq!(header(&read, "etag"), "W/\"1\"");
        assert_eq!(body(read).await["queue_position"], position);
        let known = server.get(&path).header("if-none-match", "W/\"1\"").send().await.unwrap();
        assert_eq!(known.status(), 304);
    }
    let page = body(server.get("/v1/analysis").send().await.unwrap()).await;
    assert_eq!(page["jobs"][0]["queue_position"], Value::Null, "a list has none");
    server.store.start(id_of(&accepted));
    let moved_on = body(waiting.await.unwrap().unwrap()).await;
    assert_eq!((&moved_on["version"], &moved_on["state"]), (&json!(2), &json!("running")));
    assert_eq!(moved_on["queue_position"], Value::Null, "it does not wait any more");
}

#[tokio::test]
async fn cancel_has_three_answers() {
    let server = Server::start().await;
    let cancel = |id| server.post(&format!("/v1/analysis/{id}/cancel")).send();

    let queued = server.submit().await;
    for _ in 0..2 {
        let response = cancel(queued).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(body(response).await["state"], "cancelled");
    }
    let running = server.submit().await;
    server.store.start(running);
    let with_reason = server.post(&format!("/v1/analysis/{running}/cancel"));
    let response = with_reason.json(&json!({"reason": "enough"})).send().await.unwrap();
    assert_eq!(response.status(), 202);
    assert_eq!(body(response).await["state"], "cancelling");
    let ended = server.ended_job(4).await;
    let response = cancel(ended).await.unwrap();
    assert_eq!(response.status(), 409);
    let problem = problem(response).await;
    assert_eq!(problem["code"], "job_already_terminal");
    assert_eq!(problem["job"]["state"], "failed");
}

#[tokio::test]
async fn a_retry_is_a_new_job_that_names_the_old_one() {
    let server = Server::start().await;
    let id = server.submit().await;
    let retry = || server.post(&format!("/v1/analysis/{id}/retry"));
    let early = retry().send().await.unwrap();
    assert_eq!(early.status(), 409);
    let early = problem(early).await;
    assert_eq!(
        (&early["code"], &early["job"]["state"]),
        (&"job_not_terminal".into(), &"queued".into())
    );
    server.store.start(id);
    server.store.fail(id);
    let refused = retry().json(&json!({"timeout_s": 5})).send().await.unwrap();
    assert_eq!(problem(refused).await["errors"][0]["pointer"], "/timeout_s");
    let first = retry().header("idempotency-key", "again").send().await.unwrap();
    assert_eq!(first.status(), 202);
    let first = body(first).await;
    assert_eq!(first["retry_of"], id.to_string());
    let second = retry().header("idempotency-key", "again").send().await.unwrap();
    assert_eq!(header(&second, "idempotency-replayed"), "true");
    assert_eq!(body(second).await["id"], first["id"]);
}

#[tokio::test]
async fn a_list_is_paged_by_tokens_of_its_own() {
    let server = Server::start().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        let mut question = question();
        question["labels"] = json!({"parity": if number % 2 == 0 { "even" } else { "odd" }});
        let response = server.post("/v1/analysis").json(&question).send().await.unwrap();
        ids.push(id_of(&body(response).await));
    }
    ids.reverse();
    let page =
        async |query: &str| server.get(&format!("/v1/analysis?{query}")).send().await.unwrap();
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let query = format!("page_size=2{token}");
        let got = body(page(&query).await).await;
        seen.extend(got["jobs"].as_array().unwrap().iter().map(id_of));
        match got["next_page_token"].as_str() {
            Some(next) => token = format!("&page_token={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ids);
    let even = body(page("label.parity=even&state=queued").await).await;
    assert_eq!(even["jobs"].as_array().unwrap().len(), 3);
    for bad in [
        format!("label.parity=odd{token}"),
        "page_token=zz".to_owned(),
        "state=sleeping".to_owned(),
        "page_size=0".to_owned(),
        "created_after=yesterday".to_owned(),
        "colour=red".to_owned(),
        "state=queued&state=failed".to_owned(),
    ] {
        assert_eq!(problem(page(&bad).await).await["status"], 400, "{bad}");
    }
}

#[tokio::test]
async fn every_state_can_be_asked_for() {
    let server = Server::start().await;
    for state in JobState::ALL {
        let response = server.get(&format!("/v1/analysis?state={state}")).send().await.unwrap();
        assert_eq!(response.status(), 200, "{state}");
    }
}

#[tokio::test]
async fn a_page_of_the_log_says_where_to_go_on() {
    let server = Server::start().await;
    let id = server.ended_job(7).await;
    let page = async |query: &str| {
        server.get(&format!("/v1/analysis/{id}/events{query}")).send().await.unwrap()
    };
    let first = body(page("?limit=3").await).await;
    assert_eq!((&first["next_after"], &first["head"]), (&3.into(), &7.into()));
    let rest = body(page("?after=3").await).await;
    assert_eq!(rest["events"].as_array().unwrap().len(), 4);
    assert_eq!(rest["events"][0]["sequence"], "0000000004");
    assert_eq!(problem(page("?after=8").await).await["code"], "cursor_ahead");
    for bad in ["?limit=0", "?limit=1001", "?after=-1", "?cursor=1"] {
        assert_eq!(problem(page(bad).await).await["status"], 400, "{bad}");
    }
    server.store.head(id);
}

#[tokio::test]
async fn requests_and_traces_keep_their_ids() {
    let server = Server::start().await;
    let trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
    let response = server
        .post("/v1/analysis")
        .header("traceparent", format!("00-{trace_id}-00f067aa0ba902b7-01"))
        .header("x-request-id", "mine-1")
        .json(&question())
        .send()
        .await
        .unwrap();
    assert_eq!(header(&response, "x-request-id"), "mine-1");
    assert_eq!(body(response).await["trace_id"], trace_id);
    let refused = server.get("/nothing").header("x-request-id", "has space");
    let refused = refused.header("traceparent", format!("00-{trace_id}-00f067aa0ba902b7-01"));
    let response = refused.send().await.unwrap();
    assert_eq!(header(&response, "x-request-id").len(), 36);
    assert_eq!(problem(response).await["trace_id"], trace_id);
}

#[tokio::test]
async fn what_can_be_read_can_be_asked_about_without_its_body() {
    let server = Server::start().await;
    let id = server.submit().await;
    for path in [
        "/v1/analysis".to_owned(),
        format!("/v1/analysis/{id}"),
        format!("/v1/analysis/{id}/events"),
        "/v1/limits".to_owned(),
        "/v1/problems".to_owned(),
        "/v1/problems/gone".to_owned(),
        "/healthz".to_owned(),
        "/readyz".to_owned(),
    ] {
        let url = format!("http://{}{path}", server.authority);
        let head = server.client.head(&url).header("accept", "text/event-stream");
        let head = head.send().await.unwrap();
        assert_eq!(
            (head.status().as_u16(), header(&head, "content-type")),
            (200, "application/json")
        );
        let get = server.client.get(&url).send().await.unwrap();
        assert_eq!(header(&head, "etag"), header(&get, "etag"));
        assert_eq!(head.text().await.unwrap(), "");
    }
}
