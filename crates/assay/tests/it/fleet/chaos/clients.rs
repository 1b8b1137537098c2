//! Those who submit jobs, and send again until they are told that they were accepted.

use std::time::Duration;

use contracts::Job;
use rand::Rng as _;
use rand::rngs::SmallRng;
use reqwest::Response;
use serde_json::{Value, json};

use super::GATEWAYS;
use crate::client::{Client, header};
use crate::process::PATIENCE;

/// What an answer may take before the request is sent again.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// The wait before a request is sent again.
const PAUSE: Duration = Duration::from_millis(100);

/// A job that was accepted.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) job: Job,
    /// Requests without an answer that says what became of it.
    pub(super) resent: usize,
}

/// Submits job number `n` until it is accepted, and every tenth once more: it is one job.
pub(super) async fn submit(
    clients: &[Client; GATEWAYS],
    random: &mut SmallRng,
    n: usize,
) -> Accepted {
    let (key, body) = (format!("chaos-{n}"), body(random));
    let first = n % GATEWAYS;
    let (response, resent) = send(clients, first, &key, &body).await;
    let job: Job = response.json().await.unwrap();
    if n.is_multiple_of(10) {
        let (response, _) = send(clients, first + 1, &key, &body).await;
        assert_eq!(header(&response, "idempotency-replayed"), "true");
        let again: Job = response.json().await.unwrap();
        assert_eq!(again.id, job.id, "one key made two jobs");
    }
    Accepted { job, resent }
}

/// Asks one gateway after the other, from the one numbered `first`.
async fn send(
    clients: &[Client; GATEWAYS],
    first: usize,
    key: &str,
    body: &Value,
) -> (Response, usize) {
    let end = tokio::time::Instant::now() + PATIENCE * 2;
    let mut resent = 0;
    loop {
        let client = &clients[(first + resent) % GATEWAYS];
        let request = client.post("/v1/analysis").header("idempotency-key", key).json(body);
        match request.timeout(ANSWER_MAX).send().await {
            Ok(response) if [200, 202].contains(&response.status().as_u16()) => {
                return (response, resent);
            }
            Ok(response) => assert_eq!(response.status(), 503),
            // The connection was refused or cut, or nobody answered.
            Err(_) => {}
        }
        resent += 1;
        assert!(tokio::time::Instant::now() < end, "{key} was not accepted in {resent} tries");
        tokio::time::sleep(PAUSE).await;
    }
}

/// A job that ends well: most are quick, some fail once, some answer at length.
fn body(random: &mut SmallRng) -> Value {
    let delay_ms = random.random_range(5..120);
    let special = match random.random_range(0..20) {
        0 => " fail=transient*1",
        1 => " fail=transient*1 step=retrieve",
        2 => " output_bytes=20000",
        _ => "",
    };
    let question = format!("script: delay_ms={delay_ms}{special}");
    json!({"company_name": "3M", "question": question})
}
