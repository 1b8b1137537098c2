//! How instruments are made: once, over the process's meter, with buckets that fit what they
//! measure.

use std::sync::LazyLock;

use contracts::Code;
use opentelemetry::metrics::{AsyncInstrument, Counter, Histogram, Meter};
use opentelemetry::{KeyValue, global};

/// A call to something near: a database, a broker. From 0.5 ms.
pub(super) const SHORT_S: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
/// What a reader waits for: requests, events. The buckets that the conventions ask for of HTTP.
pub(super) const REQUEST_S: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// What a job waits for. With a bound at the promise of 3 s.
pub(super) const WAIT_S: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0,
    3600.0,
];
/// Work, from a plan that takes a millisecond to a job that takes its hour.
pub(super) const WORK_S: &[f64] = &[
    0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0,
    600.0, 1800.0, 3600.0,
];
/// A call of a model. The buckets that the conventions ask for.
pub(super) const MODEL_S: &[f64] =
    &[0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
/// Tokens of a request. The buckets that the conventions ask for, up to a million.
pub(super) const TOKENS: &[f64] =
    &[1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0, 65536.0, 262_144.0, 1_048_576.0];
/// What shares a commit.
pub(super) const BATCH: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

static METER: LazyLock<Meter> = LazyLock::new(|| global::meter("assay"));

pub(super) use crate::methods::OTHER;

/// What an instrument is called, counts in, and says.
pub(super) struct Named {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    pub(super) says: &'static str,
}

pub(super) fn counter(named: Named) -> Counter<u64> {
    let Named { name, unit, says } = noted("counter", named);
    METER.u64_counter(name).with_unit(unit).with_description(says).build()
}

/// A counter of what comes in parts, such as money.
pub(super) fn counter_f64(named: Named) -> Counter<f64> {
    let Named { name, unit, says } = noted("counter", named);
    METER.f64_counter(name).with_unit(unit).with_description(says).build()
}

pub(super) fn histogram(named: Named, bounds: &[f64]) -> Histogram<f64> {
    let Named { name, unit, says } = noted("histogram", named);
    let histogram = METER.f64_histogram(name).with_unit(unit).with_description(says);
    histogram.with_boundaries(bounds.to_vec()).build()
}

/// A gauge that is read by `read` whenever somebody asks. It lives as long as the process.
pub(super) fn gauge(named: Named, read: impl Fn(&dyn Gauge) + Send + Sync + 'static) {
    let Named { name, unit, says } = noted("gauge", named);
    let gauge = METER.f64_observable_gauge(name).with_unit(unit).with_description(says);
    gauge.with_callback(move |gauge| read(&gauge)).build();
}

/// Where a gauge is told what it shows.
pub(super) trait Gauge {
    fn is(&self, value: f64, attributes: &[KeyValue]);
}

impl Gauge for &dyn AsyncInstrument<f64> {
    fn is(&self, value: f64, attributes: &[KeyValue]) {
        self.observe(value, attributes);
    }
}

/// A number of things as a gauge shows it.
#[expect(clippy::cast_precision_loss, reason = "nothing here is counted up to 2^52")]
pub(super) fn many(count: usize) -> f64 {
    count as f64
}

pub(super) fn key(name: &'static str, value: &'static str) -> KeyValue {
    KeyValue::new(name, value)
}

/// That of `known` which `word` is, if it is one.
pub(super) fn known(word: &str, known: &[&'static str]) -> &'static str {
    known.iter().find(|each| **each == word).copied().unwrap_or(OTHER)
}

/// The code itself, of those that this release knows; `none` where there is no error.
pub(super) fn code_word(code: Option<&str>) -> &'static str {
    let Some(code) = code else { return "none" };
    Code::ALL.iter().map(|code| code.as_str()).find(|known| *known == code).unwrap_or(OTHER)
}

#[cfg(not(all(test, feature = "export")))]
fn noted(_: &'static str, named: Named) -> Named {
    named
}

#[cfg(all(test, feature = "export"))]
pub(super) fn noted(kind: &'static str, named: Named) -> Named {
    super::tests::note(kind, &named);
    named
}
