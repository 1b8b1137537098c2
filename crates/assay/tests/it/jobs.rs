//! Jobs over HTTP.

use serde_json::{Value, json};

use crate::client::{asking, body, header, problem};
use crate::system::start;

#[tokio::test]
async fn a_question_is_answered_with_its_sources() {
    let (system, _dir) = start().await;
    let client = &system.client;
    let request = client.post("/v1/analysis").header("prefer", "wait=60");
    let response = request.json(&asking("What is the answer?")).send().await.unwrap();
    assert_eq!(
        (response.status().as_u16(), header(&response, "preference-applied")),
        (200, "wait=60")
    );
    let path = header(&response, "location").to_owned();
    let job = body(response).await;
    assert_eq!(job["state"], "succeeded", "{job}");
    assert_eq!(job["result"]["model"], "scripted");
    let timeline = &job["timeline"];
    assert!(["queued_ms", "running_ms", "backoff_ms"].iter().all(|part| timeline[*part].is_u64()));

    let log = client.log(&path).await;
    assert_eq!(log.len() as u64, job["version"].as_u64().unwrap());
    let retrieved: Vec<&Value> =
        log.iter().filter(|event| event["type"] == "source.retrieved").collect();
    for source in job["result"]["sources"].as_array().unwrap() {
        assert!(retrieved.iter().any(|event| event["data"]["source"]["id"] == source["id"]));
    }
    let simple = body(client.get(&format!("{path}?view=simple")).send().await.unwrap()).await;
    let fields: Vec<&String> = simple.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["confidence", "sources", "summary"]);
    assert_eq!(simple["summary"], job["result"]["summary"]);
    assert!(simple["sources"][0].is_string() && simple["confidence"].is_number());
    system.stop().await;
}

