//! §2: lists of jobs.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use serde_json::{Value, json};

use crate::check::{Check, check};
use crate::fault::{Checked, During as _, Fault, equal, holds};
use crate::jobs::{asking, plain, with};
use crate::target::{ANALYSIS, Answer, Target};

pub(super) const CHECKS: &[Check] = &[
    check("list/order", "newest first, by created_at and id; each job once", |target| {
        Box::pin(order(target))
    }),
    check("list/stable", "pages stay what they are while jobs are added", |target| {
        Box::pin(stable(target))
    }),
    check("list/filters", "each filter gives the jobs that it names", |target| {
        Box::pin(filters(target))
    }),
    check("list/tokens", "a page token is good for its own list alone", |target| {
        Box::pin(tokens(target))
    }),
];

/// Jobs of one list.
const JOBS: usize = 12;

/// Submits some jobs at once with a mark of their own; returns the mark and the ids.
async fn marked(target: &Target) -> Checked<(String, BTreeSet<String>)> {
    let mark = target.unique();
    let body = with(asking("Listed?"), &json!({"labels": {"mark": mark}}));
    let jobs = try_join_all((0..JOBS).map(|_| target.submit(&body))).await?;
    Ok((mark, jobs.into_iter().map(|job| job.id).collect()))
}

async fn page(target: &Target, query: &str) -> Checked<Answer> {
    target.get(&format!("{ANALYSIS}?{query}")).send().await?.of_status(200).during(query)
}

fn jobs_of(page: &Answer) -> Checked<&[Value]> {
    let jobs = page.json()?["jobs"].as_array();
    jobs.map(Vec::as_slice).ok_or_else(|| Fault::breach(page.to_string(), "a page of jobs"))
}

/// The ids of a whole list, read in pages of this size; `between` runs before each further page.
async fn walk<F: Future<Output = Checked>>(
    target: &Target,
    filter: &str,
    size: usize,
    between: impl Fn() -> F,
) -> Checked<Vec<Value>> {
    let mut jobs: Vec<Value> = Vec::new();
    let mut query = format!("{filter}&page_size={size}");
    loop {
        let answer = page(target, &query).await?;
        let some = jobs_of(&answer)?;
        holds(some.len() <= size, &answer, format!("at most {size} jobs"))?;
        jobs.extend_from_slice(some);
        let Some(token) = answer.json()?["next_page_token"].as_str() else { return Ok(jobs) };
        holds(jobs.len() <= 10 * JOBS, "a list that does not end", "the last page has no token")?;
        query = format!("{filter}&page_size={size}&page_token={token}");
        between().await?;
    }
}

async fn order(target: &Target) -> Checked {
    let (mark, ids) = marked(target).await?;
    for size in [1, 5, JOBS, 1_000] {
        let jobs = walk(target, &format!("label.mark={mark}"), size, async || Ok(())).await?;
        let listed: Vec<&str> = jobs.iter().filter_map(|job| job["id"].as_str()).collect();
        equal(format!("the number of jobs in pages of {size}"), listed.len(), ids.len())?;
        let once: BTreeSet<String> = listed.iter().map(|id| (*id).to_owned()).collect();
        equal("the jobs of the list", &once, &ids)?;
        let place = |job: &Value| (job["created_at"].to_string(), job["id"].to_string());
        let places: Vec<_> = jobs.iter().map(place).collect();
        let is_ordered = places.windows(2).all(|pair| pair[0] > pair[1]);
        holds(is_ordered, json!(places), "created_at and id descending")?;
    }
    Ok(())
}

async fn stable(target: &Target) -> Checked {
    let (mark, ids) = marked(target).await?;
    let body = with(asking("Added?"), &json!({"labels": {"mark": mark}}));
    let add = || async { target.submit(&body).await.map(drop) };
    let jobs = walk(target, &format!("label.mark={mark}"), 3, add).await?;
    let listed: Vec<String> =
        jobs.iter().filter_map(|job| job["id"].as_str()).map(str::to_owned).collect();
    let once: BTreeSet<String> = listed.iter().cloned().collect();
    equal("jobs listed once", once.len(), listed.len())?;
    equal("the jobs that were there when the walk began", &once, &ids)
}

async fn filters(target: &Target) -> Checked {
    let mark = target.unique();
    let fields =
        json!({"company_name": format!("Company {mark}"), "labels": {"mark": mark, "n": "1"}});
    let (job, ended) = target.run(&with(plain(), &fields)).await?;
    let created = ended["created_at"].as_str().unwrap_or_default().to_owned();
    let state = ended["state"].as_str().unwrap_or_default().to_owned();
    let marked = format!("label.mark={mark}");
    for (filter, is_listed) in [
        (format!("company=Company%20{mark}"), true),
        (format!("company=company%20{mark}x"), false),
        (format!("{marked}&label.n=1"), true),
        (format!("{marked}&label.n=2"), false),
        (format!("{marked}&label.other=1"), false),
        (format!("{marked}&state={state}"), true),
        (format!("{marked}&state=queued"), false),
        (format!("{marked}&created_before={created}&created_after={created}"), false),
        (format!("{marked}&created_after=2020-01-01T00:00:00Z"), true),
        (format!("{marked}&created_before=2020-01-01T00:00:00Z"), false),
        ("idempotency_key=nobody-used-this".to_owned(), false),
    ] {
        let answer = page(target, &filter).await?;
        let ids: Vec<&Value> = jobs_of(&answer)?.iter().map(|job| &job["id"]).collect();
        let id = Value::from(job.id.clone());
        let expected = if is_listed { vec![&id] } else { Vec::new() };
        equal(format!("the list of {filter}"), ids, expected)?;
    }
    Ok(())
}

async fn tokens(target: &Target) -> Checked {
    let (mark, _) = marked(target).await?;
    let filter = format!("label.mark={mark}");
    let first = page(target, &format!("{filter}&page_size=1")).await?;
    let token = first.json()?["next_page_token"].as_str().unwrap_or_default().to_owned();
    holds(!token.is_empty(), &first, "a next_page_token")?;
    for server in 0..target.servers() {
        let path = format!("{ANALYSIS}?{filter}&page_size=1&page_token={token}");
        target.get(&path).on_server(server).send().await?.of_status(200)?;
    }
    for query in [
        format!("{filter}&page_token=rubbish"),
        format!("{filter}&page_token="),
        format!("{filter}&page_token={}", "0".repeat(token.len())),
        format!("page_token={token}"),
        format!("{filter}&state=queued&page_token={token}"),
    ] {
        let answer = target.get(&format!("{ANALYSIS}?{query}")).send().await?;
        answer.problem(400, "invalid_request").during(query)?;
    }
    Ok(())
}
