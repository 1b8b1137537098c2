//! Jobs start without the broker, and through the broker again once it is back.

use std::time::{Duration, Instant};

use contracts::JobState;
use testkit::proof::{self, figure};
use testkit::servers::rabbitmq::RabbitMq;

use super::processes::{Fleet, Servers};
use super::{HINTS, audit, now};
use crate::process::{PATIENCE, Server};

const JOBS: usize = 20;
/// What the answer to a submission may take, whatever the broker does.
const ANSWER_MAX: Duration = Duration::from_secs(2);
/// What is promised of dispatch after the broker's return, on a machine that does nothing else.
const BACK_MAX: Duration = Duration::from_secs(5);
/// The same where other tests run meanwhile.
const SHORT_BACK_MAX: Duration = Duration::from_secs(15);

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_accepted_and_run_without_the_broker_and_through_it_once_it_is_back() {
    let Some((servers, broker)) = Servers::with_broker_alone().await else { return };
    let fleet = Fleet::new(&servers);
    broker.stop_app().await;
    let gateway = fleet.gateway();
    let _worker = fleet.worker("one");
    let bed = Bed { servers: &servers, broker: &broker, gateway: &gateway };
    bed.serves_while("absent").await;
    broker.start_app().await;
    bed.is_back_after("absent").await;

    broker.raise_memory_alarm().await;
    let before = broker.traffic().await.confirmed;
    bed.serves_while("blocked").await;
    assert_eq!(broker.traffic().await.confirmed, before, "the broker was not blocked");
    broker.clear_memory_alarm().await;
    bed.is_back_after("blocked").await;

    broker.stop().await;
    bed.serves_while("down").await;
    broker.start().await;
    bed.is_back_after("down").await;
}

/// A gateway and a worker, and the broker between them.
struct Bed<'a> {
    servers: &'a Servers<'a>,
    broker: &'a RabbitMq,
    gateway: &'a Server,
}

impl Bed<'_> {
    /// Asserts that submissions are answered with 202, at once, and that the jobs run.
    async fn serves_while(&self, broker_is: &str) {
        let (mut jobs, mut slowest) = (Vec::new(), Duration::ZERO);
        for _ in 0..JOBS {
            let asked = Instant::now();
            jobs.push(self.gateway.submit("script: delay_ms=5").await);
            slowest = slowest.max(asked.elapsed());
        }
        audit::ended_once(self.gateway, &jobs).await;
        figure(&format!("broker {broker_is}, jobs accepted and run"), jobs.len());
        figure(&format!("broker {broker_is}, slowest 202"), format!("{slowest:.2?}"));
        assert!(slowest <= ANSWER_MAX, "{slowest:?}");
    }

    /// Asserts that from now on it takes only seconds until a job's hint goes through the broker:
    /// with nothing else in the queue, one is confirmed and one acknowledged.
    async fn is_back_after(&self, broker_was: &str) {
        let since = now();
        let dispatched = async || {
            if self.servers.host.depth(HINTS).await != Some(0) {
                return None;
            }
            let before = self.broker.traffic().await;
            let job = self.gateway.submit("script: delay_ms=1").await;
            let ended = self.gateway.until_ended(&job).await;
            assert_eq!(ended.state, JobState::Succeeded);
            let after = self.broker.traffic().await;
            let is_through =
                after.confirmed > before.confirmed && after.acknowledged > before.acknowledged;
            is_through.then(|| audit::started(&ended))
        };
        let started = testkit::eventually(PATIENCE, dispatched).await;
        let took = started.saturating_sub(since);
        figure(&format!("broker {broker_was}, from its return to dispatch"), format!("{took:.2?}"));
        let allowed = if proof::is_long() { BACK_MAX } else { SHORT_BACK_MAX };
        assert!(took <= allowed, "{took:?}");
    }
}
