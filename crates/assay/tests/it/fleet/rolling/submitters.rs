//! Clients that submit at a steady rate, and send again, under the same key, what was not answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use contracts::Job;
use rand::Rng as _;
use reqwest::Response;
use serde_json::{Value, json};
use testkit::proof::Length;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::readers::{self, Transcript, Transport};
use super::service::Service;
use crate::client::{header, problem};
use crate::process::PATIENCE;

/// Clients that submit side by side, and the time between two submissions of one.
const CLIENTS: usize = 4;
const PERIOD: Duration = Duration::from_millis(200);
/// The wait before a request is sent again that nobody answered.
const PAUSE: Duration = Duration::from_millis(100);
/// One in so many jobs takes seconds and says something all the time, and has readers.
const FOLLOWED: usize = 20;
/// Readers of such a job: of each kind, at each gateway.
const READERS: usize = 4;
/// Jobs that are accepted between one replacement and the next.
const BETWEEN: Length = Length { short: 15, long: 60 };

/// A job that was accepted.
pub(super) struct Accepted {
    pub(super) job: Job,
    /// Requests that were not answered, or with 503.
    pub(super) resent: usize,
    /// Those of them whose connection was made, and lost.
    pub(super) cut: usize,
    /// From the first request to the answer.
    pub(super) took: Duration,
}

/// Clients that are submitting, and those who follow some of the jobs.
pub(super) struct Load {
    stop: CancellationToken,
    accepted: Arc<AtomicUsize>,
    clients: JoinSet<(Vec<Accepted>, JoinSet<Transcript>)>,
}

impl Load {
    pub(super) fn start(service: Arc<Service>) -> Self {
        let (stop, accepted) = (CancellationToken::new(), Arc::default());
        let mut clients = JoinSet::new();
        for first in 0..CLIENTS {
            let submitter = Submitter {
                service: Arc::clone(&service),
                stop: stop.clone(),
                accepted: Arc::clone(&accepted),
            };
            clients.spawn(submitter.run(first));
        }
        Self { stop, accepted, clients }
    }

    /// Waits until some more jobs were accepted.
    pub(super) async fn until_more_are_accepted(&self) {
        let wanted = self.accepted.load(Ordering::Relaxed) + BETWEEN.now("ASSAY_TEST_ROLLING_JOBS");
        let accepted = async || (self.accepted.load(Ordering::Relaxed) >= wanted).then_some(());
        testkit::eventually(PATIENCE, accepted).await;
    }

    /// Stops submitting: what was accepted, and what the readers were shown, to the last one's end.
    pub(super) async fn stop(self) -> (Vec<Accepted>, Vec<Transcript>) {
        self.stop.cancel();
        let (mut accepted, mut transcripts) = (Vec::new(), Vec::new());
        for (some, readers) in self.clients.join_all().await {
            accepted.extend(some);
            transcripts.extend(readers.join_all().await);
        }
        (accepted, transcripts)
    }
}

struct Submitter {
    service: Arc<Service>,
    stop: CancellationToken,
    accepted: Arc<AtomicUsize>,
}

impl Submitter {
    /// Submits jobs number `first`, `first + CLIENTS` and so on until it is told to stop.
    async fn run(self, first: usize) -> (Vec<Accepted>, JoinSet<Transcript>) {
        let (mut accepted, mut readers) = (Vec::new(), JoinSet::new());
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for n in (first..).step_by(CLIENTS) {
            tokio::select! {
                () = self.stop.cancelled() => break,
                _ = ticks.tick() => {}
            }
            let one = self.submit(n).await;
            if n.is_multiple_of(FOLLOWED) {
                for reader in 0..READERS {
                    let transport = [Transport::EventStream, Transport::WebSocket][reader / 2];
                    let (service, job) = (Arc::clone(&self.service), one.job.clone());
                    readers.spawn(readers::follow(service, job, reader, transport));
                }
            }
            accepted.push(one);
            self.accepted.fetch_add(1, Ordering::Relaxed);
        }
        (accepted, readers)
    }

    /// Submits job number `n`, asking the gateways in turn until it is accepted.
    async fn submit(&self, n: usize) -> Accepted {
        let (key, body) = (format!("rolling-{n}"), body(n));
        let (began, mut resent, mut cut) = (Instant::now(), 0, 0);
        loop {
            let (meeting, client) = self.service.meet(n + resent);
            let request = client.post("/v1/analysis").header("idempotency-key", &key).json(&body);
            match request.send().await {
                Ok(response) if [200, 202].contains(&response.status().as_u16()) => {
                    let job = response.json().await.unwrap();
                    return Accepted { job, resent, cut, took: began.elapsed() };
                }
                Ok(response) => tokio::time::sleep(retry_after(response).await).await,
                Err(error) => {
                    self.service.assert_replaced_since(meeting, &format!("{error:?}"));
                    cut += usize::from(!error.is_connect());
                    tokio::time::sleep(PAUSE).await;
                }
            }
            resent += 1;
            assert!(began.elapsed() < PATIENCE, "{key} was not accepted in {resent} tries");
        }
    }
}

/// How long an answer asks to wait that is no success: one that says that trying again can help.
pub(super) async fn retry_after(response: Response) -> Duration {
    let seconds = header(&response, "retry-after").parse().ok();
    let (status, problem) = problem(response).await;
    assert_eq!(status, 503, "{problem}");
    assert_ne!(problem["retryable"], false, "{problem}");
    Duration::from_secs(seconds.expect("a 503 says when to come back"))
}

/// Jobs whose calls take tens to hundreds of milliseconds; some answer at length, some call tools,
/// some take seconds.
fn body(n: usize) -> Value {
    let delay_ms = rand::rng().random_range(20..200);
    let question = if n.is_multiple_of(FOLLOWED) {
        "delay_ms=300 tool=scripted_read:{\"delay_ms\":300} tool_rounds=8 output_bytes=20000".into()
    } else {
        match n % 10 {
            1 => format!("delay_ms={delay_ms} tool=scripted_read:{{\"delay_ms\":{delay_ms}}}"),
            3 => format!("delay_ms={delay_ms} output_bytes=20000"),
            7 => "delay_ms=1500".to_owned(),
            _ => format!("delay_ms={delay_ms}"),
        }
    };
    json!({"company_name": "3M", "question": format!("script: {question}")})
}
