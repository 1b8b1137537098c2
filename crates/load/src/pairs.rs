//! What telemetry costs: two systems under the same load in turn, of which one has it.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::provider::{Reply, ScriptedProvider};

use crate::client::Client;
use crate::closed_loop::closed_loop;
use crate::system::{Layout, Program, System};

/// The system that is measured: as small as a fleet can be.
const LAYOUT: Layout = Layout::Fleet { workers: 1 };
/// Clients at a time: more than there are slots, so that there is always work.
const CLIENTS: u32 = 32;
/// How many of the traces are sent.
const RATIO: &str = "0.1";
/// Milliseconds in a tick of the kernel's accounts.
const TICK_MS: f64 = 10.0;
/// What comes before the first pair.
const WARM_UP: Duration = Duration::from_secs(2);

/// All pairs.
pub(crate) struct Pairs {
    seconds: u64,
    /// Of the system without telemetry, and of the one that measures, and sends.
    pairs: Vec<(Measured, Measured)>,
    /// Messages that the collector received.
    received: usize,
}

/// One side of a pair.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Measured {
    jobs_per_second: f64,
    /// Processor time of the gateway and the worker.
    cpu_ms_per_job: f64,
}

/// A system with a client.
struct Side {
    system: System,
    client: Client,
}

impl Side {
    async fn start(program: &Program, settings: &[(&str, String)]) -> anyhow::Result<Option<Self>> {
        let Some(system) = System::start(program, LAYOUT, settings).await? else { return Ok(None) };
        let client = Client::of(system.gateway());
        closed_loop(CLIENTS, WARM_UP, || client.run()).await?;
        Ok(Some(Self { system, client }))
    }

    async fn measure(&self, time: Duration) -> anyhow::Result<Measured> {
        let before = self.system.ticks();
        let sample = closed_loop(CLIENTS, time, || self.client.run()).await?;
        let cpu_ms = (self.system.ticks() - before) as f64 * TICK_MS;
        let jobs = sample.count() as f64;
        Ok(Measured { jobs_per_second: sample.rate(), cpu_ms_per_job: cpu_ms / jobs })
    }
}

impl Pairs {
    /// Measures so many pairs, each side for so long; `None` if a server that they need is not
    /// here. `without` is the program of the side that has its telemetry off.
    pub(crate) async fn measure(
        without: &Program,
        with: &Program,
        pairs: u32,
        seconds: u64,
    ) -> anyhow::Result<Option<Self>> {
        let collector = ScriptedProvider::start(|_, _| Reply::status(200));
        let sends = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()),
            ("ASSAY_TRACE_RATIO", RATIO.to_owned()),
        ];
        let off = [("OTEL_SDK_DISABLED", "true".to_owned())];
        // The newer program first: the databases of both are of the form that it gives.
        let with = Side::start(with, &sends).await?;
        let without = Side::start(without, &off).await?;
        let (Some(without), Some(with)) = (without, with) else { return Ok(None) };
        let time = Duration::from_secs(seconds);
        let mut measured = Vec::new();
        for pair in 0..pairs {
            // Each is the first as often as the other.
            measured.push(if pair % 2 == 0 {
                let without = without.measure(time).await?;
                (without, with.measure(time).await?)
            } else {
                let with = with.measure(time).await?;
                (without.measure(time).await?, with)
            });
        }
        Ok(Some(Self { seconds, pairs: measured, received: collector.count() }))
    }

    /// What is left of the throughput: the median over the pairs.
    fn throughput(&self) -> f64 {
        let ratio =
            |(without, with): &(Measured, Measured)| with.jobs_per_second / without.jobs_per_second;
        median(self.pairs.iter().map(ratio).collect())
    }

    /// How much more processor time a job takes: the median over the pairs.
    fn processor(&self) -> f64 {
        let ratio =
            |(without, with): &(Measured, Measured)| with.cpu_ms_per_job / without.cpu_ms_per_job;
        median(self.pairs.iter().map(ratio).collect())
    }

    /// The measurement as JSON.
    pub(crate) fn to_json(&self) -> Value {
        let pairs = self.pairs.iter().map(|(without, with)| {
            json!({
                "jobs_per_second": [without.jobs_per_second, with.jobs_per_second],
                "cpu_ms_per_job": [without.cpu_ms_per_job, with.cpu_ms_per_job],
            })
        });
        json!({
            "load": "telemetry",
            "seconds": self.seconds,
            "pairs": pairs.collect::<Vec<_>>(),
            "throughput_ratio": self.throughput(),
            "cpu_ratio": self.processor(),
            "messages_received": self.received,
        })
    }
}

impl fmt::Display for Pairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>6}  {:>19}  {:>23}", "", "jobs/s", "processor ms/job")?;
        let (without, with) = ("without", "with");
        writeln!(f, "{:>6}  {without:>9} {with:>9}  {without:>11} {with:>11}", "pair")?;
        for (pair, (without, with)) in self.pairs.iter().enumerate() {
            writeln!(
                f,
                "{:>6}  {:>9.0} {:>9.0}  {:>11.2} {:>11.2}",
                pair + 1,
                without.jobs_per_second,
                with.jobs_per_second,
                without.cpu_ms_per_job,
                with.cpu_ms_per_job,
            )?;
        }
        let (throughput, processor) = (self.throughput(), self.processor());
        writeln!(f, "{:>6}  {throughput:>19.3}  {processor:>23.3}", "ratio")?;
        writeln!(f, "the collector received {} messages", self.received)
    }
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    let middle = all.len() / 2;
    if all.len() % 2 == 1 { all[middle] } else { f64::midpoint(all[middle - 1], all[middle]) }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn a_median_has_as_many_on_either_side() {
        assert_eq!(median(vec![0.9, 1.0, 0.5]), 0.9);
        assert_eq!(median(vec![0.5, 1.0]), 0.75);
    }
}
