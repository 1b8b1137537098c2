//! What telemetry costs: two systems under the same load in turn, of which one sends.

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
/// What comes before the first pair.
const WARM_UP: Duration = Duration::from_secs(2);

/// All pairs.
pub(crate) struct Pairs {
    seconds: u64,
    /// Jobs a second: of the system that sends nothing, and of the one that sends.
    rates: Vec<(f64, f64)>,
    /// Messages that the collector received.
    received: usize,
}

impl Pairs {
    /// Measures so many pairs, each side for so long; `None` if a server that they need is not
    /// here. `silent` is the program of the side that sends nothing.
    pub(crate) async fn measure(
        silent: &Program,
        sending: &Program,
        pairs: u32,
        seconds: u64,
    ) -> anyhow::Result<Option<Self>> {
        let collector = ScriptedProvider::start(|_, _| Reply::status(200)).await;
        let sends = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()),
            ("ASSAY_TRACE_RATIO", RATIO.to_owned()),
        ];
        // The newer program first: the databases of both are of the form that it gives.
        let sending = System::start(sending, LAYOUT, &sends).await?;
        let silent = System::start(silent, LAYOUT, &[]).await?;
        let (Some(silent), Some(sending)) = (silent, sending) else { return Ok(None) };
        let (silent, sending) = (Client::of(silent.gateway()), Client::of(sending.gateway()));
        for client in [&silent, &sending] {
            closed_loop(CLIENTS, WARM_UP, || client.run()).await?;
        }
        let mut rates = Vec::new();
        let time = Duration::from_secs(seconds);
        let rate = async |client: &Client| {
            closed_loop(CLIENTS, time, || client.run()).await.map(|sample| sample.rate())
        };
        for pair in 0..pairs {
            // Each is the first as often as the other.
            rates.push(if pair % 2 == 0 {
                (rate(&silent).await?, rate(&sending).await?)
            } else {
                let sent = rate(&sending).await?;
                (rate(&silent).await?, sent)
            });
        }
        Ok(Some(Self { seconds, rates, received: collector.count() }))
    }

    /// What is left of the throughput, in each pair, the least first.
    fn ratios(&self) -> Vec<f64> {
        let mut ratios: Vec<f64> =
            self.rates.iter().map(|(without, with)| with / without).collect();
        ratios.sort_by(f64::total_cmp);
        ratios
    }

    fn median(&self) -> f64 {
        let ratios = self.ratios();
        let middle = ratios.len() / 2;
        if ratios.len() % 2 == 1 {
            ratios[middle]
        } else {
            f64::midpoint(ratios[middle - 1], ratios[middle])
        }
    }

    /// The measurement as JSON.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "load": "telemetry",
            "seconds": self.seconds,
            "jobs_per_second": self.rates,
            "ratios": self.ratios(),
            "median_ratio": self.median(),
            "messages_received": self.received,
        })
    }
}

impl fmt::Display for Pairs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:>6}  {:>15}  {:>15}  {:>7}",
            "pair", "jobs/s, silent", "jobs/s, sending", "ratio"
        )?;
        for (pair, (without, with)) in self.rates.iter().enumerate() {
            writeln!(f, "{:>6}  {without:>15.0}  {with:>15.0}  {:>7.3}", pair + 1, with / without)?;
        }
        writeln!(f, "{:>6}  {:>15}  {:>15}  {:>7.3}", "median", "", "", self.median())?;
        writeln!(f, "the collector received {} messages", self.received)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_that_of_the_ratios() {
        let pairs = |rates: &[(f64, f64)]| Pairs { seconds: 1, rates: rates.to_vec(), received: 0 };
        assert_eq!(pairs(&[(100.0, 90.0), (200.0, 200.0), (100.0, 50.0)]).median(), 0.9);
        assert_eq!(pairs(&[(100.0, 50.0), (100.0, 100.0)]).median(), 0.75);
    }
}