#[tokio::test]
async fn an_invalid_body_is_refused_and_stores_nothing() {
    let (system, _dir) = start().await;
    let client = &system.client;
    for (sent, pointer) in [
        (json!({"company_name": "3M", "question": "a\u{0}b"}), "/question"),
        (json!({"company_name": "3M", "question": "q", "colour": "red"}), "/colour"),
        (json!({"company_name": "", "question": "q"}), "/company_name"),
        (json!({"company_name": "3M", "question": "x".repeat(4_001)}), "/question"),
        (json!({"company_name": "3M", "question": "q", "timeout_s": 1}), "/timeout_s"),
    ] {
        let response = client.post("/v1/analysis").json(&sent).send().await.unwrap();
        let (status, problem) = problem(response).await;
        assert_eq!((status, &problem["code"]), (422, &"invalid_request".into()));
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
    let megabyte = asking(&"x".repeat(1_000_000));
    let response = client.post("/v1/analysis").json(&megabyte).send().await.unwrap();
    let (status, refused) = problem(response).await;
    assert_eq!((status, &refused["code"]), (413, &"payload_too_large".into()));
    let request = client.post("/v1/analysis").header("content-type", "application/json");
    let (status, _) = problem(request.body("{\"company_name\"").send().await.unwrap()).await;
    assert_eq!(status, 400);
    assert_eq!(client.get("/readyz").send().await.unwrap().status(), 200);
    let page = body(client.get("/v1/analysis").send().await.unwrap()).await;
    assert_eq!(page, json!({"jobs": []}));
    system.stop().await;
}

#[tokio::test]
async fn one_key_is_one_job() {
    let (system, _dir) = start().await;
    let client = &system.client;
    let post = |question: &str| {
        let request = client.post("/v1/analysis").header("idempotency-key", "once");
        request.json(&asking(question)).send()
    };
    let posts = (0..8).map(|_| post("same"));
    let responses = futures_util::future::join_all(posts).await;
    let mut ids = Vec::new();
    let mut replays = 0;
    for response in responses {
        let response = response.unwrap();
        assert!([200, 202].contains(&response.status().as_u16()));
        replays += u32::from(header(&response, "idempotency-replayed") == "true");
        ids.push(body(response).await["id"].clone());
    }
    ids.dedup();
    assert_eq!((ids.len(), replays), (1, 7));
    client.ended(&format!("/v1/analysis/{}", ids[0].as_str().unwrap())).await;
    let ended = post("same").await.unwrap();
    assert_eq!((ended.status().as_u16(), header(&ended, "idempotency-replayed")), (200, "true"));
    let (status, reused) = problem(post("other").await.unwrap()).await;
    assert_eq!((status, &reused["code"]), (422, &"idempotency_key_reused".into()));
    let found = client.get("/v1/analysis?idempotency_key=once").send().await.unwrap();
    assert_eq!(body(found).await["jobs"].as_array().unwrap().len(), 1);
    system.stop().await;
}

#[tokio::test]
async fn a_cancel_ends_a_job_or_tells_how_it_ended() {
    let (system, _dir) = start().await;
    let client = &system.client;
    let running = client.submit("script: delay_ms=30000").await;
    client.once_in(&running, "running").await;
    let cancel = |path: &str| client.post(&format!("{path}/cancel")).send();
    let response = cancel(&running).await.unwrap();
    assert_eq!(response.status(), 202);
    assert_eq!(body(response).await["state"], "cancelling");
    let cancelled = client.ended(&running).await;
    assert_eq!(
        (&cancelled["state"], &cancelled["error"]["code"]),
        (&"cancelled".into(), &"cancelled_by_client".into())
    );
    assert_eq!(cancel(&running).await.unwrap().status(), 200);

    let done = client.submit("quick").await;
    client.ended(&done).await;
    let (status, refused) = problem(cancel(&done).await.unwrap()).await;
    assert_eq!((status, &refused["code"]), (409, &"job_already_terminal".into()));
    assert_eq!(refused["job"]["state"], "succeeded");
    system.stop().await;
}

#[tokio::test]
async fn a_retry_takes_over_what_is_done() {
    let (system, _dir) = start().await;
    let client = &system.client;
    let failed = client.submit("script: fail=permanent").await;
    let old = client.ended(&failed).await;
    let retry = |path: &str| client.post(&format!("{path}/retry")).send();
    let response = retry(&failed).await.unwrap();
    assert_eq!(response.status(), 202);
    let path = header(&response, "location").to_owned();
    assert_eq!(body(response).await["retry_of"], old["id"]);
    client.ended(&path).await;
    let log = client.log(&path).await;
    let taken_over: Vec<&Value> = log
        .iter()
        .filter(|event| event["data"]["taken_over_from"] == old["id"])
        .map(|event| &event["data"]["step"])
        .collect();
    assert!(taken_over.contains(&&Value::from("retrieve")), "{log:?}");

    let running = client.submit("script: delay_ms=30000").await;
    client.once_in(&running, "running").await;
    let (status, refused) = problem(retry(&running).await.unwrap()).await;
    assert_eq!((status, &refused["code"]), (409, &"job_not_terminal".into()));
    client.post(&format!("{running}/cancel")).send().await.unwrap();
    system.stop().await;
}

#[tokio::test]
async fn a_job_that_fails_for_a_while_succeeds_in_a_later_attempt() {
    let (system, _dir) = start().await;
    let client = &system.client;
    let job = client.ended(&client.submit("script: fail=transient*2").await).await;
    assert_eq!((&job["state"], &job["attempt"]), (&"succeeded".into(), &3.into()), "{job}");
    assert_eq!(job["failures"], 2);
    system.stop().await;
}

#[tokio::test]
async fn jobs_are_listed_newest_first_page_by_page() {
    let (system, _dir) = start().await;
    let client = &system.client;
    let mut paths = Vec::new();
    for number in 0..7 {
        paths.push(client.submit(&format!("question {number}")).await);
    }
    for path in &paths {
        client.ended(path).await;
    }
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let query = format!("/v1/analysis?state=succeeded&page_size=3{token}");
        let page = body(client.get(&query).send().await.unwrap()).await;
        let jobs = page["jobs"].as_array().unwrap();
        assert!(jobs.len() <= 3);
        seen.extend(jobs.iter().map(|job| job["links"]["self"].as_str().unwrap().to_owned()));
        match page["next_page_token"].as_str() {
            Some(next) => token = format!("&page_token={next}"),
            None => break,
        }
    }
    paths.reverse();
    assert_eq!(seen, paths);
    let foreign = client.get(&format!("/v1/analysis?state=failed&page_size=3{token}"));
    assert_eq!(problem(foreign.send().await.unwrap()).await.0, 400);
    system.stop().await;
}

#[tokio::test]
async fn a_version_is_the_entity_tag_and_the_cursor_of_a_long_poll() {
    let (system, _dir) = start().await;
    let client = &system.client;
    let path = client.submit("quick").await;
    let job = client.ended(&path).await;
    let etag = format!("W/\"{}\"", job["version"]);
    let response = client.get(&path).header("if-none-match", &etag).send().await.unwrap();
    assert_eq!((response.status().as_u16(), header(&response, "etag")), (304, etag.as_str()));
    let ahead = job["version"].as_u64().unwrap() + 1;
    let response =
        client.get(&format!("{path}?after_version={ahead}&wait=5")).send().await.unwrap();
    let (status, refused) = problem(response).await;
    assert_eq!((status, &refused["code"]), (409, &"cursor_ahead".into()));
    system.stop().await;
}
