//! §6: errors are typed, in one registry.

use contracts::Code;
use reqwest::Method;
use serde_json::Value;

use crate::check::{Check, Turn, check};
use crate::fault::{Checked, During as _, equal, holds};
use crate::target::{ANALYSIS, Target};

pub(super) const CHECKS: &[Check] = &[
    check("errors/registry", "every code is published with what it means", |target| {
        Box::pin(registry(target))
    }),
    check("errors/addresses", "an unknown address is a 404, a wrong method a 405", |target| {
        Box::pin(addresses(target))
    }),
    check("errors/parameters", "an unknown, repeated or wrong parameter is a 400", |target| {
        Box::pin(parameters(target))
    }),
    check(
        "errors/answers",
        "every answer of this run has X-Request-Id and its media type",
        |target| Box::pin(async { target.observed().answers() }),
    )
    .at(Turn::Last),
    check("errors/problems", "every error of this run is a problem of the registry", |target| {
        Box::pin(async { target.observed().problems() })
    })
    .at(Turn::Last),
];

async fn registry(target: &Target) -> Checked {
    let all = target.get("/v1/problems").send().await?.of_status(200)?;
    let entries = all.json()?["problems"].as_array().cloned().unwrap_or_default();
    for code in Code::ALL {
        let entry = entries.iter().find(|entry| entry["code"] == code.as_str());
        let published = entry.ok_or(()).or_else(|()| {
            holds(false, format!("no entry of {code}"), "every code of the contract")
                .map(|()| &Value::Null)
        })?;
        equal(format!("retryable of {code}"), &published["retryable"], &retryable(*code))?;
    }
    for entry in &entries {
        let path = entry["type"].as_str().unwrap_or_default();
        let one = target.get(path).send().await?.of_status(200)?;
        equal(path, one.json()?, entry)?;
        let status = entry["status"].as_u64().unwrap_or_default();
        holds((400..600).contains(&status), entry, "a status of an error")?;
    }
    Ok(())
}

fn retryable(code: Code) -> Value {
    code.retryable().map_or(Value::Null, Value::from)
}

async fn addresses(target: &Target) -> Checked {
    let unknown = crate::jobs::path_of(&contracts::JobId::new().to_string());
    for path in ["/v1/nothing", "/v1/problems/nothing", "/v1/analysis/not-an-id/nothing"] {
        target.get(path).send().await?.problem(404, "not_found")?;
    }
    for (method, path) in [
        (Method::PUT, ANALYSIS),
        (Method::PATCH, unknown.as_str()),
        (Method::POST, "/v1/limits"),
        (Method::DELETE, "/v1/problems"),
    ] {
        let answer = target.call(method, path).send().await?;
        let answer = answer.problem(405, "invalid_request")?;
        holds(answer.has_header("allow"), format!("{}: no Allow", answer.call()), "Allow")?;
    }
    // A client that takes no JSON is either given it nevertheless or told so (RFC 9110, 15.5.7).
    let answer = target.get("/v1/limits").header("accept", "image/png").send().await?;
    answer.of_one(&[200, 406]).map(drop)
}

async fn parameters(target: &Target) -> Checked {
    for path in [
        "/v1/analysis?veiw=simple",
        "/v1/analysis?page_size=0",
        "/v1/analysis?page_size=1001",
        "/v1/analysis?page_size=x",
        "/v1/analysis?page_size=1&page_size=2",
        "/v1/analysis?state=done",
        "/v1/analysis?created_after=yesterday",
        "/v1/limits?x=1",
    ] {
        target.get(path).send().await?.problem(400, "invalid_request").during(path)?;
    }
    let job = target.submit(&crate::jobs::plain()).await?;
    for query in ["after=-1", "after=x", "limit=0", "limit=1001", "afterwards=1"] {
        let path = format!("{}?{query}", job.events);
        target.get(&path).send().await?.problem(400, "invalid_request").during(query)?;
    }
    for query in ["view=full", "wait=1", "after_version=x", "after_version=1&wait=x"] {
        let path = format!("{}?{query}", job.path);
        target.get(&path).send().await?.problem(400, "invalid_request").during(query)?;
    }
    target.abandon(&job).await
}
