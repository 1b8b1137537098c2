//! §2: the same key and the same request are the same job.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use serde_json::{Value, json};

use crate::check::{Check, check};
use crate::fault::{Checked, During as _, equal, holds};
use crate::jobs::{JobRef, plain, with};
use crate::target::{ANALYSIS, Answer, Target};

pub(super) const CHECKS: &[Check] = &[
    check("idempotency/concurrent", "fifty posts of one key at once are one job", |target| {
        Box::pin(concurrent(target))
    }),
    check("idempotency/request", "a key is good for one request, as it was sent", |target| {
        Box::pin(other_request(target))
    }),
    check("idempotency/keys", "a key has 1 to 255 visible ASCII characters", |target| {
        Box::pin(keys(target))
    }),
    check("idempotency/ended", "the replay of an ended job is a 200 with the job", |target| {
        Box::pin(ended(target))
    }),
];

/// Posts of one key at the same time.
const AT_ONCE: usize = 50;

async fn post(target: &Target, key: &str, body: &Value) -> Checked<Answer> {
    target.submission(body).header("idempotency-key", key).send().await
}

fn is_replay(answer: &Answer) -> bool {
    answer.header("idempotency-replayed") == "true"
}

async fn concurrent(target: &Target) -> Checked {
    let (key, mark) = (target.unique(), target.unique());
    let body = with(plain(), &json!({"labels": {"mark": mark}}));
    let posts = (0..AT_ONCE).map(|_| post(target, &key, &body));
    let answers = try_join_all(posts).await?;
    let mut ids = BTreeSet::new();
    let mut created = None;
    let mut firsts = 0;
    for answer in answers {
        firsts += usize::from(!is_replay(&answer));
        // A replay is 200 once the job has ended.
        let answer =
            if is_replay(&answer) { answer.of_one(&[200, 202])? } else { answer.of_status(202)? };
        let job = answer.json()?;
        ids.insert(job["id"].as_str().unwrap_or_default().to_owned());
        let same: Vec<Value> =
            ["created_at", "deadline_at", "company_name", "question", "trace_id"]
                .map(|field| job[field].clone())
                .to_vec();
        equal("what never changes of the job", &same, created.get_or_insert_with(|| same.clone()))?;
        let location = answer.header("location");
        holds(!location.is_empty(), format!("{}: no Location", answer.call()), "Location")?;
    }
    equal("the number of jobs that were answered", ids.len(), 1)?;
    equal("the number of answers that are no replay", firsts, 1)?;
    for filter in [format!("label.mark={mark}"), format!("idempotency_key={key}")] {
        let list = target.get(&format!("{ANALYSIS}?{filter}")).send().await?.of_status(200)?;
        let jobs = list.json()?["jobs"].as_array().map(Vec::len);
        equal(format!("the number of jobs of {filter}"), jobs, Some(1))?;
    }
    Ok(())
}

async fn other_request(target: &Target) -> Checked {
    let key = target.unique();
    let first = post(target, &key, &plain()).await?.of_status(202)?;
    holds(!is_replay(&first), &first, "no Idempotency-Replayed on a first answer")?;
    let padded = with(plain(), &json!({"question": format!("  {}\n", text(&plain()))}));
    let same = post(target, &key, &padded).await?.of_one(&[200, 202])?;
    holds(is_replay(&same), &same, "Idempotency-Replayed: true, for text is trimmed")?;
    equal("the id", &same.json()?["id"], &first.json()?["id"])?;
    for fields in [
        json!({"question": "Another question?"}),
        json!({"company_name": "Another company"}),
        json!({"labels": {"a": "b"}}),
        // Defaults are not filled in.
        json!({"max_attempts": 5}),
    ] {
        let other = post(target, &key, &with(plain(), &fields)).await?;
        other.problem(422, "idempotency_key_reused").during(&fields)?;
    }
    // A request that is invalid is told so, and leaves the key free.
    let free = target.unique();
    let invalid = with(plain(), &json!({"priority": 10}));
    post(target, &free, &invalid).await?.problem(422, "invalid_request")?;
    post(target, &free, &plain()).await?.of_status(202).map(drop)
}

async fn keys(target: &Target) -> Checked {
    let longest = format!("{:k<255}", target.unique());
    for good in ["!~".to_owned() + &target.unique(), longest] {
        let answer = post(target, &good, &plain()).await?;
        answer.of_status(202).during(format!("a key of {} characters", good.len()))?;
    }
    for bad in [String::new(), "a b".to_owned(), "k".repeat(256), "ü".to_owned()] {
        let answer = post(target, &bad, &plain()).await?;
        answer.problem(400, "invalid_request").during(format!("the key {bad:?}"))?;
    }
    let twice = target.submission(&plain()).header("idempotency-key", "a");
    let twice = twice.header("idempotency-key", "b").send().await?;
    twice.problem(400, "invalid_request").during("two keys").map(drop)
}

async fn ended(target: &Target) -> Checked {
    let key = target.unique();
    let first = post(target, &key, &plain()).await?.of_status(202)?;
    let ended = target.ended(&JobRef::of(first.json()?)?).await?;
    for server in 0..target.servers() {
        let call = target.submission(&plain()).header("idempotency-key", key.clone());
        let again = call.on_server(server).send().await?.of_status(200)?;
        holds(is_replay(&again), &again, "Idempotency-Replayed: true")?;
        equal("the replayed job", again.json()?, &ended)?;
    }
    Ok(())
}

fn text(body: &Value) -> &str {
    body["question"].as_str().unwrap_or_default()
}
