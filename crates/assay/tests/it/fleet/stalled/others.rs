//! Clients that read what they asked for, and how long they wait for it.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::super::now;
use crate::client::{Client, asking, header};
use crate::sse::{self, Said, Stream};

/// How many there are.
const CLIENTS: usize = 4;
/// The pause of each between two jobs.
const PAUSE: Duration = Duration::from_millis(50);

/// Clients that go about their business.
pub(super) struct Others {
    client: Client,
}

/// What they waited for: when each wait ended, and how long it was.
#[derive(Clone, Default)]
pub(super) struct Waits {
    submissions: Vec<(Instant, Duration)>,
    reads: Vec<(Instant, Duration)>,
    events: Vec<(Instant, Duration)>,
}

/// The 99th percentile of each kind of wait.
pub(super) struct P99 {
    pub(super) submissions: Duration,
    pub(super) reads: Duration,
    pub(super) live_events: Duration,
}

impl Others {
    pub(super) fn of(client: Client) -> Self {
        Self { client }
    }

    /// Lets them do so for this long.
    pub(super) async fn measure(&self, time: Duration) -> Waits {
        let end = Instant::now() + time;
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let client = self.client.clone();
            clients.spawn(async move {
                let mut waits = Waits::default();
                while Instant::now() < end {
                    waits.ask(&client).await;
                    tokio::time::sleep(PAUSE).await;
                }
                waits
            });
        }
        let mut all = Waits::default();
        for waits in clients.join_all().await {
            all.submissions.extend(waits.submissions);
            all.reads.extend(waits.reads);
            all.events.extend(waits.events);
        }
        all
    }
}

impl Waits {
    /// Submits a job, follows it to its end, and reads it.
    async fn ask(&mut self, client: &Client) {
        let asked = Instant::now();
        let request = client.post("/v1/analysis").json(&asking("script: delay_ms=20"));
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 202, "others are served");
        self.submissions.push((Instant::now(), asked.elapsed()));
        let path = header(&response, "location").to_owned();

        let mut stream = Stream::of(sse::open(client, &path, None).await);
        let attached = now();
        while let Some(said) = stream.next().await {
            let Said::Event(_, event) = said else { continue };
            let time: contracts::Timestamp = event["time"].as_str().unwrap().parse().unwrap();
            let time = Duration::from_millis(u64::try_from(time.as_millis()).unwrap());
            // What was there before the stream began did not come late.
            if time > attached {
                self.events.push((Instant::now(), now().saturating_sub(time)));
            }
        }

        let asked = Instant::now();
        let response = client.get(&path).send().await.unwrap();
        assert_eq!(response.status(), 200, "others are served");
        self.reads.push((Instant::now(), asked.elapsed()));
    }

    /// The waits that ended after this moment.
    pub(super) fn since(mut self, moment: Instant) -> Self {
        for waits in [&mut self.submissions, &mut self.reads, &mut self.events] {
            waits.retain(|(ended, _)| *ended > moment);
        }
        self
    }

    /// How long nearly everybody waited at the most.
    pub(super) fn p99(&self) -> P99 {
        P99 {
            submissions: p99(&self.submissions),
            reads: p99(&self.reads),
            live_events: p99(&self.events),
        }
    }

    /// How many jobs two measurements are about.
    pub(super) fn jobs_and(&self, second: &Self) -> String {
        format!("{} and {}", self.submissions.len(), second.submissions.len())
    }
}

/// Nothing, where nobody waited.
fn p99(waits: &[(Instant, Duration)]) -> Duration {
    let mut waits: Vec<Duration> = waits.iter().map(|(_, wait)| *wait).collect();
    waits.sort();
    let last = (waits.len() * 99).div_ceil(100).saturating_sub(1);
    waits.get(last).copied().unwrap_or_default()
}
