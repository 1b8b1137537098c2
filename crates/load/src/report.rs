//! Measurements as people and programs read them.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::closed_loop::Sample;

/// All that was measured.
pub(crate) struct Report {
    load: &'static str,
    seconds: u64,
    pub(crate) rows: Vec<Row>,
    /// Systems whose servers are not here.
    pub(crate) absent: Vec<&'static str>,
}

/// One system under one load.
pub(crate) struct Row {
    pub(crate) system: &'static str,
    pub(crate) clients: u32,
    pub(crate) sample: Sample,
}

impl Report {
    pub(crate) const fn new(load: &'static str, seconds: u64) -> Self {
        Self { load, seconds, rows: Vec::new(), absent: Vec::new() }
    }

    /// The report as JSON. Latencies are in milliseconds.
    pub(crate) fn to_json(&self) -> Value {
        let rows = self.rows.iter().map(|Row { system, clients, sample }| {
            json!({
                "system": system,
                "clients": clients,
                "count": sample.count(),
                "per_second": rounded(sample.rate()),
                "p50_ms": rounded(ms(sample.percentile(50))),
                "p99_ms": rounded(ms(sample.percentile(99))),
            })
        });
        json!({
            "load": self.load,
            "seconds": self.seconds,
            "rows": rows.collect::<Vec<_>>(),
            "absent": self.absent,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rate = format!("{}/s", self.load);
        writeln!(
            f,
            "{:<20}  {:>7}  {:>7}  {rate:>13}  {:>9}  {:>9}",
            "system", "clients", "count", "p50", "p99"
        )?;
        for Row { system, clients, sample } in &self.rows {
            let latency = |percent| format!("{:.1} ms", ms(sample.percentile(percent)));
            writeln!(
                f,
                "{system:<20}  {clients:>7}  {:>7}  {:>13.0}  {:>9}  {:>9}",
                sample.count(),
                sample.rate(),
                latency(50),
                latency(99),
            )?;
        }
        for system in &self.absent {
            writeln!(f, "{system:<20}  not measured: PostgreSQL or RabbitMQ is not here")?;
        }
        Ok(())
    }
}

fn ms(latency: Duration) -> f64 {
    latency.as_secs_f64() * 1_000.0
}

/// To three decimals: more would be noise.
fn rounded(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}
