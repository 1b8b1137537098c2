//! W3C Trace Context: the `traceparent` of a request, kept with its job.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// The identity of a trace and of the span that asked.
///
/// Written as a version `00` `traceparent` header (<https://www.w3.org/TR/trace-context/>). A
/// header of a later version is read by its first four fields, as the recommendation asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    flags: u8,
}

/// How many values the random bits of a trace id have.
const RANDOM_IDS: u64 = 1 << 56;

/// A text that is no `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a W3C traceparent")]
pub struct TraceContextError;

impl TraceContext {
    /// A new trace. Of all that begin so, the share `ratio` is sampled: from 0.0, none, to 1.0.
    ///
    /// The rightmost 56 bits of the trace id decide, which the recommendation (level 2) has random
    /// for this use.
    #[must_use]
    pub fn begin(ratio: f64) -> Self {
        let trace_id = Uuid::new_v4().as_u128();
        let span_id = (Uuid::new_v4().as_u128() as u64).max(1);
        Self { trace_id, span_id, flags: u8::from(is_chosen(trace_id, ratio)) }
    }

    /// A span of a trace. `None` if one of the ids is zero, which stands for no trace or span.
    #[must_use]
    pub const fn of_span(trace_id: u128, span_id: u64, flags: u8) -> Option<Self> {
        if trace_id == 0 || span_id == 0 {
            return None;
        }
        Some(Self { trace_id, span_id, flags })
    }

    /// The trace id: 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// The trace id as a number.
    #[must_use]
    pub const fn trace_number(&self) -> u128 {
        self.trace_id
    }

    /// The id of the span that asked.
    #[must_use]
    pub const fn span_number(&self) -> u64 {
        self.span_id
    }

    /// The trace flags.
    #[must_use]
    pub const fn flags(&self) -> u8 {
        self.flags
    }

    /// Whether whoever asked may have recorded its part of the trace.
    #[must_use]
    pub const fn is_sampled(&self) -> bool {
        self.flags & 1 == 1
    }
}

/// Whether a trace is of the share `ratio` of all traces.
fn is_chosen(trace_id: u128, ratio: f64) -> bool {
    let random = trace_id as u64 % RANDOM_IDS;
    // A float holds 53 bits. Rounded to them, the highest number would not be below 1.0 any more.
    ((random >> 3) as f64) < ratio * (RANDOM_IDS >> 3) as f64
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

impl FromStr for TraceContext {
    type Err = TraceContextError;

    fn from_str(text: &str) -> Result<Self, TraceContextError> {
        let fields: Vec<&str> = text.split('-').collect();
        let [version, trace_id, span_id, flags, rest @ ..] = fields.as_slice() else {
            return Err(TraceContextError);
        };
        let version = hex(version, 2)?;
        if version == 0xff || (version == 0 && !rest.is_empty()) {
            return Err(TraceContextError);
        }
        let (trace_id, span_id) = (hex(trace_id, 32)?, hex(span_id, 16)? as u64);
        Self::of_span(trace_id, span_id, hex(flags, 2)? as u8).ok_or(TraceContextError)
    }
}

fn hex(text: &str, digits: usize) -> Result<u128, TraceContextError> {
    let lower_hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    if text.len() != digits || !text.bytes().all(lower_hex) {
        return Err(TraceContextError);
    }
    u128::from_str_radix(text, 16).map_err(|_| TraceContextError)
}

impl Serialize for TraceContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TraceContext {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_read_and_written_the_same() {
        let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let context: TraceContext = header.parse().unwrap();
        assert_eq!(context.to_string(), header);
        assert_eq!(context.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
    }

    #[test]
    fn of_traces_that_begin_the_given_share_is_sampled() {
        let sampled =
            |ratio| (0..10_000).filter(|_| TraceContext::begin(ratio).is_sampled()).count();
        assert_eq!((sampled(0.0), sampled(1.0)), (0, 10_000));
        // Ten standard deviations to either side.
        assert!((700..=1_300).contains(&sampled(0.1)));
    }

    #[test]
    fn whether_a_trace_is_sampled_follows_from_its_random_bits() {
        let highest = RANDOM_IDS - 1;
        for (random, ratio, is_sampled) in [
            (0, 0.0, false),
            (0, 1e-12, true),
            (RANDOM_IDS / 10 - 8, 0.1, true),
            (RANDOM_IDS / 10 + 8, 0.1, false),
            (highest, 0.9, false),
            (highest, 1.0, true),
        ] {
            let other_bits = 0xabcd_u128 << 56;
            assert_eq!(is_chosen(other_bits | u128::from(random), ratio), is_sampled, "{ratio}");
        }
    }

    #[test]
    fn a_later_version_is_read_and_a_broken_one_refused() {
        let later = "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more";
        assert!(later.parse::<TraceContext>().is_ok());
        for broken in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        ] {
            assert!(broken.parse::<TraceContext>().is_err(), "{broken:?}");
        }
    }
}
